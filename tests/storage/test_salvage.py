"""What is still read of a damaged index, and what is said of the rest."""

from pathlib import Path

import numpy as np
import pytest

from minitf.errors import DataLossError, NotFoundError
from minitf.storage.bundle import TensorBundle
from minitf.storage.bundle.salvage import open_damaged
from minitf.storage.bundle.table import FOOTER, Table, table_chunks
from minitf.storage.values import Partitioned, Typed
from minitf.storage.varint import varint

from .tampering import edit, entry, file_of, records, restarts, sealed


@pytest.fixture
def prefix(tmp_path):
    TensorBundle(durable=False).write(
        tmp_path / "p", {"b": np.zeros(3, np.int8), "s": np.array([b"text", b""], object), "x": np.arange(9.0)}
    )
    return str(tmp_path / "p")


def index_of(prefix, change=None):
    """The index's bytes; with ``change`` they are replaced by what it makes of them."""
    with open(prefix + ".index", "rb") as file:
        content = file.read()
    if change is not None:
        with open(prefix + ".index", "wb") as file:
            file.write(change(content))
    return content


def in_small_blocks(prefix, order=sorted):
    """The same records in blocks of one entry each; gives where the blocks are."""
    found = records_of(prefix)
    keys = order(found)
    content = b"".join(table_chunks(keys, [found[key] for key in keys], block_size=8))
    index_of(prefix, lambda _: content)
    return Table(lambda offset, size: memoryview(content)[offset : offset + size], len(content), "").handles


def records_of(prefix):
    return records(Path(prefix + ".index"))


def flipped(at):  # two bits: one would be mended
    return lambda content: content[:at] + bytes([content[at] ^ 3]) + content[at + 1 :]


def test_pieces_whose_list_is_lost_are_left_out(tmp_path):
    pieces = [(((0, 1),), np.zeros(1)), (((1, 1),), np.ones(1))]
    TensorBundle().write(tmp_path / "a", {"p": Partitioned((2,), pieces), "x": np.ones(9)})
    edit(tmp_path / "a.index", lambda found: found.pop(b"p"))
    reader, problems = open_damaged(tmp_path / "a")
    assert reader.keys() == ["x"]
    assert len([problem for problem in problems if "own record is lost" in problem]) == 2


def test_without_a_header_strings_tell_the_byte_order(tmp_path):
    for big_endian in (False, True):
        path = tmp_path / f"{big_endian}"
        TensorBundle(big_endian=big_endian).write(path, {"s": np.array(b"text", object), "x": np.arange(3.0)})
        edit(path.with_suffix(".index"), lambda found: found.pop(b""))
        reader, problems = open_damaged(path)
        assert reader.read("x").tolist() == [0, 1, 2]
        assert problems == [f"{path}.index: the header is lost."]


def test_without_a_header_and_strings_only_single_bytes_are_kept(tmp_path):
    path = tmp_path / "a"
    TensorBundle().write(path, {"b": np.zeros(3, np.int8), "e": np.array([b""], object), "x": np.ones(9)})
    edit(tmp_path / "a.index", lambda found: (found.pop(b""), found.update({b"y": b"\xff"})))
    reader, problems = open_damaged(path)
    assert reader.keys() == ["b", "e", "y"]
    assert reader.read("b").tolist() == [0, 0, 0]
    assert any("byte order" in problem for problem in problems)
    with pytest.raises(DataLossError):
        reader.read("y")
    (tmp_path / "a.data-00001-of-00002").write_bytes(b"")
    with pytest.raises(DataLossError, match=r"\[1, 2\]"):
        open_damaged(path)


def test_partitioned_strings_do_not_tell_the_byte_order(tmp_path):
    pieces = [(((n, 1),), np.array([b"text"], object)) for n in range(2)]
    TensorBundle(big_endian=True).write(tmp_path / "a", {"s": Partitioned((2,), pieces)})
    edit(tmp_path / "a.index", lambda found: found.pop(b""))
    reader, _ = open_damaged(tmp_path / "a")
    with pytest.raises(DataLossError):  # the pieces are there, in the order that nobody knows
        reader.read("s")


def test_a_header_that_does_not_parse_is_as_good_as_lost(prefix):
    edit(Path(prefix + ".index"), lambda found: found.update({b"": b"\xff"}))
    reader, problems = open_damaged(prefix)
    assert reader.read("x").tolist() == list(range(9))
    assert "header" in problems[0]


def test_nothing_there_and_nothing_left(prefix, tmp_path):
    with pytest.raises(NotFoundError):
        open_damaged(str(tmp_path / "nothing"))
    index_of(prefix, lambda content: b"\0" * len(content))
    with pytest.raises(DataLossError, match="no block of the index holds, and nothing else says what the data files have"):
        open_damaged(prefix)


