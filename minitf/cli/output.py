"""Where a verb's answer goes: a terminal, a pipe, or one JSON document."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from rich.console import Console

T = TypeVar("T")
Part = str | tuple[str, str]
"""A piece of a line: text, or text with the name of a Rich style."""


class Output:
    """Prints for people (``text``, ``lines``, ``table``) or for programs (``facts``, as JSON); one of the two is silent."""

    def __init__(self, *, as_json: bool):
        self.as_json = as_json
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):  # a key may be no text at all, and a terminal may know ASCII only
                stream.reconfigure(errors="backslashreplace")
        self.paint = cache(self._paint)

    @cached_property
    def console(self) -> Console:
        """Rich's console; into a pipe it writes plainly and cuts nothing off. With ``--json`` it is stderr's."""
        from rich.console import Console

        stream = sys.stderr if self.as_json else sys.stdout
        return Console(file=stream, highlight=False, markup=False, width=None if stream.isatty() else 10_000)

    def facts(self, facts: Any) -> None:
        """Prints the JSON document."""
        if self.as_json:
            print(json.dumps(facts, indent=2))

    def text(self, *things: Any) -> None:
        """Prints Rich's renderables."""
        if not self.as_json:
            self.console.print(*things)

    def lines(self, lines: Iterable[Iterable[Part]]) -> None:
        """Prints lines as they come. A list of 100,000 keys takes a moment here, and half a minute as a table of Rich's."""
        if self.as_json:
            return
        for line in lines:
            for part in line:
                text, style = (part, "") if isinstance(part, str) else part
                before, after = self.paint(style)
                sys.stdout.write(before + text + after)
            sys.stdout.write("\n")

    def table(self, rows: Iterable[Sequence[Part]], right: Sequence[int] = ()) -> None:
        """Prints rows with their columns aligned; those numbered in ``right`` to the right."""
        known = [[(part, "") if isinstance(part, str) else part for part in row] for row in rows]
        widths = [max(len(row[i][0]) for row in known) for i in range(len(known[0]))] if known else []
        last = len(widths) - 1

        def cell(i: int, text: str) -> str:
            return text.rjust(widths[i]) if i in right else text if i == last else text.ljust(widths[i])

        for row in known:
            while row and not row[-1][0]:
                row.pop()
        self.lines(
            [part for i, (text, style) in enumerate(row) for part in ("  " * bool(i), (cell(i, text), style))] for row in known
        )

    def progress(self, things: Iterable[T], doing: str, total: int) -> Iterator[T]:
        """The things, ``total`` of them, one by one, with a bar on stderr if that is a terminal that somebody watches."""
        if self.as_json or not sys.stderr.isatty():
            yield from things
            return
        from rich.console import Console
        from rich.progress import track

        yield from track(things, doing, total=total, console=Console(stderr=True), transient=True)

    def _paint(self, style: str) -> tuple[str, str]:
        """What stands before and after a text of this style: escape sequences, or nothing where colours are off."""
        if not style or self.console.color_system is None:
            return "", ""
        from rich.text import Text

        with self.console.capture() as captured:
            self.console.print(Text("|", style), end="")
        before, _, after = captured.get().partition("|")
        return before, after
