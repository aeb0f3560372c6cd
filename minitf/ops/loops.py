"""Loops: ``while_loop``, and loops over the first axis (``map_fn``, ``scan``, ``foldl``, ``foldr``).

In eager mode they are Python's own loops. In a graph the functions are traced once, and one operation runs the loop; a loop's
gradient is a loop backwards over the states that it went through, which are computed again.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minitf.core import dtypes, runtime
from minitf.core.op import Mixed, convert, op
from minitf.core.spec import Spec, as_shape, compatible, shape_text
from minitf.core.structures import flatten, pack
from minitf.core.tensor import SymbolicTensor
from minitf.errors import DTypeError, ShapeError
from minitf.ops.control import Piece, alike, filled, nothing, plus, smooth, through, traced
from minitf.ops.joining import concat, stack, unstack
from minitf.ops.shapes import expand_dims, shape
from minitf.ops.static import known

# -- while_loop --------------------------------------------------------------------------------------------------------


def _run(inputs, condition, body, count, limit):
    """All states of a loop, the last one included."""
    state, others = list(inputs[:count]), inputs[count:]
    states = [state]
    while (limit is None or len(states) <= limit) and bool(condition.compute(state, others)[0]):
        state = body.compute(state, others)
        states.append(state)
    return states


def _while(*inputs: Mixed, condition, body, count, limit):
    """The last state of a loop."""
    state, others, n = list(inputs[:count]), inputs[count:], 0
    while (limit is None or n < limit) and bool(condition.compute(state, others)[0]):
        state, n = body.compute(state, others), n + 1
    return tuple(state)


def _while_history(*inputs: Mixed, condition, body, count, limit):
    """How often a loop ran, its last state, and the states before each turn stacked."""
    *before, last = _run(inputs, condition, body, count, limit)
    stacked = []
    for i in range(count):
        first = np.asarray(inputs[i])
        rows = [np.asarray(s[i]) for s in before]
        if any(r.shape != first.shape for r in rows):
            raise ShapeError("A loop whose variables change their shape has no gradient: its states cannot be kept together.")
        stacked.append(np.stack(rows) if rows else np.zeros((0, *first.shape), first.dtype))
    return np.int32(len(before)), *last, *stacked


_pure_while, _stateful_while = op(name="while_loop")(_while), op(name="stateful_while_loop", stateful=True)(_while)
_history = op(name="while_history", stateful=True)(_while_history)


def _loop_specs(*inputs, condition, body, count, limit):
    return tuple(alike(a, b) for a, b in zip(inputs[:count], body.specs, strict=True))


def _history_specs(*inputs, condition, body, count, limit):
    last = _loop_specs(*inputs, condition=condition, body=body, count=count, limit=limit)
    rows = tuple(Spec(s.dtype, None if s.shape is None else (None, *s.shape)) for s in last)
    return Spec(dtypes.int32, ()), *last, *rows


def _backward(inputs, by_last, by_history, steps, states, body, count):
    """The loop backwards: gradients of the first state and of what comes from outside."""
    body.refuse_effects("while_loop")
    others = inputs[count:]
    inner = [i for i in range(count) if smooth(inputs[i])]
    outer = [i for i, x in enumerate(others) if smooth(x)]

    def turn(left: Any, *carried: Any) -> Any:
        at = left - 1
        state = [s[at] for s in states]

        def outputs(*given: Any) -> Any:
            own, rest = list(state), list(others)
            for i, x in zip(inner, given, strict=False):
                own[i] = x
            for i, x in zip(outer, given[len(inner) :], strict=True):
                rest[i] = x
            results = body.apply(own, rest)
            return [results[i] for i in inner]

        points = [*(state[i] for i in inner), *(others[i] for i in outer)]
        found = filled(through(outputs, points, carried[: len(inner)]), points)
        by_state = found[: len(inner)]
        if by_history is not None:
            by_state = [plus(g, by_history[i][at]) for i, g in zip(inner, by_state, strict=True)]
        return at, *by_state, *map(plus, carried[len(inner) :], found[len(inner) :])

    start = [steps, *(by_last[i] for i in inner), *(nothing(others[i]) for i in outer)]
    _, *found = while_loop(lambda left, *_: left > 0, turn, start)
    by_first, by_outer = dict(zip(inner, found, strict=False)), dict(zip(outer, found[len(inner) :], strict=True))
    return *(by_first.get(i) for i in range(count)), *(by_outer.get(i) for i in range(len(others)))


def _while_vjp(g, out, *inputs, condition, body, count, limit):
    steps, *rest = _history(*inputs, condition=condition, body=body, count=count, limit=limit)
    return _backward(inputs, g, None, steps, rest[count:], body, count)


def _history_vjp(g, out, *inputs, condition, body, count, limit):
    return _backward(inputs, g[1 : 1 + count], g[1 + count :], out[0], out[1 + count :], body, count)


for _which in (_pure_while, _stateful_while):
    _which.infer(_loop_specs)
    _which.vjp(_while_vjp)
_history.infer(_history_specs)
_history.vjp(_history_vjp)


def while_loop(
    cond: Any, body: Any, loop_vars: Any, shape_invariants: Any = None, parallel_iterations: int = 10, back_prop: bool = True,
    swap_memory: bool = False, maximum_iterations: Any = None, name: str | None = None, return_same_structure: bool = True,
) -> Any:  # fmt: skip
    """``loop_vars = body(*loop_vars)`` as long as ``cond(*loop_vars)`` holds, at most ``maximum_iterations`` times.

    The body gives the structure of ``loop_vars`` again, with the same dtypes and shapes; sizes that change must be None in
    ``shape_invariants``. Raises TypeError or ValueError if it does not.
    """
    if not callable(cond) or not callable(body):
        raise TypeError("while_loop: cond and body must be functions of the loop variables.")
    limit = None if maximum_iterations is None else int(known(maximum_iterations))
    first = [_as_variable(v) for v in flatten(loop_vars)]
    single = not isinstance(loop_vars, (list, tuple))
    if not any(isinstance(v, SymbolicTensor) for v in first) and runtime.current().home.graph_being_built() is None:
        return _python_loop(cond, body, pack(loop_vars, first), limit, single)
    loop_vars, lists = pack(loop_vars, first), [v if hasattr(v, "with_flow") else None for v in first]
    first = [getattr(v, "flow", v) for v in first]
    pieces, outside = _loop_pieces(cond, body, loop_vars, first, shape_invariants, single, lists)
    which = _stateful_while if any(p.stateful for p in pieces) else _pure_while
    results = which(*first, *outside, condition=pieces[0], body=pieces[1], count=len(first), limit=limit, name=name or "while")
    return pack(loop_vars, _with_lists(results, lists))


def _as_variable(value: Any) -> Any:
    """A loop variable: a tensor, or a TensorArray as it is."""
    return value if hasattr(value, "with_flow") or hasattr(value, "_elements") else convert(value)


def _with_lists(leaves: Any, lists: Sequence[Any]) -> list[Any]:
    """The leaves, those that are lists of tensors as the TensorArrays that they were."""
    return [leaf if like is None else like.with_flow(leaf) for leaf, like in zip(leaves, lists, strict=True)]


def _python_loop(cond: Any, body: Any, state: Any, limit: int | None, single: bool) -> Any:
    turns = 0
    while (limit is None or turns < limit) and bool(cond(state) if single else cond(*state)):
        result = body(state) if single else body(*state)
        if not single and len(state) == 1 and not isinstance(result, (list, tuple)):
            result = [result]
        leaves = [_as_variable(r) for r in flatten(result)]
        if len(leaves) != len(flatten(state)):
            raise ValueError(f"while_loop: the body gives {len(leaves)} tensors for {len(flatten(state))} loop variables.")
        state, turns = pack(state, leaves), turns + 1
    return state


def _loop_pieces(
    cond: Any, body: Any, loop_vars: Any, first: Any, invariants: Any, single: bool, lists: list[Any]
) -> tuple[list[Piece], list[Any]]:
    """Condition and body traced, and what they use from outside. ``lists`` takes up what the body knows of TensorArrays."""
    specs = [v.spec for v in first]
    if invariants is not None:
        shapes = [as_shape(s) for s in (invariants if isinstance(invariants, (list, tuple)) else [invariants])]
        specs = [Spec(s.dtype, i) for s, i in zip(specs, shapes, strict=True)]

    def inside(function: Any) -> Any:
        def run(*leaves: Any) -> Any:
            state = pack(loop_vars, _with_lists(leaves, lists))
            result = function(state) if single else function(*state)
            if function is cond:
                return result
            given = flatten(result)
            lists[:] = [v if hasattr(v, "with_flow") else None for v in given] if len(given) == len(lists) else lists
            return pack(result, [getattr(v, "flow", v) for v in given])

        return run

    pieces, outside, _ = traced([(inside(cond), specs), (inside(body), specs)])
    if len(pieces[0].specs) != 1 or pieces[0].specs[0].dtype is not dtypes.bool:
        raise TypeError(f"while_loop: cond must give one bool, not {[str(s) for s in pieces[0].specs]}.")
    given = pieces[1].specs
    if len(given) != len(specs):
        raise ValueError(f"while_loop: the body gives {len(given)} tensors for {len(specs)} loop variables.")
    for i, (before, after) in enumerate(zip(specs, given, strict=True)):
        if before.dtype is not after.dtype:
            raise DTypeError(f"while_loop: variable {i} is {before.dtype.name}, but the body makes it {after.dtype.name}.")
        known_more = before.shape is not None and (
            after.shape is None or len(after.shape) != len(before.shape)
            or any(b is not None and a != b for b, a in zip(before.shape, after.shape, strict=True))
        )  # fmt: skip
        if known_more or not compatible(before.shape, after.shape):
            raise ShapeError(
                f"while_loop: variable {i} begins with shape {shape_text(before.shape)}, but the body makes it "
                f"{shape_text(after.shape)}. Give shape_invariants with None for sizes that change."
            )
    return pieces, outside


# -- loops over the first axis -----------------------------------------------------------------------------------------


def _rows(elems: Any) -> tuple[list[Any], bool]:
    """The tensors of a structure, and whether Python can loop over their rows now."""
    tensors = [convert(e) for e in flatten(elems)]
    if not tensors:
        raise ValueError("There is nothing to loop over.")
    return tensors, runtime.current().home.graph_being_built() is None


def _states(step: Any, start: Sequence[Any], tensors: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """In a graph: ``state = step(i, state)`` for each row; gives the last state, and the states after each row stacked."""
    count = shape(tensors[0])[0]
    index = convert(0)
    pieces, outside = _loop_pieces(
        lambda i, *_: i < count, lambda i, *s: (i + 1, *step(i, s)), (index, *start), (index, *start), None, False,
        [None] * (1 + len(start)),
    )  # fmt: skip
    n = 1 + len(start)
    results = _history(index, *start, *outside, condition=pieces[0], body=pieces[1], count=n, limit=None)
    last, before = results[2 : 1 + n], results[2 + n :]
    return list(last), [concat([b, expand_dims(s, 0)], 0)[1:] for b, s in zip(before, last, strict=True)]


def map_fn(
    fn: Any, elems: Any, dtype: Any = None, parallel_iterations: Any = None, back_prop: bool = True, swap_memory: bool = False,
    infer_shape: bool = True, name: str | None = None, fn_output_signature: Any = None,
) -> Any:  # fmt: skip
    """``fn`` of each row of ``elems`` (of each tensor of a structure), the results stacked."""
    tensors, now = _rows(elems)
    if now:
        results = [fn(pack(elems, row)) for row in zip(*(unstack(t) for t in tensors), strict=True)]
        rows = [flatten(r) for r in results]
        if not rows:
            signature = dtype if fn_output_signature is None else fn_output_signature
            kinds = (
                [t.dtype for t in tensors]
                if signature is None
                else [dtypes.as_dtype(getattr(s, "dtype", s)) for s in flatten(signature)]
            )
            empty = [convert(np.zeros((0,), k.np)) for k in kinds]
            return pack(signature if signature is not None else elems, empty)
        return pack(results[0], [stack(column) for column in zip(*rows, strict=True)])
    made, structure = runtime.current().home.trace(
        lambda *row: fn(pack(elems, row)), [_row(t) for t in tensors], ["row"] * len(tensors), lambda given: (given, {}), False
    )
    start = [_zero_of(t.spec) for t in made.outputs]
    _, stacked = _states(lambda i, _: flatten(fn(pack(elems, [t[i] for t in tensors]))), start, tensors)
    return structure(stacked)


def _row(t: Any) -> Spec:
    return Spec(t.dtype, None if t.spec.shape is None else t.spec.shape[1:])


def _zero_of(spec: Spec) -> Any:
    if spec.shape is None or None in spec.shape:
        raise ValueError(
            "map_fn: the shape of what the function gives must be known while the graph is built, not "
            f"{shape_text(spec.shape)}."
        )
    sizes: Any = spec.shape
    return convert(np.zeros(sizes, spec.dtype.np)[()])


def scan(
    fn: Any, elems: Any, initializer: Any = None, parallel_iterations: int = 10, back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True, reverse: bool = False, name: str | None = None,
) -> Any:  # fmt: skip
    """``a = fn(a, row)`` for each row of ``elems``, from ``initializer`` (default: the first row) on; all ``a`` stacked."""
    tensors, _ = _rows(elems)
    if reverse:
        tensors = [t[::-1] for t in tensors]
    out = _scanned(fn, elems, tensors, initializer)
    return pack(out[0], [t[::-1] for t in out[1]] if reverse else out[1])


def _scanned(fn: Any, elems: Any, tensors: list[Any], initializer: Any) -> tuple[Any, list[Any]]:
    shown = elems if initializer is None else initializer
    start = [t[0] for t in tensors] if initializer is None else [convert(v) for v in flatten(initializer)]
    rows = [t[1:] for t in tensors] if initializer is None else tensors

    def step(i: Any, state: Any) -> list[Any]:
        return [convert(r) for r in flatten(fn(pack(shown, state), pack(elems, [r[i] for r in rows])))]

    if runtime.current().home.graph_being_built() is None:
        states = [start] if initializer is None else []
        state = start
        for i in range(int(rows[0].shape[0])):
            state = step(i, state)
            states.append(state)
        stacked = [stack(column) for column in zip(*states, strict=True)] if states else [expand_dims(s, 0)[:0] for s in start]
        return shown, stacked
    _, after = _states(step, start, rows)
    if initializer is None:
        after = [concat([expand_dims(s, 0), a], 0) for s, a in zip(start, after, strict=True)]
    return shown, after


def foldl(fn: Any, elems: Any, initializer: Any = None, parallel_iterations: int = 10, back_prop: bool = True,
          swap_memory: bool = False, name: str | None = None) -> Any:  # fmt: skip
    """``a = fn(a, row)`` for each row of ``elems``, from ``initializer`` (default: the first row) on; the last ``a``."""
    return _folded(fn, elems, initializer, 1)


def foldr(fn: Any, elems: Any, initializer: Any = None, parallel_iterations: int = 10, back_prop: bool = True,
          swap_memory: bool = False, name: str | None = None) -> Any:  # fmt: skip
    """As ``foldl``, from the last row to the first."""
    return _folded(fn, elems, initializer, -1)


def _folded(fn: Any, elems: Any, initializer: Any, way: int) -> Any:
    tensors = [t[::way] for t in _rows(elems)[0]]
    shown = elems if initializer is None else initializer
    start = [t[0] for t in tensors] if initializer is None else [convert(v) for v in flatten(initializer)]
    rows = [t[1:] for t in tensors] if initializer is None else tensors
    count = shape(rows[0])[0]
    _, *last = while_loop(
        lambda i, *_: i < count,
        lambda i, *s: (i + 1, *flatten(fn(pack(shown, s), pack(elems, [r[i] for r in rows])))),
        (convert(0), *start),
    )
    return pack(shown, last)
