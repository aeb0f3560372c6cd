"""Model and Sequential: edges, names, building, weights in files, summaries."""

import copy

import numpy as np
import pytest

import minitf as tf
from minitf.keras import Model, Sequential, layers


@pytest.fixture(autouse=True)
def _names_start_again():
    tf.reset_default_graph()


class Blocks(Model):
    def __init__(self):
        super().__init__()
        self.first = layers.Dense(3)
        self.blocks = [layers.Dense(2), layers.Dense(2)]
        self.scale = tf.Variable(1.0, name="scale")
        self.last = {"out": layers.Dense(1)}

    def call(self, x):
        x = self.first(x)
        for block in self.blocks:
            x = block(x)
        return self.last["out"](x) * self.scale


def edges(obj):
    return list(tf.train.children(obj))


class TestSubclass:
    def test_edges_and_names_are_those_of_keras(self, mode):
        with mode.scope():
            model = Blocks()
            model(tf.ones([1, 4]))
            assert model.name == "blocks"
            assert edges(model) == ["first", "blocks", "scale", "last"]
            assert [layer.name for layer in model.layers] == ["dense", "dense_1", "dense_2", "dense_3"]
            assert [v.name for v in model.variables] == [
                *(f"blocks/{d}/{w}:0" for d in ("dense", "dense_1", "dense_2", "dense_3") for w in ("kernel", "bias")),
                "scale:0",
            ]
            assert [v.name for v in model.trainable_variables] == [v.name for v in model.variables]

    def test_building_without_data(self, mode):
        with mode.scope():
            model = Blocks()
            model.build((None, 4))
            assert model.built
            assert [v.shape.as_list() for v in model.variables][:2] == [[4, 3], [3]]
            assert model.compute_output_shape((7, 4)) == (7, 1)
            assert model.variables[0].name == "blocks/dense/kernel:0"

    def test_weights_are_listed_layer_by_layer(self):
        class Mixed(Model):
            def __init__(self):
                super().__init__()
                self.own = tf.Variable(1.0, name="own", trainable=False)
                self.norm = layers.BatchNormalization()
                self.dense = layers.Dense(1)

            def call(self, x):
                return self.dense(self.norm(x))

        model = Mixed()
        model(tf.ones([2, 3]))
        short = lambda variables: [v.name.split("/")[-1][:-2] for v in variables]
        assert short(model.weights) == ["gamma", "beta", "moving_mean", "moving_variance", "kernel", "bias", "own"]
        assert short(model.trainable_weights) == ["gamma", "beta", "kernel", "bias"]
        assert short(model.non_trainable_weights) == ["moving_mean", "moving_variance", "own"]
        model.trainable = False
        assert model.trainable_weights == []
        assert len(model.non_trainable_weights) == 7

    def test_get_layer(self):
        model = Blocks()
        assert model.get_layer("dense_1") is model.blocks[0]
        assert model.get_layer(index=-1) is model.last["out"]
        with pytest.raises(ValueError, match="no layer 'dens', only"):
            model.get_layer("dens")
        with pytest.raises(ValueError, match="none at 9"):
            model.get_layer(index=9)
        with pytest.raises(ValueError, match="a name or an index"):
            model.get_layer()

    def test_a_deep_copy(self):
        model = Blocks()
        model(tf.ones([1, 4]))
        other = copy.deepcopy(model)
        other.scale.assign(2.0)
        np.testing.assert_allclose(other(tf.ones([1, 4])).numpy(), 2 * model(tf.ones([1, 4])).numpy())
        assert other.first is not model.first
        assert edges(other) == edges(model)


