"""``tf.compat.v1.losses``: weighted losses that a graph collects. Nothing is defined here."""

from __future__ import annotations

from minitf.core.lazy import names_from

__getattr__, __dir__, __all__ = names_from(
    __name__,
    {
        "minitf.layers.weighted_losses": """
            Reduction absolute_difference add_loss compute_weighted_loss cosine_distance get_losses get_regularization_loss
            get_regularization_losses get_total_loss hinge_loss huber_loss log_loss mean_pairwise_squared_error
            mean_squared_error sigmoid_cross_entropy softmax_cross_entropy sparse_softmax_cross_entropy""",
    },
)
