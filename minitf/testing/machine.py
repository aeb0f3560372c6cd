"""``RestoreMachine``: Hypothesis' stateful tests of restoring, against the reference model, for users to extend.

    from minitf.testing import RestoreMachine

    TestEager = RestoreMachine.in_mode("eager").TestCase
    TestGraph = RestoreMachine.in_mode("graph").TestCase

A machine of your own adds rules and invariants::

    class WithMyLayers(RestoreMachine):
        @rule(target=RestoreMachine.nodes)
        def make_layer(self):
            return self.adopt(MyLayer(), model.Node(self.twins.model))

        @invariant()
        def my_invariant(self):
            assert ...
"""

from __future__ import annotations

from typing import Any

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule
from hypothesis.strategies import SearchStrategy

from minitf.testing.modes import check_mode
from minitf.testing.object_graphs import ObjectGraph
from minitf.testing.programs import Step, line
from minitf.testing.strategies import NAMES, object_graphs
from minitf.testing.twins import ASSERTIONS, Twins


class RestoreMachine(RuleBasedStateMachine):
    """Objects, variables, savers and checkpoints, changed in any order. Each step is done on minitf and on the reference model.

    The bundles hold numbers: ``nodes``, ``variables``, ``states`` and ``optimizers`` those of objects, ``savers``,
    ``checkpoints`` and ``statuses``. ``self.twins`` has the two sides, ``self.real(n)`` gives minitf's object with a number,
    ``self.do(step)`` does a step (``minitf.testing.programs``) and compares. A difference raises ``Divergence``, which prints
    the program as code.
    """

    mode = "eager"
    values: SearchStrategy[Any] = st.integers(1, 99).map(float)  # of variables

    nodes: Bundle[int] = Bundle("nodes")
    variables: Bundle[int] = Bundle("variables")
    states: Bundle[int] = Bundle("states")
    optimizers: Bundle[int] = Bundle("optimizers")
    savers: Bundle[int] = Bundle("savers")
    checkpoints: Bundle[int] = Bundle("checkpoints")
    statuses: Bundle[int] = Bundle("statuses")

    parents = st.one_of(nodes, nodes, optimizers)
    objects = st.one_of(nodes, variables, variables, states, optimizers)

    @classmethod
    def in_mode(cls, mode: str) -> type[RestoreMachine]:
        """The machine in "eager" or in "graph" mode. Raises ValueError for another mode."""
        check_mode(mode, f"{cls.__name__}.in_mode")
        return type(f"{cls.__name__}In{mode.capitalize()}", (cls,), {"mode": mode, "__module__": cls.__module__})

    def __init__(self) -> None:
        super().__init__()
        self.twins = Twins(self.mode)
        self.twins.__enter__()
        self._numbers = 0

    def teardown(self) -> None:
        """Ends the graph and the session, and lets all objects go."""
        self.twins.__exit__(None, None, None)

    # -- for rules -----------------------------------------------------------------------------------------------------

    def next_number(self) -> int:
        """A number that nothing has yet."""
        self._numbers += 1
        return self._numbers

    def do(self, step: Step) -> bool:
        """Does a step on both sides and compares; False if it names something that does not exist. Raises Divergence."""
        done = self.twins.step(step)
        if done:
            note(line(step))
        return done

    def real(self, number: int) -> Any:
        """Minitf's object with this number, or None if it was dropped."""
        return self.twins.objects.get(number, (None, None))[0]

    def adopt(self, real: Any, twin: Any) -> int:
        """Takes in an object of your own with the model's counterpart (``minitf.testing.model``); gives its number."""
        number = self.next_number()
        self.twins.put(number, real, twin)
        return number

    def _made(self, kind: str, *value: Any) -> int:
        number = self.next_number()
        self.do((kind, number, *value))
        return number

    # -- whole programs, so that much is restored soon -----------------------------------------------------------------

    def _graph(self, data: Any) -> tuple[int, ObjectGraph]:
        """A drawn graph, and a number from which on numbers are free for its objects; one more is free too."""
        graph = data.draw(object_graphs(min_objects=2, max_objects=4, values=self.values))
        first = self._numbers + 1
        self._numbers += len(graph.kinds) + 1
        return first, graph

    @initialize(target=checkpoints, data=st.data())
    def saved_before(self, data: Any) -> int:
        """A checkpoint of an object graph that is gone."""
        first, graph = self._graph(data)
        number = self._numbers
        steps = [*graph.making(first), *graph.attaching(first=first), ("saver", number, first, True)]
        steps += [("restore", number, None, number), ("initialize_or_restore", number), ("save", number, number)]
        steps += [("drop", n) for n in range(first, number)] + [("drop_status", number)]
        for step in steps:
            self.do(step)
        return number

    @rule(target=statuses, checkpoint=checkpoints, strict=st.booleans(), data=st.data())
    def restore_into_new_objects(self, checkpoint: int, strict: bool, data: Any) -> int:
        """A new object graph restores a checkpoint while it grows."""
        first, graph = self._graph(data)
        number = self._numbers
        steps = graph.attaching(first=first)
        steps.insert(data.draw(st.integers(0, len(steps))), ("restore", number, checkpoint, number))
        for step in [*graph.making(first), ("saver", number, first, strict), *steps]:
            self.do(step)
        return number

    # -- objects -------------------------------------------------------------------------------------------------------

    @rule(target=nodes)
    def make_node(self) -> int:
        """An object without edges."""
        return self._made("node")

    @rule(target=variables, data=st.data())
    def make_variable(self, data: Any) -> int:
        """A variable that hangs on nothing."""
        return self._made("variable", data.draw(self.values))

    @rule(target=states)
    def make_state(self) -> int:
        """Python state."""
        return self._made("state", f"text {self._numbers}")

    @rule(target=optimizers)
    def make_optimizer(self) -> int:
        """An object that keeps slots."""
        return self._made("optimizer")

    @rule(target=variables, parent=parents, name=NAMES, data=st.data())
    def add_variable(self, parent: int, name: str, data: Any) -> int:
        """A variable made through its parent: it may be born with a value that waits there."""
        number = self.next_number()
        self.do(("add_variable", parent, name, number, data.draw(self.values)))
        return number

    @rule(parent=parents, name=NAMES, child=objects)
    def attach(self, parent: int, name: str, child: int) -> None:
        """Adds or redirects an edge."""
        self.do(("attach", parent, name, child))

    @rule(parent=parents, name=NAMES)
    def detach(self, parent: int, name: str) -> None:
        """Removes an edge."""
        self.do(("detach", parent, name))

    @rule(variable=variables, data=st.data())
    def assign(self, variable: int, data: Any) -> None:
        """Sets a value."""
        self.do(("assign", variable, data.draw(self.values)))

    @rule(variable=variables)
    def initialise(self, variable: int) -> None:
        """Runs a variable's initialiser (in a graph)."""
        self.do(("initialise", variable))

    @rule(optimizer=optimizers, variable=variables, data=st.data())
    def make_slot(self, optimizer: int, variable: int, data: Any) -> None:
        """A slot for a variable, unless there is one."""
        self.do(("slot", optimizer, variable, "m", data.draw(self.values)))

    @rule(number=st.one_of(consumes(nodes), consumes(variables)))
    def drop(self, number: int) -> None:
        """Forgets an object, which lives on if another one holds it."""
        self.do(("drop", number))

    # -- checkpoints ---------------------------------------------------------------------------------------------------

    @rule(target=savers, root=st.one_of(nodes, nodes, variables), strict=st.booleans())
    def make_saver(self, root: int, strict: bool) -> int:
        """A saver: as ``CheckpointableSaver`` if it is strict, otherwise as ``Checkpoint``."""
        number = self.next_number()
        self.do(("saver", number, root, strict))
        return number

    @rule(target=checkpoints, saver=savers)
    def save(self, saver: int) -> int:
        """Saves, if all variables have values."""
        number = self.next_number()
        self.do(("save", saver, number))
        return number

    @rule(target=statuses, saver=savers, checkpoint=st.one_of(checkpoints, checkpoints, st.none()))
    def restore(self, saver: int, checkpoint: int | None) -> int:
        """Restores a checkpoint, or None."""
        number = self.next_number()
        self.do(("restore", saver, checkpoint, number))
        return number

    @rule(status=statuses)
    def run_restore_ops(self, status: int) -> None:
        """Runs what was matched so far."""
        self.do(("run", status))

    @rule(status=statuses)
    def initialize_or_restore(self, status: int) -> None:
        """Runs what was matched so far, and initialises the rest."""
        self.do(("initialize_or_restore", status))

    @rule(status=statuses, assertion=st.sampled_from(ASSERTIONS))
    def ask(self, status: int, assertion: str) -> None:
        """Asks a status; both sides must say the same."""
        self.do(("ask", status, assertion))

    @rule(status=consumes(statuses))
    def drop_status(self, status: int) -> None:
        """Forgets a status; what it restored goes on waiting."""
        self.do(("drop_status", status))

    # -- what must always hold -----------------------------------------------------------------------------------------

    @invariant()
    def users_read_what_the_model_says(self) -> None:
        """All values, as a user can read them, are the model's."""
        self.twins.look()
