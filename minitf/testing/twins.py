"""minitf and the reference model side by side: every step is done on both, and what can be seen must be the same.

    with Twins("graph") as twins:
        twins.step(("node", 0))
        twins.step(("variable", 1, 2.0))
        twins.step(("attach", 0, "v", 1))

Steps are plain data (``minitf.testing.programs`` lists them) and name things by small numbers. A step that names something that
does not exist does nothing, on both sides, so any part of a program is a program.

After each step these are compared: the values of all variables, Python states and slots; after a save also the object graph and
the values in the file; after an assertion the verdict; and whether anything was refused. The first difference raises
``Divergence``, which has the steps so far.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any

import numpy as np

from minitf.checkpoint.matching import TENSORFLOW_2
from minitf.checkpoint.saver import CheckpointableSaver, ObjectSaver, read_graph
from minitf.errors import OpError
from minitf.objects.adding import add_variable
from minitf.objects.python_state import PythonState
from minitf.objects.slots import SlotOwner
from minitf.objects.trackable import AutoTrackable, children
from minitf.objects.variable import Variable
from minitf.runtimes.graph import Graph
from minitf.runtimes.session import Session
from minitf.storage.memory import MemoryStorage
from minitf.testing import model
from minitf.testing.programs import Step

MODES = ("eager", "graph")
ASSERTIONS = ("assert_consumed", "assert_existing_objects_matched", "assert_nontrivial_match")


class Divergence(AssertionError):
    """minitf did something else than the reference model. ``steps``: what was done, the differing step last."""

    def __init__(self, message: str, mode: str, steps: list[Step]):
        super().__init__(message)
        self.message = message
        self.mode = mode
        self.steps = steps


class Text(PythonState):
    """Python state that is one text."""

    def __init__(self, text: str):
        self.text = text

    def serialize(self) -> str:
        """The text."""
        return self.text

    def deserialize(self, string_value: bytes) -> None:
        """Takes a stored text."""
        self.text = string_value.decode()


class Lenient:
    """Saves and restores as ``Checkpoint.write`` and ``read`` do, in a storage of one's own."""

    def __init__(self, root: Any, storage: MemoryStorage):
        self._engine = ObjectSaver(lambda: root, _no_edges, TENSORFLOW_2, None, storage)

    def save(self, prefix: str, session: Any = None) -> str:
        """Writes under the prefix."""
        self._engine.write(prefix, session, "Lenient.save")
        return prefix

    def restore(self, path: str | None) -> Any:
        """Restores; gives the status."""
        return self._engine.restore(path)


def _no_edges() -> None:
    """No edges besides the root's own."""


