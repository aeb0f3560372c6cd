"""All programs of up to so many steps: ``python tests/explore/every_program.py 6``. Each class must be run exactly once.

The classes are counted by hand, from all orders; up to four steps all orders are run as well, and everything is compared.
"""

import sys
import time

from programs import classes_of, programs
from test_exhaustive import WORLD, check

from minitf.explore.exhaustive import Exhaustive
from minitf.explore.running import run


def body_of(program):
    def task(accesses):
        yield accesses[0]
        yield from accesses[1:]

    return lambda world: world.tasks(*map(task, program)) and 0


def main(longest):
    for steps in range(1, longest + 1):
        began, count, classes = time.monotonic(), 0, 0
        for program in programs(steps):
            scheduler = Exhaustive()
            run(body_of(program), scheduler, 10**6, WORLD)
            assert scheduler.complete
            assert (scheduler.classes, scheduler.redundant) == (classes_of(program), 0), program
            if steps <= 4:
                check(program)
            count, classes = count + 1, classes + scheduler.classes
        print(f"{steps} steps: {count:,} programs, {classes:,} classes, {time.monotonic() - began:,.0f} s", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
