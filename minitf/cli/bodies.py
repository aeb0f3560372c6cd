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
        if not os.path.isfile(place):
            raise NotFoundError(f"There is no file {place!r}.")
        found: Any = runpy.run_path(place).get(name)
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
