"""A step like the one before: what was looked at then is not looked at again.

In eager mode ``apply_gradients`` asks for the same things each time: which variables they are, whether they have slots, what
the rule's numbers are as tensors, how the updates go together. ``Again`` keeps the answers for an optimizer whose variables
are all stepped together and whose numbers are Python floats. It compares by identity what they depend on; when anything is
different, or anything but the default runtime is active anywhere, it does nothing and the general road is taken, which also
tells what is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import is_
from typing import Any

from minitf.core import runtime
from minitf.core.state import Cell, Handle
from minitf.objects import edges
from minitf.ops.together import Together


class Again:
    """The step ``together`` of the variables with these ``handles``.

    ``hypers``: the settings that the ``numbers`` were made of, which are arrays of rank 0 in the order of the rule. ``powers``:
    a place among the numbers, the cell of the variable that stands there, and what it is multiplied by after each step.
    """

    __slots__ = ("handles", "hypers", "numbers", "powers", "together", "version")

    def __init__(self, handles: list[Handle], hypers: Mapping[str, Any], numbers: list[Any],
                 powers: Sequence[tuple[int, Cell, Any]], together: Together):  # fmt: skip
        self.version = edges.version
        self.handles = handles
        self.hypers = list(hypers.values())
        self.numbers = numbers
        self.powers = powers
        self.together = together

    def step(self, pairs: Sequence[tuple[Any, Any]], hypers: Mapping[str, Any]) -> bool:
        """One step with these (gradient, variable) pairs; False, and nothing is done, if it is not one like before."""
        if runtime.active or self.version != edges.version:
            return False
        try:
            gradients = [g._v for g, _ in pairs]
            if [v._handle for _, v in pairs] != self.handles:
                return False
        except (AttributeError, TypeError, ValueError):  # no gradient, one that is no eager tensor, no variable, no pair
            return False
        if len(hypers) != len(self.hypers) or not all(map(is_, hypers.values(), self.hypers)):
            return False
        numbers = self.numbers
        if self.powers:
            numbers = numbers.copy()
            for place, cell, _ in self.powers:
                numbers[place] = cell.value
        if not self.together.step(numbers, gradients):
            return False
        for _, cell, factor in self.powers:
            with cell.lock:
                cell.write(cell.value * factor)
        return True
