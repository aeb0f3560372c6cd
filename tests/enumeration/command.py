"""All programs up to a length: ``python -m enumeration.command --longest 5``. Ends with 1 if anything differed."""

from __future__ import annotations

import argparse
import gc
import logging
import sys
import time

from enumeration.walk import Level, levels, stands_for_all


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="scripts/enumerate", description=__doc__)
    parser.add_argument("--longest", "-n", type=int, default=5, help="how many steps the longest programs have (default 5)")
    parser.add_argument("--brute", type=int, default=0, help="confirm by every single program of up to so many steps")
    parser.add_argument("--count", action="store_true", help="only count, run nothing on minitf")
    options = parser.parse_args(arguments)
    logging.disable(logging.WARNING)
    gc.disable()  # an object in a cycle would live until chance comes by; what is left is collected between programs
    began = time.monotonic()
    differing = 0

    def told(level: Level) -> None:
        if level.classes % 10_000 == 0:
            seconds = time.monotonic() - began
            print(f"  length {level.length}: {level.classes:,} classes so far, {seconds:,.0f} s", file=sys.stderr, flush=True)

    print("steps          programs     classes  new states  differing")
    options_of_levels = {"compare": None} if options.count else {}
    for level in levels(options.longest, told=told, **options_of_levels):
        row = f"{level.length:>5} {level.programs:>17,} {level.classes:>11,} {level.states:>11,} {len(level.differences):>10,}"
        print(row, flush=True)
        differing += len(level.differences)
        for program, text in level.differences[:5]:
            print(f"  {program}\n    {text}")
    for length in range(1, options.brute + 1):
        wrong: list[object] = []
        count, states = stands_for_all(length, lambda program, text, wrong=wrong: wrong.append((program, text)))
        differing += len(wrong)
        print(f"one by one, {length} steps: {count:,} programs, {len(states):,} states, {len(wrong):,} differing", flush=True)
    print(f"{time.monotonic() - began:,.0f} s")
    return int(differing > 0)


if __name__ == "__main__":
    sys.exit(main())
