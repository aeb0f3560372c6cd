"""``tf.debugging``: what must hold of tensors, checked where they are computed.

An assertion fails with InvalidArgumentError. In eager mode it does so at once; in a graph it is an operation that does when it
is run (in a ``tf.function`` it is run by itself), unless the values are known while the graph is built. What is wrong with
ranks, shapes and dtypes that are known is a ValueError or TypeError at once, in both modes.
"""

import builtins
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from minitf.core import dtypes, runtime
from minitf.core.op import Mixed, RealFloating, convert, op
from minitf.core.spec import TensorShape
from minitf.core.tensor import SymbolicTensor, Tensor
from minitf.errors import InvalidArgumentError
from minitf.ops.comparisons import equal, greater, greater_equal, less, less_equal, not_equal
from minitf.ops.control import _assert
from minitf.ops.creating import cast, zeros_like
from minitf.ops.elementwise import abs as abs_
from minitf.ops.shapes import rank as rank_of
from minitf.ops.shapes import shape as shape_of
from minitf.ops.static import known

# -- pairs and signs ---------------------------------------------------------------------------------------------------


@op(name="assert_pair", stateful=True)
def _assert_pair(holds: Mixed, x: Mixed, y: Mixed, *data: Mixed, sign, message, summarize):
    """Raises an error with the first places where a comparison does not hold."""
    if np.all(holds):
        return ()
    places = np.argwhere(~np.broadcast_to(holds, np.shape(holds)))[:summarize]
    wide = [np.broadcast_to(v, np.shape(holds)) for v in (x, y)]
    found = "; ".join(f"at {[int(i) for i in at]}: {wide[0][tuple(at)]} and {wide[1][tuple(at)]}" for at in places)
    said = f"{message} " if message else ""
    besides = "".join(f" {np.array2string(np.asarray(d), threshold=summarize, edgeitems=summarize)}" for d in data)
    shapes = f"with x of shape {np.shape(x)} and y of shape {np.shape(y)}"
    raise InvalidArgumentError(None, None, f"{said}Condition x {sign} y did not hold, {shapes}: {found}{besides}")


@_assert_pair.infer
def _(holds, x, y, *data, sign, message, summarize):
    return ()


def _pair(name: str, sign: str, holds: Callable[[Any, Any], Any]) -> Any:
    def check(x: Any, y: Any, message: str | None = None, summarize: int | None = None, name: str | None = None,
              data: Sequence[Any] | None = None) -> Any:  # fmt: skip
        first, second = convert(x), convert(y)
        if not hasattr(x, "dtype") and hasattr(y, "dtype"):
            first = convert(x, second.dtype)
        elif hasattr(x, "dtype") and not hasattr(y, "dtype"):
            second = convert(y, first.dtype)
        return _checked(first, second, sign, holds, message, summarize, name or check.__name__, data)

    check.__name__ = check.__qualname__ = name
    check.__doc__ = f"Raises InvalidArgumentError, with the first {3} places, unless ``x {sign} y`` holds for all elements."
    return check


def _checked(x: Any, y: Any, sign: str, holds: Any, message: str | None, summarize: int | None, name: str,
             data: Sequence[Any] | None) -> Any:  # fmt: skip
    attrs = {"sign": sign, "message": message or "", "summarize": 3 if summarize is None else summarize}
    values = [known(t) for t in (x, y, *(data or ()))]
    if all(v is not None for v in values):
        with runtime.using(runtime.load("minitf.runtimes.eager").EAGER):
            _assert_pair(holds(*values[:2]), *values, **attrs)
        if runtime.current().home.graph_being_built() is None:
            return None
    return _assert_pair(holds(x, y), x, y, *(data or ()), name=name, **attrs) or None


assert_equal = _pair("assert_equal", "==", equal)
assert_none_equal = _pair("assert_none_equal", "!=", not_equal)
assert_less = _pair("assert_less", "<", less)
assert_less_equal = _pair("assert_less_equal", "<=", less_equal)
assert_greater = _pair("assert_greater", ">", greater)
assert_greater_equal = _pair("assert_greater_equal", ">=", greater_equal)


