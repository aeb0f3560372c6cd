"""``custom_gradient``: a function with a gradient of one's own."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from minitf.core.op import Mixed, convert, op
from minitf.core.structures import flatten, pack
from minitf.ops.creating import stop_gradient


@op
def with_gradient(*values: Mixed, count, rule):
    """The first ``count`` values; their gradient goes to the other values, by ``rule``."""
    return tuple(values[:count])


@with_gradient.infer
def _(*values, count, rule):
    return tuple(values[:count])


@with_gradient.vjp
def _(g, out, *values, count, rule):
    grads = flatten(rule(*g))
    if len(grads) != len(values) - count:
        raise ValueError(
            f"custom_gradient: the function has {len(values) - count} arguments, but its gradient gave {len(grads)} values. "
            f"Give one for each argument (None where there is no gradient)."
        )
    return (None,) * count + tuple(grads)


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Decorates a function that gives its result and the function for its gradient: ``return y, grad``.

    ``grad(*upstream)`` gets the gradient for each result and gives one for each positional argument. What ``f`` computes is not
    differentiated itself. Raises ValueError if the numbers do not agree.
    """

    @wraps(f)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        tensors = [convert(a) for a in args]
        result, grad = f(*tensors, **kwargs)
        leaves = [stop_gradient(y) for y in flatten(result)]
        out = with_gradient(*leaves, *tensors, count=len(leaves), rule=grad)
        return pack(result, list(out))

    return decorated


def grad_pass_through(f: Callable[..., Any]) -> Callable[..., Any]:
    """``f`` with the gradient of the identity: what comes to its results goes on to its arguments unchanged."""

    @custom_gradient
    def through(*args: Any) -> Any:
        return f(*args), lambda *upstream: upstream[0] if len(upstream) == 1 else upstream

    return through
