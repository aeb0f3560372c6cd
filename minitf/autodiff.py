"""Reverse-mode differentiation: tapes and ``gradients``.

A tape is a runtime around a runtime: it lets the inner one run each op and writes down (op, inputs, attributes, outputs) if an
input is watched. ``backprop`` walks such records backwards. A graph is a list of such records already, so ``gradients`` uses
the same walk. Gradient rules are written with ops, so they run in whatever runtime is current: under an outer tape they are
recorded in turn, which gives second derivatives.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from minitf.core import runtime
from minitf.core.op import REGISTRY, Op, convert
from minitf.core.state import Handle
from minitf.core.structures import flatten, pack
from minitf.core.tensor import SymbolicTensor, Tensor
from minitf.ops import control
from minitf.ops.creating import ones_like, zeros_like
from minitf.ops.joining import stack
from minitf.ops.shapes import reshape


class Record(NamedTuple):
    """One application, as the backward walk needs it. ``several``: the op gave a tuple."""

    op: Op
    inputs: tuple[Any, ...]
    attrs: dict[str, Any]
    outputs: tuple[Any, ...]
    several: bool


class UnconnectedGradients:
    """What ``gradient`` gives for a source that the target does not depend on."""

    NONE = "none"
    ZERO = "zero"


def backprop(records: Sequence[Record], seeds: Iterable[tuple[Any, Any]], sources: Sequence[Any]) -> list[Any]:
    """Gradients of the seeded outputs with respect to tensors and handles; None where there is no path.

    ``records`` are in an order in which they were (or can be) computed; ``seeds`` are (tensor, gradient) pairs. An op without a
    gradient rule ends the walk, as in TensorFlow.
    """
    wanted = {id(s) for s in sources}
    reached = set(wanted)
    for record in records:
        if any(id(i) in reached for i in record.inputs):
            reached.update(id(o) for o in record.outputs)
    grads: dict[int, Any] = {}
    for target, seed in seeds:
        _accumulate(grads, target, seed)
    for record in reversed(records):
        out = [grads.get(id(o)) for o in record.outputs]
        if all(g is None for g in out) or not any(id(i) in reached for i in record.inputs):
            continue
        if record.op.vjp_rule is None:
            continue
        for o in record.outputs:
            if id(o) not in wanted:
                grads.pop(id(o), None)
        for value, g in zip(record.inputs, _vjp(record, out), strict=False):
            if g is not None and isinstance(value, (Tensor, Handle)) and id(value) in reached:
                _accumulate(grads, value, g)
    return [grads.get(id(s)) for s in sources]


def _vjp(record: Record, out: list[Any]) -> tuple[Any, ...]:
    rule = record.op.vjp_rule
    assert rule is not None
    if record.several:
        full = [zeros_like(o) if g is None else g for g, o in zip(out, record.outputs, strict=True)]
        result = rule(tuple(full), record.outputs, *record.inputs, **record.attrs)
    else:
        result = rule(out[0], record.outputs[0], *record.inputs, **record.attrs)
    return result if isinstance(result, (tuple, list)) else (result,)  # type: ignore[return-value]


def _accumulate(grads: dict[int, Any], value: Any, g: Any) -> None:
    known = grads.get(id(value))
    grads[id(value)] = g if known is None else known + g


# -- tapes ---------------------------------------------------------------------------------------------------------------


class GradientTape:
    """Records ops run inside its ``with`` block, for ``gradient`` afterwards.

    * ``persistent``: ``gradient`` may be called more than once (otherwise once).
    * ``watch_accessed_variables``: trainable variables that are read are watched by themselves.

    Tapes nest: computing a gradient inside an outer tape is recorded there, which gives second derivatives. Works while a graph
    is built as well.
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True):
        self._persistent = persistent
        self._watch_variables = watch_accessed_variables
        self._records: list[Record] = []
        self._watched: dict[int, Any] = {}  # id -> object, which keeps the id taken
        self._variables: dict[Handle, None] = {}
        self._token: Any = None
        self._used = False

    # The tape as a runtime -------------------------------------------------------------------------------------------

    def apply(self, op: Op, inputs: tuple[Any, ...], attrs: dict[str, Any], name: str | None = None) -> Any:
        """Runs the op in the runtime around which the tape is, and takes a note if an input is watched."""
        inner = self.inner
        bound = op.bind(inputs, inner)
        result = inner.apply(op, bound, attrs, name)
        watched = self._watched
        note = False
        for value in bound:
            if id(value) in watched:
                note = True
            elif type(value) is Handle and self._watch_variables and value.trainable and op.differentiable:
                watched[id(value)] = value
                self._variables[value] = None
                note = True
        if note and op.vjp_rule is not None:
            several = isinstance(result, tuple)
            outputs = result if several else (result,)
            self._records.append(Record(op, bound, op.complete(attrs), outputs, several))
            for o in outputs:
                if isinstance(o, Tensor) and o.dtype.kind in "fcV":
                    watched[id(o)] = o
        return result

    def call(self, traced: Any, values: Sequence[Any]) -> list[Any]:
        """A traced function is recorded operation by operation."""
        return traced.replay(self, values)  # type: ignore[no-any-return]

    def constant(self, value: Any, name: str | None = None) -> Any:
        """Constants are not recorded."""
        return self.inner.constant(value, name)

    def register(self, variable: Any, trainable: bool, collections: Any) -> None:
        """Variables are registered by the inner runtime."""
        self.inner.register(variable, trainable, collections)

    @property
    def home(self) -> Any:
        """The home of the inner runtime."""
        return self.inner.home

    # Use -------------------------------------------------------------------------------------------------------------

    def __enter__(self) -> GradientTape:
        if self._token is not None:
            raise ValueError("This tape is recording already; a tape can be entered once at a time.")
        self.inner = runtime.current()
        self._token = runtime.enter(self)
        return self

    def __exit__(self, *exc: Any) -> None:
        token, self._token = self._token, None
        runtime.leave(token)

    def watch(self, tensor: Any) -> None:
        """Watches tensors or variables (a nested structure of them). Raises ValueError for things that cannot be watched."""
        for t in flatten(tensor):
            source = _source(t)
            if isinstance(source, Tensor) and source.dtype.kind not in "fc":
                import warnings

                warnings.warn(f"A {source.dtype.name} tensor has no gradient; watching it does nothing useful.", stacklevel=2)
            self._watched[id(source)] = source
            if isinstance(source, Handle):
                self._variables[source] = None

    def watched_variables(self) -> tuple[Any, ...]:
        """The handles' variables that the tape watches, in the order in which they were first used."""
        return tuple(h.variable() for h in self._variables if h.variable is not None)

    def stop_recording(self) -> Any:
        """``with tape.stop_recording():`` runs ops unrecorded. Raises ValueError if the tape is not recording."""
        if self._token is None:
            raise ValueError("stop_recording: the tape is not recording.")
        return runtime.using(self.inner)

    def reset(self) -> None:
        """Forgets all that was recorded and watched."""
        self._records.clear()
        self._watched.clear()
        self._variables.clear()

    def gradient(self, target: Any, sources: Any, output_gradients: Any = None,
                 unconnected_gradients: str = UnconnectedGradients.NONE) -> Any:  # fmt: skip
        """Gradients of the sum of ``target`` with respect to ``sources``, in the structure of ``sources``.

        Each gradient has the shape and dtype of its source; None (or zeros, if asked for) where target does not depend on it.
        Raises RuntimeError on a second call of a tape that is not persistent.
        """
        if self._used and not self._persistent:
            raise RuntimeError("A non-persistent GradientTape can compute one gradient. Make it with persistent=True for more.")
        self._used = True
        if self._token is not None and not self._persistent:
            self.__exit__()
        targets = [_target(t) for t in flatten(target)]
        given = [None] * len(targets) if output_gradients is None else flatten(output_gradients)
        flat = [_source(s) for s in flatten(sources)]
        seeds = [(t, ones_like(t) if g is None else convert(g, t.dtype)) for t, g in zip(targets, given, strict=True)]
        found = backprop(self._records, [(t, g) for t, g in seeds if t.dtype.kind in "fc"], flat)
        if not self._persistent:
            self._records = []
        return pack(sources, [_unconnected(g, s, unconnected_gradients) for g, s in zip(found, flat, strict=True)])

    def jacobian(self, target: Any, sources: Any, unconnected_gradients: str = UnconnectedGradients.NONE) -> Any:
        """Derivatives of each element of ``target``: shape target.shape + source.shape. The tape must be persistent."""
        target = convert(target)
        size = target.shape.num_elements()
        if size is None:
            raise ValueError("jacobian: the target's shape must be known.")
        flat = flatten(sources)
        rows = []
        persistent, self._persistent = self._persistent, True
        try:
            for i in range(size):
                seed = convert(_unit(i, tuple(target.shape), target.dtype))
                rows.append(self.gradient(target, flat, seed, unconnected_gradients))
        finally:
            self._persistent = persistent
        out: list[Any] = []
        for k, s in enumerate(flat):
            if any(row[k] is None for row in rows):
                out.append(None)
                continue
            out.append(reshape(stack([row[k] for row in rows]), (*target.shape, *s.shape)))
        return pack(sources, out)