class TestSequential:
    def test_edges_count_layers_and_layers_with_weights(self, mode):
        with mode.scope():
            model = Sequential([layers.Dense(3), layers.ReLU(), layers.Flatten(), layers.Dense(2)])
            assert edges(model) == ["layer-0", "layer-1", "layer-2", "layer-3"]
            model.build((None, 4))
            assert edges(model) == [
                "layer_with_weights-0", "layer-0", "layer-1", "layer-2", "layer_with_weights-1", "layer-3",
            ]  # fmt: skip
            assert [v.name for v in model.variables] == ["dense/kernel:0", "dense/bias:0", "dense_1/kernel:0", "dense_1/bias:0"]
            assert model.name == "sequential"

    def test_calling_builds(self, mode):
        with mode.scope():
            model = Sequential([layers.Dense(3), layers.Dense(2)])
            assert mode.value(model(tf.ones([5, 4]))).shape == (5, 2)
            assert model.variables[0].name == "dense/kernel:0"
            np.testing.assert_allclose(
                mode.value(model(tf.ones([1, 4]))), mode.value(model.layers[1](model.layers[0](tf.ones([1, 4]))))
            )

    @pytest.mark.parametrize(
        "first",
        [
            lambda: [layers.Dense(3, input_shape=(4,))],
            lambda: [layers.Dense(3, input_dim=4)],
            lambda: [layers.Dense(3, batch_input_shape=(None, 4))],
            lambda: [tf.keras.Input((4,)), layers.Dense(3)],
            lambda: [layers.InputLayer((4,)), layers.Dense(3)],
        ],
    )
    def test_a_first_layer_that_tells_its_inputs_builds_at_once(self, mode, first):
        with mode.scope():
            model = Sequential([*first(), layers.Dense(2)])
            assert len(model.variables) == 4
            assert len(model.layers) == 2
            assert (model.input_shape, model.output_shape) == ((None, 4), (None, 2))
            model.pop()
            assert model.output_shape == (None, 3)
            model.add(layers.Dense(7))
            assert model.output_shape == (None, 7)

    def test_before_it_is_built(self):
        model = Sequential([layers.Dense(3)])
        for name in ("weights", "variables", "trainable_variables", "non_trainable_variables"):
            with pytest.raises(ValueError, match="have not yet been created"):
                getattr(model, name)
        with pytest.raises(AttributeError, match="was not told"):
            model.output_shape
        with pytest.raises(ValueError, match="not yet been built"):
            model.summary()
        with pytest.raises(ValueError, match="no weights yet"):
            model.save_weights("nowhere")

    def test_adding_after_the_first_call(self):
        model = Sequential([layers.Dense(3)])
        model(tf.ones([1, 2]))
        model.add(layers.Dense(1))
        with pytest.raises(ValueError, match="have not yet been created"):
            model.weights
        assert model(tf.ones([1, 2])).shape == (1, 1)
        assert len(model.weights) == 4

    def test_mistakes(self):
        model = Sequential([layers.Dense(3, name="a")])
        with pytest.raises(TypeError, match="takes layers"):
            model.add(lambda x: x)
        with pytest.raises(ValueError, match="a layer named 'a' already"):
            model.add(layers.Dense(3, name="a"))
        with pytest.raises(ValueError, match="an input can only come first"):
            model.add(tf.keras.Input((4,)))
        with pytest.raises(TypeError, match="no layers to remove"):
            Sequential().pop()
        with pytest.raises(ValueError, match="has no layers"):
            Sequential().build((None, 3))
        with pytest.raises(ValueError, match="give the shape"):
            model.build()

    def test_a_layer_that_does_not_fit_is_not_added(self):
        model = Sequential([layers.Dense(3, input_shape=(4,))])
        with pytest.raises(ValueError, match="expected ndim=4"):
            model.add(layers.Conv2D(1, 2))
        assert len(model.layers) == 1
        assert model.output_shape == (None, 3)

    def test_nested(self):
        model = Sequential([Sequential([layers.Dense(3), layers.Dropout(0.5)]), layers.Dense(2)])
        assert model(tf.ones([1, 4])).shape == (1, 2)
        assert len(model.weights) == 4
        assert edges(model) == ["layer_with_weights-0", "layer-0", "layer_with_weights-1", "layer-1"]


