"""``tf.print``: tensors as text, when they are computed."""

import builtins
import sys
from typing import Any

import numpy as np

from minitf.core.op import Mixed, convert, op
from minitf.core.structures import flatten
from minitf.core.tensor import Tensor


def number(value: Any) -> str:
    """One element: the shortest of TensorFlow's two forms that says the number exactly."""
    kind = value.dtype.kind
    if kind == "b":
        return "1" if value else "0"
    if kind in "iu":
        return str(int(value))
    if kind == "c":
        return f"({number(value.real)},{number(value.imag)})"
    short, full = ("%.15g", "%.17g") if value.dtype.itemsize == 8 else ("%.6g", "%.9g")
    text = short % float(value)
    return text if value != value or value.dtype.type(text) == value else full % float(value)


def text_of(array: Any, summarize: int, depth: int = 0) -> str:
    """An array as text: the first and last ``summarize`` elements of each axis (-1: all)."""
    array = np.asarray(array)
    if array.ndim == 0:
        item = array[()]
        if array.dtype.kind != "O":
            return number(item)
        return item.decode(errors="replace") if depth == 0 else f'"{item.decode(errors="replace")}"'
    if array.size == 0:
        return "[]"
    cut = 0 <= 2 * summarize < len(array)
    rows = [*array[:summarize], *array[len(array) - summarize :]] if cut else builtins.list(array)
    parts = [text_of(np.asarray(r, dtype=array.dtype), summarize, depth + 1) for r in rows]
    if cut:
        parts.insert(summarize, "...")
    between = " " if array.ndim == 1 else "\n" * (array.ndim - 1) + " " * (depth + 1)
    return f"[{between.join(parts)}]"


@op(name="print", stateful=True)
def _print(*data: Mixed, template, summarize, stream, end):
    """Writes text with tensors in its gaps."""
    texts = [text_of(d, summarize) for d in data]
    stream = getattr(sys, stream) if isinstance(stream, str) else stream  # the one of now: it may have been replaced
    stream.write("".join(texts[part] if isinstance(part, int) else part for part in template) + end)
    return ()


@_print.infer
def _(*data, template, summarize, stream, end):
    return ()


def print(
    *inputs: Any, output_stream: Any = "stderr", summarize: int = 3, sep: str = " ", end: str = "\n", name: str | None = None
) -> Any:
    """Writes values to a stream when they are computed; tensors also inside lists, tuples and dicts. In a graph an operation.

    Of each axis the first and last ``summarize`` elements are shown (-1: all).
    """
    template: list[Any] = []
    tensors: list[Any] = []
    for i, value in enumerate(inputs):
        template += [sep] if i else []
        _write(value, template, tensors, True)
    stream = {id(sys.stderr): "stderr", id(sys.stdout): "stdout"}.get(id(output_stream), output_stream)
    attrs = {"template": tuple(template), "summarize": int(summarize), "stream": stream, "end": end}
    return _print(*tensors, name=name or "PrintV2", **attrs) or None


def _write(value: Any, template: list[Any], tensors: list[Any], top: bool) -> None:
    """The text of a value; for each tensor its number among ``tensors``."""
    if isinstance(value, Tensor) or hasattr(value, "_as_tensor") or (top and isinstance(value, np.ndarray)):
        template.append(len(tensors))
        tensors.append(convert(value))
        return
    if not isinstance(value, (list, tuple, dict)) or not any(
        isinstance(v, Tensor) or hasattr(v, "_as_tensor") for v in flatten(value)
    ):
        template.append(str(value) if top else repr(value))
        return
    opening, closing = {dict: ("{", "}"), list: ("[", "]")}.get(type(value), ("(", ")"))
    items = list(value.items()) if isinstance(value, dict) else [(None, v) for v in value]
    template.append(opening)
    for i, (key, item) in enumerate(items):
        template.append((", " if i else "") + ("" if key is None else f"{key!r}: "))
        _write(item, template, tensors, False)
    template.append(",)" if closing == ")" and len(items) == 1 else closing)
