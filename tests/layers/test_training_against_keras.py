"""Losses, metrics, schedules, optimizers and whole trainings give the numbers of Keras 2 (the package tf_keras)."""

import inspect

import numpy as np
import pytest

import minitf as tf

pytestmark = pytest.mark.interop


def waves(shape, start=0):
    n = int(np.prod(shape))
    return (np.sin(np.arange(start, start + n) * 1.7) * 0.9).astype("float32").reshape(shape)


def chances(shape, start=0):
    raw = np.exp(waves(shape, start))
    return (raw / raw.sum(-1, keepdims=True)).astype("float32")


def data():
    yes_no = (waves((4, 3), 5) > 0).astype("float32")
    classes = np.array([2, 0, 1, 2])
    return {
        "real": (waves((4, 3), 1), waves((4, 3), 40)),
        "positive": (np.abs(waves((4, 3), 1)) + 0.1, np.abs(waves((4, 3), 40)) + 0.1),
        "yes": (yes_no, 0.5 + 0.5 * waves((4, 3), 60)),
        "one": (yes_no[:, :1], 0.5 + 0.5 * waves((4, 1), 60)),
        "hot": (np.eye(3, dtype="float32")[classes], chances((4, 3), 70)),
        "class": (classes, chances((4, 3), 70)),
        "column": (classes[:, None], chances((4, 3), 70)),
        "logits": (np.eye(3, dtype="float32")[classes], waves((4, 3), 80) * 4),
        "class logits": (classes, waves((4, 3), 80) * 4),
    }


