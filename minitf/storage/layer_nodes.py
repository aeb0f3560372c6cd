"""Finding the layers among the nodes of a stored object graph, many at once.

Of the nodes that are no variables nearly all are layers, stored as

::

    (0A n  08 number  12 n name)*  2A 02 08 01

(edges to their variables, and that there are values below), with the same names again and again and the numbers of the
variables in a row. So nodes of one length are compared with the first of them, in one NumPy step: where all bytes but those of
the numbers are the same, so is everything that they mean. What looks different is left to whoever reads nodes one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from minitf.saved import Layer
from minitf.storage.variable_nodes import TAIL

FEW = 4  # nodes of one length that are read one by one sooner
KINDS = 16  # of nodes of one length, which are looked for
WIDEST = 4  # bytes of a number


class Form(NamedTuple):
    """What nodes that look alike have in common.

    * ``names``: of their edges.
    * ``places``, ``shifts``: of each byte of their numbers, where it is in the node, and how far it is to be shifted.
    * ``starts``: which of those bytes are the first ones of the numbers.
    """

    names: tuple[str, ...]
    places: list[int]
    shifts: list[int]
    starts: list[int]


def find(
    data: bytes, begins: Sequence[int], ends: Sequence[int], others: Sequence[int], names: dict[bytes, str]
) -> dict[int, Layer]:
    """The layers among the nodes that begin and end at these places, by number; ``others`` are no plain variables.

    ``names`` are those met so far, by their bytes. Raises IndexError or UnicodeDecodeError for bytes that make no sense.
    """
    by_length: dict[int, list[int]] = {}
    for number in others:
        by_length.setdefault(ends[number] - begins[number], []).append(number)
    groups = [(length, numbers) for length, numbers in by_length.items() if length > len(TAIL) and len(numbers) >= FEW]
    found: dict[int, Layer] = {}
    if not groups:
        return found
    raw = np.frombuffer(data, np.uint8)
    variables = np.ones(len(begins) + 1, np.intp)  # how many there are before each node
    variables[[0, *(number + 1 for number in others)]] = 0
    variables = variables.cumsum()
    for length, numbers in groups:
        left = np.array(numbers)
        for _ in range(KINDS):
            if len(left) < FEW:
                break
            form = _form(data, begins[left[0]], length, names)
            if form is None:
                left = left[1:]
                continue
            table = raw[np.array([begins[number] for number in left.tolist()])[:, None] + np.arange(length)]
            alike = _alike(table, form.places)
            for number, first in _in_a_row(table[alike], left[alike], form, variables):
                found[number] = Layer(form.names, first)
            left = left[~alike]
    return found


def _form(data: bytes, begin: int, length: int, names: dict[bytes, str]) -> Form | None:
    """The form of a node, or None if it has anything but edges to nodes other than the root."""
    end = begin + length - len(TAIL)
    if data[end : begin + length] != TAIL:
        return None
    form = Form((), [], [], [])
    edges: list[str] = []
    at = begin
    while at < end:
        number = at + 3
        name = number + 1
        while data[name - 1] > 127:
            name += 1
        stop = name + 2 + data[name + 1]
        if data[at] != 0x0A or data[at + 2] != 8 or data[name] != 0x12:
            return None
        if data[at + 1] > 127 or data[at + 1] != stop - at - 2 or name - number > WIDEST:
            return None
        stored = data[name + 2 : stop]
        edges.append(names.get(stored) or names.setdefault(stored, stored.decode()))
        form.starts.append(len(form.places))
        form.places.extend(range(number - begin, name - begin))
        form.shifts.extend(range(0, 7 * (name - number), 7))
        at = stop
    return form._replace(names=tuple(edges)) if at == end else None


def _alike(table: Any, places: list[int]) -> Any:
    """Which rows are like the first one but for the numbers, which have as many bytes."""
    fixed = np.full(table.shape[1], 255, np.uint8)
    fixed[places] = 128
    return ((table & fixed) == (table[0] & fixed)).all(axis=1)


def _in_a_row(table: Any, numbers: Any, form: Form, variables: Any) -> list[tuple[int, int]]:
    """Those nodes whose edges lead to variables with numbers in a row: their numbers, and that of the first variable."""
    children = np.add.reduceat((table[:, form.places] & 127).astype(np.int64) << form.shifts, form.starts, axis=1)
    first, stop = children[:, 0], children[:, -1] + 1
    good = (np.diff(children, axis=1) == 1).all(axis=1) & (stop < len(variables))
    numbers, first, stop = numbers[good], first[good], stop[good]
    good = variables[stop] - variables[first] == len(form.names)
    return list(zip(numbers[good].tolist(), first[good].tolist(), strict=True))
