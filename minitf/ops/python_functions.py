"""``py_function`` and ``numpy_function``: Python code among the operations, run when they are."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minitf.core import dtypes, runtime
from minitf.core.op import Mixed, convert, op
from minitf.core.spec import Spec
from minitf.core.structures import flatten
from minitf.core.tensor import tensor_of
from minitf.errors import InvalidArgumentError, OpError, ResourceExhaustedError, UnimplementedError, UnknownError
from minitf.ops.control import filled, through

# What an error of the function becomes where an operation runs it.
_ERRORS: tuple[tuple[type[BaseException], type[OpError]], ...] = (
    (NotImplementedError, UnimplementedError), (MemoryError, ResourceExhaustedError), (ValueError, InvalidArgumentError),
    (TypeError, InvalidArgumentError), (Exception, UnknownError),
)  # fmt: skip


def _called(function: Callable[..., Any], arguments: Sequence[Any], what: str) -> Any:
    """What the function gives. What it raises becomes an OpError, with the error itself as the cause."""
    try:
        return function(*arguments)
    except OpError:
        raise
    except Exception as e:
        kind = next(ours for theirs, ours in _ERRORS if isinstance(e, theirs))
        raise kind(None, None, f"{what} raised {type(e).__name__}: {e}") from e


def _results(given: Any, kinds: Sequence[Any], what: str) -> list[Any]:
    """A function's results as tensors of the dtypes that were announced. Raises InvalidArgumentError if they are others."""
    results = [] if given is None else flatten(given) if isinstance(given, (list, tuple)) else [given]
    if len(results) != len(kinds):
        raise InvalidArgumentError(None, None, f"{what} gave {len(results)} values, but Tout announced {len(kinds)}.")
    try:
        return [convert(r, k) for r, k in zip(results, kinds, strict=True)]
    except (TypeError, ValueError) as e:
        raise InvalidArgumentError(None, None, f"{what} gave what is not of the dtypes of Tout: {e}") from e


def _eager() -> Any:
    return runtime.using(runtime.load("minitf.runtimes.eager").EAGER)