LOSSES = {
    "mse": ("L.MeanSquaredError()", "real"),
    "mae sum": ("L.MeanAbsoluteError(reduction='sum')", "real"),
    "mape": ("L.MeanAbsolutePercentageError()", "positive"),
    "msle": ("L.MeanSquaredLogarithmicError(reduction='none')", "positive"),
    "huber": ("L.Huber(delta=0.5)", "real"),
    "log cosh": ("L.LogCosh()", "real"),
    "hinge": ("L.Hinge()", "yes"),
    "squared hinge": ("L.SquaredHinge()", "real"),
    "categorical hinge": ("L.CategoricalHinge()", "hot"),
    "kl": ("L.KLDivergence()", "hot"),
    "poisson": ("L.Poisson()", "positive"),
    "cosine": ("L.CosineSimilarity()", "real"),
    "binary": ("L.BinaryCrossentropy()", "yes"),
    "binary logits smooth": ("L.BinaryCrossentropy(from_logits=True, label_smoothing=0.1)", "logits"),
    "categorical": ("L.CategoricalCrossentropy(label_smoothing=0.2)", "hot"),
    "categorical logits": ("L.CategoricalCrossentropy(from_logits=True)", "logits"),
    "sparse": ("L.SparseCategoricalCrossentropy()", "class"),
    "sparse column": ("L.SparseCategoricalCrossentropy(reduction='none')", "column"),
    "sparse logits": ("L.SparseCategoricalCrossentropy(from_logits=True)", "class logits"),
}
METRICS = {
    "binary accuracy": ("M.BinaryAccuracy()", "yes"),
    "categorical accuracy": ("M.CategoricalAccuracy()", "hot"),
    "sparse accuracy": ("M.SparseCategoricalAccuracy()", "class"),
    "sparse accuracy column": ("M.SparseCategoricalAccuracy()", "column"),
    "top k": ("M.TopKCategoricalAccuracy(k=2)", "hot"),
    "sparse top k": ("M.SparseTopKCategoricalAccuracy(k=2)", "class"),
    "mse": ("M.MeanSquaredError()", "real"),
    "rmse": ("M.RootMeanSquaredError()", "real"),
    "mae": ("M.MeanAbsoluteError()", "real"),
    "crossentropy": ("M.SparseCategoricalCrossentropy(from_logits=True)", "class logits"),
    "precision": ("M.Precision()", "one"),
    "recall": ("M.Recall(thresholds=0.3)", "one"),
    "false positives": ("M.FalsePositives()", "one"),
    "true negatives": ("M.TrueNegatives()", "one"),
    "kl": ("M.KLDivergence()", "hot"),
    "cosine": ("M.CosineSimilarity()", "real"),
    "precision at several": ("M.Precision(thresholds=[0.2, 0.5, 0.9])", "yes"),
    "recall at several": ("M.Recall(thresholds=[0.1, 0.6])", "yes"),
    "precision top k": ("M.Precision(top_k=2)", "hot"),
    "precision top k above": ("M.Precision(thresholds=0.3, top_k=2)", "hot"),
    "recall top k": ("M.Recall(top_k=1)", "hot"),
    "precision of a class": ("M.Precision(class_id=1)", "hot"),
    "recall of a class top k": ("M.Recall(class_id=2, top_k=2)", "hot"),
    "true positives at several": ("M.TruePositives(thresholds=[0.25, 0.75])", "yes"),
    "false negatives": ("M.FalseNegatives()", "yes"),
    "auc": ("M.AUC()", "yes"),
    "auc few": ("M.AUC(num_thresholds=5, summation_method='minoring')", "yes"),
    "auc pr": ("M.AUC(curve='PR')", "yes"),
    "auc pr majoring": ("M.AUC(curve='PR', summation_method='majoring', num_thresholds=9)", "yes"),
    "auc thresholds": ("M.AUC(thresholds=[0.1, 0.7, 0.4])", "yes"),
    "auc labels": ("M.AUC(multi_label=True, num_labels=3)", "yes"),
    "auc labels weighted": ("M.AUC(multi_label=True, num_labels=3, label_weights=[1.0, 2.0, 0.5], curve='PR')", "yes"),
    "auc weighted": ("M.AUC(label_weights=[1.0, 2.0, 0.5])", "yes"),
    "auc logits": ("M.AUC(from_logits=True)", "logits"),
    "sensitivity at": ("M.SensitivityAtSpecificity(0.4)", "yes"),
    "specificity at": ("M.SpecificityAtSensitivity(0.7, num_thresholds=20)", "yes"),
    "precision at": ("M.PrecisionAtRecall(0.5)", "yes"),
    "recall at": ("M.RecallAtPrecision(0.99)", "yes"),
    "recall at of a class": ("M.RecallAtPrecision(0.3, class_id=1)", "hot"),
    "mean iou": ("M.MeanIoU(3, sparse_y_pred=False)", "class"),
    "iou": ("M.IoU(3, [0, 2], sparse_y_true=False, sparse_y_pred=False)", "hot"),
    "iou ignoring": ("M.MeanIoU(3, ignore_class=2, sparse_y_pred=False)", "class"),
    "one-hot iou": ("M.OneHotIoU(3, [0, 2])", "hot"),
    "one-hot mean iou": ("M.OneHotMeanIoU(3)", "hot"),
    "binary iou": ("M.BinaryIoU([0, 1], threshold=0.4)", "one"),
    "binary iou of yes": ("M.BinaryIoU([1])", "one"),
    "f1": ("M.F1Score()", "hot"),
    "f1 macro": ("M.F1Score('macro', threshold=0.4)", "hot"),
    "f beta": ("M.FBetaScore('weighted', beta=2.0)", "hot"),
    "f beta micro": ("M.FBetaScore('micro', beta=0.5, threshold=0.3)", "hot"),
}
SCHEDULES = {
    "exponential": "S.ExponentialDecay(0.1, 10, 0.5)",
    "exponential stairs": "S.ExponentialDecay(0.1, 10, 0.5, staircase=True)",
    "inverse": "S.InverseTimeDecay(0.1, 10, 0.5)",
    "piecewise": "S.PiecewiseConstantDecay([3, 12], [1.0, 0.5, 0.1])",
    "polynomial": "S.PolynomialDecay(0.1, 10, 0.01, power=2.0)",
    "polynomial cycle": "S.PolynomialDecay(0.1, 10, 0.01, power=0.5, cycle=True)",
    "cosine": "S.CosineDecay(0.1, 10, alpha=0.1)",
    "cosine warm": "S.CosineDecay(0.0, 10, warmup_target=0.3, warmup_steps=4)",
    "restarts": "S.CosineDecayRestarts(0.1, 5, t_mul=2.0, m_mul=0.5)",
    "restarts even": "S.CosineDecayRestarts(0.1, 5, t_mul=1.0)",
}
STEPS = [0, 1, 3, 4, 9, 10, 11, 25]
OPTIMIZERS = {
    "sgd": "O.SGD(0.1)",
    "sgd momentum": "O.SGD(0.1, momentum=0.9)",
    "sgd nesterov": "O.SGD(0.1, momentum=0.9, nesterov=True)",
    "rmsprop": "O.RMSprop(0.1)",
    "rmsprop all": "O.RMSprop(0.1, momentum=0.5, centered=True)",
    "adagrad": "O.Adagrad(0.1)",
    "adam": "O.Adam(0.1)",
    "adam ams": "O.Adam(0.1, amsgrad=True)",
    "adam schedule": "O.Adam(O.schedules.ExponentialDecay(0.1, 2, 0.5))",
    "clip norm": "O.SGD(0.1, clipnorm=0.5)",
    "clip all": "O.SGD(0.1, global_clipnorm=0.5)",
    "clip value": "O.SGD(0.1, clipvalue=0.2)",
    "decay": "O.SGD(0.1, weight_decay=0.1)",
    "decay schedule": "O.SGD(O.schedules.ExponentialDecay(0.1, 2, 0.5), weight_decay=0.1)",
    "adadelta": "O.Adadelta(1.0)",
    "adadelta all": "O.Adadelta(0.5, rho=0.8, epsilon=1e-3, clipvalue=0.5)",
    "adamax": "O.Adamax(0.1)",
    "adamax all": "O.Adamax(O.schedules.PiecewiseConstantDecay([2], [0.1, 0.05]), beta_1=0.8, beta_2=0.9, clipnorm=1.0)",
    "nadam": "O.Nadam(0.1)",
    "nadam all": "O.Nadam(0.05, beta_1=0.8, beta_2=0.9, epsilon=1e-3, weight_decay=0.01)",
    "ftrl": "O.Ftrl(0.1)",
    "ftrl all": "O.Ftrl(0.2, -0.4, 0.2, 0.1, 0.2, 0.3, beta=0.1, global_clipnorm=2.0)",
    "ftrl sparse": "O.Ftrl(0.5, l1_regularization_strength=3.0)",
    "adamw": "O.AdamW(0.1)",
    "adamw ams": "O.AdamW(O.schedules.ExponentialDecay(0.1, 2, 0.5), weight_decay=0.1, amsgrad=True)",
    "lion": "O.Lion(0.05, weight_decay=0.01)",
}
FITS = {
    "regression": ("sgd", "'mse'", ["mae"], "waves((20, 1), 300)", 1),
    "classes": ("adam", "K.losses.SparseCategoricalCrossentropy(from_logits=True)", ["accuracy"], "np.arange(20) % 3", 3),
    "1.x": (None, "'mse'", [], "waves((20, 1), 300)", 1),
}

