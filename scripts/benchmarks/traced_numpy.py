"""The rows of jax and autograd: programs in NumPy's words, which they differentiate or compile, and not in TensorFlow's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from timing import Candidate, repeated

NAMES = ("jax", "autograd")


def numpy_of(framework: Any) -> Any:
    """The framework's own NumPy."""
    import importlib

    return importlib.import_module(f"{framework.__name__}.numpy")


def adding(framework: Any, a: Any, b: Any) -> dict[str, Candidate]:
    """One sum, and for jax the wait until it is there."""
    xp = numpy_of(framework)
    x, y = xp.asarray(a), xp.asarray(b)
    if framework.__name__ == "jax":
        return {"eager": repeated(lambda: (x + y).block_until_ready())}
    return {"eager": repeated(lambda: xp.add(x, y))}


def chain(framework: Any, count: int) -> dict[str, Candidate]:
    """Sums one after the other, compiled by jax (which takes a while, and does not count)."""
    one = np.float32(1)
    if framework.__name__ == "autograd":
        xp = numpy_of(framework)

        def by_autograd() -> Any:
            x = one
            for _ in range(count):
                x = xp.add(x, one)
            return x

        return {"eager": repeated(by_autograd)}

    def sums(start: Any) -> Any:
        x = start
        for _ in range(count):
            x = x + start
        return x

    run = framework.jit(sums)
    assert float(run(one)) == count + 1
    return {"graph": repeated(lambda: run(one).block_until_ready())}


def identity(framework: Any) -> dict[str, Candidate]:
    """A compiled function that gives what it gets."""
    run, value = framework.jit(lambda x: x), np.float32(1.5)
    return {"graph": repeated(lambda: run(value).block_until_ready())}


def _loss(xp: Any, x: Any, onehot: Any, parameters: Sequence[Any]) -> Any:
    w1, b1, w2, b2 = parameters
    logits = xp.dot(xp.maximum(xp.dot(x, w1) + b1, 0.0), w2) + b2
    logits = logits - xp.max(logits, axis=1, keepdims=True)
    return xp.mean(xp.log(xp.sum(xp.exp(logits), axis=1)) - xp.sum(logits * onehot, axis=1))


def training(framework: Any, adam: bool, network: Any, settings: tuple[float, float, float, float]) -> dict[str, Candidate]:
    """One training step: jax compiles it whole and gives up its old arrays, autograd goes operation by operation."""
    step = _by_jax(framework, adam, network, settings) if framework.__name__ == "jax" else None
    if step is not None:
        return {"graph": repeated(step)}
    return {"eager": repeated(_by_autograd(framework, adam, network, settings))}


def _updated(xp: Any, adam: bool, state: Any, gradients: Sequence[Any], settings: tuple[float, float, float, float]) -> Any:
    rate, beta1, beta2, epsilon = settings
    parameters, m, v, t = state
    if not adam:
        return [p - rate * g for p, g in zip(parameters, gradients, strict=True)], m, v, t
    t = t + 1.0
    m = [a * beta1 + g * (1 - beta1) for a, g in zip(m, gradients, strict=True)]
    v = [a * beta2 + g * g * (1 - beta2) for a, g in zip(v, gradients, strict=True)]
    scale = rate * xp.sqrt(1 - beta2**t) / (1 - beta1**t)
    parameters = [p - scale * a / (xp.sqrt(b) + epsilon) for p, a, b in zip(parameters, m, v, strict=True)]
    return parameters, m, v, t


def _start(xp: Any, parameters: Sequence[Any]) -> Any:
    own = [xp.array(p) for p in parameters]
    return own, [xp.zeros_like(p) for p in own], [xp.zeros_like(p) for p in own], xp.array(np.float32(0))


def _by_jax(jax: Any, adam: bool, network: Any, settings: Any) -> Callable[[], float]:
    xp, (x, onehot, parameters) = numpy_of(jax), network
    x, onehot = xp.asarray(x), xp.asarray(onehot)

    def whole(state: Any) -> Any:
        loss, gradients = jax.value_and_grad(lambda p: _loss(xp, x, onehot, p))(state[0])
        return _updated(xp, adam, state, gradients, settings), loss

    run, state = jax.jit(whole, donate_argnums=0), _start(xp, parameters)

    def step() -> float:
        nonlocal state
        state, loss = run(state)
        return float(loss)

    return step


def _by_autograd(autograd: Any, adam: bool, network: Any, settings: Any) -> Callable[[], float]:
    xp, (x, onehot, parameters) = numpy_of(autograd), network
    differentiate = autograd.value_and_grad(lambda p: _loss(xp, x, onehot, p))
    state = _start(xp, parameters)

    def step() -> float:
        nonlocal state
        loss, gradients = differentiate(state[0])
        state = _updated(np, adam, state, gradients, settings)
        return float(loss)

    return step
