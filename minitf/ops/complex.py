"""Complex numbers: making them of parts and taking them apart."""

from typing import Any

import numpy as np

from minitf.core.op import Complex, convert, op
from minitf.core.spec import Spec, broadcast
from minitf.ops.comparisons import select
from minitf.ops.creating import cast, zeros_like
from minitf.ops.elementwise import number, square
from minitf.ops.kinds import COMPLEX_OF, Ordinary
from minitf.ops.shapes import sum_to


@op
def complex(real: Ordinary, imag: Ordinary):
    """The complex numbers with these parts."""
    return np.add(real, 1j * imag).astype(np.complex64 if real.dtype.itemsize == 4 else np.complex128)


@complex.infer
def _(real, imag):
    return Spec(COMPLEX_OF[real.dtype], broadcast(real, imag).shape)


@complex.vjp
def _(g, out, real, imag):
    return sum_to(_real(g), real), sum_to(_imag(g), imag)


@op(name="real")
def _real(input: Complex):
    """The real part."""
    return input.real


@op(name="imag")
def _imag(input: Complex):
    """The imaginary part."""
    return input.imag


@op(name="angle")
def _angle(input: Complex):
    """The argument of a complex number, in radians."""
    return np.arctan2(input.imag, input.real)


for _part in (_real, _imag, _angle):
    _part.infer(lambda input: Spec(input.dtype.real_dtype, input.shape))


@_real.vjp
def _(g, out, input):
    return (complex(g, zeros_like(g)),)


@_imag.vjp
def _(g, out, input):
    return (complex(zeros_like(g), g),)


@_angle.vjp
def _(g, out, input):
    return (complex(-g * _imag(input), g * _real(input)) / cast(square(_real(input)) + square(_imag(input)), input.dtype),)


def real(input: Any, name: str | None = None) -> Any:
    """The real part; of a real tensor the tensor itself."""
    tensor = convert(input)
    return _real(tensor, name=name) if tensor.dtype.kind == "c" else number(tensor, "real")


def imag(input: Any, name: str | None = None) -> Any:
    """The imaginary part; of a real tensor zeros."""
    tensor = convert(input)
    return _imag(tensor, name=name) if tensor.dtype.kind == "c" else zeros_like(tensor, name=name)


def angle(input: Any, name: str | None = None) -> Any:
    """The argument in radians; of a real tensor 0, or pi where it is negative."""
    tensor = convert(input)
    if tensor.dtype.kind == "c":
        return _angle(tensor, name=name)
    zero = zeros_like(tensor)
    return select(tensor < zero, zero + np.pi, zero, name=name)
