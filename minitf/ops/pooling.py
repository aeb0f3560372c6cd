"""Pooling: the largest or the mean element of each window, and rearranging space and depth."""

from typing import Any

import numpy as np

from minitf.core.op import Index, Real, RealFloating, convert, op
from minitf.core.spec import Spec, shape_text, total_size
from minitf.errors import ShapeError
from minitf.ops.conv import Layout
from minitf.ops.kinds import Poolable
from minitf.ops.shapes import reshape, shape, shape_of, static_tensor, widened
from minitf.ops.shaping import transpose
from minitf.ops.static import known_int
from minitf.ops.windows import margins, scatter, view, windows_along

# -- the largest -------------------------------------------------------------------------------------------------------


def _parts(x, window, strides, padding, fill=0):
    ones = (1,) * len(window)
    pads = margins(x.shape[1:-1], window, strides, ones, padding)
    return view(x, window, strides, ones, pads, fill), pads


def _lowest(np_dtype):
    return np.iinfo(np_dtype).min if np_dtype.kind in "iu" else -np.inf


@op(name="max_pool", infer_first=True, fresh=True)
def _max_pool(input: Poolable, *, window, strides, padding):
    """The largest element of each window."""
    parts, _ = _parts(input, window, strides, padding, _lowest(input.dtype))
    return parts.max(tuple(range(-len(window), 0)))


@op(name="max_pool_grad", fresh=True)
def _max_pool_grad(g: Real, input: Real, *, window, strides, padding):
    """Brings each gradient to where its window's largest element was; of equal ones the first."""
    first, pads = _first(input, window, strides, padding)
    parts = np.zeros((*g.shape, int(np.prod(window))), widened(g).dtype)
    np.put_along_axis(parts, first, widened(g)[..., None], -1)
    out = scatter(parts.reshape(*g.shape, *window), input.shape[1:-1], strides, (1,) * len(window), pads)
    return out.astype(g.dtype, copy=False)


@op(name="max_pool_pick", fresh=True)
def _max_pool_pick(values: Real, input: Real, *, window, strides, padding):
    """From ``values`` the elements where the windows of ``input`` have their largest: the transpose of ``max_pool_grad``."""
    first, _ = _first(input, window, strides, padding)
    parts, _ = _parts(values, window, strides, padding)
    return np.take_along_axis(parts.reshape(first.shape[:-1] + (-1,)), first, -1)[..., 0]


def _first(x, window, strides, padding):
    parts, pads = _parts(x, window, strides, padding, _lowest(x.dtype))
    return parts.reshape(*parts.shape[: -len(window)], -1).argmax(-1)[..., None], pads


def _pooled(input, *, window, strides, padding):
    n = len(window)
    if input.shape is None:
        return Spec(input.dtype, (None,) * (n + 2))
    if len(input.shape) != n + 2:
        raise ShapeError(
            f"Pooling in {n} dimensions needs an input of rank {n + 2}, but the shape is {shape_text(input.shape)}."
        )
    ones = (1,) * n
    places = [
        windows_along(size, w, s, d, padding, k)
        for k, (size, w, s, d) in enumerate(zip(input.shape[1:-1], window, strides, ones, strict=True))
    ]
    return Spec(input.dtype, (input.shape[0], *places, input.shape[-1]))


_max_pool.infer(_pooled)
_max_pool_grad.infer(lambda g, input, **_: input)
_max_pool_pick.infer(lambda values, input, **attrs: _pooled(input, **attrs))


@_max_pool.vjp
def _(g, out, input, **attrs):
    return (_max_pool_grad(g, input, **attrs),)


@_max_pool_grad.vjp
def _(up, out, g, input, **attrs):
    return _max_pool_pick(up, input, **attrs), None


@_max_pool_pick.vjp
def _(g, out, values, input, **attrs):
    return _max_pool_grad(g, input, **attrs), None


