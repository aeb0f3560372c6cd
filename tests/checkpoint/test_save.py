"""save and write: names, numbers, counters, state files."""

import gc
import weakref
from pathlib import Path

import numpy as np
import pytest

import minitf as tf
from tests.checkpoint.conftest import Node

Saver = tf.train.CheckpointableSaver
Checkpoint = tf.train.Checkpoint


@pytest.fixture
def root(world):
    root = Node(a=tf.Variable(1.0))
    world.init()
    return root


@pytest.mark.behaviour("S243", "S248")
def test_the_path_returned_is_the_prefix_with_the_number(world, root, tmp_path):
    prefix = str(tmp_path / "x")
    assert Saver(root).save(prefix) == prefix
    assert Saver(root).save(prefix, 7) == f"{prefix}-7"
    assert {f.name for f in tmp_path.iterdir() if f.name != "checkpoint"} == {
        f"x{number}.{ending}" for number in ("", "-7") for ending in ("index", "data-00000-of-00001")
    }
    checkpoint = Checkpoint(a=root)
    assert [type(p) for p in (checkpoint.write(prefix), checkpoint.save(prefix))] == [str, str]


@pytest.mark.behaviour("S244", "S247")
@pytest.mark.parametrize("number", [5, np.int64(5), 0])
def test_integers_number_a_checkpoint(world, root, tmp_path, number):
    assert Saver(root).save(str(tmp_path / "x"), number) == str(tmp_path / f"x-{int(number)}")


@pytest.mark.behaviour("S244", "S247")
@pytest.mark.parametrize("number", [3, 0])
def test_variables_and_tensors_number_a_checkpoint_in_both_modes(world, root, tmp_path, number):
    step = tf.Variable(number, dtype=tf.int64)
    world.init()
    for given in (step, step + 0, tf.constant(number)):
        assert Saver(root).save(str(tmp_path / "x"), given) == str(tmp_path / f"x-{number}")


@pytest.mark.parametrize("number", ["7", 1.5, [1], object()])
def test_other_things_do_not_number_a_checkpoint(eager, tmp_path, number):
    with pytest.raises(TypeError):
        Saver(Node()).save(str(tmp_path / "x"), number)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.behaviour("S249")
def test_the_session_given_wins_and_eager_mode_ignores_it(world, root, tmp_path):
    if world.name == "eager":
        path = Saver(root).save(str(tmp_path / "x"), session="anything")
        assert tf.train.load_variable(path, "a/.ATTRIBUTES/VARIABLE_VALUE") == 1.0
        return
    with tf.Session(graph=world.graph) as other:
        other.run(root.a.initializer)
        root.a.load(9.0, other)
        path = Saver(root).save(str(tmp_path / "x"), session=other)
    assert tf.train.load_variable(path, "a/.ATTRIBUTES/VARIABLE_VALUE") == 9.0


@pytest.mark.behaviour("S250")
def test_saving_in_a_graph_needs_a_session_and_says_so(tmp_path):
    with tf.Graph().as_default():
        root = Checkpoint(a=tf.Variable(1.0))
        for save in (Saver(root).save, root.save, root.write):
            with pytest.raises(RuntimeError, match="session"):
                save(str(tmp_path / "x"))
        with pytest.raises(RuntimeError, match="session"):
            Saver(root).save(str(tmp_path / "x"), tf.constant(1))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.behaviour("S251")
def test_saving_an_uninitialised_variable_fails(graph, tmp_path):
    with pytest.raises(tf.errors.FailedPreconditionError, match="'late'"):
        Saver(Node(a=tf.Variable(1.0, name="late"))).save(str(tmp_path / "x"))


@pytest.mark.behaviour("S252")
def test_missing_directories_are_made_and_a_file_in_the_way_is_told(world, root, tmp_path):
    Saver(root).save(str(tmp_path / "a" / "b" / "x"))
    assert (tmp_path / "a" / "b" / "x.index").exists()
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(tf.errors.FailedPreconditionError):
        Saver(root).save(str(tmp_path / "file" / "x"))


@pytest.mark.behaviour("S254")
def test_a_prefix_that_ends_in_a_slash_gives_files_named_by_the_number(world, root, tmp_path, monkeypatch):
    assert Checkpoint(r=root).save(f"{tmp_path}/") == f"{tmp_path}/-1"
    assert (tmp_path / "-1.index").exists()
    monkeypatch.chdir(tmp_path)
    assert Checkpoint(r=root).save("") == "-1"
    for save in (Saver(root).save, Checkpoint(r=root).save, Checkpoint(r=root).write):
        with pytest.raises(TypeError):
            save(None)


