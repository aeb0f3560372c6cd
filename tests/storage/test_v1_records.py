"""The records of V1 tables: packed numbers, the list of tensors, the quick way of reading values and protobuf's."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tampering import fields

from minitf.core.dtypes import ALL, as_dtype
from minitf.errors import DataLossError, InvalidArgumentError, UnimplementedError
from minitf.storage.bundle.block import LARGE, Pieces
from minitf.storage.formats import format_named
from minitf.storage.protos import message, parse
from minitf.storage.v1 import records
from minitf.storage.v1.numbers import (
    PACKINGS,
    narrow,
    pack,
    pack_varints,
    packed_size,
    unpack,
    unpack_pieces,
    unpack_varints,
    varint_bytes,
)
from minitf.storage.v1.records import (
    TensorMeta,
    check_dtype,
    check_size,
    decode_meta,
    decode_values,
    encode_meta,
    encode_values,
)
from minitf.storage.varint import varint

from .values_to_save import flow

NUMBERS = [0, 1, 127, 128, 129, 255, 16383, 16384, (1 << 21) - 1, 1 << 21, (1 << 35), (1 << 56) - 1, 1 << 56, (1 << 63) - 1,
           1 << 63, (1 << 64) - 1]  # fmt: skip


def u64(*numbers):
    return np.array(numbers, np.uint64)


def test_packed_varints_of_each_width():
    for number in NUMBERS:
        assert pack_varints(u64(number)) == varint(number)
        assert varint_bytes(u64(number)) == len(varint(number))
        assert unpack_varints(varint(number), "here").tolist() == [number]
    assert pack_varints(u64(*NUMBERS)) == b"".join(map(varint, NUMBERS))
    assert unpack_varints(b"".join(map(varint, NUMBERS)), "here").tolist() == NUMBERS
    assert pack_varints(u64()) == b""
    assert unpack_varints(b"", "here").tolist() == []
    assert pack_varints(u64(127, 5)) == b"\x7f\5"
    assert unpack_varints(b"\x80\0\x81\x80\0\5", "here").tolist() == [0, 1, 5]  # longer than they need be
    assert unpack_varints(b"\x81" + b"\x80" * 8 + b"\0", "here").tolist() == [1]


def test_many_packed_varints_go_in_parts():
    numbers = np.arange((1 << 17) + 3, dtype=np.int64)
    parts = list(pack(flow(numbers)))
    assert len(parts) == 9
    packed = b"".join(parts)
    assert packed == b"".join(map(varint, range((1 << 17) + 3)))
    assert len(packed) == packed_size(flow(numbers))
    assert (unpack_varints(packed, "here") == numbers).all()


@pytest.mark.parametrize("size", [*range(1, 13), 40])
def test_numbers_that_come_in_pieces(size):
    data = b"".join(map(varint, NUMBERS * 3))
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    assert np.concatenate(list(unpack_pieces(pieces, ""))).tolist() == NUMBERS * 3
    with pytest.raises(DataLossError, match="the last number is cut off"):
        list(unpack_pieces([data, b"\x80"], ""))
    with pytest.raises(DataLossError, match="more than ten bytes|the last number is cut off"):
        list(unpack_pieces([data, b"\x80" * size * 3, *[b"\x80"] * 12, data], ""))


def test_unpacking_needs_little_memory():
    data = varint(1 << 63) * (1 << 18)
    tracemalloc.start()
    found = unpack(as_dtype("uint8"), data, "")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.size == 1 << 18
    assert peak < 16 << 20


@given(st.lists(st.integers(0, 63).flatmap(lambda bits: st.integers(-(1 << bits), (1 << bits) - 1)), max_size=20))
def test_the_size_of_packed_varints(numbers):
    array = np.array(numbers, np.int64)
    assert packed_size(flow(array)) == len(pack_varints(array.view(np.uint64)))


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"\1\x80", "the last number is cut off"), (b"\x80", "the last number is cut off"),
        (b"\1\xff", "the last number is cut off"), (b"\1" + b"\x80" * 10 + b"\0", "a number has more than ten bytes"),
    ],
)  # fmt: skip
def test_packed_varints_that_are_refused(data, problem):
    with pytest.raises(DataLossError, match=f"^here: {problem}"):
        unpack_varints(data, "here")


def test_numbers_are_cut_down_as_tensorflow_does():
    assert narrow(as_dtype("int8"), u64(1, 255, 256, (1 << 64) - 1)).tolist() == [1, -1, 0, -1]
    assert narrow(as_dtype("uint16"), u64(65537)).tolist() == [1]
    assert narrow(as_dtype("bool"), u64(0, 1, 2, 256)).tolist() == [False, True, True, True]
    assert narrow(as_dtype("float16"), u64(0x3C00, 0x13C00)).tolist() == [1.0, 1.0]
    assert narrow(as_dtype("int64"), u64((1 << 64) - 5)).tolist() == [-5]


def some(dtype):
    if dtype.kind == "S":
        return np.array([b"one", b"", b"\xff" * 200], object)
    raw = np.array([0, 1, 2, 3, 100, 101], np.int64)
    array = (raw > 1) if dtype.kind == "b" else (raw - 2 if dtype.kind in "ifc" else raw).astype(dtype.np)
    return array * (1 + 2j) if dtype.kind == "c" else array


HELD = [dtype for dtype in ALL if dtype.kind == "S" or dtype in PACKINGS]


def through_protobuf(name, extents, dtype, array):
    out = message("SavedTensorSlices")()
    out.data.name = name
    out.data.data.SetInParent()
    for extent in extents:
        added = out.data.slice.extent.add()
        if extent is not None:
            added.start, added.length = extent
    held = out.data.data
    if dtype.kind == "S":
        held.string_val.extend(array.tolist())
    elif dtype.kind == "c":
        listed = held.scomplex_val if dtype.size == 8 else held.dcomplex_val
        listed.extend(part for item in array.tolist() for part in (item.real, item.imag))
    else:
        numbers = array.view(np.uint16).tolist() if dtype.name == "float16" else array.tolist()
        getattr(held, records._NAMES[PACKINGS[dtype].field]).extend(numbers)
    return out.SerializeToString(deterministic=True)


@pytest.mark.parametrize("name", ["float32", "complex128", "int16", "float16", "bool", "string"])
def test_large_values_are_protobufs_bytes_too(name):
    dtype = as_dtype(name)
    array = np.concatenate([some(dtype)] * (1 << 18))
    stored = encode_values("w", (None,), flow(array, dtype))
    pieces = list(stored)
    assert len(pieces) > 1
    assert b"".join(pieces) == through_protobuf("w", (None,), dtype, array)
    assert len(stored) == sum(map(len, pieces))


@pytest.mark.parametrize("size", [LARGE - 1, LARGE])
def test_what_is_large(size):
    assert isinstance(encode_values("w", (None,), flow(np.ones(size, np.uint8))), Pieces) == (size == LARGE)


@pytest.mark.parametrize("dtype", HELD, ids=lambda dtype: dtype.name)
def test_values_are_protobufs_bytes_and_come_back_without_it(dtype, monkeypatch):
    array = some(dtype)
    stored = encode_values("w/é", ((0, array.size),), flow(array, dtype))
    assert stored == through_protobuf("w/é", ((0, array.size),), dtype, array)
    assert decode_values(stored, array.shape, dtype, "here").tolist() == array.tolist()
    assert records._through_protobuf(stored, dtype, "here").tolist() == array.tolist()
    empty = encode_values("w", (None,), flow(array[:0], dtype))
    assert decode_values(empty, (0,), dtype, "here").shape == (0,)
    if dtype.kind != "S":
        monkeypatch.setattr(records, "_through_protobuf", lambda *given: pytest.fail("the long way"))
        for shape in ((6,), (2, 3), (6, 1, 1)):
            found = decode_values(stored, shape, dtype, "here")
            assert (found.shape, found.dtype) == (shape, array.dtype)
            assert found.reshape(-1).tolist() == array.tolist()
        assert decode_values(empty, (3, 0), dtype, "here").shape == (3, 0)


@pytest.mark.parametrize(
    ("dtype", "width"),
    {
        "float32": 4, "float64": 8, "complex64": 8, "complex128": 16, "bool": 1, "uint8": 2, "uint16": 3, "float16": 3,
        "int64": 10, "int8": 10, "qint8": 10, "quint8": 2,
    }.items(),
)  # fmt: skip
def test_a_record_is_never_too_long_to_be_read(dtype, width):
    dtype = as_dtype(dtype)
    count = ((1 << 31) - 1031) // width  # TensorFlow's "conservative estimate" has 1031 for the rest of this one
    array = np.broadcast_to(np.zeros((), dtype.np), (count + 1,))
    check_size("a", (None,), flow(array[:-1], dtype))
    with pytest.raises(InvalidArgumentError, match=f"^write: 'a' may need {(count + 1) * width + 1031} bytes"):
        check_size("a", (None,), flow(array, dtype))


def test_strings_that_are_too_long_for_a_record(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "LARGEST", 1031 + 13 + 11)
    storage = format_named("tf-v1")
    storage.write(str(tmp_path / "p"), {"a": np.array([b"abc", b"x"], object)})
    with pytest.raises(InvalidArgumentError, match=f"^write: 'a' may need {1031 + 13 + 12} bytes"):
        storage.write(str(tmp_path / "p"), {"a": np.array([b"abc", b"xy"], object)})
    assert storage.open(str(tmp_path / "p")).read("a").tolist() == [b"abc", b"x"]


def test_fields_of_the_format():
    """The numbers of TensorProto's fields."""
    found = {dtype.name: packing.field for dtype, packing in PACKINGS.items()}
    assert found == {
        "float32": 5, "float64": 6, "complex64": 9, "complex128": 12, "int64": 10, "bool": 11, "float16": 13, "int32": 7,
        "int16": 7, "int8": 7, "uint8": 7, "uint16": 7, "qint8": 7, "quint8": 7, "qint32": 7,
    }  # fmt: skip
    held = set(HELD)
    for dtype in ALL:
        if dtype in held:
            check_dtype(dtype, "k")
        else:
            with pytest.raises(UnimplementedError, match=f"^write: 'k' is {dtype.name}, which a V1 checkpoint cannot hold"):
                check_dtype(dtype, "k")
            with pytest.raises(UnimplementedError, match=f"^here: dtype {dtype.name} has no values in a V1 checkpoint"):
                decode_values(b"", (), dtype, "here")


