"""Penalties on weights: functions of a weight that give a scalar, which joins ``layer.losses``."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from minitf.core.op import convert
from minitf.ops import elementwise
from minitf.ops.creating import eye
from minitf.ops.norms import l2_normalize
from minitf.ops.products import matmul
from minitf.ops.reductions import reduce_sum


class Regularizer:
    """Base class: define ``__call__(weight)``."""

    def __call__(self, weight: Any) -> Any:
        """The penalty."""
        raise NotImplementedError("A regularizer defines __call__(weight).")

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return dict(vars(self))

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Regularizer:
        """A regularizer from ``get_config()``."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.get_config().items())})"


class L1L2(Regularizer):
    """``l1 * sum(|w|) + l2 * sum(w ** 2)``"""

    def __init__(self, l1: float = 0.0, l2: float = 0.0):
        self.l1, self.l2 = l1 or 0.0, l2 or 0.0

    def __call__(self, weight: Any) -> Any:
        """The penalty."""
        return _penalty(weight, self.l1, self.l2)


class L1(Regularizer):
    """``l1 * sum(|w|)``"""

    def __init__(self, l1: float = 0.01):
        self.l1 = l1

    def __call__(self, weight: Any) -> Any:
        """The penalty."""
        return _penalty(weight, self.l1, 0.0)


class L2(Regularizer):
    """``l2 * sum(w ** 2)``"""

    def __init__(self, l2: float = 0.01):
        self.l2 = l2

    def __call__(self, weight: Any) -> Any:
        """The penalty."""
        return _penalty(weight, 0.0, self.l2)


class OrthogonalRegularizer(Regularizer):
    """``factor`` times the mean of the absolute cosines between the rows of a matrix (``mode="rows"``) or its columns.

    Raises ValueError for other modes, and for a weight that is no matrix.
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows"):
        if mode not in ("rows", "columns"):
            raise ValueError(f"OrthogonalRegularizer: mode must be 'rows' or 'columns', not {mode!r}.")
        self.factor, self.mode = factor, mode

    def __call__(self, weight: Any) -> Any:
        """The penalty."""
        value = convert(weight)
        if value.shape.rank != 2:
            raise ValueError(f"OrthogonalRegularizer: the weight must be a matrix, but its shape is {value.shape}.")
        rows = self.mode == "rows"
        size = value.shape[0 if rows else 1]
        unit = l2_normalize(value, 1 if rows else 0)
        cosines = matmul(unit, unit, transpose_b=rows, transpose_a=not rows)
        others = reduce_sum(elementwise.abs(cosines * (1.0 - eye(size, dtype=value.dtype))))
        return others * (0.5 * self.factor) / (size * (size - 1.0) / 2.0 or 1.0)


def l1_l2(l1: float = 0.01, l2: float = 0.01) -> L1L2:
    """``L1L2`` with other defaults."""
    return L1L2(l1, l2)


def _penalty(weight: Any, l1: float, l2: float) -> Any:
    value = convert(weight)
    terms = [reduce_sum(elementwise.abs(value)) * l1] if l1 else []
    terms += [reduce_sum(elementwise.square(value)) * l2] if l2 else []
    return sum(terms[1:], terms[0]) if terms else reduce_sum(value) * 0.0


l1, l2, orthogonal_regularizer = L1, L2, OrthogonalRegularizer
_BY_NAME: dict[str, Callable[[], Regularizer]] = {
    "l1": L1, "L1": L1, "l2": L2, "L2": L2, "l1_l2": l1_l2, "L1L2": L1L2, "orthogonal_regularizer": OrthogonalRegularizer,
    "OrthogonalRegularizer": OrthogonalRegularizer,
}  # fmt: skip


def get(identifier: Any) -> Callable[[Any], Any] | None:
    """The regularizer that ``identifier`` stands for: a name such as "l2", a function of a weight, a class of regularizers, or
    None.

    Raises ValueError for other things.
    """
    if isinstance(identifier, str) and identifier in _BY_NAME:
        return _BY_NAME[identifier]()
    if identifier is None or (callable(identifier) and not isinstance(identifier, str)):
        return identifier() if isinstance(identifier, type) else identifier
    close = get_close_matches(identifier, _BY_NAME, n=1) if isinstance(identifier, str) else []
    meant = f" Did you mean {close[0]!r}?" if close else ""
    raise ValueError(f"A regularizer is 'l1', 'l2', 'l1_l2' or a function of a weight, not {identifier!r}.{meant}")
