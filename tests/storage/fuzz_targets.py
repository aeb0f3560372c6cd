"""The decoders of checkpoint files, each as a function of any bytes, with a law that it must keep.

A target reads its bytes through the code that reads files. It may raise a typed error (``OpError``) and nothing else. Where a
thing can be read in two ways, a quick one and a plain one, the law is that they agree; where it can be written, that reading
undoes it; and everywhere that the result takes no more memory than its bytes can pay for. Checksums are made right by the
target itself, so that a fuzzer's changes get past them.
"""

from __future__ import annotations

import contextlib
import itertools
import struct
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from crc32c import crc32c
from golden_files import ROOT
from tampering import MAGIC, file_of
from tampering import entry as block_entry
from tampering import restarts as block_restarts

from minitf.core import dtypes
from minitf.errors import DataLossError, OpError
from minitf.saved import OBJECT_GRAPH_KEY
from minitf.storage import messages
from minitf.storage.bundle.block import decompress, read_block
from minitf.storage.bundle.coding import mask
from minitf.storage.bundle.entries import Entry, decode_entry, decode_header, encode_entry, encode_header, quick_entry
from minitf.storage.bundle.index import Index
from minitf.storage.bundle.payload import decode_value, encode_strings, encode_variants
from minitf.storage.bundle.snappy import announced, decompressed
from minitf.storage.bundle.table import FOOTER, Table, table_chunks
from minitf.storage.detect import open_checkpoint
from minitf.storage.flows import flow_of
from minitf.storage.npz import Npz
from minitf.storage.safetensors import Safetensors
from minitf.storage.state_file import is_inside, read_state
from minitf.storage.v1 import records as v1
from minitf.storage.values import Typed
from minitf.storage.varint import read_varint, varint
from minitf.testing.disk import RecordingDisk


class Target(NamedTuple):
    """A decoder: ``read`` takes any bytes, ``seeds`` are good ones to start from, ``longest`` is the most bytes of a case."""

    read: Callable[[bytes], Any]
    seeds: Callable[[], list[bytes]]
    longest: int = 256


TARGETS: dict[str, Target] = {}


