"""What an exploration has found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from minitf.explore.recording import Moment
from minitf.timeline import Timeline


@dataclass
class Failure:
    """One way in which the body failed.

    * ``token``: the schedule, with as few deviations from program order as were found to fail in this way.
    * ``error``: what was raised; ``count``: in how many executions.
    * ``deviations``: how many steps the schedule takes out of turn.
    * ``moments``: the choices of the execution, in order; ``timeline``: the same, for the player (``timeline.save_html``).
    * ``script``: a program of at most 15 lines that shows the failure again.
    """

    token: str
    error: BaseException
    choices: tuple[int, ...] = ()
    moments: tuple[Moment, ...] = ()
    timeline: Timeline = field(default_factory=Timeline)
    script: str = ""
    count: int = 1

    @property
    def deviations(self) -> int:
        """How many choices are not program order."""
        return sum(map(bool, self.choices))

    def __str__(self) -> str:
        lines = [f"{type(self.error).__name__}: {_first_line(self.error)}"]
        lines += [f"  schedule {self.token} ({_counted(self.deviations, 'deviation')} from program order):"]
        moments = self.moments
        shown = moments if len(moments) <= 24 else (*moments[:12], None, *moments[-11:])
        number = 0
        for moment in shown:
            if moment is None:
                lines.append("    ...")
                number = len(moments) - 11
            else:
                number += 1
                lines.append(f"    {number:>3}  {moment}")
        return "\n".join(lines)


@dataclass
class Report:
    """What ``check`` has found.

    * ``executions``: how often the body was run; ``classes``: how many of these differ by more than the order of independent
      steps.
    * ``complete``: True only if all classes were seen.
    * ``outcomes``: a token that leads there, for each distinct final state.
    * ``failures``: one for each distinct error.
    * ``bound``: everything with at most so many deviations from program order was tried (``bounded``).
    * ``notes``: what else there is to say, such as the probability that ``pct`` promises.
    """

    strategy: str
    executions: int = 0
    classes: int = 0
    complete: bool = False
    outcomes: dict[Any, str] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    bound: int | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """True if any execution failed."""
        return bool(self.failures)

    def assert_no_failures(self) -> Report:
        """Raises the first failure's error, with the whole report as its cause; gives the report if there is none."""
        if self.failures:
            raise self.failures[0].error from FailureFound(self)
        return self

    def __str__(self) -> str:
        seen = f"{_counted(self.executions, 'execution')}, {_counted(self.classes, 'class', 'classes')}"
        scope = "all there are" if self.complete else "not all there are"
        lines = [f"{self.strategy}: {seen} ({scope}), {_counted(len(self.outcomes), 'outcome')}"]
        lines += self.notes
        if not self.failures:
            lines.append("no failure")
        for failure in self.failures:
            lines += ["", f"failed in {_counted(failure.count, 'execution')}: {failure}"]
            if failure.script:
                lines += ["  to see it again:", *("    " + line for line in failure.script.splitlines())]
        return "\n".join(lines)


class FailureFound(AssertionError):
    """Stands behind a failure's error and shows the report."""

    def __init__(self, report: Report):
        super().__init__(f"An order was found in which the body fails.\n{report}")
        self.report = report


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0]


def _counted(count: int, one: str, many: str | None = None) -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def signature(error: BaseException) -> tuple[str, str]:
    """What makes two errors the same failure: the class and the first line of the message."""
    return type(error).__name__, _first_line(error)
