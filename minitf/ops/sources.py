"""Ops that a graph begins with: constants, placeholders, variables, and operations that only order others."""

from typing import Any

from minitf.core.dtypes import of_numpy
from minitf.core.op import Anything, op
from minitf.core.spec import Spec
from minitf.errors import InvalidArgumentError


@op
def const(*, value):
    """A constant tensor. ``value`` is an array that the graph owns; nobody writes to it."""
    return value


@const.infer
def _(*, value: Any) -> Spec:
    return Spec(of_numpy(value.dtype), value.shape)


@op(stateful=True)
def placeholder(*, dtype, shape):
    """A tensor that must be fed when a session runs."""
    raise InvalidArgumentError(
        None, None, f"A placeholder ({dtype.name}, shape {shape}) was not fed. Pass its value in feed_dict."
    )


@placeholder.infer
def _(*, dtype: Any, shape: Any) -> Spec:
    return Spec(dtype, shape)


@op
def placeholder_with_default(input: Anything, *, shape):
    """A tensor that may be fed; otherwise it is ``input``."""
    return input


@placeholder_with_default.infer
def _(input: Spec, *, shape: Any) -> Spec:
    return Spec(input.dtype, shape)


@placeholder_with_default.vjp
def _(g: Any, out: Any, input: Any, *, shape: Any) -> Any:
    return (g,)


@op(stateful=True)
def no_op():
    """Does nothing; its control inputs do."""
    return ()


@no_op.infer
def _() -> tuple[Spec, ...]:
    return ()


@op
def variable(*, handle):
    """Stands for a variable in the graph. Other operations take its handle as input; it computes nothing."""
    return ()


@variable.infer
def _(*, handle: Any) -> tuple[Spec, ...]:
    return ()
