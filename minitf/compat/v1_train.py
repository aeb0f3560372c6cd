"""``tf.compat.v1.train``: ``tf.train`` with the ``Checkpoint`` of TensorFlow 1.x. Nothing is defined here."""

from __future__ import annotations

from minitf.core.lazy import names_from

__getattr__, __dir__, __all__ = names_from(
    __name__,
    {
        "minitf.checkpoint.checkpoint": "CheckpointV1=Checkpoint",
        "minitf.checkpoint.first_values": "init_from_checkpoint warm_start",
        "minitf.optimizers.global_step": "assert_global_step",
        "minitf.optimizers.linear_cosine": "linear_cosine_decay noisy_linear_cosine_decay",
    },
    besides="minitf.train",
)
