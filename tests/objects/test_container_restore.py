"""Containers in checkpoints: waiting values reach elements, names alone decide, and mutated containers refuse."""

import copy
import gc
import pickle
import weakref
from collections import namedtuple

import pytest

import minitf as tf

Pair = namedtuple("Pair", "x y")


@pytest.fixture
def v(mode):
    return lambda value=0.0: tf.Variable(value)


@pytest.fixture(params=["Checkpoint", "CheckpointableSaver"])
def saver(request, mode, tmp_path):
    """``saver(root)`` with ``save()`` and ``restore(path)``, which runs what a graph has to run."""

    class Both:
        def __init__(self, root):
            self.root = root
            self.saver = tf.train.CheckpointableSaver(root) if request.param == "CheckpointableSaver" else None

        def save(self):
            mode.initialise(self.root)
            path = str(tmp_path / f"at{len(list(tmp_path.iterdir()))}")
            with mode.session.as_default() if mode.session else tf.name_scope(None):
                return self.saver.save(path) if self.saver else tf.train.Checkpoint(root=self.root).write(path)

        def restore(self, path):
            return self.saver.restore(path) if self.saver else tf.train.Checkpoint(root=self.root).read(path)

    return Both


def keys(path):
    return [
        key.removesuffix("/.ATTRIBUTES/VARIABLE_VALUE") for key, _ in tf.train.list_variables(path) if "OBJECT_GRAPH" not in key
    ]


@pytest.fixture
def values(mode):
    """The values of variables, after running what waits to be run."""

    def values(status, *variables):
        if mode.session:
            status.run_restore_ops(session=mode.session)
        return [mode.value(x) for x in variables]

    return values


@pytest.mark.behaviour("S36", "S37", "S55")
def test_keys_of_elements(v, node, saver):
    net = node(l=[v(), 7, v(), [v()]], d={"b": v(), "x.y/z": v()}, t=(v(), 2), n=Pair(v(), 1))
    assert sorted(keys(saver(net).save())) == ["d/b", "d/x..y.Sz", "l/0", "l/2", "l/3/0", "n/x", "t/0"]


@pytest.mark.behaviour("S57")
def test_waiting_values_reach_elements_when_they_arrive(v, node, saver, values):
    path = saver(node(l=[v(1.0), v(2.0)], d={"k": v(3.0)}, t=(v(4.0),), n=Pair(1, v(5.0)))).save()
    net = node()
    status = saver(net).restore(path)
    net.l = []
    net.l.append(v())
    net.l += [v()]
    net.d = {}
    net.d["k"] = v()
    net.t = (v(),)
    net.n = Pair(v(), v())
    assert values(status, *net.l, net.d["k"], net.t[0], net.n.y) == [1.0, 2.0, 3.0, 4.0, 5.0]
    del net.n
    net = node(l=[], d={})
    status = saver(net).restore(path)
    net.l.extend([v(), v()])
    net.d.update(k=v())
    net.t, net.n = (v(),), Pair(0, v())
    assert values(status, *net.l, net.d["k"]) == [1.0, 2.0, 3.0]
    status.assert_consumed()


@pytest.mark.behaviour("S57")
def test_waiting_values_reach_append_only_containers(v, node, saver, values):
    path = saver(node(l=tf.train.List([v(1.0)]), m=tf.train.Mapping(k=v(2.0)))).save()
    net = node(l=tf.train.List(), m=tf.train.Mapping())
    status = saver(net).restore(path)
    net.l.append(v())
    net.m["k"] = v()
    assert values(status, net.l[0], net.m["k"]) == [1.0, 2.0]
    status.assert_consumed()


@pytest.mark.behaviour("S57", "S38")
def test_restoring_existing_elements(v, node, saver, values):
    a = v(1.0)
    path = saver(node(l=[a, v(2.0), a])).save()
    net = node(l=[v()])
    status = saver(net).restore(path)
    net.l.append(v())
    net.l.append(net.l[0])
    assert values(status, *net.l) == [1.0, 2.0, 1.0]
    status.assert_consumed()


@pytest.mark.behaviour("S58")
def test_only_names_matter(v, node, saver, values):
    path = saver(node(l=[v(1.0), v(2.0)], t=(v(3.0),), n=Pair(v(4.0), 0))).save()
    net = node(l={"0": v(), "1": v()}, t=[v()], n={"x": v()})
    status = saver(net).restore(path)
    assert values(status, net.l["0"], net.l["1"], net.t[0], net.n["x"]) == [1.0, 2.0, 3.0, 4.0]


