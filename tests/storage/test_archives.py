"""safetensors and npz: the bytes of a file, what is carried as bytes in them, and which notes and headers are believed."""

from __future__ import annotations

import errno
import gc
import io
import json
import os
import warnings
import zipfile

import numpy as np
import pytest
from crc32c import crc32c

from minitf.core import dtypes
from minitf.core.dtypes import ALL, as_dtype
from minitf.core.spec import Spec
from minitf.errors import DataLossError, InvalidArgumentError, NotFoundError, ResourceExhaustedError, UnimplementedError
from minitf.storage import carried, npz, safetensors
from minitf.storage.carried import (
    carry,
    check_complete,
    checksum,
    decode_notes,
    encode_notes,
    is_native,
    note_spec,
    uncarry,
    whole_value,
)
from minitf.storage.files import Disk
from minitf.storage.formats import format_named
from minitf.storage.values import Partitioned, Typed

STRINGS = np.array([[b"ab", b""], [b"\xff", b"long" * 50]], object)


# What is carried ----------------------------------------------------------------------------------------------------


def as_carried(dtype, array):
    """A value as bytes, and the note."""
    _, stored, note = carry(Typed(dtype, array), "k", lambda _: False)
    return np.frombuffer(b"".join(stored.pieces()), stored.dtype).reshape(stored.shape), note


def test_values_as_bytes_and_notes():
    raw, note = as_carried("string", STRINGS[0])
    assert note == {"dtype": "string", "shape": [2]}
    assert raw.tobytes() == (2).to_bytes(8, "little") + bytes(8) + b"ab"
    assert (raw.dtype, raw.ndim) == (np.uint8, 1)
    raw, note = as_carried("qint16", np.array([[1, -2, 3]], np.int16))
    assert note == {"dtype": "qint16", "shape": [1, 3]}
    assert raw.tolist() == [[[1, 0], [254, 255], [3, 0]]]
    for dtype, array in (("string", STRINGS), ("variant", STRINGS), ("qint16", np.arange(6, dtype=np.int16).reshape(2, 3))):
        found = uncarry(*as_carried(dtype, array), "here")
        assert (found.tolist(), found.shape) == (array.tolist(), array.shape)
        assert uncarry(*as_carried(dtype, array[:0]), "here").shape == array[:0].shape
    assert uncarry(*as_carried("string", np.array(b"x", object)), "here").tolist() == b"x"


@pytest.mark.parametrize(
    ("size", "note", "problem"),
    [
        (7, {"dtype": "int32", "shape": [2]}, "7 bytes stored; int32.* has 8"),
        (9, {"dtype": "int32", "shape": [2]}, "9 bytes stored"),
        (15, {"dtype": "string", "shape": [2]}, "15 bytes cannot hold 2 strings"),
        (17, {"dtype": "string", "shape": [2]}, "the strings have 0 bytes; there are 1"),
    ],
)
def test_bytes_that_do_not_go_with_their_note(size, note, problem):
    with pytest.raises(DataLossError, match=f"^here: {problem}"):
        uncarry(np.zeros(size, np.uint8), note, "here")
    assert uncarry(np.zeros(16, np.uint8), {"dtype": "string", "shape": [2]}, "here").tolist() == [b"", b""]


def test_notes_that_tell_dtype_and_shape():
    assert note_spec({"dtype": "int8", "shape": [3, 0]}, "here") == Spec(as_dtype("int8"), (3, 0))
    assert note_spec({"dtype": "variant", "shape": [1] * 64}, "here").shape == (1,) * 64
    assert note_spec({"dtype": "int8", "shape": [(1 << 63) - 1]}, "here").shape == ((1 << 63) - 1,)
    for bad in (
        {"dtype": "int8", "shape": [1] * 65}, {"dtype": "int8", "shape": [-1]}, {"dtype": "int8", "shape": [1 << 63]},
        {"dtype": "int8", "shape": [True]}, {"dtype": "int8", "shape": [1.0]}, {"dtype": "int8", "shape": 3}, {"dtype": "int8"},
        {"shape": [1]}, {"dtype": "int7", "shape": []}, {"dtype": 6, "shape": []}, {"dtype": "resource", "shape": []}, [], "x",
        None, {"dtype": None, "shape": []}, {"dtype": ",tring", "shape": [1]}, {"dtype": "i4,i4", "shape": []},
        {"dtype": "<i4", "shape": []}, {"dtype": ["int8"], "shape": []},
    ):  # fmt: skip
        with pytest.raises(DataLossError, match="^here: the note .* describes no tensor"):
            note_spec(bad, "here")


