"""Layers that go over the steps of a sequence: RNN, SimpleRNN, LSTM, GRU.

The steps are written out one after the other, so in a graph the number of steps must be known when it is built.
"""

from __future__ import annotations

from typing import Any

from minitf.layers.cells import GRUCell, LSTMCell, SimpleRNNCell, first_states
from minitf.layers.input_spec import InputSpec
from minitf.layers.layer import Layer, training_argument
from minitf.ops.comparisons import select
from minitf.ops.creating import zeros_like
from minitf.ops.joining import stack, unstack
from minitf.ops.shapes import expand_dims
from minitf.ops.shapes import shape as shape_of


class RNN(Layer):
    """Runs a cell over (batch, steps, features).

    * ``return_sequences``: give the outputs of all steps (batch, steps, units), not only the last.
    * ``return_state``: give a list: the output, then the last states.
    * ``go_backwards``: begin with the last step; the sequence of outputs is then in that order.

    ``mask`` (batch, steps): where it is False, output and state stay as they were. ``initial_state``: a tensor for each state
    of the cell, zeros by default.
    """

    def __init__(self, cell: Any, return_sequences: bool = False, return_state: bool = False, go_backwards: bool = False,
                 **kwargs: Any):  # fmt: skip
        super().__init__(**kwargs)
        if not hasattr(cell, "call") or not hasattr(cell, "state_size"):
            raise ValueError(f"RNN: the cell must have `call` and `state_size`, but {type(cell).__name__} does not.")
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.cell = cell
        sizes = cell.state_size if isinstance(cell.state_size, (list, tuple)) else [cell.state_size]
        self.state_spec = [InputSpec(shape=(None, size)) for size in sizes]
        self.input_spec = InputSpec(ndim=3)

    def build(self, input_shape: Any) -> None:
        """Builds the cell."""
        if not self.cell.built:
            with self.cell.name_scope:
                self.cell.build(input_shape[:1].concatenate(input_shape[2:]))
            self.cell.built = True
        self.built = True

    def call(self, inputs: Any, mask: Any = None, training: Any = None, initial_state: Any = None) -> Any:
        """The outputs. Raises ValueError if the number of steps is not known."""
        if inputs.shape[1] is None:
            raise ValueError(
                f"{type(self).__name__} {self.name!r}: the number of steps (axis 1 of the inputs, which have shape "
                f"{inputs.shape}) must be known when a graph is built. Give the placeholder its shape, or use eager mode."
            )
        steps = unstack(inputs, axis=1)
        masks = [None] * len(steps) if mask is None else unstack(mask, axis=1)
        if self.go_backwards:
            steps, masks = steps[::-1], masks[::-1]
        states = self._first_states(inputs, initial_state)
        further = self._further_arguments(steps, states, training)
        outputs: list[Any] = []
        for x, keep in zip(steps, masks, strict=True):
            output, after = self.cell.call(x, states, **further)
            after = list(after) if isinstance(after, (list, tuple)) else [after]
            if keep is not None:
                column = expand_dims(keep, -1)
                output = select(column, output, outputs[-1] if outputs else zeros_like(output))
                after = [select(column, new, old) for new, old in zip(after, states, strict=True)]
            outputs.append(output)
            states = after
        result = stack(outputs, axis=1) if self.return_sequences else outputs[-1]
        return [result, *states] if self.return_state else result

    def _first_states(self, inputs: Any, given: Any) -> list[Any]:
        if given is None:
            batch = inputs.shape[0] if inputs.shape[0] is not None else shape_of(inputs)[0]
            return first_states(self.cell, batch, self._weight_dtype)
        states = list(given) if isinstance(given, (list, tuple)) else [given]
        if len(states) != len(self.state_spec):
            raise ValueError(
                f"{type(self).__name__} {self.name!r} has {len(self.state_spec)} states, but initial_state gives {len(states)}."
            )
        return [self._as_input(s) for s in states]

    def _further_arguments(self, steps: list[Any], states: list[Any], training: Any) -> dict[str, Any]:
        out: dict[str, Any] = {}
        if training_argument(self.cell)[0] is not None:
            out["training"] = training
        if hasattr(self.cell, "masks"):
            out["masks"] = self.cell.masks(steps[0], states, training)
        return out


class _Named(RNN):
    """A RNN that makes its own cell: the cell's arguments are arguments of the layer."""

    cell_class: type[Any]
    cell_name: str

    def __init__(self, units: int, activation: Any = "tanh", *, return_sequences: bool = False, return_state: bool = False,
                 go_backwards: bool = False, trainable: bool = True, name: str | None = None, dtype: Any = None,
                 input_shape: Any = None, batch_input_shape: Any = None, **kwargs: Any):  # fmt: skip
        cell = self.cell_class(units, activation, trainable=trainable, name=self.cell_name, dtype=dtype, **kwargs)
        super().__init__(
            cell, return_sequences, return_state, go_backwards, trainable=trainable, name=name, dtype=dtype,
            input_shape=input_shape, batch_input_shape=batch_input_shape,
        )  # fmt: skip

    @property
    def units(self) -> int:
        """The size of the outputs."""
        return int(self.cell.units)


class SimpleRNN(_Named):
    """Fully connected recurrent layer: see ``SimpleRNNCell`` for what a step does and its arguments, ``RNN`` for the others."""

    cell_class, cell_name = SimpleRNNCell, "simple_rnn_cell"


class LSTM(_Named):
    """Long short-term memory: see ``LSTMCell`` for what a step does and its arguments, ``RNN`` for the others."""

    cell_class, cell_name = LSTMCell, "lstm_cell"


class GRU(_Named):
    """Gated recurrent units: see ``GRUCell`` for what a step does and its arguments, ``RNN`` for the others."""

    cell_class, cell_name = GRUCell, "gru_cell"
