"""Sequential: layers one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minitf.core import names
from minitf.core.spec import Spec, as_shape
from minitf.layers.abstract import mapped, specs_for, specs_of_call
from minitf.layers.layer import Layer
from minitf.layers.masks import give_mask, mask_of
from minitf.layers.model import Model
from minitf.objects.edges import arrived, changed
from minitf.objects.trackable import NoDependency
from minitf.ops.creating import identity


class InputLayer(Layer):
    """The place of a model's inputs: it tells their shape and dtype and does nothing else."""

    supports_masking = True

    def __init__(self, input_shape: Any = None, batch_size: int | None = None, dtype: Any = None, name: str | None = None,
                 batch_input_shape: Any = None):  # fmt: skip
        given = batch_input_shape if batch_input_shape is not None else (batch_size, *(as_shape(input_shape) or ()))
        super().__init__(name=name, dtype=dtype, batch_input_shape=given)
        self.built = True


def Input(shape: Any = None, batch_size: int | None = None, name: str | None = None, dtype: Any = None,
          batch_shape: Any = None) -> InputLayer:  # fmt: skip
    """The first entry of a ``Sequential`` that tells the shape of its inputs (without the batch axis)."""
    return InputLayer(shape, batch_size, dtype, name, batch_shape)


class Sequential(Model):
    """Calls its layers one after the other, each on what the one before gave.

    The weights are made at the first call, or at once if the first layer says its ``input_shape``. The model's edges are
    ``layer-0``, ``layer-1``, ... and, for those with weights, ``layer_with_weights-0``, ...
    """

    def __init__(self, layers: Any = None, name: str | None = None):
        super().__init__(name=name)
        self._chain: list[Layer] = []
        self._known: Any = None  # the inputs' spec, if a layer told it
        self._reached: Any = None  # what the last layer gives for it
        self._seen: Any = None  # the inputs' spec when the layers were built
        for layer in layers or []:
            self.add(layer)

    def __setattr__(self, name: str, value: Any) -> None:
        """The list of layers makes no edges: they are computed."""
        super().__setattr__(name, NoDependency(value) if name in ("_chain", "_known", "_reached", "_seen") else value)

    @property
    def layers(self) -> list[Layer]:
        """The layers in order."""
        return list(self._chain)

    def add(self, layer: Layer) -> None:
        """Adds a layer at the end. A checkpoint that waits for it is restored into it.

        Raises TypeError for things that are no layers, ValueError for a second layer of a name.
        """
        if not isinstance(layer, Layer):
            raise TypeError(f"Sequential.add takes layers, not {layer!r}. Wrap a function in keras.layers.Activation.")
        if isinstance(layer, InputLayer):
            if self._chain or self._known is not None:
                raise ValueError(f"Sequential {self.name!r}: an input can only come first.")
            self._known = self._reached = Spec(layer._weight_dtype, layer._input_shape)
            object.__setattr__(self, "_in_a_model", (self._known, self._known))  # until there are layers
            return
        if any(layer.name == other.name for other in self._chain):
            raise ValueError(
                f"Sequential {self.name!r} has a layer named {layer.name!r} already: names must be unique in a model."
            )
        if not self._chain and self._known is None and layer._input_shape is not None:
            self._known = self._reached = Spec(layer._weight_dtype, layer._input_shape)
        self._chain.append(layer)
        try:
            changed()
            arrived(self, f"layer-{len(self._chain) - 1}", layer)
            if self._known is not None:
                self._seen, self._reached = self._known, _passed(layer, self._reached)
        except BaseException:
            self._chain.pop()
            changed()
            raise
        self.built = self._known is not None

    def pop(self) -> None:
        """Removes the last layer. Raises TypeError if there is none."""
        if not self._chain:
            raise TypeError(f"Sequential {self.name!r} has no layers to remove.")
        self._chain.pop()
        changed()
        if self._known is not None:
            self._reached = self._known
            for layer in self._chain:
                self._reached = specs_of_call(layer, self._reached)
        self.built = self.built and bool(self._chain)

    def build(self, input_shape: Any = None) -> None:
        """Makes all weights for inputs of a shape (with the batch axis). Raises ValueError without layers or shape."""
        if not self._chain:
            raise ValueError(f"Sequential {self.name!r} has no layers: add one before building it.")
        if input_shape is None:
            raise ValueError(f"Sequential {self.name!r}: give the shape of the inputs, as build((None, size)).")
        self._build_layers(specs_for(input_shape, self._weight_dtype))
        self.built = True

    def _build_layers(self, specs: Any) -> None:
        self._seen = specs
        for layer in self._chain:
            specs = _passed(layer, specs)

    def _build_for(self, inputs: Any, outside: names.Scope) -> None:
        """Builds the layers as if they were called one by one where the model was called: the weights are ``dense/kernel``."""
        if self._chain:
            with names.entered(outside):
                self._build_layers(mapped(_any_batch, inputs))
        self.built = True

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """What the last layer gives. ``mask``: which steps of the inputs count, if they do not say it themselves."""
        if mask is not None and mask is not mask_of(inputs):
            inputs = identity(inputs)
            give_mask(inputs, mask)
        for layer in self._chain:
            inputs = layer(inputs)
        return inputs

    def _shape_there(self, which: int, what: str) -> Any:
        """Of the first layer's inputs or the last layer's outputs: told by the first layer, or by building the model."""
        first, last = (self._chain[0], self._chain[-1]) if self._chain else (self, self)
        if self._known is None and not self.built:
            raise AttributeError(f"Sequential {self.name!r} was not told the shape of its inputs, and has not been built.")
        return Layer._shape_there(last if which else first, which, what)

    # -- weights and edges ---------------------------------------------------------------------------------------------

    def _sublayers(self) -> list[Layer]:
        return [*self._chain, *(layer for layer in super()._sublayers() if all(layer is not other for other in self._chain))]

    def _built_weights(self, which: str) -> list[Any]:
        if not self.built:
            raise ValueError(
                f"Weights for model {self.name!r} have not yet been created. Weights are created when the model is first "
                "called on inputs or `build()` is called with an `input_shape`."
            )
        return getattr(super(), which)  # type: ignore[no-any-return]

    @property
    def weights(self) -> list[Any]:
        """All variables, layer by layer. Raises ValueError if the model has not been built."""
        return self._built_weights("weights")

    @property
    def trainable_weights(self) -> list[Any]:
        """The variables that are trained. Raises ValueError if the model has not been built."""
        return self._built_weights("trainable_weights")

    @property
    def non_trainable_weights(self) -> list[Any]:
        """The variables that are not trained. Raises ValueError if the model has not been built."""
        return self._built_weights("non_trainable_weights")

    def _children(self) -> Mapping[str, Any]:
        edges: dict[str, Any] = {}
        with_weights = 0
        for number, layer in enumerate(self._chain):
            if _has_weights(layer):
                edges[f"layer_with_weights-{with_weights}"] = layer
                with_weights += 1
            edges[f"layer-{number}"] = layer
        return {**edges, **super()._children()}


def _passed(layer: Layer, specs: Any) -> Any:
    """The specs that a layer of the chain gives for these. It remembers both."""
    result = specs_of_call(layer, specs)
    object.__setattr__(layer, "_in_a_model", (specs, result))
    return result


def _any_batch(tensor: Any) -> Spec:
    """The spec of a tensor with the size of its first axis open."""
    shape = tensor.spec.shape
    return Spec(tensor.dtype, (None, *shape[1:]) if shape else shape)


def _has_weights(layer: Layer) -> bool:
    try:
        return bool(layer.weights)
    except ValueError:  # a model inside that has not been built
        return False
