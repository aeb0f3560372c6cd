"""A compiled run, and what it hands out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from minitf.core.state import Store
from minitf.core.tensor import SymbolicTensor
from minitf.errors import InvalidArgumentError, OpError
from minitf.runtimes.operation import Operation
from minitf.runtimes.plan.order import initialisers, needed
from minitf.runtimes.plan.silence import silently
from minitf.runtimes.plan.writing import Writer

_FAILURES = (OpError, ValueError, TypeError, IndexError, ZeroDivisionError)
_QUIET = frozenset({"read_variable", "assign", "identity", "reshape", "placeholder_with_default"})


class Plan:
    """A compiled run. Call it with the fed arrays in the order of ``feeds``; it gives the fetched values in their order.

    ``may_keep`` says for each feed whether its array may live on after the run, in a variable or a result, and so must belong
    to minitf. ``quiet``: nothing is computed, only handed on, so NumPy has nothing to warn of. ``inside``: the values stay in
    minitf, which writes into none, so they may be arrays that others have too.
    """

    __slots__ = ("_earlier", "_initialises", "_keep", "_kept", "_last", "_owners", "_single", "_texts", "may_keep", "quiet")

    def __init__(self, fetches: Sequence[Any], feeds: Sequence[SymbolicTensor], store: Store,
                 kernels: Mapping[str, Callable[..., Any]], inside: bool = False):  # fmt: skip
        fed = {id(t) for t in feeds}
        operations = needed(fetches, fed)
        with np.errstate(all="ignore"):  # of constants
            writer = Writer(operations, fetches, feeds, store, kernels, None if inside else handed_out)
        self._texts, self._owners = writer.pieces, writer.owners
        pieces: list[Callable[..., Any]] = []
        writer.space["__name__"] = __name__  # whose warnings they are, in eager mode
        for text in writer.pieces:
            exec(compile(text, "<plan>", "exec"), writer.space)  # the text is made from the graph's own operations
            pieces.append(writer.space["plan"])
        *self._earlier, self._last = pieces
        self._kept = writer.kept
        self.may_keep = writer.may_keep
        self.quiet = all(getattr(o, "type", "chain") in _QUIET for o in writer.operations)
        self._initialises = [store.cell(handle) for handle in initialisers(operations, fed)]
        self._single = not self._earlier and not self._initialises
        self._keep = (tuple(fetches), tuple(feeds))  # ids of tensors are part of the cache key, so they must stay alive

    def __call__(self, fed: Sequence[Any]) -> tuple[Any, ...]:
        """Runs the plan. An error of a kernel names the operation (``error.op``)."""
        try:
            if self._single:
                return self._last(fed, None)  # type: ignore[no-any-return]
            kept = [None] * self._kept
            for piece in self._earlier:
                piece(fed, kept)
            results = self._last(fed, kept)
        except _FAILURES as e:
            self._tell(e)
            raise
        for cell in self._initialises:
            cell.initialised = cell.writes
        return results  # type: ignore[no-any-return]

    def alone(self) -> Any:
        """The first value of a run that is fed nothing."""
        if self.quiet and self._single:
            try:
                return self._last((), None)[0]
            except _FAILURES as e:
                self._tell(e)
                raise
        return silently(self, ())[0]

    def _tell(self, error: Exception) -> None:
        """Tells an error of a kernel by the operation that failed: raises a new one, or completes it to be raised again."""
        if isinstance(error, OpError):
            if error.op is None:
                error.op = self._failed(error)
            return
        operation = self._failed(error)
        if operation is not None:
            raise InvalidArgumentError(
                None, operation, f"Operation {operation.name!r} ({operation.type}) failed: {error}"
            ) from error

    def _failed(self, error: BaseException) -> Operation | None:
        pieces = {piece.__code__: owners for piece, owners in zip([*self._earlier, self._last], self._owners, strict=True)}
        trace = error.__traceback__
        while trace is not None:
            owners = pieces.get(trace.tb_frame.f_code)
            if owners is not None:
                return owners[trace.tb_lineno - 1]  # one statement, one line
            trace = trace.tb_next
        return None

    @property
    def text(self) -> str:
        """The source of the plan."""
        return "\n".join(self._texts)


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
    exec("def plan(fed, kept):\n    v0 = new()\n    return (count(v0), )", space)
    return int(space["plan"]((), [])[0])


_ALONE = _references_of_a_local()
