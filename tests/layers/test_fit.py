"""fit, evaluate, predict: data, batches, callbacks, progress."""

import warnings

import numpy as np
import pytest

import minitf as tf
from minitf.keras import Sequential, callbacks, layers


@pytest.fixture(autouse=True)
def _names_start_again():
    tf.reset_default_graph()


X = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
Y = (X @ [[1.0], [-2.0], [0.5]] + 0.25).astype("float32")


def line(optimizer="sgd", metrics=("mae",)):
    model = Sequential([layers.Dense(1, kernel_initializer="zeros")])
    model.compile(optimizer, "mse", metrics=list(metrics))
    return model


class Rounds(callbacks.Callback):
    """Counts the batches of each epoch."""

    def on_train_begin(self, logs=None):
        self.batches = []

    def on_epoch_begin(self, epoch, logs=None):
        self.batches.append(0)

    def on_train_batch_end(self, batch, logs=None):
        self.batches[-1] += 1


class TestFit:
    def test_it_learns(self, mode):
        with mode.scope():
            model = line(tf.train.GradientDescentOptimizer(0.1))
            history = model.fit(X, Y, epochs=30, batch_size=10, verbose=0)
            losses = history.history["loss"]
            assert losses[-1] < 1e-3 < losses[0]
            np.testing.assert_allclose(model.get_weights()[0], [[1.0], [-2.0], [0.5]], atol=0.05)
            assert model.evaluate(X, Y, verbose=0)[0] < 1e-3
            np.testing.assert_allclose(model.predict(X, verbose=0, batch_size=7), Y, atol=0.1)

    def test_set_seed_repeats_the_order(self, mode):
        def train():
            tf.random.set_seed(3)
            model = line()
            model.fit(X, Y, epochs=2, batch_size=8, verbose=0)
            return model.get_weights()[0]

        with mode.scope():
            np.testing.assert_array_equal(train(), train())

    def test_sample_weights(self, mode):
        with mode.scope():
            model = line(tf.train.GradientDescentOptimizer(0.1), ())
            weights = np.zeros(40, "float32")
            model.fit(X, Y, epochs=1, verbose=0, sample_weight=weights)
            assert np.all(model.get_weights()[0] == 0.0)
            assert model.evaluate(X, Y, verbose=0, sample_weight=weights) == 0.0

    def test_batches_from_an_iterable(self, mode):
        with mode.scope():
            model = line()
            batches = [(X[i : i + 8], Y[i : i + 8]) for i in range(0, 40, 8)]
            history = model.fit(batches, epochs=2, verbose=0, validation_data=batches)
            assert list(history.history) == ["loss", "mae", "val_loss", "val_mae"]
            found = model.evaluate(iter(batches), verbose=0)
            np.testing.assert_allclose(found, model.evaluate(X, Y, verbose=0, batch_size=8), rtol=1e-5)

    def test_epochs_of_some_steps_go_on_in_the_data(self, mode):
        """As in Keras 2: batches that were given end once, arrays are gone through once for each epoch."""
        batches = [(X[i : i + 8], Y[i : i + 8]) for i in range(0, 40, 8)]
        for given in (batches, iter(batches)):
            seen = Rounds()
            with mode.scope():
                model = line()
                with pytest.warns(UserWarning, match="no more batches: this round has 1, not 2"):
                    model.fit(given, epochs=4, verbose=0, steps_per_epoch=2, callbacks=[seen])
            assert seen.batches == [2, 2, 1]
        for steps, expected in ((2, [2, 2, 2]), (7, [7, 7, 1])):
            seen = Rounds()
            with mode.scope(), warnings.catch_warnings():
                warnings.simplefilter("ignore" if steps == 7 else "error")
                line().fit(X, Y, batch_size=8, epochs=3, verbose=0, steps_per_epoch=steps, callbacks=[seen])
            assert seen.batches == expected

    def test_an_epoch_of_all_batches_begins_anew(self, mode):
        seen = Rounds()
        batches = [(X[i : i + 8], Y[i : i + 8]) for i in range(0, 40, 8)]
        with mode.scope():
            line().fit(batches, epochs=3, verbose=0, steps_per_epoch=5, callbacks=[seen])
        assert seen.batches == [5, 5, 5]

    def test_a_dataset_without_end_needs_steps(self):
        with tf.using(tf.Eager()):
            data, seen = tf.data.Dataset.from_tensor_slices((X, Y)).batch(8).repeat(), Rounds()
            model = line()
            with pytest.raises(ValueError, match="no end: say with steps_per_epoch"):
                model.fit(data, verbose=0)
            model.fit(data, epochs=2, steps_per_epoch=7, verbose=0, callbacks=[seen], validation_data=data, validation_steps=2)
        assert seen.batches == [7, 7]

    def test_a_dataset_whose_length_nobody_knows(self):
        seen = Rounds()
        with tf.using(tf.Eager()):
            data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(8).filter(lambda x, y: True)
            line().fit(data, epochs=2, verbose=0, callbacks=[seen])
        assert seen.batches == [5, 5]

    def test_a_validation_split_takes_the_last_examples(self, mode):
        with mode.scope():
            model = line()
            history = model.fit(X, Y, epochs=1, verbose=0, validation_split=0.25)
            np.testing.assert_allclose(history.history["val_loss"][0], model.evaluate(X[30:], Y[30:], verbose=0)[0], rtol=1e-5)

    def test_regularization_joins_the_loss(self, mode):
        with mode.scope():
            model = Sequential([layers.Dense(1, kernel_initializer="ones", kernel_regularizer="l2", use_bias=False)])
            model.compile("sgd", "mse")
            plain = np.mean((X.sum(1, keepdims=True) - Y) ** 2)
            np.testing.assert_allclose(model.evaluate(X, Y, verbose=0, batch_size=40), plain + 0.03, rtol=1e-5)

    def test_one_batch(self, mode):
        with mode.scope():
            model = line()
            first = model.test_on_batch(X, Y)
            assert model.train_on_batch(X, Y) == first
            assert model.train_on_batch(X, Y, return_dict=True)["loss"] < first[0]
            assert model.predict_on_batch(X).shape == (40, 1)

    def test_several_outputs(self, mode):
        class Two(tf.keras.Model):
            def __init__(self):
                super().__init__()
                self.a, self.b = layers.Dense(1), layers.Dense(2)

            def call(self, x):
                return [self.a(x), self.b(x)]

        with mode.scope():
            model = Two()
            model.compile("adam", ["mse", "mae"], loss_weights=[1.0, 0.5])
            history = model.fit(X, [Y, np.zeros((40, 2))], epochs=2, verbose=0)
            assert history.history["loss"][1] < history.history["loss"][0]
            assert [p.shape for p in model.predict(X, verbose=0)] == [(40, 1), (40, 2)]

    def test_a_train_step_of_ones_own(self, mode):
        class Own(Sequential):
            def train_step(self, data):
                return {"seen": tf.reduce_sum(data[0] * 0.0) + 5.0}

        with mode.scope():
            model = Own([layers.Dense(1)])
            model.compile()
            assert model.fit(X, Y, verbose=0).history == {"seen": [5.0]}

    def test_accuracy_goes_with_the_shapes(self, mode):
        with mode.scope():
            for units, y, expected in [
                (1, (X[:, :1] > 0).astype(int), "BinaryAccuracy"),
                (3, np.eye(3)[np.arange(40) % 3], "CategoricalAccuracy"),
                (3, np.arange(40) % 3, "SparseCategoricalAccuracy"),
            ]:
                model = Sequential([layers.Dense(units)])
                model.compile("sgd", lambda y_true, y_pred: tf.reduce_mean(y_pred, -1), metrics=["accuracy"])
                model.evaluate(X, y, verbose=0)
                assert type(model.metrics[1]).__name__ == expected
                assert model.metrics_names == ["loss", "accuracy"]

    def test_the_optimizer_is_an_edge(self, tmp_path):
        model = line("adam")
        model.fit(X, Y, verbose=0)
        assert "optimizer" in tf.train.children(model)
        model.save_weights(tmp_path / "w")
        other = line("adam")
        other.load_weights(tmp_path / "w")
        other.fit(X[:1], Y[:1], verbose=0)
        assert int(other.optimizer.iterations) == 3

    @pytest.mark.parametrize(
        "act, error, message",
        [
            (lambda: Sequential([layers.Dense(1)]).fit(X, Y), RuntimeError, "must be compiled"),
            (lambda: line().fit(X, Y[:-1], verbose=0), ValueError, "same number of examples"),
            (lambda: line().fit(iter([(X, Y)]), Y, verbose=0), ValueError, "leave out y"),
            (lambda: line().fit(iter([]), verbose=0), ValueError, "no data to train on"),
            (lambda: line().fit(iter([(X, Y, Y, Y)]), verbose=0), ValueError, "has 4 parts"),
            (lambda: line().fit(X, Y, batch_size=0, verbose=0), ValueError, "batch_size must be positive"),
            (lambda: line().fit(X, Y, validation_split=0.999, verbose=0), ValueError, "leaves nothing"),
            (lambda: line(3), ValueError, "An optimizer is one of"),
            (lambda: line("adma"), ValueError, "An optimizer is one of"),
            (lambda: line(metrics=["acuracy"]).evaluate(X, Y, verbose=0), ValueError, "Did you mean 'accuracy'"),
            (lambda: Sequential([layers.Dense(1)]).compile("sgd", "msee"), ValueError, "Did you mean 'mse'"),
        ],
    )
    def test_mistakes(self, act, error, message):
        with pytest.raises(error, match=message):
            act()

    def test_a_graph_needs_a_session(self):
        with tf.Graph().as_default(), pytest.raises(RuntimeError, match="session"):
            line().fit(X, Y, verbose=0)


