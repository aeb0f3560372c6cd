"""``experimental_sharding_callback``: over which data files a save is spread."""

import logging
import math
import os
import re
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minitf as tf
from minitf.checkpoint.sharding.cutting import Box, first_part
from minitf.checkpoint.sharding.slices import Slice
from minitf.checkpoint.sharding.storage import ShardedBundle
from minitf.cli import main
from minitf.storage.bundle import TensorBundle
from minitf.testing import strategies as mst
from tests.checkpoint.wrong_shards import GRAPH, KEY, results
from tests.storage import test_crashes as crashes

VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
experimental = tf.train.experimental


def options(callback, **more):
    return tf.train.CheckpointOptions(experimental_sharding_callback=callback, **more)


class Calling(experimental.ShardingCallback):
    """A callback that does what a function does, and keeps what it was given."""

    description = "what a function does"

    def __init__(self, function):
        self.function, self.seen = function, []

    def __call__(self, shardable_tensors):
        self.seen.append(shardable_tensors)
        return self.function(shardable_tensors)


def layer_by_layer(tensors):
    shards = {}
    for one in tensors:
        shards.setdefault(one.checkpoint_key.split("/")[0], {})[one.checkpoint_key] = {one.slice_spec: one.tensor}
    return list(shards.values())


def whole(tensors):
    return experimental.ShardByTaskPolicy()(tensors)


class State(experimental.PythonState):
    def __init__(self, text):
        self.text = text

    def serialize(self):
        return self.text

    def deserialize(self, value):
        self.text = value.decode()


def data_files(path):
    """How many data files a checkpoint has, and the size of each."""
    folder, name = os.path.split(path)
    found = sorted(file for file in os.listdir(folder) if file.startswith(f"{name}.data-"))
    assert found == [f"{name}.data-{n:05}-of-{len(found):05}" for n in range(len(found))]
    return [os.path.getsize(os.path.join(folder, file)) for file in found]


@pytest.fixture
def prefix(tmp_path):
    return str(tmp_path / "run" / "ckpt")


# -- what a callback is, and sees ------------------------------------------------------------------------------------------


def test_what_a_callback_must_have():
    with pytest.raises(TypeError, match="abstract"):
        experimental.ShardingCallback()
    for wrong in (lambda tensors: [], experimental.ShardByTaskPolicy, "x", 3):
        with pytest.raises(ValueError, match=r"no train.experimental.ShardingCallback.*MaxShardSizePolicy"):
            options(wrong)
    callback = experimental.ShardByTaskPolicy()
    assert options(callback).experimental_sharding_callback is callback
    assert tf.train.CheckpointOptions().experimental_sharding_callback is None
    assert callback.description
    assert experimental.MaxShardSizePolicy(5).description == "Data files of at most 5 bytes."
    assert repr(options(experimental.MaxShardSizePolicy(5))) == (
        "CheckpointOptions(experimental_sharding_callback=MaxShardSizePolicy(5))"
    )


@pytest.mark.upstream("sharding_util_test.ShardingUtilTest.test_hash_ShardingCallback")
def test_callbacks_with_the_same_settings_have_the_same_hash():
    one, same, other = (experimental.MaxShardSizePolicy(size) for size in (5, 5, 6))
    assert hash(one) == hash(same) != hash(other)
    one.unhashable, one.function = [3], lambda: None  # which do not count
    assert hash(one) == hash(same)
    assert one != same
    assert hash(experimental.ShardByTaskPolicy()) == hash(experimental.ShardByTaskPolicy())


def test_a_description_is_text(prefix):
    class Numbered(Calling):
        description = 3

    with pytest.raises(TypeError, match=r"Numbered.description must be a str"):
        tf.train.Checkpoint(v=tf.Variable(1.0)).save(prefix, options(Numbered(whole)))


def test_what_a_callback_sees(mode, prefix):
    with mode.scope():
        v, count = tf.Variable([[1.0, 2.0]], name="v"), tf.Variable(3, dtype=tf.int64)
        state, names = State("abc"), tf.Variable(["x", "yy"])
        checkpoint = tf.train.Checkpoint(v=v, list=[count, state], names=names)
        for variable in (v, count, names):
            mode.value(variable)
        callback = Calling(whole)
        checkpoint.write(prefix, options(callback))
        [seen] = callback.seen
        assert [(one.checkpoint_key, one.name, one.slice_spec, one.dtype, one.shape.as_list()) for one in seen] == [
            ("names" + VALUE, "names" + VALUE, "", tf.string, [2]),
            ("v" + VALUE, "v" + VALUE, "", tf.float32, [1, 2]),
            ("list/0" + VALUE, "list/0" + VALUE, "", tf.int64, []),
            ("list/1/.ATTRIBUTES/py_state", "list/1/.ATTRIBUTES/py_state", "", tf.string, []),
            (GRAPH, GRAPH, "", tf.string, []),
        ]
        assert [one.trackable is o for one, o in zip(seen, (names, v, count, state, None), strict=True)] == [True] * 5
        assert [one.tensor.numpy() if not one.shape.rank else one.tensor.numpy().tolist() for one in seen][:4] == [
            [b"x", b"yy"], [[1.0, 2.0]], 3, b"abc"
        ]  # fmt: skip
        assert {str(one.device) for one in seen} == {"/job:localhost/replica:0/task:0/device:CPU:0"}
        assert (seen[0].device.task, seen[0].device.device_type) == (0, "CPU")
        assert len({hash(one) for one in seen}) == 5
        assert all(one._tensor_save_spec.tensor is one.tensor for one in seen)
        with pytest.raises(AttributeError):
            seen[0].name = "other"
        assert "names/.ATTRIBUTES" in repr(seen[0])