# -- the mean ----------------------------------------------------------------------------------------------------------


@op(name="avg_pool", infer_first=True, fresh=True)
def _avg_pool(input: RealFloating, *, window, strides, padding):
    """The mean of each window; what is padding does not count."""
    parts, pads = _parts(widened(input), window, strides, padding)
    over = tuple(range(-len(window), 0))
    return (parts.sum(over) / _counts(input.shape, window, strides, pads, parts.dtype)).astype(input.dtype, copy=False)


def _counts(sizes, window, strides, pads, np_dtype):
    inside = view(np.ones((1, *sizes[1:-1], 1), np_dtype), window, strides, (1,) * len(window), pads)
    return np.maximum(inside.sum(tuple(range(-len(window), 0))), 1)


@op(name="avg_pool_grad", fresh=True)
def _avg_pool_grad(g: RealFloating, sizes: Index, *, window, strides, padding, known):
    """Spreads each gradient evenly over its window. ``sizes`` is the shape of the result."""
    goal = [int(s) for s in sizes]
    pads = margins(goal[1:-1], window, strides, (1,) * len(window), padding)
    each = widened(g) / _counts(goal, window, strides, pads, widened(g).dtype)
    parts = np.broadcast_to(each.reshape(*each.shape, *(1,) * len(window)), (*each.shape, *window))
    return scatter(parts, goal[1:-1], strides, (1,) * len(window), pads).astype(g.dtype, copy=False)


_avg_pool.infer(_pooled)
_avg_pool.terms(lambda x, *, window, **_: total_size(window))
_avg_pool_grad.infer(
    lambda g, sizes, *, known, **_: Spec(g.dtype, known if known is not None else (None,) * len(g.shape or ()))
)


@_avg_pool.vjp
def _(g, out, input, **attrs):
    return (_avg_pool_grad(g, static_tensor(shape_of(input)), known=input.spec.shape, **attrs),)


@_avg_pool_grad.vjp
def _(up, out, g, sizes, *, known, **attrs):
    return _avg_pool(up, **attrs), None


def _draw(draw):
    n = draw.choice([1, 2])
    x = draw(shape=(draw.integer(1, 2), *(draw.integer(3, 6) for _ in range(n)), draw.integer(1, 2)))
    attrs = {
        "window": tuple(draw.integer(1, 3) for _ in range(n)),
        "strides": tuple(draw.integer(1, 2) for _ in range(n)),
        "padding": draw.choice(["SAME", "VALID"]),
    }
    return x, attrs


def _drawn_output(draw, x, attrs):
    return draw(shape=_pooled(Spec(convert(x).dtype, x.shape), **attrs).shape, dtype=x.dtype)


for _pool in (_max_pool, _avg_pool):
    _pool.samples(lambda draw: (lambda x, attrs: ((x,), attrs))(*_draw(draw)))


@_max_pool_grad.samples
def _(draw):
    x, attrs = _draw(draw)
    return (_drawn_output(draw, x, attrs), x), attrs


@_max_pool_pick.samples
def _(draw):
    x, attrs = _draw(draw)
    return (draw(shape=x.shape, dtype=x.dtype), x), attrs


@_avg_pool_grad.samples
def _(draw):
    x, attrs = _draw(draw)
    return (_drawn_output(draw, x, attrs), np.array(x.shape, np.int32)), {**attrs, "known": x.shape}


# -- TensorFlow's calls ------------------------------------------------------------------------------------------------


def _pooling(pool: Any, n: int, what: str, x: Any, window: Any, strides: Any, padding: Any, data_format: Any, name: Any) -> Any:
    layout = Layout(n, data_format, what)
    attrs = {
        "window": layout.numbers(window, "ksize"),
        "strides": layout.numbers(strides, "strides"),
        "padding": layout.padding(padding),
    }
    return layout.outside(pool(layout.inside(x), name=name, **attrs))


