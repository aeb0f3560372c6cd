"""Layers that make one tensor of several: Add, Subtract, Multiply, Average, Maximum, Minimum, Concatenate, Dot.

They are called with a list of tensors. Each has a function of the same name in lower case.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from operator import add as plus
from operator import mul
from typing import Any

from minitf.core.spec import TensorShape, broadcast_shapes
from minitf.errors import ShapeError
from minitf.layers.abstract import given_shapes
from minitf.layers.layer import Layer
from minitf.ops import extremes
from minitf.ops.creating import ones_like
from minitf.ops.einsum import einsum
from minitf.ops.joining import concat, stack
from minitf.ops.norms import l2_normalize
from minitf.ops.reductions import reduce_all
from minitf.ops.shapes import expand_dims


class Merge(Layer):
    """Base class: define ``merge(inputs)``, element by element.

    Tensors of fewer axes are broadcast after the batch axis. A step counts if it does in all inputs that have a mask. Raises
    ValueError for inputs that are no list, or whose shapes do not go together.
    """

    supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Looks at the shapes; there are no weights."""
        shapes = self._shapes(input_shape)
        sizes = {s[0] for s in shapes if s.rank} - {None}
        if len(sizes) > 1:
            raise ValueError(f"{type(self).__name__} {self.name!r}: the inputs have other batch sizes: {shapes}.")
        self._check_shapes(shapes)
        self.built = True

    def _shapes(self, input_shape: Any) -> list[TensorShape]:
        if isinstance(input_shape, TensorShape) or not isinstance(input_shape, (list, tuple)) or not input_shape:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} merges a list of tensors, but was called with one of shape {input_shape}."
            )
        return list(given_shapes(input_shape))

    def _check_shapes(self, shapes: list[TensorShape]) -> None:
        known = [tuple(s)[1:] for s in shapes if s.rank]
        try:
            for i in range(1, len(known)):
                broadcast_shapes(known[0], known[i])
        except ShapeError as e:
            raise ValueError(f"{type(self).__name__} {self.name!r}: the shapes {shapes} do not go together.") from e

    def merge(self, inputs: Sequence[Any]) -> Any:
        """The merged tensor."""
        raise NotImplementedError(f"{type(self).__name__} must define merge(inputs).")

    def call(self, inputs: Any) -> Any:
        """The merged tensor."""
        most = max(len(x.shape) for x in inputs)
        return self.merge([_with_axes(x, most) for x in inputs])

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Where all inputs count. Raises ValueError unless there is a mask, or None, for each input."""
        known = [m for m in self._masks(inputs, mask) if m is not None]
        return None if not known else reduce_all(stack(known, 0), 0)

    def _masks(self, inputs: Any, mask: Any) -> list[Any]:
        if mask is None:
            return []
        if not isinstance(mask, (list, tuple)) or len(mask) != len(inputs):
            raise ValueError(f"{type(self).__name__} {self.name!r}: mask must be a list of as many as there are inputs.")
        return list(mask)


def _with_axes(x: Any, rank: int) -> Any:
    for _ in range(rank - len(x.shape)):
        x = expand_dims(x, 1)
    return x


class Add(Merge):
    """The sum."""

    def merge(self, inputs: Sequence[Any]) -> Any:
        """The sum."""
        return reduce(plus, inputs)


class Subtract(Merge):
    """The difference of two."""

    def _check_shapes(self, shapes: list[TensorShape]) -> None:
        if len(shapes) != 2:
            raise ValueError(f"Subtract {self.name!r} takes 2 inputs, not {len(shapes)}.")
        super()._check_shapes(shapes)

    def merge(self, inputs: Sequence[Any]) -> Any:
        """The first less the second."""
        return inputs[0] - inputs[1]


class Multiply(Merge):
    """The product, element by element."""

    def merge(self, inputs: Sequence[Any]) -> Any:
        """The product."""
        return reduce(mul, inputs)


class Average(Add):
    """The mean."""

    def merge(self, inputs: Sequence[Any]) -> Any:
        """The mean."""
        return super().merge(inputs) / len(inputs)


class Maximum(Merge):
    """The largest, element by element."""

    def merge(self, inputs: Sequence[Any]) -> Any:
        """The largest."""
        return reduce(extremes.maximum, inputs)


class Minimum(Merge):
    """The smallest, element by element."""

    def merge(self, inputs: Sequence[Any]) -> Any:
        """The smallest."""
        return reduce(extremes.minimum, inputs)


class Concatenate(Merge):
    """The tensors one after the other along ``axis``; the other sizes must be the same."""

    def __init__(self, axis: int = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = axis

    def _check_shapes(self, shapes: list[TensorShape]) -> None:
        known = [list(s) for s in shapes if s.rank is not None]
        ranks = {len(s) for s in known}
        if len(ranks) > 1 or any(not -r <= self.axis < r for r in ranks):
            raise ValueError(f"Concatenate {self.name!r}: the shapes {shapes} have no axis {self.axis} in common.")
        for sizes in known:
            del sizes[self.axis]
        for at in zip(*known, strict=True):
            if len(set(at) - {None}) > 1:
                raise ValueError(f"Concatenate {self.name!r}: the shapes {shapes} differ in more than axis {self.axis}.")

    def call(self, inputs: Any) -> Any:
        """The tensors one after the other."""
        return concat(list(inputs), self.axis)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The masks one after the other, or where all count if that is along the last axis."""
        masks = self._masks(inputs, mask)
        if all(m is None for m in masks):
            return None
        whole = []
        for x, m in zip(inputs, masks, strict=True):
            every = ones_like(x, dtype="bool")
            if m is not None:
                every = every & (expand_dims(m, -1) if len(m.shape) < len(x.shape) else m)
            whole.append(every)
        return reduce_all(concat(whole, self.axis), -1)


