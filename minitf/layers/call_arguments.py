"""Which arguments a layer's ``call`` takes besides its inputs: ``training`` and ``mask`` are given to those that do."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any


def training_argument(layer: Any) -> tuple[int | None, Any]:
    """Place (counted without self) and default of the argument ``training`` of a layer's ``call``; None if it has none."""
    place, default = _argument(type(layer).call, "training")
    return place, False if default is None else default


def mask_argument(layer: Any) -> int | None:
    """The place (counted without self) of the argument ``mask`` of a layer's ``call``; None if it has none."""
    return _argument(type(layer).call, "mask")[0]


@cache
def _argument(call: Callable[..., Any], name: str) -> tuple[int | None, Any]:
    parameters = list(inspect.signature(call).parameters.values())[1:]
    for place, parameter in enumerate(parameters):
        if parameter.name == name:
            return place, None if parameter.default is parameter.empty else parameter.default
    return None, None


def constructor_arguments(cls: type, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a constructor by name, those of ``**kwargs`` among them; none if they do not fit."""
    signature = inspect.signature(cls.__init__)  # type: ignore[misc]
    try:
        bound = signature.bind(None, *args, **kwargs)
    except TypeError:  # the constructor will say what is wrong
        return {}
    given = dict(list(bound.arguments.items())[1:])
    for name, parameter in signature.parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            given.update(given.pop(name, {}))
    return given
