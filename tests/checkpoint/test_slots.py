"""Slot variables: saved and restored by the triple (optimizer, variable, slot name)."""

import weakref

import pytest

import minitf as tf
from minitf.objects.slots import SlotOwner
from tests.checkpoint.conftest import Node

Saver = tf.train.CheckpointableSaver


def momentum():
    return tf.train.MomentumOptimizer(1.0, 0.5)


def step(world, optimizer, *variables):
    """One step with gradients of 1; in a graph it is run."""
    op = optimizer.apply_gradients([(tf.ones(v.shape, v.dtype), v) for v in variables])
    if world.name == "graph":
        world.init()
        world.session.run(op)


def trained(value=10.0, **more):
    """A tree with a variable v, after one step: the slot is 1, v is one less."""
    tree = Node(v=tf.Variable(value, name="v"), optimizer=momentum(), **more)
    tree.optimizer.apply_gradients([(tf.ones(tree.v.shape), tree.v)])
    return tree


def slot(tree, name="momentum"):
    return tree.optimizer.get_slot(tree.v, name)


def stored(path):
    return {name for name, _ in tf.train.list_variables(path) if "OBJECT_GRAPH" not in name}


@pytest.mark.behaviour("S116", "S131")
def test_slots_are_saved_if_variable_and_optimizer_are_reachable(world, tmp_path):
    v, other = tf.Variable(1.0), tf.Variable(2.0)
    optimizer = momentum()
    step(world, optimizer, v, other)
    path = Saver(Node(optimizer=optimizer, net=Node(v=v))).save(str(tmp_path / "x"))
    assert stored(path) == {
        "net/v/.ATTRIBUTES/VARIABLE_VALUE",
        "net/v/.OPTIMIZER_SLOT/optimizer/momentum/.ATTRIBUTES/VARIABLE_VALUE",
    }
    assert stored(Saver(Node(net=Node(v=v))).save(str(tmp_path / "y"))) == {"net/v/.ATTRIBUTES/VARIABLE_VALUE"}


@pytest.mark.behaviour("S132", "S310")
def test_a_slot_that_is_a_dependency_or_has_some_cannot_be_saved(world, tmp_path):
    tree = trained()
    tree.extra = slot(tree)
    with pytest.raises(NotImplementedError, match=r"\(root\)\.extra"):
        Saver(tree).save(str(tmp_path / "x"))
    tree = trained()
    tf.train.track(slot(tree), tf.Variable(1.0), "below")
    with pytest.raises(NotImplementedError, match="below"):
        Saver(tree).save(str(tmp_path / "x"))


@pytest.mark.behaviour("S133", "S134")
@pytest.mark.parametrize("order", [("optimizer", "v"), ("v", "optimizer")])
def test_attaching_the_second_of_variable_and_optimizer_makes_the_slot(eager, save, order):
    path = save(trained)
    root = Node()
    status = Saver(root).restore(path)
    made = {"v": tf.Variable(0.0), "optimizer": momentum()}
    for name in order:
        assert made["optimizer"].get_slot_names() == []
        setattr(root, name, made[name])
    assert (eager.value(root.v), eager.value(slot(root))) == (9.0, 1.0)
    status.assert_consumed()
    kept = slot(root)
    step(eager, root.optimizer, root.v)
    assert slot(root) is kept
    assert eager.value(slot(root)) == 1.5


@pytest.mark.behaviour("S135")
@pytest.mark.parametrize("exists", [False, True])
def test_restore_makes_a_missing_slot_and_assigns_an_existing_one(eager, save, exists):
    path = save(trained)
    root = trained(5.0) if exists else Node(v=tf.Variable(0.0), optimizer=momentum())
    if exists:
        step(eager, root.optimizer, root.v)
        before = slot(root)
    Saver(root).restore(path).assert_consumed()
    assert eager.value(slot(root)) == 1.0
    if exists:
        assert slot(root) is before


@pytest.mark.behaviour("S136")
def test_slot_names_come_from_the_checkpoint(eager, save):
    root = Node(v=tf.Variable(0.0), optimizer=tf.train.AdamOptimizer())
    Saver(root).restore(save(trained)).assert_consumed()
    assert root.optimizer.get_slot_names() == ["momentum"]


@pytest.mark.behaviour("S137")
@pytest.mark.parametrize("order", [("optimizer", "v"), ("v", "optimizer")])
def test_an_object_without_slots_in_the_optimizer_s_place_leaves_them_unresolved(world, save, order):
    root = Node()
    status = Saver(root).restore(save(trained))
    made = {"v": tf.Variable(0.0), "optimizer": Node()}
    for name in order:
        setattr(root, name, made[name])
    world.run(status.assert_existing_objects_matched())
    assert world.value(root.v) == 9.0
    with pytest.raises(AssertionError, match=r"\(root\)\.optimizer's state 'momentum' for \(root\)\.v"):
        status.assert_consumed()


