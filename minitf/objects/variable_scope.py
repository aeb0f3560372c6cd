"""Variables by name: ``get_variable`` and the scopes that give it names, defaults and permission to share (TensorFlow 1.x).

    with tf.variable_scope("layer"):
        w = tf.get_variable("w", [3, 4])            # "layer/w"
    with tf.variable_scope("layer", reuse=True):
        assert tf.get_variable("w") is w

A scope is two things at once: a prefix for the names of variables, taken as it is, and a name scope for operations, made unique
when it is entered again (``layer_1/``). Names, defaults and errors follow TensorFlow's ``compat.v1``. In eager mode nothing is
shared, so every call makes a new variable; see ``variable_table``.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any

from minitf.core import dtypes, names
from minitf.core.op import convert
from minitf.core.tensor import Tensor
from minitf.objects.variable_table import AUTO_REUSE as AUTO_REUSE
from minitf.objects.variable_table import EagerVariableStore as EagerVariableStore
from minitf.objects.variable_table import home_here, named_variable, table_of

LOCAL_VARIABLES = "local_variables"

_entered: ContextVar[dict[Any, VariableScope]] = ContextVar("minitf_variable_scope", default={})  # noqa: B039  (never written into)


class VariableScope:
    """Defaults for ``get_variable``: a prefix for names, ``reuse``, ``initializer``, ``dtype``, ``custom_getter`` and others.

    ``reuse`` is False or None (only new variables), True (only existing ones) or ``AUTO_REUSE``.
    """

    def __init__(self, reuse: Any, name: str = "", initializer: Any = None, regularizer: Any = None, caching_device: Any = None,
                 partitioner: Any = None, custom_getter: Callable[..., Any] | None = None, name_scope: str = "",
                 dtype: Any = dtypes.float32, use_resource: bool | None = None, constraint: Any = None):  # fmt: skip
        self._reuse = reuse
        self.name = name
        self.original_name_scope = name_scope
        self.initializer = initializer
        self.regularizer = regularizer
        self.caching_device = caching_device
        self.partitioner = partitioner
        self.custom_getter = custom_getter
        self.dtype = dtype
        self.use_resource = use_resource
        self.constraint = constraint

    @property
    def reuse(self) -> Any:
        """Whether variables are shared here. In eager mode always ``AUTO_REUSE``."""
        return table_of(home_here()).reuse(self._reuse)

    def reuse_variables(self) -> None:
        """From now on only existing variables are given in this scope."""
        self._reuse = True

    def set_initializer(self, initializer: Any) -> None:
        """Sets the initializer of variables that name none."""
        self.initializer = initializer

    def set_regularizer(self, regularizer: Any) -> None:
        """Sets the regularizer of variables that name none."""
        self.regularizer = regularizer

    def set_dtype(self, dtype: Any) -> None:
        """Sets the dtype of variables that name none."""
        self.dtype = dtype

    def set_custom_getter(self, custom_getter: Callable[..., Any] | None) -> None:
        """Sets the function that makes variables in this scope."""
        self.custom_getter = custom_getter

    def set_partitioner(self, partitioner: Any) -> None:
        """Sets the function that says how variables are cut."""
        self.partitioner = partitioner

    def set_caching_device(self, caching_device: Any) -> None:
        """Accepted; devices have no effect."""
        self.caching_device = caching_device

    def set_use_resource(self, use_resource: bool) -> None:
        """Accepted; all variables are resource variables."""
        self.use_resource = use_resource

    def get_collection(self, name: Any) -> list[Any]:
        """The members of a collection whose names begin with this scope's."""
        return home_here().get_collection(name, self.name + "/" if self.name else None)  # type: ignore[no-any-return]

    def global_variables(self) -> list[Any]:
        """The scope's variables; none in eager mode."""
        return self.get_collection("variables")

    def trainable_variables(self) -> list[Any]:
        """The scope's trainable variables."""
        return self.get_collection("trainable_variables")

    def local_variables(self) -> list[Any]:
        """The scope's local variables."""
        return self.get_collection(LOCAL_VARIABLES)

    def get_variable(self, name: str, shape: Any = None, dtype: Any = None, initializer: Any = None, regularizer: Any = None,
                     reuse: Any = None, trainable: bool | None = None, collections: Any = None, caching_device: Any = None,
                     partitioner: Any = None, validate_shape: bool = True, use_resource: bool | None = None,
                     custom_getter: Callable[..., Any] | None = None, constraint: Any = None, synchronization: Any = None,
                     aggregation: Any = None) -> Any:  # fmt: skip
        """The variable of that name in this scope: see ``tf.compat.v1.get_variable``."""
        getter = self.custom_getter if custom_getter is None else custom_getter
        if getter is not None and not callable(getter):
            raise ValueError(f"custom_getter must be callable, not {getter!r}.")
        wanted: dict[str, Any] = {
            "name": f"{self.name}/{name}" if self.name else name,
            "shape": shape,
            "dtype": dtypes.as_dtype(self.dtype if dtype is None else dtype),
            "initializer": self.initializer if initializer is None else initializer,
            "regularizer": self.regularizer if regularizer is None else regularizer,
            "reuse": self._reuse if reuse is None else reuse,
            "trainable": trainable,
            "collections": collections,
            "caching_device": self.caching_device if caching_device is None else caching_device,
            "partitioner": self.partitioner if partitioner is None else partitioner,
            "validate_shape": validate_shape,
            "use_resource": use_resource,
            "synchronization": synchronization,
            "aggregation": aggregation,
        }
        constraint = self.constraint if constraint is None else constraint
        with names.entered(names.Scope("", names.scope().control)):
            if dtype is not None and initializer is not None and not callable(initializer):
                _check_dtype(wanted["name"], initializer, wanted["dtype"])
            if getter is None:
                return named_variable(constraint=constraint, **wanted)
            if _takes(getter, "constraint"):
                wanted["constraint"] = constraint
            return getter(getter=named_variable, **wanted)

    def __repr__(self) -> str:
        return f"<variable scope {self.name!r} reuse={self._reuse}>"


