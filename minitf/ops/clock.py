"""The time of the machine."""

import time
from typing import Any

import numpy as np

from minitf.core import dtypes
from minitf.core.op import op
from minitf.core.spec import Spec


@op(name="timestamp", stateful=True)
def _timestamp():
    """Seconds since the beginning of 1970."""
    return np.float64(time.time())


@_timestamp.infer
def _():
    return Spec(dtypes.float64, ())


def timestamp(name: str | None = None) -> Any:
    """Seconds since the beginning of 1970, a float64; in a graph those of each run."""
    return _timestamp(name=name)
