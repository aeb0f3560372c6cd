"""``tf.compat.v1.nn``: ``tf.nn`` with the signatures of TensorFlow 1.x. Nothing is defined here."""

from __future__ import annotations

from minitf.core.lazy import names_from

__getattr__, __dir__, __all__ = names_from(
    __name__,
    {
        "minitf.ops.v1": """
            avg_pool conv2d dropout embedding_lookup log_softmax max_pool moments relu_layer sigmoid_cross_entropy_with_logits
            softmax softmax_cross_entropy_with_logits softmax_cross_entropy_with_logits_v2
            sparse_softmax_cross_entropy_with_logits xw_plus_b""",
    },
    besides="minitf.nn",
)
