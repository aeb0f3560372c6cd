"""Branches that the other tests do not come to."""

import contextlib
import copy
import errno
import itertools
import os
import stat
import sys
import zipfile

import numpy as np
import pytest

import minitf as tf
from minitf.core import dtypes
from minitf.errors import (
    AbortedError,
    DataLossError,
    InvalidArgumentError,
    NotFoundError,
    OpError,
    UnimplementedError,
    UnknownError,
)
from minitf.saved import SavedGraph, SavedNode, SavedSlot
from minitf.storage import background
from minitf.storage.anywhere import ANYWHERE, MOUNTED_HANDLES, mount, unmount
from minitf.storage.background import BackgroundStorage
from minitf.storage.bundle import TensorBundle, payload
from minitf.storage.bundle.block import decompress
from minitf.storage.bundle.check import missing_data
from minitf.storage.bundle.entries import Entry, decode_entry, encode_entry, entry_head, entry_tail, quick_entry
from minitf.storage.bundle.merge import merge
from minitf.storage.bundle.table import Table, separator, successor
from minitf.storage.carried import encode_notes
from minitf.storage.detect import identify
from minitf.storage.file_view import FileView
from minitf.storage.files import Disk, make_directories, typed
from minitf.storage.formats import FORMATS, format_named
from minitf.storage.memory import MemoryStorage
from minitf.storage.messages import decode_graph, encode_graph
from minitf.storage.regions import check_disjoint
from minitf.storage.state_file import CheckpointState, read_state, write_state
from minitf.storage.v1 import TensorSlices
from minitf.storage.v1 import records as v1_records
from minitf.storage.v1 import slices as v1_slices
from minitf.storage.values import Partitioned, Typed
from minitf.storage.whole import problem_with
from minitf.testing.disk import RecordingDisk

from .tampering import crc_field, edit, entry, fields, file_of, restarts, shape
from .values_to_save import flow


@pytest.mark.parametrize("name", FORMATS)
def test_storages_say_what_they_are(name):
    assert "durable=False" in repr(format_named(name, durable=False))


def test_memory_says_what_it_holds_and_hands_it_on(tmp_path):
    storage = MemoryStorage()
    storage.write("a", {"q": Typed("qint8", np.arange(3, dtype=np.int8)), "x": np.ones(2)})
    assert repr(storage) == "MemoryStorage(['a'])"
    (pairs,) = storage.open("a").contents()
    TensorBundle().write(str(tmp_path / "b"), dict(pairs))
    reader = TensorBundle().open(str(tmp_path / "b"))
    assert reader.spec("q").dtype.name == "qint8"
    assert reader.read("x").tolist() == [1, 1]
    assert storage.open("a").slices("x") == []
    assert "x" in storage.open("a")


def test_background_looks_through_to_what_it_writes_for(tmp_path):
    storage = BackgroundStorage(TensorBundle())
    pieces = [(((0, 1),), np.zeros(1)), (((1, 1),), np.ones(1))]
    storage.write(str(tmp_path / "a"), {"p": Partitioned((2,), pieces), "q": Typed("qint8", np.zeros(1, np.int8))})
    assert storage.exists(str(tmp_path / "a"))
    assert storage.open(str(tmp_path / "a")).read("p").tolist() == [0, 1]
    storage.remove(str(tmp_path / "a"))
    assert not storage.exists(str(tmp_path / "a"))
    assert "TensorBundle" in repr(storage)
    assert (storage.name, storage.on_disk) == ("tf-v2", True)


def test_what_a_set_lacks_is_named(tmp_path):
    prefix = str(tmp_path / "a")
    pieces = [(((0, 1),), np.zeros(1)), (((1, 1),), np.ones(1))]
    TensorBundle().write(prefix, {"p": Partitioned((2,), pieces), "x": np.ones(9)})
    assert missing_data(TensorBundle().open(prefix)) is None
    data = tmp_path / "a.data-00000-of-00001"
    content = data.read_bytes()
    data.write_bytes(content[:-1])
    assert "needs" in missing_data(TensorBundle().open(prefix))
    data.unlink()
    assert "lacks the data file" in missing_data(TensorBundle().open(prefix))
    data.write_bytes(content)
    edit(tmp_path / "a.index", lambda records: records.pop(next(key for key in records if key.startswith(b"\0"))))
    assert "lacks the slice" in missing_data(TensorBundle().open(prefix))