@pytest.mark.behaviour("S255")
def test_path_objects_and_bytes_work(world, root, tmp_path):
    path = Saver(root).save(tmp_path / "x")
    assert path == str(tmp_path / "x")
    for given in (Path(path), path.encode(), path):
        world.run(Saver(root).restore(given).assert_consumed())
    checkpoint = Checkpoint(a=root.a)
    saved = checkpoint.save(tmp_path / "c")
    world.run(checkpoint.restore(Path(saved)).assert_consumed())
    checkpoint.read(Path(checkpoint.write(tmp_path / "w")))


@pytest.mark.behaviour("S256", "S257")
def test_the_counter_is_made_at_the_first_use_and_comes_last(world, tmp_path):
    for use in (
        lambda c: c.save_counter, lambda c: c.save(str(tmp_path / "x")), lambda c: c.restore(None),
    ):  # fmt: skip
        checkpoint = Checkpoint(z=Node(), a=Node())
        checkpoint.write(str(tmp_path / "w"))
        assert list(tf.train.children(checkpoint)) == ["a", "z"]
        use(checkpoint)
        assert list(tf.train.children(checkpoint)) == ["a", "z", "save_counter"]
        counter = checkpoint.save_counter
        assert (counter.dtype, counter.trainable, tuple(counter.shape)) == (tf.int64, False, ())


@pytest.mark.behaviour("S258", "S259")
def test_save_counts_first_and_goes_on_from_a_restored_number(world, root, tmp_path):
    prefix = str(tmp_path / "c")
    checkpoint = Checkpoint(a=root.a)
    paths = [checkpoint.save(prefix) for _ in range(3)]
    assert paths == [f"{prefix}-{n}" for n in (1, 2, 3)]
    assert tf.train.load_variable(paths[1], "save_counter/.ATTRIBUTES/VARIABLE_VALUE") == 2
    world.run(checkpoint.restore(paths[0]).assert_consumed())
    assert checkpoint.save(prefix) == paths[1]
    assert Checkpoint(a=root.a).save(prefix) == paths[0]


@pytest.mark.behaviour("S260")
def test_a_save_that_fails_uses_a_number_up(world, root, tmp_path):
    checkpoint = Checkpoint(a=root.a)
    checkpoint.save(str(tmp_path / "c"))
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(tf.errors.FailedPreconditionError):
        checkpoint.save(str(tmp_path / "file" / "c"))
    checkpoint.items = [tf.Variable(1.0), tf.Variable(2.0)]
    world.init(*checkpoint.items)
    checkpoint.items.reverse()
    with pytest.raises(ValueError, match="replaced, deleted or moved"):
        checkpoint.save(str(tmp_path / "c"))
    checkpoint.items = []
    assert checkpoint.save(str(tmp_path / "c")) == str(tmp_path / "c-4")


@pytest.mark.behaviour("S261")
def test_save_initialises_only_a_counter_that_it_has_just_made(graph, tmp_path):
    assert Checkpoint().save(str(tmp_path / "x")).endswith("-1")
    for touch in (lambda c: c.save_counter, lambda c: c.restore(None)):
        checkpoint = Checkpoint()
        touch(checkpoint)
        with pytest.raises(tf.errors.FailedPreconditionError, match="save_counter"):
            checkpoint.save(str(tmp_path / "x"))


@pytest.mark.behaviour("S262")
def test_counting_adds_no_operations_after_the_first_save(graph, tmp_path):
    checkpoint = Checkpoint(a=tf.Variable(1.0))
    graph.init()
    checkpoint.save(str(tmp_path / "x"))
    graph.graph.finalize()
    assert checkpoint.save(str(tmp_path / "x")).endswith("-2")


@pytest.mark.behaviour("S263", "S264", "S265", "S266")
def test_save_updates_the_state_file_and_write_does_not(world, root, tmp_path):
    checkpoint = Checkpoint(a=root.a)
    checkpoint.write(str(tmp_path / "w"))
    assert tf.train.latest_checkpoint(str(tmp_path)) is None
    assert list(tf.train.children(checkpoint)) == ["a"]
    for _ in range(2):
        newest = checkpoint.save(str(tmp_path / "c"))
    state = tf.train.get_checkpoint_state(str(tmp_path))
    assert (state.model_checkpoint_path, list(state.all_model_checkpoint_paths)) == (newest, [newest])
    mine = Saver(root).save(str(tmp_path / "s"), 5)
    assert tf.train.latest_checkpoint(str(tmp_path)) == mine
    assert all((tmp_path / f"{name}.index").exists() for name in ("w", "c-1", "c-2", "s-5"))