@pytest.mark.parametrize(("dtype", "size"), [("float32", 4), ("float64", 8), ("complex64", 8), ("complex128", 16)])
def test_bare_numbers_are_whole(dtype, size):
    dtype = as_dtype(dtype)
    assert unpack(dtype, bytes(2 * size), "here").tolist() == [0, 0]
    for more in (1, size - 1):
        with pytest.raises(DataLossError, match=f"^here: {2 * size + more} bytes are no whole number of {dtype.name} values"):
            unpack(dtype, bytes(2 * size + more), "here")
    assert b"".join(pack(flow(np.array([1.5, -2], dtype.np), dtype))) == np.array([1.5, -2], dtype.np).tobytes()
    assert b"".join(pack(flow(np.array([1.5, -2], ">f8").astype(dtype.np), dtype))) == np.array([1.5, -2], dtype.np).tobytes()


# Records as nobody writes them --------------------------------------------------------------------------------------

INT32 = as_dtype("int32")
NAME, SLICE, PACKED = (1, b"w"), (2, fields((1, b""))), (3, fields((7, b"\1\2\3")))


def record(*pairs):
    return fields((2, fields(*pairs)))


def test_odd_records_are_read_as_protobuf_reads_them():
    good = record(NAME, SLICE, PACKED)
    assert records._quick_field(good, 7) == b"\1\2\3"
    odd = [
        good + fields((9, b"x")), fields((9, b"x")) + good, record(NAME, SLICE, PACKED, (4, b"x")), record(SLICE, NAME, PACKED),
        record(NAME, PACKED), record(SLICE, PACKED), record(NAME, SLICE, (3, fields((7, b"\1\2"), (7, b"\3")))),
        record(NAME, SLICE, (3, fields((7, b"\1\2\3"), (8, b"x")))), record(NAME, SLICE, (3, fields((10, b"\1\2\3")))),
        record(NAME, SLICE, (3, fields((7, 5)))), record(NAME, SLICE), record(NAME, SLICE, PACKED, PACKED), b"",
        fields((1, b"")), record(NAME, SLICE, (3, fields((7, b"\1\2\3")) + b"\x3a")),
    ]  # fmt: skip
    for data in odd:
        assert records._quick_field(data, 7) is None, data
    for at in {*range(len(good))} - {4, 7, 8}:  # what name and slice are, the key says
        for byte in {0, 1, 2, 7, 0x0A, 0x12, 0x1A, 0x3A, 127, 128, 255, good[at] ^ 8, good[at] + 1 & 255, good[at] - 1 & 255}:
            agree(good[:at] + bytes([byte]) + good[at + 1 :])
        agree(good[:at])
        agree(good[:at] + good[at + 1 :])
    assert records._quick_field(record(NAME, SLICE, (3, b"")), 7) == b""


