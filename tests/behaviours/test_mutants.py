"""The list of planted mistakes is about code that there is: ``scripts/mutants`` takes a minute, this a moment."""

from pathlib import Path

import pytest
from mutants import MUTANTS

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("file", sorted({file for _, file, _, _ in MUTANTS}))
def test_the_text_of_every_planted_mistake_stands_once(file):
    text = (ROOT / file).read_text(encoding="utf-8")
    there = [(number, old, new) for number, where, old, new in MUTANTS if where == file]
    assert [(number, old) for number, old, new in there if text.count(old) != 1 or old == new] == []
