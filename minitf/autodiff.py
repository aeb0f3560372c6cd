"""Reverse-mode differentiation: tapes and ``gradients``.

A tape (``core.tape``) takes a note of each op that it sees run, if an input is watched.
``walk_back`` goes over such notes backwards. A graph has its operations instead of notes (``runtimes.gradients``).
Gradient rules are written with ops, so they run in whatever runtime is current: under an outer tape they are recorded in turn,
which gives second derivatives.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from types import FunctionType
from typing import Any

from minitf import jacobians
from minitf.core import runtime
from minitf.core.op import convert
from minitf.core.state import Handle
from minitf.core.structures import flatten, pack
from minitf.core.tape import NOWHERE, Note, Tape
from minitf.core.tensor import EagerTensor, SymbolicTensor, Tensor, tensor_of
from minitf.ops import control
from minitf.ops.creating import ones_like, zeros_like
from minitf.ops.joining import stack
from minitf.ops.shapes import reshape
from minitf.ops.state import read_variable


class AggregationMethod:
    """How TensorFlow adds the gradients of a tensor that is used several times; minitf has one way, and takes them all."""

    ADD_N = 0
    DEFAULT = ADD_N
    EXPERIMENTAL_TREE = 1
    EXPERIMENTAL_ACCUMULATE_N = 2


class UnconnectedGradients:
    """What ``gradient`` gives for a source that the target does not depend on."""

    NONE = "none"
    ZERO = "zero"


def walk_back(notes: list[Note | None], gradients: list[Any], wanted: set[int], every_leaf: bool, release: bool) -> None:
    """Fills in ``gradients``, a list by number in which those to begin with stand already; only the ``wanted`` ones are kept.

    ``every_leaf`` says that all that is watched is wanted: then every note leads to something wanted, else the notes that do
    are looked for first. ``release`` drops each note as soon as it is used. An op without a gradient rule ends the walk, as in
    TensorFlow.
    """
    leading = None if every_leaf else _leading(notes, wanted)
    for number in range(len(gradients) - 1, -1, -1):
        note = notes[number]
        if note is None or (leading is not None and not leading[number]):
            continue
        op, numbers, inputs, attrs, out, several = note
        g = gradients[number] if not several else _gradients_of_several(gradients, number, wanted, note)
        if g is None:
            continue
        if number not in wanted:
            gradients[number] = None
        if release:
            notes[number] = None
        if op is read_variable:
            results: Any = (g,)
        else:
            if len(attrs) != len(op.attrs):
                attrs = op.complete(attrs)
            results = op.vjp_rule(g, out, *inputs, **attrs)
            if type(results) is not tuple:
                results = tuple(results) if isinstance(results, list) else (results,)
        for parent, result in zip(numbers, results):  # noqa: B905  (asking for strict=False costs as much as the loop)
            if parent < 0 or result is None or (leading is not None and not leading[parent]):
                continue
            if type(result) is FunctionType:
                result = result()
            known = gradients[parent]
            gradients[parent] = result if known is None else control.plus(known, result)


def _gradients_of_several(gradients: list[Any], number: int, wanted: set[int], note: Note) -> tuple[Any, ...] | None:
    places = range(number + 1 - note[5], number + 1)
    found = [gradients[i] for i in places]
    for i in places:
        if i not in wanted:
            gradients[i] = None
    if all(g is None for g in found):
        return None
    if note[0].vjp_partial:
        return tuple(found)
    return tuple([zeros_like(o) if g is None else g for g, o in zip(found, note[4], strict=True)])


def _leading(notes: Sequence[Note | None], wanted: set[int]) -> bytearray:
    """By number: 1 if it is wanted, or was computed from something that leads to what is wanted."""
    leading = bytearray(len(notes))
    for number in wanted:
        leading[number] = 1
    for number, note in enumerate(notes):
        if note is not None and any(n >= 0 and leading[n] for n in note[1]):
            for i in range(number + 1 - (note[5] or 1), number + 1):
                leading[i] = 1
    return leading


class _Walk:
    """The way back from ``starts`` (number, target, gradient or None for ones) to the tensors with ``numbers``."""

    __slots__ = ("_persistent", "_tape", "notes", "numbers", "starts")

    def __init__(self, tape: Tape, numbers: list[int], starts: list[tuple[int, Any, Any]], persistent: bool):
        self._tape = tape
        self._persistent = persistent
        self.notes = tape.notes
        self.numbers = numbers
        self.starts = starts

    def walk(self) -> list[Any]:
        """The gradients by ``numbers``, None where there is none."""
        return self.over(self.notes, self.starts, release=not self._persistent)

    def over(self, notes: list[Note | None], starts: list[tuple[int, Any, Any]], release: bool = True) -> list[Any]:
        """The same walk over other notes."""
        tape, wanted = self._tape, {n for n in self.numbers if n != NOWHERE}
        gradients: list[Any] = [None] * len(notes)
        for n, target, g in starts:
            if n != NOWHERE:
                seed = _ones(target) if g is None else g
                gradients[n] = seed if gradients[n] is None else gradients[n] + seed
        every_leaf = wanted.issuperset(tape.handles.values()) and all(
            n in wanted or notes[n] is not None for _, n in tape.sources.values()
        )
        walk_back(notes, gradients, wanted, every_leaf, release)
        return [None if n == NOWHERE else gradients[n] for n in self.numbers]


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
        self._tape = Tape(watch_accessed_variables)
        self._token: Any = None
        self._used = False

    # Use -------------------------------------------------------------------------------------------------------------

    def __enter__(self) -> GradientTape:
        if self._token is not None:
            raise ValueError("This tape is recording already; a tape can be entered once at a time.")
        tape, inner = self._tape, runtime.current()
        tape.inner = inner
        tape.direct = getattr(inner, "plain", False)
        self._token = runtime.enter(tape)
        return self

    def __exit__(self, *exc: Any) -> None:
        token, self._token = self._token, None
        runtime.leave(token)

    def watch(self, tensor: Any) -> None:
        """Watches tensors or variables (a nested structure of them). Raises ValueError for things that cannot be watched."""
        for t in flatten(tensor):
            source = _source(t)
            if isinstance(source, Tensor) and source.dtype.kind not in "fcV":
                import warnings

                warnings.warn(f"A {source.dtype.name} tensor has no gradient; watching it does nothing useful.", stacklevel=2)
            self._tape.watch(source)

    def watched_variables(self) -> tuple[Any, ...]:
        """The handles' variables that the tape watches, in the order in which they were first used."""
        return tuple(h.variable() for h in self._tape.handles if h.variable is not None)

    def stop_recording(self) -> Any:
        """``with tape.stop_recording():`` runs ops unrecorded. Raises ValueError if the tape is not recording."""
        if self._token is None:
            raise ValueError("stop_recording: the tape is not recording.")
        return runtime.using(self._tape.inner)

    def reset(self) -> None:
        """Forgets all that was recorded and watched."""
        self._tape.forget()

    def gradient(self, target: Any, sources: Any, output_gradients: Any = None,
                 unconnected_gradients: str = UnconnectedGradients.NONE) -> Any:  # fmt: skip
        """Gradients of the sum of ``target`` with respect to ``sources``, in the structure of ``sources``.

        Each gradient has the shape and dtype of its source; None (or zeros, if asked for) where target does not depend on it.
        Raises RuntimeError on a second call of a tape that is not persistent.
        """
        self._use()
        if self._token is not None and not self._persistent:
            self.__exit__()
        if type(sources) is list and type(target) is EagerTensor and output_gradients is None:
            handles = self._tape.handles
            try:
                numbers = [handles[s._handle] for s in sources]
            except (AttributeError, KeyError, TypeError):  # not just variables that are watched
                pass
            else:
                if target._v.dtype.kind in "fcV" and unconnected_gradients == UnconnectedGradients.NONE:
                    return self._walk([(self._tape.number(target), target, None)], numbers)
        flat = [_source(s) for s in flatten(sources)]
        if type(target) is EagerTensor and output_gradients is None:
            seeds: list[tuple[Any, Any]] = [(target, None)] if target.dtype.kind in "fcV" else []
        else:
            targets = [_target(t) for t in flatten(target)]
            given = [None] * len(targets) if output_gradients is None else flatten(output_gradients)
            seeds = [
                (t, None if g is None else convert(g, t.dtype))
                for t, g in zip(targets, given, strict=True)
                if t.dtype.kind in "fcV"
            ]
        found = self._walk_back(seeds, flat)
        if unconnected_gradients != UnconnectedGradients.NONE:
            found = [_unconnected(g, s, unconnected_gradients) for g, s in zip(found, flat, strict=True)]
        return pack(sources, found)

    def _walk_back(self, seeds: Sequence[tuple[Any, Any]], sources: Sequence[Any]) -> list[Any]:
        """Gradients of the targets in ``seeds``, each with the gradient to start from or None for ones."""
        tape = self._tape
        numbers = [tape.handles.get(s, NOWHERE) if type(s) is Handle else tape.number(s) for s in sources]
        found = self._walk([(tape.number(t), t, g) for t, g in seeds], numbers)
        if NOWHERE in numbers:  # a target that nobody watches still depends on itself
            for i, n in enumerate(numbers):
                if n == NOWHERE:
                    own = [_ones(t) if g is None else g for t, g in seeds if t is sources[i]]
                    found[i] = sum(own[1:], own[0]) if own else None
        return found

    def _walk(self, starts: list[tuple[int, Any, Any]], numbers: list[int]) -> list[Any]:
        walk = _Walk(self._tape, numbers, starts, self._persistent)
        if not self._persistent:
            self._tape.notes = []
        return runtime.current().walk(walk)

    def jacobian(self, target: Any, sources: Any, unconnected_gradients: str = UnconnectedGradients.NONE) -> Any:
        """Derivatives of each element of ``target``: shape target.shape + source.shape.

        Raises RuntimeError as ``gradient`` does, and ValueError unless the target's shape is known.
        """
        flat = flatten(sources)
        with self._many():
            return pack(
                sources, jacobians.by_elements(lambda t, g: self.gradient(t, flat, g, unconnected_gradients), target, flat)
            )

    def batch_jacobian(self, target: Any, source: Any, unconnected_gradients: str = UnconnectedGradients.NONE) -> Any:
        """Derivatives of ``target[i, ...]`` by ``source[i, ...]``: shape (batch, *target.shape[1:], *source.shape[1:]).

        Right only if each row of ``target`` depends on the same row of ``source`` and no other; zeros where it depends on none,
        whatever ``unconnected_gradients`` says (as in TensorFlow). Raises RuntimeError as ``gradient`` does, and ValueError
        unless both have as many rows and their shapes are known, the target at least of rank 2.
        """
        with self._many():
            return jacobians.by_rows(lambda t, g: self.gradient(t, source, g, UnconnectedGradients.ZERO), target, source)

    @contextmanager
    def _many(self) -> Iterator[None]:
        """Inside, the notes are kept for many gradients, which count as one. Raises RuntimeError if the tape is used up."""
        self._use()
        persistent, self._persistent = self._persistent, True
        try:
            yield
        finally:
            self._persistent = persistent

    def _use(self) -> None:
        if self._used and not self._persistent:
            raise RuntimeError("A non-persistent GradientTape can compute one gradient. Make it with persistent=True for more.")
        self._used = True


