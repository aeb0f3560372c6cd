"""Layers, losses, metrics, schedules and optimizers give the numbers of Keras 2 (the package tf_keras), in both modes.

One table says how each layer is made and called. TensorFlow's side builds it, sets weights from a fixed sequence, writes a
checkpoint, and prints outputs and gradients. minitf's side builds it by the same words, restores the checkpoint by structure,
and compares.
"""

import inspect

import numpy as np
import pytest

import minitf as tf

pytestmark = pytest.mark.interop

# name: (the layer, the shapes of its inputs (a list for a list of tensors), more arguments of the call)
LAYERS = {
    "dense": ("L.Dense(3)", [(2, 4)], {}),
    "dense relu": ("L.Dense(3, activation='relu', use_bias=False)", [(2, 5, 4)], {}),
    "dense tanh 3d": ("L.Dense(3, 'tanh')", [(2, 2, 5, 4)], {}),
    "activation softmax": ("L.Activation('softmax')", [(2, 4)], {}),
    "activation hard sigmoid": ("L.Activation('hard_sigmoid')", [(2, 4)], {}),
    "activation gelu": ("L.Activation('gelu')", [(2, 4)], {}),
    "activation swish": ("L.Activation('swish')", [(2, 4)], {}),
    "relu": ("L.ReLU()", [(2, 4)], {}),
    "relu bent": ("L.ReLU(max_value=0.9, negative_slope=0.1, threshold=0.2)", [(4, 4)], {}),
    "leaky relu": ("L.LeakyReLU(0.2)", [(2, 4)], {}),
    "elu": ("L.ELU(0.7)", [(2, 4)], {}),
    "softmax": ("L.Softmax(axis=1)", [(2, 3, 4)], {}),
    "flatten": ("L.Flatten()", [(2, 3, 4)], {}),
    "flatten channels first": ("L.Flatten('channels_first')", [(2, 3, 4, 5)], {}),
    "reshape": ("L.Reshape((2, -1))", [(2, 3, 4)], {}),
    "permute": ("L.Permute((3, 1, 2))", [(2, 3, 4, 5)], {}),
    "repeat vector": ("L.RepeatVector(3)", [(2, 4)], {}),
    "dropout off": ("L.Dropout(0.5)", [(2, 4)], {"training": False}),
    "conv1d": ("L.Conv1D(3, 2)", [(2, 6, 4)], {}),
    "conv1d causal": ("L.Conv1D(3, 2, padding='causal', dilation_rate=2)", [(2, 6, 4)], {}),
    "conv2d": ("L.Conv2D(3, (2, 3), activation='relu')", [(2, 6, 7, 2)], {}),
    "conv2d same strides": ("L.Conv2D(3, 3, strides=2, padding='same', use_bias=False)", [(2, 6, 7, 2)], {}),
    "conv2d dilated": ("L.Conv2D(3, 2, dilation_rate=2)", [(2, 6, 7, 2)], {}),
    "conv2d dilated same": ("L.Conv2D(3, (2, 3), padding='same', dilation_rate=(2, 3))", [(2, 6, 7, 2)], {}),
    "conv2d groups": ("L.Conv2D(6, (2, 3), groups=2)", [(2, 5, 6, 4)], {}),
    "conv2d groups strides": ("L.Conv2D(4, 3, 2, 'same', groups=4, activation='tanh')", [(2, 5, 6, 4)], {}),
    "conv1d dilated same": ("L.Conv1D(3, 3, padding='same', dilation_rate=2)", [(2, 6, 4)], {}),
    "conv1d groups": ("L.Conv1D(6, 2, groups=3)", [(2, 6, 3)], {}),
    "conv1d causal groups": ("L.Conv1D(4, 3, padding='causal', groups=2)", [(2, 6, 4)], {}),
    "conv1d causal strides": ("L.Conv1D(4, 3, strides=2, padding='causal')", [(2, 6, 4)], {}),
    "conv3d same strides": ("L.Conv3D(2, 2, strides=2, padding='same')", [(2, 3, 4, 3, 2)], {}),
    "conv2d transpose": ("L.Conv2DTranspose(3, 3, strides=2)", [(2, 3, 4, 2)], {}),
    "conv2d transpose same": ("L.Conv2DTranspose(3, 3, strides=2, padding='same')", [(2, 3, 4, 2)], {}),
    "conv2d transpose padded": ("L.Conv2DTranspose(3, 3, (3, 2), 'same', output_padding=(2, 1))", [(2, 3, 4, 2)], {}),
    "conv2d transpose valid padded": ("L.Conv2DTranspose(3, 3, 2, output_padding=1)", [(2, 3, 4, 2)], {}),
    "conv2d transpose short": ("L.Conv2DTranspose(3, 3, 2, 'same', output_padding=0)", [(2, 3, 4, 2)], {}),
    "conv2d transpose dilated": ("L.Conv2DTranspose(3, 3, dilation_rate=2)", [(2, 3, 4, 2)], {}),
    "conv2d transpose dilated same": ("L.Conv2DTranspose(3, 3, padding='same', dilation_rate=2)", [(2, 5, 4, 2)], {}),
    "conv1d transpose": ("L.Conv1DTranspose(3, 3, strides=2)", [(2, 3, 2)], {}),
    "conv1d transpose padded": ("L.Conv1DTranspose(3, 3, strides=3, padding='same', output_padding=2)", [(2, 3, 2)], {}),
    "conv3d": ("L.Conv3D(2, 2)", [(2, 3, 4, 3, 2)], {}),
    "depthwise": ("L.DepthwiseConv2D(2, depth_multiplier=2)", [(2, 4, 5, 3)], {}),
    "depthwise dilated": ("L.DepthwiseConv2D(2, padding='same', dilation_rate=2)", [(2, 4, 5, 3)], {}),
    "depthwise 1d": ("L.DepthwiseConv1D(3, strides=2, padding='same', depth_multiplier=2)", [(2, 6, 3)], {}),
    "separable 1d": ("L.SeparableConv1D(4, 3, depth_multiplier=2, dilation_rate=2)", [(2, 7, 3)], {}),
    "separable 1d causal": ("L.SeparableConv1D(4, 3, padding='causal')", [(2, 6, 3)], {}),
    "separable": ("L.SeparableConv2D(4, 2, depth_multiplier=2)", [(2, 4, 5, 3)], {}),
    "max pooling 1d": ("L.MaxPooling1D(2)", [(2, 6, 3)], {}),
    "max pooling 2d": ("L.MaxPooling2D((2, 3), strides=2, padding='same')", [(2, 5, 6, 3)], {}),
    "average pooling 1d": ("L.AveragePooling1D(3, strides=1)", [(2, 6, 3)], {}),
    "average pooling 2d": ("L.AveragePooling2D(2, padding='same')", [(2, 5, 6, 3)], {}),
    "global average 2d": ("L.GlobalAveragePooling2D()", [(2, 5, 6, 3)], {}),
    "global max 1d": ("L.GlobalMaxPooling1D(keepdims=True)", [(2, 5, 3)], {}),
    "zero padding": ("L.ZeroPadding2D(((1, 2), (0, 3)))", [(2, 3, 4, 2)], {}),
    "batch norm": ("L.BatchNormalization()", [(6, 4)], {"training": False}),
    "batch norm training": ("L.BatchNormalization(momentum=0.8, epsilon=0.01)", [(6, 4)], {"training": True}),
    "batch norm pictures": ("L.BatchNormalization()", [(3, 4, 5, 2)], {"training": True}),
    "batch norm axis": ("L.BatchNormalization(axis=1, scale=False)", [(3, 4, 5)], {"training": True}),
    "layer norm": ("L.LayerNormalization()", [(3, 4, 5)], {}),
    "layer norm axes": ("L.LayerNormalization(axis=[1, 2], center=False)", [(3, 4, 5)], {}),
    "unit norm": ("L.UnitNormalization()", [(3, 4)], {}),
    "simple rnn": ("L.SimpleRNN(3)", [(2, 5, 4)], {}),
    "simple rnn backwards": ("L.SimpleRNN(3, return_sequences=True, go_backwards=True)", [(2, 5, 4)], {}),
    "lstm": ("L.LSTM(3)", [(2, 5, 4)], {}),
    "lstm everything": ("L.LSTM(3, return_sequences=True, return_state=True)", [(2, 5, 4)], {}),
    "lstm no bias": ("L.LSTM(3, use_bias=False, recurrent_activation='hard_sigmoid')", [(2, 5, 4)], {}),
    "lstm steps first": ("L.LSTM(3, return_sequences=True, time_major=True, unroll=True)", [(5, 2, 4)], {}),
    "lstm other gates": ("L.LSTM(3, 'relu', recurrent_activation='tanh', dropout=0.5)", [(2, 5, 4)], {"training": False}),
    "gru": ("L.GRU(3)", [(2, 5, 4)], {}),
    "gru backwards": ("L.GRU(3, go_backwards=True, return_state=True, recurrent_dropout=0.2)", [(2, 5, 4)], {}),
    "gru reset before": ("L.GRU(3, reset_after=False, return_sequences=True)", [(2, 5, 4)], {}),
    "rnn of a cell": ("L.RNN(L.LSTMCell(3), return_state=True)", [(2, 5, 4)], {}),
    "bidirectional": ("L.Bidirectional(L.LSTM(3, return_sequences=True))", [(2, 5, 4)], {}),
    "bidirectional sum": ("L.Bidirectional(L.GRU(3), merge_mode='sum')", [(2, 5, 4)], {}),
    "time distributed": ("L.TimeDistributed(L.Dense(3))", [(2, 5, 4)], {}),
    "time distributed conv": ("L.TimeDistributed(L.Conv2D(2, 2))", [(2, 3, 4, 5, 2)], {}),
    "add": ("L.Add()", [[(2, 5, 4), (2, 5, 1), (2, 4)]], {}),
    "subtract": ("L.Subtract()", [[(2, 5, 4), (2, 5, 4)]], {}),
    "multiply": ("L.Multiply()", [[(2, 5, 4), (2, 5, 4), (2, 1, 4)]], {}),
    "average": ("L.Average()", [[(2, 4), (2, 4), (2, 4)]], {}),
    "maximum": ("L.Maximum()", [[(2, 5, 4), (2, 5, 4)]], {}),
    "minimum": ("L.Minimum()", [[(2, 5, 4), (2, 4)]], {}),
    "concatenate": ("L.Concatenate()", [[(2, 5, 4), (2, 5, 1)]], {}),
    "concatenate steps": ("L.Concatenate(axis=1)", [[(2, 5, 4), (2, 3, 4)]], {}),
    "dot": ("L.Dot(axes=1)", [[(2, 4), (2, 4)]], {}),
    "dot axes": ("L.Dot(axes=(1, 2))", [[(2, 5, 3), (2, 4, 5)]], {}),
    "dot normalised": ("L.Dot(axes=-1, normalize=True)", [[(2, 5, 3), (2, 4, 3)]], {}),
    "lambda": ("L.Lambda(lambda x, by: x * x * by, arguments={'by': 3.0})", [(2, 4)], {}),
    "identity": ("L.Identity()", [(2, 4)], {}),
    "rescaling": ("L.Rescaling(0.5, offset=-1.0)", [(2, 4, 4, 3)], {}),
    "up sampling 1d": ("L.UpSampling1D(3)", [(2, 4, 3)], {}),
    "up sampling 2d": ("L.UpSampling2D((2, 3))", [(2, 3, 4, 2)], {}),
    "up sampling 2d channels first": ("L.UpSampling2D(2, data_format='channels_first')", [(2, 3, 4, 2)], {}),
    "cropping 1d": ("L.Cropping1D((1, 0))", [(2, 4, 3)], {}),
    "cropping 2d": ("L.Cropping2D(((1, 0), (2, 1)))", [(2, 3, 5, 2)], {}),
    "cropping 2d channels first": ("L.Cropping2D(1, 'channels_first')", [(2, 3, 4, 5)], {}),
    "einsum dense": ("L.EinsumDense('abc,cd->abd', output_shape=(None, 3), bias_axes='d')", [(2, 5, 4)], {}),
    "attention": ("L.MultiHeadAttention(2, 3)", [(2, 5, 4), (2, 6, 4)], {}),
    "attention causal": (
        "L.MultiHeadAttention(2, 3, value_dim=2, output_shape=7)", [(2, 5, 4), (2, 5, 4)], {"use_causal_mask": True},
    ),
}  # fmt: skip


