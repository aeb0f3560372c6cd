"""Tapes: what is written down while ops run, for the walk back over it (in ``minitf.autodiff``).

A ``Tape`` is a runtime around a runtime: it lets the inner one run each op and takes a note if an input is watched. Everything
that depends on something watched gets a *number*, the place of its note in a list. So the walk back needs no sorting (the list
is in an order in which everything was computed), and gradients are kept in a list by number.

An eager tensor carries its number itself, as a *node* ``(token, number, next)``: ``token`` stands for the tape and ``next`` is
the node of the tape around it, if tapes are nested. So a tape keeps no tensor alive but those whose values the gradient rule of
a note reads: the others it remembers by their *outline*, dtype and shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minitf.core.dtypes import of_numpy
from minitf.core.spec import Spec
from minitf.core.state import Handle
from minitf.core.tensor import EagerTensor, SymbolicTensor, Tensor

if TYPE_CHECKING:
    from minitf.core.op import Op

NO_ATTRS: dict[str, Any] = {}
NOWHERE = -1  # the number of what is not watched

Note = tuple[Any, Sequence[int], Sequence[Any], dict[str, Any], Any, int]
"""Op, numbers of its inputs, inputs, attributes, output(s), and how many outputs there are if the op gives a tuple, else 0.

A tuple's outputs have numbers that follow each other; the note stands at the last of them. At the numbers of the others, and at
those of watched variables and tensors, there is None.
"""


class Outline(Tensor):
    """What is left of an eager tensor whose values nobody needs."""

    __slots__ = ("np_dtype", "sizes")
    np_dtype: Any
    sizes: tuple[int, ...]

    @property
    def spec(self) -> Spec:
        """Dtype and shape as plain data."""
        return Spec(of_numpy(self.np_dtype), self.sizes)


def outlined(value: Any) -> Any:
    """An eager tensor's outline; other inputs as they are, and those of rank 0 (an outline would be no smaller)."""
    if type(value) is not EagerTensor or type(value._v) is not _array:
        return value
    v = value._v
    outline = Outline()
    outline.np_dtype = v.dtype
    outline.sizes = v.shape
    return outline


_array = np.ndarray


