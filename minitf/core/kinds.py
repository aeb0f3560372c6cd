"""Kinds of inputs: the dtypes that an input of an op takes, written as its annotation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

from minitf.core import dtypes
from minitf.core.dtypes import DType


class Kind:
    """The dtypes that an input takes. Inputs annotated with the same Kind object share one dtype."""

    __slots__ = ("allowed", "default", "name")

    def __init__(self, name: str, allowed: Iterable[DType] | None, default: DType | None = None):
        self.name = name
        self.allowed = None if allowed is None else frozenset(allowed)
        self.default = default

    def apart(self, name: str) -> Kind:
        """A kind with the same dtypes that need not agree with this one."""
        return Kind(name, self.allowed, self.default)

    def __repr__(self) -> str:
        return self.name


_FLOATS = (dtypes.float32, dtypes.float64, dtypes.float16, dtypes.bfloat16)
_INTS = (dtypes.int32, dtypes.int64, dtypes.int16, dtypes.int8, dtypes.uint8, dtypes.uint16, dtypes.uint32, dtypes.uint64)
_COMPLEX = (dtypes.complex64, dtypes.complex128)

if TYPE_CHECKING:  # a kernel's inputs are arrays; their annotations are read at run time only
    Anything: TypeAlias = Any
    Other: TypeAlias = Any
    Mixed: TypeAlias = Any
    Numeric: TypeAlias = Any
    Real: TypeAlias = Any
    Floating: TypeAlias = Any
    RealFloating: TypeAlias = Any
    Complex: TypeAlias = Any
    Integer: TypeAlias = Any
    Index: TypeAlias = Any
    Boolean: TypeAlias = Any
    Text: TypeAlias = Any
    Addable: TypeAlias = Any
    Place: TypeAlias = Any
else:
    Anything = Kind("any dtype", None)
    Other = Anything.apart("any dtype (another)")
    Mixed = Anything.apart("any dtypes")  # the one kind whose inputs need not agree
    Numeric = Kind("a number", (*_FLOATS, *_INTS, *_COMPLEX))
    Real = Kind("a real number", (*_FLOATS, *_INTS))
    Floating = Kind("a float or complex number", (*_FLOATS, *_COMPLEX))
    RealFloating = Kind("a float", _FLOATS)
    Complex = Kind("a complex number", _COMPLEX)
    Integer = Kind("an integer", _INTS)
    Index = Kind("int32 or int64", (dtypes.int32, dtypes.int64))
    Boolean = Kind("bool", (dtypes.bool,))
    Text = Kind("string", (dtypes.string,))
    Addable = Kind("a number or string", (*_FLOATS, *_INTS, *_COMPLEX, dtypes.string))
    Place = Kind("a variable", ())  # a Handle: its kernel gets the Cell
