"""What restoring costs: no recursion, nothing that grows, and no restoration that outlives what waits for it.

Counts of objects and blocks of memory, never times: those are shown by ``scripts/bench --scale``.
"""

import contextlib
import contextvars
import gc
import subprocess
import sys
import textwrap
import threading
import weakref
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

import minitf as tf
from minitf.checkpoint import arrival, requests
from minitf.checkpoint.restoration import Restoration
from minitf.ops.state import assign
from minitf.runtimes.plan import Plan
from minitf.storage.bundle import bundle
from minitf.storage.memory import MemoryStorage
from tests.checkpoint.conftest import WORLDS, Node, build

Saver = tf.train.CheckpointableSaver


# -- no recursion --------------------------------------------------------------------------------------------------------


def chain(length, end):
    """Objects one below the other, and a variable at the end; also the first object and the last."""
    root = last = Node()
    for _ in range(length):
        last.c = last = Node()
    last.v = end
    return root


LENGTH = 30_000
STACK = 2 << 20  # bytes: a chain of 30,000 needs of it what one of 120,000 needs of the usual 8 MiB


@pytest.fixture
def on_a_small_stack():
    """Calls a function, in this context, where little room is for whatever calls itself, be it Python's code or C's."""

    def run(work):
        failed = []

        def guarded():
            try:
                context.run(work)
            except BaseException as error:
                failed.append(error)

        context, before = contextvars.copy_context(), threading.stack_size(STACK)
        try:
            thread = threading.Thread(target=guarded)
            thread.start()
        finally:
            threading.stack_size(before)
        thread.join()
        if failed:
            raise failed[0]

    return run


def test_a_chain_may_be_as_long_as_memory_allows(world, tmp_path, on_a_small_stack):
    assert sys.getrecursionlimit() < LENGTH

    def work():
        saved, root = chain(LENGTH, tf.Variable(5.0)), chain(LENGTH, tf.Variable(0.0))
        world.init()
        path = Saver(saved).save(tmp_path / "x")
        status = Saver(root).restore(path)
        world.run(status)
        status.assert_consumed().assert_existing_objects_matched().assert_nontrivial_match()

        late = Node()
        status = Saver(late).restore(path)
        end = tf.Variable(0.0)
        late.c = chain(LENGTH - 1, end)  # all at once
        world.run(status.assert_consumed())
        assert world.value(end) == 5.0

    on_a_small_stack(work)


def test_a_chain_may_grow_link_by_link_under_a_waiting_restore(world, tmp_path, on_a_small_stack):
    def work():
        saved, root, end = chain(LENGTH, tf.Variable(5.0)), Node(), tf.Variable(0.0)
        world.init()
        status = Saver(root).restore(Saver(saved).save(tmp_path / "x"))
        last = root
        for _ in range(LENGTH):
            last.c = last = Node()
        last.v = end
        world.run(status.assert_consumed())
        assert world.value(end) == 5.0

    on_a_small_stack(work)


# -- nothing grows -------------------------------------------------------------------------------------------------------


def living(kind):
    """How many instances there are."""
    gc.collect()
    return sum(type(o) is kind for o in gc.get_objects())


class Memory:
    """How much is alive: objects that the collector knows, and allocated blocks of memory."""

    def __init__(self):
        gc.collect()
        self.objects, self.blocks = len(gc.get_objects()), sys.getallocatedblocks()

    def assert_no_more_than(self, before):
        """One object for every restore would be thousands."""
        assert self.objects - before.objects < 100
        assert self.blocks - before.blocks < 1000


class Pair(tf.Module):
    """Two values saved and restored jointly."""

    def __init__(self):
        self.a, self.b = tf.Variable(0.0), tf.Variable(0.0)

    def _serialize_to_tensors(self):
        return {"sum": self.a + self.b}

    def _restore_from_tensors(self, tensors):
        return self.a.assign(tensors["sum"])


@pytest.mark.behaviour("S176")
@pytest.mark.parametrize("with_group", [False, True], ids=["variables", "group"])
def test_a_thousand_restores_keep_a_graph_as_it_is(graph, save, with_group):
    make = (lambda: Node(a=tf.Variable(1.0), b=Pair())) if with_group else (lambda: Node(a=tf.Variable(1.0)))
    path = save(make)
    root = make()
    graph.init()
    saver = Saver(root)
    before = None
    for i in range(1000):
        status = saver.restore(path)
        status.assert_consumed().run_restore_ops()
        if i in (10, 999):
            del status
            counts = len(graph.graph.get_operations()), living(Plan), living(Restoration)
            now = SimpleNamespace(counts=counts, memory=Memory())
            if before is None:
                before = now
    assert now.counts == before.counts
    now.memory.assert_no_more_than(before.memory)


