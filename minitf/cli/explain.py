"""``minitf explain``: what a checkpoint would restore in a program, and why not the rest."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from importlib import import_module
from types import ModuleType, SimpleNamespace
from typing import Any

from minitf.checkpoint.checkpoint import Checkpoint
from minitf.checkpoint.saver import CheckpointableSaver
from minitf.cli.bodies import names_of
from minitf.cli.contents import object_graph, paths_of
from minitf.cli.output import Output, Part
from minitf.errors import InvalidArgumentError, NotFoundError
from minitf.explain.why import Explanation, State
from minitf.runtimes.graph import Graph
from minitf.storage.detect import identify, open_found


def arguments(parser: argparse.ArgumentParser) -> None:
    """The checkpoint, and the program."""
    parser.add_argument("checkpoint", help="prefix, file or directory of a checkpoint")
    parser.add_argument(
        "--program", required=True, type=_program, metavar="FILE.py:FACTORY",
        help="a function without arguments that makes the objects: it gives the root, a Checkpoint, or a saver. MODULE:FACTORY "
        "names one of a module",
    )  # fmt: skip
    parser.add_argument("--graph", action="store_true", help="call the function inside a new graph")
    parser.add_argument("--rows", action="store_true", help="list every value")
    parser.add_argument("--html", metavar="FILE", help="write the explanation as a page, too")


def run(args: argparse.Namespace, output: Output) -> int:
    """Explains; 0 if everything would be restored, 1 if not."""
    with Graph().as_default() if args.graph else nullcontext():
        saver = _saver(_factory(*args.program)(), ":".join(args.program))
        found = identify(args.checkpoint)
        graph = object_graph(open_found(found))
        if graph is not None:
            paths_of(graph)  # all of them will be told
        told = saver.explain(found.prefix)
    output.facts(told.as_data())
    first, *rest = [line.text for line in told.lines]
    output.lines([[(first, "bold")], *([line] for line in rest)])
    if args.rows:
        output.lines(_rows(told))
    if args.html:
        told.to_html(args.html)
    return int(not told.complete)


def _rows(told: Explanation) -> Iterator[list[Part]]:
    for row in told.rows:
        paths = " -> ".join(dict.fromkeys(path for path in (row.saved, row.live) if path))
        good = row.state is State.RESTORED
        why = "" if row.cause is None else f"  {row.cause.kind}"
        yield [("+ " if good else "- ", "green" if good else "red"), f"{paths}: {row.state}", (why, "dim")]


def _saver(made: Any, program: str) -> Checkpoint | CheckpointableSaver:
    """Whatever saves the objects that the factory made."""
    if isinstance(made, (Checkpoint, CheckpointableSaver)):
        return made
    try:
        return CheckpointableSaver(made)
    except TypeError as error:
        raise InvalidArgumentError(f"{program} gave {made!r:.80}, which is no root: {error}") from None


def _program(text: str) -> tuple[str, str]:
    module, _, factory = text.rpartition(":")
    if not module or not factory:
        raise argparse.ArgumentTypeError(f"{text!r} is not FILE.py:FACTORY or MODULE:FACTORY, such as train.py:make_model")
    return module, factory


def _factory(module: str, factory: str) -> Callable[[], Any]:
    """The function of a file or a module; modules of the current directory are found, as ``python -m`` finds them."""
    found: Any = SimpleNamespace(**names_of(module)) if module.endswith(".py") else _imported(module)
    for name in factory.split("."):
        if not hasattr(found, name):
            raise NotFoundError(f"{module!r} has no {factory!r}.")
        found = getattr(found, name)
    if not callable(found):
        raise InvalidArgumentError(f"{factory!r} of {module!r} is no function, but a {type(found).__name__}.")
    return found  # type: ignore[no-any-return]


def _imported(module: str) -> ModuleType:
    sys.path.insert(0, "")
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name not in (module, module.partition(".")[0]):
            raise
        raise NotFoundError(f"There is no module {module!r} in the current directory or among the installed ones.") from None
    finally:
        sys.path.remove("")
