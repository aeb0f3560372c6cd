"""Large values are moved by two threads; whatever happens, none is left behind."""

import threading

import numpy as np
import pytest
from crc32c import crc32c
from hypothesis import given
from hypothesis import strategies as st

from minitf.errors import DataLossError
from minitf.storage.bundle import spans
from minitf.storage.files import Disk


@given(st.lists(st.integers(0, 5000), max_size=4), st.sampled_from([1, 7, 64, 1000]), st.sampled_from([1, 2, 3]))
def test_the_checksum_is_that_of_the_whole(sizes, span, threads):
    data = [np.random.default_rng(size).bytes(size) for size in sizes]
    before = spans.SHORT, spans.THREADS
    spans.SHORT, spans.THREADS = span, threads
    try:
        assert spans.checksums(list(map(memoryview, data))) == list(map(crc32c, data))
    finally:
        spans.SHORT, spans.THREADS = before


class Breaking(Disk):
    """Fails at a place of the file."""

    def __init__(self, at):
        self.at = at
        self.done = []

    def write(self, handle, data, offset):
        if offset == self.at:
            raise OSError("broken")
        self.done.append(offset)
        return super().write(handle, data, offset)


@pytest.mark.parametrize("at", [0, 3 * spans.SPAN, 5 * spans.SPAN])
def test_after_an_error_nothing_new_is_begun_and_nobody_goes_on(tmp_path, at):
    disk = Breaking(at)
    handle = disk.create(str(tmp_path / "x"))
    value = memoryview(bytearray(6 * spans.SPAN))
    before = set(threading.enumerate())
    with pytest.raises(OSError, match="broken"):
        spans.write(disk, handle, [(0, value)], False)
    assert set(threading.enumerate()) <= before
    assert at not in disk.done
    count = len(disk.done)
    disk.close(handle)
    assert len(disk.done) == count < 6 * spans.SPAN // spans.WRITTEN


class Counting(Disk):
    """Counts how often something is read."""

    reads = 0

    def read(self, handle, into, offset):
        self.reads += 1
        return super().read(handle, into, offset)


@given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 300)), max_size=8),
    st.lists(st.integers(0, 80), max_size=20),
    st.sampled_from([1, 16, 64, 1000]),
    st.sampled_from([1, 2]),
    st.booleans(),
)
def test_pieces_are_read_wherever_they_stand(tmp_path_factory, places, row, chunk, spans_of, backwards):
    """A few anywhere, and some that follow each other, in either order; also pieces of no bytes, and the same bytes twice."""
    data = np.random.default_rng(len(row)).bytes(400 + 300 + sum(row))
    ends = np.cumsum([0, *row]).tolist()
    asked = [*places, *zip(ends, row, strict=False)]
    if backwards:
        asked.reverse()
    before = spans.CHUNK, spans.SPAN
    spans.CHUNK, spans.SPAN = chunk, chunk * spans_of
    disk = Counting()
    path = str(tmp_path_factory.mktemp("spans") / "x")
    try:
        with open(path, "wb") as file:
            file.write(data)
        handle = disk.open(path)
        wanted = [data[offset : offset + size] for offset, size in asked]
        assert spans.check(disk, handle, asked, path) == list(map(crc32c, wanted))
        into = [bytearray(size) for _, size in asked]
        placed = [(offset, memoryview(room)) for (offset, _), room in zip(asked, into, strict=True)]
        assert spans.read(disk, handle, placed, path) == list(map(crc32c, wanted))
        assert into == wanted
        disk.close(handle)
    finally:
        spans.CHUNK, spans.SPAN = before


def test_neighbours_are_read_together(tmp_path):
    disk, path = Counting(), str(tmp_path / "x")
    data = np.random.default_rng(0).bytes(spans.CHUNK + spans.CHUNK // 2)
    with open(path, "wb") as file:
        file.write(data)
    handle = disk.open(path)
    size = spans.CHUNK // 32
    places = [(offset, size) for offset in range(0, len(data), size)]
    assert spans.check(disk, handle, places, path) == [crc32c(data[at : at + size]) for at, _ in places]
    assert disk.reads == 2
    spans.check(disk, handle, [*places[:4], *places[5:9]], path)  # with a gap between
    assert disk.reads == 4
    with pytest.raises(DataLossError, match="became shorter"):
        spans.check(disk, handle, [(len(data) - 8, 16)], path)
    disk.close(handle)
