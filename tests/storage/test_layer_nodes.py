"""Layers are found among many nodes at once, and nothing else is taken for one."""

from __future__ import annotations

import itertools

import pytest

from minitf.errors import DataLossError
from minitf.saved import Layer, SavedGraph, SavedNode, SavedSlot, SavedValue
from minitf.storage import layer_nodes, messages
from minitf.storage.layer_nodes import FEW, KINDS
from minitf.storage.messages import decode_graph, encode_graph
from minitf.storage.variable_nodes import TAIL
from minitf.storage.varint import varint

VARIABLE = SavedNode(values=[SavedValue("VARIABLE_VALUE", "name", "key")], has_values=True)


def layer(*edges):
    return SavedNode(children=[*edges], has_values=True)


def find(layers, variables=100):
    """What is found of these nodes behind a root and so many variables, which are numbers 1 to ``variables``."""
    nodes = [SavedNode([("all", 1)]), *[VARIABLE] * variables, *layers]
    data = encode_graph(SavedGraph(nodes))
    assert list(decode_graph(data).nodes) == nodes
    others = [0, *range(variables + 1, len(nodes))]
    found = layer_nodes.find(data, *messages._places(data), others, {})
    return [found.get(number) for number in others[1:]]


@pytest.mark.parametrize(("variables", "width"), [(100, 1), (300, 2), (16500, 3)])
def test_layers_with_variables_in_a_row(variables, width):
    """Whose numbers have so many bytes."""
    least = 1 << 7 * (width - 1)
    firsts = [max(1, least), *range(max(1, least) + 5, min(variables - 2, least + 60)), variables - 1]
    for names in (("w", "b"), ("kernel", "bias"), ("n" * 118, "b")):
        layers = [layer((names[0], first), (names[1], first + 1)) for first in firsts]
        assert find(layers, variables) == [Layer(names, first) for first in firsts]
    assert find([layer(("w", first)) for first in firsts], variables) == [Layer(("w",), first) for first in firsts]


def test_numbers_of_different_lengths_in_one_layer():
    layers = [layer(("w", 127), ("b", 128)), layer(("w", 126), ("b", 127))] * FEW
    assert find(layers, 200) == [Layer(("w", "b"), 127), Layer(("w", "b"), 126)] * FEW


def test_kinds_of_one_length():
    layers = [layer((name, n + 1), ("b", n + 2)) for n in range(FEW) for name in "wxyz"]
    assert find(layers) == [Layer((name, "b"), n + 1) for n in range(FEW) for name in "wxyz"]
    many = [layer((f"n{kind:02}", n + 1)) for n in range(FEW) for kind in range(KINDS + 2)]
    found = find(many)
    assert [one is None for one in found] == [kind >= KINDS for _ in range(FEW) for kind in range(KINDS + 2)]


def test_others_of_the_same_length_are_passed_over():
    other, good = layer(("w", 0), ("bcd", 1)), layer(("w", 1), ("b", 2))
    assert find([other, *[good] * FEW, other, good]) == [None, *[Layer(("w", "b"), 1)] * FEW, None, Layer(("w", "b"), 1)]


def test_an_edge_has_a_length_of_one_byte():
    """One of two bytes, of which the second looks like what follows a length, is another length."""
    assert find([layer(("n" * 123, 1))] * FEW) == [Layer(("n" * 123,), 1)] * FEW
    assert find([layer(("n" * 124, 1))] * FEW) == [None] * FEW
    body = b"\x0a\x80\x08\x01\x12\x7c" + b"n" * 124 + TAIL
    assert layer_nodes._form(body, 0, len(body), {}) is None


def test_few_are_left_to_be_read_one_by_one():
    for count in range(FEW + 2):
        layers = [layer(("w", 1 + n), ("b", 2 + n)) for n in range(count)]
        assert find(layers) == ([None] * count if count < FEW else [Layer(("w", "b"), 1 + n) for n in range(count)])


VALUE = SavedValue("VARIABLE_VALUE", "w", "k")
NO_LAYERS = {
    "no edges": layer(),
    "nothing": SavedNode(),
    "to the root": layer(("w", 0), ("b", 1)),
    "descending": layer(("w", 2), ("b", 1)),
    "twice": layer(("w", 2), ("b", 2)),
    "with a gap": layer(("w", 2), ("b", 4)),
    "to itself and others": layer(("w", 100), ("b", 101)),
    "to others": layer(("w", 101), ("b", 102)),
    "to the last node": layer(("w", 107), ("b", 108)),
    "values unknown": SavedNode([("w", 1), ("b", 2)]),
    "without values": SavedNode([("w", 1), ("b", 2)], has_values=False),
    "a value": SavedNode([("w", 1)], values=[VALUE], has_values=True),
    "a slot": SavedNode([("w", 1)], slots=[SavedSlot(1, "m", 2)], has_values=True),
    "a saver": SavedNode([("w", 1)], registered_saver=("s", "o"), has_values=True),
    "a name of two bytes of length": layer(("n" * 128, 1), ("b", 2)),
    "no name": layer(("", 1), ("b", 2)),
}


@pytest.mark.parametrize("what", NO_LAYERS)
def test_what_is_no_layer(what):
    assert find([NO_LAYERS[what]] * 2 * FEW) == [None] * 2 * FEW
    good = layer(("w", 1), ("b", 2))
    mixed = [node for _ in range(FEW) for node in (NO_LAYERS[what], good)]
    assert find(mixed) == [None, Layer(("w", "b"), 1)] * FEW


def body_of(node):
    """A node's bytes."""
    data = encode_graph(SavedGraph([VARIABLE] * 200 + [node]))
    begins, ends = messages._places(data)
    return data[begins[-1] : ends[-1]]


@pytest.mark.parametrize(("variables", "first"), [(12, 5), (135, 130)], ids=["numbers of one byte", "of two"])
def test_nodes_that_differ_in_a_byte_are_read_as_one_by_one(variables, first):
    """Or as protobuf reads them, or not at all."""
    body = body_of(layer(("w", first), ("bias", first + 1)))
    changed = [
        body[:at] + bytes([byte & 255]) + body[at + 1 :]
        for at in range(len(body))
        for byte in {0, 1, 8, 0x0A, 0x12, 127, 255, body[at] ^ 128, body[at] + 1, body[at] - 1}
    ]
    changed += [body[:at] for at in range(len(body))] + [body[:at] + body[at + 1 :] for at in range(len(body))]
    changed += [body[:at] + b"\x01" + body[at:] for at in range(len(body) + 1)]
    plain = encode_graph(SavedGraph([VARIABLE] * variables))
    for one in changed:
        for bodies in ([one] * FEW, [body, one] * FEW):
            data = b"".join(b"\x0a" + varint(len(each)) + each for each in bodies)
            try:
                found = messages._quick_nodes(plain + data)
            except messages._Unusual:
                continue
            try:
                wanted = messages._protobuf_nodes(data, "")
            except DataLossError:
                pytest.fail(f"taken for a node: {one!r}")
            assert list(itertools.islice(found, variables, None)) == wanted, one
