"""The state file and latest_checkpoint."""

from __future__ import annotations

import logging
import os
import warnings

import numpy as np
import pytest
from golden_files import ROOT, manifest
from hypothesis import given
from hypothesis import strategies as st

from minitf.storage.bundle import TensorBundle
from minitf.storage.files import Disk
from minitf.storage.formats import format_named
from minitf.storage.state_file import (
    CheckpointState,
    is_inside,
    latest_checkpoint,
    newest_checkpoint,
    read_state,
    state_path,
    stored_path,
    write_state,
)


def save(prefix):
    TensorBundle(durable=False).write(prefix, {"a": np.ones(2)})
    return str(prefix)


@pytest.mark.behaviour("S272", "S275")
def test_latest_is_the_directory_joined_with_the_stored_name(tmp_path, monkeypatch):
    path = save(tmp_path / "sub" / "m-1")
    write_state(tmp_path / "sub", CheckpointState(path, [path]))
    assert latest_checkpoint(tmp_path / "sub") == path
    assert latest_checkpoint(str(tmp_path / "sub") + "/") == path
    (tmp_path / "sub").rename(tmp_path / "moved")
    assert latest_checkpoint(tmp_path / "moved") == str(tmp_path / "moved" / "m-1")
    monkeypatch.chdir(tmp_path / "moved")
    assert latest_checkpoint(".") == os.path.join(".", "m-1")
    assert latest_checkpoint("") == "m-1"


@pytest.mark.behaviour("S273")
def test_none_where_there_is_nothing_to_find(tmp_path, caplog):
    assert latest_checkpoint(tmp_path / "no directory") is None
    assert latest_checkpoint(tmp_path) is None
    assert not caplog.records
    for text in (b"model_checkpoint_path: ", b"unknown: 3", b"\0\1\2", b'model_checkpoint_path: "\xff"', b'a"' * 9):
        caplog.clear()
        (tmp_path / "checkpoint").write_bytes(text)
        assert latest_checkpoint(tmp_path) is None
        assert read_state(tmp_path) is None
        assert "not a valid state file" in caplog.text
    write_state(tmp_path, CheckpointState(str(tmp_path / "gone"), [str(tmp_path / "gone")]))
    caplog.clear()
    with caplog.at_level(logging.ERROR):
        assert latest_checkpoint(tmp_path) is None
    assert "gone" in caplog.text


@pytest.mark.behaviour("S274")
@pytest.mark.parametrize("text", ["", "\n", 'all_model_checkpoint_paths: "a"', "# nothing"])
def test_a_state_file_that_names_no_checkpoint(tmp_path, text):
    (tmp_path / "checkpoint").write_text(text)
    for ask in (latest_checkpoint, read_state):
        with pytest.raises(ValueError, match="Invalid checkpoint state"):
            ask(tmp_path)


@pytest.mark.behaviour("S276")
def test_another_name(tmp_path):
    path = save(tmp_path / "m-1")
    write_state(tmp_path, CheckpointState(path, [path]), "other")
    assert latest_checkpoint(tmp_path) is None
    assert latest_checkpoint(tmp_path, "other") == path
    assert latest_checkpoint(tmp_path, "third") is None


@pytest.mark.behaviour("S277")
def test_a_prefix_called_checkpoint(tmp_path):
    path = save(tmp_path / "checkpoint-1")
    write_state(tmp_path, CheckpointState(path, [path]))
    assert latest_checkpoint(tmp_path) == path
    save(tmp_path / "checkpoint")
    assert latest_checkpoint(tmp_path) == path


@pytest.mark.behaviour("S278")
def test_the_text_is_tensorflows(tmp_path):
    paths = [save(tmp_path / f"m-{n}") for n in (4, 5)]
    write_state(tmp_path, CheckpointState(paths[1], paths, [1795345063.0, 1795345065.772389], 1795345064.7439578))
    assert (tmp_path / "checkpoint").read_text() == (
        'model_checkpoint_path: "m-5"\n'
        'all_model_checkpoint_paths: "m-4"\n'
        'all_model_checkpoint_paths: "m-5"\n'
        "all_model_checkpoint_timestamps: 1795345063.0\n"
        "all_model_checkpoint_timestamps: 1795345065.772389\n"
        "last_preserved_timestamp: 1795345064.7439578\n"
    )


