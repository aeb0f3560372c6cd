"""A step like the one before: what was looked at then is not looked at again.

In eager mode ``apply_gradients`` asks for the same things each time: which variables they are, whether they have slots, what
the rule's numbers are as tensors, how the updates go together. ``Again`` keeps the answers for an optimizer whose variables
are all stepped together. It compares by identity what they depend on; when anything is different, or anything but the default
runtime is active anywhere, it does nothing and the general road is taken, which also tells what is wrong.

The numbers of a step are arrays of rank 0 in the order of the rule. The optimizers of TensorFlow 1.x have them as Python floats
(``Kept``); those of Keras compute them by ops of variables and of the count of steps (``Computed``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from operator import is_
from typing import Any, Protocol

from minitf.core import runtime
from minitf.core.state import Cell, Handle
from minitf.objects import edges
from minitf.ops.together import Together
from minitf.runtimes.eager import EAGER


class Numbers(Protocol):
    """Where the numbers of a step come from."""

    def now(self) -> list[Any]:
        """Those of the next step."""

    def stepped(self) -> None:
        """There was a step."""


class Again:
    """The step ``together`` of the variables with these ``handles``, as long as the ``settings`` are these objects."""

    __slots__ = ("handles", "numbers", "settings", "together", "version")

    def __init__(self, handles: list[Handle], settings: Collection[Any], numbers: Numbers, together: Together):
        self.version = edges.version
        self.handles = handles
        self.settings = list(settings)
        self.numbers = numbers
        self.together = together

    def knows(self, settings: Collection[Any]) -> bool:
        """Whether all is as it was, but for the variables and the runtime."""
        mine = self.settings
        return self.version == edges.version and len(settings) == len(mine) and all(map(is_, settings, mine))

    def step(self, pairs: Sequence[tuple[Any, Any]], settings: Collection[Any]) -> bool:
        """One step with these (gradient, variable) pairs; False, and nothing is done, if it is not one like before."""
        if runtime.active or not self.knows(settings):
            return False
        try:
            gradients = [g._v for g, _ in pairs]
            if [v._handle for _, v in pairs] != self.handles:
                return False
        except (AttributeError, TypeError, ValueError):  # no gradient, one that is no eager tensor, no variable, no pair
            return False
        if not self.together.step(self.numbers.now(), gradients):
            return False
        self.numbers.stepped()
        return True


class Kept:
    """Numbers that stay, besides ``powers``: a place among them, the cell of the variable that stands there, and what it is
    multiplied by after each step.
    """

    __slots__ = ("_numbers", "_powers")

    def __init__(self, numbers: list[Any], powers: Sequence[tuple[int, Cell, Any]]):
        self._numbers = numbers
        self._powers = powers

    def now(self) -> list[Any]:
        """The numbers, with the powers as they are."""
        if not self._powers:
            return self._numbers
        numbers = self._numbers.copy()
        for place, cell, _ in self._powers:
            numbers[place] = cell.value
        return numbers

    def stepped(self) -> None:
        """Multiplies the powers."""
        for _, cell, factor in self._powers:
            with cell.lock:
                cell.write(cell.value * factor)


class Computed:
    """Numbers that ``compute`` gives as tensors, by ops of variables alone; it is traced once. ``steps`` counts the steps."""

    __slots__ = ("_count", "_fed", "_one", "_plan", "_steps", "pure")

    def __init__(self, compute: Callable[[], list[Any]], steps: Cell):
        traced, _ = EAGER.trace(compute, (), (), lambda _: ((), {}), False)
        self.pure = all(o.type == "read_variable" for o in traced.operations if o.kernel_op.stateful)
        self._count = len(traced.outputs)
        if self.pure:
            EAGER.call(traced, traced.captured)  # makes the plan
        self._plan: Any = traced.plan
        self._fed = [tensor._v for tensor in traced.captured]
        self._steps = steps
        self._one = steps.spec.dtype.np.type(1)

    def now(self) -> list[Any]:
        """The numbers as the variables are."""
        return list(self._plan(self._fed)[: self._count])

    def stepped(self) -> None:
        """Counts."""
        with self._steps.lock:
            self._steps.write(self._steps.read() + self._one)


class ShortRoad:
    """The ``Again`` of an optimizer with computed numbers: looked for when two steps in a row had the same variables.

    Copies and pickles begin anew.
    """

    __slots__ = ("_again", "_last")

    def __init__(self) -> None:
        self._again: Again | None = None
        self._last: list[Handle] = []

    def __reduce__(self) -> Any:
        return ShortRoad, ()

    def step(self, pairs: Sequence[tuple[Any, Any]], settings: Collection[Any]) -> bool:
        """``Again.step``; False if there is none."""
        return self._again is not None and self._again.step(pairs, settings)

    def look(self, handles: list[Handle], settings: Collection[Any], together: Callable[[], Together | None],
             compute: Callable[[], list[Any]], steps: Handle) -> None:  # fmt: skip
        """After a step on the general road. ``together``: what can step all the variables, None if nothing can."""
        repeated, self._last = handles == self._last, handles
        if self._again is not None and self._again.handles == handles and self._again.knows(settings):
            return
        self._again = None
        if not repeated or runtime.active or steps.cell is None:
            return
        joined = together()
        if joined is not None:
            numbers = Computed(compute, steps.cell)
            if numbers.pure:
                self._again = Again(handles, settings, numbers, joined)


def as_written(kind: type, *methods: str) -> bool:
    """Whether these methods of a class are minitf's own, not those of a subclass that may do anything."""
    return all(getattr(kind, method).__module__.startswith("minitf.") for method in methods)
