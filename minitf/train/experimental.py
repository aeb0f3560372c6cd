"""``tf.train.experimental``. Nothing is defined here."""

from __future__ import annotations

from minitf.core.lazy import names_from

__getattr__, __dir__, __all__ = names_from(
    __name__,
    {
        "minitf.checkpoint.sharding.callback": "ShardableTensor ShardingCallback",
        "minitf.checkpoint.sharding.policies": "MaxShardSizePolicy ShardByTaskPolicy",
        "minitf.objects.python_state": "PythonState",
    },
)
