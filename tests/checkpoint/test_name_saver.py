"""train.Saver: which values go under which names, and how they come back."""

import os

import numpy as np
import pytest

import minitf.compat.v1 as tf


@pytest.fixture
def graph():
    with tf.Graph().as_default() as graph, tf.Session():
        yield graph


def session_of(mode):
    """The session of a graph; eager savers ignore theirs."""
    return getattr(mode, "session", None)


def ready(mode):
    mode.value(tf.constant(0))  # initialises what is new


def initialised(*variables):
    session = tf.get_default_session()
    session.run([v.initializer for v in variables])
    return session


# -- names ---------------------------------------------------------------------------------------------------------------


def test_a_list_is_saved_under_the_variables_names_and_restored(mode, tmp_path):
    with mode.scope():
        a, b = tf.Variable([1.0, 2.0], name="a"), tf.Variable(3, name="scope/b")
        ready(mode)
        saver = tf.train.Saver([a, b])
        path = saver.save(session_of(mode), str(tmp_path / "model"))
        assert path == str(tmp_path / "model")
        assert tf.train.list_variables(path) == [("a", [2]), ("scope/b", [])]
        mode.value(a.assign([5.0, 6.0]))
        mode.value(b.assign(7))
        assert saver.restore(session_of(mode), path) is None
        np.testing.assert_array_equal(mode.value(a), [1.0, 2.0])
        assert mode.value(b) == 3


def test_a_dict_gives_names(mode, tmp_path):
    with mode.scope():
        a, b = tf.Variable([1.0, 2.0], name="a"), tf.Variable(3, name="b")
        ready(mode)
        path = tf.train.Saver({"x": a, "y/z": b}).save(session_of(mode), str(tmp_path / "model"))
        assert tf.train.list_variables(path) == [("x", [2]), ("y/z", [])]
        other = tf.Variable([0.0, 0.0], name="other")
        ready(mode)
        tf.train.Saver({"x": other}).restore(session_of(mode), path)  # what is not asked for stays in the file
        np.testing.assert_array_equal(mode.value(other), [1.0, 2.0])


def test_without_a_list_a_graphs_variables_are_saved_but_not_local_ones(graph, tmp_path):
    a = tf.Variable(1.0, name="a")
    fixed = tf.Variable(2.0, name="fixed", trainable=False)
    local = tf.get_local_variable("loc", [1])
    session = initialised(a, fixed, local)
    path = tf.train.Saver().save(session, str(tmp_path / "m"))
    assert [name for name, _ in tf.train.list_variables(path)] == ["a", "fixed"]


@pytest.mark.parametrize("kind", [list, tuple, set, lambda items: [[items[0]], items[1]]])
def test_any_collection_will_do(graph, kind):
    a, b = tf.Variable(1.0, name="a"), tf.Variable(2.0, name="b")
    assert repr(tf.train.Saver(kind([a, b]))) == "<name-based saver of a, b>"


def test_two_values_of_one_name_are_refused_in_a_graph(graph):
    a, b = tf.Variable(1.0, name="a"), tf.Variable(2.0, name="b")
    with pytest.raises(ValueError, match="same name: a"):
        tf.train.Saver([a, a])
    with pytest.raises(ValueError, match="two names"):
        tf.train.Saver({"x": a, "y": a})
    with pytest.raises(ValueError, match="slices"):
        tf.train.Saver({"x": [a, b]})
    with pytest.raises(TypeError, match="not a string"):
        tf.train.Saver({3: a})


def test_eager_variables_may_have_one_name_only_if_they_are_one(tmp_path):
    v, w = tf.Variable(1.0, name="v"), tf.Variable(2.0, name="v")
    prefix = str(tmp_path / "m")
    assert tf.train.Saver([v, v]).save(None, prefix) == prefix
    with pytest.raises(ValueError, match="same name: v"):
        tf.train.Saver([v, w]).save(None, prefix)
    with pytest.raises(ValueError, match="two names"):
        tf.train.Saver({"x": v, "y": v}).save(None, prefix)


def test_what_is_no_variable_is_refused(graph):
    a = tf.Variable(1.0, name="a")
    for wrong in ([a + 1.0], [3], a, 3, "a"):
        with pytest.raises(TypeError):
            tf.train.Saver(wrong)


