"""Where a tensor is cut if its pieces are to fill data files of limited size. Numbers only."""

from __future__ import annotations

from typing import NamedTuple

from minitf.core.spec import total_size


class Box(NamedTuple):
    """A part of a tensor: where it begins, and its shape."""

    start: tuple[int, ...]
    shape: tuple[int, ...]

    @property
    def elements(self) -> int:
        """Number of elements."""
        return total_size(self.shape)

    def cut(self, axis: int, length: int) -> tuple[Box, Box]:
        """The first ``length`` slices along an axis, and the rest."""
        before, size, after = self.shape[:axis], self.shape[axis], self.shape[axis + 1 :]
        beyond = (*self.start[:axis], self.start[axis] + length, *self.start[axis + 1 :])
        return Box(self.start, (*before, length, *after)), Box(beyond, (*before, size - length, *after))


def first_part(shape: tuple[int, ...], item: int, room: int) -> tuple[int, int] | None:
    """How to cut a part of at most ``room`` bytes from a tensor that is larger: axis and length. ``item``: bytes of an element.

    The axis is the first of those along which the fewest parts of that size make up the tensor, and the parts along it are as
    equal as can be. None if not even one slice along any axis is so small. (TensorFlow cuts in the same places.)
    """
    count = total_size(shape)
    found = None
    fewest = 0
    for axis, length in enumerate(shape):
        together = room // (count // length * item)
        if together:
            parts = -(-length // together)
            if found is None or parts < fewest:
                found, fewest = (axis, -(-length // parts)), parts
    return found
