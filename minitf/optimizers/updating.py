"""What an optimizer does to its variables in one step, laid out once for many steps: rules, and the updates that they make."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from minitf.core import dtypes
from minitf.core.op import Op
from minitf.core.state import Handle
from minitf.objects.variable import Variable
from minitf.ops.together import Updates

_TRAINED = frozenset({dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64})


class Rule(NamedTuple):
    """An op of ``minitf.ops`` that updates a variable, and what it gets besides variable and gradient: slots and numbers, by
    name.
    """

    op: Op
    slots: tuple[str, ...]
    numbers: tuple[str, ...]
    attrs: dict[str, Any] = {}


def laid_out(
    rule: Rule, trained: list[Any], slot: Callable[[Any, str], Handle], before: list[tuple[Updates, slice]]
) -> list[tuple[Updates, slice]]:
    """The updates of the variables ``trained``, each with the stretch of the list that it is for.

    ``slot`` gives the handle of a variable's slot by name. ``before``: what there is already; it is given again if it is the
    same.
    """
    runs = _runs(trained)
    rows = [[[v.handle, *[slot(v, s) for s in rule.slots]] for v in trained[run]] for run in runs]
    same = all(updates.rule is rule.op and updates.attrs == rule.attrs for updates, _ in before)
    if same and rows == [updates.rows for updates, _ in before]:
        return before
    return [(Updates(rule.op, part, rule.attrs), run) for part, run in zip(rows, runs, strict=True)]


def _runs(variables: list[Any]) -> list[slice]:
    """Stretches of the list that have one dtype and no variable twice."""
    out, begin = [], 0
    for i in range(1, len(variables) + 1):
        seen = {v.handle for v in variables[begin:i]}
        if i == len(variables) or variables[i].dtype is not variables[begin].dtype or variables[i].handle in seen:
            out.append(slice(begin, i))
            begin = i
    return out


def only_variables(given: list[Any]) -> list[Any]:
    """The list. Raises TypeError for anything in it that is no variable."""
    for v in given:
        if not isinstance(v, Variable):
            raise TypeError(f"Optimizers train variables, not {v!r}. Pass tf.Variable objects.")
    return given


def check_dtypes(things: Sequence[Any]) -> None:
    """Raises ValueError for a loss, gradient or variable whose dtype cannot be trained."""
    for t in things:
        if t.dtype not in _TRAINED:
            raise ValueError(
                f"Invalid type {t.dtype.name} of {t.name}: losses, gradients and trained variables must be float16, bfloat16, "
                f"float32 or float64. Cast the loss, or make integer variables with trainable=False."
            )
