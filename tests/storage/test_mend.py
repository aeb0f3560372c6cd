"""One wrong bit of an index is set right; more are never taken for one."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from crc32c import crc32c
from hypothesis import given
from hypothesis import strategies as st

from minitf.errors import DataLossError
from minitf.storage.bundle import TensorBundle
from minitf.storage.bundle.block import TRAILER, seal
from minitf.storage.bundle.coding import mask
from minitf.storage.bundle.mend import wrong_bit
from minitf.storage.bundle.salvage import Mended, open_damaged
from minitf.storage.bundle.table import Table, table_chunks
from minitf.storage.varint import varint

from .tampering import entry, file_of, records, restarts

VALUES = {f"layer/{n}/w": np.full(n + 1, n, np.float32) for n in range(9)} | {"s": np.array([b"x"], object)}


def flipped(data, place, bit):
    out = bytearray(data)
    out[place] ^= 1 << bit
    return bytes(out)


@given(st.binary(max_size=60), st.data())
def test_the_wrong_bit_is_found_wherever_it_is(payload, data):
    block = payload + seal(payload)
    assert wrong_bit(block) is None
    place = data.draw(st.integers(0, len(block) - 1))
    bit = data.draw(st.integers(0, 7))
    assert wrong_bit(flipped(block, place, bit)) == (place, bit)


def test_every_bit_of_a_block():
    payload = random.Random(1).randbytes(700)
    block = payload + seal(payload)
    for place in range(len(block)):
        for bit in range(8):
            assert wrong_bit(flipped(block, place, bit)) == (place, bit)


@given(st.binary(min_size=1, max_size=60), st.sets(st.integers(0, 8 * 60 - 1), min_size=2, max_size=2))
def test_two_wrong_bits_are_not_taken_for_one(payload, bits):
    payload = payload.ljust(60, b"\0")
    block = bytearray(payload + seal(payload))
    for bit in bits:
        block[bit // 8] ^= 1 << bit % 8
    assert wrong_bit(block) is None


def test_other_damage_is_hardly_ever_taken_for_one_wrong_bit():
    chance = random.Random(2)
    payload = chance.randbytes(1000)
    block = payload + seal(payload)
    for _ in range(2000):
        at = chance.randrange(990)
        assert wrong_bit(block[:at] + chance.randbytes(8) + block[at + 8 :]) is None


def test_a_bit_before_the_block_is_none_of_it():
    payload = bytes(range(50))
    crc = crc32c(payload + b"\0") ^ crc32c(b"\1" + payload + b"\0") ^ crc32c(b"\0" + payload + b"\0")
    assert wrong_bit(payload + b"\0" + mask(crc).to_bytes(4, "little")) is None


@pytest.fixture
def prefix(tmp_path):
    TensorBundle(durable=False).write(str(tmp_path / "p"), VALUES)
    return str(tmp_path / "p")


def test_an_index_with_one_wrong_bit_is_read_whole(prefix):
    path = Path(f"{prefix}.index")
    content = path.read_bytes()
    table = Table(lambda offset, size: memoryview(content)[offset : offset + size], len(content), str(path))
    [(offset, size)] = table.handles
    for place in range(offset, offset + size + TRAILER):
        path.write_bytes(flipped(content, place, place % 8))
        with pytest.raises(DataLossError):
            TensorBundle().open(prefix)
        reader, problems = open_damaged(prefix)
        assert {key: reader.read(key).tolist() for key in reader.keys()} == {k: v.tolist() for k, v in VALUES.items()}
        [problem] = problems
        assert isinstance(problem, Mended)
        assert f"Bit {place % 8} of byte {place} was wrong" in problem


def test_two_wrong_bits_of_an_index_lose_its_block(prefix):
    path = Path(f"{prefix}.index")
    content = path.read_bytes()
    path.write_bytes(flipped(flipped(content, 20, 0), 40, 3))
    with pytest.raises(DataLossError, match="no block of the index holds"):
        open_damaged(prefix)


def test_a_wrong_bit_in_each_of_several_blocks(prefix):
    path = Path(f"{prefix}.index")
    found = records(path)
    content = b"".join(table_chunks(sorted(found), [found[key] for key in sorted(found)], block_size=50))
    table = Table(lambda offset, size: memoryview(content)[offset : offset + size], len(content), str(path))
    assert len(table.handles) > 4
    for offset, _ in table.handles[1:4]:
        content = flipped(content, offset + 3, 2)
    path.write_bytes(content)
    reader, problems = open_damaged(prefix)
    assert reader.keys() == sorted(VALUES)
    assert list(map(type, problems)) == [Mended] * 3


@pytest.mark.parametrize("at", [10**6, 40])
def test_a_block_that_is_not_inside_the_file_is_not_mended(prefix, at):
    content = file_of(entry(0, b"", b"") + restarts(0), index=entry(0, b"\xff", varint(at) + varint(100)) + restarts(0))
    Path(f"{prefix}.index").write_bytes(content)
    with pytest.raises(DataLossError, match="no block of the index holds"):
        open_damaged(prefix)


def test_a_block_that_makes_no_sense_when_its_checksum_holds_is_left_as_it_is(prefix):
    path = Path(f"{prefix}.index")
    content = file_of(entry(0, b"b", b"x") + entry(0, b"a", b"x") + restarts(0))  # not ascending
    path.write_bytes(flipped(content, 1, 0))
    with pytest.raises(DataLossError, match="no block of the index holds"):
        open_damaged(prefix)
