"""Chains: elementwise operations on large arrays, computed together, block by block.

A pass over a large array costs as much as its memory is far away. A chain takes 65,536 elements at a time, which stay in the
processor's cache from the first operation of the chain to the last, and has memory for its results only. Of very large arrays
a second thread takes blocks too, whenever it has a processor. Each element goes through the same operations as it would alone,
so the values are the same.
"""

from __future__ import annotations

import contextvars
import os
from _thread import allocate_lock, start_new_thread
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from math import prod
from typing import Any

import numpy as np

from minitf.core.spec import Spec
from minitf.core.tensor import SymbolicTensor
from minitf.runtimes.operation import Operation

BLOCK = 65536
LEAST = 4 * BLOCK
"""Elements from which a chain pays."""
LEAST_FOR_THREADS = 500_000
threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
"""Processors that a chain may use (at most two are)."""


class Chain:
    """Operations that follow each other; each result has the same spec. It stands for them in a plan."""

    fresh = True  # its results share memory with nothing

    def __init__(self, operations: list[Operation]):
        self.operations = operations
        self.first = operations[0]
        self.spec: Spec = operations[0].outputs[0].spec
        inside = {id(o.outputs[0]) for o in operations}
        self.arguments = list({id(t): t for o in operations for t in o.inputs if id(t) not in inside}.values())
        self.inputs = tuple(self.arguments)
        self.outputs: list[SymbolicTensor] = []  # those that something outside the chain needs
        self.several = True

    def compiled(self) -> Callable[..., tuple[Any, ...]]:
        """A function of the arrays of ``arguments`` that gives the arrays of ``outputs``."""
        spec, size = self.spec, _size(self.spec)
        shape: Any = spec.shape
        whole = [t.spec.shape != () for t in self.arguments]
        space: dict[str, Any] = {}
        compute = self._compute(space)
        count = max(self.slots) + 1

        def run(*arrays: Any) -> tuple[Any, ...]:
            if not all(a.flags.c_contiguous for a in arrays):  # the result's order in memory would be another
                return self._one_by_one(arrays)
            flat = [a.reshape(-1) if w else a for a, w in zip(arrays, whole, strict=True)]
            results = [np.empty(shape, spec.dtype.np) for _ in self.outputs]
            flat += [r.reshape(-1) for r in results]
            starts = iter(range(0, size, BLOCK))  # which threads share
            workers = 1 if threads < 2 or size < LEAST_FOR_THREADS else 2
            # All memory is had in this thread: another one's would be new to the process each time.
            scratch = [[np.empty(min(BLOCK, size), spec.dtype.np) for _ in range(count)] for _ in range(workers)]
            if workers == 1:
                _blocks(compute, flat, whole, size, starts, scratch[0])
            else:
                _in_two_threads(*[partial(_blocks, compute, flat, whole, size, starts, s) for s in scratch])
                flat.clear()  # or else a thread that has not even begun keeps the arrays, and the next run needs new memory
                scratch.clear()
            return tuple(results)

        return run

    def _one_by_one(self, arrays: Sequence[Any]) -> tuple[Any, ...]:
        values = {id(t): a for t, a in zip(self.arguments, arrays, strict=True)}
        for o in self.operations:
            values[id(o.outputs[0])] = o.kernel_op.kernel(*[values[id(t)] for t in o.inputs])
        return tuple([values[id(t)] for t in self.outputs])

    def _compute(self, space: dict[str, Any]) -> Callable[..., None]:
        """One block: a function of the inputs' and outputs' blocks and of scratch blocks."""
        names = {id(t): f"x{i}" for i, t in enumerate(self.arguments)}
        outputs = {id(t): f"y{i}" for i, t in enumerate(self.outputs)}
        last = {id(t): n for n, o in enumerate(self.operations) for t in o.inputs}
        free: list[int] = []
        self.slots: list[int] = [-1]
        lines = []
        for n, o in enumerate(self.operations):
            ufunc = o.kernel_op.ufunc
            space[f"u{n}"] = ufunc
            arguments = [names[id(t)] for t in o.inputs]
            for t in dict.fromkeys(o.inputs):
                if last[id(t)] == n and names[id(t)][0] == "s":
                    free.append(int(names[id(t)][1:]))
            result = o.outputs[0]
            name = outputs.get(id(result))
            if name is None:
                slot = free.pop() if free else max(self.slots) + 1
                self.slots.append(slot)
                name = f"s{slot}"
            names[id(result)] = name
            lines.append(f"    u{n}({', '.join(arguments)}, out={name})\n")
        scratch = [f"s{i}" for i in range(max(self.slots) + 1)]
        parameters = [f"x{i}" for i in range(len(self.arguments))] + [f"y{i}" for i in range(len(self.outputs))] + scratch
        exec(f"def compute({', '.join(parameters)}):\n{''.join(lines)}", space)  # made from the operations' own ufuncs
        return space["compute"]  # type: ignore[no-any-return]


