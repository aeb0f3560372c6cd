"""The text of a plan.

A tensor lives in a local, or in the list ``kept`` if a later piece of the plan uses it. A local is used again once nobody needs
its tensor. An elementwise operation writes into an input that dies with it, if that is surely an array of its own: made by this
run, never seen through a view, of the result's dtype, shape and order in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from minitf.core.state import Handle, Store
from minitf.core.tensor import SymbolicTensor
from minitf.runtimes.operation import Operation
from minitf.runtimes.plan.chains import joined
from minitf.runtimes.plan.folding import alike, folded
from minitf.runtimes.plan.forms import LIKE_INPUTS, NEVER, Form, Forms
from minitf.runtimes.plan.order import normal
from minitf.runtimes.plan.steps import Steps, stepped

LONGEST = 4000
"""Statements in one function: Python compiles long ones slowly."""
_OUT_BY_NAME = (np.maximum, np.minimum)  # a third argument by place is deprecated and slow; others are quicker with it
NEVER_USED = -1
FOREVER = 1 << 62


class Value:
    """What a plan knows of a tensor.

    * ``name``: of the local, feed or constant that holds it; "" before it is computed.
    * ``last``: the number of the last step that uses it; FOREVER for a fetched one and a constant.
    * ``own``: it is made by a step that gives new arrays. ``shared``: some step may keep it, or give a view of it.
    * ``in_order``: it is in C order. ``large``: it is dropped at once when nobody needs it any more.
    * ``room``: the optimizer's steps for which it is computed, and the name of the array that these have for it.
    """

    __slots__ = ("in_order", "large", "last", "name", "own", "room", "shared")

    def __init__(self, name: str, in_order: bool, own: bool = False, large: bool = False, last: int = NEVER_USED):
        self.name = name
        self.in_order = in_order
        self.own = own
        self.large = large
        self.last = last
        self.shared = False
        self.room: tuple[Step, str] | None = None


class Step:
    """An operation (or what stands for several) with its form, arguments (values, or names) and results.

    ``room``: the name of the local that holds room for gradients, once there is one.
    """

    __slots__ = ("arguments", "form", "operation", "results", "room")

    def __init__(self, operation: Any, form: Form, arguments: list[Any], results: list[Value]):
        self.operation = operation
        self.form = form
        self.arguments = arguments
        self.results = results
        self.room: str | None = None


class Writer:
    """Writes the functions of one plan.

    ``space``: the globals that they run with; ``pieces``: their texts; ``owners``: for each piece, the operation of each line;
    ``kept``: how many places the list ``kept`` has; ``may_keep``: for each feed, whether an operation may keep or share it.
    """

    def __init__(self, operations: Sequence[Operation], fetches: Sequence[Any], feeds: Sequence[SymbolicTensor], store: Store,
                 kernels: Mapping[str, Callable[..., Any]], out: Callable[[Any], Any] | None):  # fmt: skip
        self.store = store
        self.space: dict[str, Any] = {"np": np, "normal": normal, "out": out}
        self.bound: dict[int, str] = {}
        self.pieces: list[str] = []
        self.owners: list[list[Operation | None]] = []
        self.kept = 0
        self.free: list[str] = []
        self.locals = 0

        fed = {id(t) for t in feeds}
        self.constants, rest = folded(operations, fed, kernels)
        self.operations = stepped(joined(rest, fetches, fed, kernels), fetches, store, kernels)
        in_order = out is not None  # what comes from outside is; eager tensors may be views
        self.values = {id(t): Value(f"f{i}", in_order) for i, t in enumerate(feeds)}
        self.steps = self._look(Forms(kernels, self.bind))
        self.results = [self._value(f) if isinstance(f, SymbolicTensor) else None for f in fetches]
        for value in self.results:
            if value is not None:
                value.last = FOREVER
                value.shared = True
        self._make_room()
        self.may_keep = [self.values[id(t)].shared for t in feeds]
        self._write(len(feeds))

    # -- what is known of tensors ----------------------------------------------------------------------------------------

    def _look(self, forms: Forms) -> list[Step]:
        """The steps, and by them the last use of each tensor, those that others may share, and those that are in C order."""
        steps, values = [], self.values
        for number, operation in enumerate(self.operations):
            form = forms.of(operation)
            arguments: list[Any] = []
            in_order = form.in_order
            for a in operation.arguments:
                if type(a) is SymbolicTensor:
                    value = (self._one_for_all(a, operation) if form.augmented and id(a) in self.constants else None) or (
                        values.get(id(a)) or self._value(a)
                    )
                    if value.last < number:
                        value.last = number
                    if not form.fresh:
                        value.shared = True
                    if in_order == LIKE_INPUTS and not value.in_order:
                        in_order = NEVER
                    arguments.append(value)
                else:
                    arguments.append(self.bind(self.store.cell(a), "c") if isinstance(a, Handle) else "None")
            results = []
            for t, large in zip(operation.outputs, form.large, strict=True):
                result = values.get(id(t))
                if result is None:  # else it is fed: it keeps its fed value, whatever its operation computes
                    result = values[id(t)] = Value("", in_order != NEVER, form.fresh, large)
                results.append(result)
            steps.append(Step(operation, form, arguments, results))
        return steps

    def _value(self, t: SymbolicTensor) -> Value:
        """The value of a tensor, which is made here for a constant that is used for the first time."""
        value = self.values.get(id(t))
        if value is None:
            constant = self.constants[id(t)]
            flags = getattr(constant, "flags", None)
            name = self.bind(constant, "n")
            value = self.values[id(t)] = Value(name, flags is None or flags.c_contiguous, last=FOREVER)
        return value

    def _one_for_all(self, t: SymbolicTensor, user: Operation) -> Value | None:
        """A single number in place of a constant whose elements are alike, beside an array of the result's spec."""
        if all(other is t or other._spec != user.output._spec for other in user.inputs):
            return None
        number = alike(self.constants[id(t)])
        return None if number is None else Value(self.bind(number, "n"), True, last=FOREVER)

    def _make_room(self) -> None:
        """Finds the gradients that can be computed right where an optimizer's steps want them, end to end."""
        makers = {result: number for number, step in enumerate(self.steps) for result in step.results}
        for number, step in enumerate(self.steps):
            if not isinstance(step.operation, Steps):
                continue
            gradients = step.arguments[step.operation.gradients :]
            if len(set(gradients)) == len(gradients) and all(self._fits(g, makers.get(g), number) for g in gradients):
                for i, gradient in enumerate(gradients):
                    gradient.room = step, f"g{number}_{i}"

    def _fits(self, gradient: Value, made: int | None, used: int) -> bool:
        """Whether the step ``made`` may write the gradient where the steps ``used`` want it: nobody else uses it later."""
        if made is None or made // LONGEST != used // LONGEST or self.steps[made].form.into is None:
            return False
        return gradient.last == used and gradient.own and not gradient.shared and not gradient.name

    # -- text ------------------------------------------------------------------------------------------------------------

    def bind(self, value: Any, letter: str) -> str:
        """The name of a global that holds ``value``."""
        name = self.bound.get(id(value))
        if name is None:
            name = self.bound[id(value)] = f"{letter}{len(self.space)}"
            self.space[name] = value  # which keeps the id taken
        return name

    def _write(self, feeds: int) -> None:
        count = len(self.steps)
        for begin, end in pairwise([*range(0, count, LONGEST), count] if count else [0, 0]):
            self.end = end
            lines = [f"f{i} = fed[{i}]" for i in range(feeds)]
            owners: list[Operation | None] = [None] * (1 + feeds)
            for number in range(begin, end):
                before = len(lines)
                step = self.steps[number]
                self._statements(number, step, lines)
                owner = step.operation if type(step.operation) is Operation else step.operation.first
                owners += [owner] * (len(lines) - before)
            if end == count:
                lines.append(f"return ({''.join([self._result(r) + ', ' for r in self.results])})")
                owners.append(None)
            body = "\n    ".join(lines or ["pass"])
            self.pieces.append(f"def plan(fed, kept):\n    {body}\n")
            self.owners.append(owners)
            self.free.clear()  # the locals of another function
            self.locals = 0

    def _result(self, value: Value | None) -> str:
        if value is None:
            return "None"
        if self.space["out"] is None:
            return value.name
        immutable = value.name[0] == "n" and isinstance(self.space[value.name], np.generic)
        return value.name if immutable else f"out({value.name})"

    def _statements(self, number: int, step: Step, lines: list[str]) -> None:
        form, results = step.form, step.results
        names = []
        dying: dict[Value, None] = {}
        for a in step.arguments:
            if type(a) is Value:
                names.append(a.name)
                if a.last == number:
                    dying[a] = None
            else:
                names.append(a)
        if results and results[0].room is not None:
            self._write_into_room(step, names, lines)
            for value in dying:
                self._drop(value)
            return
        place = self._place(step, dying) if dying and form.places else None
        if place is not None:
            results[0].name = place.name
            del dying[place]
            if form.augmented is not None and step.arguments[0] is place:
                lines.append(form.augmented.format(*names))
            else:
                out = f"out={place.name}" if form.ufunc in _OUT_BY_NAME else place.name
                lines.append(f"{self.bind(form.ufunc, 'u')}({', '.join(names)}, {out})")
            targets = [place.name]
        else:
            for value in dying:
                self._drop(value)
            targets = [self._target(r) for r in results]
            call = form.template.format(*names)
            if step.room is not None:
                steps: Any = step.operation
                call = f"{self.bind(steps.in_room, 'k')}({', '.join([step.room, *names[: steps.gradients]])})"
            lines.append(f"{', '.join(targets)}{',' if form.several else ''} = {call}" if targets else call)
        for value in dying:
            if value.large and value.name[0] != "f" and value.name not in targets:
                lines.append(f"{value.name} = None")
            if place is not None:
                self._drop(value)
        for result in results:
            if result.last == NEVER_USED:
                self._drop(result)

    def _write_into_room(self, step: Step, names: list[str], lines: list[str]) -> None:
        result = step.results[0]
        assert result.room is not None
        assert step.form.into is not None
        steps, result.name = result.room
        if steps.room is None:  # the first of its gradients
            steps.room = f"r{len(self.bound)}"
            wanted: Any = steps.operation
            pieces = [g.room[1] + ", " for g in steps.arguments[wanted.gradients :]]
            lines.append(f"{steps.room} = {self.bind(wanted.together.room, 'k')}()")
            lines.append(f"{''.join(pieces)}= {steps.room}.pieces")
        ufunc = None if step.form.ufunc is None else self.bind(step.form.ufunc, "u")
        lines.append(step.form.into.format(*names, out=result.name, ufunc=ufunc))

    def _place(self, step: Step, dying: dict[Value, None]) -> Value | None:
        """The input into whose array an elementwise operation may write its result, or None."""
        result = step.results[0]
        if result.name or not result.in_order or self._crosses(result):
            return None
        for i in step.form.places:
            value = step.arguments[i]
            if value.own and not value.shared and value in dying:
                return value  # type: ignore[no-any-return]
        return None

    def _drop(self, value: Value) -> None:
        if value.name[0] == "v":
            self.free.append(value.name)

    def _target(self, value: Value) -> str:
        if value.name:
            return "_"
        if self._crosses(value):
            value.name = f"kept[{self.kept}]"
            self.kept += 1
        elif self.free:
            value.name = self.free.pop()
        else:
            value.name = f"v{self.locals}"
            self.locals += 1
        return value.name

    def _crosses(self, value: Value) -> bool:
        """Whether a later piece of the plan uses it."""
        return value.last >= self.end and not (value.last == FOREVER and self.end == len(self.steps))
