"""Nested structures: lists, tuples, named tuples and dicts of leaves."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from typing import Any

_NESTED = (list, tuple, dict)


def flatten(structure: Any) -> list[Any]:
    """The leaves of nested lists, tuples and dicts (dicts in the order of sorted keys)."""
    if isinstance(structure, dict):
        return [leaf for key in sorted(structure) for leaf in flatten(structure[key])]
    if isinstance(structure, (list, tuple)):
        for part in structure:
            if isinstance(part, _NESTED):
                return [leaf for part in structure for leaf in flatten(part)]
        return list(structure)
    return [structure]


def pack(structure: Any, leaves: Sequence[Any]) -> Any:
    """The leaves in the shape of ``structure``: the inverse of ``flatten``."""
    if type(structure) is list:
        for part in structure:
            if isinstance(part, _NESTED):
                break
        else:
            return list(leaves)
    rest = iter(leaves)

    def build(part: Any) -> Any:
        if isinstance(part, dict):
            built = {key: build(part[key]) for key in sorted(part)}
            return dict_like(part, {key: built[key] for key in part})
        if hasattr(part, "_fields"):
            return type(part)(*[build(p) for p in part])
        if isinstance(part, (list, tuple)):
            return (list if isinstance(part, list) else tuple)(build(p) for p in part)
        return next(rest)

    return build(structure)


def dict_like(one: dict[Any, Any], built: dict[Any, Any]) -> dict[Any, Any]:
    """``built`` as a dict of the same kind; kinds of somebody's own become plain dicts."""
    if isinstance(one, OrderedDict):
        return OrderedDict(built)
    return defaultdict(one.default_factory, built) if isinstance(one, defaultdict) else built
