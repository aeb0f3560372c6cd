"""Strings, pieces and the other byte order, read into arrays that are there, and written, a little at a time.

The law: what comes of it is what comes of reading and writing at once. The sizes at which things are done in pieces are made
small, so that all of them are crossed by small values.
"""

import itertools
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from crc32c import crc32c
from hypothesis import given
from hypothesis import strategies as st

from minitf.core.overwriting import Resizable
from minitf.errors import (
    DataLossError,
    InvalidArgumentError,
    NotFoundError,
    OpError,
    ResourceExhaustedError,
    UnimplementedError,
)
from minitf.storage import string_pieces
from minitf.storage.bundle import TensorBundle, fetching, flowing, over, payload, spans, streams, strings, writer
from minitf.storage.bundle.entries import decode_entry, encode_entry
from minitf.storage.files import Disk
from minitf.storage.regions import boxes_of_run, volume
from minitf.storage.values import Partitioned, Typed
from minitf.storage.varint import varint

from .tampering import edit
from .values_to_save import VALUES, equal, native_arrays, string_arrays
from .values_to_save import strings as array_of

FAST = TensorBundle(durable=False)
MIB = 1 << 20


@contextmanager
def sizes(text=MIB, lengths=1 << 16, chunk=MIB, room=MIB, small=1 << 18, large=MIB, some=1 << 12, piece=MIB):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(string_pieces, "TOGETHER", text)
        patch.setattr(strings, "PIECE", lengths)
        patch.setattr(spans, "CHUNK", chunk)
        patch.setattr(flowing, "ROOM", room)
        patch.setattr(fetching, "SMALL", small)
        patch.setattr(writer, "LARGE", large)
        patch.setattr(streams, "SOME", some)
        patch.setattr(streams, "PIECE", piece)
        yield


small_sizes = st.fixed_dictionaries(
    {
        "text": st.sampled_from([0, 1, 7, 1 << 20]), "lengths": st.sampled_from([10, 16, 1 << 16]),
        "chunk": st.sampled_from([2, 7, 1 << 20]), "room": st.sampled_from([16, 48, 1 << 20]), "small": st.just(0),
    }
)  # fmt: skip
write_sizes = st.fixed_dictionaries(
    {"large": st.sampled_from([0, 9, MIB]), "some": st.sampled_from([1, 3, 1 << 12]), "piece": st.sampled_from([16, MIB])}
)


@st.composite
def texts(draw):
    """Strings, short ones and now and then one whose length takes several bytes."""
    longer = st.sampled_from([b"x" * 127, b"y" * 128, b"z" * 20_000])
    return array_of(draw(st.lists(st.one_of(st.binary(max_size=3), longer), max_size=9)))


values = st.one_of(texts(), string_arrays(), texts().map(lambda array: Typed("variant", array)), native_arrays())


def bare(value):
    return value.array if isinstance(value, Typed) else value


def spare_for(value):
    array = bare(value)
    out = np.empty(array.shape, array.dtype)
    out[...] = b"old" if array.dtype == object else 1
    return out


@given(first=values, second=values, read=small_sizes, write=write_sizes, big_endian=st.booleans())
def test_what_is_read_over_is_what_was_written(tmp_path_factory, first, second, read, write, big_endian):
    if any(isinstance(value, Typed) for value in (first, second)):
        big_endian = False
    prefix = str(tmp_path_factory.mktemp("over") / "c")
    contents = {"a": first, "b": second}
    storage = TensorBundle(durable=False, big_endian=big_endian)
    storage.write(prefix, contents)
    at_once = Path(prefix + ".data-00000-of-00001").read_bytes(), Path(prefix + ".index").read_bytes()
    with sizes(**write):
        TensorBundle(durable=False, big_endian=big_endian).write(prefix + "x", contents)
    assert (Path(prefix + "x.data-00000-of-00001").read_bytes(), Path(prefix + "x.index").read_bytes()) == at_once
    wanted = FAST.open(prefix).read_many(["a", "b"])
    with sizes(**read):
        opened = FAST.open(prefix)
        spare = [spare_for(first), spare_for(second)]
        before = [array.copy() for array in spare]
        with opened.reading_over(["a", "b"], spare) as (found, fill):
            assert all(map(equal, spare, before))
            fill()
        again = opened.read_many(["a", "b"])
        for value, other, array in zip(found, wanted, spare, strict=True):
            assert value is array or not value.size
            assert equal(value, other)
        assert all(map(equal, again, wanted))
        assert all(value.base is None for value in again)