def test_a_bad_state_file_in_a_directory(tmp_path):
    (tmp_path / "checkpoint").write_text('all_model_checkpoint_paths: "x"\n')
    with pytest.raises(DataLossError, match="names no model_checkpoint_path"):
        identify(str(tmp_path))


def test_a_v1_pattern_of_one_file_and_its_removal(tmp_path):
    storage = TensorSlices()
    pattern = storage.write_shards(str(tmp_path / "m"), [{"a": np.ones(1)}, {"b": np.ones(2)}])
    assert sorted(storage.open(pattern).keys()) == ["a", "b"]
    storage.remove(pattern)
    assert os.listdir(tmp_path) == []
    assert storage.write_shards(str(tmp_path / "m"), [{"a": np.ones(1)}]) == str(tmp_path / "m")


def test_a_partitioned_value_without_pieces_cannot_be_one_array():
    with pytest.raises(InvalidArgumentError, match="no pieces"):
        MemoryStorage().write("a", {"p": Partitioned((2,), [])})


def test_systems_without_positioned_access_read_and_write_all_the_same(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "pwrite")
    monkeypatch.delattr(os, "preadv")
    TensorBundle(disk=Disk()).write(str(tmp_path / "a"), {"x": np.arange(5), "y": np.arange(3.0)})
    assert TensorBundle(disk=Disk()).open(str(tmp_path / "a")).read("y").tolist() == [0, 1, 2]


def test_a_second_name_does_not_cross_to_a_url(tmp_path):
    with pytest.raises(OSError, match="not supported"):
        ANYWHERE.link(str(tmp_path / "a"), "memory://x/a")


# Files that change while they are read ----------------------------------------------------------------------------------


class Shrinking(Disk):
    """A disk on which files lose their last bytes as soon as their size was asked for."""

    def __init__(self):
        self.lost = set()

    def size(self, handle):
        self.lost.add(handle)
        return super().size(handle)

    def read(self, handle, into, offset):
        end = os.fstat(handle).st_size - 3
        if handle not in self.lost or offset + len(into) <= end:
            return super().read(handle, into, offset)
        return super().read(handle, into[: max(0, end - offset)], offset) if offset < end else 0

    def close(self, handle):
        self.lost.discard(handle)
        super().close(handle)


@pytest.mark.parametrize("size", [10, 500_000, 3_000_000])
def test_a_data_file_that_shrinks_while_it_is_read(tmp_path, size):
    TensorBundle(durable=False).write(str(tmp_path / "a"), {"x": np.ones(size)})
    reader = TensorBundle(disk=Disk()).open(str(tmp_path / "a"))
    reader.disk = Shrinking()
    for ask in (lambda: reader.read("x"), lambda: reader.read_into("x", np.zeros(size)), lambda: over(reader, np.zeros(size))):
        with pytest.raises(DataLossError, match="became shorter"):
            ask()


def over(reader, spare):
    with reader.reading_over(["x"], [spare]) as (_, fill):
        fill()


@pytest.mark.parametrize("name", ["tf-v1", "safetensors"])
def test_other_files_that_shrink_while_they_are_read(tmp_path, name):
    format_named(name, durable=False).write(str(tmp_path / "a"), {"x": np.ones(2)})
    with pytest.raises(DataLossError):
        FORMATS[name](disk=Shrinking()).open(str(tmp_path / "a")).read("x")


def test_a_safetensors_file_that_shrank_since(tmp_path):
    storage = format_named("safetensors", durable=False)
    storage.write(str(tmp_path / "a"), {"x": np.ones(2)})
    reader = storage.open(str(tmp_path / "a"))
    os.truncate(tmp_path / "a.safetensors", os.path.getsize(tmp_path / "a.safetensors") - 1)
    with pytest.raises(AbortedError, match="since it was opened"):
        reader.read("x")
    with pytest.raises(DataLossError, match="no array inside the file"):
        storage.open(str(tmp_path / "a"))