def _against_zero(name: str, sign: str, holds: Callable[[Any, Any], Any]) -> Any:
    def check(x: Any, message: str | None = None, summarize: int | None = None, name: str | None = None,
              data: Sequence[Any] | None = None) -> Any:  # fmt: skip
        tensor = convert(x)
        zero = zeros_like(tensor)
        return _checked(tensor, zero, sign, holds, message, summarize, name or check.__name__, data)

    check.__name__ = check.__qualname__ = name
    check.__doc__ = f"Raises InvalidArgumentError, with the first {3} places, unless ``x {sign} 0`` holds for all elements."
    return check


assert_positive = _against_zero("assert_positive", ">", greater)
assert_negative = _against_zero("assert_negative", "<", less)
assert_non_negative = _against_zero("assert_non_negative", ">=", greater_equal)
assert_non_positive = _against_zero("assert_non_positive", "<=", less_equal)


def assert_near(
    x: Any, y: Any, rtol: Any = None, atol: Any = None, message: str | None = None, summarize: int | None = None,
    name: str | None = None, data: Sequence[Any] | None = None,
) -> Any:  # fmt: skip
    """Raises InvalidArgumentError unless ``|x - y| <= atol + rtol * |y|`` for all elements; by default both are 10 eps."""
    first = convert(x)
    second = convert(y, None if hasattr(y, "dtype") else first.dtype)
    eps = 10 * float(first.dtype.real_dtype._limit("eps")) if first.dtype.kind in "fc" else 0.0
    real = first.dtype.real_dtype
    relative, absolute = (convert(eps if t is None else t, real) for t in (rtol, atol))

    def holds(a: Any, b: Any) -> Any:
        return less_equal(abs_(a - b), absolute + relative * abs_(b))

    return _checked(first, second, "is near", holds, message, summarize, name or "assert_near", data)


# -- floats ------------------------------------------------------------------------------------------------------------


@op(name="check_numerics", stateful=True)
def _check_numerics(tensor: RealFloating, *, message):
    """The tensor; raises an error if an element is infinite or NaN."""
    wrong = [what for what, is_it in (("Inf", np.isinf), ("NaN", np.isnan)) if np.any(is_it(tensor))]
    if wrong:
        raise InvalidArgumentError(None, None, f"{message} : Tensor had {' and '.join(wrong)} values")
    return tensor


@_check_numerics.infer
def _(tensor, *, message):
    return tensor


@_check_numerics.vjp
def _(g, out, tensor, *, message):
    return (_check_numerics(g, message=f"Not a number (NaN) or infinity (Inf) values detected in gradient. {message}"),)


def check_numerics(tensor: Any, message: str, name: str | None = None) -> Any:
    """The tensor. Raises InvalidArgumentError if an element is infinite or NaN, and for its gradient as well."""
    return _check_numerics(convert(tensor), message=message, name=name)


def assert_all_finite(x: Any, message: str, name: str | None = None) -> Any:
    """As ``check_numerics``."""
    return check_numerics(x, message, name)


# -- ranks and shapes --------------------------------------------------------------------------------------------------


