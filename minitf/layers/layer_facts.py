"""What a layer answers about itself under Keras's names: dtypes, metrics, and questions whose answer is always the same."""

from __future__ import annotations

from typing import Any


class LayerFacts:
    """A part of ``Layer``."""

    __slots__ = ()

    stateful = False  # True for a recurrent layer that goes on from the states of the last batch

    @property
    def compute_dtype(self) -> str:
        """The dtype in which the layer computes: that of its weights."""
        return self.dtype  # type: ignore[attr-defined,no-any-return]

    @property
    def variable_dtype(self) -> str:
        """The dtype of the layer's weights."""
        return self.dtype  # type: ignore[attr-defined,no-any-return]

    @property
    def dynamic(self) -> bool:
        """False: a layer can be called in a graph, unless its own code cannot."""
        return False

    @property
    def updates(self) -> list[Any]:
        """Empty: what a layer changes when it is called, it changes then."""
        return []

    @property
    def metrics(self) -> list[Any]:
        """The metrics among the attributes of the layer and of all layers in it."""
        return [part for part in self._flatten_layers() if part is not self and part._is_metric]  # type: ignore[attr-defined]
