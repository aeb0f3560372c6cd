"""``Explanation``: what became of every value of a restore, and why; as text, data, a graph or a page."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from minitf.explain.why.causes import Cause, Why
from minitf.explain.why.facts import Facts
from minitf.explain.why.rows import Row, State
from minitf.explain.why.words import advices, in_words

if TYPE_CHECKING:
    import networkx as nx

LINES = 12
SHOWN_CAUSES = 6
ARROW = "-> "
SESSIONS = {
    "": "",
    "given": "in the session given",
    "default": "in the default session",
    "last run": "in the session in which it was run last",
    "none": "no session is at hand",
    "other graph": "the current session runs another graph",
}


class Line(NamedTuple):
    """A line of the text, and the cause that it names."""

    text: str
    cause: Cause | None = None


class Explanation:
    """What became of the values of one restore, or (``dry``) what would. Print it, or look at its parts.

    * ``rows``: one for each saved value and one for each live value that the file has not: state, paths, provenance, cause.
    * ``causes``: why values were not simply restored, grouped, with the number of rows that each explains.
    * ``source``, ``restore``: the file, and the number (uid) of the restore; ``mode``: ``eager`` or ``graph``.
    * ``session``: which session the rows speak of.
    * ``facts``: what it was computed from, as plain data.
    """

    def __init__(
        self, rows: list[Row], causes: list[Cause], source: str, restore: int | None, mode: str, session: str,
        dry: bool = False, facts: Facts | None = None,
    ) -> None:  # fmt: skip
        self.rows = rows
        self.causes = causes
        self.source = source
        self.restore = restore
        self.mode = mode
        self.session = session
        self.dry = dry
        self.facts = facts

    @property
    def counts(self) -> dict[State, int]:
        """How many rows are in each state."""
        found = Counter(row.state for row in self.rows)
        return {state: found[state] for state in State if found[state]}

    @property
    def complete(self) -> bool:
        """True if every saved and every live value is restored (or left alone on request), and nothing else was found."""
        return not self.causes and all(row.state in (State.RESTORED, State.LEFT_ALONE) for row in self.rows)

    @property
    def fails(self) -> bool:
        """True if a value does not fit its variable, or a variable lives elsewhere: restoring would raise an error."""
        kinds = {cause.kind for cause in self.causes}
        return State.DIFFERS in self.counts or not kinds.isdisjoint({Why.OTHER_HOME, Why.FAILED})

    # -- text ----------------------------------------------------------------------------------------------------------

    @property
    def lines(self) -> list[Line]:
        """The text: at most 12 lines. The first is the balance; then come the causes, those that explain most first."""
        shown = self.causes[:SHOWN_CAUSES]
        out = [Line(self.headline)]
        for cause in shown:
            count = f"{cause.values} value{'s' * (cause.values != 1)}: " if cause.values else ""
            out.append(Line(f"  {count}{cause.text}", cause))
        if len(self.causes) > len(shown):
            rest = self.causes[len(shown) :]
            out.append(Line(f"  and {len(rest)} more causes, of {sum(c.values for c in rest)} values"))
        for advice in advices(shown)[: LINES - len(out)]:
            out.append(Line(ARROW + advice))
        return out

    @property
    def brief(self) -> str:
        """The text with one line of what to do, for the first cause: the end of an assertion's message."""
        told = [line.text for line in self.lines if not line.text.startswith(ARROW)]
        todo = self.causes[0].advice if self.causes else "look at status.explain().rows"
        return "\n".join([*told, ARROW + todo])

    @property
    def headline(self) -> str:
        """The first line of the text."""
        stored = [row for row in self.rows if row.saved is not None]
        good = sum(row.state is State.RESTORED for row in stored)
        parts = [
            f"{self.source}: {good} of {len(stored)} values {'would be ' * self.dry}restored",
            *(f"{count} {state}" for state, count in self.counts.items() if state is not State.RESTORED),
        ]
        if self.dry and self.fails:
            parts.append("but restoring would end with an error and change nothing")
        where = SESSIONS[self.session]
        kind = "dry run" if self.dry else f"restore {self.restore}" if self.restore is not None else ""
        about = ", ".join(part for part in (kind, self.mode, where) if part)
        return f"{', '.join(parts)} ({about})"

    def __str__(self) -> str:
        return "\n".join(line.text for line in self.lines)

    def __repr__(self) -> str:
        return f"<explanation of {self.headline}>"

    # -- data ----------------------------------------------------------------------------------------------------------

    def to_json(self, indent: int | None = None) -> str:
        """Everything as a JSON document: ``rows``, ``causes``, ``counts`` and what the explanation is about."""
        import json

        return json.dumps(self.as_data(), indent=indent)

    def as_data(self) -> dict[str, Any]:
        """What ``to_json`` writes, as dicts and lists."""
        return {
            "source": self.source,
            "restore": self.restore,
            "mode": self.mode,
            "session": self.session,
            "dry": self.dry,
            "complete": self.complete,
            "counts": {str(state): count for state, count in self.counts.items()},
            "causes": [_cause_data(cause) for cause in self.causes],
            "rows": [row.as_data() for row in self.rows],
            "text": str(self),
        }

    def to_networkx(self) -> nx.DiGraph[Any]:
        """Both object graphs in one, the checkpoint's and the program's.

        Nodes are ``("saved", number)`` and ``("live", number)`` with the attributes ``side``, ``path``, and for values
        ``state``, ``provenance`` and ``cause``. Edges have ``kind``: ``edge`` and ``slot`` (with ``name``) inside a graph;
        ``matched``, and ``cause`` for what belongs together as a cause says, from the checkpoint to the program.
        """
        from minitf.explain.why.picture import as_networkx

        return as_networkx(self)

    def _repr_html_(self) -> str:
        from minitf.explain.why.page import fragment

        return fragment(self)

    def to_html(self, path: Any = None) -> str:
        """One self-contained page, without scripts; written to ``path`` if that is given."""
        from minitf.explain.why.page import document

        text = document(self)
        if path is not None:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        return text

    def __treescope_repr__(self, path: Any, subtree_renderer: Any) -> Any:
        from minitf.explain.why.picture import as_treescope

        return as_treescope(self, path, subtree_renderer)


