"""The V2 format: wrong paths, safety of opening, options, and what stays of a save."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest

from minitf import errors
from minitf.storage.bundle import TensorBundle
from minitf.storage.values import Partitioned, Typed

from .compressing import compress


@pytest.fixture
def saved(tmp_path):
    TensorBundle(durable=False).write(tmp_path / "m-1", {"a": np.arange(3)})
    return tmp_path


@pytest.mark.behaviour("S294")
@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("m", "ends with its number; there is .*m-1"),
        ("m-1.index", "index file itself; give the prefix .*m-1"),
        ("m-1.data-00000-of-00001", "data file; give the prefix .*m-1"),
        ("other", "latest_checkpoint"),
        ("sub/m-1", "nor does the directory"),
    ],
)
def test_a_missing_path_is_explained(saved, path, hint):
    with pytest.raises(errors.NotFoundError, match=hint):
        TensorBundle().open(saved / path)


@pytest.mark.behaviour("S294", "S296")
def test_other_wrong_paths(saved, monkeypatch):
    monkeypatch.chdir(saved)
    with pytest.raises(errors.NotFoundError):
        TensorBundle().open("")
    with pytest.raises(errors.DataLossError, match="is a directory"):
        TensorBundle().open(saved)
    (saved / "m-1.index").rename(saved / "elsewhere")
    with pytest.raises(errors.NotFoundError, match="interrupted, or the index was lost"):
        TensorBundle().open(saved / "m-1")
    (saved / "m-1.index").mkdir()
    with pytest.raises(errors.DataLossError, match="directory"):
        TensorBundle().open(saved / "m-1")


@pytest.mark.behaviour("S296")
def test_half_a_set_and_junk(saved):
    (saved / "junk.index").write_bytes(b"junk" * 50)
    with pytest.raises(errors.DataLossError, match="magic"):
        TensorBundle().open(saved / "junk")
    (saved / "m-1.data-00000-of-00001").unlink()
    with pytest.raises(errors.NotFoundError, match="data-00000-of-00001"):
        TensorBundle().open(saved / "m-1").read("a")


def test_keys_that_are_not_text(tmp_path):
    """A name may be any bytes; in Python the odd ones are surrogates."""
    key = b"a\xff/\x80".decode("utf-8", "surrogateescape")
    TensorBundle().write(tmp_path / "p", {key: np.ones(2), "\0zero": np.zeros(1)})
    reader = TensorBundle().open(tmp_path / "p")
    assert reader.keys() == ["\0zero", key]
    assert reader.read(key).tolist() == [1, 1]
    for bad in ("\ud800", ""):
        with pytest.raises(errors.InvalidArgumentError):
            TensorBundle().write(tmp_path / "q", {bad: np.ones(1)})
    with pytest.raises(errors.InvalidArgumentError):
        reader.read("\ud800")


def test_pieces_that_cannot_be(tmp_path):
    ones = np.ones((1, 2))
    for pieces in (
        [],
        [(((0, 3), None), ones)],
        [(((2, 1), None), ones)],
        [(((0, 1),), ones)],
        [((None, None), np.ones((2, 2))), (((0, 1), None), ones)],
        [(((0, 1), None), ones), (((1, 1), None), np.ones((1, 2), int))],
    ):
        with pytest.raises(errors.InvalidArgumentError, match="'w'"):
            TensorBundle().write(tmp_path / "p", {"w": Partitioned((2, 2), pieces)})
    for pairs in ([("w", ones), ("w", ones)], [("w", ones), ("w", Partitioned((2, 2), [(((0, 1), None), ones)]))]):
        with pytest.raises(errors.AlreadyExistsError):
            TensorBundle().write_shards(tmp_path / "p", [pairs])
        with pytest.raises(errors.AlreadyExistsError):
            TensorBundle().write_shards(tmp_path / "p", [[pair] for pair in pairs])
    assert list(tmp_path.iterdir()) == []
    TensorBundle().write(tmp_path / "p", {"w": Partitioned((1, 2), [(((0, 1), (0, 2)), ones)])})
    assert TensorBundle().open(tmp_path / "p").slices("w") == []  # a piece that is everything is an ordinary tensor


def test_what_types_say_must_fit(tmp_path):
    for value in (Typed("qint8", np.ones(2)), Typed("resource", np.ones(2)), Typed("float32", np.array([b"x"], object))):
        with pytest.raises(errors.InvalidArgumentError, match="'a'"):
            TensorBundle().write(tmp_path / "p", {"a": value})


def test_big_values_go_through_threads_and_come_back(tmp_path):
    rng = np.random.default_rng(0)
    tensors = {
        "three spans": rng.integers(0, 255, (3 << 23) + 5, np.uint8),
        "small": np.arange(3),
        "fortran": np.asfortranarray(rng.normal(size=(600, 700))),
        "text": np.array(b"x" * (1 << 21), object),
        "bools": rng.integers(0, 2, 1 << 20).astype(bool),
        "swapped": rng.normal(size=1 << 18).astype(">f4"),
    }
    for big_endian in (False, True):
        storage = TensorBundle(durable=False, big_endian=big_endian)
        storage.write(tmp_path / "p", tensors)
        reader = storage.open(tmp_path / "p")
        for key, value in zip(tensors, reader.read_many(tensors), strict=True):
            np.testing.assert_array_equal(value, tensors[key])
        part = reader.read_slice("fortran", [5, 6], [7, 8], verify=False)
        np.testing.assert_array_equal(part, tensors["fortran"][5:12, 6:14])


def test_a_region_without_verifying_reads_only_its_rows(tmp_path):
    """The rest of the tensor may be damaged; with the checksum it is noticed, without it is not looked at."""
    array = np.arange(60).reshape(10, 6)
    TensorBundle().write(tmp_path / "p", {"a": array})
    path = tmp_path / "p.data-00000-of-00001"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    reader = TensorBundle().open(tmp_path / "p")
    np.testing.assert_array_equal(reader.read_slice("a", [2, 0], [3, -1], verify=False), array[2:5])
    with pytest.raises(errors.DataLossError):
        reader.read_slice("a", [2, 0], [3, -1])


def test_compressed_blocks_are_read(tmp_path):
    pytest.importorskip("cramjam")
    tensors = {f"layer/{n}/kernel": np.arange(n) for n in range(30)}
    TensorBundle().write(tmp_path / "p", tensors)
    compress(tmp_path / "p.index")
    reader = TensorBundle().open(tmp_path / "p")
    assert all((reader.read(key) == value).all() for key, value in tensors.items())
    for change in (lambda packed: packed[:-1], lambda packed: packed + b"\0", lambda packed: b"\xff\x7f" + packed[1:]):
        compress(tmp_path / "p.index", change)
        with pytest.raises(errors.DataLossError, match="compressed"):
            TensorBundle().open(tmp_path / "p")
        TensorBundle().write(tmp_path / "p", tensors)


def test_without_the_package_for_snappy_it_is_said_what_to_install(tmp_path, monkeypatch):
    pytest.importorskip("cramjam")
    TensorBundle().write(tmp_path / "p", {"a": np.ones(2)})
    compress(tmp_path / "p.index")
    monkeypatch.setitem(sys.modules, "cramjam", None)
    with pytest.raises(errors.UnimplementedError, match="pip install"):
        TensorBundle().open(tmp_path / "p")


def test_nothing_stays_open(tmp_path):
    before = len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0
    for n in range(5):
        TensorBundle().write(tmp_path / "p", {"a": np.ones(n)})
        reader = TensorBundle().open(tmp_path / "p")
        reader.read("a")
        with pytest.raises(errors.NotFoundError):
            reader.read("b")
    after = len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0
    assert before == after


def test_directories_are_made_and_odd_neighbours_left_alone(tmp_path):
    folder = tmp_path / "a" / "b"
    TensorBundle().write(folder / "p", {"a": np.ones(1)})
    others = ["p.data-0000-of-0001", "pp.data-00000-of-00001", "p.index.bak", "p.data-00000-of-00009x", "p-2.index"]
    for name in others:
        (folder / name).write_text("mine")
    stale = ["p.index.tmp-0123", "p.data-00000-of-00001.tmp-4567", "p.data-00000-of-00007"]
    for name in stale:
        (folder / name).write_text("left by a crash")
    TensorBundle().write(folder / "p", {"a": np.ones(2)})
    names = sorted(path.name for path in folder.iterdir())
    assert names == sorted([*others, "p.index", "p.data-00000-of-00002", "p.data-00001-of-00002"])
    TensorBundle().remove(folder / "p")
    assert sorted(path.name for path in folder.iterdir()) == sorted(others)
