"""Small files that claim much: time and memory go with the bytes that are there, not with what is said of them."""

from __future__ import annotations

import io
import itertools
import json
import os
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tampering import edit

from minitf import errors
from minitf.core import dtypes
from minitf.saved import VARIABLE_VALUE, SavedGraph, SavedNode, SavedSlot, SavedValue
from minitf.saved_paths import letters
from minitf.storage import regions
from minitf.storage.bundle import TensorBundle
from minitf.storage.bundle.entries import Entry, encode_entry
from minitf.storage.detect import open_checkpoint
from minitf.storage.npz import Npz
from minitf.storage.safetensors import Safetensors
from minitf.storage.state_file import LONGEST, latest_checkpoint

pytestmark = pytest.mark.timeout(60)
NOT_POSIX = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")


# Object graphs ------------------------------------------------------------------------------------------------------------


def chain(length, name="a"):
    return SavedGraph([*(SavedNode([(name, n + 1)]) for n in range(length)), SavedNode()])


def test_paths_of_a_deep_graph_are_made_when_they_are_looked_at():
    graph = chain(100_000)
    paths = graph.paths()  # all together: 40 GB
    assert paths[0] == ()
    assert paths[32] == ("a",) * 32
    assert paths[33] == ("a",) * 33
    assert paths[-1] == ("a",) * 100_000
    assert paths[30:35] == [("a",) * n for n in range(30, 35)]
    assert len(paths) == 100_001
    assert letters(paths) == 2 * sum(range(100_001))
    assert letters(chain(3, "long").paths()) == 5 * (1 + 2 + 3)


def test_slots_at_deep_variables():
    graph = chain(40)
    graph.nodes[40].values = [SavedValue(VARIABLE_VALUE, "v", "v")]
    graph.nodes += [SavedNode(), SavedNode(), SavedNode()]
    graph.nodes[0].children.append(("optimizer", 41))
    graph.nodes[41].slots = [SavedSlot(40, "m", 42), SavedSlot(42, "m", 43)]
    paths = graph.paths()
    assert paths[42] == (*["a"] * 40, ".OPTIMIZER_SLOT", "optimizer", "m")
    assert paths[43] is None  # a slot of a slot: no program has that
    assert letters(paths) == sum(len(name) + 1 for path in paths if path for name in path)


def test_slots_of_slots_do_not_double_their_paths():
    nodes = [SavedNode([("v", 1)]), *(SavedNode(slots=[SavedSlot(n, "m", n + 1)]) for n in range(1, 60)), SavedNode()]
    assert [path for path in SavedGraph(nodes).paths() if path] == [("v",), ("v", ".OPTIMIZER_SLOT", "v", "m")]


# V2 -----------------------------------------------------------------------------------------------------------------------


def written(tmp_path, change, **values):
    TensorBundle(durable=False).write(tmp_path / "m", values or {"a": np.ones(1 << 18, np.float32)})
    edit(tmp_path / "m.index", change)
    return TensorBundle().open(tmp_path / "m")


def test_values_that_share_bytes_are_not_read_together(tmp_path):
    reader = written(tmp_path, lambda found: found.update({b"k%04d" % n: found[b"a"] for n in range(9_999)}))
    assert reader.read("k0007").sum() == 1 << 18  # one alone is as good as any
    with pytest.raises(errors.DataLossError, match="'a' and 'k0000' share bytes of data file 0"):
        reader.contents()  # 10 GB