@pytest.mark.behaviour("S138", "S198")
@pytest.mark.parametrize("there", ["v", "optimizer"])
def test_without_variable_or_optimizer_the_slots_are_not_made(world, save, there):
    root = Node(**{there: tf.Variable(0.0) if there == "v" else momentum()})
    status = Saver(root).restore(save(trained)).assert_existing_objects_matched()
    with pytest.raises(AssertionError, match=r"\(root\)\.(v|optimizer)"):
        status.assert_consumed()
    if there == "optimizer":
        assert root.optimizer.get_slot_names() == []


@pytest.mark.behaviour("S139")
def test_in_a_graph_the_slot_waits_until_the_program_makes_it(graph, save):
    root = Node(v=tf.Variable(0.0), optimizer=momentum())
    status = Saver(root).restore(save(trained))
    assert root.optimizer.get_slot_names() == []
    with pytest.raises(AssertionError, match="momentum"):
        status.assert_consumed()
    op = root.optimizer.apply_gradients([(tf.constant(1.0), root.v)])
    status.assert_consumed().run_restore_ops()
    assert (graph.value(root.v), graph.value(slot(root))) == (9.0, 1.0)
    graph.session.run(op)
    assert graph.value(slot(root)) == 1.5


@pytest.mark.behaviour("S140")
def test_in_a_graph_an_existing_slot_gets_its_operation_when_its_variable_is_attached(graph, save):
    path = save(trained)
    v, optimizer = tf.Variable(0.0), momentum()
    optimizer.apply_gradients([(tf.constant(1.0), v)])
    root = Node(optimizer=optimizer)
    status = Saver(root).restore(path)
    size = graph.graph.version
    root.v = v
    assert graph.graph.version > size
    status.assert_consumed().run_restore_ops()
    assert (graph.value(root.v), graph.value(slot(root))) == (9.0, 1.0)


@pytest.mark.behaviour("S141")
def test_variables_of_the_optimizer_alone_are_ordinary_edges(world, save):
    def adam():
        tree = Node(v=tf.Variable(1.0), optimizer=tf.train.AdamOptimizer())
        tree.optimizer.apply_gradients([(tf.constant(1.0), tree.v)])
        return tree

    path = save(adam)
    assert "optimizer/beta1_power/.ATTRIBUTES/VARIABLE_VALUE" in stored(path)
    root = Node(v=tf.Variable(0.0), optimizer=tf.train.AdamOptimizer())
    status = Saver(root).restore(path)
    root.optimizer.apply_gradients([(tf.constant(1.0), root.v)])
    world.run(status.assert_consumed())
    powers = {name: world.value(v) for name, v in tf.train.children(root.optimizer).items()}
    steps = {"eager": 3, "graph": 2}[world.name]  # in eager mode apply_gradients has made one more step
    assert powers == pytest.approx({"beta1_power": 0.9**steps, "beta2_power": 0.999**steps})


@pytest.mark.behaviour("S142")
def test_a_later_checkpoint_without_slots_leaves_them_to_an_earlier_one(eager, save):
    with_slots, without = save(trained), save(v=3.0)
    root = Node()
    early, late = Saver(root).restore(with_slots), Saver(root).restore(without)
    root.v = tf.Variable(0.0)
    late.assert_consumed()
    with pytest.raises(AssertionError):
        early.assert_consumed()
    root.optimizer = momentum()
    early.assert_consumed()
    assert (eager.value(root.v), eager.value(slot(root))) == (3.0, 1.0)


@pytest.mark.behaviour("S143")
@pytest.mark.parametrize("order", [("optimizer", "v"), ("v", "optimizer")])
def test_of_two_waiting_restores_with_slots_the_later_decides(eager, save, order):
    def longer():
        tree = trained(20.0)
        step(eager, tree.optimizer, tree.v)
        return tree

    paths = save(trained), save(longer)
    root = Node()
    statuses = [Saver(root).restore(path) for path in paths]
    made = {"v": tf.Variable(0.0), "optimizer": momentum()}
    for name in order:
        setattr(root, name, made[name])
    assert eager.value(slot(root)) == 1.5
    for status in statuses:
        status.assert_consumed()


@pytest.mark.behaviour("S144")
def test_a_checkpoint_without_slots_leaves_existing_ones_unmatched(eager, save):
    root = trained()
    status = Saver(root).restore(save(v=3.0, optimizer=Node()))
    assert eager.value(slot(root)) == 1.0
    with pytest.raises(AssertionError, match=r"\(root\)\.optimizer's state 'momentum' for \(root\)\.v"):
        status.assert_existing_objects_matched()


