"""What recurrent layers do besides their steps: states that stay, loops over an unknown number of steps, dropout, mistakes."""

import numpy as np
import pytest

import minitf as tf
from minitf.keras import Sequential, layers


@pytest.fixture(autouse=True)
def _names_start_again():
    tf.reset_default_graph()


def waves(shape, start=0):
    n = int(np.prod(shape))
    return (np.sin(np.arange(start, start + n) * 1.7) * 0.9).astype("float32").reshape(shape)


def set_weights(layer):
    layer.set_weights([waves(w.shape, 7 * i) for i, w in enumerate(layer.weights)])


KINDS = ("SimpleRNN", "LSTM", "GRU")
CALLS = [waves((2, 3, 4), 10 * i) for i in range(3)]

ORACLE = """
import json, numpy as np, tensorflow as tf, tf_keras as K

def waves(shape, start=0):
    n = int(np.prod(shape))
    return (np.sin(np.arange(start, start + n) * 1.7) * 0.9).astype("float32").reshape(shape)

out = {}
for kind in KINDS:
    layer = getattr(K.layers, kind)(3, stateful=True, return_state=True)
    layer(waves((2, 3, 4)))
    layer.set_weights([waves(w.shape, 7 * i) for i, w in enumerate(layer.weights)])
    layer.reset_states()
    found = []
    for i in range(3):
        found.append([r.numpy().tolist() for r in layer(waves((2, 3, 4), 10 * i))])
    layer.reset_states()
    found.append([r.numpy().tolist() for r in layer(waves((2, 3, 4), 10))])
    out[kind] = [found, [w.name.split("/")[-1] for w in layer.weights]]
print(json.dumps(out))
""".replace("KINDS", repr(KINDS))


@pytest.fixture(scope="module")
def of_keras(oracle):
    return oracle(ORACLE)


@pytest.mark.interop
@pytest.mark.parametrize("kind", KINDS)
def test_a_stateful_layer_goes_on_as_in_keras(of_keras, mode, kind):
    expected, names = of_keras[kind]
    with mode.scope():
        layer = getattr(layers, kind)(3, stateful=True, return_state=True)
        x = tf.Variable(CALLS[0])
        result = layer(x.read_value())
        if mode.name == "graph":
            mode.start()
        set_weights(layer)
        layer.reset_states()
        assert [w.name.split("/")[-1] for w in layer.weights] == names
        for given, wanted in zip([*CALLS, CALLS[1]], expected, strict=True):
            if wanted is expected[-1]:
                layer.reset_states()
            x.load(given)
            found = mode.session.run(result) if mode.name == "graph" else layer(x.read_value())
            for f, e in zip(found, wanted, strict=True):
                np.testing.assert_allclose(f, e, rtol=2e-5, atol=2e-6)


