"""How an operation is written in a plan, by its op and the specs of its inputs and outputs.

Operations that are alike in these have one *form*, which is worked out once for all of them: in a long graph nearly all
operations are like one before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from minitf.core.spec import Spec, total_size
from minitf.core.tensor import SymbolicTensor
from minitf.runtimes.operation import Operation
from minitf.runtimes.plan.chains import ufunc_of

LARGE = 16384
"""Elements of an array that is dropped at once, not when its local is used again."""
ALWAYS, LIKE_INPUTS, NEVER = 2, 1, 0
_INTO = (
    (re.compile(r"(\S+) @ (\S+)"), r"np.matmul(\1, \2, {out})"),
    (re.compile(r"np\.add\.reduce\((\S+), 0\)"), r"np.add.reduce(\1, 0, None, {out})"),
)
_ARITHMETIC = re.compile(r"\{0\} ([-+*/]) \{1\}")


class Form:
    """What is common to operations of one op on tensors of the same specs.

    * ``template``: the expression of names (``{0}``, ``{1}``, ...) that computes it.
    * ``fresh``: its results share memory with nothing, and it keeps none of its inputs.
    * ``in_order``: whether its results are in C order: ALWAYS, LIKE_INPUTS (if these all are), or NEVER for sure.
    * ``places``: the inputs, by number, into whose array the result of ``ufunc`` would fit. ``augmented``: the statement that
      writes it into the first input, if there is an operator that does.
    * ``into``: the expression that writes the result into an array ``{out}`` of its dtype and shape, if there is one
      (``{ufunc}``: the name of ``ufunc``).
    * ``several``: it gives a tuple. ``large``: for each result, whether it is dropped at once when nobody needs it.
    """

    __slots__ = ("augmented", "fresh", "in_order", "into", "large", "places", "several", "template", "ufunc")

    def __init__(self, template: str, fresh: bool, in_order: int, several: bool, outputs: Sequence[SymbolicTensor]):
        self.template = template
        self.fresh = fresh
        self.in_order = in_order
        self.several = several
        self.large = [is_large(t.spec) for t in outputs]
        self.places: tuple[int, ...] = ()
        self.ufunc: Any = None
        self.augmented: str | None = None
        self.into: str | None = None


def is_large(spec: Spec) -> bool:
    """True for arrays that may be large."""
    return not spec.complete or total_size(spec.shape) >= LARGE  # type: ignore[arg-type]


class Forms:
    """Finds the forms of one plan. ``bind(value, letter)`` gives the name of a global that holds a value."""

    def __init__(self, kernels: Mapping[str, Callable[..., Any]], bind: Callable[[Any, str], str]):
        self.kernels = kernels
        self.bind = bind
        self.known: dict[Any, Form] = {}  # by op and ids of attributes and specs, which the graph keeps taken

    def of(self, step: Any) -> Form:
        """The form of an operation, or of what stands for several (a chain, an optimizer's steps)."""
        if type(step) is not Operation:
            template = f"{self.bind(step.compiled(), 'k')}({_numbered(len(step.arguments))})"
            return Form(template, step.fresh, ALWAYS, True, step.outputs)
        ids = [id(a._spec) if type(a) is SymbolicTensor else 0 for a in step.arguments]
        key = (step.kernel_op, id(step.attrs), *ids, *[id(t._spec) for t in step.outputs])
        form = self.known.get(key)
        if form is None:
            form = self.known[key] = self._made(step)
        return form

    def _made(self, o: Operation) -> Form:
        op, outputs = o.kernel_op, o.outputs
        replaced = op.name in self.kernels
        ufunc = None if replaced else ufunc_of(o)
        in_order = LIKE_INPUTS if op.ufunc is not None else ALWAYS if op.name in ("read_variable", "matmul") else NEVER
        if replaced:  # nobody knows what the other kernel gives
            in_order = NEVER
        template, written = self._template(o, ufunc)
        form = Form(template, op.fresh and not replaced, in_order, o.several, outputs)
        if ufunc is not None:
            spec = outputs[0].spec
            if spec.complete and spec.shape:
                form.places = tuple([i for i, t in enumerate(o.inputs) if t.spec == spec])
                form.ufunc = ufunc
                form.into = f"{{ufunc}}({_numbered(len(o.inputs))}, out={{out}})"
                match = _ARITHMETIC.fullmatch(template) if written else None
                form.augmented = None if match is None else f"{{0}} {match[1]}= {{1}}"
        for pattern, into in _INTO if written and outputs and outputs[0].spec.complete else ():
            match = pattern.fullmatch(template)
            if match is not None:
                form.into = match.expand(into)
        return form

    def _template(self, o: Operation, ufunc: Any) -> tuple[str, bool]:
        """The expression, and whether it is the one that the op has for it."""
        op = o.kernel_op
        if op.name not in self.kernels:
            specs = [t._spec for t in o.inputs]
            if op.scalar_expr and all(s.shape == () and s.dtype.kind in "fi" and s.dtype.size >= 4 for s in specs):
                return op.scalar_expr, True
            expression = op.expression(specs, o.attrs) if len(specs) == len(o.arguments) or not specs else None
            if expression is not None:
                return expression, True
            if ufunc is not None:
                return f"{self.bind(ufunc, 'u')}({_numbered(len(specs))})", False
        kernel = self.bind(self.kernels.get(op.name, op.kernel), "k")
        arguments = [f"{{{i}}}" for i in range(len(o.arguments))]
        for name, value in o.attrs.items():
            if op.name in self.kernels or name not in op.wants or op.wants[name] is not value:
                arguments.append(f"{name}={self.bind(value, 'a')}")
        call = f"{kernel}({', '.join(arguments)})"
        return (f"normal({call})" if any(t.spec.dtype.kind in "SV" for t in o.outputs) else call), False


def _numbered(count: int) -> str:
    return ", ".join([f"{{{i}}}" for i in range(count)])
