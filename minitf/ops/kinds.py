"""Kinds of inputs that only some ops take (the usual ones are in ``core.kinds``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from minitf.core import dtypes
from minitf.core.kinds import Floating as _Floating
from minitf.core.kinds import Kind
from minitf.core.kinds import Numeric as _Numeric
from minitf.core.kinds import Real as _Real

COMPLEX_OF = {dtypes.float32: dtypes.complex64, dtypes.float64: dtypes.complex128}

if TYPE_CHECKING:  # a kernel's inputs are arrays; their annotations are read at run time only
    Signed: TypeAlias = Any
    Ordinary: TypeAlias = Any
    Rows: TypeAlias = Any
    Countable: TypeAlias = Any
    Decomposable: TypeAlias = Any
    Seed: TypeAlias = Any
    Ordered: TypeAlias = Any
    Plain: TypeAlias = Any
    Scatterable: TypeAlias = Any
    Wide: TypeAlias = Any
    Divisible: TypeAlias = Any
    Poolable: TypeAlias = Any
    Orthogonal: TypeAlias = Any
    Single: TypeAlias = Any
    Places: TypeAlias = Any
    Multipliable: TypeAlias = Any
    Invertible: TypeAlias = Any
    Lists: TypeAlias = Any
    Castable: TypeAlias = Any
else:
    Signed = Kind("a signed number", [d for d in _Numeric.allowed if d.kind != "u"])
    Ordinary = Kind("float32 or float64", COMPLEX_OF)
    Rows = Kind("int32 or int64", (dtypes.int32, dtypes.int64, dtypes.int16, dtypes.uint8))
    Countable = Kind("a real number", _Real.allowed)
    Decomposable = Kind("a float of 32 or 64 bits, or complex", (*COMPLEX_OF, *COMPLEX_OF.values()))
    Seed = Kind("int32 or int64 (a seed)", (dtypes.int32, dtypes.int64))
    Ordered = Kind("a real number or bool", (*_Real.allowed, dtypes.bool))
    Plain = Kind("a number or bool", (*_Numeric.allowed, dtypes.bool))
    Multipliable = Kind("a number, but not int8", _Numeric.allowed - {dtypes.int8})
    Invertible = Kind("a float or complex number, but not bfloat16", (*Decomposable.allowed, dtypes.float16))
    Scatterable = Kind("a number, bool or string", (*Plain.allowed, dtypes.string))
    Divisible = Kind("int32, int64 or a float", {dtypes.int32, dtypes.int64, *(d for d in _Real.allowed if d.kind == "f")})
    Poolable = Kind("a real number, but not uint32 or uint64", _Real.allowed - {dtypes.uint32, dtypes.uint64})
    Orthogonal = Kind("a float or complex number, but not bfloat16", _Floating.allowed - {dtypes.bfloat16})
    Places = Kind("int32, int64, int8 or uint8", (dtypes.int64, dtypes.int32, dtypes.uint8, dtypes.int8))
    Single = Kind("float32", (dtypes.float32,))
    Wide = Kind("int32, int64, a float or complex number", {dtypes.int32, dtypes.int64, *_Floating.allowed})
    Castable = Kind("a number", _Numeric.allowed)
    Lists = Kind("a list of tensors", (dtypes.variant,))
