"""Python's operators on tensors: each is installed by the op that implements it.

For eager tensors the method is written out as source text from the op's expression, so that ``a + b`` costs one Python call
above NumPy: both are eager, no other context is active anywhere, the dtypes are the same object; everything else takes the
general road through ``Op.__call__``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minitf.core import dtypes
from minitf.core import runtime as _runtime
from minitf.core.literals import to_array
from minitf.core.state import Handle
from minitf.core.tape import NO_ATTRS, Outline, Tape, outlined
from minitf.core.tensor import EagerTensor, SymbolicTensor, Tensor

if TYPE_CHECKING:
    from minitf.core.op import Op


UNARY = {"neg", "abs", "invert"}
COMPARISONS = {"lt", "le", "gt", "ge", "eq", "ne"}

# The fast road is for the dtypes that the op takes, by NumPy's numbers; strings and the types of ml_dtypes take the general
# one. A Python number takes it where NumPy turns it into the tensor's dtype just as the general road would. `here` is a
# tape right around the eager runtime, or None; other runtimes take the general road. float32 is asked for first, and scalars
# of it by their type: NumPy makes their dtype anew each time. The end is Tape.note_two, written out:
# the call would cost as much as the note. A variable is read right here; nobody else sees the tensor, so that it may have the
# variable's own number on the tape, and the reading needs no note.
_BINARY = """
def __{method}__(self, other):
    here = None
    if runtime.active:
        here = current()
        if type(here) is not Tape or not here.direct:
            return otherwise(self, other)
    a = self._v
    if type(other) is EagerTensor:
        b = other._v
    elif type(other) in python:
        if here is None and a.dtype.num in python[type(other)] and -2147483648 <= other < 2147483648:
            b = other
            r = EagerTensor()
            r._v = {expr}
            r._node = None
            return r
        return otherwise(self, other)
    else:
        handle = getattr(other, "_handle", None)
        if type(handle) is not Handle or handle.cell is None or (b := handle.cell.value) is None:
            return otherwise(self, other)
        other = EagerTensor()
        other._v = b
        other._node = None
        if here is not None:
            j = here.handles.get(handle, -1)
            if j >= 0 or handle.trainable and here.watch_variables:
                if j < 0:
                    j = here.handles[handle] = len(here.notes)
                    here.notes.append(None)
                other._node = (here.token, j, None)
    if {scalars}(t := a.dtype) is b.dtype and (t is usual or t.num in numbers){guard}:
        try:
            v = {expr}
        except ValueError:
            return otherwise(self, other)
        r = EagerTensor()
        r._v = v
        if here is None or op.vjp_rule is None:
            r._node = None
            return r
        i = self._node
        j = other._node
        token = here.token
        i = i[1] if i is not None and i[0] is token else -1 if i is None and not here.sources else here.number(self)
        j = j[1] if j is not None and j[0] is token else -1 if j is None and not here.sources else here.number(other)
        if i < 0 and j < 0:
            r._node = None
            return r
        notes = here.notes
        r._node = (token, len(notes), None)
        if type(v) is array:
            if not op.keeps_first:
                t = a.dtype
                x = Outline()
                x.np_dtype = t
                x.sizes = a.shape
                if op.keeps_second:
                    y = other
                elif a.shape == b.shape:
                    y = x
                else:
                    y = Outline()
                    y.np_dtype = t
                    y.sizes = b.shape
                notes.append((op, (i, j), (x, y), NO_ATTRS, r if op.vjp_reads_out else None, 0))
                return r
            if not op.keeps_second:
                other = outlined(other)
        notes.append((op, (i, j), (self, other), NO_ATTRS, r if op.vjp_reads_out else None, 0))
        return r
    return otherwise(self, other)
"""
_REFLECTED = """
def __r{method}__(self, other):
    if type(other) in python and not runtime.active:
        b = self._v
        if b.dtype.num in python[type(other)] and -2147483648 <= other < 2147483648:
            a = other
            r = EagerTensor()
            r._v = {expr}
            r._node = None
            return r
    return otherwise(other, self)
"""
_UNARY = """
def __{method}__(self):
    if not runtime.active:
        a = self._v
        if a.dtype.num in numbers:
            r = EagerTensor()
            r._v = {expr}
            r._node = None
            return r
    return otherwise(self)