def test_dtypes_that_numpy_can_name():
    numpy = {
        "bool",
        "complex64",
        "complex128",
        "float16",
        "float32",
        "float64",
        *(f"{u}int{n}" for u in ("", "u") for n in (8, 16, 32, 64)),
    }
    assert {dtype.name for dtype in ALL if is_native(dtype)} == numpy


def test_pieces_are_put_together():
    rows = [(((0, 1), None), np.zeros((1, 2))), (((1, 2), None), np.ones((2, 2)))]
    dtype, array = whole_value(Partitioned((3, 2), rows), "k")
    assert (dtype.name, array.tolist()) == ("float64", [[0, 0], [1, 1], [1, 1]])
    with pytest.raises(InvalidArgumentError, match="^write: the partitioned tensor 'k' has no pieces"):
        whole_value(Partitioned((3,), []), "k")
    with pytest.raises(InvalidArgumentError, match="^write: 'k' does not have sufficient slices"):
        whole_value(Partitioned((3, 2), rows[:1]), "k")
    assert whole_value(Typed("qint8", np.zeros(1, np.int8)), "k")[0].name == "qint8"


def test_checksums_cover_dtype_shape_and_note():
    base = checksum(5, "F32", (2, 3), None)
    assert base == crc32c(b'["F32", [2, 3], null]', 5)
    assert len({base, checksum(6, "F32", (2, 3), None), checksum(5, "F64", (2, 3), None), checksum(5, "F32", (3, 2), None),
                checksum(5, "F32", (2, 3), {"dtype": "x"})}) == 5  # fmt: skip


def test_notes_as_text():
    text = encode_notes({"é": {"dtype": "string", "shape": [2]}}, {"é": 7})
    assert text == '{"minitf":1,"tensors":{"\\u00e9":{"dtype":"string","shape":[2]}},"crc32c":{"\\u00e9":7}}'
    assert decode_notes(text, "here") == ({"é": {"dtype": "string", "shape": [2]}}, {"é": 7})
    assert decode_notes('{"minitf": 0, "tensors": {}, "crc32c": {}}', "here") == ({}, {})
    for bad in (
        "", "{", "[]", "7", '{"minitf": 1, "tensors": {}}', '{"minitf": "1", "tensors": {}, "crc32c": {}}',
        '{"minitf": true, "tensors": {}, "crc32c": {}}', '{"minitf": 1, "tensors": [], "crc32c": {}}', "[" * 100_000,
        '{"minitf": 1, "tensors": {}, "crc32c": []}', b"\xff", "null", '{"tensors": {}, "crc32c": {}}',
    ):  # fmt: skip
        with pytest.raises(DataLossError, match="^here: the notes of minitf in it are damaged"):
            decode_notes(bad, "here")
    with pytest.raises(
        InvalidArgumentError, match=r"^here: written by a newer minitf \(notes of version 2, this one reads 1\)"
    ):
        decode_notes('{"minitf": 2, "tensors": {}, "crc32c": {}}', "here")


def test_values_without_notes_and_notes_without_values():
    check_complete({"a": 1, "b": 2}, ["b", "a"], "here")
    with pytest.raises(DataLossError, match="^here: the value of 'a' is missing"):
        check_complete({"b": 1, "a": 2, "c": 3}, ["c"], "here")
    with pytest.raises(DataLossError, match="^here: nothing is known of a value 'x'"):
        check_complete({"a": 1}, ["z", "a", "x"], "here")


