"""What became of the mistakes that were planted: what is known, which survivors are right to survive, and the score."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from pathlib import Path
from typing import Any

from looking import FILES, KEPT
from planting import Mutant, mutants_of, source_of

FOUND = KEPT / "found.jsonl"
EXPLAINED = Path(__file__).with_name("mutation_survivors.tsv")
SCORE = Path(__file__).with_name("mutation_score.tsv")


def found_out() -> dict[str, Any]:
    """What became of the mutants that were tried so far, by their keys."""
    if not FOUND.exists():
        return {}
    return {known["key"]: known for known in map(json.loads, FOUND.read_text().splitlines())}


class Explained:
    """The survivors that are right to survive."""

    def __init__(self) -> None:
        rows = [line.split("\t") for line in EXPLAINED.read_text().splitlines()]
        self._rows = [[_pattern(cell) for cell in row[:3]] for row in rows]
        self.used = [False] * len(rows)

    def __contains__(self, mutant: Mutant) -> bool:
        cells = (mutant.path, source_of(mutant.path).splitlines()[mutant.line - 1].strip(), mutant.what)
        matching = [n for n, row in enumerate(self._rows) if all(p.fullmatch(c) for p, c in zip(row, cells, strict=True))]
        for number in matching:
            self.used[number] = True
        return bool(matching)


def _pattern(cell: str) -> re.Pattern[str]:
    return re.compile(cell[1:-1] if len(cell) > 2 and cell[0] == cell[-1] == "/" else re.escape(cell))


def report(chosen: list[Mutant], found: dict[str, Any], least: float = 0.0, drawn: bool = False) -> int:
    """Prints the score and the survivors without an explanation; 1 if the score is below ``least``.

    Of mutants that were ``drawn``: if of those that nobody has explained surely fewer are killed, with the confidence of the
    interval that is printed. The explained ones are many, and none of them says that a test is missing.
    """
    explained = Explained()
    table, open_ones = tally(chosen, found, explained)
    for path, row in table.items():
        if row["killed"] + row["survived"]:
            print(f"{path:24} {_said(row)}")
    row = sum(table.values(), Counter())
    print(f"{'in all':24} {_said(row)}")
    low, high = wilson(row["killed"], max(1, row["killed"] + row["survived"] - row["explained"]))
    if drawn:
        print(f"95 % interval of the share that is killed of those not explained: {low:.1%} to {high:.1%}")
    for mutant in open_ones:
        print(f"{mutant.path}\t{source_of(mutant.path).splitlines()[mutant.line - 1].strip()}\t{mutant.what}\t:{mutant.line}")
    return int((high if drawn else row["killed"] / max(1, row["killed"] + row["survived"])) < least)


def tally(chosen: list[Mutant], found: dict[str, Any], explained: Explained) -> tuple[dict[str, Counter[str]], list[Mutant]]:
    """Counts by file, and the survivors that nobody has explained."""
    table: dict[str, Counter[str]] = {path: Counter() for path in FILES}
    open_ones = []
    for mutant in chosen:
        row = table[mutant.path]
        outcome = found.get(mutant.key, {}).get("outcome", "not tried").partition(" by ")[0]
        row["mutants"] += 1
        row[outcome] += 1
        if outcome == "survived":
            if mutant in explained:
                row["explained"] += 1
            else:
                open_ones.append(mutant)
    return table, open_ones


def _said(row: Counter[str]) -> str:
    tried = max(1, row["killed"] + row["survived"])
    return (
        f"{row['mutants']} mutants: {row['killed']} killed, {row['survived']} survived ({row['explained']} explained), "
        f"{row['not planted']} could not be planted, {row['not tried']} not tried; {row['killed'] / tried:.1%} killed, "
        f"{row['killed'] / max(1, tried - row['explained']):.1%} of those not explained"
    )


def record() -> int:
    """Writes what is known into ``mutation_score.tsv``, a line a file."""
    chosen = [m for path in FILES for m in mutants_of(path)]
    found = found_out()
    table, _ = tally(chosen, found, Explained())
    heads = ("mutants", "killed", "survived", "explained", "not planted", "not tried")
    lines = ["\t".join(("file", *heads, "killed of tried", "last run"))]
    for path, row in [*table.items(), ("in all", sum(table.values(), Counter()))]:
        dates = [known["date"] for m in chosen if path in (m.path, "in all") and (known := found.get(m.key))]
        share = f"{row['killed'] / max(1, row['killed'] + row['survived']):.1%}"
        if row["mutants"]:
            lines.append("\t".join((path, *(str(row[head]) for head in heads), share, max(dates, default=""))))
    SCORE.write_text("\n".join(lines) + "\n")
    print(lines[-1])
    return 0


def wilson(good: int, total: int) -> tuple[float, float]:
    """The 95 % confidence interval of a share (Wilson's)."""
    z, p = 1.96, good / total
    middle, half = p + z * z / (2 * total), z * math.sqrt(p * (1 - p) / total + z * z / (4 * total * total))
    return (middle - half) / (1 + z * z / total), (middle + half) / (1 + z * z / total)
