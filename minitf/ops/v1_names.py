"""Functions that TensorFlow 1.x had at the top, and that 2.x has elsewhere, with other arguments, or not at all."""

from typing import Any

from minitf.core import dtypes, runtime
from minitf.core.op import convert
from minitf.ops import (
    activations,
    blocks,
    creating,
    formulas,
    gathering,
    places,
    pooling,
    random,
    reductions,
    shapes,
    sorting,
    strings,
)
from minitf.ops.asserting import check_numerics
from minitf.ops.comparisons import greater_equal
from minitf.ops.control import Assert
from minitf.ops.indexing import slice as slice_
from minitf.ops.reductions import reduce_all
from minitf.ops.v1 import one_of

# -- casts -------------------------------------------------------------------------------------------------------------


def _caster(dtype: Any, usual: str) -> Any:
    def to(x: Any, name: str | None = usual) -> Any:
        return creating.cast(x, dtype, name)

    to.__doc__ = f"``x`` as {dtype.name}, as ``tf.cast``."
    return to


to_float = _caster(dtypes.float32, "ToFloat")
to_double = _caster(dtypes.float64, "ToDouble")
to_int32 = _caster(dtypes.int32, "ToInt32")
to_int64 = _caster(dtypes.int64, "ToInt64")
to_bfloat16 = _caster(dtypes.bfloat16, "ToBFloat16")
to_complex64 = _caster(dtypes.complex64, "ToComplex64")
to_complex128 = _caster(dtypes.complex128, "ToComplex128")

# -- elements ----------------------------------------------------------------------------------------------------------


def arg_max(input: Any, dimension: Any, output_type: Any = dtypes.int64, name: str | None = None) -> Any:
    """The position of the largest element along ``dimension``; as ``tf.argmax``."""
    return reductions.argmax(input, dimension, output_type, name)


def arg_min(input: Any, dimension: Any, output_type: Any = dtypes.int64, name: str | None = None) -> Any:
    """The position of the smallest element along ``dimension``; as ``tf.argmin``."""
    return reductions.argmin(input, dimension, output_type, name)


def log_sigmoid(x: Any, name: str | None = None) -> Any:
    """``log(sigmoid(x))``"""
    return activations.log_sigmoid(x, name=name)


def batch_gather(params: Any, indices: Any, name: str | None = None) -> Any:
    """Slices of ``params`` by number, along the last axis of ``indices``; the axes before it are a batch.

    Raises ValueError if ``indices`` are a scalar, or a session has to tell their rank.
    """
    numbers = convert(indices)
    if not numbers.shape.rank:
        raise ValueError(f"batch_gather: the indices must have at least rank 1, but they have shape {numbers.shape}.")
    last = numbers.shape.rank - 1
    return gathering.gather(params, numbers, axis=last, batch_dims=last, name=name)


def string_to_number(string_tensor: Any = None, out_type: Any = dtypes.float32, name: str | None = None,
                     input: Any = None) -> Any:  # fmt: skip
    """Texts as numbers; as ``tf.strings.to_number`` (1.x: the texts also as ``input``)."""
    return strings.to_number(one_of(string_tensor, input, "string_tensor", "input"), out_type, name)


def bincount(arr: Any, weights: Any = None, minlength: Any = None, maxlength: Any = None, dtype: Any = dtypes.int32) -> Any:
    """How often each natural number occurs; as ``tf.math.bincount``."""
    return sorting.bincount(arr, weights, minlength, maxlength, dtype)


def confusion_matrix(labels: Any, predictions: Any, num_classes: Any = None, dtype: Any = dtypes.int32,
                     name: str | None = None, weights: Any = None) -> Any:  # fmt: skip
    """How often each label (row) was predicted as each class (column); as ``tf.math.confusion_matrix``."""
    return formulas.confusion_matrix(labels, predictions, num_classes, weights, dtype, name)


def space_to_depth(input: Any, block_size: Any, name: str | None = None, data_format: str = "NHWC") -> Any:
    """Blocks of places become channels; as ``tf.nn.space_to_depth``."""
    return pooling.space_to_depth(input, block_size, data_format, name)


def depth_to_space(input: Any, block_size: Any, name: str | None = None, data_format: str = "NHWC") -> Any:
    """Channels become blocks of places; as ``tf.nn.depth_to_space``."""
    return pooling.depth_to_space(input, block_size, data_format, name)


def reverse_sequence(
    input: Any, seq_lengths: Any, seq_axis: Any = None, batch_axis: Any = None, name: str | None = None, seq_dim: Any = None,
    batch_dim: Any = None,
) -> Any:  # fmt: skip
    """As ``tf.reverse_sequence`` (1.x: the axes also as ``seq_dim`` and ``batch_dim``)."""
    along, batch = one_of(seq_axis, seq_dim, "seq_axis", "seq_dim"), one_of(batch_axis, batch_dim, "batch_axis", "batch_dim")
    return places.reverse_sequence(input, seq_lengths, along, batch, name)


def space_to_batch(
    input: Any, paddings: Any, block_size: Any = None, name: str | None = None, block_shape: Any = None
) -> Any:
    """As ``tf.space_to_batch`` (1.x: one ``block_size`` for both axes of images)."""
    block = one_of(block_size, block_shape, "block_size", "block_shape")
    return blocks.space_to_batch_nd(input, block if block_size is None else [block, block], paddings, name)


def batch_to_space(
    input: Any, crops: Any, block_size: Any = None, name: str | None = None, block_shape: Any = None
) -> Any:
    """As ``tf.batch_to_space`` (1.x: one ``block_size`` for both axes of images)."""
    block = one_of(block_size, block_shape, "block_size", "block_shape")
    return blocks.batch_to_space_nd(input, block if block_size is None else [block, block], crops, name)


def random_crop(value: Any, size: Any, seed: Any = None, name: str | None = None) -> Any:
    """A part of ``value`` of the shape ``size``, from a place drawn at random.

    Raises InvalidArgumentError if ``value`` is smaller.
    """
    x, wanted = convert(value), convert(size, dtypes.int32)
    whole = shapes.shape(x)
    check = Assert(reduce_all(greater_equal(whole, wanted)), ["random_crop: need value.shape >= size, got", whole, wanted])


    with runtime.current().home.control_dependencies([] if check is None else [check]):
        room = whole - wanted + 1
        start = random.uniform(shapes.shape(whole), maxval=dtypes.int32.max, dtype=dtypes.int32, seed=seed) % room
    return slice_(x, start, wanted, name=name or "random_crop")


# -- checks ------------------------------------------------------------------------------------------------------------


def verify_tensor_all_finite(
    t: Any = None, msg: str | None = None, name: str | None = None, x: Any = None, message: str | None = None
) -> Any:
    """The tensor. Raises InvalidArgumentError if an element is infinite or NaN (``x`` is ``t``, ``message`` is ``msg``)."""
    if (t is not None and x is not None) or (msg is not None and message is not None):
        raise ValueError("verify_tensor_all_finite: t and x are the same argument, and so are msg and message.")
    said = msg if message is None else message
    tensor = convert(t if x is None else x)
    if not isinstance(said, str):
        raise TypeError(f"verify_tensor_all_finite: the message must be a string, not {said!r}.")
    return check_numerics(tensor, said, name)
