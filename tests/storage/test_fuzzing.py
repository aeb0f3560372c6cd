"""Bounded runs of the fuzzers, with new cases each time, and proof that they would notice a reader that checks nothing."""

import random

import pytest

from minitf.storage.bundle import fetching, payload

from . import fuzz_log, fuzz_targets
from .fuzz_guided import WEIGHTS, guided
from .fuzzing import KINDS, message, parse, run, scribble


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
    monkeypatch.setattr(fetching, "mask_all", lambda crcs: type("Anything", (), {"tolist": lambda _: Equal()})())
    assert any("not saved" in one for one in run(40, 3, "v2-data-bytes")[1])


class Equal:
    def __ne__(self, other):
        return False


@pytest.mark.parametrize("data", [b"", b"\x08\x01", b"\x12\x02\x08\x07\x35abcd", b"\xff"])
def test_messages_are_taken_apart(data):
    assert bool(parse(data)) == (data not in (b"", b"\xff"))
    assert isinstance(message(random.Random(1), data), bytes)


@pytest.mark.parametrize("name", fuzz_targets.TARGETS)
def test_decoders_keep_their_laws(name):
    found = fuzz_targets.TARGETS[name]
    seeds = found.seeds()
    assert [fuzz_targets.run(name, data) for data in seeds].count("value") >= len(seeds) / 2 or name == "any_file"
    draw = random.Random()
    for _ in range(200):
        fuzz_targets.run(name, draw.choice([scribble, message])(draw, draw.choice(seeds))[: found.longest])


def test_every_decoder_is_fuzzed_with_guidance():
    assert WEIGHTS.keys() == fuzz_targets.TARGETS.keys()


def test_guided_runs():
    pytest.importorskip("atheris", reason="atheris is made for Linux only")
    for name in random.sample(sorted(WEIGHTS), 3):
        found = guided(name, 3000, random.randrange(10**6), 20)
        assert not found.broken, found.report
        assert found.executions >= 1000


def test_a_broken_law_is_found(monkeypatch):
    monkeypatch.setattr(fuzz_targets.messages, "_quick_nodes", lambda data: [])
    with pytest.raises(AssertionError):
        fuzz_targets.run("graph", fuzz_targets.TARGETS["graph"].seeds()[0])


def test_the_log_adds_up(tmp_path):
    fuzz_log.add(fuzz_log.Run("atheris", "block", "1", 1000, 2.0, 66, 0), tmp_path / "log.tsv")
    fuzz_log.add(fuzz_log.Run("atheris", "block", "2", 500, 1.0, 70, 1), tmp_path / "log.tsv")
    assert fuzz_log.totals(tmp_path / "log.tsv") == {("atheris", "block"): (1500, 3.0, 70, 1)}
    assert "1,500 executions by atheris" in fuzz_log.table(tmp_path / "log.tsv")
