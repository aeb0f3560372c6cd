"""An execution as a timeline, for the player."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from minitf.explore.recording import Moment
from minitf.timeline import Source, Timeline


def timeline_of(body: Any, moments: Sequence[Moment], error: BaseException) -> Timeline:
    """One event for each step or alternative that was taken, with what else was ready, and the error at the end."""
    timeline = Timeline(f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}")
    file, lines = _source(body)
    if lines is not None:
        timeline.sources.append(lines)
    for moment in moments:
        inside = lines is not None and moment.place is not None and moment.place[0] == file
        kind = "step" if moment.step else "choice"
        actor = moment.taken.rpartition(".")[0] if moment.step else ""
        place = (0, moment.place[1]) if inside and moment.place is not None else None
        timeline.add(kind, str(moment), actor=actor, place=place, round=moment.round, ready=list(moment.ready),
                     taken=moment.index)  # fmt: skip
    timeline.add("error", f"{type(error).__name__}: {error}", type=type(error).__name__, message=str(error))
    return timeline


def _source(body: Any) -> tuple[str | None, Source | None]:
    try:
        text, first = inspect.getsourcelines(inspect.unwrap(body))
        file = inspect.getsourcefile(inspect.unwrap(body))
    except (OSError, TypeError):
        return None, None
    return file, Source(name=(file or "").replace("\\", "/").rpartition("/")[2], text="".join(text), first=first)
