"""Lazy reads, and reads into arrays that are there."""

import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from minitf.core.dtypes import named, uint8
from minitf.errors import AbortedError, DataLossError, InvalidArgumentError, NotFoundError, UnimplementedError
from minitf.storage.bundle import TensorBundle
from minitf.storage.bundle.direct import mapped
from minitf.storage.bundle.entries import Entry, encode_entry
from minitf.storage.files import Disk
from minitf.storage.values import Partitioned, Typed

from .open_files import Open
from .tampering import edit
from .values_to_save import BIG, VALUES, equal


@pytest.fixture
def prefix(tmp_path):
    return str(tmp_path / "ckpt")


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("verify", [False, True])
def test_lazy_values_of_all_dtypes_are_those_of_read(prefix, verify, big_endian):
    storage = TensorBundle(big_endian=big_endian)
    storage.write(prefix, VALUES)
    reader = storage.open(prefix)
    for key in reader.keys():
        found = reader.read(key)
        assert equal(reader.read_lazily(key, verify=verify), found), key
        into = np.empty_like(found)
        reader.read_into(key, into)
        assert equal(into, found), key


def test_a_lazy_value_is_the_callers_own_and_costs_no_memory(prefix):
    TensorBundle().write(prefix, {"w": BIG})
    reader = TensorBundle().open(prefix)
    tracemalloc.start()
    value = reader.read_lazily("w")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200_000
    assert equal(value, BIG)
    value += 1
    assert equal(reader.read("w"), BIG)


def test_a_lazy_value_survives_its_checkpoint(prefix):
    storage = TensorBundle()
    storage.write(prefix, {"w": BIG})
    value = storage.open(prefix).read_lazily("w")
    storage.write(prefix, {"w": BIG * 0})
    storage.remove(prefix)
    assert equal(value, BIG)


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("pieces", [False, True])
@pytest.mark.parametrize("turned", [False, True])
def test_reading_into_an_array_takes_no_second_one(prefix, big_endian, pieces, turned):
    halves = [((None, (0, 500)), BIG[:, :500]), ((None, (500, 500)), BIG[:, 500:])]
    TensorBundle(big_endian=big_endian).write(prefix, {"w": Partitioned(BIG.shape, halves) if pieces else BIG})
    reader, into = TensorBundle().open(prefix), np.empty_like(BIG.T).T if turned else np.empty_like(BIG)
    reader.keys()
    tracemalloc.start()
    reader.read_into("w", into)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 << 20 < 0.8 * BIG.nbytes
    assert equal(np.ascontiguousarray(into), BIG)


def test_arrays_that_are_not_in_order_and_pieces(prefix):
    part = [(((0, 1), None), BIG[:1]), (((1, 999), None), BIG[1:])]
    TensorBundle().write(prefix, {"w": BIG, "p": Partitioned(BIG.shape, part), "e": np.zeros((0, 3))})
    reader = TensorBundle().open(prefix)
    into = np.empty((1000, 2000), np.float32)
    reader.read_into("w", into[:, ::2])
    reader.read_into("p", into[:, 1::2])
    assert equal(into[:, ::2].copy(), BIG)
    assert equal(into[:, 1::2].copy(), BIG)
    assert equal(reader.read_lazily("p"), BIG)
    reader.read_into("e", np.zeros((0, 3)))
    assert reader.read_lazily("e").shape == (0, 3)


def test_arrays_that_do_not_fit_are_refused_untouched(prefix):
    TensorBundle().write(prefix, {"w": BIG})
    reader = TensorBundle().open(prefix)
    fixed = np.zeros_like(BIG)
    fixed.flags.writeable = False
    for array in (np.zeros(3, np.float32), np.zeros_like(BIG, np.float64), [1.0], fixed):
        with pytest.raises(InvalidArgumentError, match="read_into"):
            reader.read_into("w", array)
    with pytest.raises(NotFoundError):
        reader.read_into("v", fixed)
    with pytest.raises(NotFoundError):
        reader.read_lazily("v")