def agree(data):
    """The quick way finds what protobuf finds, or nothing."""
    quick = records._quick_field(data, 7)
    if quick is None:
        return
    try:
        wanted = list(parse("SavedTensorSlices", data, "").data.data.int_val)
    except DataLossError:
        with pytest.raises(DataLossError):
            unpack(INT32, quick, "")
    else:
        assert unpack(INT32, quick, "").tolist() == wanted


def test_values_of_another_number():
    for data, count in (
        (record(NAME, SLICE, PACKED), 3),
        (record(NAME, SLICE, (3, fields((7, 5)))), 1),
        (record(NAME, SLICE), 0),
    ):
        assert decode_values(data, (count,), INT32, "here").shape == (count,)
        for shape in ((count + 1,), (count + 1, 1)):
            with pytest.raises(
                DataLossError, match=rf"^here: {count} values stored; int32 \({count + 1},( 1)?\) has {count + 1}"
            ):
                decode_values(data, shape, INT32, "here")


def test_complex_numbers_come_in_halves():
    kinds = {"complex64": (9, np.float32), "complex128": (12, np.float64)}
    for name, (field, half) in kinds.items():
        parts = [(field, half(value).tobytes()) for value in (1, 2, 3, 4)]
        data = fields((2, fields(NAME, SLICE, (3, fields(*parts)))))
        assert decode_values(data, (2,), as_dtype(name), "here").tolist() == [1 + 2j, 3 + 4j]
        with pytest.raises(DataLossError, match="^here: a complex number lacks its second half"):
            decode_values(fields((2, fields(NAME, SLICE, (3, fields(*parts[:3]))))), (2,), as_dtype(name), "here")


