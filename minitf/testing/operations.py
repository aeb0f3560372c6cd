"""A session whose runs ask a scheduler, with what each operation reads and writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from minitf.core.schedule import Scheduler
from minitf.explore.steps import ANYTHING, NOTHING, Access, reads, writes
from minitf.runtimes.operation import Operation
from minitf.runtimes.session import Session

# Operations with variables among their arguments write all of them, but for these.
_ONLY_READ = frozenset({"read_variable", "is_initialized", "uninitialized_names"})
# Stateful ones without variables touch anything, but for these: they compute from their inputs, or from files.
_TOUCH_NOTHING = frozenset({"placeholder", "no_op", "assert", "checkpoint_source", "read_tensor", "variable"})


def access_of(operation: Operation) -> Access:
    """What an operation reads and writes: variables, by name. Printing writes the output."""
    names = [handle.name if handle.name != "random_state" else (handle.name, operation.name) for handle in operation.handles]
    if names:
        return reads(*names) if operation.type in _ONLY_READ else writes(*names)
    if operation.type == "print":
        return writes("the output")
    return NOTHING if not operation.kernel_op.stateful or operation.type in _TOUCH_NOTHING else ANYTHING


class OperationStep:
    """A ready operation."""

    __slots__ = ("access", "after", "key", "operation", "raised")

    def __init__(self, operation: Operation):
        self.operation = operation
        self.key = operation.number
        self.access = access_of(operation)
        self.after = frozenset(source.number for source in operation.sources)
        self.raised = False

    @property
    def label(self) -> str:
        """The operation's name."""
        return self.operation.name


class _Chooser:
    """Tells a scheduler of operations as steps."""

    def __init__(self, scheduler: Scheduler):
        self._scheduler = scheduler
        self._steps: dict[Operation, OperationStep] = {}
        self._round = ""
        self._taken: OperationStep | None = None

    def begin(self, name: str) -> None:
        """A run begins."""
        self._round, self._taken = name, None

    def fail(self) -> None:
        """The run has failed, in the operation that was taken last."""
        if self._taken is not None:
            self._taken.raised = True

    def start(self) -> bool:
        return True

    def choose(self, ready: Sequence[Any], event: str) -> int:
        steps = self._steps
        for operation in ready:
            if operation not in steps:
                steps[operation] = OperationStep(operation)
        index = self._scheduler.choose([steps[operation] for operation in ready], self._round)
        self._taken = steps[ready[index]]
        self._taken.raised = False
        return index

    def end(self, error: BaseException | None = None) -> None:
        """The execution goes on."""


class ExploredSession(Session):
    """A session that asks at each step of a run; ``begin_round`` names the run."""

    def __init__(self, graph: Any, scheduler: Scheduler, begin_round: Callable[[str], str]):
        self._chooser = _Chooser(scheduler)
        self._begin_round = begin_round
        super().__init__(graph=graph, scheduler=self._chooser)

    def run(self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None) -> Any:
        """As ``Session.run``, with operations that are ready at the same time in an order that the scheduler chooses."""
        self._chooser.begin(self._begin_round("run"))
        try:
            return super().run(fetches, feed_dict, options, run_metadata)
        except BaseException:
            self._chooser.fail()
            raise
