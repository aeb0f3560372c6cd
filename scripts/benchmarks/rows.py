"""The rows about starting and training. The yardstick is ``numpy``: the same work by hand, on arrays."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import traced_numpy
from table import EVERYBODY, row
from timing import Candidate, repeated


@row("import", EVERYBODY)
def import_time(tf: Any) -> dict[str, Candidate]:
    """A fresh interpreter each time; the interpreter's own start does not count."""

    def importing(module: str) -> Candidate:
        code = f"from time import perf_counter as t; s = t(); import {module}, numpy; print(t() - s)"

        def run(times: int) -> float:
            done = [
                subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(times)
            ]
            return sum(float(one.stdout.split()[-1]) for one in done)

        return run

    return {"numpy": importing("numpy"), "import": importing(tf.__name__)}


@row("count the writes")
def counted_write(tf: Any) -> dict[str, Candidate]:
    """The yardstick is the same assignment to a cell that does not count: what explanations cost who asks for none."""
    if tf.__name__ != "minitf":
        return {"numpy": repeated(lambda: None)}
    from minitf.core.state import Cell

    class Uncounted(Cell):
        __slots__ = ()

        def write(self, value: Any) -> None:
            self.value = value

    class Counted(Cell):  # a subclass too, so that the two differ in the counter alone
        __slots__ = ()

        def write(self, value: Any) -> None:
            self.value = value
            self.writes += 1

    def assigning(kind: type[Cell]) -> Candidate:
        variable, value = tf.Variable(np.zeros(8, np.float32)), tf.constant(np.ones(8, np.float32))
        variable.handle.cell = kind(variable.handle, variable.handle.cell.value)
        return repeated(lambda: variable.assign(value))

    return {"numpy": assigning(Uncounted), "eager": assigning(Counted)}


# -- one training step of a network 64-128-10, batch 32 ------------------------------------------------------------------

RATE, BETA1, BETA2, EPSILON = 1e-3, 0.9, 0.999, 1e-7


def _network() -> tuple[Any, Any, list[Any]]:
    draw = np.random.default_rng(0)
    images = draw.standard_normal((32, 64), dtype=np.float32)
    onehot = np.eye(10, dtype=np.float32)[draw.integers(0, 10, 32)]
    kernels = [draw.standard_normal(shape, dtype=np.float32) * np.float32(0.1) for shape in ((64, 128), (128, 10))]
    return images, onehot, [kernels[0], np.zeros(128, np.float32), kernels[1], np.zeros(10, np.float32)]


def _by_hand(adam: bool) -> Callable[[], float]:
    """The limit: every array made beforehand, and one flat vector for the optimizer."""
    x, onehot, start = _network()
    f32, size = np.float32, sum(p.size for p in start)
    flat, flat_gradient = np.empty(size, f32), np.empty(size, f32)
    parts, gradients, at = [], [], 0
    for p in start:
        parts.append(flat[at : at + p.size].reshape(p.shape))
        gradients.append(flat_gradient[at : at + p.size].reshape(p.shape))
        parts[-1][...] = p
        at += p.size
    (w1, b1, w2, b2), (dw1, db1, dw2, db2) = parts, gradients
    z, h, dh = (np.empty((32, 128), f32) for _ in range(3))
    logits, e, g, picked = (np.empty((32, 10), f32) for _ in range(4))
    top, total, rows, mask = np.empty((32, 1), f32), np.empty((32, 1), f32), np.empty(32, f32), np.empty((32, 128), bool)
    m, v, t = np.zeros(size, f32), np.zeros(size, f32), np.empty(size, f32)
    rate, eps, share, zero = f32(RATE), f32(EPSILON), f32(1 / 32), f32(0)
    new1, new2, steps = f32(1 - BETA1), f32(1 - BETA2), 0
    xt, w2t, ht, sums = x.T, w2.T, h.T, total[:, 0]
    matmul, add, subtract, multiply, divide, exp, sqrt, maximum = (
        np.matmul, np.add, np.subtract, np.multiply, np.divide, np.exp, np.sqrt, np.maximum,
    )  # fmt: skip

    def step() -> float:
        nonlocal steps
        add(matmul(x, w1, z), b1, z)
        maximum(z, zero, out=h)
        add(matmul(h, w2, logits), b2, logits)
        maximum.reduce(logits, 1, None, top, True)
        exp(subtract(logits, top, logits), e)
        add.reduce(e, 1, None, total, True)
        add.reduce(multiply(logits, onehot, picked), 1, None, rows)
        loss = (add.reduce(np.log(sums)) - add.reduce(rows)) * share
        multiply(subtract(divide(e, total, g), onehot, g), share, g)
        multiply(matmul(g, w2t, dh), np.greater(z, zero, mask), dh)
        matmul(xt, dh, dw1)
        add.reduce(dh, 0, None, db1)
        matmul(ht, g, dw2)
        add.reduce(g, 0, None, db2)
        if adam:
            steps += 1
            scale = f32(RATE * (1 - BETA2**steps) ** 0.5 / (1 - BETA1**steps))
            add(m, multiply(subtract(flat_gradient, m, t), new1, t), m)
            add(v, multiply(subtract(multiply(flat_gradient, flat_gradient, t), v, t), new2, t), v)
            multiply(divide(m, add(sqrt(v, t), eps, t), t), scale, t)
        else:
            multiply(flat_gradient, rate, t)
        subtract(flat, t, flat)
        return float(loss)

    return step


