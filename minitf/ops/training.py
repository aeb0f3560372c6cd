"""The steps of optimizers: each updates a variable and its slots by TensorFlow's 1.x formula and gives the new value.

The first inputs are handles, the numbers and the gradient have the variable's dtype. Everything is computed before the first
write, so an error changes nothing.
"""

from typing import Any

import numpy as np

from minitf.core.op import Floating, Place, op
from minitf.core.spec import compatible, shape_text
from minitf.errors import DTypeError, ShapeError


def _step(*specs, **_: Any):
    """Shape rule of all steps: the gradient, last, is like the variable, first."""
    var, grad = specs[0], specs[-1]
    if grad.dtype is not var.dtype:
        raise DTypeError(f"The variable is {var.dtype.name}, but the gradient is {grad.dtype.name}.")
    if not compatible(var.shape, grad.shape):
        raise ShapeError(
            f"The variable has shape {shape_text(var.shape)}, but the gradient has shape {shape_text(grad.shape)}."
        )
    return var


def _old(cell, grad):
    value = cell.read()
    if value.dtype != grad.dtype or value.shape != grad.shape:
        cell.handle.check(grad, f"gradient of {cell.handle.name!r}")
        raise ShapeError(
            f"The gradient of variable {cell.handle.name!r} has shape {grad.shape}, but the value has shape {value.shape}."
        )
    return value


@op(stateful=True)
def apply_gradient_descent(var: Place, alpha: Floating, delta: Floating):
    """``var -= alpha * delta``"""
    with var.lock:
        old = _old(var, delta)
        new = _from(old, alpha * delta)
        var.write(new)
        return new


@op(stateful=True)
def apply_momentum(var: Place, accum: Place, lr: Floating, grad: Floating, momentum: Floating, *, use_nesterov=False):
    """``accum = momentum * accum + grad; var -= lr * accum``; Nesterov: ``var -= lr * (grad + momentum * accum)``."""
    with var.lock:
        old = _old(var, grad)
        new_accum = accum.read() * momentum
        new_accum += grad
        new = _from(old, lr * (grad + momentum * new_accum if use_nesterov else new_accum))
        accum.write(new_accum)
        var.write(new)
        return new


@op(stateful=True)
def apply_adagrad(var: Place, accum: Place, lr: Floating, grad: Floating):
    """``accum += grad ** 2; var -= lr * grad / sqrt(accum)``"""
    with var.lock:
        old = _old(var, grad)
        new_accum = grad * grad
        new_accum += accum.read()
        step = lr * grad
        step /= np.sqrt(new_accum)
        new = _from(old, step)
        accum.write(new_accum)
        var.write(new)
        return new


@op(stateful=True)
def apply_rms_prop(var: Place, ms: Place, mom: Place, lr: Floating, rho: Floating, momentum: Floating, epsilon: Floating,
                   grad: Floating):  # fmt: skip
    """``ms += (1 - rho) * (grad ** 2 - ms); mom = momentum * mom + lr * grad / sqrt(ms + epsilon); var -= mom``"""
    with var.lock:
        old = _old(var, grad)
        new_ms = _towards(ms.read(), grad * grad, _one(rho) - rho)
        new_mom = mom.read() * momentum
        new_mom += lr * grad / np.sqrt(new_ms + epsilon)
        new = old - new_mom
        ms.write(new_ms)
        mom.write(new_mom)
        var.write(new)
        return new


@op(stateful=True)
def apply_centered_rms_prop(var: Place, mg: Place, ms: Place, mom: Place, lr: Floating, rho: Floating, momentum: Floating,
                            epsilon: Floating, grad: Floating):  # fmt: skip
    """As ``apply_rms_prop``, with the variance: ``mg += (1 - rho) * (grad - mg)`` and ``sqrt(ms - mg ** 2 + epsilon)``."""
    with var.lock:
        old, old_mg = _old(var, grad), mg.read()
        new_ms = _towards(ms.read(), grad * grad, _one(rho) - rho)
        new_mg = old_mg + (grad - old_mg) * (_one(rho) - rho)
        new_mom = mom.read() * momentum
        new_mom += lr * grad / np.sqrt(new_ms - new_mg * new_mg + epsilon)
        new = old - new_mom
        mg.write(new_mg)
        ms.write(new_ms)
        mom.write(new_mom)
        var.write(new)
        return new


@op(stateful=True)
def apply_adam(var: Place, m: Place, v: Place, beta1_power: Floating, beta2_power: Floating, lr: Floating, beta1: Floating,
               beta2: Floating, epsilon: Floating, grad: Floating, *, use_nesterov=False):  # fmt: skip
    """``m += (1 - beta1) * (grad - m); v += (1 - beta2) * (grad ** 2 - v); var -= alpha * m / (sqrt(v) + epsilon)``

    with ``alpha = lr * sqrt(1 - beta2_power) / (1 - beta1_power)``; Nesterov: ``beta1 * m + (1 - beta1) * grad`` for the last
    m.
    """
    with var.lock:
        old, old_m = _old(var, grad), m.read()
        one = _one(lr)
        alpha = lr * np.sqrt(one - beta2_power) / (one - beta1_power)
        new_m = grad - old_m
        new_m *= one - beta1
        new_m += old_m
        new_v = _towards(v.read(), grad * grad, one - beta2)
        step = (grad * (one - beta1) + new_m * beta1 if use_nesterov else new_m) * alpha
        scale = np.sqrt(new_v)
        scale += epsilon
        step /= scale
        new = _from(old, step)
        m.write(new_m)
        v.write(new_v)
        var.write(new)
        return new


# A cell's array is never written into, but an array made here may be: these two end in the memory of their last temporary. They
# are also right for NumPy scalars (variables of rank 0), which an operator such as ``+=`` replaces.


def _from(old, step):
    """``old - step``, in the memory of ``step``."""
    return np.subtract(old, step, step) if type(step) is np.ndarray else old - step


def _towards(old, target, share):
    """``old + (target - old) * share``, in the memory of ``target``."""
    target -= old
    target *= share
    target += old
    return target


def _one(like):
    return like.dtype.type(1)


for _rule in (apply_gradient_descent, apply_adagrad, apply_rms_prop, apply_centered_rms_prop, apply_adam):
    _rule.infer(_step)


@apply_momentum.infer
def _(var, accum, lr, grad, momentum, *, use_nesterov=False):
    return _step(var, grad)
