"""tf.compat.v1.losses: values, gradients, weights, collections, mistakes; and TensorFlow's."""

import numpy as np
import pytest

import minitf as tf

v1 = tf.compat.v1
A = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], np.float32)
B = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 1.0]], np.float32)
# By name: the call, with the predictions p, other settings s, and L = tf.compat.v1.losses.
LOSSES = {
    "squares": "L.mean_squared_error(B, p, **s)",
    "absolute": "L.absolute_difference(B, p, **s)",
    "huber": "L.huber_loss(B, p, delta=1.5, **s)",
    "log": "L.log_loss(B, p / 7.0, epsilon=1e-5, **s)",
    "hinge": "L.hinge_loss(B, p - 3.5, **s)",
    "sigmoid": "L.sigmoid_cross_entropy(B, p, **s)",
    "sigmoid smooth": "L.sigmoid_cross_entropy(B, p, label_smoothing=0.2, **s)",
}
ROWS = {  # one loss for each row
    "softmax": "L.softmax_cross_entropy(B, p, **s)",
    "softmax smooth": "L.softmax_cross_entropy(B, p, label_smoothing=0.2, **s)",
    "sparse": "L.sparse_softmax_cross_entropy([1, 2], p, **s)",
    "sparse column": "L.sparse_softmax_cross_entropy([[1], [2]], p, **s)",
}
OTHERS = {
    "cosine": "L.cosine_distance(B, p, axis=1)",
    "cosine weighted": "L.cosine_distance(B, p, dim=1, weights=[[1.0], [0.0]])",
    "pairs": "L.mean_pairwise_squared_error(B, p, weights=[[1.0], [1.0]])",
    "pairs weighted": "L.mean_pairwise_squared_error(B, p, weights=[[1.0], [2.0]])",
    "pairs weighted each": "L.mean_pairwise_squared_error(B, p, weights=[[1.0, 0.0, 1.0], [2.0, 2.0, 2.0]])",
    "weighted": "L.compute_weighted_loss(p, 2.0)",
    "weighted by none": "L.compute_weighted_loss(p, 0.0)",
    "sparse weights of a column": "L.sparse_softmax_cross_entropy([1, 2], p, weights=[[1.0], [3.0]])",
}
REDUCTIONS = ["none", "weighted_sum", "weighted_mean", "weighted_sum_over_batch_size", "weighted_sum_by_nonzero_weights"]
WEIGHTS = [1.0, 0.5, [[1.0], [0.0]], [[1.0, 2.0, 0.0]], [[1.0, 0.0, 2.0], [0.0, 0.0, 3.0]]]
CASES = [(text, {}) for text in OTHERS.values()]
CASES += [(text, {"reduction": r, "weights": w}) for text in LOSSES.values() for r in REDUCTIONS for w in WEIGHTS]
CASES += [(text, {"reduction": r, "weights": w}) for text in ROWS.values() for r in REDUCTIONS for w in (1.0, [0.5, 0.0])]


def found(text, settings, mode):
    """Loss and gradient by the predictions."""
    with mode.scope():
        p = tf.constant(A)
        with tf.GradientTape() as tape:
            tape.watch(p)
            loss = eval(text, {"L": v1.losses, "B": tf.constant(B), "p": p, "s": settings})
        return [mode.value(loss), mode.value(tape.gradient(loss, p))]


@pytest.mark.interop
def test_tensorflows_values(oracle, mode):
    expected = oracle(f"""
        import json
        import numpy as np
        import tensorflow as tf
        L, out = tf.compat.v1.losses, []
        B = tf.constant({B.tolist()})
        for text, s in {CASES!r}:
            p = tf.constant({A.tolist()})
            with tf.GradientTape() as tape:
                tape.watch(p)
                loss = eval(text)
            out.append([np.asarray(loss).tolist(), tape.gradient(loss, p).numpy().tolist()])
        print(json.dumps(out))
    """)
    for (text, settings), (loss, gradient) in zip(CASES, expected, strict=True):
        mine = found(text, settings, mode)
        np.testing.assert_allclose(mine[0], loss, rtol=1e-5, atol=1e-6, err_msg=f"{text} {settings}")
        np.testing.assert_allclose(mine[1], gradient, rtol=1e-5, atol=1e-6, err_msg=f"{text} {settings}")


@pytest.mark.parametrize("text", [*LOSSES.values(), *ROWS.values(), *OTHERS.values()])
def test_the_modes_agree(modes, text):
    eager, graph = (found(text, {}, mode) for mode in modes)
    np.testing.assert_array_equal(eager[0], graph[0])
    np.testing.assert_array_equal(eager[1], graph[1])


@pytest.mark.parametrize(
    "reduction, expected",
    [
        ("none", [1.0, 0.0, 12.0]),
        ("weighted_sum", 13.0),
        ("weighted_mean", 13.0 / 4),
        ("weighted_sum_over_batch_size", 13.0 / 3),
        ("weighted_sum_by_nonzero_weights", 13.0 / 2),
    ],
)
def test_reductions(mode, reduction, expected):
    with mode.scope():
        loss = v1.losses.compute_weighted_loss(tf.constant([1.0, 2.0, 4.0]), [1.0, 0.0, 3.0], reduction=reduction)
        np.testing.assert_allclose(mode.value(loss), expected, rtol=1e-6)