def test_there_must_be_something_to_save(graph, tmp_path):
    for nothing in (None, [], {}):
        with pytest.raises(ValueError, match="no variables"):
            tf.train.Saver(nothing)
    empty = tf.train.Saver([], allow_empty=True)
    session = tf.get_default_session()
    assert empty.save(session, str(tmp_path / "m")) is None
    empty.restore(session, None)
    assert os.listdir(tmp_path) == []


def test_in_eager_mode_the_variables_must_be_named(tmp_path):
    with pytest.raises(RuntimeError, match="var_list"):
        tf.train.Saver()
    v = tf.Variable(1.0, name="v")
    with pytest.raises(RuntimeError, match="eager"):
        tf.train.Saver([v]).build()


def test_building_can_be_deferred(graph, tmp_path):
    saver = tf.train.Saver(defer_build=True)
    a = tf.Variable(1.0, name="a")
    session = initialised(a)
    with pytest.raises(RuntimeError, match="build"):
        saver.save(session, str(tmp_path / "m"))
    saver.build()
    assert saver.save(session, str(tmp_path / "m"))
    with pytest.raises(ValueError, match="deferred"):
        tf.train.Saver([a], defer_build=True)


def test_meta_graphs_savers_of_graphs_and_unknown_formats(graph, tmp_path):
    a = tf.Variable(1.0, name="a")
    session = initialised(a)
    saver = tf.train.Saver(max_to_keep=7)
    assert saver.save(session, str(tmp_path / "m"), meta_graph_suffix="x", write_meta_graph=True, strip_default_attrs=True)
    assert not list(tmp_path.glob("*.x"))
    assert saver.as_saver_def() == tf.train.SaverDef(max_to_keep=7)
    with pytest.raises(NotImplementedError):
        tf.train.Saver(saver_def=saver.as_saver_def())
    with pytest.raises(ValueError, match="write_version"):
        tf.train.Saver(write_version=3)


# -- sessions and graphs -------------------------------------------------------------------------------------------------


def test_a_graph_needs_its_session(graph, tmp_path):
    a = tf.Variable(1.0, name="a")
    session = initialised(a)
    saver, prefix = tf.train.Saver(), str(tmp_path / "m")
    for wrong in (None, 3):
        with pytest.raises(TypeError, match="Session"):
            saver.save(wrong, prefix)
    saver.save(session, prefix)
    with pytest.raises(TypeError, match="Session"):
        saver.restore(None, prefix)
    with pytest.raises(ValueError, match="another graph"):
        saver.save(tf.Session(graph=tf.Graph()), prefix)


def test_sessions_have_their_own_values(graph, tmp_path):
    a = tf.Variable(1.0, name="a")
    one, two = tf.Session(), tf.Session()
    for session, value in ((one, 1.0), (two, 2.0)):
        session.run(a.initializer)
        a.load(value, session)
    saver = tf.train.Saver()
    path = saver.save(two, str(tmp_path / "m"))
    saver.restore(one, path)
    assert (one.run(a), two.run(a)) == (2.0, 2.0)


@pytest.mark.behaviour("S182")
def test_restoring_is_a_way_to_initialise(graph, tmp_path):
    a, b = tf.Variable(1.0, name="a"), tf.Variable(2.0, name="b")
    session = initialised(a, b)
    path = tf.train.Saver().save(session, str(tmp_path / "m"))
    fresh = tf.Session()
    tf.train.Saver().restore(fresh, path)
    assert fresh.run([a, b]) == [1.0, 2.0]


def test_a_variable_without_a_value_cannot_be_saved(graph, tmp_path):
    tf.Variable(1.0, name="a")
    with pytest.raises(tf.errors.FailedPreconditionError, match="'a'"):
        tf.train.Saver().save(tf.get_default_session(), str(tmp_path / "m"))
    assert os.listdir(tmp_path) == []


def test_a_saver_works_on_a_finalized_graph(graph, tmp_path):
    a = tf.Variable(1.0, name="a")
    session, saver = initialised(a), tf.train.Saver()
    step = tf.constant(4) + 1
    graph.finalize()
    path = saver.save(session, str(tmp_path / "m"), global_step=step)
    saver.restore(session, path)
    assert path.endswith("m-5")


# -- restoring what does not fit -----------------------------------------------------------------------------------------