class TestFiles:
    def models(self):
        return [Sequential([layers.Dense(3), layers.BatchNormalization(), layers.Dense(2)]), Blocks()]

    @pytest.mark.parametrize("number", [0, 1])
    def test_weights_survive(self, mode, tmp_path, number):
        with mode.scope():
            model = self.models()[number]
            x = tf.constant(np.random.default_rng(0).normal(size=(3, 4)).astype("float32"))
            expected = mode.value(model(x))
            model.save_weights(tmp_path / "weights")
            assert tf.train.latest_checkpoint(tmp_path) == str(tmp_path / "weights")
            assert (tmp_path / "checkpoint").read_text().splitlines()[0] == 'model_checkpoint_path: "weights"'
            other = self.models()[number]
            other.build((None, 4))
            if mode.name == "graph":
                mode.start()
            other.load_weights(tmp_path / "weights").assert_consumed()
            np.testing.assert_array_equal(mode.value(other(x)), expected)

    @pytest.mark.parametrize("number", [0, 1])
    def test_weights_that_are_made_later_get_their_values(self, mode, tmp_path, number):
        with mode.scope():
            model = self.models()[number]
            x = tf.constant(np.random.default_rng(0).normal(size=(3, 4)).astype("float32"))
            expected = mode.value(model(x))
            model.save_weights(str(tmp_path / "weights"))
            other = self.models()[number]
            other.load_weights(str(tmp_path / "weights"))
            found = other(x)
            if mode.name == "graph":
                found = mode.session.run(found)  # no initialiser was run
            np.testing.assert_array_equal(found, expected)

    @pytest.mark.behaviour("S63")
    def test_layers_added_after_the_restore(self, mode, tmp_path):
        with mode.scope():
            source = Sequential([layers.Dense(3), layers.ReLU(), layers.Dense(2)])
            x = tf.ones([1, 4])
            expected = mode.value(source(x))
            path = tf.train.Checkpoint(model=source).write(str(tmp_path / "model"))
            model = Sequential()
            root = tf.train.Checkpoint(model=model)
            status = root.read(path)
            for layer in (layers.Dense(3), layers.ReLU(), layers.Dense(2)):
                model.add(layer)
            found = model(x)
            status.assert_consumed().run_restore_ops()
            np.testing.assert_array_equal(mode.session.run(found) if mode.name == "graph" else found, expected)

    def test_options_of_checkpoints(self, tmp_path):
        model = self.models()[0]
        model.build((None, 4))
        told = []
        options = tf.train.CheckpointOptions(experimental_write_callbacks=[told.append], enable_async=True)
        model.save_weights(tmp_path / "weights", options=options)
        assert told == [str(tmp_path / "weights")]  # written, whatever the options say
        model.load_weights(tmp_path / "weights", options=options)
        for call in (model.save_weights, model.load_weights):
            with pytest.raises(TypeError, match="CheckpointOptions or None"):
                call(tmp_path / "weights", options=3)

    def test_weightless_layers_may_be_put_between(self, tmp_path):
        source = Sequential([layers.Dense(3), layers.Dense(2)])
        source.build((None, 4))
        source.save_weights(tmp_path / "weights")
        model = Sequential([layers.Dense(3), layers.ReLU(), layers.Dense(2)])
        model.build((None, 4))
        model.load_weights(tmp_path / "weights").assert_existing_objects_matched()
        for a, b in zip(source.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)

    def test_what_is_refused(self, tmp_path):
        model = Sequential([layers.Dense(3, input_dim=2)])
        with pytest.raises(ValueError, match="TensorFlow checkpoints only"):
            model.save_weights(tmp_path / "weights.h5")
        with pytest.raises(ValueError, match="TensorFlow checkpoints only"):
            model.save_weights(tmp_path / "weights", save_format="h5")
        model.save_weights(tmp_path / "weights")
        with pytest.raises(FileExistsError, match="overwrite=True"):
            model.save_weights(tmp_path / "weights", overwrite=False)
        with pytest.raises(NotImplementedError, match="by structure"):
            model.load_weights(tmp_path / "weights", by_name=True)
        with pytest.raises(tf.errors.NotFoundError):
            model.load_weights(tmp_path / "nothing")
        other = tf.train.Checkpoint(x=tf.Variable(1.0)).write(str(tmp_path / "other"))
        with pytest.raises(AssertionError):
            model.load_weights(other)

    READ = """
    import json, sys
    import numpy as np
    import tensorflow as tf
    import tf_keras as keras
    model = keras.Sequential([keras.layers.Dense(3), keras.layers.BatchNormalization(), keras.layers.LSTM(2)])
    model.load_weights(sys.argv[1]).expect_partial()
    out = model(tf.ones([2, 5, 4]))
    print(json.dumps([out.numpy().tolist(), [v.name for v in model.weights]]))
    """

    @pytest.mark.interop
    def test_keras_reads_what_is_written(self, oracle, tmp_path):
        model = Sequential([layers.Dense(3), layers.BatchNormalization(), layers.LSTM(2)])
        expected = model(tf.ones([2, 5, 4])).numpy()
        model.save_weights(tmp_path / "ours")
        found, names = oracle(self.READ, tmp_path / "ours")
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
        assert names == [v.name for v in model.weights]


