"""Modules whose names load on first use: the faces of the package, which have many names and no code.

    __getattr__, __dir__, __all__ = names_from(__name__, {"minitf.checkpoint.saver": "CheckpointableSaver"})

Beside each such module lies a stub (``.pyi``) with the same names as plain imports, for tools that read types.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def names_from(
    module: str, where: Mapping[str, str], submodules: str = "", besides: str | None = None, first: str | None = None,
    without: str = "",
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """What a lazy ``module`` needs: its ``__getattr__``, ``__dir__`` and ``__all__``.

    ``where``: for each module that has names, these names, separated by spaces; ``theirs=ours`` gives one another name, and
    ``*=ours`` gives the module itself. ``submodules``: modules below ``module``. ``besides``: a module whose public names are
    had too, except those in ``without``. ``first``: a module that must be loaded before any of the names is used.
    """
    sources: dict[str, tuple[str, str]] = {name: (f"{module}.{name}", "*") for name in submodules.split()}
    if besides is not None:
        theirs = importlib.import_module(besides).__all__
        sources |= {name: (besides, name) for name in theirs if not name.startswith("__") and name not in without.split()}
    for source, listed in where.items():
        for entry in listed.split():
            theirs, _, ours = entry.partition("=")
            sources[ours or theirs] = (source, theirs)
    everything = sorted(sources)

    def get(name: str) -> Any:
        if name not in sources:
            raise AttributeError(f"module {module!r} has no attribute {name!r}{_did_you_mean(name, everything)}")
        if first is not None:
            importlib.import_module(first)
        source, theirs = sources[name]
        loaded = importlib.import_module(source)
        value = loaded if theirs == "*" else getattr(loaded, theirs)
        setattr(sys.modules[module], name, value)  # the next use finds it without coming here
        return value

    return get, lambda: list(everything), everything


def _did_you_mean(name: str, known: list[str]) -> str:
    from difflib import get_close_matches

    close = [] if name.startswith("__") else get_close_matches(name, known, n=1)
    return f". Did you mean {close[0]!r}?" if close else ""
