"""How V1's large values go through memory, shown with little ones: what is large, and how much is read at a time, is set low.

A disk notes the longest piece that was read: a value that is read as small ones are would be read with its whole block.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from minitf.errors import AbortedError, DataLossError
from minitf.storage.bundle.table import table_chunks
from minitf.storage.files import Disk
from minitf.storage.flows import gone_through, in_memory
from minitf.storage.v1 import TensorSlices, blocks, over
from minitf.storage.v1.strings import pack_strings, unpack_strings
from minitf.storage.values import Partitioned, Typed

from . import tampering
from .compressing import compress
from .values_to_save import equal, flow, strings

LARGE, PIECE = 1 << 10, 1 << 8
MOST = 2 * PIECE  # that is read at a time: a block is begun with so much


class Watched(Disk):
    """Notes how long the longest read is, of those behind ``begin``."""

    def __init__(self):
        self.longest = 0

    def read(self, handle, into, offset):
        self.longest = max(self.longest, len(into))
        return super().read(handle, into, offset)


@pytest.fixture(autouse=True)
def little(monkeypatch):
    monkeypatch.setattr(over, "LARGE", LARGE)
    monkeypatch.setattr(blocks, "BLOCK_SIZE", PIECE)
    monkeypatch.setattr(blocks, "PIECE", PIECE)


draws = np.random.default_rng(1)
VALUES = {
    "float32": draws.standard_normal((40, 50)).astype(np.float32),
    "complex64": draws.standard_normal((40, 50)).astype(np.complex64),
    "int64": draws.integers(-(1 << 60), 1 << 60, (40, 50)),
    "int64 of a byte": draws.integers(0, 100, (40, 50)),
    "bool": draws.integers(0, 2, (60, 70)).astype(bool),
    "float16": draws.standard_normal((40, 50)).astype(np.float16),
    "string": strings([b"%d" % n * (n % 7) for n in range(2000)], (40, 50)),
    "strings that are empty": strings([b""] * 2000, (40, 50)),
}
BARE = ("float32", "complex64")


def written(path, tensors, packed=False):
    """A file with a block for each record; ``packed``: those of the even ones compressed."""
    TensorSlices(durable=False).write(str(path), tensors)
    if packed:
        pytest.importorskip("cramjam")
        compress(path, limit=64)
        return
    found = tampering.records(path)
    path.write_bytes(b"".join(table_chunks(sorted(found), [found[key] for key in sorted(found)], block_size=64)))


def opened(path):
    disk = Watched()
    reader = TensorSlices(disk=disk).open(str(path))
    disk.longest = 0
    return reader, disk


def other(array):
    return np.full(array.shape, b"other", object) if array.dtype == object else np.zeros_like(array)


def filled(reader, key, spare):
    with reader.reading_over([key], [spare]) as ([found], fill):
        assert found is spare
        fill()
    return spare


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "snappy"])
def test_values_go_through_memory_in_pieces(tmp_path, name, packed):
    array = VALUES[name]
    written(tmp_path / "m", {"a": array, "b": array, "c": array}, packed)  # two of them in compressed blocks, if any is
    for key in "abc":
        reader, disk = opened(tmp_path / "m")
        assert equal(filled(reader, key, other(array)), array)
        straight = name in BARE and disk.longest == array.nbytes
        assert straight or disk.longest <= MOST
        if not packed:
            assert straight == (name in BARE)
        if array.dtype != object:
            disk.longest = 0
            assert equal(reader.read(key), array)
            assert disk.longest == array.nbytes if straight else disk.longest <= MOST


@pytest.mark.parametrize("name", [name for name in VALUES if name != "strings that are empty"])
def test_what_does_not_stand_together_goes_through_a_buffer(tmp_path, name):
    array = VALUES[name]
    written(tmp_path / "m", {"a": array})
    reader, disk = opened(tmp_path / "m")
    region = ((1, 3), (30, 40))
    spare = other(array[1:31, 3:43])
    with reader.reading_regions_over(["a"], [region], [spare]) as ([found], fill):
        assert disk.longest <= (array.nbytes if name in BARE else MOST)  # to be forgotten, by both threads
        disk.longest = 0
        fill()
    assert found is spare
    assert equal(found, np.ascontiguousarray(array[1:31, 3:43]))
    assert disk.longest <= MOST


def test_regions_for_which_there_is_no_memory(tmp_path):
    array = VALUES["float32"]
    written(tmp_path / "m", {"a": array})
    reader, _ = opened(tmp_path / "m")
    regions = [((1, 3), (30, 40)), None, ((10, 10), (5, 5)), ((10, 10), (5, 5))]
    spare = [None, None, np.zeros((25, 25), np.float32), np.zeros((5, 5), np.float32)]
    with reader.reading_regions_over(["a"] * 4, regions, spare) as (found, fill):
        assert [value is mine for value, mine in zip(found, spare, strict=True)] == [False, False, False, True]
        fill()
    wanted = [array[1:31, 3:43], array, array[10:15, 10:15], array[10:15, 10:15]]
    assert all(equal(value, np.ascontiguousarray(part)) for value, part in zip(found, wanted, strict=True))
    assert not spare[2].any()


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "snappy"])
@pytest.mark.parametrize("more", [0, 1])
def test_from_which_size_on(tmp_path, monkeypatch, packed, more):
    """A block is large from ``LARGE`` bytes on, of its contents."""
    array = VALUES["int64"]
    written(tmp_path / "m", {"a": array}, packed)
    reader, disk = opened(tmp_path / "m")
    monkeypatch.setattr(over, "LARGE", block_size(reader) + more)
    assert equal(filled(reader, "a", other(array)), array)
    assert (disk.longest <= MOST) == (not more)


def block_size(reader):
    """Bytes of the contents of the last block."""
    with reader._files[0].opened() as handle:
        offset, length = reader._files[0]._table.handles[-1]
        return blocks.LargeBlock(Disk(), handle, offset, length, "here").size


@pytest.mark.parametrize("name", ["int64", "string", "bool"])
@pytest.mark.parametrize("count", [1999, 2001])
def test_another_number_of_elements(tmp_path, name, count):
    array = VALUES[name].reshape(-1)[:2000]
    written(tmp_path / "m", {"a": array})
    wrong = tmp_path / "n"
    written(wrong, {"a": np.resize(array, count)})
    records, lists = tampering.records(tmp_path / "m"), tampering.records(wrong)
    records[b""] = lists[b""]
    keys = sorted(records)
    wrong.write_bytes(b"".join(table_chunks(keys, [records[key] for key in keys], block_size=64)))
    spare = other(np.resize(array, count))
    for read in (
        lambda reader: reader.read("a"),
        lambda reader: reader.reading_over(["a"], [spare]).__enter__(),
    ):
        with pytest.raises(DataLossError, match=rf": 2000 values stored; {name} \({count},\) has {count}\.$"):
            read(opened(wrong)[0])
    assert equal(spare, other(spare))


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "snappy"])
def test_damage_changes_nothing(tmp_path, packed):
    array = VALUES["int64"]
    written(tmp_path / "m", {"a": array, "b": array, "c": array}, packed)
    content = (tmp_path / "m").read_bytes()
    for at in range(700, len(content) - 400, 997):
        (tmp_path / "m").write_bytes(content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :])
        spare = [other(array) for _ in range(3)]
        with pytest.raises(DataLossError), opened(tmp_path / "m")[0].reading_over(list("abc"), spare):
            pytest.fail("it was not verified")
        assert not any(value.any() for value in spare)


@pytest.mark.parametrize("piece", range(8, 32))
def test_where_a_piece_ends_makes_no_difference(tmp_path, monkeypatch, piece):
    """The value's last bytes, and the eight behind it, may be in one piece or in two."""
    monkeypatch.setattr(blocks, "PIECE", piece)
    for name in ("int64", "string", "float16"):
        written(tmp_path / "m", {"a": VALUES[name]}, packed=name == "float16")
        assert equal(filled(opened(tmp_path / "m")[0], "a", other(VALUES[name])), VALUES[name])


