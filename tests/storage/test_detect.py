"""What a path stands for, and what a file that is no checkpoint seems to be."""

from __future__ import annotations

import os
import re

import numpy as np
import pytest

from minitf.errors import DataLossError, NotFoundError
from minitf.storage.bundle import TensorBundle
from minitf.storage.detect import Found, identify, open_checkpoint, prefix_in_saved_model
from minitf.storage.formats import FORMATS, format_at, format_named
from minitf.storage.state_file import CheckpointState, newest_checkpoint, write_state
from minitf.storage.v1 import TensorSlices

ONE = {"a": np.ones(3)}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


IN_ZIP = "; a checkpoint in it has a path such as 'zip://run/ckpt-1::f'"
IN_TAR = "; a checkpoint in it has a path such as 'tar://run/ckpt-1::f'"
CONTENTS = {
    b"\x89HDF\r\n\x1a\nxxxx": "an HDF5 file (Keras weights?)", b"\x80\x02x": "a pickle (an old torch.save?)",
    b"\x80\x04": "a pickle",
    b"\x80\x05zz": "a pickle", b"\x1f\x8b": f"a gzip archive{IN_TAR}", b"GGUF\0": "a GGUF model",
    b"\x93NUMPY\1\0": "a single NumPy array (.npy)", b"PK\x03\x04": f"a zip archive (a .keras model, or torch.save?){IN_ZIP}",
    b"BZh9": f"a bzip2 archive{IN_TAR}", b"\xfd7zXZ\0": f"an xz archive{IN_TAR}",
    bytes(257) + b"ustar\x0000": f"a tar archive{IN_TAR}",
    bytes(256) + b"ustar": "something else, or damaged",
    b'{"a": 1}': "a JSON text", b"[1]": "a JSON text",
    b"\x80\x03": "something else, or damaged",
    b"GGU": "something else, or damaged", b"x" * 9000: "something else, or damaged",
    (10).to_bytes(8, "little") + b'{"a":{}   ': "a safetensors file without its ending: rename it to end with .safetensors",
    (11).to_bytes(8, "little") + b'{"a":{}   ': "something else, or damaged",
    (2).to_bytes(8, "little") + b'{"': "a safetensors file without its ending: rename it to end with .safetensors",
    (1).to_bytes(8, "little") + b"{": "something else, or damaged",
    (2).to_bytes(8, "little") + b"{}": "something else, or damaged",
}  # fmt: skip


@pytest.mark.parametrize(("content", "what"), CONTENTS.items())
def test_files_that_are_no_checkpoints(here, content, what):
    (here / "f").write_bytes(content)
    with pytest.raises(DataLossError, match=f"^open: 'f' is no checkpoint: it seems to be {re.escape(what)}\\.$"):
        identify("f")


def test_an_empty_file(here):
    (here / "f").touch()
    with pytest.raises(DataLossError, match=r"^open: 'f' is no checkpoint: it is empty\.$"):
        identify("f")


@pytest.mark.parametrize("name", ["saved_model.pb", "saved_model.pbtxt"])
def test_the_program_of_a_saved_model(here, name):
    (here / name).write_bytes(b"\x08\x01")
    with pytest.raises(DataLossError, match=r"it seems to be the program of a SavedModel; .* the path of its directory\.$"):
        identify(name)
    (here / f"my_{name}").write_bytes(b"\x08\x01")
    with pytest.raises(DataLossError, match="something else, or damaged"):
        identify(f"my_{name}")


def test_the_files_of_a_sharded_v1_checkpoint_are_one(here):
    pattern = TensorSlices(durable=False).write_shards("d/m", [ONE, {"b": np.zeros(2)}])
    for path in ("d/m", "d/m-00000-of-00002", "d/m-00001-of-00002", pattern):
        assert identify(path) == Found("tf-v1", "d/m-?????-of-00002"), path
        assert open_checkpoint(path).keys() == ["a", "b"]
    for path in ("d/", "d/m-", "d/m-00000", "e/m", "m"):
        with pytest.raises(NotFoundError):
            identify(path)
    (here / "d" / "m-00001-of-00002").unlink()
    assert identify("d/m") == Found("tf-v1", "d/m-?????-of-00002")


