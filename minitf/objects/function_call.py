"""What a traced function was called with."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np

from minitf.core.op import convert
from minitf.core.spec import Spec, compatible
from minitf.core.structures import flatten, pack
from minitf.core.tensor import Tensor
from minitf.objects.tensor_spec import TensorSpec


class FunctionCall:
    """The arguments of one call, taken apart: tensors (to be fed), and what else the trace depends on."""

    def __init__(self, bound: inspect.BoundArguments, signature: Any, name: str):
        self.args = list(bound.args) if signature is None else _fitted(bound.args, signature, name)
        self.kwargs = dict(bound.kwargs)
        self.given = dict(bound.arguments)
        leaves = flatten((self.args, self.kwargs))
        self.leaves = leaves
        self.tensors = [_as_tensor(leaf) for leaf in leaves if is_value(leaf)]
        self.specs: list[Spec] = []
        self.parts: list[tuple[str, str]] = []
        self.labels: list[str] = []  # of the tensors
        key = []
        given = iter(signature or ())
        tensors = iter(self.tensors)
        names = _names(bound.signature, self.args, self.kwargs)
        for label, leaf in zip(names, leaves, strict=True):
            if is_value(leaf):
                tensor = next(tensors)
                wanted = next(given, None)
                spec = tensor.spec if wanted is None else wanted.spec
                self.specs.append(spec)
                key.append(("tensor", spec.dtype.number))
                self.parts.append((label, str(spec)))
                named = wanted or leaf
                self.labels.append((named.name if isinstance(named, TensorSpec) else None) or label)
            else:
                key.append(_key_of(leaf))
                self.parts.append((label, repr(leaf)))
        self.like = (structure_of((self.args, self.kwargs)), tuple(key))  # the key but for shapes

    @property
    def key(self) -> Any:
        """What calls that can share a trace have in common."""
        return self.like, tuple([spec.shape for spec in self.specs])

    def takes(self, other: FunctionCall) -> bool:
        """True if every argument of ``other``, a call that is like this one, has a shape that was traced here."""
        pairs = zip(self.specs, other.specs, strict=True)
        return all(most_general([mine.shape, its.shape]) == mine.shape for mine, its in pairs)

    def openness(self) -> tuple[int, int]:
        """How many shapes, and how many sizes of the others, are open."""
        shapes = [spec.shape for spec in self.specs]
        return shapes.count(None), sum(shape.count(None) for shape in shapes if shape is not None)

    def relaxed(self, others: Sequence[FunctionCall]) -> FunctionCall:
        """The call with all sizes open that differ among it and the others, which are like it."""
        new = copy.copy(self)
        new.specs = [
            Spec(spec.dtype, most_general([spec.shape, *[other.specs[i].shape for other in others]]))
            for i, spec in enumerate(self.specs)
        ]
        specs = dict(zip(self.labels, map(str, new.specs), strict=True))
        new.parts = [(label, specs.get(label, text)) for label, text in self.parts]
        return new

    def rebuild(self, tensors: Sequence[Any]) -> Any:
        """Arguments and named arguments with these tensors."""
        rest = iter(tensors)
        leaves = [next(rest) if is_value(leaf) else leaf for leaf in self.leaves]
        return pack((self.args, self.kwargs), leaves)

    def text(self) -> str:
        """The arguments for a message."""
        return ", ".join(f"{name}: {what}" for name, what in self.parts) or "no arguments"


def most_general(shapes: Sequence[Any]) -> Any:
    """The shape with every size open in which these shapes differ; None if they differ in rank, or one is None."""
    if None in shapes or len(set(map(len, shapes))) > 1:
        return None
    return tuple([sizes[0] if len(set(sizes)) == 1 else None for sizes in zip(*shapes, strict=True)])


def is_value(leaf: Any) -> bool:
    """True for what becomes a tensor of the trace."""
    return isinstance(leaf, (Tensor, np.ndarray, np.generic, TensorSpec))


def _as_tensor(leaf: Any) -> Any:
    return leaf if isinstance(leaf, (Tensor, TensorSpec)) else convert(leaf)


def _key_of(leaf: Any) -> Any:
    if leaf is None or isinstance(leaf, (bool, int, float, complex, str, bytes)):
        return (type(leaf).__name__, leaf)
    return ("object", id(leaf))


def _fitted(args: Sequence[Any], signature: Sequence[TensorSpec], name: str) -> list[Any]:
    if len(args) != len(signature):
        raise TypeError(f"{name} takes {len(signature)} tensors by its input_signature, but got {len(args)} arguments.")
    out = []
    for arg, wanted in zip(args, signature, strict=True):
        tensor = arg if isinstance(arg, (Tensor, TensorSpec)) else convert(arg, wanted.dtype)
        if tensor.dtype is not wanted.dtype or not compatible(tensor.spec.shape, wanted.spec.shape):
            raise TypeError(f"{name}: {tensor.spec} does not fit {wanted.spec} of its input_signature.")
        out.append(tensor)
    return out


def _names(signature: inspect.Signature, args: Sequence[Any], kwargs: dict[str, Any]) -> list[str]:
    # What messages and placeholders call each leaf of the arguments, in the order in which they are flattened.
    parameters = list(signature.parameters)
    out = []
    labelled = [(parameters[min(i, len(parameters) - 1)], value) for i, value in enumerate(args)]
    for label, value in [*labelled, *[(key, kwargs[key]) for key in sorted(kwargs)]]:
        leaves = flatten(value)
        out += [label] if len(leaves) == 1 else [f"{label}_{i}" for i in range(len(leaves))]
    return out


def structure_of(value: Any) -> Any:
    """Lists, tuples and dicts as something to compare."""
    if isinstance(value, dict):
        return ("dict", tuple((k, structure_of(value[k])) for k in sorted(value)))
    if isinstance(value, (list, tuple)):
        kind = list if isinstance(value, list) else getattr(type(value), "_kind", type(value))  # a wrapper is what it wraps
        return (kind.__name__, tuple(structure_of(v) for v in value))
    return None
