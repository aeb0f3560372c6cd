"""``Print`` of TensorFlow 1.x: a tensor that writes others to stderr whenever it is computed."""

import sys
from typing import Any

import numpy as np

from minitf.core import dtypes, runtime
from minitf.core.op import Anything, Mixed, Other, Place, convert, op
from minitf.core.spec import Spec
from minitf.core.state import Cell, Handle
from minitf.ops.printing import number

_COUNT = Spec(dtypes.int64, ())


def shown(array: Any, most: int) -> str:
    """A tensor as text: its first ``most`` elements, axes in brackets, ``...`` where some were left out."""
    array = np.asarray(array)
    room = [array.size if most < 0 else most]
    text = _rows(array, room, True)
    return f"[{text}{'...' if array.size > room[0] and array.size > most >= 0 else ''}]"


def _rows(array: Any, room: list[int], outermost: bool) -> str:
    if array.ndim == 0:
        return _element(array[()])
    if array.ndim == 1:
        taken = array[: room[0]]
        room[0] -= len(taken)
        cut = len(taken) < len(array) and not outermost
        return " ".join(map(_element, taken)) + ("..." if cut else "")
    return "".join(f"[{_rows(row, room, False)}]" for row in array if room[0] > 0)


def _element(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return "?" if np.iscomplexobj(value) else number(value)  # as TensorFlow's


@op(name="run_number", stateful=True)
def _run_number(state: Place):
    """How many times it ran before in this session."""
    with state.lock:
        before = state.value
        state.write(np.int64(1) if before is None else before + np.int64(1))
    return np.int64(0) if before is None else before


@_run_number.infer
def _(state):
    return _COUNT


@op(name="print_data", stateful=True)
def _print_data(input: Anything, run: Other, *data: Mixed, message, first_n, summarize):
    """The input; writes the data to stderr, in the first runs only if ``first_n`` is not negative."""
    if first_n < 0 or run < first_n:
        sys.stderr.write(message + "".join(shown(d, summarize) for d in data) + "\n")
    return input


@_print_data.infer
def _(input, run, *data, message, first_n, summarize):
    return input


@_print_data.vjp
def _(g, out, input, run, *data, message, first_n, summarize):
    return g, None, *[None] * len(data)


def Print(input_: Any, data: Any, message: str | None = None, first_n: int | None = None, summarize: int | None = None,
          name: str | None = None) -> Any:  # fmt: skip
    """``input_``; when it is computed, ``message`` and the tensors in the list ``data`` are written to stderr.

    ``first_n``: only in so many runs of a session (None, -1: in all). ``summarize``: so many elements of each tensor (None: 3,
    -1: all).
    """
    most = -1 if first_n is None else int(first_n)
    run: Any = np.int64(0)
    if most >= 0:
        counter = Handle("print_count", _COUNT, runtime.current().home, trainable=False)
        counter.cell = Cell(counter, hangs_on_it=True)
        run = _run_number(counter)
    attrs = {"message": message or "", "first_n": most, "summarize": 3 if summarize is None else int(summarize)}
    return _print_data(convert(input_), run, *[convert(d) for d in data], name=name or "Print", **attrs)
