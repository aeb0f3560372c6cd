"""``minitf replay FILE.py:BODY TOKEN``: one order again."""

from __future__ import annotations

import argparse
import traceback

from minitf.cli.bodies import body_named
from minitf.cli.output import Output
from minitf.errors import InvalidArgumentError
from minitf.explore.checking import replay
from minitf.explore.errors import ExplorationError


def arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``minitf replay``."""
    parser.add_argument("body", metavar="FILE.py:NAME", help="the function that was explored, or package.module:NAME")
    parser.add_argument("token", metavar="TOKEN", help="the order, as a report names it: mt1-...")


def run(args: argparse.Namespace, output: Output) -> int:
    """Runs the body once; 1, with the traceback, if it fails."""
    body = body_named(args.body)
    try:
        state = replay(body, args.token)
    except ExplorationError as error:
        raise InvalidArgumentError(str(error)) from error
    except Exception as error:
        shown = "".join(traceback.format_exception(error))
        output.facts({"error": type(error).__name__, "message": str(error), "traceback": shown})
        output.lines([[line] for line in shown.splitlines()])
        return 1
    output.facts({"state": repr(state)})
    output.lines([[f"no failure; the final state is {state!r}"]])
    return 0
