"""MultiHeadAttention: each query takes a mean of values, weighted by how well their keys go with it."""

from __future__ import annotations

import math
from functools import reduce
from operator import and_
from typing import Any

from minitf.layers.activation import Softmax
from minitf.layers.dense import EinsumDense
from minitf.layers.dropout import Dropout
from minitf.layers.layer import Layer
from minitf.layers.masks import mask_of
from minitf.ops.creating import cast, ones
from minitf.ops.diagonals import band_part
from minitf.ops.einsum import einsum
from minitf.ops.shapes import expand_dims
from minitf.ops.shapes import shape as shape_of


class MultiHeadAttention(Layer):
    """Attention with several heads (Vaswani et al., 2017): ``layer(query, value, key=value)``, all
    (batch, length, size); value and key are by default the query.

    Each head projects to ``key_dim`` (values: ``value_dim``), weighs the values by ``softmax(q . k / sqrt(key_dim))``, and
    all heads are projected back to the size of the query or ``output_shape``. ``attention_mask`` (batch, queries, keys):
    False keeps a query from a key; so do the masks of the three.
    """

    supports_masking = True

    def __init__(self, num_heads: int, key_dim: int, value_dim: int | None = None, dropout: float = 0.0, use_bias: bool = True,
                 output_shape: Any = None, kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 **kwargs: Any):  # fmt: skip
        super().__init__(**kwargs)
        self.num_heads, self.key_dim = num_heads, key_dim
        self.value_dim = value_dim or key_dim
        self.dropout, self.use_bias = dropout, use_bias
        self._given_output_shape = (
            output_shape if output_shape is None or isinstance(output_shape, int) else tuple(output_shape)
        )
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer

    def build(self, input_shape: Any) -> None:
        """Makes the layers inside; they build themselves when they are called."""
        heads, bias = (None, self.num_heads, self.key_dim), "de" if self.use_bias else None
        starts = {"kernel_initializer": self.kernel_initializer, "bias_initializer": self.bias_initializer, "dtype": self.dtype}
        self._query_dense = EinsumDense("abc,cde->abde", heads, bias_axes=bias, name="query", **starts)
        self._key_dense = EinsumDense("abc,cde->abde", heads, bias_axes=bias, name="key", **starts)
        values = (None, self.num_heads, self.value_dim)
        self._value_dense = EinsumDense("abc,cde->abde", values, bias_axes=bias, name="value", **starts)
        self._softmax = Softmax(axis=-1, dtype=self.dtype)
        self._dropout_layer = Dropout(self.dropout, dtype=self.dtype)
        size = input_shape[-1] if self._given_output_shape is None else self._given_output_shape
        out = (None, *(size if isinstance(size, tuple) else (size,)))
        letters = "efgh"[: len(out) - 1]
        self._output_dense = EinsumDense(
            f"abcd,cd{letters}->ab{letters}",
            out,
            bias_axes=letters if self.use_bias else None,
            name="attention_output",
            **starts,
        )
        self.built = True

    def call(self, query: Any, value: Any = None, key: Any = None, attention_mask: Any = None,
             return_attention_scores: bool = False, training: Any = None, use_causal_mask: bool = False) -> Any:  # fmt: skip
        """The attended values; with ``return_attention_scores`` a pair with the weights (batch, heads, queries, keys).

        ``use_causal_mask`` keeps queries from keys that come later.
        """
        value = query if value is None else value
        key = value if key is None else key
        q = self._query_dense(query) * (1.0 / math.sqrt(float(self.key_dim)))
        v = self._value_dense(value)
        k = self._key_dense(key)
        masks = [_among_heads(mask_of(tensor), axis) for tensor, axis in ((query, -1), (value, -2), (key, -2))]
        if attention_mask is not None:
            masks.append(expand_dims(cast(attention_mask, "bool"), -3))
        if use_causal_mask:
            masks.append(_causal(q, k))
        known = [m for m in masks if m is not None]
        mask = reduce(and_, known) if known else None
        scores = self._softmax(einsum("btnd,bsnd->bnts", q, k), mask=mask)
        kept = self._dropout_layer(scores, training=training)
        out = self._output_dense(einsum("bnts,bsnd->btnd", kept, v))
        return (out, scores) if return_attention_scores else out


def _among_heads(mask: Any, axis: int) -> Any:
    """A mask of steps (batch, length) as one of pairs of steps, (batch, 1, length, 1) or (batch, 1, 1, length)."""
    return None if mask is None else expand_dims(expand_dims(mask, axis), 1)


def _causal(q: Any, k: Any) -> Any:
    """True where the key does not come after the query."""
    sizes = [t.shape[1] if t.shape[1] is not None else shape_of(t)[1] for t in (q, k)]
    return cast(band_part(ones(sizes), -1, 0), "bool")
