"""The world of one execution: whatever has more than one legal order in it is chosen by a scheduler.

    def body(world):
        with world.graph().as_default():
            v = tf.Variable(0.0)
            both = tf.group(v.initializer, v.assign_add(1.0))
            with world.session() as session:
                session.run(both)                    # in any order
                return session.run(v)

``explore.check(body)`` makes a new world for each execution. Nothing of it survives: sessions are closed, directories deleted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from minitf.core.schedule import ProgramOrder, Scheduler
from minitf.storage.anywhere import mount, unmount
from minitf.testing.tasks import Task

if TYPE_CHECKING:
    from minitf.runtimes.graph import Graph
    from minitf.runtimes.session import Session
    from minitf.storage.memory import MemoryStorage
    from minitf.testing.crashes import CrashingDisk

PROTOCOL = "world://"
"""How the paths of a world's disk begin."""


class Crash:
    """Whether the machine crashed in a ``with world.crash()`` block; true if it did."""

    def __init__(self) -> None:
        self.happened = False

    def __bool__(self) -> bool:
        return self.happened


class World:
    """Graphs, sessions, disks, tasks and crashes of one execution; ``scheduler`` chooses (by default program order)."""

    __slots__ = ("_disk", "_local", "_mount", "_rounds", "_sessions", "_task", "scheduler")

    def __init__(self, scheduler: Scheduler | None = None):
        self.scheduler = scheduler or ProgramOrder()
        self._rounds = 0
        self._task: Task | None = None
        self._sessions: list[Any] | None = None
        self._disk: CrashingDisk | None = None
        self._mount = mount(PROTOCOL, self._own_disk)
        self._local: list[str] | None = None

    # -- choices -------------------------------------------------------------------------------------------------------

    def begin_round(self, kind: str) -> str:
        """A name for a round of choices (a run, some tasks): the same whatever other tasks do in between."""
        task = self._task
        if task is None:
            self._rounds += 1
            return f"{kind} {self._rounds}"
        task.rounds += 1
        return f"{kind} {task.rounds} of {task.path}"

    def tasks(self, *work: Any) -> list[Any]:
        """Runs tasks, interleaved at their ``yield``s in an order that the scheduler chooses; gives what they returned.

        A task is a generator function without arguments (or a generator that was not started); a plain function is a task of
        one step. The steps of each run in a ``contextvars.Context`` of its own, so a graph, session or scope that a task
        enters is current in its own steps only.

        A bare ``yield`` says that the step behind it may touch anything. ``yield reads("x") | writes("y")`` says what it
        touches, so that orders of steps that touch different things need not be told apart. What stands before the first
        ``yield`` is a step, too, unless the ``yield`` is the first statement. Raises what a step raises; the other tasks go no
        further.
        """
        outer = self._task
        event = self.begin_round("tasks")
        everybody = [Task(number, one, event) for number, one in enumerate(work)]
        ready = list(everybody)
        choose = self.scheduler.choose
        try:
            while ready:
                place = choose(ready, event)
                self._task = task = ready[place]
                if not task.advance():
                    del ready[place]
        finally:
            self._task = outer
            for task in ready:
                task.close()
        return [task.result for task in everybody]

    def choose(self, *alternatives: Any) -> Any:
        """One of several values: the body is tried with each."""
        return alternatives[self.scheduler.choose(alternatives, self.begin_round("choice"))]

    # -- what there is to make -----------------------------------------------------------------------------------------

    def graph(self) -> Graph:
        """A new graph."""
        from minitf.runtimes.graph import Graph

        return Graph()

    def session(self, graph: Graph | None = None) -> Session:
        """A new session of a graph (by default the current one). What is ready in a run is run in an order to be chosen.

        Operations are independent unless one takes the other's result, comes after it by a control dependency, or they share a
        variable that one of them writes.
        """
        from minitf.testing.operations import ExploredSession

        session = ExploredSession(graph, self.scheduler, self.begin_round)
        if self._sessions is None:
            self._sessions = []
        self._sessions.append(session)
        return session

    @property
    def disk(self) -> CrashingDisk:
        """The disk of the world, in memory. Whatever takes a path finds it behind ``world://``."""
        return self._own_disk()

    def _own_disk(self) -> CrashingDisk:
        if self._disk is None:
            from minitf.testing.crashes import CrashingDisk

            self._disk = CrashingDisk()
            self._disk.make_directory(PROTOCOL)
        return self._disk

    def directory(self) -> str:
        """The path of a new, empty directory on the world's disk."""
        path = PROTOCOL + self.begin_round("directory").replace(",", "").replace(" ", "-")
        self.disk.make_directory(path)
        return path

    def local_directory(self) -> str:
        """The path of a new, empty directory of the file system, for programs that open files themselves. It cannot crash."""
        from tempfile import mkdtemp

        if self._local is None:
            self._local = []
        self._local.append(mkdtemp(prefix="minitf-world-"))
        return self._local[-1]

    def memory(self) -> MemoryStorage:
        """A new storage of checkpoints in memory: much faster than the disk, and without crashes."""
        from minitf.storage.memory import MemoryStorage

        return MemoryStorage()

    @contextmanager
    def crash(self, power: bool = True) -> Iterator[Crash]:
        """Inside, the machine may crash before any change of the world's disk; the block ends there, and the disk starts again.

        What was written and not synced may then be there or not, each piece for itself; with ``power=False`` only the process
        dies, and everything is there. The block gives whether it happened::

            with world.crash() as crash:
                saver.save(path)
            if crash: ...

        Objects of the program live on, so make new ones for what comes after the crash. Raises RuntimeError inside another
        such block.
        """
        from minitf.testing.crashes import CrashError

        disk, crash, event = self.disk, Crash(), self.begin_round("crash")
        disk.arm(lambda alternatives: self.scheduler.choose(alternatives, event))
        try:
            yield crash
        except CrashError:
            crash.happened = True
            disk.restart(power)
        finally:
            disk.disarm()

    def final(self) -> Any:
        """The values of all variables in the sessions of the world that are still open, by session and name."""
        return tuple(
            tuple(sorted((handle.name, session.store.cell(handle).value) for handle in session.store))
            for session in self._sessions or ()
            if session._store is not None
        )

    # -- the end -------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Closes sessions, deletes directories. The world can do nothing afterwards."""
        if self._sessions is not None:
            for session in self._sessions:
                session.close()
            self._sessions = None
        if self._local is not None:
            from shutil import rmtree

            for path in self._local:
                rmtree(path, ignore_errors=True)
            self._local = None
        unmount(self._mount)