HELPERS = "".join(inspect.getsource(f) for f in (waves, chances, data))
ORACLE = """
import json, sys
import numpy as np
import tensorflow as tf
import tf_keras as K
folder = sys.argv[1]
L, M, O, S = K.losses, K.metrics, K.optimizers, K.optimizers.schedules
HELPERS
out = {"losses": {}, "metrics": {}, "schedules": {}, "optimizers": {}, "fits": {}}
for name, (text, kind) in LOSSES.items():
    y, p = data()[kind]
    with tf.GradientTape() as tape:
        p = tf.constant(p)
        tape.watch(p)
        plain = eval(text)(y, p)
    weighted = eval(text)(y, p, sample_weight=[1.0, 0.5, 0.0, 2.0])
    out["losses"][name] = [plain.numpy().tolist(), tape.gradient(plain, p).numpy().tolist(), weighted.numpy().tolist()]
for name, (text, kind) in METRICS.items():
    K.backend.clear_session()
    metric = eval(text)
    y, p = data()[kind]
    metric.update_state(y, p)
    first = metric.result().numpy().tolist()
    metric.update_state(y[::-1], p, sample_weight=np.float32([1.0, 0.5, 0.0, 2.0]))
    out["metrics"][name] = [first, metric.result().numpy().tolist(), metric.name, [v.name for v in metric.weights]]
for name, text in SCHEDULES.items():
    out["schedules"][name] = [float(eval(text)(step)) for step in STEPS]
for name, text in OPTIMIZERS.items():
    w, b = tf.Variable([[1.0, -2.0], [0.5, 3.0]], name="w"), tf.Variable(0.75, name="b")
    optimizer = eval(text)
    root = tf.train.Checkpoint(w=w, b=b, optimizer=optimizer)
    for step in range(8):
        if step == 4:
            root.write(f"{folder}/{name.replace(' ', '_')}")
        optimizer.minimize(lambda: tf.reduce_sum(w * w * 0.5) + b * b * 3.0 + b * w[0, 0], [w, b])
    variables = optimizer.variables() if callable(optimizer.variables) else optimizer.variables
    out["optimizers"][name] = {"w": w.numpy().tolist(), "b": float(b), "names": [v.name for v in variables],
                               "state": [v.numpy().tolist() for v in variables],
                               "keys": sorted(n for n, _ in tf.train.list_variables(f"{folder}/{name.replace(' ', '_')}"))}
for name, (optimizer, loss, metrics, y, units) in FITS.items():
    model = K.Sequential([K.layers.Dense(4, "tanh"), K.layers.BatchNormalization(), K.layers.Dense(units)])
    model.build((None, 3))
    values = [waves(v.shape, 7 * i) for i, v in enumerate(model.weights)]
    model.set_weights([abs(n) + 0.1 if "variance" in v.name else n for n, v in zip(values, model.weights)])
    model.save_weights(f"{folder}/fit_{name}")
    model.compile(optimizer or tf.compat.v1.train.AdamOptimizer(0.01), eval(loss), metrics=metrics)
    x, y = waves((20, 3), 200), eval(y)
    history = model.fit(x, y, batch_size=8, epochs=3, shuffle=False, verbose=0, validation_data=(x[:5], y[:5]))
    model.save_weights(f"{folder}/after_{name}")
    out["fits"][name] = {"history": history.history, "weights": [w.tolist() for w in model.get_weights()],
                         "evaluate": model.evaluate(x, y, verbose=0, batch_size=6, return_dict=True),
                         "predict": model.predict(x, verbose=0).tolist()}
print(json.dumps(out))
"""
for _name in ("HELPERS", "LOSSES", "METRICS", "SCHEDULES", "STEPS", "OPTIMIZERS", "FITS"):
    ORACLE = ORACLE.replace(_name, globals()[_name] if _name == "HELPERS" else repr(globals()[_name]))


