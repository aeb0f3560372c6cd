"""Random walks: long random restore programs on minitf and on the reference model, compared after every step.

A walk draws its steps one by one from a seed, in a small world: few objects, few names, few checkpoints, so that most things
match and some do not. ``walk(seed, mode)`` does one. The command (``scripts/random-steps``) does many, in blocks; a line of its
log says which blocks they were, so that each can be done again.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

from minitf.testing.divergence import Divergence
from minitf.testing.modes import MODES
from minitf.testing.programs import Step, smallest
from minitf.testing.twins import ASSERTIONS, Twins, run

NODES, VARIABLES, OPTIMIZERS, STATES = range(4), range(4, 8), range(8, 10), range(10, 12)
NAMES = ("a", "b", "c", "d")
STATUSES = 5  # of which later steps speak
BLOCK = 4000  # walks


class Drawing:
    """Draws the steps of one walk."""

    def __init__(self, seed: str):
        self._rng = random.Random(seed)
        self._draw, self._choose = self._rng.random, self._rng.choice
        slots, states = (self._choose((0, 0, 0, 0, 0, 0, 1, 1, 1, 2)), self._choose((0, 0, 0, 0, 0, 0, 1, 1, 1, 2)))
        self._variables = VARIABLES[: self._rng.randrange(2, 5)]
        self._optimizers = OPTIMIZERS[:slots]
        self._nodes = NODES[: self._rng.randrange(2, 5)]
        self._names = NAMES[: self._rng.randrange(2, 5)]
        self._objects = [*self._nodes, *self._variables, *self._optimizers, *STATES[:states]]
        self._parents = [0, 0, *self._nodes, *self._optimizers]
        self._value = 0.0
        self._files = self._restored = 0
        self._tree = [self._attach() for _ in range(self._rng.randrange(3, 9))]

    def steps(self, rounds: int) -> Iterator[Step]:
        """A tree is built and saved; then come rounds: a new or the same program restores, and its tree grows or changes."""
        yield from self._fresh()
        yield from self._tree
        for optimizer, name in zip(self._optimizers, self._names, strict=False):
            variable = self._choose(self._variables)
            yield from [("attach", 0, name, optimizer), ("attach", 0, self._names[-1], variable), self._slot(variable)]
        yield from [("restore", 0, None, 0), ("initialize_or_restore", 0), ("save", 0, 0)]
        self._files = self._restored = 1
        for _ in range(rounds):
            yield from self._round()

    def _round(self) -> Iterator[Step]:
        if self._draw() < 0.6:
            yield from self._fresh()
        edges = self._rng.sample(self._tree, len(self._tree))
        before = self._rng.randrange(len(edges) + 1) if self._draw() < 0.5 else 0
        yield from edges[:before]
        for _ in range(1 if self._draw() < 0.7 else 2):
            if self._draw() < 0.3:
                yield from self._any()
            yield self._restore()
        for edge in edges[before:]:
            yield edge
            if self._draw() < 0.4:
                yield from self._any()
        yield self._ask("assert_consumed")
        if self._draw() < 0.6:
            yield ("run", self._status())
        for _ in range(self._rng.randrange(4)):
            yield from self._any()

    def _any(self) -> Iterator[Step]:
        at = self._draw()
        if at < 0.30:
            yield self._attach()
        elif at < 0.40:
            yield self._restore()
        elif at < 0.50:
            yield self._ask(self._choose(ASSERTIONS))
        elif at < 0.60:
            yield self._make(self._choose(self._objects))
        elif at < 0.68:
            yield ("detach", self._choose(self._parents), self._choose(self._names))
        elif at < 0.75:
            yield ("assign", self._choose(self._variables), self._next())
        elif at < 0.81:
            yield ("run", self._status())
        elif at < 0.84:
            yield ("initialize_or_restore", self._status())
        elif at < 0.88:
            yield ("save", self._rng.randrange(2), self._files % 3)
            self._files = min(self._files + 1, 3)
        elif at < 0.91:
            parent, name = self._choose(self._parents), self._choose(self._names)
            yield ("add_variable", parent, name, self._choose(self._variables), self._next())
        elif at < 0.94:
            yield ("saver", self._rng.randrange(2), self._choose(self._nodes), self._draw() < 0.6)
        elif at < 0.97 and self._optimizers:
            yield self._slot(self._choose(self._variables))
        elif at < 0.98:
            yield ("initialise", self._choose(self._variables))
        else:
            yield ("drop_status", self._status())

    def _fresh(self) -> Iterator[Step]:
        """A new program: all objects are others. The statuses of the old one are forgotten sooner or later."""
        yield from [self._make(number) for number in self._objects]
        yield from [("saver", 0, 0, self._draw() < 0.7), ("saver", 1, 0 if self._draw() < 0.6 else 1, self._draw() < 0.5)]

    def _make(self, number: int) -> Step:
        if number in NODES:
            return ("node", number)
        if number in VARIABLES:
            return ("variable", number, self._next())
        return ("optimizer", number) if number in OPTIMIZERS else ("state", number, f"t{self._next()}")

    def _next(self) -> float:
        self._value += 1.0
        return self._value

    def _attach(self) -> Step:
        return ("attach", self._choose(self._parents), self._choose(self._names), self._choose(self._objects))

    def _slot(self, variable: int) -> Step:
        return ("slot", self._choose(self._optimizers), variable, "m", self._next())

    def _restore(self) -> Step:
        file = self._rng.randrange(self._files) if self._draw() < 0.96 else None
        self._restored += 1
        return ("restore", 0 if self._draw() < 0.7 else 1, file, self._restored % STATUSES)

    def _status(self) -> int:
        """One of the newest, mostly the last."""
        return (self._restored - int(self._draw() ** 2 * min(STATUSES, self._restored))) % STATUSES

    def _ask(self, assertion: str) -> Step:
        return ("ask", self._status(), assertion)


def draw(seed: str, rounds: int = 4) -> list[Step]:
    """The steps of one walk."""
    return list(Drawing(seed).steps(rounds))


def walk(seed: str, mode: str) -> int:
    """Does one walk; gives how many steps it had. Raises Divergence."""
    with Twins(mode) as twins:
        for step in Drawing(seed).steps(4):
            twins.step(step)
        twins.look()
        return len(twins.history)


def block(seed: str, mode: str, walks: int) -> tuple[int, list[Divergence]]:
    """Does the walks ``seed/0``, ``seed/1``, ...; gives the number of steps, and what differed."""
    steps, found = 0, []
    for number in range(walks):
        try:
            steps += walk(f"{seed}/{number}", mode)
        except Divergence as divergence:
            steps += len(divergence.steps)
            found.append(divergence)
    return steps, found


def entry(seed: str, mode: str, steps: int, differ: int, seconds: float) -> dict[str, Any]:
    """A line of the log. ``first`` is a checksum of the first walk's steps: it tells whether a seed still draws the same."""
    first = crc32(repr(draw(f"{seed}/0")).encode())
    return {"seed": seed, "mode": mode, "walks": BLOCK, "steps": steps, "differ": differ, "seconds": seconds, "first": first}


