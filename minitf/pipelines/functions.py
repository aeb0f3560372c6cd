"""Functions of a program on elements: traced once, as by ``tf.function``, and run on values from then on."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from minitf.core import runtime
from minitf.core.structures import flatten, pack
from minitf.core.tensor import SymbolicTensor
from minitf.objects.tensor_spec import TensorSpec
from minitf.pipelines.elements import Leaves, NoneTensorSpec, element_of, is_dataset, tensors_only
from minitf.runtimes.eager import EAGER


def called(function: Callable[..., Any], element: Any) -> Any:
    """``function`` of an element: the parts of a tuple are several arguments."""
    return function(*element) if type(element) is tuple else function(element)


class Traced:
    """A function from elements to elements. ``element_spec``: of its results.

    Python runs it when the dataset is made, on tensors without values; a list that it gives counts as a tuple. Raises TypeError
    for elements that are datasets, ValueError if it uses a tensor of a graph.
    """

    def __init__(self, function: Callable[..., Any], spec: Any, what: str):
        specs = [leaf.spec for leaf in flatten(spec) if not isinstance(leaf, NoneTensorSpec)]
        tensors_only([leaf for leaf in flatten(spec) if not isinstance(leaf, NoneTensorSpec)], what)
        self._holes = [isinstance(leaf, NoneTensorSpec) for leaf in flatten(spec)]
        self._what = what

        def flat(*given: Any) -> Any:
            rest = iter(given)
            result = called(function, pack(spec, [None if hole else next(rest) for hole in self._holes]))
            self.structure = element_of(tuple(result) if isinstance(result, list) else result)
            return flatten(self.structure)

        labels = [f"element_{i}" for i in range(len(specs))]
        home = runtime.current().home
        self._traced, _ = home.trace(flat, specs, labels, lambda given: (given, {}), False)
        if any(isinstance(outside, SymbolicTensor) for outside in self._traced.captured):
            raise ValueError(f"{what}: the function uses a tensor of a graph, which has no value when elements are made.")
        rest = iter(self._traced.outputs)
        self._leaves = [None if leaf is None else next(rest) for leaf in flatten(self.structure)]
        self.element_spec = pack(
            self.structure,
            [NoneTensorSpec() if out is None else TensorSpec(out.shape, out.dtype) for out in self._leaves],
        )

    @property
    def changes(self) -> bool:
        """False if the results are what was given."""
        traced = self._traced
        return len(traced.fetches) != len(traced.feeds) or not all(map(operator.is_, traced.fetches, traced.feeds))

    @property
    def stateful(self) -> bool:
        """Whether Python functions are called in it, of whose state nothing is known."""
        return any(o.kernel_op.name in ("numpy_function", "py_function") for o in self._traced.operations)

    def __call__(self, leaves: Leaves) -> Leaves:
        """The leaves of the result."""
        values = [leaf for leaf in leaves if leaf is not None]
        with runtime.using(EAGER):
            results = iter(EAGER.call(self._traced, [*values, *self._traced.captured]))
        return [None if leaf is None else next(results) for leaf in self._leaves]


class ToDatasets:
    """A function from elements to datasets: it runs in Python for each element. ``element_spec``: of the datasets' elements."""

    def __init__(self, function: Callable[..., Any], spec: Any, what: str, stand_in: Callable[[Any], Any]):
        self._function = function
        self._spec = spec
        self._what = what
        leaves = flatten(spec)
        found: list[Any] = []

        def flat(*given: Any) -> Any:
            rest = iter(given)
            parts = [next(rest) if isinstance(leaf, TensorSpec) else stand_in(leaf) for leaf in leaves]
            found.append(self._checked(called(function, pack(spec, parts))))
            return []

        specs = [leaf.spec for leaf in leaves if isinstance(leaf, TensorSpec)]
        labels = [f"element_{i}" for i in range(len(specs))]
        runtime.current().home.trace(flat, specs, labels, lambda given: (given, {}), False)
        self.element_spec = found[0].element_spec

    def _checked(self, result: Any) -> Any:
        if not is_dataset(result):
            raise TypeError(f"{self._what}: the function must give a dataset, but it gave {result!r}.")
        return result

    def __call__(self, leaves: Leaves) -> Any:
        """The dataset of an element."""
        parts = [
            leaf._of_elements(leaf._elements, spec.element_spec) if is_dataset(leaf) and leaf.element_spec is None else leaf
            for leaf, spec in zip(leaves, flatten(self._spec), strict=True)  # out of a checkpoint come elements alone
        ]
        with runtime.using(EAGER):
            return self._checked(called(self._function, pack(self._spec, parts)))