def _blocks(compute: Callable[..., None], flat: list[Any], whole: list[bool], size: int, starts: Iterator[int],
            scratch: list[Any]) -> None:  # fmt: skip
    """Computes the blocks whose starts it gets from ``starts``."""
    inputs = len(whole)
    for start in starts:
        stop = min(start + BLOCK, size)
        blocks = [a[start:stop] if i >= inputs or whole[i] else a for i, a in enumerate(flat)]
        compute(*blocks, *(scratch if stop - start == BLOCK else [s[: stop - start] for s in scratch]))


def _in_two_threads(here: Callable[[], None], there: Callable[[], None]) -> None:
    """Two workers take pieces of work until none is left: one here, and one in another thread, in a copy of this context
    (NumPy's error state is in it). A thread that gets no processor holds nobody up: it is not waited for if it has not begun.
    """
    begun: list[bool] = []
    errors: list[BaseException] = []
    done = allocate_lock()
    done.acquire()
    context = contextvars.copy_context()

    def other() -> None:
        begun.append(True)
        try:
            context.run(there)
        except BaseException as e:
            errors.append(e)
        finally:
            done.release()

    start_new_thread(other, ())
    here()
    if begun:  # before it took its first piece of work; and now none is left
        done.acquire()
    if errors:
        raise errors[0]


def _size(spec: Spec) -> int:
    return prod([s or 0 for s in spec.shape or ()])


def ufunc_of(o: Operation) -> Any:
    """The ufunc that an operation is, for dtypes whose kernel is just that; else None."""
    ufunc = o.kernel_op.ufunc
    if ufunc is None:
        return None
    return ufunc if all([t._spec.dtype.kind in "fiuc" for t in o.inputs]) else None  # noqa: C419  (a generator is slower)


def joined(operations: Sequence[Operation], fetches: Sequence[Any], fed: set[int],
           kernels: Mapping[str, Callable[..., Any]]) -> list[Any]:  # fmt: skip
    """The operations, with those that follow each other and fit together as Chains."""
    if not any(_is_long(o) and _fits(o, fed, kernels) for o in operations):
        return list(operations)
    uses: dict[int, set[int]] = {}
    for n, o in enumerate(operations):
        for t in o.inputs:
            uses.setdefault(id(t), set()).add(n)
    fetched = {id(f) for f in fetches}
    steps: list[Any] = []
    run: list[int] = []

    def close() -> None:
        if len(run) > 1:
            chain = Chain([operations[n] for n in run])
            members = set(run)
            chain.outputs = [
                t for n in run for t in operations[n].outputs if id(t) in fetched or uses.get(id(t), set()) - members
            ]
            steps.append(chain) if chain.outputs else steps.extend(operations[n] for n in run)
        else:
            steps.extend(operations[n] for n in run)
        run.clear()

    for n, o in enumerate(operations):
        fits = _is_long(o) and _fits(o, fed, kernels)
        if run and (not fits or o.outputs[0].spec != operations[run[0]].outputs[0].spec):
            close()
        if fits:
            run.append(n)
        else:
            steps.append(o)
    close()
    return steps


def _is_long(o: Operation) -> bool:
    """True for an elementwise operation whose result is long enough for a chain."""
    if o.kernel_op.ufunc is None:
        return False
    shape: Any = o.output._spec.shape
    return bool(shape) and None not in shape and prod(shape) >= LEAST


def _fits(o: Operation, fed: set[int], kernels: Mapping[str, Callable[..., Any]]) -> bool:
    spec = o.output.spec
    if ufunc_of(o) is None or o.type in kernels or id(o.output) in fed:
        return False
    return all(t.spec == spec or t.spec == Spec(spec.dtype, ()) for t in o.inputs)
