"""Tracing: a Python function's operations as a graph inside another runtime.

A ``Trace`` is a graph with an outer runtime. Tensors of the outer runtime that the function uses are *captured*: they become
inputs. Variables of the outer runtime are used as they are, and variables made inside belong to it. Calling the result in eager
mode runs one compiled plan against the eager store; under a tape, or while a graph is built, its operations are applied one
after another in that runtime, so gradients and sessions see them as if they had been written there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from minitf.core import names, runtime
from minitf.core.op import Op, convert
from minitf.core.spec import Spec
from minitf.core.state import Handle
from minitf.core.streams import Streams
from minitf.core.structures import flatten, pack
from minitf.core.tensor import SymbolicTensor, Tensor
from minitf.ops.sources import placeholder
from minitf.runtimes.graph import Graph
from minitf.runtimes.operation import Operation
from minitf.runtimes.plan import needed, normal


class Trace(Graph):
    """The graph of one function for one signature."""

    def __init__(self, outer_home: Any, may_create: bool):
        super().__init__()
        self.outer_home = outer_home
        self.owner = getattr(outer_home, "owner", outer_home)  # the home of variables: the next one outside that is no trace
        self.may_create = may_create
        self.created = False  # whether the function made a variable
        self.captured: dict[int, tuple[Tensor, SymbolicTensor]] = {}
        self.streams = Streams(self.owner, shared=False)
        self.streams.seed = self.outer_home.streams.seed

    def apply(self, op: Op, inputs: tuple[Any, ...], attrs: dict[str, Any], name: str | None = None) -> Any:
        """Appends an operation; tensors of the outer runtime are captured."""
        return super().apply(op, tuple([self.inside(i) for i in inputs]), attrs, name)

    def inside(self, value: Any) -> Any:
        """``value`` as this graph knows it: a tensor from outside becomes an input."""
        if not isinstance(value, Tensor) or (isinstance(value, SymbolicTensor) and value.op.graph is self):
            return value
        known = self.captured.get(id(value))
        if known is None:
            with self.as_default(), names.entered(names.Scope()):
                inner = placeholder(dtype=value.dtype, shape=value.spec.shape, name="captured")
            known = self.captured[id(value)] = (value, inner)
        return known[1]

    # What a function in eager code does with == is what eager code does; one in a graph compares objects, as graphs do.

    def equal(self, a: Any, b: Any) -> Any:
        """As the home around the function has it."""
        return self.owner.equal(a, b)

    def not_equal(self, a: Any, b: Any) -> Any:
        """As the home around the function has it."""
        return self.owner.not_equal(a, b)

    def check_mine(self, value: Any, op: Op) -> None:
        """Raises for a tensor or variable of neither this graph nor the outer home."""
        if isinstance(value, Handle):
            if value.home is not self.owner:
                value.home.refuse(value, op.name)
        else:
            super().check_mine(value, op)

    # What outlives the trace belongs to the outer runtime.

    def create_variable(self, initial_value: Any, *arguments: Any) -> Handle:
        """A variable of the outer runtime. Raises ValueError in any trace of the function but the first."""
        if not self.may_create:
            raise ValueError(
                "A tf.function tried to create a variable when it was traced again. It would be a new one each time it is "
                "traced: create it before the function, or only if it does not exist yet (`if self.v is None:`)."
            )
        self.created = True
        with runtime.using(self.outer_home), names.entered(names.Scope(names.scope().path)):
            return self.outer_home.create_variable(initial_value, *arguments)  # type: ignore[no-any-return]

    def register(self, variable: Any, trainable: bool, collections: Any) -> None:
        """Enters it into the outer home's lists."""
        with runtime.using(self.outer_home):
            runtime.current().register(variable, trainable, collections)

    def outermost(self) -> Any:
        """The home around the function."""
        return self.outer_home.outermost()


class Traced:
    """A traced function: inputs, captured tensors, outputs, and the operations that must run."""

    def __init__(self, trace: Trace, inputs: Sequence[SymbolicTensor], outputs: Sequence[SymbolicTensor]):
        self.trace = trace
        self.captured = [outside for outside, _ in trace.captured.values()]
        self.feeds = [*inputs, *[inside for _, inside in trace.captured.values()]]
        self.outputs = list(outputs)
        effects = [o for o in trace.get_operations() if o.kernel_op.stateful and o.type != "placeholder"]
        self.fetches: list[Any] = [*self.outputs, *effects]
        self.operations: list[Operation] = needed(self.fetches, {id(f) for f in self.feeds})
        self.plan: Callable[[Sequence[Any]], Any] | None = None  # compiled by the eager runtime at the first call

    @property
    def handles(self) -> list[Handle]:
        """The variables that it uses, in the order of their first use."""
        return list(dict.fromkeys(h for o in self.operations for h in o.handles))

    def compute(self, values: Sequence[Any], cells: Mapping[Handle, Any]) -> list[Any]:
        """Computes the outputs on arrays, kernel by kernel; ``cells`` are those of its handles that do not have their own."""
        here: dict[int, Any] = {id(f): v for f, v in zip(self.feeds, values, strict=True)}
        for o in self.operations:
            arguments = [
                (cells.get(a) or a.cell) if isinstance(a, Handle) else None if a is None else here[id(a)] for a in o.arguments
            ]
            result = normal(o.kernel_op.kernel(*arguments, **o.attrs))
            for t, v in zip(o.outputs, result if o.several else (result,), strict=False):
                here.setdefault(id(t), v)
        return [here[id(t)] for t in self.outputs]

    def replay(self, run: Any, values: Sequence[Any]) -> list[Any]:
        """Applies the operations one after another in the runtime ``run``; gives the outputs."""
        here: dict[int, Any] = {id(f): v for f, v in zip(self.feeds, values, strict=True)}
        for o in self.operations:
            arguments = tuple([here[id(a)] if isinstance(a, SymbolicTensor) else a for a in o.arguments])
            result = run.apply(o.kernel_op, arguments, o.attrs)
            for t, v in zip(o.outputs, result if o.several and o.outputs else (result,), strict=False):
                here.setdefault(id(t), v)
        return [here[id(t)] for t in self.outputs]


def trace(outer: Any, function: Callable[..., Any], specs: Sequence[Spec], labels: Sequence[str],
          rebuild: Callable[[Sequence[Any]], Any],
          may_create: bool) -> tuple[Traced, Callable[[Sequence[Any]], Any]]:  # fmt: skip
    """Runs ``function`` once on placeholders, in a new trace inside the home ``outer``.

    ``rebuild`` makes the call's (args, kwargs) of the placeholders. Gives what was traced, and a function that puts its outputs
    into the structure of the function's result.
    """
    graph = Trace(outer, may_create)
    with graph.as_default():
        inputs = [placeholder(dtype=s.dtype, shape=s.shape, name=label) for s, label in zip(specs, labels, strict=True)]
        args, kwargs = rebuild(inputs)
        result = function(*args, **kwargs)
        leaves = [None if r is None or isinstance(r, Operation) else convert(r) for r in flatten(result)]
        outputs = [graph.inside(r) for r in leaves if r is not None]

    def structure(values: Sequence[Any]) -> Any:
        rest = iter(values)
        return pack(result, [None if r is None else next(rest) for r in leaves])

    return Traced(graph, inputs, outputs), structure
