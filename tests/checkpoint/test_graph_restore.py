"""restore() while a graph is built: operations are added, found again, and run."""

import numpy as np
import pytest

import minitf as tf
from minitf.storage.bundle import TensorBundle
from tests.checkpoint.conftest import Node

Saver = tf.train.CheckpointableSaver


def restore_ops(graph):
    """The operations of the graph that restore, by name."""
    return [o.name for o in graph.graph.get_operations() if o.name.startswith("restore/") and o.type == "assign"]


@pytest.mark.behaviour("S169", "S170", "S182")
def test_restore_adds_one_operation_for_each_matched_variable_and_runs_nothing(graph, save):
    root = Node(b=tf.Variable(0.0, name="b"), a=tf.Variable(0.0, name="a"), inner=Node(), more=tf.Variable(0.0, name="more"))
    status = Saver(root).restore(save(b=2.0, inner=Node(), a=1.0))
    assert restore_ops(graph) == ["restore/a", "restore/b"]
    with pytest.raises(tf.errors.FailedPreconditionError):
        graph.value(root.a)
    status.run_restore_ops()
    assert (graph.value(root.a), graph.value(root.b)) == (1.0, 2.0)


@pytest.mark.behaviour("S172", "S176", "S178", "S185")
def test_one_operation_serves_all_checkpoints_also_in_a_finalized_graph(graph, save):
    one, two = save(a=1.0), save(a=2.0)
    root = Node(a=tf.Variable(0.0))
    saver = Saver(root)
    first = saver.restore(one)
    first.run_restore_ops()
    graph.graph.finalize()
    second = saver.restore(two)
    second.run_restore_ops()
    assert graph.value(root.a) == 2.0
    first.run_restore_ops()
    assert graph.value(root.a) == 1.0


@pytest.mark.behaviour("S177")
def test_the_operations_belong_to_the_saver(graph, save):
    path = save(a=1.0)
    root = Node(a=tf.Variable(0.0))
    Saver(root).restore(path)
    Saver(root).restore(path)
    assert len(restore_ops(graph)) == 2


@pytest.mark.behaviour("S179")
def test_a_variable_that_took_over_a_name_is_restored(graph, save):
    path = save(a=1.0)
    first, second = tf.Variable(0.0), tf.Variable(0.0)
    root = Node(a=first)
    saver = Saver(root)
    saver.restore(path).run_restore_ops()
    root.a = second
    graph.init()
    saver.restore(path).assert_consumed().run_restore_ops()
    assert (graph.value(first), graph.value(second)) == (0.0, 1.0)


@pytest.mark.behaviour("S181")
def test_a_smaller_checkpoint_after_a_larger_one_works_with_the_same_saver(graph, save):
    large, small = save(a=1.0, b=1.0), save(a=2.0)
    root = Node(a=tf.Variable(0.0), b=tf.Variable(0.0))
    saver = Saver(root)
    first = saver.restore(large)
    first.run_restore_ops()
    saver.restore(small).run_restore_ops()
    assert (graph.value(root.a), graph.value(root.b)) == (2.0, 1.0)
    first.run_restore_ops()
    assert graph.value(root.a) == 1.0


@pytest.mark.behaviour("S183")
def test_with_nothing_matched_running_does_nothing(graph, save):
    Saver(Node()).restore(save(a=1.0)).expect_partial().run_restore_ops()
    assert restore_ops(graph) == []


@pytest.mark.behaviour("S184")
def test_only_the_values_of_the_session_change(graph, save):
    root = Node(a=tf.Variable(0.0))
    graph.init()
    status = Saver(root).restore(save(a=1.0))
    with tf.Session(graph=graph.graph) as other:
        status.run_restore_ops(other)
        assert other.run(root.a) == 1.0
    assert graph.value(root.a) == 0.0


@pytest.mark.behaviour("S185")
def test_values_are_read_when_run_and_missing_files_are_told_then(graph, save, tmp_path):
    path = save(a=1.0)
    root = Node(a=tf.Variable(0.0))
    status = Saver(root).restore(path)
    for file in tmp_path.iterdir():
        file.unlink()
    with pytest.raises(tf.errors.NotFoundError):
        status.run_restore_ops()
    with pytest.raises(tf.errors.NotFoundError):
        Saver(root).restore(path)


@pytest.mark.behaviour("S187", "S188")
def test_saving_adds_nothing_to_an_unchanged_graph_and_sees_every_change(graph, tmp_path):
    root = Node(a=tf.Variable(1.0))
    graph.init()
    saver = Saver(root)
    saver.save(str(tmp_path / "x"), 1)
    size = graph.graph.version
    saver.save(str(tmp_path / "x"), 2)
    assert graph.graph.version == size
    keys = []
    for change in (
        lambda: setattr(root, "b", tf.Variable(2.0)),
        lambda: setattr(root, "empty", Node()),
        lambda: setattr(root, "alias", root.a),
        lambda: delattr(root, "b"),
    ):
        change()
        graph.init()
        metadata = tf.train.object_metadata(saver.save(str(tmp_path / "y")))
        keys.append([c.local_name for c in metadata.nodes[0].children])
    assert keys == [["a", "b"], ["a", "b", "empty"], ["a", "b", "empty", "alias"], ["a", "empty", "alias"]]


