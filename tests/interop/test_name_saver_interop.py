"""train.Saver and TensorFlow's compat.v1.train.Saver read each other's files, and keep and delete alike."""

import json
import os
import pathlib

import ml_dtypes
import numpy as np
import pytest

import minitf.compat.v1 as tf

pytestmark = pytest.mark.interop

SHARED = """
VALUES = {
    "bool": np.array([True, False]),
    "bytes": np.array([b"", b"a\\0b", "ü".encode()], object),
    "complex": np.array([1 + 2j], np.complex64),
    "double": np.float64(0.1),
    "empty": np.zeros((0, 3), np.float32),
    "half": np.array([1.5, -2.0], np.float16),
    "int64": np.array([[1, -2], [3, 2**40]], np.int64),
    "scope/kernel": np.arange(6, dtype=np.float32).reshape(2, 3),
    "text": np.array(b"one", object),
    "uint8": np.array([0, 255], np.uint8),
}

def other(value):
    return np.full_like(value, b"?") if value.dtype == object else np.zeros_like(value)
"""
space = {"np": np}
exec(SHARED, space)
VALUES, other = space["VALUES"], space["other"]
V1, V2 = tf.train.SaverDef.V1, tf.train.SaverDef.V2

MAKE = f"""
import json, os, sys, numpy as np, tensorflow as tf
v1 = tf.compat.v1
v1.disable_eager_execution()
config = v1.ConfigProto(device_count={{"CPU": 2}})
{SHARED}
"""

RESTORE = (
    MAKE
    + """
def same(path):
    with tf.Graph().as_default(), v1.Session(config=config) as session:
        variables = {n: v1.get_variable(n, initializer=tf.constant(other(v))) for n, v in VALUES.items()}
        v1.train.Saver().restore(session, path)
        found = session.run(variables)
    strings = [n for n, v in VALUES.items() if v.dtype == object]
    numbers = [n for n in VALUES if n not in strings]
    return (all(np.array(found[n], object).tolist() == VALUES[n].tolist() for n in strings)
            and all(np.array_equal(found[n], VALUES[n]) and found[n].dtype == VALUES[n].dtype for n in numbers))

paths = sys.argv[1:]
print(json.dumps([[same(p) for p in paths], [tf.train.latest_checkpoint(os.path.dirname(p)) == p for p in paths]]))
"""
)


def save_here(directory, in_graph, version, sharded):
    """What minitf writes, in a directory of its own."""
    prefix = str(directory / f"{'graph' if in_graph else 'eager'}-{version}-{sharded}" / "model")
    options = {"write_version": version, "sharded": sharded}
    if not in_graph:
        variables = [tf.Variable(value, name=name) for name, value in VALUES.items()]
        return tf.train.Saver(variables, **options).save(None, prefix, global_step=7)
    with tf.Graph().as_default(), tf.Session() as session:
        variables = [tf.Variable(value, name=name) for name, value in VALUES.items()]
        session.run([v.initializer for v in variables])
        return tf.train.Saver(**options).save(session, prefix, global_step=7)


def test_tensorflow_restores_what_minitf_saved(oracle, tmp_path):
    kinds = [(g, v, s) for g in (False, True) for v in (V1, V2) for s in (False, True)]
    paths = [save_here(tmp_path, *kind) for kind in kinds]
    assert oracle(RESTORE, *paths) == [[True] * len(paths)] * 2


@pytest.fixture(scope="module")
def theirs(oracle, tmp_path_factory):
    """Paths of what TensorFlow wrote, by kind. Its sharded savers write one shard for each of two devices."""
    directory = tmp_path_factory.mktemp("theirs")
    script = (
        MAKE
        + """
out = {}
for version in (1, 2):
    for sharded in (False, True):
        with tf.Graph().as_default(), v1.Session(config=config) as session:
            for i, (name, value) in enumerate(VALUES.items()):
                with tf.device("/cpu:%d" % (i % 2)):
                    v1.get_variable(name, initializer=tf.constant(value))
            session.run(v1.global_variables_initializer())
            os.makedirs(sys.argv[1] + "/%d-%s" % (version, sharded))
            out["%d-%s" % (version, sharded)] = v1.train.Saver(write_version=version, sharded=sharded).save(
                session, sys.argv[1] + "/%d-%s/model" % (version, sharded), global_step=7)
    with tf.Graph().as_default(), v1.Session() as session:
        v1.get_variable("parts", initializer=tf.constant(np.arange(10.).reshape(5, 2), tf.float32),
                        partitioner=v1.fixed_size_partitioner(3))
        session.run(v1.global_variables_initializer())
        out["parts-%d" % version] = v1.train.Saver(write_version=version).save(session, sys.argv[1] + "/parts-%d" % version)
print(json.dumps(out))
"""
    )
    return oracle(script, directory)


