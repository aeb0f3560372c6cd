"""What becomes of tensors before they are written: the plan of a data file, runs of values, parts, index records."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from minitf.core.dtypes import float32, int64, string, uint8
from minitf.errors import AlreadyExistsError, InvalidArgumentError
from minitf.storage.bundle import TensorBundle, bundle, writer
from minitf.storage.bundle.coding import mask, slice_key
from minitf.storage.bundle.entries import Entry, Header, encode_entry, entry_head, entry_tail
from minitf.storage.bundle.image import IndexImage
from minitf.storage.bundle.writer import (
    BLOB,
    LARGE,
    Layout,
    Plan,
    entries_of,
    in_parts,
    join_partitioned,
    lay_out,
    masked_crcs,
)
from minitf.storage.files import Disk
from minitf.storage.values import Partitioned, Typed

TEXT = np.array([b"ab", b""], object)


def test_parts_of_about_the_same_size():
    """A value goes where its middle is."""
    tensors = {name: np.zeros(size, np.uint8) for name, size in zip("abcdef", (10, 30, 20, 0, 20, 40), strict=True)}
    assert [list(part) for part in in_parts(tensors, 1)] == [list("abcdef")]
    assert [list(part) for part in in_parts(tensors, 2)] == [["a", "b", "c"], ["d", "e", "f"]]
    assert [list(part) for part in in_parts(tensors, 3)] == [["a", "b"], ["c", "d", "e"], ["f"]]
    assert [list(part) for part in in_parts({"a": TEXT[:0], "b": 7}, 2)] == [["a", "b"], []]
    assert [list(part) for part in in_parts({"a": np.zeros(1), "b": np.zeros(1)}, 4)] == [[], ["a"], [], ["b"]]
    assert [list(part) for part in in_parts({"a": np.zeros(5), "b": np.zeros(0)}, 2)] == [[], ["a", "b"]]
    assert in_parts({}, 3) == [{}, {}, {}]
    assert in_parts(tensors, 2)[1]["e"] is tensors["e"]


def test_runs_of_values():
    """Values of 1 MiB and more alone; others together up to 4 MiB."""
    runs = lambda *sizes: list(writer._runs(sizes))
    assert runs() == []
    assert runs(5) == [(0, 1, False)]
    assert runs(LARGE - 1, LARGE, 3) == [(0, 1, False), (1, 2, True), (2, 3, False)]
    assert runs(LARGE, LARGE) == [(0, 1, True), (1, 2, True)]
    assert runs(0, LARGE, LARGE, 0, 0) == [(0, 1, False), (1, 2, True), (2, 3, True), (3, 5, False)]
    part = LARGE // 2
    assert runs(*[part] * 8) == [(0, 8, False)]
    assert runs(*[part] * 8, 0, 1, 2) == [(0, 9, False), (9, 11, False)]
    assert runs(*[part] * 17) == [(0, 8, False), (8, 16, False), (16, 17, False)]
    assert runs(*[part] * 7, part + 1, part) == [(0, 7, False), (7, 9, False)]
    assert (LARGE, BLOB) == (1 << 20, 8 * part)


OFFSETS = (0, 1, 127, 128, 16383, 16384, 16385, 2097151, 2097152, 2097153, 1 << 28, 1 << 35)


@pytest.mark.parametrize("shard", [0, 1, 200])
def test_index_records_at_offsets_of_any_width(shard):
    """They are what ``encode_entry`` makes of each."""
    sizes = [b - a for a, b in zip(OFFSETS, (*OFFSETS[1:], (1 << 35) + 3), strict=True)]
    keys = [b"%02d" % n for n in range(len(sizes))]
    plan = Plan(keys, [entry_head(uint8, (size,)) for size in sizes], [entry_tail(size) for size in sizes], sizes)
    crcs = [n * 0x1234567 for n in range(len(sizes))]
    layouts = [Layout() for _ in range(shard)] + [Layout(plan, [], crcs)]
    wanted = {
        key: encode_entry(Entry(uint8, (size,), shard, offset, size, mask(crc)))
        for key, size, offset, crc in zip(keys, sizes, OFFSETS, crcs, strict=True)
    }
    assert entries_of(layouts) == wanted
    assert masked_crcs(layouts) == b"".join(mask(crc).to_bytes(4, "little") for crc in crcs)


def test_a_key_in_two_data_files():
    plans = [lay_out([(key, np.zeros(1)) for key in keys]) for keys in ("ab", "cd", "ea")]
    for layout in plans:
        layout.crcs = [0, 0]
    assert sorted(entries_of(plans[:2])) == [b"a", b"b", b"c", b"d"]
    with pytest.raises(AlreadyExistsError, match="a key of data file 2 is in an earlier one"):
        entries_of(plans)


def test_what_a_plan_says():
    values = {"f": np.zeros((2, 3), np.float32), "s": TEXT, "i": np.int64(5), "t": np.asfortranarray(np.ones((2, 2)))}
    layout = lay_out(values)
    plan = layout.plan
    assert plan.names == ["f", "s", "i", "t"]  # NumPy's numbers are as good as arrays
    assert plan.keys == [b"f", b"s", b"i", b"t"]
    assert plan.sizes == [24, 8, 8, 32]
    assert plan.heads[:3] == [entry_head(float32, (2, 3)), entry_head(string, (2,)), entry_head(int64, ())]
    assert plan.tails == [entry_tail(size) for size in plan.sizes]
    assert [crc is None for crc in layout.crcs] == [True, False, True, True]
    mixed = lay_out({"a": 5, **values})
    assert mixed.plan.sizes[1:] == plan.sizes
    assert mixed.plan.heads[1:] == plan.heads
    assert mixed.plan.others == [2]
    assert mixed.plan.names == []  # a plan for values that are no arrays is not used again


ARRAYS = {"a": np.arange(3, dtype=np.float32), "b": TEXT, "c": np.arange(4, dtype=">i2"), "d": np.float16(2)}
ARRAYS = {key: np.asarray(value) for key, value in ARRAYS.items()}


def test_a_plan_is_used_again_for_the_same_names_and_kinds():
    first = lay_out(ARRAYS)
    assert first.plan.sizes == [12, 8, 8, 2]
    assert first.plan.names == list("abcd")
    assert first.plan.others == [1, 2]
    again = lay_out({key: value.copy() for key, value in ARRAYS.items()}, last=first.plan)
    assert again.plan is first.plan
    assert again.buffers[2].tolist() == [0, 1, 2, 3]
    assert again.buffers[2].dtype.isnative
    assert again.crcs[1] == first.crcs[1] is not None
    assert again.crcs[0] is again.crcs[2] is again.crcs[3] is None
    for other in (
        {**ARRAYS, "a": np.arange(4, dtype=np.float32)},
        {**ARRAYS, "a": np.arange(3, dtype=np.int32)},
        {**ARRAYS, "b": np.array([b"abc", b""], object)},
        {**ARRAYS, "e": np.zeros(1)},
        {key: ARRAYS[key] for key in "abdc"},
        {key: ARRAYS[key] for key in "abc"},
        list(ARRAYS.items()),
        {**ARRAYS, "a": [0.0, 1.0, 2.0]},
    ):
        assert lay_out(other, last=first.plan).plan is not first.plan
    assert lay_out(ARRAYS, big_endian=True, last=first.plan).plan is not first.plan
    same_length = lay_out({**ARRAYS, "b": np.array([b"c", b"d"], object)}, last=first.plan)
    assert same_length.plan is first.plan
    assert same_length.crcs[1] != first.crcs[1]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"": np.zeros(1)}, "the empty key is taken by the header"),
        ([("a", np.zeros(1)), ("b", 1), ("a", np.zeros(2))], "the key 'a' comes twice"),
        ([("a", np.zeros(1)), ("b", 1), ("b", np.zeros(2)), ("b", 3)], "the key 'b' comes twice"),
    ],
)
def test_keys_that_cannot_be(bad, said):
    with pytest.raises((InvalidArgumentError, AlreadyExistsError), match=f"^write: {said}"):
        lay_out(bad)


# Pieces -------------------------------------------------------------------------------------------------------------


def pieces(shape, *found):
    return Partitioned(shape, found)


def test_pieces_are_values_of_their_own():
    first, second = ((0, 1), None), ((1, 2), None)
    layout = lay_out({"w": pieces((3, 2), (first, np.zeros((1, 2))), (second, np.ones((2, 2))))})
    assert layout.plan.keys == [slice_key(b"w", first), slice_key(b"w", second)]
    assert layout.plan.sizes == [16, 32]
    (entry,) = layout.plan.partitioned.values()
    assert (entry.shape, entry.slices) == ((3, 2), (first, second))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (
            pieces((4,), (((0, 2),), np.zeros(3))),
            r"a piece of 'w' at \[\(0, 2\)\] is float64 \(3,\); the whole is float64 \(4,\)",
        ),
        (pieces((4,), (((3, 2),), np.zeros(2))), r"a piece of 'w' at \[\(3, 2\)\]"),
        (pieces((4,), (((-1, 2),), np.zeros(2))), r"a piece of 'w' at \[\(-1, 2\)\]"),
        (pieces((4,), (((1, 0),), np.zeros(0))), r"a piece of 'w' at \[\(1, 0\)\]"),
        (pieces((4, 4), (((0, 2),), np.zeros(2))), r"a piece of 'w' at \[\(0, 2\)\]"),
        (pieces((4,), (((0, 2), None), np.zeros(2))), r"a piece of 'w' at \[\(0, 2\), None\]"),
        (
            pieces((4,), (((0, 2),), np.zeros(2)), (((2, 2),), np.zeros(2, np.float32))),
            r"a piece of 'w' at \[\(2, 2\)\] is float32 \(2,\); the whole is float64",
        ),
        (pieces((4,), ((None,), np.zeros(4)), (((0, 1),), np.zeros(1))), "the pieces of 'w' overlap: one is the whole tensor"),
        (pieces((4,)), "the partitioned tensor 'w' has no pieces"),
    ],
)
def test_pieces_that_cannot_be(value, said):
    with pytest.raises(InvalidArgumentError, match=f"^write: {said}"):
        lay_out({"w": value})


def test_pieces_up_to_the_ends_of_the_whole():
    lay_out({"w": pieces((4,), (((0, 1),), np.zeros(1)), (((1, 3),), np.zeros(3)))})
    whole = lay_out({"w": pieces((4,), ((None,), np.zeros(4)))})
    assert whole.plan.keys == [b"w"]
    assert lay_out({"w": pieces((4,), (((0, 4),), np.zeros(4)))}).plan.keys == [b"w"]


def test_pieces_of_a_tensor_may_come_from_several_places():
    one, other = Entry(float32, (4,), slices=(((0, 2),),)), Entry(float32, (4,), slices=(((2, 2),),))
    assert join_partitioned([{b"w": one, b"x": one}, {b"w": other}]) == {
        b"w": one._replace(slices=(((0, 2),), ((2, 2),))),
        b"x": one,
    }
    for bad in (other._replace(shape=(5,)), other._replace(dtype=int64)):
        with pytest.raises(InvalidArgumentError, match=r"the pieces of 'w' are of float32 \(4,\) and of "):
            join_partitioned([{b"w": one}, {b"w": bad}])


def test_a_tensor_whole_and_in_pieces_in_two_data_files(tmp_path):
    part = pieces((4,), (((0, 2),), np.zeros(2)))
    with pytest.raises(AlreadyExistsError, match="^write: the key b'w' comes whole and in pieces"):
        TensorBundle(durable=False).write_shards(tmp_path / "p", [{"w": np.zeros(4)}, {"w": part}])
    with pytest.raises(AlreadyExistsError, match="^write: the key 'w' comes twice"):
        TensorBundle(durable=False).write_shards(tmp_path / "p", [[("w", np.zeros(4)), ("w", part)]])


# The index of last time ---------------------------------------------------------------------------------------------


def test_an_index_is_patched_for_the_same_plans():
    layouts = [lay_out(ARRAYS), lay_out({"x": np.zeros(2), "q": np.ones(1)})]
    for layout in layouts:
        layout.crcs = list(range(7, 7 + len(layout.crcs)))
    image = IndexImage(Header(2), layouts)
    plain = bytes(image.data)
    assert image.fits(Header(2), layouts)
    assert not image.fits(Header(3), layouts)
    assert not image.fits(Header(2), layouts[:1])
    assert not image.fits(Header(2), [layouts[0], lay_out({"x": np.zeros(2), "q": np.ones(1)})])
    again = [Layout(layout.plan, layout.buffers, [crc + 99 for crc in layout.crcs]) for layout in layouts]
    for _ in range(2):
        assert bytes(image.bytes_for(again)) == bytes(IndexImage(Header(2), again).data) != plain
    assert bytes(image.bytes_for(layouts)) == plain
    assert bytes(image.data) == plain


def test_indices_are_made_once_for_each_of_two_headers(tmp_path, monkeypatch):
    """Overwriting goes to and fro between one data file and two."""
    made = []
    monkeypatch.setattr(bundle, "IndexImage", lambda *given: made.append(1) or IndexImage(*given))
    storage = TensorBundle(durable=False)
    for number in range(6):
        storage.write(tmp_path / "p", {"a": np.full(3, number), "b": np.zeros(2)})
        assert storage.open(tmp_path / "p").read("a").tolist() == [number] * 3
    assert len(made) == 2
    storage.write(tmp_path / "p", {"a": np.zeros(4)})
    storage.write(tmp_path / "p", {"a": np.zeros(4)})
    assert len(made) == 4
    storage.write_shards(tmp_path / "q", [{"a": np.zeros(4)}, {"b": np.zeros(1)}])
    assert storage.open(tmp_path / "q").keys() == ["a", "b"]


@pytest.mark.parametrize(("sizes", "threads"), [((100, 100), 2), ((100, 99), 0), ((100, 5, 300), 3), ((100,), 0)])
def test_large_data_files_are_written_side_by_side(tmp_path, monkeypatch, sizes, threads):
    class Noting(Disk):
        used = set()

        def create(self, path):
            if ".data-" in path:
                self.used.add(threading.get_ident())
            return super().create(path)

    monkeypatch.setattr(bundle, "MUCH", 100)
    gate = threading.Barrier(max(threads, 1))
    if threads:
        create = Noting.create
        Noting.create = lambda disk, path: (gate.wait(10) if ".data-" in path else None, create(disk, path))[1]
    Noting.used = set()
    shards = [{f"k{n}": np.zeros(size, np.uint8)} for n, size in enumerate(sizes)]
    TensorBundle(durable=False, disk=Noting()).write_shards(tmp_path / "p", shards)
    assert len(Noting.used) == max(threads, 1)
    assert threading.get_ident() in Noting.used
    assert TensorBundle().open(tmp_path / "p").keys() == [f"k{n}" for n in range(len(sizes))]


def test_arrays_in_another_order_beside_values_without_bytes(tmp_path):
    storage = TensorBundle(durable=False)
    turned = np.asfortranarray(np.arange(6, dtype=np.int8).reshape(2, 3))
    storage.write(tmp_path / "p", {"a": turned, "v": Typed("variant", np.zeros(0, object)), "z": turned, "s": TEXT})
    assert (tmp_path / "p.data-00000-of-00001").read_bytes()[:12] == bytes([0, 1, 2, 3, 4, 5] * 2)
    found = storage.open(tmp_path / "p")
    assert (found.read("z").tolist(), found.read("s").tolist()) == (turned.tolist(), TEXT.tolist())


def test_typed_values_and_text_are_written_as_such(tmp_path):
    storage = TensorBundle(durable=False)
    values = {
        "q": Typed("quint8", np.arange(3, dtype=np.uint8)),
        "v": Typed("variant", np.array([b"one"], object)),
        "t": "text",
    }
    for _ in range(2):
        storage.write(tmp_path / "p", values)
        reader = storage.open(tmp_path / "p")
        assert [reader.spec(key).dtype.name for key in "qvt"] == ["quint8", "variant", "string"]
        assert [reader.read(key).tolist() for key in "qvt"] == [[0, 1, 2], [b"one"], b"text"]


def test_values_that_only_look_like_arrays(tmp_path):
    """As those of other libraries do: they have a dtype and a shape, and NumPy makes an array of them."""

    class Foreign:
        dtype, shape = np.dtype(np.float32), (3,)

        def __array__(self, dtype=None, copy=None):
            return np.arange(3, dtype=np.float32)

    storage = TensorBundle(durable=False)
    for _ in range(2):
        storage.write(tmp_path / "p", {"a": Foreign(), "b": np.ones(2), "c": np.float32(5)})
        assert [value.tolist() for value in storage.open(tmp_path / "p").read_many("abc")] == [[0, 1, 2], [1, 1], 5]


def test_strings_beside_arrays_that_are_not_in_row_order(tmp_path):
    flipped = np.arange(6).reshape(2, 3).T
    values = {"a": flipped, "n": TEXT[:0], "t": TEXT, "z": np.array([b"x\0", b"\0"], object)}
    TensorBundle(durable=False).write(tmp_path / "p", values)
    TensorBundle(durable=False).write(tmp_path / "q", values | {"a": np.ascontiguousarray(flipped)})
    for ending in (".index", ".data-00000-of-00001"):
        assert (tmp_path / f"p{ending}").read_bytes() == (tmp_path / f"q{ending}").read_bytes()


def test_values_of_one_size_are_cut_out_of_their_blob():
    for sizes, wanted in (
        ([2, 2, 2], [b"aa", b"bb", b"cc"]), ([2, 2, 3], [b"aa", b"bb", b"ccc"]), ([2, 2, 0], [b"aa", b"bb", b""]),
        ([2, 2, 1], [b"aa", b"bb", b"c"]), ([2, 3], [b"aa", b"bbb"]), ([2], [b"aa"]), ([1, 1], [b"a", b"b"]),
        ([0, 0], None), ([0, 2], None), ([2, 1, 2], None), ([1, 2, 1, 1], None), ([2, 1, 1], None), ([2, 3, 3, 2], None),
    ):  # fmt: skip
        blob = b"".join(letter * size for letter, size in zip((b"a", b"b", b"c", b"d"), sizes, strict=False))
        assert writer._pieces(blob, sizes) == wanted