def test_a_dtype_that_numpy_has_not(tmp_path):
    array = draws.integers(-100, 100, (40, 50)).astype(np.int8)
    written(tmp_path / "m", {"a": Typed("qint8", array)})
    reader, _ = opened(tmp_path / "m")
    assert equal(filled(reader, "a", np.zeros_like(reader.read("a"))), reader.read("a"))
    assert reader.read("a").astype(int).tolist() == array.astype(int).tolist()


@pytest.mark.parametrize("size", range(1, 40))
def test_a_length_that_goes_on_in_the_next_piece(size):
    items = [b"a" * n for n in (0, 1, 127, 128, 5, 300, 20_000, 3)]
    fields = b"".join(pack_strings(flow(strings(items))))
    pieces = [fields[at : at + size] for at in range(0, len(fields), size)]
    assert list(itertools.chain.from_iterable(unpack_strings(pieces, True, "here"))) == items


# Flows --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", VALUES)
def test_flows(tmp_path, name, packed):
    value = VALUES[name]
    written(tmp_path / "p", {"a": value, "b": value[:1]}, packed)
    reader = TensorSlices().open(tmp_path / "p")
    found = reader.large("a")
    for _ in range(2):
        assert equal(in_memory(found), value)
    wanted = sum(map(len, value.ravel())) if value.dtype == object else value.nbytes
    assert gone_through(found) == wanted
    contents = dict(reader.contents()[0])
    assert type(contents["a"]) is type(found)
    TensorSlices(durable=False).write(tmp_path / "q", contents)
    TensorSlices(durable=False).write(tmp_path / "r", {"a": value, "b": value[:1]})
    assert (tmp_path / "q").read_bytes() == (tmp_path / "r").read_bytes()


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("name", ["int64", "string"])
def test_flows_of_pieces(tmp_path, name, axis):
    value = VALUES[name]
    first, second = [None, None], [None, None]
    first[axis], second[axis] = (0, 11), (11, value.shape[axis] - 11)
    parts = np.split(value, [11], axis)
    pieces = [(tuple(at), np.ascontiguousarray(part)) for at, part in zip((first, second), parts, strict=True)]
    written(tmp_path / "p", {"a": Partitioned(value.shape, pieces)})
    reader = TensorSlices().open(tmp_path / "p")
    assert equal(in_memory(reader.large("a")), value)
    TensorSlices(durable=False).write(tmp_path / "q", dict(reader.contents()[0]))
    assert equal(TensorSlices().open(tmp_path / "q").read("a"), value)


def test_what_is_small_is_no_flow(tmp_path):
    written(tmp_path / "p", {"a": np.zeros(3), "q": Typed("qint8", np.zeros(5, np.int8))})
    reader = TensorSlices().open(tmp_path / "p")
    assert [reader.large(key) for key in "aq"] == [None, None]
    assert dict(reader.contents()[0])["q"].dtype == "qint8"


@pytest.mark.parametrize("name", ["float32", "int64", "string"])
def test_damage_in_flows(tmp_path, name):
    written(tmp_path / "p", {"a": VALUES[name]})
    found = TensorSlices().open(tmp_path / "p").large("a")
    data = bytearray((tmp_path / "p").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "p").write_bytes(data)
    reader = TensorSlices().open(tmp_path / "p")
    with pytest.raises(DataLossError):
        gone_through(reader.large("a"))
    with pytest.raises(AbortedError, match="open it again"):
        gone_through(found)
