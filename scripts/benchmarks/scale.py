"""Measures what saving, restoring and asserting cost an object in trees of 1,000 to 100,000 objects: linear means flat.

Four shapes: a tree, a chain, a wide list, and a graph in which every object hangs on five others. Each size is measured in a
process of its own, in CPU time, the best of several rounds; what counts is the ratio between the sizes of one run. Python's
cycle collector is off, because what it costs depends on everything else that lives in a process; ``--collector`` leaves it on.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from time import process_time
from typing import Any

SIZES = (1_000, 10_000, 100_000)
MODES = ("eager", "graph")
STEPS = (
    "create",  # the objects and variables of the tree
    "save",  # by a new saver, to files
    "restore",  # into the existing tree, by a new saver; in a graph the restore operations are run
    "restore again",  # by the same saver
    "assert_consumed",
    "explain",  # what the assertion is happy with
    "explain renamed",  # no edge has the name that it had
    "deferred",  # restore into a bare root, then create; in a graph the restore operations are run
)


# -- the shapes: each makes n objects, the given root among them, from the root down -----------------------------------------


def tree(n: int, node: Any, leaf: Any, root: Any) -> None:
    """Ten children for each inner object; the objects without children are variables."""
    objects = [root]
    inner = n // 10 + 1
    for i in range(1, n):
        child = node() if i < inner else leaf()
        setattr(objects[(i - 1) // 10], f"c{(i - 1) % 10}", child)
        objects.append(child)


def chain(n: int, node: Any, leaf: Any, root: Any) -> None:
    """One below the other, with a variable at the end. (With one at each link the names of all keys alone would be n x n.)"""
    for _ in range(n - 2):
        child = node()
        root.c = child
        root = child
    root.c = leaf()


def wide(n: int, node: Any, leaf: Any, root: Any) -> None:
    """One list of variables."""
    root.all = []
    append = root.all.append
    for _ in range(n - 2):
        append(leaf())


def shared(n: int, node: Any, leaf: Any, root: Any) -> None:
    """Object i has edges to the objects 2i + 1 to 2i + 10, so most hang on five; every second one is a variable."""
    objects = [root, *(node() if 2 * i + 1 < n else leaf() for i in range(1, n))]
    names = [f"c{k}" for k in range(10)]
    for i in range(n // 2):
        for name, child in zip(names, objects[2 * i + 1 : 2 * i + 11], strict=False):
            setattr(objects[i], name, child)


SHAPES: dict[str, Callable[[int, Any, Any, Any], None]] = {"tree": tree, "chain": chain, "wide list": wide, "shared": shared}


# -- one size, in its own process ----------------------------------------------------------------------------------------


class World:
    """Eager mode, or a new graph with its session."""

    def __init__(self, tf: Any, mode: str):
        self.tf = tf
        self.graph = tf.Graph() if mode == "graph" else None
        self.session = tf.Session(graph=self.graph) if self.graph is not None else None

    def inside(self) -> AbstractContextManager[Any]:
        stack = ExitStack()
        if self.graph is not None and self.session is not None:
            stack.enter_context(self.graph.as_default())
            stack.enter_context(self.session.as_default())
        return stack if self.graph is not None else nullcontext()

    def initialise(self) -> None:
        if self.session is not None:
            self.session.run([v.initializer for v in self.tf.global_variables()])


def measure(shape: str, mode: str, n: int, rounds: int, collector: bool) -> dict[str, float]:
    """CPU seconds of each step, the least of the rounds."""
    import gc

    import numpy as np

    import minitf as tf

    class Node(tf.train.AutoTrackable):
        pass

    class Renaming(Node):
        """Its attributes are edges of other names than those of ``Node``."""

        def __setattr__(self, name: str, value: Any) -> None:
            super().__setattr__(f"new_{name}", value)

        def __getattr__(self, name: str) -> Any:
            if name.startswith(("_", "new_")):
                raise AttributeError(name)
            return getattr(self, f"new_{name}")

    value = np.arange(8, dtype=np.float32)

    def build(root: Any) -> Any:
        SHAPES[shape](n, Node, lambda: tf.Variable(value), root)
        return root

    best: dict[str, float] = {}

    def timed(step: str, call: Callable[[], Any]) -> Any:
        gc.collect()
        if not collector:
            gc.disable()
        start = process_time()
        out = call()
        best[step] = min(best.get(step, math.inf), process_time() - start)
        gc.enable()
        return out

    def restored(saver: Any, path: str) -> Any:
        status = saver.restore(path)
        status.run_restore_ops()
        return status

    def existing(folder: str, world: World) -> str:
        root = timed("create", lambda: build(Node()))
        world.initialise()
        path: str = timed("save", lambda: tf.train.CheckpointableSaver(root).save(f"{folder}/x"))
        saver = tf.train.CheckpointableSaver(root)
        timed("restore", lambda: restored(saver, path))
        status = timed("restore again", lambda: restored(saver, path))
        timed("assert_consumed", status.assert_consumed)
        timed("explain", lambda: str(status.explain()))
        return path

    def deferred(path: str) -> tuple[Any, Any]:
        root = Node()
        status = tf.train.CheckpointableSaver(root).restore(path)
        build(root)
        status.run_restore_ops()
        return root, status

    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for _ in range(rounds):
            world = World(tf, mode)
            with world.inside():
                path = existing(folder, world)
            with World(tf, mode).inside():
                other = Renaming()
                SHAPES[shape](n, Renaming, lambda: tf.Variable(value), other)
                status = tf.train.CheckpointableSaver(other).restore(path).expect_partial()
                timed("explain renamed", lambda s=status: str(s.explain()))  # type: ignore[misc]
                del other, status
            with World(tf, mode).inside():
                root, status = timed("deferred", lambda p=path: deferred(p))  # type: ignore[misc]
                status.assert_consumed()
            del world, root, status
    return best


# -- the table -----------------------------------------------------------------------------------------------------------


def run(shape: str, mode: str, n: int, rounds: int, collector: bool) -> dict[str, float]:
    """``measure`` in a new process."""
    command = [sys.executable, str(Path(__file__)), "--measure", json.dumps([shape, mode, n, rounds, collector])]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def exponent(small: tuple[int, float], large: tuple[int, float]) -> float:
    """The e of time ~ n**e between two sizes: 1 is linear."""
    return math.log(large[1] / small[1]) / math.log(large[0] / small[0])


def main(arguments: list[str]) -> int:
    """Measures and prints the table."""
    parser = argparse.ArgumentParser(prog="scripts/bench --scale", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="1,000 and 10,000 objects only, fewer rounds")
    parser.add_argument("--collector", action="store_true", help="leave Python's cycle collector on")
    parser.add_argument("--shapes", nargs="*", default=list(SHAPES), choices=list(SHAPES))
    parser.add_argument("--modes", nargs="*", default=list(MODES), choices=MODES)
    parser.add_argument("--json", metavar="FILE", help="write the figures to a file")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.measure:
        print(json.dumps(measure(*json.loads(args.measure))))
        return 0

    from rich.console import Console
    from rich.table import Table

    sizes = SIZES[:2] if args.quick else SIZES
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    table = Table(title="microseconds of CPU an object; exponent: time ~ n ** exponent (1 is linear)")
    for head in ("shape", "mode", "step"):
        table.add_column(head)
    for head in (*(f"{n:,}" for n in sizes), "last / first", "exponent"):
        table.add_column(head, justify="right")
    figures = []
    for shape in args.shapes:
        for mode in args.modes:
            rounds = [max(2, min(3 if args.quick else 7, 50_000 // n)) for n in sizes]
            found = [run(shape, mode, n, times, args.collector) for n, times in zip(sizes, rounds, strict=True)]
            for step in STEPS:
                each = [seconds[step] / n * 1e6 for n, seconds in zip(sizes, found, strict=True)]
                growth = exponent((sizes[0], found[0][step]), (sizes[-1], found[-1][step]))
                figures.append({"shape": shape, "mode": mode, "step": step, "microseconds": each, "exponent": growth})
                table.add_row(
                    shape, mode, step, *(f"{us:.2f}" for us in each), f"{each[-1] / each[0]:.2f}", f"{growth:.2f}",
                    end_section=step == STEPS[-1],
                )  # fmt: skip
    console.print(table)
    if args.json:
        Path(args.json).write_text(json.dumps({"sizes": sizes, "figures": figures}, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
