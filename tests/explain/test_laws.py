"""Laws of explanations, over random trees and random changes to them: every value has its row, and the states are true."""

import logging

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import minitf as tf
from minitf.checkpoint.walking import Walk
from minitf.explain.why import State
from minitf.explain.why.explanation import LINES
from tests.checkpoint.conftest import WORLDS, Node
from tests.explain.watch import everything_about

NAMES = st.sampled_from(["a", "b", "c", "dense", "dense_1", "dense_2"])
TREES = st.recursive(
    st.sampled_from([(), (2,), (3,)]),
    lambda inner: st.one_of(st.dictionaries(NAMES, inner, max_size=4), st.lists(inner, max_size=3)),
    max_leaves=10,
)
ROOTS = st.dictionaries(NAMES, TREES, min_size=1, max_size=4)
CHANGES = st.lists(st.tuples(st.sampled_from(["rename", "drop", "add", "wrap", "hide", "share"]), NAMES, NAMES), max_size=3)


class Numbers:
    """Each variable gets another number: so its value says where it comes from."""

    def __init__(self, first):
        self.next = first

    def build(self, tree):
        if isinstance(tree, tuple):
            self.next += 1
            return tf.Variable(tf.fill(tree, float(self.next)))
        if isinstance(tree, list):
            return [self.build(one) for one in tree]
        return Node(**{name: self.build(one) for name, one in tree.items()})


def changed(root, changes):
    """The program as it is today: some attributes have other names, are gone, new, behind a wrapper, or without an edge."""
    for what, one, other in changes:
        held = getattr(root, one, None)
        if what == "add":
            setattr(root, other, tf.Variable(-1.0))
        elif held is None:
            continue
        elif what == "share":
            setattr(root, other, held)
        else:
            delattr(root, one)
            if what == "rename":
                setattr(root, other, held)
            elif what == "wrap":
                setattr(root, one, Node(inner=held))
            elif what == "hide":
                setattr(root, one, tf.train.NoDependency(held))
    return root


@pytest.mark.parametrize("mode", list(WORLDS))
@given(saved=ROOTS, live=st.none() | ROOTS, changes=CHANGES, late=NAMES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
def test_every_value_has_its_row_and_the_states_are_true(tmp_path, mode, saved, live, changes, late):
    logger = logging.getLogger("minitf")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        _check(str(tmp_path / "c"), mode, saved, live, changes, late)
    finally:
        logger.setLevel(level)


def _check(prefix, mode, saved, live, changes, late):
    with tf.using(tf.Eager()):
        path = tf.train.CheckpointableSaver(Numbers(100).build(saved)).save(prefix)
        reader = tf.train.load_checkpoint(path)
        stored = {key: reader.get_tensor(key).ravel()[:1].tolist() for key in reader.get_variable_to_shape_map() if "/" in key}
    with WORLDS[mode]().scope() as world:
        root = changed(Numbers(-1000).build(saved if live is None else live), changes)
        later = vars(root).pop(late, None)
        root._tracking.edges.pop(late, None)
        world.init()
        saver = tf.train.CheckpointableSaver(root)
        foretold = saver.explain(path)
        try:
            status = saver.restore(path).expect_partial()
            if later is not None:
                setattr(root, late, later)
            world.run(status)
        except (ValueError, tf.errors.InvalidArgumentError):
            assert foretold.fails or later is not None or State.DIFFERS in saver.explain(path).counts
            return
        before = everything_about(root, status, world)
        told = status.explain()
        assert len(str(told).splitlines()) <= LINES
        assert "<div" in told._repr_html_()
        assert len(told.to_networkx()) > 0
        assert everything_about(root, status, world) == before

        keys = [row.key for row in told.rows if row.key is not None]
        assert sorted(keys) == sorted(key for key in stored if "OBJECT_GRAPH" not in key)
        walk = Walk(root)
        variables = {walk.display(n): obj for n, obj in enumerate(walk.objects) if isinstance(obj, tf.Variable)}
        assert {row.live for row in told.rows} >= set(variables)
        for row in told.rows:
            value = [world.value(variables[row.live])] if row.live in variables else None
            while isinstance(value, list) and value and isinstance(value[0], list):
                value = value[0][:1]
            if row.state is State.RESTORED:
                assert value == stored[row.key]
                assert row.provenance.key == row.key
            elif row.live is not None and row.saved is None:
                assert value[0] < 0
                assert row.provenance is None or row.provenance.key is None
            assert (row.cause is None) <= (row.state is State.RESTORED)
        if later is None and not foretold.fails:
            assert [(r.state, r.saved, r.live) for r in foretold.rows] == [(r.state, r.saved, r.live) for r in told.rows]
            assert [(c.kind, c.path) for c in foretold.causes] == [(c.kind, c.path) for c in told.causes]
        assert told.complete == (not told.causes)