class Dot(Merge):
    """Products of two tensors, example by example, summed over an axis of each.

    ``axes``: the axis of both, or a pair; the axes that remain are the first's, then the second's, and one of size 1 if there
    are none. ``normalize`` scales the vectors along these axes to length 1 first.
    """

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        pair = isinstance(axes, (list, tuple))
        if not isinstance(axes, int) and not pair:
            raise TypeError(f"Dot: axes must be an int or two of them, not {axes!r}.")
        if pair and (len(axes) != 2 or not all(isinstance(a, int) for a in axes)):
            raise ValueError(f"Dot: axes must be an int or two of them, not {axes!r}.")
        self.axes, self.normalize = axes, normalize

    def _summed(self, ranks: Sequence[int]) -> list[int]:
        given = [self.axes] * 2 if isinstance(self.axes, int) else self.axes
        return [a + r if a < 0 else a for a, r in zip(given, ranks, strict=True)]

    def _check_shapes(self, shapes: list[TensorShape]) -> None:
        if len(shapes) != 2:
            raise ValueError(f"Dot {self.name!r} takes 2 inputs, not {len(shapes)}.")
        first, second = shapes
        axes = self._summed([len(first), len(second)])
        sizes = [s[a] for s, a in zip(shapes, axes, strict=True)]
        if None not in sizes and sizes[0] != sizes[1]:
            raise ValueError(
                f"Dot {self.name!r}: the axes that are summed over must have one size, but axis {axes[0]} of {first} has "
                f"{sizes[0]} and axis {axes[1]} of {second} has {sizes[1]}."
            )

    def call(self, inputs: Any) -> Any:
        """The sums of products."""
        first, second = inputs
        axes = self._summed([len(first.shape), len(second.shape)])
        if self.normalize:
            first, second = l2_normalize(first, axes[0]), l2_normalize(second, axes[1])
        letters = iter("bcdefghijklmnopqrstuvwxyz")
        terms = []
        for tensor, axis in zip((first, second), axes, strict=True):
            terms.append("".join("a" if i == 0 else "z" if i == axis else next(letters) for i in range(len(tensor.shape))))
        rest = "".join(letter for letter in terms[0][1:] + terms[1][1:] if letter != "z")
        out = einsum(f"{terms[0]},{terms[1]}->a{rest}", first, second)
        return out if rest else expand_dims(out, -1)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """None: the products have no steps."""
        return None


def _function(kind: Any) -> Callable[..., Any]:
    def merged(inputs: Any, *args: Any, **kwargs: Any) -> Any:
        return kind(*args, **kwargs)(inputs)

    merged.__name__ = merged.__qualname__ = kind.__name__.lower()
    merged.__doc__ = f"``{kind.__name__}(...)(inputs)``: {kind.__doc__.splitlines()[0]}"
    return merged


add, subtract, multiply, average = (_function(kind) for kind in (Add, Subtract, Multiply, Average))
maximum, minimum, concatenate, dot = (_function(kind) for kind in (Maximum, Minimum, Concatenate, Dot))
