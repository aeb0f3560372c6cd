"""Functions with TensorFlow 1.x's signatures, where those differ: older names of arguments, another order, other defaults."""

from typing import Any

from minitf.core import dtypes
from minitf.core.op import convert
from minitf.core.state import Handle
from minitf.core.structures import flatten
from minitf.errors import ShapeError
from minitf.ops import (
    activations,
    arithmetic,
    comparisons,
    conv,
    creating,
    gathering,
    loops,
    losses,
    masking,
    normalisation,
    norms,
    padding,
    partial_updates,
    parting,
    pooling,
    products,
    random,
    reductions,
    shapes,
    state,
)
from minitf.ops.static import known_int


def one_of(new: Any, old: Any, name: str, old_name: str) -> Any:
    """The argument under its newer or older name. Raises ValueError if both are given."""
    if new is not None and old is not None:
        raise ValueError(f"Cannot specify both {name!r} and {old_name!r}: they are the same argument.")
    return old if new is None else new


# -- reductions --------------------------------------------------------------------------------------------------------


def _reduction(function: Any) -> Any:
    def reduce(
        input_tensor: Any, axis: Any = None, keepdims: Any = None, name: str | None = None, reduction_indices: Any = None,
        keep_dims: Any = None,
    ) -> Any:  # fmt: skip
        over = one_of(axis, reduction_indices, "axis", "reduction_indices")
        return function(input_tensor, over, bool(one_of(keepdims, keep_dims, "keepdims", "keep_dims")), name)

    reduce.__name__ = function.__name__
    reduce.__doc__ = f"{function.__doc__} (1.x: ``reduction_indices`` is ``axis``, ``keep_dims`` is ``keepdims``.)"
    return reduce


reduce_sum, reduce_mean, reduce_prod, reduce_max, reduce_min, reduce_all, reduce_any, reduce_logsumexp = map(
    _reduction,
    (
        reductions.reduce_sum, reductions.reduce_mean, reductions.reduce_prod, reductions.reduce_max, reductions.reduce_min,
        reductions.reduce_all, reductions.reduce_any, reductions.reduce_logsumexp,
    ),
)  # fmt: skip


def count_nonzero(
    input_tensor: Any = None, axis: Any = None, keepdims: Any = None, dtype: Any = dtypes.int64, name: str | None = None,
    reduction_indices: Any = None, keep_dims: Any = None, input: Any = None,
) -> Any:  # fmt: skip
    """How many elements over ``axis`` are not zero."""
    over = one_of(axis, reduction_indices, "axis", "reduction_indices")
    keep = bool(one_of(keepdims, keep_dims, "keepdims", "keep_dims"))
    return reductions.count_nonzero(one_of(input_tensor, input, "input_tensor", "input"), over, keep, dtype, name)


def argmax(
    input: Any, axis: Any = None, name: str | None = None, dimension: Any = None, output_type: Any = dtypes.int64
) -> Any:
    """The position of the largest element along ``axis`` (1.x: also ``dimension``)."""
    return reductions.argmax(input, one_of(axis, dimension, "axis", "dimension"), output_type, name)


def argmin(
    input: Any, axis: Any = None, name: str | None = None, dimension: Any = None, output_type: Any = dtypes.int64
) -> Any:
    """The position of the smallest element along ``axis`` (1.x: also ``dimension``)."""
    return reductions.argmin(input, one_of(axis, dimension, "axis", "dimension"), output_type, name)


def norm(
    tensor: Any, ord: Any = "euclidean", axis: Any = None, keepdims: Any = None, name: str | None = None, keep_dims: Any = None
) -> Any:
    """The norm of vectors or matrices, as ``tf.norm``."""
    return norms.norm(tensor, ord, axis, bool(one_of(keepdims, keep_dims, "keepdims", "keep_dims")), name)


# -- shapes and elements -----------------------------------------------------------------------------------------------


def shape(input: Any, name: str | None = None, out_type: Any = dtypes.int32) -> Any:
    """The sizes of ``input`` as an integer vector."""
    return shapes.shape(input, out_type, name)


def size(input: Any, name: str | None = None, out_type: Any = dtypes.int32) -> Any:
    """The number of elements of ``input``."""
    return shapes.size(input, out_type, name)