def test_values_by_hand(mode):
    with mode.scope():
        assert mode.value(v1.losses.mean_squared_error([1.0, 2.0], [2.0, 4.0])) == 2.5
        assert mode.value(v1.losses.absolute_difference([1.0, 2.0], [2.0, 4.0], weights=[3.0, 0.0])) == 3.0
        assert mode.value(v1.losses.huber_loss([0.0, 0.0], [0.5, 3.0])) == (0.125 + 2.5) / 2
        assert mode.value(v1.losses.hinge_loss([0.0, 1.0], [0.5, 0.25])) == (1.5 + 0.75) / 2
        loss = v1.losses.softmax_cross_entropy([[0.0, 1.0]], [[1.0, 2.0]])
        np.testing.assert_allclose(mode.value(loss), np.log1p(np.exp(-1.0)), rtol=1e-6)


def test_pairs_are_counted_in_each_example(mode):
    """With a scalar weight TensorFlow counts the elements of the whole batch in eager mode (15.07 here), and not in a graph."""
    with mode.scope():
        found = [mode.value(v1.losses.mean_pairwise_squared_error(B, A, weights=w)) for w in (1.0, [[1.0], [1.0]])]
        np.testing.assert_allclose(found, [16.0 / 3] * 2, rtol=1e-5)


def test_the_loss_has_the_dtype_of_the_losses(mode):
    with mode.scope():
        assert v1.losses.compute_weighted_loss(tf.constant([1.0], tf.float64)).dtype == tf.float64
        assert v1.losses.mean_squared_error(tf.constant([1, 2]), tf.constant([3, 4])).dtype == tf.float32


class TestCollections:
    def test_a_graph_collects(self):
        with tf.Graph().as_default(), v1.Session() as session:
            first = v1.losses.mean_squared_error([1.0], [3.0])
            second = v1.losses.absolute_difference([1.0], [3.0], scope="mine")
            v1.losses.huber_loss([1.0], [3.0], loss_collection=None)
            third = v1.losses.log_loss([1.0], [0.5], loss_collection="others")
            v1.losses.add_loss(tf.constant(10.0))
            assert [loss.name for loss in (first, second)] == ["mean_squared_error/value:0", "mine/value:0"]
            assert v1.losses.get_losses()[:2] == [first, second]
            assert v1.losses.get_losses("mine") == [second]
            assert v1.losses.get_losses(loss_collection="others") == [third]
            v1.get_variable("w", [2], initializer=tf.ones_initializer(), regularizer=tf.keras.regularizers.l2(0.25))
            assert len(v1.losses.get_regularization_losses()) == 1
            total, penalty = v1.losses.get_total_loss(), v1.losses.get_regularization_loss()
            assert [total.name, penalty.name] == ["total_loss:0", "total_regularization_loss:0"]
            session.run(v1.global_variables_initializer())
            assert session.run([total, v1.losses.get_total_loss(False), penalty]) == [16.5, 16.0, 0.5]

    def test_a_training_step_for_all(self):
        with tf.Graph().as_default(), v1.Session() as session:
            w = v1.get_variable("w", [], initializer=tf.ones_initializer(), regularizer=tf.keras.regularizers.l2(0.5))
            v1.losses.mean_squared_error(3.0, w)
            step = v1.train.GradientDescentOptimizer(0.1).minimize(v1.losses.get_total_loss())
            session.run(v1.global_variables_initializer())
            session.run(step)
            np.testing.assert_allclose(session.run(w), 1.0 + 0.1 * (4.0 - 1.0), rtol=1e-6)

    def test_eager_mode_does_not(self):
        v1.losses.mean_squared_error([1.0], [3.0])
        assert v1.losses.get_losses() == v1.losses.get_regularization_losses() == []
        assert float(v1.losses.get_regularization_loss()) == 0.0
        with pytest.raises(ValueError, match="in eager mode add them up yourself"):
            v1.losses.get_total_loss()


@pytest.mark.parametrize(
    "act, message",
    [
        (lambda L: L.mean_squared_error([1.0, 2.0], [1.0]), "not compatible"),
        (lambda L: L.mean_squared_error([1.0, 2.0], [1.0, 3.0], weights=[1.0, 2.0, 3.0]), "weights can not be broadcast"),
        (lambda L: L.mean_squared_error([[1.0, 2.0]], [[1.0, 3.0]], weights=[1.0, 2.0]), "same rank"),
        (lambda L: L.mean_squared_error(None, [1.0]), "`labels` must not be None"),
        (lambda L: L.hinge_loss([1.0], None), "`logits` must not be None"),
        (lambda L: L.sigmoid_cross_entropy(None, [1.0]), "`multi_class_labels` must not be None"),
        (lambda L: L.mean_squared_error([1.0], [1.0], reduction="mean"), "A reduction is one of"),
        (lambda L: L.cosine_distance([1.0], [1.0]), "must specify argument `axis`"),
    ],
)
def test_mistakes(mode, act, message):
    with mode.scope(), pytest.raises(ValueError, match=message):
        act(v1.losses)
