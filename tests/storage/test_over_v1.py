"""Reading into memory that is there, of V1: pieces of partitioned tensors, compressed blocks, strings."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from crc32c import crc32c
from hypothesis import given
from hypothesis import strategies as st

from minitf.core.dtypes import named
from minitf.errors import DataLossError, InvalidArgumentError, NotFoundError
from minitf.storage.bundle.coding import mask, slice_key
from minitf.storage.bundle.table import table_chunks
from minitf.storage.flows import gone_through, in_memory
from minitf.storage.regions import box_of
from minitf.storage.v1 import TensorSlices, over
from minitf.storage.v1.records import TensorMeta, encode_meta, encode_values
from minitf.storage.v1.strings import OtherField, pack_strings, unpack_strings
from minitf.storage.values import Partitioned, Typed
from minitf.storage.varint import varint
from tests.kernel import traced

from .compressing import compress
from .values_to_save import equal, flow, strings

BIG = np.arange(1_200_000, dtype=np.float32).reshape(1200, 1000)
NUMBERS = np.random.default_rng(4).integers(-(1 << 40), 1 << 40, 600_000).reshape(600, 1000)
TEXT = strings([b"%09d" % n for n in range(200_000)], (400, 500))


@pytest.fixture
def prefix(tmp_path):
    return str(tmp_path / "ckpt")


def other(array):
    return np.full(array.shape, b"other", object) if array.dtype == object else np.zeros_like(array)


def grid(shape, cuts):
    """The extents of the boxes between cuts."""
    sides = []
    for n, places in zip(shape, cuts, strict=True):
        bounds = [0, *sorted({place for place in places if 0 < place < n}), n]
        sides.append([(a, b - a) for a, b in itertools.pairwise(bounds)])
    return list(itertools.product(*sides))


def in_pieces(array, slices, typed=lambda piece: piece):
    return Partitioned(array.shape, [(e, typed(np.ascontiguousarray(array[box_of(e, array.shape)]))) for e in slices])


def restored(prefix, spare, key="a"):
    before = spare.copy()
    with TensorSlices().open(prefix).reading_over([key], [spare]) as ([found], fill):
        assert found is spare
        assert equal(spare, before)
        fill()
    return spare


# Pieces -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "array", [BIG, NUMBERS, NUMBERS.astype(np.float64), (BIG % 999).astype(np.float16), NUMBERS * 1j, TEXT]
)
@pytest.mark.parametrize("cuts", [([500], []), ([], [300, 310]), ([5, 390], [490])])
def test_pieces_of_a_tensor_go_to_their_places(prefix, array, cuts):
    """Some are large, some small, some side by side."""
    TensorSlices(durable=False).write(prefix, {"a": in_pieces(array, grid(array.shape, cuts))})
    assert equal(restored(prefix, other(array)), array)
    assert equal(TensorSlices().open(prefix).read("a"), array)


@given(st.data(), st.sampled_from(["float32", "int64", "bool", "qint8", "string"]))
def test_pieces_of_any_cut(tmp_path_factory, data, name):
    shape = tuple(data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=3)))
    cuts = [data.draw(st.lists(st.integers(0, n), max_size=2)) for n in shape]
    array = np.arange(1, int(np.prod(shape)) + 1).reshape(shape)
    array = strings([b"%d" % n for n in array.ravel()], shape) if name == "string" else array.astype(named(name).np)
    prefix = str(tmp_path_factory.mktemp("v1") / "p")
    whole = in_pieces(array, grid(shape, cuts), lambda piece: Typed(name, piece))
    TensorSlices(durable=False).write(prefix, {"a": whole})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(over, "LARGE", 0)
        assert equal(restored(prefix, other(array)), array)
        assert equal(TensorSlices().open(prefix).read("a"), array)
    assert equal(restored(prefix, other(array)), array)


@given(st.data(), st.sampled_from(["float32", "int64", "string"]), st.booleans())
def test_regions_of_any_cut(tmp_path_factory, data, name, large):
    """Of a tensor in pieces and of one that is whole; several of one tensor, as a partitioned variable asks for them."""
    shape = tuple(data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=3)))
    array = np.arange(1, int(np.prod(shape)) + 1).reshape(shape)
    array = strings([b"%d" % n for n in array.ravel()], shape) if name == "string" else array.astype(name)
    prefix = str(tmp_path_factory.mktemp("v1") / "p")
    cuts = [[data.draw(st.lists(st.integers(0, n), max_size=2)) for n in shape] for _ in range(2)]
    TensorSlices(durable=False).write(prefix, {"a": in_pieces(array, grid(shape, cuts[0])), "b": array})
    wanted = grid(shape, cuts[1])
    regions = [tuple(zip(*extents, strict=True)) for extents in wanted] * 2 + [None]
    values = [np.ascontiguousarray(array[box_of(extents, shape)]) for extents in wanted] * 2 + [array]
    keys = [key for key in "ab" for _ in wanted] + ["a"]
    spare = [other(value) for value in values]
    spare[-1] = data.draw(st.sampled_from([spare[-1], None]))
    spare[0] = data.draw(st.sampled_from([spare[0], None, np.zeros(7)]))
    with pytest.MonkeyPatch.context() as patch:
        if large:
            patch.setattr(over, "LARGE", 0)
        with TensorSlices().open(prefix).reading_regions_over(keys, regions, spare) as (found, fill):
            assert all(a is b for a, b in zip(found[1:-1], spare[1:-1], strict=True))
            fill()
    assert all(equal(a, b) for a, b in zip(found, values, strict=True))


def test_pieces_in_several_files(prefix):
    top, bottom = grid(BIG.shape, ([700], []))
    shards = [{"p": in_pieces(BIG, [bottom]), "b": BIG[:2]}, {"p": in_pieces(BIG, [top])}]
    pattern = TensorSlices(durable=False).write_shards(prefix, shards)
    assert equal(restored(pattern, other(BIG), "p"), BIG)
    path = Path(f"{prefix}-00001-of-00002")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    spare = [other(BIG), other(BIG[:2])]
    with pytest.raises(DataLossError), TensorSlices().open(pattern).reading_over(["p", "b"], spare):
        pytest.fail("it was not verified")
    assert not any(array.any() for array in spare)


def file_of(prefix, slices, shape=(4,)):
    """A file whose list tells of these pieces of ones."""
    metas = [TensorMeta("a", shape, named("float32"), tuple(slices))]
    records = {b"": encode_meta(metas)}
    for extents in slices:
        ones = np.ones([n if e is None else e[1] for e, n in zip(extents, shape, strict=True)], np.float32)
        records[slice_key(b"a", extents)] = encode_values("a", extents, flow(ones))
    keys = sorted(records)
    Path(prefix).write_bytes(b"".join(table_chunks(keys, [records[key] for key in keys])))


@pytest.mark.parametrize(
    ("slices", "error", "problem"),
    [
        ([((0, 2),), ((3, 1),)], InvalidArgumentError, "cover 3 of the 4 elements"),
        ([((0, 2),), ((1, 2),)], DataLossError, "overlapping slices 0,2 and 1,2"),
    ],
)
def test_pieces_that_are_no_whole(prefix, slices, error, problem):
    file_of(prefix, slices)
    spare = np.zeros(4, np.float32)
    with pytest.raises(error, match=problem), TensorSlices().open(prefix).reading_over(["a"], [spare]):
        pytest.fail("it was not verified")
    assert not spare.any()


@pytest.mark.parametrize("array", [BIG, NUMBERS, TEXT])
def test_a_name_that_is_longer_than_what_is_read_at_a_time(prefix, array):
    name = "n" * 140_000
    TensorSlices(durable=False).write(prefix, {name: np.ascontiguousarray(array.T)})
    assert equal(restored(prefix, other(array.T.copy()), name), array.T.copy())


# Compressed blocks ------------------------------------------------------------------------------------------------------


SMOOTH = np.repeat(np.arange(30_000, dtype=np.float32), 40).reshape(1200, 1000)
VALUES = {"b": SMOOTH, "c": NUMBERS, "d": NUMBERS >> 30, "e": TEXT, "f": in_pieces(SMOOTH, grid(SMOOTH.shape, ([], [400]))),
          "g": np.ones((1000, 2000), bool)}  # fmt: skip
WHOLE = VALUES | {"f": SMOOTH}


@pytest.mark.parametrize("kept", range(3))
def test_compressed_blocks(prefix, kept):
    """``kept``: which of three blocks are compressed differs."""
    pytest.importorskip("cramjam")
    TensorSlices(durable=False).write(prefix, {f"a{n}": NUMBERS for n in range(kept)} | VALUES)
    compress(Path(prefix), limit=1 << 18)
    reader = TensorSlices().open(prefix)
    for key, array in WHOLE.items():
        assert equal(restored(prefix, other(array), key), array), key
        assert equal(reader.read(key), array), key


@pytest.mark.parametrize("at", [40, 1000, -70, -100, -40_000])
def test_damaged_compressed_blocks_change_nothing(prefix, at):
    pytest.importorskip("cramjam")
    TensorSlices(durable=False).write(prefix, {"a": SMOOTH, "b": SMOOTH + 1})
    compress(Path(prefix), limit=1 << 18)
    content = bytearray(Path(prefix).read_bytes())
    content[at] ^= 1
    Path(prefix).write_bytes(content)
    spare = [other(SMOOTH), other(SMOOTH)]
    with pytest.raises(DataLossError), TensorSlices().open(prefix).reading_over(["a", "b"], spare):
        pytest.fail("it was not verified")
    assert not any(array.any() for array in spare)


def test_a_large_block_of_a_kind_that_is_not_known(prefix):
    TensorSlices(durable=False).write(prefix, {"a": BIG})
    content = bytearray(Path(prefix).read_bytes())
    offset, length = TensorSlices().open(prefix)._files[0].block_of(slice_key(b"a", (None, None)))
    content[offset + length : offset + length + 5] = b"\2" + mask(
        crc32c(b"\2", crc32c(content[offset : offset + length]))
    ).to_bytes(4, "little")
    Path(prefix).write_bytes(content)
    for read in (
        lambda reader: reader.read("a"),
        lambda reader: reader.reading_over(["a"], [other(BIG)]).__enter__(),
    ):
        with pytest.raises(DataLossError, match="bad block type 2"):
            read(TensorSlices().open(prefix))


def far_back(payload):
    """Compressed as no program does it: the last bytes are a copy from the beginning."""
    if len(payload) < 1 << 20:
        cramjam = pytest.importorskip("cramjam")
        return bytes(cramjam.snappy.compress_raw(payload))
    body = payload[:-4]
    out = bytes([62 << 2]) + (len(body) - 1).to_bytes(3, "little") + body  # a literal
    far = len(body) - body.index(payload[-4:-3])
    return varint(len(payload)) + out + b"\3" + far.to_bytes(4, "little") + bytes([2 << 2]) + payload[-3:]


def test_copies_from_far_away(prefix):
    pytest.importorskip("cramjam")
    TensorSlices(durable=False).write(prefix, {"b": BIG, "c": NUMBERS})
    compress(Path(prefix), limit=1 << 18, pack=far_back)
    assert equal(restored(prefix, other(BIG), "b"), BIG)
    reader = TensorSlices().open(prefix)
    assert equal(reader.read("b"), BIG)
    assert equal(restored(prefix, other(NUMBERS), "c"), NUMBERS)
    assert equal(in_memory(reader.large("b")), BIG)
    assert equal(in_memory(reader.large("c")), NUMBERS)


def test_strings_with_copies_from_far_away(prefix):
    """What was given out before that was seen is not given out once more."""
    pytest.importorskip("cramjam")
    TensorSlices(durable=False).write(prefix, {"b": TEXT})
    compress(Path(prefix), limit=1 << 18, pack=far_back)
    assert equal(in_memory(TensorSlices().open(prefix).large("b")), TEXT)


@pytest.mark.parametrize("value", [BIG, strings([b"x" * 1000 for _ in range(4000)]), strings([b"y" * 4_000_000])])
def test_large_values_are_gone_through_with_little_memory(prefix, value):
    TensorSlices(durable=False).write(prefix, {"v": value})
    reader = TensorSlices().open(prefix)
    found = reader.large("v")
    assert traced(lambda: gone_through(found)) < 3 << 20  # of 4 MB and more
    assert traced(lambda: [len(some) for some in found.lengths()] if value.dtype == object else None) < 3 << 20


# Strings ----------------------------------------------------------------------------------------------------------------


def cut(data, size):
    return [data[at : at + size] for at in range(0, len(data), size)]


@given(st.lists(st.binary(max_size=200), max_size=20), st.integers(1, 300))
def test_fields_of_strings_in_pieces(items, size):
    fields = b"".join(pack_strings(flow(strings(items))))
    assert list(itertools.chain.from_iterable(unpack_strings(cut(fields, size), True, "here"))) == items
    assert len(list(itertools.chain.from_iterable(unpack_strings(cut(fields, size), False, "here")))) == len(items)


@pytest.mark.parametrize("size", [1, 3, 100])
def test_fields_that_are_no_strings(size):
    good = b"".join(pack_strings(flow(strings([b"abcdef", b"x"]))))
    for bad, error in (
        (good + b"\x40\1", OtherField),
        (good[:-1], DataLossError),
        (good[:-2], DataLossError),
        (good[:5], DataLossError),
        (good + b"\x42" + b"\xff" * 11 + b"\1", DataLossError),
    ):
        with pytest.raises(error):
            list(unpack_strings(cut(bad, size), True, "here"))


def strings_file(prefix, value, count):
    metas = [TensorMeta("a", (count,), named("string"), ((None,),))]
    records = {b"": encode_meta(metas), slice_key(b"a", (None,)): value}
    Path(prefix).write_bytes(b"".join(table_chunks(list(records), list(records.values()))))


def record(array, more=b""):
    """A record of strings, and more fields behind them."""
    fields = b"".join(pack_strings(flow(array)))
    encoded = encode_values("a", (None,), flow(array))
    whole = encoded if isinstance(encoded, bytes) else b"".join(encoded)
    head = whole[whole.index(b"\n\1a") : len(whole) - len(fields)]
    inner = head[: head.rindex(b"\x1a")] + b"\x1a" + varint(len(fields + more)) + fields + more
    return b"\x12" + varint(len(inner)) + inner


def test_few_strings_among_other_fields(prefix, monkeypatch):
    """What was given out before is left out, wherever the other field stands."""
    monkeypatch.setattr("minitf.storage.flows.PIECE", 24)
    monkeypatch.setattr("minitf.storage.flows.MANY", 3)
    array = strings([b"%d" % n * (n % 7) for n in range(60)])
    strings_file(prefix, record(array, b"\x28\0"), array.size)
    monkeypatch.setattr(over, "LARGE", 1)
    found = TensorSlices().open(prefix).large("a")
    assert equal(in_memory(found), array)
    assert b"".join(found.text()) == b"".join(array.tolist())


def test_strings_among_other_fields(prefix):
    """Legal, though nobody writes it: as small values are read."""
    array = TEXT.reshape(-1)
    strings_file(prefix, record(array, b"\x28\0"), array.size)
    assert equal(restored(prefix, other(array)), array)
    assert equal(in_memory(TensorSlices().open(prefix).large("a")), array)


@pytest.mark.parametrize("count", [199_999, 200_001])
def test_more_or_fewer_strings(prefix, count):
    strings_file(prefix, record(TEXT.reshape(-1)), count)
    spare = other(np.empty(count, object))
    with pytest.raises(DataLossError, match=f"200000 values stored; string .* has {count}"):
        with TensorSlices().open(prefix).reading_over(["a"], [spare]):
            pytest.fail("it was not verified")
    assert set(spare.tolist()) == {b"other"}
    with pytest.raises(DataLossError, match=f"200000 values stored; string .* has {count}"):
        gone_through(TensorSlices().open(prefix).large("a"))


def test_strings_that_are_listed_and_not_there(prefix):
    metas = [TensorMeta("a", (200_000,), named("string"), ((None,),))]
    records = {b"": encode_meta(metas), slice_key(b"b", (None,)): record(TEXT.reshape(-1))}
    Path(prefix).write_bytes(b"".join(table_chunks(list(records), list(records.values()))))
    spare = other(TEXT.reshape(-1))
    with pytest.raises(NotFoundError, match="is listed, but"), TensorSlices().open(prefix).reading_over(["a"], [spare]):
        pytest.fail("it is not there")
