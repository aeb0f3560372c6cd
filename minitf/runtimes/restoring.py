"""What the two homes do with a batch of restored values: assign now, or build operations that a session runs.

A batch is all or nothing: everything is read and checked before the first assignment.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from itertools import takewhile
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from minitf.core import names
from minitf.core.interrupts import InterruptsHeld
from minitf.core.runtime import using
from minitf.core.spec import compatible, shape_text
from minitf.core.state import Batch, Cell, Handle
from minitf.core.unverified import take_over, take_over_all
from minitf.errors import DTypeError, OpError, ShapeError
from minitf.ops import restoring
from minitf.runtimes.promised import RestoreOp
from minitf.runtimes.reusing import Reading, nothing, reading

if TYPE_CHECKING:
    from minitf.runtimes.eager import Eager
    from minitf.runtimes.graph import Graph
    from minitf.saved import Reader

AnyOp: TypeAlias = "RestoreOp | GroupOp"


class GroupOp(NamedTuple):
    """An operation by which an object restores itself (None: nothing to run), and the tensors that it reads."""

    op: Any
    reads: tuple[Any, ...]
    reused: bool = False
    variable: Handle | None = None

    @property
    def name(self) -> str:
        """The operation's name."""
        return getattr(self.op, "name", "")

    @property
    def number(self) -> int:
        """The operation's place in the graph."""
        return getattr(self.op, "number", sys.maxsize)


# -- eager -------------------------------------------------------------------------------------------------------------


def assign_now(home: Eager, batches: Sequence[Batch]) -> None:
    """Reads and checks everything, then assigns everything. Raises what reading raises, DTypeError or ShapeError."""
    with ExitStack() as stack:
        found, fills = [], []
        for batch in batches:
            if batch.handles or batch.groups or batch.python:
                values, fill = stack.enter_context(_read(batch))
                found.append((batch, values))
                fills.append(fill)
        _assign(home, found, fills)


def _assign(home: Eager, found: list[tuple[Batch, list[Any]]], fills: list[Callable[[], None]]) -> None:
    before = dtype = shape = None
    for batch, values in found:
        for handle, key, value in zip(batch.handles, batch.keys, values, strict=False):
            spec = handle.spec
            if spec is not before:  # mostly it is: alike variables have one spec
                before, dtype, shape = spec, spec.dtype.np, spec.shape
            if value.dtype is not dtype or value.shape != shape:
                check_restored(handle, key, partial(batch.path_of, key), value, batch.reader.source)
    for batch, values in found:
        if batch.groups or batch.python:
            _restore_others(home, batch, iter(values[len(batch.handles) :]))

    cells = [handle.cell for batch, _ in found for handle in batch.handles]
    _assign_all(cells, [value for batch, values in found for value in values[: len(batch.handles)]], fills)


def _assign_all(cells: list[Any], values: list[Any], fills: Sequence[Callable[[], None]]) -> None:
    """Assigns all, after it has filled in what goes into the memory of old values; neither ends halfway because of Ctrl-C.

    Memory is filled by many calls. Another signal than Ctrl-C whose handler raises, an alarm say, lets all be filled again.
    """
    fills = [fill for fill in fills if fill is not nothing]
    if not fills:
        take_over_all(cells, values)
        return

    def assign() -> None:
        for fill in fills:
            fill()
        take_over_all(cells, values)

    with InterruptsHeld():
        try:
            assign()
        except Exception:
            raise
        except BaseException:
            assign()
            raise


def assign_one(handle: Handle, key: str, reader: Any, cache: Any) -> None:
    """``assign_now`` of a single variable: reads, checks and assigns."""
    value = reader.unverified([key])[0] if reader.first_use else None
    if value is None:
        value = reader.read(key)
    spec = handle.spec
    if value.dtype is not spec.dtype.np or value.shape != spec.shape:
        check_restored(handle, key, str, value, reader.source)
    take_over(handle.cell, value)  # type: ignore[arg-type]


def _read(batch: Batch) -> AbstractContextManager[Reading]:
    """The values of the variables, then those of the groups, then those of Python state."""
    keys = list(batch.keys)
    for group in batch.groups:
        keys.extend(group.keys.values())
    keys.extend([key for _, key in batch.python])

    def check(number: int, value: Any) -> None:
        handle, key = batch.handles[number], keys[number]
        check_restored(handle, key, partial(batch.path_of, key), value, batch.reader.source)

    return reading(batch.reader, keys, [handle.cell for handle in batch.handles], check)


def _restore_others(home: Eager, batch: Batch, values: Iterator[Any]) -> None:
    groups = [{name: home.constant(next(values)) for name in group.keys} for group in batch.groups]
    for (put, _), value in zip(batch.python, values, strict=True):
        put(value.item())
    for group, tensors in zip(batch.groups, groups, strict=True):
        with using(home):
            group.restore(tensors)


