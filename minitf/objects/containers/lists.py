"""The list that stands in an attribute when a list is assigned to it.

``net.layers = [a, b]`` stores a ``ListWrapper``. It is a list, it shares the storage of the list that was assigned, and it has
an edge for each trackable element, named by the element's index. A restore finds elements by these names, so a list with
trackable elements may only grow: whoever replaces, deletes or moves one gets an error from the next save, restore or assertion,
not at once. The same happens if the assigned list itself is changed behind the wrapper's back.

How that is noticed: the wrapper is a list itself, and its own items are what it knows about; the items of the shared list are
what is true. They are compared when the edges are listed, not at each ``append``. Both lists, and what is noted about them,
change at once, so neither Ctrl-C nor another thread makes a change look like one behind the wrapper's back.
"""

from __future__ import annotations

import copy
import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from minitf.core.at_once import at_once
from minitf.objects.containers.contents import Container, admit, refuse, same, take
from minitf.objects.edges import attach, changed, restoring, tracking
from minitf.objects.trackable import NoDependency, Tracked, wrap

_set = object.__setattr__
_ALL = slice(None)


class ListWrapper(Container, list[Any]):
    """A list whose trackable elements are edges named "0", "1", ... (S35-S45).

    ``wrapped_list`` becomes the storage; its lists, dicts and tuples are replaced by their wrappers, in place.
    """

    __slots__ = ("__weakref__", "_foreign", "_holds_tracked", "_moved", "_storage", "_tracking", "trainable")

    _storage: list[Any]

    def __init__(self, wrapped_list: Iterable[Any] = ()):
        plain = isinstance(wrapped_list, list) and not isinstance(wrapped_list, ListWrapper)
        storage = wrapped_list if plain else list(wrapped_list)
        assert isinstance(storage, list)
        self._storage = storage
        self._moved: str | None = None  # what replaced, deleted or moved a trackable element
        self._foreign = False  # the shared list was changed by someone else
        self._holds_tracked = False  # there is a trackable element (or was: then the list has been spoilt)
        self.trainable = True
        for index, element in enumerate(storage):
            storage[index] = admit(self, str(index), element)
        self._acknowledge()

    # -- tracking ------------------------------------------------------------------------------------------------------

    def _children(self) -> Mapping[str, Any]:
        self._look_behind()
        if self._moved is not None:
            refuse(
                self,
                f"a list element was replaced, deleted or moved (by {self._moved}), so indices no longer name the objects that "
                "they named when a checkpoint was written. A list with trackable elements can only grow. Assign a new list",
            )
        if self._foreign:
            refuse(
                self,
                "the wrapped list was modified outside the wrapper: somebody changed the list that had been assigned, instead "
                "of the attribute, and the tracking did not see it. Assign a new list",
            )
        return tracking(self).edges

    def _look_behind(self) -> None:
        """Notices if the shared list has been changed by someone else."""
        if not self._foreign and self._moved is None:
            self._foreign = not self._as_known()

    def _as_known(self) -> bool:
        """Whether the shared list has the items that are known."""
        known, items = map(list.copy, (self, self._storage))  # at once: other threads may be appending
        return len(known) == len(items) and (all(map(operator.is_, items, known)) or all(map(same, known, items)))

    def _catch_up(self) -> None:
        """Before a change of one element: notes an outside change of the length now, others when edges are listed."""
        if list.__len__(self) != len(self._storage):
            self._look_behind()
            self._acknowledge()

    def _acknowledge(self) -> None:
        """Takes the shared list's present items for known."""
        self._become(self._storage.copy())

    def _become(self, items: list[Any], moved: str | None = None, *steps: tuple[Any, ...]) -> None:
        """Has these items from now on, and does the steps (see ``at_once``).

        ``moved``: what has replaced, deleted or moved a trackable element, if anything has.
        """
        before = self._storage.copy()  # so that nothing is finalized between
        at_once(
            (super().__setitem__, _ALL, items),
            (self._storage.__setitem__, _ALL, items),
            (_set, self, "_holds_tracked", any(isinstance(item, Tracked) for item in items)),
            (_set, self, "_moved", self._moved or moved),
            *steps,
        )
        del before

    def _if_tracked(self, operation: str) -> str | None:
        """The operation, if there is a trackable element that it moves."""
        return operation if self._holds_tracked else None

    def _contents(self) -> Iterable[Any]:
        return self._storage

    # -- growing -------------------------------------------------------------------------------------------------------

    def append(self, value: Any) -> None:
        """Adds an element at the end; a restore that waits for its index happens now."""
        with restoring:
            self._catch_up()
            take(self, str(len(self._storage)), value, self._appending)

    def _appending(self, value: Any) -> tuple[tuple[Any, ...], ...]:
        both = (super().append, value), (self._storage.append, value)
        return both if self._holds_tracked or not isinstance(value, Tracked) else (*both, (_set, self, "_holds_tracked", True))

    def extend(self, values: Iterable[Any]) -> None:
        """Appends each of ``values``."""
        for value in list(values):
            self.append(value)

    def __iadd__(self, values: Iterable[Any]) -> ListWrapper:  # type: ignore[misc]
        self.extend(values)
        return self

    def __imul__(self, times: Any) -> ListWrapper:
        times = operator.index(times)
        if times <= 0:
            self.clear()
        else:
            self.extend(self._storage * (times - 1))
        return self

    # -- other changes -------------------------------------------------------------------------------------------------

    def __setitem__(self, key: Any, value: Any) -> None:
        with restoring:
            if isinstance(key, slice):
                self._look_behind()
                self._set_slice(key, value)
                return
            self._catch_up()
            replaced = self._storage[key]
            key = operator.index(key)
            known = list.__getitem__(self, key)
            foreign = self._foreign or not same(known, replaced)
            moved = "__setitem__" if isinstance(replaced, Tracked) else self._moved

            def put(value: Any) -> tuple[tuple[Any, ...], ...]:
                return (
                    (super(ListWrapper, self).__setitem__, key, value),
                    (self._storage.__setitem__, key, value),
                    (_set, self, "_holds_tracked", self._holds_tracked or isinstance(value, Tracked)),
                    (_set, self, "_foreign", foreign),
                    (_set, self, "_moved", moved),
                )

            take(self, str(key), value, put)  # the subscript as it was written names the edge, also a negative one (S40)

    def _set_slice(self, key: slice, values: Iterable[Any]) -> None:
        before = self._storage
        after = list(before)
        after[key] = [v if isinstance(v, NoDependency) else wrap(v) for v in values]
        state = tracking(self)
        edges, undone = state.edges.copy(), [True]
        try:
            for index, element in enumerate(after):
                if isinstance(element, NoDependency):
                    after[index] = element.value
                elif isinstance(element, Tracked) and (index >= len(before) or element is not before[index]):
                    attach(self, str(index), element)
            self._become(after, self._if_tracked("__setitem__ with a slice"), (undone.clear,))
        except BaseException:
            if undone:  # no call up to here, so that a second Ctrl-C can come only behind it
                state.edges = edges
                changed()
            raise

    def _removed(self, index: Any, operation: str) -> Any:
        with restoring:
            self._catch_up()
            index = operator.index(index)
            if not -len(self._storage) <= index < len(self._storage):
                return self._storage.pop(index)  # raises
            value, known = self._storage[index], list.__getitem__(self, index)
            at_once(
                (super().pop, index),
                (self._storage.pop, index),
                (_set, self, "_foreign", self._foreign or not same(known, value)),
                (_set, self, "_moved", self._moved or self._if_tracked(operation)),
            )
            return value

    def __delitem__(self, key: Any) -> None:
        if isinstance(key, slice):
            with restoring:
                self._look_behind()
                after = self._storage.copy()
                del after[key]
                self._become(after, self._if_tracked("del"))
        else:
            self._removed(key, "del")

    def pop(self, index: Any = -1) -> Any:
        """Removes and returns an element."""
        return self._removed(index, "pop")

    def remove(self, value: Any) -> None:
        """Removes the first element that equals ``value``."""
        with restoring:
            self._removed(self._storage.index(value), "remove")

    def clear(self) -> None:
        """Removes all elements."""
        with restoring:
            self._look_behind()
            self._become([], self._if_tracked("clear"))

    def insert(self, index: Any, value: Any) -> None:
        """Inserts an element before ``index``. If anything trackable is involved, the list cannot be saved any more."""
        value = value.value if isinstance(value, NoDependency) else wrap(value)
        with restoring:
            self._look_behind()
            after = self._storage.copy()
            after.insert(index, value)
            self._become(after, "insert" if isinstance(value, Tracked) else self._if_tracked("insert"))

    def sort(self, *, key: Any = None, reverse: bool = False) -> None:
        """Sorts in place. If comparing raises an error, the list is as it was."""
        with restoring:
            self._look_behind()
            self._become(sorted(self._storage, key=key, reverse=reverse), self._if_tracked("sort"))

    def reverse(self) -> None:
        """Reverses in place. Elements that stay where they are (in the middle) are not moved."""
        with restoring:
            self._look_behind()
            half = len(self._storage) // 2
            moves = any(isinstance(e, Tracked) for e in self._storage[:half] + self._storage[len(self._storage) - half :])
            self._become(self._storage[::-1], "reverse" if moves else None)

    # -- reading: from the shared list ---------------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> Any:
        return self._storage[key]

    def __len__(self) -> int:
        return len(self._storage)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._storage)

    def __reversed__(self) -> Any:
        return reversed(self._storage)

    def __contains__(self, value: Any) -> bool:
        return value in self._storage

    def index(self, *args: Any) -> int:
        """The index of the first element that equals a value."""
        return self._storage.index(*args)

    def count(self, value: Any) -> int:
        """How many elements equal a value."""
        return self._storage.count(value)

    def __add__(self, other: Any) -> Any:
        return self._storage + unwrapped(other)

    def __radd__(self, other: Any) -> Any:
        return other + self._storage

    def __mul__(self, times: Any) -> Any:
        return self._storage * times

    __rmul__ = __mul__

    def __eq__(self, other: object) -> Any:
        return self._storage == unwrapped(other)

    def __ne__(self, other: object) -> Any:
        return self._storage != unwrapped(other)

    def __lt__(self, other: Any) -> Any:
        return self._storage < unwrapped(other)

    def __le__(self, other: Any) -> Any:
        return self._storage <= unwrapped(other)

    def __gt__(self, other: Any) -> Any:
        return self._storage > unwrapped(other)

    def __ge__(self, other: Any) -> Any:
        return self._storage >= unwrapped(other)

    __hash__ = None

    def __repr__(self) -> str:
        return f"ListWrapper({self._storage!r})"

    def __sizeof__(self) -> int:
        return list.__sizeof__(self) + self._storage.__sizeof__()

    # -- copies: elements and edges, whether it can be saved; never waiting restores -----------------------------------

    def copy(self) -> ListWrapper:
        """A wrapper with a list of its own and the same elements. If this one cannot be saved, the copy cannot either."""
        return copy.copy(self)

    def __copy__(self) -> ListWrapper:
        return self._filled_like(type(self)(), self._storage, tracking(self).edges)

    def __deepcopy__(self, memo: dict[int, Any]) -> ListWrapper:
        new = type(self)()
        memo[id(self)], memo[id(self._storage)] = new, new._storage  # before the elements: they may lead back here
        elements = [copy.deepcopy(element, memo) for element in self._storage]
        return self._filled_like(new, elements, {name: copy.deepcopy(c, memo) for name, c in tracking(self).edges.items()})

    def _filled_like(self, new: ListWrapper, elements: list[Any], edges: Mapping[str, Any]) -> ListWrapper:
        self._look_behind()
        new.__setstate__((elements, dict(edges), self._moved, self._foreign, self.trainable))
        return new

    def __reduce_ex__(self, protocol: Any) -> Any:
        self._look_behind()
        return type(self), (), (self._storage, dict(tracking(self).edges), self._moved, self._foreign, self.trainable)

    def __setstate__(self, state: Any) -> None:
        elements, edges, self._moved, self._foreign, self.trainable = state
        self._storage[:] = elements
        tracking(self).edges.update(edges)
        self._acknowledge()


def unwrapped(value: Any) -> Any:
    """The shared list of a wrapper (or the list inside an append-only ``List``); any other value as it is."""
    return getattr(value, "_storage", value) if isinstance(value, Container) else value
