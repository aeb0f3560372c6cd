"""What a small file may cost whoever looks at it: calls and bytes in proportion to its size, whatever its graph."""

import numpy as np
import pytest

from minitf.cli import renamed
from minitf.cli.endings import pairs_by_ending
from minitf.saved import SavedValue
from tests.checkpoint import hostile_graphs as graphs
from tests.checkpoint.hostile_graphs import calls
from tests.kernel import traced

SMALL, LARGE = 100, 400

SHAPES = [
    graphs.star, graphs.long_names, graphs.star_below_a_long_name, graphs.many_ways_to_many,
    graphs.other_values, graphs.values_of_many_keys, graphs.slots_of_slots, graphs.slots_in_one, graphs.missing_values,
]  # fmt: skip
VERBS = {
    "ls": ["ls", "A"],
    "ls --json": ["ls", "A", "--json"],
    "show": ["show", "A", "e0"],
    "verify": ["verify", "A"],
    "salvage": ["salvage", "A", "OUT", "--force"],
    "convert": ["convert", "A", "OUT", "--to", "npz", "--force"],
    "rename": ["rename", "A", "OUT", "--map", "v=zz"],
    "rename --like": ["rename", "NAMES", "OUT", "--like", "A"],
    "rename --to-objects": ["rename", "NAMES", "OUT", "--to-objects"],
    "diff": ["diff", "A", "A"],
    "diff of others": ["diff", "A", "B", "--json"],
}


def write(directory, n, shape):
    """The checkpoint, another one whose edges all have other names, and one that has names only."""
    values = {f"k{i}": np.float32(1.0) for i in range(0 if shape is not graphs.values_of_many_keys else n)}
    values |= {f"x{i}": np.float32(1.0) for i in range(n // 2 if shape in (graphs.missing_values, graphs.slots_in_one) else 0)}
    graphs.write(directory / f"A{n}", shape(n), **values)
    nodes = shape(n)
    for node in nodes:
        node.children = [(f"{name}_", child) for name, child in node.children]
    graphs.write(directory / f"B{n}", nodes, **values)
    graphs.write(directory / f"NAMES{n}", None, **{value.key: np.float32(1.0) for node in shape(n) for value in node.values})


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_a_verb_costs_as_much_as_the_file_is_large(minitf, tmp_path, monkeypatch, shape, verb):
    monkeypatch.setattr(renamed, "STEPS", 0)
    monkeypatch.setattr(renamed, "TIMES", 4)

    def cost(n, measure):
        words = [str(tmp_path / f"{word}{n}") if word.isupper() else word for word in VERBS[verb]]
        return measure(lambda: minitf(*words))

    for n in (10, SMALL, LARGE):
        write(tmp_path, n, shape)
    cost(10, calls)  # imports
    for measure, most in ((calls, 1.3), (traced, 1.5)):
        small, large = cost(SMALL, measure), cost(LARGE, measure)
        assert large / small < most * LARGE / SMALL, measure


def test_a_name_of_very_many_parts(minitf, tmp_path):
    def cost(n, *words):
        name = "a/" * n
        graphs.write(tmp_path / f"names{n}", None, **{name + "w": np.float32(1.0)})
        node = graphs.variable()
        node.values[0].full_name = name + "x"
        graphs.write(tmp_path / f"like{n}", [graphs.inner(("v", 1)), node])
        words = [str(tmp_path / f"{word}{n}") if word in ("names", "like") else word for word in words]
        return traced(lambda: minitf("rename", str(tmp_path / f"names{n}"), str(tmp_path / "out"), *words))

    for words in (["--to-objects"], ["--like", "like"]):
        cost(10, *words)
        assert cost(4 * LARGE, *words) / cost(LARGE, *words) < 6


def test_names_that_end_alike():
    pairs = pairs_by_ending({"A": (["x/dense/w"], 0), "B": (["y/dense/w", "other"], 0)}, {"z/x/dense/w": 0, "q/y/dense/w": 0})
    assert pairs == [("A", "z/x/dense/w"), ("B", "q/y/dense/w")]


@pytest.mark.parametrize("verb", [["ls", "--json"], ["diff", "again"], ["rename", "out", "--map", "a=b"]])
def test_many_edges_to_one_object_far_below(minitf, tmp_path, verb):
    path = graphs.write(tmp_path / "p", graphs.line_to_one(1_900))
    words = [str(tmp_path / "out") if word == "out" else path if word == "again" else word for word in verb[1:]]
    code, _, err = minitf(verb[0], path, *words)
    assert code == 1
    assert "it is so deep that the paths of its 1902 objects" in err


def test_a_value_of_many_keys_is_told_with_the_first_ones(minitf, tmp_path):
    write(tmp_path, 30, graphs.values_of_many_keys)
    out = minitf("ls", tmp_path / "A30")[1]
    assert "(table)  0 float32 ()  4 B, 0/.ATTRIBUTES/VARIABLE_VALUE float32 ()  4 B, 1 float32 ()  4 B, 10 float32" in out
    assert "16 float32 ()  4 B, and 21 more" in out
    err = minitf("show", tmp_path / "A30", "e0")[2]
    assert "'e0' has 31 values; choose one of their keys: k0, k0/.ATTRIBUTES/VARIABLE_VALUE, k1," in err
    assert err.endswith("k16 and 21 more.\n")


def test_values_that_are_lost_stay_in_order(minitf, tmp_path):
    node = graphs.valued(4)
    node.values.append(SavedValue("y", "", "y"))
    path = graphs.write(tmp_path / "p", [graphs.inner(("v", 1)), node], x1=np.float32(1.0), x3=np.float32(1.0))
    code, out, _ = minitf("salvage", path, tmp_path / "out")
    assert code == 1
    assert [line.split()[1] for line in out.splitlines() if line.startswith("lost")] == ["x0", "x2", "y"]
    assert minitf("verify", tmp_path / "out")[0] == 0


def test_renamed_edges_are_found_until_it_takes_too_long(minitf, tmp_path, monkeypatch):
    nodes = graphs.other_values(40)
    a = graphs.write(tmp_path / "a", nodes)
    nodes[0].children = [(f"{name}_", child) for name, child in nodes[0].children]
    b = graphs.write(tmp_path / "b", nodes)
    code, out, _ = minitf("diff", a, b)
    assert (code, out.count("renamed"), "only" in out) == (1, 40, False)
    monkeypatch.setattr(renamed, "STEPS", 0)
    monkeypatch.setattr(renamed, "TIMES", 0)
    code, out, _ = minitf("diff", a, b)
    assert (code, out.count("renamed"), out.count("only in A")) == (1, 0, 40)