@pytest.mark.parametrize("block", range(4))
def test_a_damaged_block_costs_its_own_keys(prefix, block):
    handles = in_small_blocks(prefix)
    assert len(handles) == 4
    index_of(prefix, flipped(handles[block][0] + 2))
    reader, problems = open_damaged(prefix)
    assert reader.keys() == [key for number, key in enumerate(["", "b", "s", "x"]) if number not in (0, block)]
    assert "block checksum mismatch" in problems[0]
    assert "are lost" in problems[0]
    for key in reader.keys():
        reader.read(key)


def test_a_damaged_footer_or_index_block_costs_nothing(prefix):
    in_small_blocks(prefix)
    content = index_of(prefix)
    for at in (len(content) - 1, len(content) - FOOTER - 7):
        index_of(prefix, lambda _, at=at: flipped(at)(content))
        reader, problems = open_damaged(prefix)
        assert reader.keys() == ["b", "s", "x"]
        assert reader.read("x").tolist() == list(range(9))
        assert len(problems) == 1
        assert "one behind the other" in problems[0]


def test_behind_the_first_block_that_does_not_hold_nothing_is_found(prefix):
    handles = in_small_blocks(prefix)
    content = index_of(prefix)
    index_of(prefix, lambda _: flipped(len(content) - 1)(flipped(handles[2][0] + 2)(content)))
    reader, problems = open_damaged(prefix)
    assert reader.keys() == ["b"]
    assert f"from byte {handles[2][0]} on no block holds" in problems[1]
    index_of(prefix, lambda _: content[: handles[2][0]])
    reader, problems = open_damaged(prefix)
    assert reader.keys() == ["b"]
    assert len(problems) == 1


def test_blocks_out_of_order_are_left_out(prefix):
    found = records_of(prefix)
    one = entry(0, b"b", found[b"b"]) + entry(0, b"", found[b""]) + restarts(0)
    index_of(prefix, lambda _: flipped(-1 + len(file_of(one)))(file_of(one)))
    with pytest.raises(DataLossError, match="no block of the index holds, and nothing else says what the data files have"):
        open_damaged(prefix)
    blocks = [entry(0, key, found[key]) + restarts(0) for key in (b"", b"x", b"b")]
    index_of(prefix, lambda _: b"".join(map(sealed, blocks)))
    reader, problems = open_damaged(prefix)
    assert reader.keys() == ["x"]
    assert any("do not ascend" in problem for problem in problems)


def test_checksums_that_happen_to_fit_inside_a_block_end_nothing(prefix):
    """A value that holds what looks like the end of a block: only what is a whole block counts."""
    inner = b"\0" * 8 + sealed(b"")[:0]
    body = entry(0, b"", records_of(prefix)[b""])
    fake = body + entry(0, b"zz", b"\0" * 12)
    fake += sealed(fake)[len(fake) :]  # a trailer in the middle: right checksum, no block
    whole = fake + inner
    index_of(prefix, lambda _: sealed(whole + restarts(0)))
    with pytest.raises(DataLossError):
        open_damaged(prefix)


def test_a_record_of_each_kind_that_is_lost(prefix):
    handles = in_small_blocks(prefix)
    content = index_of(prefix)
    index_of(prefix, flipped(handles[2][0] + 2))
    reader, problems = open_damaged(prefix)
    (problem,) = problems
    table = Table(lambda offset, size: memoryview(content)[offset : offset + size], len(content), "")
    assert problem.endswith(f" Keys between {table.bounds[1]!r} and {table.bounds[2]!r} are lost.")
    index_of(prefix, lambda _: flipped(handles[0][0] + 2)(content))
    assert open_damaged(prefix)[1][0].endswith(f" Keys between b'' and {table.bounds[0]!r} are lost.")
    index_of(prefix, lambda _: content)
    reader, problems = open_damaged(prefix)
    assert (reader.keys(), problems) == (["b", "s", "x"], [])
    assert reader.read("s").tolist() == [b"text", b""]


def test_what_is_said_of_a_lost_header(tmp_path):
    path = tmp_path / "p"
    variant = Typed("variant", np.array([b"v"], object))
    values = {"b": np.zeros(3, np.int8), "o": np.ones(2, bool), "v": variant, "x": np.arange(9, dtype=np.int16)}
    TensorBundle(durable=False).write(path, values)
    edit(path.with_suffix(".index"), lambda found: (found.pop(b""), found.update({b"a": b"\xff"})))
    reader, problems = open_damaged(path)
    assert reader.keys() == ["a", "b", "o", "v"]
    assert reader.read("v").tolist() == [b"v"]
    assert problems == [
        f"{path}.index: the header is lost.",
        f"{path}.index: key b'x': without the header nothing says in which byte order its numbers stand.",
    ]
    (tmp_path / "p.data-00000-of-00002").touch()
    with pytest.raises(DataLossError, match=rf"^{path}.index: the header is lost, .* data files of sets of \[1, 2\]\.$"):
        open_damaged(path)
    for name in ("p.data-00000-of-00001", "p.data-00000-of-00002"):
        (tmp_path / name).unlink()
    with pytest.raises(DataLossError, match=r"beside it stand data files of sets of \[\]\."):
        open_damaged(path)


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize(("texts", "told"), [([b"ab"], True), ([b"", b"a"], True), ([b"", b""], False), ([], False)])
def test_strings_that_tell_the_byte_order(tmp_path, big_endian, texts, told):
    """Those with a length: zeros are the same in both orders."""
    path = tmp_path / "p"
    values = {"s": np.array(texts, object), "x": np.arange(3, dtype=np.int32), "i": np.ones(2, np.uint8)}
    TensorBundle(durable=False, big_endian=big_endian).write(path, values)
    edit(path.with_suffix(".index"), lambda found: found.pop(b""))
    reader, problems = open_damaged(path)
    assert reader.keys() == (["i", "s", "x"] if told else ["i", "s"])
    assert len(problems) == (1 if told else 2)
    if told:
        assert reader.read("x").tolist() == [0, 1, 2]
        assert reader.index.header.big_endian == big_endian


