"""Strings that are fetched and put some at a time: which of them together, and what is let go before."""

from __future__ import annotations

import numpy as np
import pytest

from minitf.storage import string_pieces


@pytest.fixture
def calls(monkeypatch):
    """What is fetched (sizes) and put (numbers and strings), in order; up to eight bytes together."""
    monkeypatch.setattr(string_pieces, "TOGETHER", 8)
    return []


def filled(calls, *lengths):
    text = iter(range(1, 200))

    def fetch(into):
        calls.append(len(into))
        into[:] = bytes(next(text) for _ in range(len(into)))

    string_pieces.fill(
        [np.array(some, np.int64) for some in lengths], fetch, lambda number, items: calls.append((number, items))
    )
    return calls


def of(*numbers):
    return bytes(numbers)


def test_short_strings_are_fetched_together(calls):
    assert filled(calls, [3, 5, 1, 0, 7, 2]) == [
        8, (0, [of(1, 2, 3), of(4, 5, 6, 7, 8)]),
        8, (2, [of(9), b"", of(*range(10, 17))]),
        2, (5, [of(17, 18)]),
    ]  # fmt: skip


def test_each_piece_of_lengths_begins_anew(calls):
    assert filled(calls, [1], [2, 0], [], [1]) == [
        1, (0, [of(1)]),
        2, (1, [of(2, 3), b""]),
        1, (3, [of(4)]),
    ]  # fmt: skip


def test_a_string_of_just_so_many_bytes_is_short(calls):
    assert filled(calls, [8, 1]) == [8, (0, [of(*range(1, 9))]), 1, (1, [of(9)])]


def test_of_a_long_string_the_old_one_goes_before_there_is_the_new_one(calls):
    assert filled(calls, [1, 9, 20, 1]) == [
        1, (0, [of(1)]),
        (1, [b""]), 9, (1, [of(*range(2, 11))]),
        (2, [b""]), 20, (2, [of(*range(11, 31))]),
        1, (3, [of(31)]),
    ]  # fmt: skip


def test_strings_without_bytes_are_all_together(calls):
    assert filled(calls, [0] * 20) == [0, (0, [b""] * 20)]


def test_up_to_1_mib_is_fetched_together():
    mib = 1 << 20
    asked = []
    string_pieces.fill([np.array([mib // 2, mib // 2, 1, mib])], lambda into: asked.append(len(into)), lambda *_: None)
    assert asked == [mib, 1, mib]
