"""One op, one block.

An op is defined once: a *kernel* over arrays, an *infer* rule from specs to specs, and a *vjp* rule (vector-Jacobian product,
the gradient) written with ops::

    @op(method="mul", expr="{0} * {1}")
    def multiply(x: Numeric, y: Numeric):
        \"\"\"Multiplies elementwise, with NumPy broadcasting.\"\"\"
        return x * y

    @multiply.infer
    def _(x, y):
        return broadcast(x, y)

    @multiply.vjp
    def _(g, out, x, y):
        return sum_to(g * y, x), sum_to(g * x, y)

Positional arguments are inputs, keyword-only arguments are attributes. The annotation of an input is its *kind*: the dtypes it
takes; inputs of the same kind object have one dtype, and a Python number adapts to it. Calling the op asks for the current
runtime: this is the one place in the package that does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from minitf.core import dtypes
from minitf.core import runtime as _runtime
from minitf.core.accuracy import USUAL, Bound
from minitf.core.calls import direct
from minitf.core.dtypes import DType
from minitf.core.literals import to_array
from minitf.core.operators import install_operator
from minitf.core.registry import REGISTRY
from minitf.core.spec import same
from minitf.core.state import Handle
from minitf.core.tensor import EagerTensor, Tensor
from minitf.errors import DTypeError, OpError

# A block is written with ``op`` and with these, so it imports them from here, too.
from minitf.core.kinds import (  # isort: skip
    Addable as Addable, Anything as Anything, Boolean as Boolean, Complex as Complex, Floating as Floating, Index as Index,
    Integer as Integer, Kind as Kind, Mixed as Mixed, Numeric as Numeric, Other as Other, Place as Place, Real as Real,
    RealFloating as RealFloating, Text as Text,
)  # fmt: skip


class Op:
    """An operation: see the module's text. ``REGISTRY`` holds all of them by name."""

    def __init__(self, kernel: Callable[..., Any], *, name: str | None = None, stateful: bool = False,
                 method: str | None = None, expr: str | None = None, expr_rank: int = 0,
                 expr_not: Collection[DType] = (), scalar_expr: str | None = None, ufunc: Any = None, fresh: bool = False,
                 of_shape: bool = False, infer_first: bool = False, domain: tuple[float, float] | None = None,
                 bound: Bound = USUAL):  # fmt: skip
        code = kernel.__code__
        count = code.co_argcount
        self.name = name or kernel.__name__.rstrip("_")
        self.kernel = kernel
        self.__doc__ = kernel.__doc__
        self.__name__ = kernel.__name__  # programs print which activation they use
        self.inputs: tuple[str, ...] = code.co_varnames[:count]
        self.variadic: str | None = code.co_varnames[count + code.co_kwonlyargcount] if code.co_flags & 0x04 else None
        notes = kernel.__annotations__
        names = self.inputs if self.variadic is None else (*self.inputs, self.variadic)
        self.kinds: tuple[Kind, ...] = tuple(notes.get(n, Anything) for n in names)
        self.optional = len(kernel.__defaults__ or ())
        self.attrs: tuple[str, ...] = code.co_varnames[count : count + code.co_kwonlyargcount]
        self.all_attrs = frozenset(self.attrs)
        self.wants = kernel.__kwdefaults__ or {}
        self.takes_variables = Place in self.kinds
        self.on_a_variable = self.kinds[:1] == (Place,) and Place not in self.kinds[1:]
        self.stateful = stateful
        self._called = False
        self.method = method
        self.expr = expr
        self.expr_rank = expr_rank
        self.expr_not = expr_not
        self.scalar_expr = scalar_expr
        self.ufunc = ufunc
        self.fresh = fresh or ufunc is not None
        self.of_shape = of_shape
        self.infer_first = infer_first
        self.domain = domain
        self.bound = bound
        self.samples_rule: Callable[..., Any] | None = None
        self.terms_rule: Callable[..., Any] | None = None
        self.expr_rule: Callable[..., Any] | None = None
        self.infer_rule: Callable[..., Any] = same
        self.vjp_rule: Callable[..., Any] | None = None
        self.vjp_reads: tuple[bool, ...] | None = None  # the inputs whose values the rule reads; None: all
        self.vjp_reads_out = True
        self.keeps_first = self.keeps_second = self.keeps_all = True  # the first two of vjp_reads, and all of them
        self.vjp_partial = False
        # Dtypes of inputs that have been checked and need not be again: NumPy's numbers (eager), ours (tensors of a graph).
        self.fits: set[tuple[int, ...]] = set()
        self.fits_symbolic: set[tuple[int, ...]] = set()
        # All attributes and the results' specs, by the ids of the specs of a graph's tensors and the attributes that were
        # given. The specs stand beside, so that the ids stay theirs (see ``runtimes.fitting``).
        self.inferred: dict[tuple[Any, ...], tuple[dict[str, Any], Any, list[Any]]] = {}
        if self.name in REGISTRY:
            raise ValueError(f"An op named {self.name!r} exists already.")
        REGISTRY[self.name] = self
        if method is not None:
            install_operator(self)

    # -- the parts of a block ------------------------------------------------------------------------------------------

    def infer(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Sets the shape rule: specs (and attributes by keyword) in, one Spec or a tuple of Specs out."""
        self.infer_rule = rule
        return rule

    def vjp(self, rule: Callable[..., Any] | None = None, *, reads: str | None = None, partial: bool = False) -> Any:
        """Sets the gradient rule ``rule(g, out, *inputs, **attrs)``: one gradient (or None) for each input.

        A gradient may also be a function without arguments that computes it; it is called only if the gradient is wanted.
        ``g`` and ``out`` are tuples for ops with several outputs. ``reads`` names those of ``out`` and the inputs whose values
        the rule reads (``reads="out x"``; of the other inputs it gets dtype and shape, and an ``out`` that is not named is
        None): the rest need not be kept for it. Without ``reads``, everything is kept. ``partial``: of several outputs'
        gradients those that are 0 may be None.

        The rule must depend on nothing but what it is given: for operations that are alike, a graph repeats what it appended.
        """
        if rule is None:
            return lambda rule: self.vjp(rule, reads=reads, partial=partial)
        self.vjp_rule = rule
        self.vjp_partial = partial
        if reads is not None:
            named = set(reads.split())
            if self.variadic is not None or not named <= {"out", *self.inputs}:
                raise ValueError(f"{self.name}: reads={reads!r} must name inputs of {list(self.inputs)}, or 'out'.")
            self.vjp_reads = tuple(name in named for name in self.inputs)
            self.keeps_first, self.keeps_second = (*self.vjp_reads, True, True)[:2]
            self.keeps_all = all(self.vjp_reads)
            self.vjp_reads_out = "out" in named
        return rule

    def written(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Sets a rule that says what the kernel does with inputs of these specs, as an expression for a plan, or None.

        It gets what the shape rule gets. The expression may use ``np``.
        """
        self.expr_rule = rule
        return rule

    def samples(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Sets how to draw inputs for tests: ``rule(draw)`` gives ``(inputs, attrs)``.

        Without a rule, inputs are drawn from the kinds, broadcast against each other, within ``domain``.
        """
        self.samples_rule = rule
        return rule

    def terms(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Sets what an op that sums has for rounding errors: ``rule(*arrays, **attrs)`` gives how many terms a sum has.

        Or it gives ``(number, sum|terms|)``, in the shape of the result (a tuple for several results); without the second, that
        is what the kernel gives for the moduli of the inputs.
        """
        self.terms_rule = rule
        return rule

    @property
    def differentiable(self) -> bool:
        """True if the op has a gradient rule."""
        return self.vjp_rule is not None

    # -- calling -------------------------------------------------------------------------------------------------------

    def __call__(self, *inputs: Any, name: str | None = None, **attrs: Any) -> Any:
        """Runs the op in the current runtime. Raises DTypeError or ShapeError for inputs that do not fit."""
        if not self._called:  # from the next call on, the short road is tried first
            self._called = True
            self.__class__ = direct(self, Op.__call__) or Op
        if attrs and len(inputs) < len(self.inputs) and not self.all_attrs.issuperset(attrs):  # inputs may be named too
            inputs = self._with_named(inputs, attrs)
        return _runtime.current().apply(self, inputs, attrs, name)

    def _with_named(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> tuple[Any, ...]:
        rest = self.inputs[len(inputs) :]
        count = max((i + 1 for i, n in enumerate(rest) if n in attrs), default=0)
        return (*inputs, *(attrs.pop(n, None) for n in rest[:count]))

    def complete(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """All attributes, defaults included (not to be written to). Raises TypeError for unknown and for missing ones."""
        if not attrs and len(self.attrs) == len(self.wants):
            return self.wants
        if len(attrs) == len(self.attrs) and attrs.keys() == self.all_attrs:
            return attrs
        out = {**self.wants, **attrs}
        if len(out) != len(self.attrs) or any(a not in out for a in self.attrs):
            unknown, missing = [a for a in attrs if a not in self.attrs], [a for a in self.attrs if a not in out]
            raise TypeError(
                f"{self.name}: unknown attributes {unknown}, missing attributes {missing}; it has {list(self.attrs)}."
            )
        return out

    def bind(self, inputs: tuple[Any, ...], runtime: Any) -> tuple[Any, ...]:
        """The inputs as tensors of ``runtime`` (handles stay as they are), dtypes checked."""
        key = _key(inputs)
        if key in self.fits:
            return inputs
        bound = self._bind(inputs, runtime)
        if key is not None:
            self.fits.add(key)
        return bound

    def _bind(self, inputs: tuple[Any, ...], runtime: Any) -> tuple[Any, ...]:
        kinds = self._kinds_for(inputs)
        agreed: dict[Kind, DType] = {}
        out = list(inputs)
        later = []
        for i, value in enumerate(inputs):
            if isinstance(value, Handle):
                continue
            if not isinstance(value, Tensor):
                give = getattr(value, "_as_tensor", None)
                if give is None:
                    later.append(i)
                    continue
                out[i] = value = give()
            dtype, kind = value.dtype, kinds[i]
            found = dtype if kind is Mixed else agreed.setdefault(kind, dtype)
            if found is not dtype or (kind.allowed is not None and dtype not in kind.allowed):
                raise self._dtype_error(i, dtype, found, kind)
        for i in later:
            kind, value = kinds[i], inputs[i]
            if value is None and self.optional and i >= len(self.inputs) - self.optional:
                continue
            tensor = convert_like(value, agreed.get(kind), kind, runtime)
            out[i] = tensor
            found = tensor.dtype if kind is Mixed else agreed.setdefault(kind, tensor.dtype)
            if found is not tensor.dtype or (kind.allowed is not None and tensor.dtype not in kind.allowed):
                raise self._dtype_error(i, tensor.dtype, found, kind)
        return tuple(out)

    def _kinds_for(self, inputs: tuple[Any, ...]) -> tuple[Kind, ...]:
        n, fixed = len(inputs), len(self.inputs)
        if self.variadic is not None and n >= fixed:
            return self.kinds[:fixed] + self.kinds[fixed:] * (n - fixed)
        if not fixed - self.optional <= n <= fixed:
            raise TypeError(f"{self.name} takes {fixed} inputs ({', '.join(self.inputs)}), but got {n}.")
        return self.kinds

    def input_name(self, i: int) -> str:
        """What the block calls input ``i``."""
        return self.inputs[i] if i < len(self.inputs) else f"{self.variadic}[{i - len(self.inputs)}]"

    def _dtype_error(self, i: int, dtype: DType, found: DType, kind: Kind) -> OpError:
        if kind.allowed is not None and dtype not in kind.allowed:
            return DTypeError(
                None, None, f"{self.name}: input {self.input_name(i)!r} is {dtype.name}, but it must be {kind.name}. "
                f"Convert it with tf.cast."
            )  # fmt: skip
        return DTypeError(
            None, None,
            f"{self.name}: input {self.input_name(i)!r} is {dtype.name}, but another input is {found.name}, and dtypes are not "
            f"converted silently. Write tf.cast(x, tf.{found.name}).",
        )  # fmt: skip

    def expression(self, specs: Sequence[Any], attrs: dict[str, Any]) -> str | None:
        """``expr``, if it says what the kernel does for inputs of these specs; else None."""
        if self.expr_rule is not None:
            return self.expr_rule(*specs, **attrs)  # type: ignore[no-any-return]
        if self.expr is None or (attrs and attrs != self.wants):
            return None
        return self.expr if self.expressible(specs) else None

    def expressible(self, specs: Sequence[Any]) -> bool:
        """Whether dtypes and ranks are such that ``expr`` holds."""
        for spec in specs:
            if spec.dtype.kind not in "fiuc" or spec.dtype in self.expr_not:
                return False
            if self.expr_rank and (spec.rank is None or spec.rank < self.expr_rank):
                return False
        return True

    def specs_of(self, tensors: tuple[Any, ...], attrs: dict[str, Any]) -> Any:
        """What the shape rule says about these inputs: one Spec or a tuple. Raises ShapeError with the op's name in front."""
        try:
            return self.infer_rule(*[None if t is None else t.spec for t in tensors], **attrs)
        except OpError as e:
            if not e.message.startswith(self.name + ":"):
                e.message = f"{self.name}: {e.message}"
                e.args = (e.message,)
            raise

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    def __reduce__(self) -> str | tuple[Any, ...]:
        return _registered, (self.name,)


def _key(inputs: tuple[Any, ...]) -> tuple[int, ...] | None:
    """NumPy's numbers of the dtypes of eager tensors, ours (negative) of variables; None if there is anything else."""
    key = []
    for t in inputs:
        if type(t) is EagerTensor:
            key.append(t._v.dtype.num)
        elif type(t) is Handle:
            key.append(-t.spec.dtype.number)
        else:
            return None
    return tuple(key)


def _registered(name: str) -> Op:
    return REGISTRY[name]


def op(kernel: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Declares an op from its kernel: ``@op`` or ``@op(stateful=True, method="add", expr="{0} + {1}", infer_first=True)``.

    * ``method``: the Python operator that it implements (``"add"`` for ``__add__`` and ``__radd__``).
    * ``expr``: the kernel as a Python expression, from which operator methods and plan statements are written out. It may hold
      only from a rank of the arrays on, ``expr_rank``, and not for the dtypes ``expr_not``; it is for the attributes'
      defaults.
    * ``ufunc``: the NumPy ufunc that the kernel is, applied to the inputs, so that a plan may write its result where it likes.
    * ``scalar_expr``: what the kernel does to NumPy scalars of 32 bits or more, as an expression of names.
    * ``fresh``: the result never shares memory with an input, and no input is kept (a ufunc's never does).
    * ``of_shape``: the kernel looks at dtype and shape of its input only.
    * ``domain``: the interval of floats that tests draw from, for ops that are defined or smooth only there.
    * ``bound``: how far the result may be from TensorFlow's, where that is more than usual, and why (``core.accuracy``).
    * ``infer_first``: the kernel takes more than the op allows, so the shape rule runs before it, not only for its message.
    """
    if kernel is not None:
        return Op(kernel)
    return lambda function: Op(function, **options)


_PLAIN = frozenset({np.ndarray, float, int})


def convert(value: Any, dtype: Any = None, name: str | None = None, runtime: Any = None) -> Tensor:
    """``value`` as a tensor of the current runtime. Raises DTypeError if it is a tensor of another dtype than asked for."""
    if type(value) is EagerTensor and dtype is None:
        return value
    wanted = None if dtype is None else dtypes.as_dtype(dtype)
    if type(value) in _PLAIN:
        return (_runtime.current() if runtime is None else runtime).constant(to_array(value, wanted), name)
    if not isinstance(value, Tensor) and hasattr(value, "_as_tensor"):
        value = value._as_tensor()
    if isinstance(value, Tensor):
        if wanted is not None and value.dtype is not wanted:
            raise DTypeError(
                f"A {value.dtype.name} tensor was given where {wanted.name} is needed. Write tf.cast(x, tf.{wanted.name})."
            )
        return value
    here = _runtime.current() if runtime is None else runtime
    if isinstance(value, (list, tuple)) and holds_tensor(value):
        return _pack(value, wanted, here)
    return here.constant(to_array(value, wanted), name)


def convert_like(value: Any, dtype: DType | None, kind: Kind, runtime: Any) -> Tensor:
    """A Python value as a tensor next to others of ``dtype``: it adapts where that loses nothing, else it keeps its own dtype.

    Raises TypeError where TensorFlow does: a Python float cannot become the integer that its neighbour is.
    """
    if dtype is None:
        dtype = kind.default or (next(iter(kind.allowed)) if kind.allowed is not None and len(kind.allowed) == 1 else None)
    if dtype is None or not hasattr(value, "dtype"):
        return convert(value, dtype, runtime=runtime)
    try:
        return convert(value, dtype, runtime=runtime)
    except (TypeError, ValueError):
        return convert(value, None, runtime=runtime)


def holds_tensor(value: Any) -> bool:
    """True if a nested sequence has a tensor or variable somewhere in it."""
    return any(
        holds_tensor(v) if isinstance(v, (list, tuple)) else isinstance(v, Tensor) or hasattr(v, "_as_tensor") for v in value
    )


def _pack(value: Any, dtype: DType | None, runtime: Any) -> Tensor:
    if dtype is None:
        dtype = _first_dtype(value)
    parts = [convert(v, dtype, runtime=runtime) for v in value]
    return runtime.apply(REGISTRY["stack"], tuple(parts), {"axis": 0}, None)  # type: ignore[no-any-return]


def _first_dtype(value: Any) -> DType | None:
    for v in value:
        if isinstance(v, (list, tuple)):
            found = _first_dtype(v)
        else:
            found = v.dtype if hasattr(v, "spec") else None  # a tensor or a variable
        if found is not None:
            return found
    return None