TEXT = array_of([b"", b"some", b"x" * 300, b"\0", b"another one"])


@pytest.mark.parametrize("name", ["string", "variant"])
def test_every_bit_of_strings_counts(tmp_path, name):
    """Whatever bit of them is another: nothing changes, and the error is that of reading at once."""
    prefix = str(tmp_path / "c")
    FAST.write(prefix, {"a": np.arange(3), "s": Typed(name, TEXT)})
    path = Path(prefix + ".data-00000-of-00001")
    content = path.read_bytes()
    opened = FAST.open(prefix)
    spare = [np.zeros(3, np.int64), spare_for(TEXT)]
    for place, bit in itertools.product(range(24, len(content)), range(8)):
        damaged = bytearray(content)
        damaged[place] ^= 1 << bit
        path.write_bytes(damaged)
        with pytest.raises(DataLossError) as at_once:
            opened.read("s")
        with sizes(text=7, chunk=64, small=0):
            with pytest.raises(DataLossError) as over_it, opened.reading_over(["a", "s"], spare):
                pytest.fail("it is damaged")
            with pytest.raises(DataLossError) as in_pieces:
                opened.read("s")
        assert str(over_it.value) == str(at_once.value) == str(in_pieces.value)
    assert equal(spare[0], np.zeros(3, np.int64))
    assert (spare[1] == b"old").all()


@pytest.mark.parametrize("name", ["string", "variant"])
def test_a_file_that_gives_other_bytes_the_second_time_is_an_error(tmp_path, name):
    prefix = str(tmp_path / "c")
    FAST.write(prefix, {"s": Typed(name, TEXT)})
    path = Path(prefix + ".data-00000-of-00001")
    content = path.read_bytes()
    opened = FAST.open(prefix)
    unused = range(6, 10) if name == "string" else ()  # the lengths' own checksum: that of everything tells, too
    for place in sorted({*range(len(content))} - {*unused}):
        spare = spare_for(TEXT)
        with sizes(text=7, chunk=64), opened.reading_over(["s"], [spare]) as ([value], fill):
            damaged = bytearray(content)
            damaged[place] ^= 0x41
            with path.open("r+b") as file:
                file.write(damaged)
            with pytest.raises(DataLossError):
                fill()
        assert all(type(item) is bytes for item in value)
        path.write_bytes(content)


@pytest.mark.parametrize("kept", [0, 3, 30, 200])
@pytest.mark.parametrize("chunk", [16, 1 << 20])
def test_a_file_that_is_shorter_the_second_time_is_an_error(tmp_path, kept, chunk):
    prefix = str(tmp_path / "c")
    contents = {"s": TEXT, "v": Typed("variant", TEXT), "n": Partitioned((2, 40), [(((0, 2), (0, 20)), np.ones((2, 20)))] + [
        (((0, 2), (20, 20)), np.ones((2, 20)))])}  # fmt: skip
    for key in contents:
        FAST.write(prefix + key, {key: contents[key]})
        opened = FAST.open(prefix + key)
        spare = spare_for(contents[key]) if key != "n" else np.zeros((2, 40))
        with sizes(text=7, chunk=chunk), opened.reading_over([key], [spare]) as (_, fill):
            with Path(prefix + key + ".data-00000-of-00001").open("r+b") as file:
                file.truncate(kept)
            with pytest.raises(DataLossError, match="became shorter"):
                fill()


def stored_text(lengths, text, count=None, order="little"):
    """A string value of any lengths, sound or not, and its checksum."""
    crc = crc32c(b"".join(n.to_bytes(4 if n < 1 << 32 else 8, order) for n in lengths))
    checksum = payload.mask(crc).to_bytes(4, order)
    return b"".join(map(varint, lengths)) + checksum + text, crc32c(text, crc32c(checksum, crc))


