"""Products of several tensors in Einstein's notation: ``einsum`` and ``tensordot``."""

import re
import string
from typing import Any

import numpy as np

from minitf.core.op import Numeric, convert, op
from minitf.core.spec import Spec, broadcast_shapes, shape_text, total_size
from minitf.errors import ShapeError
from minitf.ops.creating import cast, eye, ones
from minitf.ops.elementwise import conj
from minitf.ops.products import matmul
from minitf.ops.shapes import reshape, shape, sum_to, widened
from minitf.ops.shaping import transpose
from minitf.ops.static import known, one_axis


@op(name="einsum", infer_first=True)
def _einsum(*inputs: Numeric, equation):
    """The sum of products that an equation describes."""
    wide = [widened(i) for i in inputs]
    return np.asarray(np.einsum(equation, *wide, optimize=len(inputs) > 1)).astype(inputs[0].dtype, copy=False)[()]


def _sides(equation):
    left, right = equation.split("->")
    return left.split(","), right


@_einsum.infer
def _(*inputs, equation):
    terms, result = _sides(equation)
    if len(terms) != len(inputs):
        raise ShapeError(f"The equation {equation!r} has {len(terms)} inputs, but {len(inputs)} were given.")
    sizes = {}
    dots = ()
    for term, spec in zip(terms, inputs, strict=True):
        if spec.shape is None:
            dots = None if "..." in term else dots
            continue
        named = term.replace("...", "")
        extra = len(spec.shape) - len(named)
        if extra < 0 or (extra and "..." not in term):
            raise ShapeError(
                f"The equation {equation!r} gives an input {len(named)} axes, but it has shape {shape_text(spec.shape)}."
            )
        at = term.find("...") if "..." in term else len(term)
        labels = [*zip(term[:at], spec.shape[:at], strict=True), *zip(term[at + 3 :], spec.shape[at + extra :], strict=True)]
        for label, size in labels:
            if sizes.setdefault(label, size) is None:
                sizes[label] = size
            if size is not None and sizes[label] != size:
                raise ShapeError(f"In the equation {equation!r} the axis {label!r} has both size {sizes[label]} and {size}.")
        if "..." in term:
            dots = None if dots is None else broadcast_shapes(dots, spec.shape[at : at + extra])
    if "..." in result and dots is None:
        return Spec(inputs[0].dtype, None)
    at = result.find("...") if "..." in result else len(result)
    return Spec(
        inputs[0].dtype, (*map(sizes.get, result[:at]), *(dots if "..." in result else ()), *map(sizes.get, result[at + 3 :]))
    )


@_einsum.vjp
def _(g, out, *inputs, equation):
    terms, result = _sides(equation)
    free = [c for c in string.ascii_letters if c not in equation]
    grads = []
    for i, (term, x) in enumerate(zip(terms, inputs, strict=True)):
        operands = [g, *(conj(o) for k, o in enumerate(inputs) if k != i)]
        left = [result, *(t for k, t in enumerate(terms) if k != i)]
        wanted = ""
        for label in _labels(term):
            if label == "...":
                wanted += label
            elif label in wanted:  # a diagonal was taken: put it back by an identity matrix
                other = free.pop()
                size = _size_of(x, term, label)
                operands.append(eye(size, dtype=x.dtype))
                left.append(label + other)
                wanted += other
            else:
                if not any(label in t for t in left):  # the axis was summed over: every element counts once
                    operands.append(ones([_size_of(x, term, label)], dtype=x.dtype))
                    left.append(label)
                wanted += label
        grads.append(sum_to(_einsum(*operands, equation=f"{','.join(left)}->{wanted}"), x))
    return tuple(grads)


def _labels(term):
    return re.findall(r"\.\.\.|[A-Za-z]", term)


def _size_of(x, term, label):
    at = term.index(label)
    dots = term.find("...")
    if 0 <= dots < at:
        at -= len(term)
    sizes = x.spec.shape
    return sizes[at] if sizes is not None and sizes[at] is not None else shape(x)[at]


@_einsum.terms
def _(*inputs, equation):
    terms, result = _sides(equation)
    sizes = {
        c: s for t, x in zip(terms, inputs, strict=True) for c, s in zip(t.replace("...", ""), x.shape[: len(t)], strict=False)
    }
    return total_size(s for c, s in sizes.items() if c not in result)


