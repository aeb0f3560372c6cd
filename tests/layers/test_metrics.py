"""Metrics: what is refused, and how they are used. Their numbers are compared with Keras in test_training_against_keras.py."""

import numpy as np
import pytest

import minitf as tf
from minitf.keras import Sequential, layers, metrics


def test_predictions_that_are_no_probabilities_are_refused(mode):
    with mode.scope():
        metric = metrics.Precision()
        with pytest.raises(tf.errors.InvalidArgumentError, match="Predictions must be from 0 to 1"):
            mode.repeat(lambda: metric.update_state([0, 1], [0.5, 1.5]), 1)
        assert not np.any([mode.value(v) for v in metric.weights])


def test_names_stand_for_them_in_compile():
    model = Sequential([layers.Dense(1, "sigmoid")])
    model.compile("sgd", "mse", metrics=["AUC", "precision", metrics.Recall(thresholds=[0.2, 0.8], name="both")])
    x, y = np.arange(8.0, dtype="float32").reshape(4, 2), np.array([[0], [1], [1], [0]], "float32")
    model.train_on_batch(x[:2], y[:2])
    assert model.metrics[0].name == "loss"
    assert model.metrics[3].result().shape.as_list() == [2]


def test_several_thresholds_are_logged_as_vectors(capsys):
    model = Sequential([layers.Dense(1, "sigmoid")])
    model.compile("sgd", "mse", metrics=[metrics.Recall(thresholds=[0.0, 0.8], name="both")])
    x, y = np.zeros((4, 2), "float32"), np.array([[0], [1], [1], [0]], "float32")
    history = model.fit(x, y, verbose=2, epochs=2)
    assert "both: [1.0000 0.0000]" in capsys.readouterr().out
    np.testing.assert_array_equal(history.history["both"], [[1.0, 0.0], [1.0, 0.0]])
    np.testing.assert_array_equal(model.evaluate(x, y, verbose=0, return_dict=True)["both"], [1.0, 0.0])


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: metrics.Precision(thresholds=[0.2, 1.2]), "must be from 0 to 1, but"),
        (lambda: metrics.AUC(curve="roc"), "curve must be 'ROC' or 'PR'"),
        (lambda: metrics.AUC(summation_method="mean"), "summation_method must be"),
        (lambda: metrics.AUC(num_thresholds=1), "num_thresholds must be more than 1"),
        (lambda: metrics.AUC(num_labels=3), "num_labels is for multi_label"),
        (lambda: metrics.AUC(label_weights=[1.0, -1.0]), "must not be negative"),
        (lambda: metrics.AUC(multi_label=True).update_state([0, 1], [0.1, 0.2]), "predictions have two axes"),
        (lambda: metrics.AUC(multi_label=True, num_labels=3).update_state([[0, 1]], [[0.1, 0.2]]), "there were 3 labels"),
        (lambda: metrics.PrecisionAtRecall(1.5), "value to reach must be from 0 to 1"),
        (lambda: metrics.RecallAtPrecision(0.5, num_thresholds=0), "num_thresholds must be positive"),
        (lambda: metrics.IoU(2, [2]), r"\[2\] cannot be targets"),
        (lambda: metrics.F1Score("mean"), "average must be None"),
        (lambda: metrics.FBetaScore(beta=-1.0), "beta must be a positive float"),
        (lambda: metrics.F1Score(threshold=2.0), "threshold must be above 0"),
        (lambda: metrics.F1Score().result(), "no result before its first batch"),
        (lambda: metrics.F1Score().update_state([0, 1], [0.1, 0.2]), r"takes truths and predictions \(batch, classes\)"),
        (lambda: metrics.Recall().update_state([0, 1], [0.1, 0.2, 0.3]), "must have one shape"),
    ],
)
def test_mistakes_are_told(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_overlaps_of_one_hot_and_of_yes_and_no(mode):
    with mode.scope():
        for metric, truths, predictions, expected in [
            (metrics.OneHotIoU(2, [1]), [[1.0, 0.0], [0.0, 1.0]], [[0.2, 0.8], [0.1, 0.9]], 0.5),
            (metrics.OneHotMeanIoU(2), [[1.0, 0.0], [0.0, 1.0]], [[0.2, 0.8], [0.1, 0.9]], 0.25),
            (metrics.BinaryIoU([1], threshold=0.5), [0, 1, 1], [0.6, 0.5, 0.4], 1 / 3),
        ]:
            mode.repeat(lambda m=metric, t=truths, p=predictions: m.update_state(t, p), 1)
            np.testing.assert_allclose(mode.value(metric.result()), expected, rtol=1e-6)
