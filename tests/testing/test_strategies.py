"""The strategies draw what they say, and refuse bad arguments by name."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument

import minitf as tf
from minitf.core.spec import Spec
from minitf.testing import strategies as mst
from minitf.testing.checkpoints import build
from minitf.testing.divergence import Divergence
from minitf.testing.object_graphs import Add, Drop, ObjectGraph, Rename, Swap, edited
from minitf.testing.ops import same_bits
from minitf.testing.programs import smallest
from minitf.testing.twins import run

quiet = settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


# -- specs and arrays ----------------------------------------------------------------------------------------------------


@given(mst.specs(max_dims=2, min_side=1, max_side=3))
def test_specs_keep_their_limits(spec):
    assert len(spec.shape) <= 2
    assert all(1 <= size <= 3 for size in spec.shape)


@given(mst.arrays())
def test_arrays_are_what_a_variable_can_hold(array):
    assert same_bits(tf.Variable(array).numpy(), array) or array.dtype.kind == "O"


@given(mst.arrays(specs=st.just(Spec(tf.int32, (2,))), elements=st.just(7)))
def test_arrays_of_one_spec_and_element(array):
    assert array.dtype == np.int32
    assert array.tolist() == [7, 7]


def test_dtypes_of_a_list():
    assert find(mst.dtypes(among=["int8", tf.string]), lambda _: True) is tf.int8


# -- graphs --------------------------------------------------------------------------------------------------------------


@given(mst.object_graphs(sharing="tree"))
def test_trees_are_trees(graph):
    assert graph.is_tree
    assert not graph.has_cycle
    assert len(graph.reachable()) == len(graph.kinds) == len(graph.edges) + 1


@given(mst.object_graphs(sharing="shared"))
def test_shared_graphs_have_no_cycles(graph):
    assert not graph.has_cycle


@pytest.mark.parametrize(
    "sharing, wanted",
    [("shared", lambda g: not g.is_tree), ("cyclic", lambda g: g.has_cycle), ("cyclic", lambda g: g.slots != ())],
)
def test_graphs_of_every_kind_are_drawn(sharing, wanted):
    assert wanted(find(mst.object_graphs(sharing=sharing), wanted))


@given(mst.object_graphs(values=mst.arrays()))
@quiet
def test_a_graph_builds_what_it_says(graph):
    objects = build(graph)
    for number in graph.reachable():
        if graph.kinds[number] in ("node", "optimizer"):
            there = tf.train.children(objects[number])
            assert {n: id(c) for n, c in there.items()} == {n: id(objects[c]) for n, c in graph.edges_of(number).items()}


def test_bad_graphs_are_refused():
    with pytest.raises(ValueError, match="one of node, variable"):
        ObjectGraph(("thing",), (None,))
    with pytest.raises(ValueError, match="two edges of one name"):
        ObjectGraph(("node", "node"), (None, None), ((0, "a", 1), (0, "a", 0)))
    with pytest.raises(ValueError, match="does not lead"):
        ObjectGraph(("variable",), (1.0,), ((0, "a", 0),))
    with pytest.raises(ValueError, match="one of node"):
        ObjectGraph(("node", "variable"), (None,))


# -- edits ---------------------------------------------------------------------------------------------------------------

SMALL = ObjectGraph(("node", "variable", "node"), (None, 1.0, None), ((0, "a", 1), (0, "b", 2)))


def test_edits_do_what_they_say():
    assert Rename(0, "a", "c").of(SMALL).edges == ((0, "c", 1), (0, "b", 2))
    assert Rename(0, "a", "b").of(SMALL) == SMALL
    assert Drop(0, "a").of(SMALL).edges == ((0, "b", 2),)
    assert Add(2, "x", "variable", 3.0).of(SMALL).edges_of(2) == {"x": 3}
    assert Swap(0, "a", "b").of(SMALL).edges == ((0, "a", 2), (0, "b", 1))
    assert edited(SMALL, [Drop(0, "a"), Rename(0, "b", "a")]).edges == ((0, "a", 2),)


@given(st.data())
def test_edits_of_any_graph_give_graphs(data):
    graph = data.draw(mst.object_graphs())
    edits = data.draw(mst.edits(graph, max_edits=4))
    assert len(edits) <= 4
    assert set(edited(graph, edits).kinds) <= {*graph.kinds, "variable"}


@given(st.data())
def test_edits_of_one_kind(data):
    assert all(isinstance(edit, Drop) for edit in data.draw(mst.edits(SMALL, kinds=["drop"])))


# -- checkpoints and programs --------------------------------------------------------------------------------------------


@given(mst.checkpoints(graphs=mst.object_graphs(values=mst.arrays())))
@quiet
def test_checkpoints_hold_their_graph(checkpoint):
    objects = build(checkpoint.graph.with_values())
    tf.train.CheckpointableSaver(objects[0], storage=checkpoint.storage).restore(checkpoint.path).assert_consumed()
    for number in checkpoint.graph.reachable():
        if checkpoint.graph.kinds[number] == "variable":
            assert same_bits(objects[number].numpy(), build(checkpoint.graph)[number].numpy())


@pytest.mark.parametrize("mode", ["eager", "graph"])
@given(program=mst.restore_programs())
@quiet
def test_restore_programs_do_what_the_model_says(mode, program):
    run(program, mode)


@pytest.mark.parametrize("mode", ["eager", "graph"])
@given(
    program=mst.specs().flatmap(
        lambda spec: mst.restore_programs(graphs=mst.object_graphs(values=mst.arrays(specs=st.just(spec))), max_rounds=1)
    )
)
@quiet
def test_restore_programs_of_any_values(mode, program):
    run(program, mode)


def test_a_program_shrinks_to_what_matters():
    def fails(program):
        return ("drop", 1) in program and program.index(("drop", 1)) > 3

    assert smallest([("node", 0)] * 9 + [("drop", 1)], fails) == [("node", 0)] * 4 + [("drop", 1)]


# -- arguments -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make, named",
    [
        (lambda: mst.dtypes(among=[]), r"among=\[\]"),
        (lambda: mst.dtypes(among=["float99"]), "among=.*float99"),
        (lambda: mst.specs(min_dims=2, max_dims=1), "max_dims=1 < min_dims=2"),
        (lambda: mst.specs(max_side=-1), "max_side=-1"),
        (lambda: mst.specs(dtypes=tf.float32), "dtypes=.* must be a strategy"),
        (lambda: mst.arrays(specs=(2, 3)), "specs=.* must be a strategy"),
        (lambda: mst.object_graphs(min_objects=0), "min_objects=0"),
        (lambda: mst.object_graphs(sharing="forest"), "sharing='forest'.*'tree'"),
        (lambda: mst.object_graphs(kinds=["layer"]), "kinds='layer'"),
        (lambda: mst.object_graphs(names="abc"), "names='abc' must be a strategy"),
        (lambda: mst.edits("graph"), "graph='graph'"),
        (lambda: mst.edits(SMALL, kinds=["replace"]), "kinds='replace'"),
        (lambda: mst.edits(SMALL, max_edits=-1), "max_edits=-1"),
        (lambda: mst.checkpoints(graphs=SMALL), "graphs=.* must be a strategy"),
        (lambda: mst.restore_programs(max_rounds=0), "max_rounds=0"),
    ],
)
def test_bad_arguments_are_refused_by_name(make, named):
    with pytest.raises(InvalidArgument, match=named):
        make()


# -- entry points --------------------------------------------------------------------------------------------------------


def loaded(code):
    code = f"import sys\n{code}\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()


def test_the_entry_points_load_the_standard_library_alone():
    before = loaded("import hypothesis.strategies, pytest, importlib.metadata")
    code = """