@pytest.fixture(scope="module")
def keras_side(oracle, tmp_path_factory):
    folder = tmp_path_factory.mktemp("training")
    return folder, oracle(ORACLE, folder)


@pytest.mark.parametrize("name", LOSSES)
def test_losses(keras_side, mode, name):
    plain, gradient, weighted = keras_side[1]["losses"][name]
    text, kind = LOSSES[name]
    with mode.scope():
        loss = eval(text, {"L": tf.keras.losses})
        y, p = data()[kind]
        with tf.GradientTape() as tape:
            p = tf.constant(p)
            tape.watch(p)
            found = loss(y, p)
        np.testing.assert_allclose(mode.value(found), plain, rtol=2e-5, atol=2e-6)
        np.testing.assert_allclose(mode.value(tape.gradient(found, p)), gradient, rtol=1e-4, atol=1e-5)
        found = loss(y, p, sample_weight=[1.0, 0.5, 0.0, 2.0])
        np.testing.assert_allclose(mode.value(found), weighted, rtol=2e-5, atol=2e-6)


@pytest.fixture
def _names_start_again():
    tf.reset_default_graph()


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.usefixtures("_names_start_again")
def test_metrics(keras_side, mode, name):
    first, second, metric_name, names = keras_side[1]["metrics"][name]
    text, kind = METRICS[name]
    with mode.scope():
        metric = eval(text, {"M": tf.keras.metrics})
        y, p = data()[kind]
        mode.repeat(lambda: metric.update_state(y, p), 1)
        result = metric.result()
        found = metric.result() if mode.name == "eager" else result
        np.testing.assert_allclose(mode.value(found), first, rtol=2e-5)
        mode.repeat(lambda: metric.update_state(y[::-1], p, sample_weight=[1.0, 0.5, 0.0, 2.0]), 1)
        found = metric.result() if mode.name == "eager" else result
        np.testing.assert_allclose(mode.value(found), second, rtol=2e-5)
        assert [v.name.split("/")[-1] for v in metric.weights] == [n.split("/")[-1] for n in names]
        assert metric.name == metric_name
        mode.repeat(metric.reset_state, 1)
        assert all(not np.any(mode.value(v)) for v in metric.weights)


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules(keras_side, mode, name):
    with mode.scope():
        schedule = eval(SCHEDULES[name], {"S": tf.keras.optimizers.schedules})
        found = [mode.value(schedule(step)) for step in STEPS]
        np.testing.assert_allclose(found, keras_side[1]["schedules"][name], rtol=2e-5, atol=1e-8)
        again = type(schedule).from_config(schedule.get_config())
        assert mode.value(again(tf.constant(4))) == mode.value(schedule(tf.constant(4)))


