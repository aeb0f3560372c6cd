"""Reading into memory that is there, of the other storages than V2."""

import io
import json
import os
import tracemalloc
import zipfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from crc32c import crc32c

from minitf.core.dtypes import named
from minitf.errors import AbortedError, DataLossError, NotFoundError
from minitf.storage.bundle.coding import slice_key
from minitf.storage.bundle.table import table_chunks
from minitf.storage.carried import checksum, encode_notes
from minitf.storage.files import Disk
from minitf.storage.npz import Npz
from minitf.storage.safetensors import Safetensors
from minitf.storage.v1 import TensorSlices
from minitf.storage.v1.numbers import PACKINGS, PIECE
from minitf.storage.v1.records import TensorMeta, encode_meta, encode_values
from minitf.storage.values import Typed, as_value

from .open_files import Open
from .values_to_save import BIG, VALUES, equal, flow

STORAGES = [Safetensors, Npz, TensorSlices]
MORE = VALUES | {"quantised": Typed("qint8", np.arange(-3, 9).astype(np.int8)), "none": np.zeros((0, 3)), "big": BIG}


@pytest.fixture
def prefix(tmp_path):
    return str(tmp_path / "ckpt")


def held(value):
    """Whether V1 has the dtype."""
    dtype, _ = as_value(value, "")
    return dtype.kind == "S" or dtype in PACKINGS


def place_of(path, array):
    return Path(path).read_bytes().index(array.tobytes())


@pytest.mark.parametrize("kind", STORAGES)
def test_the_values_are_those_of_read(prefix, kind):
    """Verified first: until ``fill`` is called the memory that is taken is as it was."""
    values = {key: value for key, value in MORE.items() if kind is not TensorSlices or held(value)}
    kind(durable=False).write(prefix, values)
    reader = kind().open(prefix)
    keys = [*reader.keys(), "big"]  # one of them twice, for two variables
    spare = [np.zeros_like(reader.read(key)) for key in keys]
    spare[keys.index("native i4")] = None
    spare[keys.index("scalar")] = np.zeros(7, np.float32)  # does not fit, and is left alone
    with reader.reading_over(keys, spare) as (found, fill):
        taken = [value is other for value, other in zip(found, spare, strict=True)]
        left = {"native i4", "scalar", "none"}
        assert {key for key, one in zip(keys, taken, strict=True) if not one} == left
        assert not any(other.any() for other, one in zip(spare, taken, strict=True) if one)
        fill()
    for key, value in zip(keys, found, strict=True):
        assert equal(value, reader.read(key)), key
    assert not spare[keys.index("scalar")].any()


