"""``tf.compat.v1.app``: flags of the command line, and the program's ``main``. Nothing is defined here."""

from __future__ import annotations

from minitf.core.lazy import names_from

__getattr__, __dir__, __all__ = names_from(
    __name__,
    {
        "minitf.environment.app": "run",
        "minitf.environment.flags": "*=flags",
    },
)