def says(prefix, data, crc):
    """Puts bytes in the place of a checkpoint's only value, ``s``, and its entry says so."""
    Path(prefix + ".data-00000-of-00001").write_bytes(data)

    def change(records):
        records[b"s"] = encode_entry(decode_entry(records[b"s"], "s")._replace(size=len(data), crc=payload.mask(crc)))

    edit(Path(prefix + ".index"), change)


MALFORMED = {
    "the length checksum does not match: stored 00000000": (b"\3\1\0" + bytes(4) + b"abcd", 0),
    "no room for their checksum": (b"\x81\x80\0\x81\x80\0\0", 0),
    "a string of 1000 bytes is longer": stored_text([1, 1000, 1], b"abc"),
    "number 1: a string of 4294967297 bytes": stored_text([1, (1 << 32) + 1, 1], b"abc"),
    "number 1: a string of 9223372036854775809 bytes": stored_text([1, (1 << 63) + 1, 1], b"abc"),
    "have 4 bytes, the entry has room for 3": stored_text([1, 2, 1], b"abc"),
    "number 2: a varint at byte 5 is cut off": (b"\1\x81\x80\x80\0\x80\x80", 0),
    "number 1: a varint at byte 1 is cut off or too long": (b"\1" + b"\x80" * 12 + b"\1\1", 0),
    "number 0: a varint at byte 0 is cut off or too long": (b"\xff" * 7, 0),
    "number 2: a varint at byte 6 is cut off or too long": (b"\1" + b"\x81\x80\x80\x80\0" + b"\xff" * 9 + b"\x7f" * 3, 0),
}


@pytest.mark.parametrize("problem", MALFORMED)
def test_malformed_strings(tmp_path, problem):
    """Read at once and in pieces: the same error."""
    data, crc = MALFORMED[problem]
    prefix = str(tmp_path / "c")
    FAST.write(prefix, {"s": array_of([b"abc", b"d", b""])})
    says(prefix, data, crc)
    opened, spare = FAST.open(prefix), array_of([b"old"] * 3)
    found = []
    for small in (1 << 18, 0):
        with sizes(small=small, lengths=16), pytest.raises(DataLossError, match=problem) as error:
            opened.read("s")
        found.append(str(error.value))
    with sizes(lengths=16), pytest.raises(DataLossError) as error, opened.reading_over(["s"], [spare]):
        pytest.fail("it is malformed")
    assert found == [str(error.value)] * 2
    assert (spare == b"old").all()


@pytest.mark.parametrize(("more", "crc", "problem"), [(b"abc", 0, "3 bytes behind the last"), (b"", 1, "checksum does not")])
def test_malformed_variants(tmp_path, more, crc, problem):
    prefix = str(tmp_path / "c")
    FAST.write(prefix, {"s": Typed("variant", TEXT)})
    data = Path(prefix + ".data-00000-of-00001").read_bytes() + more
    says(prefix, data, crc)
    opened, found = FAST.open(prefix), []
    for small in (1 << 18, 0):
        with sizes(small=small), pytest.raises(DataLossError, match=problem) as error:
            opened.read("s")
        found.append(str(error.value))
    with pytest.raises(DataLossError) as error, opened.reading_over(["s"], [spare_for(TEXT)]):
        pytest.fail("it is malformed")
    assert found == [str(error.value)] * 2


def test_varints_that_are_longer_than_they_need_be(tmp_path):
    prefix = str(tmp_path / "c")
    FAST.write(prefix, {"s": array_of([b"abc", b"d", b""])})
    tidy, crc = stored_text([3, 1, 0], b"abcd")
    data = b"\x83\x80\x80\x80\x80\0" + b"\x81\x80\0" + b"\x80\0" + tidy[3:]
    says(prefix, data, crc)
    spare = array_of([b"old"] * 3)
    for lengths in (10, 1 << 16):
        with sizes(lengths=lengths), FAST.open(prefix).reading_over(["s"], [spare]) as (_, fill):
            fill()
        assert spare.tolist() == [b"abc", b"d", b""]