def _check_dtype(name: str, value: Any, wanted: dtypes.DType) -> None:
    found = (value if isinstance(value, Tensor) else convert(value)).dtype
    if found is not wanted:
        raise ValueError(
            f"get_variable({name!r}): the initializer is a {found.name} value, but dtype={wanted.name} was asked for. Give one "
            f"of them only."
        )


def _takes(function: Callable[..., Any], name: str) -> bool:
    parameters = inspect.signature(function).parameters
    return name in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def get_variable_scope() -> VariableScope:
    """The scope of the running code."""
    home = home_here()
    entered = _entered.get().get(home)
    if entered is not None:
        return entered
    table = table_of(home)
    if table.root is None:
        table.root = VariableScope(False)
    return table.root  # type: ignore[no-any-return]


class variable_scope:
    """``with variable_scope("layer"):`` prefixes the names of variables and operations made inside.

    * ``name_or_scope``: a name, or a scope object to enter again (whatever scope is current). None: ``default_name``, made
      unique.
    * ``reuse``: True, None (as the outer scope says) or ``AUTO_REUSE``; inner scopes inherit it.
    * ``initializer``, ``regularizer``, ``partitioner``, ``custom_getter``, ``dtype``, ``constraint``: defaults for
      ``get_variable`` inside. A getter wraps that of the outer scope.
    * ``auxiliary_name_scope=False``: the names of operations stay as they are.

    Raises TypeError without a name or with one that is neither a str nor a scope, ValueError for another ``reuse`` and for
    ``reuse`` without ``name_or_scope``.
    """

    def __init__(self, name_or_scope: Any, default_name: str | None = None, values: Any = None, initializer: Any = None,
                 regularizer: Any = None, caching_device: Any = None, partitioner: Any = None,
                 custom_getter: Callable[..., Any] | None = None, reuse: Any = None, dtype: Any = None,
                 use_resource: bool | None = None, constraint: Any = None, auxiliary_name_scope: bool = True):  # fmt: skip
        if name_or_scope is None and default_name is None:
            raise TypeError("variable_scope: a name_or_scope is required if there is no default_name.")
        if not (reuse is None or reuse is True or reuse is False or reuse is AUTO_REUSE):
            raise ValueError(f"variable_scope: reuse must be True, False, None or tf.AUTO_REUSE, not {reuse!r}.")
        if name_or_scope is None and reuse:
            raise ValueError("variable_scope: reuse cannot be used without a name_or_scope: a default_name is always new.")
        if not isinstance(auxiliary_name_scope, bool):
            raise TypeError(f"variable_scope: auxiliary_name_scope must be True or False, not {auxiliary_name_scope!r}.")
        if name_or_scope is not None and not isinstance(name_or_scope, (str, VariableScope)):
            raise TypeError(f"variable_scope: name_or_scope must be a string or a VariableScope, not {name_or_scope!r}.")
        self._given = name_or_scope
        self._default_name = default_name
        self._reuse = reuse or None
        self._own = {
            "initializer": initializer, "regularizer": regularizer, "caching_device": caching_device,
            "partitioner": partitioner, "custom_getter": custom_getter, "dtype": dtype, "use_resource": use_resource,
        }  # fmt: skip
        self._constraint = constraint
        self._auxiliary = auxiliary_name_scope
        self._unique = ""
        self._open: list[tuple[ExitStack, VariableScope]] = []

    def __enter__(self) -> VariableScope:
        home = home_here()
        stack = ExitStack()
        try:
            path = stack.enter_context(self._names(home))
            scope = self._scope(home, path)
            stack.enter_context(_entering(home, scope, isinstance(self._given, VariableScope)))
        except BaseException:
            stack.close()
            raise
        self._open.append((stack, scope))
        return scope

    def __exit__(self, *error: Any) -> None:
        stack, scope = self._open.pop()
        proper = get_variable_scope() is scope
        stack.close()
        if not proper and error[0] is None:
            raise RuntimeError(f"Improper nesting: variable scope {scope.name!r} was left while another one was open in it.")

    def _names(self, home: Any) -> AbstractContextManager[str]:
        """The name scope of operations; gives its path."""
        if not self._auxiliary:
            return nullcontext(names.scope().path)
        if isinstance(self._given, VariableScope):
            last: str | None = self._given.name.split("/")[-1]
        else:
            last = self._default_name if self._given is None else self._given
        return home.name_scope(last) if last else nullcontext("")

    def _scope(self, home: Any, path: str) -> VariableScope:
        base = outer = get_variable_scope()
        if isinstance(self._given, VariableScope):
            base = self._given
            name, path = base.name, base.original_name_scope
        else:
            own: str = self._unique_name(home, outer) if self._given is None else self._given
            name = f"{outer.name}/{own}" if outer.name else own
        settings = {key: getattr(base, key) if value is None else value for key, value in self._own.items()}
        if self._own["custom_getter"] is not None:
            settings["custom_getter"] = _around(self._own["custom_getter"], base.custom_getter)
        return VariableScope(self._reuse or base._reuse, name, name_scope=path, constraint=self._constraint, **settings)

    def _unique_name(self, home: Any, outer: VariableScope) -> str:
        if not self._unique:
            opened = table_of(home).opened
            prefix = outer.name + "/" if outer.name else ""
            name, n = str(self._default_name), 0
            while opened.get(prefix + name, 0):
                n += 1
                name = f"{self._default_name}_{n}"
            self._unique = name
        return self._unique