def test_damaged_entries_are_left_for_the_reader(tmp_path):
    path = tmp_path / "p"
    TensorBundle(durable=False).write(path, {"b": np.zeros(3, np.int8), "t": np.array([b""], object)})
    edit(path.with_suffix(".index"), lambda found: (found.pop(b""), found.update({b"a": b"\xff", b"z": b"\xff"})))
    reader, problems = open_damaged(path)
    assert reader.keys() == ["a", "b", "t", "z"]
    assert len(problems) == 1
    with pytest.raises(DataLossError, match="key 'a'"):
        reader.read("a")
    assert reader.read("b").tolist() == [0, 0, 0]


def test_blocks_that_are_looked_for(prefix):
    """One behind the other, up to the empty block that every table has behind its data."""
    found = records_of(prefix)
    blocks = [entry(0, key, found[key]) + restarts(0) for key in (b"", b"b", b"x")]
    data = b"".join(map(sealed, blocks))
    for rest, problems in (
        (sealed(restarts(0)) + sealed(blocks[1]) + b"x" * 100, 0),
        (b"", 0),
        (b"x" * 48, 0),
        (b"x" * 49, 1),
        (sealed(blocks[0]), 0),  # the header again: what follows is not data
    ):
        index_of(prefix, lambda _, rest=rest: data + rest)
        reader, said = open_damaged(prefix)
        assert reader.keys() == ["b", "x"]
        assert len(said) == 1 + problems
        assert f"{prefix}.index" in said[0]
        assert said[0].endswith("Blocks are looked for one behind the other.")
        if problems:
            assert said[1] == f"{prefix}.index: from byte {len(data)} on no block holds; its keys are lost."


def test_what_looks_like_the_end_of_a_block_inside_of_one(prefix):
    """A value with a type and a checksum that is right up to there: the block goes on behind it."""
    found = records_of(prefix)
    head = varint(0) + varint(10) + varint(9) + b"k" * 10
    fake = sealed(head)[len(head) :]
    tricky = head + fake + b"more" + restarts(0)
    index_of(prefix, lambda _: sealed(entry(0, b"", found[b""]) + restarts(0)) + sealed(tricky))
    reader, said = open_damaged(prefix)
    assert reader.keys() == ["k" * 10]
    assert len(said) == 1


def test_blocks_that_share_keys_are_left_out(prefix):
    found = records_of(prefix)
    blocks = [entry(0, key, found[key]) + restarts(0) for key in (b"", b"b", b"b", b"x")]
    index_of(prefix, lambda _: b"".join(map(sealed, blocks)))
    reader, said = open_damaged(prefix)
    assert reader.keys() == ["b", "x"]
    place = sum(map(len, map(sealed, blocks[:2])))
    assert said[1] == f"{prefix}.index: the keys of the block at byte {place} do not ascend; it is left out."
    twice = entry(0, b"s", found[b"s"]) + entry(0, b"s", found[b"s"]) + restarts(0)
    index_of(prefix, lambda _: b"".join(map(sealed, [blocks[0], twice, blocks[3]])))
    reader, said = open_damaged(prefix)
    assert reader.keys() == ["x"]
    place = len(sealed(blocks[0]))
    assert said[1:] == [f"{prefix}.index: the keys of the block at byte {place} do not ascend; it is left out."]


def test_a_block_whose_checksum_holds_and_that_makes_no_sense(prefix):
    found = records_of(prefix)
    first, last = (entry(0, key, found[key]) + restarts(0) for key in (b"", b"x"))
    odd = entry(0, b"b", found[b"b"]) + restarts(0, 4)  # no entry begins there
    index_of(prefix, lambda _: b"".join(map(sealed, (first, odd, last))))
    reader, said = open_damaged(prefix)
    assert reader.keys() == ["x"]
    where = f"{prefix}.index, block at byte {len(sealed(first))}"
    assert said[1:] == [f"{where}: bad block contents: a restart is not at an entry with a full key."]
