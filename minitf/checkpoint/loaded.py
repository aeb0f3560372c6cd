"""A checkpoint as a name-based saver reads it: values by the saver's names, each checked against the variable it is for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

import numpy as np

from minitf.checkpoint.reading import key_of_name
from minitf.checkpoint.source import as_kernels_have
from minitf.core.spec import Spec, compatible, shape_text, total_size
from minitf.errors import DTypeError, NotFoundError, ShapeError
from minitf.objects.partitioned import SaveSliceInfo
from minitf.saved import Reader


class Wanted(Protocol):
    """What a saver's values must be, by name."""

    def __iter__(self) -> Iterator[str]:
        """The names."""

    def key(self, name: str) -> str:
        """The name in the file."""

    def spec(self, name: str) -> Spec:
        """Dtype and shape, as far as known."""

    def place(self, name: str) -> SaveSliceInfo | None:
        """Which piece of the stored value it is; None: all of it."""


class Loaded:
    """All values of a saver from a checkpoint, read and checked before any of them is assigned (a ``Reader``)."""

    def __init__(self, reader: Reader, values: Wanted, reshape: bool):
        self.source = reader.source
        self._reader = reader
        self._values = values
        self._reshape = reshape
        self._arrays: dict[str, Any] = {}
        self._over: frozenset[str] = frozenset()  # what is being read into memory that is there
        where = {values.key(name): values.key(name) for name in values}
        if any(key not in reader for key in where):
            where = _through_object_graph(reader, where)
        self._where = {name: where[values.key(name)] for name in values}

    def keys(self) -> list[str]:
        """The names."""
        return list(self._where)

    def __contains__(self, key: object) -> bool:
        return key in self._where

    def spec(self, key: str) -> Spec:
        """Dtype and shape of a value as it is read. Raises DTypeError or ShapeError for one that does not fit."""
        found, place = self._reader.spec(self._where[key]), self._values.place(key)
        shape = found.shape if place is None else tuple(place.var_shape)
        return Spec(found.dtype, _fitting_shape(found.dtype.np, shape, self._values.spec(key), key, self._reshape, self.source))

    def stored_bytes(self) -> int:
        """``BundleReader.stored_bytes``; 0 if the reader does not know."""
        return self._reader.stored_bytes() if hasattr(self._reader, "stored_bytes") else 0

    def read(self, key: str) -> Any:
        """A value. The first time all are read. Raises DTypeError or ShapeError for one that does not fit, and as a reader."""
        return self.read_many([key])[0]

    def read_many(self, keys: Iterable[str]) -> list[Any]:
        """The values, in the order of keys. Raises as ``read``."""
        wanted = list(keys)
        if not wanted:
            return []
        missing = [name for name in self._where if name not in self._arrays and name not in self._over]
        whole = [name for name in missing if self._values.place(name) is None]
        found = dict(zip(whole, self._reader.read_many([self._where[name] for name in whole]), strict=True))
        for name in missing:
            place = self._values.place(name)
            if place is not None:
                found[name] = _region(self._reader, self._where[name], place)
        self._arrays |= {name: self._fitting(name, array) for name, array in found.items()}
        return [self._arrays[key] for key in wanted]

    @contextmanager
    def reading_over(self, keys: Sequence[str], spare: Sequence[Any]) -> Iterator[tuple[list[Any], Callable[[], None]]]:
        """``BundleReader.reading_over``; readers that cannot do that, or not with pieces, read as ever."""
        shaped = [self._as_stored(key, array) for key, array in zip(keys, spare, strict=True)]
        reading = self._reading(keys, shaped)
        if reading is None:
            yield self.read_many(keys), _nothing
            return
        with reading as (values, fill):
            self._over = frozenset(keys)
            values = [mine if value is view else value for value, view, mine in zip(values, shaped, spare, strict=True)]
            try:
                yield [self._fitting(key, value) for key, value in zip(keys, values, strict=True)], fill
            finally:
                self._over = frozenset()

    def _as_stored(self, key: str, array: Any) -> Any:
        """The memory of a variable in the shape of the value, if ``reshape`` lets it have another one."""
        if not self._reshape or not isinstance(array, np.ndarray) or self._values.place(key) is not None:
            return array
        shape: Any = self._reader.spec(self._where[key]).shape
        return array.reshape(shape) if shape != array.shape and total_size(shape) == array.size else array

    def _reading(self, keys: Sequence[str], spare: Sequence[Any]) -> AbstractContextManager[Any] | None:
        places = [self._values.place(key) for key in keys]
        stored = [self._where[key] for key in keys]
        reader: Any = self._reader
        if not any(places):
            return reader.reading_over(stored, spare) if hasattr(reader, "reading_over") else None
        if not hasattr(reader, "reading_regions_over"):
            return None
        for key, place in zip(stored, places, strict=True):
            if place is not None:
                _check_whole(reader, key, place)
        regions = [None if place is None else (place.var_offset, place.var_shape) for place in places]
        return reader.reading_regions_over(stored, regions, spare)  # type: ignore[no-any-return]

    def _fitting(self, name: str, array: Any) -> Any:
        return as_kernels_have(_fitting(array, self._values.spec(name), name, self._reshape, self.source))