class Tape:
    """Runs ops in the runtime ``inner`` and takes notes. ``watch_variables``: trainable variables are watched when read.

    ``direct`` tells operators of eager tensors that they may compute by themselves and just leave a note.
    """

    __slots__ = ("direct", "handles", "inner", "notes", "sources", "token", "watch_variables")

    def __init__(self, watch_variables: bool):
        self.watch_variables = watch_variables
        self.inner: Any = None
        self.direct = False
        self.token = object()
        self.notes: list[Note | None] = []
        self.handles: dict[Handle, int] = {}
        self.sources: dict[int, tuple[Any, int]] = {}  # by id, with the tensor itself, which keeps the id taken

    def forget(self) -> None:
        """Forgets all notes and all that was watched."""
        self.token = object()
        self.notes, self.handles, self.sources = [], {}, {}

    # -- the tape as a runtime -------------------------------------------------------------------------------------

    @property
    def home(self) -> Any:
        """The home of the inner runtime."""
        return self.inner.home

    def apply(self, op: Op, inputs: tuple[Any, ...], attrs: dict[str, Any], name: str | None = None) -> Any:
        """Runs the op in the inner runtime, and takes a note if an input is watched."""
        for value in inputs:
            if type(value) not in _BOUND:
                inputs = op.bind(inputs, self)
                break
        result = self.inner.apply(op, inputs, attrs, name)
        if op.vjp_rule is not None:
            self.note(op, inputs, attrs, result)
        return result

    def call(self, traced: Any, values: Sequence[Any]) -> list[Any]:
        """A traced function is recorded operation by operation."""
        return traced.replay(self, values)  # type: ignore[no-any-return]

    def update(self, updates: Any, numbers: Sequence[Any], gradients: Sequence[Any]) -> list[Any]:
        """Updates of variables are not recorded."""
        return self.inner.update(updates, numbers, gradients)  # type: ignore[no-any-return]

    def walk(self, walk: Any) -> list[Any]:
        """The ops of gradient rules are recorded in turn."""
        return walk.walk()  # type: ignore[no-any-return]

    def constant(self, value: Any, name: str | None = None) -> Any:
        """Constants are not recorded."""
        return self.inner.constant(value, name)

    def register(self, variable: Any, trainable: bool, collections: Any) -> None:
        """Variables are registered by the inner runtime."""
        self.inner.register(variable, trainable, collections)

    # -- notes ---------------------------------------------------------------------------------------------------------

    def watch(self, source: Any) -> None:
        """Watches a tensor or handle from now on."""
        if self.number(source) != NOWHERE:
            return
        number = len(self.notes)
        self.notes.append(None)
        if isinstance(source, Handle):
            self.handles[source] = number
        else:
            self.sources[id(source)] = (source, number)

    def number(self, value: Any) -> int:
        """The number of a tensor or handle, or NOWHERE."""
        if type(value) is EagerTensor:
            node = value._node
            while node is not None:
                if node[0] is self.token:
                    return node[1]  # type: ignore[no-any-return]
                node = node[2]
        elif type(value) is Handle:
            return self.handles.get(value, NOWHERE)
        found = self.sources.get(id(value))
        return NOWHERE if found is None else found[1]

    def note(self, op: Op, inputs: tuple[Any, ...], attrs: dict[str, Any], result: Any) -> None:
        """Takes a note of one application of a differentiable op, if an input is watched; numbers its outputs."""
        token = self.token
        numbers = []
        watched = False
        for value in inputs:
            number = NOWHERE
            if type(value) is EagerTensor:
                node = value._node
                if node is None:
                    if self.sources:
                        number = self.number(value)
                elif node[0] is token:
                    number = node[1]
                else:
                    number = self.number(value)
            elif value is not None:
                if type(value) is Handle and value.trainable and self.watch_variables:
                    self.watch(value)
                number = self.number(value)
            if number >= 0:
                watched = True
            numbers.append(number)
        if watched:
            if type(result) is tuple:
                self._enter_several(op, tuple(numbers), inputs, attrs, result)
            elif result.dtype.kind in "fcV":
                self.enter(op, tuple(numbers), inputs, attrs, result)

    # What the short road of a call uses: eager tensors in, one new eager tensor out.

    def note_two(self, op: Op, x: EagerTensor, y: EagerTensor, attrs: dict[str, Any], result: Any) -> None:
        """``note`` for two inputs; the result may be a tuple."""
        node, other = x._node, y._node
        if node is None and other is None and not self.sources:
            return
        token = self.token
        first = node[1] if node is not None and node[0] is token else self.number(x)
        second = other[1] if other is not None and other[0] is token else self.number(y)
        if first >= 0 or second >= 0:
            if type(result) is tuple:
                self._enter_several(op, (first, second), (x, y), attrs, result)
                return
            notes = self.notes
            result._node = (token, len(notes), None)
            kept = (x if op.keeps_first else outlined(x), y if op.keeps_second else outlined(y))
            notes.append((op, (first, second), kept, attrs, result if op.vjp_reads_out else None, 0))

    def note_read(self, read: Op, handle: Handle, result: EagerTensor) -> None:
        """``note`` for a variable that was read."""
        number = self.handles.get(handle, NOWHERE)
        notes = self.notes
        if number < 0:
            if not (handle.trainable and self.watch_variables):
                return
            number = self.handles[handle] = len(notes)
            notes.append(None)
        result._node = (self.token, len(notes), None)
        notes.append((read, (number,), (handle,), NO_ATTRS, None, 0))

    def enter(self, op: Op, numbers: tuple[int, ...], inputs: tuple[Any, ...], attrs: dict[str, Any], result: Any) -> None:
        """Writes a note down and numbers the result."""
        if not op.keeps_all:
            inputs = _kept(op, inputs)
        notes = self.notes
        number = len(notes)
        notes.append((op, numbers, inputs, attrs, result if op.vjp_reads_out else None, 0))
        if type(result) is EagerTensor:
            result._node = (self.token, number, result._node)
        else:
            self.sources[id(result)] = (result, number)

    def _enter_several(self, op: Op, numbers: tuple[int, ...], inputs: tuple[Any, ...], attrs: dict[str, Any],
                      results: tuple[Any, ...]) -> None:  # fmt: skip
        if not results:
            return
        if not op.keeps_all:
            inputs = _kept(op, inputs)
        kept = results if op.vjp_reads_out else tuple(map(outlined, results))
        notes, token = self.notes, self.token
        number = len(notes)
        for result in results:
            if type(result) is EagerTensor:
                if result._v.dtype.kind in "fcV":
                    result._node = (token, number, result._node)
            elif isinstance(result, Tensor) and result.dtype.kind in "fcV":
                self.sources[id(result)] = (result, number)
            notes.append(None)
            number += 1
        notes[-1] = (op, numbers, inputs, attrs, kept, len(results))


def _kept(op: Op, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """The inputs, in outline those whose values the gradient rule does not read."""
    return tuple([value if read else outlined(value) for value, read in zip(inputs, op.vjp_reads or (), strict=False)])


_BOUND = frozenset({EagerTensor, Handle, SymbolicTensor})
