"""Reading into memory that is there, in the odd corners of npz and safetensors: other orders, strings, damage."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from crc32c import crc32c
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from minitf.core.dtypes import named
from minitf.errors import DataLossError, InvalidArgumentError
from minitf.storage import filling, flows
from minitf.storage.carried import checksum, encode_notes
from minitf.storage.npz import Npz
from minitf.storage.safetensors import Safetensors
from minitf.storage.v1 import TensorSlices
from minitf.storage.values import Partitioned

from .values_to_save import equal, strings

STORAGES = [Safetensors, Npz, TensorSlices]
LONG = strings([b"", b"a" * 3_000_000, b"b", *(b"%d" % n for n in range(40_000)), b"c" * 2_000_000, b"d"])


@pytest.fixture
def prefix(tmp_path):
    return str(tmp_path / "ckpt")


@pytest.fixture
def small(monkeypatch):
    """Pieces of a few bytes."""
    make_small(monkeypatch)


def make_small(monkeypatch):
    monkeypatch.setattr("minitf.storage.npz.PIECE", 7)
    monkeypatch.setattr("minitf.storage.npz.HEADER_LIMIT", 130)
    for module in (filling, flows):
        monkeypatch.setattr(module, "PIECE", 7)
        monkeypatch.setattr(module, "MANY", 3)


def other(array):
    """An array like another one, with other contents."""
    return np.full(array.shape, b"other", object) if array.dtype == object else np.full_like(array, 1)


def restored(reader, key, spare):
    before = spare.copy()
    with reader.reading_over([key], [spare]) as ([found], fill):
        assert found is spare
        assert equal(spare, before)
        fill()
    return spare


# Arrays of other programs -----------------------------------------------------------------------------------------------


def in_other_orders(array):
    """The array in both orders of bytes, row by row, column by column and in neither."""
    swapped = array.astype(array.dtype.newbyteorder())
    return [array, swapped, np.array(array, order="F"), np.array(swapped, order="F")]


SHAPES = npst.array_shapes(min_dims=0, max_dims=4, min_side=1, max_side=5)
KINDS = ["?", "i1", "i2", "u4", "i8", "f2", "f4", "f8", "c8", "c16", "U3", "S3"]


@given(npst.arrays(st.sampled_from(KINDS), SHAPES, elements=None), st.booleans())
def test_arrays_of_other_programs(tmp_path_factory, array, packed):
    if array.dtype.kind == "U":
        array = np.vectorize(lambda text: "".join(sign for sign in text if not "\ud800" <= sign <= "\udfff"), ["U3"])(array)
    prefix = str(tmp_path_factory.mktemp("npz") / "p")
    (np.savez_compressed if packed else np.savez)(prefix, *in_other_orders(array))
    wanted = array
    if array.dtype.kind in "SU":
        items = [item if isinstance(item, bytes) else item.encode() for item in array.ravel().tolist()]
        wanted = strings(items, array.shape)
    reader = Npz().open(prefix)
    for key in reader.keys():
        assert equal(reader.read(key), wanted), key
        assert reader.read(key).flags.c_contiguous
        assert equal(restored(reader, key, other(wanted)), wanted), key


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("kind", ["i2", "f8", "S5", "U2"])
def test_elements_that_go_on_in_the_next_piece(prefix, kind):
    array = np.arange(3 * 4 * 5).reshape(3, 4, 5).astype(kind)
    np.savez(prefix, *in_other_orders(array))
    reader = Npz().open(prefix)
    for key in reader.keys():
        wanted = reader.read(key)
        assert wanted.tolist() == (array if kind[0] in "if" else np.char.encode(array.astype("U5"))).tolist()
        assert equal(restored(reader, key, other(wanted)), wanted)


@pytest.mark.parametrize("kind", [">f4", "S9", "<U9"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_damaged_archive_of_another_program_changes_nothing(prefix, kind, order):
    array = np.asarray(np.arange(400_000).reshape(800, 500).astype(kind), order=order)
    np.savez(prefix, a=np.arange(400_000.0), b=array)
    path = Path(f"{prefix}.npz")
    content = bytearray(path.read_bytes())
    content[-1000] ^= 1
    path.write_bytes(content)
    spare = [np.zeros(400_000), other(Npz().open(prefix).spec("b").dtype.np.type(0) * np.zeros(array.shape, kind[1] + "4")
             if kind == ">f4" else np.empty(array.shape, object))]  # fmt: skip
    before = spare[1].copy()
    with pytest.raises(DataLossError, match="key 'b'"), Npz().open(prefix).reading_over(["a", "b"], spare):
        pytest.fail("it was not verified")
    assert not spare[0].any()
    assert equal(spare[1], before)


@pytest.mark.parametrize("sign", [0xD800, 0x110000])
def test_text_that_is_none(prefix, sign):
    """NumPy's arrays of text hold any number."""
    array = np.array([97, sign, 98], np.uint32).view("U1")
    np.savez(prefix, a=np.zeros(3), b=array)
    reader = Npz().open(prefix)
    with pytest.raises(DataLossError, match="key 'b'"):
        reader.read("b")
    spare = [np.ones(3), strings([b"x"] * 3)]
    with pytest.raises(DataLossError, match="key 'b'"), reader.reading_over(["a", "b"], spare):
        pytest.fail("it was not verified")
    assert spare[0].all()
    assert spare[1].tolist() == [b"x"] * 3