def test_a_callback_runs_in_eager_mode_with_the_values_of_the_session(prefix):
    def halves(tensors):
        assert tf.executing_eagerly()
        shard = whole(tensors)[0]
        value = shard.pop(KEY)[""]
        return [shard | {KEY: {"4 0,2": value[:2]}}, {KEY: {"4 2,2": tf.slice(value, [2], [2])}}]

    with tf.Graph().as_default() as graph, tf.Session() as session:
        checkpoint = tf.train.Checkpoint(v=tf.Variable([1.0, 2.0, 3.0, 4.0]))
        session.run(checkpoint.v.initializer)
        before = len(graph.get_operations())
        for number in (1.0, 2.0):  # at every save
            checkpoint.v.load([number] * 4, session)
            path = checkpoint.write(f"{prefix}-{number}", options(Calling(halves)))
            assert len(data_files(path)) == 2
            assert tf.train.load_variable(path, KEY).tolist() == [number] * 4
        assert len(data_files(checkpoint.write(prefix))) == 1  # a save without the option is as ever
        assert len(graph.get_operations()) == before
        checkpoint.v.load([0.0] * 4, session)
        checkpoint.read(path).assert_consumed().run_restore_ops()
        assert session.run(checkpoint.v).tolist() == [2.0] * 4


# -- every way of saving ---------------------------------------------------------------------------------------------------


def net():
    layer = lambda n: {"kernel": tf.Variable(np.full((2, 3), n, np.float32)), "bias": tf.Variable(np.full(3, n, np.float32))}
    return tf.train.Checkpoint(one=layer(1), two=layer(2))


def test_a_data_file_for_each_layer(prefix):
    checkpoint = net()
    path = checkpoint.save(prefix, options(Calling(layer_by_layer)))
    assert path == f"{prefix}-1" == tf.train.latest_checkpoint(os.path.dirname(prefix))
    assert data_files(path)[:3] == [8, 36, 36]  # save_counter, one, two; then the object graph
    for variable in (checkpoint.one["kernel"], checkpoint.two["bias"]):
        variable.assign(variable * 0.0)
    checkpoint.restore(path).assert_consumed()
    assert (checkpoint.one["kernel"].numpy() == 1).all()
    assert (checkpoint.two["bias"].numpy() == 2).all()


@pytest.mark.upstream("sharding_util_test.ShardingUtilTest.test_validate_shards_correct")
def test_by_task_everything_is_in_one_file(prefix):
    checkpoint = net()
    checkpoint.write(prefix)
    checkpoint.write(f"{prefix}-too", options(experimental.ShardByTaskPolicy()))
    for end in (".data-00000-of-00001", ".index"):
        with open(prefix + end, "rb") as one, open(f"{prefix}-too{end}", "rb") as other:
            assert one.read() == other.read()


@pytest.mark.upstream("sharding_policies_test.ShardingPoliciesTest.test_CheckpointOption_MaxShardSizePolicy")
def test_files_of_ten_bytes(mode, prefix):
    with mode.scope():
        v0, v1 = tf.Variable([[0, 1], [2, 3], [4, 5]]), tf.Variable(np.arange(6.0, 12.0, dtype=np.float32).reshape(3, 2, 1))
        root = tf.train.Checkpoint(v0=v0, v1=v1, v2=tf.Variable("test_string"))
        other = tf.train.Checkpoint(v0=tf.Variable([[0, 0]] * 3), v1=tf.Variable(tf.zeros([3, 2, 1])), v2=tf.Variable(""))
        for v in (v0, v1, root.v2, other.v0, other.v1, other.v2):
            mode.value(v)
        path = root.save(prefix, options(experimental.MaxShardSizePolicy(max_shard_size=10)))
        assert len(data_files(path)) == 8
        other.restore(path).assert_consumed().initialize_or_restore()
        assert mode.value(other.v0.read_value()).tolist() == [[0, 1], [2, 3], [4, 5]]
        assert mode.value(other.v1.read_value()).ravel().tolist() == [6.0, 7.0, 8.0, 9.0, 10.0, 11.0]
        assert mode.value(other.v2.read_value()) == b"test_string"


