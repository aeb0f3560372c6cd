"""Model: a layer of layers that can be trained, saved and printed."""

from __future__ import annotations

from typing import Any

from minitf.core.names import Scope
from minitf.layers.abstract import specs_for
from minitf.layers.contents import each_once
from minitf.layers.layer import Layer
from minitf.layers.metrics.collected import Metric
from minitf.layers.training import Training


class Model(Training):
    """Base class of models: set layers as attributes and define ``call(inputs)``.

    The layers (also those in lists, tuples and dicts) are edges under their attributes' names. ``compile`` and ``fit`` train,
    ``save_weights`` and ``load_weights`` write and read checkpoints whose root is the model.
    """

    supports_masking = True

    def __init__(self, *args: Any, **kwargs: Any):
        if "inputs" in kwargs or "outputs" in kwargs or any(isinstance(a, (Layer, list, tuple, dict)) for a in args):
            raise NotImplementedError(
                "Model(inputs, outputs): functional models are not in minitf. Use Sequential, or a subclass of Model that "
                "makes its layers in the constructor and calls them in `call`."
            )
        super().__init__(*args, **kwargs)

    def build(self, input_shape: Any) -> None:
        """Makes all weights for inputs of a shape (with the batch axis) or list of shapes, by calling the model on shapes
        alone.
        """
        self._output_specs(specs_for(input_shape, self._weight_dtype))
        self.built = True

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """None: the layers inside give the outputs their masks."""
        return None

    def _build_for(self, inputs: Any, outside: Scope) -> None:
        if type(self).build is not Model.build:
            super()._build_for(inputs, outside)
        self.built = True  # the layers build themselves when they are called

    # -- layers and weights --------------------------------------------------------------------------------------------

    @property
    def layers(self) -> list[Layer]:
        """The layers in the attributes (and in lists, tuples and dicts there), in the order in which they were set."""
        return [layer for layer in self._sublayers() if not isinstance(layer, Metric)]

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer of a name, or at a place in ``layers``. Raises ValueError if there is none."""
        if (name is None) == (index is None):
            raise ValueError("get_layer takes a name or an index.")
        layers = self.layers
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise ValueError(f"get_layer: the model {self.name!r} has {len(layers)} layers, so there is none at {index}.")
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        raise ValueError(f"get_layer: the model {self.name!r} has no layer {name!r}, only {[layer.name for layer in layers]}.")

    @property
    def weights(self) -> list[Any]:
        """All variables: layer by layer, then the model's own."""
        own = self._own_weights()
        ordered = [*(v for v in own if v.trainable), *(v for v in own if not v.trainable)]
        return each_once([*(v for layer in self._sublayers() for v in layer.weights), *ordered])

    @property
    def trainable_weights(self) -> list[Any]:
        """The variables that are trained: those of the layers, then the model's own."""
        if not self._trainable:
            return []
        own = [v for v in self._own_weights() if v.trainable]
        return each_once([*(v for layer in self._sublayers() for v in layer.trainable_weights), *own])

    @property
    def non_trainable_weights(self) -> list[Any]:
        """The variables that are not trained; all if ``trainable`` is False."""
        own, layers = self._own_weights(), self._sublayers()
        fixed = [*(v for layer in layers for v in layer.non_trainable_weights), *(v for v in own if not v.trainable)]
        if self._trainable:
            return each_once(fixed)
        ordered = [*(v for layer in layers for v in layer.trainable_weights), *(v for v in own if v.trainable)]
        return each_once([*ordered, *fixed])

    def reset_states(self) -> None:
        """Lets all layers that are stateful begin anew."""
        for layer in self._flatten_layers():
            if getattr(layer, "stateful", False) and layer is not self:
                layer.reset_states()  # type: ignore[attr-defined]

    def summary(self, line_length: int | None = None, print_fn: Any = None) -> None:
        """Prints the layers with the shapes of their outputs and their numbers of weights.

        Raises ValueError if the model has not been built.
        """
        from minitf.layers.summary import summary_lines

        for line in summary_lines(self, line_length or 80):
            (print_fn or print)(line)

    # -- files ---------------------------------------------------------------------------------------------------------

    def save_weights(self, filepath: Any, overwrite: bool = True, save_format: str | None = None, options: Any = None) -> None:
        """Writes all weights as a checkpoint under the prefix ``filepath``, and notes it as the directory's latest.

        In a graph the values are those of the default session. ``options`` are ``train.CheckpointOptions``. Raises ValueError
        if the model has not been built, or for another format than TensorFlow's checkpoints.
        """
        from minitf.layers.weight_files import save_weights

        save_weights(self, filepath, overwrite, save_format, options)

    def load_weights(self, filepath: Any, skip_mismatch: bool = False, by_name: bool = False, options: Any = None) -> Any:
        """Restores the weights from a checkpoint; those that the model has not made yet when they are made.

        In a graph the default session gets the values at once, later ones too. ``options`` are ``train.CheckpointOptions``.
        Gives the status of the restore. Raises AssertionError if nothing fits the model.
        """
        from minitf.layers.weight_files import load_weights

        return load_weights(self, filepath, skip_mismatch, by_name, options)