import hypothesis.strategies, pytest
from importlib.metadata import entry_points
for group in ("pytest11", "hypothesis"):
    [mine] = [e for e in entry_points(group=group) if e.name == "minitf"]
    mine.load()
"""
    new = set(loaded(code)) - set(before) - set(sys.stdlib_module_names)
    assert new <= {"minitf"}, new


@pytest.mark.parametrize("first", ["hypothesis", "minitf.core.spec", "minitf as tf; tf.TensorShape; import hypothesis"])
def test_from_type_knows_minitfs_types_whoever_is_imported_first(first):
    code = f"""
import {first}
from hypothesis import find, strategies as st
import minitf as tf
from minitf.core.spec import Spec
assert find(st.from_type(tf.DType), lambda d: d.is_floating) is tf.float32
assert find(st.from_type(tf.TensorShape), lambda s: s.rank == 2).as_list() == [None, None]
assert find(st.from_type(Spec), lambda s: s.rank == 1).shape == (0,)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_divergence_is_code_that_runs_and_fails_the_same_way(monkeypatch):
    """A planted mistake: the model forgets slots. The printed program, run by itself, shows the difference."""
    from minitf.testing import model

    monkeypatch.setattr(model.Restoration, "match_slots", lambda self, number, obj: iter(()))
    graph = ObjectGraph(("node", "optimizer", "variable"), (None, None, 1.0), ((0, "o", 1), (0, "v", 2)), ((1, 2, "m", 5.0),))
    later = graph.with_values(-1.0)
    program = [*graph.steps(), ("saver", 0, 0, True), ("save", 0, 0), *later.making(), ("saver", 0, 0, True)]
    program += [("restore", 0, 0, 0), *later.attaching()]
    with pytest.raises(Divergence) as caught:
        run(program)
    done = subprocess.run([sys.executable, "-c", caught.value.script], capture_output=True, text=True)
    assert done.returncode == 1
    assert "assert" in done.stderr.splitlines()[-2] or "AssertionError" in done.stderr.splitlines()[-1]
