"""Names of the files of a set, and what is said where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from minitf.errors import NotFoundError
from minitf.storage.bundle import TensorBundle
from minitf.storage.bundle.names import data_path, files_of, index_path, missing_text, split_data_name
from minitf.storage.files import Disk


def test_names_of_a_set():
    assert index_path("d/m") == "d/m.index"
    assert data_path("d/m", 0, 1) == "d/m.data-00000-of-00001"
    assert data_path("m", 12, 123456) == "m.data-00012-of-123456"


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("m.data-00000-of-00001", ("m", 0, 1)), ("a/b\nc.data-00012-of-123456", ("a/b\nc", 12, 123456)),
        ("m.data-00000-of-00001.data-00001-of-00002", ("m.data-00000-of-00001", 1, 2)), (".data-00000-of-00001", ("", 0, 1)),
        ("m.data-0000-of-00001", None), ("m.data-00000-of-0001", None), ("m.data-00000-of-00001x", None), ("m.index", None),
    ],
)  # fmt: skip
def test_data_files_by_name(name, parts):
    assert split_data_name(name) == parts


def test_what_belongs_to_a_prefix(tmp_path):
    ours = ["m.data-00000-of-00001", "m.data-00001-of-00002"]
    longer = ["mm.data-00000-of-00001.tmp-1", "m.data", "m.index.tmp-"[:-1], "m-2.index.tmp-1", "an-m.data-00000-of-00001"]
    left = ["m.data-00000-of-00001.tmp-12", "m.index.tmp-0a"]
    others = [
        "m-1.data-00000-of-00001",
        "m.index",
        "m.index.tmp",
        "m.meta.tmp-1",
        "mm.data-00000-of-00001",
        "m.data-0-of-1",
        "x.tmp-1",
    ]
    for name in [*ours, *left, *others, *longer]:
        (tmp_path / name).touch()
    data, temporary = files_of(Disk(), str(tmp_path / "m"))
    assert data == {str(tmp_path / ours[0]): (0, 1), str(tmp_path / ours[1]): (1, 2)}
    assert temporary == [str(tmp_path / name) for name in left]
    assert files_of(Disk(), str(tmp_path / "none" / "m")) == ({}, [])


def test_what_is_said_of_a_missing_set(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for n in (2, 9, 10, 11):
        TensorBundle(durable=False).write(f"m-{n}", {"a": np.zeros(1)})
    for n in (9, 10):
        (tmp_path / f"run-1-{n}.index").touch()
    (tmp_path / "half.data-00000-of-00001").touch()
    for name in ("m-12.index?", "m-13x.index", "xm-14.index", "m-x.index"):
        (tmp_path / name).touch()
    open_ = "open: no checkpoint {0!r}: '{0}.index' does not exist"
    cases = {
        "m-2.index": " This is the index file itself; give the prefix 'm-2'.",
        "x.index": " Give the path that save() returned, or latest_checkpoint(directory).",
        "m-2.data-00000-of-00001": " This is a data file; give the prefix 'm-2'.",
        "m": " A saved path ends with its number; there is 'm-9', 'm-10', 'm-11'.",
        "run-1": " A saved path ends with its number; there is 'run-1-9', 'run-1-10'.",
        "half": None,
        "m-3": " Give the path that save() returned, or latest_checkpoint(directory).",
    }
    for path, hint in cases.items():
        said = missing_text(Disk(), path)
        assert said.startswith(open_.format(path)), path
        if hint is None:
            assert said == open_.format(path) + ", but data files of it do: the save was interrupted, or the index was lost."
        else:
            assert said == open_.format(path) + "." + hint
    assert missing_text(Disk(), "no/m") == open_.format("no/m") + ", nor does the directory 'no'."
    with pytest.raises(NotFoundError, match="there is 'm-9'"):
        TensorBundle().open("m")
    assert missing_text(Disk(), str(tmp_path / "m")).endswith(f", {str(tmp_path / 'm-11')!r}.")


def test_names_that_look_alike(tmp_path, monkeypatch):
    for name in ("ckpt-1", "ckpt-2", "ckpt-13", "ckpt-4", "other"):
        (tmp_path / f"{name}.index").touch()
    names = ", ".join(repr(str(tmp_path / name)) for name in ("ckpt-4", "ckpt-2", "ckpt-1"))
    said = missing_text(Disk(), str(tmp_path / "ckpt-9"))
    assert said.endswith(f" or latest_checkpoint(directory). Similar: {names}.")
    monkeypatch.setattr("minitf.storage.bundle.names.MANY", 6)
    assert "Similar" in missing_text(Disk(), str(tmp_path / "ckpt-9"))
    monkeypatch.setattr("minitf.storage.bundle.names.MANY", 5)
    assert "Similar" not in missing_text(Disk(), str(tmp_path / "ckpt-9"))


def test_an_archive_that_is_not_there(tmp_path):
    with pytest.raises(NotFoundError, match=r"'zip://run/ckpt::\S+/no.zip': the archive '\S+/no.zip' does not exist\.$"):
        TensorBundle().open(f"zip://run/ckpt::{tmp_path}/no.zip")
