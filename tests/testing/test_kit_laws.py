"""The laws of the test kit: each holds on everything that meets its precondition, and fails on something that does not.

A failing law prints a program that runs and fails.
"""

import itertools
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

import minitf as tf
from minitf.core.op import Op
from minitf.core.registry import REGISTRY
from minitf.explore.orders import Replay
from minitf.testing import laws
from minitf.testing import strategies as mst
from minitf.testing.object_graphs import Add, Drop, ObjectGraph, Rename
from minitf.testing.op_programs import Call, OpProgram, Result, check_parity

few = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much], deadline=None)

graphs = mst.object_graphs(max_objects=5)
trees = graphs.filter(laws.no_shared_nodes)
orders = st.permutations(range(5))


@st.composite
def with_edits(draw, graphs=graphs):
    graph = draw(graphs)
    return graph, draw(mst.edits(graph, max_edits=2))


PAIR = ObjectGraph(("node", "variable", "variable"), (None, 1.0, 2.0), ((0, "a", 1), (0, "b", 2)))
SHARED = ObjectGraph(("node", "variable"), (None, 1.0), ((0, "a", 1), (0, "b", 1)))
SPLIT = (Drop(0, "b"), Add(0, "b", "variable", 0.0))  # in the restoring program a and b are two


def fails(law, *arguments, mode, **options):
    """The law fails, and what it prints fails too when it is run by itself."""
    with pytest.raises(laws.LawBroken, match="This program shows it") as caught:
        law(*arguments, mode=mode, **options)
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", caught.value.script], capture_output=True, text=True)
    assert done.returncode == 1, caught.value.script
    assert "AssertionError" in done.stderr, done.stderr
    return caught.value.script


both = pytest.mark.parametrize("mode", ["eager", "graph"])


@given(graph=graphs)
@few
def test_restore_then_save_gives_the_same_bytes(graph):
    laws.restore_then_save(graph)


@both
def test_another_construction_order_gives_other_bytes(mode):
    assert not laws.same_construction_order(PAIR, (1, 0))
    assert not laws.restore_then_save.holds(PAIR, (1, 0))
    fails(laws.restore_then_save, PAIR, (1, 0), mode=mode)


@both
def test_save_counts_and_so_gives_other_bytes(mode):
    assert not laws.restore_then_save.holds(PAIR, by="save")
    assert "save_counter" not in fails(laws.restore_then_save, PAIR, by="save", mode=mode)


@given(graph=graphs)
@few
def test_save_then_restore_gives_the_same_values(graph):
    assert laws.same_edges(graph)
    laws.save_then_restore(graph)


@both
def test_a_renamed_edge_is_not_restored(mode):
    edits = (Rename(0, "a", "c"),)
    assert not laws.save_then_restore.holds(PAIR, edits)
    program = fails(laws.save_then_restore, PAIR, edits, mode=mode)
    assert program.count("tf.Variable") == 2, f"the other variable has nothing to do with it:\n{program}"


@given(case=with_edits().filter(lambda case: laws.order_of_attaching.holds(case[0], edits=case[1])), one=orders, other=orders)
@few
def test_the_order_of_attaching_does_not_matter(case, one, other):
    graph, edits = case
    laws.order_of_attaching(graph, one, other, edits)


@both
def test_with_shared_nodes_the_first_that_is_attached_gets_the_value(mode):
    assert not laws.no_shared_nodes(SHARED, SPLIT)
    fails(laws.order_of_attaching, SHARED, (0, 1), (1, 0), SPLIT, mode=mode)


@given(case=with_edits(), one=orders, other=orders)
@few
def test_with_everything_present_the_order_of_insertion_does_not_matter(case, one, other):
    graph, edits = case
    laws.insertion_order(graph, one, other, edits)


@both
def test_if_something_comes_late_the_order_of_insertion_matters(mode):
    assert not laws.insertion_order.holds(SHARED, (0, 1), (1, 0), SPLIT, late=1)
    fails(laws.insertion_order, SHARED, (0, 1), (1, 0), SPLIT, late=1, mode=mode)


def harmless(graph):
    """Steps that make nothing and let nothing die."""
    places = [edge[:2] for edge in graph.edges]
    variables = [n for n, kind in enumerate(graph.kinds) if kind == "variable"]
    kinds = [st.just(("run", 1)), st.just(("save", 0, 1)), st.just(("restore", 0, 0, 2)), st.just(("drop_status", 1))]
    if places:
        kinds.append(st.sampled_from(places).map(lambda place: ("detach", *place)))
    if variables:
        kinds.append(st.sampled_from(variables).map(lambda n: ("assign", n, 7.0)))
    steps = st.lists(st.one_of(kinds), max_size=4)
    # what is detached once cannot be detached again, and a status that was dropped cannot be run
    return steps.map(lambda steps: list(dict.fromkeys(steps))).filter(
        lambda steps: ("drop_status", 1) not in steps or ("run", 1) not in steps
    )


@given(data=st.data(), graph=graphs)
@few
def test_consumed_stays_consumed(data, graph):
    steps = data.draw(harmless(graph))
    assert laws.consumed_stays_consumed.holds(graph, steps)
    laws.consumed_stays_consumed(graph, steps)


@both
def test_a_new_object_ends_it(mode):
    steps = [("variable", 9, 1.0), ("attach", 0, "new", 9)]
    assert not laws.nothing_new(steps)
    assert laws.nothing_dies(steps)
    fails(laws.consumed_stays_consumed, PAIR, steps, mode=mode)


