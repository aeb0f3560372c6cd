"""minitf and the reference model side by side: every step is done on both, and what can be seen must be the same.

    with Twins("graph") as twins:
        twins.step(("node", 0))
        twins.step(("variable", 1, 2.0))
        twins.step(("attach", 0, "v", 1))

Steps are plain data (``minitf.testing.programs`` lists them) and name things by small numbers. A step that names something that
does not exist does nothing, on both sides, so any part of a program is a program.

After each step these are compared: the values of all variables, Python states and slots; after a save also the object graph and
the values in the file; after an assertion the verdict; and whether anything was refused. The first difference raises
``Divergence``, which has the steps so far, also as code that runs.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any

import numpy as np

from minitf.checkpoint.saver import CheckpointableSaver, read_graph
from minitf.objects.adding import add_variable
from minitf.objects.slots import SlotOwner
from minitf.objects.trackable import AutoTrackable, children
from minitf.objects.variable import Variable
from minitf.runtimes.graph import Graph
from minitf.runtimes.session import Session
from minitf.storage.memory import MemoryStorage
from minitf.testing import model
from minitf.testing.divergence import Divergence
from minitf.testing.modes import check_mode, quietly
from minitf.testing.parts import Lenient, Text
from minitf.testing.programs import Step, dtype_of, line, literal
from minitf.testing.sameness import TextCell, outcome, same, same_stored

ASSERTIONS = ("assert_consumed", "assert_existing_objects_matched", "assert_nontrivial_match")
_NOTHING = object()  # what a step gives that was not done


class Twins:
    """The two sides in one mode, "eager" or "graph" (one graph, one session). Use it in a ``with`` statement.

    ``objects``, ``savers``, ``checkpoints`` and ``statuses`` hold, by number, pairs (minitf's, the model's). ``history``: the
    steps so far. Meanwhile the cyclic garbage collector rests: when it frees objects is not the same on both sides.
    """

    def __init__(self, mode: str = "eager"):
        check_mode(mode, "Twins")
        self.mode = mode
        self.objects: dict[int, tuple[Any, Any]] = {}
        self.savers: dict[int, tuple[Any, Any]] = {}
        self.checkpoints: dict[int, tuple[str, Any]] = {}
        self.statuses: dict[int, tuple[Any, Any]] = {}
        self.history: list[Step] = []
        self.refused: set[int] = set()  # places in the history of steps that both sides refused
        self.storage = MemoryStorage()
        self.session: Session | None = None
        self.model = model.Model(graph=mode == "graph")
        self._values: dict[int, tuple[Any, Any]] = {}  # what holds a value: (a cell or a text, the model's variable)
        self._optimizers: dict[int, tuple[Any, Any]] = {}
        self._kept: list[Any] = []
        self._keeps = False
        self._open = ExitStack()

    def __enter__(self) -> Twins:
        if gc.isenabled():
            gc.disable()
            self._open.callback(gc.enable)
        self._open.enter_context(quietly())
        if self.model.graph:
            self._open.enter_context(Graph().as_default())
            self.session = self._open.enter_context(Session())
        return self

    def __exit__(self, *exc: Any) -> None:
        for kept in (self.objects, self.savers, self.statuses, self._values, self._optimizers, self._kept):
            kept.clear()
        self.session = None
        self._open.close()

    # -- steps ---------------------------------------------------------------------------------------------------------

    def step(self, step: Step) -> bool:
        """Does one step on both sides and compares. Raises Divergence, ValueError for a step that is none.

        False for a step that names something that does not exist: it is not done, and does not enter the history.
        """
        do = _STEPS.get(step[0])
        if do is None:
            raise ValueError(f"There is no step {step[0]!r}; there are {', '.join(_STEPS)}.")
        self.history.append(step)
        try:
            if do(self, *step[1:]) is _NOTHING:
                self.history.pop()
                return False
            self.compare()
        except Divergence:
            raise
        except Exception as error:
            self.fail(f"{type(error).__name__}: {error}", cause=error)
        return True

    def fail(self, message: str, expectation: str = "", instead: bool = False, cause: BaseException | None = None) -> None:
        """Raises Divergence with the steps so far.

        ``expectation`` is code that fails because of it, after the last step or ``instead`` of it; "" if the last step fails.
        """
        where = f"step {len(self.history)}, {self.history[-1]}, {self.mode} mode" if self.history else self.mode
        refused = set(self.refused)
        raise Divergence(f"{where}: {message}", self.mode, list(self.history), refused, expectation, instead) from cause

    # -- comparing -----------------------------------------------------------------------------------------------------

    def compare(self) -> None:
        """Compares all values. Raises Divergence."""
        for number, (real, variable) in self._values.items():
            expected = variable.value
            if expected is not real.value and not same(real.value, expected):
                message = f"object {number} has the value {real.value!r}, but the model says {expected!r}"
                self.fail(message, self._demand(number, expected))
        if self._optimizers:
            self._compare_slots()

    def look(self) -> None:
        """Compares what a user can read: the values of all variables that have one, by ``numpy()`` or in the session."""
        found = [(n, real, twin.value) for n, (real, twin) in self.objects.items() if twin.kind == "variable"]
        found = [(n, real, value) for n, real, value in found if value is not None]
        variables = [real for _, real, _ in found]
        values = [v.numpy() for v in variables] if self.session is None else self.session.run(variables)
        for (number, _, expected), value in zip(found, values, strict=True):
            if not same(value, expected):
                message = f"reading object {number} gives {value!r}, but the model says {expected!r}"
                self.fail(message, self._demand(number, expected))

    def _demand(self, number: int, expected: Any) -> str:
        """Code that fails unless an object has a value."""
        if isinstance(expected, str):
            return f"assert x{number}.text == {expected!r}, x{number}.text"
        return self._read(f"x{number}", expected)

    def _read(self, what: str, expected: Any) -> str:
        read = f"{what}.numpy()" if self.session is None else f"session.run({what})"
        if expected is None:
            return f"assert not session.run(tf.is_variable_initialized({what})), {read}"
        if isinstance(expected, (np.ndarray, np.generic)):
            return f"assert same_bits({read}, {literal(expected)}), {read}"
        return f"assert {read} == {literal(expected)}, {read}"

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
                    if found is not wanted and not same(found, wanted):
                        there = "assert slot is None" if expected is None else self._read("slot", wanted)
                        message = f"slot {name!r} of {number} for {of}: {found!r}, but the model says {wanted!r}"
                        self.fail(message, f"slot = x{number}.get_slot(x{of}, {name!r})\n{there}")

    def _cell(self, variable: Any) -> Any:
        handle = variable.handle
        return handle.cell if self.session is None else self.session.store.cell(handle)

    def _outcomes(self, mine: Callable[[], Any], the_models: Callable[[], Any]) -> tuple[Any, Any]:
        """Does both; a refusal must be one on both sides. Gives the results."""
        (found, result), (expected, other) = outcome(mine), outcome(the_models)
        if found != expected:
            done = line(self.history[-1])
            refuse = f"try:\n    {done}\nexcept Exception:\n    pass\nelse:\n    raise AssertionError('the model refuses this')"
            self.fail(f"{found}, but the model says: {expected}", done if expected == "done" else refuse, instead=True)
        if found != "done":
            self.refused.add(len(self.history) - 1)
        return result, other

    def put(self, number: int, real: Any, twin: Any) -> None:
        """Takes in an object, and the model's counterpart, under a number."""
        self._drop(number)
        self.objects[number] = real, twin
        if twin.kind == "variable":
            self._values[number] = self._cell(real), twin
        elif twin.kind == "state":
            self._values[number] = TextCell(real), twin
        elif twin.kind == "optimizer":
            self._optimizers[number] = real, twin
            self._keeps = True

    # -- making and changing -------------------------------------------------------------------------------------------

    def _drop(self, number: int) -> Any:
        """Forgets an object. It lives on if another holds it; with slots about always: in the model they keep it alive."""
        gone = self.objects.pop(number, None)
        self._values.pop(number, None)
        self._optimizers.pop(number, None)
        if self._keeps:
            self._kept.append(gone)
        return _NOTHING if gone is None else None

    def _node(self, number: int) -> None:
        self.put(number, AutoTrackable(), model.Node(self.model))

    def _variable(self, number: int, value: Any) -> None:
        self.put(number, Variable(value, name=f"v{number}"), model.Variable(self.model, value))

    def _state(self, number: int, text: str) -> None:
        self.put(number, Text(text), model.Variable(self.model, text, kind="state"))

    def _optimizer(self, number: int) -> None:
        self.put(number, SlotOwner(), model.Optimizer(self.model))

    def _add_variable(self, parent: int, name: str, number: int, value: Any) -> Any:
        real, twin = self._find(parent, _PARENTS)
        if real is None or name in twin.edges:
            return _NOTHING
        made = add_variable(real, name, initializer=value, dtype=dtype_of(value))
        self.put(number, made, twin.add_variable(name, value))
        return None

    def _find(self, number: int, kinds: tuple[str, ...]) -> tuple[Any, Any]:
        """An object of one of these kinds, or (None, None)."""
        found = self.objects.get(number, (None, None))
        return found if found[0] is not None and found[1].kind in kinds else (None, None)

    def _attach(self, parent: int, name: str, child: int) -> Any:
        real, twin = self._find(parent, _PARENTS)
        if real is None or child not in self.objects:
            return _NOTHING
        real_child, twin_child = self.objects[child]
        setattr(real, name, real_child)
        twin.attach(name, twin_child)
        return None

    def _detach(self, parent: int, name: str) -> Any:
        real, twin = self._find(parent, _PARENTS)
        if real is None or name not in twin.edges:
            return _NOTHING
        if name not in children(real):
            self.fail(f"object {parent} has no edge {name!r}", f"assert {name!r} in tf.train.children(x{parent})", instead=True)
        if not hasattr(real, name):
            object.__setattr__(real, name, None)  # add_variable made an edge and no attribute
        delattr(real, name)
        del twin.edges[name]
        return None

    def _assign(self, number: int, value: Any) -> Any:
        real, twin = self._find(number, ("variable",))
        if real is None:
            return _NOTHING
        real.load(value, self.session)
        twin.value = value
        return None

    def _set_state(self, number: int, text: str) -> Any:
        real, twin = self._find(number, ("state",))
        if real is None:
            return _NOTHING
        real.text = twin.value = text
        return None

    def _initialise(self, number: int) -> Any:
        real, twin = self._find(number, ("variable",))
        if real is None or self.session is None:
            return _NOTHING
        self.session.run(real.initializer)
        twin.initialise()
        return None

    def _slot(self, optimizer: int, variable: int, name: str, value: Any) -> Any:
        (real, twin), (of, counterpart) = self._find(optimizer, ("optimizer",)), self._find(variable, ("variable",))
        if real is None or of is None:
            return _NOTHING
        real.add_slot(of, name, value)
        twin.slot(counterpart, name, value)
        return None

    # -- checkpoints ---------------------------------------------------------------------------------------------------

    def _saver(self, number: int, root: int, strict: bool) -> Any:
        real, twin = self.objects.get(root, (None, None))
        if real is None:
            return _NOTHING
        mine = CheckpointableSaver(real, storage=self.storage) if strict else Lenient(real, self.storage)
        if self._keeps:
            self._kept.append(self.savers.get(number))
        self.savers[number] = mine, model.Saver(self.model, twin, strict)
        return None

    def _save(self, saver: int, number: int) -> Any:
        if saver not in self.savers:
            return _NOTHING
        real, twin = self.savers[saver]
        path, saved = self._outcomes(lambda: real.save(str(number), session=self.session), twin.save)
        if path is not None:
            self.checkpoints[number] = path, saved
            self._compare_saved(number, path, saved)
        return None

    def _compare_saved(self, number: int, path: str, saved: list[model.SavedNode]) -> None:
        reader = self.storage.open(path)
        graph = read_graph(reader)
        assert graph is not None
        found = [(n.children, [(s.variable, s.slot_name, s.slot) for s in n.slots], bool(n.has_values)) for n in graph.nodes]
        expected = [(n.children, n.slots, n.carries) for n in saved]
        if found != expected:
            shown = "(n.children, [(s.variable, s.slot_name, s.slot) for s in n.slots], bool(n.has_values))"
            nodes = f"nodes = [{shown} for n in read_graph(storage.open(path{number})).nodes]"
            message = f"the saved nodes (children, slots, values below) are {found}, but the model says {expected}"
            self.fail(message, f"{nodes}\nassert nodes == {expected}, nodes")
        for n, (node, other) in enumerate(zip(graph.nodes, saved, strict=True)):
            values = [reader.read(value.key) for value in node.values]
            wanted = [other.value] * (other.kind in model.VALUED)
            if len(values) != len(wanted) or not all(map(same_stored, values, wanted)):
                self.fail(f"node {n} was saved with the values {values}, but the model says {wanted}")

    def _restore(self, saver: int, checkpoint: int | None, number: int) -> Any:
        if saver not in self.savers or (checkpoint is not None and checkpoint not in self.checkpoints):
            return _NOTHING
        path, saved = (None, None) if checkpoint is None else self.checkpoints[checkpoint]
        real, twin = self.savers[saver]
        self._drop_status(number)
        self.statuses[number] = real.restore(path).expect_partial(), twin.restore(saved)
        return None

    def _drop_status(self, number: int) -> Any:
        gone = self.statuses.pop(number, None)
        if self._keeps:
            self._kept.append(gone)
        return _NOTHING if gone is None else None

    def _run(self, status: int) -> Any:
        return self._with_status(status, "run_restore_ops")

    def _initialize_or_restore(self, status: int) -> Any:
        return self._with_status(status, "initialize_or_restore")

    def _with_status(self, status: int, method: str) -> Any:
        if status not in self.statuses:
            return _NOTHING
        real, twin = self.statuses[status]
        self._outcomes(lambda: getattr(real, method)(session=self.session), getattr(twin, method))
        return None

    def _ask(self, status: int, assertion: str) -> Any:
        if status not in self.statuses:
            return _NOTHING
        real, twin = self.statuses[status]
        self._outcomes(getattr(real, assertion), getattr(twin, assertion))
        return None


_PARENTS = ("node", "optimizer")
_STEPS: dict[str, Callable[..., Any]] = {
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


def run(steps: Iterable[Step], mode: str = "eager") -> Twins:
    """Does all steps on both sides. Raises Divergence. Gives the twins, whose ``history`` and ``checkpoints`` stay."""
    with Twins(mode) as twins:
        for step in steps:
            twins.step(step)
    return twins
