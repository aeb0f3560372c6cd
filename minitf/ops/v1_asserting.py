"""Assertions with the signatures of TensorFlow 1.x: ``data`` is shown with the message, and comes before it."""

from collections.abc import Callable, Sequence
from typing import Any

from minitf.core import runtime
from minitf.ops import asserting


def _of_pair(function: Callable[..., Any]) -> Any:
    def check(x: Any, y: Any, data: Sequence[Any] | None = None, summarize: int | None = None, message: str | None = None,
              name: str | None = None) -> Any:  # fmt: skip
        return function(x, y, message, summarize, name, data)

    return _described(check, function)


def _of_sign(function: Callable[..., Any]) -> Any:
    def check(x: Any, data: Sequence[Any] | None = None, summarize: int | None = None, message: str | None = None,
              name: str | None = None) -> Any:  # fmt: skip
        return function(x, message, summarize, name, data)

    return _described(check, function)


def _of_rank(function: Callable[..., Any]) -> Any:
    def check(x: Any, rank: Any, data: Sequence[Any] | None = None, summarize: int | None = None, message: str | None = None,
              name: str | None = None) -> Any:  # fmt: skip
        return function(x, rank, message, name, data, summarize)

    return _described(check, function)


def _described(check: Any, function: Any) -> Any:
    check.__name__ = check.__qualname__ = function.__name__
    check.__doc__ = f"{function.__doc__} (1.x: ``data`` are tensors to show as well.)"
    return check


assert_equal, assert_none_equal, assert_less, assert_less_equal, assert_greater, assert_greater_equal = map(
    _of_pair,
    (
        asserting.assert_equal, asserting.assert_none_equal, asserting.assert_less, asserting.assert_less_equal,
        asserting.assert_greater, asserting.assert_greater_equal,
    ),
)  # fmt: skip
assert_positive, assert_negative, assert_non_negative, assert_non_positive = map(
    _of_sign,
    (
        asserting.assert_positive, asserting.assert_negative, asserting.assert_non_negative, asserting.assert_non_positive,
    ),
)  # fmt: skip
assert_rank, assert_rank_at_least = map(_of_rank, (asserting.assert_rank, asserting.assert_rank_at_least))


def assert_rank_in(x: Any, ranks: Any, data: Sequence[Any] | None = None, summarize: int | None = None,
                   message: str | None = None, name: str | None = None) -> Any:  # fmt: skip
    """Raises ValueError unless the rank of ``x`` is one of them (1.x: ``data`` are tensors to show as well)."""
    return asserting.assert_rank_in(x, ranks, message, name, data, summarize)


def assert_near(x: Any, y: Any, rtol: Any = None, atol: Any = None, data: Sequence[Any] | None = None,
                summarize: int | None = None, message: str | None = None, name: str | None = None) -> Any:  # fmt: skip
    """Raises InvalidArgumentError unless ``|x - y| <= atol + rtol * |y|``, as in 2.x (1.x: ``data`` is shown as well)."""
    return asserting.assert_near(x, y, rtol, atol, message, summarize, name, data)


def assert_scalar(tensor: Any, name: str | None = None, message: str | None = None) -> Any:
    """The tensor. Raises ValueError if it is known not to have rank 0."""
    return asserting.assert_scalar(tensor, message, name)


def assert_type(tensor: Any, tf_type: Any, message: str | None = None, name: str | None = None) -> Any:
    """Raises TypeError unless the tensor has the dtype; in a graph an operation that does nothing."""
    asserting.assert_type(tensor, tf_type, message)
    return _nothing(name or "assert_type")


def assert_integer(x: Any, message: str | None = None, name: str | None = None) -> Any:
    """Raises TypeError unless the tensor is of integers; in a graph an operation that does nothing."""
    asserting.assert_integer(x, message)
    return _nothing(name or "assert_integer")


def _nothing(name: str) -> Any:
    home = runtime.current().home
    with home.name_scope(name):
        return home.group([], "statically_determined_correct_type")