@pytest.mark.behaviour("S279")
def test_a_state_as_text():
    state = CheckpointState("run/ü-2", ['run/"a"-1', "run/ü-2"], [1.5, 2.0], 3.0)
    assert str(state) == (
        'model_checkpoint_path: "run/ü-2"\n'
        'all_model_checkpoint_paths: "run/\\"a\\"-1"\nall_model_checkpoint_paths: "run/ü-2"\n'
        "all_model_checkpoint_timestamps: 1.5\nall_model_checkpoint_timestamps: 2\nlast_preserved_timestamp: 3\n"
    )
    assert str(CheckpointState()) == ""


def test_the_state_files_own_path(tmp_path):
    with pytest.raises(RuntimeError, match="state file"):
        write_state(tmp_path, CheckpointState(str(tmp_path / "checkpoint"), []))


def test_time_stamps_pair_with_paths(tmp_path, caplog):
    with pytest.raises(ValueError, match="time stamps"):
        write_state(tmp_path, CheckpointState("a", ["a"], [1.0, 2.0]))
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "a" all_model_checkpoint_timestamps: [1, 2]')
    assert read_state(tmp_path).all_model_checkpoint_timestamps == []
    assert "time stamps" in caplog.text


GOLDEN = sorted(path.parent.name for path in ROOT.glob("*/checkpoint"))


@pytest.mark.parametrize("case", GOLDEN)
def test_golden_state_files_are_read_and_written_again(case, tmp_path, monkeypatch):
    text = (ROOT / case / "checkpoint").read_bytes()
    (tmp_path / "checkpoint").write_bytes(text)
    described = manifest(case)["checkpoint_state"]
    state = read_state(tmp_path, allow_outside=True)
    assert state.model_checkpoint_path == os.path.join(tmp_path, described["model_checkpoint_path"])
    assert state.all_model_checkpoint_paths == [os.path.join(tmp_path, p) for p in described["all_model_checkpoint_paths"]]
    monkeypatch.chdir(tmp_path)  # so that only what is stored as an absolute path is one
    write_state(".", read_state(".", allow_outside=True), "again", relative=False)
    assert (tmp_path / "again").read_bytes() == text


def test_paths_do_not_leave_the_directory_unless_allowed(tmp_path, caplog):
    outside, inside = save(tmp_path / "elsewhere" / "m-9"), save(tmp_path / "d" / "m-1")
    for stored in (outside, "../elsewhere/m-9"):
        lines = [f'model_checkpoint_path: "{stored}"'] + [f'all_model_checkpoint_paths: "{p}"' for p in ("m-1", stored)]
        (tmp_path / "d" / "checkpoint").write_text("\n".join(lines))
        caplog.clear()
        assert latest_checkpoint(tmp_path / "d") == inside
        assert "outside" in caplog.text
        assert read_state(tmp_path / "d") is None
        assert os.path.samefile(latest_checkpoint(tmp_path / "d", allow_outside=True) + ".index", outside + ".index")
        (tmp_path / "d" / "checkpoint").write_text("\n".join([lines[0].replace(stored, "m-1"), *lines[1:]]))
        state = read_state(tmp_path / "d")
        assert state.all_model_checkpoint_paths == [inside]
        assert len(read_state(tmp_path / "d", allow_outside=True).all_model_checkpoint_paths) == 2


def test_relative_and_absolute(tmp_path):
    assert stored_path(tmp_path, str(tmp_path / "a" / "m-1")) == os.path.join("a", "m-1")
    assert stored_path(tmp_path, str(tmp_path / "m-1"), relative=False) == str(tmp_path / "m-1")
    path = save(tmp_path / "m-1")
    write_state(tmp_path, CheckpointState(path, [path]), relative=False)
    assert f'"{path}"' in (tmp_path / "checkpoint").read_text()
    assert latest_checkpoint(tmp_path) == path