def test_damage(prefix, tmp_path):
    TensorBundle().write(prefix, {"w": BIG})
    reader = TensorBundle().open(prefix)
    data = tmp_path / "ckpt.data-00000-of-00001"
    content = bytearray(data.read_bytes())
    content[77] ^= 1
    data.write_bytes(content)
    with pytest.raises(DataLossError, match="checksum"):
        reader.read_into("w", np.empty_like(BIG))
    with pytest.raises(DataLossError, match="checksum"):
        reader.read_lazily("w", verify=True)
    assert (reader.read_lazily("w") != BIG).sum() == 1
    data.write_bytes(content[:-1])
    for read in (reader.read_lazily, lambda key: reader.read_into(key, np.empty_like(BIG))):
        with pytest.raises(DataLossError, match="less bytes"):
            read("w")


def test_a_set_that_is_another_by_now(prefix, tmp_path):
    TensorBundle().write(prefix, {"w": BIG})
    reader = TensorBundle().open(prefix)
    index = tmp_path / "ckpt.index"
    index.write_bytes(index.read_bytes() + b"")
    index.unlink()
    for read in (reader.read_lazily, lambda key: reader.read_into(key, np.empty_like(BIG))):
        with pytest.raises(AbortedError):
            read("w")


def test_quantised_values(prefix):
    TensorBundle().write(prefix, {"q": Typed("qint8", np.arange(5, dtype=np.int8))})
    assert TensorBundle().open(prefix).read_lazily("q").tolist() == [0, 1, 2, 3, 4]


# Over what is there --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("big_endian", [False, True])
def test_reading_over_gives_the_values_of_read(prefix, big_endian):
    """Verified first: until ``fill`` is called the memory that is taken is as it was."""
    pieces = [(((0, 1),), np.zeros(1)), (((1, 1),), np.ones(1))]
    values = VALUES | {"big": BIG, "part": Partitioned((2,), pieces), "none": np.zeros(0)}
    TensorBundle(big_endian=big_endian).write_shards(prefix, [values, {"other": np.arange(5.0)}])
    reader = TensorBundle().open(prefix)
    keys = reader.keys()
    spare = [np.zeros_like(reader.read(key)) if number % 3 else None for number, key in enumerate(keys)]
    spare[keys.index("big")] = big = np.zeros_like(BIG)
    spare[keys.index("scalar")] = np.zeros(7)  # does not fit, and is left alone
    with reader.reading_over(keys, spare) as (found, fill):
        taken = [value is not None and value is other for value, other in zip(found, spare, strict=True)]
        assert found[keys.index("big")] is big
        assert not big.any()
        fill()
    for key, value in zip(keys, found, strict=True):
        assert equal(value, reader.read(key)), key
    assert any(taken)
    assert not spare[keys.index("scalar")].any()


@pytest.mark.parametrize("name", ["bool", "int4", "uint4"])
def test_bytes_that_are_no_values_are_made_valid_in_spare_memory_too(prefix, name):
    """TensorFlow takes any byte but 0 for True, and looks at the lower four bits of an int4."""
    TensorBundle(durable=False).write(prefix, {"a": np.array([0, 1, 2, 255, 16, 7], np.uint8)})
    old = TensorBundle().open(prefix).entry("a")
    edit(Path(f"{prefix}.index"), lambda found: found.update({b"a": encode_entry(old._replace(dtype=named(name)))}))
    reader = TensorBundle().open(prefix)
    spare = np.zeros(6, named(name).np)
    with reader.reading_over(["a"], [spare]) as ([value], fill):
        assert value is spare
        fill()
    assert spare.tobytes() == reader.read("a").tobytes()
    assert spare.view(np.uint8).tolist() == ([0, 1, 1, 1, 1, 1] if name == "bool" else [0, 1, 2, 15, 0, 7])


