"""Explains the restore of a name-based checkpoint: there are names on both sides, and no objects in the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from minitf.explain.why.causes import Cause, Place, Why
from minitf.explain.why.explanation import Explanation
from minitf.explain.why.facts import Form, LiveValue
from minitf.explain.why.likeness import Candidate, Look, pairs
from minitf.explain.why.rows import Provenance, Row, State
from minitf.explain.why.states import compatible
from minitf.explain.why.words import in_words


class Named(NamedTuple):
    """A live value: its path, what it looks like, the highest restore that reached it.

    ``given``: how often its cell had been written when this restore gave it its value, in the store that is spoken of; None: it
    gave none there.
    """

    path: str
    value: LiveValue
    reached: int
    given: int | None


def explain_names(
    source: str, uid: int, mode: str, session: str, stored: Mapping[str, Form], live: list[Named], ran: bool,
    dry: bool = False,
) -> Explanation:  # fmt: skip
    """The explanation; ``ran``: the status was run, in whichever session; ``dry``: nothing is restored, but might be."""
    rows: list[Row] = []
    whys: list[tuple[Why, tuple[str, ...]] | None] = []
    taken: set[str] = set()
    for one in live:
        name, form = one.value.variable, stored.get(one.value.variable)
        told: Provenance | None = None
        why: tuple[Why, tuple[str, ...]] | None = None
        if form is None:
            state, why = State.MISSING, (Why.NAME_BASED, ())
        else:
            taken.add(name)
            mine = one.value.form
            state = State.RESTORED
            if mine is not None and not (mine.dtype == form.dtype and compatible(mine.shape, form.shape)):
                kind = Why.DTYPE if mine.dtype != form.dtype else Why.SHAPE
                state, why = State.DIFFERS, (kind, (str(form), str(mine)))
            elif dry:
                pass
            elif one.reached > uid:
                state, why = State.SUPERSEDED, (Why.SUPERSEDED, (str(one.reached), ""))
            elif one.given is None:
                state, why = State.NOT_RUN, (Why.OTHER_SESSION if ran else Why.NEVER_RUN, ())
            else:
                writes = one.value.writes or 0
                after = one.value.initialised > one.given
                told = Provenance(name, source, uid, "", "", "", writes - one.given, after)
                why = (Why.INITIALISED_AFTER, ()) if after else None
        rows.append(Row(state, None if form is None else name, one.path, None if form is None else name, one.value.name,
                        provenance=told, by=one.reached if state is State.SUPERSEDED else None))  # fmt: skip
        whys.append(why)
    for name in stored:
        if name not in taken:
            rows.append(Row(State.UNUSED, name, None, name))
            whys.append((Why.NAME_BASED, ()))
    _resembling(rows, whys, stored, live)
    causes = _group(rows, whys)
    return Explanation(
        [row._replace(cause=causes.get(why)) for row, why in zip(rows, whys, strict=True)], list(causes.values()), source,
        None if dry else uid, mode, session, dry,
    )  # fmt: skip


def _resembling(
    rows: list[Row], whys: list[tuple[Why, tuple[str, ...]] | None], stored: Mapping[str, Form], live: list[Named]
) -> None:
    """Finds variables that stand in the file under another name: the same dtype and shape, and a similar name."""
    forms = {one.path: one.value for one in live}
    mine = [(i, row, forms[row.live or ""]) for i, row in enumerate(rows) if row.state is State.MISSING]
    theirs = [(i, row) for i, row in enumerate(rows) if row.state is State.UNUSED]
    a = [_candidate(row.saved or "", i, stored[row.saved or ""]) for i, row in theirs]
    b = [_candidate(value.variable, i, value.form) for i, _, value in mine]
    for old, new in pairs(a, b):
        whys[old.number] = whys[new.number] = (Why.OTHER_NAME, ())
        rows[old.number] = rows[old.number]._replace(live=rows[new.number].live)


def _candidate(name: str, number: int, form: Form | None) -> Candidate:
    look = hash(str(form))
    rank = len(form.shape or ()) if form is not None else 0
    return Candidate(name, number, Look(look, look, 0, 1, rank, True, False))


def _group(
    rows: list[Row], whys: list[tuple[Why, tuple[str, ...]] | None]
) -> dict[tuple[Why, tuple[str, ...]] | None, Cause]:
    out: dict[tuple[Why, tuple[str, ...]] | None, Cause] = {}
    groups: dict[tuple[Why, tuple[str, ...]], list[Row]] = {}
    for row, of_row in zip(rows, whys, strict=True):
        if of_row is not None:
            groups.setdefault(of_row, []).append(row)
    for why, mine in groups.items():
        told = [row for row in mine if row.saved is not None] if why[0] is Why.OTHER_NAME else mine
        places = tuple(dict.fromkeys(Place(row.saved, row.live) for row in told))
        first, stored = places[0], sum(row.saved is not None for row in mine)
        path = first.saved or first.live or "(root)"
        other = first.live or "" if first.saved else ""
        path = "(root)" if why[0] is Why.NAME_BASED else path
        out[why] = in_words(Cause(why[0], path, other, places, len(mine), max(stored, len(mine) - stored), why[1]))
    if any(cause.kind is Why.OTHER_NAME for cause in out.values()) and (Why.NAME_BASED, ()) not in out:
        out = {(Why.NAME_BASED, ()): in_words(Cause(Why.NAME_BASED, "(root)")), **out}
    order = {Why.NEVER_RUN: 0, Why.OTHER_SESSION: 0, Why.NAME_BASED: 1}
    return dict(sorted(out.items(), key=lambda item: (order.get(item[1].kind, 2), -item[1].rows)))
