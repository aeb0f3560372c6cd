"""The steps of Keras' optimizers that TensorFlow 1.x does not have, in the manner of ``minitf.ops.training``.

Those for which TensorFlow has no op of its own (RMSprop without momentum, Nadam) compute what Keras' formulas do, in their
order.
"""

import numpy as np

from minitf.core.op import Floating, Place
from minitf.ops.training import formula_op, less, one_of, root

# -- formulas --------------------------------------------------------------------------------------------------------------


def _keras_momentum(new, var, accum, lr, grad, momentum, *, use_nesterov=False):
    step = np.multiply(grad, lr, new[0])
    new_accum = np.multiply(accum, momentum, new[1])
    new_accum -= step
    moved = new_accum * momentum - step if use_nesterov else new_accum
    return np.add(var, moved, new[0]), new_accum


def _adagrad_v2(new, var, accum, lr, epsilon, grad):
    new_accum = np.multiply(grad, grad, new[1])
    new_accum += accum
    step = np.multiply(grad, lr, new[0])
    step /= np.sqrt(new_accum) + epsilon
    return less(var, step), new_accum


def _ada_max(new, var, m, v, beta1_power, lr, beta1, beta2, epsilon, grad):
    one = one_of(lr.dtype)
    new_m = _closer(m, grad, one - beta1, new[1])
    new_v = _larger(v * beta2, np.abs(grad), new[2])
    step = np.divide(new_m, new_v + epsilon, new[0])
    step *= lr / (one - beta1_power)
    return less(var, step), new_m, new_v


def _adam_with_amsgrad(new, var, m, v, vhat, beta1_power, beta2_power, lr, beta1, beta2, epsilon, grad):
    one = one_of(lr.dtype)
    alpha = lr * root(one - beta2_power) / (one - beta1_power)
    new_m = _closer(m, grad, one - beta1, new[1])
    new_v = _closer(v, grad * grad, one - beta2, new[2])
    new_vhat = _larger(vhat, new_v, new[3])
    step = np.multiply(new_m, alpha, new[0])
    step /= np.sqrt(new_vhat) + epsilon
    return less(var, step), new_m, new_v, new_vhat


def _keras_adam(new, var, m, v, alpha, share, share_of_squares, epsilon, grad):
    new_m = _closer(m, grad, share, new[1])
    new_v = _closer(v, grad * grad, share_of_squares, new[2])
    step = np.multiply(new_m, alpha, new[0])
    step /= np.sqrt(new_v) + epsilon
    return less(var, step), new_m, new_v


def _plain_rms_prop(new, var, ms, lr, rho, epsilon, grad):
    new_ms = _mean(rho, ms, grad * grad, new[1])
    step = np.multiply(grad, lr, new[0])
    step /= np.sqrt(new_ms) + epsilon
    return less(var, step), new_ms


def _plain_centered_rms_prop(new, var, ms, mg, lr, rho, epsilon, grad):
    new_ms = _mean(rho, ms, grad * grad, new[1])
    new_mg = _mean(rho, mg, grad, new[2])
    step = np.multiply(grad, lr, new[0])
    step /= np.sqrt(new_ms - new_mg * new_mg) + epsilon
    return less(var, step), new_ms, new_mg


def _nadam(new, var, m, v, lr, beta1, beta2, epsilon, momentum, next_momentum, product, next_product, beta2_power, grad):
    one = one_of(lr.dtype)
    new_m = _mean(beta1, m, grad, new[1])
    new_v = _mean(beta2, v, grad * grad, new[2])
    ahead = grad / (one - product) * (one - momentum)
    ahead += new_m / (one - next_product) * next_momentum
    step = np.multiply(ahead, lr, new[0])
    step /= np.sqrt(new_v / (one - beta2_power)) + epsilon
    return less(var, step), new_m, new_v


def _mean(share, old, value, out):
    """``share * old + (1 - share) * value``"""
    mean = np.multiply(old, share, out)
    mean += value * (one_of(share.dtype) - share)
    return mean


def _closer(old, value, share, out):
    """``old + (value - old) * share``"""
    mean = np.subtract(value, old, out)
    mean *= share
    mean += old
    return mean


def _larger(old, value, out):
    """``value`` where it is larger, else ``old``: also where ``value`` is not a number, as in TensorFlow's kernels."""
    return np.multiply(np.where(value > old, value, old), one_of(old.dtype), out)


# -- ops -------------------------------------------------------------------------------------------------------------------


@formula_op(_keras_momentum)
def apply_keras_momentum(var: Place, accum: Place, lr: Floating, grad: Floating, momentum: Floating, *, use_nesterov=False):
    """``accum = momentum * accum - lr * grad; var += accum``; Nesterov: ``var += momentum * accum - lr * grad``."""


@formula_op(_adagrad_v2)
def apply_adagrad_v2(var: Place, accum: Place, lr: Floating, epsilon: Floating, grad: Floating):
    """``accum += grad ** 2; var -= lr * grad / (sqrt(accum) + epsilon)``"""


@formula_op(_ada_max)
def apply_ada_max(var: Place, m: Place, v: Place, beta1_power: Floating, lr: Floating, beta1: Floating, beta2: Floating,
                  epsilon: Floating, grad: Floating):  # fmt: skip
    """``m += (1 - beta1) * (grad - m); v = max(beta2 * v, |grad|); var -= lr / (1 - beta1_power) * m / (v + epsilon)``"""


@formula_op(_adam_with_amsgrad)
def apply_adam_with_amsgrad(var: Place, m: Place, v: Place, vhat: Place, beta1_power: Floating, beta2_power: Floating,
                            lr: Floating, beta1: Floating, beta2: Floating, epsilon: Floating, grad: Floating):  # fmt: skip
    """As ``apply_adam``, with ``vhat = max(vhat, v)`` in the place of v in the step."""


@formula_op(_keras_adam)
def apply_keras_adam(var: Place, m: Place, v: Place, alpha: Floating, share: Floating, share_of_squares: Floating,
                     epsilon: Floating, grad: Floating):  # fmt: skip
    """``m += (grad - m) * share; v += (grad ** 2 - v) * share_of_squares; var -= m * alpha / (sqrt(v) + epsilon)``"""


@formula_op(_plain_rms_prop)
def apply_plain_rms_prop(var: Place, ms: Place, lr: Floating, rho: Floating, epsilon: Floating, grad: Floating):
    """``ms = rho * ms + (1 - rho) * grad ** 2; var -= lr * grad / (sqrt(ms) + epsilon)``: epsilon outside of the root."""


@formula_op(_plain_centered_rms_prop)
def apply_plain_centered_rms_prop(var: Place, ms: Place, mg: Place, lr: Floating, rho: Floating, epsilon: Floating,
                                  grad: Floating):  # fmt: skip
    """As ``apply_plain_rms_prop``, with the variance: ``mg = rho * mg + (1 - rho) * grad`` and ``sqrt(ms - mg ** 2)``."""


@formula_op(_nadam)
def apply_nadam(var: Place, m: Place, v: Place, lr: Floating, beta1: Floating, beta2: Floating, epsilon: Floating,
                momentum: Floating, next_momentum: Floating, product: Floating, next_product: Floating,
                beta2_power: Floating, grad: Floating):  # fmt: skip
    """``m = beta1 * m + (1 - beta1) * grad; v = beta2 * v + (1 - beta2) * grad ** 2``; then a step along both means

    ``(1 - momentum) * grad / (1 - product) + next_momentum * m / (1 - next_product)``, divided by ``sqrt(v / (1 -
    beta2_power)) + epsilon``. ``momentum`` is the weight of this step, ``product`` that of all weights so far.
    """
