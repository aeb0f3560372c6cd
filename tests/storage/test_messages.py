"""The object graph's own encoder and decoder against protobuf."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minitf.errors import DataLossError
from minitf.saved import SavedGraph, SavedNode, SavedSlot, SavedValue
from minitf.storage import messages
from minitf.storage.messages import decode_graph, encode_graph
from minitf.storage.protos import message

names = st.text(st.characters(codec="utf-8"), max_size=200)


@st.composite
def graphs(draw):
    count = draw(st.integers(1, 5)) if draw(st.booleans()) else 300
    number = st.integers(0, count - 1)
    some = [
        SavedNode(
            children=draw(st.lists(st.tuples(names, number), max_size=3)),
            values=draw(st.lists(st.builds(SavedValue, names, names, names.filter(bool)), max_size=2)),
            slots=draw(st.lists(st.builds(SavedSlot, number, names, number), max_size=2)),
            registered_saver=draw(st.none() | st.tuples(names, names)),
            has_values=draw(st.sampled_from([None, True, False])),
        )
        for _ in range(min(count, 5))
    ]
    return SavedGraph(some + [SavedNode() for _ in range(count - len(some))])


def through_protobuf(graph):
    out = message("TrackableObjectGraph")()
    for node in graph.nodes:
        stored = out.nodes.add()
        for name, number in node.children:
            stored.children.add(node_id=number, local_name=name)
        for value in node.values:
            stored.attributes.add(name=value.name, full_name=value.full_name, checkpoint_key=value.key)
        for slot in node.slots:
            stored.slot_variables.add(
                original_variable_node_id=slot.variable, slot_name=slot.slot_name, slot_variable_node_id=slot.slot
            )
        if node.registered_saver is not None:
            stored.registered_saver.SetInParent()
            stored.registered_saver.name, stored.registered_saver.object_name = node.registered_saver
        if node.has_values is not None:
            stored.has_checkpoint_values.value = node.has_values
    return out.SerializeToString(deterministic=True)


@given(graphs())
def test_encoding_is_protobufs(graph):
    assert encode_graph(graph) == through_protobuf(graph)


@given(graphs())
def test_decoding_undoes_encoding(graph):
    assert decode_graph(encode_graph(graph)) == graph


@given(graphs(), st.data())
def test_changed_bytes_are_read_as_protobuf_reads_them(graph, data):
    """The quick decoder must not understand anything otherwise than protobuf would."""
    changed = bytearray(encode_graph(graph)[:400])
    for _ in range(data.draw(st.integers(0, 3))):
        if changed:
            changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    parsed = None
    try:
        parsed = message("TrackableObjectGraph").FromString(bytes(changed))
    except Exception:
        pass
    try:
        found = decode_graph(bytes(changed))
    except DataLossError:
        return
    assert parsed is not None
    assert [[(e.local_name, e.node_id) for e in node.children] for node in parsed.nodes] == [n.children for n in found.nodes]
    assert [[(v.name, v.full_name, v.checkpoint_key) for v in node.attributes] for node in parsed.nodes] == [
        [(v.name, v.full_name, v.key) for v in node.values] for node in found.nodes
    ]
    assert [
        [(s.original_variable_node_id, s.slot_name, s.slot_variable_node_id) for s in node.slot_variables]
        for node in parsed.nodes
    ] == [[(s.variable, s.slot_name, s.slot) for s in node.slots] for node in found.nodes]
    assert [n.has_checkpoint_values.value if n.HasField("has_checkpoint_values") else None for n in parsed.nodes] == [
        n.has_values for n in found.nodes
    ]


@pytest.mark.parametrize("value", [np.array(7), np.int64(7), np.array([b"a", b"b"], object), np.zeros(3), "text"])
def test_a_value_that_is_no_string_is_no_graph(value):
    with pytest.raises(DataLossError, match="one string"):
        decode_graph(value)


# The quick way and protobuf's -------------------------------------------------------------------------------------------

LONG = "n" * 130
RICH = SavedGraph(
    [
        SavedNode(children=[("a", 1), ("", 0), (LONG, 2), ("b", 127), ("c", 128), ("d", 300), ("e", 16384)]),
        SavedNode(values=[SavedValue("VARIABLE_VALUE", "w", "w/.ATTRIBUTES/VARIABLE_VALUE")], has_values=True),
        SavedNode(values=[SavedValue("VARIABLE_VALUE", LONG, LONG + "/.ATTRIBUTES/VARIABLE_VALUE")], has_values=True),
        SavedNode(values=[SavedValue("VARIABLE_VALUE", "", "k")], has_values=True),
        SavedNode(values=[SavedValue("VARIABLE_VALUE", "w", "k")], has_values=False),
        SavedNode(values=[SavedValue("VARIABLE_VALUE", "w", "k")]),
        SavedNode(values=[SavedValue("x", "", "k"), SavedValue("", "f", "é")], has_values=True),
        SavedNode(slots=[SavedSlot(0, "m", 0), SavedSlot(1, "", 300), SavedSlot(16384, LONG, 128)]),
        SavedNode(registered_saver=("s", "o"), children=[("z", 16384)]),
        SavedNode(registered_saver=("", LONG), has_values=False),
        *[SavedNode() for _ in range(16375)],
    ]
)


def test_what_we_and_tensorflow_write_is_read_without_protobuf(monkeypatch):
    monkeypatch.setattr(messages, "_protobuf_nodes", lambda data, source: pytest.fail("the long way"))
    assert decode_graph(encode_graph(RICH)) == RICH


@given(graphs())
def test_any_graph_of_ours_is_read_without_protobuf(graph):
    assert messages._quick_nodes(encode_graph(graph)) == graph.nodes


MEANT = (0, 1, 7, 8, 0x0A, 0x10, 0x12, 0x18, 0x1A, 0x22, 0x2A, 127, 128, 255)  # tags, and where lengths become longer


def test_bytes_that_differ_in_one_place_are_read_as_protobuf_reads_them():
    """Every byte of graphs with something of everything, changed to every value that means something."""
    few = [
        SavedNode(children=[("a", 1), ("", 0), ("b", 2)], has_values=False),
        SavedNode(values=[SavedValue("VARIABLE_VALUE", "w", "k")], has_values=True),
        SavedNode(values=[SavedValue("x", "f", "k")], slots=[SavedSlot(1, "m", 2)], registered_saver=("s", "o")),
    ]
    for nodes in (few, [few[1]], [few[2], few[0], few[0]]):
        data = encode_graph(SavedGraph(nodes))
        for at, byte in enumerate(data):
            for new in {*MEANT, byte ^ 128, byte + 1 & 255, byte - 1 & 255}:
                changed = data[:at] + bytes([new]) + data[at + 1 :]
                agree(changed)
            agree(data[:at])
            agree(data[:at] + data[at + 1 :])
            agree(data[:at] + b"\0" + data[at:])


def agree(data):
    try:
        found = messages._quick_nodes(data)
    except messages._Unusual:
        return
    assert found == messages._protobuf_nodes(data, "")