# Strings ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", STORAGES)
@pytest.mark.parametrize("value", [LONG, LONG[:1], np.array(b"x" * 2_000_000, object), LONG[:40_002].reshape(2, 20_001)])
def test_strings(prefix, kind, value):
    kind(durable=False).write(prefix, {"a": np.arange(9), "s": value, "t": LONG[2:9]})
    reader = kind().open(prefix)
    assert equal(reader.read("s"), value)
    assert equal(restored(reader, "s", other(value)), value)
    assert equal(restored(reader, "t", other(LONG[2:9])), LONG[2:9])


@given(st.lists(st.binary(max_size=30), min_size=1, max_size=20))
def test_strings_in_small_pieces(tmp_path_factory, items):
    value = strings(items)
    for kind in (Safetensors, Npz):
        prefix = str(tmp_path_factory.mktemp("s") / "p")
        with pytest.MonkeyPatch.context() as patch:
            make_small(patch)
            kind(durable=False).write(prefix, {"s": value, "text": np.array([str(n) for n in items], object)})
            reader = kind().open(prefix)
            assert equal(restored(reader, "s", other(value)), value)
            assert equal(reader.read("text"), strings([str(n).encode() for n in items]))


@pytest.mark.parametrize("kind", STORAGES)
@pytest.mark.parametrize("at", [200, 300_000, -300_000])
def test_damaged_strings_change_nothing(prefix, kind, at):
    kind(durable=False).write(prefix, {"a": np.arange(9), "s": LONG})
    path = Path(kind().open(prefix).source)
    content = bytearray(path.read_bytes())
    content[at + content.index(b"a" * 100) if at == 200 else at] ^= 1
    path.write_bytes(content)
    spare = [np.zeros(9, np.int64), other(LONG)]
    with pytest.raises(DataLossError), kind().open(prefix).reading_over(["a", "s"], spare):
        pytest.fail("it was not verified")
    assert not spare[0].any()
    assert equal(spare[1], other(LONG))


@pytest.mark.parametrize("kind", STORAGES)
def test_strings_that_change_between_verifying_and_filling(prefix, kind):
    kind(durable=False).write(prefix, {"s": LONG})
    reader = kind().open(prefix)
    at = Path(reader.source).read_bytes().index(b"a" * 100)
    with reader.reading_over(["s"], [other(LONG)]) as (_, fill):
        with open(reader.source, "r+b") as file:
            file.seek(at)
            file.write(b"\xff" * 8)
        with pytest.raises(DataLossError):
            fill()


@pytest.mark.parametrize("kind", [Safetensors, Npz])
@pytest.mark.parametrize("length", [1 << 20, 1 << 62])
def test_lengths_that_change_between_verifying_and_filling(prefix, kind, length):
    kind(durable=False).write(prefix, {"s": LONG})
    reader = kind().open(prefix)
    at = Path(reader.source).read_bytes().index((3_000_000).to_bytes(8, "little"))
    with reader.reading_over(["s"], [other(LONG)]) as (_, fill):
        with open(reader.source, "r+b") as file:
            file.seek(at)
            file.write(length.to_bytes(8, "little"))
        with pytest.raises(DataLossError, match="key 's'"):
            fill()


def test_pieces_that_are_saved_whole(prefix, small):
    """Put together a little at a time."""
    array = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
    pieces = [
        ((None, (2, 2), None), array[:, 2:]),
        (((0, 1), (0, 2), None), array[:1, :2]),
        (((1, 2), (0, 2), None), array[1:, :2]),
    ]
    pieces = Partitioned(array.shape, [(e, piece.copy()) for e, piece in pieces])
    for kind in (Npz, Safetensors):
        kind(durable=False).write(prefix, {"a": pieces, "b": Partitioned((), [((), np.array(5.0))])})
        assert equal(kind().open(prefix).read("a"), array)
        assert kind().open(prefix).read("b") == 5
        with pytest.raises(InvalidArgumentError, match="'a' does not have sufficient slices"):
            kind().write(prefix, {"a": Partitioned(array.shape, pieces.pieces[:2])})