def check_restored(handle: Handle, key: str, path: Callable[[], str], value: Any, source: str) -> None:
    """Raises unless the saved value fits the variable. ``path`` tells where that is, and is asked only then.

    InvalidArgumentError for another dtype (nothing is cast), ValueError for another shape (nothing is reshaped): S298, S300.
    """
    if value.dtype != handle.spec.dtype.np:
        raise DTypeError(
            f"restore: the saved value {key!r} is {value.dtype}, but variable {handle.name!r} at {path()} is "
            f"{handle.spec.dtype.name}. They were paired by edge names in {source}. Nothing was assigned; make the variable "
            f"with the saved dtype."
        )
    if not compatible(handle.spec.shape, value.shape):
        raise ShapeError(
            f"restore: the saved value {key!r} has shape {value.shape}, but variable {handle.name!r} at {path()} has shape "
            f"{shape_text(handle.spec.shape)}. They were paired by edge names in {source}. Nothing was assigned."
        )


# -- graph -------------------------------------------------------------------------------------------------------------


def build_ops(graph: Graph, batches: Sequence[Batch]) -> None:
    """Finds or adds one restore op for each variable of the batches, in the order of keys; restores Python state now."""
    for batch in batches:
        items = sorted(zip(batch.handles, batch.keys, strict=True), key=itemgetter(1))
        batch.handles, batch.keys = [handle for handle, _ in items], [key for _, key in items]
        for handle in batch.handles:
            if handle.home is not graph:
                handle.home.refuse(handle, restoring.read_tensor.name)
        python = list(zip(batch.python, batch.reader.read_many([key for _, key in batch.python]), strict=True))
        batch.built.extend(variable_ops(graph, items, batch.cache))
        if batch.groups:
            with _outside(graph):
                batch.built.extend([_group_op(graph, batch, group) for group in batch.groups])
        for (put, _), value in python:
            put(value.item())


@contextmanager
def _outside(graph: Graph) -> Iterator[None]:
    """The graph is current, without scopes and control dependencies."""
    with graph.as_default(), graph.control_dependencies(None), names.entered(names.Scope()):
        yield


def _source(graph: Graph, cache: dict[Any, Any]) -> Any:
    source = cache.get(graph)
    if source is None:
        with _outside(graph):
            source = cache[graph] = restoring.checkpoint_source(name="restore/source")
    return source


def variable_ops(graph: Graph, wanted: Iterable[tuple[Handle, str]], cache: dict[Any, Any]) -> list[RestoreOp]:
    """Finds the restore ops of variables and keys in the cache, or adds them."""
    source = _source(graph, cache)
    out: list[RestoreOp] = []
    for place in wanted:
        built = cache.get(place)
        if built is None:
            built = RestoreOp(graph, *place, source)
            graph.promise(built, 2)
            cache[place] = built  # last: nobody may interrupt before it has its number
            out.append(built)
        else:
            out.append(built.again())
    return out


def _group_op(graph: Graph, batch: Batch, group: Any) -> GroupOp:
    place = (id(group.owner), *group.keys.values())
    owner, known = batch.cache.get(place, (None, None))
    if known is not None and owner() is group.owner:
        return known  # type: ignore[no-any-return]
    source = _source(graph, batch.cache)
    reads = {}
    for name, key in group.keys.items():
        dtype = batch.reader.spec(key).dtype
        reads[name] = restoring.read_tensor(source, name=f"restore/{name}/read", key=key, dtype=dtype, shape=None)
    result = group.restore(reads)
    built = GroupOp(getattr(result, "op", result), tuple(reads.values()))
    batch.cache[place] = weakref.ref(group.owner), built._replace(reused=True)
    return built


def run_ops(graph: Graph, ops: Sequence[AnyOp], cache: dict[Any, Any], reader: Reader, session: Any, what: str) -> Any:
    """Reads and checks everything, then assigns everything; gives the store of the session, or None if there is nothing to run.

    Restore ops of variables are run in bulk, as a plan would run them one after the other: compiling a plan for each new set of
    them costs much more than running it. A session that schedules operations or replaces kernels runs them itself, one by one.
    """
    session = graph.session_for(session, what)
    runnable = {_identity(built): built for built in ops if built.variable is not None or built.op is not None}
    if not runnable:
        return None
    store = session.store
    ordered = sorted(runnable.values(), key=attrgetter("number"))  # as a plan orders them
    plain = list(takewhile(lambda built: built.variable is not None, ordered)) if session.plain else []
    with ExitStack() as stack:
        cells = [store.cell(built.variable) for built in plain]
        values, fill = _fitting_values(stack, plain, cells, reader)
        others = ordered[len(values) :]
        if others:
            reads = list({id(t): t for built in others for t in built.reads}.values())
            read = session.run(reads, {cache[graph]: reader})

        _assign_all(cells[: len(values)], values, [fill])
    if others:
        session.run([built.op for built in others], dict(zip(reads, read, strict=True)))
    return store


def _identity(built: AnyOp) -> Any:
    return built.number if built.variable is not None else (id(built.op),)


def _fitting_values(stack: ExitStack, plain: list[Any], cells: list[Cell], reader: Reader) -> Reading:
    """The values that these ops assign. If one cannot be read or does not fit, none: the op, when run, has the best message."""
    keys = [built.key for built in plain]

    def check(number: int, value: Any) -> None:
        check_restored(plain[number].variable, keys[number], str, value, reader.source)

    try:
        values, fill = stack.enter_context(reading(reader, keys, cells, check))
    except OpError:
        return [], nothing
    for built, value in zip(plain, values, strict=True):
        spec = built.variable.spec
        if value.dtype != spec.dtype.np or (value.shape != spec.shape and not compatible(spec.shape, value.shape)):
            return [], nothing
    return values, fill