def test_restores_of_growing_sets_of_variables_leave_no_plans_behind(graph, save):
    path = save(**{f"v{i}": float(i) for i in range(50)})
    root = Node()
    saver = Saver(root)
    before = living(Plan)
    for i in range(50):
        status = saver.restore(path)
        setattr(root, f"v{i}", tf.Variable(-1.0))
        status.run_restore_ops()
    restored = [graph.graph.get_operation_by_name(f"restore/{v.op.name}") for v in tf.global_variables()]
    assert len(restored) == 50
    assert living(Plan) == before
    assert [graph.value(getattr(root, f"v{i}")) for i in range(50)] == list(range(50))


# -- an evaluation loop --------------------------------------------------------------------------------------------------


def apply_zero_gradients(optimizer, variables):
    return optimizer.apply_gradients([(tf.zeros_like(v), v) for v in variables])


def training_program():
    model = Node(w=tf.Variable([1.0, 2.0]), b=tf.Variable(0.0))
    optimizer = tf.compat.v1.train.AdamOptimizer(0.1)
    apply_zero_gradients(optimizer, [model.w, model.b])
    return Node(model=model, optimizer=optimizer, step=tf.Variable(0, dtype=tf.int64))


def test_ten_thousand_restores_into_a_program_without_the_optimizer_run_in_constant_memory(world, tmp_path):
    storage = MemoryStorage()
    with tf.using(tf.Eager()):
        trained = training_program()
        reader = storage.open(Saver(trained, storage=storage).save(tmp_path / "x"))
    tensors = {key: reader.read(key) for key in reader.keys()}
    step = "step/.ATTRIBUTES/VARIABLE_VALUE"
    assert any("OPTIMIZER_SLOT" in key for key in tensors)

    root = Node(model=Node(w=tf.Variable([0.0, 0.0]), b=tf.Variable(9.0)), step=tf.Variable(0, dtype=tf.int64))
    saver = Saver(root, storage=storage)
    before = None
    for i in range(1, 10_001):
        storage.write(f"evaluation-{i}", {**tensors, step: np.int64(i)})
        status = saver.restore(f"evaluation-{i}").expect_partial()
        status.assert_existing_objects_matched()
        world.run(status)
        storage.remove(f"evaluation-{i - 1}")
        if i == 1000:
            before, restorations = Memory(), living(Restoration)
    Memory().assert_no_more_than(before)
    assert living(Restoration) == restorations
    assert (world.value(root.step), world.value(root.model.w)) == (10_000, [1.0, 2.0])
    root.optimizer = tf.compat.v1.train.AdamOptimizer(0.1)  # the newest restore still waits for it
    apply_zero_gradients(root.optimizer, [root.model.w, root.model.b])
    status.assert_consumed()


# -- a restoration is garbage once nothing waits for it ------------------------------------------------------------------


@contextlib.contextmanager
def no_collector():
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@pytest.mark.behaviour("S86")
def test_without_anything_that_waits_a_restoration_goes_with_its_status(world, save):
    path = save(a=1.0, inner={"b": 2.0})
    root = Node(a=tf.Variable(0.0), inner=Node(b=tf.Variable(0.0)))
    world.init()
    with no_collector():
        status = Saver(root).restore(path)
        world.run(status.assert_consumed())
        gone = weakref.ref(status._restoration)
        del status
        assert gone() is None
        assert world.value(root.inner.b) == 2.0


@pytest.mark.behaviour("S86")
def test_a_restoration_goes_when_the_last_object_has_come(world, save):
    path = save(a=1.0, inner={"b": 2.0})
    root = Node()
    with no_collector():
        status = Saver(root).restore(path)
        gone = weakref.ref(status._restoration)
        root.a, root.inner = tf.Variable(0.0), Node()
        root.inner.b = tf.Variable(0.0)
        world.run(status)
        del status
        assert gone() is None


