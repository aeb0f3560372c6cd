"""``status.explain()``: the state of every value, where it comes from, and that asking changes nothing."""

import gc
import weakref

import numpy as np
import pytest

import minitf as tf
from minitf.explain.why import Explanation, State, Stop, Why
from tests.checkpoint.conftest import Node
from tests.explain.watch import everything_about

Saver = tf.train.CheckpointableSaver


def states(explanation):
    """By saved path, or live path where there is no saved one."""
    return {row.saved or row.live: row.state for row in explanation.rows}


def row_of(explanation, path):
    [row] = [row for row in explanation.rows if path in (row.saved, row.live)]
    return row


def test_everything_restored_is_complete(world, save):
    root = Node(a=tf.Variable(0.0), b=tf.Variable([0.0]))
    status = Saver(root).restore(save(a=1.0, b=[2.0]))
    world.run(status)
    told = status.explain()
    assert told.complete
    assert told.causes == []
    assert [row.state for row in told.rows] == [State.RESTORED] * 2
    assert [(row.saved, row.live, row.key) for row in told.rows] == [
        ("(root).a", "(root).a", "a/.ATTRIBUTES/VARIABLE_VALUE"), ("(root).b", "(root).b", "b/.ATTRIBUTES/VARIABLE_VALUE"),
    ]  # fmt: skip
    assert len(str(told).splitlines()) == 1


def test_each_side_has_its_rows_and_the_walk_says_where_it_stopped(world, save):
    root = Node(a=tf.Variable(0.0), more=Node(deep=tf.Variable(0.0)))
    status = Saver(root).restore(save(a=1.0, x={"y": {"z": 5.0}})).expect_partial()
    world.run(status)
    told = status.explain()
    assert states(told) == {
        "(root).a": State.RESTORED, "(root).x.y.z": State.WAITING, "(root).more.deep": State.MISSING,
    }  # fmt: skip
    assert row_of(told, "(root).x.y.z").stop == Stop("(root)", "x")
    assert row_of(told, "(root).more.deep").stop == Stop("(root)", "more")


def test_what_arrives_later_is_told_later(world, save):
    root = Node()
    status = Saver(root).restore(save(a=1.0))
    assert states(status.explain()) == {"(root).a": State.WAITING}
    root.a = tf.Variable(0.0)
    world.run(status)
    assert states(status.explain()) == {"(root).a": State.RESTORED}


def test_slots_wait_for_optimizer_variable_or_the_program(world, tmp_path):
    with tf.using(tf.Eager()):
        v, optimizer = tf.Variable([1.0]), tf.train.MomentumOptimizer(0.1, 0.9)
        optimizer.minimize(lambda: v * v)
        path = Saver(Node(v=v, optimizer=optimizer)).save(str(tmp_path / "c"))
    slot = "slot momentum of (root).v"
    no_optimizer = Saver(Node(v=tf.Variable([0.0]))).restore(path).expect_partial()
    assert states(no_optimizer.explain())[slot] is State.WAITING_OPTIMIZER
    root = Node(optimizer=tf.train.MomentumOptimizer(0.1, 0.9))
    no_variable = Saver(root).restore(path).expect_partial()
    assert states(no_variable.explain())[slot] is State.WAITING_VARIABLE
    root.v = tf.Variable([0.0])
    world.run(no_variable)
    expected = State.RESTORED if world.name == "eager" else State.WAITING_SLOT
    assert states(no_variable.explain())[slot] is expected


def test_a_later_restore_supersedes(world, save):
    root = Node(a=tf.Variable(0.0))
    saver = Saver(root)
    first, second = saver.restore(save(a=1.0, b=1.0)), saver.restore(save(a=2.0, b=2.0))
    world.run(second)
    told = first.explain()
    assert states(told) == {"(root).a": State.SUPERSEDED, "(root).b": State.SUPERSEDED}
    assert {row.by for row in told.rows} == {second.explain().restore}
    assert told.causes[0].kind is Why.SUPERSEDED
    assert second.explain().source in str(told)
    assert states(second.explain()) == {"(root).a": State.RESTORED, "(root).b": State.WAITING}


def test_one_object_for_two_and_two_for_one(world, save):
    shared = Node(v=tf.Variable(0.0))
    merged = Saver(Node(a=shared, b=shared)).restore(save(a={"v": 1.0}, b={"v": 2.0}))
    world.run(merged)
    assert states(merged.explain()) == {"(root).a.v": State.RESTORED, "(root).b.v": State.TWICE}

    def shared_root():
        one = Node(v=tf.Variable(1.0))
        return Node(a=one, b=one)

    split = Saver(Node(a=Node(v=tf.Variable(0.0)), b=Node(v=tf.Variable(0.0)))).restore(save(shared_root))
    world.run(split)
    told = split.explain()
    assert states(told) == {"(root).a.v": State.RESTORED, "(root).b.v": State.TWICE}
    [cause] = told.causes
    assert (cause.kind, cause.path) == (Why.SPLIT, "(root).b")