@pytest.mark.parametrize("in_graph", [False, True])
@pytest.mark.parametrize("kind", ["1-False", "1-True", "2-False", "2-True"])
def test_minitf_restores_what_tensorflow_saved(theirs, kind, in_graph):
    path = theirs[kind]
    assert tf.train.latest_checkpoint(os.path.dirname(path)) == path
    with tf.Graph().as_default() if in_graph else tf.init_scope():
        variables = {n: tf.Variable(other(v), name=n) for n, v in VALUES.items()}
        session = tf.Session() if in_graph else None
        tf.train.Saver(list(variables.values())).restore(session, path)
        for name, expected in VALUES.items():
            found = session.run(variables[name]) if in_graph else variables[name].numpy()
            assert np.array_equal(found, expected), name
            assert expected.dtype == object or found.dtype == expected.dtype


@pytest.mark.parametrize("version", [1, 2])
def test_minitf_puts_partitioned_variables_together(theirs, version):
    whole = tf.Variable(np.zeros((5, 2), np.float32), name="parts")
    tf.train.Saver([whole]).restore(None, theirs[f"parts-{version}"])
    np.testing.assert_array_equal(whole.numpy(), np.arange(10, dtype=np.float32).reshape(5, 2))


@pytest.mark.parametrize("version", [1, 2])
def test_the_files_are_the_same_bytes(theirs, tmp_path, version):
    mine, yours = (
        pathlib.Path(save_here(tmp_path, True, version, False)).parent,
        pathlib.Path(theirs[f"{version}-False"]).parent,
    )
    files = sorted(p.name for p in mine.iterdir())
    assert files == sorted(p.name for p in yours.iterdir() if p.suffix != ".meta")
    for name in set(files) - {"checkpoint"}:
        assert (mine / name).read_bytes() == (yours / name).read_bytes(), name
    assert (mine / "checkpoint").read_text() == (yours / "checkpoint").read_text().replace(str(yours), str(mine))


def test_bfloat16_survives(oracle, tmp_path):
    path = tf.train.Saver([tf.Variable(ml_dtypes.bfloat16(1.5), name="b")]).save(None, str(tmp_path / "m"))
    script = """
    import json, sys, tensorflow as tf
    v = tf.Variable(tf.cast(0.0, tf.bfloat16), name="b")
    tf.compat.v1.train.Saver([v]).restore(None, sys.argv[1])
    print(json.dumps(float(v)))
    """
    assert oracle(script, path) == 1.5


# One program, run by both: what is kept, listed and deleted.
RULES = """
def rules(tf, v1, clock, directory):
    out = []
    here = lambda: sorted(n for n in os.listdir(directory) if ".data-" not in n and not n.endswith(".meta"))
    state = lambda: pathlib.Path(directory, "checkpoint").read_text().replace(directory, "DIR")
    with tf.Graph().as_default(), v1.Session() as session:
        v = v1.get_variable("v", initializer=[1.0, 2.0])
        n = v1.get_variable("n", initializer=3)
        session.run(v1.global_variables_initializer())
        clock.now = 10000.0
        saver = v1.train.Saver(max_to_keep=2, keep_checkpoint_every_n_hours=1.0, **clock.option)
        for step in (0, n, n + 1, 2, 3, 9):
            clock.now += 2000.0
            out.append(os.path.basename(saver.save(session, directory + "/m", global_step=step)))
            out.append([os.path.basename(p) for p in saver.last_checkpoints])
        out.append((here(), state()))
        for options in ({"max_to_keep": 0}, {"max_to_keep": None}, {"pad_step_number": True}, {"save_relative_paths": True},
                        {"write_version": 1}, {"write_version": 1, "sharded": True}, {"sharded": True}):
            saver = v1.train.Saver(**options, **clock.option)
            for step in (1, 2):
                out.append(saver.save(session, directory + "/o%d" % len(out), global_step=step).replace(directory, "DIR"))
            out.append((here(), state(), tf.train.latest_checkpoint(directory).replace(directory, "DIR")))
        saver = v1.train.Saver(max_to_keep=2, **clock.option)
        saver.recover_last_checkpoints([directory + "/gone", directory + "/m-9", directory + "/m-3"])
        out.append([os.path.basename(p) for p in saver.last_checkpoints])
        saver.save(session, directory + "/r")
        out.append((here(), state()))
        for wrong in ("checkpoint", "a/b/c/d"):
            try:
                saver.save(session, os.path.join(directory, wrong))
            except Exception as e:
                out.append(type(e).__name__)
    return json.loads(json.dumps(out))
"""

