"""``import minitf.compat.v1 as tf``: for programs that build graphs and run sessions. Nothing is defined here.

All of ``minitf`` is here too: names of TensorFlow 1.x that have no twin in 2.x stand in both.
"""

from __future__ import annotations

from minitf.core.lazy import names_from

__getattr__, __dir__, __all__ = names_from(
    __name__,
    {
        "minitf.compat.v1_train": "*=train",
        "minitf.objects.variable_scope": "EagerVariableStore no_regularizer variable_op_scope",
    },
    besides="minitf",
    first="minitf.runtimes.eager",
)
