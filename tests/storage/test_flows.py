"""Values that are gone through piece by piece are those that are read at once, in whatever format and pieces."""

import itertools
import os
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minitf.errors import AbortedError, DataLossError, InvalidArgumentError, UnimplementedError
from minitf.storage import carried, filling, flows, string_pieces
from minitf.storage.bundle import TensorBundle, flowing, payload, spans, streams, strings, verify
from minitf.storage.bundle.entries import decode_entry, encode_entry
from minitf.storage.carried import checksum, encode_notes
from minitf.storage.files import Disk
from minitf.storage.flows import Cursor, Long, Numbers, Texts, flow_of, gone_through, in_memory, items, joined, side_by_side
from minitf.storage.formats import FORMATS, format_named
from minitf.storage.npz import NOTES, Npz
from minitf.storage.safetensors import Safetensors
from minitf.storage.values import Partitioned, Typed

from .tampering import edit
from .values_to_save import QUANTISED, VALUES, equal, flow, native_arrays
from .values_to_save import strings as array_of

TEXT = array_of([b"one", b"", b"three" * 9, b"four", b"x" * 40, b"\xff"], (2, 3))
MORE = {
    **VALUES,
    **{name: Typed(name, np.arange(-2, 4).astype(dtype)) for name, dtype in QUANTISED.items()},
    "variants": Typed("variant", TEXT),
    "five variants": Typed("variant", TEXT.ravel()[:5]),
    "text": TEXT,
    "one string": array_of([b"abc" * 30], ()),
}


@pytest.fixture
def small(monkeypatch):
    """Whatever there is is large, and goes in pieces of a few bytes."""
    for module in (flowing, verify, carried):
        monkeypatch.setattr(module, "LEAST", 1)
    for module, name, size in (
        (flowing, "ROOM", 32), (spans, "CHUNK", 7), (strings, "PIECE", 16), (strings, "MANY", 2), (flows, "PIECE", 24),
        (flows, "MANY", 3), (filling, "MANY", 3), (streams, "PIECE", 24), (string_pieces, "TOGETHER", 20),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, size)
    monkeypatch.setattr("minitf.storage.npz.PIECE", 7)
    monkeypatch.setattr("minitf.storage.npz.HEADER_LIMIT", 130)
    monkeypatch.setattr("minitf.storage.safetensors.PIECE", 13)


def array(value):
    return value.array if isinstance(value, Typed) else np.asarray(value)


def text_bytes(value):
    found = array(value)
    return sum(map(len, found.ravel())) if found.dtype == object else found.nbytes


def gone_through_again_and_again(reader, value):
    """The flow of a reader's value, which gives the same each time."""
    found = reader.large("v")
    for _ in range(2):
        assert equal(in_memory(found), reader.read("v"))
    assert gone_through(found) == text_bytes(value)
    return found


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("name", MORE)
def test_v2(tmp_path, name, big_endian):
    if big_endian and "variants" in name:
        pytest.skip("there are none in the other byte order")
    storage = TensorBundle(durable=False, big_endian=big_endian)
    value = MORE[name]
    storage.write(tmp_path / "p", {"v": value})
    reader = storage.open(tmp_path / "p")
    found = gone_through_again_and_again(reader, value)
    assert list(reader.verify(["v"])) == [("v", text_bytes(value), None)]
    assert list(map(type, dict(reader.contents()[0]).values())) == [type(found)]
    storage.write_shards(tmp_path / "q", reader.contents())
    for ending in (".index", ".data-00000-of-00001"):
        assert (tmp_path / f"p{ending}").read_bytes() == (tmp_path / f"q{ending}").read_bytes()


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("format_name", ["npz", "safetensors"])
@pytest.mark.parametrize("name", MORE)
def test_what_is_carried(tmp_path, name, format_name):
    storage, value = format_named(format_name, durable=False), MORE[name]
    storage.write(tmp_path / "p", {"v": value})
    reader = storage.open(tmp_path / "p")
    gone_through_again_and_again(reader, value)
    storage.write(tmp_path / "q", dict(reader.contents()[0]))
    path = tmp_path / f"p{storage.suffix}"
    assert path.read_bytes() == path.with_name(f"q{storage.suffix}").read_bytes()