class TestCallbacks:
    def test_the_order_of_events(self, mode):
        seen = []

        class Log(callbacks.Callback):
            pass

        for name in [n for n in dir(callbacks.Callback) if n.startswith("on_")]:
            setattr(Log, name, lambda self, *args, name=name: seen.append(name[3:]))
        with mode.scope():
            line().fit(X, Y, batch_size=20, verbose=0, callbacks=[Log()], validation_data=(X, Y))
        assert seen == [
            "train_begin", "epoch_begin", "train_batch_begin", "train_batch_end", "train_batch_begin", "train_batch_end",
            "test_begin", "test_batch_end", "test_batch_end", "test_end", "epoch_end", "train_end",
        ]  # fmt: skip

    def test_early_stopping(self):
        model = line()
        stop = callbacks.EarlyStopping("loss", patience=2, min_delta=1e9, restore_best_weights=True)
        history = model.fit(X, Y, epochs=10, verbose=0, callbacks=[stop])
        assert history.epoch == [0, 1, 2]
        np.testing.assert_array_equal(model.get_weights()[0], stop.best_weights[0])

    def test_saving_the_best(self, tmp_path):
        model = line()
        save = callbacks.ModelCheckpoint(tmp_path / "best-{epoch:02d}", "loss", save_best_only=True)
        model.fit(X, Y, epochs=3, verbose=0, callbacks=[save])
        assert tf.train.latest_checkpoint(tmp_path) == str(tmp_path / "best-03")

    def test_saving_after_so_many_batches(self, tmp_path):
        told = []
        options = tf.train.CheckpointOptions(experimental_write_callbacks=[told.append])
        save = callbacks.ModelCheckpoint(tmp_path / "w-{epoch}-{batch}", save_freq=3, options=options)
        line().fit(X, Y, batch_size=len(X) // 2, epochs=4, verbose=0, callbacks=[save])
        assert [path.removeprefix(str(tmp_path / "w-")) for path in told] == ["2-1", "3-2"]

    def test_saving_what_is_better_than_a_threshold(self, tmp_path):
        for threshold, saved in ((0.0, False), (1e9, True)):
            path = tmp_path / str(threshold)
            save = callbacks.ModelCheckpoint(path, "loss", save_best_only=True, initial_value_threshold=threshold)
            line().fit(X, Y, verbose=0, callbacks=[save])
            assert tf.train.checkpoint_exists(path) == saved

    def test_mistakes(self):
        with pytest.raises(KeyError, match="watches 'val_loss'"):
            line().fit(X, Y, verbose=0, callbacks=[callbacks.EarlyStopping()])
        with pytest.raises(ValueError, match="mode must be"):
            callbacks.EarlyStopping(mode="best")
        with pytest.raises(ValueError, match="saves weights"):
            callbacks.ModelCheckpoint("x", save_weights_only=False)
        with pytest.raises(ValueError, match="a number of batches"):
            callbacks.ModelCheckpoint("x", save_freq="batch")


class TestProgress:
    def test_a_bar_for_each_epoch(self, capsys):
        line().fit(X, Y, epochs=2, batch_size=20, verbose=1)
        text = capsys.readouterr().out
        assert "Epoch 1/2" in text
        assert "Epoch 2/2" in text
        assert "2/2" in text
        assert "loss:" in text

    def test_a_line_for_each_epoch(self, capsys):
        model = line()
        model.fit(X, Y, epochs=2, verbose=2)
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 2
        assert lines[1].startswith("Epoch 2/2 - 0s - loss: ")

    def test_silence(self, capsys):
        model = line()
        model.fit(X, Y, verbose=0)
        model.evaluate(X, Y, verbose=0)
        model.predict(X, verbose=0)
        assert capsys.readouterr().out == ""

    def test_evaluating_and_predicting(self, capsys):
        model = line()
        model.evaluate(X, Y)
        model.predict(X)
        assert "2/2" in capsys.readouterr().out
