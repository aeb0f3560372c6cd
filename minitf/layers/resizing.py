"""Layers that repeat or cut off steps, rows and columns."""

from __future__ import annotations

from typing import Any

from minitf.layers.input_spec import InputSpec
from minitf.layers.layer import Layer
from minitf.layers.windows import axes_of
from minitf.ops.repeating import repeat


class UpSampling1D(Layer):
    """Every step ``size`` times."""

    def __init__(self, size: int = 2, **kwargs: Any):
        super().__init__(**kwargs)
        self.size = int(size)
        self.input_spec = InputSpec(ndim=3)

    def call(self, inputs: Any) -> Any:
        """The steps, repeated."""
        return repeat(inputs, self.size, 1)


class UpSampling2D(Layer):
    """Every row and column ``size`` times (an int, or rows and columns). Raises ValueError for interpolations but "nearest"."""

    def __init__(self, size: Any = (2, 2), data_format: str | None = None, interpolation: str = "nearest", **kwargs: Any):
        super().__init__(**kwargs)
        if interpolation != "nearest":
            raise ValueError(f"UpSampling2D: interpolation can only be 'nearest' in minitf, not {interpolation!r}.")
        self.size = (size, size) if isinstance(size, int) else tuple(size)
        self.data_format, self.interpolation = data_format or "channels_last", interpolation
        self.input_spec = InputSpec(ndim=4)

    def call(self, inputs: Any) -> Any:
        """The larger pictures."""
        first = 2 if axes_of(2, self.data_format)[1] == "C" else 1
        return repeat(repeat(inputs, self.size[0], first), self.size[1], first + 1)


class Cropping1D(Layer):
    """Without some steps at the beginning and the end. Raises ValueError if nothing would be left."""

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any):
        super().__init__(**kwargs)
        self.cropping = (cropping, cropping) if isinstance(cropping, int) else tuple(cropping)
        self.input_spec = InputSpec(ndim=3)

    def call(self, inputs: Any) -> Any:
        """What is left."""
        return inputs[:, _left(self, inputs.shape[1], *self.cropping)]


class Cropping2D(Layer):
    """Without the edges of pictures: ``cropping`` is an int, a pair (rows, columns), or pairs ((top, bottom), (left, right)).

    Raises ValueError if nothing would be left.
    """

    def __init__(self, cropping: Any = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        given = (cropping, cropping) if isinstance(cropping, int) else tuple(cropping)
        self.cropping = tuple((c, c) if isinstance(c, int) else tuple(c) for c in given)
        self.data_format = data_format or "channels_last"
        self.input_spec = InputSpec(ndim=4)

    def call(self, inputs: Any) -> Any:
        """What is left."""
        first = 2 if axes_of(2, self.data_format)[1] == "C" else 1
        rows, columns = (_left(self, inputs.shape[first + i], *self.cropping[i]) for i in range(2))
        return inputs[:, :, rows, columns] if first == 2 else inputs[:, rows, columns]


def _left(layer: Layer, size: int | None, first: int, last: int) -> slice:
    if size is not None and size <= first + last:
        raise ValueError(f"{type(layer).__name__} {layer.name!r}: cropping {first} and {last} of {size} leaves nothing.")
    return slice(first, -last if last else None)
