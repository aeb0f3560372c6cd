"""Programs as Hypothesis draws them."""

from __future__ import annotations

from hypothesis import strategies as st

from differential.drawing import Draw
from differential.programs import Program


class _Drawn:
    """Decisions of Hypothesis."""

    def __init__(self, draw: st.DrawFn):
        self._draw = draw

    def integer(self, low: int, high: int) -> int:
        return self._draw(st.integers(low, high))


@st.composite
def programs(draw: st.DrawFn, spare: bool = False) -> Program:
    """Any program, or one that the model of the rules can run too."""
    return Draw(_Drawn(draw), spare).program()