@pytest.mark.parametrize(
    "places, shared",
    [
        ([(0, 0, 8), (0, 8, 8), (1, 0, 8), (1, 12, 4)], False),
        ([(0, 0, 8), (1, 0, 8), (0, 7, 8)], True),
        ([(0, 0, 8), (0, 4, 0), (0, 8, 8)], False),  # of no bytes
        ([(0, 0, (1 << 63) - 8), (0, (1 << 63) - 8, 8)], False),
        ([(0, 0, (1 << 63) - 8), (0, (1 << 63) - 16, 8)], True),
    ],
)
@pytest.mark.parametrize("more", [0, 20])  # many that look alike are decoded together
@pytest.mark.parametrize("nonsense", [False, True])
def test_which_values_share_bytes(tmp_path, places, shared, more, nonsense):
    def change(found):
        del found[b"a"]
        rest = [(2, 64 * n, 8) for n in range(more)]
        for n, (shard, offset, size) in enumerate([*places, *rest]):
            found[b"k%02d" % n] = encode_entry(Entry(dtypes.uint8, (size,), shard, offset, size))
        if nonsense:
            found.update({b"a%02d" % n: b"\x08\x63\x12\x00" + bytes([24, n]) for n in range(12)})  # before the others
        found[b"s"] = encode_entry(Entry(dtypes.uint8, (4,), slices=(((0, 4),),)))

    reader = written(tmp_path, change)
    if shared:
        with pytest.raises(errors.DataLossError, match="share bytes"):
            reader.check_apart()
    else:
        reader.check_apart()


def test_a_grid_of_pieces_of_many_dimensions():
    rank = 14
    pieces = [tuple((bit, 1) for bit in bits) for bits in itertools.product((0, 1), repeat=rank)]
    assert regions.overlap(pieces, (2,) * rank) is None
    double = [*pieces, ((0, 1), *pieces[-1][1:])]
    assert regions.overlap(double, (2,) * rank) == " and ".join([regions.slice_text(double[-1])] * 2)


@given(st.data())
def test_overlap_of_many_is_that_of_each_with_each(data):
    rank = data.draw(st.integers(1, 3))
    size = data.draw(st.sampled_from([5, 12, 100]))
    side = st.tuples(st.integers(0, size - 1), st.integers(0, data.draw(st.sampled_from([1, 3, size])))).map(
        lambda side: (side[0], min(side[1], size - side[0]))
    )
    pieces = data.draw(st.lists(st.tuples(*[side] * rank), min_size=60, max_size=120))
    boxes = [regions.box_of(piece, (size,) * rank) for piece in pieces]
    boxes = [box for box in boxes if regions.volume(box)]
    expected = any(regions.intersection(a, b) for a, b in itertools.combinations(boxes, 2))
    assert (regions.overlap(pieces, (size,) * rank) is not None) == expected


@pytest.mark.parametrize("twice", [(0, 0), (0, 39), (20, 20), (39, 0), (39, 39)])
def test_one_piece_twice_wherever_it_is(twice):
    pieces = [((x, 1), (y, 1)) for x in range(40) for y in range(40)]
    assert regions.overlap(pieces, (40, 40)) is None
    extents = tuple((n, 1) for n in twice)
    assert regions.overlap([*pieces, extents], (40, 40)) == " and ".join([regions.slice_text(extents)] * 2)