def test_a_value_that_the_object_has_no_place_for(world, save):
    status = Saver(Node(a=Node(), b=tf.Variable(0.0))).restore(save(a=1.0, b=2.0)).expect_partial()
    world.run(status)
    assert states(status.explain()) == {"(root).a": State.UNUSED, "(root).b": State.RESTORED}


# -- where values come from ------------------------------------------------------------------------------------------------


def test_eager_provenance(eager, save):
    root = Node(net=Node(w=tf.Variable(0.0)))
    path = save(net={"w": 1.0})
    status = Saver(root).restore(path)
    told = row_of(status.explain(), "(root).net.w").provenance
    assert (told.key, told.source, told.restore) == ("net/w/.ATTRIBUTES/VARIABLE_VALUE", path, status.journal.uid)
    assert (told.edge, told.overwrote, told.writes_since, told.made) == ("(root).net.w", "initialiser", 0, False)
    root.net.w.assign(5.0)
    root.net.w.assign_add(1.0)
    told = row_of(status.explain(), "(root).net.w").provenance
    assert told.writes_since == 2
    assert str(told).endswith(
        f"of {path} by restore {status.journal.uid}, because edge net.w matched; it overwrote the initialiser; later written "
        "twice by the program"
    )


def test_a_variable_made_with_its_value(eager, save):
    root = Node()
    status = Saver(root).restore(save(w=[1.0, 2.0]))
    root.w = tf.Variable([0.0, 0.0])
    assert row_of(status.explain(), "(root).w").provenance.overwrote == "initialiser"
    other = tf.train.Checkpoint()
    status = other.restore(tf.train.Checkpoint(x=tf.Variable(1.0)).save(save(a=1.0)))
    assert row_of(status.explain(), "(root).save_counter").provenance.made


def test_the_value_of_another_restore(world, save):
    root = Node(a=tf.Variable(0.0), b=tf.Variable(0.0))
    saver, first_path, second_path = Saver(root), save(a=1.0, b=1.0), save(a=2.0)
    world.init()
    first = saver.restore(first_path)
    world.run(first)
    second = saver.restore(second_path)
    world.run(second)
    a = row_of(first.explain(), "(root).a")
    assert (a.state, a.provenance.source, a.provenance.restore) == (State.SUPERSEDED, second_path, second.journal.uid)
    b = row_of(second.explain(), "(root).b")
    assert (b.state, b.provenance.source, b.provenance.restore) == (State.MISSING, first_path, first.journal.uid)
    assert row_of(second.explain(), "(root).a").provenance.overwrote == f"restore {first.journal.uid}"


def test_in_a_graph_the_counter_tells_initialiser_restore_and_program_apart(graph, save):
    root = Node(a=tf.Variable(0.0, name="a"))
    status = Saver(root).restore(save(a=1.0))

    def told():
        return row_of(status.explain(), "(root).a").provenance

    assert str(told()) == "no value yet"
    status.run_restore_ops()
    assert (told().overwrote, told().writes_since) == ("nothing", 0)
    graph.init()
    assert told().initialised_since
    status.run_restore_ops()
    assert (told().overwrote, told().initialised_since) == ("initialiser", False)
    root.a.load(3.0, graph.session)
    assert (told().writes_since, told().initialised_since) == (1, False)
    status.run_restore_ops()
    assert told().overwrote == "written value"


@pytest.mark.parametrize("plan", [True, False], ids=["plan", "executor"])
def test_a_first_value_that_is_fed_is_no_initialiser(plan):
    with tf.Graph().as_default(), tf.Session(plan=plan) as session:
        v = tf.Variable(1.0)
        cell = session.store.cell(v.handle)
        session.run(v.initializer)
        assert (cell.writes, cell.initialised) == (1, 1)
        v.load(2.0, session)
        assert (cell.writes, cell.initialised) == (2, 1)
        session.run(v.initializer)
        assert (cell.writes, cell.initialised) == (3, 3)


# -- sessions --------------------------------------------------------------------------------------------------------------


def test_which_session_is_spoken_of(save):
    path = save(a=1.0)
    with tf.Graph().as_default():
        status = Saver(Node(a=tf.Variable(0.0))).restore(path)
        assert status.explain().session == "none"
        first, second = tf.Session(), tf.Session()
        status.run_restore_ops(first)
        assert (status.explain().session, status.explain().complete) == ("last run", True)
        assert (status.explain(second).session, states(status.explain(second))["(root).a"]) == ("given", State.NOT_RUN)
        with second.as_default():
            assert status.explain().session == "default"
            assert not status.explain().complete
            assert status.explain(first).complete
    with tf.Graph().as_default(), tf.Session():
        assert status.explain().session == "other graph"
        with pytest.raises(ValueError, match="another graph"):
            status.explain(tf.Session())


def test_a_session_is_held_weakly(save):
    with tf.Graph().as_default():
        status = Saver(Node(a=tf.Variable(0.0))).restore(save(a=1.0))
        session = tf.Session()
        status.run_restore_ops(session)
        gone = weakref.ref(session.store)
        session.close()
        del session
        gc.collect()
        assert gone() is None
        assert states(status.explain()) == {"(root).a": State.NOT_RUN}
        assert status.explain().causes[0].kind is Why.OTHER_SESSION