@pytest.mark.behaviour("S146")
def test_a_stored_slot_of_another_shape_is_refused_and_nothing_changes(eager, save):
    path = save(lambda: trained([1.0, 2.0, 3.0]))
    root = Node(v=tf.Variable([0.0, 0.0]), optimizer=momentum())
    with pytest.raises(ValueError, match="shape"):
        Saver(root).restore(path)
    assert root.optimizer.get_slot_names() == []
    waiting = Node(optimizer=momentum())
    Saver(waiting).restore(path)
    with pytest.raises(ValueError, match="shape"):
        waiting.v = tf.Variable([0.0, 0.0])
    waiting.v = tf.Variable([0.0, 0.0, 0.0])
    assert eager.value(slot(waiting)) == [1.0, 1.0, 1.0]


@pytest.mark.behaviour("S147")
def test_an_optimizer_in_two_graphs_shows_the_variables_of_the_current_one(tmp_path):
    optimizer = tf.train.AdamOptimizer()
    paths = []
    for number in range(2):
        with tf.Graph().as_default(), tf.Session() as session:
            root = Node(v=tf.Variable(float(number)), optimizer=optimizer)
            op = optimizer.apply_gradients([(tf.constant(1.0), root.v)])
            session.run(tf.global_variables_initializer())
            for _ in range(number + 1):
                session.run(op)
            paths.append(Saver(root).save(str(tmp_path / f"g{number}")))
            assert len(tf.train.children(optimizer)) == 2
            power = tf.train.children(optimizer)["beta1_power"]
            Saver(root).restore(paths[0]).assert_consumed().run_restore_ops()
            assert session.run(power) == pytest.approx(0.9**2)


@pytest.mark.behaviour("S148")
def test_a_variable_under_two_names_has_its_slots_restored_once(eager, save):
    def twice():
        tree = trained()
        tree.alias = tree.v
        return tree

    path = save(twice)
    root = Node(optimizer=momentum())
    status = Saver(root).restore(path)
    root.v = root.alias = tf.Variable(0.0)
    status.assert_consumed()
    assert eager.value(slot(root)) == 1.0
    assert [type(e).__name__ for e in status.journal].count("SlotMade") == 1


@pytest.mark.behaviour("S119", "S122")
def test_slots_come_last_in_the_file_by_optimizer_slot_name_and_variable(world, tmp_path):
    b, a = tf.Variable(1.0), tf.Variable(2.0)
    root = Node(z=tf.train.AdamOptimizer(), net=Node(b=b, a=a), m=momentum())
    for optimizer in (root.m, root.z):
        step(world, optimizer, a, b)
    nodes = tf.train.object_metadata(Saver(root).save(str(tmp_path / "x"))).nodes
    names = {number: name for node in nodes for name, number in [(c.local_name, c.node_id) for c in node.children]}
    listed = [
        (names[number], s.slot_name, names[s.original_variable_node_id], s.slot_variable_node_id)
        for number, node in enumerate(nodes) for s in node.slot_variables
    ]  # fmt: skip
    first = max(names) + 1
    assert listed == [
        ("z", "m", "b", first), ("z", "m", "a", first + 1), ("z", "v", "b", first + 2), ("z", "v", "a", first + 3),
        ("m", "momentum", "b", first + 4), ("m", "momentum", "a", first + 5),
    ]  # fmt: skip


@pytest.mark.behaviour("S139", "S151")
def test_only_the_newest_of_many_restores_waits_for_a_slot_that_is_not_made(graph, save):
    root = Node(v=tf.Variable(0.0), optimizer=momentum())
    saver = Saver(root)
    alive = []
    for value in range(5):
        status = saver.restore(save(lambda: trained(float(value)))).expect_partial()  # noqa: B023
        alive.append(weakref.ref(status._restoration))
        size = graph.graph.version
    last = saver.restore(save(lambda: trained(20.0)))
    del status
    assert [ref() is not None for ref in alive] == [False] * 5
    assert graph.graph.version == size
    root.optimizer.apply_gradients([(tf.constant(1.0), root.v)])
    last.assert_consumed().run_restore_ops()
    assert (graph.value(root.v), graph.value(slot(root))) == (19.0, 1.0)


def test_a_slot_owner_of_ones_own(eager, save):
    class Averages(SlotOwner):
        """Keeps the mean of all values seen."""

        def see(self, v):
            mean = self.add_slot(v, "mean", lambda: tf.zeros(v.shape))
            mean.assign_add(v.read_value())

    def make():
        tree = Node(v=tf.Variable([1.0, 2.0]), optimizer=Averages())
        tree.optimizer.see(tree.v)
        return tree

    path = save(make)
    root = Node(v=tf.Variable([0.0, 0.0]), optimizer=Averages())
    Saver(root).restore(path).assert_consumed()
    root.optimizer.see(root.v)
    assert eager.value(slot(root, "mean")) == [2.0, 4.0]


def test_copies_of_an_optimizer_keep_slots_of_the_copied_variables(eager):
    import copy

    tree = trained()
    twin = copy.deepcopy(tree)
    assert twin.optimizer.get_slot(twin.v, "momentum") is not slot(tree)
    assert eager.value(twin.optimizer.get_slot(twin.v, "momentum")) == 1.0
    assert twin.optimizer.get_slot(tree.v, "momentum") is None