def test_checkpoints_of_other_formats_are_found(tmp_path):
    for name, stem in (("safetensors", "s-1"), ("npz", "n-1"), ("tf-v1", "o-1")):
        prefix = str(tmp_path / stem)
        format_named(name).write(prefix, {"a": np.ones(2)})
        write_state(tmp_path, CheckpointState(prefix, [prefix]))
        assert latest_checkpoint(tmp_path) == prefix


READABLE = {
    "'single' quotes": ("model_checkpoint_path: 'm-1'", "m-1"),
    "literals joined": ('model_checkpoint_path: "m" "-1"', "m-1"),
    "escapes": (r'model_checkpoint_path: "\x6d\055\u0031"', "m-1"),
    "octal of each byte": (r'model_checkpoint_path: "\303\251"', "é"),
    "comment": ('# first\nmodel_checkpoint_path: "m-1" # last', "m-1"),
    "separators": ('model_checkpoint_path: "m-1", all_model_checkpoint_paths: ["a", "b"];', "m-1"),
    "twice": ('model_checkpoint_path: "x" model_checkpoint_path: "m-1"', "m-1"),
    "numbers": ('model_checkpoint_path: "m-1" last_preserved_timestamp: 2000f', "m-1"),
}


@pytest.mark.parametrize("name", READABLE)
def test_what_text_may_look_like(tmp_path, name):
    text, wanted = READABLE[name]
    (tmp_path / "checkpoint").write_text(text)
    assert read_state(tmp_path).model_checkpoint_path == str(tmp_path / wanted)


names = st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1, max_size=20).filter(
    lambda name: name not in (".", "..", "checkpoint")
)


@given(
    st.lists(names, min_size=1, max_size=4),
    st.lists(st.floats(allow_nan=False), min_size=4, max_size=4),
    st.floats(allow_nan=False),
)
def test_what_is_written_comes_back(tmp_path_factory, stems, times, preserved):
    folder = tmp_path_factory.mktemp("state")
    paths = [str(folder / stem) for stem in stems]
    state = CheckpointState(paths[-1], paths, times[: len(paths)], preserved)
    write_state(folder, state, durable=False)
    assert read_state(folder) == state


def test_a_state_says_nothing_at_first():
    assert CheckpointState() == CheckpointState("", [], [], 0.0)


def test_what_lies_in_a_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for directory, path, inside in (
        ("d", "d/m", True), ("d", "d/x/../m", True), ("d", "dd/m", False), ("d", "d", False), ("d", "d/../m", False),
        ("", "m", True), ("", "../m", False), (".", "m", True), ("/d", "/d/m", True), ("/d", "/e", False),
        ("", "memory://b/m", False), ("d", "memory://d/m", False), ("memory://b", "memory://b/m", True),
        ("memory://b", "memory://c/m", False), ("zip://::a.zip", "zip://::a.zip/m", False),
        ("zip://::a.zip", "zip://m::a.zip", True),
    ):  # fmt: skip
        assert is_inside(directory, path) is inside, (directory, path)


def test_a_directory_with_two_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "real" / "out").symlink_to(tmp_path)
    for directory, path, inside in (
        ("link", tmp_path / "real" / "m", True), (tmp_path / "link", "real/x/m", True), ("real", "link/m", True),
        ("link", tmp_path / "m", False), ("link", "real", False), ("link", "real/../m", False), ("link", "real/out/m", False),
        ("real", "real/out/m", True), ("link", "link/out/m", True),  # as they are written
    ):  # fmt: skip
        assert is_inside(directory, str(path)) is inside, (directory, path)
    path = save(tmp_path / "real" / "m-1")
    write_state("real", CheckpointState(path, [path]), relative=False)  # as the name-based Saver does
    assert latest_checkpoint("link") == path


