"""The header of a ``.npy`` file: version, then a Python literal that tells dtype, shape and order.

Source of the layout: the module ``numpy.lib.format``.
"""

from __future__ import annotations

import io
import tokenize
from typing import Any

import numpy as np

from minitf.core.dtypes import of_numpy


class Foreign(Exception):
    """A sound array of another program that no tensor can hold."""


def encode_header(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    """What stands before the elements of an array that goes row by row."""
    header = io.BytesIO()
    described = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, described)
    return header.getvalue()


def check_dtype(dtype: np.dtype[Any]) -> None:
    """Raises Foreign for a dtype that no tensor has."""
    try:
        of_numpy(dtype)
    except TypeError as error:
        raise Foreign(str(error).rstrip(".")) from None


def parse_header(data: io.BytesIO) -> tuple[np.dtype[Any], tuple[int, ...], bool]:
    """Dtype, shape, and whether it stands column by column. Raises Foreign, and ValueError for what is no header."""
    version = np.lib.format.read_magic(data)
    if version == (3, 0):
        raise Foreign("it is of npy version 3.0, which is for records with field names that are not ASCII")
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
    if read is None:
        raise ValueError(f"npy version {version} is not known")
    try:
        shape, fortran, dtype = read(data)
    except (RecursionError, MemoryError, TypeError, tokenize.TokenError) as error:
        raise ValueError(f"damaged npy header: {error}") from None
    if dtype.hasobject:
        raise Foreign("it is a pickled object, which is not loaded")
    if any(type(n) is not int for n in shape):
        raise ValueError(f"shape {shape} has sizes that are no numbers")
    if any(n < 0 for n in shape):  # to NumPy's reshape that would mean "whatever is left"
        raise ValueError(f"shape {shape} has a negative size")
    return dtype, shape, fortran