def _cause_data(cause: Cause) -> dict[str, Any]:
    out = cause._asdict()
    out["kind"] = cause.kind.name
    out["places"] = [place._asdict() for place in cause.places]
    return out | {"text": cause.text, "advice": cause.advice}


def explain(facts: Facts) -> Explanation:
    """The explanation that follows from the facts."""
    from minitf.explain.why.finding import Findings, find_differing, find_in_rows
    from minitf.explain.why.states import States
    from minitf.explain.why.stops import find_in_stops

    findings = Findings(States(facts))
    find_in_rows(findings)
    find_in_stops(findings)
    find_differing(findings)
    causes = findings.causes()
    journal = facts.journal
    return Explanation(
        findings.rows, causes, journal.source, None if facts.dry else journal.uid, journal.mode, facts.session, facts.dry,
        facts,
    )  # fmt: skip


def nothing_to_restore(facts: Facts) -> Explanation:
    """The explanation of ``restore(None)``: every live value is initialised, or has yet to be, or a later restore has it."""
    from minitf.explain.why.states import States

    rows = []
    for row in States(facts).rows:
        started = row.state is State.MISSING and row.provenance is not None and row.provenance.initialised_since
        rows.append(row._replace(state=State.INITIALISED if started else row.state))
    cause = in_words(Cause(Why.NO_CHECKPOINT, "(root)", rows=len(rows), values=len(rows)))
    journal = facts.journal
    uid = None if facts.dry else journal.uid
    rows = [row._replace(cause=cause) for row in rows]
    return Explanation(rows, [cause], journal.source, uid, journal.mode, facts.session, facts.dry, facts)
