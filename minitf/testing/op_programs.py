"""Programs of ops as plain data, and the parity of the runtimes: eager mode, a graph's plan, a graph run op by op.

program = OpProgram((Call("negative", (np.float32(2),)), Call("add", (Result(0), np.float32(1)))))
check_parity(program)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from minitf.core.dtypes import DType
from minitf.core.registry import REGISTRY
from minitf.core.schedule import Scheduler
from minitf.runtimes.graph import Graph
from minitf.runtimes.session import Session
from minitf.testing.modes import scope
from minitf.testing.programs import literal


class Result(NamedTuple):
    """What an earlier call gave: the number of the call, and of its output."""

    call: int
    output: int = 0


@dataclass(frozen=True)
class Call:
    """One application of an op: arrays, ``Result``s or None for its inputs, and its attributes.

    ``op``: a name in the registry of ops, or else a public name under ``minitf`` ("random.uniform").
    """

    op: str
    inputs: tuple[Any, ...] = ()
    attrs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class OpProgram:
    """Calls, one after the other. Raises ValueError for a ``Result`` of a call that does not come before."""

    calls: tuple[Call, ...]

    def __post_init__(self) -> None:
        for number, call in enumerate(self.calls):
            later = [i for i in call.inputs if isinstance(i, Result) and not 0 <= i.call < number]
            if later:
                raise ValueError(f"OpProgram: call {number} ({call.op}) takes {later[0]}, which does not come before it.")

    @property
    def is_pure(self) -> bool:
        """True if no op keeps state or draws numbers."""
        load_ops()
        return all(call.op in REGISTRY and not REGISTRY[call.op].stateful for call in self.calls)

    def code(self) -> str:
        """A Python function ``program()`` that makes the calls and gives all that they give, as a list."""
        lines = []
        for number, call in enumerate(self.calls):
            op = f"ops[{call.op!r}]" if call.op in REGISTRY else f"tf.{call.op}"
            given = [_input(i) for i in call.inputs] + [f"{name}={_attribute(value)}" for name, value in call.attrs.items()]
            lines.append(f"    y{number} = outputs({op}({', '.join(given)}))")
        results = ", ".join(f"*y{n}" for n in range(len(self.calls)))
        return "\n".join(["def program():", *lines, f"    return [{results}]"])

    def smaller(self) -> Iterator[OpProgram]:
        """Programs that lack one call whose results nobody takes."""
        taken = {i.call for call in self.calls for i in call.inputs if isinstance(i, Result)}
        for number in reversed(range(len(self.calls))):
            if number not in taken and len(self.calls) > 1:
                yield OpProgram(tuple(_moved(call, number) for n, call in enumerate(self.calls) if n != number))


def _moved(call: Call, gone: int) -> Call:
    inputs = [Result(i.call - (i.call > gone), i.output) if isinstance(i, Result) else i for i in call.inputs]
    return replace(call, inputs=tuple(inputs))


def _input(value: Any) -> str:
    if isinstance(value, Result):
        return f"y{value.call}[{value.output}]"
    if value is None:
        return "None"
    return f"tf.constant({literal(value)}{', tf.string' * (np.asarray(value).dtype.kind == 'O')})"


def _attribute(value: Any) -> str:
    if isinstance(value, DType):
        return f"tf.{value.name}"
    if isinstance(value, (tuple, list)):
        inner = ", ".join(map(_attribute, value))
        return f"({inner},)" if isinstance(value, tuple) else f"[{inner}]" if value else "[]"
    return literal(value)


def has_code(attrs: dict[str, Any]) -> bool:
    """True if the attributes can be written as code."""

    def plain(value: Any) -> bool:
        if isinstance(value, (tuple, list)):
            return all(map(plain, value)) and bool(value or isinstance(value, list))
        return value is None or isinstance(value, (bool, int, float, str, bytes, DType, np.ndarray, np.generic))

    return all(map(plain, attrs.values()))


def load_ops() -> None:
    """Fills the registry with all of minitf's ops."""
    from minitf import ops

    ops.load_all()


def outputs(result: Any) -> list[Any]:
    """What an op gave, as a list."""
    return list(result) if isinstance(result, (tuple, list)) else [result]


PARITY = """import numpy as np

import minitf as tf
from minitf.core.registry import REGISTRY as ops
from minitf.testing.op_programs import load_ops, outputs
from minitf.testing.ops import same_bits

load_ops()


{program}


eager = [y.numpy() for y in program()]
with tf.Graph().as_default() as graph, tf.Session() as session:
    built = program()
    in_graph = session.run(built)
    one_by_one = tf.Session(graph=graph, plan=False).run(built)
for name, found in (("graph", in_graph), ("graph, op by op", one_by_one)):
    assert list(map(same_bits, eager, found)) == [True] * len(eager), f"eager {{eager}}, {{name}} {{found}}"
"""


def check_parity(program: OpProgram) -> None:
    """Runs a program in eager mode, in a graph, and in a graph op by op: the bits must be the same.

    Raises AssertionError with the smallest program that differs, as code that runs.
    """
    error = _differs(program)
    while error is not None:
        less = next((p for p in program.smaller() if _differs(p) is not None), None)
        if less is None:
            code = PARITY.format(program=program.code())
            raise AssertionError(f"The runtimes differ: {error}\n\nThis program shows it:\n\n{code}") from error
        program = less
        error = _differs(program)


def _differs(program: OpProgram) -> Exception | None:
    try:
        with scope("eager"), np.errstate(all="ignore"):
            exec(compile(PARITY.format(program=program.code()), "<parity>", "exec"), {"__name__": "<parity>"})
    except Exception as error:
        return error
    return None


def run(program: OpProgram) -> list[Any]:
    """Makes the calls in the current runtime; gives all that they give."""
    start, _, _ = PARITY.partition("{program}")
    space: dict[str, Any] = {"__name__": "<program>"}
    exec(compile(start + program.code(), "<program>", "exec"), space)
    found: list[Any] = space["program"]()
    return found


def outputs_in_graph(program: OpProgram, scheduler: Scheduler | None = None) -> list[Any]:
    """What the calls give in a graph, run in one session call, in a scheduler's order."""
    with Graph().as_default() as graph:
        built = run(program)
        with Session(graph=graph, scheduler=scheduler) as session:
            found: list[Any] = session.run(built)
            return found
