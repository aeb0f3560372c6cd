"""Layers that only move elements: Flatten, Reshape, Permute, RepeatVector."""

from __future__ import annotations

import math
from typing import Any

from minitf.layers.input_spec import InputSpec
from minitf.layers.layer import Layer
from minitf.ops.joining import concat
from minitf.ops.repeating import tile
from minitf.ops.shapes import expand_dims, reshape, shape
from minitf.ops.shaping import transpose


class Flatten(Layer):
    """All axes but the first as one. ``data_format`` "channels_first" moves axis 1 to the end before."""

    def __init__(self, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = "channels_last" if data_format is None else data_format
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Any) -> Any:
        """Shape (batch, product of the other sizes)."""
        rank = len(inputs.shape)
        if self.data_format == "channels_first" and rank > 1:
            inputs = transpose(inputs, (0, *range(2, rank), 1))
        if rank == 1:
            return expand_dims(inputs, -1)
        rest = list(inputs.shape)[1:]
        if None not in rest:
            return reshape(inputs, (-1, math.prod(rest)))
        return reshape(inputs, (inputs.shape[0] if inputs.shape[0] is not None else shape(inputs)[0], -1))


class Reshape(Layer):
    """The axes after the first in another shape; one size may be -1."""

    def __init__(self, target_shape: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.target_shape = tuple(target_shape)

    def call(self, inputs: Any) -> Any:
        """Shape (batch, *target_shape)."""
        sizes = list(inputs.shape)[1:]
        target = self.target_shape
        if -1 in target and None not in sizes:
            known = -math.prod(target)
            target = tuple(math.prod(sizes) // known if t == -1 and known else t for t in target)
        if -1 not in target:
            return reshape(inputs, (-1, *target))
        return reshape(inputs, concat([shape(inputs)[:1], list(target)], 0))


class Permute(Layer):
    """The axes after the first in another order: ``Permute((2, 1))`` exchanges axes 1 and 2. Raises ValueError for no
    permutation.
    """

    def __init__(self, dims: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(f"Permute: dims must be a permutation of 1 to {len(self.dims)}, not {self.dims}.")
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs: Any) -> Any:
        """The inputs with axes exchanged."""
        return transpose(inputs, (0, *self.dims))


class RepeatVector(Layer):
    """Each vector n times: (batch, size) to (batch, n, size)."""

    def __init__(self, n: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.n = int(n)
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: Any) -> Any:
        """The repeated vectors."""
        return tile(expand_dims(inputs, 1), (1, self.n, 1))
