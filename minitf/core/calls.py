"""The short road of a call: an op of eager tensors and variables.

While nothing but the default runtime is active, or a tape right around it, such a call needs no dispatch: check that the
dtypes fitted before, run the kernel, leave a note for the tape. ``direct`` gives an op a class of its own whose ``__call__``
does that, made when the op is called for the first time. Whatever is different takes the general road, which gives the same
results and tells what is wrong with a call that fails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from minitf.core import runtime
from minitf.core.literals import to_array
from minitf.core.state import Handle
from minitf.core.tape import Tape, outlined
from minitf.core.tensor import EagerTensor, SymbolicTensor, tensor_of
from minitf.errors import OpError

if TYPE_CHECKING:
    from minitf.core.op import Op

_current = runtime._current.get
_MISSING: Any = object()
_KERNEL_ERRORS = (ValueError, TypeError, IndexError)


def direct(op: Op, general: Any) -> type | None:
    """The class for an op that has the short road, or None. ``general`` is the road for all other calls."""
    if op.infer_first:
        return None
    count = len(op.inputs) - op.optional  # with optional inputs given, a call of one or two takes the general road
    simple = op.variadic is None and not op.takes_variables
    make = _of_one if simple and count == 1 else _of_two if simple and count == 2 else _of_many
    if op.variadic is None and count == 2 and op.vjp_rule is None and op.on_a_variable:
        make = _of_a_variable
    return type("Op", (type(op),), {"__call__": make(op, general), "__doc__": type(op).__doc__})


def _of_one(op: Op, general: Any) -> Any:
    kernel, fits = op.kernel, op.fits

    def __call__(self: Any, x: Any = _MISSING, /, *more: Any, name: str | None = None, **attrs: Any) -> Any:
        if type(x) is EagerTensor and not more:
            here: Any = None
            if runtime.active:
                here = _current()
                if type(here) is not Tape or not here.direct:
                    return general(self, x, name=name, **attrs)
            value = x._v
            if (value.dtype.num,) in fits:
                try:
                    out = kernel(value, **attrs) if attrs else kernel(value)
                except _KERNEL_ERRORS as error:
                    explain(op, (x,), attrs, error)
                if type(out) is np.ndarray or isinstance(out, np.generic):
                    result = EagerTensor()
                    result._v = out
                    result._node = None
                    if here is not None and op.vjp_rule is not None:
                        node = x._node
                        if node is not None or here.sources:  # here.note, written out
                            token, notes = here.token, here.notes
                            number = node[1] if node is not None and node[0] is token else here.number(x)
                            if number >= 0:
                                result._node = (token, len(notes), None)
                                if not op.keeps_first:
                                    x = outlined(x)
                                notes.append((op, (number,), (x,), attrs, result if op.vjp_reads_out else None, 0))
                    return result
                several = wrap(out)
                if here is not None and op.vjp_rule is not None:
                    here.note(op, (x,), attrs, several)
                return several
        if type(x) is SymbolicTensor and not more and not attrs:
            around = _current()
            if around is not None:
                return around.apply(op, (x,), attrs, name)
        inputs = more if x is _MISSING else (x, *more)
        return general(self, *inputs, name=name, **attrs)

    return __call__


def _of_two(op: Op, general: Any) -> Any:
    kernel, fits = op.kernel, op.fits

    def __call__(self: Any, x: Any = _MISSING, y: Any = _MISSING, /, *more: Any, name: str | None = None, **attrs: Any) -> Any:
        if type(x) is EagerTensor and type(y) is EagerTensor and not more:
            here: Any = None
            if runtime.active:
                here = _current()
                if type(here) is not Tape or not here.direct:
                    return general(self, x, y, name=name, **attrs)
            a, b = x._v, y._v
            if (a.dtype.num, b.dtype.num) in fits:
                try:
                    out = kernel(a, b, **attrs) if attrs else kernel(a, b)
                except _KERNEL_ERRORS as error:
                    explain(op, (x, y), attrs, error)
                if type(out) is np.ndarray or isinstance(out, np.generic):
                    result = EagerTensor()
                    result._v = out
                    result._node = None
                    if here is not None and op.vjp_rule is not None:
                        here.note_two(op, x, y, attrs, result)
                    return result
                several = wrap(out)
                if here is not None and op.vjp_rule is not None:
                    here.note_two(op, x, y, attrs, several)
                return several
        if type(x) is SymbolicTensor and y is not _MISSING and not more and not attrs:
            around = _current()
            if around is not None:
                return around.apply(op, (x, y), attrs, name)
        given = [value for value in (x, y) if value is not _MISSING]
        return general(self, *given, *more, name=name, **attrs)

    return __call__


def _of_a_variable(op: Op, general: Any) -> Any:
    """For an op that changes a variable by a tensor, and has no gradient."""
    kernel, fits = op.kernel, op.fits

    def __call__(self: Any, handle: Any = _MISSING, x: Any = _MISSING, /, *more: Any, name: str | None = None,
                 **attrs: Any) -> Any:  # fmt: skip
        if type(handle) is Handle and type(x) is EagerTensor and handle.cell is not None and not attrs and not more:
            if runtime.active:
                here = _current()
                if type(here) is not Tape or not here.direct:
                    return general(self, handle, x, name=name)
            value = x._v
            if (-handle.spec.dtype.number, value.dtype.num) in fits:
                try:
                    out = kernel(handle.cell, value)
                except _KERNEL_ERRORS as error:
                    explain(op, (handle, x), attrs, error)
                return tensor_of(out) if type(out) is np.ndarray or isinstance(out, np.generic) else wrap(out)
        given = [value for value in (handle, x) if value is not _MISSING]
        return general(self, *given, *more, name=name, **attrs)

    return __call__


def _of_many(op: Op, general: Any) -> Any:
    kernel, fits = op.kernel, op.fits

    def __call__(self: Any, *inputs: Any, name: str | None = None, **attrs: Any) -> Any:
        here: Any = None
        if runtime.active:
            here = _current()
            if type(here) is not Tape or not here.direct:
                return general(self, *inputs, name=name, **attrs)
        values, key = [], []
        for given in inputs:
            if type(given) is EagerTensor:
                value = given._v
                values.append(value)
                key.append(value.dtype.num)
            elif type(given) is Handle and given.cell is not None:
                values.append(given.cell)
                key.append(-given.spec.dtype.number)
            else:
                return general(self, *inputs, name=name, **attrs)
        if tuple(key) not in fits:
            return general(self, *inputs, name=name, **attrs)
        try:
            out = kernel(*values, **attrs)
        except _KERNEL_ERRORS as error:
            explain(op, inputs, attrs, error)
        result = tensor_of(out) if type(out) is np.ndarray else wrap(out)
        if here is not None and op.vjp_rule is not None:
            here.note(op, inputs, attrs, result)
        return result

    return __call__


def read(op: Op, handle: Handle) -> EagerTensor | None:
    """The value of an eager variable, as ``op`` (read_variable) gives it; None if that takes the general road."""
    cell = handle.cell
    if cell is None or cell.value is None:
        return None
    here: Any = None
    if runtime.active:
        here = _current()
        if type(here) is not Tape or not here.direct:
            return None
    result = EagerTensor()
    result._v = cell.value
    result._node = None
    if here is not None:
        here.note_read(op, handle, result)
    return result


def wrap(value: Any) -> Any:
    """Kernel results as tensors: one, or a tuple for a tuple."""
    if type(value) is np.ndarray:
        return tensor_of(value)
    if type(value) is tuple:
        tensors = []
        for v in value:
            if type(v) is np.ndarray:
                tensor = EagerTensor()
                tensor._v = v
                tensor._node = None
                tensors.append(tensor)
            else:
                tensors.append(wrap(v))
        return tuple(tensors)
    if not isinstance(value, (np.ndarray, np.generic)):
        value = to_array(value)
    return tensor_of(value)


def explain(op: Op, inputs: tuple[Any, ...], attrs: dict[str, Any], error: Exception) -> NoReturn:
    """Raises the error of a kernel, or a better told one if attributes or shapes are the cause."""
    if isinstance(error, OpError) and error.message:
        raise error
    op.complete(attrs)
    op.specs_of(inputs, attrs)
    raise error