@pytest.mark.behaviour("S59")
def test_a_second_object_under_a_key_is_not_restored(mode, v, node, saver, values):
    path = saver(node(d={"k": v(3.0)})).save()
    net = node()
    status = saver(net).restore(path)
    net.d = {}
    net.d["k"] = first = v(7.0)
    net.d["k"] = second = v(7.0)
    mode.initialise(second)
    assert values(status, first, second) == [3.0, 7.0]


@pytest.mark.behaviour("S60")
def test_empty_containers_are_ignored_by_the_assertions_of_checkpoint(v, node, mode, tmp_path):
    root = node(v=v(1.0), l=[], d={}, inner=[[]])
    mode.initialise(root)
    with mode.session.as_default() if mode.session else tf.name_scope(None):
        path = tf.train.Checkpoint(root=root).write(str(tmp_path / "x"))
    other = node(v=v(), m=[], e={}, deep=[{}])
    tf.train.Checkpoint(root=other).read(path).assert_consumed().assert_nontrivial_match()


@pytest.mark.behaviour("S44", "S309")
def test_a_mutated_list_refuses_at_save_at_restore_and_in_assertions(v, node, saver):
    good = node(l=[v(1.0)])
    path = saver(good).save()
    status = saver(good).restore(path)
    good.l.pop()
    replaced = "list element was replaced"
    with pytest.raises(ValueError, match=replaced):
        saver(good).save()
    with pytest.raises(ValueError, match=replaced):
        saver(good).restore(path)
    for ask in (status.assert_consumed, status.assert_existing_objects_matched):
        with pytest.raises(ValueError, match=replaced):
            ask()
    with pytest.raises(ValueError, match=replaced):
        tf.train.list_objects(good)
    good.l = [v()]
    saver(good).restore(path)


def spoilt(behaviour, change):
    return pytest.param(change, marks=pytest.mark.behaviour(behaviour), id=behaviour)


@pytest.mark.parametrize(
    "spoil",
    [
        spoilt("S45", lambda net, raw: raw.append(1)),
        spoilt("S51", lambda net, raw: net.d.pop("k")),
        spoilt("S52", lambda net, raw: net.raw_dict.clear()),
        spoilt("S48", lambda net, raw: net.d.update({1: [2]})),
        spoilt("S55", lambda net, raw: setattr(net, "n", Odd([1]))),
    ],
)
@pytest.mark.upstream("tracking_test.InterfaceTests.testOutOfBandEditDirtiesList")
def test_other_spoilt_containers_refuse_too(v, node, saver, spoil):
    raw = [v()]
    raw_dict = {"k": v()}
    net = node(l=raw, d=raw_dict, n=(), raw_dict=tf.train.NoDependency(raw_dict))
    saver(net).save()
    spoil(net, raw)
    with pytest.raises(ValueError, match="Cannot save or restore"):
        saver(net).save()


class Odd(Pair):
    """A named tuple that cannot be built from its fields."""

    def __new__(cls, only):
        return super().__new__(cls, only, 1)


@pytest.mark.behaviour("S49")
def test_a_deleted_key_is_still_saved(v, node, saver):
    net = node(d={"k": v(), "gone": v()})
    del net.d["gone"]
    net.d["k"] = 5
    assert sorted(keys(saver(net).save())) == ["d/gone", "d/k"]


@pytest.mark.behaviour("S61")
def test_a_deep_copy_is_restored_on_its_own(node, tmp_path):
    net = node(l=[tf.Variable(1.0)], d={"k": tf.Variable(2.0)}, t=(tf.Variable(3.0),))
    twin = copy.deepcopy(net)
    path = tf.train.Checkpoint(root=net).write(str(tmp_path / "x"))
    for own in (net.l[0], net.d["k"], net.t[0], twin.l[0], twin.d["k"], twin.t[0]):
        own.assign(9.0)
    tf.train.Checkpoint(root=twin).read(path).assert_consumed()
    assert [float(x) for x in (twin.l[0], twin.d["k"], twin.t[0])] == [1.0, 2.0, 3.0]
    assert [float(x) for x in (net.l[0], net.d["k"], net.t[0])] == [9.0, 9.0, 9.0]