@pytest.mark.parametrize("lazy", [False, True, "first use", "unverified"])
def test_pieces_are_restored_in_every_way(prefix, lazy):
    value = np.random.default_rng(0).random((200, 300))
    checkpoint = tf.train.Checkpoint(v=tf.Variable(value), w=tf.Variable(value.T))
    path = checkpoint.write(prefix, options(experimental.MaxShardSizePolicy(200_000)))
    assert len(data_files(path)) == 5
    for v in (checkpoint.v, checkpoint.w):
        v.assign(tf.zeros_like(v))
    checkpoint.read(path, lazy=lazy).assert_consumed()
    assert (checkpoint.v.numpy() == value).all()
    assert (checkpoint.w.numpy() == value.T).all()


def test_the_order_in_a_data_file_is_that_of_the_mapping(prefix):
    checkpoint = tf.train.Checkpoint(a=tf.Variable(1, dtype=tf.uint8), b=tf.Variable(2, dtype=tf.uint8))
    checkpoint.write(prefix, options(Calling(lambda tensors: whole(tensors[::-1]))))
    with open(f"{prefix}.data-00000-of-00001", "rb") as file:
        assert file.read()[-2:] == bytes([2, 1])


@pytest.mark.parametrize("verb", ["save", "write"])
def test_in_the_background(prefix, verb):
    checkpoint = tf.train.Checkpoint(v=tf.Variable([1.0, 2.0, 3.0, 4.0]))
    hold, threads, heard = threading.Event(), [], []

    def slowly(tensors):
        hold.wait(60)
        threads.append(threading.current_thread())
        return experimental.MaxShardSizePolicy(8)(tensors)

    chosen = options(Calling(slowly), enable_async=True, experimental_write_callbacks=[heard.append])
    path = getattr(checkpoint, verb)(prefix, chosen)
    checkpoint.v.assign([0.0] * 4)
    hold.set()
    checkpoint.sync()
    assert heard == [path]
    assert threads != [threading.main_thread()]
    assert len(data_files(path)) == (3 if verb == "save" else 2)
    assert tf.train.load_variable(path, KEY).tolist() == [1.0, 2.0, 3.0, 4.0]


def test_saves_in_the_background_come_one_after_the_other(tmp_path):
    checkpoint = tf.train.Checkpoint(v=tf.Variable([1.0, 2.0, 3.0, 4.0]))
    in_background = tf.train.CheckpointOptions(enable_async=True)
    for number in range(6):
        policy = experimental.MaxShardSizePolicy(8)
        checkpoint.write(str(tmp_path / str(number)), in_background if number % 2 else options(policy, enable_async=True))
    checkpoint.sync()
    assert [len(data_files(str(tmp_path / str(number)))) for number in range(6)] == [2, 1] * 3


def test_an_error_in_the_background_surfaces_at_the_next_call(prefix):
    checkpoint = tf.train.Checkpoint(v=tf.Variable([1.0, 2.0, 3.0, 4.0]))
    heard = []
    wrong = Calling(results(tf)["left out"])
    checkpoint.save(prefix, options(wrong, enable_async=True, experimental_write_callbacks=[heard.append]))
    with pytest.raises(RuntimeError, match="left out"):
        checkpoint.sync()
    assert heard == []
    assert tf.train.latest_checkpoint(os.path.dirname(prefix)) is None
    checkpoint.sync()


def test_a_manager(tmp_path):
    checkpoint = tf.train.Checkpoint(v=tf.Variable([1.0, 2.0, 3.0, 4.0]))
    manager = tf.train.CheckpointManager(checkpoint, tmp_path, max_to_keep=2)
    for size in (4, 8, 12, 16):
        path = manager.save(options=options(experimental.MaxShardSizePolicy(size)))
    assert manager.checkpoints == [str(tmp_path / "ckpt-3"), str(tmp_path / "ckpt-4")]
    assert sorted(os.listdir(tmp_path)) == [
        "checkpoint", *(f"ckpt-3.data-0000{n}-of-00002" for n in range(2)), "ckpt-3.index",
        *(f"ckpt-4.data-0000{n}-of-00002" for n in range(2)), "ckpt-4.index",
    ]  # fmt: skip
    checkpoint.v.assign([0.0] * 4)
    assert manager.restore_or_initialize() == path
    assert checkpoint.v.numpy().tolist() == [1.0, 2.0, 3.0, 4.0]


def test_write_in_a_function(prefix):
    checkpoint = tf.train.Checkpoint(v=tf.Variable([1.0, 2.0, 3.0, 4.0]))

    @tf.function
    def step():
        checkpoint.v.assign_add([1.0] * 4)
        return checkpoint.write(prefix, options(experimental.MaxShardSizePolicy(8)))

    for number in (2.0, 3.0):
        step()
        assert len(data_files(prefix)) >= 2
        assert tf.train.load_variable(prefix, KEY)[0] == number