def numbers(shape, start=0):
    n = int(np.prod(shape))
    return (np.sin(np.arange(start, start + n) * 1.7) * 0.9).astype("float32").reshape(shape)


def inputs_for(tf, shapes, start=3):
    """Tensors; lists of them for lists of shapes."""
    tensor = lambda shape, i: tf.constant(numbers(shape, 100 * i + start))
    return [inputs_for(tf, s, start + 50) if isinstance(s, list) else tensor(s, i) for i, s in enumerate(shapes)]


def flat(value):
    return [v for part in value for v in flat(part)] if isinstance(value, (list, tuple)) else [value]


# The same functions for TensorFlow's side.
COMMON = "".join(inspect.getsource(f) for f in (numbers, inputs_for, flat))

ORACLE = """
import json, sys
import numpy as np
import tensorflow as tf
import tf_keras as keras
folder = sys.argv[1]
L = keras.layers
LAYERS = TABLE
COMMON
out = {}
for name, (text, shapes, arguments) in LAYERS.items():
    layer = eval(text)
    given = inputs_for(tf, shapes)
    layer(*given, **arguments)
    values = [numbers(v.shape, 7 * i) for i, v in enumerate(layer.weights)]
    layer.set_weights([abs(n) + 0.1 if "variance" in v.name else n for n, v in zip(values, layer.weights)])
    path = f"{folder}/{name.replace(' ', '_')}"
    tf.train.Checkpoint(layer=layer).write(path)
    with tf.GradientTape() as tape:
        tape.watch(given)
        result = flat(layer(*given, **arguments))
        loss = tf.add_n([tf.reduce_sum(r * r * tf.cos(r)) for r in result])
    wanted = [*flat(given), *layer.trainable_weights]
    out[name] = {
        "names": [v.name for v in layer.weights],
        "trainable": [v.name for v in layer.trainable_weights],
        "outputs": [r.numpy().tolist() for r in result],
        "gradients": [g.numpy().tolist() for g in tape.gradient(loss, wanted)],
        "after": [v.numpy().tolist() for v in layer.weights],
    }
print(json.dumps(out))
""".replace("TABLE", repr(LAYERS)).replace("COMMON", COMMON)


