"""Running layers on shapes alone: to build them, or to learn the shape of what they give.

``ShapeGraph`` is a graph that is built and thrown away. It takes tensors and variables of any home, and variables made inside
it belong to the home around it, so a layer can be built in it for good.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minitf.core import dtypes, names, runtime
from minitf.core.spec import Spec, TensorShape, as_shape
from minitf.ops import sources
from minitf.runtimes.graph import Graph


class ShapeGraph(Graph):
    """A graph that no session runs: calling ops in it tells dtypes and shapes."""

    def __init__(self, outer: Any):
        super().__init__()
        self._outer = outer

    def outermost(self) -> Any:
        """The home around it, where variables go."""
        return self._outer

    def check_mine(self, value: Any, *_: Any) -> None:
        """Everything may be used: nothing is computed."""


def specs_of_call(call: Callable[..., Any], *inputs: Any) -> Any:
    """What ``call`` gives for inputs that are known by their specs only, as specs in the structure of the result."""
    graph = ShapeGraph(runtime.current().home.outermost())
    with runtime.using(graph), names.entered(names.Scope(names.scope().path)):
        result = call(*[mapped(lambda s: sources.placeholder(dtype=s.dtype, shape=s.shape), i) for i in inputs])
    return mapped(lambda tensor: tensor.spec, result)


def specs_for(shapes: Any, dtype: Any = dtypes.float32) -> Any:
    """Shapes as specs of one dtype: one shape, or a list, tuple or dict of shapes."""
    if isinstance(shapes, dict):
        return {name: specs_for(shape, dtype) for name, shape in shapes.items()}
    if isinstance(shapes, (list, tuple)) and any(isinstance(s, (list, tuple, dict, TensorShape)) for s in shapes):
        return [specs_for(s, dtype) for s in shapes]
    return Spec(dtypes.as_dtype(dtype), as_shape(shapes))


def given_shapes(shapes: Any) -> Any:
    """What ``build`` was called with, as TensorShapes: one shape, or a list (for a tuple too) or dict of shapes."""
    return shapes if isinstance(shapes, TensorShape) else shapes_of(specs_for(shapes))


def shapes_of(structure: Any) -> Any:
    """The shapes of tensors or specs in the same structure; for a single one a TensorShape."""
    return mapped(lambda one: TensorShape(one.shape), structure)


def mapped(function: Callable[[Any], Any], structure: Any) -> Any:
    """The structure (nested lists, tuples, dicts) with ``function`` applied to its leaves; tuples become lists. A Spec is a
    leaf.
    """
    if isinstance(structure, dict):
        return {name: mapped(function, part) for name, part in structure.items()}
    if isinstance(structure, (list, tuple)) and not isinstance(structure, Spec):
        return [mapped(function, part) for part in structure]
    return function(structure)
