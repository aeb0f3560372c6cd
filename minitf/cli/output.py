"""Where a verb's answer goes: a terminal, a pipe, or one JSON document."""

from __future__ import annotations

import json
import sys
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


class Output:
    """Prints for people (``text`` with Rich's tables and trees) or for programs (``facts`` as JSON)."""

    def __init__(self, *, as_json: bool):
        self.as_json = as_json

    @cached_property
    def console(self) -> Console:
        """Rich's console; into a pipe it writes plainly and cuts nothing off. With ``--json`` it is stderr's."""
        from rich.console import Console

        stream = sys.stderr if self.as_json else sys.stdout
        return Console(file=stream, highlight=False, markup=False, width=None if stream.isatty() else 10_000)

    def text(self, *things: Any) -> None:
        """Prints strings (verbatim) and Rich's renderables, for people. With ``--json`` nothing."""
        if not self.as_json:
            self.console.print(*things, soft_wrap=all(isinstance(thing, str) for thing in things))

    def facts(self, facts: Any) -> None:
        """Prints the JSON document. Without ``--json`` nothing."""
        if self.as_json:
            print(json.dumps(facts, indent=2))
