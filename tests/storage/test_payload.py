"""The bytes of values, one rule at a time: what each dtype becomes, and which check notices which change."""

from __future__ import annotations

import numpy as np
import pytest
from crc32c import crc32c

from minitf.core.dtypes import ALL, as_dtype
from minitf.errors import DataLossError, UnimplementedError
from minitf.storage.bundle import TensorBundle, payload
from minitf.storage.bundle.coding import mask
from minitf.storage.bundle.entries import Entry
from minitf.storage.values import Typed
from minitf.storage.varint import varint

NUMBERS = [dtype for dtype in ALL if dtype.kind in "biufcq" and dtype.name != "resource"]


def entry_for(dtype, shape, data, crc=None):
    return Entry(as_dtype(dtype), shape, 0, 0, len(data), mask(crc32c(data) if crc is None else crc))


def decoded(dtype, shape, data, crc=None, big_endian=False):
    return payload.decode_value(memoryview(data), entry_for(dtype, shape, data, crc), "here", big_endian)


@pytest.mark.parametrize("dtype", NUMBERS, ids=lambda dtype: dtype.name)
def test_numbers_in_both_orders(dtype):
    raw = (np.arange(dtype.size * 6, dtype=np.uint8) % 2).tobytes()
    plain = decoded(dtype, (2, 3), raw)
    assert plain.shape == (2, 3)
    assert plain.tobytes() == raw
    width = dtype.size // 2 if dtype.kind == "c" else dtype.size
    turned = b"".join(raw[at : at + width][::-1] for at in range(0, len(raw), width))
    assert payload.swapped(plain).tobytes() == turned
    assert payload.swapped(plain).dtype == plain.dtype
    assert decoded(dtype, (2, 3), turned, big_endian=True).tobytes() == raw
    assert payload.swapped(plain.T).tobytes() == payload.swapped(np.array(plain.T, order="C")).tobytes()


@pytest.mark.parametrize(
    ("dtype", "stored", "read"),
    [
        ("bool", "00 01 02 ff", "00 01 01 01"), ("int4", "0f 1f f0 78", "0f 0f 00 08"), ("uint4", "0f 1f f0 78", "0f 0f 00 08"),
        ("float4_e2m1fn", "0f 1f f0 78", "0f 0f 00 08"), ("int2", "03 07 fc 41", "03 03 00 01"),
        ("uint2", "03 07 fc 41", "03 03 00 01"), ("uint8", "00 01 02 ff", "00 01 02 ff"),
    ],
)  # fmt: skip
def test_bytes_that_are_no_values_of_their_own(dtype, stored, read):
    """TensorFlow takes any byte for a bool, and looks at the low bits of small integers only."""
    assert decoded(dtype, (4,), bytes.fromhex(stored)).view(np.uint8).tobytes().hex(" ") == read
    assert decoded(dtype, (0,), b"").shape == (0,)


def test_dtypes_that_any_bytes_are_good_for():
    bare = {dtype.name for dtype in ALL if payload.bare_dtype(dtype) is not None}
    odd = {"bool", "string", "variant", "resource", "int4", "uint4", "int2", "uint2", "float4_e2m1fn"}
    assert bare == {dtype.name for dtype in ALL} - odd
    assert {dtype.name for dtype in ALL if not payload.is_plain(dtype)} >= {"string", "variant"}
    assert not {"string", "variant"} & {dtype.name for dtype in ALL if payload.is_plain(dtype)}


def test_as_many_dimensions_as_numpy_has(tmp_path):
    storage = TensorBundle(durable=False)
    storage.write(tmp_path / "p", {"a": np.full((1,) * 64, 7, np.int8)})
    assert storage.open(tmp_path / "p").read("a").shape == (1,) * 64
    assert decoded("int8", (1,) * 64, b"\7").shape == (1,) * 64
    with pytest.raises(UnimplementedError, match="here: 65 dimensions; NumPy arrays have 64 at most"):
        decoded("int8", (1,) * 65, b"\7")


def test_a_checksum_is_named_with_its_place():
    entry = Entry(as_dtype("int8"), (2,), 0, 17, 2, 5)
    with pytest.raises(
        DataLossError, match=r"^k: checksum does not match: stored 00000005 vs\. calculated 00000007 over 2 bytes"
    ):
        payload.check_crc(7, entry, "k")
    payload.check_crc(5, entry, "k")


# Strings ------------------------------------------------------------------------------------------------------------


def lengths_crc(lengths, order="little"):
    return crc32c(b"".join(n.to_bytes(4 if n < 1 << 32 else 8, order) for n in lengths))


@pytest.mark.parametrize("order", ["little", "big"])
def test_strings_as_the_description_has_them(order):
    items = [b"one", b"", b"x" * 200]
    crc = lengths_crc([3, 0, 200], order)
    stored = mask(crc).to_bytes(4, order)
    data = b"\3\0\xc8\1" + stored + b"one" + b"x" * 200
    made, found = payload.encode_strings(np.array(items, object), "k", order == "big")
    assert made == data
    assert found == crc32c(data[4:], crc)
    assert decoded("string", (3,), data, found, order == "big").tolist() == items
    with pytest.raises(DataLossError):
        decoded("string", (3,), data, found, order != "big")


