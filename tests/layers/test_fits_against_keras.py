"""Small models of many kinds, compiled and fitted: history, weights and predictions are those of Keras 2, in both modes.

One table says how each model is made, and on what. Both sides begin with the same weights and take the batches in order.
"""

import inspect

import numpy as np
import pytest

import minitf as tf

pytestmark = pytest.mark.interop

# name: (the layers, the inputs, the truths, compile's other arguments)
MODELS = {
    "constraints": (
        "[L.Dense(4, 'tanh', kernel_constraint='non_neg', bias_constraint=K.constraints.MaxNorm(0.1)), "
        "L.Dense(3, kernel_constraint=K.constraints.UnitNorm(axis=1)), "
        "L.Dense(1, kernel_constraint=K.constraints.MinMaxNorm(0.2, 0.5, rate=0.5))]",
        "waves((20, 3), 200)", "waves((20, 1), 300)", {"optimizer": "sgd"},
    ),
    "constraints of a convolution": (
        "[L.Conv1D(4, 2, kernel_constraint=K.constraints.MaxNorm(0.4, axis=[0, 1])), L.GlobalMaxPooling1D(), "
        "L.BatchNormalization(gamma_constraint='non_neg'), L.Dense(1, bias_constraint='non_neg')]",
        "waves((20, 5, 3), 200)", "waves((20, 1), 300)", {"optimizer": "sgd"},
    ),
    "constraints of a cell": (
        "[L.LSTM(3, kernel_constraint='max_norm', recurrent_constraint='unit_norm', bias_constraint='non_neg'), L.Dense(1)]",
        "waves((20, 4, 3), 200)", "waves((20, 1), 300)", {"optimizer": "sgd"},
    ),
    "penalties": (
        "[L.Dense(4, 'relu', activity_regularizer=K.regularizers.L2(0.1), kernel_regularizer='l1'), "
        "L.Dense(1, activity_regularizer='l1', bias_regularizer='l2')]",
        "waves((20, 3), 200)", "waves((20, 1), 300)", {"optimizer": "sgd"},
    ),
    "penalties of a convolution": (
        "[L.Conv2D(4, 2, activity_regularizer='l1_l2', groups=2), L.Flatten(), L.Dense(1)]",
        "waves((12, 3, 4, 2), 200)", "waves((12, 1), 300)", {"optimizer": "sgd", "metrics": ["mae"]},
    ),
    "masks in loss and metrics": (
        "[L.Embedding(6, 4, mask_zero=True), L.LSTM(3, return_sequences=True), L.Dense(1)]",
        "np.arange(100).reshape(20, 5) * 7 % 11 % 6", "waves((20, 5, 1), 300)",
        {"optimizer": "sgd", "metrics": ["mae"], "weighted_metrics": ["mse"]},
    ),
    "a mask until the last step": (
        "[L.Masking(), L.Bidirectional(L.GRU(3)), L.Dense(3, 'softmax')]",
        "np.maximum(waves((20, 5, 1), 200), 0)", "np.arange(20) % 3",
        {"optimizer": "sgd", "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]},
    ),
}  # fmt: skip


def waves(shape, start=0):
    n = int(np.prod(shape))
    return (np.sin(np.arange(start, start + n) * 1.7) * 0.9).astype("float32").reshape(shape)


def fitted(K, text, x, y, settings):
    """A model of these layers, and what was seen while it was trained."""
    settings = {"loss": "mse", **settings}
    model = K.Sequential(eval(text, {"K": K, "L": K.layers}))
    x, y = (eval(t, {"np": np, "waves": waves}) for t in (x, y))
    model.build((None, *x.shape[1:]))
    values = [waves(v.shape, 7 * i) for i, v in enumerate(model.weights)]
    model.set_weights([abs(n) + 0.1 if "variance" in v.name else n for n, v in zip(values, model.weights, strict=True)])
    model.compile(**settings)
    history = model.fit(x, y, batch_size=8, epochs=3, shuffle=False, verbose=0, validation_data=(x[:5], y[:5]))
    return {
        "history": {name: [float(v) for v in values] for name, values in history.history.items()},
        "weights": [w.tolist() for w in model.get_weights()],
        "predictions": model.predict(x, verbose=0).tolist(),
        "test": {k: float(v) for k, v in model.evaluate(x, y, batch_size=6, verbose=0, return_dict=True).items()},
    }


ORACLE = """
import json
import numpy as np
import tf_keras as K

FUNCTIONS
print(json.dumps({name: fitted(K, *model) for name, model in MODELS.items()}))
"""
FUNCTIONS = inspect.getsource(waves) + "\n" + inspect.getsource(fitted)
ORACLE = ORACLE.replace("FUNCTIONS", FUNCTIONS).replace("MODELS", repr(MODELS))


@pytest.fixture(scope="module")
def of_keras(oracle):
    return oracle(ORACLE)


@pytest.mark.parametrize("name", MODELS)
def test_a_fitted_model_has_the_numbers_of_keras(of_keras, mode, name):
    expected = of_keras[name]
    with mode.scope():
        found = fitted(tf.keras, *MODELS[name])
    for kind in ("history", "test"):
        assert found[kind].keys() == expected[kind].keys()
        for key, value in expected[kind].items():
            np.testing.assert_allclose(found[kind][key], value, rtol=2e-4, atol=1e-5, err_msg=key)
    for w, e in zip(found["weights"], expected["weights"], strict=True):
        np.testing.assert_allclose(w, e, rtol=2e-4, atol=1e-5)
    np.testing.assert_allclose(found["predictions"], expected["predictions"], rtol=2e-3, atol=1e-5)