def _ones(target: Any) -> Any:
    return _one(target._v.dtype) if type(target) is EagerTensor and target._v.ndim == 0 else ones_like(target)


@cache
def _one(dtype: Any) -> EagerTensor:
    return tensor_of(dtype.type(1))


def _target(value: Any) -> Any:
    return value if isinstance(value, Tensor) else convert(value)


def _source(value: Any) -> Any:
    if type(value) is EagerTensor:
        return value
    handle = getattr(value, "handle", None)
    if type(handle) is Handle:
        return handle
    if isinstance(value, (Tensor, Handle)):
        return value
    raise ValueError(f"Gradients are taken with respect to tensors and variables, not {value!r}.")


def _unconnected(g: Any, source: Any, what: str) -> Any:
    if g is not None or what == UnconnectedGradients.NONE:
        return g
    if isinstance(source, Handle):
        source = read_variable(source)
    return zeros_like(source)


# -- graphs --------------------------------------------------------------------------------------------------------------


def gradients(ys: Any, xs: Any, grad_ys: Any = None, name: str = "gradients", gate_gradients: bool = False,
              aggregation_method: Any = None, stop_gradients: Any = None,
              unconnected_gradients: str = UnconnectedGradients.NONE) -> list[Any]:  # fmt: skip
    """Adds operations for the gradients of sum(ys) with respect to xs to the graph; one tensor (or None) for each x.

    ``stop_gradients``: tensors that count as constants. ``gate_gradients`` and ``aggregation_method`` have no effect. Raises
    RuntimeError in eager mode, where ``GradientTape`` does this, and for an eager source, and ValueError for targets of two
    graphs.
    """
    targets, sources = [_graph_tensor(y) for y in flatten(ys)], [_source(x) for x in flatten(xs)]
    if not targets or not all(isinstance(t, SymbolicTensor) for t in targets):
        raise RuntimeError("tf.gradients works on the tensors of a graph. In eager mode use tf.GradientTape.")
    if any(isinstance(s, EagerTensor) for s in sources):
        raise RuntimeError("tf.gradients: an eager tensor is among the sources, and no tensor of a graph depends on one.")
    graph = targets[0].graph
    for t in targets:
        graph.as_graph_element(t)
    stopped = {id(_source(s)) for s in flatten([] if stop_gradients is None else stop_gradients)}
    given = [None] * len(targets) if grad_ys is None else flatten(grad_ys)
    with graph.as_default(), graph.name_scope(name):
        way = graph.way_back(targets, sources, stopped)
        for t, g in zip(targets, given, strict=True):
            way.add(t, ones_like(t) if g is None else convert(g, t.dtype))
        way.walk()
        return [_unconnected(way.of(s), s, unconnected_gradients) for s in sources]


