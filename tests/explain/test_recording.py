"""``minitf.record``: what is written down, with which line, and that nothing is different for being recorded."""

import gc
import threading
import weakref

import numpy as np
import pytest
from hypothesis import given, settings

import minitf as tf
from minitf.core import runtime
from minitf.explain.book import book
from minitf.objects import edges
from minitf.testing import twins
from minitf.testing.strategies import restore_programs
from minitf.timeline import Timeline

v1 = tf.compat.v1


class Net(tf.Module):
    def __init__(self):
        super().__init__()
        self.kernel = tf.Variable([1.0, 2.0], name="kernel")
        self.bias = tf.Variable(0.5, name="bias")


class Empty(tf.Module):
    pass


@pytest.fixture
def saved(tmp_path):
    net = Net()
    net.kernel.assign([7.0, 8.0])
    return tf.train.Checkpoint(net=net).write(str(tmp_path / "ckpt"))


def line_of(timeline, event):
    source = timeline.sources[event.place[0]]
    return source.text.splitlines()[event.place[1] - source.first].strip()


def values(timeline):
    return [(e.text.split(" = ")[0], e.data["value"]["text"], e.data["cause"]) for e in timeline.of("value")]


# -- eager ---------------------------------------------------------------------------------------------------------------


def test_objects_edges_and_first_values_appear_in_the_line_that_makes_them():
    with tf.record() as timeline:
        net = Net()
        net.extra = tf.Variable(3, name="extra")
    kinds = [e.kind for e in timeline]
    assert kinds == ["object", "value", "object", "edge", "object", "value", "edge", "object", "value", "edge"]
    assert [e.data["name"] for e in timeline.of("edge")] == ["kernel", "bias", "extra"]
    assert line_of(timeline, timeline.of("edge")[0]) == 'self.kernel = tf.Variable([1.0, 2.0], name="kernel")'
    assert line_of(timeline, timeline[-1]) == 'net.extra = tf.Variable(3, name="extra")'
    assert values(timeline)[0] == ("variable 'kernel'", "[1., 2.]", "initial value")


def test_ops_tell_what_they_read_and_write():
    v = tf.Variable([1.0, 2.0], name="v")
    with tf.record() as timeline:
        y = v + 1.0
        v.assign(y * 2.0)
    assert [e.data["op"] for e in timeline.of("op")] == ["read_variable", "add", "multiply", "assign"]
    read, add, _, assign = timeline.of("op")
    [number] = read.data["reads"]
    assert (add.data["reads"], add.data["writes"], assign.data["writes"]) == ([], [], [number])
    assert add.data["values"] == [{"dtype": "float32", "shape": [2], "text": "[2., 3.]"}]
    assert values(timeline) == [("variable 'v'", "[4., 6.]", "assignment")]


def test_the_states_of_random_ops_are_no_variables():
    with tf.record() as timeline:
        tf.random.normal((2,), seed=1)
        with tf.Graph().as_default(), tf.Session() as session:
            session.run(tf.random.normal((2,), seed=1))
    assert timeline.of("object", "value") == []


def test_an_edge_that_is_deleted_or_redirected_is_told():
    with tf.record() as timeline:
        net = Net()
        del net.bias
        net.kernel = tf.Variable(0.0, name="other")
    assert [(e.kind, e.data["name"]) for e in timeline.of("edge", "edge gone")] == [
        ("edge", "kernel"), ("edge", "bias"), ("edge gone", "bias"), ("edge", "kernel"),
    ]  # fmt: skip


def test_a_restore_that_waits_and_is_served(saved):
    with tf.record() as timeline:
        root = tf.train.Checkpoint()
        status = root.read(saved)
        root.net = Net()
    status.expect_partial()
    [restore] = timeline.of("restore")
    assert restore.data["nodes"][0]["children"][0][0] == "net"
    assert [e.data["name"] for e in timeline.of("waiting")] == ["net"]
    assert line_of(timeline, timeline.of("waiting")[0]) == "status = root.read(saved)"
    assert [e.data["name"] for e in timeline.of("match")] == ["", "net", "kernel", "bias"]
    restored = [e for e in timeline.of("value") if e.data["cause"] == "restore"]
    assert [e.data["value"]["text"] for e in restored] == ["[7., 8.]", "0.5"]
    assert [e.data["key"] for e in restored] == [f"net/{name}/.ATTRIBUTES/VARIABLE_VALUE" for name in ("kernel", "bias")]
    assert {line_of(timeline, e) for e in restored} == {"root.net = Net()"}


