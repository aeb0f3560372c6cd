"""First values of weights, and all random numbers of layers."""

import numpy as np
import pytest

import minitf as tf
from minitf.keras import initializers, layers
from minitf.layers.initializers import fans

DRAWING = {
    "RandomUniform": lambda seed: initializers.RandomUniform(-1.0, 2.0, seed),
    "RandomNormal": lambda seed: initializers.RandomNormal(1.0, 2.0, seed),
    "TruncatedNormal": lambda seed: initializers.TruncatedNormal(1.0, 2.0, seed),
    "VarianceScaling": lambda seed: initializers.VarianceScaling(seed=seed),
    "GlorotUniform": initializers.GlorotUniform,
    "GlorotNormal": initializers.GlorotNormal,
    "HeUniform": initializers.HeUniform,
    "HeNormal": initializers.HeNormal,
    "LecunUniform": initializers.LecunUniform,
    "LecunNormal": initializers.LecunNormal,
    "Orthogonal": lambda seed: initializers.Orthogonal(seed=seed),
}


@pytest.mark.parametrize("name", DRAWING)
class TestDrawing:
    def test_set_seed_repeats(self, mode, name):
        with mode.scope():
            make = DRAWING[name]

            def draw():
                tf.random.set_seed(7)
                return [mode.value(make(None)((3, 4))) for _ in range(2)]

            first, again = draw(), draw()
            if mode.name == "eager":
                np.testing.assert_array_equal(first, again)
            assert np.any(first[0] != first[1])

    def test_a_graph_built_after_the_same_set_seed_gives_the_same(self, name):
        def draw():
            with tf.Graph().as_default(), tf.Session() as session:
                tf.random.set_seed(7)
                return session.run([DRAWING[name](None)((3, 4)), DRAWING[name](None)((3, 4))])

        first, again = draw(), draw()
        np.testing.assert_array_equal(first, again)
        assert np.any(first[0] != first[1])

    def test_an_int_gives_the_same_numbers_at_every_call_in_both_modes(self, modes, name):
        found = []
        for mode in modes:
            with mode.scope():
                made = DRAWING[name](5)
                found += [mode.value(made((3, 4))), mode.value(made((3, 4)))]
                other = mode.value(DRAWING[name](6)((3, 4)))
                assert np.any(other != found[0])
        for values in found[1:]:
            np.testing.assert_array_equal(values, found[0])

    def test_a_generator_moves_on(self, name):
        def draw():
            generator = tf.random.Generator.from_seed(3)
            made = DRAWING[name](generator)
            return [made((3, 4)).numpy() for _ in range(2)]

        first, again = draw(), draw()
        np.testing.assert_array_equal(first, again)
        assert np.any(first[0] != first[1])

    def test_integers_cannot_be_initialised_so(self, name):
        if name != "RandomUniform":
            with pytest.raises(ValueError, match="gives floats"):
                DRAWING[name](1)((3, 4), dtype="int32")

    def test_config(self, name):
        made = DRAWING[name](5)
        again = type(made).from_config(made.get_config())
        np.testing.assert_array_equal(again((3, 4)).numpy(), made((3, 4)).numpy())
        assert "seed=5" in repr(made)


class TestValues:
    def test_filled(self, mode):
        with mode.scope():
            assert mode.value(initializers.Zeros()((2,))).tolist() == [0.0, 0.0]
            assert mode.value(initializers.Ones()((2,), dtype="int32")).tolist() == [1, 1]
            assert mode.value(initializers.Constant(3)((2,))).tolist() == [3.0, 3.0]
            assert mode.value(initializers.Constant([[1, 2]])((1, 2))).tolist() == [[1.0, 2.0]]
            assert mode.value(initializers.Identity(2.0)((2, 3))).tolist() == [[2, 0, 0], [0, 2, 0]]

    @pytest.mark.parametrize(
        "make, variance",
        [
            (initializers.GlorotUniform, 2 / 500),
            (initializers.GlorotNormal, 2 / 500),
            (initializers.HeUniform, 2 / 200),
            (initializers.HeNormal, 2 / 200),
            (initializers.LecunUniform, 1 / 200),
            (initializers.LecunNormal, 1 / 200),
            (lambda seed: initializers.VarianceScaling(3.0, "fan_out", "untruncated_normal", seed), 3 / 300),
        ],
    )
    def test_variances(self, make, variance):
        values = make(1)((200, 300)).numpy()
        # 60000 values: the variance of a sample is within 3 % and the mean within 5 standard errors
        assert abs(values.var() / variance - 1) < 0.03
        assert abs(values.mean()) < 5 * (variance / values.size) ** 0.5

    def test_truncated_numbers_stay_within_two_deviations(self):
        values = initializers.TruncatedNormal(1.0, 0.5, seed=1)((10000,)).numpy()
        assert values.min() >= 0.0
        assert values.max() <= 2.0

    @pytest.mark.parametrize("shape", [(4, 4), (6, 3), (3, 6), (2, 3, 4)])
    def test_orthogonal(self, mode, shape):
        with mode.scope():
            matrix = mode.value(initializers.Orthogonal(2.0, seed=1)(shape)).reshape(-1, shape[-1])
            small = matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T
            np.testing.assert_allclose(small, 4.0 * np.eye(len(small)), atol=1e-5)

    @pytest.mark.parametrize(
        "shape, expected", [((), (1, 1)), ((5,), (5, 5)), ((2, 3), (2, 3)), ((4, 2, 3), (8, 12)), ((2, 2, 3, 5), (12, 20))]
    )
    def test_fans(self, shape, expected):
        assert fans(shape) == expected

    @pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
    def test_dtypes(self, dtype):
        assert initializers.GlorotNormal(1)((2, 3), dtype=dtype).dtype == dtype
        assert initializers.Orthogonal(seed=1)((2, 3), dtype=dtype).dtype == dtype


