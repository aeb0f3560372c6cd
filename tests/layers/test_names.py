"""Names of Keras that stand for the same thing, and the small tools beside the layers."""

import random

import numpy as np
import pytest

import minitf as tf
from minitf.keras import activations, initializers, layers, losses, metrics, models, regularizers, utils


def test_small_names_are_the_classes():
    assert regularizers.l1 is regularizers.L1
    assert regularizers.l2 is regularizers.L2
    assert initializers.zeros is initializers.Zeros
    assert initializers.he_normal is initializers.HeNormal
    assert losses.MSE is losses.mse is losses.mean_squared_error is metrics.mse
    assert losses.kullback_leibler_divergence is losses.KLD is losses.kl_divergence
    assert models.Sequential is tf.keras.Sequential
    assert models.Model is tf.keras.Model
    assert activations.silu is activations.swish


@pytest.mark.parametrize(
    "name", ["zeros", "ones", "constant", "random_normal", "random_uniform", "truncated_normal", "variance_scaling",
             "glorot_normal", "glorot_uniform", "he_uniform", "lecun_normal", "lecun_uniform", "orthogonal", "identity"],
)  # fmt: skip
def test_a_small_initializer_makes_weights(mode, name):
    with mode.scope():
        weight = layers.Layer().add_weight("w", (3, 3), initializer=getattr(initializers, name)())
        assert mode.value(weight).shape == (3, 3)
        assert type(initializers.get(name)) is getattr(initializers, name)


class TestRegularizers:
    W = np.array([[1.0, -2.0], [0.5, 3.0]], np.float32)

    @pytest.mark.parametrize(
        "make, expected",
        [
            (lambda: regularizers.l1(0.1), 0.65), (lambda: regularizers.l2(0.1), 1.425),
            (lambda: regularizers.l1_l2(0.1, 0.2), 0.65 + 2.85), (lambda: regularizers.L1L2(l1=0.1), 0.65),
            (lambda: regularizers.get("l1"), 0.065), (lambda: regularizers.get("l2"), 0.1425),
            (lambda: regularizers.get("l1_l2"), 0.065 + 0.1425), (lambda: regularizers.get("L1L2"), 0.0),
            (lambda: regularizers.get(regularizers.L2), 0.1425),
        ],
    )  # fmt: skip
    def test_penalties(self, mode, make, expected):
        with mode.scope():
            np.testing.assert_allclose(mode.value(make()(tf.constant(self.W))), expected, rtol=1e-5)

    @pytest.mark.parametrize("mode_", ["rows", "columns"])
    def test_orthogonal(self, mode, mode_):
        w = self.W if mode_ == "rows" else self.W.T
        cosine = abs(w[0] @ w[1]) / np.linalg.norm(w[0]) / np.linalg.norm(w[1])
        with mode.scope():
            found = mode.value(regularizers.OrthogonalRegularizer(0.1, mode_)(tf.constant(self.W)))
            np.testing.assert_allclose(found, 0.1 * cosine, rtol=1e-5)

    @pytest.mark.parametrize("kind", [regularizers.L1, regularizers.L2, regularizers.L1L2, regularizers.OrthogonalRegularizer])
    def test_another_comes_from_the_config(self, kind):
        assert repr(kind.from_config(kind().get_config())) == repr(kind())

    def test_one_of_ones_own(self, mode):
        class Sum(regularizers.Regularizer):
            def __call__(self, weight):
                return tf.reduce_sum(weight) * 0.5

        with mode.scope():
            layer = layers.Dense(2, kernel_initializer="ones", kernel_regularizer=Sum(), bias_regularizer="l2")
            layer(tf.ones([1, 3]))
            assert [mode.value(loss) for loss in layer.losses] == [3.0, 0.0]

    def test_mistakes(self):
        with pytest.raises(ValueError, match="not 'l3'"):
            regularizers.get("l3")
        with pytest.raises(ValueError, match="must be a matrix"):
            regularizers.OrthogonalRegularizer()(tf.ones([3]))
        with pytest.raises(ValueError, match="mode must be"):
            regularizers.OrthogonalRegularizer(mode="both")


def test_crossentropy_goes_with_the_shapes():
    shape = tf.TensorShape
    for truths, predictions, kind in [((8, 1), (8, 1), "Binary"), ((8, 3), (8, 3), ""), ((8,), (8, 3), "Sparse")]:
        found = metrics.get("crossentropy", (shape(truths), shape(predictions)))
        assert type(found).__name__ == {"": "CategoricalCrossentropy", "Sparse": "SparseCategoricalCrossentropy"}.get(
            kind, "BinaryCrossentropy"
        )
        assert found.name == "crossentropy"


