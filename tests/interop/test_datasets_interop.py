"""Random pipelines in TensorFlow and in minitf: the same elements in the same order, also if they are shuffled."""

import pytest

pytestmark = pytest.mark.interop

PIPELINES = """
def program(tf, np):
    D = tf.data.Dataset
    STEPS = [
        lambda d, r: d.map(lambda x: x * 2 + 1),
        lambda d, r: d.filter(lambda x: x % 3 != 0),
        lambda d, r: d.filter(lambda x: x % 5 == 1),
        lambda d, r: d.take_while(lambda x: x < 40),
        lambda d, r: d.scan(np.int64(1), lambda s, x: (s + x, s % 100)),
        lambda d, r: d.take(int(r.integers(-1, 9))),
        lambda d, r: d.skip(int(r.integers(-1, 4))),
        lambda d, r: d.shard(2, int(r.integers(2))),
        lambda d, r: d.repeat(int(r.integers(1, 4))),  # shuffle().repeat(0) is an error in TensorFlow, fused
        lambda d, r: d.concatenate(D.range(50, 53)),
        lambda d, r: d.shuffle(int(r.integers(1, 6)), seed=int(r.integers(0, 3))),
        lambda d, r: d.shuffle(int(r.integers(1, 6)), seed=int(r.integers(9)), reshuffle_each_iteration=False).repeat(2),
        lambda d, r: d.cache(),
        lambda d, r: d.prefetch(1),
        lambda d, r: d.batch(int(r.integers(1, 4)), drop_remainder=bool(r.integers(2))).unbatch(),
        lambda d, r: d.window(int(r.integers(1, 4)), shift=int(r.integers(1, 5)), stride=int(r.integers(1, 3)),
                              drop_remainder=bool(r.integers(2))).flat_map(lambda w: w.batch(2)).unbatch(),
        lambda d, r: d.interleave(lambda x: D.from_tensors(x).repeat(3), cycle_length=int(r.integers(1, 4)),
                                  block_length=int(r.integers(1, 3))),
        lambda d, r: d.flat_map(lambda x: D.range(x, x + 2)),
        lambda d, r: D.zip((d, D.range(3, 30))).map(lambda x, y: x * y),
        lambda d, r: d.enumerate(2).map(lambda i, x: i + x),
        lambda d, r: d.unique(),
        lambda d, r: D.zip((d, D.random(seed=4))).map(lambda x, y: x + y % 7),
        lambda d, r: d.map(lambda x: {"a": x, "b": (x + 1, [x, x])}).batch(2).map(lambda e: e["a"] + e["b"][0]).unbatch(),
        lambda d, r: d.map(lambda x: tf.fill([x % 3], x)).padded_batch(2).map(lambda x: tf.reduce_sum(x, 1)).unbatch(),
    ]
    out = []
    for seed in range(COUNT):
        r = np.random.default_rng(seed)
        if seed % 5 == 0:
            tf.random.set_seed(seed)
        d = D.range(int(r.integers(0, 12)))
        try:
            for _ in range(r.integers(1, 6)):
                d = STEPS[r.integers(len(STEPS))](d, r)
            size = int(d.cardinality())
            d = d.take(80)
            out.append([repr(d.element_spec), [int(x) for x in d], [int(x) for x in d]])
            out.append(size if size >= -1 and len(out[-1][1]) < 80 else None)
        except Exception as error:
            out.append(type(error).__name__)
    return out
"""

SEEDS = """
def program(tf, np):
    D = tf.data.Dataset
    out = []
    for seed in (3, 0, 7):
        tf.random.set_seed(seed)
        for own in (0, 1, 2**31 - 1, None, None, 5, None):
            d = D.range(12).shuffle(5, seed=own)
            out += [[int(x) for x in d], [int(x) for x in d], [int(x) for x in d.repeat(2).batch(5).unbatch()]]
    return out
"""

