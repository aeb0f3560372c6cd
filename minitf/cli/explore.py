"""``minitf explore FILE.py:BODY``: every order of a body, or some."""

from __future__ import annotations

import argparse
from typing import Any

from minitf.cli.bodies import body_named
from minitf.cli.output import Output
from minitf.errors import InvalidArgumentError
from minitf.explore.checking import check
from minitf.explore.errors import ExplorationError
from minitf.explore.report import Failure, Report
from minitf.explore.strategies import STRATEGIES


def arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``minitf explore``."""
    parser.add_argument("body", metavar="FILE.py:NAME", help="a function of one argument, the world; or package.module:NAME")
    parser.add_argument("--strategy", "-s", choices=list(STRATEGIES), default="exhaustive", help="default: exhaustive")
    parser.add_argument("--max-executions", "-n", type=_count, help="stop after so many executions")
    parser.add_argument("--max-failures", type=_count, help="stop after so many different failures")
    parser.add_argument("--deviations", "-k", type=int, help="bounded: at most so many steps out of turn")
    parser.add_argument("--depth", "-d", type=_count, default=3, help="pct: how many steps must come in an order for the bug")
    parser.add_argument("--seed", type=int, default=0, help="of random and pct (default 0)")
    parser.add_argument("--workers", "-j", type=_count, default=1, help="processes (default 1)")
    parser.add_argument("--database", metavar="DIR", help="keep failures here, and replay the last ones first")
    parser.add_argument("--html", metavar="FILE", help="write the first failure's timeline as a page")


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def run(args: argparse.Namespace, output: Output) -> int:
    """Explores and prints the report; 1 if a failure was found."""
    body = body_named(args.body)
    try:
        report = check(
            body, args.strategy, max_executions=args.max_executions, max_failures=args.max_failures, seed=args.seed,
            deviations=args.deviations, depth=args.depth, workers=args.workers, database=args.database or False,
        )  # fmt: skip
    except ExplorationError as error:
        raise InvalidArgumentError(str(error)) from error
    output.facts(as_data(report))
    output.lines([[line] for line in str(report).splitlines()])
    if args.html and report.failures:
        report.failures[0].timeline.save_html(args.html)
    return int(report.failed)


def as_data(report: Report) -> dict[str, Any]:
    """The report as plain data."""
    return {
        "strategy": report.strategy, "executions": report.executions, "classes": report.classes, "complete": report.complete,
        "bound": report.bound, "notes": report.notes,
        "outcomes": [{"state": repr(state), "token": token} for state, token in report.outcomes.items()],
        "failures": [_failure(failure) for failure in report.failures],
    }  # fmt: skip


def _failure(failure: Failure) -> dict[str, Any]:
    return {
        "token": failure.token, "error": type(failure.error).__name__, "message": str(failure.error), "count": failure.count,
        "deviations": failure.deviations, "steps": [str(moment) for moment in failure.moments], "script": failure.script,
    }  # fmt: skip
