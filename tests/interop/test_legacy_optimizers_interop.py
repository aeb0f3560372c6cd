"""``tf.keras.optimizers.legacy``: the same programs under minitf and TensorFlow, and checkpoints that go back and forth.

Each job trains, saves and restores; its result is all that can be seen of the optimizer afterwards. TensorFlow does its jobs in
two processes, because it is slow to start: one that trains and writes, one that restores what minitf wrote.
"""

import json

import numpy as np
import pytest

import minitf as tf
from minitf.checkpoint.reading import saved_graph

pytestmark = pytest.mark.interop

PROGRAM = """
L = tf.keras.optimizers.legacy
KINDS = {
    "SGD": {}, "SGD momentum": dict(momentum=0.9), "SGD nesterov": dict(momentum=0.9, nesterov=True, clipvalue=1.5),
    "SGD decay": dict(decay=0.1, learning_rate=0.05), "SGD schedule": dict(learning_rate=SCHEDULE),
    "SGD function": dict(learning_rate=lambda: 0.05), "SGD variable": dict(learning_rate="variable"),
    "Adam": dict(learning_rate=0.1), "Adam amsgrad": dict(learning_rate=0.1, amsgrad=True, decay=0.01),
    "Adam schedule": dict(learning_rate=SCHEDULE, name="mine"), "Adam clipped": dict(clipvalue=0.5, clipnorm=0.7),
    "Adam clipped together": dict(learning_rate=0.1, global_clipnorm=0.5),
    "RMSprop": dict(learning_rate=0.1), "RMSprop centered": dict(learning_rate=0.1, centered=True),
    "RMSprop momentum": dict(learning_rate=0.1, momentum=0.5), "RMSprop all": dict(momentum=0.5, centered=True, epsilon=1e-4),
    "Adagrad": dict(learning_rate=0.1, initial_accumulator_value=0.0), "Adadelta": dict(learning_rate=0.7),
    "Adamax": dict(learning_rate=0.1), "Nadam": dict(learning_rate=0.1), "Nadam decay": dict(schedule_decay=0.2),
    "Ftrl": dict(learning_rate=0.1),
    "Ftrl all": dict(learning_rate=0.1, l1_regularization_strength=0.01, l2_regularization_strength=0.02,
                     l2_shrinkage_regularization_strength=0.03, beta=0.1, learning_rate_power=-0.4),
}

def objects(kind, dtype="float32"):
    net = tf.Module()
    net.w = tf.Variable(np.array([[1.0, -2.0], [0.5, 3.0]], dtype), name="w")
    net.b = tf.Variable(np.array(0.75, dtype), name="b")
    settings = dict(KINDS[kind])
    if settings.get("learning_rate") == "variable":
        settings["learning_rate"] = tf.Variable(0.05, name="rate")
    return net, getattr(L, kind.split()[0])(**settings)

def loss(net):  # its gradients are apart: a graph of TensorFlow may update one variable before it reads it for the other's
    return tf.reduce_sum(net.w * net.w * net.w * 0.1 + net.w * net.w) + net.b * net.b * 3.0

def plain(value):
    return np.asarray(value).astype("float64").tolist()

def seen(net, optimizer, read):
    hypers = [v for _, v in sorted(optimizer._hyper.items()) if isinstance(v, tf.Variable)]
    config = optimizer.get_config()
    rate = config.pop("learning_rate")
    rate = [rate["class_name"], rate["config"]] if isinstance(rate, dict) else float(rate)
    return {
        "values": [[v.name, plain(read(v))] for v in [net.w, net.b, *optimizer.variables(), *hypers]],
        "edges": edges(optimizer), "slots": list(optimizer.get_slot_names()),
        "config": {"learning_rate": rate, **{k: v if isinstance(v, (str, bool)) else float(v) for k, v in config.items()}},
    }

def eager(kind, restore, save, steps, order="restore last", dtype="float32", wrap=lambda f: f):
    if restore and order == "restore first":
        checkpoint = tf.train.Checkpoint()
        status = checkpoint.restore(restore)
        net, optimizer = objects(kind, dtype)
        checkpoint.optimizer = optimizer
        checkpoint.net = net
    else:
        net, optimizer = objects(kind, dtype)
        checkpoint = tf.train.Checkpoint(net=net, optimizer=optimizer)
        if order == "restore over":
            optimizer.minimize(lambda: loss(net), [net.w, net.b])
            optimizer.minimize(lambda: loss(net), [net.w, net.b])
        status = checkpoint.restore(restore) if restore else None

    @wrap
    def step():
        optimizer.minimize(lambda: loss(net), [net.w, net.b])

    for _ in range(steps):
        step()
    if status is not None and steps:
        status.assert_consumed()
    if save:
        checkpoint.save(save)
    return seen(net, optimizer, lambda v: v.numpy())

def function(*arguments, **more):
    return eager(*arguments, **more, wrap=tf.function)

def graph(kind, restore, save, steps):
    with tf.Graph().as_default(), v1.Session() as session:
        net, optimizer = objects(kind)
        gradients = optimizer.get_gradients(loss(net), [net.w, net.b])
        step = optimizer.apply_gradients(zip(gradients, [net.w, net.b]))
        checkpoint = v1.train.Checkpoint(net=net, optimizer=optimizer)
        status = checkpoint.restore(restore)
        if restore:
            status.assert_consumed().run_restore_ops(session)
        else:
            session.run(v1.global_variables_initializer())
        for _ in range(steps):
            session.run(step)
        if save:
            checkpoint.save(save, session=session)
        return seen(net, optimizer, session.run)

def late(kind, restore, save, steps):
    net, optimizer = objects(kind)
    other = tf.Variable(2.0, name="other")
    checkpoint = tf.train.Checkpoint(optimizer=optimizer)
    status = checkpoint.restore(restore)
    optimizer.minimize(lambda: other * other, [other])
    checkpoint.net = net
    for _ in range(steps):
        optimizer.minimize(lambda: loss(net), [net.w, net.b])
        optimizer.minimize(lambda: other * other + loss(net), lambda: [other, net.w])
    return seen(net, optimizer, lambda v: v.numpy())

def uses():  # what many small calls give: values, names of variables, the kind of an error
    out = []

    def told(x):
        if isinstance(x, tf.Variable):
            return ["variable", x.name, x.dtype.name, plain(x.numpy())]
        if isinstance(x, (list, tuple)):
            return [told(y) for y in x]
        if isinstance(x, dict):
            return {k: told(v) for k, v in x.items() if k not in ("module", "registered_name")}
        if x is None or isinstance(x, (str, bool)):
            return x
        return plain(x) if isinstance(x, (int, float, np.generic, np.ndarray)) or tf.is_tensor(x) else type(x).__name__

    def tried(call):
        try:
            out.append(told(call()))
        except Exception as error:
            out.append(type(error).__name__)

    for kind in KINDS:
        name, w = kind.split()[0], tf.Variable([1.0, -2.0], name="w")
        square = lambda: tf.reduce_sum(w * w)
        fresh = lambda **more: getattr(L, name)(**{**KINDS[kind], "learning_rate": 0.05, **more})
        for more in (
            {}, {"clipnorm": 1.0, "clipvalue": 2.0}, {"global_clipnorm": 3.0}, {"name": "mine"}, {"decay": 0.5}, {"decay": 0},
            {"clipnorm": -1.0}, {"clipnorm": 1.0, "global_clipnorm": 1.0}, {"momenta": 1}, {"clipvalue": 0.0},
            {"learning_rate": 1}, {"learning_rate": SCHEDULE}, {"epsilon": None}, {"epsilon": 0.0}, {"momentum": 2.0},
            {"initial_accumulator_value": -1.0}, {"learning_rate_power": 1.0}, {"schedule_decay": 0.1}, {"clipnorm": None},
        ):
            tried(lambda: fresh(**more).get_config())
            tried(lambda: type(fresh()).from_config(fresh(**more).get_config()).get_config())
        o = fresh()
        tried(lambda: [o.get_slot_names(), o.variables(), o.get_weights(), edges(o)])
        tried(lambda: o.get_slot(w, "m"))
        tried(lambda: [o.lr, o.learning_rate, edges(o), o.variables()])
        if name != "Nadam":  # Keras' stumbles over an empty list
            tried(lambda: o.apply_gradients([]))
        tried(lambda: o.iterations)
        tried(lambda: o.apply_gradients([(None, w)]))
        tried(lambda: o.minimize(square, [w]) and None)
        tried(lambda: o.minimize(square(), [w]))
        tried(lambda: [o.variables(), o.weights, o.get_slot_names(), o.get_weights()])
        tried(lambda: o.set_weights([x * 0 + 2 for x in o.get_weights()]))
        tried(lambda: o.minimize(square, lambda: [w], name="step") and None)
        tried(lambda: [w, o.get_weights()])
        tried(lambda: o.set_weights(o.get_weights()[1:]))
        tried(lambda: o.set_weights([*o.get_weights(), np.zeros(2)]))
        tried(lambda: o.set_weights([np.zeros(3) for _ in o.get_weights()]))
        tried(lambda: setattr(o, "lr", 0.25))
        tried(lambda: [o.lr, o.get_config()])
        tried(lambda: setattr(o, "learning_rate", SCHEDULE))
        tried(lambda: [o.lr, o.get_config(), edges(o)])
        tried(lambda: o.nothing)
        tried(lambda: setattr(o, "iterations", w))
        tried(lambda: [o.add_slot(w, "zeros"), o.add_slot(w, "ones", "ones"), o.add_slot(w, "one", 1.0)])
        tried(lambda: o.add_slot(w, "long", shape=[3]))
        tried(lambda: [o.add_weight("own", [2], initializer="ones"), edges(o), o.variables()])
        tried(lambda: [n for n in dir(o) if n in ("lr", "learning_rate", "beta_1", "rho", "momentum", "decay")])
        tried(lambda: fresh(clipnorm=1.0, gradient_transformers=[list]))
        scale = lambda by: lambda pairs: [(g * by, v) for g, v in pairs]
        unlimited = dict.fromkeys(("clipnorm", "clipvalue", "global_clipnorm"))
        o = fresh(gradient_transformers=[scale(2.0)], gradient_aggregator=scale(0.5), **unlimited)
        tried(lambda: o.minimize(square, [w], grad_loss=tf.constant(2.0)) and None)
        g = tf.constant([1.0, 2.0])
        tried(lambda: o.apply_gradients([(g, w)], experimental_aggregate_gradients=False) and None)
        tried(lambda: [w, o.get_weights()])
        tried(lambda: o.apply_gradients([(tf.constant([float("nan"), 1.0]), w)]) and None)
        tried(lambda: o.apply_gradients([(tf.constant([1.0, float("inf")]), w)]) and None)
        tried(lambda: [w, o.get_weights()])
    return out

def fitted(kind, restore, save, steps):
    K = tf.keras
    model = K.Sequential([K.layers.Dense(3, activation="tanh", name="first"), K.layers.Dense(1, name="last")])
    model.compile(getattr(L, kind.split()[0])(**KINDS[kind]), "mse")
    x = (np.arange(12.0).reshape(6, 2) / 12).astype("float32")
    model.build((None, 2))
    model.set_weights([np.full(v.shape, 0.1 * (i + 1), "float32") for i, v in enumerate(model.weights)])
    model.fit(x, x[:, :1] * x[:, 1:], batch_size=3, epochs=steps, shuffle=False, verbose=0)
    model.optimizer.lr = 0.01
    model.fit(x, x[:, :1] * x[:, 1:], batch_size=3, epochs=1, shuffle=False, verbose=0)
    if save:
        tf.train.Checkpoint(model=model).save(save)
    return {"values": [[v.name, plain(v.numpy())] for v in [*model.weights, *model.optimizer.weights]],
            "edges": edges(model.optimizer), "slots": model.optimizer.get_slot_names(), "config": float(model.optimizer.lr)}
"""
SCHEDULE = "SCHEDULE = tf.keras.optimizers.schedules.ExponentialDecay(0.1, 3, 0.5)\n"
THEIRS = "import json, sys\nimport numpy as np\nimport tensorflow as tf\nv1 = tf.compat.v1\n" + SCHEDULE + PROGRAM + """
def edges(optimizer):
    return list(optimizer._trackable_children())

out = {}
for name, maker, arguments, more in json.loads(open(sys.argv[1]).read()):
    try:
        out[name] = globals()[maker](*arguments, **more)
    except Exception as error:
        out[name] = repr(error)
print(json.dumps(out))
"""  # fmt: skip
OURS = {"tf": tf, "v1": tf.compat.v1, "np": np, "edges": lambda optimizer: list(tf.train.children(optimizer))}
exec(SCHEDULE + PROGRAM, OURS)
KINDS = list(OURS["KINDS"])
ORDERS = ["restore first", "restore last", "restore over"]
FITTED = ["SGD momentum", "Adam", "RMSprop momentum", "Ftrl all"]