def test_a_variable_that_is_made_with_its_stored_value(tmp_path):
    root = tf.train.Checkpoint(optimizer=v1.train.AdamOptimizer(0.1), v=tf.Variable(1.0))
    root.optimizer.minimize(lambda: root.v**2.0)
    path = root.write(str(tmp_path / "ckpt"))
    with tf.record() as timeline:
        later = tf.train.Checkpoint(optimizer=v1.train.AdamOptimizer(0.1), v=tf.Variable(1.0))
        later.read(path).expect_partial()
    made = [e for e in timeline.of("value") if "with which it is made" in e.text]
    assert [e.data["key"].split("/")[3] for e in made] == ["m", "v"]
    assert [e.data["how"] for e in timeline.of("restored") if e.data["key"] == made[0].data["key"]] == ["created"]
    assert [e.data["name"] for e in timeline.of("slot")] == ["m", "v"]


def test_a_failed_restore_says_what_it_took_back(saved):
    class Wrong(tf.Module):
        def __init__(self):
            super().__init__()
            self.kernel = tf.Variable([1.0, 2.0, 3.0])

    with tf.record() as timeline:
        root = tf.train.Checkpoint(net=Wrong())
        with pytest.raises(ValueError):
            root.read(saved)
    [failed] = timeline.of("failed")
    assert [timeline[step].kind for step in failed.data["undone"]].count("match") == 3


def test_saves_and_files(tmp_path):
    checkpoint = tf.train.Checkpoint(v=tf.Variable(1.0))
    with tf.record() as timeline:
        checkpoint.save(tmp_path / "ckpt")
    assert [(e.data["path"], e.data["what"]) for e in timeline.of("file")] == [
        ("ckpt-1.data-00000-of-00001", "written"), ("ckpt-1.index", "written"), ("checkpoint", "written"),
    ]  # fmt: skip
    [save] = timeline.of("save")
    assert save.data["prefix"] == "ckpt-1"
    assert ["v/.ATTRIBUTES/VARIABLE_VALUE", "float32", []] in save.data["values"]


def test_a_managers_deleted_files(tmp_path):
    checkpoint = tf.train.Checkpoint(v=tf.Variable(1.0))
    manager = tf.train.CheckpointManager(checkpoint, tmp_path, max_to_keep=1)
    manager.save()
    with tf.record() as timeline:
        manager.save()
    gone = [e.data["path"] for e in timeline.of("file") if e.data["what"] == "removed"]
    assert sorted(gone) == ["ckpt-1.data-00000-of-00001", "ckpt-1.index"]


def test_a_value_from_before_the_recording_is_told_as_such(tmp_path):
    checkpoint = tf.train.Checkpoint(v=tf.Variable(1.0))
    with tf.record() as timeline:
        checkpoint.v.assign(2.0)
        checkpoint.write(str(tmp_path / "ckpt"))
    assert [e.data["cause"] for e in timeline.of("value")] == ["assignment"]
    with tf.record() as timeline:
        checkpoint.read(str(tmp_path / "ckpt"))
        checkpoint.write(str(tmp_path / "ckpt"))
    assert [e.data["cause"] for e in timeline.of("value")] == ["restore"]
    with tf.record() as timeline:
        tf.train.Checkpoint(v=checkpoint.v)
    assert [e.data["cause"] for e in timeline.of("value")] == ["earlier"]


# -- graph ---------------------------------------------------------------------------------------------------------------


def graph_program(path):
    with tf.Graph().as_default(), tf.Session() as session:
        root = tf.train.Checkpoint(net=Net(), other=tf.Variable(4.0, name="other"))
        status = root.read(path)
        status.initialize_or_restore()
        session.run(root.net.kernel.assign_add([1.0, 1.0]))
        return session.run(root.net.kernel * 2.0)


