"""What one restoration pairs in one attempt: saved nodes with live objects, values with the places where they go, slots.

Until ``finish`` all of it can be taken back, and then no trace stays but a line in the journal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, NamedTuple

from minitf.checkpoint.layers import pair_layers
from minitf.checkpoint.requests import Request, StoredValue
from minitf.checkpoint.restoration import Restoration, log
from minitf.checkpoint.walking import edges_of, kind_of
from minitf.core.state import Batch, Group, Handle
from minitf.errors import DTypeError, ShapeError
from minitf.objects.edges import Tracking, share, tracking
from minitf.objects.slots import existing_slot
from minitf.objects.values import GroupValue, PythonValue, values_of
from minitf.saved import ATTRIBUTES, VARIABLE_VALUE, escape

if TYPE_CHECKING:
    from minitf.checkpoint.attempt import Attempt


class Placed(NamedTuple):
    """Which value goes where, in columns: key, number of the object, node."""

    keys: list[str]
    numbers: list[int]
    nodes: list[int]

    def add(self, key: str, number: int, node: int) -> None:
        """Adds one."""
        self.keys.append(key)
        self.numbers.append(number)
        self.nodes.append(node)


def _assigned(placed: Placed, writes: list[int]) -> Iterator[tuple[Any, ...]]:
    return zip(repeat("Assigned"), placed.numbers, placed.nodes, placed.keys, writes, strict=False)


class Match:
    """What one restoration pairs in one attempt."""

    def __init__(self, restoration: Restoration, attempt: Attempt, step: tuple[Any, ...]):
        self.restoration = restoration
        self.batch = Batch(restoration.source, restoration.cache)
        self.batch.path_of = self._path_of
        self._attempt = attempt
        self._counts = (len(restoration.objects), len(restoration.journal.raw), len(restoration.unused))
        self._failing = ""
        self._paired: list[int] = []
        self._states: list[Any] = []  # whose uids have been changed,
        self._uids: list[int] = []  # and what they were
        self._shared: list[tuple[list[Any], Any]] = []  # variables, and what they carried together
        self._placed = Placed([], [], [])  # of the batch's variables
        self._placed_groups: list[tuple[str, int, int]] = []
        self._placed_python: list[tuple[str, int, int]] = []
        self.waits: list[tuple[Any, Any, Request]] = []
        self._conflicts: list[tuple[int, Any, Any]] = []
        self._slot_places: set[tuple[int, Handle, str]] = set()
        self.queue: list[tuple[int, Any, int]] = []  # (node, object, number): paired, and to be looked into
        restoration.journal.raw.append(step)

    # -- pairing -------------------------------------------------------------------------------------------------------

    def walk(self, node: int, obj: Any, parent: int, name: str, extra: Mapping[str, Any] | None = None) -> None:
        """Pairs one object and everything below it that is there, breadth first (S93). Errors are kept for ``commit``."""
        if self._attempt.error is not None:
            return
        try:
            self._pair(node, obj, parent, name)
            r = self.restoration
            nodes, queue, layers = r.graph.nodes, self.queue, r.layers
            at, one_by_one = 0, 1 if extra else 0  # a root that has more edges than its own goes one by one
            while at < len(queue):  # grows meanwhile
                node, obj, number = queue[at]
                if node in layers and at >= one_by_one:
                    count, done = pair_layers(self, at)
                    if done:
                        at += count
                        continue
                    one_by_one = at + count
                if not kind_of(type(obj)).plain or node in layers or nodes[node].children:
                    edges = edges_of(obj)
                    if node == 0 and extra:
                        edges = {**edges, **extra}
                    self._edges(node, obj, number, edges)
                if node in r.slots:
                    self._slots(node)
                at += 1
        except BaseException as error:
            self._attempt.error = error

    def _pair(self, node: int, obj: Any, parent: int, name: str) -> None:
        r = self.restoration
        current = r.object_at(node)
        if current is not None:
            if current is not obj:
                self._conflict(node, obj, current, parent, name)
                r.note_seen(obj)
            return
        number = r.number_of(obj)
        r.bound[node] = r.objects[number]
        self._paired.append(node)
        r.journal.raw.append(("Bound", number, node, parent, name))
        self._values(node, obj, number)
        self.queue.append((node, obj, number))

    def _conflict(self, node: int, obj: Any, current: Any, parent: int, name: str) -> None:
        r = self.restoration
        r.journal.raw.append(("Conflict", r.number_of(obj), node, r.number_of(current), parent, name))
        self._conflicts.append((node, obj, current))

    def _edges(self, node: int, obj: Any, number: int, live: Mapping[str, Any]) -> None:
        """Pairs the children. Whichever node is paired with an object first decides its value (S99)."""
        r = self.restoration
        bound, keys, waitable, raw, nodes, slots = r.bound, r.keys, r.waitable, r.journal.raw, r.graph.nodes, r.slots
        layers, wish = r.graph.layers(), self._attempt.wish
        number_of, objects, paired, queue, values = r.number_of, r.objects, self._paired, self.queue, self._values
        for name, child in r.matcher.names(r.graph, node, live):
            there = live.get(name)
            ref = bound[child]
            current = None if ref is None else ref()
            if current is not None:
                if there is not None and there is not current:
                    self._conflict(child, there, current, node, name)
            elif there is not None:
                n = number_of(there)
                bound[child] = objects[n]
                paired.append(child)
                raw.append(("Bound", n, child, node, name))
                values(child, there, n)
                if child in layers or child in slots or not kind_of(type(there)).plain or (
                    keys[child] is None and nodes[child].children
                ):  # fmt: skip
                    queue.append((child, there, n))
            elif waitable[child]:
                raw.append(("Waiting", number, node, name, child))
                self.waits.append((obj, name, wish(r, child, node)))

    # -- values --------------------------------------------------------------------------------------------------------

    def _values(self, node: int, obj: Any, number: int) -> None:
        """Notes which values go where. Plain variables, of a large tree nearly all, come first."""
        r = self.restoration
        key = r.keys[node]
        state = getattr(obj, "_tracking", None)
        if state is None or state.shared:
            state = tracking(obj)
        before = state.update_uid
        if before >= r.uid:
            keys = [value.key for value in r.graph.values(node)] if key is None else [key]
            if keys:
                self._not_used(node, number, before, keys[0])
            return
        self._states.append(state)
        self._uids.append(before)
        state.update_uid = r.uid
        kind = kind_of(type(obj))
        if key is None:
            values = r.graph.values(node)
            if not values:
                return
            if len(values) == 1 and values[0].name == VARIABLE_VALUE:
                key = values[0].key
        if key is not None and kind.variable:
            handle = obj._handle
            if handle.home is not r.home:
                self._check_home(handle)
            self.batch.add(handle, key)
            self._placed.add(key, number, node)
        elif kind.valued:
            self._other_values(r.graph.nodes[node], node, obj, number)
        else:
            for value in r.graph.nodes[node].values:
                self._unused(node, number, value.name)

    def reach(self, variables: list[Any], carried: Tracking | None) -> None:
        """Notes that the restore has reached variables that were paired together. ``carried``: what all have, if it is one."""
        uid, reached = self.restoration.uid, self.restoration.reached
        if carried is not None and carried.shared:
            self._shared.append((variables, carried))  # first: to be undone
            for variable in variables:
                share(variable, carried, reached)
            return
        states = list(map(tracking, variables))
        self._states.extend(states)
        self._uids.extend([state.update_uid for state in states])
        for state in states:
            state.update_uid = uid

    def take(self, handles: list[Handle], keys: list[Any], numbers: range, nodes: range) -> None:
        """Takes what goes where, of variables that were paired together."""
        self._paired.extend(nodes)
        self.batch.handles.extend(handles)
        self.batch.keys.extend(keys)
        for column, more in zip(self._placed, (keys, numbers, nodes), strict=True):
            column.extend(more)  # type: ignore[attr-defined]

    def _check_home(self, handle: Handle) -> None:
        """Raises unless the variable lives where the restore works (S305-S308)."""
        home = self.restoration.home
        if handle.home is home:
            return
        self._failing = "home"
        if home.graph_being_built() is None:
            raise TypeError(
                f"restore: variable {handle.name!r} belongs to a graph, but restore() was called in eager mode. Call it inside "
                f"`with graph.as_default():`, and run the status's restore ops in a session."
            )
        handle.home.refuse(handle, "restore")

    def _not_used(self, node: int, number: int, before: int, key: str) -> None:
        """Notes why a value is left: a newer restore decided, the object was made with it, or it has another node's."""
        r = self.restoration
        event: tuple[Any, ...] = ("MatchedTwice", number, node)
        if before > r.uid:
            event = ("Superseded", number, node, before)
        elif node in r.created:
            event = ("Created", number, node, key)
        r.journal.raw.append(event)

    def _unused(self, node: int, number: int, name: str) -> None:
        self.restoration.journal.raw.append(("UnusedValue", number, node, name))
        self.restoration.unused.append((node, name))

    def _other_values(self, saved: Any, node: int, obj: Any, number: int) -> None:
        own = {escape(name): value for name, value in values_of(obj).items()}
        groups: dict[int, tuple[Any, dict[str, str]]] = {}
        for value in saved.values:
            mine = own.get(value.name)
            if isinstance(mine, Handle):
                self._check_home(mine)
                self.batch.add(mine, value.key)
                self._placed.add(value.key, number, node)
            elif isinstance(mine, PythonValue):
                self.batch.python.append((mine.put, value.key))
                self._placed_python.append((value.key, number, node))
            elif isinstance(mine, GroupValue):
                groups.setdefault(id(mine.group), (mine.group, {}))
            elif not self._named_by_suffix(value, own, groups):
                self._unused(node, number, value.name)
        above = saved.values[0].key.split(ATTRIBUTES)[0]
        for group, keys in groups.values():
            for mine in own.values():
                if isinstance(mine, GroupValue) and mine.group is group:
                    keys[mine.name] = f"{above}{ATTRIBUTES}{escape(escape(mine.name))}"
                    self._placed_groups.append((keys[mine.name], number, node))
            self.batch.groups.append(Group(obj, group.restore, keys))

    def _named_by_suffix(self, value: Any, own: Mapping[str, Any], groups: dict[int, tuple[Any, dict[str, str]]]) -> bool:
        """One saved value may stand for several keys (tables, iterators): a group whose names begin with its own takes it."""
        found = False
        for name, mine in own.items():
            if isinstance(mine, GroupValue) and name.startswith(value.name) and value.key not in self.restoration.source:
                groups.setdefault(id(mine.group), (mine.group, {}))
                found = True
        return found

    # -- slots ---------------------------------------------------------------------------------------------------------

    def _slots(self, node: int) -> None:
        """Pairs the slot variables for which both variable and optimizer are paired now (S133-S140)."""
        r = self.restoration
        for owner_node, variable_node, name, slot_node in r.slots[node]:
            if r.object_at(slot_node) is not None:
                continue
            owner, variable = r.object_at(owner_node), r.object_at(variable_node)
            if owner is None or variable is None:
                what = "variable" if variable is None else "optimizer"
                r.journal.raw.append(("SlotWaiting", owner_node, variable_node, name, slot_node, what))
                continue
            handle = getattr(variable, "handle", None)
            if not kind_of(type(owner)).slots or not isinstance(handle, Handle):
                continue  # an object without slots stands in the optimizer's place: the slot is missing, which assertions tell
            slot = self._slot(owner, variable, handle, name, slot_node)
            if slot is not None:
                self._pair(slot_node, slot, owner_node, name)
            elif (id(owner), handle, name) not in self._slot_places:
                self._slot_places.add((id(owner), handle, name))
                r.journal.raw.append(("SlotWaiting", owner_node, variable_node, name, slot_node, "slot"))
                self.waits.append((owner, (handle, name), self._attempt.wish(r, slot_node, owner_node)))

    def _slot(self, owner: Any, variable: Any, handle: Handle, name: str, node: int) -> Any | None:
        """The existing slot, or a new one with the stored value; None where slots wait for the program to make them."""
        slot = existing_slot(owner, variable, name)
        if slot is not None:
            return slot
        made = self._attempt.new_slots.get((id(owner), handle, name))
        if made is not None:
            return made[2]
        make = getattr(owner, "_make_restored_slot", None)
        values = self.restoration.graph.nodes[node].values
        if make is None or len(values) != 1 or values[0].name != VARIABLE_VALUE:
            return None
        self._check_home(handle)
        waiting = StoredValue(self.restoration, node)
        slot = make(variable, name, waiting)
        if slot is None:
            return None
        tracking(slot).update_uid = waiting.uid
        self._attempt.new_slots[id(owner), handle, name] = (owner, variable, slot)
        self.restoration.journal.raw.append(("SlotMade", self.restoration.number_of(slot), node, name))
        return slot

    def _path_of(self, key: str) -> str:
        return self.restoration.display(next(node for k, _, node in self._all_placed() if k == key))

    def _all_placed(self) -> Iterator[tuple[str, int, int]]:
        return chain(zip(*self._placed, strict=True), self._placed_groups, self._placed_python)

    # -- the end -------------------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """Writes down what was restored, warns about conflicts."""
        r, raw, batch = self.restoration, self.restoration.journal.raw, self.batch
        r.claimed.update(self._paired)
        if batch.built:
            r.ops.extend(batch.built)
            where = {key: (number, node) for key, number, node in self._all_placed()}
            raw.extend(
                [
                    ("OpBuilt", *where[key], key, built.name, built.reused)
                    for key, built in zip(batch.keys, batch.built, strict=False)
                ]
            )
            for group, built in zip(batch.groups, batch.built[len(batch.keys) :], strict=True):
                name = built.name
                raw.extend([("OpBuilt", *where[key], key, name, built.reused) for key in group.keys.values()])
        else:
            writes = [handle.cell.writes for handle in batch.handles]  # type: ignore[union-attr]
            r.journal.later(len(writes), partial(_assigned, self._placed, writes))
            raw.extend([("Assigned", number, node, key, None) for key, number, node in self._placed_groups])
        raw.extend([("PythonRestored", number, node, key) for key, number, node in self._placed_python])
        for node, obj, current in self._conflicts:
            log.warning(
                "restore: inconsistent references. %s is one object in the checkpoint, but the program has two: %s got its "
                "value, %s did not. (%s)", r.display(node), describe(current), describe(obj), r.source.source,
            )  # fmt: skip

    def close(self) -> None:
        """Lets go of live objects and of the attempt, so that no cycle keeps them."""
        del self._attempt, self.batch, self.queue[:], self._states[:], self._shared[:], self._conflicts[:]

    def restore_uids(self) -> None:
        """Gives the objects the uids that they had."""
        for state, before in reversed(list(zip(self._states, self._uids, strict=False))):  # Ctrl-C may come between the two
            state.update_uid = before
        for variables, carried in self._shared:
            for variable in variables:
                if variable._tracking is not carried:
                    share(variable, self.restoration.reached, carried)

    def take_back(self, error: BaseException) -> None:
        """Undoes the pairing."""
        r = self.restoration
        for node in self._paired:
            r.bound[node] = None
        self.restore_uids()
        objects, entries, unused = self._counts
        r.forget_numbers(objects)
        del r.journal.raw[entries + 1 :]
        del r.unused[unused:]
        kinds: dict[type, str] = {ShapeError: "shape", DTypeError: "dtype"}
        why = kinds.get(type(error), self._failing)
        r.journal.raw.append(("Failed", f"{type(error).__name__}: {error}", why))


def describe(obj: Any) -> str:
    """An object in a message."""
    handle = getattr(obj, "_handle", None)
    return f"variable {handle.name!r}" if handle is not None else f"a {type(obj).__name__}"
