"""Checks that hold for every op, from what its block says: ``check_op`` and ``check_gradients``.

    check_op(tf.core.op.REGISTRY["multiply"], seed=3)

Inputs are drawn by the op's own ``samples`` rule or, without one, from the kinds of its inputs; so a new op is tested by being
there.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from minitf.autodiff import GradientTape
from minitf.core import dtypes
from minitf.core.dtypes import DType
from minitf.core.op import Kind, Op, Real
from minitf.core.spec import Spec, compatible
from minitf.core.tensor import tensor_of
from minitf.ops.comparisons import select
from minitf.ops.creating import cast, zeros_like
from minitf.ops.elementwise import abs as abs_
from minitf.ops.reductions import reduce_sum
from minitf.ops.sources import placeholder
from minitf.runtimes.eager import EAGER
from minitf.runtimes.graph import Graph
from minitf.runtimes.session import Session

_NUMBERS = (dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int64, dtypes.complex64, dtypes.bool, dtypes.string)


class Draw:
    """Random inputs for ops. ``draw(kind)`` gives an array; the rest draws what rules need besides."""

    numbers = Real

    def __init__(self, seed: int, domain: tuple[float, float] | None = None, wanted: Sequence[DType] = _NUMBERS):
        self._rng = np.random.default_rng(seed)
        self._domain = domain or (-3.0, 3.0)
        self._wanted = wanted

    def __call__(self, kind: Kind | None = None, shape: Any = None, dtype: Any = None, low: float | None = None,
                 high: float | None = None) -> Any:  # fmt: skip
        """An array (rank 0: a NumPy scalar) of a kind, real floats by default; floats are in the op's domain."""
        sizes = self.shape() if shape is None else shape
        if dtype is None:
            dtype = self.dtype_of(kind)
        elif not isinstance(dtype, DType):
            dtype = dtypes.of_numpy(dtype)
        out = self._values(
            dtype, tuple(sizes), self._domain[0] if low is None else low, self._domain[1] if high is None else high
        )
        return out if dtype.kind == "S" or out.ndim else out[()]

    def alike(self, count: int, kind: Kind | None = None, shape: Any = None) -> tuple[Any, ...]:
        """Several arrays of one shape and dtype."""
        first = self(kind, shape)
        return (first, *(self(shape=first.shape, dtype=first.dtype) for _ in range(count - 1)))

    def dtype_of(self, kind: Kind | None) -> DType:
        """A dtype that a kind takes."""
        if kind is None:
            return self.choice([d for d in self._wanted if d.kind == "f"] or [dtypes.float32])  # type: ignore[no-any-return]
        allowed = [d for d in self._wanted if kind.allowed is None or d in kind.allowed]
        return self.choice(allowed or sorted(kind.allowed or (), key=int))  # type: ignore[no-any-return]

    def _values(self, dtype: DType, sizes: tuple[int, ...], low: float, high: float) -> Any:
        rng = self._rng
        if dtype.kind == "S":
            out = np.empty(sizes, dtype=object)
            out.reshape(-1)[:] = [bytes(rng.integers(97, 100, rng.integers(0, 3)).tolist()) for _ in range(out.size)]
            return out
        if dtype.kind == "b":
            return rng.random(sizes) < 0.5
        if dtype.kind == "c":
            return np.asarray(rng.uniform(low, high, sizes) + 1j * rng.uniform(low, high, sizes)).astype(dtype.np)
        if dtype.kind == "f":
            return np.asarray(rng.uniform(low, high, sizes)).astype(dtype.np)
        least = 1 if low > 0 else (0 if dtype.kind == "u" else -4)
        return rng.integers(least, 5, sizes).astype(dtype.np)

    def dtype(self) -> DType:
        """float32, float64, int32 or int64."""
        return self.choice([dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int64])  # type: ignore[no-any-return]

    def shape(self, least: int = 0, most: int = 3, smallest: int = 0) -> tuple[int, ...]:
        """A shape of rank ``least`` to ``most``; sizes from ``smallest`` to 3, seldom 0."""
        rank = self.integer(least, max(least, most))
        return tuple(max(smallest, self.integer(0, 3) if self._rng.random() < 0.2 else self.integer(1, 3)) for _ in range(rank))

    def integer(self, low: int, high: int) -> int:
        """An int from ``low`` to ``high``, both included."""
        return int(self._rng.integers(low, high + 1))

    def integers(self, low: int, high: int, shape: Any = ()) -> Any:
        """An int32 or int64 array of numbers from ``low`` to ``high``, both included."""
        out = self._rng.integers(low, high + 1, shape, dtype=self.choice([np.int32, np.int64]))
        return out if np.ndim(out) else np.asarray(out)[()]

    def choice(self, of: Sequence[Any]) -> Any:
        """One of them."""
        return of[int(self._rng.integers(len(of)))]

    def shuffled(self, of: Iterable[Any]) -> list[Any]:
        """All of them in another order."""
        items = list(of)
        return [items[i] for i in self._rng.permutation(len(items))]

    def broadcasting(self, count: int) -> list[tuple[int, ...]]:
        """Shapes that broadcast against each other."""
        whole = self.shape()
        return [tuple(1 if self._rng.random() < 0.3 else s for s in whole[self.integer(0, len(whole)) :]) for _ in range(count)]