def _unit(i: int, shape: tuple[Any, ...], dtype: Any) -> Any:
    unit = np.zeros(shape, dtype=dtype.np)
    unit.reshape(-1)[i] = 1
    return unit


def _target(value: Any) -> Any:
    return value if isinstance(value, Tensor) else convert(value)


def _source(value: Any) -> Any:
    handle = getattr(value, "handle", None)
    if isinstance(handle, Handle):
        return handle
    if isinstance(value, (Tensor, Handle)):
        return value
    raise ValueError(f"Gradients are taken with respect to tensors and variables, not {value!r}.")


def _unconnected(g: Any, source: Any, what: str) -> Any:
    if g is not None or what == UnconnectedGradients.NONE:
        return g
    if isinstance(source, Handle):
        source = REGISTRY["read_variable"](source)
    return zeros_like(source)


# -- graphs --------------------------------------------------------------------------------------------------------------


def gradients(ys: Any, xs: Any, grad_ys: Any = None, name: str = "gradients", stop_gradients: Any = None,
              unconnected_gradients: str = UnconnectedGradients.NONE) -> list[Any]:  # fmt: skip
    """Adds operations for the gradients of sum(ys) with respect to xs to the graph; one tensor (or None) for each x.

    ``stop_gradients``: tensors that count as constants. Raises RuntimeError in eager mode, where ``GradientTape`` does this.
    """
    targets, sources = [_graph_tensor(y) for y in flatten(ys)], [_source(x) for x in flatten(xs)]
    if not targets or not all(isinstance(t, SymbolicTensor) for t in targets):
        raise RuntimeError("tf.gradients works on the tensors of a graph. In eager mode use tf.GradientTape.")
    graph = targets[0].graph
    stopped = {id(_source(s)) for s in flatten([] if stop_gradients is None else stop_gradients)}
    given = [None] * len(targets) if grad_ys is None else flatten(grad_ys)
    with graph.as_default(), graph.name_scope(name):
        records = _records_of(targets, stopped)
        seeds = [(t, ones_like(t) if g is None else convert(g, t.dtype)) for t, g in zip(targets, given, strict=True)]
        found = backprop(records, seeds, sources)
        return [_unconnected(g, s, unconnected_gradients) for g, s in zip(found, sources, strict=True)]