@pytest.mark.parametrize("start", [0, 4])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(keras_side, mode, tmp_path, name, start):
    """Eight steps; or four, after the checkpoint that Keras wrote after its first four."""
    folder, expected = keras_side[0], keras_side[1]["optimizers"][name]
    with mode.scope():
        w, b = tf.Variable([[1.0, -2.0], [0.5, 3.0]], name="w"), tf.Variable(0.75, name="b")
        optimizer = eval(OPTIMIZERS[name], {"O": tf.keras.optimizers})
        root = tf.train.Checkpoint(w=w, b=b, optimizer=optimizer)
        status = root.read(str(folder / name.replace(" ", "_"))) if start else None
        step = lambda: optimizer.minimize(lambda: tf.reduce_sum(w * w * 0.5) + b * b * 3.0 + b * w[0, 0], [w, b])
        if mode.name == "graph":
            operation = step()
            mode.start()
            if status is not None:
                status.assert_consumed().run_restore_ops()
            for _ in range(8 - start):
                mode.session.run(operation)
        else:
            mode.repeat(step, 8 - start)
            if status is not None:
                status.assert_consumed()
        np.testing.assert_allclose(mode.value(w), expected["w"], rtol=2e-5, atol=1e-6)
        np.testing.assert_allclose(mode.value(b), expected["b"], rtol=2e-5, atol=1e-6)
        assert [v.name for v in optimizer.variables] == expected["names"]
        for v, e in zip(optimizer.variables, expected["state"], strict=True):
            np.testing.assert_allclose(mode.value(v), e, rtol=2e-4, atol=1e-6, err_msg=v.name)
        written = root.write(str(tmp_path / "ours"))
        assert sorted(n for n, _ in tf.train.list_variables(written)) == expected["keys"]


def test_keras_goes_on_from_our_checkpoints(oracle, tmp_path):
    """Four steps here, saved; four more in Keras give what eight steps give here."""
    ends = {}
    for name, text in OPTIMIZERS.items():
        w, b = tf.Variable([[1.0, -2.0], [0.5, 3.0]], name="w"), tf.Variable(0.75, name="b")
        optimizer = eval(text, {"O": tf.keras.optimizers})
        for step in range(8):
            if step == 4:
                tf.train.Checkpoint(w=w, b=b, optimizer=optimizer).write(str(tmp_path / name.replace(" ", "_")))
            optimizer.minimize(lambda w=w, b=b: tf.reduce_sum(w * w * 0.5) + b * b * 3.0 + b * w[0, 0], [w, b])
        ends[name] = [w.numpy().tolist(), float(b)]
    found = oracle(GOING_ON.replace("OPTIMIZERS", repr(OPTIMIZERS)), tmp_path)
    for name, (w, b) in ends.items():
        np.testing.assert_allclose(found[name][0], w, rtol=2e-5, atol=1e-6, err_msg=name)
        np.testing.assert_allclose(found[name][1], b, rtol=2e-5, atol=1e-6, err_msg=name)