def test_reading_over_changes_nothing_if_something_is_damaged(prefix, tmp_path):
    TensorBundle().write(prefix, {"a": BIG, "b": BIG + 1})
    reader = TensorBundle().open(prefix)
    data = tmp_path / "ckpt.data-00000-of-00001"
    content = bytearray(data.read_bytes())
    content[-1] ^= 1
    data.write_bytes(content)
    spare = [np.zeros_like(BIG), np.zeros_like(BIG)]
    with pytest.raises(DataLossError, match="'b'"), reader.reading_over(["a", "b"], spare):
        pytest.fail("it was not verified")
    data.write_bytes(content[:-4])
    with pytest.raises(DataLossError, match="read less bytes"), reader.reading_over(["a", "b"], spare):
        pytest.fail("it was not verified")
    assert not any(array.any() for array in spare)


def test_a_file_that_changes_between_verifying_and_filling(prefix, tmp_path):
    TensorBundle().write(prefix, {"a": BIG})
    reader = TensorBundle().open(prefix)
    data = tmp_path / "ckpt.data-00000-of-00001"
    with reader.reading_over(["a"], [np.zeros_like(BIG)]) as (_, fill):
        with open(data, "r+b") as file:
            file.write(b"\xff" * 8)
        with pytest.raises(DataLossError, match="checksum does not match"):
            fill()


def test_what_a_disk_cannot_map_is_read(prefix):
    class Unmapped(Disk):
        def map(self, handle):
            return None

    TensorBundle(durable=False).write(prefix, {"a": BIG, "b": BIG + 1})
    reader = TensorBundle(lazy="unverified", disk=Unmapped()).open(prefix)
    assert mapped(reader, ["a", "b"], 0, False) == [None, None]
    assert equal(reader.read_lazily("b"), BIG + 1)
    assert equal(reader.read_many(["a", "b"])[1], BIG + 1)


# Files and errors --------------------------------------------------------------------------------------------------------


def test_files_are_open_while_memory_is_filled_and_no_longer(prefix):
    disk = Open()
    TensorBundle(durable=False).write_shards(prefix, [{"a": BIG}, {"b": BIG}, {"c": BIG}])
    reader = TensorBundle(disk=disk).open(prefix)
    assert disk.paths == {}
    with reader.reading_over(["a", "c", "b"], [np.zeros_like(BIG), np.zeros_like(BIG), None]) as (values, fill):
        assert sorted(disk.paths.values()) == ["ckpt.data-00000-of-00003", "ckpt.data-00002-of-00003"]
        fill()
        assert all((value == BIG).all() for value in values)
    assert disk.paths == {}
    with pytest.raises(NotFoundError), reader.reading_over(["none", "a"], [None, np.zeros_like(BIG)]):
        pytest.fail("it is not there")
    assert disk.paths == {}
    for read in (reader.read_lazily, lambda key: reader.read_into(key, np.zeros_like(BIG)), reader.read):
        read("a")
        assert disk.paths == {}


def test_what_is_said_of_a_file_that_is_too_short(prefix):
    TensorBundle(durable=False).write(prefix, {"a": BIG, "b": BIG})
    os.truncate(f"{prefix}.data-00000-of-00001", 2 * BIG.nbytes - 1)
    said = f"read less bytes than requested: {BIG.nbytes} bytes at offset {BIG.nbytes} of {prefix}.data-00000-of-00001"
    reader = TensorBundle().open(prefix)
    reads = [reader.read_lazily, lambda key: reader.read_into(key, np.zeros_like(BIG)), reader.read]
    for read in [*reads, TensorBundle(lazy=True).open(prefix).read, TensorBundle(lazy="first use").open(prefix).read]:
        read("a")
        with pytest.raises(DataLossError, match=said):
            read("b")


def test_more_dimensions_than_numpy_has(prefix):
    TensorBundle(durable=False).write(prefix, {"a": np.zeros(100_000, np.uint8)})
    deep = Entry(uint8, (1,) * 64 + (100_000,), 0, 0, 100_000, TensorBundle().open(prefix).entry("a").crc)
    edit(Path(f"{prefix}.index"), lambda found: found.update({b"a": encode_entry(deep)}))
    for storage in (TensorBundle(), TensorBundle(lazy=True), TensorBundle(lazy="first use")):
        for read in (storage.open(prefix).read, storage.open(prefix).read_lazily):
            with pytest.raises(UnimplementedError, match="key 'a': 65 dimensions; NumPy arrays have 64 at most"):
                read("a")
    with pytest.raises(UnimplementedError, match="key 'a': 65 dimensions"):
        TensorBundle().open(prefix).read_slice("a", [0] * 65, [1] * 64 + [5], verify=False)