@pytest.fixture(scope="module")
def keras_layers(oracle, tmp_path_factory):
    folder = tmp_path_factory.mktemp("layers")
    return folder, oracle(ORACLE, folder)


@pytest.fixture(autouse=True)
def _names_start_again():
    tf.reset_default_graph()


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_restored_from_keras_gives_its_numbers(keras_layers, mode, name):
    folder, expected = keras_layers[0], keras_layers[1][name]
    text, shapes, arguments = LAYERS[name]
    with mode.scope():
        layer = eval(text, {"L": tf.keras.layers})
        given = inputs_for(tf, shapes)
        root = tf.train.Checkpoint(layer=layer)
        status = tf.train.CheckpointableSaver(root).restore(str(folder / name.replace(" ", "_")))
        layer(*given, **({**arguments, "training": False} if "training" in arguments else arguments))
        if layer.weights:
            status.assert_consumed()  # also every node without a value has its counterpart
        if mode.name == "graph":
            mode.start()
            status.run_restore_ops()
        with tf.GradientTape() as tape:
            tape.watch(given)
            result = flat(layer(*given, **arguments))
            loss = sum(tf.reduce_sum(r * r * tf.cos(r)) for r in result)
        found = tape.gradient(loss, [*flat(given), *layer.trainable_weights])
        assert [v.trainable for v in layer.trainable_weights] == [True] * len(expected["trainable"])
        traced = flat(tf.function(lambda *x: layer(*x, **arguments))(*given))
        for r, t, e in zip(result, traced, expected["outputs"], strict=True):
            np.testing.assert_allclose(mode.value(r), e, rtol=2e-5, atol=2e-6)
            np.testing.assert_allclose(mode.value(t), e, rtol=2e-5, atol=2e-6)
            assert tuple(r.shape) == np.shape(e)
        for g, e in zip(found, expected["gradients"], strict=True):
            np.testing.assert_allclose(mode.value(g), e, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("name", [n for n in LAYERS if "batch norm" in n])
def test_batch_normalization_tracks_as_keras_does(keras_layers, mode, name):
    folder, expected = keras_layers[0], keras_layers[1][name]
    text, shapes, arguments = LAYERS[name]
    with mode.scope():
        layer = eval(text, {"L": tf.keras.layers})
        [given] = inputs_for(tf, shapes)
        layer.build(given.shape)
        status = tf.train.Checkpoint(layer=layer).read(str(folder / name.replace(" ", "_")))
        if mode.name == "graph":
            mode.start()
            status.run_restore_ops()
        mode.value(layer(given, **arguments))
        for v, e in zip(layer.weights, expected["after"], strict=True):
            np.testing.assert_allclose(mode.value(v), e, rtol=1e-5, atol=1e-6, err_msg=v.name)


@pytest.mark.parametrize("name", LAYERS)
def test_weights_have_the_names_of_keras(keras_layers, name):
    expected = keras_layers[1][name]
    text, shapes, arguments = LAYERS[name]
    layer = eval(text, {"L": tf.keras.layers})
    layer(*inputs_for(tf, shapes), **arguments)
    without_numbers = lambda names: [n.split("/", 1)[1] if "bidirectional" not in n else n.split("/", 2)[2] for n in names]
    assert without_numbers(v.name for v in layer.weights) == without_numbers(expected["names"])
    assert [v.shape.as_list() for v in layer.weights] == [list(np.shape(v)) for v in expected["after"]]