def _rank(x: Any, ranks: Sequence[Any], holds: Callable[[int, int], bool], wanted: str, message: str | None, name: str,
          data: Sequence[Any] | None, summarize: int | None) -> Any:  # fmt: skip
    tensor = convert(x)
    numbers = [known(r) for r in ranks]
    if any(n is not None and np.ndim(n) for n in numbers):
        raise ValueError("Rank must be a scalar.")
    for n in numbers:
        if n is not None and not isinstance(n, (int, np.integer)) and np.asarray(n).dtype.kind not in "iu":
            raise TypeError(f"{name}: a rank is an integer, not {n!r}.")
    said = f"{message}. " if message else ""
    own = tensor.shape.rank
    if own is not None and None not in numbers:
        if not builtins.any(holds(own, int(n)) for n in numbers):
            raise ValueError(f"{said}The tensor must have rank {wanted}, but its rank is {own} (shape {tensor.shape}).")
        home = runtime.current().home
        with home.name_scope(name):
            return home.group([], "static_checks_determined_all_ok")
    compare = {"": equal, "at least ": greater_equal}["at least " if wanted.startswith("at least") else ""]
    fits = [compare(rank_of(tensor), cast(r, dtypes.int32)) for r in ranks]
    anywhere = fits[0]
    for one in fits[1:]:
        anywhere = anywhere | one
    text = f"{said}The tensor must have rank {wanted}, but its shape is"
    shown = 9 if summarize is None else summarize
    return _assert(anywhere, convert(text), shape_of(tensor), *(data or ()), summarize=shown, name=name) or None


def assert_rank(x: Any, rank: Any, message: str | None = None, name: str | None = None, data: Sequence[Any] | None = None,
                summarize: int | None = None) -> Any:  # fmt: skip
    """Raises ValueError unless ``x`` has the rank, or InvalidArgumentError if only a session will know."""
    return _rank(x, [rank], lambda own, n: own == n, f"{known(rank)}", message, name or "assert_rank", data, summarize)


def assert_rank_at_least(x: Any, rank: Any, message: str | None = None, name: str | None = None,
                         data: Sequence[Any] | None = None, summarize: int | None = None) -> Any:  # fmt: skip
    """Raises ValueError unless the rank of ``x`` is at least ``rank``, or InvalidArgumentError if only a session will know."""
    wanted = f"at least {known(rank)}"
    return _rank(x, [rank], lambda own, n: own >= n, wanted, message, name or "assert_rank_at_least", data, summarize)


def assert_rank_in(x: Any, ranks: Any, message: str | None = None, name: str | None = None,
                   data: Sequence[Any] | None = None, summarize: int | None = None) -> Any:  # fmt: skip
    """Raises ValueError unless the rank of ``x`` is one of them, or InvalidArgumentError if only a session will know."""
    among = f"in {tuple(known(r) for r in ranks)}"
    return _rank(x, list(ranks), lambda own, n: own == n, among, message, name or "assert_rank_in", data, summarize)


def assert_scalar(tensor: Any, message: str | None = None, name: str | None = None) -> Any:
    """The tensor. Raises ValueError if it is known not to have rank 0."""
    out = convert(tensor)
    if out.shape.rank not in (None, 0):
        raise ValueError(f"{message or ''}Expected a scalar, but the tensor has shape {out.shape}.")
    return out


def assert_shapes(
    shapes: Any, data: Any = None, summarize: int | None = None, message: str | None = None, name: str | None = None
) -> Any:
    """Raises ValueError (or InvalidArgumentError, if only a session will know) unless tensors have certain shapes.

    ``shapes``: pairs (tensor, shape). A shape is a tuple or a string of sizes: ints, names that stand for one size everywhere,
    or None or "." for any. An "..." or "*" at one end stands for any number of axes.
    """
    said = f"{message}. " if message else ""
    pairs = list(shapes.items()) if isinstance(shapes, Mapping) else list(shapes)
    sizes: dict[Any, tuple[Any, str]] = {}
    checks: list[Any] = []
    for number, (tensor, given) in enumerate(pairs):
        x = convert(tensor.deref() if hasattr(tensor, "deref") else tensor)
        symbols, open_end = _symbols(given)
        _check_rank(x, symbols, open_end, said, checks)
        for i, symbol in enumerate(symbols):
            if symbol is None:
                continue
            axis = i - len(symbols) if open_end == "first" else i
            size, where = _size_along(x, axis), f"axis {axis} of tensor {number} ({x.shape})"
            wanted, of = (symbol, "the shape given") if isinstance(symbol, int) else sizes.setdefault(symbol, (size, where))
            _check_size(size, wanted, f"{said}{where} must have the size of {of}", checks)
    return checks or None


