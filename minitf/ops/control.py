"""Choices: ``cond``, ``case``, ``switch_case``; order: ``tuple``; and ``Assert``. Loops are in loops.py.

Where a value is known now (eager, or a Python bool) they are Python's own ``if``. In a graph the functions are
traced once, and one operation computes what they say each time it runs; tensors and variables that they use from outside become
its inputs. Its gradient is control flow again: the branch that was taken, or the loop backwards over the states that it went
through.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from minitf.core import dtypes, runtime
from minitf.core.op import Boolean, Mixed, convert, op
from minitf.core.registry import REGISTRY
from minitf.core.spec import Spec, shape_text
from minitf.core.state import Handle
from minitf.core.tensor import SymbolicTensor
from minitf.errors import InvalidArgumentError, ShapeError
from minitf.ops.creating import identity, zeros_like
from minitf.ops.state import read_variable
from minitf.ops.static import known

# ``autodiff`` puts its function here: (function, inputs, gradients of its outputs) -> gradients of the inputs.
gradients_through: Callable[[Any, Any, Any], Any] | None = None


# -- traced functions --------------------------------------------------------------------------------------------------


class Piece:
    """A traced function among the inputs of an operation:

    ``captured`` says which of these it uses besides its own arguments.
    """

    def __init__(self, traced: Any, captured: Sequence[int]):
        self.traced = traced
        self.captured = tuple(captured)

    def values(self, own: Sequence[Any], others: Sequence[Any]) -> list[Any]:
        """What its feeds get, of its own arguments and the operation's other inputs."""
        return [*own, *(others[i] for i in self.captured)]

    def compute(self, own: Sequence[Any], others: Sequence[Any]) -> list[Any]:
        """Runs it on arrays and cells (in a kernel)."""
        cells = {c.handle: c for c in others if getattr(c, "handle", None) is not None}
        return self.traced.compute(self.values(own, others), cells)  # type: ignore[no-any-return]

    def apply(self, own: Sequence[Any], others: Sequence[Any]) -> list[Any]:
        """Applies its operations in the current runtime (in a gradient rule)."""
        return runtime.current().call(self.traced, self.values(own, others))

    @property
    def specs(self) -> list[Spec]:
        """Of its outputs."""
        return [t.spec for t in self.traced.outputs]

    @property
    def stateful(self) -> bool:
        """True if it reads or changes state."""
        return any(o.kernel_op.stateful for o in self.traced.operations)

    def refuse_effects(self, what: str) -> None:
        """Raises ValueError if it changes state: a gradient runs it again."""
        for o in self.traced.operations:
            inner = [p for v in o.attrs.values() for p in (v if type(v) is tuple else (v,)) if isinstance(p, Piece)]
            for piece in inner:
                piece.refuse_effects(what)
            if o.kernel_op.stateful and o.kernel_op is not read_variable and not inner:
                raise ValueError(
                    f"The gradient of {what} computes its operations again, but {o.name!r} ({o.type}) changes state or draws "
                    f"numbers. Do that outside, or take the gradient in eager mode."
                )


def traced(functions: Sequence[tuple[Callable[..., Any], Sequence[Spec]]]) -> tuple[list[Piece], list[Any], list[Any]]:
    """The functions (with specs of their arguments) as pieces; what they use from outside.

    What puts their outputs in structure.
    """
    home = runtime.current().home
    found = [
        home.trace(f, specs, [f"x{i}" for i in range(len(specs))], lambda given: (given, {}), False) for f, specs in functions
    ]
    outside: dict[int, Any] = {}
    for traced, _ in found:
        for value in (*traced.captured, *traced.handles):
            outside.setdefault(id(value), value)
    places = {key: i for i, key in enumerate(outside)}
    pieces = [Piece(t, [places[id(c)] for c in t.captured]) for t, _ in found]
    return pieces, list(outside.values()), [s for _, s in found]


def alike(a: Spec, b: Spec) -> Spec:
    """What is known of a tensor that is one or the other."""
    if a.shape is None or b.shape is None or len(a.shape) != len(b.shape):
        return Spec(a.dtype, None)
    return Spec(a.dtype, tuple(x if x == y else None for x, y in zip(a.shape, b.shape, strict=True)))


def smooth(value: Any) -> bool:
    """True for what can have a gradient: floats, lists of tensors, and variables."""
    return isinstance(value, Handle) or (value is not None and value.dtype.kind in "fcV")


def nothing(value: Any) -> Any:
    """Zeros like a tensor or a variable's value."""
    return zeros_like(read_variable(value) if isinstance(value, Handle) else value)


def plus(a: Any, b: Any) -> Any:
    """The sum of two gradients of one tensor."""
    return REGISTRY["list_add"](a, b) if a.dtype is dtypes.variant else a + b


# -- cond --------------------------------------------------------------------------------------------------------------


def _cond(pred: Boolean, *inputs: Mixed, branches):
    """What one of two traced functions gives."""
    return tuple(branches[0 if pred else 1].compute((), inputs))


_pure_cond, _stateful_cond = op(name="cond")(_cond), op(name="stateful_cond", stateful=True)(_cond)


def _cond_specs(pred, *inputs, branches):
    if pred.shape not in (None, ()):
        raise ShapeError(f"The condition must be a scalar, but it has shape {shape_text(pred.shape)}.")
    return tuple(alike(a, b) for a, b in zip(branches[0].specs, branches[1].specs, strict=True))