# After a restore Keras counts Nadam's steps in Python from 1 again, and lets the product of its weights grow with each
# variable: so it is told the number.
GOING_ON = """
import json, sys
import tensorflow as tf
import tf_keras as K
O = K.optimizers
out = {}
for name, text in OPTIMIZERS.items():
    w, b = tf.Variable(tf.zeros((2, 2)), name="w"), tf.Variable(0.0, name="b")
    optimizer = eval(text)
    status = tf.train.Checkpoint(w=w, b=b, optimizer=optimizer).read(f"{sys.argv[1]}/{name.replace(' ', '_')}")
    for step in range(4):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(w * w * 0.5) + b * b * 3.0 + b * w[0, 0]
        if "Nadam" in text:
            optimizer.build([w, b])
            optimizer._u_product_counter = int(optimizer.iterations) + 1
        optimizer.apply_gradients(zip(tape.gradient(loss, [w, b]), [w, b]))
    status.assert_consumed()
    out[name] = [w.numpy().tolist(), float(b)]
print(json.dumps(out))
"""


@pytest.mark.parametrize("name", FITS)
def test_whole_trainings(keras_side, mode, name):
    folder, expected = keras_side[0], keras_side[1]["fits"][name]
    optimizer, loss, metrics, y, units = FITS[name]
    with mode.scope():
        layers = tf.keras.layers
        model = tf.keras.Sequential([layers.Dense(4, "tanh"), layers.BatchNormalization(), layers.Dense(units)])
        model.load_weights(folder / f"fit_{name}")
        model.build((None, 3))
        made = tf.train.AdamOptimizer(0.01) if optimizer is None else optimizer
        model.compile(made, eval(loss, {"K": tf.keras}), metrics=metrics)
        x, y = waves((20, 3), 200), eval(y, {"waves": waves, "np": np})
        history = model.fit(x, y, batch_size=8, epochs=3, shuffle=False, verbose=0, validation_data=(x[:5], y[:5]))
        assert history.epoch == [0, 1, 2]
        assert history.history.keys() == expected["history"].keys()
        for key, values in expected["history"].items():
            np.testing.assert_allclose(history.history[key], values, rtol=2e-4, atol=1e-5, err_msg=key)
        for found, e in zip(model.get_weights(), expected["weights"], strict=True):
            np.testing.assert_allclose(found, e, rtol=2e-4, atol=1e-5)
        found = model.evaluate(x, y, verbose=0, batch_size=6, return_dict=True)
        for key, e in expected["evaluate"].items():
            np.testing.assert_allclose(found[key], e, rtol=2e-4, err_msg=key)
        np.testing.assert_allclose(model.predict(x, verbose=0), expected["predict"], rtol=2e-3, atol=1e-5)


@pytest.mark.parametrize("name", FITS)
def test_optimizers_of_trained_models_are_restored(keras_side, mode, name):
    """What Keras saved after nine steps is found in a model that was built, compiled and trained for one step."""
    folder, expected = keras_side[0], keras_side[1]["fits"][name]
    optimizer, loss, _, y, units = FITS[name]
    with mode.scope():
        layers = tf.keras.layers
        model = tf.keras.Sequential([layers.Dense(4, "tanh"), layers.BatchNormalization(), layers.Dense(units)])
        model.compile(tf.train.AdamOptimizer(0.01) if optimizer is None else optimizer, eval(loss, {"K": tf.keras}))
        x, y = waves((20, 3), 200), eval(y, {"waves": waves, "np": np})
        model.train_on_batch(x, y)
        model.load_weights(folder / f"after_{name}").assert_existing_objects_matched()
        for found, e in zip(model.get_weights(), expected["weights"], strict=True):
            np.testing.assert_allclose(found, e)
        found = model.optimizer.iterations
        assert (mode.session.run(found) if mode.name == "graph" else found.numpy()) == 9
