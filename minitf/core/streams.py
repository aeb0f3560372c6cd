"""Where random numbers come from: counter-based streams whose whole state is three integers.

A stream's state is ``[counter low, counter high, key]`` (int64), as in TensorFlow's Philox generators. A draw makes a Philox
generator from it (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011) and raises the counter by one, so that
every draw has 2**128 blocks of its own, whatever its size. The state lives in a cell of a store like a variable's value:
sessions do not see each other's, and restoring it restores the stream.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from minitf.core.dtypes import int64
from minitf.core.spec import Spec
from minitf.core.state import Cell, Handle

if TYPE_CHECKING:
    from minitf.core.runtime import Home

STATE = Spec(int64, (3,))
_MASK = 2**64 - 1
# What stands in for the seed that was not given, if only one of the two was (TensorFlow's number).
DEFAULT_SEED = 87654321
# In place of a key: the state is a variable of the program, which must have a value.
OWNED = -1


def mixed(*numbers: int) -> int:
    """A 64-bit key that depends on all the numbers."""
    return int(np.random.SeedSequence([n & _MASK for n in numbers]).generate_state(1, np.uint64)[0])


def first_state(key: int) -> Any:
    """The state of a new stream."""
    return np.array([0, 0, signed(key)], dtype=np.int64)


def signed(n: int) -> int:
    """A number below 2**64 as int64 holds it."""
    return n - 2**64 if n >= 2**63 else n


def drawn(state: Any) -> tuple[np.random.Generator, Any]:
    """A generator for one draw, and the state after it."""
    low, high, key = (int(n) & _MASK for n in state)
    bits = np.random.Philox(counter=[0, 0, low, high], key=[key, 0])
    return np.random.Generator(bits), skipped(state, 1)


def skipped(state: Any, count: int) -> Any:
    """The state after ``count`` more draws."""
    low, high = (int(n) & _MASK for n in state[:2])
    after = (low + (high << 64) + count) & (2**128 - 1)
    return np.array([signed(after & _MASK), signed(after >> 64), state[2]], dtype=np.int64)


class Streams:
    """The streams of one home: one for each random op.

    ``shared``: calls with one op seed draw from one stream (eager, where a call comes again and again); else every op has its
    own. Without any seed the keys come from the operating system, at the first draw in each store.
    """

    def __init__(self, home: Home, shared: bool):
        self._home = home
        self._shared = shared
        self._seed: int | None = None
        self._count = 0
        self._by_seed: dict[int, Handle] = {}
        self.sown = 0  # how often the seed was set

    @property
    def seed(self) -> int | None:
        """The seed of the whole home. Setting it starts all later sequences anew."""
        return self._seed

    @seed.setter
    def seed(self, value: int | None) -> None:
        self._seed = None if value is None else int(value)
        self._count = 0
        self._by_seed.clear()
        self.sown += 1

    def stream(self, op_seed: int | None) -> tuple[Handle, int | None]:
        """The place of a stream's state and its key; None for a key that chance decides."""
        if op_seed is None and self._seed is None:
            return self._nowhere(), None
        if op_seed is None:
            self._count += 1
            if not self._shared:
                return self._place(), mixed(self._seed or 0, self._count)
            op_seed = -1  # all ops without a seed of their own share one stream, in the order of the calls
        key = mixed(DEFAULT_SEED if self._seed is None else self._seed, op_seed)
        if not self._shared:
            return self._place(), key
        if op_seed not in self._by_seed:
            self._by_seed[op_seed] = self._place()
        return self._by_seed[op_seed], key

    def place_in_program(self) -> int:
        """What tells the next op from those before it: the number of the last operation (graph), or a count (eager)."""
        graph = self._home.graph_being_built()
        if graph is not None:
            return max(0, int(graph.version) - 1)
        self._count += 1
        return self._count

    def _place(self) -> Handle:
        handle = Handle("random_state", STATE, self._home, trainable=False)
        handle.cell = Cell(handle, hangs_on_it=True)
        return handle

    def _nowhere(self) -> Handle:
        if not self._shared:
            return self._place()
        if -2 not in self._by_seed:
            self._by_seed[-2] = self._place()
        return self._by_seed[-2]


def chance() -> int:
    """A key from the operating system."""
    return int.from_bytes(os.urandom(8), "little")