def expand_dims(input: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Any:
    """``input`` with a dimension of size 1 put at ``axis`` (1.x: also ``dim``)."""
    return shapes.expand_dims(input, one_of(axis, dim, "axis", "dim"), name)


def squeeze(input: Any, axis: Any = None, name: str | None = None, squeeze_dims: Any = None) -> Any:
    """``input`` without its dimensions of size 1 (1.x: ``axis`` also as ``squeeze_dims``)."""
    return shapes.squeeze(input, one_of(axis, squeeze_dims, "axis", "squeeze_dims"), name)


def transpose(a: Any, perm: Any = None, name: str | None = "transpose", conjugate: bool = False) -> Any:
    """``a`` with its axes in the order ``perm`` (None: reversed)."""
    from minitf.ops.shaping import transpose as permuted

    return permuted(a, perm, conjugate, name)


def zeros_like(tensor: Any, dtype: Any = None, name: str | None = None, optimize: bool = True) -> Any:
    """Zeros of the shape and (unless ``dtype`` is given) dtype of ``tensor``."""
    return creating.zeros_like(tensor, dtype, name)


def ones_like(tensor: Any, dtype: Any = None, name: str | None = None, optimize: bool = True) -> Any:
    """Ones of the shape and (unless ``dtype`` is given) dtype of ``tensor``."""
    return creating.ones_like(tensor, dtype, name)


def gather(
    params: Any, indices: Any, validate_indices: Any = None, name: str | None = None, axis: Any = None, batch_dims: Any = 0
) -> Any:
    """Slices of ``params`` along ``axis`` by number."""
    return gathering.gather(params, indices, axis=axis, batch_dims=batch_dims, name=name)


def gather_nd(params: Any, indices: Any, name: str | None = None, batch_dims: Any = 0, bad_indices_policy: str = "") -> Any:
    """Slices of ``params`` by coordinates."""
    return gathering.gather_nd(params, indices, batch_dims, name)


def boolean_mask(tensor: Any, mask: Any, name: str | None = "boolean_mask", axis: Any = None) -> Any:
    """The slices of ``tensor`` where ``mask`` holds."""
    return masking.boolean_mask(tensor, mask, axis, name)


def pad(tensor: Any, paddings: Any, mode: str = "CONSTANT", name: str | None = None, constant_values: Any = 0) -> Any:
    """``tensor`` with elements added before and behind along each axis."""
    return padding.pad(tensor, paddings, mode, constant_values, name)


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Any:
    """``x`` where the condition holds, else ``y``, without broadcasting; a vector as condition chooses whole rows.

    Without ``x`` and ``y`` the indices of true elements.
    """
    if x is None and y is None:
        return comparisons.where(condition, name=name)
    first, second, chosen = convert(x), convert(y), convert(condition)
    if not first.shape.is_compatible_with(second.shape):
        raise ShapeError(
            f"where (1.x): x has shape {first.shape} and y {second.shape}; they must be equal. tf.where of 2.x broadcasts."
        )
    rank = first.shape.rank
    if chosen.shape.rank == 1 and rank is not None and rank > 1:
        for _ in range(rank - 1):
            chosen = shapes.expand_dims(chosen, -1)
    elif chosen.shape.rank != 0 and not chosen.shape.is_compatible_with(first.shape):
        raise ShapeError(
            f"where (1.x): the condition of shape {chosen.shape} is neither like x, of shape {first.shape}, nor a vector."
        )
    return comparisons.where(chosen, first, second, name)


def div(x: Any, y: Any, name: str | None = None) -> Any:
    """``x / y`` as Python 2 divided: integers are rounded down."""
    first = convert(x)
    return arithmetic.floordiv(first, y, name=name) if first.dtype.kind in "iu" else arithmetic.realdiv(first, y, name=name)


# -- variables ---------------------------------------------------------------------------------------------------------


def _handle(ref: Any) -> Handle:
    found = getattr(ref, "handle", ref)
    if not isinstance(found, Handle):
        raise TypeError(f"Only variables can be assigned to, not {ref!r}.")
    return found


def assign(ref: Any, value: Any, validate_shape: Any = None, use_locking: Any = None, name: str | None = None) -> Any:
    """Stores ``value`` in a variable and gives it."""
    return state.assign(_handle(ref), state.value_for(_handle(ref), value), name=name)


def assign_add(ref: Any, value: Any, use_locking: Any = None, name: str | None = None) -> Any:
    """Adds to a variable and gives the new value."""
    return state.assign_add(_handle(ref), state.value_for(_handle(ref), value), name=name)


def assign_sub(ref: Any, value: Any, use_locking: Any = None, name: str | None = None) -> Any:
    """Subtracts from a variable and gives the new value."""
    return state.assign_sub(_handle(ref), state.value_for(_handle(ref), value), name=name)


def _scatter(op: Any) -> Any:
    def scatter(ref: Any, indices: Any, updates: Any, use_locking: Any = False, name: str | None = None) -> Any:
        handle = _handle(ref)
        return op(handle, indices, state.value_for(handle, updates), name=name)

    scatter.__name__, scatter.__doc__ = op.name, op.__doc__
    return scatter


scatter_update, scatter_add, scatter_sub, scatter_mul, scatter_div, scatter_max, scatter_min = map(
    _scatter,
    (
        partial_updates.scatter_update, partial_updates.scatter_add, partial_updates.scatter_sub, partial_updates.scatter_mul,
        partial_updates.scatter_div, partial_updates.scatter_max, partial_updates.scatter_min,
    ),
)  # fmt: skip
scatter_nd_update, scatter_nd_add, scatter_nd_sub, batch_scatter_update = map(
    _scatter,
    (
        partial_updates.scatter_nd_update, partial_updates.scatter_nd_add, partial_updates.scatter_nd_sub,
        partial_updates.batch_scatter_update,
    ),
)  # fmt: skip


def count_up_to(ref: Any, limit: int, name: str | None = None) -> Any:
    """Adds 1 to a counter and gives what it was. Raises OutOfRangeError when that would be ``limit``."""
    return partial_updates.count_up_to(_handle(ref), limit=int(limit), name=name)



def while_loop(
    cond: Any, body: Any, loop_vars: Any, shape_invariants: Any = None, parallel_iterations: int = 10, back_prop: bool = True,
    swap_memory: bool = False, name: str | None = None, maximum_iterations: Any = None, return_same_structure: bool = False,
) -> Any:  # fmt: skip
    """``tf.while_loop``; a single loop variable comes without a list around it, unless ``return_same_structure``."""
    results = loops.while_loop(
        cond, body, loop_vars, shape_invariants, parallel_iterations, back_prop, swap_memory, maximum_iterations, name
    )
    leaves = flatten(results)
    return leaves[0] if len(leaves) == 1 and not return_same_structure else results


# -- nn ----------------------------------------------------------------------------------------------------------------


def dropout(
    x: Any, keep_prob: Any = None, noise_shape: Any = None, seed: Any = None, name: str | None = None, rate: Any = None
) -> Any:
    """``x`` with a share ``rate`` (``1 - keep_prob``) of its elements set to 0 and the rest scaled up."""
    if keep_prob is not None and rate is not None:
        raise ValueError("Cannot specify both 'keep_prob' and 'rate'.")
    if keep_prob is None and rate is None:
        raise ValueError("dropout needs rate.")
    return random.dropout(x, 1 - keep_prob if rate is None else rate, noise_shape, seed, name)


def softmax(logits: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Any:
    """``e ** x``, scaled to sum 1 along ``axis`` (1.x: also ``dim``)."""
    return activations.softmax(logits, one_of(axis, dim, "axis", "dim"), name)


def log_softmax(logits: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Any:
    """The logarithm of ``softmax`` (1.x: ``axis`` also as ``dim``)."""
    return activations.log_softmax(logits, one_of(axis, dim, "axis", "dim"), name)


def _by_keyword(sentinel: Any, what: str) -> None:
    if sentinel is not None:
        raise ValueError(f"{what}: pass labels=... and logits=... by keyword.")


def softmax_cross_entropy_with_logits_v2(
    labels: Any, logits: Any, axis: Any = None, name: str | None = None, dim: Any = None
) -> Any:
    """The cross entropy of ``softmax(logits)`` against ``labels``."""
    along = one_of(axis, dim, "axis", "dim")
    return losses.softmax_cross_entropy_with_logits(labels, logits, -1 if along is None else along, name)


def softmax_cross_entropy_with_logits(
    _sentinel: Any = None, labels: Any = None, logits: Any = None, dim: Any = -1, name: str | None = None, axis: Any = None
) -> Any:
    """The cross entropy of ``softmax(logits)`` against ``labels``, through which no gradient flows (1.x)."""
    _by_keyword(_sentinel, "softmax_cross_entropy_with_logits")
    along = dim if axis is None else axis
    return losses.softmax_cross_entropy_with_logits(creating.stop_gradient(labels), logits, along, name)


def sparse_softmax_cross_entropy_with_logits(
    _sentinel: Any = None, labels: Any = None, logits: Any = None, name: str | None = None
) -> Any:
    """The cross entropy of ``softmax(logits)`` against class numbers."""
    _by_keyword(_sentinel, "sparse_softmax_cross_entropy_with_logits")
    return losses.sparse_softmax_cross_entropy_with_logits(labels, logits, name)


def sigmoid_cross_entropy_with_logits(
    _sentinel: Any = None, labels: Any = None, logits: Any = None, name: str | None = None
) -> Any:
    """The cross entropy of ``sigmoid(logits)`` against ``labels``."""
    _by_keyword(_sentinel, "sigmoid_cross_entropy_with_logits")
    return losses.sigmoid_cross_entropy_with_logits(labels, logits, name)


def moments(x: Any, axes: Any, shift: Any = None, name: str | None = None, keep_dims: Any = None, keepdims: Any = None) -> Any:
    """The mean and the variance of ``x`` over ``axes``."""
    return normalisation.moments(x, axes, shift, bool(one_of(keepdims, keep_dims, "keepdims", "keep_dims")), name)


def conv2d(
    input: Any, filter: Any = None, strides: Any = None, padding: Any = None, use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC", dilations: Any = (1, 1, 1, 1), name: str | None = None, filters: Any = None,
) -> Any:  # fmt: skip
    """The products of filters with all windows of ``input`` (1.x: the filters also as ``filter``)."""
    return conv.conv2d(input, one_of(filter, filters, "filter", "filters"), strides, padding, data_format, dilations, name)


def max_pool(
    value: Any = None, ksize: Any = None, strides: Any = None, padding: Any = None, data_format: str = "NHWC",
    name: str | None = None, input: Any = None,
) -> Any:  # fmt: skip
    """The largest element of each window of images."""
    return pooling.max_pool2d(one_of(value, input, "value", "input"), ksize, strides, padding, data_format, name)


def avg_pool(
    value: Any = None, ksize: Any = None, strides: Any = None, padding: Any = None, data_format: str = "NHWC",
    name: str | None = None, input: Any = None,
) -> Any:  # fmt: skip
    """The mean of each window of images."""
    return pooling.avg_pool2d(one_of(value, input, "value", "input"), ksize, strides, padding, data_format, name)


def xw_plus_b(x: Any, weights: Any, biases: Any, name: str | None = None) -> Any:
    """``matmul(x, weights) + biases``"""
    return losses.bias_add(products.matmul(x, weights), biases, name=name)


def relu_layer(x: Any, weights: Any, biases: Any, name: str | None = None) -> Any:
    """``relu(matmul(x, weights) + biases)``"""
    return activations.relu(xw_plus_b(x, weights, biases), name=name)


def multinomial(logits: Any, num_samples: Any, seed: Any = None, name: str | None = None, output_dtype: Any = None) -> Any:
    """Class numbers with the probabilities ``softmax(logits)`` of each row (now ``tf.random.categorical``)."""
    return random.categorical(logits, known_int(num_samples, "num_samples"), output_dtype, seed, name)


def embedding_lookup(params: Any, ids: Any, partition_strategy: str = "mod", name: str | None = None,
                     validate_indices: bool = True, max_norm: Any = None) -> Any:  # fmt: skip
    """``tf.nn.embedding_lookup``; tables in a list have the rows in turn, unless ``partition_strategy`` is "div"."""
    return parting.lookup(params, ids, partition_strategy, max_norm, name)
