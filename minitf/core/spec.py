"""What is known of a tensor before its value: dtype and shape.

``Spec`` is what shape rules take and give. Its ``shape`` is a tuple of sizes, with None for a size that is not known yet, or
None if not even the rank is known. ``TensorShape`` is the public class with TensorFlow's methods.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from minitf.core.dtypes import DType, of_numpy
from minitf.errors import ShapeError

Shape = tuple[int | None, ...] | None


class Spec(NamedTuple):
    """Dtype and (possibly partly unknown) shape of a tensor."""

    dtype: DType
    shape: Shape

    @property
    def rank(self) -> int | None:
        """Number of dimensions, or None."""
        return None if self.shape is None else len(self.shape)

    @property
    def complete(self) -> bool:
        """True if every size is known."""
        return self.shape is not None and None not in self.shape

    def __str__(self) -> str:
        return f"{self.dtype.name} {shape_text(self.shape)}"


@lru_cache(1000)
def spec_of(np_dtype: Any, shape: tuple[int, ...]) -> Spec:
    """The spec of arrays of this dtype and shape: one for all, so that what was worked out for it is found again.

    Raises TypeError for a dtype that tensors cannot have.
    """
    return Spec(of_numpy(np_dtype), shape)


def shape_text(shape: Shape) -> str:
    """A shape as TensorFlow prints it: ``(2, 3)``, ``(None, 3)``, ``<unknown>``."""
    return "<unknown>" if shape is None else str(tuple(shape))


def as_shape(value: Any) -> Shape:
    """The shape tuple that ``value`` stands for: a TensorShape, a sequence of sizes (None or -1: unknown), an int, None.

    Raises TypeError for anything else and ValueError for a negative size other than -1.
    """
    if value is None:
        return None
    if isinstance(value, TensorShape):
        return value.sizes
    if isinstance(value, (str, bytes)):
        raise TypeError(f"A shape is a sequence of sizes, not {value!r}.")
    try:
        sizes = [value.__index__()] if hasattr(value, "__index__") and not getattr(value, "shape", ()) else list(value)
    except TypeError:
        raise TypeError(f"A shape is a sequence of sizes, not {value!r}.") from None
    out: list[int | None] = []
    for size in sizes:
        if size is None or getattr(size, "value", 0) is None:  # the latter: a Dimension of 1.x
            out.append(None)
            continue
        try:
            n = size.__index__()
        except (AttributeError, TypeError):
            raise TypeError(f"A size in a shape is an int or None, not {size!r}.") from None
        if n < -1:
            raise ValueError(f"A size in a shape cannot be negative: {n}.")
        out.append(None if n == -1 else n)
    return tuple(out)


def broadcast_shapes(*shapes: Shape) -> Shape:
    """The shape of an elementwise result, by NumPy's rule. Raises ShapeError if the shapes do not go together."""
    out: Shape = ()
    for shape in shapes:
        out = _broadcast(out, shape)
    return out


def _broadcast(a: Shape, b: Shape) -> Shape:
    if a == b:
        return a
    if a is None or b is None:
        return None
    n = max(len(a), len(b))
    padded = zip((1,) * (n - len(a)) + a, (1,) * (n - len(b)) + b, strict=True)
    out: list[int | None] = []
    for x, y in padded:
        if x == y or y == 1:
            out.append(x)
        elif x == 1:
            out.append(y)
        elif x is None or y is None:
            out.append(y if x is None else x)
        else:
            raise ShapeError(f"Shapes {shape_text(a)} and {shape_text(b)} do not broadcast: {x} against {y}.")
    return tuple(out)


def broadcast(*specs: Spec) -> Spec:
    """Shape rule of elementwise ops: the first dtype and the broadcast shape."""
    if len(specs) == 2 and specs[0].shape == specs[1].shape:
        return specs[0]
    return Spec(specs[0].dtype, broadcast_shapes(*[s.shape for s in specs]))


def same(x: Spec, *_: Spec, **__: Any) -> Spec:
    """Shape rule of ops whose result is like their first input."""
    return x


def merge_shapes(a: Shape, b: Shape) -> Shape:
    """What is known if both are true of one tensor. Raises ShapeError if they contradict each other."""
    if a is None or b is None:
        return b if a is None else a
    if a == b:
        return a
    if len(a) != len(b) or any(x is not None and y is not None and x != y for x, y in zip(a, b, strict=True)):
        raise ShapeError(f"Shapes {shape_text(a)} and {shape_text(b)} are not compatible.")
    return tuple(y if x is None else x for x, y in zip(a, b, strict=True))


def variable_shape(name: str | None, wanted: Any, initial: Shape) -> Shape:
    """The shape of a variable, which may leave open what its initial value has. ``wanted``: None if nothing was asked for.

    ``...`` leaves even the rank open. Raises ShapeError if the initial value does not fit.
    """
    if wanted is None or wanted is ...:
        return initial if wanted is None else None
    if not compatible(wanted, initial):
        raise ShapeError(
            f"Variable {name!r}: the initial value has shape {shape_text(initial)}, but shape={shape_text(wanted)} was asked "
            f"for."
        )
    return wanted  # type: ignore[no-any-return]


def compatible(a: Shape, b: Shape) -> bool:
    """True if one tensor can have both shapes."""
    if a is None or b is None:
        return True
    return len(a) == len(b) and all(x is None or y is None or x == y for x, y in zip(a, b, strict=True))


