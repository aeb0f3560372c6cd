"""``tf.function``: a Python function that is traced once for each signature and then runs as a compiled plan.

The signature of a call is what the trace depended on: dtypes and shapes of tensors and arrays, the identity of variables and
other objects, the values of Python numbers and strings. A new signature is a new trace; ``explain_retracing()`` says which
argument made it.
"""

from __future__ import annotations

import functools
import inspect
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from minitf.core import runtime
from minitf.core.forks import whole_in_children
from minitf.core.locks import left_open
from minitf.objects.concrete_function import ConcreteFunction
from minitf.objects.function_call import FunctionCall
from minitf.objects.running_eagerly import RUNNING_EAGERLY
from minitf.objects.tensor_spec import TensorSpec
from minitf.objects.trackable import AutoTrackable

_binding = whole_in_children(left_open(threading.RLock()), 0)  # held while a method is bound to an instance


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
        self._last: FunctionCall | None = None
        self._methods: dict[int, tuple[Any, Function]] = {}
        self._tracing = left_open(threading.RLock())  # one thread traces at a time; a function that is traced may call itself

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
        return self._concrete(call).run(call.tensors)

    @property
    def name(self) -> str:
        """The name of the function that was decorated."""
        return self._name

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> ConcreteFunction:
        """The trace for these arguments (``TensorSpec`` stands for a tensor), made if there is none yet."""
        if not args and not kwargs and self._input_signature is not None:
            args = self._input_signature
        return self._concrete(self._call_of(args, kwargs))

    def _call_of(self, args: Any, kwargs: Any) -> FunctionCall:
        bound = self._parameters.bind(*args, **kwargs)
        bound.apply_defaults()
        return FunctionCall(bound, self._input_signature, self._name)

    def _concrete(self, call: FunctionCall) -> ConcreteFunction:
        home = runtime.current().home.outermost()
        traces = home.functions.setdefault(self, {})  # a trace holds its home, so the home holds its traces
        found: ConcreteFunction | None = traces.get(call.key)
        if found is None:
            with self._tracing:
                found = traces.get(call.key)  # another thread may have made it meanwhile
                if found is None:
                    found = self._traced(home, call, traces)
        return found

    def _traced(self, home: Any, call: FunctionCall, traces: dict[Any, ConcreteFunction]) -> ConcreteFunction:
        if self._reduce_retracing:
            alike = [other.call for other in traces.values() if other.call.like == call.like]
            fitting = [other for other in alike if other.takes(call)]
            if fitting:
                return traces[min(fitting, key=FunctionCall.openness).key]
            call = call.relaxed(alike)
        found = self._trace(home, call, may_create=not traces)
        self._note(call)
        if found.traced.trace.created:  # what is made once is made: the trace that stays finds it there (as in TensorFlow)
            found = self._trace(home, call, may_create=False)
            self._reasons.append(f"trace {len(self._reasons) + 1} of {self._name}: the first one created variables.")
        traces[call.key] = found
        return found

    def _trace(self, home: Any, call: FunctionCall, may_create: bool) -> ConcreteFunction:
        traced, structure = home.trace(self._python_function, call.specs, call.labels, call.rebuild, may_create)
        return ConcreteFunction(self._name, self._parameters, call, traced, structure)

    def _note(self, call: FunctionCall) -> None:
        self._reasons.append(self._reason(call))
        self._last = call

    def _reason(self, call: FunctionCall) -> str:
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
