"""Finding objects in nested lists, tuples and dicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from minitf.objects.containers import List


def leaves(value: Any, kind: type) -> Iterator[Any]:
    """The objects of one kind: ``value`` itself, or those in it."""
    if isinstance(value, kind):
        yield value
    elif isinstance(value, (list, tuple, List)):
        for part in value:
            yield from leaves(part, kind)
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from leaves(part, kind)


def each_once(items: list[Any]) -> list[Any]:
    """The objects in their order, each once, told apart by identity."""
    return list({id(i): i for i in items}.values())
