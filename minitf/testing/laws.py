"""Laws of saving and restoring, to be called in one line, each with the precondition under which it holds.

    @given(mst.object_graphs())
    def test_round_trip(graph):
        laws.save_then_restore(graph)

A law is written out as a program and run: that program is what a failure prints, made as small as it can be while the law
still fails. It holds in both modes; ``mode=`` checks one. ``law.holds(...)`` takes the arguments of the law and says whether
its precondition is met, so that it serves as a filter: ``cases.filter(lambda case: law.holds(*case))``. The preconditions
themselves (``no_shared_nodes``, ``same_edges``, ...) are functions too.

Laws take an ``ObjectGraph``; ``round_trip`` takes a function that makes objects of your own.
"""

from __future__ import annotations

import linecache
import shutil
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from minitf.testing.modes import MODES, check_mode, quietly, scope
from minitf.testing.object_graphs import PARENTS, Edit, ObjectGraph, edited
from minitf.testing.op_programs import OpProgram, check_parity
from minitf.testing.programs import FRESH, Step, script

Lines = list[Any]  # steps, and code between them


class LawBroken(AssertionError):
    """A law does not hold. ``script``: the smallest program that shows it, as code that runs and fails."""

    def __init__(self, message: str, program: str):
        super().__init__(f"{message}\n\nThis program shows it:\n\n{program}")
        self.script = program


class Program(NamedTuple):
    """A law written out: steps and code, and at its end the code that demands what the law says."""

    lines: Lines
    demand: str


class Law:
    """A law. Call it with its arguments, and with ``mode="eager"`` or ``"graph"`` for one mode only.

    Raises LawBroken. ``holds`` is its precondition.
    """

    def __init__(self, write: Callable[..., Program], holds: Callable[..., bool]):
        self._write = write
        self.holds = holds
        self.__doc__ = write.__doc__
        self.__name__ = write.__name__

    def __call__(self, *arguments: Any, mode: str | None = None, **options: Any) -> None:
        """Checks the law."""
        if mode is not None:
            check_mode(mode, self.__name__)
        for one in MODES if mode is None else (mode,):
            error = self._broken(one, arguments, options)
            if error is not None:
                arguments = self._smallest(one, arguments, options)
                error = self._broken(one, arguments, options) or error
                raise LawBroken(f"{self.__name__}, {one} mode: {error}", self._script(one, arguments, options)) from error

    def _script(self, mode: str, arguments: Sequence[Any], options: dict[str, Any]) -> str:
        lines, demand = self._write(mode, *arguments, **options)
        return script(lines, mode, demand)

    def _broken(self, mode: str, arguments: Sequence[Any], options: dict[str, Any]) -> Exception | None:
        try:
            run_code(self._script(mode, arguments, options), self.__name__)
        except Exception as error:
            return error
        return None

    def _smallest(self, mode: str, arguments: Sequence[Any], options: dict[str, Any]) -> tuple[Any, ...]:
        """The arguments with object graphs that are as small as they can be while the law fails."""
        kept = tuple(arguments)
        held = self.holds(*kept, **options)
        for smaller in _smaller(kept):
            if self.holds(*smaller, **options) == held and self._broken(mode, smaller, options) is not None:
                return self._smallest(mode, smaller, options)
        return kept

    def __repr__(self) -> str:
        return f"<law {self.__name__}>"


