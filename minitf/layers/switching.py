"""What a layer does while training, and otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minitf.core.tensor import SymbolicTensor
from minitf.ops.comparisons import select


def in_training(training: Any, then: Callable[[], Any], otherwise: Callable[[], Any]) -> Any:
    """``then()`` if ``training`` is true, else ``otherwise()``.

    If ``training`` is a tensor of a graph both are computed and each run takes one, so neither may change state by itself.
    """
    if isinstance(training, SymbolicTensor):
        return select(training, then(), otherwise())
    return then() if training is not None and bool(training) else otherwise()


def share_of_training(training: Any, dtype: Any) -> Any:
    """1 while training, else 0: a factor for changes of state. For a tensor of a graph a tensor."""
    from minitf.ops.creating import cast

    return cast(training, dtype) if isinstance(training, SymbolicTensor) else float(training is not None and bool(training))