def jobs(folder, other):
    """For each result its name, the function that computes it, and arguments. ``other``: what the other side wrote, or None."""
    out = []
    for kind in KINDS:
        for mode in ("eager", "graph"):
            path = f"{kind}-{mode}".replace(" ", "_")
            if other is None:
                out.append((f"{kind} {mode} written", mode, [kind, None, f"{folder}/{path}", 3], {}))
                continue
            out.append((f"{kind} {mode} read in graph", "graph", [kind, f"{other}/{path}-1", None, 3], {}))
            for order in ORDERS:
                out.append((f"{kind} {mode} {order}", "eager", [kind, f"{other}/{path}-1", None, 3], {"order": order}))
            out.append((f"{kind} {mode} attached late", "late", [kind, f"{other}/{path}-1", None, 2], {}))
            out.append((f"{kind} {mode} as it was", "eager", [kind, f"{other}/{path}-1", None, 0], {"order": "restore over"}))
        if other is None:
            out.append((f"{kind} double", "eager", [kind, None, None, 6], {"dtype": "float64"}))
            out.append((f"{kind} function", "function", [kind, None, None, 6], {}))
            out.append((f"{kind} on", "eager", [kind, None, None, 6], {}))
    if other is None:
        out.append(("uses", "uses", [], {}))
        for kind in FITTED:
            out.append((f"{kind} fitted", "fitted", [kind, None, f"{folder}/{kind}-fitted".replace(" ", "_"), 2], {}))
    return out