@contextmanager
def _entering(home: Any, scope: VariableScope, again: bool) -> Iterator[None]:
    table = table_of(home)
    table.opened[scope.name] = table.opened.get(scope.name, 0) + 1
    before = dict(table.opened)
    token = _entered.set({**_entered.get(), home: scope})
    try:
        yield
    finally:
        _entered.reset(token)
        if again:
            table.opened = before
        else:
            table.close(scope.name)


def _around(outer: Callable[..., Any], inner: Callable[..., Any] | None) -> Callable[..., Any]:
    """A getter that is given the outer scope's getter to call."""
    if inner is None:
        return outer
    return lambda getter, *args, **kwargs: outer(functools.partial(inner, getter), *args, **kwargs)


@contextmanager
def variable_op_scope(
    values: Any, name_or_scope: Any, default_name: str | None = None, **options: Any
) -> Iterator[VariableScope]:
    """``variable_scope`` with its older order of arguments."""
    with variable_scope(name_or_scope, default_name, values, **options) as scope:
        yield scope


# -- variables -----------------------------------------------------------------------------------------------------------


def get_variable(name: str, shape: Any = None, dtype: Any = None, initializer: Any = None, regularizer: Any = None,
                 trainable: bool | None = None, collections: Any = None, caching_device: Any = None, partitioner: Any = None,
                 validate_shape: bool = True, use_resource: bool | None = None,
                 custom_getter: Callable[..., Any] | None = None, constraint: Any = None, synchronization: Any = None,
                 aggregation: Any = None) -> Any:  # fmt: skip
    """The variable ``name`` of the current scope: a new one or, where the scope allows sharing, the existing one.

    * ``shape``: needed for a new variable unless ``initializer`` is a value.
    * ``initializer``: a function ``(shape, dtype=...)`` or a class whose instances are, a value (then without ``shape``), or a
      function without arguments (then without ``shape``). Default: the scope's; then Glorot-uniform for floats, zeros for
      integers, bool and strings.
    * ``regularizer``: a function of the new variable; what it gives goes to the collection ``regularization_losses`` (graph).
    * ``partitioner(shape=..., dtype=...)``: gives the number of pieces along each axis, of which one may be more than 1. Then
      the result is a ``PartitionedVariable``, unless the shape is that of a number. An initializer with an argument
      ``partition_info`` is told shape and place of the piece that it makes.
    * ``custom_getter(getter, name, **kwargs)``: is called instead, and may call ``getter``.

    Raises ValueError if the variable exists and may not be shared, if it must be shared and does not exist, if its shape, dtype
    or partitioning is another, and for a new variable of which shape or initial value are not known. In eager mode each call
    makes a new variable, unless an ``EagerVariableStore`` is in force.
    """
    return get_variable_scope().get_variable(
        name, shape, dtype, initializer, regularizer, None, trainable, collections, caching_device, partitioner, validate_shape,
        use_resource, custom_getter, constraint, synchronization, aggregation,
    )  # fmt: skip


def get_local_variable(name: str, shape: Any = None, dtype: Any = None, initializer: Any = None, regularizer: Any = None,
                       trainable: bool = False, collections: Any = None, **options: Any) -> Any:  # fmt: skip
    """``get_variable`` for variables that are neither trained nor saved by default: they go to the local collection."""
    collections = [*(collections or []), LOCAL_VARIABLES]
    return get_variable(name, shape, dtype, initializer, regularizer, False, collections, **options)


def no_regularizer(_: Any) -> None:
    """A regularizer that does nothing: it keeps the scope's from being used."""
    return
