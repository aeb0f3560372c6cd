"""Which variables there are by name, and how one is found or made: what ``get_variable`` does below scopes and getters.

A graph has one table for its whole life, so names can be shared. Eager variables are owned by the objects that hold them: there
every call makes a new one, unless an ``EagerVariableStore`` is in force. Rules and errors follow TensorFlow's ``compat.v1``.
"""

from __future__ import annotations

import enum
import functools
import inspect
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from minitf.core import dtypes, names, runtime
from minitf.core.spec import as_shape, compatible, shape_text
from minitf.objects.adding import default_initializer
from minitf.objects.variable import Variable
from minitf.ops.creating import zeros


class _ReuseMode(enum.Enum):
    AUTO_REUSE = 1


AUTO_REUSE = _ReuseMode.AUTO_REUSE
"""As the ``reuse`` of a scope: share the variable of that name if there is one, else make it."""

REGULARIZATION_LOSSES = "regularization_losses"


class Table:
    """The variables of one graph by name, its outermost scope, and how often scopes were opened under each name."""

    def __init__(self) -> None:
        self.variables: dict[str, Any] = {}
        self.root: Any = None  # made by the first who asks for the current scope
        self.opened: dict[str, int] = {}

    def reuse(self, wanted: Any) -> Any:
        """What ``wanted`` comes to here."""
        return wanted

    def keep(self, name: str, variable: Any) -> None:
        """Notes a new variable."""
        self.variables[name] = variable

    def add_loss(self, home: Any, loss: Any, collection: str) -> None:
        """Notes a loss in a collection."""
        home.add_to_collection(collection, loss)

    def close(self, name: str) -> None:
        """Forgets how often scopes inside ``name`` were opened: their automatic names start anew."""
        for inner in self.opened:
            if inner.startswith(name + "/"):
                self.opened[inner] = 0


class EagerTable(Table):
    """Eager variables have no unique names, so none is ever found again."""

    def reuse(self, wanted: Any) -> Any:
        """Always ``AUTO_REUSE``."""
        return AUTO_REUSE

    def keep(self, name: str, variable: Any) -> None:
        """Nothing."""

    def add_loss(self, home: Any, loss: Any, collection: str) -> None:
        """Nothing: collections belong to graphs."""


class KeptTable(EagerTable):
    """What an ``EagerVariableStore`` keeps."""

    def keep(self, name: str, variable: Any) -> None:
        """Notes a new variable."""
        self.variables[name] = variable


_TABLES = {False: Table, True: EagerTable}  # by a home's ``eager``
_tables: weakref.WeakKeyDictionary[Any, Table] = weakref.WeakKeyDictionary()
_kept_by: ContextVar[EagerVariableStore | None] = ContextVar("minitf_variable_store", default=None)


def home_here() -> Any:
    """The home of variables made here."""
    return runtime.current().home


def table_of(home: Any) -> Table:
    """The table of a home, made when it is first asked for."""
    table = _tables.get(home)
    if table is None:
        table = _tables[home] = _TABLES[home.eager]()
    return table


def add_loss(loss: Any, collection: str) -> None:
    """Notes a loss in a collection, where there are collections."""
    home = home_here()
    table_of(home).add_loss(home, loss, collection)


def add_regularization_loss(loss: Any) -> None:
    """Notes a penalty, where there are collections."""
    add_loss(loss, REGULARIZATION_LOSSES)


class EagerVariableStore:
    """Keeps eager variables by name, so that ``get_variable`` finds them again: ``with store.as_default():``.

    Inside, every ``get_variable`` acts as with ``AUTO_REUSE``.
    """

    def __init__(self) -> None:
        self._table = KeptTable()

    @staticmethod
    def current() -> EagerVariableStore | None:
        """The store that is in force."""
        return _kept_by.get()

    @contextmanager
    def as_default(self) -> Iterator[None]:
        """Makes the store the place where eager variables are looked up and kept."""
        token = _kept_by.set(self)
        try:
            yield
        finally:
            _kept_by.reset(token)

    def variables(self) -> list[Any]:
        """All variables, by name."""
        return sorted(self._table.variables.values(), key=lambda v: str(v.name))

    def trainable_variables(self) -> list[Any]:
        """Those that are trained."""
        return [v for v in self.variables() if v.trainable]

    def non_trainable_variables(self) -> list[Any]:
        """Those that are not trained."""
        return [v for v in self.variables() if not v.trainable]


