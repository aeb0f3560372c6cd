"""How copies of a variable on several devices would be kept together: words that programs say, and that a variable remembers.

There is one device in minitf, so nothing follows from them, except that a variable that is put together when it is read is not
trained unless one says so.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, TypeVar


class VariableSynchronization(Enum):
    """When the copies of a variable would be made one."""

    AUTO = 0
    NONE = 1
    ON_WRITE = 2
    ON_READ = 3


class VariableAggregation(Enum):
    """How the copies of a variable would be put together."""

    NONE = 0
    SUM = 1
    MEAN = 2
    ONLY_FIRST_REPLICA = 3


_Word = TypeVar("_Word", VariableSynchronization, VariableAggregation)


def synchronization_of(given: Any, what: str) -> VariableSynchronization:
    """The synchronization, AUTO for None. Raises ValueError for anything else."""
    return _member(VariableSynchronization.AUTO, given, f"{what}: synchronization")


def aggregation_of(given: Any, what: str) -> VariableAggregation:
    """The aggregation, NONE for None. Raises ValueError for anything else."""
    return _member(VariableAggregation.NONE, given, f"{what}: aggregation")


def _member(usual: _Word, given: Any, what: str) -> _Word:
    if given is None:
        return usual
    if not isinstance(given, type(usual)):
        raise ValueError(f"{what} is one of tf.{type(usual).__name__}, not {given!r}.")
    return given


def trained(trainable: bool | None, synchronization: VariableSynchronization) -> bool:
    """Whether a variable is trained: if nothing is said, unless it is put together on reading."""
    return synchronization is not VariableSynchronization.ON_READ if trainable is None else trainable