def ours(wanted):
    with np.errstate(all="ignore"):  # some gradients are not numbers
        return {name: OURS[maker](*arguments, **more) for name, maker, arguments, more in wanted}


@pytest.fixture(scope="module")
def theirs(oracle, tmp_path_factory):
    folder = tmp_path_factory.mktemp("jobs")

    def run(wanted):
        (folder / "jobs.json").write_text(json.dumps(wanted))
        return oracle(THEIRS, folder / "jobs.json")

    return run


@pytest.fixture(scope="module")
def written(theirs, tmp_path_factory):
    """What both sides see after training and writing, and the folders of their checkpoints."""
    mine, other = tmp_path_factory.mktemp("minitf"), tmp_path_factory.mktemp("tensorflow")
    return mine, ours(jobs(mine, None)), other, theirs(jobs(other, None))


@pytest.fixture(scope="module")
def read_by_tensorflow(theirs, written):
    mine, _, _, _ = written
    return theirs(jobs(None, mine))


# A few roundings a step: TensorFlow fuses some multiplications and additions, and rewrites its graphs and functions.
BOUND = 2e-6
FITTED_BOUND = 1e-5


def agree(one, other, bound=BOUND):
    assert not isinstance(other, str), other
    assert {**one, "values": [name for name, _ in one["values"]]} == {
        **other, "values": [name for name, _ in other["values"]]}  # fmt: skip
    for (name, value), (_, expected) in zip(one["values"], other["values"], strict=True):
        assert np.shape(value) == np.shape(expected), name
        np.testing.assert_allclose(value, expected, rtol=bound, atol=bound / 10, err_msg=name)


