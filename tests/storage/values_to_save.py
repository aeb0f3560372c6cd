"""Values of every dtype, for tests, and Hypothesis strategies for them."""

from __future__ import annotations

import ml_dtypes
import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from minitf.storage.flows import flow_of
from minitf.storage.values import Typed

NATIVE = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "c8", "c16"]
EXTENSION = [
    "bfloat16", "float8_e5m2", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e4m3b11fnuz", "float8_e5m2fnuz", "int4", "uint4",
    "int2", "uint2", "float4_e2m1fn",
]  # fmt: skip
QUANTISED = {"qint8": "i1", "quint8": "u1", "qint16": "i2", "quint16": "u2", "qint32": "i4"}
LOW_BITS = {"int4": 15, "uint4": 15, "float4_e2m1fn": 15, "int2": 3, "uint2": 3}

shapes = npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)


def flow(array, dtype=None):
    return flow_of(array if dtype is None else Typed(dtype, array), "k")


def native_arrays():
    return st.tuples(st.sampled_from(NATIVE), shapes).flatmap(lambda t: npst.arrays(*t))


def extension_array(name, shape, seed=0):
    dtype = np.dtype(getattr(ml_dtypes, name))
    raw = np.random.default_rng(seed).integers(0, 256, (*shape, dtype.itemsize), np.uint8) & np.uint8(LOW_BITS.get(name, 255))
    return raw.reshape(-1).view(dtype).reshape(shape)


def extension_arrays():
    return st.builds(extension_array, st.sampled_from(EXTENSION), shapes, st.integers(0, 99))


def string_arrays():
    def filled(shape):
        count = int(np.prod(shape))
        return st.lists(st.binary(max_size=6), min_size=count, max_size=count).map(lambda items: strings(items, shape))

    return shapes.flatmap(filled)


def strings(items, shape=None):
    out = np.empty(len(items), object)
    out[:] = items
    return out.reshape(len(items) if shape is None else shape)


def quantised():
    return st.sampled_from(sorted(QUANTISED)).flatmap(
        lambda name: npst.arrays(QUANTISED[name], shapes).map(lambda array: Typed(name, array))
    )


def variants():
    return string_arrays().map(lambda array: Typed("variant", array))


values = st.one_of(native_arrays(), extension_arrays(), string_arrays(), quantised(), variants())
keys = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12).filter(
    lambda key: key not in ("__minitf__", "__metadata__")
)
tensors = st.dictionaries(keys, values, max_size=6)


def same(a, b):
    """Equal in dtype, shape and every bit."""
    if isinstance(a, Typed):
        a = a.array
    if a.dtype == object or b.dtype == object:
        return a.dtype == b.dtype and a.shape == b.shape and a.tolist() == b.tolist()
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def dtype_name(value):
    from minitf.core.dtypes import as_dtype, of_numpy

    if isinstance(value, Typed):
        return as_dtype(value.dtype).name
    return "string" if value.dtype == object else of_numpy(value.dtype).name


VALUES = {
    **{f"native {name}": (np.arange(-3, 9) % 7).reshape(3, 4).astype(name) for name in NATIVE},
    **{f"extension {name}": extension_array(name, (2, 5)) for name in EXTENSION},
    "scalar": np.float32(3),
    "strings": np.array([[b"a", b""], [b"\xff\x00", b"long" * 99]], object),
}
BIG = np.arange(1_000_000, dtype=np.float32).reshape(1000, 1000)


def equal(a, b):
    """The same dtype, shape and bits."""
    return (
        a.dtype == b.dtype
        and a.shape == b.shape
        and (a.tolist() == b.tolist() if a.dtype == object else a.tobytes() == b.tobytes())
    )
