"""Ops that make tensors: constants, filled tensors; conversion between dtypes; ops that are the identity."""

from typing import Any

import numpy as np

from minitf.core import dtypes
from minitf.core.literals import to_array
from minitf.core.op import Anything, Index, convert, op
from minitf.core.registry import REGISTRY
from minitf.core.spec import Spec, as_shape, merge_shapes, shape_text, total_size
from minitf.core.tensor import SymbolicTensor
from minitf.errors import DTypeError, InvalidArgumentError, ShapeError
from minitf.ops.shapes import settle, sum_to
from minitf.ops.static import known, requested

# -- the same value ----------------------------------------------------------------------------------------------------


@op(expr="{0}")
def identity(input: Anything):
    """The same value as a new tensor."""
    return input


@identity.vjp
def _(g, out, input):
    return (g,)


@op
def stop_gradient(input: Anything):
    """The same value; gradients do not flow back through it."""
    return input


@op(name="ensure_shape", infer_first=True)
def _ensure_shape(input: Anything, *, sizes):
    """The same value; its shape is checked when it is computed."""
    if sizes is not None:
        try:
            merge_shapes(sizes, input.shape)
        except ShapeError:
            raise ShapeError(f"ensure_shape: the tensor has shape {input.shape}, not {shape_text(sizes)}.") from None
    return input


@_ensure_shape.infer
def _(input, *, sizes):
    return Spec(input.dtype, merge_shapes(input.shape, sizes))


@_ensure_shape.vjp
def _(g, out, input, *, sizes):
    return (g,)


@_ensure_shape.samples
def _(draw):
    x = draw(Anything)
    return (x,), {"sizes": tuple(draw.choice([s, None]) for s in x.shape)}


def ensure_shape(x: Any, shape: Any, name: str | None = None) -> Any:
    """``x``, which must have ``shape`` (None: any size). Raises ShapeError, in a graph at the latest when it runs."""
    return _ensure_shape(x, sizes=as_shape(shape), name=name)


@op(name="cast")
def _cast(x: Anything, *, dtype):
    """The elements as another dtype."""
    target = dtype.np
    if x.dtype.kind == "c" and target.kind != "c":
        x = x.real
    with np.errstate(invalid="ignore"):
        return x.astype(target)


@_cast.infer
def _(x, *, dtype):
    if (x.dtype.kind == "S") != (dtype.kind == "S"):
        raise InvalidArgumentError(f"Cannot cast {x.dtype.name} to {dtype.name}. Use tf.strings.to_number or "
        f"tf.strings.as_string.",
        )  # fmt: skip
    return Spec(dtype, x.shape)


@_cast.vjp
def _(g, out, x, *, dtype):
    return (cast(g, x.dtype) if x.dtype.kind in "fc" and dtype.kind in "fc" else None,)


@_cast.samples
def _(draw):
    return (draw(draw.numbers),), {"dtype": draw.dtype_of(draw.numbers)}


def cast(x: Any, dtype: Any, name: str | None = None) -> Any:
    """``x`` with its elements converted to ``dtype``: floats are cut towards zero, complex numbers lose their imaginary
    part.
    """
    wanted = dtypes.as_dtype(dtype)
    tensor = convert(x)
    if tensor.dtype is wanted:
        return tensor
    if "S" in (tensor.dtype.kind, wanted.kind):
        _cast.specs_of((tensor,), {"dtype": wanted})
    return _cast(tensor, dtype=wanted, name=name)


def _cast_to(dtype: Any) -> Any:
    return lambda x, name=None: cast(x, dtype, name)


to_float, to_double, to_int32, to_int64 = map(_cast_to, (dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int64))

# -- filled ------------------------------------------------------------------------------------------------------------


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = "Const") -> Any:
    """A tensor with a value of Python or NumPy, copied.

    A float is float32 and an int int32 unless ``dtype`` says otherwise; NumPy arrays keep their dtype. With ``shape`` the value
    is reshaped, or repeated if it is a single element. Raises TypeError or ValueError for what cannot be such a tensor.
    """
    if isinstance(value, SymbolicTensor):
        raise TypeError(f"constant: {value.name!r} is a tensor of a graph and has no value yet. Use tf.identity.")
    if shape is None:
        return convert(value, dtype, name)
    made = np.asarray(_array(value, dtype))
    sizes: Any = requested(shape)[0]
    if made.size == total_size(sizes):
        array = made.reshape(sizes)
    elif made.size == 1:
        array = np.full(sizes, made.reshape(-1)[0] if made.dtype.kind == "O" else made.reshape(()), dtype=made.dtype)
    else:
        raise TypeError(f"constant: {made.size} elements do not make a tensor of shape {shape_text(sizes)}.")
    return convert(settle(array), dtype, name)


def _array(value: Any, dtype: Any) -> Any:
    found = known(value)
    return to_array(found, None if dtype is None else dtypes.as_dtype(dtype))


def convert_to_tensor(value: Any, dtype: Any = None, dtype_hint: Any = None, name: str | None = None) -> Any:
    """``value`` as a tensor: tensors stay as they are, variables are read, the rest is copied as by ``constant``.

    ``dtype_hint`` is used if the value can be of that dtype, else ignored. Raises ValueError for a tensor of another dtype.
    """
    if dtype is None and dtype_hint is not None:
        try:
            return convert(value, dtype_hint, name)
        except (TypeError, ValueError):
            pass
    return convert(value, dtype, name)


