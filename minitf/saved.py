"""Plain data that stands between Python objects and files.

* ``SavedGraph``: the object graph of a checkpoint: nodes, named edges, values with their keys, slot variables.
* ``Reader``: what every open checkpoint can do, whatever its format.
* ``Storage``: a file format: something that writes a set of named tensors under a prefix and opens it again.

Nothing in here knows live objects, sessions or file layouts. TensorFlow stores the same structure as the message
``TrackableObjectGraph`` under the key ``_CHECKPOINTABLE_OBJECT_GRAPH``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol, overload, runtime_checkable

from minitf.core.spec import Spec
from minitf.saved_paths import Paths, shortest_paths

OBJECT_GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"
VARIABLE_VALUE = "VARIABLE_VALUE"
PY_STATE = "py_state"
ATTRIBUTES = "/.ATTRIBUTES/"
OPTIMIZER_SLOT = "/.OPTIMIZER_SLOT/"


@dataclass(slots=True)
class SavedValue:
    """One stored value of a node: its attribute name, the variable's name (without ``:0``) and the key in the file."""

    name: str
    full_name: str
    key: str


@dataclass(slots=True)
class SavedSlot:
    """One slot variable of an optimizer node: ``slot`` is the node that holds what it keeps for ``variable``."""

    variable: int
    slot_name: str
    slot: int


@dataclass(slots=True)
class SavedNode:
    """One object of a checkpoint. ``children`` are (local name, node number) pairs in saving order."""

    children: list[tuple[str, int]] = field(default_factory=list)
    values: list[SavedValue] = field(default_factory=list)
    slots: list[SavedSlot] = field(default_factory=list)
    registered_saver: tuple[str, str] | None = None
    has_values: bool | None = None  # None: the file is too old to say


class Layer(NamedTuple):
    """A node with values below, and nothing but edges to plain variables, whose numbers are ``first``, ``first + 1``, ..."""

    names: tuple[str, ...]
    first: int