def _graph_tensor(y: Any) -> Any:
    return y._graph_element() if hasattr(y, "_graph_element") else y


# -- control flow --------------------------------------------------------------------------------------------------------


def _through(function: Any, inputs: Sequence[Any], seeds: Sequence[Any]) -> list[Any]:
    """Gradients of what ``function`` gives, weighted by ``seeds``, by ``inputs``: for the rules of cond and loops."""
    with GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(inputs)
        outputs = function(*inputs)
    return tape.gradient(outputs, list(inputs), list(seeds))  # type: ignore[no-any-return]


control.gradients_through = _through


def hessians(ys: Any, xs: Any, gate_gradients: bool = False, aggregation_method: Any = None,
             name: str = "hessians") -> list[Any]:  # fmt: skip
    """Adds operations for the second derivatives of sum(ys) with respect to each x: a tensor of the shape of x, twice.

    Raises RuntimeError in eager mode; ValueError if ys does not depend on an x, or if the shape of an x is not known.
    """
    sources = flatten(xs)
    out = []
    for first, x in zip(gradients(ys, sources), sources, strict=True):
        if first is None:
            raise ValueError(f"hessians: the values do not depend on {x!r}.")
        count = x.shape.num_elements()
        if count is None:
            raise ValueError(f"hessians: the shape of {x!r} must be known while the graph is built. Use ensure_shape.")
        flat = reshape(first, [-1])
        rows = [gradients(flat[i], x, unconnected_gradients=UnconnectedGradients.ZERO)[0] for i in range(count)]
        sizes = x.shape.as_list()
        out.append(reshape(stack(rows), [*sizes, *sizes], name=name))
    return out


def gradients_v1(ys: Any, xs: Any, grad_ys: Any = None, name: str = "gradients", colocate_gradients_with_ops: bool = False,
                 gate_gradients: bool = False, aggregation_method: Any = None, stop_gradients: Any = None,
                 unconnected_gradients: str = UnconnectedGradients.NONE) -> list[Any]:  # fmt: skip
    """``gradients`` (1.x: ``colocate_gradients_with_ops``, without effect)."""
    return gradients(ys, xs, grad_ys, name, gate_gradients, aggregation_method, stop_gradients, unconnected_gradients)


def hessians_v1(ys: Any, xs: Any, name: str = "hessians", colocate_gradients_with_ops: bool = False,
                gate_gradients: bool = False, aggregation_method: Any = None) -> list[Any]:  # fmt: skip
    """``hessians`` (1.x: the name comes first)."""
    return hessians(ys, xs, gate_gradients, aggregation_method, name)
