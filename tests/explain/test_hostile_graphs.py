"""What a small file may cost whoever asks what became of it: calls and bytes in proportion to its size, whatever its graph."""

from contextlib import suppress

import pytest

import minitf as tf
from minitf.explain import paths
from minitf.explain.why.causes import Place, Why
from minitf.explain.why.finding import Findings
from minitf.explain.why.likeness import similarity, stem
from minitf.explain.why.states import States
from tests.checkpoint import hostile_graphs as graphs
from tests.checkpoint.hostile_graphs import calls, write
from tests.kernel import traced

SMALL, LARGE = 100, 400

SHAPES = [
    graphs.diamonds, graphs.same_names, graphs.line, graphs.line_of_values, graphs.line_with_a_star, graphs.line_to_one,
    graphs.circle, graphs.star, graphs.long_names, graphs.star_below_a_long_name, graphs.many_ways_to_many,
    graphs.all_share, graphs.slots_of_slots,
    graphs.slots_in_one, graphs.list_of_one, graphs.missing_values,
]  # fmt: skip
RECORDED = [
    graphs.diamonds, graphs.line_to_one, graphs.circle, graphs.star_below_a_long_name, graphs.all_share, graphs.slots_in_one,
]  # fmt: skip


def program(keras):
    """Objects that know themselves, as those with a parent do: one object may be paired with any number of nodes."""
    root = tf.Module()
    root.v = tf.Variable(1.0)
    root.dense_1 = tf.Module()
    root.dense_1.kernel = tf.Variable([1.0])
    root.me = root
    root.optimizer = tf.keras.optimizers.Adam() if keras else tf.train.MomentumOptimizer(0.1, 0.9)
    with tf.GradientTape() as tape:
        loss = root.v * root.v
    root.optimizer.apply_gradients([(tape.gradient(loss, root.v), root.v)])
    return root


def everything(saver, path, status):
    str(saver.explain(path))
    told = status.explain()
    told.to_json()
    told.to_networkx()
    told.to_html()
    str(told)
    str(status)
    for ask in (status.assert_consumed, status.assert_existing_objects_matched, status.assert_nontrivial_match):
        with suppress(AssertionError):
            ask()


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_what_is_told_grows_as_the_file_does(eager, tmp_path, monkeypatch, shape):
    monkeypatch.setattr(paths, "LONG", 100)
    monkeypatch.setattr(paths, "ENDS", 30)

    def cost(n, measure):
        root = program(keras=shape in (graphs.list_of_one, graphs.slots_in_one))
        saver = tf.train.CheckpointableSaver(root)
        path = write(tmp_path / f"{n}", shape(n))
        status = saver.restore(path).expect_partial()
        return measure(lambda: everything(saver, path, status))

    cost(10, calls)  # imports
    for measure, most in ((calls, 1.3), (traced, 1.5)):
        small, large = cost(SMALL, measure), cost(LARGE, measure)
        assert large / small < most * LARGE / SMALL, measure


@pytest.mark.parametrize("shape", RECORDED, ids=lambda shape: shape.__name__)
def test_a_recording_grows_as_the_file_does(eager, tmp_path, shape):
    def cost(n, measure):
        root = program(keras=False)
        path = write(tmp_path / f"{n}", shape(n))

        def work():
            with tf.record() as timeline:
                status = tf.train.CheckpointableSaver(root).restore(path).expect_partial()
                str(status)
            timeline.save_html(tmp_path / "x.html")
            for what in ("objects", "checkpoint", "match"):
                timeline.to_networkx(what)

        return measure(work)

    cost(10, calls)  # imports
    for measure, most in ((calls, 1.3), (traced, 1.5)):
        small, large = cost(SMALL, measure), cost(LARGE, measure)
        assert large / small < most * LARGE / SMALL, measure


def test_an_empty_program(eager, tmp_path):
    path = write(tmp_path / "p", graphs.same_names(100))
    status = tf.train.CheckpointableSaver(tf.Module()).restore(path).expect_partial()
    assert "0 of 2 values restored, 1 waiting for an edge, 1 unused in the file" in str(status.explain())
    assert len(status.explain().rows) == 2


def test_of_a_long_path_both_ends_are_told(eager, tmp_path):
    path = write(tmp_path / "p", [graphs.inner(("first", 1)), *graphs.line(5_000)[1:]])
    row, _ = tf.train.CheckpointableSaver(tf.Module()).explain(path).rows
    assert row.saved.startswith("(root).first.me.me.")
    assert row.saved.endswith("me.me.me (object 5000)")
    assert "letters more]" in row.saved
    assert len(row.saved) < paths.LONG


def test_names_of_many_causes_are_looked_at_once(eager, tmp_path):
    class Counted(tuple):
        __slots__ = ()
        count = 0

        def __hash__(self):
            Counted.count += 1
            return super().__hash__()

    path = write(tmp_path / "p", graphs.star(50))
    facts = tf.train.CheckpointableSaver(tf.Module()).explain(path).facts
    findings = Findings(States(facts))
    findings.note(Why.OTHER_CHECKPOINT, [Place("(root)", "(root)")], range(50), Counted(("a", "/", "b")))
    assert len(findings.causes()) == 1
    assert Counted.count < 10


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("dense_12", "dense"), ("dense-1", "dense"), ("dense", "dense"), ("12", ""), ("_1", ""), ("a_b2c", "a_b2c"), ("", ""),
     ("w__3", "w_"), ("1_", "1_")],
)  # fmt: skip
def test_a_name_without_its_counter(name, wanted):
    assert stem(name) == wanted


def test_a_name_that_is_nearly_a_counter():
    name = "1" * 400_000 + "x"
    assert stem(name) == name


def test_names_that_are_very_long():
    assert similarity("e" * 400_000, "f" * 400_000 + "e") == 0.0
    assert similarity("ab" * 30, "xab") == 0.0
    assert similarity("e" * 400_000, "f" * 100_000 + "e" * 300_000) == 0.0
    assert similarity("kernel", "kernle") > 0.5