@pytest.mark.behaviour("S26")
@pytest.mark.parametrize("value", [1, None, np.zeros(2), lambda: 1])
def test_a_keyword_that_is_not_trackable_is_refused(world, value):
    with pytest.raises(ValueError, match="x=.*trackable object was expected"):
        Checkpoint(x=value)
    with pytest.raises(ValueError, match="trackable object was expected"):
        Checkpoint(x=tf.constant(1.0))


@pytest.mark.behaviour("S27")
def test_lists_dicts_and_tuples_are_accepted_as_keywords(world, tmp_path):
    checkpoint = Checkpoint(l=[tf.Variable(1.0)], d={"k": tf.Variable(2.0)}, t=(tf.Variable(3.0),))
    world.init()
    names = [n for n, _ in tf.train.list_variables(checkpoint.write(str(tmp_path / "x")))]
    assert [n.split("/.")[0] for n in names[1:]] == ["d/k", "l/0", "t/0"]


@pytest.mark.behaviour("S29")
def test_attributes_set_later_take_part_in_saves_and_waiting_restores(world, save, tmp_path):
    checkpoint = Checkpoint()
    status = checkpoint.read(save(late=5.0))
    checkpoint.late = tf.Variable(0.0)
    world.run(status.assert_consumed())
    assert world.value(checkpoint.late) == 5.0
    assert "late/.ATTRIBUTES/VARIABLE_VALUE" in dict(tf.train.list_variables(checkpoint.write(str(tmp_path / "x"))))


@pytest.mark.behaviour("S30")
def test_a_keyword_named_like_the_counter_is_refused(world):
    with pytest.raises(AttributeError):
        Checkpoint(save_counter=tf.Variable(1.0))


@pytest.mark.behaviour("S32", "S86")
def test_a_checkpoint_is_freed_with_its_last_reference_and_a_saver_keeps_its_root(world, save, tmp_path):
    gc.collect()
    gc.disable()
    try:
        checkpoint = Checkpoint(a=Node())
        checkpoint.read(save(b=1.0)).expect_partial()
        checkpoint.write(str(tmp_path / "x"))
        gone = weakref.ref(checkpoint)
        del checkpoint
        assert gone() is None
    finally:
        gc.enable()


@pytest.mark.behaviour("S33")
def test_a_saver_made_from_a_temporary_root_works_and_one_with_a_weak_root_says_what_is_wrong(world, save, tmp_path):
    saver = Saver(Node(a=Node()))
    gc.collect()
    assert saver.save(str(tmp_path / "x"))
    root = Node()
    weak = Saver(weakref.ref(root))
    weak.restore(save(a=1.0)).expect_partial()
    del root
    gc.collect()
    with pytest.raises(AssertionError, match="weak reference"):
        weak.save(str(tmp_path / "x"))


@pytest.mark.behaviour("S270", mode="both")
def test_files_are_the_same_in_both_modes(tmp_path):
    for name, scope in (("eager", tf.using(tf.Eager())), ("graph", tf.Graph().as_default())):
        with scope:
            root = Node(a=tf.Variable([1.0, 2.0], name="a"), l=[tf.Variable(3, name="b")])
            if name == "eager":
                Saver(root).save(str(tmp_path / name))
            else:
                with tf.Session() as session:
                    session.run(tf.global_variables_initializer())
                    Saver(root).save(str(tmp_path / name))
    for ending in ("index", "data-00000-of-00001"):
        assert (tmp_path / f"eager.{ending}").read_bytes() == (tmp_path / f"graph.{ending}").read_bytes()