@pytest.mark.behaviour("S86")
def test_a_restoration_lives_as_long_as_an_object_that_it_waits_on(world, save):
    path = save(a=1.0, inner={"b": 2.0})
    root, inner = Node(), Node()
    with no_collector():
        gone = weakref.ref(Saver(root).restore(path).expect_partial()._restoration)
        assert gone() is not None
        root.inner = inner
        del root
        assert gone() is not None  # inner waits for b
        inner.b = tf.Variable(0.0)
        assert gone() is None


@pytest.mark.behaviour("S86")
def test_an_error_at_an_attachment_keeps_nothing_but_what_still_waits(eager, save):
    root = Node()
    with no_collector():
        gone = weakref.ref(Saver(root).restore(save(a=1.0)).expect_partial()._restoration)
        with pytest.raises(ValueError, match="shape"):
            root.a = tf.Variable([1.0, 2.0])
        assert gone() is not None
        root.a = tf.Variable(0.0)
        gc.collect()  # the error's traceback has frames
        assert gone() is None
    assert root.a.numpy() == 1.0


# -- restore operations in bulk --------------------------------------------------------------------------------------------


SESSIONS = {"bulk": {}, "executor": {"plan": False}, "kernels": {"kernels": {"assign": assign.kernel}}}
NEW = [1.5, 7, [1.0, 2.0], [[1, 2], [3, 4]], b"text", [b"a", b"bc"], [True, False], 2 + 1j, np.float64(3.0), np.ones((0, 2))]
OLD = [0.0, 0, [0.0, 0.0], [[0, 0], [0, 0]], b"", [b"", b""], [False, False], 0j, np.float64(0.0), np.zeros((0, 2))]


def everything(values):
    root = Node(l=[tf.Variable(v) for v in values], inner=Node(v=tf.Variable(values[0])), pair=Pair())
    root.again = root.l[2]
    return root


def in_session(kind, path):
    """All values after a restore, run in a session of one kind; and what each cell's counter says."""
    with tf.Graph().as_default() as graph, tf.Session(**SESSIONS[kind]) as session:
        root = everything(OLD)
        session.run(tf.global_variables_initializer())
        Saver(root).restore(path).assert_consumed().run_restore_ops()
        values = session.run(tf.global_variables())
        writes = [session.store.cell(v.handle).writes for v in tf.global_variables()]
        names = [o.name for o in graph.get_operations() if o.name.startswith("restore/")]
    return [(type(v), np.asarray(v).dtype, np.asarray(v).tolist()) for v in values], writes, names


@pytest.mark.behaviour("S301", mode="graph")
@pytest.mark.parametrize("kind", ["executor", "kernels"])
def test_restore_operations_in_bulk_do_what_they_do_one_by_one(save, kind):
    path = save(lambda: everything(NEW))
    assert in_session("bulk", path) == in_session(kind, path)


@pytest.mark.parametrize("wrong", [[0.0, 0.0], 0], ids=["shape", "dtype"])
def test_in_bulk_as_one_by_one_the_failing_operation_is_named(graph, save, wrong):
    status = Saver(Node(a=tf.Variable(0.0), b=tf.Variable(wrong, name="b"))).restore(save(a=1.0, b=1.0))
    errors = []
    for kind in SESSIONS:
        with tf.Session(graph=graph.graph, **SESSIONS[kind]) as session:
            session.run(tf.global_variables_initializer())
            with pytest.raises(tf.errors.InvalidArgumentError) as caught:
                status.run_restore_ops(session)
            assert [session.store.cell(v.handle).writes for v in tf.global_variables()] == [1, 1]
        errors.append((str(caught.value), caught.value.op.name))
    assert errors[0][1] == "restore/b/read"
    assert errors == [errors[0]] * 3


def test_the_operations_are_the_graph_s_own_and_can_be_fetched(graph, tmp_path):
    storage = MemoryStorage()
    with tf.using(tf.Eager()):
        path = Saver(Node(a=tf.Variable(3.0)), storage=storage).save(tmp_path / "x")
    root = Node(a=tf.Variable(0.0, name="a"))
    Saver(root, storage=storage).restore(path)
    operation = graph.graph.get_operation_by_name("restore/a")
    assert operation.type == "assign"
    assert [i.name for i in operation.inputs] == ["restore/a/read:0"]
    graph.session.run(operation, {"restore/source:0": storage.open(path)})
    assert graph.value(root.a) == 3.0