@pytest.mark.parametrize("name", ["bool", "int4"])
def test_carried_bytes_that_are_no_values_are_made_valid(prefix, name):
    raw = bytes([0, 1, 2, 255, 16, 7])
    note = {"dtype": name, "shape": [6]}
    notes = encode_notes({"a": note}, {"a": checksum(crc32c(raw), "U8", (6, 1), note)})
    entry = {"dtype": "U8", "shape": [6, 1], "data_offsets": [0, 6]}
    header = json.dumps({"__metadata__": {"written_by": "minitf", "minitf": notes}, "a": entry}).encode()
    Path(f"{prefix}.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + raw)
    reader = Safetensors().open(prefix)
    spare = np.zeros(6, named(name).np)
    with reader.reading_over(["a"], [spare]) as ([value], fill):
        assert value is spare
        fill()
    assert spare.view(np.uint8).tolist() == ([0, 1, 1, 1, 1, 1] if name == "bool" else [0, 1, 2, 15, 0, 7])
    assert equal(spare, reader.read("a"))


@pytest.mark.parametrize("kind", STORAGES)
@pytest.mark.parametrize("key", ["a", "b"])
def test_damage_changes_nothing(prefix, kind, key):
    values = {"a": BIG, "b": BIG + 1}
    kind(durable=False).write(prefix, values)
    path = Path(kind().open(prefix).source)
    content = bytearray(path.read_bytes())
    content[place_of(path, values[key]) + BIG.nbytes - 9] ^= 1
    path.write_bytes(content)
    spare = [np.zeros_like(BIG), np.zeros_like(BIG)]
    with pytest.raises(DataLossError, match=f"key {key!r}|block checksum"), kind().open(prefix).reading_over(["a", "b"], spare):
        pytest.fail("it was not verified")
    assert not any(array.any() for array in spare)


@pytest.mark.parametrize("kind", STORAGES)
def test_a_file_that_changes_between_verifying_and_filling(prefix, kind):
    kind(durable=False).write(prefix, {"a": BIG})
    reader = kind().open(prefix)
    at = place_of(reader.source, BIG)
    with reader.reading_over(["a"], [np.zeros_like(BIG)]) as (_, fill):
        with open(reader.source, "r+b") as file:
            file.seek(at)
            file.write(b"\xff" * 8)
        with pytest.raises(DataLossError, match="key 'a'"):
            fill()


@pytest.mark.parametrize("kind", STORAGES)
def test_a_file_that_is_replaced(prefix, kind):
    """Before, that is said; in between, what was verified is what is read."""
    kind(durable=False).write(prefix, {"a": BIG})
    reader = kind().open(prefix)
    spare = np.zeros_like(BIG)
    with reader.reading_over(["a"], [spare]) as (_, fill):
        kind(durable=False).write(prefix, {"a": BIG + 1})
        fill()
        assert equal(spare, BIG)
    with pytest.raises(AbortedError, match="open it again"), reader.reading_over(["a"], [spare]):
        pytest.fail("it is another one")
    assert equal(spare, BIG)


@pytest.mark.parametrize("kind", STORAGES)
def test_the_file_is_open_while_memory_is_filled_and_no_longer(prefix, kind):
    disk = Open()
    kind(durable=False).write(prefix, {"a": BIG, "b": BIG + 1})
    reader = kind(disk=disk).open(prefix)
    assert disk.paths == {}
    with reader.reading_over(["a", "b"], [np.zeros_like(BIG), None]) as (values, fill):
        assert list(disk.paths.values()) == [os.path.basename(reader.source)]
        assert equal(reader.read("b"), values[1])  # nobody has to wait
        fill()
        assert equal(values[0], BIG)
    assert disk.paths == {}
    with pytest.raises(NotFoundError), reader.reading_over(["none", "a"], [None, np.zeros_like(BIG)]):
        pytest.fail("it is not there")
    assert disk.paths == {}


def test_a_file_without_checksums(prefix):
    """Of another program: nothing can be verified, but that the bytes are there."""
    header = b'{"a":{"dtype":"F32","shape":[1000,1000],"data_offsets":[0,4000000]}}'
    path = Path(f"{prefix}.safetensors")
    path.write_bytes(len(header).to_bytes(8, "little") + header + BIG.tobytes())
    reader, spare = Safetensors().open(prefix), np.zeros_like(BIG)
    with reader.reading_over(["a"], [spare]) as ([value], fill):
        assert value is spare
        fill()
    assert equal(spare, BIG)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_archives_of_numpy(prefix, save):
    save(f"{prefix}.npz", rows=BIG, columns=np.asfortranarray(BIG), other=BIG.astype(">f4"), zeros=np.zeros_like(BIG))
    reader = Npz().open(prefix)
    keys = ["rows", "columns", "other", "zeros"]
    spare = [np.ones_like(BIG) for _ in keys]
    with reader.reading_over(keys, spare) as (found, fill):
        assert [value is other for value, other in zip(found, spare, strict=True)] == [True] * 4
        fill()
    for value, wanted in zip(found, [BIG, BIG, BIG, np.zeros_like(BIG)], strict=True):
        assert equal(value, wanted)
    for key, value in zip(keys, found, strict=True):
        read = reader.read(key)
        assert equal(read, value)
        assert read.flags.c_contiguous


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_member_that_ends_before_its_array(prefix, method):
    """The directory says how long it is, with a checksum of what there is."""
    file = io.BytesIO()
    np.save(file, BIG[:1])
    content = file.getvalue()
    with zipfile.ZipFile(f"{prefix}.npz", "w", method) as archive:
        archive.writestr("a.npy", content[:-100])
    raw = bytearray(Path(f"{prefix}.npz").read_bytes())
    at = raw.rindex(b"PK\1\2") + 24
    raw[at : at + 4] = len(content).to_bytes(4, "little")
    Path(f"{prefix}.npz").write_bytes(raw)
    with pytest.raises(DataLossError, match="key 'a': 3900 of 4000 bytes are there"):
        Npz().open(prefix).read("a")


# V1 --------------------------------------------------------------------------------------------------------------------------


INTEGERS = np.random.default_rng(3).integers(-(1 << 40), 1 << 40, 300_000) >> np.arange(300_000) % 41


@pytest.mark.parametrize("array", [INTEGERS, INTEGERS.astype(np.int16), INTEGERS * (1 + 1j), np.ones((2, 1 << 20), bool)])
def test_large_values_of_v1_go_through_memory_in_pieces(prefix, array):
    TensorSlices(durable=False).write(prefix, {"a": np.ones(3), "b": array, "c": np.arange(5)})
    assert os.stat(prefix).st_size > 1 << 20
    spare = np.zeros_like(array)
    with TensorSlices().open(prefix).reading_over(["b"], [spare]) as ([value], fill):
        assert value is spare
        assert not spare.any()
        with traced() as peak:
            fill()
        assert peak() < (9 << 20 if array.dtype.kind in "ib" else 1 << 18)
    assert equal(spare, array)


@pytest.mark.parametrize("array", [np.full(4_000_000, 3, np.int32), np.arange(3_000_000, dtype=np.float32)])
def test_a_large_value_of_v1_is_in_memory_once(prefix, array):
    TensorSlices(durable=False).write(prefix, {"a": array})
    reader = TensorSlices().open(prefix)
    with traced() as peak:
        found = reader.read("a")
    assert peak() < array.nbytes + (5 << 20)
    assert equal(found, array)
    with traced() as peak, reader.reading_over(["a"], [found]) as (_, fill):
        fill()
    assert peak() < 5 << 20
    assert equal(found, array)


class Noting(Disk):
    """Notes where something is read."""

    def __init__(self):
        self.offsets = []

    def read(self, handle, into, offset):
        self.offsets.append(offset)
        return super().read(handle, into, offset)


def test_values_of_v1_are_read_in_the_order_of_the_file(prefix):
    TensorSlices(durable=False).write(prefix, {"a": BIG, "b": BIG + 1, "c": BIG + 2})
    disk = Noting()
    spare = [np.zeros_like(BIG) for _ in range(3)]
    with TensorSlices(disk=disk).open(prefix).reading_over(["c", "a", "b"], spare) as (_, fill):
        disk.offsets.clear()
        fill()
    wanted = [place_of(prefix, BIG + n) for n in range(3)]
    places = [next(i for i, at in enumerate(disk.offsets) if at == place) for place in wanted]
    assert places == sorted(places)
    assert [int(array[0, 0]) for array in spare] == [2, 0, 1]


@contextmanager
def traced():
    tracemalloc.start()
    try:
        yield lambda: tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("array", [INTEGERS, INTEGERS.astype(np.float64)])
@pytest.mark.parametrize("at", [30, 1000, 700_000, -60, -50])
def test_damage_anywhere_in_a_large_block_of_v1(prefix, array, at):
    """Its beginning, its values, its trailer, the last block."""
    TensorSlices(durable=False).write(prefix, {"a": array})
    content = bytearray(Path(prefix).read_bytes())
    content[at] ^= 1
    Path(prefix).write_bytes(content)
    spare = np.zeros_like(array)
    with pytest.raises(DataLossError), TensorSlices().open(prefix).reading_over(["a"], [spare]):
        pytest.fail("it was not verified")
    assert not spare.any()


def table(prefix, value, name="a", dtype="int64", shape=(300_000,), others=()):
    """A file with a list of one tensor, and this value for it."""
    metas = [TensorMeta("a", shape, named(dtype), ((None,),))]
    records = {b"": encode_meta(metas), slice_key(name.encode(), (None,)): value, **dict(others)}
    keys = sorted(records)
    content = bytearray(b"".join(table_chunks(keys, [records[key] for key in keys])))
    Path(prefix).write_bytes(content)
    return TensorSlices().open(prefix)


def record(numbers, dtype="int64"):
    return b"".join(encode_values("a", (None,), flow(numbers, dtype)))


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (record(INTEGERS[:-1]), "299999 values stored"),
        (record(np.append(INTEGERS, 5)), "300001 values stored"),
        (record(INTEGERS)[:-1] + b"\x80", "the last number is cut off"),
        (record(INTEGERS)[:-1000] + b"\x80" * 999 + b"\1", "more than ten bytes"),
        (record(INTEGERS)[:-1000], "not parseable"),
        (b"\x12" + record(INTEGERS), "not parseable"),
    ],
)
def test_large_values_of_v1_that_are_none(prefix, value, problem):
    reader, spare = table(prefix, value), np.zeros_like(INTEGERS)
    with pytest.raises(DataLossError, match=problem), reader.reading_over(["a"], [spare]):
        pytest.fail("it was not verified")
    assert not spare.any()


