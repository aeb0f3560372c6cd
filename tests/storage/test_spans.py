"""Large values are moved by two threads; whatever happens, none is left behind."""

import threading

import numpy as np
import pytest
from crc32c import crc32c
from hypothesis import given
from hypothesis import strategies as st

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