def pieces_of(whole, cuts, axis):
    out = []
    for start, stop in itertools.pairwise([0, *cuts, whole.shape[axis]]):
        extents = [None] * whole.ndim
        extents[axis] = (start, stop - start)
        out.append((tuple(extents), np.ascontiguousarray(whole.take(range(start, stop), axis))))
    return Partitioned(whole.shape, out)


WHOLE = np.arange(60, dtype=np.int16).reshape(6, 10)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("opened", [1, 64])
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("whole", [WHOLE, array_of([b"%d" % n * (n % 5) for n in range(60)], (6, 10))])
def test_pieces_are_put_together(tmp_path, monkeypatch, whole, axis, opened):
    monkeypatch.setattr(flows, "OPEN", opened)
    value = pieces_of(whole, [1, 4], axis)
    TensorBundle(durable=False).write(tmp_path / "p", {"v": value})
    reader = TensorBundle().open(tmp_path / "p")
    assert equal(in_memory(reader.large("v")), whole)
    assert list(reader.verify(["v"])) == [("v", text_bytes(whole), None)]
    for name in FORMATS:
        storage = format_named(name, durable=False)
        pieces = [pair for shard in reader.contents() for pair in shard]
        together = Partitioned(whole.shape, [piece for _, one in pieces for piece in one.pieces])
        storage.write(tmp_path / name, {"v": together})
        assert equal(storage.open(tmp_path / name).read("v"), whole)


class Counting(Disk):
    """Counts files that are open at the same time, and how often one is opened."""

    def __init__(self):
        self.now = self.most = self.opened = 0

    def open(self, path):
        self.opened += 1
        self.now += 1
        self.most = max(self.most, self.now)
        return super().open(path)

    def close(self, handle):
        self.now -= 1
        super().close(handle)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(("axis", "most"), [(0, 1), (1, 4)])
def test_what_is_done_with_is_closed(tmp_path, axis, most):
    disk = Counting()
    TensorBundle(durable=False).write(tmp_path / "p", {"v": pieces_of(WHOLE, [1, 2, 4], axis)})
    assert equal(in_memory(TensorBundle(disk=disk).open(tmp_path / "p").large("v")), WHOLE)
    assert (disk.most, disk.now) == (most, 0)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(("axis", "allowed", "most", "before"), [(0, 3, 1, 1), (1, 4, 4, 4), (1, 3, 1, 4)])
def test_very_many_pieces_are_not_open_at_the_same_time(tmp_path, monkeypatch, axis, allowed, most, before):
    """Four pieces: in the order of rows one after the other; others all at the same time, or each is read by itself before."""
    monkeypatch.setattr(flows, "OPEN", allowed)
    disk = Counting()
    TensorBundle(durable=False).write(tmp_path / "p", {"v": pieces_of(WHOLE, [1, 2, 4], axis)})
    found = TensorBundle(disk=disk).open(tmp_path / "p").large("v")
    disk.opened = 0
    pieces = found.pieces()
    first = next(pieces)
    assert disk.opened == before
    assert equal(np.concatenate([first, *pieces]), WHOLE.ravel())
    assert (disk.most, disk.now) == (most, 0)


def test_variants_in_pieces():
    parts = [(((0, 2),), flow(array_of([b"a", b"bc"]), "variant")), (((2, 1),), flow(array_of([b"d"]), "variant"))]
    found = joined((3,), parts, "here")
    assert in_memory(found).tolist() == [b"a", b"bc", b"d"]
    assert found.dtype.name == "variant"


