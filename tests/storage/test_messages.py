"""The object graph's own encoder and decoder against protobuf."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tampering import fields

from minitf.errors import DataLossError, InvalidArgumentError
from minitf.saved import VARIABLE_VALUE, SavedGraph, SavedNode, SavedSlot, SavedValue
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


@pytest.mark.parametrize("length", [*range(1, 4), *range(60, 70), *range(90, 145), 254, 255, 256, 400])
def test_lengths_of_every_part(length):
    """Around the lengths at which a part, or what it stands in, takes a byte more for its length."""
    text = "n" * length
    nodes = [
        SavedNode(children=[(text, 1), ("b", 0)]),
        SavedNode(values=[SavedValue("VARIABLE_VALUE", text, "k")], has_values=True),
        SavedNode(values=[SavedValue("VARIABLE_VALUE", "w", text)], has_values=True),
        SavedNode(values=[SavedValue(text, "f", "k")], has_values=True),
        SavedNode(slots=[SavedSlot(1, text, 2)]),
        SavedNode(registered_saver=(text, "o")),
    ]
    for node in nodes:
        graph = SavedGraph([SavedNode(), SavedNode(), node, SavedNode(children=[("", 1)])])
        assert encode_graph(graph) == through_protobuf(graph)
        assert messages._quick_nodes(encode_graph(graph)) == graph.nodes


def test_every_kind_of_node_may_be_the_last():
    """Nothing is looked for behind the end of the bytes."""
    for node in (
        SavedNode(), SavedNode(children=[("", 0)]), SavedNode(children=[("", 1)]), SavedNode(children=[("a", 0)]),
        SavedNode(values=[SavedValue("", "", "k")]), SavedNode(values=[SavedValue("x", "", "k")]),
        SavedNode(values=[SavedValue("x" * 40, "", "k")]), SavedNode(values=[SavedValue("VARIABLE_VALUE", "x", "k")]),
        SavedNode(values=[SavedValue("VARIABLE_VALUE", "x" * 100, "k")], has_values=True),
        SavedNode(slots=[SavedSlot(0, "", 0)]), SavedNode(slots=[SavedSlot(1, "", 0)]), SavedNode(slots=[SavedSlot(1, "m", 0)]),
        SavedNode(registered_saver=("", "")), SavedNode(registered_saver=("s", "")), SavedNode(has_values=False),
    ):  # fmt: skip
        graph = SavedGraph([SavedNode(), node])
        assert encode_graph(graph) == through_protobuf(graph)
        assert messages._quick_nodes(encode_graph(graph)) == graph.nodes


def test_nodes_that_are_almost_variables():
    """All that a variable has, and something else: it must not get lost."""
    value = SavedValue("VARIABLE_VALUE", "w", "k")
    for node in (
        SavedNode(values=[value], children=[("a", 0)], has_values=True),
        SavedNode(values=[value], slots=[SavedSlot(0, "m", 1)], has_values=True),
        SavedNode(values=[value, value], has_values=True),
        SavedNode(values=[value], registered_saver=("s", "o"), has_values=True),
        SavedNode(values=[value], has_values=False),
        SavedNode(values=[SavedValue("VARIABLE_VALUE?", "w", "k")], has_values=True),
        SavedNode(values=[SavedValue("VARIABLE_VALUE", "w", "")], has_values=True),
        SavedNode(values=[SavedValue("VARIABLE_VALUE", "", "k")], has_values=True),
        SavedNode(values=[SavedValue("VARIABLE_VALUE", "n" * 127 + "\x1a", "k" * 25)], has_values=True),
    ):
        graph = SavedGraph([SavedNode(), node])
        assert encode_graph(graph) == through_protobuf(graph)
        assert messages._quick_nodes(encode_graph(graph)) == graph.nodes


@pytest.mark.parametrize("name", [1, 2, 100, 126, 127, 128])
def test_variables_share_the_name_of_their_value(name):
    """Most nodes are variables. Of many, those with names and keys up to 127 bytes are made when they are looked at."""
    for key in (1, 2, 20, 100, 126, 127, 128):
        node = SavedNode(values=[SavedValue("VARIABLE_VALUE", "n" * name, "k" * key)], has_values=True)
        for nodes in ([node], [node, SavedNode(children=[("a", 0)])], [node] * 50, [node] * 50 + [SavedNode()]):
            found = decode_graph(encode_graph(SavedGraph(nodes)))
            assert found.variable_keys() == [node.values[0].key if n is node else None for n in nodes]
            assert found == SavedGraph(nodes)
            assert found.nodes[0].values[0].name is VARIABLE_VALUE


def test_names_that_come_again_are_kept_once():
    node = SavedNode(children=[("layer-1", 0)], values=[SavedValue("a value", "", "k")])
    one, other = decode_graph(encode_graph(SavedGraph([node, node]))).nodes
    assert one.children[0][0] is other.children[0][0]
    assert one.values[0].name is other.values[0].name


def test_numbers_of_nodes_are_inside_of_the_graph():
    slots = [SavedSlot(2, "m", 0), SavedSlot(0, "m", 2), SavedSlot(-1, "m", 0), SavedSlot(0, "m", -1)]
    bad = [*(SavedNode(children=[("a", n)]) for n in (2, -1)), *(SavedNode(slots=[slot]) for slot in slots)]
    for node in bad:
        with pytest.raises(InvalidArgumentError, match="^object graph: (edge 'a' leads to node|slot 'm' joins) .* of 2"):
            encode_graph(SavedGraph([SavedNode(), node]))
        with pytest.raises(DataLossError, match="^object graph: .* of node 1 (leads to|joins) node.*; there are 2 nodes"):
            decode_graph(through_protobuf(SavedGraph([SavedNode(), node])))
    good = SavedGraph([SavedNode(children=[("a", 1)]), SavedNode(slots=[SavedSlot(1, "m", 1)])])
    assert decode_graph(encode_graph(good)) == good


@pytest.mark.parametrize("number", [1, 127, 128, 129, 255, 16383, 16384, 16385, 2097151, 2097152, (1 << 31) - 1])
def test_numbers_of_any_width(number):
    def quick(*pairs):
        return messages._quick_nodes(fields((1, fields(*pairs))))

    assert quick((1, fields((1, number), (2, b"a")))) == [SavedNode(children=[("a", number)])]
    assert quick((1, fields((1, number)))) == [SavedNode(children=[("", number)])]
    assert quick((3, fields((1, number), (2, b"m"), (3, number)))) == [SavedNode(slots=[SavedSlot(number, "m", number)])]


def test_whatever_stands_behind_the_known_fields_is_left_to_protobuf():
    """Of a part, of a node, of the graph; also if a length says more than there is."""
    child, junk = fields((1, 1), (2, b"a")), (9, b"x")
    parts = [(1, child), (2, fields((1, b"n"), (2, b"f"), (3, b"k"))), (3, fields((1, 1), (2, b"m"), (3, 1))),
             (4, fields((1, b"s"), (2, b"o"))), (5, fields((1, 1)))]  # fmt: skip
    for number, part in parts:
        assert messages._quick_nodes(fields((1, fields((number, part)))))
        for data in (
            fields((1, fields((number, part + fields(junk))))),
            fields((1, fields((number, fields(junk) + part)))),
            fields((1, fields((number, part), junk))),
            fields((1, fields((number, part))), junk),
            fields((1, fields((number, part[:-1] + bytes([part[-1] + 1]) if number == 5 else part + b"\x12")))),
        ):
            with pytest.raises(messages._Unusual):
                messages._quick_nodes(data)
            agree(data)
        whole = fields((1, fields((number, part)))) + fields((1, b""))
        for at in range(len(whole)):  # lengths one too large and one too small
            for more in (1, -1):
                agree(whole[:at] + bytes([whole[at] + more & 255]) + whole[at + 1 :])


def test_other_messages_are_read_as_protobuf_reads_them():
    """Fields that there are not, numbers of more than 31 bits, and the same field twice."""
    node = fields((1, fields((1, 1), (2, b"a"))))
    for data in (
        fields((2, node)), fields((1, node), (7, b"x")), fields((1, fields((1, fields((1, 1 << 31), (2, b"a")))))),
        fields((1, fields((1, fields((1, (1 << 31) - 1), (2, b"a")))))), fields((1, fields((1, fields((1, (1 << 32) + 1)))))),
        fields((1, fields((3, fields((1, 1 << 31), (2, b"m"), (3, 1)))))),
        fields((1, fields((3, fields((2, b"m"), (3, 1 << 32)))))),
        fields((1, fields((5, fields((1, 1))), (5, b"")))), fields((1, fields((5, b""), (5, fields((1, 1)))))),
        fields((1, fields((4, fields((1, b"s"))), (4, fields((2, b"o")))))), fields((1, fields((5, fields((1, 2)))))),
        fields((1, fields((2, fields((3, b"k"), (2, b"f"), (1, b"n")))))), fields((1, fields((9, 1), (1, b"")))),
    ):  # fmt: skip
        agree(data)
    with pytest.raises(messages._Unusual):
        messages._quick_nodes(fields((2, node)))


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


def test_a_byte_changed_among_many_variables():
    """The quick way finds the same nodes as protobuf, or leaves them to it."""
    nodes = [SavedNode(children=[(f"v{n}", n) for n in range(1, 35)], has_values=True)]
    for n in range(1, 35):
        name, key = "n" * (n % 5), f"k/{n}" + "é" * (n == 7) + "x" * (100 if n % 11 == 0 else 0)
        nodes.append(SavedNode(values=[SavedValue("VARIABLE_VALUE", name, key)], has_values=True))
    data = encode_graph(SavedGraph(nodes))
    assert list(messages._quick_nodes(data)) == nodes
    quick = 0
    for at in range(len(data)):
        for byte in {0, 0x12, 128, data[at] ^ 1} - {data[at]}:
            odd = data[:at] + bytes((byte,)) + data[at + 1 :]
            try:
                found = messages._quick_nodes(odd)
            except messages._Unusual:
                continue
            quick += 1
            assert found == messages._protobuf_nodes(odd, "")
        try:
            assert list(messages._quick_nodes(data[:at])) == messages._protobuf_nodes(data[:at], "")
        except messages._Unusual:
            continue
    assert quick > 2000


@pytest.mark.parametrize("count", [1, 31, 40])
def test_few_nodes_and_odd_ones_keep_their_names(count):
    """Variables that were not found all at once: among few nodes, and with names that are not ASCII."""
    names = ["v\u00e4r" if number % 3 == 0 else f"v{number}" for number in range(count)]
    values = [SavedValue("VARIABLE_VALUE", name, f"k{number}") for number, name in enumerate(names)]
    leaves = [SavedNode([], [value], [], None, True) for value in values]
    root = SavedNode([(f"e{number}", number + 1) for number in range(count)], [], [], None, True)
    graph = SavedGraph([root, *leaves])
    stored = encode_graph(graph)
    found = decode_graph(stored)
    assert [found.full_names()(number + 1) for number in range(count)] == names
    assert encode_graph(found) == stored
    assert found == graph


@pytest.mark.parametrize("count", [2, 40])
def test_nodes_that_somebody_changes_are_written_as_they_are_then(count):
    leaves = [SavedNode([], [SavedValue("VARIABLE_VALUE", f"v{n}", f"k{n}")], [], None, True) for n in range(count)]
    root = SavedNode([(f"e{number}", number + 1) for number in range(count)], [], [], None, True)
    found = decode_graph(encode_graph(SavedGraph([root, *leaves])))
    assert found.variable_keys() == [None, *(f"k{n}" for n in range(count))]
    found.nodes[1].values.clear()
    found.nodes[2].children.append(("below", 1))
    wanted = list(found.nodes)
    assert found.variable_keys() == [None, None, None, *(f"k{n}" for n in range(2, count))]
    again = decode_graph(encode_graph(found))
    assert again.nodes[1].values == []
    assert again.nodes[2].children == [("below", 1)]
    assert list(again.nodes) == wanted


# Layers -------------------------------------------------------------------------------------------------------------------


def layered(*layers, more=()):
    """A graph of a root, layers with the names of their edges, and their variables in a row."""
    first = 1 + len(layers) + len(more)
    nodes = [SavedNode(children=[(f"l{n}", n + 1) for n in range(len(layers) + len(more))], has_values=True)]
    for names in layers:
        nodes.append(SavedNode(children=[(name, first + n) for n, name in enumerate(names)], has_values=True))
        first += len(names)
    nodes += more
    nodes += [
        SavedNode(values=[SavedValue("VARIABLE_VALUE", f"v{n}", f"k{n}")], has_values=True) for n in range(len(nodes), first)
    ]
    return nodes


def test_layers_are_made_when_somebody_looks():
    nodes = layered(*[("kernel", "bias")] * 60, *[("a",)] * 5, ("b" * 127,), ("b" * 128, "c"), *[("gamma", "beta", "é")] * 9)
    data = encode_graph(SavedGraph(nodes))
    found = messages._quick_nodes(data)
    assert sorted(found.layers) == list(range(1, 77))
    assert [found.layers[n] for n in (1, 61, 67)] == [(("kernel", "bias"), 77), (("a",), 197), (("b" * 128, "c"), 203)]
    assert found.layers[1].names[0] is found.layers[60].names[0]
    graph = decode_graph(data)
    assert graph.layers() == found.layers
    assert [number for number, _ in graph.inner()] == [0]
    assert [graph.values(n) for n in (0, 1)] == [[], ()]
    assert [value.key for value in graph.values(77)] == ["k77"]
    assert found == nodes
    assert not found.layers
    assert [number for number, _ in graph.others()] == list(range(77))
    assert graph == SavedGraph(nodes)
    assert not graph.layers()
    assert SavedGraph(nodes).layers() == {}


def test_nodes_that_are_almost_layers():
    """Whatever a node has besides edges to variables in a row is not lost, wherever it stands among many."""
    leaf = SavedNode(values=[SavedValue("VARIABLE_VALUE", "w", "k")], has_values=True)
    pair = [("a", 20), ("b", 21)]
    odd = [
        *(SavedNode(children=pair, has_values=has) for has in (None, False)),
        *(
            SavedNode(children=[("a", a), ("b", b)], has_values=True)
            for a, b in ((20, 22), (21, 20), (20, 20), (0, 1), (18, 19), (10, 11), (19, 20), (58, 59), (59, 60))
        ),
        SavedNode(children=[("", 20), ("b", 21)], has_values=True),
        SavedNode(children=pair, slots=[SavedSlot(20, "m", 21)], has_values=True),
        SavedNode(children=pair, registered_saver=("s", "o"), has_values=True),
        SavedNode(children=pair, values=[SavedValue("x", "", "k")], has_values=True),
    ]
    for node in odd:
        for count, places in ((1, [1]), (4, [1, 2, 3, 4]), (6, [2]), (19, range(1, 20))):
            middle = [SavedNode(children=pair, has_values=True) for _ in range(19)]
            for place in places:
                middle[place - 1] = node
            nodes = [SavedNode(children=[("l", count)], has_values=True), *middle, *[leaf] * 40]
            if ("b", 60) in node.children:
                with pytest.raises(InvalidArgumentError):
                    encode_graph(SavedGraph(nodes))
                data = through_protobuf(SavedGraph(nodes))
                assert messages._quick_nodes(data) == nodes
                with pytest.raises(DataLossError):
                    decode_graph(data)
                continue
            found = messages._quick_nodes(encode_graph(SavedGraph(nodes)))
            good = (pair, [("a", 58), ("b", 59)], [("", 20), ("b", 21)])
            whole = [
                number
                for number, made in enumerate(nodes)
                if made.has_values and made.children in good and not (made.slots or made.values or made.registered_saver)
            ]
            assert sorted(found.layers) == whole
            assert found == nodes


def test_layers_of_many_kinds():
    """More kinds of one length than are looked for: those that are left are read one by one."""
    nodes = layered(*[(f"{'abcdefghijklmnopqrstuvwxyz'[n % 26]}",) for n in range(26 * 5)])
    found = messages._quick_nodes(encode_graph(SavedGraph(nodes)))
    assert sorted(found.layers) == list(range(1, 131))
    assert found == nodes


@pytest.mark.parametrize("name, number", [("b" * 127, 10), ("b" * 128, 10), ("b", 1 << 27), ("b", 1 << 28), ("b", 1 << 30)])
def test_layers_with_long_names_or_numbers(name, number):
    edges = fields((1, fields((1, number), (2, name.encode()))), (1, fields((1, number + 1), (2, b"c"))), (5, fields((1, 1))))
    leaf = fields((2, fields((1, b"VARIABLE_VALUE"), (2, b"w"), (3, b"k"))), (5, fields((1, 1))))
    data = fields(*[(1, edges)] * 10, *[(1, leaf)] * 40)
    found = messages._quick_nodes(data)
    assert sorted(found.layers) == (list(range(10)) if number == 10 else [])
    assert found == messages._protobuf_nodes(data, "")


@pytest.mark.parametrize("width", [1, 2, 3])
def test_numbers_of_a_layer_of_any_width(width):
    first = [1, 200, 20000][width - 1]
    nodes = [SavedNode() for _ in range(first)]
    nodes += [SavedNode(values=[SavedValue("VARIABLE_VALUE", "w", "k")], has_values=True) for _ in range(40)]
    nodes += [SavedNode(children=[("a", first + n), ("b", first + n + 1)], has_values=True) for n in range(39)]
    found = messages._quick_nodes(encode_graph(SavedGraph(nodes)))
    assert sorted(found.layers) == list(range(first + 40, first + 79))
    assert found == nodes


def test_a_byte_changed_among_many_layers():
    """The quick way finds the same nodes as protobuf, or leaves them to it."""
    nodes = layered(*[("w", "bias")] * 20, *[("", "w")] * 2, more=[SavedNode(children=[("other", 1)])] * 6)
    data = encode_graph(SavedGraph(nodes))
    assert messages._quick_nodes(data) == nodes
    quick = 0
    for at in range(data.index(b"VARIABLE_VALUE")):
        for byte in {0, 8, 0x0A, 0x12, 127, 128, 255, data[at] ^ 1, data[at] ^ 128} - {data[at]}:
            odd = data[:at] + bytes((byte,)) + data[at + 1 :]
            try:
                found = messages._quick_nodes(odd)
            except messages._Unusual:
                continue
            quick += 1
            assert found == messages._protobuf_nodes(odd, "")
    assert quick > 500