@pytest.mark.parametrize("what", ["eager written", "graph written", "double", "function", "on"])
@pytest.mark.parametrize("kind", KINDS)
def test_both_train_to_the_same_numbers_under_the_same_names(written, kind, what):
    _, one, _, other = written
    agree(one[f"{kind} {what}"], other[f"{kind} {what}"])


@pytest.mark.parametrize(
    "kind, mode", [*((k, m) for k in KINDS for m in ("eager", "graph")), *((k, "fitted") for k in FITTED)]
)
def test_both_write_the_same_object_graph(written, kind, mode):
    mine, _, other, _ = written
    graphs = [saved_graph(f"{folder}/{kind}-{mode}-1".replace(" ", "_")) for folder in (mine, other)]
    assert looks(graphs[0]) == looks(graphs[1])


def looks(graph):
    """Every object of a saved graph by its first path: its edges, names and keys of values, and slots, in their order."""
    paths, queue = {0: "root"}, [0]
    for node in queue:
        for edge, child in graph.nodes[node].children:
            if child not in paths and edge not in ("train_function", "train_tf_function"):  # they hold nothing
                paths[child] = f"{paths[node]}.{edge}"
                queue.append(child)
    return {
        path: (
            [edge for edge, child in graph.nodes[n].children if child in paths],
            [(v.full_name, v.key) for v in graph.nodes[n].values],
            [(paths[s.variable], s.slot_name, *[v.key for v in graph.nodes[s.slot].values]) for s in graph.nodes[n].slots],
        )
        for n, path in paths.items()
    }


