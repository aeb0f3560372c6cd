"""What programs say of elements: structures of shapes, dtypes and values that go with the structure of a spec."""

from __future__ import annotations

from typing import Any

from minitf.core.op import convert
from minitf.core.spec import Spec, TensorShape
from minitf.core.structures import flatten, pack
from minitf.core.tensor import Tensor
from minitf.errors import InvalidArgumentError
from minitf.objects.tensor_spec import TensorSpec
from minitf.pipelines.elements import fits


def along(spec: Any, given: Any, what: str) -> list[Any]:
    """What was given for each leaf of a spec, in a structure like its own. Raises ValueError for another one."""
    if isinstance(spec, dict):
        if not isinstance(given, dict) or set(given) != set(spec):
            raise ValueError(f"{what}: {given!r} has not the keys of {spec!r}.")
        return [one for key in sorted(spec) for one in along(spec[key], given[key], what)]
    if isinstance(spec, tuple):
        if not isinstance(given, (tuple, list)) or len(given) != len(spec):
            raise ValueError(f"{what}: {given!r} has not the {len(spec)} parts of {spec!r}.")
        return [one for part, its in zip(spec, given, strict=True) for one in along(part, its, what)]
    return [given]


def leaves_like(spec: Any, value: Any) -> list[Tensor]:
    """What a generator gave as the leaves of an element. Raises InvalidArgumentError if it does not fit."""
    try:
        parts = along(spec, value, "from_generator")
    except ValueError:
        raise InvalidArgumentError(f"`generator` yielded {value!r}, which has not the structure of {spec!r}.") from None
    return [_fitting(part, leaf.spec) for part, leaf in zip(parts, flatten(spec), strict=True)]


def _fitting(part: Any, spec: Spec) -> Tensor:
    try:
        tensor: Tensor = convert(part, spec.dtype)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(
            f"`generator` yielded an element that could not be converted to {spec.dtype.name}: {part!r} ({error})."
        ) from None
    if not fits(spec, tensor):
        raise InvalidArgumentError(
            f"`generator` yielded an element of shape {tensor.shape} where an element of shape {TensorShape(spec.shape)} was "
            "expected."
        )
    return tensor


def check_same(first: Any, after: Any, what: str) -> None:
    """Raises TypeError unless a state has the structure and the dtypes that it had."""
    ours, theirs = flatten(first), flatten(after)
    same = len(ours) == len(theirs) and all(type(a) is type(b) for a, b in zip(ours, theirs, strict=True))
    if not same or any(isinstance(a, TensorSpec) and a.dtype is not b.dtype for a, b in zip(ours, theirs, strict=True)):
        raise TypeError(f"{what}: the state was {first!r} and would become {after!r}.")


def common(one: Any, other: Any) -> Any:
    """The spec of elements of two datasets. Raises TypeError if there is none."""
    ours, theirs = flatten(one), flatten(other)
    if len(ours) != len(theirs) or any(
        type(a) is not type(b) or (isinstance(a, TensorSpec) and a.dtype is not b.dtype)
        for a, b in zip(ours, theirs, strict=False)
    ):
        raise TypeError(f"Incompatible dataset elements:\n  {one!r} vs.\n  {other!r}")
    both = [
        TensorSpec(a.shape.most_specific_compatible_shape(b.shape), a.dtype) if isinstance(a, TensorSpec) else a
        for a, b in zip(ours, theirs, strict=True)
    ]
    return pack(one, both)
