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


def test_recurrent_layers_in_a_graph_need_a_known_number_of_steps():
    with tf.Graph().as_default(), pytest.raises(ValueError, match="the number of steps .* must be known"):
        layers.GRU(2)(tf.placeholder(tf.float32, [None, None, 3]))


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