def test_long_pieces_that_no_cut_parts():
    rods = [((n % 10, 1), (n // 10, 1), (0, 50)) for n in range(100)]
    assert regions.overlap(rods, (10, 10, 50)) is None
    stairs = [((n, 80 - n), (0, n + 1)) for n in range(80)]
    assert regions.overlap(stairs, (80, 80)) is not None


# Pipes and devices --------------------------------------------------------------------------------------------------------


@NOT_POSIX
def test_nobody_waits_for_a_pipe(tmp_path):
    reader = written(tmp_path, lambda found: None)
    os.remove(tmp_path / "m.data-00000-of-00001")
    os.mkfifo(tmp_path / "m.data-00000-of-00001")
    contents = lambda: list(reader.contents()[0][0][1].pieces())
    for read in (lambda: reader.read("a"), contents, lambda: reader.read_lazily("a"), lambda: reader.read_many(["a"])):
        with pytest.raises(errors.InvalidArgumentError, match=r"key 'a'.*data-00000.*neither a file nor a directory"):
            read()
    os.mkfifo(tmp_path / "checkpoint")
    with pytest.raises(errors.InvalidArgumentError, match="neither a file nor a directory"):
        latest_checkpoint(tmp_path)


@NOT_POSIX
@pytest.mark.parametrize("storage, name", [(TensorBundle, "p.index"), (Safetensors, "p.safetensors"), (Npz, "p.npz")])
def test_a_pipe_or_a_device_is_no_checkpoint(tmp_path, storage, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(errors.OpError):
        storage().open(tmp_path / "p")
    os.remove(tmp_path / name)
    os.symlink("/dev/zero", tmp_path / name)
    with pytest.raises(errors.OpError):
        storage().open(tmp_path / "p")


def test_a_state_file_of_gigabytes(tmp_path, caplog):
    with open(tmp_path / "checkpoint", "wb") as file:
        file.write(b'model_checkpoint_path: "m"\n')
        file.truncate(LONGEST + 1)
    assert latest_checkpoint(tmp_path) is None
    assert f"not a valid state file: it has {LONGEST + 1} bytes" in caplog.text


# safetensors and npz ------------------------------------------------------------------------------------------------------


def safetensors(path, header, data):
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return open_checkpoint(str(path))


def test_values_of_a_safetensors_file_share_no_bytes(tmp_path):
    told = {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}
    assert safetensors(tmp_path / "a.safetensors", {"a": told, "b": told | {"data_offsets": [4, 8]}}, bytes(8)).keys()
    empty = {"dtype": "U8", "shape": [0], "data_offsets": [2, 2]}
    assert safetensors(tmp_path / "a.safetensors", {"a": told, "b": empty}, bytes(8)).read("b").size == 0
    for other in (told, told | {"data_offsets": [3, 7]}):
        with pytest.raises(errors.DataLossError, match="'a' and 'b' overlap"):
            safetensors(tmp_path / "a.safetensors", {"a": told, "b": other}, bytes(8))


@pytest.mark.parametrize("dtype", ["U8", "F4"])
def test_half_a_pair_of_surrogates_is_no_key(tmp_path, dtype):
    told = {"dtype": dtype, "shape": [0], "data_offsets": [0, 0]}
    for key in ("\ud800", "\udcff"):
        with pytest.raises(errors.DataLossError, match="no Unicode text"):
            safetensors(tmp_path / "a.safetensors", {key: told}, b"")


def npy(array):
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def archive(path, *members, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as file:
        for name, content in members:
            file.writestr(name, content)
    return str(path)


@pytest.mark.parametrize("names", [("a.npy", "a.npy"), ("a.npy", "a")])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_key_comes_once_in_an_archive(tmp_path, names):
    path = archive(tmp_path / "a.npz", *((name, npy(np.arange(n))) for n, name in enumerate(names)))
    with pytest.raises(errors.DataLossError, match="key 'a' comes twice"):
        open_checkpoint(path)


def test_members_of_an_archive_share_no_bytes(tmp_path):
    """A directory that lists the same compressed bytes under many names."""
    path = archive(tmp_path / "a.npz", ("000.npy", npy(np.zeros(1 << 20))))
    data = (tmp_path / "a.npz").read_bytes()
    at, end = data.index(b"PK\1\2"), data.rindex(b"PK\5\6")
    entries = b"".join(data[at:end].replace(b"000.npy", b"%03d.npy" % n) for n in range(999))
    tail = data[end : end + 8] + (999).to_bytes(2, "little") * 2 + len(entries).to_bytes(4, "little") + data[end + 16 :]
    (tmp_path / "a.npz").write_bytes(data[:at] + entries + tail)
    with pytest.raises(errors.DataLossError, match="claims"):
        open_checkpoint(path)


@pytest.mark.parametrize("method, name", [(zipfile.ZIP_LZMA, "LZMA"), (zipfile.ZIP_BZIP2, "bzip2")])
def test_compression_that_numpy_does_not_use(tmp_path, method, name):
    path = archive(tmp_path / "a.npz", ("a.npy", npy(np.zeros(100))), method=method)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_STORED) as file:
        file.writestr("b.npy", npy(np.ones(2)))
    reader = open_checkpoint(path)
    assert reader.spec("b").shape == (2,)
    assert reader.read("b").sum() == 2
    for ask in (reader.read, reader.spec):
        with pytest.raises(errors.UnimplementedError, match=f"key 'a' is compressed with {name}, which NumPy"):
            ask("a")


def test_sizes_that_are_no_numbers(tmp_path):
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (True,), }\n"
    content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + b"a"
    reader = open_checkpoint(archive(tmp_path / "a.npz", ("a.npy", content)))
    for ask in (reader.read, reader.spec):
        with pytest.raises(errors.DataLossError, match="no numbers"):
            ask("a")
