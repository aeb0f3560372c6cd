"""Embedding: a trained vector for each of a number of things. Masking: steps that stand for nothing."""

from __future__ import annotations

from typing import Any

from minitf.core import dtypes
from minitf.layers.layer import Layer
from minitf.layers.weight_settings import make, settle
from minitf.ops.comparisons import not_equal
from minitf.ops.creating import cast
from minitf.ops.gathering import gather
from minitf.ops.reductions import reduce_any
from minitf.ops.shapes import expand_dims


class Embedding(Layer):
    """Vectors by number: (batch, n) integers below ``input_dim`` to (batch, n, output_dim). Weight: ``embeddings``.

    ``mask_zero``: the number 0 stands for nothing, and the mask of the outputs says where it was.
    """

    def __init__(self, input_dim: int, output_dim: int, embeddings_initializer: Any = "uniform",
                 embeddings_regularizer: Any = None, activity_regularizer: Any = None, embeddings_constraint: Any = None,
                 mask_zero: bool = False, input_length: int | None = None, **kwargs: Any):  # fmt: skip
        if input_length is not None:
            kwargs.setdefault("input_shape", (input_length,))
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        if input_dim <= 0 or output_dim <= 0:
            raise ValueError(f"Embedding: input_dim and output_dim must be positive, not {input_dim} and {output_dim}.")
        self.input_dim, self.output_dim = int(input_dim), int(output_dim)
        self.mask_zero = self.supports_masking = mask_zero
        settle(self, "embeddings", embeddings_initializer, embeddings_regularizer, embeddings_constraint)

    def _as_input(self, value: Any) -> Any:
        value = super()._as_input(value)
        return cast(value, dtypes.int32) if value.dtype not in (dtypes.int32, dtypes.int64) else value

    def build(self, input_shape: Any) -> None:
        """Makes the vectors."""
        self.embeddings = make(self, "embeddings", (self.input_dim, self.output_dim))
        self.built = True

    def call(self, inputs: Any) -> Any:
        """The vectors of the inputs. A number out of range raises InvalidArgumentError."""
        return gather(self.embeddings, inputs)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Where the inputs are not 0, with ``mask_zero``; else None."""
        return not_equal(inputs, 0) if self.mask_zero else None


class Masking(Layer):
    """Masks the steps of (batch, steps, features) whose features are all ``mask_value``, and sets them to 0."""

    supports_masking = True

    def __init__(self, mask_value: float = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.mask_value = mask_value

    def call(self, inputs: Any) -> Any:
        """The inputs, 0 where they are masked."""
        return inputs * cast(expand_dims(self.compute_mask(inputs), -1), inputs.dtype)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Where some feature is not ``mask_value``."""
        return reduce_any(not_equal(inputs, self.mask_value), -1)