@pytest.mark.behaviour("S61")
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_carry_no_waiting_values(node, tmp_path, copied):
    path = tf.train.Checkpoint(root=node(l=[tf.Variable(1.0)], d={"k": tf.Variable(2.0)})).write(str(tmp_path / "x"))
    net = node(l=[], d={})
    status = tf.train.Checkpoint(root=net).read(path)
    twin = node(l=copied(net.l), d=copied(net.d))
    twin.l.append(tf.Variable(0.0))
    twin.d["k"] = tf.Variable(0.0)
    assert [float(twin.l[0]), float(twin.d["k"])] == [0.0, 0.0]
    net.l.append(tf.Variable(0.0))
    net.d["k"] = tf.Variable(0.0)
    status.assert_consumed()
    assert [float(net.l[0]), float(net.d["k"])] == [1.0, 2.0]


@pytest.mark.behaviour("S61")
def test_copies_of_spoilt_wrappers_are_spoilt(mode, node):
    for spoil in (lambda n: n.l.pop(), lambda n: n.raw.append(1)):
        raw = [node()]
        net = node(l=raw, raw=tf.train.NoDependency(raw))
        spoil(net)
        for twin in (copy.copy(net.l), net.l.copy(), copy.deepcopy(net.l), pickle.loads(pickle.dumps(net.l))):
            assert list(twin)[1:] == list(net.l)[1:]
            with pytest.raises(ValueError, match="Cannot save or restore"):
                tf.train.children(twin)
    for spoil in (lambda d: d.pop("a"), lambda d: d.__setitem__(1, [2])):
        net = node(d={"a": 1})
        spoil(net.d)
        for twin in (copy.copy(net.d), net.d.copy(), copy.deepcopy(net.d), pickle.loads(pickle.dumps(net.d))):
            assert twin == net.d
            with pytest.raises(ValueError, match="Cannot save or restore"):
                tf.train.children(twin)


@pytest.mark.behaviour("S57")
def test_a_failing_restore_leaves_neither_element_nor_edge_and_goes_on_waiting(node, tmp_path):
    path = tf.train.Checkpoint(root=node(l=[tf.Variable([1.0, 2.0])], d={"k": tf.Variable([3.0, 4.0])})).write(
        str(tmp_path / "x")
    )
    net = node(l=[], d={})
    status = tf.train.Checkpoint(root=net).read(path)
    with pytest.raises(ValueError, match="shape"):
        net.l.append(tf.Variable(0.0))
    with pytest.raises(ValueError, match="shape"):
        net.d["k"] = tf.Variable(0.0)
    assert net.l == []
    assert net.d == {}
    assert tf.train.children(net.l) == tf.train.children(net.d) == {}
    net.l.append(tf.Variable([0.0, 0.0]))
    net.d["k"] = tf.Variable([0.0, 0.0])
    status.assert_consumed()
    assert net.l[0].numpy().tolist() == [1.0, 2.0]


@pytest.mark.behaviour("S57")
def test_a_slice_assignment_whose_restore_fails_changes_nothing(node, tmp_path):
    path = tf.train.Checkpoint(root=node(l=[tf.Variable(1.0), tf.Variable([3.0, 4.0])])).write(str(tmp_path / "x"))
    net = node(l=[7, 8])
    tf.train.Checkpoint(root=net).read(path)
    with pytest.raises(ValueError, match="shape"):
        net.l[:] = [tf.Variable(0.0), tf.Variable(0.0)]
    assert net.l == [7, 8]
    assert tf.train.children(net.l) == {}
    net.l[1:] = [tf.Variable([0.0, 0.0])]
    assert net.l[1].numpy().tolist() == [3.0, 4.0]


@pytest.mark.behaviour("S86", "S104")
def test_containers_and_their_elements_die_with_the_last_reference(node, tmp_path):
    path = tf.train.Checkpoint(root=node(l=[tf.Variable(1.0), 2], t=(tf.Variable(1.0),), d={"k": tf.Variable(1.0)})).write(
        str(tmp_path / "x")
    )
    gc.disable()
    try:
        net = node(l=[], t=(tf.Variable(0.0),))
        status = tf.train.Checkpoint(root=net).read(path)
        refs = [weakref.ref(net.l), weakref.ref(net.t[0]), weakref.ref(net)]
        tuple_variable = refs[1]
        del net.t
        assert tuple_variable() is None
        with pytest.raises(AssertionError):
            status.assert_consumed()
        del status, net
        assert [ref() for ref in refs] == [None] * 3
    finally:
        gc.enable()
