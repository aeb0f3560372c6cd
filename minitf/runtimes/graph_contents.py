"""What is in a graph, and how one finds it: operations and tensors by name or number, and collections.

``GraphContents`` is a part of ``Graph``; what adds operations is in graph.py.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from minitf.core.tensor import SymbolicTensor, Tensor
from minitf.runtimes.operation import Operation
from minitf.runtimes.promised import KEEPING, Promise

if TYPE_CHECKING:
    import networkx as nx


class GraphContents:
    """Operations in the order of creation, and collections by name."""

    def __init__(self) -> None:
        self._operations: list[Any] = []  # a promise stands in all the places of its operations
        self._promises: list[Promise] = []
        self._by_name: dict[str, Operation] = {}
        self._entered = 0  # how many operations are in it
        self._collections: dict[Any, list[Any]] = {}
        self._not_fed: set[Operation] = set()
        self._not_fetched: set[Operation] = set()

    # -- operations ----------------------------------------------------------------------------------------------------

    @property
    def version(self) -> int:
        """Grows with every operation."""
        return len(self._operations)

    def _all(self) -> list[Operation]:
        """The operations. Those that were promised are made now."""
        if self._promises:
            with KEEPING:
                for promise in self._promises:
                    promise.keep()
                self._promises.clear()
        return self._operations

    def get_operations(self) -> list[Operation]:
        """All operations in the order of creation."""
        return list(self._all())

    @property
    def operations(self) -> list[Operation]:
        """All operations, as ``get_operations()``."""
        return self.get_operations()

    def num_operations(self) -> int:
        """How many operations there are."""
        return len(self._operations)

    def since(self, version: int) -> list[Operation]:
        """The operations made since the graph had this ``version``."""
        found = self._operations[version:]
        if self._promises and any(type(operation) is not Operation for operation in found):
            found = self._all()[version:]
        return found

    def get_operation_by_name(self, name: str) -> Operation:
        """The operation of that name. Raises KeyError."""
        known = self._known_names()
        if name not in known:
            raise KeyError(f"The graph has no operation named {name!r}.{_did_you_mean(name, known)}")
        return known[name]

    def _known_names(self) -> dict[str, Operation]:
        """The operations by name. Those made since the last time that somebody asked are entered now."""
        operations, known = self._all(), self._by_name
        for number in range(self._entered, len(operations)):
            known[operations[number].name] = operations[number]
            self._entered = number + 1
        return known

    def get_tensor_by_name(self, name: str) -> SymbolicTensor:
        """The tensor ``operation:output``. Raises KeyError, or ValueError if the name has no output number."""
        operation, colon, index = name.partition(":")
        if not colon or not index.isdigit():
            raise ValueError(f"A tensor is named operation:output, for example 'add:0', not {name!r}.")
        outputs = self.get_operation_by_name(operation).outputs
        if int(index) >= len(outputs):
            raise KeyError(f"Operation {operation!r} has {len(outputs)} outputs, so {name!r} does not exist.")
        return outputs[int(index)]

    def as_graph_element(self, obj: Any, allow_tensor: bool = True, allow_operation: bool = True) -> Any:
        """The tensor or operation that ``obj`` (one itself, a variable, or a name) stands for.

        Raises TypeError for other things, ValueError if it belongs to another graph, KeyError for an unknown name.
        """
        if isinstance(obj, str):
            return self.get_tensor_by_name(obj) if ":" in obj else self.get_operation_by_name(obj)
        if not isinstance(obj, (Tensor, Operation)) and hasattr(obj, "_graph_element"):
            obj = obj._graph_element()
        if isinstance(obj, (SymbolicTensor, Operation)):
            if obj.graph is not self:
                raise ValueError(f"{obj!r} is not an element of this graph.")
            if (allow_operation and isinstance(obj, Operation)) or (allow_tensor and isinstance(obj, SymbolicTensor)):
                return obj
        raise TypeError(f"Cannot convert {obj!r} (a {type(obj).__name__}) into a Tensor or Operation of the graph.")

    def to_networkx(self) -> nx.DiGraph[str]:
        """The graph as an ordinary DiGraph: nodes are operation names with ``type`` and ``outputs``; edges carry ``kind``.

        ``kind`` is ``data`` (with ``tensor``), ``variable`` (an operation uses the variable's handle) or ``control``.
        """
        import networkx as nx

        out: nx.DiGraph[str] = nx.DiGraph()
        operations = self._all()
        for o in operations:
            out.add_node(o.name, type=o.type, outputs=[str(t.spec) for t in o.outputs], number=o.number)
        for o in operations:
            for c in o.control_inputs:
                out.add_edge(c.name, o.name, kind="control")
            for h in o.handles:
                if h.operation is None:  # the state of a random op
                    continue
                out.add_edge(h.operation.name, o.name, kind="variable")
            for t in o.inputs:
                out.add_edge(t.op.name, o.name, kind="data", tensor=t.name)
        return out

    # -- what a session may do with it ---------------------------------------------------------------------------------

    def prevent_feeding(self, tensor: Any) -> None:
        """From here on, feeding the tensor raises ValueError in sessions' new runs."""
        self._not_fed.add(self.as_graph_element(tensor, allow_operation=False))

    def is_feedable(self, tensor: Any) -> bool:
        """False after ``prevent_feeding``."""
        return tensor not in self._not_fed

    def prevent_fetching(self, op: Operation) -> None:
        """From here on, fetching the operation or one of its outputs raises ValueError in sessions' new runs."""
        self._not_fetched.add(self.as_graph_element(op, allow_tensor=False))

    def is_fetchable(self, tensor_or_op: Any) -> bool:
        """False after ``prevent_fetching``."""
        return getattr(tensor_or_op, "op", tensor_or_op) not in self._not_fetched

    def check_run(self, fetches: list[Any], feeds: list[Any]) -> None:
        """Raises ValueError if one of them was prevented."""
        if not self._not_fed and not self._not_fetched:
            return
        for feed in feeds:
            if not self.is_feedable(feed):
                raise ValueError(f"Tensor {feed.name!r} may not be fed: the graph was told so by prevent_feeding.")
        for fetch in fetches:
            if not self.is_fetchable(fetch):
                raise ValueError(f"{fetch.name!r} may not be fetched: the graph was told so by prevent_fetching.")

    # -- collections ---------------------------------------------------------------------------------------------------

    @property
    def collections(self) -> list[Any]:
        """The names of all collections."""
        return list(self._collections)

    def add_to_collection(self, name: Any, value: Any) -> None:
        """Appends to a collection."""
        collection = self._collections.get(name)
        if collection is None:
            collection = self._collections[name] = []
        collection.append(value)

    def add_to_collections(self, collections: Any, value: Any) -> None:
        """Appends to several collections, each once."""
        for name in {collections} if isinstance(collections, str) else dict.fromkeys(collections):
            self.add_to_collection(name, value)

    def get_collection(self, name: Any, scope: str | None = None) -> list[Any]:
        """A copy of a collection; with ``scope`` only items whose name begins with it (a regular expression)."""
        items = self._collections.get(name, [])
        return [i for i in items if scope is None or (hasattr(i, "name") and re.match(scope, i.name))]

    def get_collection_ref(self, name: Any) -> list[Any]:
        """The collection itself."""
        return self._collections.setdefault(name, [])

    def get_all_collection_keys(self) -> list[Any]:
        """The names of all collections that hold something."""
        return [k for k, v in self._collections.items() if v]

    def clear_collection(self, name: Any) -> None:
        """Empties a collection."""
        self._collections.pop(name, None)


def _did_you_mean(name: str, known: Any) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=1)
    return f" Did you mean {close[0]!r}?" if close else ""
