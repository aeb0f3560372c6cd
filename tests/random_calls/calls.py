"""Draws calls of an op: right ones from what its block says, and ones with something wrong."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from minitf.core import dtypes
from minitf.core.dtypes import DType
from minitf.core.op import REGISTRY, Op
from minitf.testing.ops import Draw, draw_call

# What TensorFlow's tensors are made of; float32 and int32 most often, as in programs.
COMMON = (dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int64, dtypes.complex64, dtypes.bool, dtypes.string)
ALL = (
    dtypes.float32, dtypes.float64, dtypes.float16, dtypes.bfloat16, dtypes.int32, dtypes.int64, dtypes.int16, dtypes.int8,
    dtypes.uint8, dtypes.uint16, dtypes.uint32, dtypes.uint64, dtypes.complex64, dtypes.complex128, dtypes.bool, dtypes.string,
)  # fmt: skip


@dataclass
class Call:
    """An expression, the arrays it names (a list of arrays for one list of tensors) and its other values."""

    text: str
    inputs: dict[str, Any]
    attrs: dict[str, Any] = field(default_factory=dict)
    dtypes: dict[str, str] = field(default_factory=dict)  # attributes that are dtypes, by name
    op: Op | None = None
    seed: int = 0
    formula: Any = None  # where there is no single op

    def __str__(self):
        shown = {k: [_short(v) for v in a] if isinstance(a, list) else _short(a) for k, a in self.inputs.items()}
        return f"{self.text}   {shown} {self.attrs} {self.dtypes}  [seed {self.seed}]"


def _short(array):
    if array is None:
        return "None"
    text = f"{np.asarray(array).dtype}{list(np.shape(array))}"
    return f"{text}={np.asarray(array).tolist()}" if np.size(array) <= 12 else text


def right(op, form, seed):
    """A call as the op's block draws it."""
    inputs, attrs = draw_call(op, seed, wanted=ALL if seed % 3 else COMMON)
    return written(op, form, inputs, op.complete(attrs), seed)


def written(op, form, inputs, attrs, seed):
    """The call of an op with these inputs and attributes."""
    n = len(op.inputs)
    named = dict(zip(op.inputs, inputs[:n], strict=False))
    if op.variadic is not None:
        named[op.variadic] = list(inputs[n:])
    of_dtypes = {k: v.name for k, v in attrs.items() if isinstance(v, DType)}
    return Call(form, named, {k: v for k, v in attrs.items() if k not in of_dtypes}, of_dtypes, op, seed)


# TensorFlow's process does not survive some of their shapes.
DEADLY = {"conv"}


def wrong(op, form, seed):
    """A call with something changed that may be a mistake: a dtype, a shape, or a number among the attributes."""
    draw = Draw(seed, op.domain, ALL)
    call = right(op, form, seed)
    arrays = [(k, i) for k, v in call.inputs.items() for i in (range(len(v)) if isinstance(v, list) else [None])
              if (v if i is None else v[i]) is not None]  # fmt: skip
    numbers = [k for k, v in call.attrs.items() if type(v) is int and k in form]
    shapes = [_other_shape, _other_rank] if op.name not in DEADLY else []
    ways = [*([_other_dtype, *shapes] if arrays else []), *([None] if numbers else [])]
    if not ways:
        return call
    way = draw.choice(ways)
    if way is None:
        return replace(call, attrs=call.attrs | {draw.choice(numbers): draw.choice([-9, -4, -2, 4, 9])})
    name, at = draw.choice(arrays)
    given = call.inputs[name] if at is None else call.inputs[name][at]
    changed = way(draw, np.asarray(given))
    if at is not None:
        changed = [*call.inputs[name][:at], changed, *call.inputs[name][at + 1 :]]
    return replace(call, inputs=call.inputs | {name: changed})


def _other_dtype(draw, array):
    return draw(shape=array.shape, dtype=draw.choice(ALL))


def _other_shape(draw, array):
    at = draw.integer(0, max(array.ndim - 1, 0))
    sizes = [draw.integer(4, 6) if i == at else s for i, s in enumerate(array.shape)] if array.ndim else [2]
    return np.resize(array, sizes)


def _other_rank(draw, array):
    return array[None] if array.ndim == 0 or draw.choice([True, False]) else np.resize(array, array.shape[1:])


__all__ = ["ALL", "REGISTRY", "Call", "right", "written", "wrong"]
