"""Tensors: ``EagerTensor`` holds a value, ``SymbolicTensor`` stands for an output of a graph operation.

Operators are installed by the ops that implement them. For eager tensors the method is written out as source text from the op's
expression, so that ``a + b`` costs one Python call above NumPy: both are eager, no other context is active anywhere, the dtypes
are the same object and numeric; everything else takes the general road through ``Op.__call__``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from minitf.core import dtypes
from minitf.core.dtypes import DType
from minitf.core.spec import Spec, TensorShape, shape_text
from minitf.errors import OperatorNotAllowedInGraphError


class Tensor:
    """An n-dimensional array of one dtype: a value (eager) or the output of a graph operation."""

    __slots__ = ("__weakref__", "assign")
    assign: Any  # only of a slice of a variable: puts another value there
    __array_priority__ = 100  # NumPy arrays leave `array + tensor` to the tensor

    @property
    def spec(self) -> Spec:
        """Dtype and shape as plain data."""
        raise NotImplementedError

    @property
    def dtype(self) -> DType:
        """The element type."""
        return self.spec.dtype

    @property
    def shape(self) -> TensorShape:
        """The shape, as far as it is known."""
        return TensorShape(self.spec.shape)

    @property
    def ndim(self) -> int:
        """Number of dimensions. Raises ValueError if it is not known."""
        return len(self.shape)

    def get_shape(self) -> TensorShape:
        """The shape (1.x spelling)."""
        return self.shape

    def ref(self) -> TensorRef:
        """A hashable stand-in, for dicts and sets; ``ref().deref()`` gives the tensor back."""
        return TensorRef(self)

    def __bool__(self) -> bool:
        raise NotImplementedError

    def __rsub__(self, other: Any) -> Any:
        raise NotImplementedError

    if TYPE_CHECKING:  # installed by the ops

        def __add__(self, other: Any) -> Tensor: ...
        def __radd__(self, other: Any) -> Tensor: ...
        def __sub__(self, other: Any) -> Tensor: ...
        def __mul__(self, other: Any) -> Tensor: ...
        def __rmul__(self, other: Any) -> Tensor: ...
        def __truediv__(self, other: Any) -> Tensor: ...
        def __rtruediv__(self, other: Any) -> Tensor: ...
        def __floordiv__(self, other: Any) -> Tensor: ...
        def __mod__(self, other: Any) -> Tensor: ...
        def __pow__(self, other: Any) -> Tensor: ...
        def __rpow__(self, other: Any) -> Tensor: ...
        def __matmul__(self, other: Any) -> Tensor: ...
        def __neg__(self) -> Tensor: ...
        def __abs__(self) -> Tensor: ...
        def __invert__(self) -> Tensor: ...
        def __and__(self, other: Any) -> Tensor: ...
        def __or__(self, other: Any) -> Tensor: ...
        def __lt__(self, other: Any) -> Tensor: ...
        def __le__(self, other: Any) -> Tensor: ...
        def __gt__(self, other: Any) -> Tensor: ...
        def __ge__(self, other: Any) -> Tensor: ...
        def __getitem__(self, key: Any) -> Tensor: ...


class TensorRef:
    """A hashable reference to a tensor or variable, compared by identity."""

    __slots__ = ("_target",)

    def __init__(self, target: Any):
        self._target = target

    def deref(self) -> Any:
        """What the reference stands for."""
        return self._target

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TensorRef) and self._target is other._target

    def __hash__(self) -> int:
        return id(self._target)

    def __repr__(self) -> str:
        return f"<reference to {self._target!r}>"


def value_text(value: Any) -> str:
    """How tensors and variables show their value: numbers as Python's, arrays of several lines from a line of their own."""
    text = repr(value.item() if isinstance(value, np.generic) else value)
    return f"\n{text}" if "\n" in text else text


