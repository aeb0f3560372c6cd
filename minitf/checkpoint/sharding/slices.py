"""Slices as text: ``"6 4 0,3:-"`` is rows 0 to 2, all columns, of a tensor of shape (6, 4)."""

from __future__ import annotations

import re
from typing import NamedTuple

from minitf.errors import InternalError, InvalidArgumentError
from minitf.storage.values import Extent

_SLICE = re.compile(r"(?P<shape>(?:\d+ )+)(?P<extents>(?:-|\d+,\d+)(?::(?:-|\d+,\d+))*)")


class Slice(NamedTuple):
    """A part of a tensor: the shape of the whole, and start and length for each axis (None: all of it)."""

    whole: tuple[int, ...]
    extents: tuple[Extent, ...]

    @classmethod
    def parse(cls, text: str) -> Slice:
        """Reads what is not "". Raises InvalidArgumentError for another text, InternalError for a part outside the whole."""
        found = _SLICE.fullmatch(text)
        if found is None:
            raise InvalidArgumentError(
                f"{text!r} is no slice. Write the shape of the whole, and for each axis start and length, or -: '6 4 0,3:-'."
            )
        whole = tuple(map(int, found["shape"].split()))
        parts = [None if part == "-" else part.split(",") for part in found["extents"].split(":")]
        extents = tuple(None if part is None else (int(part[0]), int(part[1])) for part in parts)
        if any(extent is not None and extent[1] == 0 for extent in extents):
            raise InvalidArgumentError(f"Slice {text!r} has nothing in it: a length must be positive.")
        if len(extents) != len(whole):
            raise InternalError(f"Slice {text!r} has {len(extents)} axes, but the shape in it has {len(whole)}.")
        if any(extent is not None and sum(extent) > size for extent, size in zip(extents, whole, strict=True)):
            raise InternalError(f"Slice {text!r} reaches out of the tensor.")
        return cls(whole, extents)

    @property
    def start(self) -> tuple[int, ...]:
        """Where it begins along each axis."""
        return tuple(0 if extent is None else extent[0] for extent in self.extents)