def test_files_that_only_look_like_shards_of_v1(here):
    TensorSlices(durable=False).write("x[0-00000-of-00001", ONE)  # in a pattern the bracket would be a sign
    assert identify("x[0-00000-of-00001") == Found("tf-v1", "x[0-00000-of-00001")
    with pytest.raises(NotFoundError):
        identify("x[0")
    (here / "text-00000-of-00002").write_text("chapter one")
    with pytest.raises(NotFoundError):
        identify("text")
    TensorSlices(durable=False).write_shards("two", [ONE, {"b": np.zeros(2)}])
    TensorSlices(durable=False).write_shards("two", [ONE, {"b": np.zeros(2)}, {"c": np.zeros(2)}])
    with pytest.raises(NotFoundError):
        identify("two")
    assert identify("two-00000-of-00002") == Found("tf-v1", "two-00000-of-00002")


@pytest.mark.parametrize(
    "text",
    ['model_checkpoint_path: "m"', '  all_model_checkpoint_paths: "m"\nmodel_checkpoint_path: "m"',
     '# x\nmodel_checkpoint_path:"m"',
     'all_model_checkpoint_timestamps: 1\nmodel_checkpoint_path  : "m"'],
)  # fmt: skip
def test_a_state_file_of_any_name(here, text):
    TensorBundle(durable=False).write("d/m", ONE)
    (here / "d" / "of_mine").write_text(text)
    assert identify("d/of_mine") == Found("tf-v2", "d/m")


def test_text_that_only_mentions_a_state_file(here):
    for text in ('{"x": 1, "model_checkpoint_path": 5}', "say model_checkpoint_path: x", "model_checkpoint_path"):
        (here / "f").write_text(text)
        with pytest.raises(DataLossError, match="'f' is no checkpoint"):
            identify("f")


def test_parts_of_a_set(here):
    for storage in FORMATS:
        format_named(storage, durable=False).write(f"{storage}/m", ONE)
    for name in ("tf-v2/m", "tf-v2/m.index", "tf-v2/m.meta", "tf-v2/m.data-00000-of-00001"):
        assert identify(name) == Found("tf-v2", "tf-v2/m"), name
    assert identify("safetensors/m") == Found("safetensors", "safetensors/m")
    assert identify("safetensors/m.safetensors") == Found("safetensors", "safetensors/m.safetensors")
    assert identify("npz/m.npz") == Found("npz", "npz/m.npz")
    assert identify("tf-v1/m") == Found("tf-v1", "tf-v1/m")
    assert identify("tf-v1/?") == Found("tf-v1", "tf-v1/?")
    for name in ("tf-v2/m2.index", "tf-v2/m2.meta", "tf-v2/n.data-00000-of-00001", "none", "no/ne", ""):
        with pytest.raises(NotFoundError, match=f"^open: no checkpoint {name!r}"):
            identify(name)
    (here / ".index").touch()
    with pytest.raises(NotFoundError, match="^open: no checkpoint ''"):
        identify("")
    (here / "m.index").write_bytes(b"x")
    assert identify("m") == Found("tf-v2", "m")  # whatever is in it: opening says that
    (here / "odd.index").mkdir()
    assert format_at("odd") is None


