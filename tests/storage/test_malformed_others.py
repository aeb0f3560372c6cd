"""V1 tables, npz and safetensors files that lie: typed errors, no more memory than the file has."""

from __future__ import annotations

import io
import json
import random
import tracemalloc
import zipfile

import numpy as np
import pytest
from crc32c import crc32c
from tampering import entry, fields, file_of, restarts, shape

from minitf import errors
from minitf.saved import Reader
from minitf.storage.bundle.coding import slice_key
from minitf.storage.carried import checksum
from minitf.storage.formats import format_named
from minitf.storage.v1 import TensorSlices
from minitf.storage.values import Partitioned, Typed


def read_all(storage, prefix):
    tracemalloc.start()
    try:
        reader = storage.open(str(prefix))
        return dict(zip(reader.keys(), reader.read_many(reader.keys()), strict=True))
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 20_000_000, peak


# V1 -----------------------------------------------------------------------------------------------------------------

VERSION = fields((1, 1))


def v1_table(tensors, records, version=VERSION):
    """A table: ``tensors`` are (name, sizes, dtype, slices), ``records`` (key, bytes)."""
    listed = [
        (1, fields((1, name), (2, shape(*sizes)), (3, dtype), *((4, piece) for piece in pieces)))
        for name, sizes, dtype, pieces in tensors
    ]
    meta = fields((1, fields(*listed, (2, version))))
    block = b"".join(entry(0, key, value) for key, value in [(b"", meta), *records])
    return file_of(block + restarts(0))


WHOLE = fields((1, b""))  # a slice of one whole dimension
KEY = slice_key(b"a", (None,))


def values(*pairs):
    return fields((2, fields((1, b"a"), (2, WHOLE), (3, fields(*pairs)))))


PACKED = b"\x01\x02\x03"
GOOD = values((7, PACKED))
A = (b"a", (3,), 3, [WHOLE])
FINE = {
    "packed": GOOD,
    "one by one": values((7, 1), (7, 2), (7, 3)),
    "mixed": values((7, b"\x01\x02"), (7, 3)),
    "unknown fields": values((7, PACKED), (30, b"x")) + fields((9, 9)),
    "another order": fields((2, fields((3, fields((7, PACKED))), (2, WHOLE), (1, b"a")))),
    "another name inside": fields((2, fields((1, b"zzz"), (2, WHOLE), (3, fields((7, PACKED)))))),
}


@pytest.mark.parametrize("name", FINE)
def test_v1_records_in_any_legal_form(tmp_path, name):
    (tmp_path / "p").write_bytes(v1_table([A], [(KEY, FINE[name])]))
    assert read_all(TensorSlices(), tmp_path / "p")["a"].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("dtype", "record", "wanted"),
    [
        (1, values((5, np.float32([1.5, 2, 3]).tobytes())), [1.5, 2, 3]),
        (1, values((5, np.float32([1.5]).tobytes()), (5, np.float32([2, 3]).tobytes())), [1.5, 2, 3]),
        (8, values((9, np.float32([1, 2]).tobytes()), (9, np.float32([3, 4, 5, 6]).tobytes())), [1 + 2j, 3 + 4j, 5 + 6j]),
        (19, values((13, 0x3C00), (13, b"\x80\x80\x01\x00")), [1.0, 2.0, 0.0]),
        (10, values((11, 1), (11, b"\x05\x00")), [True, True, False]),
        (6, values((7, -1), (7, 5), (7, 255)), [-1, 5, -1]),
    ],
)
def test_v1_fields_of_each_kind_unpacked(tmp_path, dtype, record, wanted):
    (tmp_path / "p").write_bytes(v1_table([(b"a", (3,), dtype, [WHOLE])], [(KEY, record)]))
    assert read_all(TensorSlices(), tmp_path / "p")["a"].tolist() == wanted


