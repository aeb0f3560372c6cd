"""Of an npz archive without its end the whole members are read, and nothing is taken for what it may not be."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minitf as tf
from minitf.errors import DataLossError, NotFoundError, OpError
from minitf.saved import OBJECT_GRAPH_KEY
from minitf.storage.npz import Npz
from minitf.storage.npz_torn import open_torn

VALUES = {
    "a": np.arange(300.0),
    "b": np.arange(4, dtype=np.uint8),
    "c": np.array([[True, False]]),
    "h": tf.constant([1.0, 2.0], tf.bfloat16).numpy(),
    "s": np.array([b"text", b""], object),
    "z": np.zeros((0, 3), np.int32),
}


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    path = tmp_path_factory.mktemp("npz") / "m"
    Npz(durable=False).write(str(path), VALUES)
    return path.with_suffix(".npz").read_bytes()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("torn") / "m.npz"


def members_of(content, place):
    """(name, where its header begins, where its bytes end) of each member."""
    place.write_bytes(content)
    with zipfile.ZipFile(place) as archive:
        infos = archive.infolist()
        starts = [*(info.header_offset for info in infos), archive.start_dir]
    return [(info.filename.removesuffix(".npy"), *starts[n : n + 2]) for n, info in enumerate(infos)]


def torn(place, content):
    place.write_bytes(content)
    return open_torn(str(place.with_suffix("")))


def read_all(reader):
    found, lost = {}, {}
    for key in reader.keys():
        try:
            found[key] = reader.read(key)
        except DataLossError as error:
            lost[key] = str(error)
    return found, lost


def same(found, wanted):
    return found.dtype == wanted.dtype and found.tolist() == wanted.tolist() and found.shape == wanted.shape


@pytest.mark.parametrize("cut", [1, 22, 23, 100, 300])
def test_without_the_list_of_members_everything_is_read(content, place, cut):
    start = members_of(content, place)[-1][2]
    assert start < len(content) - cut
    for data in (content[:-cut], content[:start], content[: start + 3]):
        reader, problems = torn(place, data)
        found, lost = read_all(reader)
        assert {key for key, value in VALUES.items() if same(found[key], value)} == VALUES.keys()
        assert lost == {}
        assert problems == (
            [] if data[start:][:4] in (b"", b"PK\1\2") else [f"{place}: from byte {start} on no member is whole."]
        )


@pytest.mark.parametrize("number", range(2, 7))
@pytest.mark.parametrize("inside", [-1, 0, 1, 29, 30, 45, 70])
def test_without_the_notes_what_may_be_something_else_is_lost(content, place, number, inside):
    members = members_of(content, place)
    key, start, stop = members[number]
    reader, problems = torn(place, content[: start + inside])
    whole = number if inside >= 0 else number - 1
    found, lost = read_all(reader)
    names = [name for name, _, _ in members[:whole]]
    assert reader.keys() == names
    assert list(found) == [name for name in names if name in "acz"]
    assert all(same(value, VALUES[name]) for name, value in found.items())
    for name, why in lost.items():
        assert why == f"{place}: key {name!r}: the notes that would say what its bytes are, are not there."
    if inside == 70:
        assert problems == [f"{place}: key {key!r} is cut off: its bytes end at {stop}, the file at {start + inside}."]
    elif inside > 0:
        assert problems == [f"{place}: from byte {start} on no member is whole."]
    elif inside == 0:
        assert problems == []
    else:
        assert len(problems) == 1


def test_a_first_member_that_is_cut_off_and_no_file(content, place):
    for size in (0, 3, 29, 100):
        with pytest.raises(DataLossError, match="not an npz archive: it does not begin with a whole member"):
            torn(place, content[:size])
    place.unlink()
    with pytest.raises(NotFoundError):
        open_torn(str(place.with_suffix("")))


def test_the_object_graph_is_known_by_its_name(tmp_path):
    v = tf.Variable([1.0, 2.0])
    prefix = tf.train.CheckpointableSaver(tf.train.Checkpoint(v=v), storage=Npz(durable=False)).save(tmp_path / "m")
    path = tmp_path / "m.npz"
    content = path.read_bytes()
    graph = Npz().open(prefix).read(OBJECT_GRAPH_KEY).item()
    start = members_of(content, path)[-1][1]
    reader, _ = torn(path, content[: start + 20])
    assert reader.read(OBJECT_GRAPH_KEY).item() == graph
    assert reader.read("v/.ATTRIBUTES/VARIABLE_VALUE").tolist() == [1, 2]


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_archives_of_numpy(tmp_path, save):
    path = tmp_path / "m.npz"
    save(path, a=np.arange(1000), b=np.ones((3, 4), "F"), c=np.arange(3, dtype=np.uint8))
    reader, problems = torn(path, path.read_bytes()[:-1])
    found, lost = read_all(reader)
    assert (found["a"].tolist(), found["b"].tolist(), problems) == (list(range(1000)), [[1.0] * 4] * 3, [])
    assert lost.keys() == {"c"}


def two_members(tmp_path, letters="?", sixty_four=False):
    """An archive of two arrays, ``?x`` and ``?y``, without the list of its members."""
    path = tmp_path / "m.npz"
    np.save(tmp_path / "x.npy", np.arange(5))
    with zipfile.ZipFile(path, "w") as archive:
        for name in "xy":
            with archive.open(f"{letters}{name}.npy", "w", force_zip64=sixty_four) as member:
                member.write((tmp_path / "x.npy").read_bytes())
        start = archive.start_dir
    return path, path.read_bytes()[:start]


@pytest.mark.parametrize("sixty_four", [True, False])
@pytest.mark.parametrize("letters", ["a", "\u00e4\u4e2d"])
def test_headers_of_either_size(tmp_path, sixty_four, letters):
    path, content = two_members(tmp_path, letters, sixty_four)
    reader, problems = torn(path, content)
    assert (reader.keys(), problems) == ([f"{letters}x", f"{letters}y"], [])
    assert reader.read(f"{letters}y").tolist() == list(range(5))


def test_names_are_encoded_as_their_members_say(tmp_path):
    path, content = two_members(tmp_path)
    reader, _ = torn(path, content.replace(b"?", b"\x84"))
    assert reader.keys() == ["\u00e4x", "\u00e4y"]
    assert reader.read("\u00e4x").tolist() == list(range(5))
    data = bytearray(content.replace(b"?x", b"\x84x"))
    data[7] |= 8  # the name is said to be UTF-8, and is not
    reader, _ = torn(path, data)
    found, lost = read_all(reader)
    assert (list(found), list(lost)) == (["?y"], ["\ufffdx"])


def test_sizes_in_the_extra_field_count_only_if_the_header_says_so(tmp_path):
    path, content = two_members(tmp_path, sixty_four=True)
    data = bytearray(content)
    size = (tmp_path / "x.npy").stat().st_size
    data[18:26] = size.to_bytes(4, "little") * 2
    at = data.index(b"\1\0\x10\0")
    data[at + 4 : at + 20] = b"\xff" * 16
    reader, problems = torn(path, data)
    assert (list(read_all(reader)[0]), problems) == (["?x", "?y"], [])


class Pipe:
    """A file that cannot go back, so that sizes are written behind the bytes."""

    def __init__(self):
        self.data = b""

    def write(self, data):
        self.data += bytes(data)
        return len(data)

    def flush(self):
        pass


def test_members_whose_sizes_stand_behind_them_are_lost(tmp_path):
    pipe = Pipe()
    np.save(tmp_path / "x.npy", np.arange(5))
    with zipfile.ZipFile(pipe, "w") as archive:
        archive.writestr("x.npy", (tmp_path / "x.npy").read_bytes())
    path = tmp_path / "m.npz"
    with pytest.raises(DataLossError, match="does not begin with a whole member"):
        torn(path, pipe.data[:-1])
    first = tmp_path / "first.npz"
    np.savez(first, a=np.ones(2))
    start = members_of(first.read_bytes(), first)[-1][2]
    reader, problems = torn(path, first.read_bytes()[:start] + pipe.data[:-1])
    assert reader.keys() == ["a"]
    assert problems == [f"{path}: key 'x': only the lost list of members says where it ends, if at all."]


@given(cut=st.integers(0, 6000), bit=st.integers(0, 48_000))
def test_what_is_read_is_what_was_saved(content, place, cut, bit):
    data = bytearray(content[:cut])
    if bit < len(data) * 8:
        data[bit // 8] ^= 1 << bit % 8
    try:
        reader, _ = torn(place, data)
        found, _ = read_all(reader)
    except OpError:
        return
    for key, value in found.items():
        assert key not in VALUES or same(value, VALUES[key])
