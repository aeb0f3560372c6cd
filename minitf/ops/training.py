"""The steps of optimizers: each updates a variable and its slots by TensorFlow's 1.x formula and gives the new value.

The first inputs are cells, the numbers and the gradient have the variable's dtype. A *formula* makes new arrays of the old
ones; the kernel computes everything and then writes, so an error changes nothing. A formula works element by element, so it may
also run once on the arrays of many variables laid end to end (``minitf.ops.together``).
"""

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from minitf.core.op import Floating, Op, Place, op
from minitf.core.spec import compatible, shape_text
from minitf.errors import DTypeError, ShapeError
from minitf.ops.together import RULES, Rule


def formula_op(formula: Callable[..., Any]) -> Callable[..., Op]:
    """Declares the op of a formula from a function that has the op's inputs and text. The gradient is "grad" or "delta".

    ``formula(new, *old, *rest, **attrs)`` gives the new arrays of the variable and its slots. It gets their old arrays and the
    other inputs, and writes into none of these; ``new`` holds arrays for its results, or None where it has to make them.
    """

    def declare(block: Callable[..., Any]) -> Op:
        made: Op = op(stateful=True)(block)
        at = made.inputs.index("delta" if "delta" in made.inputs else "grad")
        rule = RULES[made.name] = Rule(formula, made.kinds.count(Place), at)
        made.kernel = _stepping(rule)

        @made.infer
        def _(*specs: Any, **_: Any) -> Any:
            return _like_the_gradient(specs[0], specs[at])

        return made

    return declare


def _stepping(rule: Rule) -> Callable[..., Any]:
    formula, count, at = rule
    nowhere = (None,) * count

    def kernel(*inputs: Any, **attrs: Any) -> Any:
        cells = inputs[:count]
        with inputs[0].lock:
            _check(inputs[0], inputs[at])
            new = formula(nowhere, *[cell.read() for cell in cells], *inputs[count:], **attrs)
            for cell, value in zip(reversed(cells), reversed(new), strict=True):
                cell.write(value)
            return new[0]

    return kernel


def _check(cell, grad):
    value = cell.read()
    if value.dtype != grad.dtype or value.shape != grad.shape:
        cell.check(grad, f"gradient of {cell.name!r}")
        raise ShapeError(
            f"The gradient of variable {cell.name!r} has shape {grad.shape}, but the value has shape {value.shape}."
        )


def _like_the_gradient(var, grad):
    if grad.dtype is not var.dtype:
        raise DTypeError(f"The variable is {var.dtype.name}, but the gradient is {grad.dtype.name}.")
    if not compatible(var.shape, grad.shape):
        raise ShapeError(
            f"The variable has shape {shape_text(var.shape)}, but the gradient has shape {shape_text(grad.shape)}."
        )
    return var


# -- formulas --------------------------------------------------------------------------------------------------------------

# ``+=`` and its like write into arrays made here and are right for NumPy scalars (variables of rank 0) too, which they replace.


def _gradient_descent(new, var, alpha, delta):
    return (less(var, np.multiply(delta, alpha, new[0])),)


def _momentum(new, var, accum, lr, grad, momentum, *, use_nesterov=False):
    new_accum = np.multiply(accum, momentum, new[1])
    new_accum += grad
    moved = grad + momentum * new_accum if use_nesterov else new_accum
    return less(var, np.multiply(moved, lr, new[0])), new_accum


def _adagrad(new, var, accum, lr, grad):
    new_accum = np.multiply(grad, grad, new[1])
    new_accum += accum
    step = np.multiply(grad, lr, new[0])
    step /= np.sqrt(new_accum)
    return less(var, step), new_accum


def _rms_prop(new, var, ms, mom, lr, rho, momentum, epsilon, grad):
    new_ms = towards(ms, np.multiply(grad, grad, new[1]), one_of(rho.dtype) - rho)
    new_mom = np.multiply(mom, momentum, new[2])
    new_mom += lr * grad / np.sqrt(new_ms + epsilon)
    return np.subtract(var, new_mom, new[0]), new_ms, new_mom


