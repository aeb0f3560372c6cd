"""The two modes as scopes, for tests that say one thing of both."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from minitf.core import names, runtime
from minitf.runtimes import graph, session

MODES = ("eager", "graph")


@contextmanager
def scope(mode: str) -> Iterator[session.Session | None]:
    """Enters a mode: "eager" gives None, "graph" a new graph's session, which is the default one. Raises ValueError."""
    check_mode(mode, "scope")
    if mode == "eager":
        with runtime.using(runtime.load("minitf.runtimes.eager").EAGER):
            yield None
    else:
        with graph.Graph().as_default(), session.Session() as here:
            yield here


def check_mode(mode: Any, what: str) -> None:
    """Raises ValueError for anything but a mode."""
    if mode not in MODES:
        raise ValueError(f"{what}(mode={mode!r}): the mode is 'eager' or 'graph'.")


def process_state() -> dict[str, Any]:
    """What minitf keeps for the whole process or the current context, to be compared before and after a test."""
    return {
        "current runtime": runtime.current(),
        "contexts that are not the default": len(runtime.active),
        "default session": graph.get_default_session(),
        "name scope": names.scope(),
        "garbage collector": gc.isenabled(),
        "log level": logging.getLogger("minitf").level,
    }


@contextmanager
def quietly() -> Iterator[None]:
    """Keeps minitf's warnings back: tests draw conflicting references and partial restores on purpose."""
    log = logging.getLogger("minitf")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)