def test_a_restore_in_a_graph_builds_operations_and_a_session_runs_them(saved):
    with tf.record() as timeline:
        result = graph_program(saved)
    np.testing.assert_array_equal(result, [16.0, 18.0])
    assert [e.data["name"] for e in timeline.of("restore op")] == ["restore/bias", "restore/kernel"]
    arrived = [(e.data["cause"], e.data["value"]["text"], e.data["session"]) for e in timeline.of("value")]
    assert arrived == [
        ("restore", "0.5", 1), ("restore", "[7., 8.]", 1), ("initialiser", "4.", 1), ("assignment", "[8., 9.]", 1)
    ]  # fmt: skip
    for e in timeline.of("value")[:3]:
        assert line_of(timeline, e) == "status.initialize_or_restore()"
    ran = timeline.of("ran")[-1]
    operations = {(e.data["graph"], e.data["operation"]): e.data for e in timeline.of("operation")}
    assert operations[ran.data["graph"], ran.data["operation"]]["op"] == "multiply"
    assert ran.data["value"]["text"] == "[16., 18.]"


def test_restore_operations_that_are_used_again_tell_the_restore_that_ran_them(tmp_path):
    paths = []
    for value in (1.0, 2.0):
        paths.append(tf.train.Checkpoint(v=tf.Variable(value)).write(str(tmp_path / f"{value}")))
    with tf.record() as timeline, tf.Graph().as_default(), tf.Session():
        root = tf.train.Checkpoint(v=tf.Variable(0.0))
        for path in paths:
            root.read(path).run_restore_ops()
    arrived = [(e.data["value"]["text"], e.data["restore"]) for e in timeline.of("value")]
    assert arrived == [("1.", 1), ("2.", 2)]
    assert [e.data["reused"] for e in timeline.of("restore op")] == [False, True]


def test_a_session_that_was_made_before_and_a_graph_that_was_built_before():
    with tf.Graph().as_default() as graph, tf.Session() as session:
        v = tf.Variable(1.0, name="v")
        session.run(v.initializer)
        with tf.record() as timeline:
            session.run(v + 1.0)
        again = session.run(v.assign_add(1.0))
    assert again == 2.0
    assert session.plain
    assert len(timeline.of("operation")) == len(graph.get_operations()) - 2  # all but the last assign_add with its constant
    assert [e.data["value"]["text"] for e in timeline.of("ran")] == ["1.", "2."]


def test_an_error_in_a_run_and_one_that_comes_out():
    with pytest.raises(tf.errors.FailedPreconditionError), tf.record() as timeline:
        with tf.Graph().as_default(), tf.Session() as session:
            session.run(tf.Variable(1.0))
    assert [e.data["type"] for e in timeline.of("error")] == ["FailedPreconditionError"] * 2


# -- by names ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def by_names(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        Net()
        session.run(v1.global_variables_initializer())
        return v1.train.Saver().save(session, str(tmp_path / "names"))


def test_a_restore_by_names_in_eager_mode(by_names):
    net = Net()
    net.kernel.assign([0.0, 0.0])
    with tf.record() as timeline:
        root = tf.train.Checkpoint(kernel=net.kernel)
        root.restore(by_names)
        root.bias = net.bias
    assert [(e.data["key"], e.data["value"]["text"]) for e in timeline.of("value") if e.data["cause"] == "restore"] == [
        ("kernel", "[1., 2.]"), ("bias", "0.5"),
    ]  # fmt: skip
    matches = timeline.of("match")
    assert [line_of(timeline, e) for e in matches] == ["root.restore(by_names)", "root.bias = net.bias"]
    nodes = timeline.of("restore")[0].data["nodes"]
    assert [nodes[e.data["node"]]["values"][0][1] for e in matches] == ["kernel", "bias"]


def test_a_restore_by_names_that_the_status_runs(by_names):
    net = Net()
    net.kernel.assign([0.0, 0.0])
    saver = tf.train.CheckpointableSaver(net)
    with tf.record() as timeline:
        status = saver.restore(by_names)
        status.run_restore_ops()
    restored = [e for e in timeline.of("value") if e.data["cause"] == "restore"]
    assert sorted(e.data["key"] for e in restored) == ["bias", "kernel"]
    assert {line_of(timeline, e) for e in restored} == {"status.run_restore_ops()"}


def test_a_restore_by_names_in_a_graph(by_names):
    with tf.record() as timeline, tf.Graph().as_default(), tf.Session():
        status = tf.train.CheckpointableSaver(Net()).restore(by_names)
        status.run_restore_ops()
    restored = [e for e in timeline.of("value") if e.data["cause"] == "restore"]
    assert sorted((e.data["key"], e.data["session"]) for e in restored) == [("bias", 1), ("kernel", 1)]