class Twins:
    """The two sides in one mode, "eager" or "graph" (one graph, one session). Use it in a ``with`` statement.

    ``objects``, ``savers``, ``checkpoints`` and ``statuses`` hold, by number, pairs (minitf's, the model's). ``history`` are the
    steps so far. Meanwhile the cyclic garbage collector rests: when it frees objects is not the same on both sides.
    """

    def __init__(self, mode: str = "eager"):
        if mode not in MODES:
            raise ValueError(f"Twins(mode={mode!r}): the mode is one of {', '.join(MODES)}.")
        self.mode = mode
        self.objects: dict[int, tuple[Any, Any]] = {}
        self.savers: dict[int, tuple[Any, Any]] = {}
        self.checkpoints: dict[int, tuple[str, Any]] = {}
        self.statuses: dict[int, tuple[Any, Any]] = {}
        self.history: list[Step] = []
        self.storage = MemoryStorage()
        self.session: Session | None = None
        self._model = model.Model(graph=mode == "graph")
        self._values: dict[int, tuple[Any, Any]] = {}  # what holds a value: (a cell or a text, the model's variable)
        self._optimizers: dict[int, tuple[Any, Any]] = {}
        self._kept: list[Any] = []
        self._keeps = False
        self._open = ExitStack()

    def __enter__(self) -> Twins:
        if gc.isenabled():
            gc.disable()
            self._open.callback(gc.enable)
        log = logging.getLogger("minitf")  # conflicting references are drawn on purpose; nobody needs to hear of each
        self._open.callback(log.setLevel, log.level)
        log.setLevel(logging.ERROR)
        if self._model.graph:
            self._open.enter_context(Graph().as_default())
            self.session = self._open.enter_context(Session())
        return self

    def __exit__(self, *exc: Any) -> None:
        for kept in (self.objects, self.savers, self.statuses, self._values, self._optimizers, self._kept):
            kept.clear()
        self.session = None
        self._open.close()

    # -- steps ---------------------------------------------------------------------------------------------------------

    def step(self, step: Step) -> None:
        """Does one step on both sides and compares. Raises Divergence, ValueError for a step that is none."""
        self.history.append(step)
        do = _STEPS.get(step[0])
        if do is None:
            raise ValueError(f"There is no step {step[0]!r}; there are {', '.join(_STEPS)}.")
        try:
            do(self, *step[1:])
            self.compare()
        except Divergence:
            raise
        except Exception as error:
            self.fail(f"{type(error).__name__}: {error}", error)

    def fail(self, message: str, cause: BaseException | None = None) -> None:
        """Raises Divergence with the steps so far."""
        raise Divergence(f"step {len(self.history)}, {self.history[-1]}: {message}", self.mode, list(self.history)) from cause

    def compare(self) -> None:
        """Compares all values. Raises Divergence."""
        for number, (real, variable) in self._values.items():
            expected = variable.value
            if expected is not real.value and not _same(real.value, expected):
                self.fail(f"object {number} has the value {real.value!r}, but the model says {expected!r}")
        if self._optimizers:
            self._compare_slots()

    def _compare_slots(self) -> None:
        for number, (real, twin) in self._optimizers.items():
            names = {name for _, name in twin.slots}
            names.update(real.get_slot_names())
            for name in names:
                for of, (variable, counterpart) in self.objects.items():
                    if counterpart.kind != "variable":
                        continue
                    slot, expected = real.get_slot(variable, name), twin.slots.get((counterpart, name))
                    found = "no slot" if slot is None else self._cell(slot).value
                    wanted = "no slot" if expected is None else expected.value
                    if found is not wanted and not _same(found, wanted):
                        self.fail(f"slot {name!r} of {number} for {of}: {found!r}, but the model says {wanted!r}")

    def look(self) -> None:
        """Compares what a user can read: the values of all variables that exist, by ``numpy()`` or in the session."""
        for number, (real, twin) in self.objects.items():
            if twin.kind == "variable" and twin.value is not None:
                value = real.numpy() if self.session is None else self.session.run(real)
                if not _same(value, twin.value):
                    self.fail(f"reading object {number} gives {value!r}, but the model says {twin.value!r}")

    def _cell(self, variable: Any) -> Any:
        handle = variable.handle
        return handle.cell if self.session is None else self.session.store.cell(handle)

    def _outcomes(self, mine: Callable[[], Any], the_models: Callable[[], Any]) -> tuple[Any, Any]:
        """Does both; a refusal must be one on both sides. Gives the results."""
        (found, result), (expected, other) = _outcome(mine), _outcome(the_models)
        if found != expected:
            self.fail(f"{found}, but the model says: {expected}")
        return result, other

    def _put(self, number: int, real: Any, twin: Any) -> None:
        self._drop(number)
        self.objects[number] = real, twin
        if twin.kind == "variable":
            self._values[number] = self._cell(real), twin
        elif twin.kind == "state":
            self._values[number] = _TextCell(real), twin
        elif twin.kind == "optimizer":
            self._optimizers[number] = real, twin
            self._keeps = True

    # -- making and changing -------------------------------------------------------------------------------------------

    def _drop(self, number: int) -> None:
        """Forgets an object. It lives on if another holds it; with slots about always: in the model they keep it alive."""
        gone = self.objects.pop(number, None)
        self._values.pop(number, None)
        self._optimizers.pop(number, None)
        if self._keeps:
            self._kept.append(gone)

    def _node(self, number: int) -> None:
        self._put(number, AutoTrackable(), model.Node(self._model))

    def _variable(self, number: int, value: Any) -> None:
        self._put(number, Variable(value, name=f"v{number}"), model.Variable(self._model, value))

    def _state(self, number: int, text: str) -> None:
        self._put(number, Text(text), model.Variable(self._model, text, kind="state"))

    def _optimizer(self, number: int) -> None:
        self._put(number, SlotOwner(), model.Optimizer(self._model))

    def _add_variable(self, parent: int, name: str, number: int, value: Any) -> None:
        if parent in self.objects:
            real, twin = self.objects[parent]
            if name not in twin.edges and twin.kind in _PARENTS:
                made = add_variable(real, name, initializer=value)
                self._put(number, made, twin.add_variable(name, value))

    def _attach(self, parent: int, name: str, child: int) -> None:
        if parent in self.objects and child in self.objects:
            (real, twin), (real_child, twin_child) = self.objects[parent], self.objects[child]
            if twin.kind in _PARENTS:
                setattr(real, name, real_child)
                twin.attach(name, twin_child)

    def _detach(self, parent: int, name: str) -> None:
        if parent in self.objects:
            real, twin = self.objects[parent]
            there = name in children(real)
            if there != (name in twin.edges):
                self.fail(f"object {parent} has {'an' if there else 'no'} edge {name!r}; the model says otherwise")
            if there:
                if hasattr(real, name):
                    delattr(real, name)
                else:
                    del real._tracking.edges[name]
                del twin.edges[name]

    def _assign(self, number: int, value: Any) -> None:
        if number in self.objects and self.objects[number][1].kind == "variable":
            real, twin = self.objects[number]
            real.load(value, self.session)
            twin.value = value

    def _set_state(self, number: int, text: str) -> None:
        if number in self.objects and self.objects[number][1].kind == "state":
            real, twin = self.objects[number]
            real.text = twin.value = text

    def _initialise(self, number: int) -> None:
        if number in self.objects and self.objects[number][1].kind == "variable" and self.session is not None:
            real, twin = self.objects[number]
            self.session.run(real.initializer)
            twin.initialise()

    def _slot(self, optimizer: int, variable: int, name: str, value: Any) -> None:
        if optimizer in self._optimizers and variable in self.objects and self.objects[variable][1].kind == "variable":
            (real, twin), (of, counterpart) = self._optimizers[optimizer], self.objects[variable]
            real.add_slot(of, name, value)
            twin.slot(counterpart, name, value)

    # -- checkpoints ---------------------------------------------------------------------------------------------------

    def _saver(self, number: int, root: int, strict: bool) -> None:
        if root in self.objects:
            real, twin = self.objects[root]
            mine = CheckpointableSaver(real, storage=self.storage) if strict else Lenient(real, self.storage)
            if self._keeps and number in self.savers:
                self._kept.append(self.savers[number])
            self.savers[number] = mine, model.Saver(self._model, twin, strict)

    def _save(self, saver: int, number: int) -> None:
        if saver in self.savers:
            real, twin = self.savers[saver]
            path, saved = self._outcomes(lambda: real.save(str(number), session=self.session), twin.save)
            if path is not None:
                self._compare_saved(path, saved)
                self.checkpoints[number] = path, saved

    def _compare_saved(self, path: str, saved: Any) -> None:
        reader = self.storage.open(path)
        graph = read_graph(reader)
        assert graph is not None
        for number, node in enumerate(graph.nodes):
            other = saved[number] if number < len(saved) else None
            mine = (node.children, [(s.variable, s.slot_name, s.slot) for s in node.slots], bool(node.has_values))
            its = other and (other.children, other.slots, other.carries)
            if mine != its:
                self.fail(f"node {number} was saved with (children, slots, values below) {mine}; the model says {its}")
            values = [reader.read(value.key).item() for value in node.values]
            if values != [_stored(other.value)] * (other.kind in model.VALUED):
                self.fail(f"node {number} was saved with the values {values}; the model says {other.value!r}")
        if len(graph.nodes) != len(saved):
            self.fail(f"{len(graph.nodes)} objects were saved; the model says {len(saved)}")

    def _restore(self, saver: int, checkpoint: int | None, number: int) -> None:
        if saver in self.savers and (checkpoint is None or checkpoint in self.checkpoints):
            path, saved = (None, None) if checkpoint is None else self.checkpoints[checkpoint]
            real, twin = self.savers[saver]
            self._drop_status(number)
            self.statuses[number] = real.restore(path).expect_partial(), twin.restore(saved)

    def _drop_status(self, number: int) -> None:
        gone = self.statuses.pop(number, None)
        if self._keeps:
            self._kept.append(gone)

    def _run(self, status: int) -> None:
        if status in self.statuses:
            real, twin = self.statuses[status]
            self._outcomes(lambda: real.run_restore_ops(session=self.session), twin.run_restore_ops)

    def _initialize_or_restore(self, status: int) -> None:
        if status in self.statuses:
            real, twin = self.statuses[status]
            self._outcomes(lambda: real.initialize_or_restore(session=self.session), twin.initialize_or_restore)

    def _ask(self, status: int, assertion: str) -> None:
        if status in self.statuses:
            real, twin = self.statuses[status]
            self._outcomes(getattr(real, assertion), getattr(twin, assertion))