def test_hooks_are_asked_once_in_a_save(prefix):
    class Counting(tf.train.Trackable):
        asked = 0

        def _serialize_to_tensors(self):
            self.asked += 1
            return {"a": tf.constant("text"), "b": tf.constant([1.0, 2.0])}

        def _restore_from_tensors(self, tensors):
            self.restored = tensors

    checkpoint = tf.train.Checkpoint(own=Counting())
    callback = Calling(experimental.MaxShardSizePolicy(4))
    checkpoint.write(prefix, options(callback))
    assert checkpoint.own.asked == 1
    assert [one.trackable for one in callback.seen[0]] == [checkpoint.own, checkpoint.own, None]
    checkpoint.read(prefix).assert_consumed()
    assert checkpoint.own.restored["a"].numpy() == b"text"
    assert checkpoint.own.restored["b"].numpy().tolist() == [1.0, 2.0]


def test_with_optimizer_slots_and_layers(prefix):
    model = tf.keras.Sequential([tf.keras.layers.Dense(8), tf.keras.layers.Dense(4)])
    optimizer = tf.train.AdamOptimizer(0.1)
    x = tf.constant(np.ones((2, 6), np.float32))
    optimizer.minimize(lambda: tf.reduce_sum(model(x) ** 2.0))
    checkpoint = tf.train.Checkpoint(model=model, optimizer=optimizer)
    path = checkpoint.save(prefix, options(experimental.MaxShardSizePolicy(100)))
    assert max(data_files(path)[:-1]) <= 100
    values = {key: tf.train.load_variable(path, key) for key, _ in tf.train.list_variables(path) if VALUE in key}
    assert any("OPTIMIZER_SLOT" in key for key in values)
    saved = model(x).numpy()
    optimizer.minimize(lambda: tf.reduce_sum(model(x) ** 2.0))
    checkpoint.restore(path).assert_consumed()
    assert (model(x).numpy() == saved).all()


def test_a_recorder_hears_of_it(prefix):
    checkpoint = tf.train.Checkpoint(v=tf.Variable([1.0, 2.0, 3.0, 4.0]))
    with tf.record() as timeline:
        checkpoint.write(prefix, options(experimental.MaxShardSizePolicy(8)))
        checkpoint.write(prefix, options(experimental.MaxShardSizePolicy(8), enable_async=True))
        checkpoint.sync()
    assert [event.kind for event in timeline.events].count("save") == 2


def test_the_command_understands_the_files(prefix, tmp_path, capsys):
    checkpoint = net()
    path = checkpoint.save(prefix, options(experimental.MaxShardSizePolicy(10)))
    assert len(data_files(path)) > 5
    assert main(["verify", path]) == 0
    assert main(["ls", path]) == 0
    assert "float32 (2, 3)" in capsys.readouterr().out
    for form in ("npz", "safetensors", "tf-v1", "tf-v2"):
        assert main(["convert", path, str(tmp_path / form / "p"), "--to", form]) == 0
        converted = str(tmp_path / form / sorted(os.listdir(tmp_path / form))[0])
        assert main(["diff", path, converted]) == 0
    assert data_files(str(tmp_path / "tf-v2" / "p")) == data_files(path)  # in the same pieces


@pytest.mark.parametrize("before", [0, 1, 2])
def test_whenever_the_power_fails_the_old_checkpoint_is_there_or_the_new_one(before):
    start = crashes.after(*[("d/p-1", crashes.tensors(n + 1)) for n in range(before)])
    old, new = crashes.tensors(before) if before else None, crashes.tensors(7, size=90)
    files = []

    def save(disk):
        ShardedBundle(TensorBundle(disk=disk), experimental.MaxShardSizePolicy(200), {}).write("d/p-1", new)
        files.extend(path for path in disk.state() if ".data" in path)

    assert crashes.explore(start, save, crashes.old_or_new("d/p-1", old, new), 0.02) > 40
    assert len(files) > 3


# -- what is wrong ---------------------------------------------------------------------------------------------------------

