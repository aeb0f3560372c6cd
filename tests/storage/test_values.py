"""What can be written, checkpoints in memory, and Python's view of an open file."""

from __future__ import annotations

import copy
import errno
import io
import os

import ml_dtypes
import numpy as np
import pytest

from minitf.core.dtypes import as_dtype
from minitf.errors import InvalidArgumentError, NotFoundError, UnimplementedError
from minitf.storage.file_view import FileView
from minitf.storage.files import Disk
from minitf.storage.keys import all_bytes_of, bytes_of, text_of
from minitf.storage.memory import MemoryStorage
from minitf.storage.values import (
    Typed,
    as_bytes,
    as_value,
    bytes_view,
    check_shape,
    each_as_bytes,
    gathered,
    has_array,
    string_array,
)


def test_values_become_native_arrays_in_order():
    for value, dtype, wanted in (
        (5, "int64", 5), (2.5, "float64", 2.5), (True, "bool", True), ([1, 2], "int64", [1, 2]), ("é", "string", "é"),
        (b"x\0", "string", b"x\0"), (np.array(["ab", "c"]), "string", ["ab", "c"]), (np.array([b"ab"]), "string", [b"ab"]),
        (np.arange(3, dtype=">i2"), "int16", [0, 1, 2]), (np.float16(1), "float16", 1), (1j, "complex128", 1j),
        (np.ones(2, ml_dtypes.bfloat16), "bfloat16", [1, 1]), (np.array([b"a", "b"], object), "string", [b"a", "b"]),
    ):  # fmt: skip
        found, array = as_value(value, "k")
        assert (found.name, array.tolist()) == (dtype, wanted)
        assert array.dtype.isnative
        assert (array.dtype == object) == (dtype == "string")
    flipped = as_value(np.arange(6).reshape(2, 3).T, "k")[1]
    assert flipped.flags.c_contiguous
    assert flipped.tolist() == [[0, 3], [1, 4], [2, 5]]
    array = np.arange(3)
    assert as_value(array, "k")[1] is array


def test_what_is_typed_must_be_of_that_type():
    assert as_value(Typed("qint8", np.array([1], np.int8)), "k")[0].name == "qint8"
    assert as_value(Typed("variant", np.array([b"x"], object)), "k")[0].name == "variant"
    assert as_value(Typed("qint8", np.zeros(0)), "k")[0].name == "qint8"
    for value, said in (
        (Typed("qint8", np.array([1])), "is to be stored as qint8, but its array is int64"),
        (Typed("resource", np.array([b"x"], object)), "is to be stored as resource, but its array is object"),
        (np.zeros(1, "M8[s]"), "cannot be stored: "),
    ):
        with pytest.raises(InvalidArgumentError, match=f"^write: the value of 'k' {said}"):
            as_value(value, "k")


def test_bytes_of_text():
    assert as_bytes(np.array([["é", b"\xff"], ["\udc80", ""]], object), "k") == ["é".encode(), b"\xff", b"\x80", b""]
    with pytest.raises(InvalidArgumentError, match="^write: 'k' has an element 5; an object array holds bytes or str"):
        as_bytes(np.array([b"x", 5], object), "k")
    assert string_array([b"a", b"b"], (1, 2)).tolist() == [[b"a", b"b"]]
    assert bytes(bytes_view(np.array([[1, 2], [3, 4]], np.uint8))) == b"\1\2\3\4"
    assert bytes_view(np.zeros((0, 3))).nbytes == 0
    assert bytes_view(np.int16(258).reshape(())).tolist() == [2, 1]


def test_bytes_of_objects_one_after_the_other():
    given = [b"a", "é", "\udc80", bytearray(b"x")]
    found = each_as_bytes(np.array([given[:2], given[1:3]], object), "k")
    assert list(found) == [b"a", "é".encode(), "é".encode(), b"\x80"]
    found = each_as_bytes(np.array(given, object), "k")
    assert [next(found) for _ in range(3)] == [b"a", "é".encode(), b"\x80"]
    with pytest.raises(InvalidArgumentError, match="^write: 'k' has an element bytearray"):
        next(found)


