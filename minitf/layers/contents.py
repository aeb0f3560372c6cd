"""Finding objects in containers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from minitf.objects.containers.contents import Container


def leaves(value: Any, kind: type) -> Iterator[Any]:
    """The objects of one kind: ``value`` itself, or those in it if it is a list, tuple or dict in an attribute.

    Dicts give their values in the order of sorted keys, as Keras does.
    """
    if isinstance(value, kind):
        yield value
    elif isinstance(value, Container):
        for part in value._contents():
            yield from leaves(part, kind)


def each_once(items: list[Any]) -> list[Any]:
    """The objects in their order, each once, told apart by identity."""
    return list({id(i): i for i in items}.values())
