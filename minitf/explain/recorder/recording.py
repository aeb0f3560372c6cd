"""``minitf.record()``: a context in which everything that happens to objects, graphs, sessions and files is written down."""

from __future__ import annotations

import linecache
import os
import sys
import sysconfig
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any

from minitf.core import runtime
from minitf.core.around import wrapped
from minitf.core.forks import whole_in_children
from minitf.core.locks import left_open
from minitf.explain.recorder.named import RecordedNamedRestore
from minitf.explain.recorder.objects import Objects
from minitf.explain.recorder.restores import FollowedRestore
from minitf.explain.recorder.wrappers import RecordedDisk, RecordedExecutor, RecordedRuntime, RecordedStorage, unwrapped
from minitf.objects import edges
from minitf.runtimes.session import sessions
from minitf.timeline import Source, Timeline

_here: ContextVar[tuple[Recorder, ...]] = ContextVar("minitf_recorders", default=())
_PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep
_LIBRARY = sysconfig.get_paths()["stdlib"] + os.sep
_INSTALLED = (sysconfig.get_paths()["purelib"] + os.sep, sysconfig.get_paths()["platlib"] + os.sep)
_GENERATED = ("<plan>", "<operator ", "<frozen ")


@contextmanager
def record(title: str = "", *, limit: int = 20_000) -> Iterator[Timeline]:
    """Records one timeline of all that this thread (or task) does inside, in both runtimes.

        with minitf.record() as timeline:
            program()
        timeline.save_html("program.html")

    Objects and edges that appear, restores with their matches, operations that are built, sessions' runs with what they read
    and wrote, assignments, initialisers, saves and files; each with the line of the program. Sessions run operation by
    operation meanwhile, in program order, with the same results. After ``limit`` events the others are only counted. Objects
    that ``gc.freeze()`` has frozen before are not found: edges that they get are not told.
    """
    recorder = Recorder(Timeline(title or os.path.basename(sys.argv[0] or "") or "recording"), limit)
    with recorder.recording():
        yield recorder.timeline


_watching = 0  # recorders, process-wide; they may end in any order
_lock = whole_in_children(left_open(threading.Lock()))


def _tracking_with_watchers() -> edges.Tracking:
    """What a new object carries while somebody records: the watchers of those who record here."""
    state = edges.Tracking()
    for recorder in _here.get():
        if recorder.here:
            state.watch(edges.ANY, [recorder.objects.watcher])
    return state


def _begin_to_watch() -> None:
    global _watching
    with _lock:
        _watching += 1
        edges.new_tracking = _tracking_with_watchers


def _end_to_watch() -> None:
    global _watching
    with _lock:
        _watching -= 1
        if not _watching:
            edges.new_tracking = edges.Tracking