def test_directories(here):
    (here / "d").mkdir()
    with pytest.raises(NotFoundError, match=r"^open: directory 'd': 'd/checkpoint' does not exist\.$"):
        identify("d")
    for n in (3, 1, 2, 4):
        TensorBundle(durable=False).write(f"d/m-{n}", ONE)
    (here / "d" / "m-0.index2").touch()
    with pytest.raises(NotFoundError, match=r"does not exist\. There is 'd/m-1', 'd/m-2', 'd/m-3'\.$"):
        identify("d")
    write_state("d", CheckpointState("d/m-2", ["d/m-1", "d/m-2"]))
    assert identify("d") == identify("d/checkpoint") == Found("tf-v2", "d/m-2")
    write_state("d", CheckpointState("d/x"))
    with pytest.raises(NotFoundError, match="'d/checkpoint' names no checkpoint that can be used. There is 'd/m-1'"):
        identify("d")
    (here / "d" / "checkpoint").write_text('all_model_checkpoint_paths: "x"')
    with pytest.raises(DataLossError, match="^Invalid checkpoint state"):
        identify("d")
    format_named("npz", durable=False).write("n/m", ONE)
    write_state("n", CheckpointState("n/m"))
    assert identify("n") == Found("npz", "n/m")
    TensorBundle(durable=False).write("e/variables/variables", ONE)
    assert identify("e") == identify("e/variables") == Found("tf-v2", "e/variables/variables")
    TensorBundle(durable=False).write("e/checkpoint", ONE)
    assert open_checkpoint("e").read("a").tolist() == [1, 1, 1]


def test_formats_by_name(here):
    assert list(FORMATS) == ["tf-v2", "safetensors", "npz", "tf-v1"]
    for name in FORMATS:
        assert format_named(name).name == name
        assert format_named(name).durable
        assert FORMATS[name]().durable
        assert not format_named(name, durable=False).durable
    with pytest.raises(ValueError, match="^There is no format 'hdf5'; choose one of tf-v2, safetensors, npz, tf-v1"):
        format_named("hdf5")
    for name in reversed(FORMATS):  # V2 is the first that is looked for
        (here / "x").unlink(missing_ok=True)
        format_named(name, durable=False).write("x", ONE)
        found = format_at("x")
        assert found is not None
        assert found.name == name
    assert format_at("y") is None


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_said_of_no_checkpoint(here, name):
    (here / "d").mkdir()
    (here / "file").write_bytes(b"x" * 99)
    for prefix, kind in (("", NotFoundError), ("none", NotFoundError), ("no/ne", NotFoundError), ("d", DataLossError)):
        with pytest.raises(kind, match="^open: "):
            format_named(name).open(prefix)
        assert not format_named(name).exists(prefix)


def test_a_data_file_whose_index_is_missing(here):
    TensorBundle(durable=False).write("m", ONE)
    (here / "m.index").unlink()
    with pytest.raises(DataLossError, match=r"^open: 'm.data-.*' is a data file, and its index, 'm.index', is missing"):
        identify("m.data-00000-of-00001")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_what_is_neither_a_file_nor_a_directory(here):
    os.mkfifo("pipe")
    with pytest.raises(DataLossError, match=r"^open: 'pipe' is no checkpoint: it is neither a file nor a directory"):
        identify("pipe")


@pytest.mark.parametrize("name", ["tf-v2", "npz", "safetensors"])
def test_a_directory_without_a_state_file_tells_what_is_there(here, name):
    format_named(name, durable=False).write("d/m", ONE)
    with pytest.raises(NotFoundError, match=r"'d/checkpoint' does not exist\. There is 'd/m[.a-z]*'\.$"):
        identify("d")


def test_the_newest_of_a_directory_whether_it_is_whole_or_not(here):
    for number in (1, 2):
        TensorBundle(durable=False).write(f"d/m-{number}", ONE)
    write_state("d", CheckpointState("d/m-2", ["d/m-1", "d/m-2"]))
    (here / "d" / "m-2.data-00000-of-00001").unlink()
    assert identify("d") == Found("tf-v2", "d/m-1")
    for path in ("d", "d/checkpoint"):
        assert identify(path, among=newest_checkpoint) == Found("tf-v2", "d/m-2")
    (here / "d" / "m-2.index").unlink()
    with pytest.raises(NotFoundError, match=r"'d/checkpoint' names 'd/m-2', which is not there\. There is 'd/m-1'\.$"):
        identify("d", among=newest_checkpoint)