LEFT_OUT, CHANGED = (RuntimeError, "left out"), (RuntimeError, "changed the")
TWICE, EMPTY = (tf.errors.InvalidArgumentError, "twice"), (tf.errors.InvalidArgumentError, "data file")
WRONG = {
    "left out": LEFT_OUT, "graph left out": LEFT_OUT, "no slice": LEFT_OUT, "no tensor": LEFT_OUT,
    "gap": (RuntimeError, "left out 2 of the 4 elements"), "twice": TWICE, "piece beside the whole": TWICE,
    "piece and whole": TWICE, "overlap": (RuntimeError, "in common"), "other dtype": CHANGED, "other shape": CHANGED,
    "other whole": CHANGED, "other rank": CHANGED, "added": (RuntimeError, "added a tensor, 'zz'"),
    "beyond": (tf.errors.InternalError, "reaches out"), "two axes": (tf.errors.InternalError, "has 2 axes"),
    "empty piece": (tf.errors.InvalidArgumentError, "nothing in it"),
    "another part": (tf.errors.InvalidArgumentError, "which has shape"), "no list": (TypeError, "no length"),
    "iterator": (TypeError, "no length"), "generator": (TypeError, "no length"), "mapping": (AttributeError, "items"),
    "tensor for a mapping": (AttributeError, "items"), "no data file": EMPTY, "nothing in a file": EMPTY,
    "nothing in the first": EMPTY, "nothing in the last": EMPTY, "slice None": (ValueError, "None as a slice"),
    "slice number": (ValueError, "3 as a slice"), "slice word": (tf.errors.InvalidArgumentError, "'hello' is no slice"),
    "slice with a space": (tf.errors.InvalidArgumentError, "is no slice"), "key number": (ValueError, "as a checkpoint key"),
    "raises": (KeyError, "mine"),
}  # fmt: skip


def one_variable():
    return tf.train.Checkpoint(v=tf.Variable([1.0, 2.0, 3.0, 4.0]))