@pytest.mark.behaviour("S189")
def test_the_modes_differ_only_in_when_values_arrive(world, save):
    root = Node(a=tf.Variable(0.0))
    world.init()
    status = Saver(root).restore(save(a=1.0, b=2.0))
    assert world.value(root.a) == {"eager": 1.0, "graph": 0.0}[world.name]
    root.b = tf.Variable(0.0)
    world.run(status.assert_consumed())
    assert (world.value(root.a), world.value(root.b)) == (1.0, 2.0)


@pytest.mark.behaviour("S299", "S300", "S302")
@pytest.mark.parametrize("wrong", [[0.0, 0.0], 0], ids=["shape", "dtype"])
def test_a_value_that_does_not_fit_fails_the_run_and_assigns_nothing(graph, save, wrong):
    root = Node(a=tf.Variable(0.0), b=tf.Variable(wrong))
    graph.init()
    status = Saver(root).restore(save(a=1.0, b=1.0))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"b/\.ATTRIBUTES"):
        status.run_restore_ops()
    assert graph.value(root.a) == 0.0


@pytest.mark.behaviour("S305", mode="both")
def test_an_eager_variable_in_a_graph_s_save_or_restore_is_refused(graph, save, tmp_path):
    path = save(a=1.0)
    with tf.using(tf.Eager()):
        eager = tf.Variable(0.0)
    root = Node(a=eager)
    with pytest.raises(RuntimeError, match="eager"):
        Saver(root).restore(path)
    with pytest.raises(RuntimeError, match="eager"):
        Saver(root).save(str(tmp_path / "x"))
    assert eager.numpy() == 0.0


@pytest.mark.behaviour("S305", "S306", mode="both")
def test_a_saver_that_has_saved_in_one_mode_says_so_in_the_other(graph, tmp_path):
    with tf.using(tf.Eager()):
        eager = tf.train.Checkpoint(a=tf.Variable(0.0))
        eager.write(str(tmp_path / "x"))
    with pytest.raises(RuntimeError, match="is eager and cannot be used in the graph"):
        eager.write(str(tmp_path / "y"))
    symbolic = tf.train.Checkpoint(a=tf.Variable(0.0))
    graph.init()
    symbolic.write(str(tmp_path / "x"))
    with tf.using(tf.Eager()), pytest.raises(TypeError, match="belongs to a graph"):
        symbolic.write(str(tmp_path / "y"))
    assert not list(tmp_path.glob("y*"))


@pytest.mark.behaviour("S306", mode="both")
def test_a_graph_s_variable_in_an_eager_save_or_restore_is_refused(eager, save, tmp_path):
    with tf.Graph().as_default():
        root = Node(a=tf.Variable(0.0))
    with pytest.raises(TypeError, match="belongs to a graph"):
        Saver(root).restore(save(a=1.0))
    with pytest.raises(TypeError, match="belongs to a graph"):
        Saver(root).save(str(tmp_path / "x"))


@pytest.mark.behaviour("S307", "S308")
def test_a_graph_s_restore_is_not_continued_in_another_place(save):
    path = save(a=1.0)
    with tf.Graph().as_default():
        root = Node()
        status = Saver(root).restore(path)
    with tf.Graph().as_default(), pytest.raises(ValueError, match="another graph"):
        root.a = tf.Variable(0.0)
    with pytest.raises(RuntimeError, match="eager"):
        root.a = tf.Variable(0.0)
    assert tf.train.children(root) == {}
    with pytest.raises(AssertionError):
        status.expect_partial().assert_consumed()


@pytest.mark.behaviour("S308", mode="eager")
def test_an_eager_restore_is_not_continued_in_a_graph(save):
    root = Node()
    Saver(root).restore(save(a=1.0)).expect_partial()
    with tf.Graph().as_default(), pytest.raises(TypeError, match="belongs to a graph"):
        root.a = tf.Variable(0.0)
    assert tf.train.children(root) == {}


@pytest.mark.behaviour("S64", "S68")
def test_variables_made_while_a_function_is_traced_are_restored_as_those_made_outside(eager, save):
    root = Node()
    Saver(root).restore(save(a=5.0, b=6.0))

    @tf.function
    def first_call():
        if "a" not in tf.train.children(root):
            tf.train.add_variable(root, "a", shape=[], initializer=lambda *_, **__: 1 / 0)
            root.b = tf.Variable(0.0)
        return tf.train.children(root)["a"] + root.b

    assert first_call().numpy() == 11.0


def test_what_was_of_another_dtype_when_it_was_opened_may_fit_by_now(tmp_path):
    """The dtype that counts is that of the files when the operations are run."""
    prefix, storage = str(tmp_path / "c"), TensorBundle(durable=False)
    before, after = tf.Variable([1.5, 2.5]), tf.Variable([3, 4])
    Saver(tf.train.Checkpoint(v=before), storage=storage).save(prefix)
    with tf.Graph().as_default(), tf.Session() as session:
        variable = tf.Variable([0, 0])
        session.run(variable.initializer)
        status = Saver(tf.train.Checkpoint(v=variable)).restore(prefix)
        with pytest.raises(tf.errors.InvalidArgumentError, match="is float32, but"):
            status.run_restore_ops()
        tensors = storage.open(prefix).contents()[0]
        storage.write(prefix, {key: np.array([3, 4]) if "VARIABLE" in key else value for key, value in tensors})
        with pytest.raises(tf.errors.InvalidArgumentError, match="is int64, but"):
            status.run_restore_ops()
        storage.write(prefix, {key: after.numpy() if "VARIABLE" in key else value for key, value in tensors})
        status.run_restore_ops()
        assert session.run(variable).tolist() == [3, 4]
