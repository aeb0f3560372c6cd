"""The list of planted mistakes that are right to survive is about code that there is."""

from planting import mutants_of, paths
from scoring import EXPLAINED, Explained


def test_every_explanation_is_of_a_mistake_that_can_be_planted():
    explained = Explained()
    for path in paths():
        for mutant in mutants_of(path):
            mutant in explained
    rows = EXPLAINED.read_text().splitlines()
    assert [row for row, used in zip(rows, explained.used, strict=True) if not used] == []
    assert [row for row in rows if len(row.split("\t")) != 4] == []


def test_mistakes_are_told_apart():
    keys = [mutant.key for path in paths() for mutant in mutants_of(path)]
    assert len(set(keys)) == len(keys) > 4000