class TestNames:
    @pytest.mark.parametrize("name", ["zeros", "Ones", "glorot_uniform", "he_normal", "lecun_uniform", "orthogonal", "uniform"])
    def test_known(self, name):
        assert initializers.get(name)((2, 3)).shape == (2, 3)

    def test_other_things(self):
        assert initializers.get(None) is None
        assert isinstance(initializers.get(initializers.Zeros), initializers.Zeros)
        function = lambda shape, dtype=None: tf.zeros(shape)
        assert initializers.get(function) is function
        with pytest.raises(ValueError, match="Did you mean 'he_normal'"):
            initializers.get("he_norml")
        with pytest.raises(ValueError, match="An initializer is a name"):
            initializers.get(3)

    @pytest.mark.parametrize(
        "make, message",
        [
            (lambda: initializers.VarianceScaling(0.0), "scale must be positive"),
            (lambda: initializers.VarianceScaling(mode="fan"), "mode must be"),
            (lambda: initializers.VarianceScaling(distribution="gamma"), "distribution must be"),
            (lambda: initializers.Orthogonal()((3,)), "two axes or more"),
            (lambda: initializers.Identity()((3,)), "must be a matrix"),
            (lambda: initializers.GlorotUniform()((None, 3)), "fully known shape"),
        ],
    )
    def test_mistakes(self, make, message):
        with pytest.raises(ValueError, match=message):
            make()


class TestNoise:
    def test_dropout_drops_a_share_and_scales_the_rest(self, mode):
        with mode.scope():
            out = mode.value(layers.Dropout(0.25)(tf.ones([100, 100]), training=True))
            assert set(np.unique(out)) == {np.float32(0.0), np.float32(1 / 0.75)}
            assert abs((out == 0).mean() - 0.25) < 0.03
            assert np.all(mode.value(layers.Dropout(0.25)(tf.ones([10]))) == 1.0)
            assert np.all(mode.value(layers.Dropout(1)(tf.ones([10]), training=True)) == 0.0)

    def test_noise_shape(self):
        out = layers.SpatialDropout1D(0.5, seed=1)(tf.ones([4, 5, 6]), training=True).numpy()
        assert np.all(out == out[:, :1, :])
        assert layers.SpatialDropout2D(0.5)(tf.ones([2, 3, 4, 5]), training=True).shape == (2, 3, 4, 5)

    def test_in_a_graph_each_run_drops_others(self):
        with tf.Graph().as_default(), tf.Session() as session:
            x = tf.placeholder(tf.float32, [None, 50])
            out = layers.Dropout(0.5)(x, training=True)
            first, second = (session.run(out, {x: np.ones((2, 50))}) for _ in range(2))
            assert np.any(first != second)

    def test_a_fed_training_decides_at_each_run(self):
        with tf.Graph().as_default(), tf.Session() as session:
            training = tf.placeholder(tf.bool, [])
            dropped = layers.Dropout(0.5)(tf.ones([50]), training=training)
            norm = layers.BatchNormalization()
            normed = norm(tf.constant([[1.0], [3.0]]), training=training)
            session.run(tf.global_variables_initializer())
            assert np.all(session.run(dropped, {training: False}) == 1.0)
            assert np.any(session.run(dropped, {training: True}) == 0.0)
            np.testing.assert_allclose(session.run(normed, {training: False})[:, 0], [0.9995, 2.9985], rtol=1e-4)
            assert session.run(norm.moving_mean)[0] == 0.0
            np.testing.assert_allclose(session.run(normed, {training: True})[:, 0], [-0.9995, 0.9995], rtol=1e-4)
            np.testing.assert_allclose(session.run(norm.moving_mean), [0.02], rtol=1e-5)

    def test_repeatable_from_a_seed_and_a_generator(self):
        x = tf.ones([4, 50])
        draws = [layers.Dropout(0.5, seed=3)(x, training=True).numpy() for _ in range(2)]
        np.testing.assert_array_equal(*draws)
        draws = [layers.Dropout(0.5, seed=tf.random.Generator.from_seed(3))(x, training=True).numpy() for _ in range(2)]
        np.testing.assert_array_equal(*draws)
        layer = layers.Dropout(0.5, seed=tf.random.Generator.from_seed(3))
        assert np.any(layer(x, training=True).numpy() != layer(x, training=True).numpy())

    def test_gaussian(self, mode):
        with mode.scope():
            noise = mode.value(layers.GaussianNoise(0.5)(tf.zeros([100, 100]), training=True))
            assert abs(noise.std() - 0.5) < 0.02
            assert abs(noise.mean()) < 0.03
            factor = mode.value(layers.GaussianDropout(0.2)(tf.ones([100, 100]), training=True))
            assert abs(factor.std() - 0.5) < 0.02
            assert abs(factor.mean() - 1.0) < 0.03
            assert np.all(mode.value(layers.GaussianNoise(0.5)(tf.zeros([10]))) == 0.0)

    def test_recurrent_dropout_is_the_same_at_all_steps(self):
        layer = layers.SimpleRNN(3, activation="linear", dropout=0.5, return_sequences=True, kernel_initializer="ones",
                                 recurrent_initializer="zeros", seed=1)  # fmt: skip
        out = layer(tf.ones([5, 4, 8]), training=True).numpy()
        assert np.all(out == out[:, :1, :])
        assert len(np.unique(out[:, 0, 0])) > 1
        assert np.all(layer(tf.ones([5, 4, 8])).numpy() == 8.0)
