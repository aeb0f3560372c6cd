"""String tensors as the value fields of a TensorProto: a field an element, each with its length."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable, Iterator

import numpy as np

from minitf.errors import DataLossError
from minitf.storage import string_pieces
from minitf.storage.filling import PIECE
from minitf.storage.flows import Cursor, Texts
from minitf.storage.v1.numbers import varint_bytes
from minitf.storage.values import gathered
from minitf.storage.varint import read_varint, varint

STRING_FIELD = 8
TAG = STRING_FIELD << 3 | 2
_HEAD = bytes((TAG,))
_LONGEST_HEAD = 11  # tag and length


class OtherField(Exception):
    """What stands there is legal, perhaps, but not as TensorFlow writes it."""


def strings_size(flow: Texts) -> int:
    """Bytes of the fields of all elements."""
    return sum(len(some) + varint_bytes(some.view(np.uint64)) + int(some.sum()) for some in flow.lengths())


def pack_strings(flow: Texts) -> Iterator[bytes]:
    """The fields of all elements, in pieces."""

    def head(size: int) -> bytes:
        return _HEAD + varint(size)

    def fields() -> Iterator[bytes]:
        text = Cursor(flow.text())
        for sizes in itertools.chain.from_iterable(map(string_pieces.together, flow.lengths())):
            if sizes[0] > string_pieces.TOGETHER:
                yield head(sizes[0])
                for piece in text.take(sizes[0]):
                    yield from (bytes(piece[start : start + PIECE]) for start in range(0, len(piece), PIECE))
            else:
                items = string_pieces.short(sizes, text.fetch)
                yield from itertools.chain.from_iterable(zip(map(head, sizes), items, strict=True))
        text.finish()

    return gathered(fields(), PIECE)


def unpack_strings(pieces: Iterable[bytes], keep: bool, where: str) -> Iterator[list[bytes]]:
    """The elements in fields that come in pieces, some at a time; one that goes on in the next piece comes alone.

    Without ``keep`` such a one is empty: then only how many there are is of interest. Raises as ``strings_in_pieces``.
    """
    left, out = 0, io.BytesIO()  # whose value is not copied when it is taken
    for part in strings_in_pieces(pieces, where):
        if isinstance(part, list):
            yield part
        elif isinstance(part, int):
            left, out = part, io.BytesIO()
        else:
            left -= len(part)
            if keep:
                out.write(part)
            if not left:
                yield [out.getvalue()]


def strings_in_pieces(pieces: Iterable[bytes], where: str) -> Iterator[list[bytes] | int | bytes]:
    """The elements in fields that come in pieces: some whole ones, or the length of one, whose bytes follow in pieces.

    Raises DataLossError, and OtherField for another field among them.
    """
    data = b""
    pieces = itertools.chain(pieces, (b"",))  # for what stands behind a string that ends in the last piece
    for piece in pieces:
        data += piece
        items, at = [], 0
        missing = 0  # bytes of the string that comes next
        while at < len(data) and not missing:
            if data[at] != TAG:
                raise OtherField
            try:
                length, begin = read_varint(data, at + 1, len(data))
            except DataLossError as error:
                if len(data) - at >= _LONGEST_HEAD:
                    raise DataLossError(f"{where}: {error}.") from None
                break
            items.append(data[begin : begin + length])
            at = begin + length
            missing = max(0, at - len(data))
        begun = items.pop() if missing else b""
        yield items
        data = data[at:]
        if missing:
            yield length
            yield begun
            for more in pieces:
                yield more[:missing]
                if len(more) >= missing:
                    data = more[missing:]
                    break
                missing -= len(more)
            else:
                raise DataLossError(f"{where}: the last string is cut off.")
    if data:
        raise DataLossError(f"{where}: the last string is cut off.")