@pytest.mark.parametrize("name", ["tf-v2", "npz", "safetensors"])
def test_a_directory_beside_a_checkpoint_of_its_name(here, name):
    format_named(name, durable=False).write("run", {"b": np.ones(1)})
    (here / "run").mkdir()
    assert identify("run") == Found(name, "run")  # there is nothing in the directory
    TensorBundle(durable=False).write("run/m-1", ONE)
    write_state("run", CheckpointState("run/m-1", ["run/m-1"]))
    assert identify("run") == Found("tf-v2", "run/m-1")
    [file] = [path.name for path in here.iterdir() if path.name.startswith("run.") and "data" not in path.name]
    assert open_checkpoint(file).keys() == ["b"]


@pytest.mark.parametrize("name", ["saved_model.pb", "saved_model.pbtxt"])
def test_the_values_of_a_saved_model(here, name):
    assert prefix_in_saved_model("export") is prefix_in_saved_model("") is None
    (here / "export").mkdir()
    assert prefix_in_saved_model("export") is None
    (here / "export" / name).touch()
    (here / name).touch()
    assert prefix_in_saved_model("export") == "export/variables/variables"
    assert prefix_in_saved_model("") is None  # the empty path is no directory


@pytest.mark.parametrize("tensors", [{"a": np.ones(2)}, {f"tensor{n}": np.ones(n) for n in range(100)}], ids=["one", "many"])
def test_a_v1_file_without_its_end_is_one(tmp_path, tensors):
    """It begins with the list of its tensors, so that ``salvage`` knows what it looks at."""
    path = tmp_path / "m"
    TensorSlices(durable=False).write(str(path), tensors)
    content = path.read_bytes()
    for size in (8, 40, len(content) - 1):
        path.write_bytes(content[:size])
        assert identify(str(path)) == Found("tf-v1", str(path))
    with pytest.raises(DataLossError, match="not an sstable"):
        open_checkpoint(str(path))


def test_a_sharded_v1_prefix_of_which_the_first_file_lacks_its_end(tmp_path):
    pattern = TensorSlices(durable=False).write_shards(str(tmp_path / "m"), [{"a": np.ones(2)}, {"b": np.ones(2)}])
    path = tmp_path / "m-00000-of-00002"
    path.write_bytes(path.read_bytes()[:-1])
    assert identify(str(tmp_path / "m")) == identify(str(path)) == Found("tf-v1", pattern)


@pytest.mark.parametrize(
    "content",
    [
        b"\0\0",
        b"\0\0\x80",
        b"\0\0\x05",
        b"\0\0\x05\x0a",
        b"\0\0\x05\x0a\x80",
        b"\0\0\x05\x0a\x02123",  # three bytes would be right
        b"\0\0\x05\x0a\x04123",
        b"\0\0\x05\x12\x03123",
        b"\0\1\x05\x0a\x03123",
        b"\1\0\x05\x0a\x03123",
    ],
    ids=range(10),
)
def test_what_only_resembles_the_beginning_of_a_v1_file(tmp_path, content):
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(DataLossError, match="something else, or damaged"):
        identify(str(tmp_path / "f"))
    (tmp_path / "f").write_bytes(b"\0\0\x05\x0a\x03123")
    assert identify(str(tmp_path / "f")).format == "tf-v1"


def test_a_table_is_told_by_its_end_if_it_begins_otherwise(tmp_path):
    """Its first block may be compressed."""
    for content in (b"\x40\0\0 what snappy makes of it ", b""):
        (tmp_path / "f").write_bytes(content + bytes(40) + bytes.fromhex("57fb808b247547db"))
        assert identify(str(tmp_path / "f")).format == "tf-v1"
        (tmp_path / "f").write_bytes(content + bytes(40) + bytes.fromhex("57fb808b247547dc"))
        with pytest.raises(DataLossError):
            identify(str(tmp_path / "f"))


def test_a_length_of_six_bytes_begins_no_v1_file(tmp_path):
    for content in (b"\0\0\x85\x80\x80\x80\x80\0\x0a\x03123", b"\0\0\x0a\x0a\x83\x80\x80\x80\x80\0" + b"123"):
        (tmp_path / "f").write_bytes(content)
        with pytest.raises(DataLossError):
            identify(str(tmp_path / "f"))
