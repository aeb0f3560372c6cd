"""Ops on variables: what they write, what they give, what they refuse; and the steps of optimizers against their formulas."""

import numpy as np
import pytest

import minitf as tf
from minitf.core.op import REGISTRY
from minitf.ops import load_all

load_all()


def run(op, start, *inputs, mode, **attrs):
    """The op on variables with these first values: what it gives, and the values after."""
    with mode.scope():
        variables = [tf.Variable(np.array(s)) for s in start]
        out = REGISTRY[op](*[v.handle for v in variables], *[tf.constant(i) for i in inputs], **attrs)
        given = mode.value(out)
        return given, [mode.value(v) for v in variables]


A, B = np.array([1.0, 2.0, 3.0], np.float32), np.array([10.0, 20.0, 30.0], np.float32)


@pytest.mark.parametrize(("op", "expected"), [("assign", B), ("assign_add", A + B), ("assign_sub", A - B)])
def test_assigning_gives_and_stores_the_new_value(op, expected, mode):
    given, (after,) = run(op, [A], B, mode=mode)
    assert np.array_equal(given, expected)
    assert np.array_equal(after, expected)


@pytest.mark.parametrize("op", ["assign", "assign_add", "assign_sub"])
def test_assigning_refuses_other_shapes_and_dtypes(op, mode):
    with pytest.raises(ValueError, match=r"\(2,\)"):
        run(op, [A], B[:2], mode=mode)
    with pytest.raises(TypeError, match="float32"):
        run(op, [A], B.astype(np.float64), mode=mode)


def test_an_update_does_not_broadcast(mode):
    with pytest.raises(ValueError, match="shape"):
        run("assign_add", [A], np.float32(1), mode=mode)


def test_values_that_were_read_stay_as_they_were(mode):
    with mode.scope():
        v = tf.Variable(A)
        before = mode.value(v)
        mode.value(v.assign_add(B))
        mode.value(REGISTRY["scatter_add"](v.handle, [0], [5.0]))
        assert np.array_equal(before, A)
        assert mode.value(v).tolist() == [16.0, 22.0, 33.0]


def test_assigning_a_part_does_not_keep_the_whole():
    big = tf.zeros([1000, 1000])
    v = tf.Variable(np.zeros(1000, np.float32))
    v.assign(big[0])
    assert v.handle.cell.read().base is None


SCATTERS = {
    "scatter_update": lambda old, new: new, "scatter_add": lambda old, new: old + new,
    "scatter_sub": lambda old, new: old - new,
    "scatter_mul": lambda old, new: old * new, "scatter_div": lambda old, new: old / new, "scatter_max": np.maximum,
    "scatter_min": np.minimum,
}  # fmt: skip


@pytest.mark.parametrize("op", SCATTERS)
def test_scattering_by_number(op, mode):
    start = np.arange(1, 9, dtype=np.float32).reshape(4, 2)
    updates = np.array([[4.0, 4.0], [5.0, 0.5]], np.float32)
    given, (after,) = run(op, [start], np.array([3, 0]), updates, mode=mode)
    expected = start.copy()
    for row, update in zip((3, 0), updates, strict=True):
        expected[row] = SCATTERS[op](expected[row], update)
    assert np.array_equal(given, expected)
    assert np.array_equal(after, expected)


@pytest.mark.parametrize("op", ["scatter_nd_update", "scatter_nd_add", "scatter_nd_sub"])
def test_scattering_by_coordinates(op, mode):
    start = np.zeros((2, 3), np.float32)
    given, _ = run(op, [start], np.array([[0, 1], [1, 2]]), np.array([5.0, 7.0], np.float32), mode=mode)
    sign = -1 if op.endswith("sub") else 1
    assert given.tolist() == [[0, 5 * sign, 0], [0, 0, 7 * sign]]


def test_equal_numbers_add_up(mode):
    given, _ = run("scatter_add", [A], np.array([1, 1, 1]), np.ones(3, np.float32), mode=mode)
    assert given.tolist() == [1.0, 5.0, 3.0]


def test_scattering_out_of_bounds_is_refused_and_changes_nothing(mode):
    with mode.scope():
        v = tf.Variable(A)
        mode.value(v)
        with pytest.raises(tf.errors.InvalidArgumentError, match="out of bounds"):
            mode.value(REGISTRY["scatter_add"](v.handle, [3], [1.0]))
        assert np.array_equal(mode.value(v), A)


def test_is_initialized():
    with tf.Graph().as_default() as graph:
        v = tf.Variable(1.0)
        said, value = REGISTRY["is_initialized"](v.handle), REGISTRY["initialized_value"](v.handle, 5.0)
    with tf.Session(graph=graph) as session:
        assert session.run([said, value]) == [False, 5.0]
        session.run(v.initializer)
        assert session.run([said, value]) == [True, 1.0]


