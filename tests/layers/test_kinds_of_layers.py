"""What kinds of layers do beyond their numbers: mistakes, masks, states, lookups."""

import numpy as np
import pytest

import minitf as tf
from minitf.keras import layers


@pytest.fixture(autouse=True)
def _names_start_again():
    tf.reset_default_graph()


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: layers.Dense(0), "units must be positive"),
        (lambda: layers.Dense(1, "rleu"), "Did you mean 'relu'"),
        (lambda: layers.Dense(1, kernel_initializer="glorot_unifrom"), "Did you mean 'glorot_uniform'"),
        (lambda: layers.Activation(3), "An activation is a name or a function"),
        (lambda: layers.Conv2D(1, (2, 2, 2)), "kernel_size must be a positive int or 2 of them"),
        (lambda: layers.Conv2D(1, 2, padding="causal"), "padding must be 'valid' or 'same'"),
        (lambda: layers.Conv2D(-1, 2), "filters must be positive"),
        (lambda: layers.MaxPooling1D(padding="causal"), "padding must be 'valid' or 'same'"),
        (lambda: layers.Dropout(1.5), "rate must be between 0 and 1"),
        (lambda: layers.GaussianDropout(1.0), "below 1"),
        (lambda: layers.ReLU(threshold=-1.0), "threshold must not be negative"),
        (lambda: layers.Permute((0, 1)), "permutation of 1 to 2"),
        (lambda: layers.Embedding(0, 1), "must be positive"),
        (lambda: layers.SimpleRNN(0), "units must be positive"),
        (lambda: layers.RNN(3), "must have `call` and `state_size`"),
        (lambda: layers.Bidirectional(layers.LSTM(1), merge_mode="max"), "merge_mode must be"),
        (lambda: layers.Bidirectional(layers.LSTM(1), backward_layer=layers.LSTM(1)), "different directions"),
        (lambda: layers.TimeDistributed(3), "wraps a layer"),
        (lambda: layers.TimeDistributed(layers.Dense(1))(tf.ones([2, 3])), r"needs inputs \(batch, steps, ...\)"),
        (lambda: layers.BatchNormalization(axis=5)(tf.ones([2, 3])), "axis .5. does not fit"),
        (
            lambda: layers.LSTM(2)(tf.ones([1, 2, 3]), initial_state=[tf.ones([1, 2])]),
            "has 2 states, but initial_state gives 1",
        ),
        (lambda: layers.EinsumDense("ab,bc->ac", (3, 4))(tf.ones([1, 2])), "output_shape must have 1 sizes"),
        (lambda: layers.Layer().count_params(), "has no weights yet"),
    ],
)
def test_mistakes_are_told(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()


def test_embedding(mode):
    with mode.scope():
        layer = layers.Embedding(4, 2, embeddings_initializer=lambda shape, dtype=None: tf.reshape(tf.range(8.0), shape))
        np.testing.assert_array_equal(mode.value(layer([[0, 3]])), [[[0.0, 1.0], [6.0, 7.0]]])
        np.testing.assert_array_equal(mode.value(layer(np.array([[1.0]]))), [[[2.0, 3.0]]])
        with tf.GradientTape() as tape:
            out = tf.reduce_sum(layer([1, 1, 2]))
        np.testing.assert_array_equal(mode.value(tape.gradient(out, layer.embeddings)), [[0, 0], [2, 2], [1, 1], [0, 0]])
        with pytest.raises(tf.errors.InvalidArgumentError):
            mode.value(layer([4]))


def test_rnn_masks_keep_state_and_output(mode):
    with mode.scope():
        layer = layers.SimpleRNN(2, return_sequences=True, return_state=True)
        x = tf.constant(np.random.default_rng(0).normal(size=(2, 4, 3)).astype("float32"))
        mask = tf.constant([[True, True, False, False], [True, False, True, True]])
        outputs, state = layer(x, mask=mask)
        short = layer(x[:, :2])[1]
        outputs, state, short = (mode.value(t) for t in (outputs, state, short))
        np.testing.assert_array_equal(outputs[0, 2], outputs[0, 1])
        np.testing.assert_array_equal(state[0], short[0])
        np.testing.assert_array_equal(outputs[1, 1], outputs[1, 0])


def test_rnn_begins_with_given_states(mode):
    with mode.scope():
        layer = layers.LSTM(2, return_sequences=True, return_state=True)
        x = tf.constant(np.random.default_rng(0).normal(size=(2, 4, 3)).astype("float32"))
        whole, *_ = layer(x)
        _, *states = layer(x[:, :2])
        rest, *_ = layer(x[:, 2:], initial_state=states)
        np.testing.assert_allclose(mode.value(rest), mode.value(whole)[:, 2:], rtol=1e-5)


def test_a_cell_of_ones_own():
    class Counter(layers.Layer):
        state_size = 1

        def call(self, inputs, states):
            return states[0] + 1.0, [states[0] + 1.0]

    out = layers.RNN(Counter(), return_sequences=True)(tf.ones([2, 3, 5]))
    np.testing.assert_array_equal(out.numpy()[0, :, 0], [1.0, 2.0, 3.0])


def test_attention_masks(mode):
    with mode.scope():
        layer = layers.MultiHeadAttention(2, 3)
        x = tf.constant(np.random.default_rng(0).normal(size=(1, 4, 5)).astype("float32"))
        mask = np.ones((1, 4, 4), bool)
        mask[0, :, 2:] = False
        _, scores = layer(x, x, attention_mask=mask, return_attention_scores=True)
        scores = mode.value(scores)
        np.testing.assert_array_equal(scores[..., 2:], 0.0)
        np.testing.assert_allclose(scores.sum(-1), 1.0, rtol=1e-6)


KINDS = {
    "dense": (lambda **k: layers.Dense(3, "tanh", **k), (4, 5)),
    "conv1d": (lambda **k: layers.Conv1D(3, 2, padding="causal", **k), (2, 5, 3)),
    "conv2d": (lambda **k: layers.Conv2D(2, 3, strides=2, padding="same", **k), (2, 5, 4, 3)),
    "conv2d transpose": (lambda **k: layers.Conv2DTranspose(2, 3, strides=2, **k), (2, 3, 2, 3)),
    "depthwise": (lambda **k: layers.DepthwiseConv2D(2, **k), (2, 3, 4, 2)),
    "separable": (lambda **k: layers.SeparableConv2D(3, 2, **k), (2, 3, 4, 2)),
    "average pooling": (lambda **k: layers.AveragePooling2D(**k), (2, 4, 4, 2)),
    "batch norm": (lambda **k: layers.BatchNormalization(**k), (5, 3)),
    "layer norm": (lambda **k: layers.LayerNormalization(**k), (3, 5)),
    "simple rnn": (lambda **k: layers.SimpleRNN(3, **k), (2, 4, 3)),
    "lstm": (lambda **k: layers.LSTM(3, return_sequences=True, **k), (2, 4, 3)),
    "gru": (lambda **k: layers.GRU(3, **k), (2, 4, 3)),
    "gru reset before": (lambda **k: layers.GRU(3, reset_after=False, **k), (2, 4, 3)),
    "bidirectional": (lambda **k: layers.Bidirectional(layers.SimpleRNN(2, **k), **k), (2, 4, 3)),
    "time distributed": (lambda **k: layers.TimeDistributed(layers.Dense(2, **k), **k), (2, 4, 3)),
    "attention": (lambda **k: layers.MultiHeadAttention(2, 2, **k), (2, 4, 3)),
}


def loss_of(layer, x):
    """A smooth number that depends on all outputs, as training computes it."""
    extra = {"training": True} if "norm" in layer.name else {}
    out = layer(x, **extra)
    return tf.reduce_sum(out * out * tf.sin(out + 0.5))


@pytest.mark.parametrize("name", KINDS)
def test_gradients_are_slopes(name):
    """Along random directions the gradient is the slope of the loss, by central differences in float64."""
    make, shape = KINDS[name]
    rng = np.random.default_rng(1)
    layer, x = make(dtype="float64"), tf.constant(rng.normal(size=shape))
    loss_of(layer, x)
    for v in layer.trainable_weights:
        v.assign(rng.normal(size=v.shape))
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = loss_of(layer, x)
    inputs = [x, *layer.trainable_weights]
    values, gradients = [t.numpy() for t in inputs], tape.gradient(loss, inputs)

    def at(step, directions):
        for v, value, d in zip(inputs[1:], values[1:], directions[1:], strict=True):
            v.assign(value + step * d)
        return float(loss_of(layer, tf.constant(values[0] + step * directions[0])))

    for _ in range(3):
        directions = [rng.normal(size=v.shape) for v in values]
        slope = (at(1e-5, directions) - at(-1e-5, directions)) / 2e-5
        found = sum(float(np.sum(g.numpy() * d)) for g, d in zip(gradients, directions, strict=True))
        np.testing.assert_allclose(found, slope, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", KINDS)
def test_the_modes_agree(modes, name):
    make, shape = KINDS[name]
    x = np.random.default_rng(1).normal(size=shape).astype("float32")
    found = []
    for mode in modes:
        tf.reset_default_graph()
        with mode.scope():
            layer = make()
            given = tf.constant(x)
            loss_of(layer, given)
            if mode.name == "graph":
                mode.start()
            rng = np.random.default_rng(2)
            layer.set_weights([rng.normal(size=v.shape).astype("float32") ** 2 for v in layer.weights])
            with tf.GradientTape() as tape:
                loss = loss_of(layer, given)
            gradients = tape.gradient(loss, layer.trainable_weights)
            if mode.name == "graph":
                values = mode.session.run([loss, *gradients])
            else:
                values = [t.numpy() for t in (loss, *gradients)]
            found.append(([v.name for v in layer.weights], values))
    assert found[0][0] == found[1][0]
    for eager, graph in zip(found[0][1], found[1][1], strict=True):
        np.testing.assert_array_equal(eager, graph)


BUILDS = {
    "Dense": (lambda: layers.Dense(2), (None, 4), ["kernel", "bias"]),
    "EinsumDense": (lambda: layers.EinsumDense("ab,bc->ac", 3), (None, 4), ["kernel"]),
    "Conv2D": (lambda: layers.Conv2D(2, 3), (None, 8, 8, 3), ["kernel", "bias"]),
    "Conv2DTranspose": (lambda: layers.Conv2DTranspose(2, 3), (None, 8, 8, 3), ["kernel", "bias"]),
    "DepthwiseConv2D": (lambda: layers.DepthwiseConv2D(3), (None, 8, 8, 3), ["depthwise_kernel", "bias"]),
    "BatchNormalization": (
        lambda: layers.BatchNormalization(), [None, 4], ["gamma", "beta", "moving_mean", "moving_variance"],
    ),
    "LayerNormalization": (lambda: layers.LayerNormalization(), (2, 4), ["gamma", "beta"]),
    "Embedding": (lambda: layers.Embedding(5, 3), (None,), ["embeddings"]),
    "LSTMCell": (lambda: layers.LSTMCell(3), (None, 2), ["kernel", "recurrent_kernel", "bias"]),
    "SimpleRNN": (
        lambda: layers.SimpleRNN(3), (None, 5, 2),
        ["simple_rnn_cell/kernel", "simple_rnn_cell/recurrent_kernel", "simple_rnn_cell/bias"],
    ),
    "Bidirectional": (
        lambda: layers.Bidirectional(layers.GRU(2, use_bias=False)), (None, 5, 2),
        [f"{way}_gru/gru_cell/{kernel}" for way in ("forward", "backward") for kernel in ("kernel", "recurrent_kernel")],
    ),
    "TimeDistributed": (lambda: layers.TimeDistributed(layers.Dense(3)), (None, 5, 2), ["kernel", "bias"]),
    "Concatenate": (lambda: layers.Concatenate(), [(None, 2), (None, 3)], []),
    "Dropout": (lambda: layers.Dropout(0.5), (None, 2), []),
}  # fmt: skip


@pytest.mark.parametrize("name", BUILDS)
def test_a_plain_tuple_builds_a_layer(mode, name):
    """By hand there is no name scope around the weights; Keras gives the same names."""
    make, shape, weights = BUILDS[name]
    tf.reset_default_graph()
    with mode.scope():
        layer = make()
        layer.build(shape)
        assert layer.built
        assert [w.name for w in layer.weights] == [f"{w}:0" for w in weights]


def test_a_layers_own_build_gets_the_shape_as_it_was_given(mode):
    seen = []

    class Own(layers.Layer):
        def build(self, input_shape):
            seen.append(input_shape)
            super().build(input_shape)

    with mode.scope():
        Own().build((None, 4))
        Own()(tf.ones([2, 3]))
    assert [type(s).__name__ for s in seen] == ["tuple", "TensorShape"]
    assert seen == [(None, 4), (2, 3)]
