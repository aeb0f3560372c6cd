"""The element types of tensors, under TensorFlow's names and numbers.

``as_dtype`` turns what people write ("float32", ``np.float32``, ``float``, a number from a file) into the one ``DType``
object of that type; dtypes are compared by identity.

bfloat16, the float8 kinds and the sub-byte kinds are NumPy types of the package ``ml_dtypes``, which is imported when one of
them is first used.
"""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np


class DType:
    """One element type. ``name`` is TensorFlow's; ``number`` is the one that stands in checkpoint files."""

    __slots__ = ("_extension", "_np", "kind", "name", "number")

    def __init__(self, name: str, number: int, kind: str, np_dtype: Any = None, extension: str | None = None):
        self.name = name
        self.number = number
        self.kind = kind  # 'f' floating, 'i' signed, 'u' unsigned, 'b' bool, 'c' complex, 'S' string, 'q' quantised, 'V' other
        self._np = None if np_dtype is None else np.dtype(np_dtype)
        self._extension = extension  # the name of the NumPy type in ml_dtypes

    @property
    def np(self) -> np.dtype[Any]:
        """The NumPy dtype of arrays that hold such elements (``object``, holding ``bytes``, for strings)."""
        if self._np is None:
            if self._extension is None:
                raise TypeError(f"dtype {self.name} has no NumPy counterpart: its values cannot be held in an array.")
            import ml_dtypes

            self._np = np.dtype(getattr(ml_dtypes, self._extension))
            _BY_NUMPY[self._np] = self
        found: np.dtype[Any] = self._np
        return found

    @property
    def as_numpy_dtype(self) -> type:
        """The NumPy scalar class, as in TensorFlow."""
        return self.np.type

    @property
    def as_datatype_enum(self) -> int:
        """The number that checkpoint files use for this dtype."""
        return self.number

    @property
    def size(self) -> int:
        """Bytes an element takes in memory and in a file."""
        return 1 if self.kind == "S" else self.np.itemsize

    @property
    def is_floating(self) -> builtins.bool:
        """True for float64, float32, float16, bfloat16 and the smaller floats."""
        return self.kind == "f"

    @property
    def is_complex(self) -> builtins.bool:
        """True for complex64 and complex128."""
        return self.kind == "c"

    @property
    def is_integer(self) -> builtins.bool:
        """True for signed and unsigned integers (not for bool and the quantised kinds, as in TensorFlow)."""
        return self.kind in "iu"

    @property
    def is_unsigned(self) -> builtins.bool:
        """True for unsigned integers."""
        return self.kind == "u"

    @property
    def is_bool(self) -> builtins.bool:
        """True for bool."""
        return self.kind == "b"

    @property
    def is_quantized(self) -> builtins.bool:
        """True for the quantised kinds."""
        return self.kind == "q"

    @property
    def is_numeric(self) -> builtins.bool:
        """True for numbers of all kinds."""
        return self.kind in "fiucq"

    @property
    def is_numpy_compatible(self) -> builtins.bool:
        """True if arrays can hold such elements."""
        return self._np is not None or self._extension is not None

    @property
    def real_dtype(self) -> DType:
        """The dtype of the real part."""
        return {complex64: float32, complex128: float64}.get(self, self)

    @property
    def min(self) -> Any:
        """The smallest value. Raises TypeError for dtypes without an order."""
        return self._limit("min")

    @property
    def max(self) -> Any:
        """The largest finite value. Raises TypeError for dtypes without an order."""
        return self._limit("max")

    @property
    def limits(self) -> tuple[Any, Any]:
        """(darkest, brightest) value of an image of this dtype: floats go from 0 to 1, integers to the largest one.

        Raises ValueError for a dtype that images do not have.
        """
        if self.kind in "biu" and self._extension is None:
            return (0, self.max)
        if self in (float32, float64):
            return (0, 1)
        raise ValueError(f"dtype {self.name} has no limits: images of it are not usual.")

    def _limit(self, which: str) -> Any:
        if self.kind == "b":
            return which == "max"
        if self.kind in "iu":
            return getattr(np.iinfo(self.np), which) if self._extension is None else int(getattr(_extension_info(self), which))
        if self.kind == "f":
            info = np.finfo(self.np) if self._extension is None else _extension_info(self)
            return getattr(info, which)
        raise TypeError(f"dtype {self.name} has no smallest and largest value.")

    @property
    def base_dtype(self) -> DType:
        """The dtype itself (TensorFlow's reference dtypes do not exist here)."""
        return self

    def is_subtype_of(self, other: Any) -> builtins.bool:
        """True for the dtype itself."""
        return self is other

    def most_specific_common_supertype(self, others: Any) -> DType | None:
        """The dtype itself if all the others are it, else None."""
        return self if all(other is self for other in others) else None

    def is_compatible_with(self, other: Any) -> builtins.bool:
        """True if ``other`` names the same dtype."""
        return self is as_dtype(other)

    def __eq__(self, other: object) -> builtins.bool:
        if self is other:
            return True
        if other is None or isinstance(other, DType):
            return False
        try:
            return self is as_dtype(other)
        except TypeError:
            return False

    def __hash__(self) -> int:
        return self.number

    def __int__(self) -> int:
        return self.number

    def __repr__(self) -> str:
        return f"tf.{self.name}"

    def __str__(self) -> str:
        return f"<dtype: {self.name!r}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return as_dtype, (self.name,)


def _extension_info(dtype: DType) -> Any:
    import ml_dtypes

    return (ml_dtypes.finfo if dtype.kind == "f" else ml_dtypes.iinfo)(dtype.np)


