"""Values of a V1 checkpoint as flows: read piece by piece from their blocks, and verified.

What is not as TensorFlow writes it is read as a whole, as small values are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from minitf.storage.bundle.snappy import TooFar
from minitf.storage.flows import Flow, Numbers, Texts, flow_of, joined
from minitf.storage.regions import slice_shape
from minitf.storage.v1.over import check_count, may_be_large, numbers_at, place_of
from minitf.storage.v1.records import Slice, TensorMeta
from minitf.storage.v1.strings import OtherField, strings_in_pieces
from minitf.storage.values import Array, Typed

if TYPE_CHECKING:
    from minitf.storage.v1.reader import SlicesReader


def large(reader: SlicesReader, meta: TensorMeta) -> Flow | None:
    """A value as a flow, None if it is small."""
    if not any(may_be_large(reader.file_of(meta, extents), meta, extents) for extents in meta.slices):
        return None
    if meta.slices == ((None,) * len(meta.shape),):
        return _flow(reader, meta, meta.slices[0])
    pieces = [(extents, _flow(reader, meta, extents)) for extents in meta.slices]
    return joined(meta.shape, pieces, f"{reader.source}: key {meta.name!r}")


def piece_flow(reader: SlicesReader, meta: TensorMeta, extents: Slice) -> Flow | None:
    """A stored piece as a flow, None if it is small."""
    return _flow(reader, meta, extents) if may_be_large(reader.file_of(meta, extents), meta, extents) else None


def _flow(reader: SlicesReader, meta: TensorMeta, extents: Slice) -> Flow:
    shape = slice_shape(extents, meta.shape)
    if meta.dtype.kind == "S":
        return Texts(meta.dtype, shape, partial(_lengths, reader, meta, extents), partial(_text, reader, meta, extents))
    return Numbers(meta.dtype, shape, partial(_numbers, reader, meta, extents))


def _numbers(reader: SlicesReader, meta: TensorMeta, extents: Slice) -> Iterator[Array]:
    file, done = reader.file_of(meta, extents), 0
    with suppress(TooFar), file.opened_apart() as handle:
        place = place_of(reader, file, handle, meta, extents)
        if place is not None:
            for some in numbers_at(place, meta.dtype, reader.where(meta, extents)):
                yield some
                done += some.size
            return
    with file.opened():
        found = reader.piece(meta, extents)
    yield found.reshape(-1)[done:]


def _lengths(reader: SlicesReader, meta: TensorMeta, extents: Slice) -> Iterator[Array]:
    done = 0
    with suppress(TooFar, OtherField):
        for part in _parts(reader, meta, extents):
            some = [part] if isinstance(part, int) else list(map(len, part)) if isinstance(part, list) else []
            yield np.array(some, np.int64)
            done += len(some)
        return
    for rest in _read(reader, meta, extents).lengths():
        yield rest[done:]
        done = max(0, done - len(rest))


def _text(reader: SlicesReader, meta: TensorMeta, extents: Slice) -> Iterator[bytes]:
    done = 0
    with suppress(TooFar, OtherField):
        for part in _parts(reader, meta, extents):
            if not isinstance(part, int):
                text = part if isinstance(part, bytes) else b"".join(part)
                yield text
                done += len(text)
        return
    for rest in _read(reader, meta, extents).text():
        yield bytes(rest[done:])
        done = max(0, done - len(rest))


def _parts(reader: SlicesReader, meta: TensorMeta, extents: Slice) -> Iterator[list[bytes] | int | bytes]:
    """Strings, or the length of a long one and then its bytes. Raises OtherField for what is not as TensorFlow writes it."""
    file, where, count = reader.file_of(meta, extents), reader.where(meta, extents), 0
    with file.opened_apart() as handle:
        place = place_of(reader, file, handle, meta, extents)
        if place is None:
            raise OtherField
        for part in strings_in_pieces(place.pieces(), where):
            count += len(part) if isinstance(part, list) else isinstance(part, int)
            yield part
        check_count(count, meta.dtype.name, place.shape, where)


def _read(reader: SlicesReader, meta: TensorMeta, extents: Slice) -> Texts:
    with reader.file_of(meta, extents).opened():
        found = flow_of(Typed(meta.dtype, reader.piece(meta, extents)), meta.name)
    assert isinstance(found, Texts)
    return found
