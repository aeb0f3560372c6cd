"""Masks go from layer to layer as in Keras 2: the same outputs, and the same masks with them, in both modes."""

import inspect

import numpy as np
import pytest

import minitf as tf

pytestmark = pytest.mark.interop

EMBEDDED = "L.Embedding(6, 4, mask_zero=True)"
# name: (layers, called one after the other, the last one on a list if there are several chains before it)
CHAINS = {
    "embedding": [EMBEDDED],
    "embedding without a mask": ["L.Embedding(6, 4)", "L.LSTM(3)"],
    "masking": [EMBEDDED, "L.Masking(0.0)"],
    "dense": [EMBEDDED, "L.Dense(3)", "L.Activation('tanh')", "L.Dropout(0.5)"],
    "dropped": [EMBEDDED, "L.Reshape((5, 2, 2))"],
    "conv drops": [EMBEDDED, "L.Conv1D(3, 2)"],
    "norms": [EMBEDDED, "L.LayerNormalization()", "L.UnitNormalization()", "L.BatchNormalization()"],
    "activations": [EMBEDDED, "L.ReLU()", "L.LeakyReLU()", "L.ELU()", "L.GaussianNoise(0.1)", "L.SpatialDropout1D(0.1)"],
    "mean": [EMBEDDED, "L.GlobalAveragePooling1D()"],
    "largest": [EMBEDDED, "L.GlobalMaxPooling1D()"],
    "simple rnn": [EMBEDDED, "L.SimpleRNN(3)"],
    "lstm": [EMBEDDED, "L.LSTM(3, return_sequences=True)"],
    "lstm states": [EMBEDDED, "L.LSTM(3, return_sequences=True, return_state=True)"],
    "lstm zeros": [EMBEDDED, "L.RNN(L.LSTMCell(3), return_sequences=True, zero_output_for_mask=True)"],
    "gru backwards": [EMBEDDED, "L.GRU(3, return_sequences=True, go_backwards=True)"],
    "bidirectional": [EMBEDDED, "L.Bidirectional(L.LSTM(3, return_sequences=True))", "L.Dense(2)"],
    "bidirectional last": [EMBEDDED, "L.Bidirectional(L.GRU(3))"],
    "bidirectional both": [EMBEDDED, "L.Bidirectional(L.GRU(3, return_sequences=True), merge_mode=None)"],
    "time distributed": [EMBEDDED, "L.TimeDistributed(L.Dense(2))", "L.LSTM(2)"],
    "sequential": [EMBEDDED, "K.Sequential([L.Dense(4), L.LSTM(3, return_sequences=True)])", "L.Dense(2)"],
    "attention": [EMBEDDED, "L.MultiHeadAttention(2, 3)"],
    "softmax": [EMBEDDED, "L.Dense(1)", "L.Flatten()", "L.Softmax()"],
    "sum": [[[EMBEDDED], ["L.Embedding(7, 4)"]], "L.Add()"],
    "sum of two": [[[EMBEDDED], ["L.Embedding(6, 4)", "L.Masking(0.5)"]], "L.Add()"],
    "product": [[["L.Embedding(6, 4)"], ["L.Embedding(6, 4)"]], "L.Multiply()"],
    "concatenated": [[[EMBEDDED], ["L.Embedding(6, 3)"]], "L.Concatenate()", "L.LSTM(2)"],
    "concatenated steps": [[[EMBEDDED], [EMBEDDED]], "L.Concatenate(axis=1)", "L.LSTM(2)"],
    "dot": [[[EMBEDDED], [EMBEDDED]], "L.Dot(axes=2)"],
}

IDS = [[1, 2, 0, 3, 0], [4, 0, 0, 0, 5], [1, 2, 3, 4, 5]]


def waves(shape, start=0):
    n = int(np.prod(shape))
    return (np.sin(np.arange(start, start + n) * 1.7) * 0.9).astype("float32").reshape(shape)


def flat(value):
    return [v for part in value for v in flat(part)] if isinstance(value, (list, tuple)) else [value]


def made(K, chain):
    """The layers of a chain, in its structure."""
    names = {"K": K, "L": K.layers}
    make = lambda part: [make(p) for p in part] if isinstance(part, list) else eval(part, names)
    return make(chain)


def called(layers, x):
    """What the last layer gives."""
    for layer in layers:
        more = [x] if type(layer).__name__ == "MultiHeadAttention" else []
        x = [called(chain, x) for chain in layer] if isinstance(layer, list) else layer(x, *more)
    return x


def set_weights(layers):
    """The same numbers on both sides."""
    for number, layer in enumerate(v for v in flat(layers) if hasattr(v, "weights")):
        values = [waves(w.shape, 7 * i + 31 * number) for i, w in enumerate(layer.weights)]
        layer.set_weights([abs(n) + 0.1 if "variance" in w.name else n for n, w in zip(values, layer.weights, strict=True)])


ORACLE = """
import json
import numpy as np
import tensorflow as tf
import tf_keras as K

FUNCTIONS
out = {}
for name, chain in CHAINS.items():
    layers, ids = made(K, chain), tf.constant(IDS)
    called(layers, ids)
    set_weights(layers)
    results = flat(called(layers, ids))
    masks = [getattr(r, "_keras_mask", None) for r in results]
    out[name] = [[r.numpy().tolist() for r in results], [None if m is None else m.numpy().tolist() for m in masks]]
print(json.dumps(out))
"""
FUNCTIONS = "\n".join(inspect.getsource(f) for f in (waves, flat, made, called, set_weights))
ORACLE = ORACLE.replace("FUNCTIONS", FUNCTIONS).replace("CHAINS", repr(CHAINS)).replace("IDS", repr(IDS))


@pytest.fixture(scope="module")
def of_keras(oracle):
    return oracle(ORACLE)


@pytest.mark.parametrize("name", CHAINS)
def test_outputs_and_their_masks_are_those_of_keras(of_keras, mode, name):
    outputs, masks = of_keras[name]
    with mode.scope():
        layers, ids = made(tf.keras, CHAINS[name]), tf.constant(IDS)
        called(layers, ids)
        if mode.name == "graph":
            mode.start()
        set_weights(layers)
        found = flat(called(layers, ids))
        traced = flat(tf.function(lambda x: called(layers, x))(ids))
        for result, in_function, output, mask in zip(found, traced, outputs, masks, strict=True):
            np.testing.assert_allclose(mode.value(result), output, rtol=2e-5, atol=2e-6)
            np.testing.assert_allclose(mode.value(in_function), output, rtol=2e-5, atol=2e-6)
            own = result._keras_mask
            assert (own is None) == (mask is None)
            if mask is not None:
                np.testing.assert_array_equal(mode.value(own), mask)