class EagerTensor(Tensor):
    """A tensor with a value. ``_v`` is a NumPy array or, for rank 0, a NumPy scalar (strings: a 0-d object array).

    ``_node`` is the tensor's place on the tapes that recorded how it was made (see ``core.tape``); None if none did.

    There is no constructor, which would take as long as a small sum: who makes many fills in the slots of an ``EagerTensor()``,
    others call ``tensor_of``.
    """

    __slots__ = ("_node", "_v")
    _v: Any
    _node: Any

    @property
    def spec(self) -> Spec:
        """Dtype and shape as plain data."""
        v = self._v
        return Spec(dtypes.of_numpy(v.dtype), v.shape)

    @property
    def dtype(self) -> DType:
        """The element type."""
        return dtypes.of_numpy(self._v.dtype)

    @property
    def shape(self) -> TensorShape:
        """The shape."""
        return TensorShape(self._v.shape)

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return int(self._v.ndim)

    def numpy(self) -> Any:
        """The value, as an array (rank 0: a NumPy scalar) of your own: writing into it changes nothing else."""
        v = self._v
        if v.dtype.kind == "O" and v.ndim == 0:
            return v[()]
        return v.copy() if v.ndim else v

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if copy is False:
            raise ValueError("A tensor's array is never shared, so it cannot be had without a copy.")
        return np.array(self._v, dtype=dtype)

    def _single(self, what: str) -> Any:
        if self._v.size != 1 or self._v.ndim != 0:
            raise TypeError(f"{what}() needs a tensor with one element and rank 0, but this one has shape {self._v.shape}.")
        return self._v[()]

    def __bool__(self) -> bool:
        if self._v.size != 1:
            raise ValueError(
                f"The truth value of a tensor of shape {self._v.shape} is ambiguous. Use tf.reduce_any or tf.reduce_all."
            )
        return bool(self._v)

    def __int__(self) -> int:
        return int(self._single("int"))

    def __float__(self) -> float:
        v = self._v
        return float(v if isinstance(v, np.generic) else self._single("float"))

    def __complex__(self) -> complex:
        return complex(self._single("complex"))

    def __index__(self) -> int:
        if self._v.dtype.kind not in "iu":
            raise TypeError(f"Only integer tensors can be used as an index, not {self.dtype.name}.")
        return int(self._single("index"))

    def __len__(self) -> int:
        if self._v.ndim == 0:
            raise TypeError("A tensor of rank 0 has no len().")
        return int(self._v.shape[0])

    def __iter__(self) -> Any:
        if self._v.ndim == 0:
            raise TypeError("Cannot iterate over a tensor of rank 0.")
        return (self[i] for i in range(self._v.shape[0]))

    def __format__(self, form: str) -> str:
        return format(self._v[()] if self._v.ndim == 0 else self._v, form)

    __hash__ = None  # type: ignore[assignment]  # == is elementwise

    def __copy__(self) -> EagerTensor:
        return self

    def __deepcopy__(self, memo: Any) -> EagerTensor:
        return tensor_of(self._v.copy())

    def __reduce__(self) -> tuple[Any, ...]:
        return tensor_of, (self._v,)

    def __repr__(self) -> str:
        return f"<tf.Tensor: shape={self._v.shape}, dtype={self.dtype.name}, numpy={value_text(self.numpy())}>"

    def __str__(self) -> str:
        text = str(self.numpy())
        line = "\n" if "\n" in text else ""
        return f"tf.Tensor({line}{text}, shape={self._v.shape}, dtype={self.dtype.name})"

    @property
    def name(self) -> NoReturn:
        """Only graph tensors have names."""
        raise AttributeError("An eager tensor is a value and has no name; only tensors of a graph do.")

    @property
    def device(self) -> str:
        """Where the value is: minitf computes on the CPU only."""
        return "/job:localhost/replica:0/task:0/device:CPU:0"

    backing_device = device

    def cpu(self) -> EagerTensor:
        """The tensor itself, which is on the CPU."""
        return self

    def gpu(self, gpu_index: int = 0) -> NoReturn:
        """Raises RuntimeError: there is no GPU."""
        raise RuntimeError(f"There is no GPU:{gpu_index}: minitf computes on the CPU only.")

    def set_shape(self, shape: Any) -> None:
        """Does nothing, as the shape is known. Raises ShapeError if ``shape`` is another."""
        self.shape.assert_is_compatible_with(shape)

    def eval(self, *_: Any, **__: Any) -> NoReturn:
        """Only graph tensors can be evaluated in a session."""
        raise NotImplementedError("An eager tensor has its value already: use .numpy(). eval() is for tensors of a graph.")


