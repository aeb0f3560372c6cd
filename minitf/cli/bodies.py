"""The function that a command line names: ``FILE.py:NAME`` or ``package.module:NAME``."""

from __future__ import annotations

import importlib
import os
import runpy
import sys
from typing import Any

from minitf.errors import InvalidArgumentError, NotFoundError


def body_named(text: str) -> Any:
    """The function. Raises InvalidArgumentError or NotFoundError if there is none."""
    place, _, name = text.rpartition(":")
    if not place or not name:
        raise InvalidArgumentError(f"{text!r} names no function. Write FILE.py:NAME or package.module:NAME.")
    if place.endswith(".py"):
        found: Any = names_of(place).get(name)
    else:
        sys.path.insert(0, os.curdir)
        try:
            found = getattr(importlib.import_module(place), name, None)
        except ModuleNotFoundError as error:
            raise NotFoundError(f"{text!r} cannot be imported: {error}.") from error
        finally:
            sys.path.remove(os.curdir)
    if not callable(found):
        raise NotFoundError(f"There is no function {name!r} in {place}.")
    return found


def names_of(file: str) -> dict[str, Any]:
    """What the names of a Python file stand for. As when it is run, it may import its neighbours. Raises NotFoundError."""
    if not os.path.isfile(file):
        raise NotFoundError(f"There is no file {file!r}.")
    directory = os.path.dirname(os.path.abspath(file))
    sys.path.insert(0, directory)
    try:
        return runpy.run_path(file)
    finally:
        sys.path.remove(directory)
