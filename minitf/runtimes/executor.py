"""The plain executor: one operation at a time, chosen by a scheduler among those that are ready.

An operation is ready when its inputs and control inputs are done. Ready ones are offered in order of creation, so a scheduler
that takes the first gives program order, which is what a compiled plan does.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from minitf.core.schedule import ProgramOrder, Scheduler
from minitf.core.state import Handle, SessionStore
from minitf.core.tensor import SymbolicTensor
from minitf.errors import InvalidArgumentError, OpError
from minitf.runtimes.operation import Operation
from minitf.runtimes.plan import handed_out, initialisers, needed, normal

Step: TypeAlias = Callable[[Operation, dict[int, Any], SessionStore, Mapping[str, Callable[..., Any]]], None]


def execute(fetches: Sequence[Any], feeds: Sequence[SymbolicTensor], fed: Sequence[Any], store: SessionStore,
            kernels: Mapping[str, Callable[..., Any]], scheduler: Scheduler | None = None,
            step: Step | None = None) -> tuple[Any, ...]:  # fmt: skip
    """Runs what the fetches need and gives their values (None for operations). ``step`` runs one operation."""
    scheduler, step = scheduler or ProgramOrder(), step or run_operation
    values: dict[int, Any] = {id(t): v for t, v in zip(feeds, fed, strict=True)}
    operations = needed(fetches, set(values))
    wanted = {o.number for o in operations}
    missing: dict[int, int] = {}
    followers: dict[int, list[Operation]] = {}
    ready: list[Operation] = []
    for o in operations:
        before = {a.op.number for a in o.inputs if id(a) not in values} | {c.number for c in o.control_inputs}
        missing[o.number] = len(before & wanted)
        for n in before & wanted:
            followers.setdefault(n, []).append(o)
        if not missing[o.number]:
            ready.append(o)
    while ready:
        o = ready.pop(scheduler.choose(ready, "operation"))
        step(o, values, store, kernels)
        for f in followers.get(o.number, ()):
            missing[f.number] -= 1
            if not missing[f.number]:
                insort(ready, f, key=lambda operation: operation.number)
    for handle in initialisers(operations, {id(t) for t in feeds}):
        cell = store.cell(handle)
        cell.initialised = cell.writes
    return tuple(handed_out(values[id(f)]) if isinstance(f, SymbolicTensor) else None for f in fetches)


def run_operation(o: Operation, values: dict[int, Any], store: SessionStore, kernels: Mapping[str, Callable[..., Any]]) -> None:
    """Runs one operation on ``values`` (by the id of the tensor), to which it adds its outputs; a value that was fed stays."""
    args = [store.cell(a) if isinstance(a, Handle) else None if a is None else values[id(a)] for a in o.arguments]
    try:
        result = normal(kernels.get(o.type, o.kernel_op.kernel)(*args, **o.attrs))
    except OpError as e:
        e.op = e.op or o
        raise
    except (ValueError, TypeError, IndexError, ZeroDivisionError) as e:
        raise InvalidArgumentError(None, o, f"Operation {o.name!r} ({o.type}) failed: {e}") from e
    for t, v in zip(o.outputs, result if o.several else (result,), strict=True):
        values.setdefault(id(t), v)
