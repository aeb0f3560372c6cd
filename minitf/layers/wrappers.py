"""Layers around a layer: TimeDistributed at every step, Bidirectional in both directions."""

from __future__ import annotations

from typing import Any

from minitf.core.spec import TensorShape
from minitf.layers.abstract import given_shapes
from minitf.layers.call_arguments import training_argument
from minitf.layers.layer import Layer
from minitf.ops.joining import concat
from minitf.ops.shapes import reshape
from minitf.ops.shapes import shape as shape_of
from minitf.ops.shaping import reverse


class TimeDistributed(Layer):
    """Calls a layer on each step of (batch, steps, ...), with the same weights."""

    supports_masking = True

    def __init__(self, layer: Layer, **kwargs: Any):
        if not isinstance(layer, Layer):
            raise ValueError(f"TimeDistributed wraps a layer, not {layer!r}.")
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape: Any) -> None:
        """Builds the layer for one step. Raises ValueError unless the inputs have three axes or more."""
        input_shape = given_shapes(input_shape)
        if input_shape.rank is None or input_shape.rank < 3:
            raise ValueError(f"TimeDistributed needs inputs (batch, steps, ...), but the shape is {input_shape}.")
        if not self.layer.built:
            self.layer.build(TensorShape([None]).concatenate(input_shape[2:]))
            self.layer.built = True
        self.built = True

    def call(self, inputs: Any, training: Any = None) -> Any:
        """The outputs for all steps."""
        further = {} if training_argument(self.layer)[0] is None else {"training": training}
        out = self.layer.call(_with_axes(inputs, [None], inputs, 2), **further)
        return _with_axes(out, list(inputs.shape)[:2], inputs, 1)


def _with_axes(tensor: Any, first: list[int | None], inputs: Any, cut: int) -> Any:
    """``tensor`` in the shape ``first`` + its own sizes from axis ``cut`` on; sizes not known yet are the inputs' or follow."""
    rest = list(tensor.shape)[cut:]
    if (first + rest).count(None) <= 1:
        return reshape(tensor, [-1 if size is None else size for size in first + rest])
    lead = [[-1]] if len(first) == 1 else [shape_of(inputs)[:2]]
    return reshape(tensor, concat([*lead, shape_of(tensor)[cut:]], 0))


class Bidirectional(Layer):
    """A recurrent layer and a copy of it that goes backwards; their outputs are merged.

    ``merge_mode``: "concat", "sum", "mul", "ave", or None for a list of both. ``backward_layer``: another layer for the way
    back. Raises ValueError for other modes.
    """

    supports_masking = True

    def __init__(self, layer: Layer, merge_mode: str | None = "concat", backward_layer: Layer | None = None, **kwargs: Any):
        if merge_mode not in ("concat", "sum", "mul", "ave", None):
            raise ValueError(f"Bidirectional: merge_mode must be 'concat', 'sum', 'mul', 'ave' or None, not {merge_mode!r}.")
        super().__init__(**kwargs)
        self.merge_mode = merge_mode
        self.return_sequences, self.return_state = layer.return_sequences, layer.return_state  # type: ignore[attr-defined]
        there = layer.get_config()
        self.forward_layer = type(layer).from_config({**there, "name": f"forward_{layer.name}"})
        if backward_layer is None:
            back = {**there, "go_backwards": not there.get("go_backwards", False), "name": f"backward_{layer.name}"}
            self.backward_layer = type(layer).from_config(back)
        else:
            if backward_layer.go_backwards == layer.go_backwards:  # type: ignore[attr-defined]
                raise ValueError("Bidirectional: the two layers must go in different directions (go_backwards).")
            self.backward_layer = backward_layer
        directions: list[Any] = [self.forward_layer, self.backward_layer]
        for one in directions:
            one.zero_output_for_mask = one.return_sequences

    def build(self, input_shape: Any) -> None:
        """Builds both layers."""
        for layer in (self.forward_layer, self.backward_layer):
            if not layer.built:
                with layer.name_scope:
                    layer.build(input_shape)
        self.built = True

    def call(self, inputs: Any, mask: Any = None, training: Any = None, initial_state: Any = None) -> Any:
        """The merged outputs; with ``return_state`` a list: outputs, forward states, backward states."""
        states: list[Any] = [None, None]
        if initial_state is not None:
            half = len(initial_state) // 2
            states = [list(initial_state[:half]), list(initial_state[half:])]
        there = self.forward_layer(inputs, mask=mask, training=training, initial_state=states[0])
        back = self.backward_layer(inputs, mask=mask, training=training, initial_state=states[1])
        after: list[Any] = []
        if self.return_state:
            after = [*there[1:], *back[1:]]
            there, back = there[0], back[0]
        if self.return_sequences:
            back = reverse(back, [1])
        merged = self._merge(there, back)
        if not self.return_state:
            return merged
        return [*merged, *after] if self.merge_mode is None else [merged, *after]

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the inputs for the outputs of all steps; states have none."""
        mask = mask[0] if isinstance(mask, (list, tuple)) else mask
        out = mask if self.return_sequences else None
        outputs = [out, out] if self.merge_mode is None else [out]
        if self.return_state:
            return [*outputs, *([None] * 2 * len(self.forward_layer.state_spec))]  # type: ignore[attr-defined]
        return outputs if self.merge_mode is None else out

    def _merge(self, there: Any, back: Any) -> Any:
        if self.merge_mode == "concat":
            return concat([there, back], -1)
        if self.merge_mode == "sum":
            return there + back
        if self.merge_mode == "ave":
            return (there + back) / 2
        return there * back if self.merge_mode == "mul" else [there, back]