def tell(divergence: Divergence) -> str:
    """The smallest program that differs, as code that runs."""

    def differs(steps: list[Step]) -> bool:
        try:
            run(steps, divergence.mode)
        except Divergence:
            return True
        return False

    small = smallest(divergence.steps, differs)
    try:
        run(small, divergence.mode)
    except Divergence as last:
        return str(last)
    return f"{divergence} (not seen again)"


def main(arguments: list[str] | None = None) -> int:
    """The command. Ends with 1 if anything differed."""
    parser = argparse.ArgumentParser(
        prog="scripts/random-steps", description="Random restore programs on minitf and on the model, compared at every step."
    )
    parser.add_argument("--steps", "-n", type=float, default=1e6, help="how many at least (default 1e6)")
    parser.add_argument("--seed", "-s", default=None, help="which ones; default: others each time")
    parser.add_argument("--mode", choices=MODES, action="append", help="default: both in turn")
    parser.add_argument("--log", type=Path, help=f"append a line for each block of {BLOCK} walks")
    parser.add_argument("--first", type=int, default=0, help="the first block (default 0)")
    parser.add_argument("--most", type=int, default=5, help="stop after so many differences (default 5)")
    options = parser.parse_args(arguments)
    seed = options.seed or str(int(time.time()))
    gc.collect()
    gc.freeze()
    done, number, differing = 0, options.first, 0
    while done < options.steps and differing < options.most:
        for mode in options.mode or MODES:
            began = time.process_time()
            steps, found = block(f"{seed}/{number}", mode, BLOCK)
            done += steps
            differing += len(found)
            if options.log:
                seconds = round(time.process_time() - began, 1)
                with options.log.open("a", encoding="utf-8") as log:
                    print(json.dumps(entry(f"{seed}/{number}", mode, steps, len(found), seconds)), file=log)
            for divergence in found[: options.most]:
                print(tell(divergence), flush=True)
        number += 1
    print(f"seed {seed}, blocks {options.first} to {number - 1}: {done} steps, {differing} walks differ from the model")
    return int(differing > 0)


if __name__ == "__main__":
    sys.exit(main())