def draw_call(op: Op, seed: int, wanted: Sequence[DType] = _NUMBERS) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Inputs and attributes for one call of an op."""
    draw = Draw(seed, op.domain, wanted)
    if op.samples_rule is not None:
        inputs, attrs = op.samples_rule(draw)
        return tuple(inputs), attrs
    if any(k.allowed == frozenset() for k in op.kinds) or (op.attrs and len(op.wants) < len(op.attrs)):
        raise LookupError(f"{op.name}: its inputs cannot be drawn from their kinds alone. Give its block a samples rule.")
    agreed: dict[Kind, DType] = {}
    inputs = []
    for kind, sizes in zip(op.kinds, draw.broadcasting(len(op.kinds)), strict=True):
        dtype = agreed.setdefault(kind, draw.dtype_of(kind))
        inputs.append(draw(kind, sizes, dtype))
    return tuple(inputs), {}


def drawable(op: Op) -> bool:
    """True if calls of the op can be drawn: it has a samples rule, or its kinds say all; no state, no lists of tensors."""
    if any(k.allowed == frozenset({dtypes.variant}) for k in op.kinds):
        return False
    return not op.stateful and (op.samples_rule is not None or (bool(op.kinds) and len(op.wants) == len(op.attrs)))


# -- one op, all roads -------------------------------------------------------------------------------------------------


def check_op(op: Op, seed: int = 0, wanted: Sequence[DType] = _NUMBERS) -> None:
    """Draws a call and checks that everything that speaks of it agrees. Raises AssertionError with the call.

    * the shape rule gives the dtype and shape that the kernel gives; knowing less, it says nothing else;
    * the kernel leaves its inputs alone, and gives NumPy scalars for rank 0;
    * the eager runtime, a graph of constants, and a graph fed through placeholders of unknown shape give the same bits.
    """
    inputs, attrs = draw_call(op, seed, wanted)
    call = f"{op.name}({', '.join(map(_short, inputs))}, {attrs})  [seed {seed}]"
    kept = [None if i is None else np.array(i, copy=True) for i in inputs]
    attrs = op.complete(attrs)
    results = _flat(op.kernel(*inputs, **attrs))
    for before, after in zip(kept, inputs, strict=True):
        assert before is None or same_bits(before, after), f"{call}: the kernel wrote into its input"
    _check_specs(op, inputs, attrs, results, call)
    eager = _flat(EAGER.apply(op, tuple(None if i is None else tensor_of(i) for i in inputs), dict(attrs)))
    _check_same(results, [t.numpy() for t in eager], f"{call}: eager")
    _check_same(results, _in_graph(op, inputs, attrs, lambda graph, i: graph.constant(i)), f"{call}: graph")
    _check_same(results, _in_graph(op, inputs, attrs, None), f"{call}: graph with fed inputs of unknown shape")


def _check_specs(op: Op, inputs: Any, attrs: Any, results: Any, call: str) -> None:
    known = [None if i is None else Spec(dtypes.of_numpy(i.dtype), i.shape) for i in inputs]
    vague = [None if s is None else s._replace(shape=(None,) * (s.rank or 0)) for s in known]
    unknown = [None if s is None else s._replace(shape=None) for s in known]
    for specs, exact in ((known, True), (vague, False), (unknown, False)):
        rule = op.infer_rule(*specs, **attrs)
        said = (rule,) if type(rule) is Spec else tuple(rule)
        assert len(said) == len(results), f"{call}: the shape rule says {len(said)} outputs, the kernel gives {len(results)}"
        for spec, value in zip(said, results, strict=True):
            assert isinstance(value, (np.ndarray, np.generic)), f"{call}: the kernel gives a {type(value).__name__}"
            assert value.ndim or value.dtype.kind == "O" or isinstance(value, np.generic), (
                f"{call}: rank 0 must be a NumPy scalar"
            )
            assert spec.dtype is dtypes.of_numpy(value.dtype), (
                f"{call}: the shape rule says {spec}, the kernel gives {value.dtype}"
            )
            fits = compatible(spec.shape, value.shape)
            assert fits, f"{call}: the shape rule says {spec} for {specs}, the kernel gives {value.shape}"
            if exact and spec.shape is not None and None not in spec.shape:
                assert spec.shape == value.shape, f"{call}: the shape rule says {spec}, the kernel gives {value.shape}"


def _in_graph(op: Op, inputs: Any, attrs: Any, make: Callable[[Graph, Any], Any] | None) -> list[Any]:
    graph, feeds = Graph(), {}
    with graph.as_default():
        given = []
        for i in inputs:
            if i is None or make is not None:
                given.append(None if i is None or make is None else make(graph, i))
                continue
            fed = placeholder(dtype=dtypes.of_numpy(i.dtype), shape=None)
            feeds[fed] = i
            given.append(fed)
        out = _flat(graph.apply(op, tuple(given), dict(attrs)))
    with Session(graph=graph) as session:
        return session.run(out, feeds)  # type: ignore[no-any-return]


def _check_same(expected: Sequence[Any], got: Sequence[Any], what: str) -> None:
    assert len(expected) == len(got), f"{what}: {len(got)} outputs instead of {len(expected)}"
    for e, g in zip(expected, got, strict=True):
        assert same_bits(e, g), f"{what}: got {g!r}, expected {e!r}"


def same_bits(a: Any, b: Any) -> bool:
    """True if two arrays are the same to the last bit, NaNs included."""
    a, b = (
        np.asarray(a, dtype=object if isinstance(a, bytes) else None),
        np.asarray(b, dtype=object if isinstance(b, bytes) else None),
    )
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    return bool((a == b).all()) if a.dtype.kind == "O" else a.tobytes() == b.tobytes()


# -- gradients ---------------------------------------------------------------------------------------------------------


def check_gradients(function: Callable[..., Any], inputs: Sequence[Any], order: int = 2, step: float = 1e-6,
                    tolerance: float = 1e-5, seed: int = 0, constant: Sequence[int] = ()) -> None:  # fmt: skip
    """Compares gradients with central differences, in float64, up to ``order`` derivatives deep.

    ``function`` takes tensors and gives one or several. Its outputs are weighted at random and summed; each element of each
    float input that is not in ``constant`` is moved by ``step``. Raises AssertionError with the input, the index, what was got
    and what expected.
    """
    arrays = [np.asarray(i, dtype=np.float64) if np.asarray(i).dtype.kind == "f" else i for i in inputs]
    moved = [k for k, a in enumerate(arrays) if k not in constant and isinstance(a, np.ndarray) and a.dtype == np.float64]
    rng = np.random.default_rng(seed)
    weights: dict[int, Any] = {}

    def weighted(*tensors: Any) -> Any:
        total = 0.0
        for n, out in enumerate(_flat(function(*tensors))):
            if out.dtype.kind != "f":
                continue
            out = select(abs_(out) < 1e30, out, zeros_like(out))  # what is infinite or a limit has no derivative to compare
            w = weights.setdefault(n, np.asarray(rng.uniform(0.5, 1.5, tuple(out.shape))))
            total = total + cast(reduce_sum(out * tensor_of(w.astype(out.dtype.np)[()])), dtypes.float64)
        return total

    _compare(weighted, arrays, moved, order, step, tolerance, rng, "first")


def _tensors(arrays: Sequence[Any]) -> list[Any]:
    return [None if a is None else tensor_of(np.asarray(a)[()]) for a in arrays]


def _compare(
    scalar: Any, arrays: list[Any], moved: list[int], order: int, step: float, tolerance: float, rng: Any, which: str
) -> None:
    def gradients(*tensors: Any) -> list[Any]:
        with GradientTape() as tape:
            watched = [tensors[k] for k in moved]
            tape.watch(watched)
            value = scalar(*tensors)
        if not hasattr(value, "dtype"):
            return [None] * len(moved)
        return tape.gradient(value, watched)  # type: ignore[no-any-return]

    found = gradients(*_tensors(arrays))
    for k, gradient in zip(moved, found, strict=True):
        got = np.zeros(arrays[k].shape) if gradient is None else gradient.numpy()
        assert np.shape(got) == arrays[k].shape, f"the gradient of input {k} has shape {np.shape(got)}, not {arrays[k].shape}"
        for at in itertools.product(*map(range, arrays[k].shape)):
            ends = []
            for way in (step, -step):
                changed = [np.array(a, copy=True) if n == k else a for n, a in enumerate(arrays)]
                changed[k][at] += way
                ends.append(float(scalar(*_tensors(changed))))
            expected = (ends[0] - ends[1]) / (2 * step)
            fits = abs(got[at] - expected) <= tolerance * max(1.0, abs(expected), abs(got[at]))
            assert fits, (
                f"{which} derivative, input {k}, index {at}: got {got[at]!r}, expected {expected!r} ({_all_short(arrays)})"
            )
    if order < 2 or all(g is None for g in found):
        return
    directions = [rng.uniform(0.5, 1.5, arrays[k].shape) for k in moved]

    def along(*tensors: Any) -> Any:
        total = 0.0
        for d, g in zip(directions, gradients(*tensors), strict=True):
            if g is not None:
                total = total + reduce_sum(g * tensor_of(np.asarray(d)[()]))
        return total

    _compare(along, arrays, moved, order - 1, 1e-5, 1e-4, rng, "second")


def check_op_gradients(op: Op, seed: int = 0, order: int = 2, constant: Sequence[int] = ()) -> None:
    """``check_gradients`` for a drawn call of an op."""
    inputs, attrs = draw_call(op, seed, wanted=(dtypes.float64, dtypes.int32, dtypes.bool))
    attrs = op.complete(attrs)
    check_gradients(lambda *tensors: op(*tensors, **attrs), inputs, order, seed=seed, constant=constant)


def _flat(result: Any) -> list[Any]:
    return list(result) if isinstance(result, (tuple, list)) else [result]


def _short(value: Any) -> str:
    return "None" if value is None else f"{np.asarray(value).dtype}{np.shape(value)}"


def _all_short(values: Sequence[Any]) -> str:
    text = ", ".join(repr(v) for v in values).replace("\n", "")
    return text if len(text) < 400 else text[:397] + "..."


__all__ = ["Draw", "check_gradients", "check_op", "check_op_gradients", "draw_call", "drawable", "same_bits"]
