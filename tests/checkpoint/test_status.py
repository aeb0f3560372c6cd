"""What restore returns: assertions, running, initialising."""

import copy
import gc
import logging
import pickle
import subprocess
import sys
import textwrap

import pytest

import minitf as tf
from tests.checkpoint.conftest import Node

Saver = tf.train.CheckpointableSaver


def name_based(tmp_path, **values):
    """A file without an object graph."""
    with tf.using(tf.Eager()):
        variables = {name: tf.Variable(value) for name, value in values.items()}
        return tf.train.Saver(variables).save(None, str(tmp_path / "named"))


@pytest.mark.behaviour("S190")
def test_the_kind_of_status_tells_the_kind_of_checkpoint(world, save, tmp_path):
    saver = Saver(Node())
    assert type(saver.restore(save(a=1.0))) is tf.train.CheckpointLoadStatus
    assert type(saver.restore(None)) is tf.train.InitializationOnlyStatus
    assert type(saver.restore(name_based(tmp_path, a=1.0))) is tf.train.NameBasedSaverStatus


@pytest.mark.behaviour("S191")
def test_assertions_give_the_status_and_running_gives_nothing(world, save):
    root = Node(a=tf.Variable(0.0))
    status = Saver(root).restore(save(a=1.0))
    for question in (
        status.assert_consumed, status.assert_existing_objects_matched, status.assert_nontrivial_match, status.expect_partial,
    ):  # fmt: skip
        assert question() is status
    assert status.run_restore_ops() is None
    assert status.initialize_or_restore() is None


@pytest.mark.behaviour("S192", "S202")
def test_an_unmatched_object_with_a_value_is_found_whenever_it_comes(world, save):
    root = Node(a=tf.Variable(0.0))
    status = Saver(root).restore(save(a=1.0))
    status.assert_consumed()
    root.plain = Node()
    status.assert_consumed()
    root.more = tf.Variable(1.0, name="more")
    for question in (status.assert_existing_objects_matched, status.assert_consumed):
        with pytest.raises(AssertionError, match=r"Found 1 Python objects .*\(root\)\.more \(variable 'more'\)"):
            question()


@pytest.mark.behaviour("S192")
def test_at_most_ten_unmatched_objects_are_shown(world, save):
    root = Node(**{f"v{i}": tf.Variable(0.0) for i in range(14)})
    with pytest.raises(AssertionError, match=r"Found 14 .*\(root\)\.v9 .*and 4 more") as error:
        Saver(root).restore(save(a=1.0)).expect_partial().assert_existing_objects_matched()
    assert str(error.value).split("\n\n")[0].count("(root).") == 10


@pytest.mark.behaviour("S194")
def test_a_matched_object_that_was_never_processed_is_found(world, save):
    root = Node(a=tf.Variable(0.0))
    status = Saver(root).restore(save(a=1.0)).assert_consumed()
    root.a._tracking.update_uid = -1
    for question in (status.assert_existing_objects_matched, status.assert_consumed):
        with pytest.raises(AssertionError, match=r"\(root\)\.a was matched but got no value"):
            question()


@pytest.mark.behaviour("S196")
def test_an_object_seen_unmatched_is_remembered_while_it_lives(world, save):
    root = Node(a=tf.Variable(0.0), extra=Node(value=tf.train.NoDependency(None)))
    status = Saver(root).restore(save(a=1.0))
    late = tf.train.PythonState.__new__(Counter)
    root.late = late
    with pytest.raises(AssertionError, match="Found 1"):
        status.assert_existing_objects_matched()
    del root.late
    gc.collect()
    with pytest.raises(AssertionError, match="not part of the tree any more"):
        status.assert_existing_objects_matched()
    del late
    gc.collect()
    status.assert_existing_objects_matched()


class Counter(tf.train.PythonState):
    """Python state: in a graph, too, it dies with its last reference."""

    def serialize(self):
        return b"1"

    def deserialize(self, value):
        pass


@pytest.mark.behaviour("S197", "S198")
def test_assert_consumed_names_the_missing_node_by_its_path(world, save):
    status = Saver(Node(x=Node())).restore(save(x={"y": {"deep": 1.0}})).expect_partial()
    with pytest.raises(AssertionError, match=r"Unresolved object in checkpoint \(root\)\.x\.y"):
        status.assert_consumed()


