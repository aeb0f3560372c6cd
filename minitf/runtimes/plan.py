"""A plan: the needed part of a graph as one flat Python function.

For (fetches, feeds) the session walks back from the fetches once, writes one statement per operation in the order of creation
and compiles the text::

    def plan(fed):
        v0 = fed[0]
        v1 = c0.read()          # c0 is the cell of a variable in this session
        v2 = v0 * v1            # ops that are a Python operator
        v3 = k4(v2, axis=0)     # others call their kernel
        return (v3,)

The order of creation is the program's order, so stateful operations of one run happen as they were written; the executor that
asks a scheduler (executor.py) knows the other legal orders.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from minitf.core.literals import to_array
from minitf.core.state import Handle, Store
from minitf.core.tensor import SymbolicTensor
from minitf.errors import InvalidArgumentError, OpError
from minitf.runtimes.operation import Operation


def needed(fetches: Sequence[Any], fed: set[int]) -> list[Operation]:
    """The operations that the fetches need, in order of creation. A fed tensor needs nothing."""
    found: dict[int, Operation] = {}
    stack = [f for f in fetches if not (isinstance(f, SymbolicTensor) and id(f) in fed)]
    todo = [f.op if isinstance(f, SymbolicTensor) else f for f in stack]
    while todo:
        operation = todo.pop()
        if operation.number in found:
            continue
        found[operation.number] = operation
        for a in operation.arguments:
            if isinstance(a, SymbolicTensor) and id(a) not in fed and a.op.number not in found:
                todo.append(a.op)
        todo.extend(operation.control_inputs)
    return [found[n] for n in sorted(found)]


def initialisers(operations: Sequence[Operation], fed: set[int]) -> list[Handle]:
    """The variables whose initialisers are among the operations. One whose first value is fed is an assignment (``load``)."""
    return [
        o.arguments[0]
        for o in operations
        if o.type == "assign" and o.arguments[0].initializer is o and id(o.arguments[1]) not in fed
    ]


class Plan:
    """A compiled run. Call it with the fed arrays in the order of ``feeds``; it gives the fetched values in their order."""

    __slots__ = ("_first", "_function", "_initialises", "_keep", "_operations", "_text")

    def __init__(self, fetches: Sequence[Any], feeds: Sequence[SymbolicTensor], store: Store,
                 kernels: Mapping[str, Callable[..., Any]]):  # fmt: skip
        fed = {id(t) for t in feeds}
        self._operations = needed(fetches, fed)
        writer = _Writer(store, kernels)
        self._text = writer.write(self._operations, fetches, feeds)
        exec(compile(self._text, "<plan>", "exec"), writer.space)  # the text is made from the graph's own operations
        self._function = writer.space["plan"]
        self._first = 2 + len(feeds)
        self._initialises = [store.cell(handle) for handle in initialisers(self._operations, fed)]
        self._keep = (tuple(fetches), tuple(feeds))  # ids of tensors are part of the cache key, so they must stay alive

    def __call__(self, fed: Sequence[Any]) -> tuple[Any, ...]:
        """Runs the plan. An error of a kernel names the operation (``error.op``)."""
        try:
            results = self._function(fed)
            for cell in self._initialises:
                cell.initialised = cell.writes
            return results  # type: ignore[no-any-return]
        except OpError as e:
            if e.op is None:
                e.op = self._failed(e)
            raise
        except (ValueError, TypeError, IndexError, ZeroDivisionError) as e:
            operation = self._failed(e)
            if operation is None:
                raise
            raise InvalidArgumentError(
                None, operation, f"Operation {operation.name!r} ({operation.type}) failed: {e}"
            ) from e

    def _failed(self, error: BaseException) -> Operation | None:
        trace = error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code is self._function.__code__:
                at = trace.tb_lineno - self._first  # one statement, one line
                return self._operations[at] if 0 <= at < len(self._operations) else None
            trace = trace.tb_next
        return None

    @property
    def text(self) -> str:
        """The source of the plan."""
        return self._text


class _Writer:
    # Writes the text of a plan; `space` are the globals that it runs with, `names` the local of each tensor.
    def __init__(self, store: Store, kernels: Mapping[str, Callable[..., Any]]):
        self.store = store
        self.kernels = kernels
        self.space: dict[str, Any] = {"normal": normal, "out": handed_out}
        self.names: dict[int, str] = {}
        self.cells: dict[Handle, str] = {}

    def bind(self, value: Any, letter: str) -> str:
        name = f"{letter}{len(self.space)}"
        self.space[name] = value
        return name

    def write(self, operations: list[Operation], fetches: Sequence[Any], feeds: Sequence[SymbolicTensor]) -> str:
        lines = ["def plan(fed):"]
        for i, t in enumerate(feeds):
            self.names[id(t)] = f"f{i}"
            lines.append(f"    f{i} = fed[{i}]")
        lines += [f"    {self.statement(o)}" for o in operations]
        results = [self.result(f) for f in fetches]
        lines.append(f"    return ({''.join(r + ', ' for r in results)})")
        return "\n".join(lines) + "\n"

    def result(self, fetch: Any) -> str:
        return f"out({self.names[id(fetch)]})" if isinstance(fetch, SymbolicTensor) else "None"

    def argument(self, a: Any) -> str:
        if isinstance(a, Handle):
            if a not in self.cells:
                self.cells[a] = self.bind(self.store.cell(a), "c")
            return self.cells[a]
        return "None" if a is None else self.names[id(a)]

    def statement(self, o: Operation) -> str:
        op = o.kernel_op
        if op.name == "const":
            self.names[id(o.outputs[0])] = self.bind(o.attrs["value"], "v")
            return "pass"
        if op.name == "variable":
            return "pass"
        args = [self.argument(a) for a in o.arguments]
        expression = None if op.name in self.kernels else op.expression([t.spec for t in o.inputs], o.attrs)
        if expression is not None:
            call = expression.format(*args)
        else:
            kernel = self.bind(self.kernels.get(op.name, op.kernel), "k")
            args += [f"{name}={self.bind(value, 'a')}" for name, value in o.attrs.items()]
            call = f"{kernel}({', '.join(args)})"
        # A fed output keeps its fed value, whatever its operation computes.
        targets = [f"v{o.number}_{i}" if id(t) not in self.names else "_" for i, t in enumerate(o.outputs)]
        for t, name in zip(o.outputs, targets, strict=True):
            self.names.setdefault(id(t), name)
        if any(t.spec.dtype.kind in "SV" for t in o.outputs):
            call = f"normal({call})"
        if not targets:
            return call
        return f"{', '.join(targets)}, = {call}" if o.several else f"{targets[0]} = {call}"


def normal(value: Any) -> Any:
    """A kernel's result as arrays: NumPy turns 0-d object arrays (strings) into their element."""
    if type(value) is tuple:
        return tuple(normal(v) for v in value)
    return value if isinstance(value, (np.ndarray, np.generic)) else to_array(value)


def handed_out(value: Any) -> Any:
    """A fetched value, as the caller's own. It is copied unless only the plan holds it."""
    if type(value) is np.ndarray:
        if value.dtype.kind == "O" and value.ndim == 0:
            return value[()]
        if value.base is not None or not value.flags.writeable or sys.getrefcount(value) > _ALONE:
            return value.copy()
    return value


def _references_of_a_local() -> int:
    """What getrefcount says in ``handed_out`` of an array that only a plan's local holds (interpreters differ)."""
    space: dict[str, Any] = {"out": sys.getrefcount, "new": lambda: np.zeros(1), "count": lambda value: sys.getrefcount(value)}
    exec("def plan(fed):\n    v0 = new()\n    return (count(v0), )", space)
    return int(space["plan"](())[0])


_ALONE = _references_of_a_local()
