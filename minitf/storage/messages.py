"""The object graph as it stands in a checkpoint: the message ``TrackableObjectGraph``, in TensorFlow's exact bytes.

A graph can have a hundred thousand nodes, and protobuf's Python objects cost microseconds each, so the bytes are made here
directly, and read directly as far as they look the way TensorFlow writes them; protobuf itself reads everything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minitf.errors import DataLossError, InvalidArgumentError
from minitf.saved import VARIABLE_VALUE, Layer, LazyNodes, SavedGraph, SavedNode, SavedSlot, SavedValue, is_plain_variable
from minitf.storage import layer_nodes, variable_nodes
from minitf.storage.protos import parse
from minitf.storage.varint import read_varint, varint

_HAS_VALUES = {None: b"", False: b"\x2a\x00", True: b"\x2a\x02\x08\x01"}


def encode_graph(graph: SavedGraph) -> bytes:
    """The bytes that TensorFlow writes for the same graph.

    Raises InvalidArgumentError for names that are not Unicode and for numbers that are no nodes.
    """
    count, full_names = len(graph.nodes), graph.full_names()
    out: list[bytes] = []
    names: dict[str, bytes] = {}  # encoded, of edges and attributes
    heads: dict[tuple[int, int], tuple[bytes, bytes]] = {}  # of variables, by the lengths of name and key
    try:
        for at, variable_key in enumerate(graph.variable_keys()):
            variable_name = full_names(at) if variable_key else ""
            if variable_key and variable_name:  # a variable, mostly
                full_name, key = variable_name.encode("utf-8"), variable_key.encode("utf-8")
                lengths = len(full_name), len(key)
                head = heads.get(lengths) or heads.setdefault(lengths, _variable_heads(*lengths))
                out += head[0], full_name, head[1], key, _HAS_VALUES[True]
                continue
            node = graph.nodes[at]
            parts: list[bytes] = []
            for name, child in node.children:
                text = names.get(name) or names.setdefault(name, _text(b"\x12", name))
                if not 0 <= child < count:
                    raise InvalidArgumentError(f"object graph: edge {name!r} leads to node {child} of {count}.")
                if child:
                    number = varint(child)
                    parts += b"\x0a", varint(1 + len(number) + len(text)), b"\x08", number, text
                else:
                    parts += b"\x0a", varint(len(text)), text
            for value in node.values:
                body = _text(b"\x0a", value.name) + _text(b"\x12", value.full_name) + _text(b"\x1a", value.key)
                parts += b"\x12", varint(len(body)), body
            for slot in node.slots:
                if not (0 <= slot.variable < count and 0 <= slot.slot < count):
                    raise InvalidArgumentError(
                        f"object graph: slot {slot.slot_name!r} joins {slot.variable}, {slot.slot} of {count}."
                    )
                body = _text(b"\x12", slot.slot_name)
                if slot.variable:
                    body = b"\x08" + varint(slot.variable) + body
                if slot.slot:
                    body += b"\x18" + varint(slot.slot)
                parts += b"\x1a", varint(len(body)), body
            if node.registered_saver is not None:
                body = _text(b"\x0a", node.registered_saver[0]) + _text(b"\x12", node.registered_saver[1])
                parts += b"\x22", varint(len(body)), body
            parts.append(_HAS_VALUES[node.has_values])
            body = b"".join(parts)
            out += b"\x0a", varint(len(body)), body
    except UnicodeEncodeError as error:
        raise InvalidArgumentError(f"object graph: the name {error.object!r} cannot be stored: {error.reason}.") from None
    return b"".join(out)


def _variable_heads(name: int, key: int) -> tuple[bytes, bytes]:
    """What stands before name and key, of these lengths, in the node of a variable that has nothing else."""
    before_name, before_key = variable_nodes.HEAD + varint(name), b"\x1a" + varint(key)
    size = len(before_name) + name + len(before_key) + key
    value = b"\x12" + varint(size)
    return b"\x0a" + varint(len(value) + size + len(_HAS_VALUES[True])) + value + before_name, before_key


def _text(tag: bytes, text: str) -> bytes:
    if not text:
        return b""
    stored = text.encode("utf-8")
    return tag + varint(len(stored)) + stored


def decode_graph(data: Any, source: str = "object graph") -> SavedGraph:
    """The graph in these bytes, or in a value that was read (a scalar string); ``source`` says where they come from.

    Raises DataLossError for bytes that are no graph, for a value of another kind, for a graph without nodes and for numbers of
    nodes outside of it.
    """
    if getattr(data, "shape", None) == ():
        data = data.item()
    if not isinstance(data, bytes):
        raise DataLossError(f"{source}: the object graph is one string; stored is a {type(data).__name__}.")
    try:
        nodes: Sequence[SavedNode] = _quick_nodes(data)
    except _Unusual:
        nodes = _protobuf_nodes(data, source)
    graph = SavedGraph(nodes)
    _check(graph, source)
    return graph


class _Unusual(Exception):
    """The bytes are not as TensorFlow would have written them."""


def _quick_nodes(data: bytes) -> LazyNodes:
    """The nodes, or _Unusual."""
    begins, ends = _places(data)
    plain = variable_nodes.find(data, begins, ends)
    names = {VARIABLE_VALUE.encode(): VARIABLE_VALUE}  # of edges and attributes: few different ones
    edges: dict[bytes, str] = {}
    nodes: list[SavedNode | None] = [None] * len(begins)
    keys = plain.keys
    others = [number for number, key in enumerate(keys) if key is None]
    try:
        layers = layer_nodes.find(data, begins, ends, others, names)
        others = [number for number in others if number not in layers]
        for number in others:
            node = nodes[number] = _quick_node(data, begins[number], ends[number], names, edges)
            if is_plain_variable(node):
                keys[number] = node.values[0].key
    except (IndexError, UnicodeDecodeError, DataLossError):
        raise _Unusual from None
    for number in others:
        layer = _layer(nodes[number], keys)  # type: ignore[arg-type]
        if layer is not None:
            layers[number], nodes[number] = layer, None
    return LazyNodes(nodes, keys, plain.full_name, layers)


def _layer(node: SavedNode, keys: list[str | None]) -> Layer | None:
    """The layer that a node is, or None."""
    if not node.children or node.values or node.slots or node.registered_saver or not node.has_values:
        return None
    names, numbers = zip(*node.children, strict=True)
    first, stop = numbers[0], numbers[0] + len(numbers)
    if numbers != tuple(range(first, stop)) or stop > len(keys) or None in keys[first:stop]:
        return None
    return Layer(names, first)


def _places(data: bytes) -> tuple[list[int], list[int]]:
    """Where nodes begin and end."""
    begins: list[int] = []
    ends: list[int] = []
    at, end = 0, len(data)
    try:
        while at < end:
            if data[at] != 0x0A:
                raise _Unusual
            size = data[at + 1]
            at += 2
            if size > 127:
                size, at = read_varint(data, at - 1, end)
            begins.append(at)
            at += size
            ends.append(at)
    except (IndexError, DataLossError):
        raise _Unusual from None
    if at != end:
        raise _Unusual
    return begins, ends


def _quick_node(data: bytes, at: int, node_end: int, names: dict[bytes, str], edges: dict[bytes, str]) -> SavedNode:
    """One node, or _Unusual. One loop with few calls: a call a field would double the time.

    ``names`` are those met so far, by their bytes; ``edges`` those of children, by their whole fields.
    """
    children: list[tuple[str, int]] = []
    values: list[SavedValue] = []
    slots: list[SavedSlot] = []
    saver = has_values = None
    while at < node_end:
        tag, size = data[at], data[at + 1]
        at += 2
        if size > 127:
            size, at = read_varint(data, at - 1, node_end)
        stop = at + size
        if tag == 0x0A:  # a child: number, name
            number = 0
            if at < stop and data[at] == 8:
                number = data[at + 1]
                at += 2
                if number > 127:
                    if data[at] < 128:  # two bytes
                        number += (data[at] << 7) - 128
                        at += 1
                    else:
                        number, at = _int32(data, at - 1, stop)
            rest = data[at:stop]
            name = edges.get(rest)
            if name is None or at > stop:
                raw, at = _field(data, at, stop, 0x12)
                if at != stop:
                    raise _Unusual
                name = edges[rest] = names.setdefault(raw, raw.decode())
            children.append((name, number))
            at = stop
            continue
        if tag == 0x12:  # a value: name, full name, key
            raw, at = _field(data, at, stop, 0x0A)
            name = names.get(raw)
            if name is None:
                name = names[raw] = raw.decode()
            full_name, at = _field(data, at, stop, 0x12)
            raw, at = _field(data, at, stop, 0x1A)
            values.append(SavedValue(name, full_name.decode(), raw.decode()))
        elif tag == 0x2A and has_values is None:
            raw = data[at:stop]
            has_values = raw == b"\x08\x01"
            if raw and not has_values:
                raise _Unusual
            at = stop
        elif tag == 0x1A:  # a slot: variable, name, slot
            variable = slot = 0
            if at < stop and data[at] == 8:
                variable, at = _int32(data, at + 1, stop)
            raw, at = _field(data, at, stop, 0x12)
            if at < stop and data[at] == 0x18:
                slot, at = _int32(data, at + 1, stop)
            slots.append(SavedSlot(variable, raw.decode(), slot))
        elif tag == 0x22 and saver is None:
            raw, at = _field(data, at, stop, 0x0A)
            object_name, at = _field(data, at, stop, 0x12)
            saver = raw.decode(), object_name.decode()
        else:
            raise _Unusual
        if at != stop:
            raise _Unusual
    if at != node_end:
        raise _Unusual
    return SavedNode(children, values, slots, saver, has_values)


def _int32(data: bytes, at: int, end: int) -> tuple[int, int]:
    number, at = read_varint(data, at, end)
    if number >> 31:
        raise _Unusual  # negative, or cut down to 32 bits
    return number, at


def _field(data: bytes, at: int, end: int, tag: int) -> tuple[bytes, int]:
    """The bytes of a length-delimited field, none if another field or the end comes first."""
    if at >= end or data[at] != tag:
        return b"", at
    size = data[at + 1]
    at += 2
    if size > 127:
        size, at = read_varint(data, at - 1, end)
    return data[at : at + size], at + size  # if that is beyond the end, the place is not where the caller needs it


def _protobuf_nodes(data: bytes, source: str) -> list[SavedNode]:
    return [
        SavedNode(
            children=[(edge.local_name, edge.node_id) for edge in node.children],
            values=[SavedValue(value.name, value.full_name, value.checkpoint_key) for value in node.attributes],
            slots=[
                SavedSlot(slot.original_variable_node_id, slot.slot_name, slot.slot_variable_node_id)
                for slot in node.slot_variables
            ],
            registered_saver=(
                (node.registered_saver.name, node.registered_saver.object_name) if node.HasField("registered_saver") else None
            ),
            has_values=node.has_checkpoint_values.value if node.HasField("has_checkpoint_values") else None,
        )
        for node in parse("TrackableObjectGraph", data, source).nodes
    ]


def _check(graph: SavedGraph, source: str) -> None:
    count = len(graph.nodes)
    if not count:
        raise DataLossError(f"{source}: the object graph has no nodes, not even a root.")
    for number, node in graph.inner():
        for name, child in node.children:
            if not 0 <= child < count:
                raise DataLossError(f"{source}: edge {name!r} of node {number} leads to node {child}; there are {count} nodes.")
        for slot in node.slots:
            if not (0 <= slot.variable < count and 0 <= slot.slot < count):
                raise DataLossError(
                    f"{source}: slot variable {slot.slot_name!r} of node {number} joins nodes {slot.variable} and {slot.slot}; "
                    f"there are {count} nodes."
                )
        for value in node.values:
            if not value.key:
                raise DataLossError(f"{source}: value {value.name!r} of node {number} has no key.")
