"""Layer: names, building, weights, restore-on-create, training, losses."""

import copy
import pickle

import numpy as np
import pytest

import minitf as tf
from minitf.keras import layers


@pytest.fixture(autouse=True)
def _names_start_again():
    tf.reset_default_graph()


class Scale(layers.Layer):
    """A layer of one's own, at module level so that it can be pickled."""

    def build(self, input_shape):
        self.kernel = self.add_weight("kernel", (input_shape[-1],), initializer="ones")

    def call(self, inputs):
        return inputs * self.kernel


class TestNames:
    def test_they_are_counted_and_start_again_with_a_new_default_graph(self, mode):
        with mode.scope():
            assert [layers.Dense(1).name for _ in range(3)] == ["dense", "dense_1", "dense_2"]
            assert layers.ReLU().name == "re_lu"
            assert layers.Dense(1, name="mine").name == "mine"
        tf.reset_default_graph()
        assert layers.Dense(1).name == "dense"

    def test_each_graph_counts_for_itself(self):
        for _ in range(2):
            with tf.Graph().as_default():
                assert layers.Dense(1).name == "dense"

    @pytest.mark.parametrize(
        "name, expected",
        [("LSTMCell", "lstm_cell"), ("HTTPServer", "http_server"), ("Conv2D", "conv2d"), ("_Own", "private__own")],
    )
    def test_class_names_in_snake_case(self, name, expected):
        assert type(name, (layers.Layer,), {})().name == expected

    def test_weights_are_named_after_the_layers_around(self, mode):
        class Outer(layers.Layer):
            def __init__(self):
                super().__init__()
                self.inner = Scale()

            def call(self, inputs):
                return self.inner(inputs)

        with mode.scope():
            outer = Outer()
            outer(tf.ones([2, 3]))
            assert [v.name for v in outer.weights] == ["outer/scale/kernel:0"]
            lone = layers.Dense(1)
            lone.build(tf.TensorShape([None, 3]))
            assert lone.kernel.name == "kernel:0"


class TestWeights:
    def test_they_are_made_at_the_first_call_and_tracked(self, mode):
        with mode.scope():
            layer = layers.Dense(3)
            assert not layer.built
            assert layer.weights == []
            assert layer(tf.ones([2, 4])).shape == (2, 3)
            assert layer.built
            assert [v is w for v, w in zip(layer.weights, [layer.kernel, layer.bias], strict=True)] == [True, True]
            assert list(tf.train.children(layer)) == ["kernel", "bias"]
            assert layer.count_params() == 15
            kernel = layer.kernel
            layer(tf.ones([5, 4]))
            assert layer.kernel is kernel

    def test_a_weight_without_an_attribute_is_an_edge_too(self):
        layer = layers.Layer()
        layer.add_weight("w", (2,), initializer="zeros")
        assert list(tf.train.children(layer)) == ["w"]
        assert len(layer.weights) == 1

    def test_trainable_ones_come_first(self):
        layer = layers.BatchNormalization()
        layer(tf.ones([2, 3]))
        names = [v.name.split("/")[1] for v in layer.weights]
        assert names == ["gamma:0", "beta:0", "moving_mean:0", "moving_variance:0"]
        assert [v.name.split("/")[1] for v in layer.non_trainable_weights] == names[2:]

    def test_freezing(self):
        class Both(layers.Layer):
            def __init__(self):
                super().__init__()
                self.parts = {"a": [layers.Dense(1)], "b": (Scale(),)}

        both = Both()
        both.parts["a"][0](tf.ones([1, 2]))
        both.parts["b"][0](tf.ones([1, 2]))
        assert len(both.trainable_weights) == 3
        both.trainable = False
        assert both.trainable_weights == []
        assert len(both.non_trainable_weights) == 3
        assert both.parts["a"][0].trainable is False
        both.parts["a"][0].trainable = True
        assert both.trainable_weights == []  # the layer around is frozen

    def test_getting_and_setting(self, mode):
        with mode.scope():
            layer = layers.Dense(2)
            layer(tf.ones([1, 3]))
            if mode.name == "graph":
                mode.start()
            values = [np.arange(6, dtype="float32").reshape(3, 2), np.array([7.0, 8.0], "float32")]
            layer.set_weights(values)
            for found, value in zip(layer.get_weights(), values, strict=True):
                np.testing.assert_array_equal(found, value)
            with pytest.raises(ValueError, match="has 2 weights .*but 1 values"):
                layer.set_weights(values[:1])
            with pytest.raises(ValueError, match=r"has shape \(3, 2\), but its value has shape \(2, 3\)"):
                layer.set_weights([values[0].T, values[1]])
            np.testing.assert_array_equal(layer.get_weights()[1], values[1])

    def test_values_given_out_are_ones_own(self):
        layer = layers.Dense(2)
        layer(tf.ones([1, 3]))
        layer.get_weights()[1][:] = 9.0
        np.testing.assert_array_equal(layer.get_weights()[1], [0.0, 0.0])

    def test_integers_start_at_zero(self):
        layer = layers.Layer()
        assert layer.add_weight("n", (2,), dtype="int32").numpy().tolist() == [0, 0]

    @pytest.mark.behaviour("S68", "S70")
    def test_a_waiting_value_is_the_first_value(self, tmp_path):
        source = layers.Dense(3)
        source(tf.ones([1, 2]))
        source.set_weights([np.full((2, 3), 5.0), np.full(3, 6.0)])
        path = tf.train.Checkpoint(layer=source).write(str(tmp_path / "dense"))

        def never(shape, dtype=None, **_):
            raise AssertionError("the initializer was called")

        layer = layers.Dense(3, kernel_initializer=never, bias_initializer=never)
        status = tf.train.Checkpoint(layer=layer).read(path)
        layer(tf.ones([1, 2]))
        status.assert_consumed()
        np.testing.assert_array_equal(layer.get_weights()[0], np.full((2, 3), 5.0))

    @pytest.mark.behaviour("S83")
    def test_in_a_graph_the_restore_ops_bring_it(self, tmp_path):
        source = layers.Dense(3)
        source(tf.ones([1, 2]))
        path = tf.train.Checkpoint(layer=source).write(str(tmp_path / "dense"))
        with tf.Graph().as_default(), tf.Session() as session:
            layer = layers.Dense(3)
            status = tf.train.Checkpoint(layer=layer).read(path)
            layer(tf.ones([1, 2]))
            status.assert_consumed().run_restore_ops()
            np.testing.assert_array_equal(session.run(layer.kernel), source.kernel.numpy())


