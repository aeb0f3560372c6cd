"""The log of random orders is what random_orders.py gives, and that notices a reduction which leaves something out."""

import json
import random
from pathlib import Path

import random_orders

from minitf.explore.steps import Access

LOG = [json.loads(line) for line in (Path(__file__).parent / "random_orders.jsonl").read_text(encoding="utf-8").splitlines()]


def test_blocks_of_the_log_are_what_they_were():
    assert len({line["seed"] for line in LOG}) == len(LOG)
    assert all(line["wrong"] == 0 for line in LOG)
    kept = random.SystemRandom().choice(LOG)
    again, wrong = random_orders.block(kept["seed"])
    assert (again, wrong) == (kept, [])


def test_a_reduction_that_takes_reading_for_independent_is_noticed(monkeypatch):
    monkeypatch.setattr(Access, "conflicts", lambda a, b: a.anything or b.anything or not a.writes.isdisjoint(b.writes))
    assert random_orders.block("planted")[1]


def test_the_command_says_what_it_did(capsys):
    assert random_orders.main(["--seed", "one", "--blocks", "0"]) == 0
    assert capsys.readouterr().out == "0 random steps, 0 programs with a state that no class had\n"
