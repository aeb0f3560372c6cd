"""The dict that stands in an attribute when a dict or an OrderedDict is assigned to it.

``net.blocks = {"a": x}`` stores a ``DictWrapper``. It is a dict, it shares the storage of the dict that was assigned, and it
has an edge for each trackable value, named by the key. Keys of values that are saved must be strings.

Assigning to a key redirects its edge (the old object is no longer saved); deleting a key, or putting a plain value there,
leaves the edge to the old object, as with attributes (S7, S49). ``pop``, ``popitem``, ``clear`` and ``setdefault`` are not
tracked: if they change something, the dict cannot be saved any more, just as if the assigned dict had been changed behind the
wrapper's back (S51).

How that is noticed: see ``minitf.objects.containers.lists``; it is the same here.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import Any

from minitf.core.at_once import at_once
from minitf.objects.containers.contents import Container, admit, refuse, same, take
from minitf.objects.edges import restoring, tracking
from minitf.objects.trackable import NoDependency, Tracked, wrap

_set = object.__setattr__


class TrackedDict(Container, dict[Any, Any]):
    """What the wrappers of dicts and of OrderedDicts have in common."""

    __slots__ = ()

    _storage: dict[Any, Any]
    _foreign: bool
    _odd_key: Any

    def __init__(self, wrapped_dict: Any = None):
        storage = self._plain_kind()() if wrapped_dict is None else wrapped_dict
        if not isinstance(storage, dict) or isinstance(storage, TrackedDict):
            storage = self._plain_kind()(storage)
        self._storage = storage
        self._foreign = False  # changed by someone else, or by a method that is not tracked
        self._odd_key = _NONE  # a key that is no string and maps to something trackable
        self.trainable = True
        for key, value in storage.items():
            if isinstance(key, str):
                storage[key] = admit(self, key, value)
            else:
                storage[key], self._odd_key = self._beside(key, value)
        self._acknowledge()

    @classmethod
    def _plain_kind(cls) -> type[dict[Any, Any]]:
        """The kind of dict that it stands for."""
        return dict

    # -- tracking ------------------------------------------------------------------------------------------------------

    def _children(self) -> Mapping[str, Any]:
        self._look_behind()
        if self._odd_key is not _NONE:
            refuse(
                self,
                f"the non-string key {self._odd_key!r} maps (or mapped) to a trackable object, and only strings can name what "
                "a checkpoint stores. Use string keys, or assign a new dict",
            )
        if self._foreign:
            refuse(
                self,
                "the wrapped dictionary was modified outside the wrapper: somebody changed the dict that had been assigned, "
                "or used pop, popitem, clear or setdefault, which are not tracked. Use d[key] = value, update and del, or "
                "assign a new dict",
            )
        return tracking(self).edges

    def _look_behind(self) -> None:
        """Notices if the shared dict has been changed by someone else."""
        if not self._foreign and self._odd_key is _NONE:
            self._foreign = not self._as_known()

    def _as_known(self) -> bool:
        """Whether the shared dict has the items that are known."""
        known, items = map(list, (super().items(), self._storage.items()))  # at once: other threads may be changing it
        there = dict(items)
        return len(known) == len(items) and all(same(value, there.get(key, _NONE)) for key, value in known)

    def _acknowledge(self) -> None:
        """Takes the shared dict's present items for known."""
        before = list(super().values())  # so that nothing is finalized between
        setitem = super().__setitem__  # not update: that of OrderedDict comes back to our __setitem__
        at_once((super().clear,), *[(setitem, key, value) for key, value in self._storage.items()])
        del before

    def _beside(self, key: Any, value: Any) -> tuple[Any, Any]:
        """What is stored under a key that is no string, and what ``_odd_key`` is then."""
        if isinstance(value, NoDependency):
            return value.value, self._odd_key
        value = wrap(value)
        return value, key if isinstance(value, Tracked) and self._odd_key is _NONE else self._odd_key

    def _contents(self) -> Iterable[Any]:
        return [self._storage[key] for key in sorted(self._storage, key=str)]

    # -- tracked changes -----------------------------------------------------------------------------------------------

    def __setitem__(self, key: Any, value: Any) -> None:
        hash(key)  # an unhashable key raises before there is an edge
        with restoring:
            self._catch_up(key)
            before = self._storage.get(key)  # so that it is not finalized between

            def put(value: Any) -> tuple[tuple[Any, ...], ...]:
                return (super(TrackedDict, self).__setitem__, key, value), (self._storage.__setitem__, key, value)

            if isinstance(key, str):
                take(self, key, value, put)
            else:
                value, odd_key = self._beside(key, value)
                at_once(*put(value), (_set, self, "_odd_key", odd_key))
            del before

    def __delitem__(self, key: Any) -> None:
        with restoring:
            self._storage[key]
            self._catch_up(key)
            self._removed(key)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Assigns several keys, one after the other."""
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def __ior__(self, other: Any) -> TrackedDict:
        self.update(other)
        return self

    def _catch_up(self, key: Any) -> None:
        """Before a tracked change: notes an outside change of this key or of the number of keys; others are noted later."""
        if super().__len__() != len(self._storage):
            self._look_behind()
            self._acknowledge()
        elif not same(super().get(key, _NONE), self._storage.get(key, _NONE)):
            self._foreign = True

    # -- changes that are not tracked ----------------------------------------------------------------------------------

    def pop(self, key: Any, *default: Any) -> Any:
        """Removes a key and returns its value. Not tracked: the dict cannot be saved afterwards."""
        with restoring:
            if key not in self._storage:
                return self._storage.pop(key, *default)
            return self._removed(key, (_set, self, "_foreign", True))

    def popitem(self, *args: Any, **kwargs: Any) -> Any:
        """Removes and returns the last item. Not tracked: the dict cannot be saved afterwards."""
        with restoring:
            key, _ = self._storage.copy().popitem(*args, **kwargs)
            return key, self._removed(key, (_set, self, "_foreign", True))

    def _removed(self, key: Any, *steps: tuple[Any, ...]) -> Any:
        value, known = self._storage[key], super().get(key, _NONE)
        forget = () if known is _NONE else ((super().__delitem__, key),)  # not pop: that of OrderedDict comes back to us
        at_once(*steps, *forget, (self._storage.__delitem__, key))
        return value

    def clear(self) -> None:
        """Removes everything. Not tracked: unless it was empty, the dict cannot be saved afterwards."""
        with restoring:
            before = [*self._storage.values(), *super().values()]  # so that nothing is finalized between
            foreign = self._foreign or bool(self._storage)
            at_once((_set, self, "_foreign", foreign), (super().clear,), (self._storage.clear,))
            del before

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """The value of a key, set to a default if it is missing. Not tracked: then the dict cannot be saved afterwards."""
        with restoring:
            if key not in self._storage:
                put = (super().__setitem__, key, default), (self._storage.__setitem__, key, default)
                at_once((_set, self, "_foreign", True), *put)
            return self._storage[key]

    # -- reading: from the shared dict ---------------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> Any:
        return self._storage[key]

    def get(self, key: Any, default: Any = None) -> Any:
        """The value of a key, or ``default``."""
        return self._storage.get(key, default)

    def __len__(self) -> int:
        return len(self._storage)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._storage)

    def __reversed__(self) -> Any:
        return reversed(self._storage)

    def __contains__(self, key: object) -> bool:
        return key in self._storage

    def keys(self) -> KeysView[Any]:  # type: ignore[override]
        """A view of the keys."""
        return self._storage.keys()

    def values(self) -> ValuesView[Any]:  # type: ignore[override]
        """A view of the values."""
        return self._storage.values()

    def items(self) -> ItemsView[Any, Any]:  # type: ignore[override]
        """A view of the items."""
        return self._storage.items()

    def __or__(self, other: Any) -> Any:
        return self._storage | _unwrapped(other)

    def __ror__(self, other: Any) -> Any:
        return other | self._storage

    def __eq__(self, other: object) -> Any:
        return self._storage == _unwrapped(other)

    def __ne__(self, other: object) -> Any:
        return self._storage != _unwrapped(other)

    __hash__ = None

    def __repr__(self) -> str:
        return f"DictWrapper({self._storage!r})"

    def __sizeof__(self) -> int:
        return super().__sizeof__() + self._storage.__sizeof__()

    # -- copies: values and edges, whether it can be saved; never waiting restores -------------------------------------

    def copy(self) -> TrackedDict:
        """A wrapper with a dict of its own and the same values. If this one cannot be saved, the copy cannot either."""
        return copy.copy(self)

    def __copy__(self) -> TrackedDict:
        return self._filled_like(type(self)(), self._storage, tracking(self).edges)

    def __deepcopy__(self, memo: dict[int, Any]) -> TrackedDict:
        new = type(self)()
        memo[id(self)], memo[id(self._storage)] = new, new._storage  # before the values: they may lead back here
        values = {copy.deepcopy(key, memo): copy.deepcopy(value, memo) for key, value in self._storage.items()}
        return self._filled_like(new, values, {name: copy.deepcopy(c, memo) for name, c in tracking(self).edges.items()})

    def _filled_like(self, new: TrackedDict, values: dict[Any, Any], edges: Mapping[str, Any]) -> TrackedDict:
        self._look_behind()
        new.__setstate__((dict(values), dict(edges), self._odd(), self._foreign, self.trainable))
        return new

    def __reduce_ex__(self, protocol: Any) -> Any:
        self._look_behind()
        return type(self), (), (dict(self._storage), dict(tracking(self).edges), self._odd(), self._foreign, self.trainable)

    def _odd(self) -> tuple[Any, ...]:
        return () if self._odd_key is _NONE else (self._odd_key,)

    def __setstate__(self, state: Any) -> None:
        values, edges, odd, self._foreign, self.trainable = state
        self._odd_key = odd[0] if odd else _NONE
        self._storage.update(values)
        tracking(self).edges.update(edges)
        self._acknowledge()


_NONE = object()


class DictWrapper(TrackedDict):
    """A dict whose trackable values are edges named by their keys (S46-S52).

    ``wrapped_dict`` (a dict, a mapping, pairs, or nothing) becomes the storage if it is a dict.
    """

    __slots__ = ("__weakref__", "_foreign", "_odd_key", "_storage", "_tracking", "trainable")


class OrderedDictWrapper(TrackedDict, OrderedDict[Any, Any]):  # type: ignore[misc]
    """The same for an OrderedDict."""

    __slots__ = ("_foreign", "_odd_key", "_storage", "_tracking", "trainable")

    @classmethod
    def _plain_kind(cls) -> type[dict[Any, Any]]:
        return OrderedDict

    def move_to_end(self, key: Any, last: bool = True) -> None:
        """Moves a key to one end. Edges do not move: their order is that in which names were first added."""
        assert isinstance(self._storage, OrderedDict)
        self._storage.move_to_end(key, last)


def _unwrapped(value: Any) -> Any:
    return value._storage if isinstance(value, TrackedDict) else value
