"""How a weight of a layer starts, what is penalised of it, and what it may be: three attributes, named after the weight."""

from __future__ import annotations

from typing import Any

from minitf.layers import constraints, initializers, regularizers


def settle(layer: Any, weight: str, initializer: Any, regularizer: Any = None, constraint: Any = None) -> None:
    """Sets ``layer.<weight>_initializer``, ``_regularizer`` and ``_constraint`` from names, functions or objects.

    Raises ValueError for a name that is none.
    """
    setattr(layer, f"{weight}_initializer", initializers.get(initializer))
    setattr(layer, f"{weight}_regularizer", regularizers.get(regularizer))
    setattr(layer, f"{weight}_constraint", constraints.get(constraint))


def make(layer: Any, weight: str, shape: Any, initializer: Any = None, settings: str | None = None) -> Any:
    """A new weight of the layer with the settings of its name, or of the name ``settings``.

    ``initializer`` takes the place of the settled one.
    """
    named = settings or weight
    return layer.add_weight(
        weight,
        shape,
        initializer=initializer or getattr(layer, f"{named}_initializer"),
        regularizer=getattr(layer, f"{named}_regularizer"),
        constraint=getattr(layer, f"{named}_constraint"),
    )