def named_variable(name: str, shape: Any = None, dtype: Any = dtypes.float32, initializer: Any = None, regularizer: Any = None,
         reuse: Any = None, trainable: bool | None = None, collections: Any = None, caching_device: Any = None,
         partitioner: Any = None, validate_shape: bool = True, use_resource: bool | None = None, constraint: Any = None,
         synchronization: Any = None, aggregation: Any = None) -> Any:  # fmt: skip
    """The variable with this full name: the getter below all custom ones. Arguments and errors are ``get_variable``'s."""
    home = home_here()
    store = _kept_by.get()
    table = table_of(home) if store is None else store._table
    reuse = table.reuse(reuse)
    dtype = dtypes.as_dtype(dtype)
    is_value = initializer is not None and not callable(initializer)
    if shape is not None and is_value:
        raise ValueError(f"get_variable({name!r}): if the initializer is a constant, do not specify shape.")
    sizes = None if shape is None else as_shape(shape)
    if partitioner is not None and sizes != ():
        raise NotImplementedError(
            f"get_variable({name!r}): minitf has no partitioned variables. Leave the partitioner out; files with partitioned "
            f"values can be read all the same."
        )
    if name in table.variables:
        return _shared(name, table.variables[name], sizes, dtype, reuse)
    if reuse is True:
        raise ValueError(
            f"Variable {name} does not exist, or was not made with tf.get_variable(). Pass reuse=tf.AUTO_REUSE to the scope if "
            f"it may be made here."
        )
    variable = Variable(
        initializer if is_value else _initial_value(name, sizes, dtype, initializer),
        trainable=trainable is not False,
        name=name,
        dtype=None if is_value or sizes is None else dtype,
        validate_shape=validate_shape,
        constraint=constraint,
        shape=sizes,
        collections=collections,
    )
    table.keep(name, variable)
    if regularizer is not None:
        with names.entered(names.Scope(f"{name}/Regularizer/", names.scope().control)):
            loss = regularizer(variable)
        if loss is not None:
            table.add_loss(home, loss, REGULARIZATION_LOSSES)
    return variable


def _shared(name: str, found: Any, sizes: Any, dtype: dtypes.DType, reuse: Any) -> Any:
    if not reuse:
        raise ValueError(
            f"Variable {name} already exists, disallowed. Did you mean to set reuse=True or reuse=tf.AUTO_REUSE in the "
            "variable scope?"
        )
    if sizes is not None and not compatible(sizes, found.spec.shape):
        raise ValueError(
            f"Trying to share variable {name}, but the shape {shape_text(sizes)} was asked for and it has "
            f"{shape_text(found.spec.shape)}."
        )
    if dtype is not found.dtype:
        raise ValueError(f"Trying to share variable {name}, but {dtype.name} was asked for and it is {found.dtype.name}.")
    return found


def _initial_value(name: str, sizes: Any, dtype: dtypes.DType, initializer: Any) -> Callable[[], Any]:
    """A function without arguments that gives the first value."""
    if initializer is None and sizes is None:
        raise ValueError(f"Variable {name} did not get an initializer, so its shape must be specified.")
    if isinstance(initializer, type):
        initializer = initializer()
    if sizes is not None and None not in sizes:
        return functools.partial(initializer or functools.partial(_default, name), list(sizes), dtype=dtype)
    if initializer is None or not _needs_nothing(initializer):
        raise ValueError(
            f"get_variable({name!r}): the initializer needs a shape to fill, but the shape is {shape_text(sizes)}. Give a "
            "shape that is fully known, or an initializer without arguments and no shape."
        )
    return initializer  # type: ignore[no-any-return]


def _default(name: str, shape: list[int], dtype: dtypes.DType) -> Any:
    if dtype.is_complex:
        raise ValueError(f"get_variable({name!r}): a {dtype.name} variable needs an initializer.")
    return default_initializer(shape, dtype) if dtype.is_floating else zeros(shape, dtype)


def _needs_nothing(function: Callable[..., Any]) -> bool:
    parameters = inspect.signature(function).parameters.values()
    return all(p.default is not p.empty or p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters)
