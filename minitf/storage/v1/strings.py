"""String tensors as the value fields of a TensorProto: a field an element, each with its length."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable, Iterator

from minitf.errors import DataLossError
from minitf.storage.filling import PIECE
from minitf.storage.values import Array, each_as_bytes, gathered
from minitf.storage.varint import read_varint, varint

STRING_FIELD = 8
TAG = STRING_FIELD << 3 | 2
_LONGEST_HEAD = 11  # tag and length


class OtherField(Exception):
    """What stands there is legal, perhaps, but not as TensorFlow writes it."""


def strings_size(array: Array, name: str) -> int:
    """Bytes of the fields of all elements."""
    return sum(1 + len(varint(size)) + size for size in map(len, each_as_bytes(array, name)))


def pack_strings(array: Array, name: str) -> Iterator[bytes]:
    """The fields of all elements, in pieces."""
    fields = ((bytes((TAG,)) + varint(len(item)), item) for item in each_as_bytes(array, name))
    return gathered(itertools.chain.from_iterable(fields), PIECE)


def unpack_strings(pieces: Iterable[bytes], keep: bool, where: str) -> Iterator[list[bytes]]:
    """The elements in fields that come in pieces, some at a time; one that goes on in the next piece comes alone.

    Without ``keep`` such a one is empty: then only how many there are is of interest.
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
            string, data = _whole_string(begun, missing, pieces, keep, where)
            yield [string]
    if data:
        raise DataLossError(f"{where}: the last string is cut off.")


def _whole_string(begun: bytes, missing: int, pieces: Iterable[bytes], keep: bool, where: str) -> tuple[bytes, bytes]:
    """A string of which the beginning is there, and what stands behind it in the last piece that it needs."""
    out = io.BytesIO()  # whose value is not copied when it is taken
    out.write(begun)
    for piece in pieces:
        if keep:
            out.write(piece[:missing])
        if len(piece) >= missing:
            return out.getvalue(), piece[missing:]
        missing -= len(piece)
    raise DataLossError(f"{where}: the last string is cut off.")
