"""``measure(SCENARIO)``: how much memory a save and a restore needed at most beyond what there was, in MiB.

What the new state itself has more than the old one is left out.
"""

import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import numpy as np

import minitf as tf
from minitf.errors import DTypeError
from minitf.storage.bundle import TensorBundle
from minitf.storage.npz import Npz
from minitf.storage.safetensors import Safetensors
from tests.kernel import MIB, extra_of, strings

SIZE = 64 * MIB


def floats(value):
    return np.full((SIZE // 4096, 1024), value, np.float32)


Make = Callable[[int], np.ndarray]
TEXTS: dict[str, Make] = {
    "few huge strings": lambda value: strings(2, SIZE // 2, value),
    "some large strings": lambda value: strings(160, SIZE // 160, value),
    "many small strings": lambda value: strings(600_000, 70, value),
    "tiny strings": lambda value: strings(800_000, 2, value),
}


def all_equal(found, wanted):
    return found.shape == wanted.shape and bool((found == wanted).all())


def objects(make, storage, directory, mode):
    """Save and restore of a Checkpoint with one variable."""
    with tf.Graph().as_default() if mode == "graph" else nullcontext():
        session = tf.Session() if mode == "graph" else None
        variable = tf.Variable(make(47))
        if session is not None:
            session.run(variable.initializer)

        def put(value):
            variable.load(value, session) if session is not None else variable.assign(value)

        saver = tf.train.CheckpointableSaver(tf.train.Checkpoint(v=variable), storage=storage)
        prefix = str(Path(directory) / "ckpt")
        with session or nullcontext():
            put(make(48))
            saved = extra_of(lambda: saver.save(prefix))
            put(make(49))
            restored = extra_of(lambda: saver.restore(prefix).assert_consumed().run_restore_ops())
            found = session.run(variable) if session is not None else variable.numpy()
        assert all_equal(found, make(48))
    return saved, restored


def by_names(make, directory, pieces_saved, pieces_restored, axis, version=tf.train.SaverDef.V2):
    """Save and restore by a Saver of a variable in pieces."""

    def table(count):
        cut = None if count is None else tf.compat.v1.fixed_size_partitioner(count, axis)
        return tf.compat.v1.get_variable("t", make(0).shape, tf.float32, tf.zeros_initializer(), partitioner=cut)

    def put(variable, value, session):
        pieces = [variable] if isinstance(variable, tf.Variable) else list(variable)
        at = 0
        for piece in pieces:
            stop = at + piece.shape[axis]
            piece.load(value.take(range(at, stop), axis), session)
            at = stop

    prefix = str(Path(directory) / "ckpt")
    out = []
    for number, count in enumerate((pieces_saved, pieces_restored)):
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            variable = table(count)
            session.run(tf.compat.v1.global_variables_initializer())
            put(variable, make(number), session)
            saver = tf.compat.v1.train.Saver(write_version=version)
            if not number:
                out.append(extra_of(partial(saver.save, session, prefix)))
                continue
            out.append(extra_of(partial(saver.restore, session, prefix)))
            assert all_equal(session.run(tf.convert_to_tensor(variable)), make(0))
    return out


def another_shape(before, directory):
    """Restore into a variable that has ``before`` times as many rows until then, which its open shape allows."""
    prefix, rows = str(Path(directory) / "ckpt"), SIZE // 4096
    variable = tf.Variable(floats(1), shape=(None, 1024))
    saver = tf.train.CheckpointableSaver(tf.train.Checkpoint(v=variable), storage=TensorBundle(durable=False))
    saved = extra_of(lambda: saver.save(prefix))
    variable.assign(np.zeros((int(rows * before), 1024), np.float32))
    restored = extra_of(lambda: saver.restore(prefix).assert_consumed())
    assert all_equal(variable.numpy(), floats(1))
    return saved, restored


def another_dtype(directory):
    """Restore of what is not restored, since the variable is of another dtype."""
    prefix = str(Path(directory) / "ckpt")
    storage = TensorBundle(durable=False)
    saver = tf.train.CheckpointableSaver(tf.train.Checkpoint(v=tf.Variable(floats(1))), storage=storage)
    saved = extra_of(lambda: saver.save(prefix))
    variable = tf.Variable([1])

    def restore():
        try:
            tf.train.Checkpoint(v=variable).read(prefix).expect_partial()
        except DTypeError:
            return
        raise AssertionError

    return saved, extra_of(restore)


def reshaped(directory):
    """Restore by a Saver that may reshape."""
    prefix = str(Path(directory) / "ckpt")
    saved = extra_of(partial(tf.train.Saver({"v": tf.Variable(floats(1))}).save, None, prefix))
    variable = tf.Variable(np.zeros((1024, SIZE // 4096), np.float32))
    restored = extra_of(partial(tf.train.Saver({"v": variable}, reshape=True).restore, None, prefix))
    assert all_equal(variable.numpy(), np.ones((1024, SIZE // 4096), np.float32))
    return saved, restored


SCENARIOS: dict[str, Callable[[str], tuple[float, float]]] = {}
for _name, _make in TEXTS.items():
    for _mode in ("eager", "graph"):
        SCENARIOS[f"{_name}, {_mode}"] = lambda at, make=_make, mode=_mode: objects(make, TensorBundle(durable=False), at, mode)
for _cut in ((None, 3, 0), (3, None, 0), (3, 2, 1), (2, 5, 0), (2, 3, 0)):
    _text = " to ".join("whole" if count is None else str(count) for count in _cut[:2])
    SCENARIOS[f"pieces, {_text}, along {_cut[2]}"] = lambda at, cut=_cut: by_names(floats, at, *cut)
SCENARIOS["the other byte order"] = lambda at: objects(floats, TensorBundle(durable=False, big_endian=True), at, "eager")
for _storage in (Npz, Safetensors):
    SCENARIOS[f"many small strings, {_storage.name}"] = lambda at, storage=_storage: objects(
        TEXTS["many small strings"], storage(durable=False), at, "eager"
    )
for _cut in ((3, 3, 1), (2, 5, 0), (None, 3, 0)):
    SCENARIOS[f"pieces, {_cut}, V1"] = lambda at, cut=_cut: by_names(floats, at, *cut, tf.train.SaverDef.V1)
for _before in (0.7, 1.3):
    SCENARIOS[f"an open shape, {_before} times as much before"] = partial(another_shape, _before)
SCENARIOS["another dtype"] = another_dtype
SCENARIOS["another shape with as many elements"] = reshaped


def measure(scenario):
    with tempfile.TemporaryDirectory() as directory:  # which goes at once: it is large
        return SCENARIOS[scenario](directory)
