"""The same work in one process or in many.

Work is cut into units that do not depend on how many workers there are, and results are taken in the order of the units, so
that a report is the same for any number. joblib starts the workers, or hands the units to what it was told to use:
``with joblib.parallel_config(backend="dask"):``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from minitf.errors import UnavailableError
from minitf.explore.running import Found

T = TypeVar("T")


def mapped(work: Callable[..., T], units: Sequence[tuple[Any, ...]], workers: int) -> Iterable[T]:
    """``work(*unit)`` for each unit, in order; one by one, as they are asked for, if there is one worker.

    Raises UnavailableError without joblib.
    """
    if workers == 1 or len(units) < 2:
        return (work(*unit) for unit in units)
    try:
        from joblib import Parallel, delayed
    except ImportError as error:
        raise UnavailableError(
            f"check(workers={workers}) needs joblib. Install it (pip install minitf[parallel]), or leave workers at 1."
        ) from error
    return Parallel(n_jobs=workers)(delayed(work)(*unit) for unit in units)  # type: ignore[no-any-return]


def portable(found: Found) -> Found:
    """Without the errors, which may not go from one process to another; whoever tells of a failure runs it again anyway."""
    failures = {kind: (None, choices, count) for kind, (_, choices, count) in found.failures.items()}
    return Found(found.executions, found.outcomes, dict(failures))
