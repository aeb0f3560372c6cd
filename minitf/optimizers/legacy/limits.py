"""Limits of gradients: for their elements, for the norm of each, for the norm of all together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minitf.ops.extremes import clip_by_value
from minitf.ops.norms import clip_by_global_norm, clip_by_norm


def limit(name: str, text: str) -> property:
    """An attribute for a limit, kept in the ``_limits`` of an optimizer. With ``gradient_transformers`` there can be none."""

    def get(self: Any) -> float | None:
        found: float | None = self._limits.get(name)
        return found

    def set_(self: Any, value: float | None) -> None:
        if value is not None and self.gradient_transformers:
            raise ValueError(
                f"`{name}` cannot be set when `gradient_transformers` are set. Clip in one of the transformers instead."
            )
        self._limits[name] = value

    return property(get, set_, doc=text)


def limited(gradients: list[Any], limits: Mapping[str, float | None]) -> list[Any]:
    """What limits, by the names of their attributes, make of gradients."""
    value, norm, together = map(limits.get, ("clipvalue", "clipnorm", "global_clipnorm"))
    if value is not None:
        gradients = [clip_by_value(g, -value, value) for g in gradients]
    if norm is not None:
        gradients = [clip_by_norm(g, norm) for g in gradients]
    if together is not None:
        gradients = clip_by_global_norm(gradients, together)[0]
    return gradients
