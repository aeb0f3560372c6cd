"""Whether a sharding callback gave back what it was given, and what it gave as a storage wants it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from minitf.checkpoint.sharding.callback import Shard, ShardableTensor, ShardingCallback
from minitf.checkpoint.sharding.slices import Slice
from minitf.core.op import convert
from minitf.core.spec import shape_text, total_size
from minitf.core.tensor import EagerTensor
from minitf.errors import DataLossError, InvalidArgumentError, OpError
from minitf.storage.regions import check_disjoint, slice_shape
from minitf.storage.values import Extent, Partitioned

Place = tuple[tuple[int, int], ...]
"""Start and length along each axis."""


class Arrangement:
    """The data files that a callback gave for some tensors, checked: ``files`` is for ``TensorBundle.write_shards``.

    Raises TypeError and AttributeError for what is no list of mappings of mappings, ValueError for a key or slice that is no
    text, InvalidArgumentError for a file without tensors, a slice that does not fit its tensor or is there twice, InternalError
    for a slice outside its tensor, and RuntimeError for tensors that were left out, added or changed.
    """

    def __init__(self, callback: ShardingCallback, given: Sequence[ShardableTensor], result: Any):
        self._who = f"experimental_sharding_callback {type(callback).__name__} ({callback.description!r})"
        self._given = {one.checkpoint_key: one for one in given}
        self._shapes = {key: tuple(one.tensor.spec.shape) for key, one in self._given.items()}
        self._seen: dict[str, dict[Place, int]] = {key: {} for key in self._given}  # the file of each piece
        self.files: list[dict[str, Any]] = [self._file(number, shard) for number, shard in enumerate(self._listed(result))]
        self._check_all_there()

    def _refuse(self, error: type[Exception], text: str) -> NoReturn:
        raise error(f"{self._who} {text}")

    def _listed(self, result: Any) -> Sequence[Shard]:
        if not hasattr(result, "__len__"):
            self._refuse(
                TypeError,
                f"gave {result!r}, which has no length. A list is wanted, with a mapping for each data file: "
                "[{checkpoint_key: {slice_spec: tensor}}].",
            )
        if not len(result):
            self._refuse(InvalidArgumentError, "gave no data file. The tensors that it was given must be in one at least.")
        return list(result)

    def _items(self, mapping: Any, what: str) -> Any:
        if not hasattr(mapping, "items"):
            self._refuse(AttributeError, f"gave {mapping!r} for {what}, which has no items(). A mapping is wanted.")
        return mapping.items()

    def _text(self, given: Any, what: str) -> str:
        if isinstance(given, bytes):
            given = given.decode("utf-8", "surrogateescape")
        if not isinstance(given, str):
            self._refuse(ValueError, f"gave {given!r} as {what}. A str is wanted, not {type(given).__name__}.")
        return given

    def _file(self, number: int, shard: Any) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for given_key, slices in self._items(shard, f"data file {number}"):
            key = self._text(given_key, "a checkpoint key")
            pieces = []
            for given_spec, value in self._items(slices, f"key {key!r}"):
                spec = self._text(given_spec, f"a slice of {key!r}")
                if value is not None:
                    pieces.append(self._piece(number, key, spec, value))
            if len(pieces) == 1 and pieces[0][1].shape == self._shapes[key]:
                out[key] = pieces[0][1]
            elif pieces:
                out[key] = Partitioned(self._shapes[key], pieces)
        if not out:
            self._refuse(
                InvalidArgumentError,
                f"gave a data file without tensors, number {number}. Leave out files with nothing in them.",
            )
        return out

    def _piece(self, number: int, key: str, spec: str, value: Any) -> tuple[tuple[Extent, ...], Any]:
        """Its extents and its array."""
        if key not in self._given:
            self._refuse(RuntimeError, f"added a tensor, {key!r}. It may only give back tensors that it was given.")
        dtype, shape = self._given[key].dtype, self._shapes[key]
        tensor = convert(value)
        if not isinstance(tensor, EagerTensor):
            self._refuse(TypeError, f"gave {value!r} for {key!r}: a tensor with a value was expected.")
        if tensor.dtype is not dtype:
            self._changed(key, "dtype", dtype.name, tensor.dtype.name)
        found = tensor._v.shape
        if not spec:
            if found != shape:
                self._changed(key, "shape", shape_text(shape), shape_text(found))
            extents: tuple[Extent, ...] = (None,) * len(shape)
        else:
            try:
                whole, extents = Slice.parse(spec)
            except OpError as error:
                self._refuse(type(error), f"gave a wrong slice of {key!r}: {error}")
            part = slice_shape(extents, whole)
            if found != part:
                text = f"gave a tensor of shape {shape_text(found)} as slice {spec!r} of {key!r}, which has shape"
                self._refuse(InvalidArgumentError, f"{text} {shape_text(part)}.")
            if whole != shape:
                self._changed(key, "shape", shape_text(shape), f"{shape_text(whole)}, by its slice {spec!r}")
        self._check_new(number, key, spec, place_of(extents, shape))
        return extents, tensor._v

    def _changed(self, key: str, what: str, before: str, after: str) -> NoReturn:
        self._refuse(
            RuntimeError, f"changed the {what} of {key!r} from {before} to {after}. It may cut tensors, and nothing else."
        )

    def _check_new(self, number: int, key: str, spec: str, place: Place) -> None:
        seen = self._seen[key]
        whole = place_of((None,) * len(place), self._shapes[key]) if seen else ()
        if seen and (place in seen or whole in seen or place == whole):
            other = seen.get(place, next(iter(seen.values())))
            self._refuse(
                InvalidArgumentError,
                f"gave {key!r} twice: in data file {other}, and{f' as slice {spec!r}' if spec else ''} in data file {number}. "
                "Each part of a tensor belongs into one file.",
            )
        seen[place] = number

    def _check_all_there(self) -> None:
        lost = []
        for key, seen in self._seen.items():
            shape = self._shapes[key]
            if len(seen) > 1:
                try:
                    check_disjoint(list(seen), shape, repr(key))
                except DataLossError as error:
                    self._refuse(RuntimeError, f"gave pieces that have elements in common: {error}")
            missing = total_size(shape) - sum(total_size(size for _, size in place) for place in seen)
            if not seen:
                lost.append(repr(key))
            elif missing:
                lost.append(f"{missing} of the {total_size(shape)} elements of {key!r}")
        if lost:
            more = f", and {len(lost) - 3} more" if len(lost) > 3 else ""
            self._refuse(
                RuntimeError,
                f"left out {', '.join(lost[:3])}{more}. A checkpoint without them could not be restored: it must give back all "
                "tensors that it was given.",
            )


def place_of(extents: Sequence[Extent], shape: Sequence[int]) -> Place:
    """Where a piece is, in numbers."""
    return tuple((0, size) if extent is None else extent for extent, size in zip(extents, shape, strict=True))
