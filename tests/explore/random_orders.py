"""Random orders of random programs, too long to try every order, against what the exhaustive exploration says is all.

    python tests/explore/random_orders.py --seed S --first 0 --blocks 100 --log tests/explore/random_orders.jsonl

A block draws 20 programs of 8 to 12 steps in two to four tasks, explores each of them one execution a class, and then runs it
2,000 times with every choice drawn evenly. A final state that no class had breaks the claim that one execution stands for its
class. A line of the log is a block: its seed, and how many programs, executions and steps it had.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import sys

from programs import ACCESSES, body_of

from minitf.explore.exhaustive import Exhaustive
from minitf.explore.orders import Random
from minitf.explore.running import default_world, run

PROGRAMS = 20
EXECUTIONS = 2_000
CLASSES = 5_000  # programs with more are drawn anew


def block(seed):
    """The numbers of a block, and its programs with a state that the exhaustive exploration did not have."""
    chosen = random.Random(seed)
    world = default_world()
    steps = programs = 0
    wrong = []
    while programs < PROGRAMS:
        length = chosen.randrange(8, 13)
        cuts = sorted({0, length, *chosen.sample(range(1, length), chosen.randrange(1, 4))})
        flat = [chosen.choice(ACCESSES[:-1]) for _ in range(length)]
        program = tuple(tuple(flat[a:b]) for a, b in itertools.pairwise(cuts))
        body, every = body_of(program), Exhaustive()
        complete = run(body, every, CLASSES, world)
        if not every.complete:
            continue
        drawn = run(body, Random(f"{seed} {programs}", EXECUTIONS), EXECUTIONS, world)
        programs += 1
        steps += length * drawn.executions
        if not drawn.outcomes.keys() <= complete.outcomes.keys() or drawn.failures or complete.failures:
            wrong.append(program)
    return {"seed": seed, "programs": programs, "executions": programs * EXECUTIONS, "steps": steps, "wrong": len(wrong)}, wrong


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", required=True)
    parser.add_argument("--first", type=int, default=0, help="number of the first block (default 0)")
    parser.add_argument("--blocks", type=int, default=10, help="how many blocks (default 10)")
    parser.add_argument("--log", help="a file to append a line for each block to")
    options = parser.parse_args(arguments)
    total = bad = 0
    for number in range(options.first, options.first + options.blocks):
        line, wrong = block(f"{options.seed}/{number}")
        total, bad = total + line["steps"], bad + len(wrong)
        for program in wrong:
            print(f"{line['seed']}: a state that no class had: {program}", file=sys.stderr)
        if options.log:
            with open(options.log, "a", encoding="utf-8") as log:
                log.write(json.dumps(line) + "\n")
    print(f"{total:,} random steps, {bad} programs with a state that no class had")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