def test_an_object_that_dies_ends_it():
    """In a graph variables do not die: the graph holds them. Nodes do."""
    nodes = ObjectGraph(("node", "node"), (None, None), ((0, "a", 1),))
    steps = [("detach", 0, "a"), ("drop", 1)]
    assert laws.nothing_new(steps)
    assert not laws.nothing_dies(steps)
    for mode in ("eager", "graph"):
        fails(laws.consumed_stays_consumed, nodes, steps, mode=mode)


@given(graph=graphs)
@few
def test_running_restore_ops_twice_changes_nothing(graph):
    laws.running_twice(graph)


def test_what_was_assigned_between_is_changed_by_the_second_run():
    """In eager mode nothing is run."""
    between = [("assign", 1, 7.0)]
    assert not laws.nothing_assigned(between)
    fails(laws.running_twice, PAIR, between, mode="graph")
    laws.running_twice(PAIR, between, mode="eager")


@st.composite
def apart(draw):
    names = [st.sampled_from(["a", "b"]), st.sampled_from(["b", "c"])]
    kinds = ("node", "variable", "state")
    one, other = (draw(mst.object_graphs(sharing="tree", max_objects=4, names=n, kinds=kinds)) for n in names)
    return one, other


@given(pair=apart().filter(lambda pair: laws.disjoint_restores_commute.holds(*pair)))
@few
def test_restores_of_disjoint_keys_commute(pair):
    laws.disjoint_restores_commute(*pair)


@both
def test_of_two_restores_with_one_key_the_newer_decides(mode):
    other = ObjectGraph(PAIR.kinds, (None, 5.0, 6.0), ((0, "b", 1), (0, "c", 2)))
    assert not laws.disjoint_keys(PAIR, other)
    fails(laws.disjoint_restores_commute, PAIR, other, mode=mode)


# -- ops -----------------------------------------------------------------------------------------------------------------


@given(program=mst.op_programs())
@few
def test_eager_equals_graph_for_any_program(program):
    assert laws.no_random_ops(program)
    laws.eager_equals_graph(program)


def test_a_program_that_draws_numbers_differs():
    drawn = OpProgram((Call("random.uniform", (np.array([3], np.int32),)), Call("negative", (Result(0),))))
    assert not laws.no_random_ops(drawn)
    with pytest.raises(AssertionError, match=r"(?s)The runtimes differ.*random.uniform"):
        laws.eager_equals_graph(drawn)


@pytest.fixture
def unsteady():
    """An op that gives something else each time. (No kernel is exchanged: an op that has been called keeps its own.)"""
    numbers = itertools.count()
    yield Op(lambda x: np.float32(next(numbers)), name="unsteady").name
    del REGISTRY["unsteady"]


def test_a_planted_difference_is_printed_as_code_that_fails(unsteady):
    program = OpProgram(
        (
            Call("negative", (np.float32(2),)),
            Call(unsteady, (Result(0),)),
            Call("negative", (np.float32(4),)),
        )
    )
    with pytest.raises(AssertionError, match="This program shows it") as caught:
        check_parity(program)
    code = str(caught.value).partition("shows it:")[2]
    assert code.count("y2 =") == 0, "the last call has nothing to do with it"
    compile(code, "<printed>", "exec")


def test_a_program_takes_results_of_earlier_calls_only():
    with pytest.raises(ValueError, match="call 0 .negative. takes"):
        OpProgram((Call("negative", (Result(0),)),))


# -- objects of one's own ------------------------------------------------------------------------------------------------


class Net(tf.Module):
    def __init__(self):
        super().__init__()
        self.kernel = tf.Variable([1.0, 2.0])
        self.steps = tf.Variable(3)


def test_a_round_trip_of_ones_own_objects():
    laws.round_trip(Net)
    laws.round_trip(Net, change=lambda net: net.kernel.assign([5.0, 6.0]), mode="eager")


def test_a_round_trip_that_loses_something():
    class Forgetful(tf.train.PythonState):
        def serialize(self):
            return f"{id(self)}"

        def deserialize(self, string_value):
            pass

    def make():
        net = Net()
        net.state = Forgetful()
        return net

    with pytest.raises(AssertionError, match="state.*became"):
        laws.round_trip(make)


def test_a_bad_mode_is_named():
    with pytest.raises(ValueError, match="save_then_restore.mode='lazy'"):
        laws.save_then_restore(PAIR, mode="lazy")


# -- schedules -----------------------------------------------------------------------------------------------------------


def racing(schedule):
    """What a run gives that assigns 1 and 2 to one variable, in an order that the schedule chooses."""
    with tf.Graph().as_default() as graph:
        v = tf.Variable(0.0)
        one, two = v.assign(1.0), v.assign(2.0)
        session = tf.Session(graph=graph, scheduler=schedule)
        session.run(v.initializer)
        session.run([one.op, two.op])
        return float(session.run(v))


def test_a_failing_order_shrinks_to_few_deviations():
    found = find(mst.schedules(), lambda schedule: racing(schedule) == 1.0)
    assert sum(map(bool, found.choices)) <= 2
    assert racing(Replay(found.choices)) == 1.0
    assert racing(Replay([])) == 2.0


@given(schedule=mst.schedules(max_choices=0))
def test_a_schedule_without_choices_is_program_order(schedule):
    assert racing(schedule) == 2.0


def lost_update(world):
    """Two tasks read, and then write what they read and one more."""
    total = [0]

    def add():
        seen = total[0]
        yield
        total[0] = seen + 1

    world.tasks(add, add)
    assert total[0] == 2


def test_hypothesis_chooses_the_order_of_an_exploration():
    from minitf import explore

    def loses(schedule):
        return bool(explore.check(lost_update, strategy=schedule, database=False, verify="none").failures)

    found = find(mst.schedules(), loses)
    assert sum(map(bool, found.choices)) <= 1