def test_mish(mode):
    x = np.linspace(-3, 3, 7).astype("float32")
    with mode.scope():
        np.testing.assert_allclose(mode.value(activations.get("mish")(x)), x * np.tanh(np.log1p(np.exp(x))), rtol=1e-5)


class TestTools:
    def test_one_hot(self):
        np.testing.assert_array_equal(utils.to_categorical([0, 2]), [[1, 0, 0], [0, 0, 1]])
        assert utils.to_categorical([[1], [0]], 4, "int8").shape == (2, 4)
        assert utils.to_categorical(np.zeros((2, 3), int)).shape == (2, 3, 1)
        assert utils.to_categorical([], 4).shape == (0, 4)
        with pytest.raises(IndexError):
            utils.to_categorical([5], 3)

    @pytest.mark.parametrize(
        "settings, expected",
        [
            ({}, [[0, 0, 1], [2, 3, 4], [0, 0, 0]]),
            ({"padding": "post", "value": -1}, [[1, -1, -1], [2, 3, 4], [-1, -1, -1]]),
            ({"maxlen": 2}, [[0, 1], [3, 4], [0, 0]]),
            ({"maxlen": 2, "truncating": "post"}, [[0, 1], [2, 3], [0, 0]]),
            ({"maxlen": 4, "dtype": "float32"}, [[0, 0, 0, 1], [0, 2, 3, 4], [0, 0, 0, 0]]),
        ],
    )
    def test_padding(self, settings, expected):
        found = utils.pad_sequences([[1], [2, 3, 4], []], **settings)
        assert found.tolist() == expected
        assert found.dtype == settings.get("dtype", "int32")

    def test_padding_of_other_things(self):
        assert utils.pad_sequences([["a"], ["b", "c"]], dtype=object, value="-").tolist() == [["-", "a"], ["b", "c"]]
        assert utils.pad_sequences([[[1, 2]], [[3, 4], [5, 6]]]).tolist() == [[[0, 0], [1, 2]], [[3, 4], [5, 6]]]

    @pytest.mark.parametrize(
        "sequences, settings, message",
        [
            ([[1]], {"padding": "before"}, "padding must be 'pre' or 'post'"),
            ([[1]], {"truncating": "before"}, "truncating must be"),
            ([1, 2], {}, "no length"),
            ([["a"]], {"value": "-"}, "Pass dtype=object"),
            ([[[1, 2]], [[3], [4]]], {}, "a step of one sequence"),
        ],
    )
    def test_mistakes_of_padding(self, sequences, settings, message):
        with pytest.raises(ValueError, match=message):
            utils.pad_sequences(sequences, **settings)

    def test_normalize(self):
        np.testing.assert_allclose(utils.normalize([[3.0, 4.0], [0.0, 0.0]]), [[0.6, 0.8], [0.0, 0.0]])
        np.testing.assert_allclose(utils.normalize([[3.0, 4.0], [1.0, 0.0]], 0, 1), [[0.75, 1.0], [0.25, 0.0]])

    def test_one_seed_for_all(self, mode):
        seen = []
        for _ in range(2):
            with mode.scope():
                utils.set_random_seed(7)
                seen.append((random.random(), np.random.rand(), mode.value(tf.random.uniform([]))))
        assert seen[0] == seen[1]

    def test_parts_of_a_batch(self):
        assert utils.unpack_x_y_sample_weight(1) == (1, None, None)
        assert utils.unpack_x_y_sample_weight((1, 2)) == (1, 2, None)
        assert utils.pack_x_y_sample_weight(1) == 1
        assert utils.pack_x_y_sample_weight((1,)) == ((1,),)
        assert utils.pack_x_y_sample_weight(1, 2, 3) == (1, 2, 3)
        with pytest.raises(ValueError, match="has 4 parts"):
            utils.unpack_x_y_sample_weight((1, 2, 3, 4))


@pytest.mark.parametrize(
    "act",
    [
        lambda: layers.Dense(2)(layers.Input((3,))),
        lambda: layers.Add()([tf.keras.Input((3,)), tf.keras.Input((3,))]),
        lambda: tf.keras.Model(inputs=tf.keras.Input((3,)), outputs=[]),
        lambda: tf.keras.Model(tf.keras.Input((3,)), []),
    ],
)
def test_functional_models_are_refused_with_what_to_do(act):
    with pytest.raises(NotImplementedError, match="functional models.*not in minitf. Use Sequential, or a subclass of Model"):
        act()