class Arrays:
    """Values in memory."""

    source = "here"

    def __init__(self, values, notes=()):
        self.values, self.notes = values, dict(notes)

    def names(self):
        return self.values

    def described(self, key):
        return self.values[key].dtype, self.values[key].shape

    def load(self, keys):
        return [self.values[key] for key in keys]


def test_a_reader_over_arrays():
    values = {
        "b": np.arange(6).reshape(2, 3), "é": np.arange(3, dtype="i4"), "s": np.array([b"x", b""], object),
        "n": np.frombuffer(b"\1\0\2\0", np.uint8),
    }  # fmt: skip
    found = carried.CarriedReader(Arrays(values, {"n": {"dtype": "qint16", "shape": [2]}}))
    assert found.keys() == ["b", "n", "s", "é"]
    assert ("b" in found, "x" in found, 5 in found) == (True, False, False)
    assert (found.prefix, found.source) == ("here", "here")
    assert found.spec("n") == Spec(as_dtype("qint16"), (2,))
    assert found.spec("b").shape == (2, 3)
    assert found.slices("b") == []
    assert found.read("n").tolist() == [1, 2]
    assert found.read("é") is values["é"]
    assert found.read("s").tolist() == [b"x", b""]
    assert [value.tolist() for value in found.read_many(["n", "b"])] == [[1, 2], [[0, 1, 2], [3, 4, 5]]]
    assert found.read_slice("b", [1, 1], [1, -1]).tolist() == [[4, 5]]
    empty = carried.CarriedReader(Arrays({"e": np.zeros((0, 2))}, {}))
    assert empty.read_slice("e", [0, 0], [0, -1]).shape == (0, 2)
    with pytest.raises(InvalidArgumentError, match="not inside 'e'"):
        empty.read_slice("e", [0, 0], [1, 2])
    for ask in (found.read, found.slices, lambda key: found.read_many(["b", key]), lambda key: found.read_slice(key, [], [])):
        with pytest.raises(NotFoundError, match="^read: key 'none' is not in checkpoint 'here', which has 4 keys"):
            ask("none")
    (contents,) = carried.CarriedReader(Arrays(values, {"n": {"dtype": "qint16", "shape": [2]}})).contents()
    assert [key for key, _ in contents] == ["b", "n", "s", "é"]
    assert contents[1][1].dtype.name == "qint16"
    assert type(contents[0][1]) is np.ndarray


def test_a_reader_over_odd_arrays():
    values = {"\udcff": np.zeros(1), "a": np.frombuffer((1).to_bytes(8, "little") + b"x", np.uint8)}
    found = carried.CarriedReader(Arrays(values, {"a": {"dtype": "variant", "shape": [1]}}))
    assert found.keys() == ["a", "\udcff"]
    ((_, variant), (_, plain)) = found.contents()[0]
    assert (variant.dtype.name, variant.array.tolist()) == ("variant", [b"x"])
    assert type(plain) is np.ndarray


# safetensors --------------------------------------------------------------------------------------------------------


def test_the_bytes_of_a_safetensors_file(tmp_path):
    values = {"a": np.array([1, 2], np.float32), "é": STRINGS[0], "i": np.array([[7]], np.int8)}
    format_named("safetensors").write(str(tmp_path / "p"), values)
    data = (tmp_path / "p.safetensors").read_bytes()
    length = int.from_bytes(data[:8], "little")
    assert length % 8 == 0
    text = data[8 : 8 + length]
    assert text.rstrip(b" ") + b" " * (-len(text.rstrip(b" ")) % 8) == text
    strings = as_carried("string", STRINGS[0])
    notes = {"é": strings[1]}
    crcs = {
        "a": checksum(crc32c(values["a"].tobytes()), "F32", [2], None),
        "é": checksum(crc32c(strings[0].tobytes()), "U8", [18], strings[1]),
        "i": checksum(crc32c(b"\7"), "I8", [1, 1], None),
    }
    header = {
        "__metadata__": {"written_by": "minitf", "minitf": encode_notes(notes, crcs)},
        "a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
        "é": {"dtype": "U8", "shape": [18], "data_offsets": [8, 26]},
        "i": {"dtype": "I8", "shape": [1, 1], "data_offsets": [26, 27]},
    }
    assert text.rstrip(b" ").decode() == json.dumps(header, ensure_ascii=False, separators=(",", ":"))
    assert data[8 + length :] == values["a"].tobytes() + strings[0].tobytes() + b"\7"


