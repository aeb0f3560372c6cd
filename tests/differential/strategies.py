"""Programs as Hypothesis draws them: as a strategy, and in any number for a seed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from differential.drawing import Draw
from differential.programs import Program

ROUND = 500  # examples that Hypothesis is asked for at once


@st.composite
def programs(draw: st.DrawFn, spare: bool = False) -> Program:
    """Any program, or one that the model of the rules can run too."""
    return Draw(draw, spare).program()


def drawn(of: str, spare: bool = False) -> Iterator[Program]:
    """Programs without end, the same ones for the same seed ``of``, each of them once.

    Hypothesis varies what it has drawn before, so about half of its examples are programs that have been there already.
    """
    known: set[str] = set()
    for turn in itertools.count():
        for program in _examples(f"{of}/{turn}", spare):
            text = program.to_json()
            if text not in known:
                known.add(text)
                yield program


def _examples(of: str, spare: bool) -> list[Program]:
    examples: list[Program] = []

    @seed(of)
    @settings(
        max_examples=ROUND, phases=[Phase.generate], database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(programs(spare))
    def keep(program: Program) -> None:
        examples.append(program)

    keep()
    return examples
