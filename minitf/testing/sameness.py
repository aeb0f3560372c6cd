"""When what minitf and the reference model have is the same: values, what is stored, what has come of a call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minitf.errors import OpError
from minitf.testing.ops import same_bits
from minitf.testing.parts import Text


class TextCell:
    """A Python state's text as the value of a cell."""

    __slots__ = ("_of",)

    def __init__(self, of: Text):
        self._of = of

    @property
    def value(self) -> str:
        """The text."""
        return self._of.text


def outcome(call: Callable[[], Any]) -> tuple[str, Any]:
    """What has come of a call, in the words that both sides have for it, and its result."""
    try:
        return "done", call()
    except AssertionError:
        return "AssertionError", None
    except (ValueError, OpError):
        return "refused", None


def same_stored(found: Any, expected: Any) -> bool:
    """Whether a value in a file is what the model says; a text is stored as bytes."""
    return bool(found.item() == expected.encode()) if isinstance(expected, str) else same(found, expected)


def same(found: Any, expected: Any) -> bool:
    """Whether a value of minitf's is what the model says: arrays to the bit; a number of the model's is rounded to float32."""
    if type(expected) is float and type(found) is np.float32:
        return bool(found == expected)
    if isinstance(expected, (np.ndarray, np.generic)):
        return found is not None and same_bits(found, expected)
    if found is None or expected is None or isinstance(expected, str):
        return type(found) is type(expected) and bool(found == expected)
    return bool(found == expected)
