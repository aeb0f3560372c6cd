"""``tf.compat.v1.app.run``: reads the flags and calls the program's ``main``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from minitf.environment.flags import FLAGS, Error


def run(main: Callable[[list[str]], Any] | None = None, argv: Sequence[str] | None = None) -> NoReturn:
    """Calls ``main`` (None: that of the main module) with the words of the command line that are no flags; ends the program.

    Its result is what the program ends with. Flags that nobody defined are handed to ``main``. A flag with a wrong value ends
    the program with 1 and a message; ``--help`` with 0 and a text with all flags.
    """
    words = list(sys.argv if argv is None else argv)
    if any(word in ("--help", "-help", "--helpfull", "-h") for word in words[1:]) and "help" not in FLAGS:
        sys.stdout.write(f"{words[0]}\n\nflags:\n{FLAGS.get_help()}\n")
        sys.exit(0)
    try:
        rest = FLAGS(words, known_only=True)
    except Error as error:
        sys.stderr.write(f"FATAL Flags parsing error:\n  {error}\nPass --help to see all flags.\n")
        sys.exit(1)
    called = sys.modules["__main__"].main if main is None else main
    sys.exit(called(rest))