def _graph_tensor(y: Any) -> Any:
    return y._graph_element() if hasattr(y, "_graph_element") else y


def _records_of(targets: Sequence[SymbolicTensor], stopped: set[int]) -> list[Record]:
    found: dict[int, Any] = {}
    todo = [t.op for t in targets]
    while todo:
        o = todo.pop()
        if o.number in found:
            continue
        found[o.number] = o
        todo.extend(a.op for a in o.inputs if id(a) not in stopped)
    ordered = [found[n] for n in sorted(found)]
    return [Record(o.kernel_op, o.arguments, o.attrs, o.outputs, o.several) for o in ordered if not _all_stopped(o, stopped)]


def _all_stopped(o: Any, stopped: set[int]) -> bool:
    return bool(o.outputs) and all(id(t) in stopped for t in o.outputs)


# -- control flow --------------------------------------------------------------------------------------------------------


def _through(function: Any, inputs: Sequence[Any], seeds: Sequence[Any]) -> list[Any]:
    """Gradients of what ``function`` gives, weighted by ``seeds``, by ``inputs``: for the rules of cond and loops."""
    with GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(inputs)
        outputs = function(*inputs)
    return tape.gradient(outputs, list(inputs), list(seeds))  # type: ignore[no-any-return]


control.gradients_through = _through
