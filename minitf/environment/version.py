"""``tf.version``: the version of minitf."""

from __future__ import annotations

from typing import Any

VERSION: str
COMPILER_VERSION: str
__all__ = ["COMPILER_VERSION", "VERSION"]


def __getattr__(name: str) -> Any:
    if name == "VERSION":
        from importlib.metadata import version

        return version("minitf")
    if name == "COMPILER_VERSION":
        from platform import python_compiler

        return python_compiler()  # of the interpreter: minitf itself is not compiled
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