def max_pool2d(input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NHWC", name: str | None = None) -> Any:
    """The largest element of each window of ``input`` ``(batch, height, width, channels)``."""
    return _pooling(_max_pool, 2, "max_pool2d", input, ksize, strides, padding, data_format, name)


def max_pool1d(input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NWC", name: str | None = None) -> Any:
    """The largest element of each window of ``input`` ``(batch, width, channels)``."""
    return _pooling(_max_pool, 1, "max_pool1d", input, ksize, strides, padding, data_format, name)


def max_pool3d(input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NDHWC", name: str | None = None) -> Any:
    """The largest element of each window of ``input`` ``(batch, depth, height, width, channels)``."""
    return _pooling(_max_pool, 3, "max_pool3d", input, ksize, strides, padding, data_format, name)


def avg_pool2d(input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NHWC", name: str | None = None) -> Any:
    """The mean of each window of ``input`` ``(batch, height, width, channels)``; padding does not count."""
    return _pooling(_avg_pool, 2, "avg_pool2d", input, ksize, strides, padding, data_format, name)


def avg_pool1d(input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NWC", name: str | None = None) -> Any:
    """The mean of each window of ``input`` ``(batch, width, channels)``; padding does not count."""
    return _pooling(_avg_pool, 1, "avg_pool1d", input, ksize, strides, padding, data_format, name)


def avg_pool3d(input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NDHWC", name: str | None = None) -> Any:
    """The mean of each window of ``input`` ``(batch, depth, height, width, channels)``; padding does not count."""
    return _pooling(_avg_pool, 3, "avg_pool3d", input, ksize, strides, padding, data_format, name)


def _any_rank(pool: Any, what: str, x: Any, window: Any, strides: Any, padding: Any, data_format: Any, name: Any) -> Any:
    tensor = convert(x)
    rank = tensor.shape.rank
    if rank not in (3, 4, 5):
        raise ValueError(f"{what}: the input must have rank 3, 4 or 5, but its shape is {tensor.shape}.")
    return _pooling(pool, rank - 2, what, tensor, window, strides, padding, data_format, name)


def max_pool(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None = None, name: str | None = None
) -> Any:
    """The largest element of each window, in one, two or three dimensions."""
    return _any_rank(_max_pool, "max_pool", input, ksize, strides, padding, data_format, name)


def avg_pool(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None = None, name: str | None = None
) -> Any:
    """The mean of each window, in one, two or three dimensions; padding does not count."""
    return _any_rank(_avg_pool, "avg_pool", input, ksize, strides, padding, data_format, name)


# -- space and depth ---------------------------------------------------------------------------------------------------


def space_to_depth(input: Any, block_size: Any, data_format: str = "NHWC", name: str | None = None) -> Any:
    """Blocks of ``block_size`` by ``block_size`` places become channels."""
    layout, b = Layout(2, data_format, "space_to_depth"), known_int(block_size, "block_size")
    x = layout.inside(input)
    n, h, w, c = (shape(x)[i] if s is None else s for i, s in enumerate(x.shape))
    folded = transpose(reshape(x, [n, h // b, b, w // b, b, c]), [0, 1, 3, 2, 4, 5])
    return layout.outside(reshape(folded, [n, h // b, w // b, b * b * c]), name)


def depth_to_space(input: Any, block_size: Any, data_format: str = "NHWC", name: str | None = None) -> Any:
    """Channels become blocks of ``block_size`` by ``block_size`` places: the inverse of ``space_to_depth``."""
    layout, b = Layout(2, data_format, "depth_to_space"), known_int(block_size, "block_size")
    x = layout.inside(input)
    n, h, w, c = (shape(x)[i] if s is None else s for i, s in enumerate(x.shape))
    folded = transpose(reshape(x, [n, h, w, b, b, c // (b * b)]), [0, 1, 3, 2, 4, 5])
    return layout.outside(reshape(folded, [n, h * b, w * b, c // (b * b)]), name)
