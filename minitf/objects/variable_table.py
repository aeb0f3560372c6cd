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
from minitf.core.op import convert
from minitf.core.spec import as_shape, compatible, shape_text
from minitf.objects.adding import default_initializer
from minitf.objects.partitioned import PartitionedVariable, PartitionInfo, SaveSliceInfo, counts_of, places
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
        self.partitioned: dict[str, PartitionedVariable] = {}
        self.root: Any = None  # made by the first who asks for the current scope
        self.opened: dict[str, int] = {}

    def reuse(self, wanted: Any) -> Any:
        """What ``wanted`` comes to here."""
        return wanted

    def keep(self, name: str, variable: Any) -> None:
        """Notes a new variable."""
        self.variables[name] = variable

    def keep_partitioned(self, variable: PartitionedVariable) -> None:
        """Notes a new partitioned variable."""
        self.partitioned[variable.name] = variable

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

    def keep_partitioned(self, variable: PartitionedVariable) -> None:
        """Nothing."""

    def add_loss(self, home: Any, loss: Any, collection: str) -> None:
        """Nothing: collections belong to graphs."""


class KeptTable(EagerTable):
    """What an ``EagerVariableStore`` keeps."""

    keep, keep_partitioned = Table.keep, Table.keep_partitioned


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


def variables_by_name() -> dict[str, Any]:
    """The variables that ``get_variable`` has made here; those in pieces are ``PartitionedVariable`` objects.

    In eager mode there are none, unless an ``EagerVariableStore`` is in force.
    """
    store = _kept_by.get()
    table = table_of(home_here()) if store is None else store._table
    whole = {name: variable for name, variable in table.variables.items() if variable._save_slice is None}
    return {**whole, **table.partitioned}


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
    sizes = None if shape is None else as_shape(shape)
    if partitioner is not None and not callable(partitioner):
        raise ValueError(f"get_variable({name!r}): the partitioner must be callable, not {partitioner!r}.")
    if sizes != () and (partitioner is not None or (reuse is True and name in table.partitioned)):
        make = functools.partial(
            named_variable, regularizer=regularizer, reuse=reuse, trainable=trainable, collections=collections,
            validate_shape=validate_shape, constraint=constraint, synchronization=synchronization, aggregation=aggregation,
        )  # fmt: skip
        return _partitioned(table, name, sizes, dtype, initializer, partitioner, reuse, make)
    if shape is not None and is_value:
        raise ValueError(f"get_variable({name!r}): if the initializer is a constant, do not specify shape.")
    if f"{name}/part_0" in table.variables:
        raise ValueError(
            f"No partitioner was provided, but a partitioned version of the variable was found: {name}/part_0. Was a variable "
            "of the same name made with a partitioner?"
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
        trainable=trainable,
        name=name,
        dtype=None if is_value or sizes is None else dtype,
        validate_shape=validate_shape,
        constraint=constraint,
        synchronization=synchronization,
        aggregation=aggregation,
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


def _partitioned(table: Table, name: str, sizes: Any, dtype: dtypes.DType, initializer: Any, partitioner: Any, reuse: Any,
                 make: Callable[..., Any]) -> PartitionedVariable:  # fmt: skip
    """The partitioned variable of this name; ``make`` makes a piece of it, or finds it."""
    if name in table.variables:
        raise ValueError(
            f"A partitioner was provided, but an unpartitioned version of the variable was found: {name}. Was a variable of "
            "the same name made without a partitioner?"
        )
    value = None if initializer is None or callable(initializer) else convert(initializer, dtype)
    if sizes is None and value is not None:
        sizes = value.spec.shape
    found = table.partitioned.get(name)
    if found is not None:
        return _shared_partitioned(found, sizes, dtype, partitioner, reuse)
    if reuse is True:
        raise ValueError(
            f"PartitionedVariable {name} does not exist, or was not made with tf.get_variable(). Pass reuse=tf.AUTO_REUSE to "
            "the scope if it may be made here."
        )
    if sizes is None or None in sizes:
        raise ValueError(
            f"Shape of a new partitioned variable must be fully defined, but {name} was given {shape_text(sizes)}."
        )
    counts = counts_of(partitioner, name, sizes, dtype)
    pieces = []
    for number, place in enumerate(places(name, sizes, counts)):
        piece = make(f"{name}/part_{number}", place.var_shape, dtype, _of_piece(name, initializer, value, place))
        piece._save_slice = place
        pieces.append(piece)
    variable = PartitionedVariable(name, sizes, dtype, pieces, counts)
    table.keep_partitioned(variable)
    return variable


def _shared_partitioned(
    found: PartitionedVariable, sizes: Any, dtype: dtypes.DType, partitioner: Any, reuse: Any
) -> PartitionedVariable:
    name, own = found.name, found.sizes
    if not reuse:
        raise ValueError(
            f"Partitioned variable {name} already exists. Did you mean to set reuse=True or reuse=tf.AUTO_REUSE in the "
            "variable scope?"
        )
    if sizes is not None and not compatible(sizes, own):
        raise ValueError(
            f"Trying to reuse partitioned variable {name}, but the shape {shape_text(sizes)} was asked for and it has "
            f"{shape_text(own)}."
        )
    if dtype is not found.dtype:
        raise ValueError(
            f"Trying to reuse partitioned variable {name}, but {dtype.name} was asked for and it is {found.dtype.name}."
        )
    counts = found.partitions if partitioner is None else counts_of(partitioner, name, own, dtype)
    if counts != found.partitions:
        raise ValueError(
            f"Trying to reuse partitioned variable {name}, but the partitions {counts} were asked for and it has "
            f"{found.partitions}."
        )
    return found


def _of_piece(name: str, initializer: Any, value: Any, place: SaveSliceInfo) -> Callable[..., Any]:
    """The initializer of a piece: what that of the whole gives, where the piece stands."""
    if value is not None:
        box = tuple(slice(start, start + length) for start, length in place.extents)
        return lambda shape, dtype: value[box]
    if isinstance(initializer, type):
        initializer = initializer()
    if initializer is None:
        return functools.partial(_default, name, full_shape=place.full_shape)
    if "partition_info" in inspect.signature(initializer).parameters:
        return functools.partial(initializer, partition_info=PartitionInfo(place.full_shape, place.var_offset))
    return initializer  # type: ignore[no-any-return]


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


def _default(name: str, shape: list[int], dtype: dtypes.DType, full_shape: list[int] | None = None) -> Any:
    if dtype.is_complex:
        raise ValueError(f"get_variable({name!r}): a {dtype.name} variable needs an initializer.")
    return default_initializer(shape, dtype, full_shape) if dtype.is_floating else zeros(shape, dtype)


def _needs_nothing(function: Callable[..., Any]) -> bool:
    parameters = inspect.signature(function).parameters.values()
    return all(p.default is not p.empty or p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters)