def _symbols(given: Any) -> tuple[list[Any], str | None]:
    if not isinstance(given, (list, tuple, str)):
        given = [given] if isinstance(given, (int, str)) or given is None else list(TensorShape(given))
    symbols: list[Any] = []
    for s in given:
        digit = isinstance(s, str) and s.isdigit()
        symbols.append(None if s in (None, ".") else int(s) if digit or isinstance(s, int) else s)
    stars = [i for i, s in enumerate(symbols) if s in ("...", "*")]
    if not stars:
        return symbols, None
    if len(stars) > 1 or stars[0] not in (0, len(symbols) - 1):
        raise ValueError(f"assert_shapes: '...' may stand once, at the beginning or the end, not as in {given!r}.")
    return (symbols[1:], "first") if stars[0] == 0 else (symbols[:-1], "last")


def _check_rank(x: Any, symbols: list[Any], open_end: str | None, said: str, checks: list[Any]) -> None:
    check = assert_rank if open_end is None else assert_rank_at_least
    made = check(x, len(symbols), message=(said.removesuffix(". ") or None))
    checks += [made] if made is not None else []


def _size_along(x: Any, axis: int) -> Any:
    known_size = x.shape[axis] if x.shape.rank is not None else None
    return shape_of(x)[axis] if known_size is None else known_size


def _check_size(size: Any, wanted: Any, text: str, checks: list[Any]) -> None:
    if not isinstance(size, SymbolicTensor) and not isinstance(wanted, SymbolicTensor):
        if int(size) != int(wanted):
            raise ValueError(f"{text}, {int(wanted)}, but it has size {int(size)}.")
        return
    made = _assert(equal(cast(size, dtypes.int32), cast(wanted, dtypes.int32)), convert(text), size, wanted, summarize=9)
    checks += [made] if made else []


# -- dtypes ------------------------------------------------------------------------------------------------------------


def assert_type(tensor: Any, tf_type: Any, message: str | None = None, name: str | None = None) -> None:
    """Raises TypeError unless the tensor has the dtype."""
    found, wanted = convert(tensor).dtype, dtypes.as_dtype(tf_type)
    if found is not wanted:
        raise TypeError(f"{f'{message} ' if message else ''}The tensor must be {wanted.name}, but it is {found.name}.")


def assert_integer(x: Any, message: str | None = None, name: str | None = None) -> None:
    """Raises TypeError unless the tensor is of integers."""
    found = convert(x).dtype
    if not found.is_integer:
        raise TypeError(f"{f'{message} ' if message else ''}The tensor must be of integers, but it is {found.name}.")


def assert_same_float_dtype(tensors: Any = None, dtype: Any = None) -> Any:
    """The float dtype of all tensors. Raises ValueError if they have others, or none of floats."""
    found = None if dtype is None else dtypes.as_dtype(dtype)
    for t in tensors or ():
        own = convert(t).dtype
        if found is not None and own is not found:
            raise ValueError(f"All tensors must have one dtype, but there are {found.name} and {own.name}.")
        found = own
    if found is not None and not found.is_floating:
        raise ValueError(f"The tensors must be of floats, but they are {found.name}.")
    return found or dtypes.float32


def assert_proper_iterable(values: Any) -> None:
    """Raises TypeError for tensors, arrays, strings and what is not iterable: things that are no list of things."""
    if isinstance(values, (Tensor, np.ndarray, bytes, str)) or hasattr(values, "_as_tensor"):
        raise TypeError(f"Expected a list of things, not one {type(values).__name__}. Put it into a list.")
    if not hasattr(values, "__iter__"):
        raise TypeError(f"Expected something iterable, not {type(values).__name__}.")


def is_numeric_tensor(tensor: Any) -> bool:
    """True for a tensor of numbers."""
    return isinstance(tensor, Tensor) and tensor.dtype.kind in "fiuc"
