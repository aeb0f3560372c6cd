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

from minitf.core.spec import total_size
from minitf.core.state import Handle, Store
from minitf.core.tensor import SymbolicTensor
from minitf.runtimes.operation import Operation
from minitf.runtimes.plan.chains import Chain, joined, ufunc_of
from minitf.runtimes.plan.folding import folded
from minitf.runtimes.plan.order import normal
from minitf.runtimes.plan.steps import Steps, stepped

LONGEST = 4000
"""Statements in one function: Python compiles long ones slowly."""
LARGE = 16384
"""Elements of an array that is dropped at once, not when its local is used again."""
FOREVER = 1 << 62
_JOINED = (Chain, Steps)
_OUT_BY_NAME = (np.maximum, np.minimum)  # a third argument by place is deprecated and slow; others are quicker with it


class Writer:
    """Writes the functions of one plan.

    ``space``: the globals that they run with; ``pieces``: their texts; ``owners``: for each piece, the operation of each line;
    ``kept``: how many places the list ``kept`` has; ``may_keep``: for each feed, whether an operation may keep or share it.
    """

    def __init__(self, operations: Sequence[Operation], fetches: Sequence[Any], feeds: Sequence[SymbolicTensor], store: Store,
                 kernels: Mapping[str, Callable[..., Any]], out: Callable[[Any], Any]):  # fmt: skip
        self.store = store
        self.kernels = kernels
        self.space: dict[str, Any] = {"np": np, "normal": normal, "out": out}
        self.cells: dict[Handle, str] = {}
        self.bound: dict[int, str] = {}
        self.pieces: list[str] = []
        self.owners: list[list[Operation | None]] = []
        self.kept = 0
        self.free: list[str] = []
        self.locals = 0

        fed = {id(t) for t in feeds}
        self.constants = folded(operations, fed, kernels)
        steps: list[Any] = [o for o in operations if not self._needs_nothing(o, fed)]
        self.steps = stepped(joined(steps, fetches, fed, set(self.constants), kernels), fetches, store, kernels)
        self._look(fetches, feeds)
        self._write(fetches, feeds)

    def _needs_nothing(self, o: Operation, fed: set[int]) -> bool:
        if o.type == "variable" or (o.type == "no_op" and "no_op" not in self.kernels):
            return True
        return bool(o.outputs) and all(id(t) in self.constants for t in o.outputs)

    # -- what is known of tensors ----------------------------------------------------------------------------------------

    def _look(self, fetches: Sequence[Any], feeds: Sequence[SymbolicTensor]) -> None:
        """Finds the last use of each tensor, those that others may share, and those that are in C order."""
        self.last: dict[int, int] = {}
        self.shared: set[int] = set()  # some operation may keep it, or give a view of it
        self.own: set[int] = set()  # made by an operation of this run that gives new arrays
        self.in_order = {id(t) for t in feeds}
        self.in_order |= {i for i, v in self.constants.items() if getattr(v, "flags", None) is None or v.flags.c_contiguous}
        self.inputs = [step.inputs for step in self.steps]
        for number, (step, inputs) in enumerate(zip(self.steps, self.inputs, strict=True)):
            fresh = step.fresh if isinstance(step, _JOINED) else step.kernel_op.fresh and step.type not in self.kernels
            for t in inputs:
                self.last[id(t)] = number
                if not fresh:
                    self.shared.add(id(t))
            if fresh:
                self.own.update(id(t) for t in step.outputs)
            if isinstance(step, _JOINED) or step.type in ("read_variable", "matmul") or (
                step.kernel_op.ufunc is not None and all(id(t) in self.in_order for t in inputs)
            ):
                self.in_order.update(id(t) for t in step.outputs)
        for f in fetches:
            if isinstance(f, SymbolicTensor):
                self.last[id(f)] = FOREVER
                self.shared.add(id(f))
        self.may_keep = [id(t) in self.shared for t in feeds]

    # -- text ------------------------------------------------------------------------------------------------------------

    def bind(self, value: Any, letter: str) -> str:
        """The name of a global that holds ``value``."""
        name = self.bound.get(id(value))
        if name is None:
            name = self.bound[id(value)] = f"{letter}{len(self.space)}"
            self.space[name] = value  # which keeps the id taken
        return name

    def _write(self, fetches: Sequence[Any], feeds: Sequence[SymbolicTensor]) -> None:
        self.names = {id(t): f"f{i}" for i, t in enumerate(feeds)}
        cuts = [*range(0, len(self.steps), LONGEST), len(self.steps)] if self.steps else [0, 0]
        for begin, end in pairwise(cuts):
            self.end = end
            lines: list[str] = []
            owners: list[Operation | None] = []
            for number in range(begin, end):
                for line in self._statements(number):
                    lines.append(line)
                    owners.append(self.steps[number].first if isinstance(self.steps[number], _JOINED) else self.steps[number])
            if end == len(self.steps):
                results = [self._result(f) for f in fetches]
                lines.append(f"return ({''.join(r + ', ' for r in results)})")
                owners.append(None)
            body = "".join(f"    {line}\n" for line in lines) or "    pass\n"
            head = "".join(f"    f{i} = fed[{i}]\n" for i in range(len(feeds)))
            self.pieces.append(f"def plan(fed, kept):\n{head}{body}")
            self.owners.append([*[None] * (1 + len(feeds)), *owners])
            self.free.clear()  # the locals of another function
            self.locals = 0

    def _result(self, fetch: Any) -> str:
        if not isinstance(fetch, SymbolicTensor):
            return "None"
        immutable = isinstance(self.constants.get(id(fetch)), np.generic) and id(fetch) not in self.names
        return self._tensor(fetch) if immutable else f"out({self._tensor(fetch)})"

    def _tensor(self, t: SymbolicTensor) -> str:
        name = self.names.get(id(t))
        if name is None:
            name = self.names[id(t)] = self.bind(self.constants[id(t)], "n")
        return name

    def _argument(self, a: Any) -> str:
        if isinstance(a, Handle):
            if a not in self.cells:
                self.cells[a] = self.bind(self.store.cell(a), "c")
            return self.cells[a]
        return "None" if a is None else self._tensor(a)

    def _statements(self, number: int) -> list[str]:
        step = self.steps[number]
        inputs = self.inputs[number]
        arguments = [self._argument(a) for a in step.arguments]
        dying = [t for t in dict.fromkeys(inputs) if self.last[id(t)] == number and id(t) not in self.constants]
        place = self._in_place(step, inputs, dying) if dying else None
        if place is not None:
            name = self.names[id(place)]
            self.names[id(step.outputs[0])] = name
            dying.remove(place)
            ufunc = step.kernel_op.ufunc
            out = "out=" if ufunc in _OUT_BY_NAME else ""
            lines = [f"{self.bind(ufunc, 'u')}({', '.join(arguments)}, {out}{name})"]
            if self.last.get(id(step.outputs[0]), -1) < 0:
                self._drop(name)
            self._release(dying, lines, set())
            return lines
        call = self._call(step, arguments)
        dead: list[str] = []
        self._release(dying, dead, {id(t) for t in step.outputs})
        targets = [self._target(t) for t in step.outputs]
        used = set(targets)
        lines = [call if not targets else f"{', '.join(targets)}{',' if step.several else ''} = {call}"]
        lines += [line for line in dead if line.split(" ", 1)[0] not in used]
        for t, name in zip(step.outputs, targets, strict=True):
            if id(t) not in self.last:
                self._drop(name)
        return lines

    def _release(self, dying: list[SymbolicTensor], lines: list[str], outputs: set[int]) -> None:
        for t in dying:
            name = self.names[id(t)]
            if name[0] == "f":
                continue
            if not t.spec.complete or total_size(t.spec.shape) >= LARGE:  # type: ignore[arg-type]
                lines.append(f"{name} = None")
            self._drop(name)

    def _drop(self, name: str) -> None:
        if name[0] == "v":
            self.free.append(name)

    def _target(self, t: SymbolicTensor) -> str:
        if id(t) in self.names:  # fed: it keeps its fed value, whatever its operation computes
            return "_"
        if self._crosses(t):
            name = f"kept[{self.kept}]"
            self.kept += 1
        elif self.free:
            name = self.free.pop()
        else:
            name = f"v{self.locals}"
            self.locals += 1
        self.names[id(t)] = name
        return name

    def _in_place(self, step: Any, inputs: Sequence[SymbolicTensor], dying: list[SymbolicTensor]) -> SymbolicTensor | None:
        """The input into whose array an elementwise operation may write its result, or None."""
        if isinstance(step, _JOINED) or step.type in self.kernels or ufunc_of(step) is None:
            return None
        result = step.outputs[0]
        if not result.spec.complete or not result.spec.shape or id(result) in self.names:
            return None
        if not all(id(t) in self.in_order for t in inputs) or self._crosses(result):
            return None
        for t in dying:
            if id(t) in self.own and id(t) not in self.shared and t.spec == result.spec and id(t) in self.names:
                return t
        return None

    def _crosses(self, t: SymbolicTensor) -> bool:
        last = self.last.get(id(t), -1)
        return last >= self.end and not (last == FOREVER and self.end == len(self.steps))

    def _call(self, o: Any, arguments: list[str]) -> str:
        if isinstance(o, _JOINED):
            return f"{self.bind(o.compiled(), 'k')}({', '.join(arguments)})"
        op = o.kernel_op
        if op.name not in self.kernels:
            specs = [t._spec for t in o.inputs]
            if op.scalar_expr and all(s.shape == () and s.dtype.kind in "fi" and s.dtype.size >= 4 for s in specs):
                return str(op.scalar_expr.format(*arguments))
            expression = op.expression(specs, o.attrs) if len(specs) == len(o.arguments) or not specs else None
            if expression is not None:
                return str(expression.format(*arguments))
            if ufunc_of(o) is not None:
                return f"{self.bind(op.ufunc, 'u')}({', '.join(arguments)})"
        kernel = self.bind(self.kernels.get(op.name, op.kernel), "k")
        for name, value in o.attrs.items():
            if op.name in self.kernels or name not in op.wants or op.wants[name] is not value:
                arguments.append(f"{name}={self.bind(value, 'a')}")
        call = f"{kernel}({', '.join(arguments)})"
        return f"normal({call})" if any(t.spec.dtype.kind in "SV" for t in o.outputs) else call


