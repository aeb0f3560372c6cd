"""Steps of training that a model defines itself, and what they are made of, give what they give in Keras 2."""

import numpy as np
import pytest

import minitf as tf

# The same program for both sides. CASES: functions that give what is compared.
PROGRAM = '''
K = tf.keras
X = np.linspace(-1, 1, 32).reshape(8, 4).astype(np.float32)
Y = X[:, :2] * 2
CASES, SEEN = {}, []

def case(function):
    CASES[function.__name__] = function
    return function

def form(data):
    if isinstance(data, (list, tuple)):
        return [form(part) for part in data]
    if isinstance(data, dict):
        return {name: form(part) for name, part in data.items()}
    return len(data.shape)

def plain(history):
    return {name: np.asarray(values).tolist() for name, values in history.history.items()}

def compiled(model, loss="mse", **settings):
    model.compile(K.optimizers.SGD(0.1), loss, **settings)
    return model

def fit(model, y=Y, **settings):
    return plain(model.fit(X, y, verbose=0, epochs=2, batch_size=4, shuffle=False, **settings))

class Net(K.Model):
    def __init__(self):
        super().__init__()
        self.dense = K.layers.Dense(2, kernel_initializer="ones")

    def call(self, x):
        x = x["a"] if isinstance(x, dict) else x[0] if isinstance(x, (list, tuple)) else x
        return self.dense(x)

class Seeing(Net):
    def train_step(self, data):
        SEEN.append(form(data))
        return super().train_step(data)

    def test_step(self, data):
        SEEN.append(form(data))
        return super().test_step(data)

    def predict_step(self, data):
        SEEN.append(form(data))
        return super().predict_step(data)

@case
def what_the_steps_get():
    out = {}
    for name, act in {
        "x, y": lambda m: m.fit(X, Y, verbose=0),
        "with weights": lambda m: m.fit(X, Y, sample_weight=np.ones(8), verbose=0),
        "a list": lambda m: m.fit([X, X], Y, verbose=0),
        "a dict": lambda m: m.fit({"a": X}, Y, verbose=0),
        "predict": lambda m: m.predict(X, verbose=0),
        "predict a list": lambda m: m.predict([X], verbose=0),
        "evaluate": lambda m: m.evaluate(X, Y, verbose=0),
        "one batch": lambda m: m.train_on_batch(X, Y),
    }.items():
        act(compiled(Seeing()))
        out[name] = SEEN[0]
        SEEN.clear()
    return out

class Own(Net):
    """Keeps its loss and metric itself."""

    def __init__(self):
        super().__init__()
        self.tracker, self.error = K.metrics.Mean(name="loss"), K.metrics.MeanAbsoluteError(name="error")

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = K.losses.mean_squared_error(y, y_pred)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
        self.tracker.update_state(loss)
        self.error.update_state(y, y_pred)
        return {"loss": self.tracker.result(), "error": self.error.result()}

    def test_step(self, data):
        x, y = data
        self.error.update_state(y, self(x, training=False))
        return {"error": self.error.result()}

class Telling(Own):
    @property
    def metrics(self):
        return [self.tracker, self.error]

@case
def own_metrics_start_again_with_each_epoch():
    model = Telling()
    model.compile(K.optimizers.SGD(0.1))
    return fit(model, validation_data=(X, Y)), len(model.layers), len(model.weights), len(model.trainable_weights)

@case
def so_do_those_in_attributes():
    model = Own()
    model.compile(K.optimizers.SGD(0.1))
    return fit(model), [m.name for m in model.metrics]

class ByParts(Net):
    def train_step(self, data):
        x, y, sample_weight = K.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compiled_loss(y, y_pred, sample_weight, regularization_losses=self.losses)
        self.optimizer.minimize(loss, self.trainable_variables, tape=tape)
        self.compiled_metrics.update_state(y, y_pred, sample_weight)
        return {m.name: m.result() for m in self.metrics}

@case
def compiled_loss_and_metrics():
    model = compiled(ByParts(), metrics=["mae"], weighted_metrics=["mse"])
    before = model.metrics_names
    weights = np.arange(8, dtype=np.float32)
    history = fit(model, sample_weight=weights)
    return before, history, model.metrics_names, model.evaluate(X, Y, verbose=0, batch_size=3)

class OtherLoss(Net):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
        return tf.reduce_mean(tf.abs(y_pred - y)) + tf.reduce_sum(x) * 0.1

    def compute_metrics(self, x, y, y_pred, sample_weight):
        results = super().compute_metrics(x, y, y_pred, sample_weight)
        results["extra"] = tf.reduce_max(y_pred)
        return results

@case
def computed_loss_and_metrics():
    model = compiled(OtherLoss(), None, metrics=["mse"])
    return fit(model), model.evaluate(X, Y, verbose=0, return_dict=True)

class Predicting(Net):
    def predict_step(self, data):
        x, _, _ = K.utils.unpack_x_y_sample_weight(data)
        return {"twice": self(x) * 2, "class": tf.argmax(self(x), -1)}

@case
def predictions_of_ones_own():
    found = compiled(Predicting()).predict(X, verbose=0, batch_size=3)
    return {name: values.tolist() for name, values in found.items()}

class OwnCompile(Net):
    def compile(self, its_optimizer, loss_function):
        super().compile()
        self.its_optimizer, self.loss_function = its_optimizer, loss_function

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.loss_function(y, self(x))
        gradients = tape.gradient(loss, self.trainable_weights)
        self.its_optimizer.apply_gradients(zip(gradients, self.trainable_weights))
        return {"its_loss": loss}

@case
def optimizers_and_losses_of_ones_own():
    model = OwnCompile()
    model.compile(K.optimizers.Adam(0.1), K.losses.MeanSquaredError())
    return fit(model)

class Encoder(Net):
    def train_step(self, data):
        return {"loss": tf.reduce_sum(tf.square(self(data)))}

@case
def data_without_truths():
    model = compiled(Encoder(), None)
    return plain(model.fit(X, verbose=0))

class Two(K.Model):
    def __init__(self):
        super().__init__()
        self.a = K.layers.Dense(2, kernel_initializer="ones", kernel_regularizer="l2")
        self.b = K.layers.Dense(1, kernel_initializer="ones")

    def call(self, x):
        return self.a(x), self.b(x)

class Named(Two):
    def call(self, x):
        return {"p": self.a(x), "q": self.b(x)}

BOTH = (Y, Y[:, :1])

@case
def several_outputs():
    return {
        "lists": fit(compiled(Two(), ["mse", "mae"], metrics=[["mae"], ["mse"]], loss_weights=[1.0, 0.5]), BOTH),
        "one for all": fit(compiled(Two(), metrics=["mae", K.metrics.MeanSquaredError(name="error")]), BOTH),
        "one without": fit(compiled(Two(), ["mse", None]), BOTH),
        "dicts": fit(compiled(Named(), {"p": "mse", "q": "mae"}, metrics={"p": "mae"}, loss_weights={"q": 2.0}),
                     {"p": BOTH[0], "q": BOTH[1]}),
    }

@case
def weights_of_classes():
    y = np.arange(8) % 2
    loss = K.losses.SparseCategoricalCrossentropy(from_logits=True)
    one_hot = K.losses.CategoricalCrossentropy(from_logits=True)
    return [fit(compiled(Net(), loss), y, class_weight={0: 1.0, 1: 3.0}),
            fit(compiled(Net(), one_hot), K.utils.to_categorical(y), class_weight={0: 1.0, 1: 3.0})]
'''