def _smaller(arguments: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    for place, argument in enumerate(arguments):
        for less in argument.smaller() if isinstance(argument, ObjectGraph) else ():
            yield (*arguments[:place], less, *arguments[place + 1 :])


def law(holds: Callable[..., bool]) -> Callable[[Callable[..., Program]], Law]:
    """Declares a law by what writes it out, ``write(mode, *arguments)``, and its precondition, ``holds(*arguments)``."""
    return lambda write: Law(write, holds)


def run_code(code: str, name: str) -> None:
    """Runs a program as printed. Its temporary directory goes, whatever happens."""
    file = f"<{name}>"
    linecache.cache[file] = (len(code), None, code.splitlines(keepends=True), file)  # for tracebacks
    space: dict[str, Any] = {"__name__": file}
    try:
        with scope("eager"), quietly():
            exec(compile(code, file, "exec"), space)
    finally:
        linecache.cache.pop(file, None)
        if "directory" in space:
            shutil.rmtree(space["directory"], ignore_errors=True)


# -- preconditions -----------------------------------------------------------------------------------------------------


def no_shared_nodes(graph: ObjectGraph, edits: Sequence[Edit] = ()) -> bool:
    """Neither the saved graph nor the restoring one has an object that can be reached in two ways."""
    return graph.is_tree and edited(graph, edits).is_tree


def same_edges(graph: ObjectGraph, edits: Sequence[Edit] = ()) -> bool:
    """The restoring program has the same objects under the same names."""
    changed = edited(graph, edits)
    return changed.kinds == graph.kinds and set(changed.edges) == set(graph.edges) and changed.slots == graph.slots


def same_construction_order(graph: ObjectGraph, order: Sequence[int] | None = None) -> bool:
    """The objects are put together in the order in which those that were saved were."""
    return order is None or _arranged(graph, order) == list(range(len(graph.edges)))


def nothing_new(steps: Sequence[Step]) -> bool:
    """No object is made, and none is attached."""
    return not any(step[0] in (*PARENTS, "variable", "state", "add_variable", "slot", "attach") for step in steps)


def nothing_dies(steps: Sequence[Step]) -> bool:
    """No object is forgotten."""
    return not any(step[0] == "drop" for step in steps)


def nothing_assigned(steps: Sequence[Step]) -> bool:
    """No value is changed by anything but restore ops."""
    return not any(step[0] in ("assign", "set_state", "initialise", "initialize_or_restore") for step in steps)


def disjoint_keys(one: ObjectGraph, other: ObjectGraph) -> bool:
    """No value of the two checkpoints has the same path, and no object can be reached in two ways."""
    trees = one.is_tree and other.is_tree
    shared = one.paths().keys() & other.paths().keys()  # of objects without values there may be some, of one kind
    kinds = [(one.kinds[one.paths()[path]], other.kinds[other.paths()[path]]) for path in shared]
    return trees and all(mine == its and mine in PARENTS for mine, its in kinds)


# -- laws --------------------------------------------------------------------------------------------------------------

_DIRECTORY = "directory = tempfile.mkdtemp()"


@law(lambda graph, order=None, by="write": by == "write" and same_construction_order(graph, order))
def restore_then_save(mode: str, graph: ObjectGraph, order: Sequence[int] | None = None, by: str = "write") -> Program:
    """What was restored, saved again, gives the same bytes.

    ``order``: in which the edges of the restoring objects are attached; ``by``: "write", or "save", which counts.
    Precondition: ``write``, and the same construction order (``same_construction_order``): files keep the order of edges.
    """
    read = "read" if by == "write" else "restore"
    lines: Lines = [_DIRECTORY]
    for number, made in enumerate((graph, graph.with_values())):
        lines += [*made.making(), *made.attaching(None if number == 0 else _arranged(graph, order))]
        lines.append("checkpoint = tf.train.Checkpoint(root=x0)")
        if number:
            lines.append(f"checkpoint.{read}(path0).initialize_or_restore()")
        else:
            lines += _initialised()
        lines += [f"path{number} = checkpoint.{by}(directory + '/{number}')", FRESH]
    return Program(lines, "assert file_bytes(path0) == file_bytes(path1)")


@law(same_edges)
def save_then_restore(mode: str, graph: ObjectGraph, edits: Sequence[Edit] = ()) -> Program:
    """What was saved and restored into new objects has the same values. Precondition: ``same_edges``."""
    live = edited(graph, edits).with_values()
    common = [n for n in graph.valued() if n < len(live.kinds)]
    lines: Lines = [*_saved(graph), f"saved = {_look(graph, common, mode)}", FRESH]
    lines += [*live.steps(), *_restored(), f"restored = {_look(live, common, mode)}"]
    return Program(lines, "assert list(map(same_bits, saved, restored)) == [True] * len(saved), (saved, restored)")


@law(lambda graph, one=None, other=None, edits=(): no_shared_nodes(graph, edits))
def order_of_attaching(mode: str, graph: ObjectGraph, one: Sequence[int] | None = None, other: Sequence[int] | None = None,
                       edits: Sequence[Edit] = ()) -> Program:  # fmt: skip
    """Whatever the order in which edges are attached after a restore, the values are the same. ``one``, ``other``: the orders.

    Precondition: ``no_shared_nodes``. Of two objects for one saved node the first that is attached gets its value.
    """
    return _two_orders(mode, graph, one, other, edits, late=None)


@law(lambda graph, one=None, other=None, edits=(), late=0: late == 0)
def insertion_order(mode: str, graph: ObjectGraph, one: Sequence[int] | None = None, other: Sequence[int] | None = None,
                    edits: Sequence[Edit] = (), late: int = 0) -> Program:  # fmt: skip
    """A restore with everything present does not depend on the order in which the objects were put together.

    ``late``: how many of the last edges are attached after the restore. Precondition: none.
    """
    return _two_orders(mode, graph, one, other, edits, late)


def _two_orders(mode: str, graph: ObjectGraph, one: Any, other: Any, edits: Sequence[Edit], late: int | None) -> Program:
    live = edited(graph, edits).with_values()
    lines: Lines = _saved(graph)
    for name, order in (("one", one), ("other", other)):
        attaching = live.attaching(_arranged(live, order))
        before = 0 if late is None else max(0, len(attaching) - late)
        lines += [FRESH, *live.making()]
        if mode == "graph":  # what is matched with something else gets no value from the restore, and no initialisation either
            lines.append("session.run(tf.compat.v1.global_variables_initializer())")
        lines += [*attaching[:before], *_RESTORED, *attaching[before:], ("run", 1)]
        lines.append(f"{name} = {_look(live, live.valued(), mode)}")
    return Program(lines, "assert list(map(same_bits, one, other)) == [True] * len(one), (one, other)")


@law(lambda graph, steps=(): nothing_new(steps) and nothing_dies(steps))
def consumed_stays_consumed(mode: str, graph: ObjectGraph, steps: Sequence[Step] = ()) -> Program:
    """After ``assert_consumed`` has passed it goes on passing, whatever ``steps`` are done.

    Steps name the objects of the graph by their numbers; saver 0, checkpoint 0 and status 1 are there. Precondition:
    ``nothing_new`` and ``nothing_dies``.
    """
    live = graph.with_values()
    lines: Lines = [*_saved(graph), FRESH, *live.steps(), *_restored(), "status1.assert_consumed()", "kept = status1", *steps]
    return Program(lines, "kept.assert_consumed()")


@law(lambda graph, between=(): nothing_assigned(between))
def running_twice(mode: str, graph: ObjectGraph, between: Sequence[Step] = ()) -> Program:
    """Restore ops that are run a second time change nothing. ``between``: steps before the second run.

    Precondition: ``nothing_assigned`` between.
    """
    live = graph.with_values()
    lines: Lines = [
        *_saved(graph),
        FRESH,
        *live.steps(),
        *_restored(),
        *between,
        f"before = {_look(live, live.valued(), mode)}",
    ]
    lines += [("run", 1), f"after = {_look(live, live.valued(), mode)}"]
    return Program(lines, "assert list(map(same_bits, before, after)) == [True] * len(before), (before, after)")


@law(disjoint_keys)
def disjoint_restores_commute(mode: str, one: ObjectGraph, other: ObjectGraph) -> Program:
    """Two checkpoints are restored into one object: in either order, if no key is in both. Precondition: ``disjoint_keys``."""
    both = union(one, other).with_values()
    lines: Lines = [*one.steps(), ("saver", 0, 0, True), *_initialised(), ("save", 0, 0), FRESH]
    lines += [*other.steps(), ("saver", 0, 0, True), *_initialised(), ("save", 0, 1)]
    for name, order in (("first", (0, 1)), ("second", (1, 0))):
        lines += [FRESH, *both.steps(), ("saver", 0, 0, True), *_initialised()]
        for n in order:
            lines += [("restore", 0, n, n), f"status{n}.expect_partial()", ("run", n)]
        lines.append(f"{name} = {_look(both, both.valued(), mode)}")
    return Program(lines, "assert list(map(same_bits, first, second)) == [True] * len(first), (first, second)")


def eager_equals_graph(program: OpProgram) -> None:
    """A program of ops gives the same bits in eager mode, in a graph, and in a graph that is run operation by operation.

    Precondition: ``no_random_ops``. Raises AssertionError with the smallest program as code that runs.
    """
    check_parity(program)


def no_random_ops(program: OpProgram) -> bool:
    """No op of the program keeps state or draws numbers."""
    return program.is_pure


def round_trip(make: Callable[[], Any], *, change: Callable[[Any], Any] | None = None, mode: str | None = None) -> None:
    """Objects of your own: what ``make()`` gives is saved, restored into another ``make()``, and saved again.

    ``change``: is called with the first root, so that it differs from a new one. Raises AssertionError unless the restore
    consumes everything and the second checkpoint has the same keys and bytes.
    """
    from minitf.checkpoint.saver import CheckpointableSaver
    from minitf.storage.memory import MemoryStorage

    for one in MODES if mode is None else (mode,):
        check_mode(one, "round_trip")
        storage = MemoryStorage()
        for number in (0, 1):
            with scope(one):
                root = make()
                saver = CheckpointableSaver(root, storage=storage)
                saver.restore(None).initialize_or_restore()
                if number:
                    saver.restore("0").assert_consumed().run_restore_ops()
                elif change is not None:
                    change(root)
                saver.save(str(number))
        first, second = (storage.open(str(number)) for number in (0, 1))
        assert first.keys() == second.keys(), f"round_trip, {one} mode: keys {first.keys()} became {second.keys()}"
        for key in first.keys():
            same = (
                first.read(key).tobytes() == second.read(key).tobytes() or first.read(key).tolist() == second.read(key).tolist()
            )
            assert same, f"round_trip, {one} mode: {key!r} was {first.read(key)!r} and became {second.read(key)!r}"


# -- pieces ------------------------------------------------------------------------------------------------------------


def union(one: ObjectGraph, other: ObjectGraph) -> ObjectGraph:
    """A graph that has all paths of both (trees)."""
    kinds, values, edges = list(one.kinds), list(one.values), list(one.edges)
    numbers = {0: 0}
    for parent in other.reachable():
        for name, child in other.edges_of(parent).items():
            there = {(p, n): c for p, n, c in edges}.get((numbers[parent], name))
            if there is None:
                there = len(kinds)
                kinds.append(other.kinds[child])
                values.append(other.values[child])
                edges.append((numbers[parent], name, there))
            numbers[child] = there
    return ObjectGraph(tuple(kinds), tuple(values), tuple(e for e in edges if kinds[e[0]] in PARENTS))


def _arranged(graph: ObjectGraph, order: Sequence[int] | None) -> list[int]:
    """The places of all edges, first those that ``order`` names."""
    count = len(graph.edges)
    return list(dict.fromkeys([n for n in (order or ()) if 0 <= n < count] + list(range(count))))


def _initialised() -> Lines:
    return ["tf.train.CheckpointableSaver(x0).restore(None).initialize_or_restore()"]


def _saved(graph: ObjectGraph) -> Lines:
    return [*graph.steps(), ("saver", 0, 0, True), *_initialised(), ("save", 0, 0)]


_RESTORED: Lines = [("saver", 0, 0, True), ("restore", 0, 0, 1), "status1.expect_partial()"]


def _restored() -> Lines:
    return [*_RESTORED, ("initialize_or_restore", 1)]


def _look(graph: ObjectGraph, numbers: Sequence[int], mode: str) -> str:
    read = "x{}.numpy()" if mode == "eager" else "session.run(x{})"
    return f"[{', '.join(f'x{n}.text' if graph.kinds[n] == 'state' else read.format(n) for n in numbers)}]"