class TestCalling:
    def test_numpy_and_lists_are_cast_to_the_layers_dtype(self, mode):
        with mode.scope():
            layer = layers.Dense(2)
            assert layer(np.ones((2, 3))).dtype == tf.float32
            assert layers.Dense(2, dtype="float64")(np.ones((2, 3), "float32")).dtype == tf.float64

    def test_several_inputs(self, mode):
        class Add(layers.Layer):
            def build(self, input_shape):
                self.shapes = input_shape
                super().build(input_shape)

            def call(self, inputs):
                return inputs[0] + inputs[1]

        with mode.scope():
            layer = Add()
            assert mode.value(layer([tf.constant(1.0), np.float64(2.0)])) == 3.0
            assert [s.as_list() for s in layer.shapes] == [[], []]

    def test_inputs_that_do_not_fit(self, mode):
        with mode.scope():
            layer = layers.Dense(2)
            with pytest.raises(ValueError, match='Input 0 of layer "dense" is incompatible.*expected min_ndim=2, found ndim=1'):
                layer(tf.ones([3]))
            layer(tf.ones([2, 3]))
            with pytest.raises(ValueError, match="expected axis -1 to have size 3.*Full shape received: .2, 4."):
                layer(tf.ones([2, 4]))
            with pytest.raises(ValueError, match="expects 1 input"):
                layers.Conv1D(1, 1)([tf.ones([1, 2, 3]), tf.ones([1, 2, 3])])
            with pytest.raises(ValueError, match="without inputs"):
                layer()

    def test_an_unknown_last_size(self):
        with tf.Graph().as_default(), pytest.raises(ValueError, match="must have a known size"):
            layers.Dense(2)(tf.placeholder(tf.float32, [None, None]))

    def test_training_is_passed_on(self, mode):
        seen = []

        class Watch(layers.Layer):
            def call(self, inputs, training=None):
                seen.append(training)
                return inputs

        class Around(layers.Layer):
            def __init__(self):
                super().__init__()
                self.inner = Watch()

            def call(self, inputs):
                return self.inner(inputs)

        with mode.scope():
            around, x = Around(), tf.ones([1])
            around(x)
            around.inner(x, training=True)
            around.inner(x, True)
            around.inner(x)

            class Outer(Watch):
                def __init__(self):
                    super().__init__()
                    self.inner = Around()

                def call(self, inputs, training=None):
                    return self.inner(inputs)

            Outer()(x, training=True)
            Outer()(x)
        assert seen == [False, True, True, False, True, False]

    def test_output_shapes_are_found_without_computing(self, mode):
        with mode.scope():
            layer = layers.Dense(3)
            before = len(tf.get_default_graph().get_operations())
            assert layer.compute_output_shape((None, 5, 4)) == (None, 5, 3)
            if mode.name == "graph":
                names = [o.name for o in tf.get_default_graph().get_operations()[before:]]
                assert all(n.startswith("dense/") for n in names)
                assert not any("matmul" in n for n in names)
            assert layer.kernel.shape == (4, 3)

    def test_a_layer_built_on_shapes_belongs_to_the_mode_around(self, mode):
        with mode.scope():
            layer = layers.LSTM(3)
            layer.compute_output_shape((None, 5, 4))
            assert mode.value(layer(tf.ones([2, 5, 4]))).shape == (2, 3)

    def test_repr(self):
        layer = layers.Dense(2)
        assert repr(layer) == "<Dense 'dense' (not built)>"
        layer(tf.ones([1, 1]))
        assert repr(layer) == "<Dense 'dense'>"