def _centered_rms_prop(new, var, mg, ms, mom, lr, rho, momentum, epsilon, grad):
    new_ms = towards(ms, np.multiply(grad, grad, new[2]), one_of(rho.dtype) - rho)
    new_mg = np.subtract(grad, mg, new[1])
    new_mg *= one_of(rho.dtype) - rho
    new_mg += mg
    new_mom = np.multiply(mom, momentum, new[3])
    new_mom += lr * grad / np.sqrt(new_ms - new_mg * new_mg + epsilon)
    return np.subtract(var, new_mom, new[0]), new_mg, new_ms, new_mom


def _adam(new, var, m, v, beta1_power, beta2_power, lr, beta1, beta2, epsilon, grad, *, use_nesterov=False):
    one = one_of(lr.dtype)
    alpha = lr * root(one - beta2_power) / (one - beta1_power)
    new_m = np.subtract(grad, m, new[1])
    new_m *= one - beta1
    new_m += m
    new_v = towards(v, np.multiply(grad, grad, new[2]), one - beta2)
    mean = grad * (one - beta1) + new_m * beta1 if use_nesterov else new_m
    step = np.multiply(mean, alpha, new[0])
    scale = np.sqrt(new_v)
    scale += epsilon
    step /= scale
    return less(var, step), new_m, new_v


def _adadelta(new, var, accum, accum_update, lr, rho, epsilon, grad):
    one = one_of(rho.dtype)
    new_accum = np.multiply(accum, rho, new[1])
    new_accum += grad * grad * (one - rho)
    step = np.sqrt(accum_update + epsilon) / np.sqrt(new_accum + epsilon) * grad
    new_update = np.multiply(accum_update, rho, new[2])
    new_update += step * step * (one - rho)
    return np.subtract(var, step * lr, new[0]), new_accum, new_update


def _ftrl(new, var, accum, linear, grad, lr, l1, l2, l2_shrinkage, lr_power):
    one = one_of(lr.dtype)
    two = one + one
    new_accum = np.multiply(grad, grad, new[1])
    new_accum += accum
    before, after = _power(accum, -lr_power), _power(new_accum, -lr_power)
    new_linear = np.add(linear, grad + two * l2_shrinkage * var, new[2])
    new_linear -= (after - before) / lr * var
    best = (np.sign(new_linear) * l1 - new_linear) / (after / lr + two * l2)
    return np.multiply(np.where(np.abs(new_linear) > l1, best, one - one), one, new[0]), new_accum, new_linear


def _proximal_gradient_descent(new, var, alpha, l1, l2, delta):
    return (_proximal(var - delta * alpha, alpha, l1, l2, new[0]),)


def _proximal_adagrad(new, var, accum, lr, l1, l2, grad):
    new_accum = np.multiply(grad, grad, new[1])
    new_accum += accum
    rate = lr / np.sqrt(new_accum)
    return _proximal(var - grad * rate, rate, l1, l2, new[0]), new_accum


def _proximal(moved, rate, l1, l2, out):
    """Where the penalties ``l1 * |x|`` and ``l2 * x ** 2 / 2`` draw what was moved by a step of this rate."""
    one = one_of(l2.dtype)
    if l1 > 0:
        moved = np.sign(moved) * np.maximum(np.abs(moved) - rate * l1, one - one)
    return np.divide(moved, one + rate * l2, out)


def _power(x, exponent):
    return np.sqrt(x) if exponent == 0.5 else x**exponent


def less(old, step):
    """``old - step``, in the memory of ``step``."""
    return np.subtract(old, step, step) if type(step) is np.ndarray else old - step


def towards(old, target, share):
    """``old + (target - old) * share``, in the memory of ``target``."""
    target -= old
    target *= share
    target += old
    return target


def root(x):
    """The square root. For a scalar Python's is quicker, and as a double's root it rounds to that of a narrower float."""
    return one_of(x.dtype) * math.sqrt(x) if isinstance(x, np.floating) and x >= 0 else np.sqrt(x)


