"""One application of an op in a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from minitf.core.spec import Spec
from minitf.core.state import Handle
from minitf.core.tensor import SymbolicTensor

if TYPE_CHECKING:
    from minitf.core.op import Op
    from minitf.runtimes.graph import Graph


class Operation:
    """A node of a graph: an op applied to tensors and variables, with a unique name.

    ``arguments`` are all inputs in order (tensors, handles, or None for an optional input left out); ``number`` is its place in
    the order of creation, which is also an order in which everything can be computed; ``results`` are the specs of the outputs,
    one alone or a tuple of them.
    """

    __slots__ = (
        "__weakref__", "_outputs", "arguments", "attrs", "control_inputs", "graph", "kernel_op", "name", "number", "results",
    )  # fmt: skip

    def __init__(self, graph: Graph, kernel_op: Op, name: str, arguments: tuple[Any, ...], attrs: dict[str, Any],
                 control_inputs: tuple[Operation, ...], number: int, results: Spec | tuple[Spec, ...]):  # fmt: skip
        self.graph = graph
        self.kernel_op = kernel_op
        self.name = name
        self.arguments = arguments
        self.attrs = attrs
        self.control_inputs = control_inputs
        self.number = number
        self.results = results
        self._outputs: tuple[SymbolicTensor, ...] | None = None

    @property
    def outputs(self) -> tuple[SymbolicTensor, ...]:
        """The output tensors. They are made when they are first asked for: of many assignments nobody ever uses them."""
        made = self._outputs
        if made is None:
            results: Any = (self.results,) if type(self.results) is Spec else self.results
            made = self._outputs = tuple([SymbolicTensor(self, i, spec) for i, spec in enumerate(results)])
        return made

    @property
    def several(self) -> bool:
        """True if the op gives a tuple (also of one, or none), not a single tensor."""
        return type(self.results) is not Spec

    @property
    def type(self) -> str:
        """The name of the op that is applied."""
        return self.kernel_op.name

    @property
    def inputs(self) -> tuple[SymbolicTensor, ...]:
        """The input tensors."""
        return tuple([a for a in self.arguments if type(a) is SymbolicTensor])

    @property
    def handles(self) -> tuple[Handle, ...]:
        """The variables that it reads or writes."""
        return tuple(a for a in self.arguments if isinstance(a, Handle))

    @property
    def sources(self) -> list[Operation]:
        """The operations that must run before it."""
        out = [a.op for a in self.arguments if isinstance(a, SymbolicTensor)]
        return out + list(self.control_inputs)

    def get_attr(self, name: str) -> Any:
        """An attribute. Raises ValueError if the op has none of that name."""
        if name not in self.attrs:
            raise ValueError(f"Operation {self.name!r} ({self.type}) has no attribute {name!r}, only {list(self.attrs)}.")
        return self.attrs[name]

    def run(self, feed_dict: Any = None, session: Any = None) -> None:
        """Runs the operation in ``session`` or the default session. Raises ValueError if there is neither."""
        self.graph.session_for(session, f"Operation.run of {self.name!r}", ValueError).run(self, feed_dict)

    @property
    def device(self) -> str:
        """Always empty: devices have no effect in minitf."""
        return ""

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"Cannot copy or pickle {self!r}: it belongs to its graph.")

    def __repr__(self) -> str:
        return f"<tf.Operation {self.name!r} type={self.type}>"
