"""Whether inputs fit an op, and what its results will be: found out once for all tensors of the same specs.

Specs go from tensor to tensor, so in a long graph the same few objects come again and again. An op remembers by their ids
which it has seen with which attributes (``Op.inferred``), and dtypes and shapes need not be looked at again: a shape rule sees
nothing but specs and attributes. Operations that are alike then share their attributes, and results that are alike their specs,
so that what comes after them is found again too.
"""

from __future__ import annotations

from functools import lru_cache
from types import NoneType
from typing import TYPE_CHECKING, Any

from minitf.core.dtypes import DType
from minitf.core.literals import to_array
from minitf.core.op import Mixed, Op
from minitf.core.spec import Spec
from minitf.core.state import Handle
from minitf.core.tensor import SymbolicTensor

if TYPE_CHECKING:
    from minitf.runtimes.graph import Graph

_MOST = 1000  # what an op remembers
_PLAIN = frozenset({int, bool, str, NoneType, DType})
_IN_TUPLES = frozenset({int, NoneType})


def by_identity(inputs: tuple[Any, ...], graph: Graph) -> tuple[int, ...] | None:
    """The ids of the specs of the graph's tensors, negative for variables, 0 for inputs that are left out.

    None if there is anything else among the inputs.
    """
    if len(inputs) == 2:
        x, y = inputs
        if type(x) is type(y) is SymbolicTensor and x.op.graph is graph is y.op.graph:
            return id(x._spec), id(y._spec)
    ids = []
    for value in inputs:
        if type(value) is SymbolicTensor and value.op.graph is graph:
            ids.append(id(value._spec))
        elif type(value) is Handle and value.home is graph:
            ids.append(-id(value.spec))
        elif value is None:
            ids.append(0)
        else:
            return None
    return tuple(ids)


def fitting(graph: Graph, op: Op, inputs: tuple[Any, ...], attrs: dict[str, Any],
            key: tuple[Any, ...] | None) -> tuple[tuple[Any, ...], dict[str, Any], Any]:  # fmt: skip
    """The inputs as tensors of the graph, all attributes, and the specs of the results.

    ``key`` is what ``by_identity`` gives for the inputs; None if it was not asked, because there are attributes. Raises what
    ``Op.bind``, ``Op.complete``, ``Op.specs_of`` and ``Graph.check_mine`` raise.
    """
    if attrs and key is None:
        plain, ids = _by_value(attrs), by_identity(inputs, graph)
        key = None if plain is None or ids is None else (ids, plain)
        known = None if key is None else op.inferred.get(key)
        if known is not None:
            return inputs, known[0], known[1]
    inputs = _with_numbers(graph, op, inputs)
    numbers = _numbers(inputs)
    if numbers is None or numbers not in op.fits_symbolic:  # else such dtypes fitted before
        inputs = op.bind(inputs, graph)
        numbers = _numbers(inputs)
        if numbers is not None:
            op.fits_symbolic.add(numbers)
    for value in inputs:
        if type(value) is not SymbolicTensor or value.op.graph is not graph:
            graph.check_mine(value, op)
    if key is None and not attrs:
        key = by_identity(inputs, graph)
        known = None if key is None else op.inferred.get(key)
        if known is not None:
            return inputs, known[0], known[1]
    attrs = op.complete(attrs)
    result = _first_like(op.specs_of(inputs, attrs))
    if key is not None:
        if len(op.inferred) >= _MOST:
            op.inferred.clear()
        op.inferred[key] = attrs, result, [None if t is None else t.spec for t in inputs]
    return inputs, attrs, result


def _first_like(result: Any) -> Any:
    """The first of all results' specs that are equal, so that what follows them is found again."""
    for spec in (result,) if type(result) is Spec else result:
        if spec.shape is not None and not _IN_TUPLES.issuperset(map(type, spec.shape)):
            return result  # sizes that are NumPy's integers, which equal Python's
    return _first(result)


@lru_cache(_MOST)
def _first(result: Any) -> Any:
    return result


def _numbers(inputs: tuple[Any, ...]) -> tuple[int, ...] | None:
    """The numbers of the dtypes of tensors of graphs; None if there is anything else among the inputs."""
    for value in inputs:
        if type(value) is not SymbolicTensor:
            return None
    return tuple([value._spec.dtype.number for value in inputs])


def _with_numbers(graph: Graph, op: Op, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """A Python number beside a tensor as a constant of its dtype, if two inputs of that dtype fitted before."""
    if len(inputs) != 2 or len(op.kinds) != 2 or op.kinds[0] is not op.kinds[1] or op.kinds[0] is Mixed:
        return inputs
    x, y = inputs
    tensor, number = (x, y) if type(x) is SymbolicTensor else (y, x)
    if type(tensor) is not SymbolicTensor or type(number) not in (float, int):
        return inputs
    dtype = tensor._spec.dtype
    if (dtype.number, dtype.number) not in op.fits_symbolic:
        return inputs
    constant = graph.constant(to_array(number, dtype))
    return (x, constant) if tensor is x else (constant, y)


def _by_value(attrs: dict[str, Any]) -> tuple[Any, ...] | None:
    """Attributes as a key; None if one of them may equal another that is not the same (0.0 and -0.0), or holds an object."""
    for value in attrs.values():
        kind = type(value)
        if kind not in _PLAIN and (kind is not tuple or not _of_integers(value)):
            return None
    return (*attrs.items(), *map(type, attrs.values()))


def _of_integers(value: tuple[Any, ...]) -> bool:
    return _IN_TUPLES.issuperset(map(type, value)) or all(
        type(v) in _IN_TUPLES or (type(v) is tuple and _of_integers(v)) for v in value
    )
