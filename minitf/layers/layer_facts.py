"""What a layer answers about itself under Keras's names: dtypes, metrics, and questions whose answer is always the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minitf.core.spec import TensorShape
from minitf.layers.abstract import shapes_of


class usually:
    """A property that a layer's own attribute of the same name takes the place of: programs set what they like."""

    def __init__(self, function: Callable[[Any], Any]):
        self._function = function
        self.__doc__ = function.__doc__

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else self._function(instance)


class LayerFacts:
    """A part of ``Layer``."""

    __slots__ = ()

    stateful = False  # True for a recurrent layer that goes on from the states of the last batch

    @usually
    def compute_dtype(self) -> str:
        """The dtype in which the layer computes: that of its weights."""
        return self.dtype  # type: ignore[attr-defined,no-any-return]

    @usually
    def variable_dtype(self) -> str:
        """The dtype of the layer's weights."""
        return self.dtype  # type: ignore[attr-defined,no-any-return]

    @usually
    def dynamic(self) -> bool:
        """False: a layer can be called in a graph, unless its own code cannot."""
        return False

    @usually
    def updates(self) -> list[Any]:
        """Empty: what a layer changes when it is called, it changes then."""
        return []

    @usually
    def input_shape(self) -> Any:
        """The shape of the inputs, in a ``Sequential`` that knows them. Raises AttributeError in all other layers."""
        return self._shape_there(0, "input")

    @usually
    def output_shape(self) -> Any:
        """The shape of the outputs, in a ``Sequential`` that knows them. Raises AttributeError in all other layers."""
        return self._shape_there(1, "output")

    def _shape_there(self, which: int, what: str) -> Any:
        try:
            specs = self._in_a_model[which]  # type: ignore[attr-defined]
        except AttributeError:
            raise AttributeError(
                f"Layer {self.name!r} has no {what} shape of its own: it is no part of a Sequential that knows its inputs."  # type: ignore[attr-defined]
            ) from None
        shapes = shapes_of(specs)
        return tuple(shapes) if isinstance(shapes, TensorShape) else shapes

    @usually
    def metrics(self) -> list[Any]:
        """The metrics among the attributes of the layer and of all layers in it."""
        return [part for part in self._flatten_layers() if part is not self and part._is_metric]  # type: ignore[attr-defined]