class TestLosses:
    def test_regularizers(self, mode):
        with mode.scope():
            layer = layers.Dense(1, kernel_regularizer=tf.keras.regularizers.L2(0.5), bias_regularizer="l1",
                                 kernel_initializer="ones", bias_initializer="ones")  # fmt: skip
            layer(tf.ones([1, 4]))
            np.testing.assert_allclose([mode.value(loss) for loss in layer.losses], [2.0, 0.01], rtol=1e-6)

    def test_added_losses_last_until_the_next_call(self, mode):
        class Adds(layers.Layer):
            def __init__(self):
                super().__init__()
                self.add_loss(lambda: tf.constant(10.0))

            def call(self, inputs):
                self.add_loss(tf.reduce_sum(inputs))
                return inputs

        class Around(layers.Layer):
            def __init__(self):
                super().__init__()
                self.inner = Adds()

            def call(self, inputs):
                return self.inner(self.inner(inputs))

        with mode.scope():
            layer = Around()
            layer(tf.ones([2]))
            layer(tf.ones([3]))
            assert [mode.value(loss) for loss in layer.losses] == [10.0, 3.0, 3.0]

    @pytest.mark.parametrize("name, expected", [("l1", 0.03), ("l2", 0.05), ("l1_l2", 0.08), (None, None)])
    def test_by_name(self, name, expected):
        found = tf.keras.regularizers.get(name)
        if expected is None:
            assert found is None
        else:
            np.testing.assert_allclose(float(found(tf.constant([1.0, -2.0]))), expected, rtol=1e-6)

    def test_unknown_names(self):
        with pytest.raises(ValueError, match="A regularizer is 'l1'"):
            tf.keras.regularizers.get("l3")


class TestCopies:
    def test_config(self):
        layer = layers.Dense(3, "relu", name="mine", use_bias=False)
        again = layers.Dense.from_config(layer.get_config())
        assert (again.name, again.units, again.use_bias) == ("mine", 3, False)
        assert again.weights == []
        assert layers.LSTM.from_config(layers.LSTM(3, go_backwards=True).get_config()).go_backwards is True

    @pytest.mark.parametrize("how", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
    def test_a_copy_has_its_own_weights(self, how):
        layer = Scale()
        layer(tf.ones([2, 3]))
        other = how(layer)
        other.kernel.assign([5.0, 5.0, 5.0])
        np.testing.assert_array_equal(layer.kernel.numpy(), [1.0, 1.0, 1.0])
        np.testing.assert_array_equal(other(tf.ones([1, 3])).numpy(), [[5.0, 5.0, 5.0]])
        assert other.weights[0] is other.kernel

    def test_a_layer_that_does_not_call_its_base(self):
        class Bare(layers.Layer):
            def __init__(self):
                self.w = tf.Variable(2.0)

            def call(self, inputs):
                return inputs * self.w

        layer = Bare()
        assert float(layer(tf.constant(3.0))) == 6.0
        assert layer.name == "bare"
        assert len(layer.weights) == 1


def test_attributes_of_ones_own_take_the_place_of_what_a_layer_tells_about_itself():
    class Reporting(tf.keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.updates = ["mine"]
            self.metrics = [tf.keras.metrics.Mean(name="own")]
            self.input_shape = (3, 4)

    layer = Reporting()
    assert list(layer.updates) == ["mine"]
    assert [metric.name for metric in layer.metrics] == ["own"]
    assert tuple(layer.input_shape) == (3, 4)
    assert not layer.dynamic
    with pytest.raises(AttributeError, match="has no output shape of its own"):
        layer.output_shape
