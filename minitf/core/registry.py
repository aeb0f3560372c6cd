"""All ops by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from minitf.core.op import Op

REGISTRY: dict[str, Op] = {}
