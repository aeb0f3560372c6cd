"""The way back through a graph, from targets to sources, and the operations that it appends.

Each operation on the way has a gradient rule, which applies ops. In a large graph most operations are like one before: they
apply the same op with the same attributes to tensors of the same specs, and gradients are wanted of the same inputs. For them a
rule appends the same operations each time, on other tensors. So when an operation is like one before, what its rule appends is
noted as a *pattern*, and for all that come after it is repeated. ``out = x * y`` in the middle of a long graph::

    values at hand     0: gradient of out, 1: out, 2: x, 3: y, 4: gradient of x so far, 5: of y (none so far)
    appended           6: multiply(0, 3), 7: add(4, 6), 8: multiply(0, 2)
    gradients          of 2: 7, of 3: 8

What is appended, in which order and under which names is what the rule would have appended. A rule is asked every time if more
may come in than specs and attributes: if it looked at a value that is known already (``ops.static.looks``), draws random
numbers, orders its operations by hand, chooses names, or uses tensors from elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import repeat
from operator import attrgetter, itemgetter
from types import FunctionType, NoneType
from typing import TYPE_CHECKING, Any

import numpy as np

from minitf.core import names
from minitf.core.dtypes import DType
from minitf.core.op import Op
from minitf.core.tensor import SymbolicTensor
from minitf.ops import control, static
from minitf.ops.creating import zeros_like
from minitf.ops.state import read_variable
from minitf.runtimes.operation import Operation

if TYPE_CHECKING:
    from minitf.runtimes.graph import Graph


class _Nothing:
    """Stands where a gradient or an input might stand."""

    __slots__ = ("_spec",)

    def __init__(self, kind: str):
        self._spec = kind  # tells operations apart, as the specs of tensors do


_NONE_YET, _UNWANTED, _LEFT_OUT = _Nothing("none yet"), _Nothing("unwanted"), _Nothing("left out")
_OF_SPECS = (SymbolicTensor, _Nothing)
_spec_of = attrgetter("_spec")
_NOWHERE = -1


Repeated = tuple[Op, str, str, Callable[[list[Any]], tuple[Any, ...]], dict[str, Any], Any, tuple[Operation, ...]]
"""An operation to be appended: op, text and series of its name (see ``naming``), what takes its inputs from the values at hand,
attributes, specs of the results, control inputs. (A plain tuple, as the next: named ones take three times as long to unpack.)
"""
Pattern = tuple[Sequence[Repeated], Sequence[tuple[int, int]]]
"""What the rule of one kind of operation appends, and the places of inputs and of their gradients among the values."""
_SEEN: Pattern = ([], [])  # there was one such operation
_NEVER: Pattern = ([], [])  # the rule is to be asked every time


class WayBack:
    """The operations of ``graph`` between ``sources`` (tensors and handles) and ``targets``, and the gradients on the way.

    ``stopped``: the ids of tensors that count as constants. New operations get the scope of where this is made.
    """

    def __init__(self, graph: Graph, targets: Sequence[SymbolicTensor], sources: Sequence[Any], stopped: set[int]):
        self.graph = graph
        self.scope = names.scope()
        # By tensor or handle, for all that depends on a source and for nothing else.
        self.gradients: dict[Any, Any] = dict.fromkeys(sources, _NONE_YET)
        self.between = self._between(targets, stopped, stopped - {id(s) for s in sources})
        self.patterns: dict[Any, Pattern] = {}
        self._foreign = False  # True once a gradient is no tensor of this graph

    def _between(self, targets: Sequence[SymbolicTensor], stopped: set[int], blocked: set[int]) -> list[Operation]:
        """The operations that have a rule, depend on a source, and are needed by a target, in the order of creation."""
        operations, gradients = self.graph.get_operations(), self.gradients
        needed = bytearray(1 + max(t.op.number for t in targets))  # by the number of the operation
        for t in targets:
            needed[t.op.number] = 1
        place, back = len(needed), []
        while (place := needed.rfind(1, 0, place)) >= 0:  # what an operation needs was made before it
            o = operations[place]
            back.append(o)
            for a in o.arguments:
                if type(a) is SymbolicTensor and not (stopped and id(a) in stopped):
                    needed[a.op.number] = 1
        between = []
        for o in reversed(back):
            for a in o.arguments:
                if a in gradients:
                    break
            else:
                continue
            if o.kernel_op.vjp_rule is None or (stopped and all(id(t) in stopped for t in o.outputs)):
                continue
            between.append(o)
            made: Any = o._made
            if type(made) is SymbolicTensor and not blocked:
                gradients[made] = _NONE_YET
            else:
                gradients.update([(t, _NONE_YET) for t in o.outputs if id(t) not in blocked])
        return between

    def add(self, to: Any, gradient: Any) -> None:
        """Adds to the gradient of a tensor or handle, if that depends on a source."""
        known = self.gradients.get(to)
        if known is None:
            return
        if type(gradient) is not SymbolicTensor or gradient.op.graph is not self.graph:
            self._foreign = True
        self.gradients[to] = gradient if known is _NONE_YET else control.plus(known, gradient)

    def of(self, source: Any) -> Any:
        """The gradient of a source; None if there is none."""
        gradient = self.gradients[source]
        return None if gradient is _NONE_YET else gradient

    def walk(self) -> None:
        """Goes all the way, from the gradients of the targets (which ``add`` got) to those of the sources."""
        gradients, patterns, append_again = self.gradients, self.patterns, self.graph.append_again
        known, unwanted = gradients.get, repeat(_UNWANTED)
        # For each op the last kind and its pattern: comparing two kinds takes a quarter of the time of looking one up.
        latest: dict[Op, tuple[Any, Pattern]] = {}
        none = None, None
        for o in reversed(self.between):
            out: Any = o._made
            arguments = o.arguments
            if type(out) is SymbolicTensor:
                g: Any = known(out)
                if g is _NONE_YET:
                    continue
                values = [g, out, *arguments, *map(known, arguments, unwanted)]
            else:
                g = self._of_several(o)
                if g is None:
                    continue
                upstream = [_NONE_YET if t is None else t for t in g]
                values = [*upstream, *out, *arguments, *map(known, arguments, unwanted)]
            op = o.kernel_op
            try:
                kind = op, id(o.attrs), *map(_spec_of, values)
            except AttributeError:  # an input is left out, or is a variable
                values = [_LEFT_OUT if v is None else v for v in values]
                if not all(type(v) in _OF_SPECS for v in values):
                    self._ask(o, g, out)
                    continue
                kind = op, id(o.attrs), *map(_spec_of, values)
            last, pattern = latest.get(op, none)
            if last != kind:
                pattern = patterns.get(kind)
            twice = arguments[0] is arguments[1] if len(arguments) == 2 else len({*arguments}) < len(arguments)
            if twice or pattern is None or pattern is _NEVER or self._foreign:
                self._ask(o, g, out)
                patterns[kind] = pattern or _SEEN
            elif pattern is _SEEN:
                patterns[kind] = self._noted(o, g, out, values)
            else:
                if last != kind:
                    latest[op] = kind, pattern
                repeated, found = pattern
                append_again(repeated, values)
                for at, new in found:
                    gradients[values[at]] = values[new]

    def _of_several(self, o: Operation) -> tuple[Any, ...] | None:
        """The gradients of the outputs of an operation that gives a tuple."""
        found = [self.gradients.get(t, _NONE_YET) for t in o.outputs]
        if all(g is _NONE_YET for g in found):
            return None
        if o.kernel_op.vjp_partial:
            return tuple([None if g is _NONE_YET else g for g in found])
        return tuple([zeros_like(t) if g is _NONE_YET else g for g, t in zip(found, o.outputs, strict=True)])

    def _ask(self, o: Operation, g: Any, out: Any) -> None:
        """Asks the rule of ``o``, and adds what it gives."""
        if o.kernel_op is read_variable:
            results: Any = (g,)
        else:
            results = o.kernel_op.vjp_rule(g, out, *o.arguments, **o.attrs)  # type: ignore[misc]
            if type(results) is not tuple:
                results = tuple(results) if isinstance(results, list) else (results,)
        for a, result in zip(o.arguments, results):  # noqa: B905  (a rule may leave out the last ones)
            if result is not None and a in self.gradients:
                self.add(a, result() if type(result) is FunctionType else result)

    def _noted(self, o: Operation, g: Any, out: Any, values: list[Any]) -> Pattern:
        """Asks the rule of ``o``, and gives the pattern of what it appends."""
        begin = self.graph.version
        with static.looks() as looks:
            self._ask(o, g, out)
        if not _plain(o.attrs) or any(t.graph is not self.graph or t.op.number < begin for t in looks):
            return _NEVER
        tensors = [v for v in values if type(v) is SymbolicTensor]
        if len({*tensors}) < len(tensors):  # which of two that are the same an operation takes would be a guess
            return _SEEN
        places: dict[Any, int] = {v: i for i, v in enumerate(values)}
        size = len(values)
        appended = []
        for new in self.graph.since(begin):
            repeated = self._repeated(new, places)
            if repeated is None:
                return _NEVER
            appended.append(repeated)
            for t in new.outputs:
                places[t] = size
                size += 1
        found = [(places[a], places.get(self.gradients[a], _NOWHERE)) for a in o.arguments if a in self.gradients]
        if any(new == _NOWHERE for _, new in found):
            return _NEVER
        return appended, found

    def _repeated(self, o: Operation, places: dict[Any, int]) -> Repeated | None:
        """What is to be repeated of an operation, or None if it cannot be."""
        series = self.graph.series_of(o)
        taken = [None if a is None else places.get(a, _NOWHERE) for a in o.arguments]
        if series is None or o._text != self.scope.path + o.type or o.control_inputs != self.scope.control:
            return None
        if o.kernel_op.stateful or _NOWHERE in taken or not _plain(o.attrs):
            return None
        if tuple([t.spec for t in o.outputs]) != (o.results if o.several else (o.results,)):  # set_shape added to one
            return None
        return o.kernel_op, o._text, series, _taking(taken), o.attrs, o.results, o.control_inputs


def _taking(places: Sequence[int | None]) -> Callable[[list[Any]], tuple[Any, ...]]:
    """A function that takes what stands at ``places``; None for an input that is left out."""
    if len(places) > 1 and None not in places:
        return itemgetter(*places)  # which gives a tuple
    return lambda values: tuple([None if place is None else values[place] for place in places])


_PLAIN = frozenset({int, float, bool, str, NoneType, DType, np.ndarray, type(...)})


def _plain(attrs: dict[str, Any]) -> bool:
    """Whether attributes are nothing but values: functions may give something else each time."""
    return all(map(_is_plain, attrs.values()))


def _is_plain(value: Any) -> bool:
    if type(value) is tuple:
        return all(map(_is_plain, value))
    return type(value) in _PLAIN or isinstance(value, np.generic)
