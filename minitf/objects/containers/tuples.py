"""The tuple that stands in an attribute when a tuple with something trackable in it is assigned to it.

``net.pair = (a, b)`` stores a ``TupleWrapper``: a tuple (of the same named-tuple class, if it is one) with an edge for each
trackable element, named by its index, and for a named tuple also by its field, which comes first. A tuple of plain values is
left alone.

Python cannot refer weakly to instances of tuple and its subclasses, but what a restore matched is remembered weakly. So edges
point to the tuple's ``TupleEdges``, which the tuple owns; the two compare equal.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from weakref import WeakValueDictionary

from minitf.objects.containers.contents import Container
from minitf.objects.edges import Tracking, tracking
from minitf.objects.trackable import NoDependency, Trackable, Tracked, wrap


class TupleEdges(Trackable, Container):
    """A tuple's place in the object graph: what edges to the tuple point to."""

    __slots__ = ("elements", "refusal", "trainable")

    def __init__(self, elements: tuple[Any, ...], edges: dict[str, Any], refusal: str | None = None):
        self.elements = elements
        self.refusal = refusal  # why it cannot be saved
        self.trainable = True
        tracking(self).edges.update(edges)

    def _children(self) -> Mapping[str, Any]:
        if self.refusal is not None:
            raise ValueError(self.refusal)
        return tracking(self).edges

    def _contents(self) -> Iterable[Any]:
        return self.elements

    def __len__(self) -> int:
        return len(self.elements)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.elements)

    def __getitem__(self, key: Any) -> Any:
        return self.elements[key]

    def __eq__(self, other: object) -> bool:
        return self.elements == (other.elements if isinstance(other, TupleEdges) else other)

    def __hash__(self) -> int:
        return hash(self.elements)

    def __repr__(self) -> str:
        return f"TupleWrapper({self.elements!r})"


class TrackedTuple(Container):
    """What makes a subclass of tuple a wrapper. Calling the class makes a tuple of the original kind."""

    __slots__ = ()

    _kind: type = tuple
    _edges: TupleEdges
    __iter__: Any

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """A tuple of the original kind."""
        return cls._kind(*args, **kwargs)

    @property
    def trainable(self) -> bool:
        """Whether variables inside count as trainable."""
        return self._edges.trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._edges.trainable = value

    @property
    def _tracking(self) -> Tracking:
        return tracking(self._edges)

    def _stand_in(self) -> Tracked:
        return self._edges

    def _children(self) -> Mapping[str, Any]:
        return self._edges._children()

    def _contents(self) -> Iterable[Any]:
        return self

    def __copy__(self) -> Any:
        edges = self._edges
        edges = TupleEdges(edges.elements, dict(self._tracking.edges), edges.refusal)
        return _build(self._kind, tuple(self), self._attributes(), edges)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        elements = tuple(copy.deepcopy(element, memo) for element in self)
        if id(self) in memo:  # an element led back here and has made the copy
            return memo[id(self)]
        edges = copy.deepcopy(self._edges, memo)
        new = memo[id(self)] = _build(self._kind, elements, copy.deepcopy(self._attributes(), memo), edges)
        return new

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _build, (self._kind, tuple(self), self._attributes(), self._edges)

    def _attributes(self) -> dict[str, Any]:
        """What the original kind keeps on its instances."""
        return {name: value for name, value in vars(self).items() if name != "_edges"}

    @classmethod
    def _make(cls, iterable: Iterable[Any]) -> Any:
        """For named tuples: with it, ``_replace`` gives the original kind too."""
        return cls._kind._make(iterable)  # type: ignore[attr-defined]


class TupleWrapper(TrackedTuple, tuple[Any, ...]):  # noqa: SLOT001  (instances need a __dict__)
    """A tuple whose trackable elements are edges (S53, S55)."""


# What a wrapper needs of its own even if the tuple's class has such a name. Other names are the tuple's class's first (S55).
_KEPT = (
    "__new__", "__copy__", "__deepcopy__", "__reduce_ex__", "_make", "_children", "_contents", "_stand_in", "_tracking",
    "_attributes",
)  # fmt: skip
_wrapper_kinds: WeakValueDictionary[type, type[TrackedTuple]] = WeakValueDictionary()


def _wrapper_kind(kind: type) -> type[Any]:
    if kind is tuple:
        return TupleWrapper
    found = _wrapper_kinds.get(kind)
    if found is None:
        own = {name: vars(TrackedTuple)[name] for name in _KEPT}
        own |= {"_kind": kind, "__module__": __name__, "__doc__": kind.__doc__}
        found = type(kind.__name__, (kind, TrackedTuple), own)
        _wrapper_kinds[kind] = found
    return found


def _build(kind: type, elements: tuple[Any, ...], attributes: dict[str, Any], edges: TupleEdges) -> Any:
    new = tuple.__new__(_wrapper_kind(kind), elements)
    vars(new).update(attributes)
    vars(new)["_edges"] = edges
    return new


def worth_wrapping(value: tuple[Any, ...]) -> bool:
    """True if the tuple holds a trackable object, a list or dict (which will be one), or ``NoDependency`` to be unwrapped."""
    return any(
        isinstance(e, (NoDependency, Tracked))
        or type(e) in (list, dict, OrderedDict)
        or (isinstance(e, tuple) and worth_wrapping(e))
        for e in value
    )


def wrap_tuple(value: tuple[Any, ...]) -> Any:
    """A tuple as its wrapper, or the tuple itself if there is nothing to track in it."""
    if not worth_wrapping(value):
        return value
    kind = type(value)
    fields: tuple[str, ...] = getattr(kind, "_fields", ())
    elements = tuple(e.value if isinstance(e, NoDependency) else wrap(e) for e in value)
    refusal = None
    attributes: dict[str, Any] = {}
    if kind is not tuple:
        try:
            rebuilt = kind(**dict(zip(fields, elements, strict=True))) if fields else kind(elements)
        except TypeError:
            if not fields:
                raise
            refusal = (
                f"Cannot save or restore the named tuple {value!r}: it cannot be built again from its fields "
                f"({', '.join(fields)}), because {kind.__name__}.__new__ takes other arguments. Give it arguments of those "
                "names, or wrap the value in NoDependency(...)."
            )
        else:
            elements, attributes = tuple(rebuilt), dict(getattr(rebuilt, "__dict__", {}))
    tracked = [
        (index, element)
        for index, (given, element) in enumerate(zip(value, elements, strict=False))
        if isinstance(element, Tracked) and not isinstance(given, NoDependency)
    ]
    edges = {fields[index]: element for index, element in tracked if fields}
    edges.update({str(index): element for index, element in tracked})
    return _build(kind, elements, attributes, TupleEdges(elements, {name: e._stand_in() for name, e in edges.items()}, refusal))