def test_what_is_small_is_no_flow(tmp_path):
    """From 64 KiB on a value is one; all pieces of a tensor count together."""
    half = np.zeros(1 << 15, np.uint8)
    for rest, large in ((half[:-1], False), (half, True)):
        whole = np.concatenate([half, rest])
        for storage in (TensorBundle(durable=False), Npz(durable=False), Safetensors(durable=False)):
            storage.write(tmp_path / "p", {"v": whole})
            reader = storage.open(tmp_path / "p")
            assert isinstance(reader.large("v"), Numbers) is large
            assert isinstance(reader.contents()[0][0][1], Numbers) is large
        TensorBundle(durable=False).write(tmp_path / "q", {"v": pieces_of(whole, [1 << 15], 0)})
        reader = TensorBundle().open(tmp_path / "q")
        assert isinstance(reader.large("v"), Numbers) is large
        assert [error for _, _, error in reader.verify(["v"])] == [None]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("name", ["native f4", "native ?", "text", "variants"])
def test_damage_is_found_at_the_end_and_nothing_is_written(tmp_path, name):
    for storage in (TensorBundle(durable=False), Npz(durable=False), Safetensors(durable=False)):
        storage.write(tmp_path / "p", {"v": MORE[name]})
        [path] = [one for one in tmp_path.glob("p*") if one.suffix != ".index"]
        data = bytearray(path.read_bytes())
        at = data.index(b"threethree") if name in ("text", "variants") else len(data) - 4
        if isinstance(storage, Npz) and name.startswith("native"):
            at = data.index(b"\n") + 9
        data[at] ^= 1
        path.write_bytes(data)
        reader = storage.open(tmp_path / "p")
        for going in (gone_through, in_memory, lambda found: list(items(found)) if name == "text" else gone_through(found)):
            with pytest.raises(DataLossError):
                going(reader.large("v"))
        for writer in ("tf-v2", "tf-v1", "npz", "safetensors")[: 1 if name == "variants" else 4]:  # V1 has no variants
            with pytest.raises(DataLossError):
                format_named(writer, durable=False).write(tmp_path / "q", dict(reader.contents()[0]))
            assert not list(tmp_path.glob("q*"))
        if hasattr(reader, "verify"):
            [(_, size, error)] = reader.verify(["v"])
            assert size == 0
            assert isinstance(error, DataLossError)
        for left in tmp_path.glob("p*"):
            left.unlink()


class Shorter(Disk):
    """Gives what is there up to some place only, as if somebody had cut the file off meanwhile."""

    def read(self, handle, into, offset):
        return super().read(handle, into[: max(0, 40 - offset)], offset) if self.cut else super().read(handle, into, offset)

    cut = False


@pytest.mark.usefixtures("small")
def test_a_file_that_is_cut_off_meanwhile(tmp_path):
    disk = Shorter()
    TensorBundle(durable=False).write(tmp_path / "p", {"v": np.zeros(40)})
    found = TensorBundle(disk=disk).open(tmp_path / "p").large("v")
    disk.cut = True
    with pytest.raises(DataLossError, match="became shorter while it was being read"):
        gone_through(found)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("storage", [TensorBundle(durable=False), Npz(durable=False), Safetensors(durable=False)])
def test_another_checkpoint_by_now(tmp_path, storage):
    storage.write(tmp_path / "p", {"v": np.zeros(40)})
    storage.write(tmp_path / "q", {"v": np.ones(40)})
    found = storage.open(tmp_path / "p").large("v")
    for path in tmp_path.glob("q*"):
        os.replace(path, path.with_name("p" + path.name[1:]))
    with pytest.raises(AbortedError, match="open it again"):
        gone_through(found)


@pytest.mark.usefixtures("small")
@given(native_arrays())
def test_streams_of_numbers(found):
    for big_endian in (False, True):
        stream = streams.of_flow(flow(found), "k", big_endian)
        assert b"".join(stream.pieces()) == (payload.swapped(found) if big_endian else found).tobytes()
        assert len(stream) == found.nbytes


@pytest.mark.usefixtures("small")
@given(st.lists(st.binary(max_size=300), max_size=9))
def test_streams_of_strings(found):
    value = array_of(found)
    for stream, at_once in (
        (streams.of_flow(flow(value), "k", False), payload.encode_strings(value, "k", False)),
        (streams.of_flow(flow(value), "k", True), payload.encode_strings(value, "k", True)),
        (streams.of_flow(flow(value, "variant"), "k", False), payload.encode_variants(value, "k")),
    ):
        assert len(stream) == len(at_once[0])
        pieces = list(stream.pieces())
        assert (b"".join(pieces), stream.crc) == at_once
        assert max(map(len, pieces), default=0) <= 24