def test_variants_in_the_other_byte_order_are_not_defined(tmp_path):
    prefix = str(tmp_path / "c")
    FAST.write(prefix, {"v": Typed("variant", TEXT)})
    opened = FAST.open(prefix)
    opened.index.header.big_endian = True
    for small in (0, 1 << 18):
        with sizes(small=small), pytest.raises(UnimplementedError, match="not defined"):
            opened.read("v")
    with pytest.raises(UnimplementedError, match="not defined"), opened.reading_over(["v"], [spare_for(TEXT)]):
        pytest.fail("nobody knows how")


# Writing -----------------------------------------------------------------------------------------------------------------


byte_or_text = st.one_of(st.binary(max_size=40), st.text(max_size=20))


@given(items=st.lists(byte_or_text, min_size=1), piece=st.sampled_from([1, 8, 1 << 20]))
def test_streams_are_what_is_made_at_once_in_small_pieces(items, piece):
    array = array_of(items)
    with sizes(some=3, piece=piece):
        for stream, at_once in [
            (streams.strings(array, "k", False), payload.encode_strings(array, "k", False)),
            (streams.strings(array, "k", True), payload.encode_strings(array, "k", True)),
            (streams.variants(array, "k"), payload.encode_variants(array, "k")),
        ]:
            for _ in range(2):
                found = list(stream.pieces())
                assert all(0 < len(part) < 2 * piece or piece == 1 for part in found)
                assert (b"".join(found), stream.crc) == at_once
            assert len(stream) == len(at_once[0])


@pytest.mark.parametrize("later", [[b"longer"], [b""]])
def test_strings_that_change_while_they_are_written(tmp_path, later):
    array = array_of([b"text"])
    stream = streams.strings(array, "k", False)
    array[:] = later
    with pytest.raises(InvalidArgumentError, match="'k' have changed"):
        list(stream.pieces())


def test_elements_that_are_no_strings_are_refused_before_anything_is_written(tmp_path):
    prefix = str(tmp_path / "c")
    for name in ("string", "variant"):
        with sizes(some=2), pytest.raises(InvalidArgumentError, match="'k' has an element 3"):
            FAST.write(prefix, {"k": Typed(name, array_of([b"a", "b", b"c", 3]))})
    assert not list(tmp_path.iterdir())


def test_large_strings_are_written_again_and_durably(tmp_path):
    """The plan of the last save holds for a stream, too, as long as the strings have as many bytes in all."""
    prefix = str(tmp_path / "c")
    with sizes(some=2, large=8, piece=16), pytest.MonkeyPatch.context() as patch:
        patch.setattr(spans, "SPAN", 32)
        storage = TensorBundle()
        for items in ([b"x" * 50, b"y", b"zz"], [b"xx" * 25, b"z", b"yy"], [b"x", b"y" * 99, b"z"]):
            storage.write(prefix, {"n": np.arange(7), "s": array_of(items), "t": array_of(items[:1])})
            found = storage.open(prefix)
            assert [found.read(key).tolist() for key in "nst"] == [list(range(7)), items, items[:1]]


# Pieces ------------------------------------------------------------------------------------------------------------------


@given(shape=st.lists(st.integers(0, 4), max_size=4).map(tuple), data=st.data())
def test_boxes_of_a_run(shape, data):
    count = int(np.prod(shape))
    start, stop = sorted((data.draw(st.integers(0, count)), data.draw(st.integers(0, count))))
    numbers = np.arange(count).reshape(shape)
    boxes = list(boxes_of_run(shape, start, stop))
    found = [number for box in boxes for number in numbers[box].ravel().tolist()]
    assert found == list(range(start, stop))
    assert sum(map(volume, boxes)) == stop - start
    assert len(boxes) <= max(1, 2 * len(shape) - 1)


def cuts(draw, size):
    places = sorted({0, size, *draw(st.lists(st.integers(1, size - 1), max_size=2))}) if size > 1 else [0, size]
    return [(start, stop - start) for start, stop in itertools.pairwise(places)]


