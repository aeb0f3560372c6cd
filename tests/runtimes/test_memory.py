"""A tape keeps only what its gradients need: the peak memory of a training step beside that of the same step by hand.

And what an operation of a graph takes, its name, shape and output included.
"""

import gc
import tracemalloc
import weakref

import numpy as np

import minitf as tf

LAYERS, BATCH, WIDTH = 50, 256, 64


def peak(step):
    step()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        step()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def by_hand(x, kernels, biases):
    def step():
        inputs, h = [], x
        for w, b in zip(kernels, biases, strict=True):
            inputs.append(h)
            h = np.maximum(h @ w + b, 0)
        g = np.full_like(h, 1 / h.size)
        for i in reversed(range(LAYERS)):
            g = g * (h > 0)
            h = inputs.pop()
            back = g @ kernels[i].T
            kernels[i] -= np.float32(1e-3) * (h.T @ g)
            biases[i] -= np.float32(1e-3) * g.sum(0)
            g = back

    return step


def with_a_tape(x, kernels, biases):
    inputs = tf.constant(x)
    ws, bs = [tf.Variable(w) for w in kernels], [tf.Variable(b) for b in biases]
    optimizer = tf.train.GradientDescentOptimizer(1e-3)

    def step():
        with tf.GradientTape() as tape:
            h = inputs
            for w, b in zip(ws, bs, strict=True):
                h = tf.nn.relu(tf.matmul(h, w) + b)
            loss = tf.reduce_mean(h)
            del h
        gradients = tape.gradient(loss, ws + bs)
        optimizer.apply_gradients(zip(gradients, ws + bs, strict=True))

    return step


def network():
    draw = np.random.default_rng(0)
    kernels = [draw.standard_normal((WIDTH, WIDTH), dtype=np.float32) * np.float32(0.1) for _ in range(LAYERS)]
    return draw.standard_normal((BATCH, WIDTH), dtype=np.float32), kernels, [np.zeros(WIDTH, np.float32) for _ in range(LAYERS)]


def test_a_step_of_fifty_layers_needs_little_more_memory_than_by_hand():
    assert peak(with_a_tape(*network())) <= 1.1 * peak(by_hand(*network()))


def test_a_tape_keeps_no_array_that_no_gradient_needs():
    v = tf.Variable(np.zeros(1_000_000, np.float32))
    with tf.GradientTape() as tape:
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            x = v + 1.0
            for _ in range(20):
                x = x + v
            kept = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
    assert kept < 3 * 4_000_000
    assert tape.gradient(x, v).numpy()[0] == 21


def test_an_operation_takes_less_than_half_a_kibibyte():
    count = 10_000
    with tf.Graph().as_default() as graph:
        x = y = tf.placeholder(tf.float32, (32,))
        y = y * x
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(count):
                y = y * x
            assert tracemalloc.get_traced_memory()[0] - before < count * 512
            assert y.name == f"multiply_{count}:0"
            assert graph.get_tensor_by_name(y.name) is y
        finally:
            tracemalloc.stop()


def test_an_eager_variable_goes_at_once_with_its_last_reference():
    gc.collect()
    gc.disable()
    try:
        variable = tf.Variable(np.zeros(1000, np.float32))
        variable.assign_add(tf.ones(1000))
        handle, cell = weakref.ref(variable.handle), variable.handle.cell
        assert (cell.name, cell.spec) == (variable.handle.name, variable.spec)
        del variable
        assert handle() is None
    finally:
        gc.enable()
