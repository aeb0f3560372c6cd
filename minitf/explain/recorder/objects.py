"""Live objects of a recording: their numbers, their edges, the values of their variables."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from minitf.core.spec import shape_text
from minitf.core.state import Handle
from minitf.objects import edges
from minitf.objects.trackable import Tracked
from minitf.timeline import DEEP, describe, short_path

if TYPE_CHECKING:
    from minitf.explain.recorder.recording import Recorder


class Watcher:
    """A request that waits for every child of an object, again and again (see ``edges.ANY``), and only looks on."""

    uid = -1

    def __init__(self, objects: Objects):
        self.objects: Objects | None = objects

    def serve(self, requests: list[Any], parent: Any, name: Any, child: Any) -> None:
        """Takes note. After the recording it goes away."""
        if self.objects is None:
            waiting = edges.tracking(parent).watchers
            if waiting and self in waiting.get(edges.ANY, ()):
                waiting[edges.ANY].remove(self)
        else:
            self.objects.arrived(parent, name, child)

    def preload(self, requests: list[Any]) -> None:
        """Nothing waits."""


class Objects:
    """Numbers for objects, in order of appearance. Variables go by their handles."""

    def __init__(self, recorder: Recorder):
        self._recorder = recorder
        self.watcher = Watcher(self)
        self._numbers: dict[int, tuple[weakref.ref[Any], int]] = {}
        self._alive: list[weakref.ref[Any]] = []  # by number, the object (a variable's handle)
        self._labels: list[str] = []
        self._edges: list[dict[str, int]] = []
        self._above: list[tuple[int, str] | None] = []
        self._roots: dict[int, None] = {}
        self._writes: dict[tuple[int, int], int] = {}  # by (session or 0, number): writes that have been noted
        self._version = edges.version
        self._watched: list[weakref.ref[Any]] = []

    def watch_those_that_exist(self) -> None:
        """Lets the watcher wait on every object that carries edges already; objects that begin to get one with them."""
        for obj in gc.get_objects():
            if issubclass(type(obj), Tracked):  # not isinstance, which may ask the object
                self._watch(obj)

    def _watch(self, obj: Any) -> None:
        state = getattr(obj, "_tracking", None)
        if state is None or state.shared:
            return
        if state.watchers is None or self.watcher not in state.watchers.get(edges.ANY, ()):
            state.watch(edges.ANY, [self.watcher])
            self._watched.append(weakref.ref(obj))

    # -- numbers -------------------------------------------------------------------------------------------------------

    def number(self, obj: Any) -> int:
        """The number of an object or handle; a new one is noted."""
        key = getattr(obj, "_handle", obj)
        known = self._numbers.get(id(key))
        if known is not None and known[0]() is key:
            return known[1]
        number = len(self._alive)
        self._numbers[id(key)] = (weakref.ref(key), number)
        self._alive.append(weakref.ref(key))
        self._edges.append({})
        self._above.append(None)
        data: dict[str, Any] = {"object": number, "type": type(obj).__name__}
        mode = ""
        if isinstance(key, Handle):
            data.update(type="Variable", name=key.name, dtype=key.dtype.name, shape=_sizes(key.spec.shape))
            mode = "eager" if key.cell is not None else "graph"
            self._labels.append(f"variable {key.name!r}")
            text = f"variable {key.name!r} appears: {key.dtype.name} {shape_text(key.spec.shape)}"
        else:
            self._labels.append(f"({type(obj).__name__})")
            text = f"an object of class {type(obj).__name__} appears"
        self._recorder.note("object", text, mode, **data)
        return number

    def root(self, obj: Any) -> int:
        """The number of the root of a save or restore, with all that is below it."""
        number = self.number(obj)
        self._roots[number] = None
        self.adopt(obj)
        return number

    def path(self, number: int) -> str:
        """Where an object is, as far as is known now: ``(root).model.kernel``, or from the topmost object's class on."""
        names: list[str] = []
        at = number
        while at not in self._roots and len(names) <= DEEP:
            above = self._above[at]
            if above is None:
                break
            at, name = above
            names.append(name)
        top = "(root)" if at in self._roots else self._labels[at]
        return short_path(top, names[::-1])

    # -- edges ---------------------------------------------------------------------------------------------------------

    def arrived(self, parent: Any, name: Any, child: Any) -> None:
        """A child has appeared at ``parent`` under ``name`` (slots: under (handle, slot name))."""
        if not self._recorder.here:
            return
        if edges.version == self._version + 1:
            self._version += 1  # this arrival is all that has changed
        else:
            self._look_for_edges()
        if isinstance(name, tuple):
            self._slot(parent, name[0], name[1], child)
        else:
            self._edge(parent, name, child)
        if self._recorder.named:
            self.look_again()  # restores by names give to every child, unheard

    def _edge(self, parent: Any, name: str, child: Any) -> None:
        above, below = self.number(parent), self.number(child)
        if self._edges[above].get(name) == below:
            return
        self._edges[above][name] = below
        if self._above[below] is None and above != below:
            self._above[below] = (above, name)
        self._recorder.note(
            "edge", f"{self.path(above)}.{name} is now {self._labels[below]}", parent=above, name=name, child=below
        )  # fmt: skip
        self.adopt(child)

    def _slot(self, owner: Any, handle: Handle, name: str, slot: Any) -> None:
        above, below, of = self.number(owner), self.number(slot), self.number(handle)
        key = f"{name} of {of}"
        if self._edges[above].get(key) == below:
            return
        self._edges[above][key] = below
        if self._above[below] is None:
            self._above[below] = (above, f"{name} of {handle.name}")
        self._recorder.note(
            "slot", f"{self.path(above)} keeps {name!r} for {self._labels[of]}", parent=above, variable=of, name=name,
            child=below,
        )  # fmt: skip

    def adopt(self, obj: Any) -> None:
        """Notes what is below an object already, and watches it."""
        self._watch(obj)
        self.look_at(obj)

    def look_at(self, obj: Any) -> None:
        """Notes the edges of one object that are new or gone."""
        above = self.number(obj)
        found = _edges_of(obj)
        for name in [n for n in self._edges[above] if n not in found and " of " not in n]:
            below = self._edges[above].pop(name)
            if self._above[below] == (above, name):
                self._above[below] = None
            self._recorder.note("edge gone", f"{self.path(above)}.{name} is gone", parent=above, name=name)
        for name, child in found.items():
            self._edge(obj, name, child)
        for name, handle, slot in _slots_of(obj):
            self._slot(obj, handle, name, slot)

    def look_again(self) -> None:
        """Notes what has changed unheard: edges that were deleted, values that were set without an op."""
        self._look_for_edges()
        for ref in list(self._alive):
            handle = ref()
            if isinstance(handle, Handle) and handle.cell is not None:
                giver = next((r for r in reversed(self._recorder.named) if r.gave(handle, handle.cell)), None)
                if giver is not None and self._writes.get((0, self.number(handle))) != handle.cell.writes:
                    self.value(handle, handle.cell, **giver.data(handle))
                elif (0, self.number(handle)) in self._writes:
                    self.value(handle, handle.cell, "assignment", words="assigned by the program")
                else:
                    self.value(handle, handle.cell, "earlier", words="which it had before the recording")

    def _look_for_edges(self) -> None:
        if edges.version != self._version:
            self._version = edges.version
            for ref in list(self._alive):
                obj = ref()
                if obj is not None and not isinstance(obj, Handle):
                    self.look_at(obj)

    # -- values --------------------------------------------------------------------------------------------------------

    def value(self, handle: Handle, cell: Any, cause: str, session: int = 0, words: str = "", **data: Any) -> bool:
        """Notes the value of a variable if it has been written since the last note; gives whether it was."""
        number = self.number(handle)
        writes = self._writes.get((session, number), 0 if session else -1)
        if cell.writes == writes or cell.empty:
            return False
        self._writes[session, number] = cell.writes
        value = describe(cell.value)
        where = f" in session {session}" if session else ""
        self._recorder.note(
            "value", f"{self.path(number)} = {value['text']}{where}, {words or cause}", "graph" if session else "eager",
            object=number, session=session or None, value=value, cause=cause, **data,
        )  # fmt: skip
        return True

    def close(self) -> None:
        """Takes the watcher away."""
        self.watcher.objects = None
        for ref in [*self._alive, *self._watched]:
            state = getattr(ref(), "_tracking", None)
            if state is not None and state.watchers and self.watcher in state.watchers.get(edges.ANY, ()):
                state.watchers[edges.ANY].remove(self.watcher)
                if not state.watchers[edges.ANY]:
                    del state.watchers[edges.ANY]


def _edges_of(obj: Any) -> Mapping[str, Any]:
    """The edges, where looking at them runs no code of the user's."""
    cls = type(obj)
    if not isinstance(obj, Tracked):
        return {}
    if cls._children is Tracked._children:
        state = getattr(obj, "_tracking", None)
        return {} if state is None else dict(state.edges)
    if not cls._children.__module__.startswith("minitf."):
        return {}
    try:
        return dict(obj._children())
    except ValueError:  # a list or dict that cannot be saved any more
        return {}


def _slots_of(obj: Any) -> list[tuple[str, Handle, Any]]:
    items = getattr(obj, "_slot_items", None)
    if items is None:
        return []
    return [(name, handle, slot) for name in obj.get_slot_names() for handle, slot in items(name)]


def _sizes(shape: Any) -> list[int | None] | None:
    return None if shape is None else [None if n is None else int(n) for n in shape]
