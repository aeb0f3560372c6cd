"""V1 checkpoints as files: patterns, shards, what is read of them and how often, and what cannot be written."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from minitf.errors import AbortedError, AlreadyExistsError, DataLossError, InvalidArgumentError, NotFoundError
from minitf.storage.anywhere import ANYWHERE
from minitf.storage.bundle import TensorBundle
from minitf.storage.bundle.coding import slice_key
from minitf.storage.bundle.table import Table, table_chunks
from minitf.storage.files import Disk
from minitf.storage.formats import FORMATS, format_named
from minitf.storage.state_file import CheckpointState, latest_checkpoint, write_state
from minitf.storage.v1 import TensorSlices
from minitf.storage.v1.names import split_shard_name
from minitf.storage.v1.reader import KEEP
from minitf.storage.v1.records import TensorMeta, encode_meta
from minitf.storage.values import Partitioned, Typed
from minitf.storage.whole import problem_with


def halves(*parts):
    return Partitioned((4, 2), [(((2 * n, 2), None), np.full((2, 2), n, np.int32)) for n in parts])


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Noting(Disk):
    """Notes which files are opened and which places are read."""

    def __init__(self):
        self.opened, self.asked, self.handles = [], [], {}

    def open(self, path):
        handle = super().open(path)
        self.opened.append(path)
        self.handles[handle] = path
        return handle

    def read(self, handle, into, offset):
        self.asked.append((self.handles[handle], offset))
        return super().read(handle, into, offset)


@pytest.fixture
def shards(here):
    storage = TensorSlices(durable=False)
    pattern = storage.write_shards("m", [
        {"a": np.arange(3), "w": halves(0), "q": Typed("qint8", np.ones(2, np.int8))},
        {"b": np.array([b"x"], object), "w": halves(1), "s": np.float32(5)},
    ])  # fmt: skip
    assert pattern == "m-?????-of-00002"
    return pattern


def test_what_a_reader_says(shards):
    found = TensorSlices().open(shards)
    assert found.keys() == ["a", "b", "q", "s", "w"]
    assert ("a" in found, "x" in found) == (True, False)
    assert (found.prefix, found.source) == (shards, shards)
    assert (found.spec("w").dtype.name, found.spec("w").shape) == ("int32", (4, 2))
    assert found.slices("w") == [((0, 2), None), ((2, 2), None)]
    assert found.slices("a") == found.slices("s") == []
    assert found.read("w").tolist() == [[0, 0], [0, 0], [1, 1], [1, 1]]
    assert found.read_slice("w", [1, 0], [2, 1]).tolist() == [[0], [1]]
    assert found.read_slice("a", [1], [-1]).tolist() == [1, 2]
    for ask in (
        found.read,
        found.spec,
        found.slices,
        lambda key: found.read_many([key]),
        lambda key: found.read_slice(key, [], []),
    ):
        with pytest.raises(NotFoundError, match=f"^read: key 'x' is not in checkpoint '{shards[:2]}.*', which has 5 keys"):
            ask("x")


def test_only_files_with_the_pieces_are_opened(shards):
    disk = Noting()
    found = TensorSlices(disk=disk).open(shards)
    one, two = "m-00000-of-00002", "m-00001-of-00002"
    assert disk.opened == [one, two]
    for ask, opened in (
        (lambda: found.read("a"), [one]), (lambda: found.read("b"), [two]), (lambda: found.read("w"), [one, two]),
        (lambda: found.read_many(["b", "a", "b"]), [one, two]),
    ):  # fmt: skip
        disk.opened.clear()
        ask()
        assert disk.opened == opened


def test_values_that_are_asked_for_twice_are_two_arrays(shards):
    a, s, again = TensorSlices().open(shards).read_many(["a", "s", "a"])
    a[0] = 9
    assert (s.tolist(), again.tolist()) == (5, [0, 1, 2])


def test_a_block_is_read_once_for_all_its_values(here):
    tensors = {f"k{n}": np.arange(2) for n in range(9)}
    TensorSlices(durable=False).write("m", tensors)
    disk = Noting()
    found = TensorSlices(disk=disk).open("m")
    disk.asked.clear()
    found.read_many(reversed(tensors))
    assert len(disk.asked) == 1
    for name in tensors:
        found.read(name)
    assert len(disk.asked) == 1  # values that are read one by one come from the block that was read last
    TensorSlices(durable=False).write("m", {name: value + 1 for name, value in tensors.items()})
    with pytest.raises(AbortedError, match="^read: checkpoint 'm' was replaced"):  # not the new values under the old list
        found.read("k0")
    TensorSlices(durable=False).write("m", tensors)
    small_blocks("m")
    found = TensorSlices(disk=disk).open("m")
    disk.asked.clear()
    assert [value.tolist() for value in found.read_many(tensors)] == [[0, 1]] * 9
    assert len(disk.asked) == 9


def small_blocks(path):
    with open(path, "rb") as file:
        data = file.read()
    found = Table(lambda offset, size: memoryview(data)[offset : offset + size], len(data), "").records()
    with open(path, "wb") as file:
        file.write(b"".join(table_chunks(sorted(found), [found[key] for key in sorted(found)], block_size=8)))


def test_everything_in_the_order_of_the_files(shards, here):
    contents = TensorSlices().open(shards).contents()
    assert [[key for key, _ in shard] for shard in contents] == [["a", "w", "q"], ["b", "w", "s"]]
    assert contents[0][1][1].pieces[0][0] == ((0, 2), None)
    assert contents[0][2][1].dtype.name == "qint8"
    assert type(contents[0][0][1]) is np.ndarray
    TensorSlices().write_shards("again", contents)
    for n in (0, 1):
        assert (here / f"again-0000{n}-of-00002").read_bytes() == (here / f"m-0000{n}-of-00002").read_bytes()


def test_which_files_a_path_stands_for(shards, here):
    storage = TensorSlices(durable=False)
    (here / "m-00002-of-00002").mkdir()
    (here / "m-00000-of-00002.tmp-12").touch()
    assert storage.files(shards) == ["m-00000-of-00002", "m-00001-of-00002"]
    assert storage.files("m-00000*") == ["m-00000-of-00002"]
    assert storage.files("m-0000[1]-of-00002") == ["m-00001-of-00002"]
    assert storage.files("m") == storage.files("none/*") == []
    assert (storage.exists(shards), storage.exists("m")) == (True, False)
    storage.write("odd*", {"a": np.zeros(1)})
    assert storage.files("odd*") == ["odd*"]
    with pytest.raises(NotFoundError, match="^open: failed to find any matching files for 'none'"):
        storage.open("none")
    with pytest.raises(
        DataLossError, match=r"^open: 'm-00002-of-00002' is a directory, not a checkpoint; try latest_checkpoint"
    ):
        storage.open("m-00002-of-00002")
    with pytest.raises(NotFoundError, match="^open: failed to find any matching files for ''"):
        storage.open("")
    storage.remove(shards)
    assert sorted(os.listdir(here)) == ["m-00000-of-00002.tmp-12", "m-00002-of-00002", "odd*"]


def test_a_v2_set_would_hide_it(here):
    TensorBundle(durable=False).write("m", {"a": np.zeros(1)})
    with pytest.raises(AlreadyExistsError, match="^write: a V2 checkpoint stands under 'm' and would hide a V1 one"):
        TensorSlices().write("m", {"a": np.zeros(1)})
    shards = [{"a": np.ones(1)}, {"b": np.ones(1)}]
    for several in (shards[:1], shards):
        with pytest.raises(AlreadyExistsError, match="^write: a V2 checkpoint stands under 'm' and would hide a V1 one"):
            TensorSlices().write_shards("m", several)
        written = TensorSlices().write_shards("m", several, though_hidden=True)  # for who removes the other one then
        assert TensorSlices().open(written).keys() == ["a", "b"][: len(several)]
        TensorSlices().remove(written)
    assert not (here / "m").exists()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (
            Partitioned((4,), [(((0, 2),), np.zeros(3))]),
            r"a piece of 'w' of shape \(3,\) does not fit at \(\(0, 2\),\) in \(4,\)",
        ),
        (Partitioned((4,), [(((3, 2),), np.zeros(2))]), r"a piece of 'w' of shape \(2,\) does not fit at \(\(3, 2\),\)"),
        (Partitioned((4,), [(((-1, 2),), np.zeros(2))]), r"a piece of 'w' of shape \(2,\) does not fit at \(\(-1, 2\),\)"),
        (Partitioned((4,), [(((1, 0),), np.zeros(0))]), r"a piece of 'w' of shape \(0,\) does not fit at \(\(1, 0\),\)"),
        (Partitioned((4, 4), [(((0, 2),), np.zeros(2))]), r"a piece of 'w' of shape \(2,\) does not fit"),
        (Partitioned((4,), [((None, None), np.zeros(4))]), r"a piece of 'w' of shape \(4,\) does not fit"),
        (Partitioned((4,), [((None,), np.zeros(3))]), r"a piece of 'w' of shape \(3,\) does not fit"),
        (
            Partitioned((4,), [(((0, 2),), np.zeros(2)), (((2, 2),), np.zeros(2, np.float32))]),
            "the pieces of 'w' differ in dtype",
        ),
    ],
)
def test_pieces_that_cannot_be(here, value, said):
    with pytest.raises(InvalidArgumentError, match=f"^write: {said}"):
        TensorSlices().write("m", {"w": value})
    assert os.listdir(here) == []
    TensorSlices().write("m", {"w": Partitioned((4,), [(((0, 1),), np.zeros(1)), (((1, 3),), np.ones(3))])})
    assert TensorSlices().open("m").read("w").tolist() == [0, 1, 1, 1]


def test_keys_that_come_twice(here):
    for tensors in ([("a", np.zeros(1)), ("a", np.zeros(2))], [("w", halves(0)), ("w", halves(0))]):
        with pytest.raises((AlreadyExistsError, InvalidArgumentError), match="'(a|w)'"):
            TensorSlices().write_shards("m", [tensors])
    with pytest.raises(AlreadyExistsError, match="^write: the key 'w' comes twice"):
        TensorSlices().write_shards("m", [[("w", halves(0)), ("w", halves(0))]])
    TensorSlices().write_shards("m", [[("w", halves(0)), ("w", halves(1))]])
    assert TensorSlices().open("m").slices("w") == [((0, 2), None), ((2, 2), None)]


def test_tables_without_a_list_and_lists_without_records(here):
    (here / "m").write_bytes(b"".join(table_chunks([], [])))
    with pytest.raises(DataLossError, match="^m: failed to find the saved tensor slices: there is no list of tensors"):
        TensorSlices().open("m")
    (here / "m").write_bytes(b"".join(table_chunks([b"x"], [b""])))
    with pytest.raises(DataLossError, match="^m: failed to find the saved tensor slices: there is no list of tensors"):
        TensorSlices().open("m")
    from minitf.core.dtypes import int32

    meta = encode_meta([TensorMeta("a", (2,), int32, ((None,),))])
    for keys in ([b""], [b"", slice_key(b"Z", (None,))], [b"", slice_key(b"z", (None,))]):
        (here / "m").write_bytes(b"".join(table_chunks(keys, [meta, b"x"][: len(keys)])))
        with pytest.raises(NotFoundError, match="^m: key 'a': slice '-' is listed, but it is not found in the checkpoint file"):
            TensorSlices().open("m").read("a")


def test_files_that_contradict_each_other(here):
    for n, value in enumerate((np.zeros(2), np.zeros(3), np.zeros(2, np.float32))):
        TensorSlices(durable=False).write(f"m{n}", {"a": value})
    for pattern, said in (("m[01]", r"m1: key 'a': float64 \(3,\) here, float64 \(2,\) in another file"),
                          ("m[02]", r"m2: key 'a': float32 \(2,\) here, float64 \(2,\) in another file")):  # fmt: skip
        with pytest.raises(DataLossError, match=f"^{said}"):
            TensorSlices().open(pattern)
    (here / "m3").write_bytes((here / "m0").read_bytes())
    with pytest.raises(DataLossError, match="^m3: key 'a': overlapping slices: - comes twice"):
        TensorSlices().open("m[03]")
    TensorSlices(durable=False).write("s0", {"a": np.float32(1)})
    (here / "s1").write_bytes((here / "s0").read_bytes())
    with pytest.raises(DataLossError, match="^s1: key 'a': overlapping slices: the whole comes twice"):
        TensorSlices().open("s?")


def test_a_file_that_shrinks_while_it_is_open(here):
    TensorSlices(durable=False).write("m", {"a": np.arange(3)})
    found = TensorSlices().open("m")
    os.truncate("m", 20)
    with pytest.raises(AbortedError, match="^read: checkpoint 'm' was replaced, changed or removed since") as told:
        found.read("a")
    assert "the file became shorter while it was being read" in str(told.value.__cause__)


@pytest.mark.parametrize("size, reads", [(KEEP - 100, 1), (KEEP + 100, 2)])
def test_a_large_block_is_not_kept(here, size, reads):
    TensorSlices(durable=False).write("m", {"k": np.array([bytes(size)], object)})
    disk = Noting()
    found = TensorSlices(disk=disk).open("m")
    found.read("k")
    disk.asked.clear()
    found.read("k")
    assert len(disk.asked) == reads - 1


@pytest.mark.parametrize("name", FORMATS)
def test_threads_may_share_a_reader(here, name):
    storage = format_named(name, durable=False)
    tensors = {f"k{n}": np.full(50, n) for n in range(200)}
    storage.write("m", tensors)
    found = storage.open("m")
    wrong = []

    def work(start):
        for n in [*range(start, 200), *range(start)]:
            if not (found.read(f"k{n}") == n).all():
                wrong.append(n)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(0, 200, 25)))
    assert wrong == []


# -- sets of files -------------------------------------------------------------------------------------------------------


def test_a_set_that_lacks_a_file_is_not_whole(tmp_path):
    prefix = str(tmp_path / "m")
    pattern = TensorSlices(durable=False).write_shards(prefix, [{name: np.ones(1)} for name in "abc"])
    assert problem_with(pattern, ANYWHERE) is None
    for number in (2, 0, 1):
        path = f"{prefix}-{number:05d}-of-00003"
        os.rename(path, path + "x")
        reader = TensorSlices().open(pattern)
        assert reader.missing_file() == path
        assert problem_with(pattern, ANYWHERE) == f"{pattern!r} lacks the file {path!r}"
        os.rename(path + "x", path)
    assert TensorSlices().open(pattern).missing_file() is None


def test_of_a_set_of_an_enormous_number_the_first_file_is_missed_at_once(tmp_path):
    TensorSlices(durable=False).write(str(tmp_path / "m-00000-of-99999999999"), {"a": np.ones(1)})
    reader = TensorSlices().open(str(tmp_path / "m-?????-of-*"))
    assert reader.missing_file() == str(tmp_path / "m-00001-of-99999999999")


def test_files_whose_names_have_no_numbers_are_no_set(tmp_path):
    for name in ("m1", "m2-00000-of-00002"):
        TensorSlices(durable=False).write(str(tmp_path / name), {name: np.ones(1)})
    assert TensorSlices().open(str(tmp_path / "m*")).missing_file() is None


def test_the_latest_checkpoint_is_an_older_one_if_the_newest_lacks_a_file(tmp_path):
    paths = [
        TensorSlices(durable=False).write_shards(str(tmp_path / f"m-{n}"), [{"a": np.ones(1)}, {"b": np.ones(1)}])
        for n in (1, 2)
    ]
    write_state(str(tmp_path), CheckpointState(paths[1], paths))
    assert latest_checkpoint(str(tmp_path)) == paths[1]
    os.remove(tmp_path / "m-2-00001-of-00002")
    assert latest_checkpoint(str(tmp_path)) == paths[0]


def test_a_key_that_is_no_text_is_refused_before_anything_is_written(tmp_path):
    """TensorFlow writes a file that nobody can read, itself included: its list of tensors is not parseable."""
    with pytest.raises(InvalidArgumentError, match=r"write: the key '\\udcff' is not UTF-8"):
        TensorSlices(durable=False).write(str(tmp_path / "m"), {"a": np.ones(1), "\udcff": np.ones(1)})
    assert not list(tmp_path.iterdir())


def test_names_of_shards():
    assert split_shard_name("d/m-1-00002-of-00010") == ("d/m-1", 2, 10)
    assert split_shard_name("m\n-123456-of-1234567") == ("m\n", 123456, 1234567)
    for name in (
        "m",
        "m-00000-of-",
        "m-0000-of-00001",
        "m-00000-of-0001",
        "m-00000-of-00001x",
        "-00000-of-00001",
        "m-a0000-of-00001",
    ):
        assert split_shard_name(name) is None, name