"""


def _of_symbolic(op: Op, otherwise: Any) -> list[Any]:
    """The operator of tensors of a graph, and the reflected one: what goes to the current runtime without further questions.

    That is a tensor of a dtype that the op takes with another tensor, a variable, or a Python number, which takes that dtype.
    """
    ours = frozenset(d.number for d in op.kinds[0].allowed or dtypes.ALL)
    numbers = (int, float) if len(set(op.kinds)) == 1 else ()
    current = _runtime._current.get

    def operator(self: Any, other: Any) -> Any:
        here = current()
        if here is not None and self._spec.dtype.number in ours:
            if type(other) in numbers:
                other = here.constant(to_array(other, self._spec.dtype))
            elif type(other) is not SymbolicTensor and hasattr(other, "_as_tensor"):
                other = other._as_tensor()
            if type(other) is SymbolicTensor:
                return here.apply(op, (self, other), NO_ATTRS)
        return otherwise(self, other)

    def reflected(self: Any, other: Any) -> Any:
        here = current()
        if here is not None and type(other) in numbers and self._spec.dtype.number in ours:
            return here.apply(op, (here.constant(to_array(other, self._spec.dtype)), self), NO_ATTRS)
        return otherwise(other, self)

    def unary(self: Any) -> Any:
        here = current()
        if here is not None and self._spec.dtype.number in ours:
            return here.apply(op, (self,), NO_ATTRS)
        return otherwise(self)

    return [unary] if op.method in UNARY else [operator] if op.method in COMPARISONS else [operator, reflected]


def install_operator(op: Op, otherwise: Any = None) -> None:
    """Makes the op the implementation of a Python operator of both tensor classes.

    ``otherwise`` is called for what the fast road does not take; it is the op unless the operator does more than the op.
    """
    method = op.method
    assert method is not None
    call = op if otherwise is None else otherwise
    if method in UNARY:
        general: Any = lambda self: call(self)  # noqa: E731
    else:
        general = lambda self, other: call(self, other)  # noqa: E731
    general.__name__ = f"__{method}__"
    general.__doc__ = op.__doc__
    setattr(EagerTensor if method in ("eq", "ne") else Tensor, f"__{method}__", general)
    if method not in UNARY and method not in COMPARISONS:
        reflected: Any = lambda self, other: call(other, self)  # noqa: E731
        reflected.__name__ = f"__r{method}__"
        setattr(Tensor, f"__r{method}__", reflected)
    if method not in ("eq", "ne"):
        for name, symbolic in zip((f"__{method}__", f"__r{method}__"), _of_symbolic(op, call), strict=False):
            symbolic.__name__, symbolic.__doc__ = name, op.__doc__
            setattr(SymbolicTensor, name, symbolic)
    if op.expr is not None:
        allowed = op.kinds[0].allowed or dtypes.ALL
        known = [d for d in allowed if d._np is not None and d._extension is None and d._np.num != 17]
        numbers = frozenset(d._np.num for d in known if d not in op.expr_not)  # type: ignore[union-attr]
        floats = frozenset(d._np.num for d in known if d.kind in "fc")  # type: ignore[union-attr]
        integers = frozenset(d._np.num for d in known if d in (dtypes.int32, dtypes.int64))  # type: ignore[union-attr]
        usual = np.dtype(np.float32) if dtypes.float32.np.num in numbers else None  # asked first
        space: dict[str, Any] = {
            "__name__": __name__,  # whose warnings they are
            "EagerTensor": EagerTensor, "Tape": Tape, "runtime": _runtime, "current": _runtime._current.get,
            "Handle": Handle, "op": op, "otherwise": call, "numbers": numbers, "NO_ATTRS": NO_ATTRS,
            "Outline": Outline, "outlined": outlined, "usual": usual,
            "scalar": np.float32,
            "array": np.ndarray, "python": {float: floats, int: floats | integers} if not op.expr_rank else {},
        }  # fmt: skip
        scalars = "" if usual is None or op.expr_rank else "type(a) is scalar and type(b) is scalar or "
        guard = f" and a.ndim >= {op.expr_rank} and b.ndim >= {op.expr_rank}" if op.expr_rank else ""
        templates = [_UNARY] if method in UNARY else [_BINARY] if method in COMPARISONS else [_BINARY, _REFLECTED]
        for template in templates:
            text = template.format(method=method, expr=op.expr.format("a", "b"), scalars=scalars, guard=guard)
            exec(compile(text, f"<operator {op.name}>", "exec"), space)  # generated from the op's own expression
        for name in (f"__{method}__", f"__r{method}__"):
            if name in space:
                space[name].__doc__ = op.__doc__
                setattr(EagerTensor, name, space[name])


def method(name: str) -> Any:
    """Installs a function as a method of both tensor classes: for operators that are no single op, such as indexing."""

    def install(function: Any) -> Any:
        setattr(Tensor, name, function)
        return function

    return install
