"""The sharding callbacks that are there: everything in one data file, or files of limited size."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

from minitf.checkpoint.sharding.callback import Shard, ShardableTensor, ShardingCallback
from minitf.checkpoint.sharding.cutting import Box, first_part
from minitf.checkpoint.sharding.slices import Slice
from minitf.core import dtypes
from minitf.core.spec import total_size
from minitf.objects.partitioned import SaveSliceInfo
from minitf.ops.indexing import slice as part_of
from minitf.saved import OBJECT_GRAPH_KEY

_log = logging.getLogger("minitf")


class ShardByTaskPolicy(ShardingCallback):
    """A data file for each task, as TensorFlow saves by default. minitf has one task: everything is in one file."""

    @property
    def description(self) -> str:
        """What it does."""
        return "One data file for each task."

    def __call__(self, shardable_tensors: Sequence[ShardableTensor]) -> Sequence[Shard]:
        """Gives one data file with all tensors."""
        shard: dict[str, dict[str, Any]] = {}
        for one in shardable_tensors:
            shard.setdefault(one.checkpoint_key, {})[one.slice_spec] = one.tensor
        return [shard]


class MaxShardSizePolicy(ShardingCallback):
    """Data files of at most ``max_shard_size`` bytes. The files are TensorFlow's, byte for byte.

    Files are filled one after the other; a tensor for which there is no room is cut along an axis, so that as much as possible
    of it goes into the file, and the rest into the next ones. What may make a file larger: an element that is larger by itself
    (it gets a file of its own, and a warning), the object graph, which is not counted, and the lengths beside strings, which
    are counted by their characters alone.

    TensorFlow writes pieces of every dtype, but does not put together those of float16, uint16, uint32, uint64, float8 and
    strings, so that it cannot restore what it saved; minitf can, and warns when it cuts a tensor of them. TensorFlow loses
    tensors without elements, which are saved here, and comes to no end where a slice one element thick is too large along every
    axis; here the slice is cut again.

    Raises TypeError for a size that is no number, ValueError for one below 1.
    """

    def __init__(self, max_shard_size: int):
        _limit(max_shard_size)
        self.max_shard_size = max_shard_size

    @property
    def description(self) -> str:
        """What it does."""
        return f"Data files of at most {self.max_shard_size} bytes."

    def __call__(self, shardable_tensors: Sequence[ShardableTensor]) -> Sequence[Shard]:
        """Gives the data files."""
        filling = _Filling(_limit(self.max_shard_size))
        for one in shardable_tensors:
            filling.add(one)
        return filling.shards()

    def __repr__(self) -> str:
        return f"MaxShardSizePolicy({self.max_shard_size})"


def _limit(size: Any) -> Any:
    """Whole bytes, or infinity."""
    if isinstance(size, bool) or not isinstance(size, Real):
        raise TypeError(
            f"MaxShardSizePolicy(max_shard_size={size!r}): a number of bytes was expected, not {type(size).__name__}."
        )
    if not float(size) >= 1:
        raise ValueError(f"MaxShardSizePolicy(max_shard_size={size!r}): a data file must have room for a byte at least.")
    return size if math.isinf(size) else math.floor(size)


class _Filling:
    """Data files that are being filled. Those of single elements that are larger than a file come last."""

    def __init__(self, most: Any):
        self._most = self._room = most
        self._files: list[dict[str, dict[str, Any]]] = [{}]
        self._alone: list[Shard] = []
        self._warned = False
        self._large: set[str] = set()

    def shards(self) -> list[Shard]:
        """All that have something in them."""
        return [*(file for file in self._files if file), *self._alone]

    def add(self, one: ShardableTensor) -> None:
        """Puts a tensor in, cut if it must be."""
        tensor = _Tensor(one)
        if not tensor.box.shape:
            self._put_element(tensor, one.slice_spec, one.tensor, tensor.size)
        elif not tensor.box.elements:
            self._put(tensor, one.slice_spec, one.tensor, 0)
        else:
            self._put_box(tensor, tensor.box, tensor.size)

    def _put_box(self, tensor: _Tensor, box: Box, size: int) -> None:
        while size > self._room:
            part = first_part(box.shape, tensor.item, self._room)
            if part is not None:
                first, box = box.cut(*part)
                self._put_piece(tensor, first, first.elements * tensor.item)
                if not self._room:
                    self._next()
            elif first_part(box.shape, tensor.item, self._most) is not None:
                self._next()
                continue  # with the size as it was: that of strings is their own until they are cut
            elif box.elements > 1:  # thin slices, which are cut along the other axes
                first, box = box.cut(max(range(len(box.shape)), key=box.shape.__getitem__), 1)
                self._put_box(tensor, first, first.elements * tensor.item)
            else:
                spec, value = self._piece(tensor, box)
                self._put_element(tensor, spec, value, tensor.size_of(value))
                return
            size = box.elements * tensor.item
        self._put_piece(tensor, box, size)

    def _put_piece(self, tensor: _Tensor, box: Box, size: int) -> None:
        self._put(tensor, *self._piece(tensor, box), size)

    def _put_element(self, tensor: _Tensor, spec: str, value: Any, size: int) -> None:
        if size > self._most:
            if tensor.key not in self._large:
                self._large.add(tensor.key)
                _log.warning(
                    "MaxShardSizePolicy: an element of %r has %d bytes, more than the %d that a data file may have. It gets a "
                    "data file of its own.", tensor.key, size, self._most,
                )  # fmt: skip
            self._alone.append({tensor.key: {spec: value}})
            return
        if size > self._room:
            self._next()
        self._put(tensor, spec, value, size)

    def _put(self, tensor: _Tensor, spec: str, value: Any, size: int) -> None:
        self._files[-1].setdefault(tensor.key, {})[spec] = value
        self._room -= size

    def _next(self) -> None:
        self._files.append({})
        self._room = self._most

    def _piece(self, tensor: _Tensor, box: Box) -> tuple[str, Any]:
        if box != tensor.box and tensor.dtype not in _JOINED_BY_TENSORFLOW and not self._warned:
            self._warned = True
            _log.warning(
                "MaxShardSizePolicy: %r is cut, and it is of dtype %s, which TensorFlow does not put together from pieces: "
                "minitf can restore it, TensorFlow cannot. Use a larger max_shard_size if it should.",
                tensor.key, tensor.dtype.name,
            )  # fmt: skip
        return tensor.piece(box)


_JOINED_BY_TENSORFLOW = {
    dtypes.float32, dtypes.float64, dtypes.bfloat16, dtypes.complex64, dtypes.complex128, dtypes.bool, dtypes.int4, dtypes.int8,
    dtypes.int16, dtypes.int32, dtypes.int64, dtypes.uint4, dtypes.uint8,
}  # fmt: skip


class _Tensor:
    """A tensor to be cut. ``size``: its bytes; ``item``: those of an element, the largest if they differ.

    ``box`` is its place in the value of its key, of which it may be a part already.
    """

    def __init__(self, given: ShardableTensor):
        self.key = given.checkpoint_key
        self.dtype = given.dtype
        self._given = given
        shape: tuple[int, ...] = tuple(given.tensor.shape)
        place = Slice.parse(given.slice_spec) if given.slice_spec else Slice(shape, (None,) * len(shape))
        self._whole = place.whole
        self.box = Box(place.start, shape)
        self.size, self.item = self._sizes()

    def _sizes(self) -> tuple[int, int]:
        if self.key == OBJECT_GRAPH_KEY or self.dtype.kind == "V":
            return 0, 0
        if self.dtype.kind == "S":
            sizes = _lengths(self._given.tensor)
            return sum(sizes), max(sizes, default=0)
        return total_size(self.box.shape) * self.dtype.size, self.dtype.size

    def size_of(self, element: Any) -> int:
        """The bytes of one element."""
        return sum(_lengths(element)) if self.dtype.kind == "S" else self.item

    def piece(self, box: Box) -> tuple[str, Any]:
        """A piece and its slice. The whole is a slice too, as TensorFlow has it."""
        spec = SaveSliceInfo(self.key, list(self._whole), list(box.start), list(box.shape)).spec
        if box == self.box:
            return spec, self._given.tensor
        begin = [at - start for at, start in zip(box.start, self.box.start, strict=True)]
        return spec, part_of(self._given.tensor, begin, list(box.shape))


def _lengths(strings: Any) -> list[int]:
    """How many bytes each string of a tensor has."""
    import numpy as np

    return [len(text) for text in np.asarray(strings.numpy(), object).ravel().tolist()]