def test_small_byte_strings_are_joined():
    for items, wanted in (
        ([], []), ([b""], [b""]), ([b"", b""], [b""]), ([b"ab", b"c", b"", b"d"], [b"abc", b"d"]),
        ([b"ab", b"cd"], [b"ab", b"cd"]),
        ([b"long!", b"a", b"b"], [b"long!", b"ab"]), ([b"a", b"long!", b"b"], [b"a", b"long!", b"b"]),
        ([b"abc", b""], [b"abc"]),
        ([b"abc"] * 3, [b"abc"] * 3), ([b"abc", b"ab", b"c"], [b"abc", b"abc"]), ([b"a", b"ab", b"a", b"b"], [b"aab", b"ab"]),
    ):  # fmt: skip
        assert list(gathered(items, 3)) == wanted
    long = bytes(9)
    assert next(gathered([long], 3)) is long


def test_keys_that_are_no_text():
    assert (bytes_of("é"), text_of("é".encode())) == ("é".encode(), "é")
    assert bytes_of(text_of(b"\xff\xfe")) == b"\xff\xfe"
    assert all_bytes_of(["é", "\udcff", ""]) == ["é".encode(), b"\xff", b""]
    assert all_bytes_of(["b", "a"]) == [b"b", b"a"]
    for ask in (lambda: bytes_of("\ud800"), lambda: all_bytes_of(["a", "\ud800"])):
        with pytest.raises(InvalidArgumentError, match=r"'\\ud800'"):
            ask()


# In memory ----------------------------------------------------------------------------------------------------------


def test_memory_keeps_copies():
    storage = MemoryStorage()
    assert storage.name == "memory"
    value, text = np.zeros(3), np.array([["a", b"\xff"]], object)
    storage.write("d/m", {"w": value, "é": text, "q": Typed("qint8", np.ones(1, np.int8))})
    value[:] = 7
    found = storage.open("d/m")
    assert found.keys() == ["q", "w", "é"]
    assert (found.prefix, found.source) == ("d/m", "d/m")
    for _ in range(2):
        for one in (found.read("w"), found.read_many(["é", "w"])[1], found.read_slice("w", [0], [3])):
            assert one.tolist() == [0, 0, 0]
            one[:] = 5
    assert found.read("é").tolist() == [[b"a", b"\xff"]]
    assert (found.spec("q").dtype.name, found.spec("w").shape) == ("qint8", (3,))
    (contents,) = found.contents()
    assert [key for key, _ in contents] == ["w", "é", "q"]
    assert contents[2][1].dtype.name == "qint8"
    storage.write("v", {"v": Typed("variant", np.array([b"x"], object))})
    assert storage.open("v").contents()[0][0][1].dtype.name == "variant"
    storage.write("v", {"v": Typed("variant", np.array(["é"], object))})
    assert storage.open("v").read("v").tolist() == ["é".encode()]
    storage.remove("v")
    contents[0][1][:] = 9
    contents[2][1].array[:] = 9
    assert (found.read("w").tolist(), found.read("q").tolist()) == ([0, 0, 0], [1])
    storage.write("d/m", {"w": np.ones(1)})
    assert found.read("w").tolist() == [0, 0, 0]  # as it was when it was opened
    assert storage.open("d/m").keys() == ["w"]
    assert copy.deepcopy(storage) is storage
    assert not storage.on_disk
    for ask in (
        found.read,
        found.spec,
        found.slices,
        lambda key: found.read_many([key]),
        lambda key: found.read_slice(key, [], []),
    ):
        with pytest.raises(NotFoundError, match="^read: key 'x' is not in checkpoint 'd/m', which has 3 keys"):
            ask("x")


