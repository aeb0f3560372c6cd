"""No file stays open, whatever was done and whatever went wrong."""

import contextlib

import numpy as np
import pytest

from minitf.errors import OpError
from minitf.storage.detect import identify, open_checkpoint
from minitf.storage.formats import FORMATS, format_named
from minitf.storage.state_file import CheckpointState, write_state

from .open_files import Open

VALUES = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "s": np.array([b"x", b"yy"], object), "z": np.zeros((0, 2))}


@pytest.mark.parametrize("name", FORMATS)
def test_of_a_checkpoint(name, tmp_path):
    disk, prefix = Open(), str(tmp_path / "p")
    storage = format_named(name, disk=disk)
    storage.write(prefix, VALUES)
    assert disk.paths == {}
    reader = storage.open(prefix)
    assert disk.paths == {}
    for act in (
        lambda: reader.keys(), lambda: reader.spec("a"), lambda: reader.read("s"), lambda: reader.read_many(VALUES),
        lambda: reader.read_slice("a", [0, 1], [1, 2]), lambda: reader.read_slice("a", [0, 1], [1, 2], verify=False),
        lambda: reader.contents(), lambda: identify(prefix, disk), lambda: open_checkpoint(prefix, disk),
        lambda: storage.write(prefix, VALUES),
    ):  # fmt: skip
        act()
        assert disk.paths == {}


@pytest.mark.parametrize("name", FORMATS)
def test_of_damaged_files(name, tmp_path):
    disk = Open()
    storage = format_named(name, disk=disk)
    storage.write(str(tmp_path / "p"), VALUES)
    for path in list(tmp_path.iterdir()):
        whole = path.read_bytes()
        half, size = len(whole) // 2, len(whole)
        for damaged in (whole[:half], whole[:-3], b"", bytes(size), whole[:-20] + bytes(20), b"\xff" + whole[1:]):
            path.write_bytes(damaged)
            with contextlib.suppress(OpError):
                storage.open(str(tmp_path / "p")).read_many(VALUES)
            assert disk.paths == {}
        path.write_bytes(whole)


def test_of_what_is_looked_at(tmp_path):
    disk = Open()
    format_named("tf-v1").write(str(tmp_path / "v1"), VALUES)
    write_state(str(tmp_path), CheckpointState(str(tmp_path / "v1")), "state")
    for name in ("v1", "state"):
        identify(str(tmp_path / name), disk)
        assert disk.paths == {}
    (tmp_path / "f").write_bytes(b"nothing")
    with pytest.raises(OpError):
        identify(str(tmp_path / "f"), disk)
    assert disk.paths == {}