def region_of(array, extents):
    return array[tuple(slice(start, start + size) for start, size in extents)]


@given(data=st.data(), read=small_sizes, big_endian=st.booleans())
def test_pieces_are_read_over_arrays_however_they_are_cut(tmp_path_factory, data, read, big_endian):
    shape = tuple(data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=3)))
    count = int(np.prod(shape))
    name = data.draw(st.sampled_from(["float32", "bool", "complex64", "string", "int16"]))
    if name == "string":
        value = array_of([b"s" * (n % 7) for n in range(count)], shape)
    else:
        value = (np.arange(count) % (2 if name == "bool" else 100)).astype(name).reshape(shape)
    saved = [cuts(data.draw, size) for size in shape]
    pieces = [(extents, region_of(value, extents)) for extents in itertools.product(*saved)]
    prefix = str(tmp_path_factory.mktemp("pieces") / "c")
    TensorBundle(durable=False, big_endian=big_endian).write(prefix, {"p": Partitioned(shape, pieces), "n": np.arange(3)})
    wanted = list(itertools.product(*[cuts(data.draw, size) for size in shape]))
    keys = ["p"] * len(wanted) + ["p", "n"]
    regions = [tuple(zip(*extents, strict=True)) for extents in wanted] + [None, None]
    with sizes(**read):
        opened = FAST.open(prefix)
        spare = [spare_for(np.ascontiguousarray(region_of(value, extents))) for extents in wanted] + [spare_for(value), None]
        spare[0] = None if data.draw(st.booleans()) else spare[0]
        before = [None if array is None else array.copy() for array in spare]
        with opened.reading_regions_over(keys, regions, spare) as (found, fill):
            assert all(array is None or equal(array, old) for array, old in zip(spare, before, strict=True))
            fill()
    for extents, array, mine in zip(wanted, found, spare, strict=False):
        assert array is mine or mine is None
        assert equal(np.ascontiguousarray(region_of(value, extents)), array)
    assert found[-2] is spare[-2]
    assert equal(found[-2], value)
    assert found[-1].tolist() == [0, 1, 2]


GRID = np.arange(24, dtype=np.float32).reshape(4, 6)
HALVES = [((None, (0, 3)), GRID[:, :3]), ((None, (3, 3)), GRID[:, 3:])]


