"""Many small values that are stored alike are read together, with the same results and errors as one by one."""

import random

import numpy as np
import pytest
from crc32c import crc32c

from minitf.core.dtypes import as_dtype, uint8
from minitf.errors import DataLossError
from minitf.storage.bundle import TensorBundle, small
from minitf.storage.bundle.coding import mask
from minitf.storage.bundle.entries import Alike
from minitf.storage.bundle.reader import BundleReader
from minitf.storage.files import Disk

KINDS = {
    "f": lambda n: np.arange(8, dtype=np.float32) + n,
    "s": lambda n: np.float64(n),
    "i": lambda n: np.full((2, 3), n, np.int16),
    "c": lambda n: np.array([n, n * 1j], np.complex64),
    "b": lambda n: np.array([n % 2 == 0, True]),
    "t": lambda n: np.array([b"text", b"%d" % n], object),
    "e": lambda n: np.zeros((0, 3), np.float32),
    "l": lambda n: np.full(1500, n, np.float32),
}


@pytest.fixture(params=[1, 3])
def values(request, tmp_path):
    contents = {f"{kind}{n}": make(n) for n in range(200) for kind, make in KINDS.items()}
    TensorBundle(shards=request.param, durable=False).write(str(tmp_path / "x"), contents)
    return contents


def test_values_of_many_kinds(values, tmp_path):
    reader = TensorBundle().open(str(tmp_path / "x"))
    keys = list(values)
    random.Random(1).shuffle(keys)
    some = [key for key in keys if key[0] in "fi"]
    for wanted in (list(values), keys, keys[:300], some, [f"f{n}" for n in range(0, 200, 20)]):
        for key, value in zip(wanted, reader.read_many(wanted), strict=True):
            assert value.dtype == np.asarray(values[key]).dtype
            assert value.shape == np.shape(values[key])
            assert value.base is None or value.dtype == object
            np.testing.assert_array_equal(value, values[key])


def test_more_kinds_than_are_looked_for(tmp_path):
    contents = {f"k{size}/{n}": np.full(size, n, np.uint8) for size in range(20, 50) for n in range(20)}
    TensorBundle(durable=False).write(str(tmp_path / "x"), contents)
    for value, wanted in zip(TensorBundle().open(str(tmp_path / "x")).read_many(contents), contents.values(), strict=True):
        np.testing.assert_array_equal(value, wanted)


def test_more_than_is_fetched_at_a_time(tmp_path):
    contents = {f"k{n:03}": np.full(1024, n, np.float32) for n in range(600)}
    TensorBundle(durable=False).write(str(tmp_path / "x"), contents)
    found = TensorBundle().open(str(tmp_path / "x")).read_many(contents)
    assert [value[0] for value in found] == list(range(600))
    assert all((value == value[0]).all() for value in found)


def test_what_is_as_it_should_be_takes_the_faster_road(tmp_path, monkeypatch):
    """Also what ends where its file does, over several runs, of which not every group has a part."""
    contents = {f"a{n:03}": np.full(1024, n, np.float32) for n in range(600)}
    contents |= {f"b{n:03}": np.full(3, n, np.int16) for n in range(50)}
    TensorBundle(shards=2, durable=False).write(str(tmp_path / "x"), contents)
    monkeypatch.setattr(BundleReader, "read_entries", lambda self, keys, entries: pytest.fail(f"{keys}") if keys else [])
    found = TensorBundle().open(str(tmp_path / "x")).read_many(contents)
    for value, wanted in zip(found, contents.values(), strict=True):
        np.testing.assert_array_equal(value, wanted)


@pytest.mark.parametrize("place", [0, 40 * 32 + 5, -1])
def test_a_damaged_value_is_told_by_its_key(place, tmp_path):
    contents = {f"k{n:03}": np.full(8, n, np.float32) for n in range(100)}
    TensorBundle(durable=False).write(str(tmp_path / "x"), contents)
    [path] = tmp_path.glob("x.data*")
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    reader = TensorBundle().open(str(tmp_path / "x"))
    with pytest.raises(DataLossError, match=f"k{place % len(data) // 32:03}"):
        reader.read_many(contents)


def test_a_file_that_is_too_short(tmp_path):
    contents = {f"k{n:03}": np.full(8, n, np.float32) for n in range(100)}
    TensorBundle(durable=False).write(str(tmp_path / "x"), contents)
    [path] = tmp_path.glob("x.data*")
    path.write_bytes(path.read_bytes()[:-1])
    reader = TensorBundle().open(str(tmp_path / "x"))
    with pytest.raises(DataLossError, match="k099"):
        reader.read_many(contents)