def target(seeds: Callable[[], list[bytes]], longest: int = 256) -> Callable[[Callable[[bytes], Any]], Callable[[bytes], Any]]:
    def register(read: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
        TARGETS[read.__name__.rstrip("_")] = Target(read, seeds, longest)
        return read

    return register


def run(name: str, data: bytes) -> str:
    """Reads the bytes: "value", or the name of the typed error. Anything else that is raised is a broken law."""
    try:
        TARGETS[name].read(data)
    except OpError as error:
        return type(error).__name__
    return "value"


def golden_index(case: str) -> dict[bytes, bytes]:
    """The records of a golden index (or V1 file)."""
    path = next(path for path in sorted((ROOT / case).iterdir()) if path.suffix == ".index" or path.name in ("part1", "v1"))
    data = path.read_bytes()
    return Table(lambda offset, size: memoryview(data)[offset : offset + size], len(data), "").records()


# -- tables ------------------------------------------------------------------------------------------------------------


@target(lambda: [varint(n) for n in (0, 127, 300, 1 << 31, (1 << 64) - 1)], 24)
def varint_(data: bytes) -> None:
    at = 0
    while at < len(data):
        value, end = read_varint(data, at, len(data))
        assert read_varint(varint(value), 0, 10) == (value, len(varint(value)))
        assert at < end <= len(data)
        at = end


def _blocks() -> list[bytes]:
    entries = block_entry(0, b"appe", b"1") + block_entry(3, b"le", b"22") + block_entry(0, b"b", b"")
    return [block_restarts(0), entries + block_restarts(0), entries + block_restarts(0, len(entries) - 4)]


@target(_blocks)
def block(data: bytes) -> None:
    keys, values = read_block(data, "")
    assert len(keys) == len(values)
    assert sum(map(len, values)) <= len(data)
    assert sum(map(len, keys)) <= 16 * len(data) + 65536


@target(lambda: [varint(12) + b"\x08abc" + bytes((0x15, 3)), varint(3) + b"\x08abc", b"\x00"], 128)
def snappy(data: bytes) -> None:
    length, at = announced(data, len(data), "")
    with contextlib.suppress(DataLossError):  # which may take what the package refuses: a short literal with a long head
        pieces = decompressed((data[start : start + 5] for start in range(at, len(data), 5)), length, "")
        assert len(b"".join(pieces)) == length
    found = decompress(memoryview(data), "")
    pieces = decompressed((data[start : start + 5] for start in range(at, len(data), 5)), length, "")
    assert b"".join(pieces) == found
    assert len(found) == read_varint(data, 0, len(data), 5)[0] <= 22 * len(data) + 64


def _opened(data: bytes) -> Table:
    view = memoryview(data)
    return Table(lambda offset, size: view[offset : offset + size], len(view), "")


_BODY = file_of(_blocks()[1])[:-FOOTER]


@target(lambda: [file_of(_blocks()[1])[-FOOTER:-8]], FOOTER - 8)
def footer(data: bytes) -> None:
    _opened(_BODY + data[: FOOTER - 8].ljust(FOOTER - 8, b"\0") + MAGIC).records()


def _tables() -> list[bytes]:
    out = []
    for payload in _blocks():
        index = block_entry(0, b"c", varint(0) + varint(len(payload))) + block_restarts(0)
        out.append(bytes((0, len(payload))) + payload + index)
    return out


@target(_tables)
def table(data: bytes) -> None:
    """First the block's type and length, then the block, then the index block; all get their checksums."""
    kind, size, rest = data[:1], data[1:2], data[2:]
    payload, index = rest[: size[0] if size else 0], rest[size[0] if size else 0 :]
    _opened(file_of(payload, kind[0] % 2 if kind else 0, index)).records()


def _small_files() -> list[bytes]:
    records = {b"": encode_header(_header()), b"a": b"1", b"abc": b"22"}
    return [b"".join(table_chunks(sorted(records), [records[key] for key in sorted(records)])), file_of(_blocks()[1])]


def _header() -> Any:
    return decode_header(golden_index("two_shards")[b""], "")


@target(_small_files)
def table_file(data: bytes) -> None:
    """A file as it is: its checksums are the fuzzer's."""
    _opened(data).records()


# -- messages of the bundle ----------------------------------------------------------------------------------------------


@target(lambda: [golden_index(case)[b""] for case in ("two_shards", "dtypes_raw")], 64)
def header(data: bytes) -> None:
    found = decode_header(data, "")
    assert decode_header(encode_header(found), "") == found


def _entries() -> list[bytes]:
    return [value for case in ("dtypes_raw", "slices_raw", "two_shards") for key, value in golden_index(case).items() if key]


def _heads() -> dict[bytes, Any]:
    known: dict[bytes, Any] = {}
    for seed in _entries():
        quick_entry(seed, known, lambda key: "", b"")
    return known


_KNOWN = _heads()


@target(_entries, 96)
def entry(data: bytes) -> None:
    quick = both(lambda: quick_entry(data, dict(_KNOWN), lambda key: "", b""), lambda: decode_entry(data, ""))
    if not any(0 in (extent or ()) for extents in quick.slices for extent in extents):
        assert decode_entry(encode_entry(quick), "") == quick


def both(quick: Callable[[], Any], plain: Callable[[], Any]) -> Any:
    """The value that both ways give; if one raises a typed error, the other must, too, and that is raised."""
    try:
        found = quick()
    except OpError as refused:
        with contextlib.suppress(OpError):
            raise AssertionError(f"the quick way refuses what the plain way reads as {plain()!r}") from refused
        raise
    wanted = plain()
    assert found == wanted, f"quick {found!r}, plain {wanted!r}"
    return found


def _graphs() -> list[bytes]:
    out = []
    for case in ("eager_nested", "keras_adam", "shared_and_cycles"):
        data = open_checkpoint(str(next((ROOT / case).glob("*.index")))).read(OBJECT_GRAPH_KEY).item()
        if len(data) < 2048:
            out.append(data)
    assert out
    return out


@target(_graphs, 512)
def graph(data: bytes) -> None:
    try:
        quick = messages._quick_nodes(data)
    except messages._Unusual:
        pass
    else:
        assert quick == messages._protobuf_nodes(data, "")
    found = messages.decode_graph(data)
    assert messages.decode_graph(messages.encode_graph(found)) == found


# -- values --------------------------------------------------------------------------------------------------------------


def _strings() -> list[bytes]:
    return [
        bytes((len(a),)) + encode_strings(np.array(a, object), "", False)[0]
        for a in ([b""], [b"one", b"", b"three"], [b"x" * 200])
    ]


@target(_strings)
def strings(data: bytes) -> None:
    """How many, then the bytes; their two checksums are made right where they can be."""
    count, body = (data[0] if data else 0), bytearray(data[1:])
    lengths, at = [], 0
    with contextlib.suppress(OpError):
        for _ in range(count):
            length, at = read_varint(body, at, len(body))
            lengths.append(min(length, 1 << 40))
    crc = crc32c(b"".join(struct.pack("<I" if n < 1 << 32 else "<Q", n) for n in lengths))
    body[at : at + 4] = struct.pack("<I", mask(crc))
    crc = mask(crc32c(body[at:], crc))
    value = decode_value(memoryview(body), Entry(dtypes.string, (count,), size=len(body), crc=crc), "", False)
    assert sum(map(len, value)) <= len(data)
    again, crc = encode_strings(value, "", False)
    assert decode_value(memoryview(again), _entry_of(again, crc, count), "", False).tolist() == value.tolist()


def _entry_of(body: bytes, crc: int, count: int, dtype: Any = dtypes.string) -> Entry:
    return Entry(dtype, (count,), size=len(body), crc=mask(crc))


@target(lambda: [bytes((2,)) + encode_variants(np.array([b"v", b"ww"], object), "")[0]])
def variants(data: bytes) -> None:
    """How many, then the bytes; the checksums are made right where they can be."""
    count, body = (data[0] if data else 0), bytearray(data[1:])
    at = crc = 0
    with contextlib.suppress(OpError):
        for _ in range(count):
            length, at = read_varint(body, at, len(body))
            item = body[at : at + length]
            crc = crc32c(item, crc32c(struct.pack("<Q", length), crc))
            at += len(item)
            stored = struct.pack("<I", mask(crc))
            body[at : at + 4] = stored
            at += 4
            crc = crc32c(stored, crc)
    value = decode_value(memoryview(body), _entry_of(bytes(body), crc, count, dtypes.variant), "", False)
    again, crc = encode_variants(value, "")
    assert decode_value(memoryview(again), _entry_of(again, crc, count, dtypes.variant), "", False).tolist() == value.tolist()


# -- V1 ------------------------------------------------------------------------------------------------------------------


@target(lambda: [golden_index(case)[b""] for case in ("partitioned_v1",)], 512)
def v1_list(data: bytes) -> None:
    found = v1.decode_meta(data, "")
    if not any(0 in (extent or ()) for meta in found for extents in meta.slices for extent in extents):
        assert v1.decode_meta(v1.encode_meta(found), "") == found


_V1_DTYPES = [*v1.PACKINGS, dtypes.string]


def _v1_values() -> list[bytes]:
    out = []
    for number, dtype in enumerate(_V1_DTYPES):
        array = np.array([b"", b"abc"], object) if dtype is dtypes.string else np.array([1, 0]).astype(dtype.np)
        out.append(bytes((number, 2)) + v1.encode_values("n", (None,), flow_of(Typed(dtype, array), "n")))
    return out


@target(_v1_values, 96)
def v1_values(data: bytes) -> None:
    """The dtype's number, how many, then the record."""
    dtype = _V1_DTYPES[data[0] % len(_V1_DTYPES) if data else 0]
    count, body = (data[1] if len(data) > 1 else 0), data[2:]

    def plain() -> bytes:
        flat = v1._through_protobuf(body, dtype, "")
        return flat.tobytes() if flat.dtype != object else flat.tolist()

    if dtype in v1.PACKINGS:
        packed = v1._quick_field(body, v1.PACKINGS[dtype].field)
        if packed is not None:
            both(lambda: v1.unpack(dtype, packed, "").tobytes(), plain)
    value = v1.decode_values(body, (count,), dtype, "")
    assert value.nbytes <= 16 * len(data)


# -- whole files -----------------------------------------------------------------------------------------------------------


def _packed(records: dict[bytes, bytes]) -> bytes:
    return b"".join(varint(len(part)) + part for item in sorted(records.items()) for part in item)


def _parts(data: bytes) -> Iterator[bytes]:
    at = 0
    with contextlib.suppress(OpError):
        while at < len(data):
            size, at = read_varint(data, at, len(data))
            yield data[at : at + size]
            at += size


def _few(case: str, most: int = 6) -> dict[bytes, bytes]:
    return dict(itertools.islice(golden_index(case).items(), most))


@target(lambda: [_packed(_few(case)) for case in ("slices_raw", "two_shards", "dtypes_raw")], 512)
def index(data: bytes) -> None:
    """Keys and records in turn, each behind its length: they become a table, which is read as an index."""
    parts = list(_parts(data))
    records = {b"": _HEADER} | dict(zip(parts[::2], parts[1::2], strict=False))
    keys = sorted(records)
    found = Index(b"".join(table_chunks(keys, [records[key] for key in keys])), "")
    assert set(found.keys()) <= set(keys)
    for key in found.keys():
        with contextlib.suppress(OpError):
            assert decode_entry(records[key], "") == found.entry(key)


_HEADER = golden_index("two_shards")[b""]


def _states() -> list[bytes]:
    return [path.read_bytes() for path in sorted(ROOT.glob("*/checkpoint"))]


@target(_states, 400)
def state_file(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        found = read_state("d", disk=RecordingDisk({"d/checkpoint": data}))
        if found is not None:
            assert all(is_inside("d", path) for path in [found.model_checkpoint_path, *found.all_model_checkpoint_paths])


def _archive(kind: Any) -> list[bytes]:
    disk = RecordingDisk({"d/x": b""})
    kind(False, disk=disk).write("d/p", {"w": np.arange(3.0), "s": np.array([b"a"], object)})
    return [content for path, content in disk.state().items() if path.startswith("d/p")]


def _read_all(reader: Any) -> None:
    for key in reader.keys():
        with contextlib.suppress(OpError):
            reader.spec(key)
            reader.read(key)


@target(lambda: [data[8:] for data in _archive(Safetensors)], 512)
def safetensors(data: bytes) -> None:
    """A header and the values; the header's length is made right, up to the first NUL or the end."""
    length = len(data.partition(b"\0")[0])
    content = length.to_bytes(8, "little") + data
    _read_all(Safetensors(disk=RecordingDisk({"d/p.safetensors": content})).open("d/p"))


@target(lambda: _archive(Npz), 1200)
def npz(data: bytes) -> None:
    _read_all(Npz(disk=RecordingDisk({"d/p.npz": data})).open("d/p"))


@target(lambda: [file_of(_blocks()[1])[:32], *_small_files()], 300)
def any_file(data: bytes) -> None:
    """A file of which nobody says what it is."""
    _read_all(open_checkpoint("d/p", RecordingDisk({"d/p": data})))
