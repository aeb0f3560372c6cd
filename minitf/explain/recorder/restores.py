"""Reading along in the journal of a restore."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from minitf import journal as events
from minitf.saved import walk
from minitf.timeline import DEEP, short_key, short_path

if TYPE_CHECKING:
    from minitf.explain.recorder.recording import Recorder


class FollowedRestore:
    """One restore of a recording.

    ``built``: (number of the restore, key) by (graph, operation) for its restore operations.
    """

    def __init__(self, recorder: Recorder, restoration: Any, number: int):
        self._recorder = recorder
        self._journal = restoration.journal
        self._objects = restoration.objects
        self._made_with = restoration.created
        self._known_made: set[int] = set()
        self._steps: list[int] = []  # by place in the journal: the step of the timeline
        self._undone: list[int] = []
        self._graph = restoration.graph
        self.source = restoration.source
        self.number = number
        self.mode = restoration.journal.mode
        self.built: dict[tuple[int, int], tuple[int, str]] = {}
        self._home = restoration.home
        self._above: dict[int, tuple[int, str]] = {}  # by node, the node and the edge by which the shortest path leads to it
        for above in walk(self._graph):
            for name, child in self._graph.nodes[above].children:
                if child:
                    self._above.setdefault(child, (above, name))
        self._slot_of = {slot.slot: slot for node in self._graph.nodes for slot in node.slots}
        label = recorder.label(self.source.source)
        recorder.note(
            "restore", f"restore {number} begins: {label}, {len(self._graph.nodes)} objects", self.mode, restore=number,
            source=label, nodes=[self._node(node) for node in self._graph.nodes],
        )  # fmt: skip
        self._journal.tell(self._added, self._deleted)

    def _node(self, node: Any) -> dict[str, Any]:
        values = []
        for v in node.values:
            spec = self.source.spec(v.key) if v.key in self.source else None
            shape = None if spec is None or spec.shape is None else [n if n is None else int(n) for n in spec.shape]
            values.append([v.name, v.key, "" if spec is None else spec.dtype.name, shape])
        slots = [[s.variable, s.slot_name, s.slot] for s in node.slots]
        return {"children": [list(c) for c in node.children], "values": values, "slots": slots}

    def close(self) -> None:
        """Stops listening."""
        self._journal.untell(self._added)

    def made_with(self) -> tuple[int, str] | None:
        """(number, key) if a variable has been made with a stored value since this was asked last."""
        new = self._made_with - self._known_made
        if not new:
            return None
        self._known_made |= new
        return self.number, self._graph.nodes[min(new)].values[0].key

    # -- the journal ---------------------------------------------------------------------------------------------------

    def _deleted(self, place: int) -> None:
        self._undone += [step for step in self._steps[place:] if step >= 0]
        del self._steps[place:]

    def _added(self, new: list[Any]) -> None:
        for _ in new:
            event = self._journal[len(self._steps)]
            tell = _TELL.get(type(event)) if self._recorder.here else None
            self._steps.append(-1)  # first: what is told may lead to more events
            step = None if tell is None else tell(self, event)
            self._steps[-1] = -1 if step is None else step

    def _note(self, kind: str, text: str, **data: Any) -> int:
        return self._recorder.note(kind, text, self.mode, restore=self.number, **data)

    def _live(self, number: int) -> Any:
        return self._objects[number]() if 0 <= number < len(self._objects) else None

    def _object(self, number: int) -> int | None:
        obj = self._live(number)
        return None if obj is None else self._recorder.objects.number(obj)

    def _name(self, number: int | None) -> str:
        return "an object that is gone" if number is None else self._recorder.objects.path(number)

    def _place(self, node: int) -> str:
        slot = None if not node or node in self._above else self._slot_of.get(node)
        if slot is not None:
            return f"slot {slot.slot_name!r} of {self._place_by_edges(slot.variable)}"
        return self._place_by_edges(node)

    def _place_by_edges(self, node: int) -> str:
        if node and node not in self._above:
            return f"node {node}"
        names: list[str] = []
        while node and len(names) <= DEEP:
            node, name = self._above[node]
            names.append(name)
        return short_path("(root)", names[::-1])

    def _began(self, e: Any) -> None:
        if e.what in ("attach", "slot") and e.object is not None:
            parent = self._live(e.object)
            if parent is not None:
                self._recorder.objects.look_at(parent)

    def _matched(self, e: Any) -> int:
        if e.parent < 0:
            self._recorder.objects.root(self._live(e.object))
        number = self._object(e.object)
        return self._note(
            "match", f"restore {self.number}: {self._name(number)} is matched with {self._place(e.node)}", object=number,
            node=e.node, parent=e.parent, name=e.name,
        )  # fmt: skip

    def _conflict(self, e: Any) -> int:
        number, bound = self._object(e.object), self._object(e.bound)
        return self._note(
            "conflict", f"restore {self.number}: {self._name(number)} stands where {self._place(e.node)} belongs, which is "
            f"matched with {self._name(bound)}", object=number, node=e.node, bound=bound, parent=e.parent, name=e.name,
        )  # fmt: skip

    def _waiting(self, e: Any) -> int:
        number = self._object(e.object)
        return self._note(
            "waiting", f"restore {self.number}: {self._place(e.node)} waits: {self._name(number)} has no {e.name!r} yet",
            object=number, parent=e.parent, name=e.name, node=e.node,
        )  # fmt: skip

    def _slot_waiting(self, e: Any) -> int:
        what = {"variable": "its variable", "optimizer": "its optimizer", "slot": "the program to make it"}.get(e.what, e.what)
        return self._note(
            "waiting", f"restore {self.number}: slot {e.slot!r} of {self._place(e.variable)} waits for {what}",
            object=None, parent=e.optimizer, name=e.slot, node=e.node, variable=e.variable, what=e.what,
        )  # fmt: skip

    def _covered(self, e: Any) -> int:
        by = next((r.number for r in self._recorder.restores if r.uid == e.by), None)
        number = self._object(e.object)
        return self._note(
            "covered", f"restore {self.number}: nothing more can come to {self._name(number)}.{e.name}, a newer restore waits "
            f"there", object=number, name=e.name, node=e.node, by=by,
        )  # fmt: skip

    @property
    def uid(self) -> int:
        """The restore's place in the order of all restores of the process."""
        return int(self._journal.uid)

    def _assigned(self, e: Any) -> int | None:
        return self._restored(e, "assigned", "is assigned")

    def _made(self, e: Any) -> int | None:
        return self._restored(e, "created", "was made with its value")

    def _python(self, e: Any) -> int | None:
        return self._restored(e, "python", "takes its Python state")

    def _restored(self, e: Any, how: str, words: str) -> int | None:
        number = self._object(e.object)
        step = self._note(
            "restored", f"restore {self.number}: {self._name(number)} {words} ({short_key(e.key)})", object=number, node=e.node,
            key=e.key, how=how,
        )  # fmt: skip
        handle = getattr(self._live(e.object), "_handle", None)
        if how == "assigned" and handle is not None and handle.cell is not None:
            words = f"the value {short_key(e.key)!r} of restore {self.number}"
            self._recorder.objects.value(handle, handle.cell, "restore", words=words, restore=self.number, key=e.key)
        return step

    def _op_built(self, e: Any) -> int:
        graph = self._home.graph_being_built()
        if graph is not None and e.op:
            self.built[self._recorder.follow(graph), graph.get_operation_by_name(e.op).number] = (self.number, e.key)
        number = self._object(e.object)
        return self._note(
            "restore op", f"restore {self.number}: {e.op!r} will bring {self._name(number)} its value ({short_key(e.key)})"
            f"{', as in an earlier restore' if e.reused else ''}", object=number, node=e.node, key=e.key, name=e.op,
            reused=e.reused,
        )  # fmt: skip

    def _superseded(self, e: Any) -> int:
        return self._not_used(e, "superseded", "a newer restore has reached the object")

    def _matched_twice(self, e: Any) -> int:
        return self._not_used(e, "matched twice", "the object has the value of another node")

    def _no_place(self, e: Any) -> int:
        return self._not_used(e, "no place", f"the object has no value {e.value!r}")

    def _not_used(self, e: Any, why: str, words: str) -> int:
        number = self._object(e.object)
        return self._note(
            "not used", f"restore {self.number}: the value of {self._place(e.node)} is not used: {words}", object=number,
            node=e.node, why=why,
        )  # fmt: skip

    def _slot_made(self, e: Any) -> None:
        self._object(e.object)

    def _ran(self, e: Any) -> int:
        return self._note("run", f"restore {self.number}: {e.ops} restore operations were run", ops=e.ops, objects=[])

    def _initialised(self, e: Any) -> int:
        number = self._object(e.object)
        return self._note("run", f"restore {self.number} does not cover {self._name(number)}: it will be initialised", ops=0,
                          objects=[number])  # fmt: skip

    def _failed(self, e: Any) -> int:
        undone, self._undone = self._undone, []
        return self._note("failed", f"restore {self.number}: the step failed and was taken back: {e.error}", error=e.error,
                          undone=undone)  # fmt: skip


_TELL: dict[type, Callable[[FollowedRestore, Any], int | None]] = {
    events.Step: FollowedRestore._began,
    events.Bound: FollowedRestore._matched,
    events.Conflict: FollowedRestore._conflict,
    events.Waiting: FollowedRestore._waiting,
    events.SlotWaiting: FollowedRestore._slot_waiting,
    events.Covered: FollowedRestore._covered,
    events.Assigned: FollowedRestore._assigned,
    events.Created: FollowedRestore._made,
    events.PythonRestored: FollowedRestore._python,
    events.OpBuilt: FollowedRestore._op_built,
    events.Superseded: FollowedRestore._superseded,
    events.MatchedTwice: FollowedRestore._matched_twice,
    events.UnusedValue: FollowedRestore._no_place,
    events.SlotMade: FollowedRestore._slot_made,
    events.Ran: FollowedRestore._ran,
    events.Initialised: FollowedRestore._initialised,
    events.Failed: FollowedRestore._failed,
}
