"""Variables made through an object: ``add_variable`` makes a variable and an edge to it in one step.

This is how a value that waits in a checkpoint can be the new variable's first value (eager mode), so that its
initialiser never runs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from minitf.core import dtypes
from minitf.core.spec import as_shape
from minitf.objects.edges import preloaded, tracking
from minitf.objects.trackable import Tracked, track
from minitf.objects.variable import Variable


def add_variable(
    obj: Any, name: str, shape: Any = None, dtype: Any = dtypes.float32, initializer: Any = None, trainable: bool = True
) -> Any:
    """Makes a variable that ``obj`` depends on under ``name``. It sets no attribute.

    ``initializer`` is a function ``(shape, dtype=...)``, a class whose instances are such functions, or a value (then without
    ``shape``). Without one, floats are Glorot-uniform and other dtypes zero. If a restore waits for the name, the
    stored value is used (eager mode: dtype must agree, shape and initialiser are ignored; S68-S71).

    Raises ValueError if the name is already declared as a dependency, or if both a shape and a value are given.
    """
    return add_variable_with_getter(obj, name, shape, dtype, initializer, getter=_make_variable, trainable=trainable)


def add_variable_with_getter(
    obj: Any, name: str, shape: Any = None, dtype: Any = dtypes.float32, initializer: Any = None,
    getter: Callable[..., Any] | None = None, overwrite: bool = False, **kwargs: Any,
) -> Any:  # fmt: skip
    """``add_variable`` with a maker of your own: ``getter(name=, shape=, dtype=, initializer=, **kwargs)``.

    While a stored value waits for the name, ``initializer`` is a function that gives it, with the attributes
    ``waiting`` (to be passed on to ``Variable(..., waiting=...)``) and ``uid``. What the getter returns is tracked if
    it is trackable. Raises ValueError if the name is already declared as a dependency and ``overwrite`` is False.
    """
    if not isinstance(obj, Tracked):
        raise TypeError(
            f"add_variable(..., name={name!r}): {type(obj).__name__} is not trackable. Derive it from minitf.train.Trackable."
        )
    if not overwrite and obj._children().get(name) is not None:
        raise ValueError(
            f"add_variable(..., name={name!r}): the name is already declared as a dependency of this {type(obj).__name__}. "
            "Names of variables must be unique within an object; pass overwrite=True to add_variable_with_getter to replace "
            "it."
        )
    waiting = preloaded(obj, name)
    if waiting is not None:
        initializer = StoredInitializer(waiting, initializer)
    variable = (getter or _make_variable)(name=name, shape=shape, dtype=dtype, initializer=initializer, **kwargs)
    if not isinstance(variable, Tracked):
        return variable
    if waiting is not None and waiting.used:
        tracking(variable).update_uid = waiting.uid
    return track(obj, variable, name, overwrite=overwrite)


class StoredInitializer:
    """An initialiser that gives the value stored in a checkpoint. ``otherwise`` is the caller's own."""

    __slots__ = ("otherwise", "waiting")

    def __init__(self, waiting: Any, otherwise: Any):
        self.waiting = waiting
        self.otherwise = otherwise

    def __call__(self, shape: Any = None, dtype: Any = None, **_: Any) -> Any:
        """The stored array, whatever shape is asked for."""
        return self.waiting()


def _make_variable(name: str, shape: Any, dtype: Any, initializer: Any, **kwargs: Any) -> Any:
    waiting = None
    if isinstance(initializer, StoredInitializer):
        waiting, initializer = initializer.waiting, initializer.otherwise
    dtype = dtypes.as_dtype(dtype)
    if initializer is not None and not callable(initializer):
        if shape is not None:
            raise ValueError(
                f"add_variable(..., name={name!r}): if the initializer is a constant, do not specify shape (here {shape!r}): "
                f"the variable takes the constant's shape."
            )
        return Variable(initializer, name=name, dtype=dtype, waiting=waiting, **kwargs)
    sizes = as_shape(shape)
    if isinstance(initializer, type):
        initializer = initializer()
    make = initializer or default_initializer

    def initial_value() -> Any:
        if sizes is None or None in sizes:
            raise ValueError(
                f"add_variable(..., name={name!r}): the shape {shape!r} must be fully known, because an initializer fills it. "
                "Give the shape, or a value as initializer."
            )
        return make([s for s in sizes if s is not None], dtype=dtype)

    return Variable(initial_value, name=name, dtype=dtype, waiting=waiting, **kwargs)


def default_initializer(shape: list[int], dtype: Any, full_shape: list[int] | None = None) -> Any:
    """TensorFlow's: Glorot-uniform for floats, False for booleans, zeros for other numbers.

    ``full_shape``: of the whole, if a piece of it is initialised; inputs and outputs are counted in that. Raises ValueError for
    strings.
    """
    from minitf.ops import creating, random

    dtype = dtypes.as_dtype(dtype)
    if dtype.is_floating:
        rows, columns = _fans(full_shape or shape)
        limit = math.sqrt(6.0 / max(1.0, rows + columns))
        return random.uniform(shape, -limit, limit, dtype)
    if dtype is dtypes.string:
        raise ValueError("A string variable needs an initializer: there is no default text.")
    return creating.zeros(shape, dtype)


def _fans(shape: list[int]) -> tuple[float, float]:
    if len(shape) < 2:
        size = float(shape[0]) if shape else 1.0
        return size, size
    receptive = math.prod(shape[:-2])
    return float(receptive * shape[-2]), float(receptive * shape[-1])
