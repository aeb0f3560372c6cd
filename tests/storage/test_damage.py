"""TensorFlow's files with one thing changed: a typed error, or exactly what was there before. Never a silent change.

A slice of what ``scripts/flip`` does, with other places each time.
"""

from __future__ import annotations

import random

import pytest

from minitf.storage.bundle import payload

from .flips import ALL, Checkpoint, damage_all, exchange

BYTES = 60  # of each checkpoint


@pytest.mark.parametrize(("case", "prefix"), ALL)
def test_bits_flipped_bytes_set_files_cut_and_sectors_swapped(case, prefix):
    checkpoint = Checkpoint(case, prefix)
    size = sum(map(len, checkpoint.disk.inodes.values()))
    counts, changed = damage_all(checkpoint, random.Random(), BYTES / size)
    assert changed == []
    assert counts["bit", "error"] > counts["bit", "same"]
    assert {kind for kind, _ in counts} >= {"bit", "byte", "cut"}


def test_data_files_exchanged_between_checkpoints():
    counts, changed = exchange([Checkpoint(*found) for found in ALL if found[0] in ("manager", "two_shards", "merged_two")])
    assert changed == []
    assert counts.keys() == {("shard", "error")}


def test_readers_without_checksums_are_noticed(monkeypatch):
    checkpoint = Checkpoint("manager", "m-3")
    monkeypatch.setattr(payload, "check_crc", lambda *_: None)
    assert any(": bit " in line for line in damage_all(checkpoint, random.Random(1), 0.2)[1])
    assert len(exchange([checkpoint, Checkpoint("manager", "m-4")])[1]) == 2
