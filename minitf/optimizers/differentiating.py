"""Gradients of a loss as Keras' optimizers ask for them."""

from __future__ import annotations

from typing import Any

from minitf.autodiff import GradientTape
from minitf.core.op import convert
from minitf.core.structures import flatten


def gradients_and_variables(loss: Any, var_list: Any, tape: Any = None, grad_loss: Any = None) -> list[tuple[Any, Any]]:
    """(gradient, variable) pairs; the gradient is None where the loss does not depend on the variable.

    ``loss``: a function without arguments, or a tensor with the ``tape`` that recorded it. ``var_list``: variables, or a
    function that gives them once the loss has been computed. ``grad_loss``: the gradient to start from instead of ones.

    Raises ValueError for a tensor without a tape.
    """
    if not callable(loss) and tape is None:
        raise ValueError("minimize: `tape` is required when the loss is a tensor. Or pass a function that computes the loss.")
    if callable(loss):
        with tape or GradientTape() as tape:
            if not callable(var_list):
                tape.watch(flatten(var_list))
            loss = loss()
    variables = flatten(var_list() if callable(var_list) else var_list)
    start = None if grad_loss is None else convert(grad_loss)
    return list(zip(tape.gradient(loss, variables, start), variables, strict=True))