@pytest.mark.upstream(
    *(
        f"sharding_util_test.ShardingUtilTest.test_validate_shards_{what}"
        for what in ("duplicate_tensor", "added_tensor", "shape_change", "dtype_change", "tensor_removal")
    )
)
@pytest.mark.parametrize("case", WRONG)
def test_wrong_results_are_refused_and_nothing_is_written(case, tmp_path):
    kind, text = WRONG[case]
    checkpoint, prefix = one_variable(), str(tmp_path / "p")
    checkpoint.write(prefix)
    checkpoint.v.assign([9.0] * 4)
    with pytest.raises(kind, match=text) as caught:
        checkpoint.write(prefix, options(Calling(results(tf)[case])))
    assert kind is KeyError or "Calling ('what a function does')" in str(caught.value)
    assert sorted(os.listdir(tmp_path)) == ["p.data-00000-of-00001", "p.index"]
    checkpoint.read(prefix).assert_consumed()
    assert checkpoint.v.numpy().tolist() == [1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize("case", sorted(results(tf).keys() - WRONG.keys()))
def test_odd_results_are_taken(case, prefix):
    checkpoint = one_variable()
    checkpoint.write(prefix, options(Calling(results(tf)[case])))
    checkpoint.v.assign([0.0] * 4)
    checkpoint.read(prefix).assert_consumed()
    expected = {"other values": [2.0, 3.0, 4.0, 5.0], "pieces exchanged": [3.0, 4.0, 1.0, 2.0]}
    assert checkpoint.v.numpy().tolist() == expected.get(case, [1.0, 2.0, 3.0, 4.0])
    assert len(data_files(prefix)) == (3 if case == "spread" else 1)


def test_a_tensor_of_a_graph_has_no_value(prefix):
    graph = tf.Graph()
    with graph.as_default():
        symbolic = tf.constant([1.0, 2.0, 3.0, 4.0])
    wrong = Calling(lambda tensors: [whole(tensors)[0] | {KEY: {"": symbolic}}])
    with pytest.raises(TypeError, match="a tensor with a value was expected"):
        one_variable().write(prefix, options(wrong))


def test_many_that_are_left_out(prefix):
    checkpoint = tf.train.Checkpoint(v=[tf.Variable(float(n)) for n in range(6)])
    with pytest.raises(RuntimeError, match="left out 'v/0/.ATTRIBUTES/VARIABLE_VALUE', .*, and 3 more"):
        checkpoint.write(prefix, options(Calling(lambda tensors: whole(tensors[-1:]))))


# -- files of limited size -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", ["10", None, True, 1j, [3]])
def test_a_size_is_a_number(size):
    with pytest.raises(TypeError, match="a number of bytes"):
        experimental.MaxShardSizePolicy(size)


@pytest.mark.parametrize("size", [0, -1, 0.5, math.nan])
def test_a_size_is_at_least_a_byte(size):
    with pytest.raises(ValueError, match="room for a byte"):
        experimental.MaxShardSizePolicy(size)


def shards_of(values, size):
    """{key: slices} file by file, as ``MaxShardSizePolicy`` has them."""
    given = []
    for number, value in enumerate(values):
        tensor = tf.constant(value)
        given.append(experimental.ShardableTensor(None, tensor, tensor.dtype, "", "", tensor.shape, "", "abc"[number], None))
    return [{key: list(slices) for key, slices in shard.items()} for shard in experimental.MaxShardSizePolicy(size)(given)]


@pytest.mark.upstream("sharding_policies_test.ShardingPoliciesTest.test_MaxShardSizePolicy_1D")
@pytest.mark.parametrize(
    "size, files", [(4, "a a a a b b b b"), (8, "a a b b"), (10, "a a b b"), (16, "a b"), (18, "a b"), (36, "ab")]
)
def test_vectors(size, files):
    found = shards_of([np.arange(4, dtype="f4"), np.arange(4, dtype="i4").reshape(4, 1)], size)
    assert ["".join(shard) for shard in found] == files.split()


@pytest.mark.upstream("sharding_policies_test.ShardingPoliciesTest.test_MaxShardSizePolicy_2D")
@pytest.mark.parametrize(
    "size, expected",
    [
        (8, [{"a": ["3 2 0,1:0,2"]}, {"a": ["3 2 1,1:0,2"]}, {"a": ["3 2 2,1:0,2"]},
             {"b": ["3 2 1 0,1:0,2:0,1"]}, {"b": ["3 2 1 1,1:0,2:0,1"]}, {"b": ["3 2 1 2,1:0,2:0,1"]}]),
        (12, [{"a": ["3 2 0,3:0,1"]}, {"a": ["3 2 0,3:1,1"]}, {"b": ["3 2 1 0,3:0,1:0,1"]}, {"b": ["3 2 1 0,3:1,1:0,1"]}]),
        (16, [{"a": ["3 2 0,2:0,2"]}, {"a": ["3 2 2,1:0,2"], "b": ["3 2 1 0,1:0,2:0,1"]}, {"b": ["3 2 1 1,2:0,2:0,1"]}]),
    ],
)  # fmt: skip
def test_arrays(size, expected):
    assert shards_of([np.zeros((3, 2), "i4"), np.zeros((3, 2, 1), "f4")], size) == expected


@pytest.mark.upstream(
    "sharding_policies_test.ShardingPoliciesTest.test_MaxShardSizePolicy_Strings",
    "sharding_policies_test.ShardingPoliciesTest.test_MaxShardSizePolicy_LargeScalar",
)
@pytest.mark.parametrize(
    "values, size, expected",
    [
        ([np.ones(150, "f4")], 348, [{"a": ["150 0,75", "150 75,11", "150 86,1"]}, {"a": ["150 87,63"]}]),
        ([np.ones((2, 3), "f4")], 10, [{"a": ["2 3 0,2:0,1"]}, {"a": ["2 3 0,1:1,2"]}, {"a": ["2 3 1,1:1,2"]}]),
        ([np.ones(10, "f4")], 10.5, [{"a": [f"10 {n},2"]} for n in (0, 2, 4, 6, 8)]),
        ([np.ones(10, "f4")], math.inf, [{"a": ["10 0,10"]}]),
        ([np.float32(1), np.float64(2), np.float32(3)], 4, [{"a": [""]}, {"c": [""]}, {"b": [""]}]),
        ([np.float32(1), np.float32(2), np.float32(3)], 8, [{"a": [""], "b": [""]}, {"c": [""]}]),
        # an element that is too large gets a file of its own, behind the others
        ([np.ones(2, "f8"), np.float32(1)], 4, [{"b": [""]}, {"a": ["2 0,1"]}, {"a": ["2 1,1"]}]),
        # slices one element thick that are too large are cut again
        ([np.ones((2, 2, 2), "f4")], 7, [{"a": [f"2 2 2 {x},1:{y},1:{z},1"]} for x in (0, 1) for y in (0, 1) for z in (0, 1)]),
        ([np.ones((2, 4), "f4")], 7, [{"a": [f"2 4 {x},1:{y},1"]} for y in (0, 1) for x in (0, 1)]
         + [{"a": [f"2 4 {x},1:{y},1"]} for x in (0, 1) for y in (2, 3)]),
        # nothing in it
        ([np.ones((0, 3), "f4"), np.ones(2, "f4")], 8, [{"a": [""], "b": ["2 0,2"]}]),
        ([np.array([], object)], 8, [{"a": [""]}]),
        # strings are counted by their characters, a piece of them by the longest
        ([np.array([b"a", b"bcd", b"", b"efghijk"], object)], 8, [{"a": ["4 0,1"]}, {"a": ["4 1,1"]}, {"a": ["4 2,1"]},
                                                                 {"a": ["4 3,1"]}]),
        ([np.array([b"a", b"bcd", b"", b"efghijk"], object)], 11, [{"a": ["4 0,4"]}]),
        ([np.array([[b"a", b"bcd"], [b"", b"efghijk"]], object)], 6, [{"a": ["2 2 0,1:0,1", "2 2 0,1:1,1", "2 2 1,1:0,1"]},
                                                                     {"a": ["2 2 1,1:1,1"]}]),
        ([np.array(b"abcdef", object), np.array(b"abc", object)], 5, [{"b": [""]}, {"a": [""]}]),
    ],
)  # fmt: skip
def test_where_it_cuts(values, size, expected):
    assert shards_of(values, size) == expected


def test_the_size_may_be_changed_between_saves(prefix):
    policy = experimental.MaxShardSizePolicy(8)
    checkpoint = one_variable()
    assert len(data_files(checkpoint.write(prefix, options(policy)))) == 2
    policy.max_shard_size = 1000
    assert len(data_files(checkpoint.write(f"{prefix}-2", options(policy)))) == 1


@pytest.mark.upstream("sharding_policies_test.ShardingPoliciesTest.test_MaxShardSizePolicy_PreSlicedTensor")
def test_tensors_that_are_parts_already():
    part = tf.constant(np.arange(6.0).reshape(2, 3))
    given = [experimental.ShardableTensor(None, part, part.dtype, "", "", part.shape, "5 3 2,2:-", "k", None)]
    first, second = experimental.MaxShardSizePolicy(24)(given)
    assert {spec: tensor.numpy().tolist() for spec, tensor in first["k"].items()} == {"5 3 2,1:0,3": [[0.0, 1.0, 2.0]]}
    assert {spec: tensor.numpy().tolist() for spec, tensor in second["k"].items()} == {"5 3 3,1:0,3": [[3.0, 4.0, 5.0]]}


def test_it_says_what_tensorflow_cannot_read(prefix, caplog):
    half = lambda: tf.Variable(np.arange(10, dtype=np.float16))
    with caplog.at_level(logging.WARNING, "minitf"):
        tf.train.Checkpoint(v=tf.Variable(np.ones(10, np.float32))).write(prefix, options(experimental.MaxShardSizePolicy(8)))
        tf.train.Checkpoint(v=half()).write(prefix, options(experimental.MaxShardSizePolicy(100)))
    assert caplog.messages == []
    with caplog.at_level(logging.WARNING, "minitf"):
        tf.train.Checkpoint(v=[half(), half()]).write(prefix, options(experimental.MaxShardSizePolicy(8)))
    [message] = caplog.messages
    assert "float16, which TensorFlow does not put together" in message
    assert tf.train.load_variable(prefix, "v/1" + VALUE).tolist() == list(range(10))
    caplog.clear()
    with caplog.at_level(logging.WARNING, "minitf"):  # strings that are cut only because one is too large
        tf.train.Checkpoint(v=tf.Variable(["a", "bcdef"])).write(prefix, options(experimental.MaxShardSizePolicy(4)))
    assert ["string" in message for message in caplog.messages] == [True, False]


def test_it_says_that_an_element_is_too_large(prefix, caplog):
    with caplog.at_level(logging.WARNING, "minitf"):
        tf.train.Checkpoint(v=tf.Variable(np.ones(3))).write(prefix, options(experimental.MaxShardSizePolicy(4)))
    [message] = caplog.messages  # once for all three
    assert "an element of 'v/.ATTRIBUTES/VARIABLE_VALUE' has 8 bytes, more than the 4" in message


DTYPES = [np.float32, np.float64, np.float16, np.int8, np.int32, np.int64, np.uint16, np.bool_, np.complex64]
shapes = st.lists(st.integers(0, 7), max_size=4).map(tuple)
numeric = st.builds(
    lambda dtype, shape, seed: np.random.default_rng(seed).integers(0, 100, shape).astype(dtype),
    st.sampled_from(DTYPES), shapes, st.integers(0, 9),
)  # fmt: skip
strings = st.builds(
    lambda texts, rank: np.array(texts, object).reshape({0: (), 1: (-1,), 2: (-1, 1)}[rank if len(texts) != 1 else 0]),
    st.lists(st.binary(max_size=9), min_size=1, max_size=6), st.sampled_from([1, 2]),
)  # fmt: skip


def size_of(tensor):
    array = np.asarray(tensor.numpy(), object if tensor.dtype == tf.string else None)
    return sum(map(len, array.ravel())) if tensor.dtype == tf.string else array.nbytes


@given(values=st.lists(st.one_of(numeric, strings), min_size=1, max_size=5), size=st.integers(1, 200))
def test_whatever_is_cut_comes_back_and_no_file_is_too_large(tmp_path_factory, values, size):
    variable = lambda v: tf.Variable(v, dtype=tf.string if v.dtype == object else None)
    checkpoint = tf.train.Checkpoint(v=[variable(v) for v in values])
    callback = Calling(experimental.MaxShardSizePolicy(size))
    path = checkpoint.write(str(tmp_path_factory.mktemp("any", numbered=True) / "p"), options(callback))
    given = {one.checkpoint_key: one for one in callback.seen[0]}
    shards = callback.function(callback.seen[0])
    assert len(data_files(path)) == len(shards)
    for shard in shards:
        pieces = [tensor for key, slices in shard.items() if key != GRAPH for tensor in slices.values()]
        alone = len(pieces) == 1 and math.prod(pieces[0].shape.as_list()) == 1
        assert alone or sum(map(size_of, pieces)) <= size
    for key, one in given.items():
        stored = tf.train.load_variable(path, key)
        assert np.array_equal(stored, one.tensor.numpy())
        assert np.asarray(stored).dtype == np.asarray(one.tensor.numpy()).dtype
    for v in checkpoint.v:
        v.assign(tf.zeros_like(v) if v.dtype != tf.string else tf.fill(v.shape, "?"))
    checkpoint.read(path).assert_consumed()
    for v, value in zip(checkpoint.v, values, strict=True):
        assert np.array_equal(v.numpy(), value[()] if not value.shape else value)


def spread(tensors, draw):
    """A callback's result by chance: tensors cut along any axis, the pieces in any file and order."""
    pieces = []
    for one in tensors:
        shape = one.shape.as_list()
        axes = [axis for axis, length in enumerate(shape) if length > 1 and 0 not in shape]
        axis = draw(st.sampled_from([None, *axes]), label=f"axis of {one.checkpoint_key}")
        if axis is None:
            pieces.append((one.checkpoint_key, "", one.tensor))
            continue
        cuts = sorted(draw(st.sets(st.integers(1, shape[axis] - 1)), label="cuts"))
        for start, stop in zip([0, *cuts], [*cuts, shape[axis]], strict=True):
            place = ":".join(f"{start},{stop - start}" if other == axis else "-" for other in range(len(shape)))
            index = (slice(None),) * axis + (slice(start, stop),)
            pieces.append((one.checkpoint_key, f"{' '.join(map(str, shape))} {place}", one.tensor[index]))
    shards = {}
    for key, spec, tensor in draw(st.permutations(pieces)):
        shards.setdefault(draw(st.integers(0, 3), label="file"), {}).setdefault(key, {})[spec] = tensor
    return list(shards.values())


@given(checkpoint=mst.checkpoints(graphs=mst.object_graphs(values=mst.arrays())), data=st.data())
def test_any_checkpoint_is_the_same_however_it_is_spread(checkpoint, data, tmp_path_factory):
    """All dtypes, shared objects and cycles, slots, Python state: the values of the file are those that were given."""
    stored = checkpoint.storage.open(checkpoint.path)
    keys = list(stored.keys())
    tensors = dict(zip(keys, stored.read_many(keys), strict=True))
    size = data.draw(st.integers(1, 300), label="size")
    policies = [experimental.MaxShardSizePolicy(size), Calling(lambda given: spread(given, data.draw))]
    for number, policy in enumerate(policies):
        path = str(tmp_path_factory.mktemp("any", numbered=True) / str(number))
        ShardedBundle(TensorBundle(durable=False), policy, {}).write(path, tensors)
        reader = TensorBundle().open(path)
        assert list(reader.keys()) == keys
        for key, value in tensors.items():
            assert reader.spec(key) == stored.spec(key)
            found, value = np.asarray(reader.read(key)), np.asarray(value)
            assert found.tolist() == value.tolist() if value.dtype == object else found.tobytes() == value.tobytes()


@given(st.lists(st.integers(1, 30), min_size=1, max_size=4).map(tuple), st.integers(1, 16), st.integers(0, 2000))
def test_the_first_part_fits_and_no_axis_has_fewer_parts(shape, item, room):
    total = math.prod(shape) * item
    part = first_part(shape, item, room)
    thinnest = min(total // length for length in shape)
    assert (part is None) == (thinnest > room)
    if part is None or total <= room:
        return
    axis, length = part
    box, rest = Box((0,) * len(shape), shape).cut(axis, length)
    assert 0 < box.elements * item <= room
    assert box.elements + rest.elements == math.prod(shape)
    assert rest.start[axis] == length
    needed = [math.ceil(n / (room // (total // n))) for n in shape if total // n <= room]
    assert math.ceil(shape[axis] / length) == min(needed)


@pytest.mark.parametrize("text", ["4", "4 ", " 0,4", "4 0,4:", "4 0;4", "4 -1,2", "4  0,4", "4 0,4\n", "x 0,4", "4 0,-"])
def test_texts_that_are_no_slice(text):
    with pytest.raises(tf.errors.InvalidArgumentError, match="is no slice"):
        Slice.parse(text)


def test_a_slice():
    assert Slice.parse("6 4 0,3:-") == ((6, 4), ((0, 3), None))
    assert Slice.parse("6 4 2,3:-").start == (2, 0)


def test_the_page_shows_what_is_printed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    page = Path(__file__).parents[2] / "docs" / "how-to" / "spread-a-checkpoint.md"
    blocks = re.findall(r"```(?:python|text)\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    space = {}
    for code, shown in zip(blocks[::2], blocks[1::2], strict=True):
        exec(compile(code, page.name, "exec"), space)
        assert capsys.readouterr().out == shown
