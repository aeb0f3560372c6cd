"""Many programs: ``python -m differential.bulk --programs 50000``. Prints totals; ends with 1 if something differed."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from itertools import islice

from differential.compare import Comparison, Verdict
from differential.minitf_adapter import Minitf
from differential.oracle import Oracle
from differential.programs import Program
from differential.rendering import render
from differential.shrink import shrink
from differential.strategies import drawn

MOST_DEVIATIONS = 0.05  # of programs


def run(
    compare: Comparison, programs: int, seed: str, batch: int = 50, most: int = 20, quiet: bool = False
) -> tuple[list[Verdict], Counter[str]]:
    """The verdicts that differ, about ``most`` at most, and how many programs met each deviation (``any``: at least one)."""
    differing: list[Verdict] = []
    deviations: Counter[str] = Counter()
    began = time.monotonic()
    source = drawn(seed)
    for start in range(0, programs, batch):
        for verdict in compare(list(islice(source, min(batch, programs - start)))):
            deviations.update(set(verdict.deviations))
            deviations["any"] += bool(verdict.deviations)
            if verdict.difference:
                differing.append(verdict)
                if not quiet:
                    print(f"{verdict.difference}\n{verdict.program.to_json()}", file=sys.stderr, flush=True)
        if not quiet and start // batch % 40 == 39:
            pace = (start + batch) / (time.monotonic() - began)
            print(f"{start + batch} programs, {pace:.1f} a second, {len(differing)} differ", file=sys.stderr, flush=True)
        if len(differing) >= most:
            break
    return differing, deviations


def kinds(differing: list[Verdict]) -> list[Verdict]:
    """One of each kind of difference."""
    by_kind: dict[str, Verdict] = {}
    for verdict in sorted(differing, key=lambda v: len(v.program.steps)):
        by_kind.setdefault(verdict.kind, verdict)
    return list(by_kind.values())


def report(differing: list[Verdict], deviations: Counter[str], ran: int) -> list[str]:
    """The totals in words."""
    met = ", ".join(f"{number} {count}" for number, count in sorted(deviations.items()) if number != "any") or "none"
    share = 100 * deviations["any"] / max(1, ran)
    return [
        f"{ran} programs; {len(differing)} differ from TensorFlow",
        f"deviations on purpose met by {deviations['any']} programs ({share:.2f} %): {met}",
    ]


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="scripts/differential", description="Random programs, run by TensorFlow and by minitf and compared."
    )
    parser.add_argument("--programs", "-n", type=int, default=2000, help="how many (default 2000)")
    parser.add_argument("--seed", "-s", default=None, help="which ones; default: others each time")
    parser.add_argument("--program", "-p", help="run this one, as printed, instead ('-': read it from the input)")
    parser.add_argument("--most", type=int, default=10, help="stop after so many differences (default 10)")
    options = parser.parse_args(arguments)
    seed = options.seed or str(int(time.time()))
    oracle = Oracle(os.environ["MINITF_ORACLE_PYTHON"])
    compare = Comparison(oracle, Minitf)
    try:
        if options.program:
            text = sys.stdin.read() if options.program == "-" else options.program
            verdict = compare([Program.from_json(text)])[0]
            print(verdict if verdict.difference else "no difference")
            print("deviations:", *(verdict.deviations or ["none"]))
            return int(verdict.difference is not None)
        differing, deviations = run(compare, options.programs, seed, most=options.most)
        ran = compare.ran
        for verdict in kinds(differing):
            small = shrink(verdict, compare)
            print(f"\n--- {small}\n{render(small.program)}\n{small.program.to_json()}")
    finally:
        oracle.close()
    print(f"\nseed {seed}")
    print(*report(differing, deviations, ran), sep="\n")
    too_many = deviations["any"] > MOST_DEVIATIONS * ran
    if too_many:
        print(f"more than {MOST_DEVIATIONS:.0%} of the programs met a deviation: draw fewer of them, or mend some")
    return int(bool(differing) or too_many)


if __name__ == "__main__":
    sys.exit(main())
