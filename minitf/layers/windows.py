"""Arguments of layers that move a window: sizes of one or several dimensions, and where the channels are."""

from __future__ import annotations

from typing import Any

_AXES = {1: ("NWC", "NCW"), 2: ("NHWC", "NCHW"), 3: ("NDHWC", "NCDHW")}


def numbers(value: Any, rank: int, what: str, least: int = 1) -> tuple[int, ...]:
    """``value`` as one int from ``least`` up for each dimension. Raises ValueError otherwise."""
    given = (value,) * rank if isinstance(value, int) else tuple(value)
    if len(given) != rank or not all(isinstance(v, int) and v >= least for v in given):
        kind = "a positive int" if least == 1 else f"an int from {least} up"
        raise ValueError(f"{what} must be {kind} or {rank} of them, not {value!r}.")
    return given


def axes_of(rank: int, data_format: str) -> str:
    """The ops' name of a Keras data format. Raises ValueError for another than "channels_last" and "channels_first"."""
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(f"data_format must be 'channels_last' or 'channels_first', not {data_format!r}.")
    return _AXES[rank][data_format == "channels_first"]
