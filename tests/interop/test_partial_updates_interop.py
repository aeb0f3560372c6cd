"""What a variable can do to a part of itself, in TensorFlow and in minitf: the same programs, eager and in a graph."""

import pytest

pytestmark = pytest.mark.interop

# Drawn from one seed in both: a variable, then twenty updates of parts of it; the values after each, or the class of the error.
PROGRAM = """
def program(tf, np):
    def slices(r, size, shape):
        numbers = r.integers(-1, size + 1, r.integers(0, 4)) if r.random() < 0.1 else r.integers(0, size, r.integers(0, 4))
        return tf.IndexedSlices(tf.constant(r.integers(1, 5, (len(numbers), *shape)).astype("float32")), tf.constant(numbers))

    def by_number(name):
        return lambda v, r: getattr(v, name)(slices(r, 3, (4,)))

    def by_coordinates(name):
        def update(v, r):
            count, depth = r.integers(0, 3), r.integers(1, 3)
            places = np.stack([r.permutation(3)[:count], r.permutation(4)[:count]], -1)[:, :depth]
            updates = r.integers(1, 5, (count, 4) if depth == 1 else (count,)).astype("float32")
            return getattr(v, name)(places, updates)
        return update

    def batch(v, r):
        numbers = r.permutation(4)[:2] + np.zeros((3, 1), int)
        values = r.integers(1, 5, (3, 2)).astype("float32")
        return v.batch_scatter_update(tf.IndexedSlices(tf.constant(values), tf.constant(numbers)))

    KEYS = [np.s_[1:3], np.s_[0], np.s_[-1], np.s_[::-2], np.s_[...], np.s_[:, 1], np.s_[..., 1], np.s_[None, 1:], np.s_[2, 0],
            np.s_[3:1], np.s_[1:, ::2], np.s_[:2, None], np.s_[-2:, -1:]]

    def sliced(v, r):
        key = KEYS[r.integers(len(KEYS))]
        shape = np.zeros((3, 4))[key].shape
        if r.random() < 0.3:
            shape = shape[1:]
        elif r.random() < 0.1:
            shape = (*shape, 5)
        return v[key].assign(r.integers(1, 5, shape).astype("float32"))

    steps = [by_number("scatter_" + n) for n in "add sub mul div max min update".split()]
    steps += [by_coordinates("scatter_nd_" + n) for n in "add sub max min update".split()] + [batch, sliced, sliced, sliced]
    out = []
    for seed in range(40):
        r = np.random.default_rng(seed)
        v = tf.Variable(r.integers(1, 9, (3, 4)).astype("float32"))
        for _ in range(20):
            before = v.numpy()
            try:
                out.append(np.asarray(steps[r.integers(len(steps))](v, r)).round(3).tolist())
            except Exception as error:
                out.append(type(error).__name__.replace("ShapeError", "InvalidArgumentError"))
                v.assign(before)  # TensorFlow has changed rows before the one that it refuses
    for seed in range(6):
        r = np.random.default_rng(seed)
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            v = tf.compat.v1.get_variable("v", initializer=r.integers(1, 9, (3, 4)).astype("float32"))
            session.run(v.initializer)
            for step in r.permutation(len(steps)):
                try:
                    out.append(session.run(steps[step](v, r)).round(3).tolist())
                except Exception as error:
                    out.append(type(error).__name__.replace("ShapeError", "ValueError"))
                    session.run(v.initializer)
    return out
"""

READING = """
def program(tf, np):
    v = tf.Variable([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    out = [v.sparse_read([[2, 0]]).numpy().tolist(), v.gather_nd([[2], [0]]).numpy().tolist(), bool(v.is_initialized())]
    slices = tf.IndexedSlices(tf.constant([[1.0, 2.0], [3.0, 4.0]]), tf.constant([1, 1]), tf.constant([3, 2]))
    out += [tf.convert_to_tensor(-slices).numpy().tolist(), list(slices.shape), slices.dtype.name]
    counter = tf.Variable(0, dtype=tf.int64)
    def count(limit):
        try:
            return int(counter.count_up_to(limit))
        except tf.errors.OutOfRangeError as error:
            return str(error).split("Reached")[1].split("2")[0]
    out += [count(2), count(2), count(2), int(counter)]
    for synchronization in tf.VariableSynchronization:
        for trainable in (None, True, False):
            mean = tf.VariableAggregation.MEAN
            made = tf.Variable(1.0, trainable=trainable, synchronization=synchronization, aggregation=mean)
            out.append([made.trainable, made.synchronization.name, made.aggregation.name])
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        v = tf.compat.v1.get_variable("v", [4], initializer=tf.compat.v1.zeros_initializer())
        asked = v.is_initialized()
        row = tf.compat.v1.placeholder(tf.int32, [])
        step = v[row:row + 2].assign([1.0, 2.0])
        out.append(bool(session.run(asked)))
        session.run(v.initializer)
        out += [bool(session.run(asked)), session.run(step, {row: 1}).tolist(), session.run(v).tolist()]
    return out
"""


@pytest.mark.parametrize("program", [PROGRAM, READING], ids=["updates", "reading"])
def test_the_same_program(program, both):
    ours, theirs = both(program)
    for number, (mine, its) in enumerate(zip(ours, theirs, strict=True)):
        assert mine == its, number