def test_an_index_that_is_replaced_while_it_is_read_is_not_kept(tmp_path):
    class Replacing(Disk):
        def read(self, handle, into, offset):
            got = super().read(handle, into, offset)
            os.utime(tmp_path / "a.index", ns=(next(times), next(times)))
            return got

    times = itertools.count(10**18, 10**9)
    storage = TensorBundle(durable=False, disk=Replacing())
    storage.write(str(tmp_path / "a"), {"x": np.ones(2)})
    first = storage.open(str(tmp_path / "a"))
    assert storage.open(str(tmp_path / "a")).index is not first.index


def test_what_was_read_of_another_index_is_not_taken_for_this_one(tmp_path):
    """Another one stands there when it is read, and the first one again afterwards."""
    here, aside, other = (str(tmp_path / name) for name in ("a.index", "aside.index", "b.index"))

    class Swapping(Disk):
        def open(self, path):
            if os.path.exists(other):
                os.rename(here, aside)
                os.rename(other, here)
            return super().open(path)

    storage = TensorBundle(durable=False)
    storage.write(str(tmp_path / "a"), {"x": np.ones(2)})
    storage.write(str(tmp_path / "b"), {"y": np.ones(2)})
    disk = Swapping()
    assert TensorBundle(disk=disk).open(str(tmp_path / "a")).keys() == ["y"]
    os.rename(aside, here)
    assert TensorBundle(disk=disk).open(str(tmp_path / "a")).keys() == ["x"]


def test_a_file_that_somebody_else_deletes_first(tmp_path):
    class Rival(Disk):
        def remove(self, path):
            super().remove(path)
            super().remove(path)

    TensorBundle().write(str(tmp_path / "a"), {"x": np.ones(2)})
    TensorBundle(disk=Rival()).remove(str(tmp_path / "a"))
    assert os.listdir(tmp_path) == []


def test_a_directory_that_somebody_else_makes_first(tmp_path):
    class Rival(Disk):
        def make_directory(self, path):
            super().make_directory(path)
            super().make_directory(path)

    make_directories(Rival(), str(tmp_path / "a" / "b"), True)
    assert os.path.isdir(tmp_path / "a" / "b")


def test_a_disk_that_takes_nothing(tmp_path):
    class Full(Disk):
        def write(self, handle, data, offset):
            return 0

    with pytest.raises(UnknownError, match="takes no more bytes"):
        TensorBundle(disk=Full()).write(str(tmp_path / "a"), {"x": np.ones(2)})


# Systems --------------------------------------------------------------------------------------------------------------------