def test_names_of_dtypes():
    names = {dtype.name: name for dtype, name in safetensors.NAMES.items()}
    plain = {"float": "F", "uint": "U", "int": "I"}
    wanted = {
        f"{kind}{n}": f"{letter}{n}" for kind, letter in plain.items() for n in (8, 16, 32, 64) if (kind, n) != ("float", 8)
    }
    others = {"bool": "BOOL", "bfloat16": "BF16", "float8_e5m2": "F8_E5M2", "float8_e4m3fn": "F8_E4M3"}
    assert names == wanted | others


def stored(tmp_path, header, data=b"", length=None):
    text = json.dumps(header).encode()
    path = tmp_path / "p.safetensors"
    path.write_bytes((len(text) if length is None else length).to_bytes(8, "little") + text + data)
    return format_named("safetensors").open(str(tmp_path / "p"))


def one(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"a": {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}}


def test_safetensors_of_others(tmp_path):
    data = np.array([1, 2], np.float32).tobytes()
    for more in ({}, {"__metadata__": {"format": "pt"}}, {"__metadata__": {"written_by": "somebody"}}):
        found = stored(tmp_path, one() | more, data + b"more")
        assert found.read("a").tolist() == [1, 2]
        assert found.keys() == ["a"]
    assert stored(tmp_path, one("C64", (1,)), data).read("a").tolist() == [1 + 2j]
    assert stored(tmp_path, one("F32", (), (4, 8)), data).read("a").tolist() == 2
    assert stored(tmp_path, one(shape=(0, 5), offsets=(8, 8)), data).read("a").shape == (0, 5)
    assert stored(tmp_path, one(shape=(2, *[1] * 63)), data).read("a").shape == (2, *[1] * 63)
    assert stored(tmp_path, {}).keys() == []
    two = one() | {"b": {"dtype": "U8", "shape": [3], "data_offsets": [8, 11]}}
    assert [value.tolist() for value in stored(tmp_path, two, data + b"\1\2\3").read_many(["b", "a", "b"])] == [
        [1, 2, 3], [1, 2], [1, 2, 3],
    ]  # fmt: skip


def test_dtypes_of_others_that_tensorflow_has_not(tmp_path):
    other = {"b": {"dtype": "F8_E8M0", "shape": [2], "data_offsets": [8, 10]}}
    found = stored(tmp_path, one() | other, np.array([1, 2], np.float32).tobytes() + b"ab")
    assert found.keys() == ["a", "b"]
    assert found.read("a").tolist() == [1, 2]
    for ask in (found.spec, found.read):
        with pytest.raises(UnimplementedError, match=f"^{tmp_path}/p.safetensors: key 'b': TensorFlow has no dtype 'F8_E8M0'"):
            ask("b")
    for name, dtype in (("F8_E4M3FNUZ", dtypes.float8_e4m3fnuz), ("F8_E5M2FNUZ", dtypes.float8_e5m2fnuz)):
        value = np.array([1.5, -2.0], dtype.np)
        found = stored(tmp_path, one(name, (2,), (0, 2)), value.tobytes())
        assert found.spec("a").dtype is dtype
        assert found.read("a").tobytes() == value.tobytes()


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        (one(offsets=(0, 9)), "'a' is no array inside the file"), (one(offsets=(-1, 7)), "'a' is no array inside the file"),
        (one(shape=(True, 2)), "'a' is no array inside the file"), (one(shape=(2.0,)), "'a' is no array inside the file"),
        (one(shape=(2, *[1] * 64)), "'a' is no array inside the file"),
        (one(offsets=(0, 4)), r"'a' has 4 bytes, float32 \(2,\) has 8"),
        (one("F33") | {"__metadata__": {"minitf": encode_notes({}, {"a": 5})}}, "dtype 'F33' of 'a' is not known"),
        (one(33), "dtype 33 of 'a' is not known"), (one(["F32"]), "damaged"),
        (one() | {"__metadata__": {"written_by": "minitf"}}, "notes of minitf"),
        (one() | {"__metadata__": {"minitf": 7}}, "the notes of minitf in it are damaged"),
        (one() | {"__metadata__": 3}, "damaged"),
        (one() | {"__metadata__": {"minitf": encode_notes({}, {})}}, "nothing is known of a value 'a'"),
        (one() | {"__metadata__": {"minitf": encode_notes({}, {"a": 5})}}, "key 'a': checksum does not match"),
    ],
)  # fmt: skip
def test_headers_that_are_refused(tmp_path, header, problem):
    with pytest.raises(DataLossError, match=f"^{tmp_path}/p.safetensors: .*{problem}"):
        stored(tmp_path, header, bytes(8)).read("a")