float32 = DType("float32", 1, "f", np.float32)
float64 = DType("float64", 2, "f", np.float64)
int32 = DType("int32", 3, "i", np.int32)
uint8 = DType("uint8", 4, "u", np.uint8)
int16 = DType("int16", 5, "i", np.int16)
int8 = DType("int8", 6, "i", np.int8)
string = DType("string", 7, "S", object)
complex64 = DType("complex64", 8, "c", np.complex64)
int64 = DType("int64", 9, "i", np.int64)
bool = DType("bool", 10, "b", np.bool_)
qint8 = DType("qint8", 11, "q", np.int8)
quint8 = DType("quint8", 12, "q", np.uint8)
qint32 = DType("qint32", 13, "q", np.int32)
bfloat16 = DType("bfloat16", 14, "f", extension="bfloat16")
qint16 = DType("qint16", 15, "q", np.int16)
quint16 = DType("quint16", 16, "q", np.uint16)
uint16 = DType("uint16", 17, "u", np.uint16)
complex128 = DType("complex128", 18, "c", np.complex128)
float16 = DType("float16", 19, "f", np.float16)
resource = DType("resource", 20, "V")
variant = DType("variant", 21, "V", object)
uint32 = DType("uint32", 22, "u", np.uint32)
uint64 = DType("uint64", 23, "u", np.uint64)
float8_e5m2 = DType("float8_e5m2", 24, "f", extension="float8_e5m2")
float8_e4m3fn = DType("float8_e4m3fn", 25, "f", extension="float8_e4m3fn")
float8_e4m3fnuz = DType("float8_e4m3fnuz", 26, "f", extension="float8_e4m3fnuz")
float8_e4m3b11fnuz = DType("float8_e4m3b11fnuz", 27, "f", extension="float8_e4m3b11fnuz")
float8_e5m2fnuz = DType("float8_e5m2fnuz", 28, "f", extension="float8_e5m2fnuz")
int4 = DType("int4", 29, "i", extension="int4")
uint4 = DType("uint4", 30, "u", extension="uint4")
int2 = DType("int2", 31, "i", extension="int2")
uint2 = DType("uint2", 32, "u", extension="uint2")
float4_e2m1fn = DType("float4_e2m1fn", 33, "f", extension="float4_e2m1fn")

half, double = float16, float64

ALL: tuple[DType, ...] = (
    float32, float64, int32, uint8, int16, int8, string, complex64, int64, bool, qint8, quint8, qint32, bfloat16, qint16,
    quint16, uint16, complex128, float16, resource, variant, uint32, uint64, float8_e5m2, float8_e4m3fn, float8_e4m3fnuz,
    float8_e4m3b11fnuz, float8_e5m2fnuz, int4, uint4, int2, uint2, float4_e2m1fn,
)  # fmt: skip

_BY_NAME: dict[str, DType] = {d.name: d for d in ALL} | {"half": half, "double": double}
_BY_NUMBER: dict[int, DType] = {d.number: d for d in ALL}
_BY_NUMPY: dict[Any, DType] = {d._np: d for d in ALL if d._np is not None and d.kind != "q" and d is not variant}
PLAIN = frozenset([found for found in _BY_NUMPY if found.kind in "fiucb"])  # NumPy's own, in the machine's byte order
LISTS = np.dtype([("parts", object)])
"""How NumPy sees the values of a graph that are lists of tensors (``ops.tensor_lists``)."""
_BY_NUMPY[LISTS] = variant
_BY_PYTHON: dict[Any, DType] = {
    float: float32, int: int32, builtins.bool: bool, str: string, bytes: string, complex: complex128,
}  # fmt: skip


def as_dtype(value: Any) -> DType:
    """The DType that ``value`` stands for.

    Takes a DType, a name, a NumPy dtype or scalar class, a Python type (``float`` is float32 and ``int`` is int32, as in
    TensorFlow), or a number from a checkpoint file. Raises TypeError for anything else.
    """
    if type(value) is DType:
        return value
    try:
        found = _BY_PYTHON.get(value) or (_BY_NUMBER if isinstance(value, int) else _BY_NAME).get(value)
    except TypeError:  # not hashable
        found = None
    if found is not None:
        return found
    try:
        np_dtype = None if value is None or value is type(None) else np.dtype(value)  # NumPy takes None for float64
    except (TypeError, ValueError, SyntaxError):  # NumPy reads a text with commas as Python
        np_dtype = None
    if np_dtype is not None:
        return of_numpy(np_dtype)
    raise TypeError(f"as_dtype: {value!r} is no dtype. Use a name such as 'float32', a NumPy dtype, or tf.float32.")


def named(name: str) -> DType | None:
    """The DType with this name, for names out of files: NumPy, which takes many more texts, is not asked."""
    return _BY_NAME.get(name)


def of_numpy(np_dtype: np.dtype[Any]) -> DType:
    """The DType of arrays with this NumPy dtype. Raises TypeError if there is none."""
    found = _BY_NUMPY.get(np_dtype)
    if found is not None:
        return found
    if np_dtype.kind in "SU":
        return string
    if not np_dtype.isnative:
        return of_numpy(np_dtype.newbyteorder("="))
    named = _BY_NAME.get(np_dtype.name)
    if named is not None and named.kind != "q" and named.is_numpy_compatible and named.np == np_dtype:
        return named
    same = _BY_NUMPY.get(np.dtype(np_dtype.type)) if np_dtype.kind in "iufcb" else None
    if same is not None:
        return same
    if np_dtype.kind in "iu":  # np.longlong and its like are other classes of the same width
        return _BY_NAME[f"{'u' if np_dtype.kind == 'u' else ''}int{np_dtype.itemsize * 8}"]
    raise TypeError(f"NumPy dtype {np_dtype} has no counterpart among TensorFlow's dtypes.")