class Recorder:
    """Takes the notes. Its parts call ``note``."""

    def __init__(self, timeline: Timeline, limit: int):
        self.timeline = timeline
        self.objects = Objects(self)
        self.graphs: dict[Any, int] = {}  # graphs live as long as the recording: their operations are looked at again
        self.restores: list[FollowedRestore] = []
        self.named: list[RecordedNamedRestore] = []
        self.reading: int | None = None  # the restore whose file a session was given last
        self._limit = limit
        self._left_out = 0
        self._sources: dict[str, int] = {}
        self._folders: dict[str, int] = {}
        self._sessions = 0
        self._open = False

    # -- beginning and end ---------------------------------------------------------------------------------------------

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Looks on for as long as the context lasts. An error that comes out is noted last."""
        with ExitStack() as stack:
            token = _here.set((*_here.get(), self))
            stack.callback(_here.reset, token)
            self._open = True
            stack.callback(self._close)
            stack.enter_context(wrapped(self._wrap))
            _begin_to_watch()
            stack.callback(_end_to_watch)
            self.objects.watch_those_that_exist()
            for session in list(sessions):
                session.execute_with(RecordedExecutor(self, session.executor))
            stack.enter_context(runtime.using(self._current()))
            try:
                yield
            except BaseException as error:
                self.note("error", f"{type(error).__name__}: {error}", type=type(error).__name__, message=str(error))
                raise

    def _current(self) -> Any:
        here = runtime.current()
        return RecordedRuntime(self, runtime.default_apart) if here is runtime.default_apart() else self._wrap("runtime", here)

    def _close(self) -> None:
        self.objects.look_again()
        self._open = False
        self.objects.close()
        for graph in self.graphs:
            graph.untell(self._operations)
        for restore in self.restores:
            restore.close()
        for session in list(sessions):
            session.execute_with(unwrapped(session.executor))
        if self._left_out:
            self.timeline.add("note", f"{self._left_out} more events were left out: record(limit={self._limit})")

    @property
    def over(self) -> bool:
        """True once the recording has ended."""
        return not self._open

    @property
    def here(self) -> bool:
        """True in the thread or task that records, while it does."""
        return self._open and self in _here.get()

    # -- wrappers ------------------------------------------------------------------------------------------------------

    def _wrap(self, kind: str, part: Any) -> Any:
        if kind == "runtime":
            return self._around_runtime(part)
        if kind == "executor":
            return RecordedExecutor(self, part)
        if kind == "storage":
            return RecordedStorage(self, part)
        if kind == "disk":
            return RecordedDisk(self, part)
        if kind == "restoration":
            self.objects.look_again()
            self.restores.append(FollowedRestore(self, part, self._next_restore()))
        if kind == "named restore":
            recorded = RecordedNamedRestore(self, part, self._next_restore())
            self.named.append(recorded)
            recorded.look()
            return recorded
        return part

    def _next_restore(self) -> int:
        return len(self.restores) + len(self.named) + 1

    def _around_runtime(self, part: Any) -> Any:
        """Graphs tell of their operations themselves; any other runtime is wrapped unless it stands around a wrapped one."""
        graph = part.home.graph_being_built()
        if graph is not None:
            self.follow(graph)
            return part
        inner = part
        while inner is not None:
            if isinstance(inner, RecordedRuntime) and inner.recorder is self:
                return part
            inner = getattr(inner, "inner", None)
        return RecordedRuntime(self, lambda: part)

    def follow(self, graph: Any) -> int:
        """The number of a graph. At the first time its operations are noted, and from then on those that are added."""
        number = self.graphs.get(graph)
        if number is None:
            number = self.graphs[graph] = len(self.graphs) + 1
            self._operations(graph.get_operations())
            graph.tell(self._operations)
        return number

    def _operations(self, new: list[Any]) -> None:
        if not self.here:
            return
        for o in new:
            handles = [o.attrs["handle"]] if o.type == "variable" else o.handles
            self.note(
                "operation", f"graph {self.graphs[o.graph]} gets {o.name!r} ({o.type})", "graph", graph=self.graphs[o.graph],
                operation=o.number, name=o.name, op=o.type, inputs=list(dict.fromkeys(t.op.number for t in o.inputs)),
                control=[c.number for c in o.control_inputs],
                variables=[self.objects.number(h) for h in handles if h.operation is not None or o.type == "variable"],
                outputs=[str(t.spec) for t in o.outputs],
            )  # fmt: skip

    def next_session(self) -> int:
        """A number for a session that has begun to run."""
        self._sessions += 1
        return self._sessions

    # -- notes ---------------------------------------------------------------------------------------------------------

    def note(self, kind: str, text: str, mode: str = "", **data: Any) -> int:
        """Appends an event with the line of the program that is running; gives its step, or -1 if the timeline is full."""
        timeline = self.timeline
        if len(timeline.events) >= self._limit:
            self._left_out += 1
            return -1
        timeline.add(kind, text, runtime=mode, place=self._place(), **data)
        return len(timeline.events) - 1

    def _place(self) -> tuple[int, int] | None:
        """Source and line of the innermost frame that is neither minitf's nor Python's own."""
        frame: Any = sys._getframe(2)
        while frame is not None:
            name = frame.f_code.co_filename
            own = name.startswith(_PACKAGE) or name.startswith(_GENERATED)
            if not own and not (name.startswith(_LIBRARY) and not name.startswith(_INSTALLED)):
                number = self._source(name)
                return None if number is None else (number, frame.f_lineno)
            frame = frame.f_back
        return None

    def _source(self, name: str) -> int | None:
        number = self._sources.get(name, -1)
        if number < 0:
            text = "".join(linecache.getlines(name))
            number = self._sources[name] = len(self.timeline.sources)
            self.timeline.sources.append(Source(os.path.basename(name), text))
        return number

    def label(self, path: Any) -> str:
        """A path as the timeline shows it: its name, and which folder in order of appearance if it is not the first."""
        folder, name = os.path.split(os.fspath(path) if not isinstance(path, bytes) else path.decode())
        number = self._folders.setdefault(folder, len(self._folders) + 1)
        return name if number == 1 else f"folder {number}: {name}"
