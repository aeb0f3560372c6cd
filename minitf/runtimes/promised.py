"""Operations that a graph has, but that are made only when somebody looks at them.

A variable of a graph brings four operations, and restoring it two more; of most of them nobody ever asks anything: a run of
restore operations assigns in bulk, a plan reads cells. So the graph keeps a *promise* in their places. It knows their numbers
and their names, which are taken from the start, and makes all of them when the first is asked for. Seen from outside, the
operations have always been there.
"""

from __future__ import annotations

from copy import copy
from threading import RLock
from typing import TYPE_CHECKING, Any, Protocol

from minitf.core.locks import left_open
from minitf.core.registry import REGISTRY
from minitf.core.state import Handle
from minitf.ops import restoring, sources
from minitf.ops.state import read_variable
from minitf.runtimes.naming import with_number

if TYPE_CHECKING:
    from minitf.runtimes.graph import Graph
    from minitf.runtimes.operation import Operation

KEEPING = left_open(RLock())  # held while promised operations are made: they are the same ones for all threads that ask
INITIAL_VALUE = "initial_value"


class Promise(Protocol):
    """Stands in a graph for operations that follow each other. ``number`` is the place of the first.

    A ``RestoreOp`` is one, and the handle of a variable.
    """

    number: int

    @property
    def name(self) -> str:
        """The name of the one that matters."""

    def keep(self) -> None:
        """Puts the operations into their places, once."""


def make_operations(handle: Handle) -> None:
    """Makes what a handle promises: the constant that it begins with, itself, its initialiser, and one that reads it."""
    with KEEPING:
        n, (assign_place, read_place) = handle.number, handle.places
        if n < 0:  # made, or being made: somebody who listens asks
            return
        handle.number = -1
        graph: Any = handle.home
        full, spec, append, assign = handle.name, handle.spec, graph.append, REGISTRY["assign"]
        first = append(sources.const, f"{full}/{INITIAL_VALUE}", (), {"value": handle.promised}, spec, at=n).output
        handle.operation = append(sources.variable, full, (), {"handle": handle}, (), at=n + 1)
        assigning = (handle, first), assign.wants, spec, (), assign_place, n + 2
        handle.initializer = append(assign, f"{full}/Assign", *assigning)
        handle.read = append(read_variable, f"{full}/Read", (handle,), read_variable.wants, spec, (), read_place, n + 3)
        handle.initial_value = first
        handle.promised = None


class RestoreOp:
    """The operation that restores a variable from a fed checkpoint: it assigns what one before it reads under ``key``.

    ``source`` is the tensor that stands for the checkpoint. ``reused`` if an earlier restore had added the operation.
    """

    __slots__ = ("_first", "_op", "_place", "_read_place", "_text", "key", "number", "reused", "source", "variable")

    number: int

    def __init__(self, graph: Graph, variable: Handle, key: str, source: Any):
        text, take = "restore/" + variable.name, graph._names.take
        self.variable = variable
        self.key = key
        self.source = source
        self.reused = False
        self._first: RestoreOp | None = None
        self._text = text
        self._read_place = take(text + "/read")
        self._place = take(text)
        self._op: Operation | None = None

    @property
    def name(self) -> str:
        """The operation's name."""
        return with_number(self._text, self._place)

    @property
    def op(self) -> Operation:
        """The operation."""
        if self._op is None:
            self.keep()
        return self._op  # type: ignore[return-value]

    def again(self) -> RestoreOp:
        """The same operation for a later restore."""
        out = copy(self)
        out.reused, out._first = True, self._first or self
        return out

    @property
    def reads(self) -> tuple[Any, ...]:
        """The tensor that it assigns."""
        return self.op.arguments[1:]

    def keep(self) -> None:
        """Makes the two. They are as they are: their inputs fit each other, and the variable's name is a valid one."""
        with KEEPING:
            if self._op is not None:
                return
            if self._first is not None:
                self._op = self._first.op
                return
            handle: Any = self.variable
            spec, assign, append = handle.spec, REGISTRY["assign"], handle.home.append
            attrs = {"key": self.key, "dtype": spec.dtype, "shape": spec.shape}
            read = append(
                restoring.read_tensor, self._text + "/read", (self.source,), attrs, spec, (), self._read_place, self.number
            )  # fmt: skip
            value = read.output
            self._op = append(assign, self._text, (handle, value), assign.wants, spec, (), self._place, self.number + 1)
