"""Object graphs that no program has: small, and made to cost whoever opens them as much as can be. Each takes a size."""

import sys

import numpy as np

from minitf.saved import OBJECT_GRAPH_KEY, SavedGraph, SavedNode, SavedSlot, SavedValue
from minitf.storage.bundle import TensorBundle
from minitf.storage.messages import encode_graph

VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"


def inner(*children):
    return SavedNode(list(children), has_values=True)


def variable(key="w"):
    return SavedNode(values=[SavedValue("VARIABLE_VALUE", key, key + VALUE)], has_values=True)


def valued(count):
    return SavedNode(values=[SavedValue(f"x{i}", f"Adam/x{i}/v", f"x{i}") for i in range(count)], has_values=True)


def names(count, *ends, by="e"):
    return [(f"{by}{i}", ends[i % len(ends)]) for i in range(count)]


def diamonds(n):
    """Two ways from each object to the next one: 2 to the power of n paths."""
    return [inner(("a", i + 1), ("b", i + 1)) for i in range(n)] + [variable()]


def same_names(n):
    """Two ways under one name."""
    return [inner(("a", i + 1), ("a", i + 1)) for i in range(n)] + [variable()]


def line(n):
    return [inner(("me", i + 1)) for i in range(n)] + [variable()]


def line_of_values(n):
    return [inner(("v", n + 1 + i), ("me", i + 1)) for i in range(n)] + [inner(), *(variable(f"k{i}") for i in range(n))]


def line_with_a_star(n):
    """Many objects far below."""
    down = [inner(("me", i + 1)) for i in range(n)]
    return [*down, inner(*((f"w{i}", n + 1 + i) for i in range(n))), *(variable(f"k{i}") for i in range(n))]


def line_to_one(n):
    """Many edges to one object far below."""
    return [inner(("me", i + 1)) for i in range(n)] + [inner(*names(n, n + 1)), variable()]


def circle(n):
    return [inner(("me", (i + 1) % n), ("v", n)) for i in range(n)] + [variable()]


def star(n):
    return [inner(*((f"e{i}", 1 + i) for i in range(n))), *(variable(f"k{i}") for i in range(n))]


def long_names(n):
    """Few long names, which are alike."""
    return [inner(*((f"{'e' * n}{i}", 1 + i) for i in range(20))), *(variable(f"k{i}") for i in range(20))]


def star_below_a_long_name(n):
    return [inner(("x" * n, 1)), inner(*((f"e{i}", 2 + i) for i in range(n))), *(variable(f"k{i}") for i in range(n))]


def many_ways_to_many(n):
    """Many edges to one object, which has many."""
    return [inner(*names(n, 1)), inner(*names(n, 2)), variable()]


def all_share(n):
    """Each of many objects has all that another one has."""
    return [inner(*((f"e{i}", 3 + i) for i in range(n))), inner(*names(n, 2)), variable(), *(inner(("s", 1)) for _ in range(n))]


def all_share_with_a_stranger(n):
    """The same, and an edge of an object to which nobody leads."""
    nodes = all_share(n)
    nodes[2] = inner()
    return [*nodes, variable(), inner(("z", 1))]


def other_values(n):
    """Objects that differ in the names of their values, and have much in common."""
    nodes = all_share(n)
    for i, node in enumerate(nodes[3:]):
        node.values = [SavedValue(f"x{i}", "", "w" + VALUE)]
    return nodes


def values_of_many_keys(n):
    """As of a table, whose one value stands for several keys."""
    table = SavedNode(values=[SavedValue("table", "", "k")], has_values=True)
    return [inner(*((f"e{i}", 1 + i) for i in range(n))), *([table] * n)]


def slots_of_slots(n):
    nodes = [inner(*((f"e{i}", 1 + i) for i in range(n))), *(variable(f"k{i}") for i in range(n))]
    for i in range(n):
        nodes[1 + i].slots = [SavedSlot(1 + (i + 1) % n, "m", 1 + (i + 2) % n)]
    return nodes


def slots_in_one(n):
    """All slots of an optimizer are one object, which has many values."""
    optimizer = SavedNode(slots=[SavedSlot(1, f"m{i}", 3) for i in range(n)], has_values=True)
    return [inner(("v", 1), ("optimizer", 2)), variable(), optimizer, valued(n)]


def list_of_one(n):
    """An optimizer of Keras whose variables are one object, which has many values."""
    ways = inner(*((str(i), 4) for i in range(n)))
    return [inner(("v", 1), ("optimizer", 2)), variable(), inner(("_variables", 3), ("_iterations", 1)), ways, valued(n)]


def missing_values(n):
    return [inner(("v", 1)), valued(n)]


def write(prefix, nodes, **values):
    """Writes them, with some values by key."""
    tensors = {key + VALUE: np.float32(1.0) for key in ("w", "k0")} | values
    if nodes is not None:
        tensors[OBJECT_GRAPH_KEY] = np.array(encode_graph(SavedGraph(nodes)), object)
    TensorBundle(durable=False).write(str(prefix), tensors)
    return str(prefix)


def calls(work):
    """How many functions are called, Python's and those written in C."""
    count = 0

    def note(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count
