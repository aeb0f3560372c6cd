"""Where a verb's answer goes: a terminal, a pipe, or one JSON document."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, cached_property
from statistics import median
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from rich.console import Console

T = TypeVar("T")
Part = str | tuple[str, str]
"""A piece of a line: text, or text with the name of a Rich style."""

WIDE = 80  # columns of a cell that others are aligned with, at least


class Drawn(str):
    """Text that is a drawing (the lines of a tree, the bars of a histogram); a terminal without its signs gets others."""

    __slots__ = ()
    SIGNS = "│├└─▁▂▃▄▅▆▇█"
    ASCII = "||`-.:-=+*%#"

    def in_ascii(self) -> str:
        """The same in signs that every terminal has."""
        text = str(self)
        for sign, plain in zip(self.SIGNS, self.ASCII, strict=True):
            text = text.replace(sign, plain)  # the lines of a deep tree are long, and translate() is slow
        return text


def shown(text: str) -> str:
    r"""Text on one line that does no more than be seen: what would break it, move the cursor or change colours is escaped.

    Names in a file are anybody's: ``"\n"`` comes out as a backslash and an n. A byte that is no UTF-8 comes out as ``\xff``.
    """
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else _escaped(sign) for sign in text)


def _escaped(sign: str) -> str:
    byte = ord(sign) - 0xDC00  # so Python has it in a str, if it is no UTF-8
    return f"\\x{byte:02x}" if 0x80 <= byte <= 0xFF else sign.encode("unicode_escape").decode("ascii")


def width(text: str) -> int:
    """Columns of a terminal that a text takes: two for each sign of Chinese, none for an accent that stands alone."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


class Output:
    """Prints for people (``lines``, ``table``) or for programs (``facts``, as JSON); one of the two is silent."""

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

    @cached_property
    def draws(self) -> bool:
        """True if the terminal, or whatever stdout is, knows the signs of drawings."""
        try:
            Drawn.SIGNS.encode(sys.stdout.encoding or "ascii")
        except UnicodeEncodeError:
            return False
        return True

    def facts(self, facts: Any) -> None:
        """Prints the JSON document."""
        if self.as_json:
            print(json.dumps(facts, indent=2))

    def lines(self, lines: Iterable[Iterable[Part]]) -> None:
        """Prints lines as they come. A list of 100,000 keys takes a moment here, and half a minute as a table of Rich's."""
        if self.as_json:
            return
        for line in lines:
            for part in line:
                text, style = (part, "") if isinstance(part, str) else part
                if not self.draws and isinstance(text, Drawn):
                    text = text.in_ascii()
                before, after = self.paint(style)
                sys.stdout.write(before + shown(text) + after)
            sys.stdout.write("\n")

    def table(self, rows: Iterable[Sequence[Part]], right: Sequence[int] = ()) -> None:
        """Prints rows with their columns aligned; those numbered in ``right`` to the right.

        A few cells that are much wider than the others do not push the next column away.
        """
        known = [[(part, "") if isinstance(part, str) else part for part in row] for row in rows]
        cells = [[text if isinstance(text, Drawn) else shown(text) for text, _ in row] for row in known]
        taken = [[width(text) for text in row] for row in cells]
        columns = []
        for column in zip(*taken, strict=True):
            limit = max(WIDE, 2 * median(column))
            columns.append(max((columns for columns in column if columns <= limit), default=0))

        def parts(row: Sequence[tuple[str, str]], texts: Sequence[str], sizes: Sequence[int]) -> Iterator[Part]:
            last = max((i for i, text in enumerate(texts) if text), default=-1)
            for i in range(last + 1):
                room = " " * (columns[i] - sizes[i])
                yield "  " * bool(i) + room * (i in right)
                yield texts[i], row[i][1]
                yield room * (i not in right and i < last)

        self.lines(map(parts, known, cells, taken))

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