def test_the_length_of_a_header(tmp_path):
    text = json.dumps({}).encode()
    assert stored(tmp_path, {}, b"", len(text)).keys() == []
    for content, said in (
        (b"\0" * 7, "a header of 0 bytes in a file of 7"),
        (b"\3" + b"\0" * 7 + b"{}", "a header of 3 bytes in a file of 10"),
    ):
        (tmp_path / "p.safetensors").write_bytes(content)
        with pytest.raises(DataLossError, match=f"^{tmp_path}/p.safetensors: not a safetensors file: {said}"):
            format_named("safetensors").open(str(tmp_path / "p"))
    (tmp_path / "p.safetensors").write_bytes(b"\5" + b"\0" * 7)
    with pytest.raises(DataLossError, match="a header of 5 bytes in a file of 8"):
        format_named("safetensors").open(str(tmp_path / "p"))
    (tmp_path / "p.safetensors").write_bytes(b"\0" * 8)
    with pytest.raises(DataLossError, match="the header is damaged"):
        format_named("safetensors").open(str(tmp_path / "p"))
    (tmp_path / "p.safetensors").write_bytes(b"\2" + b"\0" * 7 + b"{}")
    assert format_named("safetensors").open(str(tmp_path / "p")).keys() == []


def test_a_header_that_could_not_be_read_again_is_not_written(tmp_path, monkeypatch):
    storage = format_named("safetensors")
    storage.write(str(tmp_path / "p"), {"a": np.ones(2)})
    size = int.from_bytes((tmp_path / "p.safetensors").read_bytes()[:8], "little")
    monkeypatch.setattr(safetensors, "HEADER_LIMIT", size)
    storage.write(str(tmp_path / "p"), {"a": np.zeros(2)})
    with pytest.raises(InvalidArgumentError, match=f"^write: the list of 1 values has {size + 8} bytes; .* {size} at most"):
        storage.write(str(tmp_path / "p"), {"a" * 3: np.ones(2)})
    assert storage.open(str(tmp_path / "p")).read("a").tolist() == [0, 0]


def test_what_stands_before_the_cut_of_a_file(tmp_path):
    values = {"a": np.arange(4), "b": np.ones(2, np.float32), "c": np.zeros(0)}
    format_named("safetensors", durable=False).write(str(tmp_path / "p"), values)
    os.truncate(tmp_path / "p.safetensors", os.path.getsize(tmp_path / "p.safetensors") - 1)
    with pytest.raises(DataLossError, match="'b' is no array inside the file"):
        format_named("safetensors").open(str(tmp_path / "p"))
    found = safetensors.open_torn(str(tmp_path / "p"))
    assert found.keys() == ["a", "b", "c"]
    assert found.read("a").tolist() == [0, 1, 2, 3]
    for keys in (["b"], ["a", "b"]):
        with pytest.raises(DataLossError, match="key 'b': the value ends at byte [0-9]+, .* it was cut off"):
            found.read_many(keys)
    (tmp_path / "p.safetensors").write_bytes(b"\5" + b"\0" * 7)
    with pytest.raises(DataLossError, match="not a safetensors file"):
        safetensors.open_torn(str(tmp_path / "p"))