class TestStates:
    def test_they_can_be_set(self):
        layer = layers.GRU(3, stateful=True, return_state=True)
        layer(CALLS[0])
        layer.reset_states(np.ones((2, 3), "float32"))
        np.testing.assert_array_equal(layer.states[0].numpy(), np.ones((2, 3)))

    def test_a_model_resets_those_of_all_its_layers(self):
        first = layers.LSTM(3, stateful=True, return_sequences=True, batch_input_shape=(2, 3, 4))
        model = Sequential([first, layers.GRU(2, stateful=True)])
        model(CALLS[0])
        assert all(np.any(v.numpy()) for layer in model.layers for v in layer.states)
        model.reset_states()
        assert not any(np.any(v.numpy()) for layer in model.layers for v in layer.states)

    def test_they_move_in_a_traced_function(self):
        layer = layers.SimpleRNN(3, stateful=True)
        layer(CALLS[0])
        layer.reset_states()
        plain = [layer(x).numpy() for x in CALLS]
        layer.reset_states()
        traced = tf.function(layer)
        for x, e in zip(CALLS, plain, strict=True):
            np.testing.assert_allclose(traced(tf.constant(x)).numpy(), e, rtol=1e-6)

    def test_they_are_not_saved(self, tmp_path):
        layer = layers.LSTM(3, stateful=True)
        layer(CALLS[0])
        path = tf.train.Checkpoint(layer=layer).write(str(tmp_path / "c"))
        assert not any("state" in name for name, _ in tf.train.list_variables(path))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_a_loop_gives_what_steps_written_out_give(kind, backwards, masked):
    """In a graph whose number of steps is not known: outputs, states and gradients."""
    x, mask = waves((2, 5, 4)), np.array([[True, True, False, True, False], [False, True, True, True, True]])
    make = lambda: getattr(layers, kind)(3, return_sequences=True, return_state=True, go_backwards=backwards)
    with tf.Graph().as_default(), tf.Session() as session:
        layer = make()
        open_x = tf.placeholder(tf.float32, (None, None, 4))
        open_mask = tf.placeholder(tf.bool, (None, None))
        looped = layer(open_x, mask=open_mask if masked else None)
        written = layer(tf.constant(x), mask=tf.constant(mask) if masked else None)
        assert looped[0].shape.as_list() == [None, None, 3]
        results = []
        for outputs in (looped, written):
            loss = sum(tf.reduce_sum(o * o * tf.cos(o)) for o in outputs)
            results.append([*outputs, *tf.gradients(loss, layer.trainable_weights)])
        session.run(tf.global_variables_initializer())
        set_weights(layer)
        first, second = session.run(results, {open_x: x, open_mask: mask})
    for a, b in zip(first, second, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6)


def test_dropout_takes_the_same_elements_at_all_steps():
    layer = layers.SimpleRNN(50, activation="linear", kernel_initializer="ones", recurrent_initializer="zeros", dropout=0.5,
                             return_sequences=True)  # fmt: skip
    tf.random.set_seed(4)
    out = layer(np.ones((3, 4, 20), "float32"), training=True).numpy()
    assert np.ptp(out, axis=1).max() == 0  # steps
    assert np.ptp(out, axis=2).max() == 0  # units see the same inputs
    assert len(np.unique(out[:, 0, 0])) > 1
    np.testing.assert_array_equal(layer(np.ones((3, 4, 20), "float32"), training=False).numpy(), 20.0)


def test_recurrent_dropout_takes_states():
    layer = layers.SimpleRNN(400, activation="linear", kernel_initializer="zeros", recurrent_initializer="identity",
                             recurrent_dropout=0.25)  # fmt: skip
    tf.random.set_seed(4)
    start = tf.ones([1, 400])
    out = layer(np.zeros((1, 2, 1), "float32"), initial_state=[start], training=True).numpy()
    kept = np.isclose(out, (1 / 0.75) ** 2)
    assert np.all(kept | (out == 0))
    assert 0.6 < kept.mean() < 0.9


@pytest.mark.parametrize(
    "act, kind, message",
    [
        (lambda: layers.LSTM(3).reset_states(), AttributeError, "is not stateful"),
        (lambda: layers.LSTM(3, stateful=True).reset_states(), ValueError, "has no states yet"),
        (lambda: _called(layers.LSTM(3, stateful=True)).reset_states([np.zeros((2, 3))]), ValueError, "has 2 states, but"),
        (lambda: _called(layers.LSTM(3, stateful=True))(np.ones((3, 3, 4), "float32")), ValueError, "batches of one size"),
        (lambda: layers.LSTM(3)(np.ones((2, 3, 4), "float32"), initial_state=[tf.ones([2, 3])]), ValueError, "has 2 states"),
        (lambda: layers.LSTM(3)(np.ones((2, 0, 4), "float32")), ValueError, "no steps to go over"),
    ],
)
def test_mistakes_are_told(act, kind, message):
    with pytest.raises(kind, match=message):
        act()


def _called(layer):
    layer(CALLS[0])
    return layer


def test_what_must_be_known_in_a_graph():
    with tf.Graph().as_default():
        with pytest.raises(ValueError, match="unroll=True the number of steps must be known"):
            layers.GRU(2, unroll=True)(tf.placeholder(tf.float32, (None, None, 4)))
        with pytest.raises(ValueError, match="must know the size of the batch"):
            layers.GRU(2, stateful=True)(tf.placeholder(tf.float32, (None, 3, 4)))
