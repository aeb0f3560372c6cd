"""Ops on strings: their elements are ``bytes``; positions and lengths count bytes, or characters of UTF-8 if asked for."""

import math
import re
from typing import Any

import numpy as np

from minitf.core import dtypes
from minitf.core.op import Anything, Text, convert, op
from minitf.core.spec import Spec, broadcast_shapes, compatible, merge_shapes, shape_text
from minitf.errors import InvalidArgumentError, OutOfRangeError, ShapeError
from minitf.ops.kinds import Rows
from minitf.ops.reductions import reduced_shape
from minitf.ops.static import known_axes


def _each(function, first, *rest, kind=object):
    """``function`` of the elements, broadcast; strings stay arrays also at rank 0."""
    whole = np.broadcast_arrays(first, *rest) if rest else [np.asarray(first, dtype=first.dtype)]
    out = np.empty(whole[0].shape, dtype=kind)
    flat = out.reshape(-1)
    for i, items in enumerate(zip(*(w.reshape(-1) for w in whole), strict=True)):
        flat[i] = function(*items)
    return out if kind is object or out.ndim else out[()]


# -- joining -----------------------------------------------------------------------------------------------------------


@op(name="string_join")
def _join(*inputs: Text, separator):
    """Joins strings elementwise."""
    _one_shape(*[i.shape for i in inputs])
    return _each(lambda *parts: separator.join(parts), *inputs)


@_join.infer
def _(*inputs, separator):
    return Spec(dtypes.string, _one_shape(*[i.shape for i in inputs]))


def _one_shape(*shapes):
    """The shape of those that are no scalars. Raises ShapeError if it is not the same."""
    if all(s == () for s in shapes):
        return ()
    out = None
    for s in shapes:
        out = out if s == () else merge_shapes(out, s)
    return out


@_join.samples
def _(draw):
    sizes = draw.shape()
    return tuple(draw(Text, shape=draw.choice([sizes, sizes, ()])) for _ in range(draw.integer(1, 3))), {"separator": b"-"}


def join(inputs: Any, separator: str = "", name: str | None = None) -> Any:
    """The strings of a list of tensors joined elementwise, with ``separator`` between them."""
    return _join(*inputs, separator=_bytes(separator), name=name)


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


@op(name="reduce_join")
def _reduce_join(inputs: Text, *, axis, keepdims, separator):
    """Joins strings along axes."""
    for a in axis or ():
        if not -inputs.ndim <= a < inputs.ndim:
            raise OutOfRangeError(f"reduce_join: axis={a} is out of range for a tensor of rank {inputs.ndim}.")
    over = tuple(range(inputs.ndim)) if axis is None else tuple(a % inputs.ndim for a in axis)
    kept = [i for i in range(inputs.ndim) if i not in over]
    together = math.prod(inputs.shape[i] for i in over)
    rows = np.transpose(inputs, [*kept, *over]).reshape(*(inputs.shape[i] for i in kept), together)
    out = np.empty(rows.shape[:-1], dtype=object)
    for at in np.ndindex(*out.shape):
        out[at] = separator.join(rows[at])
    return np.expand_dims(out, tuple(sorted(over))) if keepdims else out


@_reduce_join.infer
def _(inputs, *, axis, keepdims, separator):
    return Spec(dtypes.string, reduced_shape(inputs.shape, axis, keepdims))


@_reduce_join.samples
def _(draw):
    x = draw(Text)
    axis = draw.choice([None, *([(draw.integer(-x.ndim, x.ndim - 1),)] if x.ndim else [])])
    return (x,), {"axis": axis, "keepdims": draw.choice([False, True]), "separator": b","}


def reduce_join(inputs: Any, axis: Any = None, keepdims: bool = False, separator: str = "", name: str | None = None) -> Any:
    """The strings along ``axis`` (None: all) joined."""
    axes = known_axes(axis, "axis")
    return _reduce_join(inputs, axis=axes, keepdims=bool(keepdims), separator=_bytes(separator), name=name)


# -- one by one --------------------------------------------------------------------------------------------------------


def _unit(unit: str) -> str:
    if unit not in ("BYTE", "UTF8_CHAR"):
        raise ValueError(f"unit must be 'BYTE' or 'UTF8_CHAR', not {unit!r}.")
    return unit


@op(name="string_length")
def _string_length(input: Text, *, unit):
    """The lengths of strings."""
    return _each(len if unit == "BYTE" else (lambda s: len(s.decode(errors="replace"))), input, kind=np.int32)


@_string_length.infer
def _(input, *, unit):
    return Spec(dtypes.int32, input.shape)


def length(input: Any, unit: str = "BYTE", name: str | None = None) -> Any:
    """The length of each string, in bytes or (UTF8_CHAR) in characters."""
    return _string_length(input, unit=_unit(unit), name=name)


@op(name="string_lower")
def _lower(input: Text, *, utf8):
    """Lower case."""
    return _each((lambda s: s.decode().lower().encode()) if utf8 else bytes.lower, input)


@op(name="string_upper")
def _upper(input: Text, *, utf8):
    """Upper case."""
    return _each((lambda s: s.decode().upper().encode()) if utf8 else bytes.upper, input)


for _case in (_lower, _upper):
    _case.samples(lambda draw: ((draw(Text),), {"utf8": draw.choice([False, True])}))
_string_length.samples(lambda draw: ((draw(Text),), {"unit": draw.choice(["BYTE", "UTF8_CHAR"])}))


def lower(input: Any, encoding: str = "", name: str | None = None) -> Any:
    """The strings in lower case: ASCII letters, or all with ``encoding="utf-8"``."""
    return _lower(input, utf8=encoding == "utf-8", name=name)