CLOCK = """
class Clock:
    now, option = 10000.0, {}
    def time(self): return self.now
    def sleep(self, seconds): self.now += seconds
"""


def test_savers_keep_list_and_delete_alike(oracle, tmp_path):
    there, here = tmp_path / "there", tmp_path / "here"
    there.mkdir()
    here.mkdir()
    script = f"""
import json, os, pathlib, sys, tensorflow as tf
from unittest import mock
from tensorflow.python.training import saver as module
{CLOCK}
{RULES}
clock = Clock()
with mock.patch.object(module, "time", clock):
    print(json.dumps(rules(tf, tf.compat.v1, clock, sys.argv[1])))
"""
    space = {"json": json, "os": os, "pathlib": pathlib}
    exec(CLOCK + RULES, space)
    clock = space["Clock"]()
    clock.option = {"clock": clock}
    assert space["rules"](tf, tf, clock, str(here)) == oracle(script, there)


# One training program, begun by one and continued by the other.
TRAINING = '''
OPTIMIZERS = {
    "sgd": lambda t: t.GradientDescentOptimizer(0.1),
    "momentum": lambda t: t.MomentumOptimizer(0.1, 0.9),
    "nesterov": lambda t: t.MomentumOptimizer(0.1, 0.9, use_nesterov=True),
    "adagrad": lambda t: t.AdagradOptimizer(0.1),
    "rmsprop": lambda t: t.RMSPropOptimizer(0.1, momentum=0.5),
    "centered": lambda t: t.RMSPropOptimizer(0.1, centered=True),
    "adam": lambda t: t.AdamOptimizer(0.1),
}

def train(tf, kind, prefix=None, restored=None, steps=2):
    """Trains, from a checkpoint or from the start, and saves or gives the values of all variables."""
    with tf.Graph().as_default(), tf.Session() as session:
        with tf.variable_scope("layer"):
            w = tf.get_variable("w", initializer=[1.0, 2.0])
            b = tf.get_variable("b", initializer=3.0)
        step = tf.train.get_or_create_global_step()
        loss = tf.reduce_sum(w * w * b) + b * b
        average = tf.train.ExponentialMovingAverage(0.5)
        with tf.control_dependencies([OPTIMIZERS[kind](tf.train).minimize(loss, global_step=step)]):
            go = average.apply([w, b])
        session.run(tf.global_variables_initializer())
        saver = tf.train.Saver()
        if restored:
            saver.restore(session, restored)
        for _ in range(steps):
            session.run(go)
        if prefix:
            return saver.save(session, prefix, global_step=step)
        return {v.name: session.run(v).tolist() for v in tf.global_variables()}
'''


def test_training_goes_on_in_the_other_framework(oracle, tmp_path):
    space = {}
    exec(TRAINING, space)
    train, kinds = space["train"], list(space["OPTIMIZERS"])
    ours = {kind: train(tf, kind, prefix=str(tmp_path / f"ours-{kind}")) for kind in kinds}
    script = f"""
import json, sys, tensorflow.compat.v1 as tf
tf.disable_eager_execution()
{TRAINING}
ours, here = json.loads(sys.argv[1]), sys.argv[2]
theirs = {{kind: train(tf, kind, prefix=here + "/theirs-" + kind) for kind in OPTIMIZERS}}
print(json.dumps([theirs, {{kind: train(tf, kind, restored=path, steps=3) for kind, path in ours.items()}}]))
"""
    theirs, continued = oracle(script, json.dumps(ours), tmp_path)
    for kind in kinds:
        assert tf.train.list_variables(ours[kind]) == tf.train.list_variables(theirs[kind]), kind
        mine = train(tf, kind, restored=theirs[kind], steps=3)
        assert mine.keys() == continued[kind].keys()
        for name, value in mine.items():
            np.testing.assert_allclose(value, continued[kind][name], rtol=1e-5, err_msg=f"{kind} {name}")
