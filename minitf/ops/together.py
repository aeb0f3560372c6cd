"""One step of an optimizer for many small variables: their arrays laid end to end, so that the formula runs once.

A step of Adam is a dozen NumPy calls. On the bias of a layer each of them costs half a microsecond to begin and next to nothing
to do, so calling them for one variable after another takes most of the time of a small network's step. ``Together`` keeps the
values of its variables, and those of each kind of slot, as pieces of one *flat* array, and gives the formula the flat arrays::

    flat         [ kernel 1 ................. | bias 1 | kernel 2 ... | bias 2 ]
    cell.value     a view, (64, 128)            (128,)   a view         (10,)

Nothing else has to know. A cell holds its value as always, an array that nobody writes into, now a piece of a larger one. A
cell that was written by somebody else in between (an assignment, a restore) no longer holds the piece that ``Together`` gave
it; then the flat array is laid out anew. Formulas work element by element, so the values are those of separate steps, bit for
bit.

There are two flat arrays for each kind of cell, and steps write into them in turn: the new values go into the array of
the last but one step, and what the cells hold stays whole until the step is done. If somebody still holds a piece of that
array (a tensor that was read from the variable, a background save), it is left to them, and the step makes a new one. Nobody
can come to hold a piece of it later, since no cell gives it out; so readers need no lock.

Variables of more than ``LARGEST`` elements gain nothing and are stepped alone, as are those whose value is a NumPy scalar; the
others go together as far as the flat arrays stay in the processor's cache (``groups``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import compress, pairwise
from operator import attrgetter, is_
from sys import getrefcount
from typing import Any, NamedTuple

import numpy as np

from minitf.core.at_once import exhaust
from minitf.core.locks import acquire, release
from minitf.core.op import Op
from minitf.core.spec import total_size
from minitf.core.state import Cell, Handle, Store, locks_of


class Rule(NamedTuple):
    """The ``formula`` of an op, how many of its first inputs are ``cells``, and which input is the gradient (``at``)."""

    formula: Callable[..., tuple[Any, ...]]
    cells: int
    at: int


RULES: dict[str, Rule] = {}
"""By the name of the op (``minitf.ops.training`` and ``training_keras`` fill it)."""
LARGEST = 16384
"""Elements of a variable that is worth laying beside others: a piece that somebody holds keeps its whole flat array."""
MOST = 65536
"""Elements of a flat array."""


def groups(rows: Sequence[Sequence[Handle]]) -> list[list[int]]:
    """Which variables are stepped together, by their place in ``rows`` (the handles of each and of its slots); one is alone.

    All are of one dtype, and none stands twice.
    """
    out: list[list[int]] = []
    open_: list[int] = []
    size = 0
    for i, handles in enumerate(rows):
        spec = handles[0].spec
        elements = total_size(spec.shape) if spec.complete and spec.shape else 0  # type: ignore[arg-type]
        if not 0 < elements <= LARGEST or spec.dtype.kind != "f" or any(h.spec != spec for h in handles):
            out.append([i])
            continue
        if size + elements > MOST:
            out.append(open_)
            open_, size = [], 0
        open_.append(i)
        size += elements
    if open_:
        out.append(open_)
    return out


class Updates:
    """What an optimizer does in one step: a ``rule`` for several variables of one dtype.

    ``rows``: the handles of each variable and of its slots, in the order of the rule's inputs; none stands twice. A runtime's
    ``update`` does it: one after another, or in ``parts`` that go together.
    """

    def __init__(self, rule: Op, rows: Sequence[Sequence[Handle]], attrs: dict[str, Any]):
        self.rule, self.rows, self.attrs = rule, rows, attrs
        self.dtype = rows[0][0].spec.dtype
        self._parts: list[tuple[Together | None, list[int]]] | None = None

    def one_by_one(self, runtime: Any, numbers: Sequence[Any], gradients: Sequence[Any]) -> list[Any]:
        """Applies the rule to one variable after another; ``numbers``: its inputs besides handles and gradient."""
        return [self.alone(runtime, i, numbers, gradient) for i, gradient in enumerate(gradients)]

    def alone(self, runtime: Any, i: int, numbers: Sequence[Any], gradient: Any) -> Any:
        """Applies the rule to variable ``i``."""
        inputs = [*self.rows[i], *numbers]
        inputs.insert(RULES[self.rule.name].at, gradient)
        return runtime.apply(self.rule, tuple(inputs), self.attrs)

    def parts(self, store: Store) -> list[tuple[Together | None, list[int]]]:
        """What goes together, with the places of its variables; None with one that goes alone."""
        if self._parts is None:
            cells = [[store.cell(handle) for handle in row] for row in self.rows]
            self._parts = [
                (Together(self.rule, [cells[i] for i in group], self.attrs) if len(group) > 1 else None, group)
                for group in groups(self.rows)
            ]
        return self._parts

    @property
    def together(self) -> Together | None:
        """What updates all the variables, once ``parts`` has told that they go together; else None."""
        return self._parts[0][0] if self._parts is not None and len(self._parts) == 1 else None


class Together:
    """One ``rule`` for the variables of ``rows``: the cells of each, in the order of the rule's inputs.

    The variables are a group that ``groups`` gives.
    """

    def __init__(self, rule: Op, rows: Sequence[Sequence[Cell]], attrs: dict[str, Any]):
        self.rows, self.attrs, self.kernel = rows, attrs, rule.kernel
        self.formula, self.count, self.at = RULES[rule.name]
        specs = [row[0].spec for row in rows]
        self.dtype = specs[0].dtype.np
        self.shapes: list[Any] = [s.shape for s in specs]
        ends = [0]
        for shape in self.shapes:
            ends.append(ends[-1] + total_size(shape))
        self.places = [slice(begin, end) for begin, end in pairwise(ends)]
        self.size = ends[-1]
        self.cells = [row[i] for i in range(self.count) for row in rows]
        self.now: _Flat | None = None  # what the last step gave the cells
        self.spare: _Flat | None = None
        self._rooms: list[Room] = []
        self.locks = locks_of([row[0] for row in rows])

    def room(self) -> Room:
        """Room for gradients, end to end, for who can compute them where they are wanted; ``step`` takes it back."""
        try:
            return self._rooms.pop()
        except IndexError:
            return Room(self)

    def step(self, numbers: Sequence[Any], gradients: Sequence[Any], room: Room | None = None) -> bool:
        """One step; ``numbers``: the rule's other inputs, in order. With ``room``, the gradients are its pieces, and the
        numbers are of rank 0 for sure.

        False, and nothing is done, if a cell has no value, or a gradient or number does not fit: then ``alone`` raises the
        error.
        """
        locks = self.locks
        if len(locks) == 1:
            with locks[0]:
                return self._step(numbers, gradients, room)
        taken: list[bool] = []
        leave = map(release, compress(locks, taken))  # those that are taken by then
        try:
            taken.extend(map(acquire, locks))  # takes a lock and says so: no interrupt comes between
            return self._step(numbers, gradients, room)
        finally:
            exhaust(leave)

    def alone(self, i: int, numbers: Sequence[Any], gradient: Any) -> Any:
        """A step of variable ``i`` alone."""
        inputs = [*self.rows[i], *numbers]
        inputs.insert(self.at, gradient)
        return self.kernel(*inputs, **self.attrs)

    def _step(self, numbers: Sequence[Any], gradients: Sequence[Any], room: Room | None) -> bool:
        if room is not None:
            gradient = room.array
        elif [g.shape for g in gradients] == self.shapes and not any(map(_rank, numbers)):
            try:
                gradient = np.concatenate(gradients, None, dtype=self.dtype, casting="no")
            except TypeError:  # one has another dtype
                return False
        else:
            return False
        old = self._old()
        if old is None:
            return False
        inputs = [*old, *numbers]
        inputs.insert(self.at, gradient)
        new = self.spare
        if new is None or new.held() != new.alone:
            new = _Flat(self)
        self.formula(new.rows, *inputs, **self.attrs)
        if room is not None:
            self._rooms.append(room)
        self.now, self.spare = new, self.now
        for cell, piece in zip(self.cells, new.pieces):  # noqa: B905  (there are as many)
            cell.value = piece  # Cell.write, for arrays that are in order as they are
            cell.writes += 1
        return True

    def _old(self) -> Sequence[Any] | None:
        """The values of each kind of cell, end to end. None if one is missing or has another shape."""
        if self.now is not None and all(map(is_, map(_value, self.cells), self.now.pieces)):
            return self.now.rows
        values, count = [cell.value for cell in self.cells], len(self.shapes)
        for i, value in enumerate(values):
            if value is None or value.shape != self.shapes[i % count]:
                return None
        return [np.concatenate(values[i : i + count], None) for i in range(0, len(values), count)]


class Room:
    """A flat array for gradients, and its ``pieces``."""

    __slots__ = ("array", "pieces")

    def __init__(self, of: Together):
        self.array = np.empty(of.size, of.dtype)
        self.pieces = [self.array[place].reshape(shape) for place, shape in zip(of.places, of.shapes, strict=True)]


class _Flat:
    """Flat arrays, one for each kind of cell, as the rows of one array; and their pieces, in the order of the cells.

    ``alone`` is what ``held`` says when nobody else has any of them.
    """

    __slots__ = ("alone", "array", "pieces", "rows")

    def __init__(self, of: Together):
        self.array = np.empty((of.count, of.size), of.dtype)
        self.rows = list(self.array)
        places = list(zip(of.places, of.shapes, strict=True))
        self.pieces = [row[place].reshape(shape) for row in self.rows for place, shape in places]
        self.alone = self.held()

    def held(self) -> list[int]:
        """How many references there are to the array (every view of a piece is one) and to each piece."""
        held = list(map(getrefcount, self.pieces))
        held.append(getrefcount(self.array))
        return held


_value = attrgetter("value")
_rank = attrgetter("ndim")