def ours(name, mode):
    with mode.scope():
        space = {"tf": tf, "np": np}
        exec(PROGRAM, space)
        return space["CASES"][name]()


NAMES = [line[4:].partition("(")[0] for line in PROGRAM.split("@case\n")[1:]]
ORACLE = "import json\nimport numpy as np\nimport tensorflow as tf\n" + PROGRAM + """
print(json.dumps({name: function() for name, function in CASES.items()}))
"""  # fmt: skip


def close(found, expected):
    """The same structure, with numbers that are near."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for name in expected:
            close(found[name], expected[name])
    elif isinstance(expected, (list, tuple)):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            close(one, other)
    elif isinstance(expected, str):
        assert found == expected
    else:
        np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-6)


@pytest.mark.parametrize("name", NAMES)
def test_the_modes_agree(modes, name):
    eager, graph = (ours(name, mode) for mode in modes)
    close(graph, eager)


@pytest.fixture(scope="module")
def keras_side(oracle):
    return oracle(ORACLE)


@pytest.mark.interop
@pytest.mark.parametrize("name", NAMES)
def test_keras_agrees(keras_side, mode, name):
    close(ours(name, mode), keras_side[name])


def test_metrics_count_each_epoch_anew(mode):
    """By hand: with a rate of 0 both epochs have the same numbers, and the second is not the mean of both."""
    with mode.scope():
        space = {"tf": tf, "np": np}
        exec(PROGRAM, space)
        model, x, y = space["Telling"](), space["X"], space["Y"]
        model.compile(tf.keras.optimizers.SGD(0.0))
        history = model.fit(x, y, verbose=0, epochs=2, batch_size=4, shuffle=False).history
        predicted = np.repeat(x.sum(1, keepdims=True), 2, 1)
        np.testing.assert_allclose(history["error"], [np.mean(np.abs(predicted - y))] * 2, rtol=1e-5)


class TestMistakes:
    def model(self, **settings):
        space = {"tf": tf, "np": np}
        exec(PROGRAM, space)
        model = space["Named"]()
        model.compile("sgd", **settings)
        return model, space["X"], {"p": space["Y"], "q": space["Y"][:, :1]}

    @pytest.mark.parametrize(
        "settings, message",
        [
            ({"loss": {"p": "mse", "r": "mse"}}, r"loss says something of \['r'\], but the model's outputs are \['p', 'q'\]"),
            ({"loss": ["mse", "mse", "mse"]}, "loss has 3 parts, but the model has 2 outputs"),
            ({"loss": "mse", "loss_weights": 2.0}, "loss_weights must have a part for each"),
        ],
    )
    def test_of_compile(self, settings, message):
        model, x, y = self.model(**settings)
        with pytest.raises(ValueError, match=message):
            model.fit(x, y, verbose=0)

    def test_truths_of_one_output_only(self):
        model, x, y = self.model(loss="mse")
        with pytest.raises(ValueError, match="y must have a part for each"):
            model.fit(x, y["p"], verbose=0)

    def test_no_loss(self, mode):
        with mode.scope():
            model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
            model.compile("sgd")
            with pytest.raises(ValueError, match="has no loss"):
                model.fit(np.ones((2, 2), np.float32), np.ones((2, 1), np.float32), verbose=0)

    def test_a_class_without_a_weight(self):
        model, x, _ = self.model(loss="mse")
        with pytest.raises(ValueError, match=r"but \[1\] are missing"):
            model.fit(x, np.arange(8) % 2, class_weight={0: 1.0}, verbose=0)
