"""One application of an op in a graph."""

from __future__ import annotations

from _thread import allocate_lock
from typing import TYPE_CHECKING, Any, NoReturn

from minitf.core.forks import whole_in_children
from minitf.core.locks import left_open
from minitf.core.spec import Spec
from minitf.core.state import Handle
from minitf.core.tensor import SymbolicTensor
from minitf.runtimes.naming import with_number

if TYPE_CHECKING:
    from minitf.core.op import Op
    from minitf.runtimes.graph import Graph

_making = whole_in_children(left_open(allocate_lock()))


class Operation:
    """A node of a graph: an op applied to tensors and variables, with a unique name.

    ``arguments`` are all inputs in order (tensors, handles, or None for an optional input left out); ``number`` is its place in
    the order of creation, which is also an order in which everything can be computed; ``results`` are the specs of the outputs,
    one alone or a tuple of them. The name is kept as the text of its series and its place there (see ``naming``).
    """

    __slots__ = (
        "__weakref__", "_made", "_place", "_text", "arguments", "attrs", "control_inputs", "graph", "kernel_op", "number",
        "results",
    )  # fmt: skip
    _made: SymbolicTensor | tuple[SymbolicTensor, ...] | None
    _place: int
    _text: str
    arguments: tuple[Any, ...]
    attrs: dict[str, Any]
    control_inputs: tuple[Operation, ...]
    graph: Graph
    kernel_op: Op
    number: int
    results: Spec | tuple[Spec, ...]

    @property
    def name(self) -> str:
        """The name, unique in the graph."""
        return with_number(self._text, self._place)

    @property
    def output(self) -> SymbolicTensor:
        """The output of an op that gives a single tensor."""
        made: Any = self._made
        return self._make() if made is None else made  # type: ignore[no-any-return]

    @property
    def outputs(self) -> tuple[SymbolicTensor, ...]:
        """The output tensors. They are made when they are first asked for: of many assignments nobody ever uses them."""
        made: Any = self._made
        if made is None:
            made = self._make()
        return made if type(made) is tuple else (made,)

    def _make(self) -> Any:
        results: Any = self.results
        with _making:  # the same tensors for all threads that ask
            if self._made is None and type(results) is Spec:
                self._made = _output(self, 0, results)
            elif self._made is None:
                self._made = tuple([_output(self, i, spec) for i, spec in enumerate(results)])
            return self._made

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

    def values(self) -> tuple[SymbolicTensor, ...]:
        """The output tensors, as ``outputs``."""
        return self.outputs

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


def _output(operation: Operation, index: int, spec: Spec) -> SymbolicTensor:
    tensor = SymbolicTensor()
    tensor.op = operation
    tensor.index = index
    tensor._spec = spec
    return tensor
