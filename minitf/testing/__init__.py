"""The public test kit: what the laws of minitf are checked with, for this package and for parts that others write.

``strategies`` and ``machine`` need Hypothesis, ``conformance`` needs pytest (``pip install minitf[testing]``); the rest needs
neither.
"""

from __future__ import annotations

from minitf.core.lazy import names_from

__getattr__, __dir__, __all__ = names_from(
    __name__,
    {
        "minitf.testing.divergence": "Divergence",
        "minitf.testing.machine": "RestoreMachine",
        "minitf.testing.object_graphs": "Add Drop ObjectGraph Rename Swap edited",
        "minitf.testing.op_programs": "Call OpProgram Result check_parity",
        "minitf.testing.ops": "check_gradients check_op check_op_gradients",
        "minitf.testing.twins": "Twins",
    },
    submodules="conformance laws model strategies twins walks",
)