BAD = {
    "list not parseable": (file_of(entry(0, b"", b"\xff\xff") + restarts(0)), errors.DataLossError, "not parseable"),
    "no list": (file_of(entry(0, b"x", GOOD) + restarts(0)), errors.DataLossError, "saved tensor slices"),
    "a record instead of the list": (file_of(entry(0, b"", GOOD) + restarts(0)), errors.DataLossError, "saved tensor slices"),
    "version": (v1_table([A], [(KEY, GOOD)], fields((1, 1), (2, 9))), errors.InvalidArgumentError, "version 9"),
    "record absent": (v1_table([A], []), errors.NotFoundError, "not found in the checkpoint file"),
    "record behind the last": (v1_table([(b"zz", (3,), 3, [WHOLE])], [(KEY, GOOD)]), errors.NotFoundError, "not found"),
    "record not parseable": (v1_table([A], [(KEY, b"\xff\xff")]), errors.DataLossError, "not parseable"),
    "too few values": (v1_table([A], [(KEY, values((7, b"\x01")))]), errors.DataLossError, "1 values stored"),
    "one value for all": (v1_table([A], [(KEY, values((7, 5)))]), errors.DataLossError, "1 values stored"),
    "no values": (v1_table([A], [(KEY, values())]), errors.DataLossError, "0 values stored"),
    "wrong field": (v1_table([A], [(KEY, values((10, PACKED)))]), errors.DataLossError, "0 values stored"),
    "varint cut off": (v1_table([A], [(KEY, values((7, b"\x01\x02\x83")))]), errors.DataLossError, "cut off|not parseable"),
    "varint of eleven bytes": (
        v1_table([A], [(KEY, values((7, b"\x80" * 10 + b"\1\1\1")))]),
        errors.DataLossError,
        "ten|parse",
    ),
    "half a float": (v1_table([(b"a", (3,), 1, [WHOLE])], [(KEY, values((5, b"123")))]), errors.DataLossError, "whole number"),
    "half a complex": (
        v1_table([(b"a", (1,), 8, [WHOLE])], [(KEY, values((9, b"1234"), (9, b"12341234")))]),
        errors.DataLossError,
        "second half",
    ),
    "2**40 elements": (v1_table([(b"a", (1 << 40,), 3, [WHOLE])], [(KEY, GOOD)]), errors.DataLossError, "3 values stored"),
    "negative dimension": (v1_table([(b"a", (-3,), 3, [WHOLE])], [(KEY, GOOD)]), errors.DataLossError, "shape"),
    "dtype unknown": (v1_table([(b"a", (3,), 99, [WHOLE])], [(KEY, GOOD)]), errors.DataLossError, "dtype number 99"),
    "dtype without field": (v1_table([(b"a", (3,), 23, [WHOLE])], [(KEY, GOOD)]), errors.UnimplementedError, "uint64"),
    "slice outside": (
        v1_table([(b"a", (3,), 3, [fields((1, fields((1, 2), (2, 5))))])], [(KEY, GOOD)]),
        errors.DataLossError,
        "not inside",
    ),
    "the same slice twice": (v1_table([(b"a", (3,), 3, [WHOLE, WHOLE])], [(KEY, GOOD)]), errors.DataLossError, "overlapping"),
    "not covered": (
        v1_table([(b"a", (3,), 3, [fields((1, fields((2, 2))))])], [(slice_key(b"a", ((0, 2),)), values((7, b"\1\2")))]),
        errors.InvalidArgumentError,
        "sufficient",
    ),
    "no slices": (v1_table([(b"a", (3,), 3, [])], []), errors.InvalidArgumentError, "sufficient"),
}


@pytest.mark.parametrize("name", BAD)
def test_v1_tables_that_lie(tmp_path, name):
    content, kind, said = BAD[name]
    (tmp_path / "p").write_bytes(content)
    with pytest.raises(kind, match=said) as caught:
        read_all(TensorSlices(), tmp_path / "p")
    assert str(tmp_path / "p") in str(caught.value)


def test_v1_shards_that_contradict_each_other(tmp_path):
    first, second = tmp_path / "p-00000-of-00002", tmp_path / "p-00001-of-00002"
    first.write_bytes(v1_table([A], [(KEY, GOOD)]))
    for other, said in ((A, "overlapping"), ((b"a", (4,), 3, [WHOLE]), "in another file")):
        second.write_bytes(v1_table([other], [(KEY, GOOD)]))
        with pytest.raises(errors.DataLossError, match=said):
            TensorSlices().open(tmp_path / "p-?????-of-00002")
    second.unlink()
    assert TensorSlices().open(tmp_path / "p-?????-of-00002").read("a").tolist() == [1, 2, 3]


def test_v1_what_cannot_be_written(tmp_path):
    ones = np.ones((1, 2))
    for tensors in (
        {"w": Partitioned((2, 2), [(((0, 3), None), ones)])},
        {"w": Partitioned((2, 2), [(((0, 1), None), ones), (((1, 1), None), np.ones((1, 2), int))])},
        [("w", ones), ("w", np.ones(3))],
    ):
        with pytest.raises(errors.InvalidArgumentError, match="'w'"):
            TensorSlices().write_shards(tmp_path / "p", [tensors])
    with pytest.raises(errors.AlreadyExistsError, match="twice"):
        TensorSlices().write_shards(tmp_path / "p", [[("w", ones), ("w", ones)]])
    assert list(tmp_path.iterdir()) == []