def test_the_list_of_tensors():
    tensors = [
        TensorMeta("a", (), as_dtype("float32"), ((),)),
        TensorMeta("é\udcff"[:1], (3, 0), as_dtype("string"), ((None, None),)),
        TensorMeta("w" * 200, (4, 2), as_dtype("int64"), (((0, 2), None), ((2, 2), None))),
    ]
    stored = encode_meta(tensors)
    assert decode_meta(stored, "here") == tensors
    out = message("SavedTensorSlices")()
    for tensor in tensors:
        added = out.meta.tensor.add(name=tensor.name, type=tensor.dtype.number)
        added.shape.SetInParent()
        for size in tensor.shape:
            added.shape.dim.add(size=size)
        for extents in tensor.slices:
            piece = added.slice.add()
            for extent in extents:
                one = piece.extent.add()
                if extent is not None:
                    one.start, one.length = extent
    out.meta.versions.producer = 1
    assert stored == out.SerializeToString(deterministic=True)
    with pytest.raises(DataLossError, match="^here: failed to find the saved tensor slices: the first record is no list"):
        decode_meta(record(NAME), "here")
    with pytest.raises(DataLossError, match="^here: list of tensors: not parseable"):
        decode_meta(b"\xff", "here")
    with pytest.raises(DataLossError, match="^here: key 'x': invalid tensor shape"):
        decode_meta(fields((1, fields((1, fields((1, b"x"), (2, fields((2, fields((1, -1)))))))))), "here")


@pytest.mark.parametrize("name", ["float32", "string", "uint8"])
def test_empty_values_that_are_too_large_for_numpy(name):
    with pytest.raises(UnimplementedError, match=r"^here: shape \(0, 1099511627776, 1099511627776\) is larger than any NumPy"):
        decode_values(b"", (0, 1 << 40, 1 << 40), as_dtype(name), "here")