def test_the_newest_in_memory():
    storage = MemoryStorage()
    assert storage.latest_checkpoint("d") is None
    for prefix in ("d/m-1", "d/m-2", "e/m-3", "m-4", "d/s/m-5"):
        storage.write(prefix, {})
    assert storage.latest_checkpoint("d") == storage.latest_checkpoint("./d/") == "d/m-2"
    assert storage.latest_checkpoint() == storage.latest_checkpoint(".") == "m-4"
    storage.write("d/m-1", {})
    assert storage.latest_checkpoint("d") == "d/m-1"
    assert storage.exists("d/m-1")
    storage.remove("d/m-1")
    storage.remove("d/m-1")
    assert not storage.exists("d/m-1")
    assert storage.latest_checkpoint("d") == "d/m-2"
    with pytest.raises(
        NotFoundError, match=r"^open: no checkpoint 'd/m-1' in memory; there are \['d/m-2', 'd/s/m-5', 'e/m-3', 'm-4'\]"
    ):
        storage.open("d/m-1")
    with pytest.raises(InvalidArgumentError):
        storage.write("d/m-2", {"a": np.zeros(1), "b": np.zeros(1, "M8[s]")})
    assert storage.open("d/m-2").keys() == []


# A file object ------------------------------------------------------------------------------------------------------


@pytest.fixture
def opened(tmp_path):
    (tmp_path / "f").write_bytes(b"0123456789")
    disk = Disk()
    reading, writing = disk.open(str(tmp_path / "f")), disk.create(str(tmp_path / "g"))
    yield disk, reading, writing
    disk.close(reading)
    disk.close(writing)


def test_a_file_that_is_read(opened):
    disk, reading, _ = opened
    view = FileView(disk, reading)
    assert (view.readable(), view.writable(), view.seekable(), view.tell()) == (True, False, True, 0)
    assert (view.read(3), view.tell(), view.read(3)) == (b"012", 3, b"345")
    assert [view.seek(2), view.seek(3, os.SEEK_CUR), view.seek(-1, os.SEEK_END), view.seek(-99, os.SEEK_CUR)] == [2, 5, 9, 0]
    assert view.seek(0, os.SEEK_END) == 10
    assert (view.read(5), view.seek(8), view.read(5), view.tell()) == (b"", 8, b"89", 10)
    with io.BufferedReader(FileView(disk, reading)) as buffered:
        assert buffered.read() == b"0123456789"
    assert disk.size(reading) == 10  # still open
    assert view.error is None


def test_a_file_that_is_written(opened, tmp_path):
    disk, _, writing = opened
    view = FileView(disk, writing, writing=True)
    assert (view.readable(), view.writable()) == (False, True)
    assert (view.write(b"abc"), view.write(np.arange(2, dtype=np.int16)), view.tell()) == (3, 4, 7)
    assert (view.seek(1), view.write(b"X")) == (1, 1)
    assert (tmp_path / "g").read_bytes() == b"aXc\0\0\1\0"


def test_a_file_object_keeps_the_error(opened):
    class Broken(Disk):
        def read(self, handle, into, offset):
            raise OSError(errno.EIO, "broken")

        def size(self, handle):
            raise OSError(errno.ENXIO, "gone")

    view = FileView(Broken(), opened[1])
    for act, number in ((lambda: view.read(1), errno.EIO), (lambda: view.seek(0, os.SEEK_END), errno.ENXIO)):
        with pytest.raises(OSError, match="broken|gone"):
            act()
        assert view.error is not None
        assert view.error.errno == number
    assert view.seek(3) == 3  # which asks nobody


@pytest.mark.parametrize(
    ("shape", "width", "there_is"),
    [
        ((1,) * 64, 1, True), ((1,) * 65, 1, False),
        ((0, (1 << 60) - 1), 8, True), ((0, 1 << 60), 8, False),
        ((0, 0, (1 << 63) - 1), 1, True), ((0, 1 << 63), 1, False),
    ],
)  # fmt: skip
def test_shapes_that_numpy_has_arrays_for(shape, width, there_is):
    assert has_array(shape, width) is there_is
    dtype = as_dtype({1: "uint8", 8: "float64"}[width])
    if there_is:
        check_shape(shape, dtype, "here")
        assert np.empty(shape, dtype.np).shape == shape
    else:
        deep = "65 dimensions; NumPy arrays have 64 at most"
        with pytest.raises(UnimplementedError, match=deep if len(shape) > 64 else "larger than any NumPy array"):
            check_shape(shape, dtype, "here")
        with pytest.raises(ValueError, match="dimension|too big"):
            np.empty(shape, dtype.np)
