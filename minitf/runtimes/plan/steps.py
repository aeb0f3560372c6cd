"""Steps: the updates that an optimizer makes of many small variables, done together (see ``minitf.ops.together``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from minitf.core.state import Store
from minitf.core.tensor import SymbolicTensor
from minitf.errors import OpError
from minitf.ops.together import RULES, Room, Together, groups
from minitf.runtimes.operation import Operation


class Steps:
    """Operations of one rule, on different variables and with the same numbers. It stands for them in a plan."""

    fresh = True  # it keeps none of its inputs
    several = True
    outputs: tuple[SymbolicTensor, ...] = ()  # nobody asks for the new values

    def __init__(self, operations: list[Operation], store: Store):
        rule = RULES[operations[0].type]
        self.operations = operations
        self.first = operations[0]
        self.arguments = [*_numbers(self.first), *[o.arguments[rule.at] for o in operations]]
        self.inputs = tuple(self.arguments)
        self.gradients = len(self.arguments) - len(operations)  # where they begin among the arguments
        rows = [[store.cell(h) for h in o.arguments[: rule.cells]] for o in operations]
        self.together = Together(self.first.kernel_op, rows, self.first.attrs)

    def compiled(self) -> Callable[..., tuple[Any, ...]]:
        """A function of the arrays of ``arguments``."""
        count = self.gradients

        def run(*arrays: Any) -> tuple[Any, ...]:
            numbers, gradients = arrays[:count], arrays[count:]
            if not self.together.step(numbers, gradients):
                self._one_by_one(numbers, gradients)
            return ()

        return run

    def in_room(self, room: Room, *numbers: Any) -> None:
        """The same, where gradients stand in the room that ``together`` gave."""
        if not self.together.step(numbers, room.pieces, room):
            self._one_by_one(numbers, room.pieces)

    def _one_by_one(self, numbers: Sequence[Any], gradients: Sequence[Any]) -> None:
        for i, o in enumerate(self.operations):
            try:
                self.together.alone(i, numbers, gradients[i])
            except OpError as e:
                e.op = e.op or o
                raise


def stepped(steps: Sequence[Any], fetches: Sequence[Any], store: Store, kernels: Mapping[str, Callable[..., Any]]) -> list[Any]:
    """The steps of a plan, with those together that can be."""
    if not any(type(s) is Operation and s.type in RULES for s in steps):
        return list(steps)
    used = {id(t) for s in steps for t in s.inputs} | {id(f) for f in fetches}
    out: list[Any] = []
    run: list[Operation] = []

    def close() -> None:
        for group in groups([o.handles for o in run]) if run else ():
            members = [run[i] for i in group]
            out.append(Steps(members, store) if len(members) > 1 else members[0])
        run.clear()

    for s in steps:
        alike = type(s) is Operation and s.type not in kernels and _alone(s, used)
        if run and not (alike and _goes_with(s, run)):
            close()
        if alike:
            run.append(s)
        else:
            out.append(s)
    close()
    return out


def _alone(o: Operation, used: set[int]) -> bool:
    """True for a rule's operation whose new value nobody asks for."""
    if o.type not in RULES or id(o.output) in used:
        return False
    return all(n.spec.shape == () for n in _numbers(o))


def _goes_with(o: Operation, run: list[Operation]) -> bool:
    first = run[0]
    if o.kernel_op is not first.kernel_op or o.attrs != first.attrs or o.arguments[0].dtype is not first.arguments[0].dtype:
        return False
    if not all(a is b for a, b in zip(_numbers(o), _numbers(first), strict=True)):
        return False
    return {h for other in run for h in other.handles}.isdisjoint(o.handles)


def _numbers(o: Operation) -> list[Any]:
    rule = RULES[o.type]
    return [a for i, a in enumerate(o.arguments) if i >= rule.cells and i != rule.at]
