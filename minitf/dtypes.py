"""``tf.dtypes``: the types of elements, and casts."""

from minitf.core.lazy import names_from

_WHERE = {
    "minitf.core.dtypes": """
        DType as_dtype bfloat16 bool complex64 complex128 double float16 float32 float64 half int8 int16 int32 int64 qint8
        qint16 qint32 quint8 quint16 resource string uint8 uint16 uint32 uint64 variant""",
    "minitf.ops.extremes": "saturate_cast",
    "minitf.ops.complex": "complex",
    "minitf.ops.creating": "cast",
}

__getattr__, __dir__, __all__ = names_from(__name__, _WHERE)
