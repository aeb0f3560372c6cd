"""``tf.config.threading``: numbers of threads. They are remembered, without effect: the thread that calls does the run."""

from __future__ import annotations

_threads = {"inter": 0, "intra": 0}


def get_inter_op_parallelism_threads() -> int:
    """What was set last; 0 at first."""
    return _threads["inter"]


def get_intra_op_parallelism_threads() -> int:
    """What was set last; 0 at first."""
    return _threads["intra"]


def set_inter_op_parallelism_threads(num_threads: int) -> None:
    """Is remembered, without effect."""
    _threads["inter"] = num_threads


def set_intra_op_parallelism_threads(num_threads: int) -> None:
    """Is remembered, without effect. NumPy's own threads are set by the environment, for example ``OMP_NUM_THREADS``."""
    _threads["intra"] = num_threads
