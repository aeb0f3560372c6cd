"""What a layer asks of the shapes of its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minitf.core import dtypes
from minitf.core.spec import Shape, as_shape, compatible, shape_text
from minitf.core.structures import flatten
from minitf.core.tensor import Tensor


class InputSpec:
    """Rank, shape or sizes that an input must have. ``axes``: sizes by axis (negative ones count from the end)."""

    __slots__ = ("axes", "dtype", "max_ndim", "min_ndim", "ndim", "shape")

    def __init__(self, dtype: Any = None, shape: Any = None, ndim: int | None = None, max_ndim: int | None = None,
                 min_ndim: int | None = None, axes: Mapping[int, int | None] | None = None):  # fmt: skip
        self.dtype = None if dtype is None else dtypes.as_dtype(dtype)
        self.shape = None if shape is None else as_shape(shape)
        self.ndim = ndim if self.shape is None else len(self.shape)
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.axes = dict(axes or {})

    def fault(self, sizes: Shape) -> str | None:
        """What is wrong with a shape, or None."""
        if sizes is None:
            return "its rank is not known" if self.ndim or self.min_ndim or self.max_ndim or self.axes else None
        rank = len(sizes)
        if self.ndim is not None and rank != self.ndim:
            return f"expected ndim={self.ndim}, found ndim={rank}"
        if self.max_ndim is not None and rank > self.max_ndim:
            return f"expected max_ndim={self.max_ndim}, found ndim={rank}"
        if self.min_ndim is not None and rank < self.min_ndim:
            return f"expected min_ndim={self.min_ndim}, found ndim={rank}"
        for axis, size in self.axes.items():
            if size is not None and sizes[axis] not in (size, None):
                return f"expected axis {axis} to have size {size}"
        if self.shape is not None and not compatible(self.shape, sizes):
            return f"expected shape={shape_text(self.shape)}"
        return None

    def __repr__(self) -> str:
        said = {name: getattr(self, name) for name in ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")}
        return f"InputSpec({', '.join(f'{k}={v!r}' for k, v in said.items() if v)})"


def check_inputs(spec: Any, inputs: Any, layer: str) -> None:
    """Raises ValueError unless the inputs go with a layer's ``input_spec`` (an InputSpec or one for each input)."""
    if spec is None:
        return
    if type(spec) is InputSpec and isinstance(inputs, Tensor) and spec.fault(inputs.spec.shape) is None:
        return
    specs = [spec] if isinstance(spec, InputSpec) else flatten(spec)
    given = flatten(inputs)
    if len(given) != len(specs):
        raise ValueError(f'Layer "{layer}" expects {len(specs)} input(s), but it received {len(given)} input tensors.')
    for number, (one, tensor) in enumerate(zip(specs, given, strict=True)):
        fault = one.fault(tensor.spec.shape)
        if fault is not None:
            raise ValueError(
                f'Input {number} of layer "{layer}" is incompatible with the layer: {fault}. Full shape received: '
                f"{tensor.shape}"
            )