class TensorShape:
    """A shape that may be partly or wholly unknown, with TensorFlow's methods. It compares equal to tuples and lists."""

    __slots__ = ("sizes",)

    def __init__(self, dims: Any = None):
        self.sizes: Shape = as_shape(dims)

    @property
    def rank(self) -> int | None:
        """Number of dimensions, or None."""
        return None if self.sizes is None else len(self.sizes)

    ndims = rank

    @property
    def dims(self) -> list[int | None] | None:
        """The sizes as a list, or None."""
        return None if self.sizes is None else list(self.sizes)

    def as_list(self) -> list[int | None]:
        """The sizes as a list. Raises ValueError if the rank is unknown."""
        return list(self._known())

    def _known(self) -> tuple[int | None, ...]:
        if self.sizes is None:
            raise ValueError("This TensorShape has an unknown rank, so its sizes cannot be listed.")
        return self.sizes

    def num_elements(self) -> int | None:
        """Number of elements, or None if a size is unknown."""
        if self.sizes is None:
            return None
        n = 1
        for size in self.sizes:
            if size is None:
                return None
            n *= size
        return n

    def is_fully_defined(self) -> bool:
        """True if every size is known."""
        return self.sizes is not None and None not in self.sizes

    def assert_is_fully_defined(self) -> None:
        """Raises ValueError unless every size is known."""
        if not self.is_fully_defined():
            raise ValueError(f"Shape {self} is not fully defined.")

    def is_compatible_with(self, other: Any) -> bool:
        """True if one tensor can have both shapes."""
        return compatible(self.sizes, as_shape(other))

    def assert_is_compatible_with(self, other: Any) -> None:
        """Raises ValueError unless one tensor can have both shapes."""
        merge_shapes(self.sizes, as_shape(other))

    def assert_has_rank(self, rank: int) -> None:
        """Raises ValueError if the rank is known and another."""
        if self.rank not in (None, rank):
            raise ValueError(f"Shape {self} must have rank {rank}.")

    def merge_with(self, other: Any) -> TensorShape:
        """The shape that holds what both know. Raises ValueError if they contradict each other."""
        return TensorShape(merge_shapes(self.sizes, as_shape(other)))

    def concatenate(self, other: Any) -> TensorShape:
        """This shape followed by the other."""
        more = as_shape(other)
        return TensorShape(None if self.sizes is None or more is None else self.sizes + more)

    def assert_same_rank(self, other: Any) -> None:
        """Raises ValueError if both ranks are known and differ."""
        more = TensorShape(other)
        if None not in (self.rank, more.rank) and self.rank != more.rank:
            raise ValueError(f"Shapes {self} and {more} must have the same rank.")

    def with_rank_at_least(self, rank: int) -> TensorShape:
        """This shape. Raises ValueError if its rank is known and less."""
        if self.rank is not None and self.rank < rank:
            raise ValueError(f"Shape {self} must have rank at least {rank}.")
        return self

    def with_rank_at_most(self, rank: int) -> TensorShape:
        """This shape. Raises ValueError if its rank is known and more."""
        if self.rank is not None and self.rank > rank:
            raise ValueError(f"Shape {self} must have rank at most {rank}.")
        return self

    def most_specific_compatible_shape(self, other: Any) -> TensorShape:
        """What is true of both: sizes that differ are unknown, and so is the rank if the ranks differ."""
        more = as_shape(other)
        if self.sizes is None or more is None or len(self.sizes) != len(more):
            return TensorShape(None)
        return TensorShape([x if x == y else None for x, y in zip(self.sizes, more, strict=True)])

    def is_subtype_of(self, other: Any) -> bool:
        """True if every tensor of this shape has the other one; False for what is no TensorShape."""
        if not isinstance(other, TensorShape) or other.sizes is None:
            return isinstance(other, TensorShape)
        if self.sizes is None or len(self.sizes) != len(other.sizes):
            return False
        return all(y is None or x == y for x, y in zip(self.sizes, other.sizes, strict=True))

    def most_specific_common_supertype(self, others: Iterable[Any]) -> TensorShape | None:
        """What is true of this shape and all the others; None if one of them is no TensorShape."""
        found = self
        for other in others:
            if not isinstance(other, TensorShape):
                return None
            found = found.most_specific_compatible_shape(other)
        return found

    def with_rank(self, rank: int) -> TensorShape:
        """This shape, with unknown sizes if its rank was unknown. Raises ValueError if the rank is another."""
        return self.merge_with([None] * rank)

    def __iter__(self) -> Iterator[int | None]:
        return iter(self._known())

    def __len__(self) -> int:
        return len(self._known())

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            return TensorShape(None if self.sizes is None else self.sizes[key])
        return None if self.sizes is None else self.sizes[key]

    def __bool__(self) -> bool:
        return self.sizes is not None

    def __eq__(self, other: object) -> bool:
        try:
            return self.sizes == as_shape(other)
        except (TypeError, ValueError):
            return NotImplemented

    def __hash__(self) -> int:
        return hash(self.sizes)

    def __add__(self, other: Any) -> TensorShape:
        return self.concatenate(other)

    def __radd__(self, other: Any) -> TensorShape:
        return TensorShape(other).concatenate(self)

    def __repr__(self) -> str:
        return f"TensorShape({None if self.sizes is None else list(self.sizes)})"

    def __str__(self) -> str:
        if self.sizes is None:
            return "<unknown>"
        return f"({', '.join(str(s) for s in self.sizes)}{',' if len(self.sizes) == 1 else ''})"

    def __reduce__(self) -> tuple[Any, ...]:
        return TensorShape, (self.sizes,)


def total_size(sizes: Iterable[int]) -> int:
    """Product of sizes, as an unbounded Python int."""
    n = 1
    for size in sizes:
        n *= size
    return n
