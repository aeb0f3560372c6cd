"""Branches that the other tests do not come to."""

import os

import numpy as np
import pytest

from minitf.errors import DataLossError, InvalidArgumentError, NotFoundError
from minitf.storage.anywhere import ANYWHERE
from minitf.storage.background import BackgroundStorage
from minitf.storage.bundle import TensorBundle
from minitf.storage.bundle.check import missing_data
from minitf.storage.bundle.salvage import open_damaged
from minitf.storage.detect import identify
from minitf.storage.files import Disk
from minitf.storage.formats import FORMATS, format_named
from minitf.storage.memory import MemoryStorage
from minitf.storage.v1 import TensorSlices
from minitf.storage.values import Partitioned, Typed

from .tampering import edit


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


def test_salvage_leaves_out_pieces_whose_list_is_lost(tmp_path):
    prefix = str(tmp_path / "a")
    TensorBundle().write(prefix, {"p": Partitioned((2,), [(((0, 1),), np.zeros(1)), (((1, 1),), np.ones(1))]), "x": np.ones(9)})
    edit(tmp_path / "a.index", lambda records: records.pop(b"p"))
    reader, problems = open_damaged(prefix)
    assert reader.keys() == ["x"]
    assert len([problem for problem in problems if "own record is lost" in problem]) == 2


def test_salvage_without_anything_to_go_by(tmp_path):
    prefix = str(tmp_path / "a")
    TensorBundle().write(prefix, {"b": np.zeros(3, np.int8), "x": np.ones(9)})
    edit(tmp_path / "a.index", lambda records: records.pop(b""))
    reader, problems = open_damaged(prefix)
    assert reader.keys() == ["b"]
    assert reader.read("b").tolist() == [0, 0, 0]
    assert any("byte order" in problem for problem in problems)
    (tmp_path / "a.data-00001-of-00002").write_bytes(b"")
    with pytest.raises(DataLossError, match=r"\[1, 2\]"):
        open_damaged(prefix)
    with pytest.raises(NotFoundError):
        open_damaged(str(tmp_path / "nothing"))


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