def test_the_newest_that_the_state_names(tmp_path, caplog):
    assert newest_checkpoint(tmp_path) is None
    write_state(tmp_path, CheckpointState(str(tmp_path / "m-1"), [str(tmp_path / "m-1")]))
    assert newest_checkpoint(tmp_path) == newest_checkpoint(tmp_path, "checkpoint") == str(tmp_path / "m-1")
    write_state(tmp_path, CheckpointState("/elsewhere/m-1", []), "other", relative=False)
    assert caplog.text == ""
    assert newest_checkpoint(tmp_path, "other") is None
    assert f"{tmp_path}/other: '/elsewhere/m-1' is outside of the directory" in caplog.text
    (tmp_path / "empty").write_text("")
    with pytest.raises(ValueError, match="names no model_checkpoint_path"):
        newest_checkpoint(tmp_path, "empty")


def test_where_the_state_file_is(tmp_path):
    assert state_path("d") == state_path("d", None) == "d/checkpoint"
    assert state_path("d", "") == "d/"
    assert state_path("d", "other") == "d/other"
    assert state_path("") == "checkpoint"


def test_times_follow_the_paths_that_stay(tmp_path, caplog):
    lines = ['model_checkpoint_path: "b"', *(f'all_model_checkpoint_paths: "{p}"' for p in ("a", "../x", "b")),
             "all_model_checkpoint_timestamps: [1, 2, 3]", "last_preserved_timestamp: 7"]  # fmt: skip
    (tmp_path / "checkpoint").write_text("\n".join(lines))
    state = read_state(tmp_path)
    assert state == CheckpointState(str(tmp_path / "b"), [str(tmp_path / "a"), str(tmp_path / "b")], [1.0, 3.0], 7.0)
    assert f"paths outside of the directory are ignored (allow_outside=True takes them): ['{tmp_path}/../x']" in caplog.text
    caplog.clear()
    state = read_state(tmp_path, allow_outside=True)
    assert state.all_model_checkpoint_timestamps == [1.0, 2.0, 3.0]
    assert not caplog.records
    (tmp_path / "checkpoint").write_text("\n".join(lines[:4]))
    assert read_state(tmp_path).all_model_checkpoint_timestamps == []
    (tmp_path / "checkpoint").write_text("\n".join([*lines[:4], "all_model_checkpoint_timestamps: [1, 2]"]))
    caplog.clear()
    assert read_state(tmp_path, allow_outside=True).all_model_checkpoint_timestamps == []
    assert caplog.messages == [f"{tmp_path}/checkpoint: 2 time stamps for 3 paths are ignored"]


def test_the_newest_that_is_whole_and_why(tmp_path, caplog):
    paths = [save(tmp_path / f"m-{n}") for n in (1, 2, 3)]
    write_state(tmp_path, CheckpointState(paths[2], paths))
    assert latest_checkpoint(tmp_path) == paths[2]
    assert not caplog.records
    os.unlink(f"{paths[2]}.data-00000-of-00001")
    (tmp_path / "m-2.index").write_bytes(b"x")
    assert latest_checkpoint(tmp_path) == paths[0]
    (said,) = caplog.messages
    assert said.startswith(f"latest_checkpoint: using {paths[0]}, because '{paths[2]}' lacks the data file ")
    assert said.split("; ")[1].startswith(str(tmp_path / "m-2.index"))
    assert "too short" in said
    assert (caplog.records[0].levelname, caplog.records[0].name) == ("WARNING", "minitf")
    caplog.clear()
    os.unlink(f"{paths[0]}.index")
    assert latest_checkpoint(tmp_path) is None
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    said = record.getMessage()
    assert said.startswith(f"latest_checkpoint: {tmp_path}/checkpoint names no checkpoint that is whole: '{paths[2]}' lacks")
    assert [part.startswith(start) for part, start in zip(
        said.split("; ")[1:], (str(tmp_path / "m-2.index"), "open: no checkpoint"), strict=True
    )] == [True, True]  # fmt: skip
    write_state(tmp_path, CheckpointState(save(tmp_path / "m-9"), [*paths, save(tmp_path / "m-8")]))
    os.unlink(tmp_path / "m-9.index")
    assert latest_checkpoint(tmp_path) == str(tmp_path / "m-8")  # of the others the last comes first


