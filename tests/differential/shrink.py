"""Makes a differing program small: steps are left out for as long as it goes on differing."""

from __future__ import annotations

from differential.compare import Comparison, Verdict


def shrink(verdict: Verdict, compare: Comparison, tries: int = 400) -> Verdict:
    """The smallest program found with the same kind of difference, by leaving out ever shorter runs of steps."""
    best = verdict
    length = max(1, len(best.program.steps) // 2)
    while length and tries > 0:
        steps = best.program.steps
        programs = [best.program.with_steps(steps[:at] + steps[at + length :]) for at in range(0, len(steps), length)]
        programs = programs[:tries]
        tries -= len(programs)
        smaller = [v for v in compare(programs) if v.difference and v.kind == verdict.kind]
        if smaller:
            best = min(smaller, key=lambda v: len(v.program.steps))
            length = min(length, max(1, len(best.program.steps) // 2))
        else:
            length //= 2
    return best
