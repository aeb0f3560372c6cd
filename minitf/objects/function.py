"""``tf.function``: a Python function that is traced once for each signature and then runs as a compiled plan.

The signature of a call is what the trace depended on: dtypes and shapes of tensors and arrays, the identity of variables and
other objects, the values of Python numbers and strings. A new signature is a new trace; ``explain_retracing()`` says which
argument made it.
"""

from __future__ import annotations

import copy
import functools
import inspect
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minitf.core import runtime
from minitf.core.dtypes import as_dtype
from minitf.core.op import convert
from minitf.core.spec import Spec, TensorShape, as_shape, compatible
from minitf.core.structures import flatten, pack
from minitf.core.tensor import Tensor
from minitf.objects.running_eagerly import RUNNING_EAGERLY
from minitf.objects.trackable import AutoTrackable

_binding = threading.RLock()  # held while a method is bound to an instance


class TensorSpec:
    """Dtype and shape that an argument of a traced function has. ``None`` sizes take any size."""

    def __init__(self, shape: Any, dtype: Any = "float32", name: str | None = None):
        self.spec = Spec(as_dtype(dtype), as_shape(shape))
        self.name = name

    @property
    def shape(self) -> Any:
        """The shape."""
        return TensorShape(self.spec.shape)

    @property
    def dtype(self) -> Any:
        """The element type."""
        return self.spec.dtype

    def __repr__(self) -> str:
        return f"TensorSpec(shape={self.shape}, dtype={self.dtype!r}, name={self.name!r})"