# npz ----------------------------------------------------------------------------------------------------------------


def test_the_members_of_an_archive(tmp_path):
    values = {"a/b": np.arange(6, dtype=">i4").reshape(2, 3).T, "é": STRINGS[0], "h": np.float16(2)}
    format_named("npz").write(str(tmp_path / "p"), values)
    with zipfile.ZipFile(tmp_path / "p.npz") as archive:
        assert archive.namelist() == ["a/b.npy", "é.npy", "h.npy", "__minitf__.npy"]
        assert archive.comment == b"minitf"
        assert {(info.date_time, info.compress_type) for info in archive.infolist()} == {
            ((1980, 1, 1, 0, 0, 0), zipfile.ZIP_STORED)
        }
        assert archive.testzip() is None
    with np.load(tmp_path / "p.npz") as found:
        assert found["a/b"].tolist() == values["a/b"].tolist()
        assert found["a/b"].flags.c_contiguous
        assert found["h"] == 2
        raw, note = as_carried("string", STRINGS[0])
        assert found["é"].tolist() == raw.tolist()
        notes, crcs = decode_notes(found["__minitf__"].tobytes(), "")
        assert notes == {"é": note}
        assert crcs == {
            key: checksum(crc32c(found[key].tobytes()), found[key].dtype.str, found[key].shape, notes.get(key))
            for key in values
        }
    first = (tmp_path / "p.npz").read_bytes()
    format_named("npz").write(str(tmp_path / "p"), values)
    assert (tmp_path / "p.npz").read_bytes() == first


def npy(array, version=(1, 0)):
    out = io.BytesIO()
    np.lib.format.write_array(out, array, version)
    return out.getvalue()


def archive_of(path, members, comment=b""):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = comment
        for name, content in members.items():
            archive.writestr(name, content)


def test_archives_of_numpy(tmp_path):
    values = {
        "f": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "s": np.array([b"x", b"yz"]),
        "b": np.arange(3, dtype=">i2"),
    }
    np.savez_compressed(tmp_path / "p.npz", **values)
    found = format_named("npz").open(str(tmp_path / "p"))
    assert found.keys() == ["b", "f", "s"]
    assert found.spec("f").shape == (2, 3)
    assert [found.read(key).tolist() for key in "bfs"] == [values[key].tolist() for key in "bfs"]
    assert found.read("f").flags.c_contiguous
    archive_of(tmp_path / "q.npz", {"a.npy": npy(np.arange(3), (2, 0)), "noend": npy(np.arange(2))})
    assert [format_named("npz").open(str(tmp_path / "q")).read(key).tolist() for key in ("a", "noend")] == [[0, 1, 2], [0, 1]]


