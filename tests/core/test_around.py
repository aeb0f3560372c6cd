"""The places where a part is chosen ask ``around``; without wrappers nothing is different."""

import threading

import minitf as tf
from minitf import Eager, Graph, Session, Variable
from minitf.core import operators, runtime
from minitf.core.around import around, told, untold, wrapped
from minitf.core.op import Op
from minitf.core.state import Cell
from minitf.core.tape import Tape
from minitf.objects import edges
from minitf.runtimes import executor
from minitf.runtimes.plan import Plan
from minitf.storage.files import Disk


def test_without_wrappers_a_part_is_itself_and_other_threads_see_none():
    part, seen = object(), []
    assert around("disk", part) is part
    with wrapped(lambda kind, part: (kind, part)), wrapped(lambda kind, part: [part]):
        assert around("disk", part) == [("disk", part)]
        thread = threading.Thread(target=lambda: seen.append(around("disk", part)))
        thread.start()
        thread.join()
    assert seen == [part]
    assert around("disk", part) is part


def test_every_chooser_asks(tmp_path):
    kinds = []

    def note(kind, part):
        kinds.append(kind)
        return part

    root = tf.Module()
    root.v = tf.Variable(1.0)
    with wrapped(note):
        with tf.Graph().as_default():
            tf.compat.v1.Session()
        path = tf.train.Checkpoint(root=root).save(tmp_path / "ckpt")
        tf.train.Checkpoint(root=root).restore(path)
    assert set(kinds) == {"runtime", "executor", "storage", "disk", "restoration"}


def test_a_wrapped_disk_sees_renames_and_removals(tmp_path):
    seen = []

    class Noting(Disk):
        def replace(self, old, new):
            seen.append(new)
            super().replace(old, new)

    saver = tf.train.CheckpointableSaver(tf.Module())
    with wrapped(lambda kind, part: Noting() if kind == "disk" else part):
        saver.save(tmp_path / "ckpt")
    names = [name.rpartition("/")[2] for name in seen]
    assert names == ["ckpt.data-00000-of-00001", "ckpt.index", "checkpoint"]


def test_a_told_list_is_a_list_that_tells():
    added, deleted, others = [], [], []
    items = told([1, 2], added.append, deleted.append)
    items.append(3)
    items = told(items, others.extend)
    items.extend([4, 5])
    del items[3:]
    items = untold(items, added.append)
    items.append(6)
    del items[0]
    assert (list(items), added, deleted, others) == ([2, 3, 6], [[3], [4, 5]], [3], [4, 5, 6])
    assert type(untold(items, others.extend)) is list


def test_variables_are_registered_by_the_current_runtime():
    class Counting:
        def __init__(self, inner):
            self.inner, self.made = inner, []
            self.apply, self.call, self.constant, self.home = inner.apply, inner.call, inner.constant, inner.home

        def register(self, variable, trainable, collections):
            self.made.append(variable)
            self.inner.register(variable, trainable, collections)

    runtime = Counting(tf.Eager())
    with tf.using(runtime), tf.GradientTape():
        v = tf.Variable(1.0)
    assert runtime.made[0] is v


def test_what_runs_often_asks_nobody():
    """Where nothing is asked, nothing costs: recorders are no branch in these."""
    often = [
        Op.__call__, Eager.apply, Graph.apply, Graph.constant, Graph.append, Session.run, Plan.__call__, Cell.read, Cell.write,
        runtime.current, edges.attach, edges.changed, edges.arrived, Variable.__init__, Tape.apply,
        executor.run_operation, operators.install_operator,
    ]  # fmt: skip
    for function in often:
        assert not {"around", "wrapped", "_wrappers"} & set(function.__code__.co_names), function