def test_small_flows_are_written_by_themselves(tmp_path, monkeypatch):
    """Nothing of them is in memory before."""
    monkeypatch.setattr(flowing, "LEAST", 1)
    values = {"a": np.arange(3), "b": np.arange(4), "c": array_of([b"x"])}
    TensorBundle(durable=False).write(tmp_path / "p", values)
    contents = TensorBundle().open(tmp_path / "p").contents()
    contents[0].insert(1, ("d", np.arange(5)))
    TensorBundle(durable=False).write_shards(tmp_path / "q", contents)
    found = TensorBundle().open(tmp_path / "q")
    assert all(equal(found.read(key), value) for key, value in (values | {"d": np.arange(5)}).items())


def test_strings_that_became_others_meanwhile():
    value = array_of([b"abc", b"defg"])
    taken = Cursor(flow(value).text())
    assert b"".join(taken.take(5)) == b"abcde"
    taken.skip(1)
    with pytest.raises(AbortedError, match="have changed while they were read"):
        taken.skip(2)


@pytest.mark.usefixtures("small")
def test_long_strings_are_told_apart_by_their_digests():
    found = list(itertools.chain.from_iterable(items(flow(array_of([b"a" * 21, b"b" * 20, b"c", b"", b"a" * 21, b"b" * 21])))))
    assert found[1:4] == [b"b" * 20, b"c", b""]
    assert found[0] == found[4] != found[5]
    assert isinstance(found[0], Long)
    assert found[0].length == 21


def test_beginnings_are_verified_to_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(flowing, "LEAST", 1)
    TensorBundle(durable=False).write(tmp_path / "p", {"v": array_of([b"abcd", b"", b"ef", b"ghi"])})
    found = TensorBundle().open(tmp_path / "p").large("v")
    assert flows.beginnings(found, 3, 3) == [(4, b"abc"), (0, b""), (2, b"ef")]
    path = tmp_path / "p.data-00000-of-00001"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(DataLossError):
        flows.beginnings(found, 1, 1)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("count", [1, 7, 100])
def test_side_by_side(count):
    pairs = list(side_by_side(flow(WHOLE), flow(WHOLE + 1), count))
    assert equal(np.concatenate([a for a, _ in pairs]), WHOLE.ravel())
    assert equal(np.concatenate([b for _, b in pairs]), WHOLE.ravel() + 1)
    assert {len(a) for a, _ in pairs[:-1]} <= {count}


def test_pieces_that_do_not_fit():
    parts = [(((0, 2),), flow(np.zeros(2))), (((1, 2),), flow(np.zeros(2)))]
    with pytest.raises(DataLossError, match="overlapping"):
        joined((3,), parts, "here")
    with pytest.raises(InvalidArgumentError, match="cover 2 of the 3"):
        joined((3,), parts[:1], "here")


def test_a_flow_is_what_it_is():
    found = flow(WHOLE)
    assert flow_of(found, "k") is found
    assert isinstance(flow_of("text", "k"), Texts)
    with pytest.raises(InvalidArgumentError, match="holds bytes or str"):
        gone_through(flow_of(np.array([3], object), "k"))


@pytest.mark.usefixtures("small")
def test_what_an_index_claims_is_checked_first(tmp_path):
    """That a value lies inside its file, and that there is an array of its shape."""
    TensorBundle(durable=False).write(tmp_path / "p", {"v": np.zeros(40), "w": np.zeros((1,) * 64)})
    reader = TensorBundle().open(tmp_path / "p")
    found = reader.large("v")
    os.truncate(tmp_path / "p.data-00000-of-00001", 100)
    with pytest.raises(DataLossError, match="read less bytes than requested: 320 bytes at offset 0 of .*, which has 100"):
        gone_through(found)

    def deepen(records):
        entry = decode_entry(records[b"w"], "here")
        records[b"w"] = encode_entry(entry._replace(shape=(1,) * 65))

    edit(tmp_path / "p.index", deepen)
    with pytest.raises(UnimplementedError, match="65 dimensions"):
        gone_through(TensorBundle().open(tmp_path / "p").large("w"))