# -- optimizers: the formulas of TensorFlow 1.x, written a second time -------------------------------------------------

G, M, V, P = (np.random.default_rng(s).uniform(0.1, 2, 5).astype(np.float32) for s in range(4))
F = np.float32


def test_gradient_descent(mode):
    _, (var,) = run("apply_gradient_descent", [P], F(0.1), G, mode=mode)
    assert np.allclose(var, P - 0.1 * G, rtol=1e-6)


@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum(nesterov, mode):
    _, (var, accum) = run("apply_momentum", [P, M], F(0.1), G, F(0.9), mode=mode, use_nesterov=nesterov)
    assert np.allclose(accum, 0.9 * M + G, rtol=1e-6)
    assert np.allclose(var, P - 0.1 * (G + 0.9 * (0.9 * M + G) if nesterov else 0.9 * M + G), rtol=1e-5)


def test_adagrad(mode):
    _, (var, accum) = run("apply_adagrad", [P, V], F(0.1), G, mode=mode)
    assert np.allclose(accum, V + G * G, rtol=1e-6)
    assert np.allclose(var, P - 0.1 * G / np.sqrt(V + G * G), rtol=1e-5)


def test_rms_prop(mode):
    _, (var, ms, mom) = run("apply_rms_prop", [P, V, M], F(0.1), F(0.9), F(0.5), F(1e-3), G, mode=mode)
    assert np.allclose(ms, 0.9 * V + 0.1 * G * G, rtol=1e-5)
    assert np.allclose(mom, 0.5 * M + 0.1 * G / np.sqrt(0.9 * V + 0.1 * G * G + 1e-3), rtol=1e-5)
    assert np.allclose(var, P - mom, rtol=1e-5)


def test_centered_rms_prop(mode):
    mean = M * 0.1
    _, (var, mg, ms, mom) = run("apply_centered_rms_prop", [P, mean, V + 5, M], F(0.1), F(0.9), F(0.5), F(1e-3), G, mode=mode)
    assert np.allclose(mg, 0.9 * mean + 0.1 * G, rtol=1e-5)
    assert np.allclose(ms, 0.9 * (V + 5) + 0.1 * G * G, rtol=1e-5)
    assert np.allclose(mom, 0.5 * M + 0.1 * G / np.sqrt(ms - mg * mg + 1e-3), rtol=1e-5)
    assert np.allclose(var, P - mom, rtol=1e-5)


@pytest.mark.parametrize("nesterov", [False, True])
def test_adam(nesterov, mode):
    numbers = (F(0.9**3), F(0.999**3), F(0.1), F(0.9), F(0.999), F(1e-8))
    _, (var, m, v) = run("apply_adam", [P, M, V], *numbers, G, mode=mode, use_nesterov=nesterov)
    assert np.allclose(m, 0.9 * M + 0.1 * G, rtol=1e-5)
    assert np.allclose(v, 0.999 * V + 0.001 * G * G, rtol=1e-5)
    alpha = 0.1 * np.sqrt(1 - 0.999**3) / (1 - 0.9**3)
    towards = 0.1 * G + 0.9 * m if nesterov else m
    assert np.allclose(var, P - alpha * towards / (np.sqrt(v) + 1e-8), rtol=1e-5)


def test_adadelta(mode):
    _, (var, accum, update) = run("apply_adadelta", [P, V, M], F(0.1), F(0.9), F(1e-3), G, mode=mode)
    assert np.allclose(accum, 0.9 * V + 0.1 * G * G, rtol=1e-5)
    step = G * np.sqrt(M + 1e-3) / np.sqrt(accum + 1e-3)
    assert np.allclose(update, 0.9 * M + 0.1 * step * step, rtol=1e-5)
    assert np.allclose(var, P - 0.1 * step, rtol=1e-5)


@pytest.mark.parametrize("power", [-0.5, -0.3, 0.0])
def test_ftrl(power, mode):
    numbers = (F(0.1), F(2.0), F(0.25), F(0.125), F(power))
    _, (var, accum, linear) = run("apply_ftrl", [P, V, M], G, *numbers, mode=mode)
    assert np.allclose(accum, V + G * G, rtol=1e-6)
    expected = M + G + 2 * 0.125 * P - (accum**-power - V**-power) / 0.1 * P
    assert np.allclose(linear, expected, rtol=1e-4, atol=1e-5)
    best = np.where(np.abs(linear) > 2, (2 * np.sign(linear) - linear) / (accum**-power / 0.1 + 2 * 0.25), 0)
    assert np.any(best != 0)
    assert np.allclose(var, best, rtol=1e-5)


