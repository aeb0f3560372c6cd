"""``tf.nest``: functions of nested structures: lists, tuples, named tuples and dicts, and within them leaves.

A leaf is anything else: a tensor, an array, a string, None. A dict's leaves come in the order of its sorted keys.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from minitf.core import structures

__all__ = ["assert_same_structure", "flatten", "is_nested", "map_structure", "pack_sequence_as"]


def is_nested(seq: Any) -> bool:
    """True for a list, tuple, named tuple or dict."""
    return isinstance(seq, (list, tuple, dict))


def flatten(structure: Any, expand_composites: bool = False) -> list[Any]:
    """The leaves of the structure, depth first; a single leaf gives a list of one.

    ``expand_composites`` is there for TensorFlow's signature: minitf has no composite tensors.
    Raises TypeError for a dict whose keys cannot be sorted.
    """
    return structures.flatten(structure)


def pack_sequence_as(structure: Any, flat_sequence: Sequence[Any], expand_composites: bool = False) -> Any:
    """The leaves in the shape of ``structure``: the inverse of ``flatten``.

    Raises TypeError if ``flat_sequence`` is no list or tuple, ValueError if it has another number of leaves than ``structure``.
    """
    if not isinstance(flat_sequence, (list, tuple)):
        raise TypeError(
            f"pack_sequence_as: flat_sequence must be a list or a tuple of leaves, not {flat_sequence!r} "
            f"({type(flat_sequence).__name__})."
        )
    leaves, wanted = list(flat_sequence), len(structures.flatten(structure))
    if len(leaves) != wanted:
        raise ValueError(f"pack_sequence_as: the structure has {wanted} leaves, but flat_sequence has {len(leaves)}.")
    return structures.pack(structure, leaves)


def map_structure(func: Callable[..., Any], *structure: Any, check_types: bool = True, expand_composites: bool = False) -> Any:
    """``func`` of each leaf (of the leaves in one place of several structures), in the shape of the first structure.

    Raises TypeError if ``func`` cannot be called, or if structures are of different types (unless ``check_types=False``), and
    ValueError without a structure or if their shapes differ.
    """
    if not callable(func):
        raise TypeError(f"map_structure: func must be callable, not {func!r}.")
    if not structure:
        raise ValueError("map_structure: give at least one structure.")
    for other in structure[1:]:
        assert_same_structure(structure[0], other, check_types=check_types)
    leaves = [structures.flatten(each) for each in structure]
    return structures.pack(structure[0], [func(*found) for found in zip(*leaves, strict=True)])


def assert_same_structure(nest1: Any, nest2: Any, check_types: bool = True, expand_composites: bool = False) -> None:
    """Raises unless both have the same structure: ValueError for other lengths, keys or depths, TypeError for other types.

    ``check_types=False`` lets lists, tuples and dicts stand for each other, whatever the keys.
    """
    structures.flatten(nest1), structures.flatten(nest2)  # keys that cannot be sorted are told first
    _compare(nest1, nest2, check_types, "")


def _compare(one: Any, other: Any, check_types: bool, place: str) -> None:
    where = f"at {place.removeprefix('.')}" if place else "at the top"
    if is_nested(one) != is_nested(other):
        nested, leaf = ("first", other) if is_nested(one) else ("second", one)
        raise ValueError(f"The structures differ {where}: the {nested} is nested, the other has {leaf!r}.")
    if not is_nested(one):
        return
    if check_types and not _same_type(one, other):
        raise TypeError(f"The structures differ {where}: {type(one).__name__} and {type(other).__name__}.")
    if check_types and isinstance(one, dict) and one.keys() != other.keys():
        keys = ", ".join(sorted(map(repr, one.keys() ^ other.keys())))
        raise ValueError(f"The structures differ {where}: only one of them has {keys}.")
    if len(one) != len(other):
        raise ValueError(f"The structures differ {where}: {len(one)} and {len(other)} parts.")
    pairs = zip(_parts(one), _parts(other), strict=True)
    for (name, mine), (_, its) in pairs:
        _compare(mine, its, check_types, place + name)


def _parts(structure: Any) -> list[tuple[str, Any]]:
    """The names and values of the parts, as ``flatten`` orders them."""
    if isinstance(structure, dict):
        return [(f".{key}", structure[key]) for key in sorted(structure)]
    return [(f"[{i}]", part) for i, part in enumerate(structure)]


def _same_type(one: Any, other: Any) -> bool:
    """True if both are dicts, lists or tuples alike; named tuples if they have the same name and fields."""
    if isinstance(one, dict) or isinstance(other, dict):
        return isinstance(one, dict) and isinstance(other, dict)
    if isinstance(one, list) or isinstance(other, list):
        return isinstance(one, list) and isinstance(other, list)
    mine, its = getattr(one, "_fields", None), getattr(other, "_fields", None)
    return bool(mine == its) and (mine is None or type(one).__name__ == type(other).__name__)
