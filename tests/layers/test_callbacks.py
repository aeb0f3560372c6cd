"""Callbacks that change the training or write of it: as in Keras 2, in both modes."""

import numpy as np
import pytest

import minitf as tf
from minitf.keras import callbacks, layers

PROGRAM = '''
K = tf.keras
C = K.callbacks
X = np.linspace(-1, 1, 32).reshape(8, 4).astype(np.float32)
Y = X[:, :2] * 2

def fit(rate, epochs, *listeners, y=Y, optimizer=None):
    model = K.Sequential([K.layers.Dense(2, kernel_initializer="ones")])
    model.compile(optimizer or K.optimizers.SGD(rate), "mse")
    history = model.fit(X, y, epochs=epochs, batch_size=4, shuffle=False, verbose=0, callbacks=list(listeners)).history
    return {name: [float(v) for v in values] for name, values in history.items()}

def scheduled():
    return [fit(0.1, 4, C.LearningRateScheduler(lambda epoch, rate: rate * 0.5 if epoch else 0.05)),
            fit(0.1, 3, C.LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1)), optimizer=K.optimizers.Adam())]

def plateau():
    return [fit(0.5, 12, C.ReduceLROnPlateau("loss", factor=0.5, patience=2, min_delta=0.5, cooldown=1, min_lr=0.1)),
            fit(0.1, 6, C.ReduceLROnPlateau("loss", factor=0.1, patience=1, min_delta=10.0)),
            fit(0.1, 4, C.ReduceLROnPlateau("loss", patience=1, mode="max"))]

def not_a_number():
    seen = []
    y = Y.copy()
    y[5] = np.nan
    history = fit(0.1, 3, C.TerminateOnNaN(), C.LambdaCallback(on_batch_end=lambda batch, logs: seen.append(batch)), y=y)
    return seen, len(history["loss"])

def stopped_within_an_epoch():
    seen = []
    class Stop(C.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(batch)
            self.model.stop_training = True
    return len(fit(0.1, 3, Stop())["loss"]), seen

def functions():
    seen = []
    say = lambda name: lambda *args, logs=None: seen.append([name, *[a for a in args if isinstance(a, int)]])
    names = ["on_epoch_begin", "on_epoch_end", "on_batch_begin", "on_batch_end", "on_train_begin", "on_train_end"]
    fit(0.1, 2, C.LambdaCallback(**{name: say(name) for name in names}))
    return seen

def rows():
    path = os.path.join(tempfile.mkdtemp(), "log.csv")
    fit(0.1, 2, C.CSVLogger(path))
    fit(0.1, 2, C.CSVLogger(path, append=True))
    with open(path) as file:
        lines = file.read().splitlines()
    return lines[0], [[-1.0 if v == "NA" else float(v) for v in line.split(",")] for line in lines[1:]]

CASES = {f.__name__: f for f in (scheduled, plateau, not_a_number, stopped_within_an_epoch, functions, rows)}
'''
NAMES = ["scheduled", "plateau", "not_a_number", "stopped_within_an_epoch", "functions", "rows"]
HEAD = "import json, os, tempfile\nimport numpy as np\n"


def ours(name, mode):
    with mode.scope():
        space = {"tf": tf}
        exec(HEAD + PROGRAM, space)
        return space["CASES"][name]()


def close(found, expected):
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for name in expected:
            close(found[name], expected[name])
    elif isinstance(expected, (list, tuple)) and any(isinstance(e, (list, tuple, dict, str)) for e in expected):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            close(one, other)
    elif isinstance(expected, str):
        assert found == expected
    else:
        np.testing.assert_allclose(found, expected, rtol=2e-4, atol=1e-6)


@pytest.fixture(scope="module")
def keras_side(oracle):
    end = "print()\nprint(json.dumps({n: f() for n, f in CASES.items()}))"
    return oracle(HEAD + "import tensorflow as tf\n" + PROGRAM + end)


@pytest.mark.interop
@pytest.mark.parametrize("name", NAMES)
def test_keras_agrees(keras_side, mode, name):
    close(ours(name, mode), keras_side[name])


@pytest.mark.parametrize("name", NAMES)
def test_the_modes_agree(modes, name):
    eager, graph = (ours(name, mode) for mode in modes)
    close(graph, eager)


def test_a_rate_is_halved_on_a_plateau(mode):
    found = ours("plateau", mode)[0]["lr"]
    assert found[0] == 0.5
    assert found[-1] == pytest.approx(0.1)
    assert sorted(found, reverse=True) == found


def test_not_a_number_ends_the_epoch(mode):
    assert ours("not_a_number", mode) == ([0, 1], 1)


@pytest.mark.parametrize(
    "act, error, message",
    [
        (lambda: callbacks.ReduceLROnPlateau(factor=1.0), ValueError, "factor must be below 1"),
        (lambda: callbacks.LambdaCallback(on_epoch=print), TypeError, "no method 'on_epoch'"),
    ],
)
def test_mistakes(act, error, message):
    with pytest.raises(error, match=message):
        act()


def test_a_schedule_gives_a_float():
    model = tf.keras.Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.ones((2, 2), np.float32)
    with pytest.raises(ValueError, match="must give a float, not 'fast'"):
        model.fit(x, x[:, :1], verbose=0, callbacks=[callbacks.LearningRateScheduler(lambda epoch: "fast")])


@pytest.mark.parametrize(
    "make, shape, message",
    [
        (lambda: layers.Cropping1D(2), (1, 4, 1), "cropping 2 and 2 of 4 leaves nothing"),
        (lambda: layers.UpSampling2D(interpolation="bilinear"), (1, 2, 2, 1), "can only be 'nearest'"),
    ],
)
def test_mistakes_of_layers_that_resize(make, shape, message):
    with pytest.raises(ValueError, match=message):
        make()(tf.ones(shape))


def test_small_layers(mode):
    with mode.scope():
        x = tf.constant([[1.0, -2.0], [3.0, 0.5]])
        twice = layers.Lambda(lambda v, training: v * 2.0 if training else v)
        np.testing.assert_array_equal(mode.value(twice(x, training=True)), [[2.0, -4.0], [6.0, 1.0]])
        np.testing.assert_array_equal(mode.value(layers.Rescaling(0.5, 1.0)([[2, 4]])), [[2.0, 3.0]])
        layer = layers.ActivityRegularization(l1=1.0)
        np.testing.assert_array_equal(mode.value(layer(x)), mode.value(x))
        assert [mode.value(loss) for loss in layer.losses] == [6.5 / 2]
        assert mode.value(layers.UpSampling1D(2)(tf.ones([1, 3, 2]))).shape == (1, 6, 2)
        assert mode.value(layers.Cropping2D(1)(tf.ones([1, 4, 3, 2]))).shape == (1, 2, 1, 2)
