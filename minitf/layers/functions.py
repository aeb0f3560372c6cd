"""Layers that are functions: of one's own, or so small that they need no room."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from minitf.layers import regularizers
from minitf.layers.layer import Layer
from minitf.objects.trackable import NoDependency
from minitf.ops.creating import cast


class Lambda(Layer):
    """Any function of the inputs, with further ``arguments``. It gets ``mask`` and ``training`` if it takes them.

    Variables that it uses are not the layer's: write a layer to train them.
    """

    def __init__(self, function: Callable[..., Any], output_shape: Any = None, mask: Any = None,
                 arguments: Mapping[str, Any] | None = None, **kwargs: Any):  # fmt: skip
        super().__init__(**kwargs)
        self.function, self.mask = function, mask
        self.arguments: Any = NoDependency(dict(arguments or {}))
        self.supports_masking = mask is not None
        taken = inspect.signature(function).parameters
        self._passes: Any = NoDependency([name for name in ("mask", "training") if name in taken])

    def call(self, inputs: Any, mask: Any = None, training: Any = None) -> Any:
        """What the function gives."""
        known = {"mask": mask, "training": training}
        return self.function(inputs, **{**{name: known[name] for name in self._passes}, **self.arguments})

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask that was given, or what it gives as a function of inputs and mask."""
        return self.mask(inputs, mask) if callable(self.mask) else self.mask


class Identity(Layer):
    """Gives the inputs."""

    supports_masking = True


class Rescaling(Layer):
    """``inputs * scale + offset``: pictures with values from 0 to 255 take ``Rescaling(1 / 255)``."""

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.scale, self.offset = scale, offset

    def call(self, inputs: Any) -> Any:
        """The scaled inputs, in the layer's dtype."""
        dtype = self._weight_dtype
        return cast(inputs, dtype) * cast(self.scale, dtype) + cast(self.offset, dtype)


class ActivityRegularization(Layer):
    """Gives the inputs, and adds a penalty on them to the losses: ``l1 * sum(|x|) + l2 * sum(x ** 2)``, for one example."""

    supports_masking = True

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any):
        super().__init__(activity_regularizer=regularizers.L1L2(l1, l2), **kwargs)
        self.l1, self.l2 = l1, l2