@cache
def one_of(dtype):
    """The 1 of a NumPy dtype, made once."""
    return dtype.type(1)


# -- ops -------------------------------------------------------------------------------------------------------------------


@formula_op(_gradient_descent)
def apply_gradient_descent(var: Place, alpha: Floating, delta: Floating):
    """``var -= alpha * delta``"""


@formula_op(_momentum)
def apply_momentum(var: Place, accum: Place, lr: Floating, grad: Floating, momentum: Floating, *, use_nesterov=False):
    """``accum = momentum * accum + grad; var -= lr * accum``; Nesterov: ``var -= lr * (grad + momentum * accum)``."""


@formula_op(_adagrad)
def apply_adagrad(var: Place, accum: Place, lr: Floating, grad: Floating):
    """``accum += grad ** 2; var -= lr * grad / sqrt(accum)``"""


@formula_op(_rms_prop)
def apply_rms_prop(var: Place, ms: Place, mom: Place, lr: Floating, rho: Floating, momentum: Floating, epsilon: Floating,
                   grad: Floating):  # fmt: skip
    """``ms += (1 - rho) * (grad ** 2 - ms); mom = momentum * mom + lr * grad / sqrt(ms + epsilon); var -= mom``"""


@formula_op(_centered_rms_prop)
def apply_centered_rms_prop(var: Place, mg: Place, ms: Place, mom: Place, lr: Floating, rho: Floating, momentum: Floating,
                            epsilon: Floating, grad: Floating):  # fmt: skip
    """As ``apply_rms_prop``, with the variance: ``mg += (1 - rho) * (grad - mg)`` and ``sqrt(ms - mg ** 2 + epsilon)``."""


@formula_op(_adam)
def apply_adam(var: Place, m: Place, v: Place, beta1_power: Floating, beta2_power: Floating, lr: Floating, beta1: Floating,
               beta2: Floating, epsilon: Floating, grad: Floating, *, use_nesterov=False):  # fmt: skip
    """``m += (1 - beta1) * (grad - m); v += (1 - beta2) * (grad ** 2 - v); var -= alpha * m / (sqrt(v) + epsilon)``

    with ``alpha = lr * sqrt(1 - beta2_power) / (1 - beta1_power)``; Nesterov: ``beta1 * m + (1 - beta1) * grad`` for the last
    m.
    """


@formula_op(_adadelta)
def apply_adadelta(var: Place, accum: Place, accum_update: Place, lr: Floating, rho: Floating, epsilon: Floating,
                   grad: Floating):  # fmt: skip
    """``accum = rho * accum + (1 - rho) * grad ** 2; step = grad * sqrt(accum_update + epsilon) / sqrt(accum + epsilon)``

    ``accum_update = rho * accum_update + (1 - rho) * step ** 2; var -= lr * step``
    """


@formula_op(_ftrl)
def apply_ftrl(var: Place, accum: Place, linear: Place, grad: Floating, lr: Floating, l1: Floating, l2: Floating,
               l2_shrinkage: Floating, lr_power: Floating):  # fmt: skip
    """``linear += grad + 2 * l2_shrinkage * var - (new ** -lr_power - accum ** -lr_power) / lr * var; accum = new``

    with ``new = accum + grad ** 2``; then ``var = (sign(linear) * l1 - linear) / (new ** -lr_power / lr + 2 * l2)``, or 0 where
    ``|linear| <= l1``.
    """


@formula_op(_proximal_gradient_descent)
def apply_proximal_gradient_descent(var: Place, alpha: Floating, l1: Floating, l2: Floating, delta: Floating):
    """``moved = var - alpha * delta; var = sign(moved) * max(|moved| - alpha * l1, 0) / (1 + alpha * l2)``"""


@formula_op(_proximal_adagrad)
def apply_proximal_adagrad(var: Place, accum: Place, lr: Floating, l1: Floating, l2: Floating, grad: Floating):
    """``accum += grad ** 2``; then as ``apply_proximal_gradient_descent``, with ``lr / sqrt(accum)`` for ``alpha``."""
