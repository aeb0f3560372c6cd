"""Large values go through in spans and chunks, by two threads; their checksums are put together."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from crc32c import crc32c

from minitf.errors import DataLossError
from minitf.storage.bundle import spans
from minitf.storage.files import Disk

DATA = np.random.default_rng(3).bytes(100)


class Calls(Disk):
    """Notes the place, the size and the thread of each read and write."""

    def __init__(self):
        self.calls, self.threads = [], set()

    def note(self, data, offset):
        self.calls.append((offset, len(data)))
        self.threads.add(threading.get_ident())

    def read(self, handle, into, offset):
        self.note(into, offset)
        return super().read(handle, into, offset)

    def write(self, handle, data, offset):
        self.note(data, offset)
        return super().write(handle, data, offset)


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """A disk, an open file with ``DATA`` and another to be written; spans of 16 bytes, chunks of 5 and 7."""
    for name, size in (("CHUNK", 5), ("WRITTEN", 7)):
        monkeypatch.setattr(spans, name, size)
    monkeypatch.setattr(spans, "SPAN", 16)
    monkeypatch.setattr(spans._each, "__defaults__", (16,))
    (tmp_path / "a").write_bytes(DATA)
    disk = Calls()
    reading, writing = disk.open(str(tmp_path / "a")), disk.create(str(tmp_path / "b"))
    yield disk, reading, writing
    disk.close(reading)
    disk.close(writing)


PLACES = [(3, 40), (50, 0), (60, 16), (80, 7)]
CRCS = [crc32c(DATA[offset : offset + size]) for offset, size in PLACES]


def chunks(size):
    """What is asked of the file: (offset, size) of each chunk of each span."""
    spans_ = [(offset + at, min(16, length - at)) for offset, length in PLACES for at in range(0, length, 16)]
    return [(offset + at, min(size, length - at)) for offset, length in spans_ for at in range(0, length, size)]


def test_reading(opened):
    disk, reading, _ = opened
    buffers = [(offset, memoryview(bytearray(size))) for offset, size in PLACES]
    assert spans.read(disk, reading, buffers, "a") == CRCS
    assert [bytes(view) for _, view in buffers] == [DATA[offset : offset + size] for offset, size in PLACES]
    assert sorted(disk.calls) == chunks(5)


def test_checking(opened):
    disk, reading, _ = opened
    assert spans.check(disk, reading, PLACES, "a") == CRCS
    assert sorted(disk.calls) == chunks(5)


def test_writing(opened, tmp_path):
    disk, _, writing = opened
    buffers = [(offset, memoryview(DATA)[offset : offset + size]) for offset, size in PLACES]
    assert spans.write(disk, writing, buffers, False) == CRCS
    assert sorted(disk.calls) == chunks(7)
    found = (tmp_path / "b").read_bytes()
    for offset, size in PLACES:
        assert found[offset : offset + size] == DATA[offset : offset + size]


def test_one_span_needs_no_thread(opened, monkeypatch):
    disk, reading, _ = opened
    started, start = [], threading.Thread.start
    monkeypatch.setattr(threading.Thread, "start", lambda thread: started.append(thread) or start(thread))
    for size in (0, 5, 16):
        assert spans.check(disk, reading, [(0, size)], "a") == [crc32c(DATA[:size])]
    assert disk.threads == {threading.get_ident()}
    assert not started
    for size in (17, 100):
        assert spans.check(disk, reading, [(0, size)], "a") == [crc32c(DATA[:size])]
    assert len(started) == 2  # this thread does its part


def test_after_an_error_nothing_is_begun(opened, monkeypatch):
    disk, reading, _ = opened
    monkeypatch.setattr(spans, "THREADS", 1)
    with pytest.raises(DataLossError):
        spans.check(disk, reading, [(0, 16), (96, 16), (95, 16), (97, 16)], "a")  # in the order of the file
    assert [offset for offset, _ in disk.calls] == [0, 5, 10, 15, 95, 100]


def test_a_file_that_ends_too_early(opened):
    disk, reading, _ = opened
    spans.check(disk, reading, [(90, 10)], "a")
    spans.read(disk, reading, [(90, memoryview(bytearray(10)))], "a")
    for places in ([(90, 11)], [(0, 100), (60, 41)]):
        with pytest.raises(DataLossError, match="^a: the file became shorter while it was being read"):
            spans.check(disk, reading, places, "a")
        with pytest.raises(DataLossError, match="^a: the file became shorter while it was being read"):
            spans.read(disk, reading, [(offset, memoryview(bytearray(size))) for offset, size in places], "a")


def test_bytes_in_memory():
    views = [memoryview(DATA)[:size] for size in (0, 1, 15, 16, 17, 100)]
    assert spans.checksums(views) == [crc32c(view) for view in views]
    assert spans.checksums([]) == []


@pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 7, 8, 63, 64, 1023, 1024, 65537, (1 << 20) + 5])
def test_checksums_of_any_length_are_put_together(length):
    b = (DATA * (length // 100 + 1))[:length]
    for a in (b"", b"a", DATA):
        assert spans.combine(crc32c(a), crc32c(b), length) == crc32c(a + b)


def test_lengths_beyond_what_is_in_memory():
    """2**40 zeros are 2**20 times 2**20 zeros."""
    zeros = crc32c(bytes(1 << 20))
    crc, length = zeros, 1 << 20
    for _ in range(20):
        crc, length = spans.combine(crc, crc, length), 2 * length
    assert length == 1 << 40
    assert spans.combine(crc, zeros, 1 << 20) == spans.combine(zeros, crc, 1 << 40)
