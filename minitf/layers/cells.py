"""One step of recurrent layers: SimpleRNNCell, LSTMCell, GRUCell.

A cell is a layer with ``state_size`` (a size, or one for each of its states) and ``call(inputs, states)``, which gives the
output and the list of new states. Any class like that can be given to ``RNN``.
"""

from __future__ import annotations

from typing import Any

from minitf.layers import activations, drawing
from minitf.layers.abstract import given_shapes
from minitf.layers.dense import last_size
from minitf.layers.layer import Layer
from minitf.layers.switching import in_training
from minitf.layers.weight_settings import make, settle
from minitf.ops.creating import cast, ones_like
from minitf.ops.creating import ones as ones_of
from minitf.ops.creating import zeros as zeros_of
from minitf.ops.joining import concat, split, unstack
from minitf.ops.products import matmul
from minitf.ops.shapes import shape as shape_of


class Cell(Layer):
    """What the three cells have in common: kernels and a bias for ``gates`` gates, and dropout.

    ``dropout`` drops inputs and ``recurrent_dropout`` states; the same elements at all steps of a call (Gal and Ghahramani,
    2016).
    """

    gates = 1
    bias_initializer: Any

    def __init__(self, units: int, activation: Any = "tanh", use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
                 recurrent_initializer: Any = "orthogonal", bias_initializer: Any = "zeros", kernel_regularizer: Any = None,
                 recurrent_regularizer: Any = None, bias_regularizer: Any = None, kernel_constraint: Any = None,
                 recurrent_constraint: Any = None, bias_constraint: Any = None, dropout: float = 0.0,
                 recurrent_dropout: float = 0.0, seed: Any = None, **kwargs: Any):  # fmt: skip
        super().__init__(**kwargs)
        if units <= 0:
            raise ValueError(f"{type(self).__name__}: units must be positive, not {units}.")
        self.units = int(units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        settle(self, "kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        settle(self, "recurrent", recurrent_initializer, recurrent_regularizer, recurrent_constraint)
        settle(self, "bias", bias_initializer, bias_regularizer, bias_constraint)
        self.dropout = min(1.0, max(0.0, dropout))
        self.recurrent_dropout = min(1.0, max(0.0, recurrent_dropout))
        self.seed = seed
        self.state_size: Any = self.units
        self.output_size = self.units

    def build(self, input_shape: Any) -> None:
        """Makes kernel, recurrent_kernel and bias."""
        columns = self.gates * self.units
        self.kernel = make(self, "kernel", (last_size(given_shapes(input_shape), self), columns))
        self.recurrent_kernel = make(self, "recurrent_kernel", (self.units, columns), settings="recurrent")
        self.bias = make(self, "bias", self._bias_shape(columns), self._bias_start) if self.use_bias else None
        self.built = True

    def _bias_shape(self, columns: int) -> tuple[int, ...]:
        return (columns,)

    def _bias_start(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        return self.bias_initializer(shape, dtype=dtype)

    def masks(self, inputs: Any, states: list[Any], training: Any) -> tuple[Any, Any]:
        """Factors for the inputs and the first state of all steps of a call; None where nothing is dropped."""
        return self._mask(inputs, self.dropout, training), self._mask(states[0], self.recurrent_dropout, training)

    def _mask(self, like: Any, rate: float, training: Any) -> Any:
        if rate == 0.0:
            return None

        def draw() -> Any:
            size = like.shape if like.shape.is_fully_defined() else shape_of(like)
            kept = drawing.uniform(self.seed, size, 0.0, 1.0, like.dtype) >= rate
            return cast(kept, like.dtype) * (1.0 / max(1.0 - rate, 1e-7))

        return in_training(training, draw, lambda: ones_like(like))

    def call(self, inputs: Any, states: Any = None, training: Any = None, masks: Any = None) -> tuple[Any, list[Any]]:
        """The output and the new states of one step."""
        states = list(states) if isinstance(states, (list, tuple)) else [states]
        dropped = self.masks(inputs, states, training) if masks is None else masks
        inputs = inputs if dropped[0] is None else inputs * dropped[0]
        return self._step(inputs, states, states[0] if dropped[1] is None else states[0] * dropped[1])

    def _step(self, inputs: Any, states: list[Any], recurrent: Any) -> tuple[Any, list[Any]]:
        """``recurrent`` is the first state after dropout."""
        raise NotImplementedError

    def _sum(self, inputs: Any, recurrent: Any) -> Any:
        out = matmul(inputs, self.kernel) + matmul(recurrent, self.recurrent_kernel)
        return out if self.bias is None else out + self.bias


class SimpleRNNCell(Cell):
    """``h = activation(x @ kernel + h @ recurrent_kernel + bias)``"""

    def _step(self, inputs: Any, states: list[Any], recurrent: Any) -> tuple[Any, list[Any]]:
        out = self.activation(self._sum(inputs, recurrent))
        return out, [out]


class LSTMCell(Cell):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997): an output h and a memory c with gates to write, keep and
    read it.

    The kernels hold the gates input, forget, candidate, output side by side. ``unit_forget_bias``: the forget gate's bias
    starts at 1.
    """

    gates = 4

    def __init__(self, units: int, activation: Any = "tanh", recurrent_activation: Any = "sigmoid", use_bias: bool = True,
                 kernel_initializer: Any = "glorot_uniform", recurrent_initializer: Any = "orthogonal",
                 bias_initializer: Any = "zeros", unit_forget_bias: bool = True, **kwargs: Any):  # fmt: skip
        super().__init__(units, activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer, **kwargs)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias
        self.state_size = [self.units, self.units]

    def _bias_start(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        if not self.unit_forget_bias:
            return super()._bias_start(shape, dtype)
        start, rest = self.bias_initializer, 2 * self.units
        return concat([start((self.units,), dtype=dtype), ones_of((self.units,), dtype), start((rest,), dtype=dtype)], 0)

    def _step(self, inputs: Any, states: list[Any], recurrent: Any) -> tuple[Any, list[Any]]:
        write, keep, candidate, read = split(self._sum(inputs, recurrent), 4, axis=-1)
        gate = self.recurrent_activation
        memory = gate(keep) * states[1] + gate(write) * self.activation(candidate)
        out = gate(read) * self.activation(memory)
        return out, [out, memory]


class GRUCell(Cell):
    """Gated recurrent unit (Cho et al., 2014): ``h = z * h + (1 - z) * candidate``, with a gate r between h and the candidate.

    The kernels hold the gates update z, reset r, candidate side by side. ``reset_after``: r is applied after the product with
    the recurrent kernel, which then has a bias of its own (``bias`` has two rows).
    """

    gates = 3

    def __init__(self, units: int, activation: Any = "tanh", recurrent_activation: Any = "sigmoid", use_bias: bool = True,
                 kernel_initializer: Any = "glorot_uniform", recurrent_initializer: Any = "orthogonal",
                 bias_initializer: Any = "zeros", reset_after: bool = True, **kwargs: Any):  # fmt: skip
        super().__init__(units, activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer, **kwargs)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.reset_after = reset_after

    def _bias_shape(self, columns: int) -> tuple[int, ...]:
        return (2, columns) if self.reset_after else (columns,)

    def _step(self, inputs: Any, states: list[Any], recurrent: Any) -> tuple[Any, list[Any]]:
        biases: list[Any] = [None, None]
        if self.bias is not None:
            biases = unstack(self.bias, 2) if self.reset_after else [self.bias, None]
        given = matmul(inputs, self.kernel)
        given = given if biases[0] is None else given + biases[0]
        given_z, given_r, given_h = split(given, 3, axis=-1)
        gate, units = self.recurrent_activation, self.units
        if self.reset_after:
            inner = matmul(recurrent, self.recurrent_kernel)
            inner_z, inner_r, inner_h = split(inner if biases[1] is None else inner + biases[1], 3, axis=-1)
            z, r = gate(given_z + inner_z), gate(given_r + inner_r)
            candidate = self.activation(given_h + r * inner_h)
        else:
            kernel = self.recurrent_kernel
            inner_z, inner_r = split(matmul(recurrent, kernel[:, : 2 * units]), 2, axis=-1)
            z, r = gate(given_z + inner_z), gate(given_r + inner_r)
            candidate = self.activation(given_h + matmul(r * recurrent, kernel[:, 2 * units :]))
        out = z * states[0] + (1.0 - z) * candidate
        return out, [out]


def first_states(cell: Any, batch: Any, dtype: Any) -> list[Any]:
    """Zeros for each state of a cell. ``batch``: the number of examples, as an int or a tensor."""
    sizes = cell.state_size if isinstance(cell.state_size, (list, tuple)) else [cell.state_size]
    return [zeros_of((batch, size), dtype) for size in sizes]