def test_numbers_without_an_end_between_two_pieces(prefix):
    value = bytearray(record(np.full(300_000, -1)))
    value[PIECE - 100 : PIECE + 100] = b"\x80" * 200
    reader, spare = table(prefix, bytes(value)), np.zeros_like(INTEGERS)
    with pytest.raises(DataLossError, match="the last number is cut off"), reader.reading_over(["a"], [spare]):
        pytest.fail("it was not verified")


def test_bare_numbers_that_are_too_few(prefix):
    reader, spare = table(prefix, record(np.ones(299_999), "float64"), dtype="float64"), np.zeros(300_000)
    with pytest.raises(DataLossError, match="299999 values stored"), reader.reading_over(["a"], [spare]):
        pytest.fail("it was not verified")


def test_a_large_value_that_is_listed_and_not_there(prefix):
    for name in ("0", "b"):  # in the block where it would be is another one; there is no such block
        reader = table(prefix, record(INTEGERS), name)
        with pytest.raises(NotFoundError, match="is listed, but"), reader.reading_over(["a"], [np.zeros_like(INTEGERS)]):
            pytest.fail("it is not there")


def test_a_large_value_whose_place_is_not_seen_from_the_beginning_of_its_block(prefix):
    """Not as TensorFlow and minitf write them."""
    small = {slice_key(b"Z%06d" % n, ()): b"x" * 99 for n in range(9999)}
    metas = [TensorMeta("a", INTEGERS.shape, named("int64"), ((None,),))]
    records = {b"": encode_meta(metas), slice_key(b"a", (None,)): record(INTEGERS), **small}
    keys = sorted(records)
    Path(prefix).write_bytes(b"".join(table_chunks(keys, [records[key] for key in keys], block_size=1 << 30)))
    spare = np.zeros_like(INTEGERS)
    with TensorSlices().open(prefix).reading_over(["a"], [spare]) as (_, fill):
        fill()
    assert equal(spare, INTEGERS)


def test_a_file_of_v1_that_is_cut_off_between_verifying_and_filling(prefix):
    TensorSlices(durable=False).write(prefix, {"a": INTEGERS})
    with TensorSlices().open(prefix).reading_over(["a"], [np.zeros_like(INTEGERS)]) as (_, fill):
        with open(prefix, "r+b") as file:
            file.truncate(700_000)
            file.seek(0, 2)
        with pytest.raises(DataLossError, match="became shorter"):
            fill()


def test_a_file_of_v1_with_more_numbers_between_verifying_and_filling(prefix):
    TensorSlices(durable=False).write(prefix, {"a": INTEGERS | 1 << 61})
    with TensorSlices().open(prefix).reading_over(["a"], [np.zeros_like(INTEGERS)]) as (_, fill):
        with open(prefix, "r+b") as file:
            file.seek(1 << 19)
            file.write(b"\1" * (1 << 19))
        with pytest.raises(DataLossError, match="block checksum mismatch"):
            fill()
