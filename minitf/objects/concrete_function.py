"""``ConcreteFunction``: a Python function traced for one signature."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Sequence
from typing import Any

from minitf.core import runtime
from minitf.core.op import convert
from minitf.core.spec import TensorShape, compatible
from minitf.core.structures import flatten
from minitf.errors import DTypeError, ShapeError
from minitf.objects.function_call import FunctionCall, is_value, structure_of
from minitf.objects.tensor_spec import TensorSpec

_numbers = itertools.count()


class ConcreteFunction:
    """A function traced for one signature. It is called with the arguments of the Python function, or with tensors by the names
    of its inputs; arguments that are no tensors may be left out, and must be those of the trace.
    """

    def __init__(self, name: str, signature: inspect.Signature, call: FunctionCall, traced: Any,
                 structure: Callable[[Sequence[Any]], Any]):  # fmt: skip
        self.call = call
        self.traced = traced
        self._structure = structure
        self._signature = signature
        self._called = name
        self._number = next(_numbers)

    @property
    def name(self) -> bytes:
        """A name of its own, with the Python function's in it (bytes, as in TensorFlow)."""
        return f"__inference_{self._called}_{self._number}".encode()

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

    @property
    def variables(self) -> tuple[Any, ...]:
        """The variables that it uses, in the order of their first use, as far as they still exist."""
        found = [handle.variable() for handle in self.traced.handles if handle.variable is not None]
        return tuple(v for v in found if v is not None)

    @property
    def trainable_variables(self) -> tuple[Any, ...]:
        """The variables that it uses and that are trained."""
        return tuple(v for v in self.variables if v.trainable)

    @property
    def captured_inputs(self) -> list[Any]:
        """What it uses from outside: variables, then tensors."""
        return [*self.variables, *self.traced.captured]

    @property
    def structured_input_signature(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments and the named arguments of the trace, with a ``TensorSpec`` for each tensor."""
        labelled = zip(self.call.specs, self.call.labels, strict=True)
        args, kwargs = self.call.rebuild([TensorSpec(spec.shape, spec.dtype, label) for spec, label in labelled])
        return tuple(args), kwargs

    @property
    def structured_outputs(self) -> Any:
        """The output tensors as the Python function gave them."""
        return self._structure(self.outputs)

    @property
    def output_shapes(self) -> Any:
        """The shapes of the outputs, in their structure."""
        return self._structure([TensorShape(t.spec.shape) for t in self.outputs])

    @property
    def output_dtypes(self) -> Any:
        """The dtypes of the outputs, in their structure."""
        return self._structure([t.dtype for t in self.outputs])

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Runs it; gives what the Python function gave, with values.

        Raises TypeError for arguments of another structure, or others than tensors that are not those of the trace; DTypeError
        and ShapeError for tensors of another dtype and shape.
        """
        given = self._by_name(args, kwargs)
        values = self._by_structure(args, kwargs) if given is None else given
        return self.run([self._fitting(*each) for each in zip(values, self.call.specs, self.call.labels, strict=True)])

    def run(self, tensors: Sequence[Any]) -> Any:
        """Runs it on the tensor arguments, in order."""
        values = [*[convert(t) for t in tensors], *self.traced.captured]
        return self._structure(runtime.current().call(self.traced, values))

    def _by_name(self, args: Any, kwargs: dict[str, Any]) -> list[Any] | None:
        """The tensors, if all are given by the names of the inputs, and one of these is no name of an argument."""
        labels = self.call.labels
        if args or set(kwargs) != set(labels) or set(kwargs) <= set(self._signature.parameters):
            return None
        return [kwargs[label] for label in labels]

    def _by_structure(self, args: Any, kwargs: dict[str, Any]) -> list[Any]:
        bound = self._signature.bind_partial(*args, **kwargs)
        for name, traced in self.call.given.items():
            if not any(map(is_value, flatten(traced))):
                bound.arguments.setdefault(name, traced)
        bound = self._signature.bind(*bound.args, **bound.kwargs)
        ours, theirs = (list(bound.args), dict(bound.kwargs)), (self.call.args, self.call.kwargs)
        if structure_of(ours) != structure_of(theirs):
            raise TypeError(f"{self._called}: the arguments have another structure than in its trace: {self.call.text()}.")
        values = []
        for value, traced in zip(flatten(ours), self.call.leaves, strict=True):
            if is_value(traced):
                values.append(value)
            elif value is not traced and value != traced:
                raise TypeError(f"{self._called} was traced with {traced!r} and cannot be called with {value!r} instead.")
        return values

    def _fitting(self, value: Any, spec: Any, label: str) -> Any:
        tensor = convert(value, None if hasattr(value, "dtype") else spec.dtype)
        if tensor.dtype is not spec.dtype:
            raise DTypeError(f"{self._called}: {label!r} is {tensor.dtype.name}, but it was traced with {spec.dtype.name}.")
        if not compatible(tensor.spec.shape, spec.shape):
            raise ShapeError(f"{self._called}: {label!r} is {tensor.spec}, but it was traced with {spec}.")
        return tensor

    def __repr__(self) -> str:
        return f"<ConcreteFunction {self._called} of {self.call.text()}>"