def test_replaced_kernels_see_every_assignment(graph, save):
    seen = []

    def noting(cell, value):
        seen.append(cell.handle.name)
        return assign.kernel(cell, value)

    with tf.Session(graph=graph.graph, kernels={"assign": noting}) as session:
        root = Node(a=tf.Variable(0.0, name="a"))
        Saver(root).restore(save(a=1.0)).run_restore_ops(session)
        assert (seen, session.run(root.a)) == (["a"], 1.0)


# -- the end of the program ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end, told", [("", False), ("del root, status", True), ("raise SystemExit", False)])
def test_what_was_never_used_is_told_in_the_program_but_not_at_its_exit(save, end, told):
    program = f"""
        import minitf as tf

        root = tf.train.AutoTrackable()
        status = tf.train.CheckpointableSaver(root).restore({save(a=1.0, b=1.0)!r})
        {end}
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert ("never claimed" in done.stderr) is told
    assert told or not done.stderr


# -- the short cut for one variable --------------------------------------------------------------------------------------


def arrivals(world, path):
    """Objects that come one by one, in all ways; what the journal says of each, and the values."""
    root = Node()
    status = Saver(root).restore(path)
    if world.name == "eager":
        with pytest.raises(tf.errors.InvalidArgumentError):
            root.a = tf.Variable(7)
    root.a = tf.Variable(0.0, name="a")
    root.l = []
    root.l.append(tf.Variable([0.0, 0.0], name="l"))
    root.l.append(root.a)  # two in the checkpoint, one in the program
    root.inner = Node(b=tf.Variable(0.0, name="b"))
    created = tf.train.add_variable(root, "c", shape=[])
    root.node = tf.Variable(0.0, name="no_node")  # the checkpoint has a Node there
    root.late = Node(v=None)
    root.late.v = tf.Variable(0.0, name="v")
    world.init()
    world.run(status)
    events = [event._replace(at=0) if hasattr(event, "at") else event for event in status.journal]
    variables = [root.a, root.l[0], root.inner.b, created, root.node, root.late.v]
    return events, [world.value(v) for v in variables], sorted(tf.train.children(root))


@pytest.mark.parametrize("kind", WORLDS)
def test_one_variable_for_one_restore_arrives_as_in_an_attempt(save, kind, monkeypatch):
    late = {"inner": {"b": 5.0}, "c": 6.0, "node": {"x": 8.0}, "late": {"v": 9.0}}
    path = save(lambda: build({"a": 1.0, "l": [tf.Variable([2.0, 3.0]), tf.Variable(4.0)], **late}))
    with WORLDS[kind]().scope() as world:
        short = arrivals(world, path)
    with monkeypatch.context() as patch, WORLDS[kind]().scope() as world:
        patch.setattr("minitf.checkpoint.attempt.restored_alone", lambda *_: False)
        assert arrivals(world, path) == short
    kinds = {type(event).__name__ for event in short[0]}
    assert {"MatchedTwice", "Waiting", "Bound"} < kinds


def layers_that_come(world, path):
    """Layers that arrive empty, or not, or twice, or after one of their variables; the journal, and the values."""
    root = Node()
    status = Saver(root).restore(path)
    root.layers = [Node() for _ in range(3)]
    root.layers.append(Node(w0=tf.Variable(0.0, name="w0")))
    root.early = tf.Variable(0.0, name="early")  # the second of layer 4
    root.layers.append(Node())
    root.layers.append(root.layers[0])
    root.layers.append(tf.Variable(0.0, name="layer"))
    for i, layer in enumerate(root.layers[:5]):
        for k in (2, 0, 1):
            setattr(layer, f"w{k}", tf.Variable(0.0, name=f"v{i}{k}"))
    root.layers += [Node(), Node()]
    world.init()
    world.run(status)
    events = [event._replace(at=0) if hasattr(event, "at") else event for event in status.journal]
    variables = [getattr(layer, f"w{k}") for layer in root.layers[:5] for k in range(3)]
    assert len(status.journal) == len(events)
    assert [type(status.journal[i]) for i in range(len(events))] == [type(event) for event in events]
    return events, [world.value(v) for v in [root.early, *variables]]


@pytest.mark.parametrize("kind", WORLDS)
def test_empty_layers_arrive_as_in_an_attempt(save, kind, monkeypatch):
    def saved():
        root = Node(layers=[])
        for i in range(40):
            root.layers.append(Node(**{f"w{k}": tf.Variable(10.0 * i + k) for k in range(3)}))
        root.early = root.layers[4].w1
        return root

    path, taken = save(saved), []
    short_cut = arrival._layer_came
    monkeypatch.setattr(arrival, "_layer_came", lambda *these: taken.append(short_cut(*these)) or taken[-1])
    with WORLDS[kind]().scope() as world:
        short = layers_that_come(world, path)
    assert set(taken) == {True, False}
    with monkeypatch.context() as patch, WORLDS[kind]().scope() as world:
        patch.setattr("minitf.checkpoint.attempt.restored_alone", lambda *_: False)
        assert layers_that_come(world, path) == short
    assert short[1][:4] == [41.0, 0.0, 1.0, 2.0]
    assert {type(event).__name__ for event in short[0]} > {"MatchedTwice", "Waiting", "Bound"}


def test_restores_of_a_program_that_does_not_exist_yet_run_in_constant_memory(world, tmp_path):
    storage = MemoryStorage()
    with tf.using(tf.Eager()):
        path = Saver(training_program(), storage=storage).save(tmp_path / "x")
    root = Node()
    saver = Saver(root, storage=storage)
    others = living(Restoration)  # what earlier tests have left
    for _ in range(20):
        status = saver.restore(path).expect_partial()
    assert living(Restoration) - others == 1
    root.model = Node(w=tf.Variable([0.0, 0.0]), b=tf.Variable(9.0))
    world.run(status)
    assert world.value(root.model.w) == [1.0, 2.0]


def test_places_that_wait_for_the_same_objects_are_compared_once(eager, tmp_path, monkeypatch):
    """A spine of which every link misses the same large part: the second restore looks at each saved object once."""

    def spine(part):
        root = last = Node()
        for _ in range(100):
            last.next = last = Node()
            if part is not None:
                last.part = part
        return root

    path = Saver(spine(chain(300, tf.Variable(1.0)))).save(tmp_path / "x")
    root = spine(None)
    others = living(Restoration)
    Saver(root).restore(path).expect_partial()
    looks = []
    same = requests._same
    monkeypatch.setattr(requests, "_same", lambda *arguments: looks.append(None) or same(*arguments))
    Saver(root).restore(path).expect_partial()
    assert 300 < len(looks) < 310
    assert living(Restoration) - others == 1


# -- saving again --------------------------------------------------------------------------------------------------------


def by_checkpoint(of_root, **options):
    def made(net):
        checkpoint = tf.train.Checkpoint(root=net) if of_root else tf.train.Checkpoint(net=net)

        def save(path):
            checkpoint.write(path, options=tf.train.CheckpointOptions(**options))
            checkpoint.sync()

        return save

    return made


SAVES = {
    "Checkpoint": by_checkpoint(False),
    "Checkpoint with a root": by_checkpoint(True),
    "without fsync": by_checkpoint(True, durable=False),
    "in the background": by_checkpoint(True, enable_async=True),
    "in the background, without fsync": by_checkpoint(True, enable_async=True, durable=False),
    "CheckpointableSaver": lambda net: Saver(net).save,
    "Saver": lambda net: partial(tf.compat.v1.train.Saver({"a": net.a, "b": net.b}).save, None),
}


@pytest.mark.parametrize("make", SAVES.values(), ids=SAVES)
def test_an_index_is_made_once_and_then_given_new_checksums(eager, tmp_path, monkeypatch, make):
    made = []

    class Counted(bundle.IndexImage):
        def __init__(self, header, layouts):
            made.append(header)
            super().__init__(header, layouts)

    monkeypatch.setattr(bundle, "IndexImage", Counted)
    net = Node(a=tf.Variable(1.0), b=tf.Variable([2.0, 3.0]))
    save = make(net)
    for number in range(4):
        net.a.assign(float(number))
        save(str(tmp_path / f"c-{number}"))
    for number in range(4):
        reader = tf.train.load_checkpoint(tmp_path / f"c-{number}")
        [key] = [key for key, shape in reader.get_variable_to_shape_map().items() if shape == [] and "GRAPH" not in key]
        assert reader.get_tensor(key) == number
    assert len(made) == 1
