"""Plain variables are found among many nodes at once, and nothing else is taken for one."""

from __future__ import annotations

import pytest

from minitf.saved import SavedGraph, SavedNode, SavedValue
from minitf.storage import messages, variable_nodes
from minitf.storage.messages import encode_graph
from minitf.storage.variable_nodes import FEW, HEAD, TAIL
from minitf.storage.varint import varint


def variable(name, key, has_values=True):
    return SavedNode(values=[SavedValue("VARIABLE_VALUE", name, key)], has_values=has_values)


def body_of(node):
    """A node's bytes."""
    data = encode_graph(SavedGraph([node]))
    ((begin, end),) = zip(*messages._places(data), strict=True)
    return data[begin:end]


PLAIN = body_of(variable("name", "key"))


def find(*bodies):
    """What is found of these nodes between enough others."""
    every = [PLAIN] * FEW + list(bodies)
    data = b"".join(b"\x0a" + varint(len(body)) + body for body in every)
    found = variable_nodes.find(data, *messages._places(data))
    assert found.keys[:FEW] == ["key"] * FEW
    assert {found.full_name(n) for n in range(FEW)} == {"name"}
    return [(found.keys[n], found.full_name(n) if found.keys[n] is not None else None) for n in range(FEW, len(every))]


LENGTHS = [1, 2, 20, 60, 63, 64, 65, 100, 106, 107, 108, 109, 110, 111, 126, 127, 128, 129, 200]


@pytest.mark.parametrize("name", LENGTHS)
def test_names_and_keys_of_any_length(name):
    """Up to 127 bytes; where the value gets a length of two bytes, too."""
    nodes = [variable("n" * name, "k" * key) for key in LENGTHS]
    wanted = [("k" * key, "n" * name) if name < 128 and key < 128 else (None, None) for key in LENGTHS]
    assert find(*map(body_of, nodes)) == wanted


def test_nodes_that_are_no_plain_variables():
    value = SavedValue("VARIABLE_VALUE", "w", "k")
    nodes = [
        SavedNode(), SavedNode(has_values=True), variable("w", "k", False), variable("w", "k", None), variable("", "k"),
        variable("é", "k"), variable("w", "é"), SavedNode(values=[value, value], has_values=True),
        SavedNode(values=[SavedValue("VARIABLE_VALU", "w", "k")], has_values=True),
        SavedNode(values=[SavedValue("VARIABLE_VALUE", "w", "")], has_values=True),
        SavedNode(values=[value], children=[("a", 0)], has_values=True),
        SavedNode(values=[value], registered_saver=("s", "o"), has_values=True),
        SavedNode(children=[("VARIABLE_VALUE", 0)]), variable("n" * 127 + "\x1a", "k" * 25),
    ]  # fmt: skip
    assert find(*map(body_of, nodes)) == [(None, None)] * len(nodes)


@pytest.mark.parametrize("body", [PLAIN, body_of(variable("n" * 90, "k" * 20))], ids=["one byte", "two bytes"])
def test_nodes_that_differ_in_a_byte_are_read_as_one_by_one(body):
    changed = [
        body[:at] + bytes([byte & 255]) + body[at + 1 :]
        for at in range(len(body))
        for byte in {0, 1, 2, 8, 0x0A, 0x12, 0x1A, 0x2A, 127, 128, 255, body[at] ^ 128, body[at] + 1, body[at] - 1}
    ]
    changed += [body[:at] for at in range(len(body))] + [body[:at] + body[at + 1 :] for at in range(len(body))]
    changed += [body[:at] + b"\x01" + body[at:] for at in range(len(body) + 1)]
    for data, (key, name) in zip(changed, find(*changed), strict=True):
        if key is not None:
            assert messages._quick_nodes(b"\x0a" + varint(len(data)) + data) == [variable(name, key)], data


def test_a_key_without_letters_is_no_key():
    """No one writes it, but it can be read: by whoever reads nodes one by one."""
    value = HEAD + b"\x01w\x1a\x00"
    body = b"\x12" + varint(len(value)) + value + TAIL
    assert find(body) == [(None, None)]


def test_no_plain_variable_of_many_is_read_one_by_one(monkeypatch):
    graph = SavedGraph([SavedNode([("a", 1)]), *[variable("name", "key")] * FEW])
    read, one_by_one = [], messages._quick_node
    monkeypatch.setattr(messages, "_quick_node", lambda *given: read.append(given[1]) or one_by_one(*given))
    assert list(messages.decode_graph(encode_graph(graph)).nodes) == graph.nodes
    assert read == [2]  # the root


def test_few_nodes_are_left_to_be_read_one_by_one():
    for count in (FEW - 1, FEW):
        data = (b"\x0a" + varint(len(PLAIN)) + PLAIN) * count
        found = variable_nodes.find(data, *messages._places(data))
        assert found.keys == ([None] * count if count < FEW else ["key"] * count)