def test_a_file_that_becomes_shorter_while_it_is_read(tmp_path):
    contents = {f"k{n:03}": np.full(8, n, np.float32) for n in range(100)}
    TensorBundle(durable=False).write(str(tmp_path / "x"), contents)
    reader = TensorBundle().open(str(tmp_path / "x"))

    class Shrinking(type(reader.disk)):
        def read(self, handle, into, offset):
            return 0

    reader.disk = Shrinking()
    with pytest.raises(DataLossError, match="became shorter"):
        reader.read_many(contents)


def test_a_file_that_is_shorter_than_it_seems(tmp_path):
    class Promising(Disk):
        def size(self, handle):
            return super().size(handle) + 40

    TensorBundle(durable=False).write(tmp_path / "x", {f"k{n:03}": np.full(8, n, np.uint8) for n in range(100)})
    with open(tmp_path / "x.data-00000-of-00001", "r+b") as file:
        file.truncate(799)
    with pytest.raises(DataLossError, match="became shorter|read less bytes|checksum"):
        TensorBundle(disk=Promising()).open(tmp_path / "x").read_many([f"k{n:03}" for n in range(100)])


@pytest.mark.parametrize(
    "sizes", [[3], [3, 3, 3], [3, 3, 700], [3, 3, 0], [700, 3, 3], [3, 5, 3], [0, 3, 3], [0, 0], [3, 0, 3], [1] * 50]
)
def test_checksums_of_neighbours_are_their_own(sizes, tmp_path):
    """Those of values of one size are taken from the bytes that are written together, the last one may have another."""
    contents = {f"k{n:02}": np.arange(n, n + size, dtype=np.uint8) for n, size in enumerate(sizes)}
    storage = TensorBundle(durable=False)
    for _ in range(2):  # the second time as the first
        storage.write(tmp_path / "x", contents)
        reader = storage.open(tmp_path / "x")
        for key, value in contents.items():
            assert reader.entry(key).crc == mask(crc32c(value.tobytes()))
            np.testing.assert_array_equal(reader.read(key), value)


# Which values, and what is fetched at a time ------------------------------------------------------------------------


def group(offsets, size=4, dtype=uint8, shape=(4,)):
    count = len(offsets)
    return Alike(dtype, shape, 0, size, np.arange(count), np.array(offsets), np.zeros(count, np.uint32))


def test_which_values_are_small():
    for size, suits in ((0, False), (1, True), (4096, True), (4097, False)):
        assert small._suits(group([0], size, uint8, (size,)), False) is suits
    assert not small._suits(group([0]), True)
    assert small._suits(group([0], 4, uint8, (4, *[1] * 63)), False)
    assert not small._suits(group([0], 4, uint8, (4, *[1] * 64)), False)
    for dtype in ("bool", "string", "int4"):
        assert not small._suits(group([0], 4, as_dtype(dtype)), False)


def runs(*groups):
    return list(small._runs(groups))


def test_what_is_fetched_at_a_time():
    gap, run = small.GAP, small.RUN
    assert (gap, run) == (1 << 12, 1 << 20)
    assert runs(group([8])) == [(8, 12)]
    assert runs(group([8, 0, 4])) == [(0, 12)]
    assert runs(group([0, 4 + gap])) == [(0, 8 + gap)]
    assert runs(group([0, 5 + gap])) == [(0, 4), (5 + gap, 9 + gap)]
    assert runs(group([0, 20]), group([4], 16, uint8, (16,))) == [(0, 24)]
    steps = list(range(0, run + 3 * gap, gap))
    assert runs(group(steps)) == [(0, run - gap + 4), (run, steps[-1] + 4)]
    assert runs(group(steps[1:])) == [(gap, run + 4), (run + gap, steps[-1] + 4)]


def test_only_the_small_ones(values, tmp_path):
    reader = TensorBundle().open(str(tmp_path / "x"))
    for wanted, limit in (([f"f{n}" for n in range(200)], 32), (list(values), 100), (list(values), 0)):
        found = reader.read_small([*wanted, "nobody"], limit)
        sizes = {key: reader.entry(key).size for key in wanted}
        assert list(found) == [key for key in wanted if sizes[key] <= limit]
        for key, value in found.items():
            np.testing.assert_array_equal(value, values[key])


def test_many_alike_in_the_other_byte_order(tmp_path):
    contents = {f"k{n}": np.arange(8, dtype=np.float32) + n for n in range(100)}
    TensorBundle(big_endian=True, durable=False).write(str(tmp_path / "x"), contents)
    for value, found in zip(contents.values(), TensorBundle().open(str(tmp_path / "x")).read_many(list(contents)), strict=True):
        assert found.tolist() == value.tolist()