class TestSummary:
    def lines(self, model):
        out = []
        model.summary(print_fn=out.append)
        return out

    def test_of_a_sequence(self):
        model = Sequential([layers.Dense(3), layers.Dropout(0.5), layers.BatchNormalization()])
        model(tf.ones([2, 4]))
        text = "\n".join(self.lines(model))
        assert 'Model: "sequential"' in text
        assert [line.split() for line in text.splitlines() if "(None, 3)" in line] == [
            ["dense", "(Dense)", "(None,", "3)", "15"],
            ["dropout", "(Dropout)", "(None,", "3)", "0"],
            ["batch_normalization", "(BatchNormalization)", "(None,", "3)", "12"],
        ]
        assert "Total params: 27 (108.00 Byte)" in text
        assert "Trainable params: 21 (84.00 Byte)" in text
        assert "Non-trainable params: 6 (24.00 Byte)" in text

    def test_of_a_subclass(self, mode):
        with mode.scope():
            model = Blocks()
            model(tf.ones([2, 4]))
            before = len(tf.get_default_graph().get_operations())
            assert "Total params: 33 (132.00 Byte)" in self.lines(model)
            assert len(tf.get_default_graph().get_operations()) == before


def test_a_model_with_its_own_build(mode):
    class Own(Model):
        def build(self, input_shape):
            self.w = self.add_weight("w", (input_shape[-1], 2), initializer="ones")
            super(Model, self).build(input_shape)

        def call(self, x):
            return tf.matmul(x, self.w)

    with mode.scope():
        model = Own()
        assert mode.value(model(tf.ones([1, 3]))).tolist() == [[3.0, 3.0]]
        assert edges(model) == ["w"]
        assert [v.name for v in model.weights] == ["own/w:0"]


@pytest.mark.behaviour("S131", "S141", "S133")
def test_a_model_with_its_optimizer_is_restored_on_creation(mode, tmp_path):
    def step(model, optimizer):
        return optimizer.minimize(lambda: tf.reduce_sum(model(tf.ones([2, 4])) ** 2), var_list=model.trainable_variables)

    with mode.scope():
        model, optimizer = Blocks(), tf.train.AdamOptimizer(0.1)
        model.build((None, 4))
        mode.repeat(lambda: step(model, optimizer), 3)
        path = tf.train.Checkpoint(model=model, optimizer=optimizer).write(str(tmp_path / "both"))
        expected = [mode.value(v) for v in [*model.variables, *optimizer.variables()]]
    with mode.scope():
        model, optimizer = Blocks(), tf.train.AdamOptimizer(0.0)
        status = tf.train.Checkpoint(model=model, optimizer=optimizer).read(path)
        model.build((None, 4))
        operation = step(model, optimizer)
        status.assert_consumed().run_restore_ops()
        variables = model.variables
        if mode.name == "graph":
            found = mode.session.run(variables)
            assert operation.name.startswith("Adam")
        else:
            found = [v.numpy() for v in variables]
        for a, b in zip(found, expected, strict=False):
            np.testing.assert_array_equal(a, b)


def test_layers_in_containers_of_every_kind_in_the_order_of_keras(mode):
    class Held(Model):
        def __init__(self):
            super().__init__()
            self.mapping = tf.train.Mapping(z=layers.Dense(1))
            self.mapping["a"] = tf.train.List([layers.Dense(1), layers.Dense(1)])
            self.pair = (layers.Dense(1), {"y": layers.Dense(1), "x": [layers.Dense(1)]})

        def call(self, x):
            first, rest = self.pair
            for layer in (self.mapping["z"], *self.mapping["a"], first, rest["y"], *rest["x"]):
                x = layer(x)
            return x

    with mode.scope():
        model = Held()
        model(tf.ones([1, 1]))
        assert [layer.name for layer in model.layers] == ["dense_1", "dense_2", "dense", "dense_3", "dense_5", "dense_4"]
        assert len(model.trainable_variables) == 12
