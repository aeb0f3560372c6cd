"""Functions between layers, by name."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from minitf.core.op import convert
from minitf.ops.activations import elu, leaky_relu, relu6, selu, softplus, softsign, swish
from minitf.ops.activations import gelu as gelu
from minitf.ops.activations import relu as _relu
from minitf.ops.activations import softmax as softmax
from minitf.ops.comparisons import select
from minitf.ops.creating import zeros_like
from minitf.ops.elementwise import exp, sigmoid, tanh
from minitf.ops.extremes import maximum, minimum


def linear(x: Any) -> Any:
    """``x``"""
    return x


def relu(x: Any, alpha: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """``x`` above ``threshold``, else ``alpha * (x - threshold)``; never more than ``max_value``."""
    x = convert(x)
    if threshold == 0.0:
        out = _relu(x) if alpha == 0.0 else leaky_relu(x, alpha)
    else:
        out = select(x > threshold, x, (x - threshold) * alpha if alpha else zeros_like(x))
    return out if max_value is None else minimum(out, max_value)


def exponential(x: Any) -> Any:
    """``e ** x``"""
    return exp(x)


def hard_sigmoid(x: Any) -> Any:
    """A sigmoid in three pieces: ``0.2 * x + 0.5`` between 0 and 1."""
    return minimum(maximum(convert(x) * 0.2 + 0.5, 0.0), 1.0)


def mish(x: Any) -> Any:
    """``x * tanh(softplus(x))`` (Misra, 2020)"""
    x = convert(x)
    return x * tanh(softplus(x))


silu = swish
_BY_NAME: dict[str, Callable[..., Any]] = {
    "linear": linear, "relu": relu, "relu6": relu6, "leaky_relu": leaky_relu, "elu": elu, "selu": selu, "gelu": gelu,
    "softplus": softplus, "softsign": softsign, "swish": swish, "silu": swish, "sigmoid": sigmoid, "hard_sigmoid": hard_sigmoid,
    "mish": mish, "tanh": tanh, "exponential": exponential, "softmax": softmax,
}  # fmt: skip


def get(identifier: Any) -> Callable[..., Any]:
    """The function that ``identifier`` stands for: a name such as "relu", a function, or None (linear).

    Raises ValueError for other things.
    """
    if identifier is None:
        return linear
    if isinstance(identifier, str):
        if identifier in _BY_NAME:
            return _BY_NAME[identifier]
        close = get_close_matches(identifier, _BY_NAME, n=1)
        raise ValueError(f"Unknown activation {identifier!r}.{f' Did you mean {close[0]!r}?' if close else ''}")
    if callable(identifier):
        return identifier  # type: ignore[no-any-return]
    raise ValueError(f"An activation is a name or a function, not {identifier!r}.")
