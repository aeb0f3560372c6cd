"""An execution as a timeline, for the player: its steps, and between them what both runtimes did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minitf.core.runtime import load
from minitf.explore.recording import Moment
from minitf.explore.running import Body, Choices, Execution, MakeWorld, execute
from minitf.timeline import Timeline


def recorded(body: Body, choices: Choices, make_world: MakeWorld, title: str) -> tuple[Execution, Timeline]:
    """Runs a body once, as ``minitf.record`` sees it."""
    record: Any = load("minitf.explain.recorder.recording").record  # it stands above
    with record(title) as timeline:
        execution = execute(body, choices, make_world, lambda moment: _add(timeline, moment))
    _end(timeline, execution.error)
    return execution, timeline


def timeline_of(moments: Sequence[Moment], error: BaseException, title: str) -> Timeline:
    """The steps alone."""
    timeline = Timeline(title)
    for moment in moments:
        _add(timeline, moment)
    _end(timeline, error)
    return timeline


def _add(timeline: Timeline, moment: Moment) -> None:
    actor = moment.taken.rpartition(".")[0] if moment.step else ""
    kind = "step" if moment.step else "choice"
    timeline.add(kind, str(moment), actor=actor, round=moment.round, ready=list(moment.ready), taken=moment.index)


def _end(timeline: Timeline, error: BaseException | None) -> None:
    if error is not None:
        timeline.add("error", f"{type(error).__name__}: {error}", type=type(error).__name__, message=str(error))