def _cond_vjp(g, out, pred, *inputs, branches):
    wanted = [i for i, x in enumerate(inputs) if smooth(x)]
    for branch in branches:
        branch.refuse_effects("cond")

    def back(branch: Piece) -> Any:
        def outputs(*given: Any) -> Any:
            values = list(inputs)
            for i, x in zip(wanted, given, strict=True):
                values[i] = x
            return branch.apply((), values)

        return lambda: filled(through(outputs, [inputs[i] for i in wanted], g), [inputs[i] for i in wanted])

    found = dict(zip(wanted, cond(pred, back(branches[0]), back(branches[1])), strict=True))
    return None, *(found.get(i) for i in range(len(inputs)))


def through(function: Any, inputs: Sequence[Any], seeds: Sequence[Any]) -> Any:
    """Gradients of what ``function`` gives, weighted by ``seeds``, with respect to ``inputs``; None where there are none."""
    assert gradients_through is not None, "gradients are asked for by autodiff"
    return gradients_through(function, inputs, seeds)


def filled(gradients: Sequence[Any], inputs: Sequence[Any]) -> list[Any]:
    """The gradients, zeros for those that are None."""
    return [nothing(x) if g is None else g for g, x in zip(gradients, inputs, strict=True)]


for _which in (_pure_cond, _stateful_cond):
    _which.infer(_cond_specs)
    _which.vjp(_cond_vjp)


def cond(pred: Any, true_fn: Any = None, false_fn: Any = None, name: str | None = None) -> Any:
    """``true_fn()`` if ``pred`` holds, else ``false_fn()``; in a graph each run decides, and only that function's operations
    run.

    Both must give the same structure of tensors with the same dtypes. Raises TypeError if they do not.
    """
    if not callable(true_fn) or not callable(false_fn):
        raise TypeError("cond: true_fn and false_fn must be functions without arguments.")
    if hasattr(pred, "_as_tensor"):
        pred = pred._as_tensor()
    if not isinstance(pred, SymbolicTensor):
        return true_fn() if bool(known(pred)) else false_fn()
    branches, outside, structures = traced([(true_fn, ()), (false_fn, ())])
    first, second = branches[0].specs, branches[1].specs
    if len(first) != len(second) or any(a.dtype is not b.dtype for a, b in zip(first, second, strict=True)):
        raise TypeError(
            "cond: both functions must give the same structure with the same dtypes, but true_fn gives "
            f"{[str(s) for s in first]} and false_fn {[str(s) for s in second]}."
        )
    which = _stateful_cond if any(b.stateful for b in branches) else _pure_cond
    results = which(pred, *outside, branches=tuple(branches), name=name or "cond")
    return structures[0](results) if first else results


def case(pred_fn_pairs: Any, default: Any = None, exclusive: bool = False, strict: bool = False, name: str = "case") -> Any:
    """The result of the function of the first pair whose condition holds; of ``default`` (None:

    of the last one) if none does.
    """
    pairs = list(pred_fn_pairs.items()) if isinstance(pred_fn_pairs, dict) else list(pred_fn_pairs)
    if not pairs:
        raise ValueError("case needs at least one pair of a condition and a function.")
    if default is None:
        *pairs, (_, default) = pairs
    for pred, function in reversed(pairs):
        default = partial(cond, pred, function, default)
    return default()


def switch_case(branch_index: Any, branch_fns: Any, default: Any = None, name: str = "switch_case") -> Any:
    """The result of function number ``branch_index``; of ``default`` (None:

    of the last one) if there is none of that number.
    """
    pairs = sorted(branch_fns.items()) if isinstance(branch_fns, dict) else list(enumerate(branch_fns))
    if pairs and isinstance(pairs[0][1], (list, tuple)):
        pairs = [tuple(p) for _, p in pairs]
    index = convert(branch_index)
    return case(
        [(index == n if not isinstance(index, SymbolicTensor) else _same(index, n), f) for n, f in pairs],
        default or pairs[-1][1],
    )


def _same(index: Any, number: int) -> Any:
    from minitf.ops.comparisons import equal

    return equal(index, number)


# -- order and messages ------------------------------------------------------------------------------------------------


def identity_n(input: Any, name: str | None = None) -> list[Any]:
    """The tensors of a list as new tensors."""
    return [identity(t) for t in input]


def tuple_(tensors: Any, control_inputs: Any = None, name: str | None = None) -> list[Any]:
    """The tensors of a list, each available only when all of them (and ``control_inputs``) have been computed."""
    given = [None if t is None else t if isinstance(t, SymbolicTensor) else convert(t) for t in tensors]
    if not any(t is not None for t in given):
        raise ValueError("tuple needs at least one tensor.")
    with runtime.current().home.control_dependencies([t for t in (*given, *(control_inputs or ())) if t is not None]):
        return [None if t is None else identity(t) for t in given]


@op(name="assert", stateful=True)
def _assert(condition: Boolean, *data: Mixed, summarize):
    """Raises an error unless all elements hold."""
    if not np.all(condition):
        shown = ", ".join(np.array2string(np.asarray(d), threshold=summarize, edgeitems=max(1, summarize // 2)) for d in data)
        raise InvalidArgumentError(f"assertion failed: [{shown}]")
    return ()


@_assert.infer
def _(condition, *data, summarize):
    return ()


def Assert(condition: Any, data: Any, summarize: int | None = None, name: str | None = None) -> Any:
    """Raises InvalidArgumentError, showing ``data``, unless ``condition`` holds everywhere.

    In a graph an operation that does.
    """
    return (
        _assert(convert(condition, dtypes.bool), *data, summarize=3 if summarize is None else summarize, name=name or "Assert")
        or None
    )
