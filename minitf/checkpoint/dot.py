"""Object graphs to look at: of live objects, and of a checkpoint as a picture.

print(tf.train.dot_graph_from_checkpoint("run/ckpt-1"))      # for Graphviz: dot -Tsvg
"""

from __future__ import annotations

from typing import Any, NamedTuple

from minitf.checkpoint.capture import capture
from minitf.checkpoint.opening import open_checkpoint
from minitf.checkpoint.reading import saved_graph
from minitf.checkpoint.walking import Walk, own_values
from minitf.core.state import Handle
from minitf.saved import Reader, SavedGraph, SavedValue
from minitf.storage.messages import encode_graph
from minitf.storage.protos import message


def list_objects(root_checkpointable: Any) -> list[Any]:
    """The objects that a save of this root would list: breadth first, each once, slot variables at the end (S126).

    Raises TypeError for a root that is not trackable, ValueError for a list or dict that cannot be saved any more.
    """
    return list(Walk(root_checkpointable).objects)


def gather_initializers(root_checkpointable: Any) -> list[Any]:
    """The initialising operations of all variables under a root, slot variables too; none in eager mode."""
    handles = [
        value for obj in list_objects(root_checkpointable) for value in own_values(obj).values() if isinstance(value, Handle)
    ]
    return [handle.initializer for handle in handles if handle.initializer is not None]


class NamedSaveable(NamedTuple):
    """A value as a save would store it: ``name`` is its key, ``full_name`` the variable's name, ``value`` what is saved."""

    name: str
    full_name: str
    value: Any


def serialize_object_graph(root_checkpointable: Any) -> tuple[list[NamedSaveable], Any, None]:
    """What a save of this root would store: its values in saving order, and the object graph as ``TrackableObjectGraph``.

    The third member is always None: TensorFlow has feeds there. Raises as ``save``.
    """
    captured = capture(root_checkpointable)
    names = {value.key: value.full_name for node in captured.graph.nodes for value in node.values}
    values = [NamedSaveable(key, names[key], value) for key, value in captured.entries]
    return values, message("TrackableObjectGraph").FromString(encode_graph(captured.graph)), None


def dot_graph_from_checkpoint(save_path: Any) -> str:
    """The object graph of a checkpoint in the language of Graphviz.

    Objects are ellipses, values boxes with dtype and shape, edges carry their local names; slot variables hang on their
    optimizer by dashed edges. Raises NotFoundError, ValueError for a name-based checkpoint, DataLossError.
    """
    reader = open_checkpoint(save_path)
    graph = saved_graph(reader)
    lines = ["digraph {", "  node [fontname=Helvetica];"]
    for number, node in enumerate(graph.nodes):
        label = [_title(graph, number), *(_value_text(reader, value) for value in node.values)]
        shape = "box" if node.values else "ellipse"
        lines.append(f"  n{number} [label={_quoted(*label)}, shape={shape}{', style=bold' if number == 0 else ''}];")
    for number, node in enumerate(graph.nodes):
        for name, child in node.children:
            lines.append(f"  n{number} -> n{child} [label={_quoted(name)}];")
        for slot in node.slots:
            lines.append(f"  n{number} -> n{slot.slot} [label={_quoted(slot.slot_name)}, style=dashed];")
            lines.append(f"  n{slot.slot} -> n{slot.variable} [style=dotted, arrowhead=none];")
    return "\n".join([*lines, "}", ""])


def _title(graph: SavedGraph, number: int) -> str:
    if number == 0:
        return "(root)"
    names = [value.full_name for value in graph.nodes[number].values if value.full_name]
    return names[0] if names else f"object {number}"


def _value_text(reader: Reader, value: SavedValue) -> str:
    if value.key not in reader:
        return value.name
    spec = reader.spec(value.key)
    kind = f"{spec.dtype.name} {list(spec.shape or ())}"
    return kind if value.full_name else f"{value.name}: {kind}"


def _quoted(*lines: str) -> str:
    text = "\\n".join(line.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for line in lines)
    return f'"{text}"'