def _arrays(tensors: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(t._v for t in tensors)


# -- of tensors --------------------------------------------------------------------------------------------------------


@op(name="py_function", stateful=True)
def _py_function(*inputs: Mixed, function, kinds, what):
    """What a Python function of eager tensors gives."""
    with _eager():
        return _arrays(_results(_called(function, [tensor_of(i) for i in inputs], what), kinds, what))


@_py_function.infer
def _(*inputs, function, kinds, what):
    return tuple(Spec(k, None) for k in kinds)


@_py_function.vjp
def _(g, out, *inputs, function, kinds, what):
    smooth = [i for i, x in enumerate(inputs) if x.dtype.kind in "fc"]
    seeds = [s for s, k in zip(g, kinds, strict=True) if k.kind in "fc"]
    if not smooth or not seeds:
        return (None,) * len(inputs)
    found = _py_function_gradient(*inputs, *seeds, function=function, kinds=kinds, what=what, smooth=tuple(smooth))
    by_input = dict(zip(smooth, found, strict=True))
    return tuple(by_input.get(i) for i in range(len(inputs)))


@op(name="py_function_gradient", stateful=True)
def _py_function_gradient(*inputs: Mixed, function, kinds, what, smooth):
    """Gradients of a Python function of eager tensors, which is called again under a tape."""
    count = len(inputs) - sum(k.kind in "fc" for k in kinds)
    with _eager():
        given, seeds = [tensor_of(i) for i in inputs[:count]], [tensor_of(s) for s in inputs[count:]]

        def outputs(*moved: Any) -> Any:
            arguments = list(given)
            for i, x in zip(smooth, moved, strict=True):
                arguments[i] = x
            results = _results(_called(function, arguments, what), kinds, what)
            return [r for r, k in zip(results, kinds, strict=True) if k.kind in "fc"]

        points = [given[i] for i in smooth]
        return _arrays(filled(through(outputs, points, seeds), points))


@_py_function_gradient.infer
def _(*inputs, function, kinds, what, smooth):
    return tuple(inputs[i] for i in smooth)


def py_function(func: Any = None, inp: Any = None, Tout: Any = None, name: str | None = None) -> Any:
    """What ``func`` gives for the tensors in ``inp``: a Python function of eager tensors, also in a graph.

    ``Tout``: the dtype of the result, or a list of dtypes for a list of results; an empty one for none, and then a graph gives
    the operation. In a graph an operation calls the function in each run, and once more for its gradient; shapes are not known.
    What the function raises becomes an InvalidArgumentError (ValueError, TypeError, results of other dtypes),
    UnimplementedError, ResourceExhaustedError or UnknownError, with the cause. Without ``func``, a decorator. Raises TypeError
    without ``Tout``.
    """
    if func is None:
        return lambda function: lambda *inputs: py_function(function, inputs, Tout, name)
    kinds, single = _announced(func, Tout, "py_function")
    tensors, what = [convert(i) for i in inp or ()], f"py_function({getattr(func, '__name__', func)})"
    if runtime.current().home.graph_being_built() is None:
        out = _results(_called(func, tensors, what), kinds, what)  # the tapes see what the function does
    else:
        made = _py_function(*tensors, function=func, kinds=kinds, what=what, name=name or "PyFunc")
        if not kinds:
            return made  # the operation
        out = list(made)
    return out[0] if single else out


# -- of arrays ---------------------------------------------------------------------------------------------------------


def _numpy_function(*inputs: Mixed, function, kinds, what):
    """What a Python function of arrays gives."""
    with _eager():
        given = _called(function, [i.copy() if isinstance(i, np.ndarray) else i for i in inputs], what)
        results = _results(given if given is None or isinstance(given, (list, tuple)) else [given], _own(given), what)
        arrays = _arrays(results)
    wrong = [(dtypes.of_numpy(a.dtype).name, k.name) for a, k in zip(arrays, kinds, strict=False) if a.dtype != k.np]
    if len(arrays) != len(kinds) or wrong:
        found = ", ".join(a.dtype.name for a in arrays) or "nothing"
        raise InvalidArgumentError(None, None, f"{what} gave {found}, but Tout announced {', '.join(k.name for k in kinds)}.")
    return arrays


def _own(given: Any) -> list[None]:
    return [None] * (0 if given is None else len(flatten(given)) if isinstance(given, (list, tuple)) else 1)


_stateful_numpy, _pure_numpy = op(name="numpy_function", stateful=True)(_numpy_function), op(name="pure_numpy_function")(
    _numpy_function
)
for _which in (_stateful_numpy, _pure_numpy):
    _which.infer(lambda *inputs, function, kinds, what: tuple(Spec(k, None) for k in kinds))


def numpy_function(func: Any = None, inp: Any = None, Tout: Any = None, stateful: bool = True, name: str | None = None) -> Any:
    """What ``func`` gives for the values in ``inp``: a Python function of arrays (bytes for a string). It has no gradient.

    ``Tout``: the dtype of the result, or a list of dtypes for several. In a graph an operation calls the function in each run
    (without ``stateful`` only where the result is needed), and results of other dtypes raise InvalidArgumentError; in eager
    mode the function is just called. Without ``func``, a decorator.
    """
    if func is None:
        return lambda function: lambda *inputs: numpy_function(function, inputs, Tout, stateful, name)
    kinds, single = _announced(func, Tout, "numpy_function")
    tensors: list[Any] = [convert(i) for i in inp or ()]
    what = f"numpy_function({getattr(func, '__name__', func)})"
    if runtime.current().home.graph_being_built() is None:
        given = func(*[t.numpy() for t in tensors])
        results = _results(given, _own(given), what)
        return (results[0] if results else None) if len(results) < 2 else results
    which = _stateful_numpy if stateful else _pure_numpy
    made = which(*tensors, function=func, kinds=kinds, what=what, name=name or "PyFunc")
    return made if not kinds else made[0] if single else list(made)


def _announced(func: Any, announced: Any, what: str) -> tuple[tuple[Any, ...], bool]:
    if not callable(func):
        raise ValueError(f"{what}: func must be callable, not {func!r}.")
    if announced is None:
        raise TypeError(f"{what}: Tout is missing: the dtype of what the function gives, or a list of them.")
    several = isinstance(announced, (list, tuple))
    return tuple(dtypes.as_dtype(d) for d in (announced if several else [announced])), not several