def test_an_explanation_keeps_no_object_alive(world, save):
    root = Node(a=tf.Variable(0.0), n=Node())
    status = Saver(root).restore(save(a=1.0, n={"b": 1.0})).expect_partial()
    told, gone, restoration = status.explain(), weakref.ref(root.n), weakref.ref(status._restoration)
    del root, status
    gc.collect()
    assert gone() is None
    assert restoration() is None
    assert len(told.rows) == 2


def test_a_stream_of_restores_is_told_of_as_it_runs(graph, save):
    root = Node(a=tf.Variable(0.0))
    status = Saver(root).restore(save(a=1.0, b=2.0))
    tf.train.streaming_restore(status, graph.session)
    root.b = tf.Variable(0.0)
    told = status.explain()
    assert told.complete
    root.b.load(5.0, graph.session)
    assert row_of(status.explain(), "(root).b").provenance.writes_since == 1
    other = Saver(root).restore(save(c=1.0)).expect_partial()
    assert row_of(other.explain(), "(root).b").provenance.restore == status.journal.uid


def test_a_restore_of_nothing(world, save):
    root = Node(a=tf.Variable(1.0), b=tf.Variable(2.0))
    status = Saver(root).restore(None)
    Saver(Node(b=root.b)).restore(save(b=5.0))
    begun = State.INITIALISED if world.name == "eager" else State.MISSING
    assert states(status.explain()) == {"(root).a": begun, "(root).b": State.SUPERSEDED}
    status.initialize_or_restore()
    assert states(status.explain()) == {"(root).a": State.INITIALISED, "(root).b": State.SUPERSEDED}


# -- asking changes nothing ------------------------------------------------------------------------------------------------


def test_asking_changes_nothing(world, tmp_path, save):
    with tf.using(tf.Eager()):
        v, optimizer = tf.Variable([1.0]), tf.train.AdamOptimizer(0.1)
        optimizer.minimize(lambda: v * v)
        path = Saver(Node(v=v, late=Node(w=tf.Variable(1.0)), optimizer=optimizer)).save(str(tmp_path / "c"))
    root = Node(v=tf.Variable([0.0]), optimizer=tf.train.AdamOptimizer(0.1), more=tf.Variable(0.0))
    status = Saver(root).restore(path).expect_partial()
    world.init()
    world.run(status)
    before = everything_about(root, status, world)
    told = status.explain()
    for show in (str, repr, Explanation.to_json, Explanation._repr_html_, Explanation.to_networkx):
        show(told)
    assert everything_about(root, status, world) == before


def test_states_are_counted(eager, save):
    root = Node(l=[tf.Variable(np.zeros(2)) for _ in range(300)])
    told = Saver(root).restore(save(lambda: Node(l=[tf.Variable(np.ones(2)) for _ in range(301)]))).expect_partial().explain()
    assert told.counts == {State.RESTORED: 300, State.WAITING: 1}


# -- what it rests on ------------------------------------------------------------------------------------------------------


OPTIMIZERS = {
    "sgd": lambda: tf.train.GradientDescentOptimizer(0.1),
    "momentum": lambda: tf.train.MomentumOptimizer(0.1, 0.9),
    "adagrad": lambda: tf.train.AdagradOptimizer(0.1),
    "rmsprop": lambda: tf.train.RMSPropOptimizer(0.1),
    "rmsprop, centered": lambda: tf.train.RMSPropOptimizer(0.1, centered=True),
    "adam": lambda: tf.train.AdamOptimizer(0.1),
}


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_optimizers_say_which_slots_they_can_make(eager, make):
    optimizer, v = make(), tf.Variable([1.0])
    optimizer.apply_gradients([(tf.constant([1.0]), v)])
    assert set(optimizer.get_slot_names()) <= optimizer._slot_kinds
    assert optimizer._slot_kinds - set(optimizer.get_slot_names()) <= {"mg"}


def test_a_thousand_runs_keep_the_counters_of_the_last(graph, save):
    root = Node(a=tf.Variable(0.0), b=tf.Variable(0.0))
    status = Saver(root).restore(save(a=1.0, b=2.0))
    for i in range(20):
        root.a.load(float(i), graph.session)
        status.run_restore_ops()
    runs = [event.writes for event in status.journal if type(event).__name__ == "Ran"]
    assert runs[:-1] == [{}] * 19
    assert runs[-1] == {"restore/Variable": 40, "restore/Variable_1": 20}
    assert status.explain().complete
    assert row_of(status.explain(), "(root).b").provenance.writes_since == 0


def test_files_that_are_gone_are_not_asked_for(eager, save, tmp_path):
    root = Node(a=tf.Variable(0.0))
    status = Saver(root).restore(save(a=1.0, b=2.0)).expect_partial()
    for file in tmp_path.iterdir():
        file.unlink()
    assert status.explain().counts == {State.RESTORED: 1, State.WAITING: 1}
