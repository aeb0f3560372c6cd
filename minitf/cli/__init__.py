"""The ``minitf`` command: ``minitf VERB ...``, one module a verb.

A verb is a module of this package with two functions::

    def arguments(parser: argparse.ArgumentParser) -> None: ...        # adds the verb's arguments
    def run(args: argparse.Namespace, output: Output) -> int: ...      # does it; the exit code

and one line in ``VERBS``. Only the module of the verb that was asked for is imported.

Exit codes: 0 done; 1 the answer is no (``diff`` found differences, ``verify`` damage) or an error, told in one line on
stderr; 2 the command line makes no sense. ``--json`` prints one JSON document on stdout instead of text for people.
``NO_COLOR`` in the environment turns colours off.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from minitf.cli.output import Output, shown
from minitf.errors import OpError

VERBS = {
    "demo": "train on real data, save, and restore where nothing exists yet, in both runtimes",
    "ls": "list what a checkpoint holds, as keys or as the tree of its objects",
    "show": "show one value of a checkpoint",
    "get": "write one value of a checkpoint to a .npy file",
    "diff": "compare two checkpoints, key by key",
    "explain": "say what a checkpoint would restore in a program, and why not the rest",
    "verify": "read a checkpoint completely and check every checksum",
    "convert": "write a checkpoint in another format, objects and all",
    "merge": "make one checkpoint of several that hold different values",
    "rename": "give values and objects other names; without --write only say what would be done",
    "salvage": "write what can still be read of a damaged checkpoint as a new one",
    "explore": "run a function in every order of its tasks, operations and crashes",
    "replay": "run one of these orders again",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command with these arguments (default: the process's own) and returns its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    verb = next((word for word in words if not word.startswith("-")), None)
    if verb in VERBS and "--json" in words[: words.index(verb)]:  # where it stands does not matter
        words.remove("--json")
        words.insert(words.index(verb) + 1, "--json")
    told = f"minitf {verb}" if verb else "minitf"
    try:
        _open_streams()
        module = import_module(f"minitf.cli.{verb}") if verb in VERBS else None
        args, unknown = _parser(verb, module).parse_known_args(words)
        if unknown:
            args.of_verb.error(f"unrecognized arguments: {' '.join(unknown)}")
        assert module is not None, "argparse accepts no other verb"
        code: int = module.run(args, Output(as_json=args.json))
        sys.stdout.flush()
        return code
    except SystemExit as stop:
        if not isinstance(stop.code, int):  # a program that is run may leave in its own way; argparse has said why
            raise
        return stop.code
    except BrokenPipeError:  # the reader (head, less) has gone, which is its right
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that the flush at exit finds no pipe
        return 1
    except (OpError, OSError) as error:
        print(f"{told}: {_told(error).removeprefix(f'{verb}: ')}", file=sys.stderr)
        return 1
    except MemoryError:
        print(f"{told}: there is not enough memory", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{told}: interrupted", file=sys.stderr)
        return 130


def _open_streams() -> None:
    """Stands in for streams that whoever calls has closed (``minitf ... >&-``): nothing is printed there.

    The numbers 0 to 2 are taken, too: else the next file that is opened would get one, and be read or written by mistake.
    """
    if None not in (sys.stdin, sys.stdout, sys.stderr):
        return
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        continue
    os.close(number)
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # as long as the process lives
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")


def _told(error: Exception) -> str:
    """An error in one line."""
    if isinstance(error, OSError) and not isinstance(error, OpError) and error.strerror is not None:
        return shown(": ".join(str(part) for part in (error.filename, error.strerror) if part is not None))
    return shown(" ".join(str(error).split()))


def _parser(verb: str | None, module: Any) -> argparse.ArgumentParser:
    """The parser with all verbs, of which only the chosen one knows its arguments."""
    parser = argparse.ArgumentParser(prog="minitf", description="Look at TensorFlow's checkpoints, and see minitf at work.")
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name, summary in VERBS.items():
        of_verb = verbs.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        if name == verb:
            of_verb.add_argument("--json", action="store_true", help="print one JSON document")
            module.arguments(of_verb)
            of_verb.set_defaults(of_verb=of_verb)
    return parser


class _Version(argparse.Action):
    """Prints the version from the package's metadata, which nobody else has to load."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"minitf {version('minitf')}")
        parser.exit()
