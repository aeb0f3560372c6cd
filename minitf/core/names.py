"""Name scopes and control dependencies of the running code.

Both live in one context variable, so each thread and task has its own. Entering a graph starts with an empty scope.
"""

from __future__ import annotations

import re
from contextlib import ContextDecorator
from contextvars import ContextVar, Token
from typing import Any, NamedTuple

_VALID = re.compile(r"^[A-Za-z0-9_.\\/>-]*$")


class Scope(NamedTuple):
    """``path`` is "" or ends with "/"; ``control`` are operations that must run first."""

    path: str = ""
    control: tuple[Any, ...] = ()


_scope: ContextVar[Scope] = ContextVar("minitf_scope", default=Scope())  # noqa: B039  (immutable)


scope = _scope.get
"""The scope of the running code."""


class entered(ContextDecorator):
    """``with entered(scope):`` makes it the scope."""

    def __init__(self, new: Scope):
        self._new = new
        self._tokens: list[Token[Scope]] = []

    def __enter__(self) -> Any:
        self._tokens.append(_scope.set(self._new))
        return self._new

    def __exit__(self, *exc: Any) -> None:
        _scope.reset(self._tokens.pop())


_seen: set[str] = set()  # some names that are valid


def _valid(name: str) -> bool:
    valid = bool(_VALID.match(name))
    if valid and len(_seen) < 1000:
        _seen.add(name)
    return valid


class name_scope(ContextDecorator):
    """``with name_scope("layer"):`` puts ``layer/`` before the names of what is made inside.

    A name that ends with "/" is taken as the whole path; None or "" leaves all scopes. ``unique`` makes a new scope's path
    unique (a graph does, eager code does not). Entering raises ValueError for a name with characters that names cannot have.
    """

    def __init__(self, name: str | None, unique: Any = None):
        self._name = name
        self._unique = unique
        self._tokens: list[Token[Scope]] = []

    def path(self) -> str:
        """What comes before the names, seen from here; in a graph another one each time. Raises ValueError as entering does."""
        name, unique = self._name, self._unique
        if not name:
            return ""
        if not isinstance(name, str):
            raise ValueError(f"A name scope must be named by a string, not {name!r}.")
        if name not in _seen and not _valid(name):
            raise ValueError(f"{name!r} is not a valid scope name: use letters, digits and ._-/ only.")
        if name.endswith("/"):
            return name
        path = _scope.get().path + name
        return (path if unique is None else unique(path)) + "/"

    def __enter__(self) -> str:
        path = self.path()
        self._tokens.append(_scope.set(Scope(path, _scope.get().control)))
        return path

    def __exit__(self, *exc: Any) -> None:
        _scope.reset(self._tokens.pop())