# Files of others --------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("small")
def test_arrays_that_go_column_by_column_and_numpys_strings_are_read_as_a_whole(tmp_path):
    np.savez(
        tmp_path / "p.npz", f=np.asfortranarray(WHOLE), s=np.array([b"ab", b"c"]), u=np.array(["d"]), b=WHOLE.astype(">i2")
    )
    reader = Npz().open(tmp_path / "p")
    assert [reader.large(key) for key in "fsu"] == [None] * 3
    assert equal(in_memory(reader.large("b")), WHOLE)
    contents = dict(reader.contents()[0])
    assert equal(contents["f"], WHOLE)
    assert contents["s"].tolist() == [b"ab", b"c"]


@pytest.mark.usefixtures("small")
def test_numbers_that_are_carried_in_other_many_bytes(tmp_path):
    value = np.zeros(5, np.uint8)
    note = {"dtype": "bfloat16", "shape": [3]}
    crc = checksum(carried.crc_of(carried.carry(value, "k", lambda _: True)[1]), "|u1", (5,), note)
    text = np.frombuffer(encode_notes({"k": note}, {"k": crc}).encode(), np.uint8)
    np.savez(tmp_path / "p.npz", **{"k": value, NOTES: text})
    reader = Npz().open(tmp_path / "p")
    assert reader.large("k") is None
    with pytest.raises(DataLossError, match="5 bytes stored"):
        reader.contents()


@pytest.mark.usefixtures("small")
def test_pieces_of_another_kind_are_named(tmp_path):
    TensorBundle(durable=False).write(tmp_path / "p", {"v": pieces_of(WHOLE, [1], 0), "w": WHOLE})

    def lose(records):
        for key in [key for key in records if key.startswith(b"\0")][:1]:
            del records[key]

    edit(tmp_path / "p.index", lose)
    found = {key: error for key, _, error in TensorBundle().open(tmp_path / "p").verify(["v", "w"])}
    assert "is listed, but it is not in the index" in str(found["v"])
    assert found["w"] is None


def test_many_strings_are_not_verified_at_once(tmp_path, monkeypatch):
    """Each needs room of its own in memory."""
    monkeypatch.setattr(verify, "ROOM", 1000)
    value = array_of([b"x"] * 9)
    TensorBundle(durable=False).write(tmp_path / "p", {f"v{n}": value for n in range(5)} | {"z": np.zeros(400, np.uint8)})
    reader = TensorBundle().open(tmp_path / "p")
    asked = []
    read_many = reader.read_many
    monkeypatch.setattr(reader, "read_many", lambda keys: asked.append(list(keys)) or read_many(keys))
    assert len(list(reader.verify(reader.keys()))) == 6
    assert asked == [["v0"], ["v1"], ["v2"], ["v3"], ["v4", "z"]]  # 22 bytes and 9 strings each, and 400: 998 in all


def test_copies_of_checkpoints_are_the_same_from_every_format(tmp_path, monkeypatch):
    """Round through all formats, large values as flows and small ones not."""
    values = {"n": np.arange(30_000.0), "t": array_of([b"%d" % n for n in range(20_000)]), "s": np.float32(2)}
    TensorBundle(durable=False).write(tmp_path / "0", values)
    last = TensorBundle().open(tmp_path / "0")
    for number, name in enumerate(["npz", "safetensors", "tf-v1", "tf-v2"], 1):
        storage = format_named(name, durable=False)
        storage.write(tmp_path / str(number), dict(last.contents()[0]))
        last = storage.open(tmp_path / str(number))
        assert all(equal(last.read(key), np.asarray(value)) for key, value in values.items())
    shutil.rmtree(tmp_path)