@pytest.mark.parametrize("l1", [0.0, 5.0])
def test_proximal_steps(l1, mode):
    def drawn(moved, rate):
        return np.sign(moved) * np.maximum(np.abs(moved) - rate * l1, 0) / (1 + rate * 0.25)

    _, (var,) = run("apply_proximal_gradient_descent", [P], F(0.1), F(l1), F(0.25), G, mode=mode)
    assert np.allclose(var, drawn(P - 0.1 * G, 0.1), rtol=1e-5)
    assert np.any(var == 0) == (l1 > 0)
    _, (var, accum) = run("apply_proximal_adagrad", [P, V], F(0.1), F(l1), F(0.25), G, mode=mode)
    assert np.allclose(accum, V + G * G, rtol=1e-6)
    rate = 0.1 / np.sqrt(accum)
    assert np.allclose(var, drawn(P - rate * G, rate), rtol=1e-5, atol=1e-7)


# -- Keras' own formulas ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nesterov", [False, True])
def test_keras_momentum(nesterov, mode):
    _, (var, accum) = run("apply_keras_momentum", [P, M], F(0.1), G, F(0.9), mode=mode, use_nesterov=nesterov)
    assert np.allclose(accum, 0.9 * M - 0.1 * G, rtol=1e-5)
    assert np.allclose(var, P + (0.9 * accum - 0.1 * G if nesterov else accum), rtol=1e-5)


def test_adagrad_v2(mode):
    _, (var, accum) = run("apply_adagrad_v2", [P, V], F(0.1), F(0.5), G, mode=mode)
    assert np.allclose(accum, V + G * G, rtol=1e-6)
    assert np.allclose(var, P - 0.1 * G / (np.sqrt(accum) + 0.5), rtol=1e-5)


def test_ada_max(mode):
    _, (var, m, v) = run("apply_ada_max", [P, M, V], F(0.9**3), F(0.1), F(0.9), F(0.5), F(1e-3), G, mode=mode)
    assert np.allclose(m, 0.9 * M + 0.1 * G, rtol=1e-5)
    assert np.allclose(v, np.maximum(0.5 * V, np.abs(G)), rtol=1e-6)
    assert np.allclose(var, P - 0.1 / (1 - 0.9**3) * m / (v + 1e-3), rtol=1e-5)


def test_adam_with_amsgrad(mode):
    numbers, largest = (F(0.9**3), F(0.99**3), F(0.1), F(0.9), F(0.99), F(1e-3)), V[::-1].copy()
    _, (var, m, v, vhat) = run("apply_adam_with_amsgrad", [P, M, V, largest], *numbers, G, mode=mode)
    assert np.allclose(m, 0.9 * M + 0.1 * G, rtol=1e-5)
    assert np.allclose(v, 0.99 * V + 0.01 * G * G, rtol=1e-5)
    assert np.array_equal(vhat, np.maximum(largest, v))
    assert np.any(vhat == v)
    assert np.any(vhat != v)
    alpha = 0.1 * np.sqrt(1 - 0.99**3) / (1 - 0.9**3)
    assert np.allclose(var, P - alpha * m / (np.sqrt(vhat) + 1e-3), rtol=1e-5)


def test_rms_prop_without_momentum(mode):
    _, (var, ms) = run("apply_plain_rms_prop", [P, V], F(0.1), F(0.9), F(0.5), G, mode=mode)
    assert np.allclose(ms, 0.9 * V + 0.1 * G * G, rtol=1e-5)
    assert np.allclose(var, P - 0.1 * G / (np.sqrt(ms) + 0.5), rtol=1e-5)
    mean = M * 0.1
    _, (var, ms, mg) = run("apply_plain_centered_rms_prop", [P, V + 5, mean], F(0.1), F(0.9), F(0.5), G, mode=mode)
    assert np.allclose(mg, 0.9 * mean + 0.1 * G, rtol=1e-5)
    assert np.allclose(var, P - 0.1 * G / (np.sqrt(0.9 * (V + 5) + 0.1 * G * G - mg * mg) + 0.5), rtol=1e-5)


def test_nadam(mode):
    numbers = [0.1, 0.9, 0.99, 1e-3, 0.8, 0.85, 0.7, 0.6, 0.99**3]
    _, (var, m, v) = run("apply_nadam", [P, M, V], *map(F, numbers), G, mode=mode)
    assert np.allclose(m, 0.9 * M + 0.1 * G, rtol=1e-5)
    assert np.allclose(v, 0.99 * V + 0.01 * G * G, rtol=1e-5)
    ahead = 0.2 * G / 0.3 + 0.85 * m / 0.4
    assert np.allclose(var, P - 0.1 * ahead / (np.sqrt(v / (1 - 0.99**3)) + 1e-3), rtol=1e-5)


def test_a_gradient_of_another_shape_is_refused(mode):
    with pytest.raises(ValueError, match="shape"):
        run("apply_gradient_descent", [P], F(0.1), G[:3], mode=mode)
