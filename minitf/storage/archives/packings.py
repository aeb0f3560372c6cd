"""How files are packed in zip archives: deflate, bzip2, LZMA, and zstd where the running Python has it.

Source of the numbers, and of what stands before the bytes of LZMA: PKWARE's APPNOTE.TXT, 4.4.5 and 5.8.
"""

from __future__ import annotations

import lzma
import zlib
from importlib import import_module
from typing import Any, Protocol

from minitf.errors import DataLossError, UnimplementedError

STORED, DEFLATED, BZIP2, LZMA, ZSTD = 0, 8, 12, 14, 93
LARGEST = 1 << 26  # bytes of memory that whoever packed may ask for
LZMA_HEADER = 9  # bytes: version, how many follow, properties, size of the dictionary
_WINDOW_LOG_MAX = 100  # the number of a parameter of zstd
_MODULES: dict[int, tuple[str, str, dict[str, Any]]] = {
    BZIP2: ("bz2", "BZ2Decompressor", {}),
    ZSTD: ("compression.zstd", "ZstdDecompressor", {"options": {_WINDOW_LOG_MAX: LARGEST.bit_length() - 1}}),
}


class Unpacker(Protocol):
    """Undoes a packing."""

    @property
    def eof(self) -> bool:
        """True when the end has come."""

    @property
    def needs_input(self) -> bool:
        """True if nothing is left of the bytes that were given."""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Takes the next bytes, and gives as many as are wanted at most."""


class _Deflate:
    def __init__(self) -> None:
        self._object = zlib.decompressobj(-zlib.MAX_WBITS)

    @property
    def eof(self) -> bool:
        return self._object.eof

    @property
    def needs_input(self) -> bool:
        return not self._object.unconsumed_tail

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._object.decompress(self._object.unconsumed_tail + data, max_length)


def unpacker(method: int, start: bytes, path: str) -> tuple[Unpacker, int]:
    """What undoes a packing whose bytes begin with ``start``, and how many of these are none of it.

    Raises DataLossError, and UnimplementedError for packings that cannot be undone, or not in little memory.
    """
    if method == DEFLATED:
        return _Deflate(), 0
    if method == LZMA:
        return _lzma(start, path), LZMA_HEADER
    if method in _MODULES:
        module, name, arguments = _MODULES[method]
        try:
            made: Unpacker = getattr(import_module(module), name)(**arguments)
        except ImportError:
            raise UnimplementedError(
                f"{path}: in the archive the file is packed with zstd, which Python has from 3.14 on. Unpack the archive."
            ) from None
        return made, 0
    what = f"packed with method {method}, none of {STORED}, {DEFLATED}, {BZIP2}, {LZMA} and {ZSTD}"
    raise UnimplementedError(f"{path}: in the archive the file is {what}, which cannot be read. Unpack the archive.")


def _lzma(start: bytes, path: str) -> Unpacker:
    coded = start[4] if len(start) >= LZMA_HEADER else 255
    if start[2:4] != b"\5\0" or coded >= 9 * 5 * 5:
        raise DataLossError(f"{path}: what stands before its bytes is none of LZMA; the archive is damaged.")
    size = int.from_bytes(start[5:LZMA_HEADER], "little")
    if size > LARGEST:
        raise UnimplementedError(f"{path}: to unpack the file takes {size} bytes of memory. Unpack the archive.")
    filters = [{"id": lzma.FILTER_LZMA1, "dict_size": size, "lc": coded % 9, "lp": coded // 9 % 5, "pb": coded // 45}]
    try:
        return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters)
    except lzma.LZMAError as error:
        raise DataLossError(f"{path}: the archive is damaged: {error}.") from None