@pytest.mark.behaviour("S199")
def test_the_saver_demands_every_object_and_checkpoint_those_with_values(world, save):
    path = save(a=1.0, empty=Node())
    with pytest.raises(AssertionError, match=r"\(root\)\.empty"):
        Saver(Node(a=tf.Variable(0.0))).restore(path).assert_consumed()
    checkpoint = tf.train.Checkpoint(a=tf.Variable(0.0))
    checkpoint.read(path).assert_consumed()


@pytest.mark.behaviour("S200")
def test_a_failed_assertion_can_be_asked_again(world, save):
    root = Node()
    status = Saver(root).restore(save(a=1.0))
    for _ in range(2):
        with pytest.raises(AssertionError):
            status.assert_consumed()
    root.a = tf.Variable(0.0)
    status.assert_consumed()


@pytest.mark.behaviour("S201")
def test_in_a_graph_assertions_need_no_session(save):
    path = save(a=1.0)
    with tf.Graph().as_default():
        root = Node(a=tf.Variable(0.0))
        Saver(root).restore(path).assert_consumed().assert_existing_objects_matched().assert_nontrivial_match()


@pytest.mark.behaviour("S203", "S204")
def test_a_match_of_the_root_alone_is_trivial_in_two_wordings(world, save):
    path = save(a=1.0)
    with pytest.raises(AssertionError, match="Nothing to load"):
        Saver(Node()).restore(path).expect_partial().assert_nontrivial_match()
    with pytest.raises(AssertionError, match=r"Nothing except the root object.*has a; the program has \(root\)\.b"):
        Saver(Node(b=tf.Variable(0.0))).restore(path).expect_partial().assert_nontrivial_match()
    Saver(Node(empty=Node())).restore(save(empty=Node(), a=1.0)).expect_partial().assert_nontrivial_match()


@pytest.mark.behaviour("S203")
def test_the_counter_alone_makes_a_match(world, tmp_path):
    world_path = tf.train.Checkpoint(a=tf.Variable(1.0))
    world.init()
    path = world_path.save(str(tmp_path / "c"))
    tf.train.Checkpoint(other=tf.Variable(1.0)).restore(path).expect_partial().assert_nontrivial_match()


@pytest.mark.behaviour("S205")
def test_a_restore_that_ends_unconsumed_is_reported_once_and_grouped(world, save, caplog):
    path = save(a=1.0, b={"c": 2.0, "d": 3.0})
    with caplog.at_level(logging.WARNING, "minitf"):
        Saver(Node(a=tf.Variable(0.0))).restore(path).expect_partial()
        gc.collect()
        assert caplog.messages == []
        Saver(Node(a=tf.Variable(0.0))).restore(path)
        gc.collect()
    [message] = caplog.messages
    assert "2 of 3 stored values" in message
    assert "(root).b.c" in message
    assert "(root).b.d" in message
    assert "expect_partial" in message


@pytest.mark.behaviour("S205")
def test_a_value_that_met_an_object_without_a_place_for_it_is_reported(eager, save, caplog):
    with caplog.at_level(logging.WARNING, "minitf"):
        Saver(Node(a=Node(), b=tf.Variable(0.0))).restore(save(a=1.0, b=2.0))
        gc.collect()
    [message] = caplog.messages
    assert "(root).a" in message
    assert "(root).b" not in message