def test_archives_whose_notes_are_gone(tmp_path):
    archive_of(tmp_path / "p.npz", {"a.npy": npy(np.arange(3))}, b"minitf")
    with pytest.raises(DataLossError, match=f"^{tmp_path}/p.npz: the notes of minitf in it are missing"):
        format_named("npz").open(str(tmp_path / "p"))
    archive_of(tmp_path / "p.npz", {"a.npy": npy(np.arange(3))}, b"another's")
    assert format_named("npz").open(str(tmp_path / "p")).read("a").tolist() == [0, 1, 2]
    crc = checksum(crc32c(np.arange(3).tobytes()), "<i8", (3,), None)
    for wrong in (0, 1):
        text = np.frombuffer(encode_notes({}, {"a": crc + wrong}).encode(), np.uint8)
        archive_of(tmp_path / "p.npz", {"a.npy": npy(np.arange(3)), "__minitf__.npy": npy(text)}, b"minitf")
        found = format_named("npz").open(str(tmp_path / "p"))
        assert found.keys() == ["a"]
        if wrong:
            with pytest.raises(DataLossError, match=f"^{tmp_path}/p.npz: key 'a': checksum does not match"):
                found.read("a")
        else:
            assert found.read("a").tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("member", "problem"),
    [
        (b"\x93NUMPY\x04\0\2\0\0\0{}", r"npy version \(4, 0\) is not known"),
        (npy(np.arange(3)).replace(b"(3,), }", b"(-3,),}"), r"shape \(-3,\) has a negative size"),
        (npy(np.arange(3)).replace(b"{'descr'", b"{('descr'"), "damaged npy header|Cannot parse"),
        (npy(np.arange(3))[:-1], "'a': "),
        (npy(np.arange(3)) + b"x", "'a': "),
    ],
)
def test_members_that_are_refused(tmp_path, member, problem):
    archive_of(tmp_path / "p.npz", {"a.npy": member})
    found = format_named("npz").open(str(tmp_path / "p"))
    with pytest.raises(DataLossError, match=f"^{tmp_path}/p.npz: key 'a': .*({problem})" if problem != "'a': " else problem):
        found.read("a")


