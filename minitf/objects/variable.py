"""Variable: a named place for a value, the same class in both runtimes.

A variable is a handle and the runtime in which it was born (its home). Reading and assigning are ops on the handle, so in eager
mode they happen now, and in a graph they become operations that a session runs against its own store.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from minitf.core import names, runtime
from minitf.core.calls import read
from minitf.core.dtypes import DType
from minitf.core.op import convert
from minitf.core.registry import REGISTRY
from minitf.core.spec import TensorShape, as_shape, shape_text
from minitf.core.state import Handle
from minitf.core.tape import NO_ATTRS
from minitf.core.tensor import EagerTensor, Tensor, TensorRef, value_text
from minitf.objects.creators import VariableKind
from minitf.objects.distribution import (
    VariableAggregation,
    VariableSynchronization,
    aggregation_of,
    synchronization_of,
    trained,
)
from minitf.objects.edges import UNREACHED
from minitf.objects.partial_updates import PartialUpdates
from minitf.objects.trackable import Trackable
from minitf.ops.state import is_initialized, read_variable
from minitf.saved import VARIABLE_VALUE

if TYPE_CHECKING:
    from minitf.core.spec import Spec


class Variable(PartialUpdates, Trackable, metaclass=VariableKind):
    """A tensor whose value can be changed; checkpoints save and restore it.

    * ``initial_value``: anything that ``tf.constant`` takes, a tensor, or a function without arguments that gives one. A
      function is not called if a checkpoint's value is waiting for the variable (eager mode).
    * ``trainable``: whether ``GradientTape`` watches it by itself and optimizers train it.
    * ``shape``: may leave sizes open (None), or with ``TensorShape(None)`` even the rank, for values of other shapes later.
    * ``validate_shape`` has no effect, as for TensorFlow's resource variables: the shape is the initial value's, or ``shape``.
    * ``constraint``: a function of the value that gives an allowed one; optimizers apply it after each step.
    * ``synchronization``, ``aggregation``: ``tf.VariableSynchronization`` and ``tf.VariableAggregation``, which are remembered.
      There is one device, so all that follows is that ``ON_READ`` makes a variable that is not trained unless one says so.

    Raises ValueError without an initial value, for a constraint that cannot be called, or for another synchronization or
    aggregation.
    """

    __slots__ = ("__dict__", "_handle")
    __array_priority__ = 100  # NumPy arrays leave `array + variable` to the variable

    constraint: Any = None
    _distribution = (VariableSynchronization.AUTO, VariableAggregation.NONE)
    _save_slice: Any = None  # of a piece of a partitioned variable: its place (``partitioned.SaveSliceInfo``)

    def __init__(self, initial_value: Any = None, trainable: bool | None = None, validate_shape: bool = True,
                 caching_device: Any = None, name: str | None = None, variable_def: Any = None, dtype: Any = None,
                 import_scope: Any = None, constraint: Any = None, synchronization: Any = None, aggregation: Any = None,
                 shape: Any = None, *, collections: Any = None, waiting: Any = None):  # fmt: skip
        if initial_value is None and waiting is None:
            raise ValueError("A Variable needs an initial_value (a value, a tensor, or a function that gives one).")
        if constraint is not None:
            if not callable(constraint):
                raise ValueError(f"A Variable's constraint is a function of its value, not {constraint!r}.")
            self.constraint = constraint
        if synchronization is not None or aggregation is not None:
            what = f"Variable {name or ''!r}"
            self._distribution = synchronization_of(synchronization, what), aggregation_of(aggregation, what)
            trainable = trained(trainable, self.synchronization)
        train, sizes = trainable is not False, None if shape is None else _sizes(shape)
        handle = self._handle = runtime.current().home.create_variable(initial_value, dtype, sizes, name, train, waiting)
        handle.variable = weakref.ref(self)
        self._tracking = UNREACHED
        runtime.current().register(self, train, collections)

    def _saved_values(self) -> Mapping[str, Handle]:
        return {VARIABLE_VALUE: self._handle}

    # -- what it is ----------------------------------------------------------------------------------------------------

    @property
    def handle(self) -> Handle:
        """The place that the variable names; ops that read or write it take the handle."""
        return self._handle

    @property
    def spec(self) -> Spec:
        """Dtype and shape as plain data."""
        return self._handle.spec

    @property
    def dtype(self) -> DType:
        """The element type."""
        return self._handle.spec.dtype

    @property
    def shape(self) -> TensorShape:
        """The shape (sizes left open are None)."""
        return TensorShape(self._handle.spec.shape)

    def get_shape(self) -> TensorShape:
        """The shape (1.x spelling)."""
        return self.shape

    @property
    def name(self) -> str:
        """The name with ``:0``; unique in a graph, not in eager mode."""
        return f"{self._handle.name}:0"

    @property
    def trainable(self) -> bool:
        """Whether tapes watch it by themselves and optimizers train it."""
        return self._handle.trainable

    @property
    def synchronization(self) -> VariableSynchronization:
        """When copies of the variable would be made one: what was said when it was made, else AUTO."""
        return self._distribution[0]

    @property
    def aggregation(self) -> VariableAggregation:
        """How copies of the variable would be put together: what was said when it was made, else NONE."""
        return self._distribution[1]

    def set_shape(self, shape: Any) -> None:
        """Tells sizes that were left open; others are refused from then on. Raises ValueError if they contradict."""
        self._handle.narrow(as_shape(shape))

    @property
    def device(self) -> str:
        """Always empty: devices have no effect in minitf."""
        return ""

    @property
    def graph(self) -> Any:
        """The graph that the variable belongs to. Raises AttributeError for an eager variable."""
        return self._handle.home.graph_of(f"Variable.graph of {self.name!r}", AttributeError)

    @property
    def op(self) -> Any:
        """The graph operation that stands for the variable (None if eager)."""
        return self._handle.operation

    @property
    def initializer(self) -> Any:
        """The operation that gives the variable its first value (None if eager)."""
        return self._handle.initializer

    @property
    def initial_value(self) -> Any:
        """The tensor that the initialiser assigns. Raises RuntimeError if eager."""
        self._handle.home.graph_of(f"Variable.initial_value of {self.name!r}", RuntimeError)
        return self._handle.initial_value

    def is_initialized(self, name: str | None = None) -> Tensor:
        """A bool scalar: whether the variable has a value. In a graph, an operation that tells when run."""
        return is_initialized(self._handle, name=name)  # type: ignore[no-any-return]

    def initialized_value(self) -> Any:
        """The value, or in a graph the initial value if there is none yet: for the initial values of other variables."""
        return self._handle.home.initialized_value(self._handle)

    # -- reading -------------------------------------------------------------------------------------------------------

    def read_value(self) -> Tensor:
        """The value as a tensor. In a graph, an operation that reads it when run."""
        found = read(read_variable, self._handle)
        return found if found is not None else read_variable(self._handle)

    value = read_value_no_copy = read_value

    def _as_tensor(self) -> Tensor:
        found = read(read_variable, self._handle)
        return found if found is not None else runtime.current().apply(read_variable, (self._handle,), NO_ATTRS)

    def _graph_element(self) -> Any:
        read = self._handle.read
        return None if read is None else read.outputs[0]

    def numpy(self) -> Any:
        """The value as an array of your own. Raises NotImplementedError in a graph."""
        cell = self._handle.cell
        if cell is None:
            raise NotImplementedError(
                f"numpy() needs a value, but variable {self.name!r} lives in a graph. Use session.run(variable)."
            )
        value = cell.read()
        if value.dtype.kind == "O" and value.ndim == 0:
            return value[()]
        return value.copy() if isinstance(value, np.ndarray) else value

    def eval(self, session: Any = None) -> Any:
        """The value in ``session`` or the default session.

        Raises NotImplementedError if eager, ValueError without a session.
        """
        self._handle.home.graph_of(f"Variable.eval of {self.name!r}", NotImplementedError)
        return self._graph_element().eval(session=session)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self.numpy(), dtype=dtype)

    # -- assigning -----------------------------------------------------------------------------------------------------

    def _assign(self, op: str, value: Any, name: str | None, read_value: bool) -> Any:
        result = REGISTRY[op](self._handle, self._like(value), name=name)
        return self._handle.home.assigned(self, result, read_value)

    def _like(self, value: Any) -> Any:
        dtype = self._handle.spec.dtype
        return value if type(value) is EagerTensor and value._v.dtype is dtype.np else convert(value, dtype)

    def assign(self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True) -> Any:
        """Sets the value (copied). Eager: gives the variable. Graph: gives the assigning operation's output.

        Raises ValueError for another shape, an error of the conversion for another dtype.
        """
        return self._assign("assign", value, name, read_value)

    def assign_add(self, delta: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True) -> Any:
        """Adds to the value."""
        return self._assign("assign_add", delta, name, read_value)

    def assign_sub(self, delta: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True) -> Any:
        """Subtracts from the value."""
        return self._assign("assign_sub", delta, name, read_value)

    def load(self, value: Any, session: Any = None) -> None:
        """Sets the value in a session (graph), or now (eager)."""
        self._handle.home.load(self._handle, value, session)

    # -- identity, copies ----------------------------------------------------------------------------------------------

    def _get_save_slice_info(self) -> Any:
        """TensorFlow's name for the place of a piece of a partitioned variable; None for a variable that is whole."""
        return self._save_slice

    def _set_save_slice_info(self, save_slice_info: Any) -> None:
        """Makes the variable a piece: the name-based saver writes it as a slice of the whole."""
        self._save_slice = save_slice_info

    def ref(self) -> TensorRef:
        """A hashable stand-in, for dicts and sets; ``ref().deref()`` gives the variable back."""
        return TensorRef(self)

    def __eq__(self, other: object) -> Any:
        return self._handle.home.equal(self, other)

    def __ne__(self, other: object) -> Any:
        return self._handle.home.not_equal(self, other)

    def __hash__(self) -> int:
        return self._handle.home.hash_of(self)

    def __bool__(self) -> bool:
        return bool(self.read_value())

    def __int__(self) -> int:
        return int(self.read_value())  # type: ignore[call-overload, no-any-return]

    def __float__(self) -> float:
        return float(self.read_value())  # type: ignore[arg-type]

    def __index__(self) -> int:
        return self.read_value().__index__()  # type: ignore[attr-defined, no-any-return]

    def __len__(self) -> int:
        return len(self.read_value())  # type: ignore[arg-type]

    def __iter__(self) -> Any:
        return iter(self.read_value())

    def __copy__(self) -> Variable:
        return self.__deepcopy__({})

    def __deepcopy__(self, memo: Any) -> Variable:
        value = self._handle.home.value_to_copy(self._handle)
        with runtime.using(self._handle.home):  # type: ignore[arg-type]
            new = _rebuild(type(self), value, self._handle.name, self.trainable, self._handle.spec)
        memo[id(self)] = new
        return new  # type: ignore[no-any-return]

    def __reduce__(self) -> Any:
        value = self._handle.home.value_to_copy(self._handle)
        return _rebuild, (type(self), value, self._handle.name, self.trainable, self._handle.spec)

    def __repr__(self) -> str:
        cell = self._handle.cell
        value = "" if cell is None else f", numpy={value_text(self.numpy())}"
        return f"<tf.Variable {self.name!r} shape={shape_text(self.spec.shape)} dtype={self.dtype.name}{value}>"


def _sizes(shape: Any) -> Any:
    """The shape that was asked for; ``...`` for one whose rank is left open."""
    sizes = as_shape(shape)
    return ... if sizes is None else sizes


def _rebuild(kind: type, value: Any, name: str, trainable: bool, spec: Spec) -> Any:
    with names.entered(names.Scope()):
        return kind(value, trainable=trainable, name=name, dtype=spec.dtype, shape=spec.shape)


def is_variable(obj: Any) -> bool:
    """True for variables."""
    return isinstance(obj, Variable)


def _operator(name: str) -> Any:
    def method(self: Variable, *args: Any) -> Any:
        return getattr(self._as_tensor(), name)(*args)

    method.__name__ = name
    method.__doc__ = f"``{name}`` of the value, as a tensor."
    return method


for _name in (
    "add radd sub rsub mul rmul truediv rtruediv floordiv rfloordiv mod rmod pow rpow matmul rmatmul neg abs invert and rand "
    "or ror xor rxor lt le gt ge"
).split():
    setattr(Variable, f"__{_name}__", _operator(f"__{_name}__"))