class Function(AutoTrackable):
    """What ``tf.function`` makes. It is a trackable object without values of its own, and works as a method."""

    def __init__(self, python_function: Callable[..., Any], input_signature: Sequence[TensorSpec] | None = None,
                 name: str | None = None, reduce_retracing: bool = False):  # fmt: skip
        functools.update_wrapper(self, python_function)
        self._python_function = python_function
        self._input_signature = None if input_signature is None else tuple(input_signature)
        self._reduce_retracing = reduce_retracing
        self._name = str(name or getattr(python_function, "__name__", "function"))
        self._parameters = inspect.signature(python_function)
        self._reasons: list[str] = []
        self._last: _Call | None = None
        self._methods: dict[int, tuple[Any, Function]] = {}
        self._tracing = threading.RLock()  # one thread traces at a time; a function may call itself while it is traced

    __setattr__ = object.__setattr__  # type: ignore[assignment]  # its own state is nothing to track

    @property
    def python_function(self) -> Callable[..., Any]:
        """The function that was decorated."""
        return self._python_function

    @property
    def input_signature(self) -> tuple[TensorSpec, ...] | None:
        """The signature that was given, or None."""
        return self._input_signature

    def experimental_get_tracing_count(self) -> int:
        """How many times it has been traced."""
        return len(self._reasons)

    def explain_retracing(self) -> str:
        """One line for each trace: which arguments differed from those of the trace before."""
        return "\n".join(self._reasons) or f"{self._name} has not been traced yet."

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Runs it. The first call with a signature traces the Python function, so its prints and the like happen then only."""
        if RUNNING_EAGERLY:
            return self._python_function(*args, **kwargs)
        call = self._call_of(args, kwargs)
        return self._concrete(call)(call.tensors)

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> Concrete:
        """The trace for these arguments (``TensorSpec`` stands for a tensor), made if there is none yet."""
        if not args and not kwargs and self._input_signature is not None:
            args = self._input_signature
        return self._concrete(self._call_of(args, kwargs))

    def _call_of(self, args: Any, kwargs: Any) -> _Call:
        bound = self._parameters.bind(*args, **kwargs)
        bound.apply_defaults()
        return _Call(bound, self._input_signature, self._name)

    def _concrete(self, call: _Call) -> Concrete:
        home = runtime.current().home.outermost()
        traces = home.functions.setdefault(self, {})  # a trace holds its home, so the home holds its traces
        found: Concrete | None = traces.get(call.key)
        if found is None:
            with self._tracing:
                found = traces.get(call.key)  # another thread may have made it meanwhile
                if found is None:
                    found = self._traced(home, call, traces)
        return found

    def _traced(self, home: Any, call: _Call, traces: dict[Any, Concrete]) -> Concrete:
        if self._reduce_retracing:
            alike = [other.call for other in traces.values() if other.call.like == call.like]
            fitting = [other for other in alike if other.takes(call)]
            if fitting:
                return traces[min(fitting, key=_Call.openness).key]
            call = call.relaxed(alike)
        found = Concrete(home, self._python_function, call, may_create=not traces)
        self._note(call)
        if found.traced.trace.created:  # what is made once is made: the trace that stays finds it there (as in TensorFlow)
            found = Concrete(home, self._python_function, call, may_create=False)
            self._reasons.append(f"trace {len(self._reasons) + 1} of {self._name}: the first one created variables.")
        traces[call.key] = found
        return found

    def _note(self, call: _Call) -> None:
        self._reasons.append(self._reason(call))
        self._last = call

    def _reason(self, call: _Call) -> str:
        count = len(self._reasons) + 1
        if self._last is None:
            return f"trace {count} of {self._name}: the first call, with {call.text()}"
        changed = [
            f"{name}: {new} instead of {old}"
            for (name, new), (_, old) in zip(call.parts, self._last.parts, strict=False)
            if new != old
        ]
        why = "; ".join(changed) or "another runtime, or another structure of arguments"
        return f"trace {count} of {self._name}: {why}. To trace less, pass tensors instead of numbers, or an input_signature."

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """As a method: the function bound to the instance, with traces of its own."""
        if instance is None:
            return self
        known = self._methods.get(id(instance))
        if known is None or known[0]() is not instance:
            with _binding:  # threads that come first together get one function
                known = self._methods.get(id(instance))
                if known is None or known[0]() is not instance:
                    known = self._bound(instance)
        return known[1]

    def _bound(self, instance: Any) -> tuple[Any, Function]:
        own = self._python_function

        def method(*args: Any, **kwargs: Any) -> Any:
            alive = reference()
            if alive is None:
                raise ReferenceError(f"The object whose method {self._name} this is does not exist any more.")
            return own(alive, *args, **kwargs)

        reference = weakref.ref(instance, lambda _: self._methods.pop(id_of, None))
        id_of = id(instance)
        method.__signature__ = inspect.signature(own.__get__(instance))  # type: ignore[attr-defined]
        method.__name__ = self._name
        known = self._methods[id_of] = (reference, Function(method, self._input_signature, self._name, self._reduce_retracing))
        return known


class _Call:
    # The arguments of one call, taken apart: tensors (to be fed), and what else the trace depends on.

    def __init__(self, bound: inspect.BoundArguments, signature: Any, name: str):
        self.args = list(bound.args) if signature is None else _fitted(bound.args, signature, name)
        self.kwargs = dict(bound.kwargs)
        leaves = flatten((self.args, self.kwargs))
        self.leaves = leaves
        self.tensors = [_as_tensor(leaf) for leaf in leaves if _is_value(leaf)]
        self.specs: list[Spec] = []
        self.parts: list[tuple[str, str]] = []
        self.labels: list[str] = []  # of the tensors
        key = []
        given = iter(signature or ())
        tensors = iter(self.tensors)
        names = _names(bound.signature, self.args, self.kwargs)
        for label, leaf in zip(names, leaves, strict=True):
            if _is_value(leaf):
                tensor = next(tensors)
                wanted = next(given, None)
                spec = tensor.spec if wanted is None else wanted.spec
                self.specs.append(spec)
                key.append(("tensor", spec.dtype.number))
                self.parts.append((label, str(spec)))
                self.labels.append(label)
            else:
                key.append(_key_of(leaf))
                self.parts.append((label, repr(leaf)))
        self.like = (_structure((self.args, self.kwargs)), tuple(key))  # the key but for shapes

    @property
    def key(self) -> Any:
        return self.like, tuple([spec.shape for spec in self.specs])

    def takes(self, other: _Call) -> bool:
        """True if every argument of ``other``, a call that is like this one, has a shape that was traced here."""
        pairs = zip(self.specs, other.specs, strict=True)
        return all(most_general([mine.shape, its.shape]) == mine.shape for mine, its in pairs)

    def openness(self) -> tuple[int, int]:
        """How many shapes, and how many sizes of the others, are open."""
        shapes = [spec.shape for spec in self.specs]
        return shapes.count(None), sum(shape.count(None) for shape in shapes if shape is not None)

    def relaxed(self, others: Sequence[_Call]) -> _Call:
        """The call with all sizes open that differ among it and the others, which are like it."""
        new = copy.copy(self)
        new.specs = [
            Spec(spec.dtype, most_general([spec.shape, *[other.specs[i].shape for other in others]]))
            for i, spec in enumerate(self.specs)
        ]
        specs = dict(zip(self.labels, map(str, new.specs), strict=True))
        new.parts = [(label, specs.get(label, text)) for label, text in self.parts]
        return new

    def rebuild(self, tensors: Sequence[Any]) -> Any:
        rest = iter(tensors)
        leaves = [next(rest) if _is_value(leaf) else leaf for leaf in self.leaves]
        return pack((self.args, self.kwargs), leaves)

    def text(self) -> str:
        return ", ".join(f"{name}: {what}" for name, what in self.parts) or "no arguments"


class Concrete:
    """A function traced for one signature."""

    def __init__(self, home: Any, python_function: Callable[..., Any], call: _Call, may_create: bool):
        self.call = call
        self.traced, self.structure = home.trace(python_function, call.specs, call.labels, call.rebuild, may_create)

    @property
    def graph(self) -> Any:
        """The graph of the trace."""
        return self.traced.trace

    @property
    def inputs(self) -> list[Any]:
        """The placeholders: arguments, then captured tensors."""
        return list(self.traced.feeds)

    @property
    def outputs(self) -> list[Any]:
        """The output tensors, flat."""
        return list(self.traced.outputs)

    def __call__(self, tensors: Sequence[Any]) -> Any:
        """Runs it on the tensor arguments, in order; gives what the Python function gave, with values."""
        if not isinstance(tensors, (list, tuple)):
            tensors = [tensors]
        values = [*[convert(t) for t in tensors], *self.traced.captured]
        results = runtime.current().call(self.traced, values)
        return self.structure(results)


def most_general(shapes: Sequence[Any]) -> Any:
    """The shape with every size open in which these shapes differ; None if they differ in rank, or one is None."""
    if None in shapes or len(set(map(len, shapes))) > 1:
        return None
    return tuple([sizes[0] if len(set(sizes)) == 1 else None for sizes in zip(*shapes, strict=True)])


def _is_value(leaf: Any) -> bool:
    return isinstance(leaf, (Tensor, np.ndarray, np.generic, TensorSpec))


def _as_tensor(leaf: Any) -> Any:
    return leaf if isinstance(leaf, (Tensor, TensorSpec)) else convert(leaf)


def _key_of(leaf: Any) -> Any:
    if leaf is None or isinstance(leaf, (bool, int, float, complex, str, bytes)):
        return (type(leaf).__name__, leaf)
    return ("object", id(leaf))


def _fitted(args: Sequence[Any], signature: Sequence[TensorSpec], name: str) -> list[Any]:
    if len(args) != len(signature):
        raise TypeError(f"{name} takes {len(signature)} tensors by its input_signature, but got {len(args)} arguments.")
    out = []
    for arg, wanted in zip(args, signature, strict=True):
        tensor = arg if isinstance(arg, (Tensor, TensorSpec)) else convert(arg, wanted.dtype)
        if tensor.dtype is not wanted.dtype or not compatible(tensor.spec.shape, wanted.spec.shape):
            raise TypeError(f"{name}: {tensor.spec} does not fit {wanted.spec} of its input_signature.")
        out.append(tensor)
    return out


def _names(signature: inspect.Signature, args: Sequence[Any], kwargs: dict[str, Any]) -> list[str]:
    # What messages and placeholders call each leaf of the arguments, in the order in which they are flattened.
    parameters = list(signature.parameters)
    out = []
    labelled = [(parameters[min(i, len(parameters) - 1)], value) for i, value in enumerate(args)]
    for label, value in [*labelled, *[(key, kwargs[key]) for key in sorted(kwargs)]]:
        leaves = flatten(value)
        out += [label] if len(leaves) == 1 else [f"{label}_{i}" for i in range(len(leaves))]
    return out


def _structure(value: Any) -> Any:
    if isinstance(value, dict):
        return ("dict", tuple((k, _structure(value[k])) for k in sorted(value)))
    if isinstance(value, (list, tuple)):
        kind = list if isinstance(value, list) else getattr(type(value), "_kind", type(value))  # a wrapper is what it wraps
        return (kind.__name__, tuple(_structure(v) for v in value))
    return None


def function(func: Callable[..., Any] | None = None, input_signature: Sequence[TensorSpec] | None = None,
             autograph: bool = True, jit_compile: Any = None, reduce_retracing: bool = False,
             experimental_implements: Any = None, experimental_autograph_options: Any = None,
             experimental_attributes: Any = None, experimental_relax_shapes: Any = None, experimental_compile: Any = None,
             experimental_follow_type_hints: Any = None) -> Any:  # fmt: skip
    """Makes a Python function one that is traced and run as a plan; use it as a decorator, with or without arguments.

    Python's own control flow runs while tracing (``autograph`` is accepted and does nothing): use ``tf.cond`` and
    ``tf.while_loop`` for what depends on values. ``input_signature``: the ``TensorSpec`` of each argument; then there is one
    trace. ``reduce_retracing``: a call of another shape than earlier ones is traced with the differing sizes left open.
    """
    reduce = bool(reduce_retracing or experimental_relax_shapes)
    if func is None:
        return lambda f: Function(f, input_signature, reduce_retracing=reduce)
    return Function(func, input_signature, reduce_retracing=reduce)
