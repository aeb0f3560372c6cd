"""Views of object graphs, and the options of saves and restores: the same in TensorFlow and minitf."""

import pytest

pytestmark = pytest.mark.interop

START = """
import os, tempfile

def program(tf, np):
    out = []
    kinds = (AssertionError, IndexError, TypeError, ValueError)

    class Module(tf.Module):
        pass

    def prefix():
        return os.path.join(tempfile.mkdtemp(), "c")

    def told(obj):
        return float(obj.numpy()) if hasattr(obj, "numpy") and obj.shape == () else isinstance(obj, Module)

    def attempt(call):
        try:
            out.append(call())
        except kinds as error:
            out.append([kind.__name__ for kind in kinds if isinstance(error, kind)])

    def optimizer():
        return tf.compat.v1.train.MomentumOptimizer(0.5, 0.5)
"""

VIEWS = (
    START
    + """
    def tree(seed):
        rng = np.random.default_rng(seed)
        nodes, number = [Module()], 0
        for _ in range(12):
            parent, name = nodes[rng.integers(len(nodes))], "abcd"[rng.integers(4)]
            which = rng.integers(6)
            if which == 0:
                setattr(parent, name, tf.Variable(float(number)))
                number += 1
            elif which == 1:
                setattr(parent, name, nodes[rng.integers(len(nodes))])
            elif which == 2:
                setattr(parent, name, [tf.Variable(float(number)), 3, Module()])
                number += 1
            elif which == 3:
                setattr(parent, name, {"k": tf.Variable(float(number)), "n": 3, "m": Module()})
                number += 1
            elif which == 4:
                setattr(parent, name, (tf.Variable(float(number)), 2))
                number += 1
            else:
                setattr(parent, name, Module())
                nodes.append(getattr(parent, name))
        return nodes[0]

    for seed in range(40):
        root, other = tree(seed), tree(seed + 1)
        checkpoint = tf.train.Checkpoint(r=root)
        view = tf.train.CheckpointView(checkpoint.write(prefix()))
        out.append([[n, list(view.children(n).items())] for n in view.descendants()])
        live = tf.train.TrackableView(root)
        out.append([list(live.children(root)), [told(obj) for obj in live.descendants()], live.root is root])
        for obj in (checkpoint, root, other, tf.train.Checkpoint(r=other)):
            matched, unmatched, extra = view.diff(obj)
            out.append([[[n, told(o)] for n, o in matched.items()], unmatched, [told(o) for o in extra]])
            out.append(list(view.match(obj)))
    v = tf.Variable(1.0)
    checkpoint = tf.train.Checkpoint(v=v, o=optimizer())
    checkpoint.o.apply_gradients([(tf.constant(1.0), v)])
    view = tf.train.CheckpointView(checkpoint.save(prefix()))
    out.append([view.descendants(), list(view.match(checkpoint)), view.diff(checkpoint)[1:]])
    out.append([told(obj) for obj in tf.train.TrackableView(checkpoint).descendants()])
    attempt(lambda: view.children(99))
    attempt(lambda: view.children("0"))
    attempt(lambda: view.match(3))
    attempt(lambda: view.diff(3))
    attempt(lambda: tf.train.TrackableView(3))
    attempt(lambda: tf.train.CheckpointView(None))
    return out
"""
)

OPTIONS = (
    START
    + """
    Options = tf.train.CheckpointOptions
    own = ("call_back", "durable", "graph_to_restore", "storage")
    names = [name for name in dir(Options()) if not name.startswith("_") and name not in own]
    out.append([[name, getattr(Options(), name)] for name in names])
    out.append(Options(experimental_enable_async_checkpoint=True).enable_async)
    attempt(lambda: Options(experimental_write_callbacks=3))
    attempt(lambda: Options(experimental_write_callbacks=[3]))
    attempt(lambda: Options(experimental_write_callbacks=[vars]))  # whose signature is not told
    heard = []
    name = lambda path: heard.append(os.path.basename(path))
    files = lambda path: heard.append(sorted(os.listdir(os.path.dirname(path))))
    callbacks = [lambda: heard.append("none"), name, files, lambda path=3: name(path), lambda *all: heard.append(len(all))]
    for background in (False, True):
        options = Options(experimental_write_callbacks=callbacks, enable_async=background)
        checkpoint = tf.train.Checkpoint(v=tf.Variable(1.0))
        path = checkpoint.write(prefix(), options=options)
        checkpoint.sync()
        checkpoint.v.assign(2.0)
        path = checkpoint.save(prefix(), options=options)
        checkpoint.v.assign(3.0)
        checkpoint.restore(path, options=options)
        out.append([float(checkpoint.v.numpy()), os.path.basename(tf.train.latest_checkpoint(os.path.dirname(path)))])
        checkpoint = tf.train.Checkpoint(v=tf.Variable(1.0))  # in the background TensorFlow counts apart from the checkpoint
        manager = tf.train.CheckpointManager(checkpoint, tempfile.mkdtemp(), max_to_keep=2)
        paths = [manager.save(options=options) for _ in range(4)]
        manager.sync()
        out.append([os.path.basename(path) for path in [*paths, *manager.checkpoints, manager.latest_checkpoint]])
    out.append(heard)

    def trained():
        checkpoint = tf.train.Checkpoint(v=tf.Variable([1.0, 2.0]), o=optimizer())
        checkpoint.o.apply_gradients([(tf.constant([2.0, 4.0]), checkpoint.v)])
        return checkpoint

    for skip in (True, False):
        checkpoint, late, options = trained(), tf.train.Checkpoint(v=tf.Variable([0.0, 0.0]), o=optimizer()), Options(
            experimental_skip_slot_variables=skip)
        path = checkpoint.save(prefix())
        checkpoint.o.get_slot(checkpoint.v, "momentum").assign([7.0, 7.0])
        checkpoint.v.assign([0.0, 0.0])
        for one in (checkpoint, late):
            status = one.restore(path, options=options)
            if one is late:
                late.o.apply_gradients([(tf.constant([0.0, 0.0]), late.v)])
            out.append([one.v.numpy().tolist(), one.o.get_slot(one.v, "momentum").numpy().tolist()])
            for check in ("assert_consumed", "assert_existing_objects_matched", "assert_nontrivial_match"):
                attempt(lambda: getattr(status, check)() is status)
    return out
"""
)


@pytest.mark.parametrize("program", [VIEWS, OPTIONS], ids=["views", "options"])
def test_the_same_in_both(both, program):
    mine, theirs = both(program)
    assert mine == theirs