@pytest.mark.behaviour("S271")
def test_a_root_is_node_0_and_the_keywords_hang_on_it_in_the_file_only(world, tmp_path):
    def tree(value):
        return Node(v=tf.Variable(value)), Node(w=tf.Variable(value))

    net, extra = tree(1.0)
    checkpoint = Checkpoint(net, extra=extra)
    world.init()
    path = checkpoint.save(str(tmp_path / "x"))
    nodes = tf.train.object_metadata(path).nodes
    assert [(c.local_name, c.node_id) for c in nodes[0].children] == [("v", 1), ("extra", 2), ("root", 0), ("save_counter", 3)]
    assert list(tf.train.children(net)) == ["v"]
    net, extra = tree(0.0)
    fresh = Checkpoint(net, extra=extra)
    world.run(fresh.restore(path).assert_consumed())
    assert [world.value(v) for v in (net.v, extra.w, fresh.save_counter)] == [1.0, 1.0, 1]
    together = Node(v=tf.Variable(0.0), extra=Node(w=tf.Variable(0.0)))
    world.run(Checkpoint(together).restore(path).assert_existing_objects_matched())
    assert (world.value(together.v), world.value(together.extra.w)) == (1.0, 1.0)
    with pytest.raises(ValueError, match="extra"):
        Checkpoint(together, extra=Node())
    Checkpoint(together, extra=together.extra)
    with pytest.raises(ValueError, match="trackable object was expected"):
        Checkpoint(3)


@pytest.mark.behaviour("S271", "S64")
def test_an_attribute_of_the_root_that_comes_later_is_restored(world, tmp_path):
    net = Node(v=tf.Variable(1.0))
    world.init()
    path = Checkpoint(net).save(str(tmp_path / "x"))
    late = Node()
    checkpoint = Checkpoint(weakref.ref(late))
    status = checkpoint.restore(path)
    late.v = tf.Variable(0.0)
    world.run(status.assert_consumed())
    assert world.value(late.v) == 1.0


@pytest.mark.behaviour("S271", "S27")
def test_tuples_beside_a_root_and_as_the_root(world, tmp_path):
    def tree(value):
        return Node(v=tf.Variable(value)), (tf.Variable(value), tf.Variable(value))

    net, pair = tree(1.0)
    checkpoint = Checkpoint(net, pair=pair)
    world.init()
    path = checkpoint.save(str(tmp_path / "x"))
    net, pair = tree(0.0)
    fresh = Checkpoint(net, pair=pair)
    world.run(fresh.restore(path).assert_consumed())
    assert [world.value(v) for v in (net.v, *pair)] == [1.0, 1.0, 1.0]
    net.own = pair
    Checkpoint(net, own=net.own)
    with pytest.raises(ValueError, match="own"):
        Checkpoint(net, own=(tf.Variable(0.0),))
    for kind in (Checkpoint, Saver):
        whole = kind(net.own)
        if kind is Checkpoint:
            world.init(whole.save_counter)
        for value in (2.0, 5.0):
            world.assign(pair[0], value)
            path = whole.save(str(tmp_path / f"{kind.__name__}-{value}")) if value == 2.0 else path
        world.run(kind(net.own).restore(path).assert_consumed())
        assert world.value(pair[0]) == 2.0


@pytest.mark.behaviour("S271")
def test_a_checkpoint_with_a_root_of_its_own_has_two_edges_to_it_where_it_hangs_in_another(world, tmp_path):
    inner = Checkpoint(Node(v=tf.Variable(1.0)), extra=Node())
    outer = Checkpoint(inner=inner)
    world.init()
    path = outer.write(str(tmp_path / "x"))
    nodes = tf.train.object_metadata(path).nodes
    assert [(c.local_name, c.node_id) for c in nodes[1].children] == [("_root", 2), ("extra", 3), ("root", 2)]
    assert nodes[4].attributes[0].checkpoint_key == "inner/_root/v/.ATTRIBUTES/VARIABLE_VALUE"
    world.run(Checkpoint(inner=Checkpoint(Node(v=tf.Variable(0.0)), extra=Node())).read(path).assert_consumed())
    world.run(Checkpoint(inner=Node(root=Node(v=tf.Variable(0.0)), extra=Node())).read(path).assert_consumed())


def test_the_name_of_a_variable_ends_at_its_first_colon_in_the_file(eager, tmp_path):
    path = Checkpoint(v=tf.Variable(1.0, name="a:b")).write(str(tmp_path / "x"))
    assert [a.full_name for node in tf.train.object_metadata(path).nodes for a in node.attributes] == ["a"]


@pytest.mark.behaviour("S267")
def test_saving_inside_a_compiled_function_is_not_supported(world, tmp_path):
    checkpoint = Checkpoint(a=tf.Variable(1.0))
    for save in (checkpoint.save, Saver(checkpoint).save):
        with pytest.raises(NotImplementedError, match=r"tf\.function"):
            tf.function(lambda: save(str(tmp_path / "x")))()  # noqa: B023
    assert list(tmp_path.iterdir()) == []