@pytest.mark.parametrize(
    ("array", "problem"),
    [
        (np.array([None], object), "it is a pickled object, which is not loaded"),
        (np.zeros(1, "M8[D]"), "NumPy dtype datetime64"),
        (np.zeros(1, np.longdouble), "NumPy dtype float"),
        (np.zeros(1, [("a", "i4"), ("b", "O")]), "it is a pickled object"),
        (np.zeros(1, [("a", "i4")]), r"NumPy dtype \[\('a', '<i4'\)\]"),
        (np.zeros(1, [("\u20ac", "i4")]), "it is of npy version 3.0"),
    ],
)
def test_sound_arrays_of_others_that_no_tensor_can_hold(tmp_path, array, problem):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy tells that only NumPy reads version 3.0
        np.savez(tmp_path / "p.npz", a=np.arange(3), b=array)
    found = format_named("npz").open(str(tmp_path / "p"))
    assert (found.keys(), found.read("a").tolist(), found.spec("a").shape) == (["a", "b"], [0, 1, 2], (3,))
    for ask in (found.read, found.spec, lambda key: found.read_many(["a", key])):
        with pytest.raises(UnimplementedError, match=f"^{tmp_path}/p.npz: key 'b': {problem}"):
            ask("b")
    note = np.frombuffer(encode_notes({}, {"a": 0, "b": 0}).encode(), np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.savez(tmp_path / "q.npz", a=np.arange(3), b=array, __minitf__=note)
    with pytest.raises(DataLossError, match=f"^{tmp_path}/q.npz: key 'b': {problem}"):  # minitf writes no such arrays
        format_named("npz").open(str(tmp_path / "q")).spec("b")


def test_a_member_without_bytes_is_in_nobody_elses_way(tmp_path):
    with zipfile.ZipFile(tmp_path / "p.npz", "w") as archive:  # nothing is compressed
        archive.writestr("a.npy", npy(np.arange(3)))
        archive.writestr("b.npy", b"")
    found = format_named("npz").open(str(tmp_path / "p"))
    assert found.read("a").tolist() == [0, 1, 2]
    with pytest.raises(DataLossError, match="key 'b': "):
        found.read("b")


def test_a_directory_that_claims_too_much(tmp_path):
    archive_of(tmp_path / "p.npz", {"a.npy": npy(np.zeros(1 << 16))})
    assert format_named("npz").open(str(tmp_path / "p")).read("a").shape == (
        1 << 16,
    )  # deflate makes it a thousand times smaller
    content = bytearray((tmp_path / "p.npz").read_bytes())
    at = content.rindex(b"PK\x01\x02")
    for place in (20, 24):  # the sizes of the member, packed and unpacked
        changed = bytearray(content)
        changed[at + place : at + place + 4] = (len(content) + 1 if place == 20 else 1 << 30).to_bytes(4, "little")
        (tmp_path / "p.npz").write_bytes(changed)
        with pytest.raises(DataLossError, match=f"^{tmp_path}/p.npz: 'a.npy' claims [0-9]+ bytes, which it cannot have"):
            format_named("npz").open(str(tmp_path / "p"))


def test_keys_of_archives():
    for key, why in (
        (npz.NOTES, "the name is taken by the notes of minitf"),
        ("a\0b", "a name in a zip archive has a sign at least, and no NUL"),
        ("", "a name in a zip archive has a sign at least, and no NUL"),
        ("\udcff", "it is not Unicode text"),
        ("x" * 70000, "it has 70000 bytes, and may have 65531"),
    ):
        with pytest.raises(InvalidArgumentError) as refused:
            format_named("npz")._prepare({key: np.zeros(1)})
        shown = repr(key) if len(key) < 80 else f"'{'x' * 80}'..."
        assert str(refused.value) == f"write: {shown} cannot be a key in an npz archive: {why}."


def test_large_members_are_written_in_parts(tmp_path):
    value = np.arange((1 << 22) + 3, dtype=np.uint8)
    format_named("npz", durable=False).write(str(tmp_path / "p"), {"a": value})
    assert (format_named("npz").open(str(tmp_path / "p")).read("a") == value).all()


@pytest.mark.parametrize("character", ["x", "é"])
def test_the_longest_name_that_an_archive_has_room_for(tmp_path, character):
    longest = character * ((2**16 - 5) // len(character.encode()))
    storage = npz.Npz(durable=False)
    storage.write(str(tmp_path / "m"), {longest: np.ones(2)})
    assert storage.open(str(tmp_path / "m")).read(longest).tolist() == [1, 1]
    with pytest.raises(InvalidArgumentError, match="cannot be a key in an npz archive"):
        storage.write(str(tmp_path / "n"), {longest + character: np.ones(2)})
    assert [path.name for path in tmp_path.iterdir()] == ["m.npz"]


@pytest.mark.parametrize("before", ["", "a"])
@pytest.mark.parametrize("durable", [True, False])
def test_a_file_whose_name_leaves_no_room_for_a_temporary_one(tmp_path, before, durable):
    """The temporary name is cut between two letters, wherever that is."""
    prefix = str(tmp_path / (before + "é" * 125))
    storage = npz.Npz(durable=durable)
    for value in (1.0, 2.0):
        storage.write(prefix, {"k": np.float32(value)})
    assert storage.open(prefix).read("k") == 2
    assert [path.name for path in tmp_path.iterdir()] == [f"{before}{'é' * 125}.npz"]


def test_an_archive_that_could_not_be_written_is_not_ended_later(tmp_path, monkeypatch):
    """Python's archives write their end when nobody has them any more; the file is closed by then, or another one's."""
    ignored = []
    monkeypatch.setattr("sys.unraisablehook", ignored.append)

    class Refuses(Disk):
        def write(self, handle, data, offset):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(ResourceExhaustedError, match="No space"):
        npz.Npz(disk=Refuses(), durable=False).write(str(tmp_path / "p"), {"a": np.ones(3)})
    gc.collect()
    assert ignored == []
    assert list(tmp_path.iterdir()) == []


def test_empty_values_that_are_too_large_for_numpy(tmp_path):
    sizes = [0, 1 << 40, 1 << 40]
    header = json.dumps({"a": {"dtype": "F32", "shape": sizes, "data_offsets": [0, 0]}}).encode()
    (tmp_path / "s.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(DataLossError, match="the header is damaged: 'a' is no array inside the file"):
        format_named("safetensors").open(str(tmp_path / "s"))
    for dtype in ("string", "int4"):
        with pytest.raises(DataLossError, match="describes no tensor"):
            carried.note_spec({"dtype": dtype, "shape": sizes}, "here")
