"""Layers that go over the steps of a sequence: RNN, SimpleRNN, LSTM, GRU.

The steps are written out one after the other if their number is known, which a session runs fastest; else a loop goes over
them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minitf.layers.abstract import given_shapes
from minitf.layers.call_arguments import training_argument
from minitf.layers.cells import GRUCell, LSTMCell, SimpleRNNCell, first_states
from minitf.layers.input_spec import InputSpec
from minitf.layers.layer import Layer
from minitf.objects.trackable import NoDependency
from minitf.objects.variable import Variable
from minitf.ops.comparisons import select
from minitf.ops.creating import identity, zeros, zeros_like
from minitf.ops.joining import stack, unstack
from minitf.ops.loops import scan
from minitf.ops.shapes import expand_dims
from minitf.ops.shapes import shape as shape_of
from minitf.ops.shaping import transpose
from minitf.runtimes.building import control_dependencies, init_scope


class RNN(Layer):
    """Runs a cell over (batch, steps, features).

    * ``return_sequences``: give the outputs of all steps (batch, steps, units), not only the last.
    * ``return_state``: give a list: the output, then the last states.
    * ``go_backwards``: begin with the last step; the sequence of outputs is then in that order.
    * ``stateful``: a call goes on with the last states of the call before, which are variables (not saved, as in Keras) until
      ``reset_states``. The size of the batch must be known, and stay.
    * ``unroll``: insist on writing the steps out. Raises ValueError when called if their number is not known.
    * ``time_major``: inputs, masks and sequences of outputs have the steps first.
    * ``zero_output_for_mask``: where the mask is False, the output is 0 and not that of the step before.

    ``mask`` (batch, steps): where it is False, output and state stay as they were. ``initial_state``: a tensor for each state
    of the cell, zeros by default.
    """

    supports_masking = True

    def __init__(self, cell: Any, return_sequences: bool = False, return_state: bool = False, go_backwards: bool = False,
                 stateful: bool = False, unroll: bool = False, time_major: bool = False, zero_output_for_mask: bool = False,
                 **kwargs: Any):  # fmt: skip
        super().__init__(**kwargs)
        if not hasattr(cell, "call") or not hasattr(cell, "state_size"):
            raise ValueError(f"RNN: the cell must have `call` and `state_size`, but {type(cell).__name__} does not.")
        self.return_sequences, self.return_state, self.go_backwards = return_sequences, return_state, go_backwards
        self.stateful, self.unroll, self.time_major = stateful, unroll, time_major
        self.zero_output_for_mask = zero_output_for_mask
        self.cell = cell
        sizes = cell.state_size if isinstance(cell.state_size, (list, tuple)) else [cell.state_size]
        self._sizes: Any = NoDependency([int(size) for size in sizes])
        self.state_spec = [InputSpec(shape=(None, size)) for size in sizes]
        self.states: Any = NoDependency([None] * len(sizes))
        self.input_spec = InputSpec(ndim=3)

    def build(self, input_shape: Any) -> None:
        """Builds the cell."""
        input_shape = given_shapes(input_shape)
        if not self.cell.built:
            batch = input_shape[1:2] if self.time_major else input_shape[:1]
            with self.cell.name_scope:
                self.cell.build(batch.concatenate(input_shape[2:]))
            self.cell.built = True
        self.built = True

    def call(self, inputs: Any, mask: Any = None, training: Any = None, initial_state: Any = None) -> Any:
        """The outputs. Raises ValueError if the number of steps is not known and must be."""
        mask = mask[0] if isinstance(mask, (list, tuple)) else mask
        along = 0 if self.time_major else 1
        if self.unroll and inputs.shape[along] is None:
            raise ValueError(
                f"{type(self).__name__} {self.name!r}: with unroll=True the number of steps must be known, but the inputs have "
                f"shape {inputs.shape} (steps on axis {along}). Leave unroll out, or give the placeholder its shape."
            )
        if inputs.shape[along] == 0:
            raise ValueError(f"{type(self).__name__} {self.name!r}: there are no steps to go over (shape {inputs.shape}).")
        states = self._first_states(inputs, initial_state)
        step = self._step(inputs[:, 0] if along else inputs[0], states, training)
        run = self._written_out if inputs.shape[along] is not None else self._looped
        outputs, last, states = run(step, inputs, mask, states, along)
        if self.stateful:
            kept = [v.assign(s, read_value=False) for v, s in zip(self.states, states, strict=True)]
            with control_dependencies([k for k in kept if k is not None]):
                outputs, last = None if outputs is None else identity(outputs), identity(last)
        result = outputs if self.return_sequences else last
        return [result, *states] if self.return_state else result

    def _step(self, first: Any, states: list[Any], training: Any) -> Callable[..., Any]:
        """``step(x, mask, output before, states)`` gives the output and the states after it. ``first``: some step's inputs."""
        further = self._further_arguments(first, states, training)

        def step(x: Any, keep: Any, before: Any, states: Sequence[Any]) -> tuple[Any, list[Any]]:
            output, after = self.cell.call(x, list(states), **further)
            after = list(after) if isinstance(after, (list, tuple)) else [after]
            if keep is None:
                return output, after
            column = expand_dims(keep, -1)
            masked = zeros_like(output) if before is None or self.zero_output_for_mask else before
            return select(column, output, masked), [select(column, new, old) for new, old in zip(after, states, strict=True)]

        return step

    def _written_out(
        self, step: Callable[..., Any], inputs: Any, mask: Any, states: list[Any], along: int
    ) -> tuple[Any, Any, list[Any]]:
        steps = unstack(inputs, axis=along)
        masks = [None] * len(steps) if mask is None else unstack(mask, axis=along)
        if self.go_backwards:
            steps, masks = steps[::-1], masks[::-1]
        outputs: list[Any] = []
        for x, keep in zip(steps, masks, strict=True):
            output, states = step(x, keep, outputs[-1] if outputs else None, states)
            outputs.append(output)
        return (stack(outputs, axis=along) if self.return_sequences else None), outputs[-1], states

    def _looped(
        self, step: Callable[..., Any], inputs: Any, mask: Any, states: list[Any], along: int
    ) -> tuple[Any, Any, list[Any]]:
        if along:
            inputs, mask = _turned(inputs), None if mask is None else _turned(mask)
        first, _ = step(inputs[0], None, None, states)  # it tells what an output is like, and is not computed

        def turn(carried: Any, row: Any) -> Any:
            x, keep = row if mask is not None else (row, None)
            output, after = step(x, keep, carried[0], carried[1:])
            return (output, *after)

        if self.go_backwards:
            inputs, mask = inputs[::-1], None if mask is None else mask[::-1]
        rows = inputs if mask is None else (inputs, mask)
        outputs, *after = scan(turn, rows, (zeros_like(first), *states))
        return (_turned(outputs) if along else outputs), outputs[-1], [s[-1] for s in after]

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the inputs for the outputs of all steps; states have none."""
        mask = mask[0] if isinstance(mask, (list, tuple)) else mask
        out = mask if self.return_sequences else None
        return [out, *([None] * len(self.state_spec))] if self.return_state else out

    # -- states --------------------------------------------------------------------------------------------------------

    def reset_states(self, states: Any = None) -> None:
        """Lets a stateful layer begin anew: with zeros, or with a value for each state.

        Raises AttributeError unless the layer is stateful, ValueError before its first call and for another number of states.
        """
        if not self.stateful:
            raise AttributeError(f"{type(self).__name__} {self.name!r} is not stateful: it has no states to reset.")
        if any(v is None for v in self.states):
            raise ValueError(
                f"{type(self).__name__} {self.name!r} has no states yet: it makes them at its first call, when it learns the "
                f"size of the batch."
            )
        given = None if states is None else list(states) if isinstance(states, (list, tuple)) else [states]
        if given is not None and len(given) != len(self.states):
            raise ValueError(
                f"{type(self).__name__} {self.name!r} has {len(self.states)} states, but reset_states got {len(given)}."
            )
        for number, v in enumerate(self.states):
            v.load(np.zeros(v.shape.as_list(), v.dtype.np) if given is None else given[number])

    def _kept_states(self, batch: int | None) -> list[Any]:
        if batch is None:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} is stateful, so it must know the size of the batch: give the first layer "
                f"batch_input_shape, or the placeholder its whole shape."
            )
        if self.states[0] is None:
            with init_scope():
                dtype = self._weight_dtype
                made = [Variable(zeros((batch, size), dtype), trainable=False, name="state") for size in self._sizes]
            self.states = NoDependency(made)
        if self.states[0].shape[0] != batch:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} keeps the states of {self.states[0].shape[0]} examples, but the batch "
                f"has {batch}. A stateful layer takes batches of one size."
            )
        return [v.read_value() for v in self.states]

    def _batch(self, inputs: Any) -> Any:
        return inputs.shape[1 if self.time_major else 0]

    def _first_states(self, inputs: Any, given: Any) -> list[Any]:
        if given is None and self.stateful:
            return self._kept_states(self._batch(inputs))
        if given is None:
            batch = self._batch(inputs)
            known = shape_of(inputs)[1 if self.time_major else 0] if batch is None else batch
            return first_states(self.cell, known, self._weight_dtype)
        if self.stateful:
            self._kept_states(self._batch(inputs))
        states = list(given) if isinstance(given, (list, tuple)) else [given]
        if len(states) != len(self.state_spec):
            raise ValueError(
                f"{type(self).__name__} {self.name!r} has {len(self.state_spec)} states, but initial_state gives {len(states)}."
            )
        return [self._as_input(s) for s in states]

    def _further_arguments(self, first: Any, states: list[Any], training: Any) -> dict[str, Any]:
        out: dict[str, Any] = {}
        if training_argument(self.cell)[0] is not None:
            out["training"] = training
        if hasattr(self.cell, "masks"):
            out["masks"] = self.cell.masks(first, states, training)
        return out


def _turned(tensor: Any) -> Any:
    """The first two axes exchanged: steps first, or the batch."""
    return transpose(tensor, (1, 0, *range(2, len(tensor.shape))))


class _Named(RNN):
    """A RNN that makes its own cell: the cell's arguments are arguments of the layer."""

    cell_class: type[Any]
    cell_name: str

    def __init__(self, units: int, activation: Any = "tanh", *, return_sequences: bool = False, return_state: bool = False,
                 go_backwards: bool = False, stateful: bool = False, unroll: bool = False, time_major: bool = False,
                 zero_output_for_mask: bool = False, trainable: bool = True, name: str | None = None, dtype: Any = None,
                 input_shape: Any = None, batch_input_shape: Any = None, activity_regularizer: Any = None,
                 **kwargs: Any):  # fmt: skip
        cell = self.cell_class(units, activation, trainable=trainable, name=self.cell_name, dtype=dtype, **kwargs)
        super().__init__(
            cell, return_sequences, return_state, go_backwards, stateful, unroll, time_major, zero_output_for_mask,
            trainable=trainable, name=name, dtype=dtype, input_shape=input_shape, batch_input_shape=batch_input_shape,
            activity_regularizer=activity_regularizer,
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
