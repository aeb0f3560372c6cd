"""A bounded run of the fuzzer, with new cases each time, and proof that it would notice a reader that checks nothing."""

import random

import pytest

from minitf.storage.bundle import payload, reader

from .fuzzing import KINDS, message, parse, run


def test_no_case_breaks_a_law():
    seed = random.randrange(10**9)
    totals, broken = run(15, seed)
    assert broken == []
    assert totals.keys() == KINDS.keys()
    assert all(sum(counts.values()) == 15 for counts in totals.values())


def test_one_case_is_the_same_each_time():
    assert run(1, 0, "v1-records", "7:33") == run(1, 0, "v1-records", "7:33")


def test_a_reader_without_checksums_is_noticed(monkeypatch):
    monkeypatch.setattr(payload, "check_crc", lambda *_: None)
    monkeypatch.setattr(reader, "mask_all", lambda crcs: type("Anything", (), {"tolist": lambda _: Equal()})())
    assert any("not saved" in one for one in run(40, 3, "v2-data-bytes")[1])


class Equal:
    def __ne__(self, other):
        return False


@pytest.mark.parametrize("data", [b"", b"\x08\x01", b"\x12\x02\x08\x07\x35abcd", b"\xff"])
def test_messages_are_taken_apart(data):
    assert bool(parse(data)) == (data not in (b"", b"\xff"))
    assert isinstance(message(random.Random(1), data), bytes)
