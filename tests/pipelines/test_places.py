"""The place of an iterator in a checkpoint: whatever the dataset, it goes on as if nothing had been between."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minitf as tf
from minitf.pipelines import states

D = tf.data.Dataset

STEPS = {
    "map": lambda d: d.map(lambda x: x + 1),
    "filter": lambda d: d.filter(lambda x: x % 3 != 0),
    "take_while": lambda d: d.take_while(lambda x: x < 9),
    "scan": lambda d: d.scan(np.int64(0), lambda s, x: (s + x, s)),
    "take": lambda d: d.take(7), "skip": lambda d: d.skip(2), "shard": lambda d: d.shard(2, 1),
    "repeat": lambda d: d.repeat(2), "concatenate": lambda d: d.concatenate(D.range(50, 53)),
    "shuffle": lambda d: d.shuffle(4, seed=5), "same order": lambda d: d.shuffle(3, seed=5, reshuffle_each_iteration=False),
    "cache": lambda d: d.cache(), "prefetch": lambda d: d.prefetch(1), "rebatch": lambda d: d.batch(3).unbatch(),
    "window": lambda d: d.window(3, shift=2).flat_map(lambda w: w.batch(2)).unbatch(),
    "interleave": lambda d: d.interleave(lambda x: D.from_tensors(x).repeat(3), cycle_length=2, block_length=2),
    "flat_map": lambda d: d.flat_map(lambda x: D.range(x, x + 2)),
    "zip": lambda d: D.zip(d, D.counter(1)).map(lambda x, y: x * y),
    "enumerate": lambda d: d.enumerate().map(lambda i, x: i + x),
    "strings": lambda d: d.map(tf.as_string).batch(2).unbatch().map(lambda s: tf.cast(s == "3", tf.int64)),
    "counted": lambda d: d.apply(tf.data.experimental.assert_cardinality(-2)),
    "unique": lambda d: d.unique(), "random": lambda d: D.zip(d, D.random(seed=2)).map(lambda x, r: x + r % 2),
}  # fmt: skip


def rest_of(iterator):
    return [x.numpy().tolist() for x in iterator]


@given(st.lists(st.sampled_from(sorted(STEPS)), max_size=4), st.integers(0, 12))
@settings(max_examples=300)
def test_an_iteration_goes_on_where_it_was(tmp_path_factory, steps, taken):
    def make():
        dataset = D.range(10)
        for step in steps:
            dataset = STEPS[step](dataset)
        return dataset.take(60)

    saved = iter(make())
    for _, _ in zip(range(taken), saved, strict=False):
        pass
    data = states.encoded(saved._cursor.state())
    expected = rest_of(saved)
    new = iter(make())
    new._go_to(data)
    assert rest_of(new) == expected


def test_through_a_checkpoint(tmp_path):
    def make():
        return iter(D.from_tensor_slices({"x": np.arange(6.0), "s": list("abcdef")}).shuffle(4, seed=1).repeat().batch(4))

    iterator = make()
    next(iterator)
    path = tf.train.Checkpoint(step=tf.Variable(3), iterator=iterator).write(str(tmp_path / "c"))
    expected = [next(iterator) for _ in range(3)]
    assert tf.train.list_variables(path)[1][0] == "iterator/.ATTRIBUTES/ITERATOR_STATE"
    fresh = make()
    tf.train.Checkpoint(step=tf.Variable(0), iterator=fresh).read(path).assert_consumed()
    later = tf.train.Checkpoint()
    status = later.read(path)
    later.iterator = make()  # a place waits as a value does
    for want in expected:
        for got in (next(fresh), next(later.iterator)):
            assert {key: value.numpy().tolist() for key, value in got.items()} == {
                k: v.numpy().tolist() for k, v in want.items()
            }
    status.expect_partial()


def test_a_loop_of_training_goes_on(tmp_path):
    """The checkpoint guide's program: what is trained in two halves is what is trained in one."""

    def trained(parts):
        manager = None
        for number, steps in enumerate(parts):
            x = np.arange(10, dtype=np.float32)[:, None]
            data = iter(
                D.from_tensor_slices({"x": x, "y": x * 5 + np.arange(5, dtype=np.float32)}).shuffle(5, seed=2).repeat().batch(2)
            )
            layer, step = tf.keras.layers.Dense(5, kernel_initializer="zeros"), tf.Variable(0)
            optimizer = tf.keras.optimizers.Adam(0.1)
            checkpoint = tf.train.Checkpoint(step=step, optimizer=optimizer, layer=layer, data=data)
            manager = tf.train.CheckpointManager(checkpoint, str(tmp_path / str(len(parts))), 3)
            checkpoint.restore(manager.latest_checkpoint)
            assert (manager.latest_checkpoint is None) == (number == 0)
            for _ in range(steps):
                example = next(data)
                with tf.GradientTape() as tape:
                    loss = tf.reduce_mean(tf.abs(layer(example["x"]) - example["y"]))
                optimizer.apply_gradients(
                    zip(tape.gradient(loss, layer.trainable_variables), layer.trainable_variables, strict=True)
                )
                step.assign_add(1)
            manager.save()
        return step.numpy(), layer.kernel.numpy().tolist()

    assert trained([7, 8]) == trained([15])


def test_another_dataset_is_refused_and_changes_nothing(tmp_path):
    iterator = iter(D.range(5))
    next(iterator)
    path = tf.train.Checkpoint(it=iterator).write(str(tmp_path / "c"))
    other = iter(D.range(5).batch(2))
    next(other)
    with pytest.raises(
        tf.errors.NotFoundError, match="the place in a Counted with 0 inputs where the program has a Batched with 1"
    ):
        tf.train.Checkpoint(it=other).read(path)
    assert rest_of(other) == [[2, 3], [4]]


@pytest.mark.parametrize(
    "make",
    [
        lambda: D.from_generator(lambda: iter([1, 2, 3]), output_signature=tf.TensorSpec([], tf.int32)).batch(1),
        lambda: D.range(3).map(lambda x: tf.numpy_function(lambda a: a, [x], tf.int64)),
    ],
)
def test_what_python_remembers_cannot_be_saved(make, tmp_path):
    iterator = iter(make())
    next(iterator)
    with pytest.raises(tf.errors.FailedPreconditionError, match="The place in a dataset .*cannot be saved"):
        tf.train.Checkpoint(it=iterator).write(str(tmp_path / "c"))


@pytest.mark.parametrize("seed", range(200))
def test_a_damaged_state_changes_nothing(seed):
    draw = np.random.default_rng(seed)
    iterator = iter(D.range(9).map(tf.as_string).shuffle(4, seed=1).repeat(2).batch(2))
    next(iterator)
    good = states.encoded(iterator._cursor.state())
    damaged = bytearray(good)
    for at in draw.integers(0, len(good), draw.integers(1, 4)):
        damaged[at] = draw.integers(256)
    if draw.random() < 0.3:
        damaged = damaged[: draw.integers(len(damaged))]
    before = iterator._cursor
    try:
        iterator._go_to(bytes(damaged))
    except tf.errors.OpError:
        assert iterator._cursor is before


def test_the_state_of_another_library(tmp_path):
    with pytest.raises(tf.errors.DataLossError, match="was not written by minitf"):
        iter(D.range(3))._go_to(b"\x08\x01")
