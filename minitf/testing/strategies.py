"""Hypothesis strategies for what minitf's tests need.

    from hypothesis import given
    from minitf.testing import strategies as mst

    @given(mst.object_graphs(sharing="tree"))
    def test_...(graph): ...

As in Hypothesis: plural nouns, arguments by keyword, everything has a default. A bad argument raises ``InvalidArgument``, which
names it, when the strategy is made. Examples shrink towards few objects, short programs and program order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument
from hypothesis.extra import numpy as npst
from hypothesis.strategies import DrawFn, SearchStrategy

from minitf.core.dtypes import DType, as_dtype, of_numpy
from minitf.core.registry import REGISTRY
from minitf.core.spec import Spec, TensorShape
from minitf.ops.creating import constant
from minitf.testing.checkpoints import SavedCheckpoint, write
from minitf.testing.modes import scope
from minitf.testing.object_graphs import KINDS, PARENTS, Add, Drop, Edit, ObjectGraph, Rename, Swap, edited
from minitf.testing.op_programs import Call, OpProgram, Result, has_code, load_ops, outputs
from minitf.testing.ops import draw_call, drawable
from minitf.testing.programs import Step
from minitf.testing.schedules import DrawnSchedule
from minitf.testing.twins import ASSERTIONS

_T = TypeVar("_T")
DTYPES = (
    "float32 float64 float16 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool complex64 complex128 string bfloat16 "
    "float8_e5m2 float8_e4m3fn"
).split()
"""Names of the dtypes that a variable can have."""
_EDITS = ("rename", "drop", "add", "swap")
NAMES: SearchStrategy[str] = st.sampled_from(["a", "b", "c"])


# -- checking arguments ------------------------------------------------------------------------------------------------


def _ordered(what: str, low: Any, high: Any, least: int = 0) -> None:
    for name, value in ((f"min_{what}", low), (f"max_{what}", high)):
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise InvalidArgument(f"{name}={value!r} must be an int of at least {least}.")
    if high < low:
        raise InvalidArgument(f"Cannot have max_{what}={high} < min_{what}={low}.")


def _among(name: str, value: Any, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise InvalidArgument(f"{name}={value!r} must be one of {', '.join(map(repr, allowed))}.")


def _strategy(name: str, given: SearchStrategy[_T] | None, otherwise: SearchStrategy[_T]) -> SearchStrategy[_T]:
    if given is not None and not isinstance(given, SearchStrategy):
        raise InvalidArgument(f"{name}={given!r} must be a strategy.")
    return otherwise if given is None else given


# -- specs and arrays --------------------------------------------------------------------------------------------------


def dtypes(*, among: Sequence[Any] | None = None) -> SearchStrategy[DType]:
    """Dtypes that a variable can have; ``among``: those of a list."""
    if among is not None and not among:
        raise InvalidArgument("among=[] leaves no dtype to draw.")
    try:
        return st.sampled_from([as_dtype(name) for name in (among or DTYPES)])
    except TypeError as error:
        raise InvalidArgument(f"among={among!r}: {error}") from None


def specs(*, dtypes: SearchStrategy[Any] | None = None, min_dims: int = 0, max_dims: int = 3, min_side: int = 0,
          max_side: int = 4, unknown: bool = False) -> SearchStrategy[Spec]:  # fmt: skip
    """Dtype and shape of a tensor. ``unknown``: sizes, and the whole shape, may be unknown (None)."""
    _ordered("dims", min_dims, max_dims)
    _ordered("side", min_side, max_side)
    kinds = _strategy("dtypes", dtypes, _DTYPES)
    side = st.integers(min_side, max_side)
    shapes: SearchStrategy[Any] = st.lists(st.none() | side if unknown else side, min_size=min_dims, max_size=max_dims).map(
        tuple
    )
    return st.builds(Spec, kinds, st.none() | shapes if unknown else shapes)


_DTYPES = dtypes()


def tensor_shapes(*, min_dims: int = 0, max_dims: int = 3, max_side: int = 4) -> SearchStrategy[TensorShape]:
    """Shapes that may be partly or wholly unknown."""
    return specs(min_dims=min_dims, max_dims=max_dims, max_side=max_side, unknown=True).map(
        lambda spec: TensorShape(spec.shape)
    )


def arrays(*, specs: SearchStrategy[Spec] | None = None, elements: SearchStrategy[Any] | None = None) -> SearchStrategy[Any]:
    """Arrays of any dtype that a variable can hold (rank 0: NumPy scalars); strings are object arrays of bytes, not empty.

    ``elements``: of the array, for all dtypes that are drawn; by default any bit pattern.
    """
    return _strategy("specs", specs, _SPECS).flatmap(lambda spec: _array(spec, elements))


_SPECS = specs()


def _array(spec: Spec, elements: SearchStrategy[Any] | None) -> SearchStrategy[Any]:
    if spec.shape is None or None in spec.shape:
        raise InvalidArgument(f"specs={spec}: an array needs a shape that is known.")
    shape: Any = spec.shape
    if spec.dtype.kind == "S" and 0 in shape:  # no constant is made of an empty array of objects
        shape = tuple(max(1, side) for side in shape)
    count = int(np.prod(shape))
    if spec.dtype.kind == "S":
        texts = st.lists(st.binary(max_size=4) if elements is None else elements, min_size=count, max_size=count)
        return texts.map(lambda items: _objects(items, shape))
    if elements is not None or not spec.dtype.np.isbuiltin == 1:
        plain = st.integers(-4, 4) if elements is None else elements
        items = st.lists(plain, min_size=count, max_size=count)
        return items.map(lambda values: np.array(values, dtype=spec.dtype.np).reshape(shape)[()])
    return npst.arrays(spec.dtype.np, shape).map(lambda array: array[()])


def _objects(items: Sequence[Any], shape: tuple[int, ...]) -> Any:
    out = np.empty(len(items), dtype=object)
    out[:] = items
    return out.reshape(shape)


# -- object graphs and their edits -------------------------------------------------------------------------------------


@st.composite
def _object_graphs(draw: DrawFn, low: int, high: int, sharing: str, kinds: Sequence[str], names: SearchStrategy[str],
                   values: SearchStrategy[Any]) -> ObjectGraph:  # fmt: skip
    found = ["node"]
    stored: list[Any] = [None]
    edges: list[tuple[int, str, int]] = []
    used: set[tuple[int, str]] = set()

    def add(parent: int, name: str, child: int) -> bool:
        fits = found[parent] in PARENTS and (parent, name) not in used
        if fits:
            used.add((parent, name))
            edges.append((parent, name, child))
        return fits

    for _ in range(draw(st.integers(low, high)) - 1):
        kind = draw(st.sampled_from(kinds))
        parents = [n for n, k in enumerate(found) if k in PARENTS]
        if add(draw(st.sampled_from(parents)), draw(names), len(found)):
            found.append(kind)
            number = len(found)
            stored.append(None if kind in PARENTS else draw(values) if kind == "variable" else f"text {number}")
    if sharing != "tree":
        objects = st.integers(0, len(found) - 1)
        for _ in range(draw(st.integers(1, 3))):
            parent, child = draw(objects), draw(objects)
            if sharing == "cyclic" or (child != parent and not _reaches(edges, child, parent)):
                add(parent, draw(names), child)
    optimizers, variables = ([n for n, k in enumerate(found) if k == kind] for kind in ("optimizer", "variable"))
    pairs = [(o, v) for o in optimizers for v in variables if draw(st.booleans())]  # a slot is as large as its variable
    slots = [(o, v, "m", float(100 * o + v) if isinstance(stored[v], float) else stored[v]) for o, v in pairs]
    return ObjectGraph(tuple(found), tuple(stored), tuple(edges), tuple(slots))


def _reaches(edges: Sequence[tuple[int, str, int]], start: int, end: int) -> bool:
    found = [start]
    for number in found:
        found += [child for parent, _, child in edges if parent == number and child not in found]
    return end in found


def object_graphs(*, min_objects: int = 1, max_objects: int = 7, sharing: str = "cyclic", kinds: Sequence[str] = KINDS,
                  names: SearchStrategy[str] | None = None, values: SearchStrategy[Any] | None = None
                  ) -> SearchStrategy[ObjectGraph]:  # fmt: skip
    """Graphs of objects (``ObjectGraph``).

    * ``sharing``: "tree" (one way to each object), "shared" (several ways, no cycles), "cyclic" (anything).
    * ``kinds``: of the objects below the root: "node", "variable", "state", "optimizer".
    * ``names``: of edges; ``values``: of variables, by default small whole floats.
    """
    _ordered("objects", min_objects, max_objects, least=1)
    _among("sharing", sharing, ("tree", "shared", "cyclic"))
    for kind in kinds:
        _among("kinds", kind, KINDS)
    if not kinds:
        raise InvalidArgument("kinds=() leaves nothing to draw.")
    names = _strategy("names", names, NAMES)
    return _object_graphs(
        min_objects, max_objects, sharing, tuple(kinds), names, _strategy("values", values, st.integers(1, 99).map(float))
    )


def edits(graph: ObjectGraph, *, kinds: Sequence[str] = _EDITS, max_edits: int = 3,
          names: SearchStrategy[str] | None = None) -> SearchStrategy[list[Edit]]:  # fmt: skip
    """Changes of a graph: "rename", "drop", "add" and "swap" edges. ``edited(graph, edits)`` is the changed graph."""
    if not isinstance(graph, ObjectGraph):
        raise InvalidArgument(f"graph={graph!r} must be an ObjectGraph.")
    for kind in kinds:
        _among("kinds", kind, _EDITS)
    _ordered("edits", 0, max_edits)
    names = _strategy("names", names, NAMES)
    values = [graph.values[n] for n, kind in enumerate(graph.kinds) if kind == "variable"]
    there = [(parent, name) for parent, name, _ in graph.edges]
    parents = st.sampled_from([n for n, kind in enumerate(graph.kinds) if kind in PARENTS] or [0])
    made: dict[str, SearchStrategy[Any]] = {
        "add": st.builds(Add, parents, names, st.just("variable"), st.just(next(iter(values), -5.0))),
    }
    if there:
        edge = st.sampled_from(there)
        made["rename"] = st.builds(lambda e, new: Rename(e[0], e[1], new), edge, names)
        made["drop"] = st.builds(lambda e: Drop(e[0], e[1]), edge)
        made["swap"] = st.builds(lambda e, other: Swap(e[0], e[1], other), edge, st.sampled_from([name for _, name in there]))
    wanted = [made[kind] for kind in kinds if kind in made]
    return st.lists(st.one_of(wanted), max_size=max_edits) if wanted else st.just([])


# -- checkpoints and programs ------------------------------------------------------------------------------------------


def checkpoints(*, graphs: SearchStrategy[ObjectGraph] | None = None) -> SearchStrategy[SavedCheckpoint]:
    """Checkpoints in memory (``SavedCheckpoint``): the graph that was saved, the storage, and the path in it."""
    return _strategy("graphs", graphs, object_graphs()).map(write)


@st.composite
def _restore_programs(draw: DrawFn, graphs: SearchStrategy[ObjectGraph], max_rounds: int, noise: bool) -> list[Step]:
    saved = draw(graphs)
    program: list[Step] = [*saved.steps(), ("saver", 0, 0, draw(st.booleans()))]
    program += [("restore", 0, None, 0), ("initialize_or_restore", 0), ("save", 0, 0)]
    statuses = files = 1
    names = [name for _, name, _ in saved.edges] or ["a"]

    def any_step(live: ObjectGraph) -> Step:
        objects = st.integers(0, len(live.kinds) - 1)

        def of(kinds: tuple[str, ...]) -> SearchStrategy[int]:
            return st.sampled_from([n for n, k in enumerate(live.kinds) if k in kinds] or [0])

        number = st.integers(0, statuses - 1)
        return draw(
            st.one_of(
                st.tuples(st.just("attach"), of(PARENTS), st.sampled_from(names), objects),
                st.tuples(st.just("run"), number),
                st.tuples(st.just("ask"), number, st.sampled_from(ASSERTIONS)),
                st.tuples(st.just("initialize_or_restore"), number),
                of(("variable",)).map(lambda v: ("assign", v, live.values[v])),
                st.tuples(st.just("detach"), of(PARENTS), st.sampled_from(names)),
                st.tuples(st.just("restore"), st.just(0), st.integers(0, files - 1), st.just(statuses)),
                st.tuples(st.just("save"), st.just(0), st.just(files)),
                st.tuples(st.just("drop"), objects),
                st.tuples(st.just("drop_status"), number),
            )
        )

    for _ in range(draw(st.integers(1, max_rounds))):
        live = edited(saved, draw(edits(saved))).with_values(-1.0)
        program += [*live.making(), ("saver", 0, 0, draw(st.booleans()))]
        steps = draw(st.permutations(live.attaching()))
        steps.insert(draw(st.integers(0, len(steps))), ("restore", 0, draw(st.integers(0, files - 1)), statuses))
        statuses += 1
        for step in steps:
            program.append(step)
            if noise and draw(st.integers(0, 3)) == 3:
                extra = any_step(live)
                program.append(extra)
                statuses += extra[0] == "restore"
                files += extra[0] == "save"
        program += [("ask", statuses - 1, "assert_consumed"), ("run", statuses - 1)]
    return program


def restore_programs(*, graphs: SearchStrategy[ObjectGraph] | None = None, max_rounds: int = 3, noise: bool = True
                     ) -> SearchStrategy[list[Step]]:  # fmt: skip
    """Programs (lists of steps, see ``minitf.testing.programs``) for ``minitf.testing.twins.run``.

    A graph is saved; then, up to ``max_rounds`` times, a new program with an edited graph restores it while its edges are
    attached in some order. ``noise``: other steps come between. Variables that may meet (by name) need one dtype and shape.
    """
    _ordered("rounds", 1, max_rounds, least=1)
    return _restore_programs(_strategy("graphs", graphs, object_graphs()), max_rounds, noise)


# -- programs of ops ---------------------------------------------------------------------------------------------------


@st.composite
def _op_programs(draw: DrawFn, ops: tuple[str, ...] | None, max_calls: int) -> OpProgram:
    names = _drawable() if ops is None else ops
    calls: list[Call] = []
    known: list[tuple[Result, Any]] = []  # what there is to be taken: (its name, the array)
    for _ in range(draw(st.integers(1, max_calls))):
        op = REGISTRY[draw(st.sampled_from(names))]
        inputs, attrs = draw_call(op, draw(st.integers(0, 2**16)))
        assume(has_code(attrs))
        arguments, values = list(inputs), list(inputs)
        for place, given in enumerate(inputs):
            fits = [(r, v) for r, v in known if op.samples_rule is None and _alike(v, given)]
            taken = draw(st.none() | st.sampled_from(fits)) if fits else None
            if taken is not None:
                arguments[place], values[place] = taken
        calls.append(Call(op.name, tuple(arguments), attrs))
        with scope("eager"), np.errstate(all="ignore"):
            found = outputs(op(*[v if v is None else constant(v, of_numpy(v.dtype)) for v in values], **attrs))
        known += [(Result(len(calls) - 1, n), y.numpy()) for n, y in enumerate(found)]
    return OpProgram(tuple(calls))


def _alike(found: Any, wanted: Any) -> bool:
    same = isinstance(wanted, (np.ndarray, np.generic)) and isinstance(found, (np.ndarray, np.generic))
    return same and found.dtype == wanted.dtype and found.shape == wanted.shape and found.dtype.kind in "fc"


def op_programs(*, ops: Sequence[str] | None = None, max_calls: int = 5) -> SearchStrategy[OpProgram]:
    """Programs of ops (``OpProgram``), drawn from what their blocks say; later calls take results of earlier ones.

    ``ops``: names in the registry, by default all that can be drawn.
    """
    load_ops()
    _ordered("calls", 1, max_calls, least=1)
    for name in ops or ():
        if name not in REGISTRY or not drawable(REGISTRY[name]):
            raise InvalidArgument(f"ops={name!r} is no op whose calls can be drawn.")
    if ops is not None and not ops:
        raise InvalidArgument("ops=[] leaves no op to draw.")
    return _op_programs(None if ops is None else tuple(ops), max_calls)


def _drawable() -> list[str]:
    return sorted(name for name, op in REGISTRY.items() if drawable(op))


# -- schedules ---------------------------------------------------------------------------------------------------------


@st.composite
def _schedules(draw: DrawFn, max_choices: int | None) -> DrawnSchedule:
    return DrawnSchedule(draw(st.data()), max_choices)


def schedules(*, max_choices: int | None = None) -> SearchStrategy[DrawnSchedule]:
    """Schedulers that ask Hypothesis at each choice, so that a failing order shrinks towards program order.

    Give one to ``Session(scheduler=...)``. After ``max_choices`` choices it keeps to program order. ``DrawnSchedule`` prints
    the choices that it made; ``minitf.explore.orders.Replay(choices)`` makes them again.
    """
    if max_choices is not None:
        _ordered("choices", 0, max_choices)
    return _schedules(max_choices)
