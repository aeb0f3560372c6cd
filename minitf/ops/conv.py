"""Convolutions in one, two and three dimensions, their transposes, and depthwise ones.

Three ops are each other's gradients: ``conv`` is linear in the input and in the filters, ``conv_input`` is its transpose with
respect to the input (a transposed convolution), ``conv_filters`` the one with respect to the filters. Inside, channels are
last, filters are ``(*window, channels in a group, filters)``, and the work is one matrix product over all windows (im2col).
"""

from typing import Any

import numpy as np

from minitf.core.op import Index, RealFloating, convert, op
from minitf.core.spec import Spec, shape_text, total_size
from minitf.errors import ShapeError
from minitf.ops.shapes import reshape, shape, shape_of, static_tensor, widened
from minitf.ops.shaping import transpose
from minitf.ops.static import known_axes, known_int, requested
from minitf.ops.windows import margins, scatter, view, windows_along


def _grouped(x, groups, axis):
    """The channels at ``axis`` as (groups, channels in a group)."""
    return x.reshape(*x.shape[:axis], groups, x.shape[axis] // groups, *x.shape[axis + 1 :])


# -- the three ops -----------------------------------------------------------------------------------------------------


@op(name="conv", infer_first=True, fresh=True)
def _conv(input: RealFloating, filters: RealFloating, *, strides, padding, dilations, groups):
    """The products of filters with all windows of the input."""
    x, w = widened(input), widened(filters)
    n = len(strides)
    parts = view(x, w.shape[:n], strides, dilations, margins(x.shape[1:-1], w.shape[:n], strides, dilations, padding))
    if groups == 1:
        out = np.tensordot(parts, w, (range(1 + n, 2 + 2 * n), (n, *range(n))))
    else:
        parts = _grouped(parts, groups, 1 + n)
        out = np.stack([
            np.tensordot(parts[(slice(None),) * (1 + n) + (k,)], f, (range(1 + n, 2 + 2 * n), (n, *range(n))))
            for k, f in enumerate(np.split(w, groups, -1))
        ], 1 + n)  # fmt: skip
        out = out.reshape(*out.shape[: 1 + n], w.shape[-1])
    return out.astype(input.dtype, copy=False)


@op(name="conv_input", infer_first=True, fresh=True)
def _conv_input(g: RealFloating, filters: RealFloating, sizes: Index, *, strides, padding, dilations, groups, known):
    """Spreads each element of ``g`` over its window: the transpose of ``conv``. ``sizes`` is the shape of the result."""
    y, w = widened(g), widened(filters)
    n = len(strides)
    goal = [int(s) for s in sizes]
    if groups == 1:
        parts = np.tensordot(y, w, (-1, -1))  # (batch, *places, *window, channels)
    else:
        split = np.split(w, groups, -1)
        each = _grouped(y, groups, 1 + n)
        parts = np.concatenate([np.tensordot(each[..., k, :], f, (-1, -1)) for k, f in enumerate(split)], -1)
    parts = np.moveaxis(parts, -1, 1 + n)
    pads = margins(goal[1:-1], w.shape[:n], strides, dilations, padding)
    return scatter(parts, goal[1:-1], strides, dilations, pads).astype(g.dtype, copy=False)


@op(name="conv_filters", infer_first=True, fresh=True)
def _conv_filters(input: RealFloating, g: RealFloating, sizes: Index, *, strides, padding, dilations, groups, known):
    """Sums the products of windows and ``g``: the gradient of ``conv`` by its filters. ``sizes`` is the shape of the result."""
    x, y = widened(input), widened(g)
    n = len(strides)
    window = [int(s) for s in sizes[:n]]
    parts = view(x, window, strides, dilations, margins(x.shape[1:-1], window, strides, dilations, padding))
    over = tuple(range(1 + n))
    if groups == 1:
        out = np.moveaxis(np.tensordot(parts, y, (over, over)), 0, n)
    else:
        parts, each = _grouped(parts, groups, 1 + n), _grouped(y, groups, 1 + n)
        pairs = ((parts[(slice(None),) * (1 + n) + (k,)], each[..., k, :]) for k in range(groups))
        out = np.concatenate([np.moveaxis(np.tensordot(p, q, (over, over)), 0, n) for p, q in pairs], -1)
    return out.astype(g.dtype, copy=False)


@_conv.infer
def _(input, filters, *, strides, padding, dilations, groups):
    n = len(strides)
    for spec, what in ((input, "input"), (filters, "filters")):
        if spec.shape is not None and len(spec.shape) != n + 2:
            raise ShapeError(
                f"A {n}-dimensional convolution needs {what} of rank {n + 2}, but the shape is {shape_text(spec.shape)}."
            )
    if input.shape is None or filters.shape is None:
        return Spec(input.dtype, (None,) * (n + 2))
    have, each = input.shape[-1], filters.shape[-2]
    if have is not None and each is not None and have != each * groups:
        raise ShapeError(
            f"The input {shape_text(input.shape)} has {have} channels, but the filters {shape_text(filters.shape)} take {each}"
            + (f" in each of {groups} groups." if groups > 1 else ".")
        )
    places = [
        windows_along(size, w, s, d, padding, k)
        for k, (size, w, s, d) in enumerate(zip(input.shape[1:-1], filters.shape[:n], strides, dilations, strict=True))
    ]
    return Spec(input.dtype, (input.shape[0], *places, filters.shape[-1]))


@_conv.terms
def _(input, filters, **_):
    return total_size(filters.shape[:-1])


@_conv_input.infer
def _(g, filters, sizes, *, strides, padding, dilations, groups, known):
    return Spec(g.dtype, (None,) * (len(strides) + 2) if known is None else known)


@_conv_filters.infer
def _(input, g, sizes, *, strides, padding, dilations, groups, known):
    return Spec(g.dtype, (None,) * (len(strides) + 2) if known is None else known)


def _sizes(x: Any) -> tuple[Any, Any]:
    """The shape of a tensor as a vector, and as far as it is known."""
    return static_tensor(shape_of(x)), x.spec.shape


@_conv.vjp
def _(g, out, input, filters, **attrs):
    of_input, known_input = _sizes(input)
    of_filters, known_filters = _sizes(filters)
    return (
        _conv_input(g, filters, of_input, known=known_input, **attrs),
        _conv_filters(input, g, of_filters, known=known_filters, **attrs),
    )


@_conv_input.vjp
def _(up, out, g, filters, sizes, *, known, **attrs):
    of_filters, known_filters = _sizes(filters)
    return _conv(up, filters, **attrs), _conv_filters(up, g, of_filters, known=known_filters, **attrs), None


@_conv_filters.vjp
def _(up, out, input, g, sizes, *, known, **attrs):
    of_input, known_input = _sizes(input)
    return _conv_input(g, up, of_input, known=known_input, **attrs), _conv(input, up, **attrs), None


def _draw(draw):
    n = draw.choice([1, 2])
    groups = draw.choice([1, 1, 2])
    window = [draw.integer(1, 3) for _ in range(n)]
    strides = tuple(draw.integer(1, 2) for _ in range(n))
    dilations = tuple(draw.integer(1, 2) if s == 1 else 1 for s in strides)
    least = [max(3, d * (k - 1) + 1) for d, k in zip(dilations, window, strict=True)]
    x = draw(shape=(draw.integer(0, 2) or 1, *(draw.integer(size, 6) for size in least), groups * draw.integer(1, 2)))
    w = draw(shape=(*window, x.shape[-1] // groups, groups * draw.integer(1, 2)), dtype=x.dtype)
    pads = tuple((draw.integer(0, 2), draw.integer(0, 1)) for _ in range(n))
    padding = draw.choice(["SAME", "VALID", pads])
    return x, w, {"strides": strides, "padding": padding, "dilations": dilations, "groups": groups}


def _drawn_output(draw, x, w, attrs):
    spec = _conv.infer_rule(*(Spec(convert(a).dtype, a.shape) for a in (x, w)), **attrs)
    return draw(shape=spec.shape, dtype=x.dtype)


@_conv.samples
def _(draw):
    x, w, attrs = _draw(draw)
    return (x, w), attrs


@_conv_input.samples
def _(draw):
    x, w, attrs = _draw(draw)
    return (_drawn_output(draw, x, w, attrs), w, np.array(x.shape, np.int32)), {**attrs, "known": x.shape}


@_conv_filters.samples
def _(draw):
    x, w, attrs = _draw(draw)
    return (x, _drawn_output(draw, x, w, attrs), np.array(w.shape, np.int32)), {**attrs, "known": None}


# -- TensorFlow's calls ------------------------------------------------------------------------------------------------


class Layout:
    """How a caller lays out batch, sizes and channels, and gives strides and the like."""

    def __init__(self, n: int, data_format: str | None, what: str):
        letters = "DHW"[3 - n :] if n > 1 else "W"
        last = data_format in (None, f"N{letters}C")
        if not last and data_format != f"NC{letters}":
            raise ValueError(f"{what}: data_format must be 'N{letters}C' or 'NC{letters}', not {data_format!r}.")
        self.n, self.channels_last, self.what = n, last, what
        self.to_last = None if last else [0, *range(2, n + 2), 1]
        self.to_own = None if last else [0, n + 1, *range(1, n + 1)]

    def inside(self, x: Any) -> Any:
        """Channels last."""
        return convert(x) if self.to_last is None else transpose(x, self.to_last)

    def outside(self, x: Any, name: str | None = None) -> Any:
        """As the caller has it."""
        return x if self.to_own is None else transpose(x, self.to_own, name=name)

    def numbers(self, value: Any, what: str) -> tuple[int, ...]:
        """One number for each dimension: an int, one each, or one for each axis (1 for batch and channels)."""
        given = known_axes(1 if value is None else value, what) or ()
        if len(given) == 1:
            given = given * self.n
        if len(given) == self.n + 2:
            channel = -1 if self.channels_last else 1
            if given[0] != 1 or given[channel] != 1:
                raise ValueError(f"{self.what}: {what}={list(given)} must be 1 for batch and channels.")
            given = given[1:-1] if self.channels_last else given[2:]
        if len(given) != self.n or any(v < 1 for v in given):
            raise ValueError(f"{self.what}: {what} must be a positive number, {self.n} or {self.n + 2} of them, not {value!r}.")
        return given

    def padding(self, value: Any) -> Any:
        """ "SAME", "VALID", or a pair for each dimension."""
        if isinstance(value, str):
            if value.upper() not in ("SAME", "VALID"):
                raise ValueError(f"{self.what}: padding must be 'SAME', 'VALID' or a list of pairs, not {value!r}.")
            return value.upper()
        pairs = [tuple(known_int(v, "padding") for v in pair) for pair in value]
        if len(pairs) == self.n + 2:
            pairs = pairs[1:-1] if self.channels_last else pairs[2:]
        return tuple(pairs)


def _convolved(n: int, what: str, x: Any, filters: Any, strides: Any, padding: Any, data_format: Any, dilations: Any,
               name: str | None) -> Any:  # fmt: skip
    layout = Layout(n, data_format, what)
    tensor, w = convert(x), convert(filters)
    sizes = tensor.spec.shape
    if n < 3 and sizes is not None and len(sizes) > n + 2 and None not in sizes:  # several axes of batches
        batch: Any = sizes[: -n - 1]
        flat = reshape(tensor, (total_size(batch), *sizes[-n - 1 :]))
        out = _convolved(n, what, flat, w, strides, padding, data_format, dilations, None)
        return reshape(out, (*batch, *out.spec.shape[1:]), name=name)
    inside = layout.inside(tensor)
    channels = inside.spec.shape[-1] if inside.spec.shape is not None else None
    each = w.spec.shape[-2] if w.spec.shape is not None and len(w.spec.shape) > 1 else None
    groups = channels // each if channels and each and channels % each == 0 else 1
    attrs = {"strides": layout.numbers(strides, "strides"), "dilations": layout.numbers(dilations, "dilations")}
    return layout.outside(_conv(inside, w, padding=layout.padding(padding), groups=groups, name=name, **attrs))


def conv1d(input: Any, filters: Any, stride: Any, padding: Any, data_format: str | None = "NWC", dilations: Any = None,
           name: str | None = None) -> Any:  # fmt: skip
    """The products of filters ``(width, channels, filters)`` with all windows of ``input`` ``(batch, width, channels)``."""
    return _convolved(1, "conv1d", input, filters, stride, padding, data_format, dilations, name)


def conv2d(input: Any, filters: Any, strides: Any, padding: Any, data_format: str | None = "NHWC", dilations: Any = None,
           name: str | None = None) -> Any:  # fmt: skip
    """The products of filters ``(height, width, channels, filters)`` with all windows of ``input``.

    ``input`` is ``(batch, height, width, channels)``, or with the channels second if ``data_format`` is "NCHW". ``padding``:
    "VALID" (whole windows only), "SAME" (zeros around, so that stride 1 keeps the size), or pairs. If the filters take fewer
    channels than the input has, they work on groups of channels. Raises ShapeError if the channels do not fit.
    """
    return _convolved(2, "conv2d", input, filters, strides, padding, data_format, dilations, name)


def conv3d(input: Any, filters: Any, strides: Any, padding: Any, data_format: str | None = "NDHWC", dilations: Any = None,
           name: str | None = None) -> Any:  # fmt: skip
    """As ``conv2d``, in three dimensions: filters are ``(depth, height, width, channels, filters)``."""
    return _convolved(3, "conv3d", input, filters, strides, padding, data_format, dilations, name)


def _transposed(n: int, what: str, x: Any, filters: Any, output_shape: Any, strides: Any, padding: Any, data_format: Any,
                dilations: Any, name: str | None) -> Any:  # fmt: skip
    layout = Layout(n, data_format, what)
    sizes, dynamic = requested(output_shape, "output_shape")
    if dynamic is not None and layout.to_last is not None:
        dynamic = [convert(dynamic)[i] for i in layout.to_last]
    if sizes is not None and layout.to_last is not None:
        sizes = tuple(sizes[i] for i in layout.to_last)
    goal: Any = np.array(sizes, np.int32) if dynamic is None else dynamic
    attrs = {"strides": layout.numbers(strides, "strides"), "dilations": layout.numbers(dilations, "dilations")}
    inside, w, pads = layout.inside(x), convert(filters), layout.padding(padding)
    if sizes is not None and w.spec.shape is not None:
        made = _conv.specs_of((_Like(Spec(inside.dtype, sizes)), w), {**attrs, "padding": pads, "groups": 1})
        merged = inside.spec.shape
        if merged is not None and any(None not in (a, b) and a != b for a, b in zip(made.shape, merged, strict=False)):
            raise ShapeError(
                f"{what}: an output of shape {shape_text(sizes)} would need an input of shape {shape_text(made.shape)}, but it "
                f"has shape {shape_text(merged)}."
            )
    return layout.outside(_conv_input(inside, w, goal, padding=pads, groups=1, known=sizes, name=name, **attrs))


class _Like:
    def __init__(self, spec: Spec):
        self.spec = spec


def conv1d_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: Any = "SAME",
    data_format: str | None = "NWC",
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """The transpose of ``conv1d``: filters are ``(width, channels of the result, channels of input)``."""
    return _transposed(1, "conv1d_transpose", input, filters, output_shape, strides, padding, data_format, dilations, name)


def conv2d_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: Any = "SAME",
    data_format: str | None = "NHWC",
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """The transpose of ``conv2d``: filters are ``(height, width, channels of the result, channels of input)``."""
    return _transposed(2, "conv2d_transpose", input, filters, output_shape, strides, padding, data_format, dilations, name)


def depthwise_conv2d(input: Any, filter: Any, strides: Any, padding: Any, data_format: str | None = None, dilations: Any = None,
                     name: str | None = None) -> Any:  # fmt: skip
    """A convolution of each channel with filters of its own: ``filter`` is ``(height, width, channels, filters for each)``."""
    layout = Layout(2, data_format or "NHWC", "depthwise_conv2d")
    inside, w = layout.inside(input), convert(filter)
    height, width, channels, each = (shape(w)[i] if s is None else s for i, s in enumerate(w.spec.shape or ()))
    if not isinstance(channels, int) or not isinstance(each, int):
        raise ValueError("depthwise_conv2d: the numbers of channels and filters must be known while the graph is built.")
    w = reshape(w, [height, width, 1, channels * each])
    attrs = {"strides": layout.numbers(strides, "strides"), "dilations": layout.numbers(dilations, "dilations")}
    return layout.outside(_conv(inside, w, padding=layout.padding(padding), groups=channels, name=name, **attrs))


def separable_conv2d(
    input: Any,
    depthwise_filter: Any,
    pointwise_filter: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = None,
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """``depthwise_conv2d``, then a convolution with filters of size 1."""
    middle = depthwise_conv2d(input, depthwise_filter, strides, padding, data_format, dilations)
    return conv2d(middle, pointwise_filter, 1, "VALID", data_format, name=name)