AGAIN = """
def program(tf, np):
    D = tf.data.Dataset
    between = [
        lambda d: d, lambda d: d.take(-1), lambda d: d.skip(0), lambda d: d.shard(1, 0), lambda d: d.repeat(1),
        lambda d: d.map(lambda x: x), lambda d: d.map(lambda x: x + 1), lambda d: d.filter(lambda x: x < 9),
        lambda d: d.take(9), lambda d: d.scan(np.int64(1), lambda s, x: (s + x, x)), lambda d: d.batch(2).unbatch(),
        lambda d: d.prefetch(1), lambda d: d.shuffle(2, seed=3), lambda d: d.concatenate(D.range(7, 10).shuffle(2, seed=5)),
        lambda d: d.cache(), lambda d: D.zip((D.range(9).shuffle(4, seed=2), d)).map(lambda x, y: x * 10 + y),
        lambda d: d.flat_map(lambda x: D.range(x).shuffle(3, seed=1).filter(lambda x: x < 9).repeat(2)),
    ]
    out = []
    for first in between:
        for second in between:
            d = second(first(D.range(6).shuffle(3, seed=1))).repeat(2)
            out.append([[int(x) for x in d] for _ in range(3)])
    return out
"""

FITS = """
def program(tf, np):
    D = tf.data.Dataset
    tf.random.set_seed(0)
    x = np.sin(np.arange(24.0)).astype("float32").reshape(8, 3)
    y = x.sum(1, keepdims=True) - 1
    def data():
        return D.from_tensor_slices((x, y)).shuffle(8, seed=1).batch(3)
    def unknown():
        return data().filter(lambda a, b: True)
    def batches():
        for i in range(7):
            yield x[i : i + 2], y[i : i + 2]
    out = []
    for given, how in (
        (data(), {}), (data(), {"steps_per_epoch": 2}), (data(), {"steps_per_epoch": 3}), (data(), {"steps_per_epoch": 5}),
        (data().repeat(), {"steps_per_epoch": 2}), (data().repeat(2), {}), (data().repeat(2), {"steps_per_epoch": 4}),
        (unknown(), {}), (unknown(), {"steps_per_epoch": 2}), (unknown(), {"steps_per_epoch": 5}),
        (batches(), {"steps_per_epoch": 2}), ((x, y), {"steps_per_epoch": 2, "shuffle": False, "batch_size": 3}),
        ((x, y), {"steps_per_epoch": 5, "shuffle": False, "batch_size": 3}),
        (data(), {"validation_data": data()}), (data(), {"validation_data": data(), "validation_steps": 2}),
        (unknown(), {"validation_data": unknown(), "validation_steps": 2}),
    ):
        model = tf.keras.Sequential([tf.keras.layers.Dense(1, kernel_initializer="ones")])
        model.compile(tf.keras.optimizers.SGD(0.1), "mse")
        arrays = given if isinstance(given, tuple) else (given,)
        history = model.fit(*arrays, epochs=4, verbose=0, **how).history
        out.append({name: [float(f"{v:.4g}") for v in found] for name, found in history.items()})
        if hasattr(given, "repeat") and not isinstance(given, tuple):
            out.append([float(f"{model.evaluate(given, steps=k, verbose=0):.4g}") for k in (2, 2, 3)])
    return out
"""

IN_GRAPHS = """
def program(tf, np):
    out = []
    with tf.Graph().as_default():
        data = tf.data.Dataset.from_tensor_slices({"x": np.arange(6.0), "y": list("abcdef")}).shuffle(3, seed=1).batch(4)
        once = tf.compat.v1.data.make_one_shot_iterator(data).get_next()
        iterator = tf.compat.v1.data.make_initializable_iterator(data)
        x = iterator.get_next()["x"] * 2.0
        out.append([str(once["x"].shape), once["y"].dtype.name])
        for _ in range(2):
            with tf.compat.v1.Session() as session:
                for fetch in (once["x"], x, iterator.initializer, x, x, x, once["y"], iterator.initializer, x, once):
                    try:
                        value = session.run(fetch)
                        out.append(None if value is None else np.asarray(value).astype(str).tolist())
                    except Exception as error:
                        out.append(type(error).__name__)
    return out
"""


@pytest.mark.parametrize(
    "program",
    [PIPELINES.replace("COUNT", "150"), SEEDS, AGAIN, FITS, IN_GRAPHS],
    ids=["pipelines", "seeds", "repeated and shuffled", "fits", "in graphs"],
)
@pytest.mark.filterwarnings("ignore:The data has no more batches")
def test_the_same_program(program, both):
    ours, theirs = both(program)
    for number, (mine, its) in enumerate(zip(ours, theirs, strict=True)):
        assert mine == its, number
