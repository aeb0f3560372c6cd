"""The log of all runs of the fuzzers: one line a run, and their totals.

The log is ``docs/explanation/fuzzing-runs.tsv``; runs with ``--log`` add to it, and it is committed.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple

LOG = Path(__file__).parents[2] / "docs" / "explanation" / "fuzzing-runs.tsv"
COLUMNS = "day\tfuzzer\ttarget\tseed\texecutions\tseconds\tMiB\tbroken laws\n"


class Run(NamedTuple):
    """What one run did; ``broken`` is how many laws it broke, ``report`` says which."""

    fuzzer: str
    target: str
    seed: str
    executions: int
    seconds: float
    megabytes: int
    broken: int
    report: str = ""


def add(run: Run, log: Path = LOG) -> None:
    """Adds a line."""
    if not log.exists():
        log.write_text(COLUMNS)
    with log.open("a") as file:
        day = time.strftime("%Y-%m-%d", time.gmtime())
        file.write(
            f"{day}\t{run.fuzzer}\t{run.target}\t{run.seed}\t{run.executions}\t{run.seconds:.0f}\t{run.megabytes}\t{int(run.broken)}\n"
        )


def totals(log: Path = LOG) -> dict[tuple[str, str], tuple[int, float, int, int]]:
    """By fuzzer and target: executions, seconds, most memory, broken laws."""
    out: dict[tuple[str, str], tuple[int, float, int, int]] = defaultdict(lambda: (0, 0.0, 0, 0))
    for line in log.read_text().splitlines()[1:]:
        _, fuzzer, target, _, executions, seconds, memory, broken = line.split("\t")
        before = out[fuzzer, target]
        out[fuzzer, target] = (
            before[0] + int(executions), before[1] + float(seconds), max(before[2], int(memory)), before[3] + int(broken)
        )  # fmt: skip
    return dict(out)


def table(log: Path = LOG) -> str:
    """The totals as text."""
    found = totals(log)
    lines = [
        f"{fuzzer:10} {target:36} {executions:12,} {seconds:7.0f} s {memory:5} MiB  {broken} broken laws"
        for (fuzzer, target), (executions, seconds, memory, broken) in sorted(found.items())
    ]
    by_fuzzer: Counter[str] = Counter()
    for (fuzzer, _), row in found.items():
        by_fuzzer[fuzzer] += row[0]
    return "\n".join([*lines, *(f"{number:,} executions by {fuzzer}" for fuzzer, number in by_fuzzer.items())])


if __name__ == "__main__":
    print(table())
