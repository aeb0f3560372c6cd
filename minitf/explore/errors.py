"""What exploring raises."""

from __future__ import annotations


class ExplorationError(RuntimeError):
    """An exploration cannot go on, for a reason that is not a failure of the body."""


class NondeterminismError(ExplorationError):
    """The body did something else although the same steps were chosen: chance, time, hashes or threads come from elsewhere."""


class TokenError(ExplorationError, ValueError):
    """A token that is damaged, or that belongs to another program."""


class OutcomeError(ExplorationError, TypeError):
    """What a body returned cannot be compared between executions."""


class RedundantError(Exception):
    """What ``end`` of a scheduler raises after an execution that does not count, because another one stands for it."""
