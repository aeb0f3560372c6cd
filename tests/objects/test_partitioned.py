"""Partitioned variables: one tensor in several variables."""

import numpy as np
import pytest

import minitf as tf

v1 = tf.compat.v1
NUMBERS = np.arange(10, dtype=np.float32).reshape(5, 2)


@pytest.fixture
def graph():
    with tf.Graph().as_default(), tf.Session() as session:
        yield session


def made(name="table", shape=(5, 2), partitioner=None, **options):
    options.setdefault("initializer", v1.ones_initializer())
    return tf.get_variable(name, list(shape), partitioner=partitioner or tf.fixed_size_partitioner(2), **options)


def sizes(partitioned):
    return [tuple(piece.shape) for piece in partitioned]


def test_what_it_is(graph):
    table = made()
    assert (table.name, table.dtype, table.shape, len(table)) == ("table", tf.float32, (5, 2), 2)
    assert table.get_shape() == table.shape
    assert [piece.name for piece in table] == ["table/part_0:0", "table/part_1:0"]
    assert sizes(table) == [(3, 2), (2, 2)]
    assert [id(v) for v in tf.trainable_variables()] == [id(piece) for piece in table]
    assert "table" in repr(table)
    places = [piece._get_save_slice_info() for piece in table]
    assert places == [("table", [5, 2], [0, 0], [3, 2]), ("table", [5, 2], [3, 0], [2, 2])]
    assert places[1].spec == "5 2 3,2:0,2"
    assert tf.Variable(1.0)._get_save_slice_info() is None


def test_as_a_tensor_and_back(graph):
    table = made(initializer=NUMBERS, shape=NUMBERS.shape)
    whole, product = table.as_tensor(), tf.matmul(tf.ones([1, 5]), table)
    assert whole.name == "table:0"
    graph.run(tf.global_variables_initializer())
    np.testing.assert_array_equal(graph.run(whole), NUMBERS)
    np.testing.assert_array_equal(graph.run(product), NUMBERS.sum(0, keepdims=True))
    other = made("other", initializer=v1.zeros_initializer())
    graph.run(tf.global_variables_initializer())
    graph.run(table.assign_add(tf.ones([5, 2])))
    graph.run(table.assign_sub(2 * np.ones((5, 2), np.float32)))
    np.testing.assert_array_equal(graph.run(whole), NUMBERS - 1)
    graph.run(other.assign(table))
    np.testing.assert_array_equal(graph.run(other.as_tensor()), NUMBERS - 1)
    graph.run(other.assign([tf.zeros([3, 2]), tf.ones([2, 2])]))
    np.testing.assert_array_equal(graph.run(other.as_tensor()), [[0, 0]] * 3 + [[1, 1]] * 2)
    with pytest.raises(ValueError, match="2 pieces, but 1"):
        other.assign([tf.zeros([5, 2])])
    with pytest.raises(ValueError):
        other.assign(tf.zeros([4, 2]))


def test_in_eager_mode():
    table = made(initializer=NUMBERS, shape=NUMBERS.shape)
    np.testing.assert_array_equal(table.as_tensor().numpy(), NUMBERS)
    table.assign(-NUMBERS)
    np.testing.assert_array_equal(tf.convert_to_tensor(table).numpy(), -NUMBERS)
    assert made() is not made()


@pytest.mark.parametrize(
    "shape, partitioner, expected",
    [
        ((10,), tf.fixed_size_partitioner(4), [(3,), (3,), (2,), (2,)]),
        ((3, 4), tf.fixed_size_partitioner(2, axis=-1), [(3, 2), (3, 2)]),
        ((2, 2), tf.fixed_size_partitioner(9), [(1, 2), (1, 2)]),
        ((4, 4), tf.fixed_size_partitioner(1), [(4, 4)]),
        ((4, 4), lambda shape, dtype: [1, 4], [(4, 1)] * 4),
        ((10, 2), tf.variable_axis_size_partitioner(16), [(2, 2)] * 5),
        ((10, 2), tf.variable_axis_size_partitioner(1), [(1, 2)] * 10),
        ((10, 2), tf.variable_axis_size_partitioner(16, max_shards=2), [(5, 2)] * 2),
        ((10, 20), tf.min_max_variable_partitioner(max_partitions=4, min_slice_size=32), [(3, 20), (3, 20), (2, 20), (2, 20)]),
        ((10, 20), tf.min_max_variable_partitioner(max_partitions=4), [(10, 20)]),
    ],
)
def test_partitioners(graph, shape, partitioner, expected):
    assert sizes(made(shape=shape, partitioner=partitioner)) == expected


