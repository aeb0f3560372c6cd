"""How a row is timed: every candidate in turn, in rounds, so that a change of the machine's speed hits all alike."""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable, Iterable
from time import perf_counter

Candidate = Callable[[int], float]
"""Does its work that many times and says how many seconds they took."""


def repeated(call: Callable[[], object]) -> Candidate:
    """A candidate from one call. The loop itself costs 10 to 20 ns a call."""

    def run(times: int) -> float:
        start = perf_counter()
        for _ in range(times):
            call()
        return perf_counter() - start

    return run


class Stopwatch:
    """The candidates of one row, with the number of calls that makes one measurement long enough for each."""

    def __init__(self, candidates: dict[str, Candidate], seconds: float):
        self.candidates = candidates
        self.times = {name: _enough(run, seconds) for name, run in candidates.items()}
        self.forward = True
        gc.collect()
        gc.freeze()  # the collector looks at what the candidates make, not at this process's past

    def round(self) -> dict[str, float]:
        """Seconds a call of each candidate, measured one after the other; the next round goes the other way."""
        names = list(self.candidates) if self.forward else list(self.candidates)[::-1]
        self.forward = not self.forward
        return {name: self.candidates[name](self.times[name]) / self.times[name] for name in names}


def _enough(run: Candidate, seconds: float) -> int:
    run(1)  # what happens only once does not count
    times = 1
    while (took := run(times)) < seconds / 4 and times < 1 << 22:
        times *= 4
    return max(1, int(times * seconds / max(took, 1e-9)))


def ratio(these: Iterable[float], those: Iterable[float]) -> float:
    """The median of the ratios round by round."""
    return statistics.median(a / b for a, b in zip(these, those, strict=True))
