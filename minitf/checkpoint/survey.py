"""Looks at live objects for an explanation: what the tree holds now, as plain data. Changes nothing.

Objects are asked for nothing that they would have to compute: values that go by a rule of their own (``_serialize_to_tensors``
and the like) are only looked up where the object is known to have them without being asked.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import Any

from minitf.checkpoint.collector import CollectorPaused
from minitf.checkpoint.restoration import Restoration, living
from minitf.checkpoint.source import Source
from minitf.checkpoint.untracked import attributes, hidden
from minitf.checkpoint.walking import Walk, kind_of, own_values
from minitf.core.runtime import Home
from minitf.core.state import Handle
from minitf.errors import OpError
from minitf.explain.why.by_name import Named, explain_names
from minitf.explain.why.explanation import Explanation, explain, nothing_to_restore
from minitf.explain.why.facts import AWAY, GONE, Facts, Form, Given, LiveObject, LiveValue
from minitf.journal import Journal
from minitf.objects.slots import SlotOwner
from minitf.saved import OBJECT_GRAPH_KEY, VARIABLE_VALUE, SavedGraph


def explain_restore(restoration: Restoration, walk: Walk, session: Any, dry: bool = False, error: str = "") -> Explanation:
    """Explains a restoration with the values that a session (or eager mode) has now.

    Raises ValueError for a session of another graph.
    """
    with CollectorPaused():
        return explain(survey(restoration, walk, session, dry, error))


def survey(r: Restoration, walk: Walk, session: Any = None, dry: bool = False, error: str = "") -> Facts:
    """The facts of a restoration."""
    store, which = _spoken_of(r.home, r.stores, session)
    spoken = None if store is None else r.number_of_store(store)
    bound: list[int | None] = []
    for ref in r.bound:
        obj = None if ref is None else ref()
        bound.append(None if ref is None else GONE if obj is None else walk.numbers.get(id(obj), AWAY))
    return Facts(
        graph=r.graph, journal=r.journal, form_of=_forms(r.source),
        live=[_look_at(obj, n, walk, r.home, store, r.number_of_object) for n, obj in enumerate(walk.objects)],
        tree=walk.tree, parent=walk.parent, edge=walk.edge, slots=walk.slots, bound=bound,
        attributes=attributes(r.graph, walk, bound), hidden=hidden(r.graph, walk, bound),
        session=which, spoken=spoken, others=_others(r, walk, store),
        sources={other.uid: other.source.source for other in living()}, stray=_stray(r),
        dry=dry, error=error,
    )  # fmt: skip


def explain_restore_by_name(restore: Any, walk: Walk, session: Any) -> Explanation:
    """Explains a ``NamedRestore``."""
    home, source = restore.home, restore.source
    stores = list({id(ref): ref for found in restore.given.values() for ref, _ in found if ref is not None}.values())
    store, which = _spoken_of(home, stores, session)
    live: list[Named] = []
    for number, obj in enumerate(walk.objects):
        if id(obj) in restore.optional:
            continue
        state = getattr(obj, "_tracking", None)
        for name, value in (own_values(obj) if kind_of(type(obj)).variable else {}).items():
            given = restore.writes_when_given(value, store if which else None)
            reached = -1 if state is None else state.update_uid
            live.append(Named(walk.display(number), _value(name, value, home, store), reached, given))
    mode = ("graph", "eager")[home.eager]
    return explain_names(source.source, restore.uid, mode, which, _stored(source), live, bool(restore.given))


def rehearse_by_name(source: Source, home: Home, walk: Walk, session: Any) -> Explanation:
    """What the restore of a name-based file would do."""
    store, which = _spoken_of(home, [], session)
    live = [
        Named(walk.display(number), _value(name, value, home, store), -1, None)
        for number, obj in enumerate(walk.objects)
        for name, value in (own_values(obj) if kind_of(type(obj)).variable else {}).items()
    ]
    mode = ("graph", "eager")[home.eager]
    return explain_names(source.source, 0, mode, which, _stored(source), live, ran=False, dry=True)


def _stored(source: Source) -> dict[str, Form]:
    specs = {key: source.spec(key) for key in source.keys()}
    return {key: Form(spec.dtype.name, spec.shape) for key, spec in specs.items()}


def explain_nothing(home: Home, walk: Walk, session: Any, uid: int | None) -> Explanation:
    """Explains ``restore(None)``, or (without a uid) says what it would do."""
    store, which = _spoken_of(home, [], session)
    journal = Journal(-1 if uid is None else uid, "no checkpoint", 0, ("graph", "eager")[home.eager])
    facts = Facts(
        graph=SavedGraph(), journal=journal, form_of=lambda key: None,
        live=[_look_at(obj, n, walk, home, store, lambda obj: None) for n, obj in enumerate(walk.objects)], tree=walk.tree,
        parent=walk.parent, edge=walk.edge, slots=walk.slots, bound=[], session=which, dry=uid is None,
    )  # fmt: skip
    return nothing_to_restore(facts)


def _spoken_of(home: Home, stores: list[Any], session: Any) -> tuple[Any, str]:
    """The store whose values are spoken of, and what it is called; ``stores``: weak references to those of past runs."""
    store = home.store_at_hand(session)
    if store is not None and home.graph_being_built() is None:
        return store, ""
    which = "given" if session is not None else "default"
    if store is None:
        which = "other graph" if home.other_session_at_hand() else "last run"
        if which == "last run":
            store = next((ref() for ref in reversed(stores) if ref() is not None), None)
            which = "none" if store is None else which
    return store, which


def _stray(r: Restoration) -> list[str]:
    """Keys that no object of the checkpoint names. One value may stand for all keys that begin with its own (tables)."""
    left_alone = {value.key for values in r.graph.left_alone.values() for value in values}
    named = {value.key for node in r.graph.nodes for value in node.values} | left_alone
    left = [key for key in r.source.keys() if key not in named and key != OBJECT_GRAPH_KEY]
    several = _shortest([key for key in named if key not in r.source]) if left else []
    return [key for key in left if not key.startswith(several[bisect_right(several, key) - 1] if several else _NOTHING)]


_NOTHING: tuple[str, ...] = ()


def _shortest(keys: list[str]) -> list[str]:
    """Sorted, without those that begin with another: at most the last one that is not behind a text can be its beginning."""
    out: list[str] = []
    for key in sorted(keys):
        if not out or not key.startswith(out[-1]):
            out.append(key)
    return out


def _forms(source: Source) -> Any:
    known: dict[str, Form | None] = {}

    def form_of(key: str) -> Form | None:
        if key not in known:
            try:
                spec = source.spec(key)
            except (OpError, KeyError):
                known[key] = None
            else:
                known[key] = Form(spec.dtype.name, spec.shape)
        return known[key]

    return form_of


def _look_at(
    obj: Any, number: int, walk: Walk, home: Home, store: Any, known: Callable[[Any], int | None]
) -> LiveObject:
    cls = type(obj)
    kind = kind_of(cls)
    state = getattr(obj, "_tracking", None)
    children = list(walk.children[number]) if number < len(walk.children) else []
    values: list[LiveValue] = []
    if kind.variable:
        values = [_value(VARIABLE_VALUE, obj._handle, home, store)]
    elif kind.valued:
        values = [
            _value(name, value, home, store) if isinstance(value, Handle) else LiveValue(name)
            for name, value in obj._saved_values().items()
        ]
    own = getattr(obj, "__dict__", {})  # properties are somebody's code, which is not run here
    built = own.get("built", own.get("_built", getattr(cls, "built", None) if hasattr(cls, "build") else None))
    return LiveObject(
        cls.__name__, children, values, known(obj), -1 if state is None else state.update_uid,
        built if isinstance(built, bool) else None, cls._slot_kinds if isinstance(obj, SlotOwner) else None, kind.slots,
    )  # fmt: skip


def _value(name: str, handle: Handle, home: Home, store: Any) -> LiveValue:
    cell = None if store is None else store.find(handle)
    spec = handle.spec
    form = Form(spec.dtype.name, spec.shape)
    if cell is None:
        return LiveValue(name, handle.name, form, 0 if store is not None else None, 0, handle.home is not home)
    return LiveValue(name, handle.name, form, cell.writes, cell.initialised, handle.home is not home)


# -- other restores --------------------------------------------------------------------------------------------------------


def _others(r: Restoration, walk: Walk, store: Any) -> dict[int, list[Given]]:
    """What the other restores that still exist have given to the objects, in the store that is spoken of."""
    out: dict[int, list[Given]] = {}
    for other in living():
        if other is r or other.home is not r.home:
            continue
        session = None if store is None else other.number_of_store(store)
        for number, given in _given_by(other, session):
            obj = other.objects[number]()
            at = None if obj is None else walk.numbers.get(id(obj))
            if at is not None:
                out.setdefault(at, []).append(given)
    for found in out.values():
        found.sort(key=lambda given: given.writes)
    return out


def _given_by(r: Restoration, session: int | None) -> list[tuple[int, Given]]:
    source = r.source.source
    out: list[tuple[int, Given]] = []
    built: dict[str, tuple[int, str]] = {}
    every = {event[4]: (event[1], event[3]) for event in r.journal.bare if event[0] == "OpBuilt"}
    for event in r.journal.bare:
        if event[0] == "Assigned" and event[4] is not None:
            out.append((event[1], Given(r.uid, source, event[3], event[4])))
        elif event[0] == "Created":
            out.append((event[1], Given(r.uid, source, event[3], 0)))
        elif event[0] == "OpBuilt":
            built[event[4]] = event[1], event[3]
        elif event[0] == "Ran" and event[2] == session:
            writes = event[3]
            by_op = dict.fromkeys(built, writes) if isinstance(writes, int) else writes  # in a stream, ops are told of later
            for op, count in by_op.items():
                if op in every and count is not None:
                    number, key = every[op]
                    out.append((number, Given(r.uid, source, key, count)))
    return out