# npz ----------------------------------------------------------------------------------------------------------------


def npz_of(members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def npy(header, data=b""):
    text = header.encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


def notes(tensors, version=1, data=b"x"):
    crcs = {key: checksum(crc32c(data), "|u1", [len(data)], note) for key, note in tensors.items()}
    text = np.frombuffer(json.dumps({"minitf": version, "tensors": tensors, "crc32c": crcs}).encode(), np.uint8)
    out = io.BytesIO()
    np.save(out, text)
    return out.getvalue()


F8 = "{'descr': '<f8', 'fortran_order': False, 'shape': (%s,), }"
U1 = "{'descr': '|u1', 'fortran_order': False, 'shape': (%s,), }"
NPZ = {
    "no zip": (b"PK nonsense", "not an npz"),
    "no npy inside": (npz_of({"a.npy": b"hello"}), "'a'"),
    "version 9": (npz_of({"a.npy": b"\x93NUMPY\x09\x00" + b"\0" * 20}), "version"),
    "2**40 elements": (npz_of({"a.npy": npy(F8 % (1 << 40), b"12345678")}), "'a'"),
    "negative": (npz_of({"a.npy": npy(F8 % -3, b"12345678")}), "'a'"),
    "half an element": (npz_of({"a.npy": npy(F8 % 1, b"1234")}), "'a'"),
    "code in the header": (npz_of({"a.npy": npy("__import__('os').system('x')")}), "'a'"),
    "deep nesting": (npz_of({"a.npy": npy("(" * 900 + ")" * 900)}), "'a'"),
    "notes that are none": (npz_of({"__minitf__.npy": npy(U1 % 1, b"x")}), "notes"),
    "notes of a missing value": (npz_of({"__minitf__.npy": notes({"b": {"dtype": "string", "shape": []}})}), "'b' is missing"),
    "a note that is none": (
        npz_of({"a.npy": npy(U1 % 1, b"x"), "__minitf__.npy": notes({"a": {"dtype": "zz"}})}),
        "describes no",
    ),
    "a note of another size": (
        npz_of({"a.npy": npy(U1 % 1, b"x"), "__minitf__.npy": notes({"a": {"dtype": "bfloat16", "shape": [9]}})}),
        "bytes stored",
    ),
    "strings too many": (
        npz_of({"a.npy": npy(U1 % 1, b"x"), "__minitf__.npy": notes({"a": {"dtype": "string", "shape": [1 << 50]}})}),
        "cannot hold",
    ),
    "strings too long": (
        npz_of(
            {
                "a.npy": npy(U1 % 8, b"\xff" * 8),
                "__minitf__.npy": notes({"a": {"dtype": "string", "shape": [1]}}, 1, b"\xff" * 8),
            }
        ),
        "the strings have",
    ),
}


@pytest.mark.parametrize("name", NPZ)
def test_npz_files_that_lie(tmp_path, name):
    content, said = NPZ[name]
    (tmp_path / "p.npz").write_bytes(content)
    with pytest.raises(errors.DataLossError, match=said):
        read_all(format_named("npz"), tmp_path / "p")


def test_npz_written_by_a_newer_minitf(tmp_path):
    (tmp_path / "p.npz").write_bytes(npz_of({"__minitf__.npy": notes({}, 2)}))
    with pytest.raises(errors.InvalidArgumentError, match="newer"):
        read_all(format_named("npz"), tmp_path / "p")


def test_npz_sizes_that_the_archive_cannot_have(tmp_path):
    content = bytearray(npz_of({"a.npy": npy(F8 % 1, b"12345678")}))
    at = content.rindex(b"PK\x01\x02")
    content[at + 24 : at + 28] = (0x7FFFFFFF).to_bytes(4, "little")  # size of the member
    (tmp_path / "p.npz").write_bytes(content)
    with pytest.raises(errors.DataLossError, match="claims"):
        read_all(format_named("npz"), tmp_path / "p")


@pytest.mark.parametrize(
    ("name", "bad"), [("npz", "__minitf__"), ("npz", ""), ("npz", "a\0b"), ("npz", "\udcff"), ("safetensors", "__metadata__")]
)
def test_keys_that_a_format_takes_for_itself(tmp_path, name, bad):
    with pytest.raises(errors.InvalidArgumentError, match="key"):
        format_named(name).write(str(tmp_path / "p"), {bad: np.ones(1)})
    assert list(tmp_path.iterdir()) == []


# safetensors --------------------------------------------------------------------------------------------------------


def safetensors_of(header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def one(dtype="F32", sizes=(2,), offsets=(0, 8)):
    return {"a": {"dtype": dtype, "shape": list(sizes), "data_offsets": list(offsets)}}


SAFETENSORS = {
    "empty": (b"", "not a safetensors"),
    "header longer than the file": (safetensors_of(one(), b"", 1 << 50), "header of"),
    "no json": (safetensors_of(b"nonsense"), "header is damaged"),
    "no object": (safetensors_of(b"[1]"), "header is damaged"),
    "deep nesting": (safetensors_of(b"[" * 100_000), "header is damaged"),
    "a key twice": (safetensors_of(b'{"a":{},"a":{}}'), "twice"),
    "dtype that is no text": (safetensors_of(one(99), b"12345678"), "dtype 99"),
    "2**40 elements": (safetensors_of(one(sizes=[1 << 40], offsets=[0, 1 << 42]), b"12345678"), "no array inside"),
    "negative": (safetensors_of(one(sizes=[-2]), b"12345678"), "no array inside"),
    "a shape of text": (safetensors_of(one(sizes=["x"]), b"12345678"), "damaged"),
    "ends before it begins": (safetensors_of(one(offsets=[8, 0]), b"12345678"), "has -8 bytes"),
    "another size": (safetensors_of(one(sizes=[3]), b"12345678"), "has 8 bytes"),
    "cut off": (safetensors_of(one(), b"1234"), "no array inside"),
    "no offsets": (safetensors_of({"a": {"dtype": "F32", "shape": [2]}}), "damaged"),
    "notes that are none": (safetensors_of(one() | {"__metadata__": {"minitf": "x"}}, b"12345678"), "notes"),
    "notes of another kind": (safetensors_of(one() | {"__metadata__": {"minitf": 3}}, b"12345678"), "notes"),
    "checksum": (
        safetensors_of(
            one() | {"__metadata__": {"minitf": json.dumps({"minitf": 1, "tensors": {}, "crc32c": {"a": 1}})}}, b"12345678"
        ),
        "checksum does not match",
    ),
    "checksum of nothing": (
        safetensors_of(
            one() | {"__metadata__": {"minitf": json.dumps({"minitf": 1, "tensors": {}, "crc32c": {"z": 1}})}}, b"12345678"
        ),
        "'z' is missing",
    ),
}


@pytest.mark.parametrize("name", SAFETENSORS)
def test_safetensors_files_that_lie(tmp_path, name):
    content, said = SAFETENSORS[name]
    (tmp_path / "p.safetensors").write_bytes(content)
    with pytest.raises(errors.DataLossError, match=said):
        read_all(format_named("safetensors"), tmp_path / "p")


def test_safetensors_keys_are_text(tmp_path):
    with pytest.raises(errors.InvalidArgumentError, match="Unicode"):
        format_named("safetensors").write(str(tmp_path / "p"), {"\udc80": np.ones(1)})


@pytest.mark.parametrize("name", ["npz", "safetensors"])
def test_any_changed_byte_is_noticed_or_harmless(tmp_path, name):
    """Both carry checksums (zip's own; minitf's notes)."""
    storage = format_named(name)
    tensors = {"a": np.arange(6.0), "s": np.array([b"ab", b""], object), "q": Typed("qint8", np.ones(3, np.int8))}
    storage.write(str(tmp_path / "p"), tensors)
    path = tmp_path / f"p{storage.suffix}"
    content = path.read_bytes()
    before = {key: value.tolist() for key, value in read_all(storage, tmp_path / "p").items()}
    rng = random.Random(1)
    for at in rng.sample(range(len(content)), 120):
        for bit in range(8):
            path.write_bytes(content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :])
            try:
                reader: Reader = storage.open(str(tmp_path / "p"))
                found = {key: reader.read(key).tolist() for key in reader.keys()}
            except errors.OpError:
                continue
            assert found == before
    for cut in {*rng.sample(range(len(content)), 60), *range(len(content) - 30, len(content))}:
        path.write_bytes(content[:cut])
        try:
            found = {key: value.tolist() for key, value in read_all(storage, tmp_path / "p").items()}
        except errors.OpError:
            continue
        assert found == before
        assert cut > len(content) - 8  # the archive's comment, which says nothing of the values
