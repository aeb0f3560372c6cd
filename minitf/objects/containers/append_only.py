"""``List`` and ``Mapping``: containers of trackable objects that can only grow, so that they can always be saved.

They are no list and no dict; they are compared and hashed by identity, and refuse at once what the wrappers of lists and dicts
report when they are saved.
"""

from __future__ import annotations

import copy
import operator
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Mapping as AbstractMapping
from typing import Any, NoReturn

from minitf.objects.containers.contents import Container
from minitf.objects.containers.lists import unwrapped
from minitf.objects.edges import attach_and, restoring, tracking
from minitf.objects.trackable import NoDependency, Trackable, Tracked, wrap


def _trackable(container: str, value: Any) -> tuple[Any, bool]:
    """What to store, and whether with an edge. Raises ValueError for values that are not trackable."""
    inner = value.value if isinstance(value, NoDependency) else wrap(value)
    if not isinstance(inner, Tracked):
        raise ValueError(
            f"Only trackable objects (variables, layers, optimizers, ...) may be stored in a {container}, but got {inner!r}. "
            "Use an ordinary list or dict for plain values."
        )
    return inner, not isinstance(value, NoDependency)


class List(Trackable, Container, Sequence[Any]):
    """A sequence of trackable objects that can only grow; edges are named "0", "1", ... (S56)

    ``tf.train.List([layer1, layer2])``; arguments are those of ``list``.

    Raises ValueError for an element that is not trackable.
    """

    __slots__ = ("_storage", "trainable")

    def __init__(self, *args: Any, **kwargs: Any):
        self._storage: list[Any] = []
        self.trainable = True
        self.extend(list(*args, **kwargs))

    def _contents(self) -> Iterable[Any]:
        return self._storage

    def append(self, value: Any) -> None:
        """Adds a trackable object; a restore that waits for its index happens now."""
        value, depends = _trackable("List", value)
        with restoring:
            if depends:
                attach_and(self, str(len(self._storage)), value, (self._storage.append, value))
            else:
                self._storage.append(value)

    def extend(self, values: Iterable[Any]) -> None:
        """Appends each of ``values``."""
        for value in list(values):
            self.append(value)

    def __iadd__(self, values: Iterable[Any]) -> Any:  # type: ignore[misc]
        self.extend(values)
        return self

    def __imul__(self, times: Any) -> List:
        times = operator.index(times)
        if times <= 0:
            raise ValueError(f"A List only supports append: multiplying it in place by {times} would remove its elements.")
        self.extend(self._storage * (times - 1))
        return self

    def __getitem__(self, key: Any) -> Any:
        return self._storage[key]

    def __len__(self) -> int:
        return len(self._storage)

    def __add__(self, other: Any) -> Any:
        return self._storage + unwrapped(other)

    def __radd__(self, other: Any) -> Any:
        return other + self._storage

    def __mul__(self, times: Any) -> Any:
        return self._storage * times

    __rmul__ = __mul__

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return f"List({self._storage!r})"

    def copy(self) -> List:
        """A List with the same elements that grows on its own."""
        return copy.copy(self)

    def __copy__(self) -> List:
        return self._filled(type(self)(), self._storage, tracking(self).edges)

    def __deepcopy__(self, memo: dict[int, Any]) -> List:
        new = memo[id(self)] = type(self)()
        elements = copy.deepcopy(self._storage, memo)
        return self._filled(new, elements, {name: copy.deepcopy(child, memo) for name, child in tracking(self).edges.items()})

    def _filled(self, new: List, elements: list[Any], edges: dict[str, Any]) -> List:
        new._storage, new.trainable = list(elements), self.trainable
        tracking(new).edges.update(edges)
        return new


class Mapping(Trackable, Container, AbstractMapping[str, Any]):
    """A mapping from strings to trackable objects that can only grow; edges are named by the keys (S56).

    ``tf.train.Mapping(encoder=layer)``; arguments are those of ``dict``. A key keeps its object for ever.
    """

    __slots__ = ("_storage", "trainable")

    def __init__(self, *args: Any, **kwargs: Any):
        self._storage: dict[str, Any] = {}
        self.trainable = True
        self.update(*args, **kwargs)

    def _contents(self) -> Iterable[Any]:
        return [self._storage[key] for key in sorted(self._storage)]

    def __setitem__(self, key: str, value: Any) -> None:
        """Adds a key. Raises TypeError if it is no string, ValueError if it is taken, or the value is not trackable."""
        if not isinstance(key, str):
            raise TypeError(f"A Mapping accepts only string keys: they name what a checkpoint stores. Got the key {key!r}.")
        value, depends = _trackable("Mapping", value)
        with restoring:
            if key in self._storage:
                if self._storage[key] is value:
                    return
                raise ValueError(
                    f"A Mapping can only grow: its key {key!r} was to be overwritten with {value!r}, but it already holds "
                    f"{self._storage[key]!r}. Use another key."
                )
            if depends:
                attach_and(self, key, value, (self._storage.__setitem__, key, value))
            else:
                self._storage[key] = value

    def __delitem__(self, key: str) -> NoReturn:
        raise AttributeError(f"A Mapping can only grow: its key {key!r} cannot be deleted.")

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Adds several keys, one after the other."""
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def __getitem__(self, key: str) -> Any:
        return self._storage[key]

    def __len__(self) -> int:
        return len(self._storage)

    def __iter__(self) -> Iterator[str]:
        return iter(self._storage)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return f"Mapping({self._storage!r})"

    def copy(self) -> Mapping:
        """A Mapping with the same items that grows on its own."""
        return copy.copy(self)

    def __copy__(self) -> Mapping:
        return self._filled(type(self)(), self._storage, tracking(self).edges)

    def __deepcopy__(self, memo: dict[int, Any]) -> Mapping:
        new = memo[id(self)] = type(self)()
        items = copy.deepcopy(self._storage, memo)
        return self._filled(new, items, {name: copy.deepcopy(child, memo) for name, child in tracking(self).edges.items()})

    def _filled(self, new: Mapping, items: dict[str, Any], edges: dict[str, Any]) -> Mapping:
        new._storage, new.trainable = dict(items), self.trainable
        tracking(new).edges.update(edges)
        return new
