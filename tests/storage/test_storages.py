"""What every storage must do, shown on all of them: a law each, against a plain dict."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import values_to_save as vs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minitf import errors
from minitf.saved import Reader
from minitf.storage.background import BackgroundStorage
from minitf.storage.bundle import TensorBundle
from minitf.storage.detect import identify, open_checkpoint
from minitf.storage.files import Disk
from minitf.storage.formats import FORMATS, format_at, format_named
from minitf.storage.memory import MemoryStorage
from minitf.storage.values import Partitioned, Typed

STORAGES = {
    "tf-v2": lambda: TensorBundle(durable=False),
    "tf-v2 big-endian": lambda: TensorBundle(durable=False, big_endian=True),
    "safetensors": lambda: format_named("safetensors", durable=False),
    "npz": lambda: format_named("npz", durable=False),
    "memory": MemoryStorage,
    "background": lambda: BackgroundStorage(TensorBundle(durable=False)),
}
counter = itertools.count()


class Synced(Disk):
    """Counts what is brought to the disk."""

    def __init__(self):
        self.count = 0

    def sync(self, handle):
        self.count += 1


@pytest.mark.parametrize("kind", [type(format_named(name)) for name in FORMATS])
def test_saves_are_durable_unless_somebody_asks_for_others(tmp_path, kind):
    for number, (options, durable) in enumerate([({}, True), ({"durable": True}, True), ({"durable": False}, False)]):
        disk = Synced()
        kind(**options, disk=disk).write(tmp_path / str(number), {"a": np.zeros(2)})
        assert (disk.count > 0) is durable


@pytest.fixture(params=sorted(STORAGES))
def storage(request):
    return STORAGES[request.param]()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("storages")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_what_is_written_comes_back(storage, folder, data):
    tensors = data.draw(vs.tensors)
    if getattr(storage, "big_endian", False):
        tensors = {key: value for key, value in tensors.items() if vs.dtype_name(value) != "variant"}
    prefix = str(folder / f"p{next(counter)}")
    storage.write(prefix, tensors)
    reader = storage.open(prefix)
    assert isinstance(reader, Reader)
    assert list(reader.keys()) == sorted(tensors, key=str.encode)
    for key, value in tensors.items():
        assert key in reader
        array = value.array if isinstance(value, Typed) else value
        assert (reader.spec(key).dtype.name, reader.spec(key).shape) == (vs.dtype_name(value), array.shape)
        found = reader.read(key)
        assert vs.same(value, found), key
        if found.size:
            assert found.flags.writeable
            assert not np.shares_memory(found, array)
    wanted = data.draw(st.lists(st.sampled_from(sorted(tensors)))) if tensors else []
    for key, found in zip(wanted, reader.read_many(wanted), strict=True):
        assert vs.same(tensors[key], found)
    storage.remove(prefix)
    assert not storage.exists(prefix)


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_regions_are_numpy_slices(storage, folder, data):
    array = data.draw(st.one_of(vs.native_arrays(), vs.extension_arrays(), vs.string_arrays()))
    prefix = str(folder / f"r{next(counter)}")
    storage.write(prefix, {"x": array})
    begin = [data.draw(st.integers(0, n)) for n in array.shape]
    size = [data.draw(st.integers(-1, n - b)) for n, b in zip(array.shape, begin, strict=True)]
    region = tuple(slice(b, n if s < 0 else b + s) for b, s, n in zip(begin, size, array.shape, strict=True))
    for verify in (True, False):
        assert vs.same(array[(*region, ...)], storage.open(prefix).read_slice("x", begin, size, verify=verify))


def test_writing_again_replaces(storage, tmp_path):
    prefix = str(tmp_path / "sub" / "p-1")
    for n in range(4):
        tensors = {f"k{i}": np.arange(i + n) for i in range(3)}
        storage.write(prefix, tensors)
        reader = storage.open(prefix)
        assert list(reader.keys()) == sorted(tensors)
        assert all(vs.same(tensors[key], reader.read(key)) for key in tensors)
        assert storage.exists(prefix)


def test_saving_the_same_kinds_again_writes_the_new_values(tmp_path):
    """The second save takes the plan of the first; its files are those of a storage that never saved before."""
    storage = TensorBundle(durable=False)
    for n in range(3):
        tensors = {f"k{i}": np.full(3, i * n, np.float32) for i in range(50)}
        tensors["g"] = np.array(bytes([n]) * 7, object)
        tensors["big"] = np.full(1 << 19, n, np.float32)
        storage.write(tmp_path / f"p{n}", tensors)
        TensorBundle().write(tmp_path / f"q{n}", tensors)
        for end in (".index", ".data-00000-of-00001"):
            assert (tmp_path / f"p{n}{end}").read_bytes() == (tmp_path / f"q{n}{end}").read_bytes()
    longer = tensors | {"g": np.array(b"longer than before", object)}
    storage.write(tmp_path / "p9", longer)
    assert storage.open(tmp_path / "p9").read("g").item() == b"longer than before"


def test_what_is_missing_is_said(storage, tmp_path):
    with pytest.raises(errors.NotFoundError, match="nothing"):
        storage.open(str(tmp_path / "nothing"))
    assert not storage.exists(str(tmp_path / "nothing"))
    storage.remove(str(tmp_path / "nothing"))
    storage.write(str(tmp_path / "p"), {"a": np.ones(2)})
    reader = storage.open(str(tmp_path / "p"))
    assert "b" not in reader
    assert 3 not in reader
    for ask in (reader.spec, reader.read, reader.slices, lambda key: reader.read_many(["a", key])):
        with pytest.raises(errors.NotFoundError, match="'b'"):
            ask("b")
    for begin, size in (([0], [3]), ([-1], [1]), ([0, 0], [1, 1]), ([3], [-1])):
        with pytest.raises(errors.InvalidArgumentError, match="read_slice"):
            reader.read_slice("a", begin, size)


@pytest.mark.parametrize("bad", [np.array([1, "x"], object), np.array(["2020"], "M8[Y]"), {"a": 1}, np.zeros(2, "V3")])
def test_what_cannot_be_stored_is_refused_and_changes_nothing(storage, tmp_path, bad):
    prefix = str(tmp_path / "p")
    storage.write(prefix, {"a": np.ones(2)})

    def save():
        storage.write(prefix, {"a": np.zeros(2), "b": bad})
        getattr(storage, "wait", lambda: None)()

    with pytest.raises(errors.InvalidArgumentError, match="'b'"):
        save()
    assert storage.open(prefix).read("a").tolist() == [1, 1]


def test_pieces_are_put_together(storage, tmp_path):
    whole = np.arange(12).reshape(3, 4)
    prefix = str(tmp_path / "p")
    storage.write(prefix, {"w": Partitioned((3, 4), [(((0, 1), None), whole[:1]), (((1, 2), None), whole[1:])])})
    np.testing.assert_array_equal(storage.open(prefix).read("w"), whole)
    np.testing.assert_array_equal(storage.open(prefix).read_slice("w", [0, 1], [2, 2]), whole[:2, 1:3])


def test_python_values_and_odd_arrays(storage, tmp_path):
    prefix = str(tmp_path / "p")
    tensors = {
        "scalar": np.float32(2),
        "bytes": b"ab\0",
        "text": "é",
        "fixed": np.array([b"a", b"bc"]),
        "unicode": np.array(["a", "é"]),
        "fortran": np.asfortranarray(np.arange(6).reshape(2, 3)),
        "strided": np.arange(10)[::2],
        "swapped": np.arange(3, dtype=">i4"),
        "list": [1.5, 2.5],
    }
    storage.write(prefix, tensors)
    reader = storage.open(prefix)
    assert reader.read("scalar").shape == ()
    assert reader.read("bytes").item() == b"ab\0"
    assert reader.read("text").item() == "é".encode()
    assert reader.read("fixed").tolist() == [b"a", b"bc"]
    assert reader.read("unicode").tolist() == [b"a", "é".encode()]
    for key in ("fortran", "strided", "swapped", "list"):
        np.testing.assert_array_equal(reader.read(key), tensors[key])


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
def test_converting_between_all_formats_keeps_everything(folder, data):
    tensors = data.draw(vs.tensors)
    names = data.draw(st.permutations([name for name in FORMATS if name != "tf-v1"]))
    reader = None
    for name in names:
        prefix = str(folder / f"c{next(counter)}")
        format_named(name, durable=False).write(prefix, tensors if reader is None else dict(reader.contents()[0]))
        assert format_at(prefix).name == name
        reader = open_checkpoint(prefix)
    for key, value in tensors.items():
        assert vs.same(value, reader.read(key))
        assert reader.spec(key).dtype.name == vs.dtype_name(value)


def test_any_form_of_path(tmp_path):
    from minitf.storage.state_file import CheckpointState, write_state

    tensors = {"a": np.ones(3)}
    prefix = str(tmp_path / "m-1")
    TensorBundle().write(prefix, tensors)
    write_state(tmp_path, CheckpointState(prefix, [prefix]))
    for path in (
        prefix,
        f"{prefix}.index",
        f"{prefix}.data-00000-of-00001",
        f"{prefix}.meta",
        tmp_path,
        tmp_path / "checkpoint",
    ):
        found = identify(path)
        assert (found.format, found.prefix) == ("tf-v2", prefix), path
        assert open_checkpoint(path).read("a").tolist() == [1, 1, 1]
    for name, path in (("npz", "x.npz"), ("safetensors", "x.safetensors"), ("tf-v1", "old")):
        format_named(name).write(tmp_path / path, tensors)
        assert identify(tmp_path / path).format == name
        assert open_checkpoint(tmp_path / path).read("a").tolist() == [1, 1, 1]
    saved_model = tmp_path / "export"
    TensorBundle().write(saved_model / "variables" / "variables", tensors)
    assert open_checkpoint(saved_model).read("a").tolist() == [1, 1, 1]
    assert open_checkpoint(saved_model / "variables").read("a").tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x89HDF\r\n\x1a\n" + b"0" * 99, "HDF5"),
        (b"PK\x03\x04" + b"0" * 99, "zip"),
        (b"\x80\x04junk", "pickle"),
        (b"", "it is empty"),
        (b"plain text", "something else"),
        ((20).to_bytes(8, "little") + b'{"a":1}' + b" " * 30, "safetensors"),
    ],
)
def test_a_wrong_file_is_named(tmp_path, content, said):
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(errors.DataLossError, match=said):
        open_checkpoint(tmp_path / "f")


def test_nothing_there(tmp_path):
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "x", tmp_path / "empty", tmp_path / "x" / "y"):
        with pytest.raises(errors.NotFoundError):
            open_checkpoint(path)
    with pytest.raises(ValueError, match="tf-v2"):
        format_named("hdf5")


def test_packages_read_the_files(tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy")
    tensors = {"a/b": np.arange(6, dtype=np.float32).reshape(2, 3), "s": np.float64(3), "e": np.zeros((0, 2), np.int8)}
    format_named("safetensors").write(tmp_path / "x", tensors)
    found = safetensors.load_file(tmp_path / "x.safetensors")
    assert found.keys() == tensors.keys()
    assert all((found[key] == tensors[key]).all() for key in tensors)
    safetensors.save_file({"z": np.ones(3), "y": np.arange(4)}, tmp_path / "theirs.safetensors")
    assert open_checkpoint(tmp_path / "theirs").read_many(["y", "z"])[0].tolist() == [0, 1, 2, 3]
    format_named("npz").write(tmp_path / "x", tensors)
    with np.load(tmp_path / "x.npz") as found:
        assert all((found[key] == tensors[key]).all() for key in tensors)
    np.savez(tmp_path / "numpy.npz", a=np.arange(3), t=np.array(["x", "yz"]))
    np.savez_compressed(tmp_path / "small.npz", a=np.zeros(1000))
    assert open_checkpoint(tmp_path / "numpy.npz").read("t").tolist() == [b"x", b"yz"]
    assert open_checkpoint(tmp_path / "small.npz").read("a").sum() == 0
    np.savez(tmp_path / "evil.npz", a=np.array([{}], object))
    with pytest.raises(errors.UnimplementedError, match="pickled"):
        open_checkpoint(tmp_path / "evil.npz").read("a")


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("value, said", [
    (Partitioned((2,), [(((0, 3),), np.zeros(3))]), "a piece of 'k' "),
    (Partitioned((2,), [((None, None), np.zeros(2))]), "a piece of 'k' "),
    (Partitioned((2,), [(((0, 2),), np.zeros(1))]), "a piece of 'k' "),
    (Partitioned((2,), [(((-1, 1),), np.zeros(1))]), "a piece of 'k' "),
    ([[1], [2, 3]], "the value of 'k' is no array: "), (Partitioned((2,), []), "the partitioned tensor 'k' has no pieces"),
    (Partitioned((4,), [(((2, 2),), np.ones(2)), (((0, 3),), np.zeros(3))]), "the pieces 0,3 and 2,2 of 'k' overlap"),
])  # fmt: skip
def test_what_is_no_value_is_refused_and_nothing_is_written(tmp_path, name, value, said):
    with pytest.raises(errors.InvalidArgumentError, match=f"^write: {said}"):
        format_named(name, durable=False).write(str(tmp_path / "m"), {"good": np.zeros(2), "k": value})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", FORMATS)
def test_a_piece_that_comes_twice_is_refused_under_the_name_of_its_tensor(tmp_path, name):
    value = Partitioned((4,), [(((0, 2),), np.ones(2)), (((2, 2),), np.zeros(2)), (((0, 2),), np.zeros(2))])
    with pytest.raises((errors.InvalidArgumentError, errors.AlreadyExistsError), match="^write: .*'k'"):
        format_named(name, durable=False).write(str(tmp_path / "m"), {"k": value})
    assert not list(tmp_path.iterdir())


def test_pieces_in_two_data_files_must_not_overlap_either(tmp_path):
    def piece(start, size):
        return {"k": Partitioned((4,), [(((start, size),), np.full(size, start))])}

    storage = TensorBundle(durable=False)
    with pytest.raises(errors.InvalidArgumentError, match="^write: the pieces 0,3 and 2,2 of 'k' overlap"):
        storage.write_shards(str(tmp_path / "m"), [piece(2, 2), piece(0, 3)])
    assert not list(tmp_path.iterdir())
    storage.write_shards(str(tmp_path / "m"), [piece(2, 2), piece(0, 2)])
    assert storage.open(str(tmp_path / "m")).read("k").tolist() == [0, 0, 2, 2]


def test_which_storages_have_files():
    """Savers record the newest checkpoint in a directory's state file for those."""
    assert {name: storage.on_disk for name, storage in FORMATS.items()} == dict.fromkeys(FORMATS, True)
    assert MemoryStorage.on_disk is False
