"""Partitioned variables and initializers of 1.x: the same program in TensorFlow and minitf, down to the bytes of the files."""

import pytest

pytestmark = pytest.mark.interop

PROGRAM = """
import hashlib, inspect, os, tempfile

def program(tf, np):
    v1, out = tf.compat.v1, []
    F = v1.fixed_size_partitioner

    def attempt(call):
        try:
            out.append(call())
        except (TypeError, ValueError, IndexError) as error:
            out.append([kind.__name__ for kind in (TypeError, ValueError, IndexError) if isinstance(error, kind)])

    def table(name="table", shape=(5, 2), partitioner=None, **options):
        options.setdefault("initializer", v1.zeros_initializer())
        return v1.get_variable(name, list(shape), partitioner=partitioner or F(2), **options)

    def bytes_of(path):
        found = {}
        for name in sorted(os.listdir(os.path.dirname(path))):
            if ".data-" in name or name.endswith(".index"):
                with open(os.path.join(os.path.dirname(path), name), "rb") as file:
                    found[name] = hashlib.sha256(file.read()).hexdigest()
        return found

    def new():
        return os.path.join(tempfile.mkdtemp(), "c")

    partitioners = [
        F(3), F(2, axis=1), F(9), F(1), F(2, axis=-1), lambda shape, dtype: [1, 2], lambda shape, dtype: [2, 2],
        lambda shape, dtype: [2], lambda shape, dtype: 3, lambda shape, dtype: [0, 1], lambda **all: [2, 1], 3,
        v1.variable_axis_size_partitioner(16), v1.variable_axis_size_partitioner(1, axis=1),
        v1.variable_axis_size_partitioner(16, max_shards=2), v1.min_max_variable_partitioner(3, min_slice_size=20),
        v1.min_max_variable_partitioner(), v1.min_max_variable_partitioner(2, axis=1, min_slice_size=1), F(2, axis=2),
    ]
    for partitioner in partitioners:
        with tf.Graph().as_default():
            attempt(lambda: [[piece.name, piece.shape.as_list(), piece._get_save_slice_info().spec]
                             for piece in table(partitioner=partitioner)])
    for reuse, options in [
        (True, {}), (True, {"shape": (6, 2)}), (True, {"partitioner": F(3)}), (True, {"dtype": tf.int32}),
        (True, {"name": "whole"}), (True, {"name": "no"}), (None, {}), (v1.AUTO_REUSE, {}), (v1.AUTO_REUSE, {"name": "no"}),
    ]:
        with tf.Graph().as_default():
            with v1.variable_scope("s"):
                table()
                v1.get_variable("whole", [5, 2])
            with v1.variable_scope("s", reuse=reuse):
                attempt(lambda: [piece.name for piece in table(**options)])
    with tf.Graph().as_default():
        told = []
        def start(shape, dtype=None, partition_info=None):
            told.append([list(shape), list(partition_info.full_shape), list(partition_info.var_offset)])
            return tf.ones(shape, dtype)
        with v1.variable_scope("s", partitioner=F(2), initializer=start):
            v1.layers.dense(tf.ones([2, 3]), 4)
            v1.get_local_variable("l", [4])
            v1.get_variable("number", [], initializer=v1.zeros_initializer())
        out.append([told, [v.name for v in v1.global_variables()], [v.name for v in v1.local_variables()]])
        attempt(lambda: [v.name for v in v1.create_partitioned_variables([5, 2], [2, 1], v1.ones_initializer(), name="z")])
        attempt(lambda: [v.name for v in v1.create_partitioned_variables([5, 2], [2, 1], v1.ones_initializer(), name="z")])
        attempt(lambda: [v.name for v in v1.create_partitioned_variables([5, 2], [2], v1.ones_initializer())])
        attempt(lambda: [v.name for v in v1.create_partitioned_variables([5, 2], [1, 1], v1.ones_initializer())])

    rng = np.random.default_rng(7)
    for _ in range(12):
        shape = tuple(int(n) for n in rng.integers(1, 7, rng.integers(1, 4)))
        axis, value = int(rng.integers(len(shape))), rng.standard_normal(shape).astype(np.float32)
        with tf.Graph().as_default(), v1.Session() as session:
            parts = table(shape=shape, partitioner=F(int(rng.integers(1, 5)), axis=axis))
            v1.get_variable("a_number", initializer=1.5)
            other = table("zz/other", (4, 3), F(2), initializer=v1.ones_initializer())
            step = v1.train.AdamOptimizer(0.1).minimize(sum(tf.reduce_sum(p * p) for p in [*parts, *other]))
            session.run(v1.global_variables_initializer())
            session.run(parts.assign(value))
            path = v1.train.Saver().save(session, new())
            out.append([v1.train.list_variables(path), bytes_of(path)])
            path = v1.train.Saver({"renamed": parts, "b": list(other)}).save(session, new())
            out.append([v1.train.list_variables(path), bytes_of(path)])
        with tf.Graph().as_default(), v1.Session() as session:
            partitioner = F(int(rng.integers(1, 5)), axis=int(rng.integers(len(shape))))
            again = v1.get_variable("renamed", list(shape), partitioner=partitioner)
            v1.train.Saver().restore(session, path)
            out.append(session.run(again.as_tensor()).tolist())
    for shape, axis, count in [((40, 2), 0, 20), ((26,), 0, 13), ((2, 150), 1, 14)]:  # part_10 comes before part_1
        with tf.Graph().as_default(), v1.Session() as session:
            parts = table(shape=shape, partitioner=F(count, axis=axis))
            session.run(v1.global_variables_initializer())
            session.run(parts.assign(rng.standard_normal(shape).astype(np.float32)))
            out.append(bytes_of(v1.train.Saver().save(session, new())))
            out.append(bytes_of(v1.train.Saver({"renamed": parts}).save(session, new())))
            out.append(bytes_of(v1.train.Saver({"renamed": list(parts)}, sharded=True).save(session, new())))
    for strategy in ("mod", "div"):
        with tf.Graph().as_default(), v1.Session() as session:
            parts = table(shape=(7, 2), partitioner=F(3))
            ids = [[6, 0, 3], [3, 5, 1]]
            found = v1.nn.embedding_lookup(parts, ids, partition_strategy=strategy)
            descent = v1.train.GradientDescentOptimizer(0.5).minimize(tf.reduce_sum(found * found))
            session.run(v1.global_variables_initializer())
            session.run(parts.assign(np.arange(14.0, dtype=np.float32).reshape(7, 2)))
            out.append(session.run(found).tolist())
            session.run(descent)
            out.append(session.run(parts.as_tensor()).tolist())

    initializers = v1.initializers
    names = "constant glorot_normal glorot_uniform he_normal he_uniform identity lecun_normal lecun_uniform ones orthogonal"
    names += " random_normal random_uniform truncated_normal uniform_unit_scaling variance_scaling zeros"
    for name in names.split():
        make = getattr(initializers, name)
        config = make().get_config()
        out.append([name, list(inspect.signature(make).parameters), config if "seed" not in config else sorted(config)])
        out[-1][2:] = [] if name.startswith(("he_", "lecun_")) else out[-1][2:]
        if not name.startswith("glorot"):  # they forget it in TensorFlow
            attempt(lambda: str(make(dtype=tf.float64)((3, 2)).dtype))
            attempt(lambda: str(make(dtype=tf.int32)((3, 2)).dtype))
        attempt(lambda: make()([3, 2], dtype=tf.float16).numpy().shape)
        drawn = make()((400, 100)).numpy()
        out.append(f"{drawn.std():.1g}")
        out.append(f"{np.abs(drawn).max():.1g}" if "uniform" in name or "scaling" in name else None)
        assert name.startswith("variance") or name + "_initializer" not in dir(v1) or getattr(v1, name + "_initializer") is make
    return out
"""


def test_the_same_in_both(both):
    mine, theirs = both(PROGRAM)
    for number, (one, other) in enumerate(zip(mine, theirs, strict=True)):
        assert one == other, number