def test_state_files_that_cannot_be_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path, name in (("checkpoint", None), ("./x/../other", "other")):
        with pytest.raises(RuntimeError, match="^write_state: checkpoint '.*' is the state file's own path. Save under"):
            write_state("", CheckpointState(path), name)
    for times in ([1.0], [1.0, 2.0, 3.0]):
        with pytest.raises(ValueError, match=f"^write_state: {len(times)} time stamps for 2 checkpoints; give one for each"):
            write_state("", CheckpointState("a", ["a", "b"], times))
    assert os.listdir(tmp_path) == []
    write_state("", CheckpointState("a", ["b", "a"], [1.0, 2.0]))
    assert read_state("") == CheckpointState("a", ["b", "a"], [1.0, 2.0])


def test_stored_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert stored_path("d", "d/m") == stored_path("d", "d/m", relative=False) == "m"
    assert stored_path("", "d/m") == "d/m"
    assert stored_path("d", "m") == "../m"
    assert stored_path("d", str(tmp_path / "d" / "m")) == "m"
    assert stored_path("d", str(tmp_path / "d" / "m"), relative=False) == str(tmp_path / "d" / "m")


def test_an_escape_that_there_is_not_is_no_error_where_warnings_are(tmp_path):
    (tmp_path / "checkpoint").write_bytes(rb'model_checkpoint_path: "a\eb"')
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_state(tmp_path) is None


def test_a_state_that_says_nothing():
    state = CheckpointState()
    assert state == CheckpointState("", [], [], 0.0)
    assert not state.model_checkpoint_path


def many(tmp_path, names):
    listed = ", ".join(f'"{name}"' for name in names)
    (tmp_path / "checkpoint").write_text(f'model_checkpoint_path: "newest"\nall_model_checkpoint_paths: [{listed}]\n')


@pytest.mark.timeout(60)
def test_a_state_file_that_names_very_many(tmp_path, caplog):
    many(tmp_path, [f"{'/' * (n % 2)}{n:x}" for n in range(150_000)])
    state = read_state(tmp_path)
    assert len(state.all_model_checkpoint_paths) == 75_000
    assert state.all_model_checkpoint_paths[-1] == f"{tmp_path}/249ee"


class Looked(Disk):
    """Counts how often a directory is listed."""

    def __init__(self):
        self.count = 0

    def names(self, directory):
        self.count += 1
        return super().names(directory)


@pytest.mark.parametrize("whole", [False, True])
def test_why_none_of_very_many_is_used_is_said_of_the_first(tmp_path, caplog, whole):
    many(tmp_path, [f"c{n}" for n in range(30)])
    if whole:
        TensorBundle(durable=False).write(tmp_path / "c3", {"a": np.zeros(1)})
    disk = Looked()
    found = latest_checkpoint(tmp_path, disk=disk)
    assert found == (f"{tmp_path}/c3" if whole else None)
    assert disk.count < 30
    [said] = [record.getMessage() for record in caplog.records]
    assert f"no checkpoint '{tmp_path}/newest'" in said
    assert f"'{tmp_path}/c21'" in said
    assert f"'{tmp_path}/c20'" not in said
    assert said.endswith("; and 17 more" if whole else "; and 21 more")


@pytest.mark.parametrize(("count", "ending"), [(9, "latest_checkpoint(directory)."), (10, "; and 1 more")])
def test_why_as_many_as_are_told_are_not_used(tmp_path, caplog, count, ending):
    many(tmp_path, [f"c{n}" for n in range(count)])
    assert latest_checkpoint(tmp_path) is None
    [said] = caplog.records
    assert said.name == "minitf"
    assert f"'{tmp_path}/c{count - 9}'" in said.getMessage()
    assert said.getMessage().endswith(ending)


def test_of_very_many_one_that_is_not_whole_is_not_used(tmp_path, caplog):
    many(tmp_path, [f"c{n}" for n in range(20)])
    TensorBundle(durable=False).write(tmp_path / "c1", {"a": np.zeros(1)})
    (tmp_path / "c1.data-00000-of-00001").unlink()
    assert latest_checkpoint(tmp_path) is None