def test_a_deep_copied_checkpoint_saves_its_own_variables(eager, tmp_path):
    import copy

    first = Checkpoint(v=tf.Variable(1.0))
    first.save(str(tmp_path / "x"))
    second = copy.deepcopy(first)
    second.v.assign(2.0)
    path = second.save(str(tmp_path / "y"))
    assert path.endswith("y-2")
    first.restore(path).assert_consumed()
    assert (eager.value(first.v), eager.value(second.v)) == (2.0, 2.0)


@pytest.mark.behaviour("S304")
@pytest.mark.parametrize("value", [1, None, "x", [1]])
def test_a_saver_s_root_must_be_trackable(world, value):
    with pytest.raises(TypeError, match="must be trackable"):
        Saver(value)


@pytest.mark.behaviour("S294", "S297")
def test_a_missing_path_is_not_found_and_other_types_are_refused(world, root, tmp_path):
    for path in (str(tmp_path / "missing"), ""):
        with pytest.raises(tf.errors.NotFoundError):
            Saver(root).restore(path)
    with pytest.raises(tf.errors.NotFoundError, match="-1"):
        Checkpoint().restore(str(tmp_path / "missing"))
    for path in (3, 1.5, tf.constant("x"), ["x"]):
        with pytest.raises(TypeError):
            Saver(root).restore(path)


@pytest.mark.behaviour("S298", "S300", "S301", "S303")
@pytest.mark.parametrize(
    ("wrong", "error"), [([0.0, 0.0], ValueError), ([[1.0]], ValueError), (0, tf.errors.InvalidArgumentError)]
)
def test_a_restore_that_does_not_fit_changes_nothing_and_a_new_one_works(eager, save, wrong, error):
    path = save(a=1.0, b=1.0)
    root = Node(a=tf.Variable(0.0), b=tf.Variable(wrong))
    saver = Saver(root)
    with pytest.raises(error, match=r"\(root\)\.b"):
        saver.restore(path)
    assert eager.value(root.a) == 0.0
    root.b = tf.Variable(0.0)
    saver.restore(path).assert_consumed()
    assert (eager.value(root.a), eager.value(root.b)) == (1.0, 1.0)


@pytest.mark.behaviour("S298")
def test_a_variable_with_unknown_sizes_takes_what_fits(eager, save):
    root = Node(a=tf.Variable([0.0], shape=[None]))
    Saver(root).restore(save(a=[1.0, 2.0])).assert_consumed()
    assert eager.value(root.a) == [1.0, 2.0]
    with pytest.raises(ValueError, match="shape"):
        Saver(root).restore(save(a=1.0))
    root.a = tf.Variable([0.0], shape=tf.TensorShape(None))
    for value in ([1.0, 2.0, 3.0], 1.0):
        Saver(root).restore(save(a=value)).assert_consumed()
        np.testing.assert_array_equal(root.a, value)


def test_in_the_checkpoint_of_1x_root_is_a_keyword_like_others(world, tmp_path):
    kinds = tf.compat.v1.train.Checkpoint
    saved = kinds(root=tf.Variable(1.0), other=tf.Variable(2.0))
    world.init()
    path = saved.save(str(tmp_path / "x"))
    keys = [key.removesuffix("/.ATTRIBUTES/VARIABLE_VALUE") for key, _ in tf.train.list_variables(path)]
    assert keys == ["_CHECKPOINTABLE_OBJECT_GRAPH", "other", "root", "save_counter"]
    found = kinds(root=tf.Variable(0.0), other=tf.Variable(0.0))
    found.restore(path).assert_consumed().run_restore_ops()
    assert (world.value(found.root), world.value(found.other)) == (1.0, 2.0)


def test_write_takes_a_string_tensor_whose_directory_exists(tmp_path):
    checkpoint = Checkpoint(a=tf.Variable(1.0))
    path = checkpoint.write(tf.constant(str(tmp_path / "x")))
    assert (path, type(path)) == (str(tmp_path / "x"), str)
    checkpoint.read(path).assert_consumed()
    with pytest.raises(tf.errors.NotFoundError, match="does not exist"):
        checkpoint.write(tf.constant(str(tmp_path / "no" / "x")))
    with pytest.raises(TypeError):
        checkpoint.write(tf.constant(3))
    assert type(checkpoint.write(np.str_(tmp_path / "y"))) is str