@pytest.fixture
def saved(tmp_path):
    """a: float32 [1, 2]; b: int32 3."""
    a, b = tf.Variable([1.0, 2.0], name="a"), tf.Variable(3, name="b")
    return tf.train.Saver([a, b]).save(None, str(tmp_path / "saved"))


def restored(mode, path, values, **options):
    """What variables with these names and initial values have after a restore that may fail."""
    with mode.scope():
        variables = {name: tf.Variable(value, name=name) for name, value in values.items()}
        ready(mode)
        failure = None
        try:
            tf.train.Saver(variables, **options).restore(session_of(mode), path)
        except Exception as e:
            failure = e
        return failure, {name: np.asarray(mode.value(v)).tolist() for name, v in variables.items()}


def test_a_missing_name_restores_nothing(saved, mode):
    failure, values = restored(mode, saved, {"a": [7.0, 7.0], "c": 1.0})
    assert isinstance(failure, tf.errors.NotFoundError)
    assert "'c'" in str(failure)
    assert values == {"a": [7.0, 7.0], "c": 1.0}


def test_another_dtype_restores_nothing(saved, mode):
    failure, values = restored(mode, saved, {"a": [7.0, 7.0], "b": np.int64(1)})
    assert isinstance(failure, tf.errors.InvalidArgumentError)
    assert "int32" in str(failure)
    assert "int64" in str(failure)
    assert values == {"a": [7.0, 7.0], "b": 1}


def test_another_shape_restores_nothing(saved, mode):
    failure, values = restored(mode, saved, {"a": [[7.0], [7.0]], "b": 1})
    assert isinstance(failure, ValueError)
    assert isinstance(failure, tf.errors.InvalidArgumentError)
    assert values == {"a": [[7.0], [7.0]], "b": 1}


def test_reshape_takes_as_many_elements_in_another_shape(saved, mode):
    assert restored(mode, saved, {"a": [[7.0], [7.0]], "b": [0]}, reshape=True) == (None, {"a": [[1.0], [2.0]], "b": [3]})


def test_reshape_needs_as_many_elements(saved, mode):
    failure, values = restored(mode, saved, {"a": [7.0]}, reshape=True)
    assert isinstance(failure, ValueError)
    assert values == {"a": [7.0]}


def test_what_is_no_checkpoint(saved, mode, tmp_path):
    with mode.scope():
        v = tf.Variable([1.0, 1.0], name="a")
        ready(mode)
        saver = tf.train.Saver([v])
        for wrong in (None, "", str(tmp_path / "nothing"), saved + "-1"):
            with pytest.raises(ValueError):
                saver.restore(session_of(mode), wrong)
        with pytest.raises(tf.errors.DataLossError):
            saver.restore(session_of(mode), str(tmp_path))


@pytest.mark.behaviour("S242")
def test_an_object_based_checkpoint_is_read_through_the_names_that_it_records(mode, tmp_path):
    path = tf.train.Checkpoint(net=tf.Variable([1.0, 2.0], name="a"), n=tf.Variable(3, name="b")).save(str(tmp_path / "ckpt"))
    assert restored(mode, path, {"a": [7.0, 7.0], "b": 1}) == (None, {"a": [1.0, 2.0], "b": 3})
    failure, values = restored(mode, path, {"a": [7.0, 7.0], "new": 1})
    assert isinstance(failure, tf.errors.NotFoundError)
    assert "object-based" in str(failure)
    assert "new" in str(failure)
    assert values["a"] == [7.0, 7.0]


# -- objects with their own rule ------------------------------------------------------------------------------------------


class Spec:
    def __init__(self, tensor, name, dtype=None):
        self.tensor, self.name, self.dtype = tensor, name, dtype


class Mirrored:
    """Saves one variable and restores into two."""

    def __init__(self, primary, mirror, name):
        self.name, self.primary, self.mirror = name, primary, mirror
        self.specs = [Spec(lambda: primary.read_value(), name, primary.dtype)]

    def restore(self, restored_tensors, restored_shapes):
        [tensor] = restored_tensors
        return tf.group(self.primary.assign(tensor), self.mirror.assign(tensor))


class Owner(tf.train.Trackable):
    def __init__(self):
        self.primary = tf.Variable(15.0, name="primary")
        self.mirror = tf.Variable(15.0, name="mirror")
        self.name = "owner"

    def _gather_saveables_for_checkpoint(self):
        return {"VALUE": lambda name="owner": Mirrored(self.primary, self.mirror, name)}


