"""How values of a V2 checkpoint are fetched: what goes together, in which order, and what a reader says of itself."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from minitf.core.dtypes import float32, string, uint8
from minitf.errors import AbortedError, DataLossError, InvalidArgumentError, NotFoundError, UnimplementedError
from minitf.saved import specs_of
from minitf.storage.bundle import TensorBundle, fetching, index
from minitf.storage.bundle.check import missing_data
from minitf.storage.bundle.entries import Entry, encode_entry
from minitf.storage.bundle.fetching import GAP, RUN, SMALL
from minitf.storage.files import Disk
from minitf.storage.keys import text_of
from minitf.storage.values import Partitioned, Typed

from .tampering import edit, put_records, records


def runs(*places):
    entries = [Entry(uint8, (size,), 0, offset, size, 0) for offset, size in places]
    return list(fetching._runs(entries, range(len(entries))))


def test_what_is_fetched_together():
    """Small values, not too far from each other, up to 1 MiB."""
    assert (SMALL, RUN, GAP) == (1 << 18, 1 << 20, 1 << 12)
    assert runs() == []
    assert runs((5, 3)) == [(5, 8, [0])]
    assert runs((5, 3), (8, 2)) == [(5, 10, [0, 1])]
    assert runs((0, 3), (3 + GAP, 2)) == [(0, 5 + GAP, [0, 1])]
    assert runs((0, 3), (4 + GAP, 2)) == [(0, 3, [0]), (4 + GAP, 6 + GAP, [1])]
    assert runs((0, 9), (2, 3), (9, 1)) == [(0, 10, [0, 1, 2])]  # one inside the other
    assert runs((0, SMALL), (SMALL, 1)) == [(0, SMALL + 1, [0, 1])]
    assert runs((0, 5), (5, SMALL + 1), (6 + SMALL, 2)) == [(0, 5, [0]), (5, 6 + SMALL, [1]), (6 + SMALL, 8 + SMALL, [2])]
    four = [(n * SMALL, SMALL) for n in range(4)]
    assert runs(*four) == [(0, RUN, [0, 1, 2, 3])]
    assert runs(*four, (RUN, 1)) == [(0, RUN, [0, 1, 2, 3]), (RUN, RUN + 1, [4])]
    assert runs((1, SMALL), *four[1:], (RUN, 1), (RUN + 1, 1)) == [(1, RUN + 1, [0, 1, 2, 3, 4]), (RUN + 1, RUN + 2, [5])]
    assert runs((0, 2), (1 << 50, 0), (2, 1)) == [(0, 2, [0]), (1 << 50, 1 << 50, [1]), (2, 3, [2])]


def test_bare_numbers_of_every_dtype_are_taken_as_they_stand(tmp_path, monkeypatch):
    """Without the function that decodes any value, however few are alike."""
    contents = {f"{name}{n}": np.full(n + 1, n).astype(name) for n in range(4) for name in ("float32", "int16", "complex64")}
    contents |= {"scalar": np.float64(5), "deep": np.ones((1,) * 64)}
    TensorBundle(durable=False).write(str(tmp_path / "p"), contents)
    found = TensorBundle().open(str(tmp_path / "p"))
    monkeypatch.setattr(fetching.payload, "decode_value", lambda *given: pytest.fail(str(given)))
    for value, wanted in zip(found.read_many(contents), contents.values(), strict=True):
        np.testing.assert_array_equal(value, wanted)


@pytest.mark.parametrize("place", [0, SMALL // 2, SMALL + 3])
def test_a_large_value_that_is_damaged(tmp_path, place):
    """Alone and beside others, among them small ones of its kind."""
    big = np.zeros(SMALL + 4, np.uint8)
    TensorBundle(durable=False).write(tmp_path / "p", {"big": big, "s": np.zeros(3, np.uint8), "t": np.array([b"x"], object)})
    path = tmp_path / "p.data-00000-of-00001"
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    reader = TensorBundle().open(tmp_path / "p")
    for keys in (["big"], ["big", "s"], ["t", "big"], ["s", "big", "t"]):
        with pytest.raises(DataLossError, match="key 'big'"):
            reader.read_many(keys)
    with pytest.raises(DataLossError, match="key 'big'"):
        reader.read("big")
    assert reader.read_many(["s", "t"])[1].tolist() == [b"x"]


def test_data_files_one_after_the_other():
    entries = [Entry(uint8, (1,), shard, 0, 1, 0) for shard in (0, 0, 2, 3, 3, 3)]
    assert list(fetching._by_shard(entries, [])) == []
    assert list(fetching._by_shard(entries, range(6))) == [range(2), range(2, 3), range(3, 6)]
    assert list(fetching._by_shard(entries, [0, 1])) == [[0, 1]]
    assert list(fetching._by_shard(entries, [3])) == [[3]]
    assert list(fetching._by_shard(entries, [1, 3])) == [[1], [3]]


class Noting(Disk):
    """Notes which files are opened and which places are read of them."""

    def __init__(self):
        self.opened, self.asked, self.paths = [], [], {}

    def open(self, path):
        handle = super().open(path)
        self.opened.append(os.path.basename(path))
        self.paths[handle] = self.opened[-1]
        return handle

    def read(self, handle, into, offset):
        self.asked.append((self.paths[handle], offset, len(into)))
        return super().read(handle, into, offset)


TEXT = np.array([b"ab", b""], object)
PIECES = Partitioned((4, 2), [(((0, 2), None), np.arange(4).reshape(2, 2)), (((2, 2), None), np.arange(4, 8).reshape(2, 2))])
FIRST = {"a": np.arange(3, dtype=np.int32), "big": np.arange(SMALL // 4 + 1, dtype=np.float32), "t": TEXT}
SECOND = {"p": PIECES, "z": np.arange(5.0), "empty": np.zeros((0, 3))}


@pytest.fixture
def prefix(tmp_path):
    TensorBundle(durable=False).write_shards(tmp_path / "p", [FIRST, SECOND])
    return str(tmp_path / "p")


@pytest.fixture
def disk():
    return Noting()


def test_each_data_file_is_opened_once(prefix, disk):
    found = TensorBundle(disk=disk).open(prefix)
    assert disk.opened == ["p.index"]
    disk.asked.clear()
    values = found.read_many(["z", "t", "big", "a", "empty", "z"])
    assert disk.opened == ["p.index", "p.data-00000-of-00002", "p.data-00001-of-00002"]
    assert [value.tolist() for value in values[1:4]] == [TEXT.tolist(), FIRST["big"].tolist(), [0, 1, 2]]
    assert values[0].tolist() == values[5].tolist() == [0, 1, 2, 3, 4]
    assert values[4].shape == (0, 3)
    assert values[0] is not values[5]
    size = FIRST["big"].nbytes
    assert sorted(disk.asked) == [
        ("p.data-00000-of-00002", 0, 12), ("p.data-00000-of-00002", 12, size), ("p.data-00000-of-00002", 12 + size, 8),
        ("p.data-00001-of-00002", 64, 40),
    ]  # fmt: skip


def test_large_values_are_read_where_they_stay(tmp_path):
    size = 4 << 20
    TensorBundle(durable=False).write(tmp_path / "p", {"a": np.zeros(size, np.uint8), "b": np.zeros(3, np.uint8)})
    found = TensorBundle().open(tmp_path / "p")
    tracemalloc.start()
    try:
        found.read_many(["a", "b"])
        assert tracemalloc.get_traced_memory()[1] < 1.5 * size
    finally:
        tracemalloc.stop()
    deep = Entry(uint8, (1,) * 64 + (size,), 0, 0, size, found.entry("a").crc)
    edit(tmp_path / "p.index", lambda found: found.update({b"c": encode_entry(deep)}))
    with pytest.raises(UnimplementedError, match="key 'c': 65 dimensions"):
        TensorBundle().open(tmp_path / "p").read("c")


def test_a_region_reads_what_it_must(prefix, disk):
    found = TensorBundle(disk=disk).open(prefix)
    disk.asked.clear()
    assert found.read_slice("p", [1, 0], [1, -1]).tolist() == [[2, 3]]
    assert disk.asked == [("p.data-00001-of-00002", 0, 32)]
    disk.asked.clear()
    assert found.read_slice("p", [3, 1], [1, 1], verify=False).tolist() == [[7]]
    assert disk.asked == [("p.data-00001-of-00002", 48, 16)]
    disk.asked.clear()
    assert found.read_slice("a", [1], [2], verify=False).tolist() == [1, 2]
    assert disk.asked == [("p.data-00000-of-00002", 4, 8)]
    assert found.read_slice("t", [0], [1], verify=False).tolist() == [b"ab"]
    assert found.read_slice("empty", [0, 1], [0, 2], verify=False).shape == (0, 2)
    assert found.read_slice("a", [0], [3]).tolist() == [0, 1, 2]


def test_what_a_reader_says(prefix):
    found = TensorBundle().open(prefix)
    assert found.keys() == ["a", "big", "empty", "p", "t", "z"]
    assert found.slices("p") == [((0, 2), None), ((2, 2), None)]
    assert found.slices("a") == []
    assert (found.spec("p").dtype.name, found.spec("p").shape) == ("int64", (4, 2))
    assert [key in found for key in ("a", "p", "none", "", 5, b"a")] == [True, True, False, False, False, False]
    piece = next(key for key in found.index.records if key.startswith(b"\0"))
    assert text_of(piece) not in found
    small = found.read_small(["a", "big", "none", "p", "z", "t"], 12)
    assert list(small) == ["a", "t"]
    assert all(np.array_equal(value, found.read(key)) for key, value in small.items())
    assert list(found.read_small(["a", "z"], 40)) == ["a", "z"]
    for ask in (found.spec, found.read, found.slices):
        with pytest.raises(NotFoundError, match=f"^read: key 'none' is not in checkpoint {prefix!r}, which has 6 keys"):
            ask("none")
    assert (found.prefix, found.source) == (prefix, prefix)
    assert found.where(b"\xff") == f"{prefix}: key '\\udcff'"


def test_everything_in_the_order_of_the_files(prefix, tmp_path):
    found = TensorBundle().open(prefix).contents()
    assert [[key for key, _ in shard] for shard in found] == [["a", "big", "t"], ["p", "p", "z", "empty"]]
    assert found[1][0][1].pieces[0][1].tolist() == [[0, 1], [2, 3]]
    assert (found[1][1][1].shape, found[1][1][1].pieces[0][0]) == ((4, 2), ((2, 2), None))
    typed = {
        "q": Typed("qint8", np.arange(3, dtype=np.int8)),
        "v": Typed("variant", np.array([b"x"], object)),
        "f": np.zeros(1),
    }
    TensorBundle().write(tmp_path / "q", typed)
    (shard,) = TensorBundle().open(tmp_path / "q").contents()
    assert [(type(value), getattr(value, "dtype", None)) for _, value in shard[:2]] == [
        (Typed, TensorBundle().open(tmp_path / "q").spec(key).dtype) for key in "qv"
    ]
    assert type(shard[2][1]) is np.ndarray
    TensorBundle().write_shards(tmp_path / "again", TensorBundle().open(prefix).contents())
    for name in ("index", "data-00000-of-00002", "data-00001-of-00002"):
        assert (tmp_path / f"again.{name}").read_bytes() == (tmp_path / f"p.{name}").read_bytes()


def test_a_set_that_is_replaced_meanwhile(prefix, tmp_path):
    storage = TensorBundle(durable=False)
    found = storage.open(prefix)
    assert found.unchanged()
    storage.write(prefix, {"a": np.zeros(1)})
    assert not found.unchanged()
    with pytest.raises(AbortedError, match=f"checkpoint {prefix!r} was replaced or removed while it was read; open it again"):
        found.read("big")
    storage.remove(prefix)
    assert not found.unchanged()
    with pytest.raises(AbortedError, match="was replaced or removed"):
        found.read("big")


@pytest.mark.parametrize("verify", [True, False])
def test_a_value_that_ends_behind_its_file(prefix, verify):
    os.truncate(f"{prefix}.data-00001-of-00002", 103)
    found = TensorBundle().open(prefix)
    said = f"{prefix}: key 'z': read less bytes than requested: 40 bytes at offset 64 of {prefix}.data-00001-of-00002, "
    said += "which has 103"
    with pytest.raises(DataLossError) as caught:
        found.read_slice("z", [0], [1], verify)
    assert said in str(caught.value)
    os.truncate(f"{prefix}.data-00001-of-00002", 104)
    assert found.read("empty").shape == (0, 3)


# What is missing ----------------------------------------------------------------------------------------------------


def test_only_files_that_are_used_are_missed(tmp_path):
    path = str(tmp_path / "p")
    TensorBundle(durable=False).write_shards(path, [{}, {"p": PIECES, "z": np.zeros(2), "e": np.zeros(0)}, {}])
    for shard in (0, 2):
        os.unlink(f"{path}.data-{shard:05}-of-00003")
    assert missing_data(TensorBundle().open(path)) is None
    os.truncate(f"{path}.data-00001-of-00003", 79)
    assert missing_data(TensorBundle().open(path)) == f"'{path}.data-00001-of-00003' has 79 bytes; key 'e' needs 80"
    os.unlink(f"{path}.data-00001-of-00003")
    assert missing_data(TensorBundle().open(path)) == f"{path!r} lacks the data file '{path}.data-00001-of-00003'"


def test_a_file_that_has_nothing_of_a_tensor_is_not_missed(tmp_path):
    path = str(tmp_path / "p")
    TensorBundle(durable=False).write_shards(path, [{"p": PIECES}, {}])
    whole = TensorBundle().open(path).entry("p")
    edit(tmp_path / "p.index", lambda found: found.update({b"p": encode_entry(whole._replace(shard=1))}))
    os.unlink(f"{path}.data-00001-of-00002")
    assert missing_data(TensorBundle().open(path)) is None


def test_a_data_file_that_cannot_be(tmp_path):
    path = str(tmp_path / "p")
    TensorBundle(durable=False).write(path, {"a": np.zeros(1)})
    edit(tmp_path / "p.index", lambda found: found.update({b"a": encode_entry(Entry(float32, (), 1, 0, 4, 0))}))
    with pytest.raises(DataLossError, match=f"^{path}: key 'a' stands in data file 1, which cannot be"):
        missing_data(TensorBundle().open(path))
    with pytest.raises(NotFoundError, match=r"key 'a': it stands in data file 1, but the checkpoint has 1 \(0 to 0\)"):
        TensorBundle().open(path).read("a")


# The index ----------------------------------------------------------------------------------------------------------


def test_an_index_is_parsed_once_while_it_is_the_same(tmp_path, disk):
    storage = TensorBundle(durable=False, disk=disk)
    prefixes = [str(tmp_path / f"p{n}") for n in range(5)]
    for path in prefixes:
        storage.write(path, {"a": np.zeros(1)})
    first = storage.open(prefixes[0])
    assert storage.open(prefixes[0]).index is first.index
    assert disk.opened == ["p0.index"]
    for path in prefixes[1:4]:
        storage.open(path)
    assert storage.open(prefixes[0]).index is first.index  # used last: the one that goes is p1
    storage.open(prefixes[4])
    disk.opened.clear()
    for n in (0, 2, 3, 4, 1):
        storage.open(prefixes[n])
    assert disk.opened == ["p1.index"]
    assert TensorBundle(disk=Noting()).open(prefixes[1]).index is not storage.open(prefixes[1]).index
    os.utime(f"{prefixes[1]}.index", (1, 1))
    disk.opened.clear()
    storage.open(prefixes[1])
    assert disk.opened == ["p1.index"]


def test_a_damaged_entry_among_many_alike_is_named(tmp_path):
    TensorBundle(durable=False).write(tmp_path / "p", {f"k{n:02}": np.zeros(2) for n in range(20)})
    for bad in (0, 1, 7, 19):
        found = records(tmp_path / "p.index")
        put_records(tmp_path / "p.index", found | {b"k%02d" % bad: b"\xff" * len(found[b"k%02d" % bad])})
        with pytest.raises(DataLossError, match=f"key 'k{bad:02}': entry: not parseable"):
            TensorBundle().open(tmp_path / "p").read_many([f"k{n:02}" for n in range(20)])
        TensorBundle(durable=False).write(tmp_path / "p", {f"k{n:02}": np.zeros(2) for n in range(20)})


def test_paths_that_are_directories(tmp_path, monkeypatch):
    (tmp_path / "d.index").mkdir()
    for path, said in (
        (tmp_path, "is a directory, not a checkpoint; try latest_checkpoint"),
        (tmp_path / "d", "not an index file"),
    ):
        with pytest.raises(DataLossError, match=f"^open: '{path}.*{said}"):
            TensorBundle().open(path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotFoundError, match="^open: no checkpoint ''"):
        TensorBundle().open("")
    assert index.identity_of(Disk(), str(tmp_path / "none")) is None


def test_pieces_are_no_keys(tmp_path):
    storage = TensorBundle(durable=False)
    storage.write(tmp_path / "p", {"\0odd": np.zeros(1), "p": PIECES, "a": np.zeros(2)})
    found = storage.open(tmp_path / "p")
    assert found.keys() == ["\0odd", "a", "p"]
    assert "\0odd" in found
    assert len(found.index.pieces()) == 2
    assert found.index.pieces() is found.index.pieces()
    storage.write(tmp_path / "q", {"a": np.zeros(2)})
    assert storage.open(tmp_path / "q").index.pieces() == set()
    edit(tmp_path / "p.index", lambda found: found.update({b"\0bad": b"\xff"}))
    assert storage.open(tmp_path / "p").keys() == ["\0bad", "\0odd", "a", "p"]


def test_an_index_without_its_header(tmp_path):
    TensorBundle(durable=False).write(tmp_path / "p", {"a": np.zeros(1)})
    edit(tmp_path / "p.index", lambda found: found.pop(b""))
    with pytest.raises(DataLossError, match=f"^{tmp_path / 'p'}.index: the header, the record with the empty key, is missing"):
        TensorBundle().open(tmp_path / "p")


def test_strings_of_one_data_file_are_not_read_as_large_ones(tmp_path):
    long = np.array([b"x" * SMALL, b"y"], object)
    storage = TensorBundle(durable=False)
    storage.write(tmp_path / "p", {"s": long, "a": np.zeros(1)})
    assert storage.open(tmp_path / "p").read("s").tolist() == long.tolist()
    assert storage.open(tmp_path / "p").spec("s").dtype is string


def test_pieces_that_are_not_what_the_list_says(prefix):
    def other(found):
        key = next(key for key in found if key.startswith(b"\0"))
        found[key] = encode_entry(Entry(float32, (2, 2), 1, 0, 16, 0))

    edit(Path(f"{prefix}.index"), other)
    with pytest.raises(
        DataLossError, match=r"key 'p': the slice 0,2:- is stored as float32 \(2, 2\); it should be int64 \(2, 2\)"
    ):
        TensorBundle().open(prefix).read("p")


def test_reading_into_arrays_that_do_not_fit(prefix):
    found = TensorBundle().open(prefix)
    frozen = np.zeros(3, np.int32)
    frozen.flags.writeable = False
    for array, said in (
        (np.zeros(3), r"'a' is .*; the array given is float64 \(3,\)"),
        (np.zeros(4, np.int32), r"the array given is int32 \(4,\)"),
        ([0, 0, 0], "the array given is list"), (frozen, "the array given for 'a' is read-only"),
    ):  # fmt: skip
        with pytest.raises(InvalidArgumentError, match=f"^read_into: .*{said}"):
            found.read_into("a", array)


def test_the_specs_of_all_keys_are_those_of_each(tmp_path):
    prefix = str(tmp_path / "p")
    kinds = [np.float32, np.int64, np.int8, bool]
    values = {f"many{n}": np.zeros((n % 3, 2), kinds[n % 4]) for n in range(400)}  # of each kind more than a few
    values |= {"\udcff": np.array([b"a"], object), "typed": Typed("qint8", np.zeros(3, np.int8)), "scalar": np.float64(1)}
    values["pieces"] = Partitioned((4,), [(((0, 3),), np.zeros(3)), (((3, 1),), np.zeros(1))])
    TensorBundle(durable=False).write(prefix, values)
    reader = TensorBundle().open(prefix)
    assert list(reader.specs()) == reader.keys()
    assert reader.specs() == specs_of(reader) == {key: reader.spec(key) for key in reader.keys()}
    assert str(reader.specs()["pieces"]) == "float64 (4,)"


def test_the_specs_of_all_keys_name_the_entry_that_makes_no_sense(tmp_path):
    prefix = tmp_path / "p"
    TensorBundle(durable=False).write(str(prefix), {f"k{n}": np.zeros(2) for n in range(50)})
    edit(prefix.with_suffix(".index"), lambda found: found.update({b"k7": b"\x08\x63"}))
    with pytest.raises(DataLossError, match="key 'k7': dtype number 99"):
        TensorBundle().open(str(prefix)).specs()


def test_one_value_is_read_without_looking_for_others_that_are_alike(prefix, monkeypatch):
    reader = TensorBundle().open(prefix)
    monkeypatch.setattr(reader.index, "alike", lambda keys: pytest.fail("others are looked for"))
    key = reader.keys()[0]
    assert reader.read(key).shape == reader.spec(key).shape


def test_an_index_that_is_replaced_while_it_is_read_is_not_kept_for_the_one_before(tmp_path):
    """The one before may come back: moved aside and back again it is the same file, down to its time."""
    for name in ("a", "b"):
        TensorBundle(False).write(str(tmp_path / name), {name: np.ones(2)})

    class Moving(Disk):
        def open(self, path):
            if path.endswith("a.index") and not (tmp_path / "aside").exists():
                (tmp_path / "a.index").rename(tmp_path / "aside")
                (tmp_path / "b.index").rename(tmp_path / "a.index")
            return super().open(path)

    bundle = TensorBundle(disk=Moving())
    assert list(bundle.open(str(tmp_path / "a")).keys()) == ["b"]
    (tmp_path / "aside").replace(tmp_path / "a.index")
    (tmp_path / "aside").touch()
    assert list(bundle.open(str(tmp_path / "a")).keys()) == ["a"]
