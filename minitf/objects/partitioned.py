"""Partitioned variables: one tensor in several variables, cut along one axis, that is saved under one name.

    table = tf.get_variable("table", [1000, 8], partitioner=tf.fixed_size_partitioner(4))
    rows = tf.nn.embedding_lookup(table, ids)         # table/part_0 ... table/part_3: 250 rows each

Each piece is an ordinary variable, which knows its place in the whole (``SaveSliceInfo``); the name-based ``Saver`` writes the
pieces as slices of one tensor, and gives each its region back, however the tensor was cut when it was saved. Rules and errors
are TensorFlow's of ``compat.v1``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from minitf.core import names
from minitf.core.dtypes import DType
from minitf.core.op import convert
from minitf.core.spec import TensorShape, shape_text
from minitf.objects.variable import Variable
from minitf.ops.creating import identity
from minitf.ops.joining import concat, split


class SaveSliceInfo(NamedTuple):
    """The place of a piece: name and shape of the whole, where the piece begins, and its shape."""

    full_name: str
    full_shape: list[int]
    var_offset: list[int]
    var_shape: list[int]

    @property
    def spec(self) -> str:
        """As TensorFlow writes it: the shape of the whole, then start and length for each axis (``5 2 3,2:0,2``)."""
        extents = ":".join(f"{start},{length}" for start, length in self.extents)
        return f"{' '.join(map(str, self.full_shape))} {extents}"

    @property
    def extents(self) -> tuple[tuple[int, int], ...]:
        """Start and length for each axis."""
        return tuple(zip(self.var_offset, self.var_shape, strict=True))

    def beside(self, suffix: str) -> SaveSliceInfo:
        """The place of a variable that goes with this piece, in the tensor that goes with the whole: a slot variable."""
        return self._replace(full_name=f"{self.full_name}/{suffix}")


class PartitionInfo(NamedTuple):
    """What an initializer of a piece is told: the shape of the whole, and where the piece begins."""

    full_shape: list[int]
    var_offset: list[int]

    def single_slice_dim(self, shape: Sequence[int]) -> int | None:
        """The axis along which a piece of this shape is cut; None if it is the whole.

        Raises ValueError for a shape that is no part of the whole, or cut along several axes.
        """
        if len(shape) != len(self.full_shape):
            raise ValueError(f"A shape of {len(shape)} axes is no part of a tensor of shape {self.full_shape}.")
        cut = [axis for axis, (size, whole) in enumerate(zip(shape, self.full_shape, strict=True)) if size != whole]
        if any(self.var_offset[axis] + shape[axis] > self.full_shape[axis] for axis in range(len(shape))):
            raise ValueError(f"Shape {list(shape)} from {self.var_offset} on is no part of shape {self.full_shape}.")
        if len(cut) > 1:
            raise ValueError(f"Shape {list(shape)} is a part of {self.full_shape} along several axes: {cut}.")
        return cut[0] if cut else None

    def single_offset(self, shape: Sequence[int]) -> int:
        """Where a piece of this shape begins along the axis along which it is cut. Raises as ``single_slice_dim``."""
        axis = self.single_slice_dim(shape)
        return 0 if axis is None else self.var_offset[axis]


class PartitionedVariable:
    """Several variables that are one tensor. ``tf.get_variable`` makes it if it has a partitioner.

    It can be iterated, converted to a tensor, and saved; it is not trackable: a checkpoint of objects has the pieces, if they
    are in a list. ``sizes`` is the shape of the whole as plain numbers, ``partitions`` counts the pieces along each axis.
    """

    def __init__(self, name: str, shape: Any, dtype: Any, variable_list: Sequence[Variable], partitions: Sequence[int]):
        self._name, self._dtype = name, dtype
        self.sizes: tuple[int, ...] = tuple(shape)
        self.partitions = list(partitions)
        self._pieces = list(variable_list)

    @property
    def name(self) -> str:
        """The name of the whole, without ``:0``."""
        return self._name

    @property
    def dtype(self) -> DType:
        """The element type."""
        return self._dtype  # type: ignore[no-any-return]

    @property
    def shape(self) -> TensorShape:
        """The shape of the whole."""
        return TensorShape(self.sizes)

    def get_shape(self) -> TensorShape:
        """The shape of the whole (1.x spelling)."""
        return self.shape

    def __iter__(self) -> Iterator[Variable]:
        return iter(self._pieces)

    def __len__(self) -> int:
        return len(self._pieces)

    def _get_variable_list(self) -> list[Variable]:
        """The pieces."""
        return list(self._pieces)

    @property
    def _axis(self) -> int:
        return next((axis for axis, count in enumerate(self.partitions) if count > 1), 0)

    def as_tensor(self) -> Any:
        """The whole, as a tensor."""
        joined = concat([convert(piece) for piece in self._pieces], self._axis, name=f"{self._name}/ConcatPartitions/concat")
        with names.entered(names.Scope("", names.scope().control)):
            return identity(joined, name=self._name)

    _as_tensor = as_tensor

    def assign(self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True) -> list[Any]:
        """Sets the whole: to a tensor of its shape, or piece by piece to a list or another partitioned variable.

        Gives what ``assign`` of each piece gives. Raises ShapeError for a tensor of another shape, ValueError for another
        number of pieces.
        """
        return self._each("assign", value, name, read_value)

    def assign_add(self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True) -> list[Any]:
        """Adds to the whole; as ``assign``."""
        return self._each("assign_add", value, name, read_value)

    def assign_sub(self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True) -> list[Any]:
        """Subtracts from the whole; as ``assign``."""
        return self._each("assign_sub", value, name, read_value)

    def _each(self, verb: str, value: Any, name: str | None, read_value: bool) -> list[Any]:
        if isinstance(value, (list, PartitionedVariable)):
            parts = list(value)
            if len(parts) != len(self._pieces):
                raise ValueError(f"{verb}: {self._name!r} has {len(self._pieces)} pieces, but {len(parts)} values were given.")
        else:
            axis = self._axis
            parts = split(convert(value, self._dtype), [piece._save_slice.var_shape[axis] for piece in self._pieces], axis)
        return [
            getattr(piece, verb)(part, name=name, read_value=read_value)
            for piece, part in zip(self._pieces, parts, strict=True)
        ]

    def __repr__(self) -> str:
        shape, count = shape_text(self.sizes), len(self._pieces)
        return f"<partitioned variable {self._name!r} shape={shape} dtype={self._dtype.name} pieces={count}>"


def counts_of(partitioner: Any, name: str, shape: tuple[int, ...], dtype: DType) -> list[int]:
    """How many pieces a partitioner wants along each axis. Raises ValueError for what is no such list."""
    counts = partitioner(shape=TensorShape(shape), dtype=dtype)
    where = f"get_variable({name!r}): the partitioner"
    if isinstance(counts, str) or not isinstance(counts, Sequence):
        raise ValueError(f"{where} must return a sequence, but returned {counts!r}.")
    if len(counts) != len(shape):
        raise ValueError(f"{where} returned {list(counts)}, which does not match the variable's rank: {shape_text(shape)}.")
    if any(count < 1 for count in counts):
        raise ValueError(f"{where} returned zero partitions for some axes: {list(counts)}.")
    if sum(count > 1 for count in counts) > 1:
        raise ValueError(f"{where} returned {list(counts)}, but a variable can only be sliced along one dimension.")
    return list(counts)


def places(name: str, shape: tuple[int, ...], counts: Sequence[int]) -> list[SaveSliceInfo]:
    """Where the pieces stand: as many along an axis as is asked for, but none without an element; the first are the longer."""
    axis = next((axis for axis, count in enumerate(counts) if count > 1), None)
    if axis is None:
        return [SaveSliceInfo(name, list(shape), [0] * len(shape), list(shape))]
    count = max(1, min(counts[axis], shape[axis]))
    least, longer = divmod(shape[axis], count)
    out, start = [], 0
    for number in range(count):
        size = least + (number < longer)
        offset, own = [0] * len(shape), list(shape)
        offset[axis], own[axis] = start, size
        out.append(SaveSliceInfo(name, list(shape), offset, own))
        start += size
    return out


def goes_with(piece: Variable, variable: Variable) -> None:
    """Gives a variable that belongs to a piece (a slot, an average) its place, as the piece has one."""
    place, prefix = piece._save_slice, f"{piece.handle.name}/"
    if place is not None and variable.handle.name.startswith(prefix):
        variable._save_slice = place.beside(variable.handle.name.removeprefix(prefix))

