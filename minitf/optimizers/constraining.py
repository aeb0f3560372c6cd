"""Constraints of variables, which hold again after each step of an optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minitf.runtimes.building import control_dependencies


def constrain(variables: Sequence[Any], updates: Sequence[Any]) -> list[Any]:
    """Makes variables keep their constraints after ``updates``; gives the operations that do (nothing in eager mode)."""
    with control_dependencies([u for u in updates if u is not None]):
        return [v.assign(v.constraint(v.read_value()), read_value=False) for v in variables]


def with_constraint(variables: Sequence[Any]) -> list[Any]:
    """Those of the variables that have a constraint."""
    return [v for v in variables if v.constraint is not None]
