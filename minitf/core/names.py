"""Name scopes and control dependencies of the running code.

Both live in one context variable, so each thread and task has its own. Entering a graph starts with an empty scope.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

_VALID = re.compile(r"^[A-Za-z0-9_.\\/>-]*$")


class Scope(NamedTuple):
    """``path`` is "" or ends with "/"; ``control`` are operations that must run first."""

    path: str = ""
    control: tuple[Any, ...] = ()


_scope: ContextVar[Scope] = ContextVar("minitf_scope", default=Scope())  # noqa: B039  (immutable)


def scope() -> Scope:
    """The scope of the running code."""
    return _scope.get()


@contextmanager
def entered(new: Scope) -> Iterator[Scope]:
    """Makes ``new`` the scope."""
    token = _scope.set(new)
    try:
        yield new
    finally:
        _scope.reset(token)


@contextmanager
def name_scope(name: str | None, unique: Any = None) -> Iterator[str]:
    """``with name_scope("layer"):`` puts ``layer/`` before the names of what is made inside.

    A name that ends with "/" is taken as the whole path; None or "" leaves all scopes. ``unique`` makes a new scope's path
    unique (a graph does, eager code does not). Raises ValueError for a name with characters that names cannot have.
    """
    here = _scope.get()
    if not name:
        path = ""
    elif not isinstance(name, str):
        raise ValueError(f"A name scope must be named by a string, not {name!r}.")
    elif not _VALID.match(name):
        raise ValueError(f"{name!r} is not a valid scope name: use letters, digits and ._-/ only.")
    elif name.endswith("/"):
        path = name
    else:
        path = here.path + name
        path = (path if unique is None else unique(path)) + "/"
    with entered(Scope(path, here.control)):
        yield path