def one_value(prefix, kind, raw, note):
    """A sound file of one value that is carried, with these bytes."""
    note = json.loads(json.dumps(note))
    if kind is Npz:
        array = np.frombuffer(raw, np.uint8)
        notes = encode_notes({"a": note}, {"a": checksum(crc32c(raw), "|u1", array.shape, note)})
        np.savez(f"{prefix}.npz", a=array, __minitf__=np.frombuffer(notes.encode(), np.uint8))
    else:
        notes = encode_notes({"a": note}, {"a": checksum(crc32c(raw), "U8", (len(raw),), note)})
        entry = {"dtype": "U8", "shape": [len(raw)], "data_offsets": [0, len(raw)]}
        header = json.dumps({"__metadata__": {"written_by": "minitf", "minitf": notes}, "a": entry}).encode()
        Path(f"{prefix}.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + raw)
    return kind().open(prefix)


@pytest.mark.parametrize("kind", [Safetensors, Npz])
@pytest.mark.parametrize(
    ("lengths", "text", "problem"),
    [
        ([1, 2], b"abcd", "the strings have 3 bytes; there are 4"),
        ([1, 2], b"ab", "the strings have 3 bytes; there are 2"),
        ([1 << 63, 1 << 63], b"", "the strings have 18446744073709551616 bytes; there are 0"),
        ([1], b"", "8 bytes cannot hold 2 strings"),
    ],
)
def test_lengths_that_are_none(prefix, kind, lengths, text, problem):
    raw = np.array(lengths, "<u8").tobytes() + text
    reader = one_value(prefix, kind, raw, {"dtype": "string", "shape": [2]})
    spare = strings([b"x", b"y"])
    with pytest.raises(DataLossError, match=f"key 'a': {problem}"), reader.reading_over(["a"], [spare]):
        pytest.fail("it was not verified")
    assert spare.tolist() == [b"x", b"y"]
    with pytest.raises(DataLossError, match=f"key 'a': {problem}"):
        reader.read("a")


@pytest.mark.parametrize("kind", [Safetensors, Npz])
@pytest.mark.parametrize("size", [7, 9])
def test_numbers_that_are_carried_in_other_many_bytes(prefix, kind, size):
    reader = one_value(prefix, kind, bytes(size), {"dtype": "int32", "shape": [2]})
    spare = np.ones(2, np.int32)
    with pytest.raises(DataLossError, match=f"key 'a': {size} bytes stored; int32.* has 8"):
        with reader.reading_over(["a"], [spare]):
            pytest.fail("it was not verified")
    assert spare.tolist() == [1, 1]


# Regions ----------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("small")
@given(st.data(), st.sampled_from(["float32", "bfloat16", "int4", "bool", "string"]), st.booleans())
def test_regions(tmp_path_factory, data, name, foreign):
    """What a partitioned variable asks for: several regions of one value, some of them twice, one of all of it."""
    shape = tuple(data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=3)))
    array = np.arange(int(np.prod(shape))).reshape(shape) % 8
    array = strings([b"%d" % n for n in array.ravel()], shape) if name == "string" else array.astype(named(name).np)
    extents = [[(a := data.draw(st.integers(0, n - 1)), data.draw(st.integers(1, n - a))) for n in shape] for _ in range(3)]
    regions = [tuple(zip(*sides, strict=True)) for sides in extents] + [None]
    values = [array[tuple(slice(a, a + n) for a, n in sides)].copy() for sides in extents] + [array]
    prefix = str(tmp_path_factory.mktemp("r") / "p")
    for kind in (Npz, Safetensors):
        if foreign and name in ("float32", "bool") and kind is Npz:
            np.savez(prefix, a=np.array(array.astype(array.dtype.newbyteorder()), order="F"))
        else:
            kind(durable=False).write(prefix, {"a": array})
        spare = [other(value) for value in values]
        taken = [data.draw(st.booleans()) for _ in values]
        given_ = [array if one else None for array, one in zip(spare, taken, strict=True)]
        with kind().open(prefix).reading_regions_over(["a"] * 4, regions, given_) as (found, fill):
            assert all(a is b for a, b, one in zip(found, spare, taken, strict=True) if one)
            fill()
        assert all(equal(a, b) for a, b in zip(found, values, strict=True))