_PARENTS = ("node", "optimizer")
_STEPS: dict[str, Callable[..., None]] = {
    "node": Twins._node,
    "variable": Twins._variable,
    "state": Twins._state,
    "optimizer": Twins._optimizer,
    "add_variable": Twins._add_variable,
    "drop": Twins._drop,
    "attach": Twins._attach,
    "detach": Twins._detach,
    "assign": Twins._assign,
    "set_state": Twins._set_state,
    "initialise": Twins._initialise,
    "slot": Twins._slot,
    "saver": Twins._saver,
    "save": Twins._save,
    "restore": Twins._restore,
    "drop_status": Twins._drop_status,
    "run": Twins._run,
    "initialize_or_restore": Twins._initialize_or_restore,
    "ask": Twins._ask,
}


class _TextCell:
    """A Python state's text as the value of a cell."""

    __slots__ = ("_of",)

    def __init__(self, of: Text):
        self._of = of

    @property
    def value(self) -> str:
        return self._of.text


def _outcome(call: Callable[[], Any]) -> tuple[str, Any]:
    try:
        return "done", call()
    except AssertionError:
        return "AssertionError", None
    except (ValueError, OpError):
        return "refused", None


def _stored(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value


def _same(found: Any, expected: Any) -> bool:
    if type(expected) is float and type(found) is np.float32:
        return bool(found == expected)
    if found is None or expected is None or isinstance(found, str) or isinstance(expected, str):
        return found is expected or (type(found) is type(expected) and found == expected)
    return np.array_equal(found, expected)


def run(steps: Iterable[Step], mode: str = "eager") -> Twins:
    """Does all steps on both sides. Raises Divergence. Gives the twins, whose ``history`` and ``checkpoints`` stay."""
    with Twins(mode) as twins:
        for step in steps:
            twins.step(step)
    return twins