class LazyNodes(Sequence[SavedNode]):
    """Nodes of which those of plain variables, mostly nearly all, and of layers are made when somebody looks at them.

    * ``nodes``: by number; None for a node that is to be made. One of a plain variable has no edges and slots, and one value.
    * ``keys``: by number, the key of a plain variable; None for other nodes.
    * ``full_name``: gives the variable's name, by number, of a plain variable that is to be made.
    * ``layers``: by number, the layers, which are to be made; those that are not made yet.
    """

    __slots__ = ("_full_name", "_keys", "_made", "_nodes", "layers")

    def __init__(
        self, nodes: list[SavedNode | None], keys: list[str | None], full_name: Callable[[int], str],
        layers: dict[int, Layer] | None = None,
    ):  # fmt: skip
        self._nodes = nodes
        self._full_name = full_name
        self._keys = keys
        self.layers = {} if layers is None else layers
        self._made = [n for n, node in enumerate(nodes) if node is not None and keys[n] is not None]

    def keys(self) -> list[str | None]:
        """By number, the key of a plain variable; None for other nodes, and those that somebody has changed into others."""
        keys = self._keys
        for number in self._made:
            node: SavedNode = self._nodes[number]  # type: ignore[assignment]
            keys[number] = node.values[0].key if is_plain_variable(node) else None
        return keys

    def full_name(self, number: int) -> str:
        """The variable's name of a plain variable."""
        node = self._nodes[number]
        return self._full_name(number) if node is None else node.values[0].full_name

    @overload
    def __getitem__(self, number: int) -> SavedNode: ...
    @overload
    def __getitem__(self, number: slice) -> list[SavedNode]: ...
    def __getitem__(self, number: int | slice) -> SavedNode | list[SavedNode]:
        if isinstance(number, slice):
            return [self[n] for n in range(*number.indices(len(self)))]
        node = self._nodes[number]
        if node is None:
            number %= len(self._nodes)
            if self._keys[number] is None:
                names, first = self.layers.pop(number)
                children = list(zip(names, range(first, first + len(names)), strict=True))
                node = self._nodes[number] = SavedNode(children, [], [], None, True)
                return node
            value = SavedValue(VARIABLE_VALUE, self._full_name(number), self._keys[number])  # type: ignore[arg-type]
            node = self._nodes[number] = SavedNode([], [value], [], None, True)
            self._made.append(number)
        return node

    def __len__(self) -> int:
        return len(self._nodes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(list(self))


@dataclass(slots=True)
class SavedGraph:
    """The object graph of a checkpoint; node 0 is the root.

    ``left_alone``: by number, values of the file that a restore was asked to leave alone; their nodes are without them.
    """

    nodes: Sequence[SavedNode] = field(default_factory=list)
    left_alone: Mapping[int, Sequence[SavedValue]] = field(default_factory=dict)
    _ways: list[int] | None = field(default=None, init=False, repr=False, compare=False)

    def variable_keys(self) -> list[str | None]:
        """By node, the key of a plain variable, None for other nodes. Steps that go over all nodes need no more of most."""
        if isinstance(self.nodes, LazyNodes):
            return self.nodes.keys()
        return [n.values[0].key if is_plain_variable(n) else None for n in self.nodes]

    def full_names(self) -> Callable[[int], str]:
        """A function that gives the variable's name of a plain variable by its number."""
        nodes = self.nodes
        return nodes.full_name if isinstance(nodes, LazyNodes) else lambda number: nodes[number].values[0].full_name

    def layers(self) -> Mapping[int, Layer]:
        """Layers by number: those of which it is known without looking at their nodes."""
        return self.nodes.layers if isinstance(self.nodes, LazyNodes) else _NO_LAYERS

    def values(self, number: int) -> Sequence[SavedValue]:
        """The values of a node; layers, which have none, are not made for it."""
        return () if number in self.layers() else self.nodes[number].values

    def others(self) -> Iterator[tuple[int, SavedNode]]:
        """Numbers and nodes that are no plain variables."""
        return ((number, self.nodes[number]) for number, key in enumerate(self.variable_keys()) if key is None)

    def inner(self) -> Iterator[tuple[int, SavedNode]]:
        """Numbers and nodes that are neither plain variables nor known as layers."""
        layers = self.layers()
        numbers = [number for number, key in enumerate(self.variable_keys()) if key is None and number not in layers]
        return ((number, self.nodes[number]) for number in numbers)

    def keys(self) -> list[str]:
        """The keys of all values, node by node."""
        keys: list[str] = []
        for number, key in enumerate(self.variable_keys()):
            if key is None:
                keys += [value.key for value in self.values(number)]
            else:
                keys.append(key)
        return keys

    def children(self, number: int) -> dict[str, int]:
        """Edges of a node by local name. Of two edges of one name the first counts, as in TensorFlow."""
        out: dict[str, int] = {}
        for name, child in self.nodes[number].children:
            out.setdefault(name, child)
        return out

    def ways(self) -> list[int]:
        """For each node how many edges lead to it. Counted once."""
        if self._ways is None:
            self._ways = [0] * len(self.nodes)
            for _, node in self.others():
                for _, child in node.children:
                    self._ways[child] += 1
        return self._ways

    def paths(self) -> Paths:
        """For each node the shortest path of local names from the root; see ``saved_paths``."""
        return shortest_paths(self)


_NO_LAYERS: Mapping[int, Layer] = {}


def is_plain_variable(node: SavedNode) -> bool:
    """True if the node is a variable, and nothing hangs on it."""
    return (
        len(node.values) == 1
        and node.values[0].name == VARIABLE_VALUE
        and not (node.children or node.slots or node.registered_saver)
        and node.has_values is True
    )


def escape(local_name: str) -> str:
    """A local name as it stands in a key: ``.`` doubled, then ``/`` written ``.S``."""
    return local_name.replace(".", "..").replace("/", ".S")


def unescape(part: str) -> str:
    """The local name that ``escape`` made ``part`` from."""
    return part.replace(".S", "/").replace("..", ".") if "..S" not in part else _unescape_slowly(part)


def _unescape_slowly(part: str) -> str:
    out, i = [], 0
    while i < len(part):
        pair = part[i : i + 2]
        if pair in ("..", ".S"):
            out.append("." if pair == ".." else "/")
            i += 2
        else:
            out.append(part[i])
            i += 1
    return "".join(out)


Lazy = bool | Literal["first use", "unverified"]
"""When values of a checkpoint are read: now, or when they are looked at (see ``TensorBundle``)."""


@runtime_checkable
class Reader(Protocol):
    """An open checkpoint. It holds no file open between calls.

    ``source`` says where it comes from, for messages. Keys are str. Arrays of strings are object arrays of ``bytes``.
    """

    source: str

    def keys(self) -> Iterable[str]:
        """All keys, sorted by their UTF-8 bytes."""

    def __contains__(self, key: object) -> bool:
        """True if the checkpoint has the key."""

    def spec(self, key: str) -> Spec:
        """Dtype and shape of a value, without reading it. Raises NotFoundError."""

    def read(self, key: str) -> Any:
        """The value, as a new array that belongs to the caller. Raises NotFoundError, DataLossError."""

    def read_many(self, keys: Iterable[str]) -> list[Any]:
        """The values of many keys, in their order; all or an error."""


def specs_of(reader: Reader) -> dict[str, Spec]:
    """Dtype and shape of every key; at once (``specs()``) where a reader can. Raises DataLossError."""
    specs = getattr(reader, "specs", None)
    found: dict[str, Spec] = specs() if specs is not None else {key: reader.spec(key) for key in reader.keys()}
    return found


class Writer(Protocol):
    """What a save needs of a storage. ``tensors`` maps keys to arrays in the order of saving."""

    def write(self, prefix: str, tensors: Mapping[str, Any]) -> None:
        """Writes a whole checkpoint; on an error nothing that was there before is lost."""


class Storage(Writer, Protocol):
    """A file format."""

    name: str

    def open(self, prefix: str) -> Reader:
        """Opens a checkpoint. Raises NotFoundError if there is none, DataLossError if it is damaged."""

    def exists(self, prefix: str) -> bool:
        """True if a checkpoint of this format stands under the prefix."""

    def remove(self, prefix: str) -> None:
        """Deletes the files of a checkpoint; missing ones are no error."""


def walk(graph: SavedGraph) -> Iterator[int]:
    """Node numbers reachable from the root, breadth first in edge order."""
    if not graph.nodes:
        return
    seen, queue = {0}, [0]
    for number in queue:
        yield number
        for _, child in graph.nodes[number].children:
            if child not in seen:
                seen.add(child)
                queue.append(child)
