"""``TensorSpec``: dtype and shape of a tensor that an argument stands for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minitf.core.dtypes import as_dtype
from minitf.core.spec import Spec, TensorShape, as_shape, compatible
from minitf.core.tensor import Tensor


class TensorSpec:
    """Dtype and shape that an argument of a traced function has. ``None`` sizes take any size."""

    def __init__(self, shape: Any, dtype: Any = "float32", name: str | None = None):
        self.spec = Spec(as_dtype(dtype), as_shape(shape))
        self.name = name

    @classmethod
    def from_tensor(cls, tensor: Any, name: str | None = None) -> TensorSpec:
        """The spec of a tensor, named after it if it has a name. Raises ValueError for what is no tensor."""
        if not isinstance(tensor, Tensor):
            raise ValueError(f"TensorSpec.from_tensor takes a tensor, not {tensor!r} (a {type(tensor).__name__}).")
        return cls(tensor.shape, tensor.dtype, name or getattr(getattr(tensor, "op", None), "name", None))

    @classmethod
    def from_spec(cls, spec: Any, name: str | None = None) -> TensorSpec:
        """A spec like another one, with its name unless one is given."""
        return cls(spec.shape, spec.dtype, name or spec.name)

    @property
    def shape(self) -> Any:
        """The shape."""
        return TensorShape(self.spec.shape)

    @property
    def dtype(self) -> Any:
        """The element type."""
        return self.spec.dtype

    @property
    def value_type(self) -> type:
        """The class of what it stands for."""
        return Tensor

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """True if this tensor, or one of the other spec, can have this dtype and shape; False for anything else."""
        other = spec_or_value
        if not isinstance(other, (TensorSpec, Tensor)):
            return False
        return other.dtype is self.dtype and compatible(self.spec.shape, other.spec.shape)

    def is_subtype_of(self, other: Any) -> bool:
        """True if all tensors of this spec have the other one. The names must be equal too, unless the other has none."""
        return (
            isinstance(other, TensorSpec)
            and other.dtype is self.dtype
            and other.name in (None, self.name)
            and self.shape.is_subtype_of(other.shape)
        )

    def most_specific_common_supertype(self, others: Iterable[Any]) -> TensorSpec | None:
        """What is true of tensors of this spec and all the others; None if the dtypes differ."""
        shape, name = self.shape, self.name
        for other in others:
            if not isinstance(other, TensorSpec) or other.dtype is not self.dtype:
                return None
            shape = shape.most_specific_compatible_shape(other.shape)
            name = name if name == other.name else None
        return TensorSpec(shape, self.dtype, name)

    def most_specific_compatible_type(self, other: Any) -> TensorSpec:
        """What is true of tensors of both specs. Raises ValueError if there is nothing, because the dtypes differ."""
        found = self.most_specific_common_supertype([other])
        if found is None:
            raise ValueError(f"No spec is compatible with both {self} and {other}.")
        return found

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TensorSpec) and (self.spec, self.name) == (other.spec, other.name)

    def __hash__(self) -> int:
        return hash(self.spec)

    def __repr__(self) -> str:
        return f"TensorSpec(shape={self.shape}, dtype={self.dtype!r}, name={self.name!r})"