def tensor_of(value: Any) -> EagerTensor:
    """A tensor around an array (or NumPy scalar) that minitf owns."""
    tensor = EagerTensor()
    tensor._v = value
    tensor._node = None
    return tensor


class SymbolicTensor(Tensor):
    """Output ``index`` of a graph operation. It has a value only within a ``Session.run``.

    Graphs make tensors by the thousand and write their attributes themselves, which takes half the time of an ``__init__``.
    """

    __slots__ = ("_spec", "index", "op")
    _spec: Spec
    index: int
    op: Any

    @property
    def spec(self) -> Spec:
        """Dtype and shape as plain data."""
        return self._spec

    @property
    def graph(self) -> Any:
        """The graph that the tensor belongs to."""
        return self.op.graph

    @property
    def name(self) -> str:
        """``operation:output``, unique in the graph."""
        return f"{self.op.name}:{self.index}"

    @property
    def value_index(self) -> int:
        """Its place among the outputs of its operation."""
        return self.index

    @property
    def device(self) -> str:
        """Always empty: devices have no effect in minitf."""
        return ""

    def set_shape(self, shape: Any) -> None:
        """Adds what is known of the shape. Raises ValueError if it contradicts what was known."""
        self._spec = Spec(self._spec.dtype, self.shape.merge_with(shape).sizes)

    def consumers(self) -> list[Any]:
        """The operations of the graph that take this tensor as input."""
        return [o for o in self.graph.get_operations() if any(i is self for i in o.inputs)]

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """The value, from ``session`` or the default session. Raises ValueError if there is neither."""
        return self.graph.session_for(session, f"Tensor.eval of {self.name!r}", ValueError).run(self, feed_dict)

    def _refuse(self, what: str, instead: str) -> NoReturn:
        raise OperatorNotAllowedInGraphError(
            f"{what} a tensor of a graph ({self.name!r}, {self._spec}): it has no value yet, it stands for one that a "
            f"session will compute. {instead}"
        )

    def __bool__(self) -> NoReturn:
        self._refuse("Cannot take the truth value of", "Use tf.cond, or run it in a session and test the result.")

    def __len__(self) -> NoReturn:
        self._refuse("Cannot take len() of", "Use tf.shape(x)[0], or x.shape for what is known while building.")

    def __iter__(self) -> NoReturn:
        self._refuse("Cannot iterate over", "Use tf.unstack, or run it in a session and iterate over the result.")

    def numpy(self) -> NoReturn:
        """Not available: the tensor has no value yet."""
        raise NotImplementedError(
            f"Cannot call numpy() on a tensor of a graph ({self.name!r}): it has no value yet. Get it with session.run(x)."
        )

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        raise NotImplementedError(
            f"Cannot convert a tensor of a graph ({self.name!r}) to a NumPy array: it has no value yet. Get it with "
            f"session.run(x)."
        )

    def __float__(self) -> NoReturn:
        self._refuse("Cannot convert to float", "Get its value with session.run(x).")

    def __int__(self) -> NoReturn:
        self._refuse("Cannot convert to int", "Get its value with session.run(x).")

    def __index__(self) -> NoReturn:
        self._refuse("Cannot use as an index", "Use tf.gather, or run it in a session.")

    def __eq__(self, other: object) -> Any:
        return self.op.graph.equal(self, other)

    def __ne__(self, other: object) -> Any:
        return self.op.graph.not_equal(self, other)

    __hash__ = object.__hash__  # feeds are looked up by it; in a traced function TensorFlow refuses it

    def __copy__(self) -> SymbolicTensor:
        return self

    def __deepcopy__(self, memo: Any) -> NoReturn:
        self._refuse("Cannot deep-copy", "Build the graph again instead.")

    def __reduce__(self) -> NoReturn:
        self._refuse("Cannot pickle", "Save values with a checkpoint instead.")

    def __repr__(self) -> str:
        return f"<tf.Tensor {self.name!r} shape={shape_text(self._spec.shape)} dtype={self._spec.dtype.name}>"

    def __str__(self) -> str:
        shape = "" if self._spec.shape is None else f", shape={shape_text(self._spec.shape)}"
        return f'Tensor("{self.name}"{shape}, dtype={self._spec.dtype.name})'