def test_a_partitioner_of_a_scope(graph):
    with tf.variable_scope("s", partitioner=tf.fixed_size_partitioner(2)) as scope:
        assert type(tf.get_variable("number", [])) is tf.Variable
        assert [piece.name for piece in tf.get_variable("v", [4])] == ["s/v/part_0:0", "s/v/part_1:0"]
        y = v1.layers.dense(tf.ones([1, 3]), 4, kernel_initializer=v1.ones_initializer())
        scope.set_partitioner(None)
        assert type(tf.get_variable("w", [4])) is tf.Variable
    names = [f"s/dense/{weight}/part_{k}:0" for weight in ("kernel", "bias") for k in (0, 1)]
    assert [v.name for v in tf.trainable_variables("s/dense")] == names
    graph.run(tf.global_variables_initializer())
    assert graph.run(y).tolist() == [[3.0] * 4]


def test_initializers_of_pieces(graph):
    told = []

    def initializer(shape, dtype, partition_info):
        told.append((list(shape), partition_info.full_shape, partition_info.var_offset, partition_info.single_offset(shape)))
        return tf.ones(shape, dtype)

    made(initializer=initializer)
    assert told == [([3, 2], [5, 2], [0, 0], 0), ([2, 2], [5, 2], [3, 0], 3)]
    identity = made("identity", (4, 4), initializer=v1.initializers.identity(2.0))
    drawn = made("drawn", (600, 2), tf.fixed_size_partitioner(300), initializer=v1.glorot_uniform_initializer())
    default = made("default", (600, 2), tf.fixed_size_partitioner(300), initializer=None)
    flags = made("flags", (4,), initializer=None, dtype=tf.bool)
    graph.run(tf.global_variables_initializer())
    np.testing.assert_array_equal(graph.run(identity.as_tensor()), 2 * np.eye(4))
    for one in (drawn, default):  # the limit of the whole is sqrt(6 / 602) = 0.1; that of a piece would be 1.2
        assert 0.09 < np.abs(graph.run(one.as_tensor())).max() < 0.1
    assert graph.run(flags.as_tensor()).tolist() == [False] * 4
    info = partition_info([5, 2], [3, 0])
    assert info.single_slice_dim([2, 2]) == 0
    assert partition_info([5, 2], [0, 0]).single_slice_dim([5, 2]) is None
    for wrong in ([2], [3, 2], [2, 1, 1]):
        with pytest.raises(ValueError, match="no part"):
            info.single_slice_dim(wrong)
    with pytest.raises(ValueError, match="several axes"):
        info.single_offset([1, 1])


def partition_info(full_shape, var_offset):
    from minitf.objects.partitioned import PartitionInfo

    return PartitionInfo(full_shape, var_offset)


def test_sharing(graph):
    with tf.variable_scope("s"):
        table = made()
        tf.get_variable("whole", [5, 2])
    with tf.variable_scope("s", reuse=True):
        assert made() is table
        assert tf.get_variable("table", [5, 2]) is table
        assert tf.get_variable("table") is table
        for match, options in {
            "shape": {"shape": (6, 2)}, r"partitions \[3, 1\]": {"partitioner": tf.fixed_size_partitioner(3)},
            "int32": {"dtype": tf.int32}, "unpartitioned": {"name": "whole"}, "does not exist": {"name": "no"},
        }.items():  # fmt: skip
            with pytest.raises(ValueError, match=match):
                made(**options)
    with tf.variable_scope("s", reuse=tf.AUTO_REUSE):
        assert made() is table
    with tf.variable_scope("s"):
        with pytest.raises(ValueError, match="already exists"):
            made()
        with pytest.raises(ValueError, match="No partitioner"):
            tf.get_variable("table", [5, 2])
        with pytest.raises(ValueError, match="already exists"):
            tf.get_variable("table/part_0", [3, 2])