def test_where_there_is_no_lock_it_goes_without(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    for number, error in ((errno.ENOLCK, None), (errno.EOPNOTSUPP, None), (errno.EIO, OSError), (0, KeyboardInterrupt)):

        def refuse(handle, kind, number=number, error=error):
            if kind == fcntl.LOCK_EX:
                raise (OSError(number, "no") if number else error())

        monkeypatch.setattr(fcntl, "flock", refuse)
        before = len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0
        if error is None:
            assert Disk().lock(str(tmp_path)) is None
        else:
            with pytest.raises(error):
                Disk().lock(str(tmp_path))
        assert before == (len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0)
    monkeypatch.setitem(sys.modules, "fcntl", None)
    assert Disk().lock(str(tmp_path)) is None
    TensorBundle().write(str(tmp_path / "a"), {"x": np.ones(2)})


def test_a_directory_is_synced_and_closed(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append((handle, os.fstat(handle).st_ino)))
    Disk().sync_directory(str(tmp_path))
    [(handle, number)] = synced
    assert number == tmp_path.stat().st_ino
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(handle)


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF, errno.EIO])
def test_file_systems_that_cannot_sync_a_directory(tmp_path, monkeypatch, number):
    """Some shared folders say that it is an invalid argument; then nothing better can be done. An error of the disk is one."""
    fsync = os.fsync

    def no_directories(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(number, os.strerror(number))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", no_directories)
    if number == errno.EIO:
        with pytest.raises(OpError, match="Input/output"):
            TensorBundle().write(tmp_path / "run" / "p", {"a": np.ones(1)})
        return
    group = tf.train.Checkpoint(v=tf.Variable(1.0))
    manager = tf.train.CheckpointManager(group, tmp_path / "run", max_to_keep=1)
    manager.save()
    assert group.restore(manager.save()).assert_consumed()


def test_a_file_where_a_directory_should_be_made(tmp_path):
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(OpError, match="Not a directory"):
        make_directories(Disk(), str(tmp_path / "a"), False)


def test_on_windows_directories_are_not_synced(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda handle: pytest.fail("synced"))
    monkeypatch.setattr(os, "name", "nt")
    Disk().sync_directory("")


def test_values_that_are_no_paths_and_are_none_of_ours(tmp_path):
    with pytest.raises(ValueError, match="something else"), typed("read", "a"):
        raise ValueError("something else")
    with pytest.raises(InvalidArgumentError, match="null"), typed("read", "a"):
        raise InvalidArgumentError("null")


def test_a_view_of_a_file_says_what_it_is_for(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    handle = Disk().open(str(tmp_path / "a"))
    view = FileView(Disk(), handle)
    assert view.readable()
    assert not view.writable()
    assert view.read() == b"abc"
    Disk().close(handle)


def test_many_prefixes_are_parsed_and_few_are_kept(tmp_path):
    readers = []
    for number in range(6):
        TensorBundle(durable=False).write(str(tmp_path / f"a{number}"), {"x": np.ones(2)})
        readers.append(TensorBundle().open(str(tmp_path / f"a{number}")))
    assert TensorBundle().open(str(tmp_path / "a5")).index is readers[5].index
    assert TensorBundle().open(str(tmp_path / "a0")).index is not readers[0].index


# What files may say ---------------------------------------------------------------------------------------------------------


def test_an_entry_in_a_data_file_that_there_is_not(tmp_path):
    TensorBundle().write(str(tmp_path / "a"), {"x": np.ones(2)})
    record = fields((1, 3), (2, shape(2)), (3, 5), (5, 8)) + crc_field(b"\0" * 8)
    edit(tmp_path / "a.index", lambda records: records.update({b"x": record}))
    assert "data file 5" in problem_with(str(tmp_path / "a"), Disk())


def test_an_offset_that_is_cut_off_is_read_as_the_parser_reads_it():
    first = Entry(dtypes.float32, (2,), 0, 300, 8, 7)
    known = {}
    quick_entry(encode_entry(first), known, lambda key: "", b"")
    head, tail = entry_head(first.dtype, first.shape), entry_tail(8)
    for offset in (b"\x80\x80", b"\x80", b"", b"\x80\x01", b"\xff" * 9 + b"\x01", b"\xff" * 10):
        data = head + b"\x20" + offset + tail + b"\0\0\0\0"
        try:
            wanted = decode_entry(data, "")
        except DataLossError:
            with pytest.raises(DataLossError):
                quick_entry(data, known, lambda key: "", b"")
        else:
            assert quick_entry(data, known, lambda key: "", b"") == wanted


def test_lengths_of_more_than_32_bits_are_taken_as_64_in_the_checksum():
    assert payload.fixed_lengths([1, 1 << 32], "<") == b"\1\0\0\0" + (1 << 32).to_bytes(8, "little")
    assert payload.fixed_lengths([1, 1 << 32], ">") == b"\0\0\0\1" + (1 << 32).to_bytes(8, "big")


def test_strings_without_room_for_their_checksum_and_variants_of_the_other_order():
    with pytest.raises(DataLossError, match="leave no room"):
        payload.decode_strings(memoryview(b"\0\0\0"), Entry(dtypes.string, (1,), size=5), "", False)
    with pytest.raises(UnimplementedError, match="not defined"):
        payload.decode_value(memoryview(b"\0" * 5), Entry(dtypes.variant, (1,), size=5), "", True)


def test_keys_of_an_index_block_must_ascend():
    block = entry(0, b"a", b"1") + restarts(0)
    stored = len(block) + 5
    index = entry(0, b"z", b"\0" + bytes([len(block)])) + entry(0, b"y", bytes([stored]) + bytes([len(block)]))
    content = file_of(block, index=index + restarts(0, 5))
    with pytest.raises(DataLossError, match="restart|do not ascend"):
        Table(lambda offset, size: memoryview(content)[offset : offset + size], len(content), "")
    content = file_of(block, index=index + restarts(0))
    with pytest.raises(DataLossError, match="do not ascend"):
        Table(lambda offset, size: memoryview(content)[offset : offset + size], len(content), "")


def test_slots_of_graphs_are_numbers_of_nodes():
    for slot in (SavedSlot(5, "m", 0), SavedSlot(0, "m", 5), SavedSlot(-1, "m", 0)):
        with pytest.raises(InvalidArgumentError, match="slot 'm'"):
            encode_graph(SavedGraph([SavedNode(slots=[slot])]))


def test_a_graph_whose_last_node_is_too_long():
    with pytest.raises(DataLossError, match="not parseable"):
        decode_graph(b"\x0a\x00\x0a\x05")


def test_arrays_in_any_order_of_memory_are_written_row_by_row(tmp_path):
    values = {"a": np.arange(6.0).reshape(2, 3).T, "b": np.arange(6)[::2], "c": np.ones(2)}
    TensorBundle().write(str(tmp_path / "a"), values)
    for key, value in values.items():
        assert TensorBundle().open(str(tmp_path / "a")).read(key).tolist() == value.tolist()


def test_a_small_value_before_a_large_one_and_behind_a_gap(tmp_path):
    values = {"a": np.ones(3), "b": np.zeros(1_000_000, np.int8), "c": np.ones(2), "d": np.zeros(0)}
    TensorBundle().write(str(tmp_path / "a"), values)
    reader = TensorBundle().open(str(tmp_path / "a"))
    for keys in (["a", "b"], ["b", "c"], ["a", "c"], ["d", "a", "d", "b", "d"]):
        assert [value.tolist() for value in reader.read_many(keys)] == [values[key].tolist() for key in keys]


@pytest.mark.parametrize("bad", ["\ud800", "nothing"])
def test_keys_that_are_not_there_or_cannot_be(tmp_path, bad):
    TensorBundle().write(str(tmp_path / "a"), {"x": np.ones(2)})
    with pytest.raises((InvalidArgumentError, NotFoundError)):
        TensorBundle().open(str(tmp_path / "a")).read_many(["x", bad])


@pytest.mark.parametrize("name", ["npz", "safetensors"])
def test_archives_have_no_pieces(tmp_path, name):
    format_named(name).write(str(tmp_path / "a"), {"x": np.ones(2)})
    reader = format_named(name).open(str(tmp_path / "a"))
    assert reader.slices("x") == []
    assert reader.spec("x") == reader.spec("x")
    assert "x" in reader
    with pytest.raises(NotFoundError):
        reader.slices("y")


def test_directories_are_no_archives(tmp_path):
    os.mkdir(tmp_path / "d")
    with pytest.raises(DataLossError, match="is a directory"):
        format_named("npz").open(str(tmp_path / "d"))


def test_a_checksum_of_an_archive_that_does_not_match(tmp_path):
    format_named("npz").write(str(tmp_path / "a"), {"x": np.ones(2), "y": np.zeros(2)})
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["x.npy"], members["y.npy"] = members["y.npy"], members["x.npy"]
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(DataLossError, match="checksum does not match"):
        format_named("npz").open(str(tmp_path / "a")).read("x")


def test_a_v1_record_that_the_list_promises(tmp_path):
    storage = TensorSlices()
    storage.write(str(tmp_path / "a"), {"x": np.ones(2), "y": np.ones(3)})
    assert "x" in storage.open(str(tmp_path / "a"))
    assert "z" not in storage.open(str(tmp_path / "a"))
    with pytest.raises(NotFoundError, match="'z'"):
        storage.open(str(tmp_path / "a")).read("z")
    edit(tmp_path / "a", lambda records: [records.pop(key) for key in list(records) if key])
    with pytest.raises(NotFoundError, match="is listed"):
        storage.open(str(tmp_path / "a")).read("y")


def test_a_merge_leaves_directories_alone_in_which_something_else_is(tmp_path):
    for n in range(2):
        TensorBundle(durable=False).write(str(tmp_path / f"in{n}" / "p"), {f"k{n}": np.ones(2)})
    (tmp_path / "in1" / "note").write_text("mine")
    merge([str(tmp_path / "in0" / "p"), str(tmp_path / "in1" / "p")], str(tmp_path / "out"), durable=False)
    assert sorted(name for name in os.listdir(tmp_path) if name.startswith("in")) == ["in1"]
    assert os.listdir(tmp_path / "in1") == ["note"]


def test_the_last_failed_background_save_is_said_when_nobody_waits(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    good, bad = BackgroundStorage(TensorBundle()), BackgroundStorage(TensorBundle())
    good.write(str(tmp_path / "a"), {"x": np.ones(2)})
    bad.write(str(tmp_path / "file" / "a"), {"x": np.ones(2)})
    background._report()
    assert caplog.text.count("the last background save failed") == 1
    background._report()
    assert caplog.text.count("the last background save failed") == 1


def test_a_place_in_memory_is_not_copied():
    storage = MemoryStorage()
    assert copy.deepcopy({"storage": storage})["storage"] is storage


def test_an_index_or_meta_name_without_a_checkpoint(tmp_path):
    for name in ("a.index", "a.meta", "a.data-00000-of-00001"):
        with pytest.raises(NotFoundError):
            identify(str(tmp_path / name))
    (tmp_path / "b.meta").write_text("")
    with pytest.raises(DataLossError):
        identify(str(tmp_path / "b.meta"))


def test_times_that_do_not_go_with_the_paths_are_left(tmp_path):
    text = 'model_checkpoint_path: "a"\nall_model_checkpoint_paths: "/out"\nall_model_checkpoint_paths: "a"\n'
    (tmp_path / "checkpoint").write_text(text)
    state = read_state(str(tmp_path))
    assert [os.path.basename(path) for path in state.all_model_checkpoint_paths] == ["a"]
    assert state.all_model_checkpoint_timestamps == []


def test_separators_and_successors_of_bytes_that_cannot_grow():
    for key in (b"\xff\xffa", b"\xff", b"a", b"", b"\xff\xff"):
        assert successor(key) >= key
    assert successor(b"\xff\xffab") == b"\xff\xffb"
    for a, b in ((b"a", b"b"), (b"a\xff", b"b"), (b"ab", b"ad"), (b"ab", b"ac"), (b"a", b"ab"), (b"a\xffb", b"a\xffd")):
        assert a <= separator(a, b) < b


def test_a_block_that_begins_inside_the_one_before():
    block = entry(0, b"a", b"1") + restarts(0)
    handle = b"\0" + bytes([len(block)])
    content = file_of(block, index=entry(0, b"c", handle) + entry(0, b"d", handle) + restarts(0))
    with pytest.raises(DataLossError, match="begins inside"):
        Table(lambda offset, size: memoryview(content)[offset : offset + size], len(content), "")


def test_a_scalar_has_one_piece_at_most():
    check_disjoint([()], (), "")
    with pytest.raises(DataLossError, match="overlapping"):
        check_disjoint([(), ()], (), "")


def test_the_root_of_a_url_that_cannot_say_that_it_is_there():
    class Store(Disk):
        made = []

        def stat(self, path):
            raise FileNotFoundError

        def make_directory(self, path):
            self.made.append(path)

    make_directories(Store(), "x://a/b", False)
    assert Store.made == ["x://", "x://a", "x://a/b"]


def test_a_damaged_array_beside_a_good_one(tmp_path):
    format_named("npz").write(str(tmp_path / "p"), {"a": np.ones(2)})
    with zipfile.ZipFile(tmp_path / "q.npz", "w") as archive:
        with zipfile.ZipFile(tmp_path / "p.npz") as good:
            archive.writestr("a.npy", good.read("a.npy"))
        archive.writestr("b.npy", b"nothing")
    reader = format_named("npz").open(str(tmp_path / "q"))
    for _ in range(2):
        with pytest.raises(DataLossError, match="'b'"):
            reader.spec("b")
    assert reader.spec("a").shape == (2,)


def test_a_file_that_ends_before_its_size(tmp_path):
    class Ending(Disk):
        def read(self, handle, into, offset):
            return 0

    format_named("safetensors").write(str(tmp_path / "a"), {"x": np.ones(2)})
    with pytest.raises(DataLossError, match="became shorter"):
        FORMATS["safetensors"](disk=Ending()).open(str(tmp_path / "a"))


def test_v1_values_with_something_behind_them():
    record = v1_records.encode_values("x", (None,), flow(np.array([1, 2], np.float32)))
    inner = record[2:] + fields((9, 1))  # one more field in the message that holds name, slice and values
    found = v1_records.decode_values(b"\x12" + bytes([len(inner)]) + inner, (2,), dtypes.float32, "")
    assert found.tolist() == [1, 2]


def test_v1_records_are_encoded_when_they_are_asked_for():
    keys, values = v1_slices._records({"b": np.ones(2), "a": np.zeros(1)})
    assert len(keys) == len(values) == 3
    assert values[1] is values[1]
    assert values[1] != values[2]


def test_a_mounted_disk_takes_what_begins_as_it_says():
    class Mounted(RecordingDisk):
        def _handle(self, inode):
            handle = MOUNTED_HANDLES + super()._handle(inode)
            self.handles[handle] = self.handles.pop(handle - MOUNTED_HANDLES)
            return handle

    disk = Mounted({"here://d/x": b"abc"})
    disk.directories |= {"here://d", "here://"}
    token = mount("here://", lambda: disk)
    try:
        TensorBundle().write("here://d/p", {"a": np.arange(3)})
        reader = TensorBundle().open("here://d/p")
        assert reader.read_lazily("a").tolist() == [0, 1, 2]
        assert "here://d/p.index" in disk.state()
    finally:
        unmount(token)
    with pytest.raises((InvalidArgumentError, UnimplementedError)):
        TensorBundle().open("here://d/p")


# What is left behind --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
def test_no_file_stays_open_whatever_is_asked(name):
    disk = RecordingDisk({"d/other": b""})
    storage = FORMATS[name](disk=disk)
    storage.write("d/p", {"a": np.arange(12.0).reshape(3, 4), "s": np.array([b"x", b""], object), "big": np.ones(100_000)})
    reader = storage.open("d/p")
    for ask in (
        lambda: reader.read_many(reader.keys()),
        lambda: reader.read_slice("a", [1, 0], [1, 2], verify=False),
        lambda: reader.read("nothing"),
        lambda: reader.contents(),
        lambda: storage.write("d/p", {"a": object()}),
        lambda: storage.write("d/p", {"\ud800": np.ones(1)}),
        lambda: storage.exists("d/p"),
        lambda: storage.remove("d/p"),
        lambda: reader.read("a"),
        lambda: storage.open("d/p"),
    ):
        with contextlib.suppress(OpError):
            ask()
        assert not disk.handles


@pytest.mark.parametrize("name", FORMATS)
def test_what_a_killed_writer_left_goes_with_the_next_save(tmp_path, name):
    storage = format_named(name)
    storage.write(str(tmp_path / "p"), {"a": np.ones(2)})
    path = max(os.listdir(tmp_path))
    others = ["q.tmp-00", "p2.index.tmp-00", "notes"]
    for left in [f"{path}.tmp-00", *others]:
        (tmp_path / left).write_text("")
    storage.write(str(tmp_path / "p"), {"a": np.ones(2)})
    assert f"{path}.tmp-00" not in os.listdir(tmp_path)
    assert set(others) <= set(os.listdir(tmp_path))
    (tmp_path / "checkpoint.tmp-00").write_text("")
    write_state(str(tmp_path), CheckpointState("p", ["p"]))
    assert "checkpoint.tmp-00" not in os.listdir(tmp_path)
    assert set(others) <= set(os.listdir(tmp_path))


def test_a_place_in_memory_refuses_keys_without_bytes():
    storage = MemoryStorage()
    with pytest.raises(InvalidArgumentError, match="no key"):
        storage.write("p", {"\ud800": np.ones(1)})
    assert not storage.exists("p")


def test_the_notes_are_one_line_of_ascii():
    assert encode_notes({}, {"ä": 1}) == '{"minitf":1,"tensors":{},"crc32c":{"\\u00e4":1}}'


def test_the_announced_length_is_the_number_at_the_start():
    with pytest.raises(DataLossError, match="5 bytes cannot hold 1000"):
        decompress(memoryview(b"\xe8\x07abc"), "")
    with pytest.raises(DataLossError, match="corrupted"):
        decompress(memoryview(b"\x05\x00a"), "")
    assert decompress(memoryview(b"\x01\x00a"), "") == b"a"


def test_the_newest_of_a_state_file_that_only_stands_outside(tmp_path):
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "../m-2"\nall_model_checkpoint_paths: "m-1"\n')
    assert read_state(str(tmp_path)) is None