def upper(input: Any, encoding: str = "", name: str | None = None) -> Any:
    """The strings in upper case: ASCII letters, or all with ``encoding="utf-8"``."""
    return _upper(input, utf8=encoding == "utf-8", name=name)


@op(name="string_strip")
def strip(input: Text):
    """The strings without white space at both ends."""
    return _each(bytes.strip, input)


@op(name="substr")
def _substr(input: Text, pos: Rows, len: Rows, *, unit):
    """Parts of strings."""

    def part(s, start, count):
        text = s if unit == "BYTE" else s.decode(errors="replace")
        n = text.__len__()
        if not -n <= start <= n:
            raise InvalidArgumentError(f"substr: position {start} is outside of a string of length {n}.")
        start += n if start < 0 else 0
        cut = text[start:] if count < 0 else text[start : start + count]
        return cut if unit == "BYTE" else cut.encode()

    if pos.shape != len.shape:
        raise ShapeError(f"pos and len must have one shape, but have {pos.shape} and {len.shape}.")
    return _each(part, input, pos, len)


@_substr.infer
def _(input, pos, len, *, unit):
    if not compatible(pos.shape, len.shape):
        raise ShapeError(f"pos and len must have one shape, but have {shape_text(pos.shape)} and {shape_text(len.shape)}.")
    return Spec(dtypes.string, broadcast_shapes(input.shape, merge_shapes(pos.shape, len.shape)))


_substr.samples(lambda draw: ((draw(Text), np.int32(0), np.int32(draw.integer(0, 3))), {"unit": "BYTE"}))


def substr(input: Any, pos: Any, len: Any, unit: str = "BYTE", name: str | None = None) -> Any:
    """``len`` bytes (or characters) of each string from ``pos`` on; a negative position counts from the end."""
    return _substr(input, pos, len, unit=_unit(unit), name=name)


@op(name="regex_full_match")
def _regex_full_match(input: Text, *, pattern):
    """True where the whole string matches."""
    found = re.compile(pattern)
    return _each(lambda s: found.fullmatch(s) is not None, input, kind=np.bool_)


@_regex_full_match.infer
def _(input, *, pattern):
    return Spec(dtypes.bool, input.shape)


_regex_full_match.samples(lambda draw: ((draw(Text),), {"pattern": b"a.*"}))


def regex_full_match(input: Any, pattern: str, name: str | None = None) -> Any:
    """True where the whole string matches the regular expression (Python's syntax, on bytes)."""
    return _regex_full_match(input, pattern=_bytes(pattern), name=name)


@op(name="regex_replace")
def _regex_replace(input: Text, *, pattern, rewrite, replace_global):
    """Replaces what matches."""
    found, count = re.compile(pattern), 0 if replace_global else 1
    return _each(lambda s: found.sub(rewrite, s, count=count), input)


_regex_replace.samples(
    lambda draw: ((draw(Text),), {"pattern": b"a", "rewrite": b"x", "replace_global": draw.choice([False, True])})
)


def regex_replace(input: Any, pattern: str, rewrite: str, replace_global: bool = True, name: str | None = None) -> Any:
    r"""The strings with what matches the regular expression replaced; ``\1`` in ``rewrite`` is the first group."""
    attrs = {"pattern": _bytes(pattern), "rewrite": _bytes(rewrite), "replace_global": bool(replace_global)}
    return _regex_replace(input, name=name, **attrs)


# -- numbers -----------------------------------------------------------------------------------------------------------


@op(name="as_string")
def _as_string(input: Anything, *, form):
    """Numbers as text."""
    if input.dtype.kind == "b":
        return _each(lambda v: b"true" if v else b"false", input)
    if input.dtype.kind == "c":
        return _each(lambda v: f"({form % v.real},{form % v.imag})".encode(), np.asarray(input))
    return _each(lambda v: (form % v.item()).encode(), np.asarray(input))


@_as_string.infer
def _(input, *, form):
    return Spec(dtypes.string, input.shape)


_as_string.samples(lambda draw: ((draw(draw.numbers),), {"form": "%g"}))


def as_string(
    input: Any, precision: int = -1, scientific: bool = False, shortest: bool = False, width: int = -1, fill: str = "",
    name: str | None = None,
) -> Any:  # fmt: skip
    """Numbers as text:

    ``%f`` for floats (``%e`` if ``scientific``, ``%g`` if ``shortest``), ``%d`` for integers, true and false.
    """
    x = convert(input)
    if x.dtype.kind == "S":
        return x
    letter = "d" if x.dtype.kind in "iub" else "e" if scientific else "g" if shortest else "f"
    form = f"%{fill}{width if width >= 0 else ''}{f'.{precision}' if precision >= 0 and letter != 'd' else ''}{letter}"
    return _as_string(x, form=form, name=name)


@op(name="to_number")
def _to_number(input: Text, *, out_type):
    """Text as numbers."""

    def number(s):
        try:
            return (float if out_type.kind == "f" else int)(s.strip())
        except ValueError:
            raise InvalidArgumentError(f"strings.to_number: cannot read {s!r} as {out_type.name}.") from None

    return _each(number, input, kind=out_type.np)


@_to_number.infer
def _(input, *, out_type):
    return Spec(out_type, input.shape)


@_to_number.samples
def _(draw):
    text = np.empty(2, object)
    text[:] = [b"1", b" -3"]
    return (text,), {"out_type": draw.dtype()}


def to_number(input: Any, out_type: Any = dtypes.float32, name: str | None = None) -> Any:
    """The numbers that the strings spell. Raises InvalidArgumentError for one that spells none."""
    return _to_number(input, out_type=dtypes.as_dtype(out_type), name=name)
