"""The global step, for hooks."""

from __future__ import annotations

from typing import Any

from minitf.optimizers.global_step import global_step_read


def global_step_for(what: str) -> Any:
    """The tensor of the global step in the current graph. Raises RuntimeError if there is none."""
    step = global_step_read()
    if step is None:
        raise RuntimeError(
            f"Global step should be created to use {what}. Call tf.train.get_or_create_global_step() first, and pass it to "
            "minimize(global_step=...)."
        )
    return step