def _loss(tf: Any, x: Any, onehot: Any, variables: list[Any]) -> Any:
    w1, b1, w2, b2 = variables
    logits = tf.matmul(tf.nn.relu(tf.matmul(x, w1) + b1), w2) + b2
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=onehot, logits=logits))


def _optimizer(tf: Any, adam: bool) -> Any:
    train = tf.compat.v1.train
    return train.AdamOptimizer(RATE, BETA1, BETA2, EPSILON) if adam else train.GradientDescentOptimizer(RATE)


def _eager_step(tf: Any, adam: bool) -> Callable[[], float]:
    images, labels, start = _network()
    x, onehot, variables = tf.constant(images), tf.constant(labels), [tf.Variable(p) for p in start]
    optimizer = _optimizer(tf, adam)

    def step() -> float:
        with tf.GradientTape() as tape:
            loss = _loss(tf, x, onehot, variables)
        optimizer.apply_gradients(list(zip(tape.gradient(loss, variables), variables, strict=True)))
        return float(loss)

    return step


def _graph_step(tf: Any, adam: bool) -> Callable[[], float]:
    images, labels, start = _network()
    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph:
        x, onehot = v1.placeholder(tf.float32, (32, 64)), v1.placeholder(tf.float32, (32, 10))
        variables = [v1.get_variable(f"v{i}", initializer=p, use_resource=True) for i, p in enumerate(start)]
        loss = _loss(tf, x, onehot, variables)
        train = _optimizer(tf, adam).minimize(loss)
        initialise = v1.global_variables_initializer()
    session = v1.Session(graph=graph)
    session.run(initialise)

    def step() -> float:
        value, _ = session.run([loss, train], {x: images, onehot: labels})
        return float(value)

    return step


def _training(tf: Any, adam: bool) -> dict[str, Candidate]:
    if tf.__name__ in traced_numpy.NAMES:
        return traced_numpy.training(tf, adam, _network(), (RATE, BETA1, BETA2, EPSILON))
    if tf.__name__ == "torch":
        return {"eager": repeated(_torch_step(tf, adam))}
    steps = {"numpy": _by_hand(adam), "eager": _eager_step(tf, adam), "graph": _graph_step(tf, adam)}
    losses = {name: [step() for _ in range(20)] for name, step in steps.items()}
    for name in ("eager", "graph"):
        np.testing.assert_allclose(losses[name], losses["numpy"], rtol=2e-4, err_msg=f"{name} does not learn what NumPy learns")
    return {name: repeated(step) for name, step in steps.items()}


def _once_recorded(tf: Any, make: Callable[[Any, bool], Callable[[], float]]) -> dict[str, Candidate]:
    """A training step of objects, sessions and graphs that a recording has seen, beside one that was never recorded."""
    plain, seen = make(tf, False), make(tf, False)
    with tf.record() as timeline:
        seen()
        make(tf, False)()
    assert len(timeline) > 20
    return {"never recorded": repeated(plain), "not recorded": repeated(seen)}


@row("eager, once recorded", peers=())
def eager_once_recorded(tf: Any) -> dict[str, Candidate]:
    return _once_recorded(tf, _eager_step)


@row("graph, once recorded", peers=())
def graph_once_recorded(tf: Any) -> dict[str, Candidate]:
    return _once_recorded(tf, _graph_step)


def _torch_step(torch: Any, adam: bool) -> Callable[[], float]:
    images, labels, start = _network()
    x, onehot = torch.from_numpy(images), torch.from_numpy(labels)
    w1, b1, w2, b2 = parameters = [torch.nn.Parameter(torch.tensor(p)) for p in start]
    fused = {"fused": True, "foreach": False}
    made = torch.optim.Adam(parameters, RATE, (BETA1, BETA2), EPSILON, **fused) if adam else torch.optim.SGD(parameters, RATE)

    def step() -> float:
        logits = torch.relu(x @ w1 + b1) @ w2 + b2
        loss = torch.nn.functional.cross_entropy(logits, onehot)
        made.zero_grad()
        loss.backward()
        made.step()
        return float(loss)

    return step


@row("step of six small variables, Adam", peers=())
def six_small_variables(tf: Any) -> dict[str, Candidate]:
    """Eager ``apply_gradients`` alone, of the optimizers of TensorFlow 1.x, of Keras up to 2.10, and of later ones."""
    shapes = [(64, 32), (32,), (32, 32), (32,), (32, 10), (10,)]
    draw = np.random.default_rng(0)
    made = {
        "1.x": tf.compat.v1.train.AdamOptimizer(RATE),
        "legacy": tf.keras.optimizers.legacy.Adam(RATE),
        "Keras": tf.keras.optimizers.Adam(RATE),
    }
    out = {}
    for name, optimizer in made.items():
        values = [draw.standard_normal(shape).astype(np.float32) for shape in (*shapes, *shapes)]
        pairs = [(tf.constant(g), tf.Variable(v)) for g, v in zip(values[:6], values[6:], strict=True)]
        for _ in range(3):
            optimizer.apply_gradients(pairs)
        out[name] = repeated(partial(optimizer.apply_gradients, pairs))
    return out


@row("train, SGD", EVERYBODY)
def train_sgd(tf: Any) -> dict[str, Candidate]:
    return _training(tf, adam=False)


@row("train, Adam", EVERYBODY)
def train_adam(tf: Any) -> dict[str, Candidate]:
    return _training(tf, adam=True)
