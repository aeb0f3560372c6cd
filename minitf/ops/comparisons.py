"""Comparisons, logic, and choosing by a condition."""

from typing import Any

import numpy as np

from minitf.core import dtypes
from minitf.core.op import Anything, Boolean, Integer, Real, convert, op
from minitf.core.operators import install_operator, method
from minitf.core.spec import Spec, broadcast_shapes
from minitf.core.tensor import EagerTensor, SymbolicTensor, Tensor
from minitf.errors import ShapeError
from minitf.ops.creating import zeros_like
from minitf.ops.kinds import Plain
from minitf.ops.shapes import settle, sum_to


def _verdict(x, y):
    return Spec(dtypes.bool, broadcast_shapes(x.shape, y.shape))


# -- comparisons -------------------------------------------------------------------------------------------------------


@op(expr="{0} == {1}", fresh=True)
def equal(x: Anything, y: Anything):
    """True where the elements are equal."""
    out = x == y
    return np.bool_(out) if x.ndim == y.ndim == 0 else out


@op(expr="{0} != {1}", fresh=True)
def not_equal(x: Anything, y: Anything):
    """True where the elements differ."""
    out = x != y
    return np.bool_(out) if x.ndim == y.ndim == 0 else out


@op(method="lt", expr="{0} < {1}", fresh=True)
def less(x: Real, y: Real):
    """True where ``x < y``."""
    return x < y


@op(method="le", expr="{0} <= {1}", fresh=True)
def less_equal(x: Real, y: Real):
    """True where ``x <= y``."""
    return x <= y


@op(method="gt", expr="{0} > {1}", fresh=True)
def greater(x: Real, y: Real):
    """True where ``x > y``."""
    return x > y


@op(method="ge", expr="{0} >= {1}", fresh=True)
def greater_equal(x: Real, y: Real):
    """True where ``x >= y``."""
    return x >= y


for _comparison in (equal, not_equal, less, less_equal, greater, greater_equal):
    _comparison.infer(_verdict)


def _elementwise_eq(x: Any, y: Any) -> Any:
    """``==`` of eager tensors: elementwise; False if the shapes do not go together, or against None."""
    if y is None:
        return False
    try:
        return equal(x, y)
    except ShapeError:
        return convert(False)


def _elementwise_ne(x: Any, y: Any) -> Any:
    """``!=`` of eager tensors: elementwise; True if the shapes do not go together, or against None."""
    if y is None:
        return True
    try:
        return not_equal(x, y)
    except ShapeError:
        return convert(True)


equal.method, not_equal.method = "eq", "ne"
install_operator(equal, _elementwise_eq)
install_operator(not_equal, _elementwise_ne)

# -- logic -------------------------------------------------------------------------------------------------------------


@op(expr="{0} & {1}")
def logical_and(x: Boolean, y: Boolean):
    """True where both are."""
    return x & y


@op(expr="{0} | {1}")
def logical_or(x: Boolean, y: Boolean):
    """True where one is."""
    return x | y


@op(expr="{0} ^ {1}")
def logical_xor(x: Boolean, y: Boolean):
    """True where exactly one is."""
    return x ^ y


@op(expr="~{0}")
def logical_not(x: Boolean):
    """True where ``x`` is False."""
    return ~x


@op(expr="{0} & {1}")
def bitwise_and(x: Integer, y: Integer):
    """The bits that both have."""
    return x & y


@op(expr="{0} | {1}")
def bitwise_or(x: Integer, y: Integer):
    """The bits that one has."""
    return x | y


@op(expr="{0} ^ {1}")
def bitwise_xor(x: Integer, y: Integer):
    """The bits that exactly one has."""
    return x ^ y


@op(expr="~{0}")
def invert(x: Integer):
    """All bits flipped."""
    return ~x


for _logic in (logical_and, logical_or, logical_xor, bitwise_and, bitwise_or, bitwise_xor):
    _logic.infer(lambda x, y: Spec(x.dtype, broadcast_shapes(x.shape, y.shape)))


def _either(on_bools: Any, on_integers: Any) -> Any:
    """An operator that is logic on bools and works on the bits of integers."""

    def operator(x: Any, y: Any) -> Any:
        of = x if hasattr(x, "dtype") else y
        return (on_bools if of.dtype == dtypes.bool else on_integers)(x, y)

    return operator


for _name, _bools, _integers in (
    ("and", logical_and, bitwise_and),
    ("or", logical_or, bitwise_or),
    ("xor", logical_xor, bitwise_xor),
):
    _both = _either(_bools, _integers)
    method(f"__{_name}__")(_both)
    method(f"__r{_name}__")(lambda self, other, both=_both: both(other, self))


@method("__invert__")
def _(self: Tensor) -> Any:
    return (logical_not if self.dtype is dtypes.bool else invert)(self)


# -- choosing ----------------------------------------------------------------------------------------------------------


@op(name="where")
def select(condition: Boolean, x: Anything, y: Anything):
    """``x`` where the condition holds, else ``y``."""
    return settle(np.where(condition, x, y))


@select.infer
def _(condition, x, y):
    return Spec(x.dtype, broadcast_shapes(condition.shape, x.shape, y.shape))


@select.vjp
def _(g, out, condition, x, y):
    nothing = zeros_like(g)
    return None, sum_to(select(condition, g, nothing), x), sum_to(select(condition, nothing, g), y)


@op(name="where_true")
def _where_true(condition: Plain):
    """The indices of elements that are not zero."""
    if condition.ndim == 0:
        raise ShapeError(_NO_INDEX)
    return np.argwhere(condition).astype(np.int64)


_NO_INDEX = "A scalar has no indices. Give where a tensor of rank 1 or more, or x and y to choose from."


@_where_true.infer
def _(condition):
    if condition.rank == 0:
        raise ShapeError(_NO_INDEX)
    return Spec(dtypes.int64, (None, condition.rank))


@_where_true.samples
def _(draw):
    return (draw(Boolean, shape=draw.shape(least=1)),), {}


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Any:
    """``x`` where the condition holds, else ``y``, broadcast; without them the indices (int64, one row each) of true
    elements.
    """
    if x is None and y is None:
        return _where_true(condition, name=name)
    if x is None or y is None:
        raise ValueError("where: give both x and y, or neither.")
    return select(condition, x, y, name=name)


def is_tensor(x: Any) -> bool:
    """True for tensors and variables."""
    return isinstance(x, (EagerTensor, SymbolicTensor)) or hasattr(x, "_as_tensor")