@pytest.mark.behaviour("S205")
def test_nothing_is_reported_when_the_interpreter_ends(save):
    code = f"""
        import minitf as tf
        root = tf.train.AutoTrackable()
        status = tf.train.CheckpointableSaver(root).restore({save(a=1.0)!r})
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.behaviour("S206")
def test_when_eager_running_does_nothing(eager, save):
    root = Node(a=tf.Variable(0.0))
    status = Saver(root).restore(save(a=1.0))
    root.a.assign(7.0)
    status.run_restore_ops()
    status.initialize_or_restore()
    assert eager.value(root.a) == 7.0
    root.items = [tf.Variable(1.0), tf.Variable(2.0)]
    root.items.reverse()
    status.initialize_or_restore()  # objects that cannot be listed any more are not looked at


@pytest.mark.behaviour("S207", "S175", "S174")
def test_run_restore_ops_runs_all_operations_collected_so_far(graph, save):
    root = Node(a=tf.Variable(0.0))
    status = Saver(root).restore(save(a=1.0, b=2.0))
    status.run_restore_ops()
    assert graph.value(root.a) == 1.0
    root.b = tf.Variable(0.0)
    root.a.load(9.0, graph.session)
    size = graph.graph.version
    status.run_restore_ops()
    status.run_restore_ops()
    assert (graph.value(root.a), graph.value(root.b)) == (1.0, 2.0)
    assert graph.graph.version == size


@pytest.mark.behaviour("S208", "S209", "S210")
def test_initialize_or_restore_restores_and_then_initialises_the_rest(graph, save):
    root = Node(a=tf.Variable(0.0))
    root.reads = tf.Variable(root.a.read_value() + 10.0)
    root.none = Node()
    status = Saver(root).restore(save(a=1.0))
    status.initialize_or_restore()
    assert (graph.value(root.a), graph.value(root.reads)) == (1.0, 11.0)


@pytest.mark.behaviour("S211")
def test_initialize_or_restore_initialises_again_every_time(graph, save):
    root = Node(a=tf.Variable(0.0), mine=tf.Variable(3.0))
    status = Saver(root).restore(save(a=1.0))
    status.initialize_or_restore()
    root.mine.load(7.0, graph.session)
    status.initialize_or_restore()
    assert graph.value(root.mine) == 3.0


@pytest.mark.behaviour("S212")
def test_what_a_later_restore_covers_is_left_alone_and_what_an_earlier_one_covers_is_initialised(graph, save):
    root = Node(early=tf.Variable(0.0), middle=tf.Variable(0.0), late=tf.Variable(0.0))
    saver = Saver(root)
    early, middle, late = (saver.restore(save(**{name: 5.0})) for name in ("early", "middle", "late"))
    graph.init()
    early.run_restore_ops()
    late.run_restore_ops()
    middle.initialize_or_restore()
    assert [graph.value(v) for v in (root.early, root.middle, root.late)] == [0.0, 5.0, 5.0]


@pytest.mark.behaviour("S213")
def test_a_variable_matched_to_a_node_without_values_is_neither_restored_nor_initialised(graph, save):
    root = Node(a=tf.Variable(0.0), b=tf.Variable(1.0, name="b"))
    Saver(root).restore(save(a=1.0, b=Node())).initialize_or_restore()
    with pytest.raises(tf.errors.FailedPreconditionError, match="'b'"):
        graph.value(root.b)


@pytest.mark.behaviour("S214", "S218")
def test_the_variables_to_initialise_are_those_reachable_at_the_call(graph, save):
    root = Node(a=tf.Variable(0.0))
    status = Saver(root).restore(save(a=1.0))
    root.late = tf.Variable(4.0)
    apart = tf.Variable(5.0, name="apart")
    status.initialize_or_restore()
    assert graph.value(root.late) == 4.0
    with pytest.raises(tf.errors.FailedPreconditionError, match="'apart'"):
        graph.value(apart)


@pytest.mark.behaviour("S215", "S217")
def test_on_the_status_of_none_everything_but_initialising_fails(world):
    root = Node(a=tf.Variable(1.0))
    status = Saver(root).restore(None)
    for question in ("assert_consumed", "assert_existing_objects_matched", "assert_nontrivial_match", "run_restore_ops"):
        with pytest.raises(AssertionError, match="No checkpoint specified"):
            getattr(status, question)()
    assert status.expect_partial() is status
    status.initialize_or_restore()
    assert world.value(root.a) == 1.0


@pytest.mark.behaviour("S216")
def test_the_status_of_none_initialises_what_no_later_restore_has_covered(graph, save):
    root = Node(early=tf.Variable(1.0), late=tf.Variable(2.0), never=tf.Variable(3.0))
    saver = Saver(root)
    saver.restore(save(early=5.0)).run_restore_ops()
    none = saver.restore(None)
    saver.restore(save(late=5.0)).run_restore_ops()
    none.initialize_or_restore()
    assert [graph.value(v) for v in (root.early, root.late, root.never)] == [1.0, 5.0, 3.0]


@pytest.mark.behaviour("S219")
def test_checkpoint_restore_of_none_makes_the_counter(world):
    checkpoint = tf.train.Checkpoint()
    checkpoint.restore(None).initialize_or_restore()
    assert "save_counter" in tf.train.children(checkpoint)
    assert world.value(checkpoint.save_counter) == 0


@pytest.mark.behaviour("S184", "S250")
@pytest.mark.parametrize("what", ["run_restore_ops", "initialize_or_restore"])
def test_in_a_graph_running_needs_a_session_and_says_so(save, what):
    path = save(a=1.0)
    with tf.Graph().as_default() as graph:
        root = Node(a=tf.Variable(0.0))
        status = Saver(root).restore(path)
        with pytest.raises(RuntimeError, match="session"):
            getattr(status, what)()
        one, two = tf.Session(graph=graph), tf.Session(graph=graph)
        with one.as_default():
            getattr(status, what)(session=two)
        assert two.run(root.a) == 1.0
        with pytest.raises(tf.errors.FailedPreconditionError):
            one.run(root.a)


@pytest.mark.behaviour("S221", "S32")
def test_a_status_outlives_its_checkpoint(world, save):
    checkpoint = tf.train.Checkpoint(a=tf.Variable(0.0))
    status = checkpoint.read(save(a=1.0))
    variable = checkpoint.a
    del checkpoint
    gc.collect()
    world.run(status.assert_consumed())
    assert world.value(variable) == 1.0


@pytest.mark.behaviour("S222", "S223")
def test_the_counter_of_restore_and_the_stored_counter_of_save_need_each_other(world, tmp_path):
    source = tf.train.Checkpoint(a=tf.Variable(1.0))
    world.init()
    written = source.write(str(tmp_path / "written"))
    saved = source.save(str(tmp_path / "saved"))
    reader = tf.train.Checkpoint(a=tf.Variable(0.0))
    reader.read(written).assert_consumed()
    status = reader.read(saved).assert_existing_objects_matched().expect_partial()
    with pytest.raises(AssertionError, match=r"\(root\)\.save_counter"):
        status.assert_consumed()
    status = tf.train.Checkpoint(a=tf.Variable(0.0)).restore(written)
    for question in (status.assert_existing_objects_matched, status.assert_consumed):
        with pytest.raises(AssertionError, match="save_counter"):
            question()


def test_a_status_cannot_be_copied(world, save):
    status = Saver(Node(a=tf.Variable(0.0))).restore(save(a=1.0))
    for refuse in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="cannot be copied or pickled"):
            refuse(status)


def test_the_journal_names_what_was_decided(eager, save):
    root = Node(a=tf.Variable(0.0, name="a"))
    status = Saver(root).restore(save(a=1.0, b=2.0))
    root.b = tf.Variable(0.0, name="b")
    kinds = [type(e).__name__ for e in status.journal]
    assert kinds == ["Step", "Seen", "Bound", "Seen", "Bound", "Waiting", "Assigned", "Step", "Seen", "Bound", "Assigned"]
    assert status.journal[-1].key == "b/.ATTRIBUTES/VARIABLE_VALUE"
    assert status.journal.mode == "eager"


def test_what_cannot_be_listed_does_not_hide_an_assertions_own_error(world):
    root = Node(c=[tf.Variable(0.0)])
    status = Saver(root).restore(None)
    root.c.pop()
    for ask in (status.assert_consumed, status.assert_existing_objects_matched, status.assert_nontrivial_match):
        with pytest.raises(AssertionError, match=r"No checkpoint specified[^\0]*cannot be listed: [^\0]*by pop"):
            ask()
    with pytest.raises(ValueError, match="by pop"):
        status.explain()


@pytest.mark.parametrize("root", [tf.Module, lambda: tf.Variable(2.0)], ids=["empty", "variable"])
def test_a_root_without_edges_beside_a_counter_is_asked_about_to_the_end(tmp_path, root):
    checkpoint = tf.train.Checkpoint(root=root())
    status = checkpoint.restore(checkpoint.save(str(tmp_path / "x")))
    assert status.assert_consumed() is status
    assert status.assert_existing_objects_matched() is status