def _nothing() -> None:
    """Nothing is left to be filled in."""


def _region(reader: Any, key: str, place: SaveSliceInfo) -> Any:
    """A piece of a stored value, however that was cut when it was saved. Raises as ``_check_whole``."""
    _check_whole(reader, key, place)
    return reader.read_slice(key, place.var_offset, place.var_shape)


def _check_whole(reader: Any, key: str, place: SaveSliceInfo) -> None:
    """Raises ShapeError if the whole of a partitioned value has another shape than its variable."""
    shape = reader.spec(key).shape
    if shape != tuple(place.full_shape):
        raise ShapeError(
            f"Saver.restore: {key!r} has shape {shape_text(shape)} in {reader.source}, but the partitioned variable has shape "
            f"{shape_text(tuple(place.full_shape))}. Nothing was assigned."
        )


def _through_object_graph(reader: Reader, wanted: Iterable[str]) -> dict[str, str]:
    """Keys by variable name, from the object graph of a checkpoint. Raises NotFoundError for names that nobody has."""
    missing = sorted(name for name in wanted if name not in reader)
    try:
        keys = key_of_name(reader)
    except NotFoundError:
        raise NotFoundError(
            f"Saver.restore: the checkpoint {reader.source!r} has no value for {', '.join(map(repr, missing))}. Its names are "
            "shown by tf.train.list_variables; give the saver a dict of those names and your variables, or leave variables "
            "out."
        ) from None
    missing = sorted(name for name in wanted if name not in keys)
    if missing:
        raise NotFoundError(
            f"Saver.restore: {reader.source!r} is an object-based checkpoint, which was tried by the variable names that it "
            f"records. Not in the checkpoint: {', '.join(missing)}. Not asked for: "
            f"{', '.join(sorted(keys.keys() - set(wanted))) or 'none'}. Restore it with tf.train.Checkpoint instead."
        )
    return {name: keys[name] for name in wanted}


def _fitting(array: Any, spec: Spec, name: str, reshape: bool, source: str) -> Any:
    """The array if it fits; with ``reshape`` in another shape. Raises as ``_fitting_shape``."""
    shape = _fitting_shape(array.dtype, array.shape, spec, name, reshape, source)
    return array if shape == array.shape else array.reshape(shape)


def _fitting_shape(dtype: Any, shape: Any, spec: Spec, name: str, reshape: bool, source: str) -> Any:
    """The shape in which the variable takes an array of this dtype and shape. Raises DTypeError, ShapeError."""
    if dtype != spec.dtype.np:
        raise DTypeError(
            f"Saver.restore: {name!r} is {dtype} in {source}, but the variable is {spec.dtype.name}. Nothing was "
            f"assigned; make the variable with the saved dtype."
        )
    if compatible(spec.shape, shape):
        return shape
    if reshape and spec.shape is not None and None not in spec.shape and total_size(spec.shape) == total_size(shape):  # type: ignore[arg-type]
        return spec.shape
    raise ShapeError(
        f"Saver.restore: {name!r} has shape {shape} in {source}, but the variable has shape {shape_text(spec.shape)}. "
        f"Nothing was assigned{'; reshape=True needs as many elements' if reshape else ''}."
    )
