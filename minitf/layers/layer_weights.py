"""The weights of a layer and of the layers in it: which they are, their values, how many elements they have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minitf.layers.contents import each_once, leaves
from minitf.objects.edges import tracking
from minitf.objects.module import Module
from minitf.objects.variable import Variable


class LayerWeights(Module):
    """A part of ``Layer``."""

    __slots__ = ()

    _trainable: bool
    built: bool

    if TYPE_CHECKING:

        def _sublayers(self) -> list[Any]:
            """The layers among the attributes."""

    @property
    def weights(self) -> list[Any]:
        """All variables of the layer and of the layers in it: trainable ones first."""
        return each_once([*self.trainable_weights, *self.non_trainable_weights])

    @property
    def trainable_weights(self) -> list[Any]:
        """The variables that are trained; none if ``trainable`` is False."""
        if not self._trainable:
            return []
        own, layers = self._own_weights(), self._sublayers()
        return each_once([*(v for v in own if v.trainable), *(v for layer in layers for v in layer.trainable_weights)])

    @property
    def non_trainable_weights(self) -> list[Any]:
        """The variables that are not trained; all if ``trainable`` is False."""
        own, layers = self._own_weights(), self._sublayers()
        if self._trainable:
            return each_once(
                [*(v for v in own if not v.trainable), *(v for layer in layers for v in layer.non_trainable_weights)]
            )
        ordered = [*(v for v in own if v.trainable), *(v for v in own if not v.trainable)]
        return each_once([*ordered, *(v for layer in layers for v in layer.weights)])

    @property
    def variables(self) -> list[Any]:  # type: ignore[override]
        """The same as ``weights``."""
        return self.weights

    @property
    def trainable_variables(self) -> list[Any]:  # type: ignore[override]
        """The same as ``trainable_weights``."""
        return self.trainable_weights

    @property
    def non_trainable_variables(self) -> list[Any]:  # type: ignore[override]
        """The same as ``non_trainable_weights``."""
        return self.non_trainable_weights

    def get_weights(self) -> list[Any]:
        """The values of ``weights`` as arrays (graph: from the default session)."""
        weights = self.weights
        if not weights:
            return []
        store = weights[0].handle.home.store_to_save(None, "get_weights")
        return [np.array(store.cell(v.handle).read()) for v in weights]

    def set_weights(self, weights: Any) -> None:
        """Sets the values of ``weights``, in their order. Raises ValueError if number or shapes differ; then nothing is set."""
        values, variables = list(weights), self.weights
        if len(values) != len(variables):
            raise ValueError(
                f"set_weights: {self.name!r} has {len(variables)} weights ({', '.join(v.name for v in variables)}), but "
                f"{len(values)} values were given."
            )
        for v, value in zip(variables, values, strict=True):
            if not v.shape.is_compatible_with(value.shape):
                raise ValueError(
                    f"set_weights: the weight {v.name!r} has shape {v.shape}, but its value has shape {tuple(value.shape)}."
                )
        for v, value in zip(variables, values, strict=True):
            v.load(value)

    def count_params(self) -> int:
        """The number of elements of all weights. Raises ValueError if the layer has not been built."""
        if not self.built:
            raise ValueError(f"Layer {self.name!r} has no weights yet: call it, or build(input_shape), first.")
        return sum(v.shape.num_elements() or 0 for v in self.weights)

    def _own_weights(self) -> list[Any]:
        """The variables among the attributes, in the order in which they were made."""
        return each_once([v for edge in list(tracking(self).edges.values()) for v in leaves(edge, Variable)])