def _sized(dims=None, *, sizes, dtype, **_):
    if sizes is not None and any(s is not None and s < 0 for s in sizes):
        raise ShapeError(f"Cannot make a tensor of shape {shape_text(sizes)}: a size is negative.")
    return Spec(dtype, sizes)


@op(name="zeros")
def _zeros(dims: Index = None, *, sizes, dtype):
    """Zeros (for strings: empty strings)."""
    goal = sizes if dims is None else tuple(dims)
    return np.full(goal, b"", dtype=object) if dtype.kind == "S" else settle(np.zeros(goal, dtype.np))


@op(name="ones")
def _ones(dims: Index = None, *, sizes, dtype):
    """Ones."""
    return settle(np.ones(sizes if dims is None else tuple(dims), dtype.np))


@op(name="eye")
def _eye(dims: Index = None, *, sizes, dtype):
    """Ones on the diagonal of the last two axes."""
    goal = sizes if dims is None else tuple(dims)
    return np.broadcast_to(np.eye(*goal[-2:], dtype=dtype.np), goal)


for _made in (_zeros, _ones, _eye):
    _made.infer(_sized)
    _made.samples(lambda draw: ((None,), {"sizes": draw.shape(least=2), "dtype": draw.dtype()}))


def zeros(shape: Any, dtype: Any = dtypes.float32, name: str | None = None) -> Any:
    """A tensor of zeros (strings: empty ones; bools: False)."""
    sizes, dynamic = requested(shape)
    return _zeros(dynamic, sizes=sizes, dtype=dtypes.as_dtype(dtype), name=name)


def ones(shape: Any, dtype: Any = dtypes.float32, name: str | None = None) -> Any:
    """A tensor of ones (bools: True)."""
    sizes, dynamic = requested(shape)
    return _ones(dynamic, sizes=sizes, dtype=_with_one(dtype), name=name)


def _with_one(dtype: Any) -> Any:
    """The dtype. Raises DTypeError if it has no 1."""
    wanted = dtypes.as_dtype(dtype)
    if wanted.kind == "S":
        raise DTypeError("A string cannot be 1.")
    return wanted


def eye(
    num_rows: Any, num_columns: Any = None, batch_shape: Any = None, dtype: Any = dtypes.float32, name: str | None = None
) -> Any:
    """The identity matrix, or a batch of them; it need not be square."""
    columns = num_rows if num_columns is None else num_columns
    batch = () if batch_shape is None else batch_shape
    leading: Any = batch if isinstance(batch, (list, tuple)) else requested(batch)[0]
    sizes, dynamic = requested((*leading, num_rows, columns))
    return _eye(dynamic, sizes=sizes, dtype=_with_one(dtype), name=name)


@op(name="zeros_like", of_shape=True)
def _zeros_like(input: Anything, *, dtype):
    """Zeros in the shape of another tensor."""
    return np.full(input.shape, b"", dtype=object) if dtype.kind == "S" else settle(np.zeros(input.shape, dtype.np))


@op(name="ones_like", of_shape=True)
def _ones_like(input: Anything, *, dtype):
    """Ones in the shape of another tensor."""
    return settle(np.ones(input.shape, dtype.np))


for _made in (_zeros_like, _ones_like):
    _made.infer(lambda input, *, dtype: Spec(dtype, input.shape))
    _made.samples(lambda draw: ((draw(draw.numbers),), {"dtype": draw.dtype()}))


def zeros_like(input: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Zeros of the shape and (unless ``dtype`` is given) dtype of ``input``."""
    tensor = convert(input)
    if tensor.dtype is dtypes.variant:
        return REGISTRY["list_zeros_like"](tensor, name=name)
    return _zeros_like(tensor, dtype=tensor.dtype if dtype is None else dtypes.as_dtype(dtype), name=name)


def ones_like(input: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Ones of the shape and (unless ``dtype`` is given) dtype of ``input``."""
    tensor = convert(input)
    return _ones_like(tensor, dtype=_with_one(tensor.dtype if dtype is None else dtype), name=name)


@op(name="fill", infer_first=True)
def _fill(value: Anything, dims: Index = None, *, sizes):
    """One value everywhere."""
    goal = sizes if dims is None else tuple(dims)
    return settle(np.full(goal, value[()] if value.dtype.kind == "O" else value, dtype=value.dtype))


@_fill.infer
def _(value, dims=None, *, sizes):
    if value.shape not in (None, ()):
        raise ShapeError(f"The value to fill with must be a scalar, but it has shape {shape_text(value.shape)}.")
    return _sized(sizes=sizes, dtype=value.dtype)


@_fill.vjp
def _(g, out, value, dims=None, *, sizes):
    return sum_to(g, value), None


@_fill.samples
def _(draw):
    return (draw(Anything, shape=()), None), {"sizes": draw.shape()}


def fill(dims: Any, value: Any, name: str | None = None) -> Any:
    """A tensor of shape ``dims`` with the scalar ``value`` everywhere."""
    sizes, dynamic = requested(dims, "dims")
    return _fill(value, dynamic, sizes=sizes, name=name)