@pytest.mark.parametrize("kind", [Npz, Safetensors])
def test_a_region_that_is_not_inside(prefix, kind):
    kind(durable=False).write(prefix, {"a": np.zeros(3)})
    with pytest.raises(InvalidArgumentError, match="is not inside 'a'"):
        with kind().open(prefix).reading_regions_over(["a"], [([1], [3])], [np.zeros(3)]):
            pytest.fail("it is not there")


@pytest.mark.parametrize("kind", STORAGES)
@pytest.mark.parametrize("dtype", ["float32", "bool", "bfloat16"])
def test_regions_for_which_there_is_no_memory(prefix, kind, dtype):
    array = (np.arange(2000).reshape(40, 50) % 2).astype(named(dtype).np)
    if kind is TensorSlices and dtype == "bfloat16":
        pytest.skip("V1 has no bfloat16")
    kind(durable=False).write(prefix, {"a": array})
    regions = [((1, 3), (30, 40)), None, ((10, 10), (5, 5)), ((10, 10), (5, 5))]
    spare = [None, None, np.zeros((25, 25), array.dtype), np.zeros((5, 5), array.dtype)]
    with kind().open(prefix).reading_regions_over(["a"] * 4, regions, spare) as (found, fill):
        assert [value is mine for value, mine in zip(found, spare, strict=True)] == [False, False, False, True]
        fill()
    wanted = [array[1:31, 3:43], array, array[10:15, 10:15], array[10:15, 10:15]]
    assert all(equal(value, np.ascontiguousarray(part)) for value, part in zip(found, wanted, strict=True))
    assert not spare[2].any()


def test_the_last_sign_that_there_is(prefix):
    np.savez(prefix, a=np.array(["\U0010ffff", "a"]), b=np.array(["\U0010ffff"]).astype(">U1"))
    reader = Npz().open(prefix)
    assert reader.read("a").tolist() == ["\U0010ffff".encode(), b"a"]
    assert reader.read("b").tolist() == ["\U0010ffff".encode()]


@pytest.mark.parametrize("size", [8, 16, 24, 40])
def test_numbers_are_put_where_they_go_some_at_a_time(monkeypatch, size):
    monkeypatch.setattr(filling, "PIECE", 16)
    wanted = np.arange(size // 8, dtype=np.int64)
    array = np.zeros_like(wanted)
    elements = filling.Elements(wanted.shape, wanted.dtype, filling.whole(array))
    filling.fill_numbers(elements, size, filling.fetching(memoryview(wanted.tobytes())))
    assert (elements.count, array.tolist()) == (len(wanted), wanted.tolist())


@pytest.mark.parametrize("name", ["complex64", "float8_e4m3fnuz", "float8_e5m2fnuz"])
def test_dtypes_that_others_write_to_safetensors(prefix, name):
    told = {"complex64": "C64", "float8_e4m3fnuz": "F8_E4M3FNUZ", "float8_e5m2fnuz": "F8_E5M2FNUZ"}[name]
    array = np.arange(6).astype(named(name).np).reshape(2, 3)
    header = json.dumps({"a": {"dtype": told, "shape": [2, 3], "data_offsets": [0, array.nbytes]}}).encode()
    Path(f"{prefix}.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + array.tobytes())
    reader = Safetensors().open(prefix)
    assert (reader.spec("a").dtype.name, reader.spec("a").shape) == (name, (2, 3))
    assert equal(reader.read("a"), array)


@pytest.mark.parametrize("kind", [Safetensors, Npz])
def test_strings_that_are_cut_off_between_verifying_and_filling(prefix, kind):
    array = strings([b"%d" % n for n in range(40_000)])
    kind(durable=False).write(prefix, {"a": array})
    path = Path(f"{prefix}.{kind.name}")
    spare = np.full(array.shape, b"other", object)
    with kind().open(prefix).reading_over(["a"], [spare]) as (_, fill):
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size // 2)
        with pytest.raises(DataLossError, match=re.escape(str(path))):
            fill()


def test_a_file_without_checksums_that_is_cut_off_between(prefix):
    """The file's length is all that tells."""
    array = np.arange(6000, dtype=np.float32).reshape(60, 100)
    header = json.dumps({"a": {"dtype": "F32", "shape": [60, 100], "data_offsets": [0, array.nbytes]}}).encode()
    path = Path(f"{prefix}.safetensors")
    path.write_bytes(len(header).to_bytes(8, "little") + header + array.tobytes())
    spare = np.zeros((60, 99), np.float32)
    with Safetensors().open(prefix).reading_regions_over(["a"], [((0, 1), (60, 99))], [spare]) as (_, fill):
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size - 4)
        with pytest.raises(DataLossError, match=f"{re.escape(str(path))}.*: the file became shorter while it was being read"):
            fill()