@_einsum.samples
def _(draw):
    a, b, c = (draw.integer(1, 3) for _ in "abc")
    sizes = {"a": a, "b": b, "c": c}
    equation = draw.choice(
        [
            "ab,bc->ac",
            "ab->ba",
            "ab->",
            "aa->a",
            "aa->",
            "...ab,...bc->...ac",
            "ab,ab->a",
            "a,b,c->abc",
            "ab,bc,ca->",
            "a...->...",
        ]
    )
    terms, _ = _sides(equation)
    kind = draw.dtype_of(None)
    return tuple(draw(shape=tuple(sizes[s] for s in t.replace("...", "")), dtype=kind) for t in terms), {"equation": equation}


def einsum(equation: str, *inputs: Any, **kwargs: Any) -> Any:
    """The sum of products that ``equation`` describes, for example ``"ij,jk->ik"`` for a matrix product.

    Each letter names an axis; letters that are not in the result are summed over; ``...`` are axes that broadcast. Without
    ``->`` the result has the letters that occur once, in alphabetical order. Raises ValueError for an equation that cannot be
    read.
    """
    if len(inputs) == 1 and isinstance(inputs[0], (list, tuple)):
        inputs = tuple(inputs[0])
    text = equation.replace(" ", "")
    if not re.fullmatch(r"[A-Za-z.,]*(->[A-Za-z.]*)?", text) or not inputs:
        raise ValueError(f"einsum: cannot read the equation {equation!r}. Write for example 'ij,jk->ik'.")
    if "->" not in text:
        letters = sorted({c for c in text if c.isalpha() and text.count(c) == 1})
        text += f"->{'...' if '...' in text else ''}{''.join(letters)}"
    terms, result = _sides(text)
    if len(terms) != len(inputs):
        raise ValueError(f"einsum: the equation {equation!r} has {len(terms)} inputs, but {len(inputs)} were given.")
    unknown = [c for c in result if c.isalpha() and not any(c in t for t in terms)]
    if unknown or any(result.count(c) > 1 for c in result if c.isalpha()):
        raise ValueError(f"einsum: each axis of the result of {equation!r} must be in an input, and only once in the result.")
    return _einsum(*inputs, equation=text, name=kwargs.get("name"))


def tensordot(a: Any, b: Any, axes: Any, name: str | None = None) -> Any:
    """Sums products over pairs of axes:

    the last n of ``a`` with the first n of ``b`` (``axes=n``), or lists of axes for each.
    """
    x, y = convert(a), convert(b)
    y = cast(y, x.dtype) if y.dtype is not x.dtype and not hasattr(b, "dtype") else y
    rank_x, rank_y = x.ndim, y.ndim
    given: Any = known(axes) if not isinstance(axes, (list, tuple)) else axes
    if np.ndim(given) == 0:
        n = int(given)
        if not 0 <= n <= min(rank_x, rank_y):
            raise ValueError(f"tensordot: axes={n} must be in [0, {min(rank_x, rank_y)}] for shapes {x.shape} and {y.shape}.")
        of_x, of_y = list(range(rank_x - n, rank_x)), list(range(n))
    else:
        first, second = (([int(v)] if np.ndim(v) == 0 else [int(i) for i in v]) for v in given)
        of_x, of_y = [one_axis(i, rank_x, "axes") for i in first], [one_axis(i, rank_y, "axes") for i in second]
    if len(of_x) != len(of_y):
        raise ValueError(f"tensordot: axes={axes} must name as many axes of one as of the other.")
    free_x = [i for i in range(rank_x) if i not in of_x]
    free_y = [i for i in range(rank_y) if i not in of_y]
    sizes_x, sizes_y = _sizes(x), _sizes(y)
    summed: Any = 1
    for i in of_x:
        summed = summed * sizes_x[i]
    rows = reshape(transpose(x, [*free_x, *of_x]), [_product([sizes_x[i] for i in free_x]), summed])
    columns = reshape(transpose(y, [*of_y, *free_y]), [summed, _product([sizes_y[i] for i in free_y])])
    return reshape(matmul(rows, columns), [*(sizes_x[i] for i in free_x), *(sizes_y[i] for i in free_y)], name=name)


def _sizes(x: Any) -> list[Any]:
    return [shape(x)[i] if s is None else s for i, s in enumerate(x.spec.shape)]


def _product(values: list[Any]) -> Any:
    out: Any = 1
    for v in values:
        out = out * v
    return out