# -- nothing is different ------------------------------------------------------------------------------------------------


def program(path):
    root = tf.train.Checkpoint()
    status = root.read(path)
    root.net = Net()
    optimizer = v1.train.MomentumOptimizer(0.1, 0.9)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(root.net.kernel * root.net.bias)
    gradients = tape.gradient(loss, [root.net.kernel])
    optimizer.apply_gradients(zip(gradients, [root.net.kernel], strict=True))
    status.expect_partial()
    return root.net.kernel.numpy(), graph_program(path)


def test_results_are_the_same_and_two_recordings_are_equal(saved):
    plain = program(saved)
    recordings = []
    for _ in range(2):
        tf.reset_default_graph()  # names that are numbered start again
        with tf.record("program") as timeline:
            recorded = program(saved)
        for a, b in zip(plain, recorded, strict=True):
            np.testing.assert_array_equal(a, b)
        recordings.append(timeline)
    assert recordings[0] == recordings[1]
    assert Timeline.from_json(recordings[0].to_json()) == recordings[0]


@pytest.mark.parametrize("mode", ["eager", "graph"])
@given(steps=restore_programs())
@settings(max_examples=15)
def test_programs_of_restores_do_what_they_do_unrecorded_and_can_be_shown_at_any_step(mode, steps):
    with tf.record() as timeline:
        twins.run(steps, mode)  # compares with the reference model after each step
    assert Timeline.from_json(timeline.to_json()) == timeline
    [lane] = book([timeline], "")["lanes"]
    last = len(timeline)
    rows = [*lane["live"], *(row for saved in lane["saved"] for row in saved["rows"])]
    for track in [row[7] for row in rows] + [value["track"] for value in lane["values"]]:
        at = [step for step, *_ in track]
        assert at == sorted(at)
        assert all(0 <= step <= last for step in at)
    for _, _, _, born, gone in lane["matches"]:
        assert 0 < born <= last
        assert gone == -1 or born < gone <= last
    for what in ("operations", "objects", "checkpoint", "match"):
        timeline.to_networkx(what, last // 2)


def test_an_op_inside_tapes_is_noted_once():
    v = tf.Variable(2.0)
    with tf.record() as timeline, tf.GradientTape(persistent=True) as outer:
        with tf.GradientTape() as inner:
            y = tf.square(v)
        inner.gradient(y, v)
    outer.gradient(y, v)
    assert [e.data["op"] for e in timeline.of("op")].count("square") == 1
    with tf.GradientTape() as tape, tf.record() as inside:
        y = tf.square(v)
    assert [e.data["op"] for e in inside.of("op")] == ["read_variable", "square"]
    assert tape.gradient(y, v).numpy() == 4.0


def test_a_function_is_one_op_that_reads_and_writes():
    v = tf.Variable(1.0, name="v")

    @tf.function
    def step(x):
        return v.assign_add(x) * 2.0

    with tf.record() as timeline:
        assert float(step(tf.constant(2.0))) == 6.0
    [op] = [e for e in timeline.of("op") if e.data["op"] == "function"]
    assert op.data["writes"] == [timeline.of("value")[-1].data["object"]]
    assert timeline.of("value")[-1].data["value"]["text"] == "3."


def test_objects_are_not_kept_alive():
    with tf.record() as timeline:
        net = Net()
        gone = weakref.ref(net)
        handle = weakref.ref(net.kernel.handle)
        del net
        gc.collect()
        assert gone() is None
        assert handle() is None
        again = Net()
    assert [e.data["type"] for e in timeline.of("object")].count("Net") == 2
    del again


def test_nothing_stays_behind(saved):
    before = edges.new_tracking
    net = Empty()
    with tf.Graph().as_default() as graph:
        session = tf.Session()
    with tf.record():
        net.v = tf.Variable(1.0)
        late = Net()
        tf.train.Checkpoint(net=late).read(saved)
        with graph.as_default():
            tf.constant(1.0)
        inside = tf.Session(graph=graph)
    assert edges.new_tracking is before
    assert all(s.plain for s in (session, inside))
    assert type(graph._operations) is list
    for obj in (net, late):
        assert not edges.tracking(obj).watchers
    assert tf.executing_eagerly()
    assert type(runtime.current()) is tf.Eager


def test_what_happens_after_the_recording_is_not_in_it():
    with tf.record() as timeline:
        net = Net()
    count = len(timeline)
    net.more = Net()
    net.kernel.assign([0.0, 0.0])
    assert len(timeline) == count


def test_other_threads_are_not_recorded():
    def work():
        net = Net()
        net.kernel.assign_add([1.0, 1.0])
        with tf.Graph().as_default(), tf.Session() as session:
            session.run(tf.constant(1.0) + 1.0)

    with tf.record() as timeline:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert len(timeline) == 0


def test_recordings_nest():
    with tf.record() as outer:
        net = Net()
        with tf.record() as inner:
            net.more = tf.Variable(1.0)
        net.kernel.assign([3.0, 4.0])
    assert [e.data["name"] for e in inner.of("edge")][-1] == "more"
    assert [e.data["name"] for e in outer.of("edge")] == ["kernel", "bias", "more"]
    assert [e.data["value"]["text"] for e in outer.of("value")][-1] == "[3., 4.]"
    assert not edges.tracking(net).watchers


def test_recordings_nest_in_graphs_and_restores(saved):
    with tf.record() as outer, tf.Graph().as_default(), tf.Session() as session:
        root = tf.train.Checkpoint()
        status = root.read(saved)
        with tf.record() as inner:
            tf.constant(1.0, name="inside")
            root.net = Net()
            status.run_restore_ops()
        tf.constant(1.0, name="after")
        session.run(root.net.kernel)
    both = [[e.data["name"] for e in timeline.of("operation")] for timeline in (outer, inner)]
    assert "after" in both[0]
    assert "after" not in both[1]
    assert "inside" in both[0]
    assert "inside" in both[1]
    assert len(outer.of("match")) == 4
    arrived = [e.text for e in outer.of("value")]
    assert len(arrived) == 2
    assert len(inner.of("value")) == 2
    assert outer.of("ran")[-1].data["value"]["text"] == "[7., 8.]"
    assert session.plain


def test_recordings_of_threads_end_in_any_order():
    with tf.Graph().as_default() as graph:
        session = tf.Session()
    begun, ended = threading.Event(), threading.Event()

    def work():
        with tf.record():
            begun.set()
            ended.wait(30)

    thread = threading.Thread(target=work)
    with tf.record() as timeline:
        thread.start()
        assert begun.wait(30)
        with graph.as_default():
            tf.constant(1.0)
    ended.set()
    thread.join()
    assert len(timeline.of("operation")) == 1
    assert edges.new_tracking is edges.Tracking
    assert session.plain
    assert type(graph._operations) is list


def test_a_long_chain_has_short_words(tmp_path):
    def chain(length):
        top = at = tf.Module()
        for _ in range(length):
            at.next = tf.Module()
            at = at.next
        at.v = tf.Variable(1.0)
        return tf.train.Checkpoint(top=top)

    path = chain(400).write(str(tmp_path / "ckpt"))
    with tf.record() as timeline:
        chain(400).read(path).assert_consumed()
    assert max(len(e.text) for e in timeline) < 300
    assert any("….next" in e.text for e in timeline.of("match"))
    [lane] = book([timeline], "")["lanes"]
    assert max(len(place) for place in lane["places"].values()) < 100


def test_the_limit_counts_what_it_leaves_out():
    with tf.record(limit=3) as timeline:
        Net()
    assert len(timeline) == 4
    assert timeline[-1].text == "4 more events were left out: record(limit=3)"


def test_eager_execution_may_be_disabled_inside():
    with tf.record() as timeline:
        v1.disable_eager_execution()
        try:
            v1.reset_default_graph()
            y = tf.constant(1.0) + 1.0
            with tf.Session() as session:
                assert session.run(y) == 2.0
        finally:
            v1.enable_eager_execution()
            v1.reset_default_graph()
    assert [e.data["op"] for e in timeline.of("operation")] == ["const", "const", "add"]
    assert not timeline.of("op")


def test_the_callers_objects_that_compute_their_edges_are_not_asked():
    class Computing(tf.train.Trackable):
        asked = 0

        def _children(self):
            type(self).asked += 1
            return {}

    with tf.record() as timeline:
        net = Empty()
        net.child = Computing()
    assert Computing.asked == 0
    assert len(timeline.of("edge")) == 1