def test_small_calls_give_the_same(written):
    _, one, _, other = written
    assert len(one["uses"]) == len(other["uses"])
    for mine, theirs in zip(one["uses"], other["uses"], strict=True):
        assert rounded(mine) == rounded(theirs)


def rounded(x):
    if isinstance(x, dict):
        return {k: rounded(v) for k, v in x.items()}
    return [rounded(y) for y in x] if isinstance(x, list) else f"{x:.5g}" if isinstance(x, float) else x


@pytest.mark.parametrize("kind", FITTED)
def test_models_are_compiled_with_them(written, kind):
    _, one, _, other = written
    agree(one[f"{kind} fitted"], other[f"{kind} fitted"], FITTED_BOUND)


@pytest.mark.parametrize("job", [name for name, *_ in jobs(None, "other")])
class TestCheckpoints:
    def test_tensorflow_goes_on_from_minitfs(self, written, read_by_tensorflow, job):
        mine, _, _, _ = written
        [wanted] = [j for j in jobs(None, mine) if j[0] == job]
        agree(ours([wanted])[job], read_by_tensorflow[job])

    def test_minitf_goes_on_from_tensorflows(self, written, read_by_tensorflow, job):
        _, _, other, theirs = written
        [wanted] = [j for j in jobs(None, other) if j[0] == job]
        found = ours([wanted])[job]
        agree(found, read_by_tensorflow[job])
        if job.endswith("as it was"):
            before = theirs[job.replace("as it was", "written")]["values"]
            assert [value for _, value in found["values"]] == [value for _, value in before], "every value, bit for bit"