def test_every_bit_of_pieces_counts(tmp_path):
    prefix = str(tmp_path / "c")
    FAST.write(prefix, {"p": Partitioned((4, 6), HALVES), "q": GRID})
    path = Path(prefix + ".data-00000-of-00001")
    content, opened = path.read_bytes(), FAST.open(prefix)
    spare = [np.zeros((4, 6), np.float32), np.zeros((2, 6), np.float32)]
    regions = [None, ((1, 0), (2, 6))]
    for place in range(len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        with pytest.raises(DataLossError, match="checksum"), opened.reading_regions_over(["p", "q"], regions, spare):
            pytest.fail("it is damaged")
        assert not any(array.any() for array in spare)
        path.write_bytes(content)
        with opened.reading_regions_over(["p", "q"], regions, spare) as (_, fill):
            with path.open("r+b") as file:
                file.write(damaged)
            with pytest.raises(DataLossError, match="checksum"):
                fill()
        for array in spare:
            array[...] = 0
    path.write_bytes(content)
    with opened.reading_regions_over(["p", "q"], regions, spare) as (_, fill):
        fill()
    assert equal(spare[0], GRID)
    assert equal(spare[1], GRID[1:3])


def test_pieces_that_are_not_there_or_do_not_cover_the_whole(tmp_path):
    prefix = str(tmp_path / "c")
    FAST.write(prefix, {"p": Partitioned((4, 6), HALVES[:1])})
    opened, spare = FAST.open(prefix), np.zeros((4, 6), np.float32)
    for read in (lambda: opened.read("p"), lambda: opened.reading_over(["p"], [spare]).__enter__()):
        with pytest.raises(InvalidArgumentError, match="they cover 12 of the 24 elements"):
            read()
    half = np.zeros((4, 3), np.float32)
    with opened.reading_regions_over(["p"], [((0, 0), (4, 3))], [half]) as ([found], fill):
        fill()
    assert found is half
    assert equal(half, GRID[:, :3])
    FAST.write(prefix, {"p": Partitioned((4, 6), HALVES)})
    opened = FAST.open(prefix)
    del opened.index.records[sorted(opened.index.pieces())[0]]
    with pytest.raises(NotFoundError, match="is listed, but"), opened.reading_over(["p"], [spare]):
        pytest.fail("it is not there")


def test_arrays_of_another_shape_or_dtype_are_left_alone(tmp_path):
    prefix = str(tmp_path / "c")
    FAST.write(prefix, {"p": Partitioned((4, 6), HALVES), "s": TEXT, "q": GRID})
    opened = FAST.open(prefix)
    for key in "psq":
        for array in (np.zeros((6, 4), np.float32), np.zeros((4, 6), np.float64), array_of([b"old"] * 4)):
            before = array.copy()
            with opened.reading_over([key], [array]) as ([found], fill):
                fill()
            assert equal(found, opened.read(key))
            assert equal(array, before)
    with opened.reading_regions_over(["q"], [((0, 0), (2, 2))], [np.zeros((3, 3), np.float32)]) as ([found], _):
        assert equal(found, np.ascontiguousarray(GRID[:2, :2]))


def test_mapped_values_need_no_memory(tmp_path):
    prefix = str(tmp_path / "c")
    FAST.write(prefix, {"q": GRID})
    spare = np.zeros_like(GRID)
    with TensorBundle(lazy=True).open(prefix).reading_regions_over(
        ["q", "q"], [None, ((0, 0), (1, 6))], [spare, spare[:1]]
    ) as (found, fill):  # fmt: skip
        fill()
    assert equal(found[0], GRID)
    assert equal(found[1], GRID[:1])
    assert not spare.any()


def test_all_dtypes_in_both_orders_go_through_a_small_buffer(tmp_path):
    prefix = str(tmp_path / "c")
    for big_endian in (False, True):
        contents = {}
        for key, value in VALUES.items():
            array = bare(value)
            if array.ndim == 1 and array.size > 1 and not (big_endian and getattr(value, "dtype", "") == "variant"):
                parts = [(((0, 1),), array[:1]), (((1, array.size - 1),), array[1:])]
                if isinstance(value, Typed):
                    parts = [(extents, Typed(value.dtype, part)) for extents, part in parts]
                contents[key] = Partitioned(array.shape, parts)
        TensorBundle(durable=False, big_endian=big_endian).write(prefix, contents)
        opened = FAST.open(prefix)
        for key in opened.keys():
            wanted = opened.read(key)
            wide = np.empty((wanted.size, 2), wanted.dtype)
            with sizes(room=16), opened.reading_over([key], [wide[:, 0]]) as (_, fill):
                fill()
            assert equal(np.ascontiguousarray(wide[:, 0]), wanted), key


def test_a_data_file_that_is_not_there(tmp_path):
    prefix = str(tmp_path / "c")
    FAST.write(prefix, {"s": TEXT})
    opened = FAST.open(prefix)
    Path(prefix + ".data-00000-of-00001").unlink()
    with pytest.raises(OpError), opened.reading_over(["s"], [spare_for(TEXT)]):
        pytest.fail("it is not there")


# Another shape -----------------------------------------------------------------------------------------------------------


@given(first=values, second=values, before=st.lists(st.integers(1, 4), min_size=1, max_size=3), read=small_sizes)
def test_an_array_takes_a_value_of_another_shape(tmp_path_factory, first, second, before, read):
    prefix = str(tmp_path_factory.mktemp("resized") / "c")
    FAST.write(prefix, {"a": first, "b": second})
    wanted = FAST.open(prefix).read_many(["a", "b"])
    spare = [spare_for(np.zeros(before, value.dtype)) for value in wanted]
    with sizes(**read):
        opened = FAST.open(prefix)
        resizable = [Resizable(array, value.shape) for array, value in zip(spare, wanted, strict=True)]
        with opened.reading_over(["a", "b"], resizable) as (found, fill):
            assert all(list(array.shape) == before for array in spare)
            fill()
    for value, array, other in zip(found, spare, wanted, strict=True):
        assert equal(value, other)
        assert value is array or not other.size


def test_what_is_not_of_the_wanted_shape_after_all_or_in_pieces_is_read_anew(tmp_path):
    prefix = str(tmp_path / "c")
    FAST.write(prefix, {"q": GRID, "p": Partitioned((4, 6), HALVES)})
    opened = FAST.open(prefix)
    for key, shape, dtype in [("q", (3, 6), np.float32), ("q", (4, 6), np.int32), ("p", (4, 6), np.float32)]:
        array = np.zeros(2, dtype)
        with opened.reading_over([key], [Resizable(array, shape)]) as ([found], fill):
            fill()
        assert equal(found, GRID)
        assert equal(array, np.zeros(2, dtype))
    array = np.zeros(2, np.float32)
    with opened.reading_regions_over(["q"], [((0, 0), (1, 6))], [Resizable(array, (4, 6))]) as ([found], fill):
        fill()
    assert equal(found, GRID[:1])
    assert array.shape == (2,)


@pytest.mark.parametrize("array", [np.ones((2, 3)), array_of([b"a", b"b"])])
def test_where_there_is_no_memory_the_old_shape_stays(array):
    before = array.shape
    array = array.copy()
    with pytest.raises(ResourceExhaustedError, match="here: there is no memory for a value of shape"):
        over._resize(array, (1 << 46,), "here")
    assert array.shape == before
    assert array.dtype != object or (array == b"").all()


def test_the_bytes_of_all_data_files(tmp_path):
    prefix = str(tmp_path / "c")
    FAST.write_shards(prefix, [{"a": GRID}, {"b": np.arange(3.0)}])
    opened = FAST.open(prefix)
    assert opened.stored_bytes() == GRID.nbytes + 24
    Path(prefix + ".data-00000-of-00002").unlink()
    assert opened.stored_bytes() == 0


def test_strings_that_are_replaced_let_their_bytes_go():
    held = bytes([120]) * 1000
    array = np.empty(50, object)
    array[:] = [held] * 50
    before = sys.getrefcount(held)
    over._resize(array, (70,), "here")
    assert sys.getrefcount(held) == before - 50
    assert (array == b"").all()
    array[:] = [held] * 70
    over._resize(array, (3,), "here")
    assert sys.getrefcount(held) == before - 50


@pytest.mark.parametrize("value", [TEXT[:1], Typed("variant", TEXT[:1]), np.ones(1, np.float32)])
def test_more_dimensions_than_arrays_have(tmp_path, value):
    prefix, shape = str(tmp_path / "c"), (1,) * 70
    FAST.write(prefix, {"s": value})

    def change(records):
        records[b"s"] = encode_entry(decode_entry(records[b"s"], "s")._replace(shape=shape))

    edit(Path(prefix + ".index"), change)
    opened = FAST.open(prefix)
    with sizes(small=0), pytest.raises(UnimplementedError, match="70 dimensions"):
        opened.read("s")
    with pytest.raises(UnimplementedError, match="70 dimensions"):
        opened.reading_over(["s"], [Resizable(spare_for(value), shape)]).__enter__()


def test_numbers_that_go_elsewhere_pass_through_1_mib(tmp_path):
    class Noting(Disk):
        def read(self, handle, into, offset):
            asked.append((offset, len(into)))
            return super().read(handle, into, offset)

    asked, prefix = [], str(tmp_path / "c")
    value = np.arange((1 << 17) + 3, dtype=np.float64)
    FAST.write(prefix, {"w": value})
    wide = np.zeros((value.size, 2))
    with TensorBundle(disk=Noting()).open(prefix).reading_over(["w"], [wide[:, 0]]) as (_, fill):
        asked.clear()
        fill()
    assert asked == [(0, MIB), (MIB, 24)]
    assert equal(wide[:, 0].copy(), value)
