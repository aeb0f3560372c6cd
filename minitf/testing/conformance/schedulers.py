"""What every scheduler must do: ``SchedulerSuite``."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings

from minitf.core.schedule import Scheduler
from minitf.objects.variable import Variable
from minitf.ops.creating import constant
from minitf.runtimes.building import placeholder
from minitf.runtimes.graph import Graph
from minitf.runtimes.session import Session
from minitf.testing import strategies as mst
from minitf.testing.op_programs import OpProgram, outputs_in_graph
from minitf.testing.ops import same_bits


class SchedulerSuite:
    """Inherit it and say how your scheduler is made. ``executions``: how many it may want at most in these tests."""

    executions = 200

    def make_scheduler(self) -> Scheduler:
        """A new scheduler."""
        raise NotImplementedError

    def test_choices_are_among_what_is_ready(self) -> None:
        """For any number of ready steps it gives a place in the list, an int."""
        scheduler = self.make_scheduler()
        assert scheduler.start()
        for count in (2, 1, 3, 7, 2, 50):
            choice = scheduler.choose(list(range(count)), "operation")
            assert isinstance(choice, int)
            assert 0 <= choice < count
        scheduler.end()

    def test_executions_begin_and_end(self) -> None:
        """``start`` gives a bool each time; an execution may fail and others follow."""
        scheduler = self.make_scheduler()
        for number in range(5):
            begun = scheduler.start()
            assert isinstance(begun, bool)
            if not begun:
                assert number, "the first execution must begin"
                break
            scheduler.choose(["a", "b"], "operation")
            scheduler.end(ValueError("the execution failed") if number % 2 else None)

    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(program=mst.op_programs())
    def test_pure_operations_give_the_same_in_its_order(self, program: OpProgram) -> None:
        """The order in which operations without state run cannot be seen."""
        scheduler = self.make_scheduler()
        assert scheduler.start()
        expected, found = outputs_in_graph(program), outputs_in_graph(program, scheduler)
        scheduler.end()
        assert list(map(same_bits, expected, found)) == [True] * len(expected)

    def test_control_edges_are_kept(self) -> None:
        """What must come before another operation does so in each of its executions."""
        scheduler, seen = self.make_scheduler(), []
        for _ in range(self.executions):
            if not scheduler.start():
                break
            seen.append(self._ordered(scheduler))
            scheduler.end()
        assert seen
        assert set(seen) == {(2.0, 3.0)}

    @staticmethod
    def _ordered(scheduler: Any) -> tuple[float, float]:
        with Graph().as_default() as graph:
            v, fed = Variable(0.0), placeholder("float32", [])
            with graph.control_dependencies([v.initializer]):
                one = v.assign(fed)
            with graph.control_dependencies([one]):
                two = v.assign_add(constant(1.0))
            with graph.control_dependencies([two]):
                read = v.read_value()
            with Session(graph=graph, scheduler=scheduler) as session:
                return 2.0, float(session.run(read, {fed: 2.0}))