def test_lengths_of_four_gigabytes_count_as_eight_bytes():
    lengths = [0, 1, (1 << 32) - 1, 1 << 32, 1 << 40]
    wanted = b"".join(n.to_bytes(4 if n < 1 << 32 else 8, "little") for n in lengths)
    assert payload.fixed_lengths(lengths, "<") == wanted
    assert payload.fixed_lengths(lengths[:3], "<") == wanted[:12]
    assert payload.fixed_lengths(lengths[2:4], ">") == b"\xff" * 4 + (1 << 32).to_bytes(8, "big")
    assert payload.fixed_lengths([], "<") == b""


@pytest.mark.parametrize(
    ("data", "count", "problem"),
    [
        (b"\1\1" + bytes(3), 2, "the 2 lengths leave no room for their checksum"),
        (b"\1" + mask(lengths_crc([2])).to_bytes(4, "little") + b"a", 1, "the length checksum does not match: stored"),
        (b"\1" + mask(lengths_crc([1])).to_bytes(4, "little") + b"ab", 1, "the strings have 1 bytes, the entry has room for 2"),
        (b"\2" + mask(lengths_crc([2])).to_bytes(4, "little") + b"a", 1, "the strings have 2 bytes, the entry has room for 1"),
        (b"\1" + b"\x80" * 5, 2, "string number 1: a varint at byte 1 is cut off or too long"),
        (b"\1\x63" + bytes(4), 2, "string number 1: a string of 99 bytes is longer than all bytes of the tensor, 6"),
        (b"\1" + mask(lengths_crc([1])).to_bytes(4, "little") + b"a", 1, "here: checksum does not match"),
    ],
)
def test_strings_that_do_not_fit(data, count, problem):
    with pytest.raises(DataLossError, match=problem):
        decoded("string", (count,), data, 5)


def test_the_shortest_strings():
    for items in ([], [b""], [b"a"]):
        made, crc = payload.encode_strings(np.array(items, object), "k", False)
        assert decoded("string", (len(items),), made, crc).tolist() == items


# Variants -----------------------------------------------------------------------------------------------------------


def variants(items):
    """Length, bytes, checksum so far."""
    out, crc = b"", 0
    for item in items:
        crc = crc32c(item, crc32c(len(item).to_bytes(8, "little"), crc))
        stored = mask(crc).to_bytes(4, "little")
        crc = crc32c(stored, crc)
        out += varint(len(item)) + item + stored
    return out, crc


def test_variants_as_the_description_has_them():
    items = [b"first", b"", b"z" * 130]
    data, crc = variants(items)
    assert payload.encode_variants(np.array(items, object), "k") == (data, crc)
    assert decoded("variant", (3,), data, crc).tolist() == items
    with pytest.raises(UnimplementedError, match="here: variants in a big-endian file"):
        decoded("variant", (3,), data, crc, big_endian=True)


@pytest.mark.parametrize(
    ("data", "count", "problem"),
    [
        (variants([b"ab"])[0] + b"more", 1, "4 bytes behind the last variant"),
        (variants([b"ab"])[0], 2, "variant number 1: a varint at byte 7"),
        (variants([b"ab"])[0][:-1], 1, "variant number 0 of 2 bytes runs past the 6"),
        (variants([b"ab", b"c"])[0][:-1], 2, "variant number 1 of 1 bytes runs past the 12"),
        (variants([b"ab"])[0][:1] + b"xb" + variants([b"ab"])[0][3:], 1, "variant number 0: checksum does not match"),
        (
            variants([b"ab", b"c"])[0][:-5] + b"d" + variants([b"ab", b"c"])[0][-4:],
            2,
            "variant number 1: checksum does not match",
        ),
        (variants([b"ab"])[0], 1, "here: checksum does not match"),
    ],
)
def test_variants_that_do_not_fit(data, count, problem):
    with pytest.raises(DataLossError, match=problem):
        decoded("variant", (count,), data, 5)


def test_values_are_new_arrays():
    data = bytearray(b"\1\0\0\0")
    value = payload.decode_value(memoryview(data), entry_for("int32", (1,), data), "here", False)
    data[0] = 9
    assert value.tolist() == [1]
    assert value.flags.writeable


def test_quantised_values_are_written_as_their_integers(tmp_path):
    storage = TensorBundle(durable=False)
    storage.write(tmp_path / "p", {"q": Typed("qint16", np.array([1, -2], np.int16))})
    assert storage.open(tmp_path / "p").read("q").tolist() == [1, -2]
    assert (tmp_path / "p.data-00000-of-00001").read_bytes() == b"\1\0\xfe\xff"
