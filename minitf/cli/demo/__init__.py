"""``minitf demo``:

a network learns handwritten digits, is saved, and is restored where nothing exists yet, in both runtimes.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from minitf.cli.output import Output


def arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.add_argument("--out", metavar="DIR", help="keep the files there (default: a temporary folder that is deleted)")


def run(args: argparse.Namespace, output: Output) -> int:
    """Runs the four steps and tells what they found; 0 if all of it is as it should be."""
    with _folder(args.out) as directory:
        return _run(directory, args.out is not None, output)


@contextmanager
def _folder(wanted: str | None) -> Iterator[str]:
    if wanted is None:
        with tempfile.TemporaryDirectory(prefix="minitf-demo-") as directory:
            yield directory
    else:
        os.makedirs(wanted, exist_ok=True)
        yield os.path.abspath(wanted)


def _run(directory: str, kept: bool, output: Output) -> int:
    from minitf.cli.demo import steps
    from minitf.cli.demo.report import facts_for_people, wrong

    started = time.perf_counter()
    with _bar(output, 2 * steps.STEPS - steps.HALF + steps.MORE) as advance:
        eager = steps.train_eagerly(directory, advance)
        resumed = steps.resume_in_a_fresh_interpreter(directory, advance)
        graph = steps.use_in_a_graph(directory, eager["last"], advance)
    facts: dict[str, Any] = {
        "eager": eager,
        "resumed": resumed,
        "graph": graph,
        "directory": directory,
        "kept": kept,
        "seconds": round(time.perf_counter() - started, 2),
    }
    facts["problems"] = wrong(facts)
    output.facts(facts)
    facts_for_people(facts, output)
    return 1 if facts["problems"] else 0


@contextmanager
def _bar(output: Output, total: int) -> Iterator[Callable[[str], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<36}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=total)
        yield lambda what: progress.update(task, description=what, advance=1)
