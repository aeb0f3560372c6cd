"""A training run goes back and forth between minitf and TensorFlow, in eager mode and in graphs, with Adam's slots."""

import numpy as np
import pytest

import minitf as tf

pytestmark = pytest.mark.interop

# The same program for both sides: a variable, Adam, a counter of steps; it trains three steps of a fixed loss.
PROGRAM = """
class Net(tf.Module):
    def __init__(self):
        super().__init__()
        self.w = tf.Variable([1.0, -2.0, 3.0], name="w")
        self.parts = [tf.Variable([0.5], name="b"), {"c": tf.Variable(4.0, name="c")}]

def loss(net):
    return tf.reduce_sum((net.w * net.parts[0] - 1.0) ** 2.0) + (net.parts[1]["c"] - 1.0) ** 2.0

def objects():
    net = Net()
    return net, v1.train.AdamOptimizer(0.1)

def values(net, optimizer, read):
    out = {"w": net.w, "b": net.parts[0], "c": net.parts[1]["c"]}
    for name, v in list(out.items()):
        for slot in ("m", "v"):
            out[name + "/" + slot] = optimizer.get_slot(v, slot)
    out |= {v.name: v for v in optimizer.variables() if "power" in v.name}
    return {k: np.asarray(read(x)).tolist() for k, x in sorted(out.items())}

def eager(restore, save, steps):
    net, optimizer = objects()
    checkpoint = tf.train.Checkpoint(net=net, optimizer=optimizer)
    status = checkpoint.restore(restore) if restore else None
    for _ in range(steps):
        optimizer.minimize(lambda: loss(net))
    if status is not None:
        status.assert_consumed()
    path = checkpoint.save(save) if save else None
    return {"path": path, "values": values(net, optimizer, lambda x: x.numpy())}

def graph(restore, save, steps):
    with tf.Graph().as_default(), v1.Session() as session:
        net, optimizer = objects()
        step = optimizer.minimize(loss(net))
        checkpoint = v1.train.Checkpoint(net=net, optimizer=optimizer)
        status = checkpoint.restore(restore)
        status.initialize_or_restore(session)
        if restore:
            status.assert_consumed()
        for _ in range(steps):
            session.run(step)
        path = checkpoint.save(save, session=session) if save else None
        return {"path": path, "values": values(net, optimizer, session.run)}
"""
ORACLE = "import json, sys\nimport numpy as np\nimport tensorflow as tf\nv1 = tf.compat.v1\n" + PROGRAM + """
mode, restore, save, steps = sys.argv[1:]
print(json.dumps(globals()[mode](restore or None, save or None, int(steps))))
"""  # fmt: skip


def ours(mode, restore, save, steps):
    space = {"tf": tf, "v1": tf.compat.v1, "np": np}
    exec(PROGRAM, space)
    return space[mode](restore, save, steps)


def agree(one, other):
    assert one.keys() == other.keys()
    for key in one:
        np.testing.assert_array_max_ulp(np.float32(one[key]), np.float32(other[key]), maxulp=8)


@pytest.mark.parametrize("reading", ["eager", "graph"])
@pytest.mark.parametrize("writing", ["eager", "graph"])
def test_tensorflow_restores_what_minitf_saved(writing, reading, tmp_path, oracle):
    first = ours(writing, None, str(tmp_path / "ckpt"), 3)
    theirs = oracle(ORACLE, reading, first["path"], "", 2)
    agree(theirs["values"], ours(reading, first["path"], None, 2)["values"])


@pytest.mark.parametrize("reading", ["eager", "graph"])
@pytest.mark.parametrize("writing", ["eager", "graph"])
def test_minitf_restores_what_tensorflow_saved(writing, reading, tmp_path, oracle):
    first = oracle(ORACLE, writing, "", str(tmp_path / "ckpt"), 3)
    exact = ours("graph", first["path"], None, 0)["values"]
    assert exact == first["values"], "every value comes back bit for bit"
    mine = ours(reading, first["path"], str(tmp_path / "again"), 2)
    agree(oracle(ORACLE, "graph", mine["path"], "", 0)["values"], mine["values"])
    agree(oracle(ORACLE, reading, first["path"], "", 2)["values"], mine["values"])


def test_both_train_to_the_same_numbers(tmp_path, oracle):
    agree(ours("eager", None, None, 5)["values"], oracle(ORACLE, "eager", "", "", 5)["values"])