@pytest.mark.parametrize(
    "options, match",
    [
        ({"partitioner": 3}, "callable"),
        ({"partitioner": lambda shape, dtype: 3}, "sequence"),
        ({"partitioner": lambda shape, dtype: [2]}, "rank"),
        ({"partitioner": lambda shape, dtype: [1, 0]}, "zero partitions"),
        ({"partitioner": lambda shape, dtype: [2, 2]}, "one dimension"),
        ({"shape": (None, 2)}, "fully defined"),
    ],
)
def test_what_cannot_be_cut(graph, options, match):
    with pytest.raises(ValueError, match=match):
        made(**options)
    assert tf.global_variables() == []


def test_wrong_partitioners():
    for make in (
        lambda: tf.variable_axis_size_partitioner(0),
        lambda: tf.variable_axis_size_partitioner(1, bytes_per_string_element=0),
        lambda: tf.variable_axis_size_partitioner(1, max_shards=0),
        lambda: tf.min_max_variable_partitioner(min_slice_size=0),
    ):
        with pytest.raises(ValueError, match="positive"):
            make()
    with pytest.raises(ValueError, match="known shape"):
        tf.fixed_size_partitioner(2)(shape=[None], dtype=tf.float32)
    assert tf.variable_axis_size_partitioner(32)(shape=[10], dtype=tf.string) == [5]


def test_create_partitioned_variables(graph):
    pieces = tf.create_partitioned_variables([5, 2], [2, 1], v1.ones_initializer(), name="z")
    assert [piece.name for piece in pieces] == ["z/part_0:0", "z/part_1:0"]
    again = tf.create_partitioned_variables([5, 2], [2, 1], v1.ones_initializer(), name="z", reuse=True)
    assert [id(piece) for piece in again] == [id(piece) for piece in pieces]
    names = [tf.create_partitioned_variables([2], [1], v1.ones_initializer())[0].name for _ in range(2)]
    assert names == ["PartitionedVariable/part_0:0", "PartitionedVariable_1/part_0:0"]
    with pytest.raises(ValueError, match="number for each axis"):
        tf.create_partitioned_variables([5, 2], [2], v1.ones_initializer(), name="y")


@pytest.mark.parametrize("strategy", ["mod", "div"])
@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_lookup_and_its_gradient(graph, strategy, count):
    rows = np.arange(14, dtype=np.float32).reshape(7, 2)
    order = np.concatenate([np.arange(k, 7, count) for k in range(count)]) if strategy == "mod" else np.arange(7)
    table = made(shape=(7, 2), partitioner=tf.fixed_size_partitioner(count), initializer=rows[order])
    ids = [[6, 0, 3], [3, 5, 1]]
    found = v1.nn.embedding_lookup(table, ids, partition_strategy=strategy)
    gradients = tf.gradients(tf.reduce_sum(found * found), list(table))
    graph.run(tf.global_variables_initializer())
    np.testing.assert_array_equal(graph.run(found), rows[ids])
    expected = np.zeros_like(rows)
    np.add.at(expected, np.ravel(ids), 2 * rows[np.ravel(ids)])
    np.testing.assert_array_equal(np.concatenate(graph.run(gradients)), expected[order])
    if strategy == "div":
        np.testing.assert_array_equal(graph.run(tf.nn.embedding_lookup(list(table), ids)), rows[ids])
        norms = np.linalg.norm(graph.run(tf.nn.embedding_lookup(table, ids, max_norm=1.0)), axis=-1)
        assert norms.max() < 1.0001
    with pytest.raises(ValueError, match="mod"):
        v1.nn.embedding_lookup([rows, rows], ids, partition_strategy="odd")


def test_it_is_not_trackable(graph):
    with pytest.raises(ValueError, match="trackable"):
        tf.train.Checkpoint(table=made())
    module = tf.Module()
    module.table, module.pieces = made("other"), list(made("third"))
    assert tf.train.children(module).keys() == {"pieces"}