@pytest.mark.behaviour("S115")
@pytest.mark.parametrize("give", [lambda owner: owner, lambda owner: Mirrored(owner.primary, owner.mirror, "owner")])
def test_an_object_may_restore_itself(mode, tmp_path, give):
    with mode.scope():
        owner = Owner()
        ready(mode)
        saver = tf.train.Saver([give(owner)])
        mode.value(owner.primary.assign(42.0))
        path = saver.save(session_of(mode), str(tmp_path / "m"))
        assert tf.train.list_variables(path) == [("owner", [])]
        mode.value(owner.primary.assign(43.0))
        mode.value(owner.mirror.assign(44.0))
        saver.restore(session_of(mode), path)
        assert mode.value(owner.primary) == mode.value(owner.mirror) == 42.0


# -- formats ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sharded", [False, True])
@pytest.mark.parametrize("version", [tf.train.SaverDef.V1, tf.train.SaverDef.V2])
def test_each_format_is_written_and_any_is_read(mode, tmp_path, version, sharded):
    with mode.scope():
        v = tf.Variable([1.0, 2.0], name="v")
        ready(mode)
        saver = tf.train.Saver([v], write_version=version, sharded=sharded)
        path = saver.save(session_of(mode), str(tmp_path / "m"), global_step=3)
        files = sorted(p.name for p in tmp_path.iterdir() if p.name.startswith("m"))
        if version == tf.train.SaverDef.V2:
            assert (path, files) == (str(tmp_path / "m-3"), ["m-3.data-00000-of-00001", "m-3.index"])
        elif sharded:
            assert (path, files) == (str(tmp_path / "m-3-?????-of-00001"), ["m-3-00000-of-00001"])
        else:
            assert (path, files) == (str(tmp_path / "m-3"), ["m-3"])
        assert tf.train.latest_checkpoint(str(tmp_path)) == path
        assert tf.train.checkpoint_exists(path)
        mode.value(v.assign([0.0, 0.0]))
        tf.train.Saver([v]).restore(session_of(mode), path)
        np.testing.assert_array_equal(mode.value(v), [1.0, 2.0])


@pytest.mark.parametrize("reshape", [False, True])
def test_a_restored_scalar_is_a_scalar(tmp_path, reshape):
    with tf.Graph().as_default(), tf.Session() as session:
        v = tf.Variable(np.int64(3), name="v")
        session.run(v.initializer)
        saver = tf.train.Saver([v], reshape=reshape)
        path = saver.save(session, str(tmp_path / "x"))
        saver.restore(session, path)
        assert type(session.run(v)) is np.int64
    with tf.Graph().as_default(), tf.Session() as session:
        one = tf.Variable([5.0], name="v")
        session.run(one.initializer)
        path = tf.train.Saver([one]).save(session, str(tmp_path / "y"))
    if reshape:
        with tf.Graph().as_default(), tf.Session() as session:
            v = tf.Variable(0.0, name="v")
            tf.train.Saver([v], reshape=True).restore(session, path)
            assert type(session.run(v)) is np.float32


@pytest.mark.parametrize("wrong", [2.5, "3", True])
def test_how_many_stay_is_an_integer(wrong):
    with pytest.raises(TypeError, match="integer"):
        tf.train.Saver([tf.Variable(1.0)], max_to_keep=wrong)
    with pytest.raises(TypeError, match="a number or None"):
        tf.train.Saver([tf.Variable(1.0)], keep_checkpoint_every_n_hours="3")


def test_what_a_saver_def_says_has_one_type(tmp_path):
    kept = tf.train.Saver([tf.Variable(1.0)], max_to_keep=np.int64(1), keep_checkpoint_every_n_hours=None)
    for step in range(3):
        kept.save(None, str(tmp_path / "m"), global_step=step)
    assert sorted(p.name for p in tmp_path.glob("*.index")) == ["m-0.index", "m-1.index", "m-2.index"]  # no hours: all stay
    found = kept.as_saver_def()
    assert (found.max_to_keep, found.keep_checkpoint_every_n_hours) == (1, 0.0)
    assert [type(value) for value in (found.max_to_keep, found.keep_checkpoint_every_n_hours)] == [int, float]
    whole = tf.train.Saver([tf.Variable(1.0)], keep_checkpoint_every_n_hours=2).saver_def
    assert type(whole.keep_checkpoint_every_n_hours) is float