@pytest.mark.parametrize("value", [np.zeros(0, np.float32), np.array([], object), Typed("variant", np.array([], object))])
@pytest.mark.parametrize("shape", [(0, 1 << 40, 1 << 40), (1 << 60, 0, 8), (0,) * 65])
def test_empty_values_that_are_too_large_for_numpy(prefix, value, shape):
    """TensorFlow has them; NumPy multiplies all sizes that are not 0."""
    TensorBundle(durable=False).write(prefix, {"a": value, "b": np.ones(2)})
    old = TensorBundle().open(prefix).entry("a")
    edit(Path(f"{prefix}.index"), lambda found: found.update({b"a": encode_entry(old._replace(shape=shape))}))
    for storage in (TensorBundle(), TensorBundle(lazy=True)):
        reader = storage.open(prefix)
        assert reader.entry("a").shape == shape
        assert reader.read("b").tolist() == [1, 1]
        said = "key 'a'.*(than any NumPy array|65 dimensions)"
        for read in (reader.read, reader.read_lazily):
            with pytest.raises(UnimplementedError, match=said):
                read("a")
        with pytest.raises(UnimplementedError, match=said):
            reader.read_many(["a", "b"])
        with pytest.raises(UnimplementedError, match="key 'a'"):
            reader.read_slice("a", [0] * len(shape), shape)


def test_an_empty_value_that_is_just_not_too_large(prefix):
    TensorBundle(durable=False).write(prefix, {"a": np.zeros((0, (1 << 60) - 1), np.float64)})
    assert TensorBundle().open(prefix).read("a").shape == (0, (1 << 60) - 1)


@pytest.mark.parametrize("damaged", [False, True])
def test_another_set_is_said_to_be_one(prefix, damaged):
    """Whatever went wrong while it was read; a damage of the same set stays that."""
    TensorBundle(durable=False).write(prefix, {"a": BIG})
    for number in range(3):
        reader = TensorBundle().open(prefix)
        reads = [
            lambda reader=reader: reader.read_lazily("a", verify=True),
            lambda reader=reader: reader.read_into("a", np.zeros_like(BIG)),
            lambda reader=reader: reader.reading_over(["a"], [np.zeros_like(BIG)]).__enter__(),
        ]
        if damaged:
            with open(f"{prefix}.data-00000-of-00001", "r+b") as file:
                file.truncate(99)
            with pytest.raises(DataLossError, match="read less bytes"):
                reads[number]()
        os.utime(f"{prefix}.index", (number + 1, number + 1))
        with pytest.raises(AbortedError, match=f"^read: checkpoint {prefix!r} was replaced or removed while it was read"):
            reads[number]()


def test_another_set_is_said_to_be_one_after_everything_was_read(prefix):
    class Replacing(Disk):
        opened = 0

        def open(self, path):
            self.opened += path.endswith("-of-00001")
            if self.opened == 2:  # the first of them is for the value that has memory
                os.utime(f"{prefix}.index", (1, 1))
            return super().open(path)

    TensorBundle(durable=False).write(prefix, {"a": BIG, "b": np.ones(3)})
    reader = TensorBundle(disk=Replacing()).open(prefix)
    with pytest.raises(AbortedError, match="replaced"), reader.reading_over(["a", "b"], [np.zeros_like(BIG), None]):
        pytest.fail("it is another one")


def test_values_of_a_least_size_are_left_to_their_first_use(prefix):
    least = 1 << 16
    TensorBundle(durable=False).write(prefix, {"below": np.zeros(least - 1, np.uint8), "at": np.zeros(least, np.uint8)})
    below, at = TensorBundle(lazy="first use").open(prefix).unverified(["below", "at"])
    assert below is None
    assert at.verified().shape == (least,)
