"""What a recorder puts around the parts of a program: each does what the part inside does, and takes a note."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from minitf.core.state import Handle
from minitf.runtimes.executor import run_operation
from minitf.runtimes.plan import needed
from minitf.storage.files import TEMPORARY, Disk
from minitf.storage.paths import name_of
from minitf.timeline import describe, short_key

if TYPE_CHECKING:
    from minitf.core.op import Op
    from minitf.explain.recorder.recording import Recorder
    from minitf.runtimes.operation import Operation


class RecordedRuntime:
    """A runtime around another one (which ``give`` gives) that notes the ops it runs and the values that they write."""

    def __init__(self, recorder: Recorder, give: Callable[[], Any]):
        self.recorder = recorder
        self._give = give

    @property
    def inner(self) -> Any:
        """The runtime that does the work."""
        return self._give()

    @property
    def home(self) -> Any:
        """The home of the inner runtime."""
        return self.inner.home

    def apply(self, op: Op, inputs: tuple[Any, ...], attrs: dict[str, Any], name: str | None = None) -> Any:
        """Runs the op inside, and notes it if it ran now."""
        inner, recorder = self.inner, self.recorder
        if self._building(inner) or not recorder.here:
            return inner.apply(op, inputs, attrs, name)
        handles = [h for h in inputs if isinstance(h, Handle) and _of_a_variable(h)]
        before = [h.cell.writes for h in handles]  # type: ignore[union-attr]
        result = inner.apply(op, inputs, attrs, name)
        self._note(op.name, handles, before, result)
        return result

    def call(self, traced: Any, values: Any) -> list[Any]:
        """Runs a traced function inside, and notes it as one op."""
        inner, recorder = self.inner, self.recorder
        if self._building(inner) or not recorder.here:
            return inner.call(traced, values)  # type: ignore[no-any-return]
        handles = [h for h in traced.handles if _of_a_variable(h)]
        before = [h.cell.writes for h in handles]
        results: list[Any] = inner.call(traced, values)
        self._note("function", handles, before, tuple(results))
        return results

    def update(self, updates: Any, numbers: Any, gradients: Any) -> list[Any]:
        """Updates one variable after another, so that each write is noted."""
        return updates.one_by_one(self, numbers, gradients)  # type: ignore[no-any-return]

    def walk(self, walk: Any) -> list[Any]:
        """Walks step by step, so that each op is noted."""
        return walk.walk()  # type: ignore[no-any-return]

    def constant(self, value: Any, name: str | None = None) -> Any:
        """Constants are not noted."""
        inner = self.inner
        self._building(inner)
        return inner.constant(value, name)

    def register(self, variable: Any, trainable: bool, collections: Any) -> None:
        """Notes a new variable with its first value."""
        inner = self.inner
        inner.register(variable, trainable, collections)
        if not self._building(inner) and self.recorder.here:
            objects, handle = self.recorder.objects, variable.handle
            made_with = next((m for m in (r.made_with() for r in self.recorder.restores) if m is not None), None)
            objects.number(handle)
            if made_with is None:
                objects.value(handle, handle.cell, "initial value", words="the initial value")
            else:
                restore, key = made_with
                words = f"the value {short_key(key)!r} of restore {restore}, with which it is made"
                objects.value(handle, handle.cell, "restore", words=words, restore=restore, key=key)

    def _building(self, inner: Any) -> bool:
        """True if the inner runtime is a graph, which tells of its operations itself."""
        graph = inner.home.graph_being_built()
        if graph is not None and self.recorder.here:
            self.recorder.follow(graph)
        return graph is not None

    def _note(self, name: str, handles: list[Handle], before: list[int], result: Any) -> None:
        objects, recorder = self.recorder.objects, self.recorder
        written = [h for h, w in zip(handles, before, strict=True) if h.cell.writes != w]  # type: ignore[union-attr]
        numbers = [objects.number(h) for h in handles]
        writes = [objects.number(h) for h in written]
        outputs = result if isinstance(result, tuple) else (result,)
        values = [describe(t._v) for t in outputs if hasattr(t, "_v")]
        shown = f" = {values[0]['text']}" if len(values) == 1 and not written else ""
        on = ", ".join(objects.path(n) for n in numbers)
        recorder.note(
            "op", f"{name}{f' of {on}' if on else ''}{shown}", "eager", op=name,
            reads=[n for n in numbers if n not in writes], writes=writes, values=values[:4],
        )  # fmt: skip
        for h in written:
            objects.value(h, h.cell, "assignment", words="assigned by the program")


def _of_a_variable(handle: Handle) -> bool:
    """True for an eager variable's handle; the states of random ops have handles too, and nobody sees those."""
    return handle.cell is not None and handle.variable is not None


class RecordedExecutor:
    """Runs what a session runs, operation by operation, and notes each with what it read and wrote."""

    def __init__(self, recorder: Recorder, inner: Callable[..., Any]):
        self.recorder = recorder
        self.inner = inner
        self._number = 0

    def __call__(self, leaves: Any, feeds: Any, fed: Any, store: Any, kernels: Mapping[str, Any], scheduler: Any = None,
                 step: Any = None) -> Any:  # fmt: skip
        """Has the arguments of ``execute``."""
        recorder = self.recorder
        if not recorder.here or not leaves:
            return self.inner(leaves, feeds, fed, store, kernels, scheduler, step)
        recorder.objects.look_again()
        self._number = self._number or recorder.next_session()
        graph = recorder.follow(leaves[0].graph)
        names = [f.name for f in leaves]
        wanted = [o.number for o in needed(leaves, {id(t) for t in feeds})]
        session, shown = self._number, ", ".join(names[:4]) + (", …" if len(names) > 4 else "")
        restore = next((n for n in map(self._restore_fed, fed) if n is not None), None)
        if restore is not None:
            recorder.reading = restore
        recorder.note(
            "session run", f"session {session} runs {shown}", "graph", phase="begin", session=session, graph=graph,
            fetches=names, feeds=[t.name for t in feeds], operations=wanted, restore=restore,
        )  # fmt: skip
        run = step or run_operation

        def noted(o: Operation, values: dict[int, Any], cells: Any, kernels: Mapping[str, Any]) -> None:
            if o.type in ("const", "variable"):
                run(o, values, cells, kernels)
                return
            handles = [h for h in o.handles if h.operation is not None]
            before = [cells.cell(h).writes for h in handles]
            run(o, values, cells, kernels)
            self._note(o, handles, before, values, cells)

        try:
            result = self.inner(leaves, feeds, fed, store, kernels, scheduler, noted)
        except BaseException as error:
            recorder.note("error", f"{type(error).__name__}: {error}", "graph", type=type(error).__name__, message=str(error))
            raise
        recorder.note("session run", f"session {session} is done", "graph", phase="end", session=session, graph=graph)
        return result

    def _restore_fed(self, value: Any) -> int | None:
        source = value[()] if isinstance(value, np.ndarray) and value.dtype.kind == "O" and value.ndim == 0 else value
        return next((r.number for r in self.recorder.restores if r.source is source), None)

    def _note(self, o: Operation, handles: list[Handle], before: list[int], values: dict[int, Any], cells: Any) -> None:
        recorder, objects, session = self.recorder, self.recorder.objects, self._number
        graph = recorder.graphs[o.graph]
        written = [h for h, w in zip(handles, before, strict=True) if cells.cell(h).writes != w]
        writes = [objects.number(h) for h in written]
        first = values.get(id(o.outputs[0])) if o.outputs else None
        value = describe(first) if first is not None and o.outputs[0].dtype.name not in ("variant", "resource") else None
        shown = f" = {value['text']}" if value is not None else ""
        recorder.note(
            "ran", f"{o.name}{shown}", "graph", session=session, graph=graph, operation=o.number,
            reads=[objects.number(h) for h in handles if h not in written], writes=writes, value=value,
        )  # fmt: skip
        for h in written:
            cause, words, more = "assignment", "assigned by an operation", dict[str, Any]()
            built = next((b for b in (r.built.get((graph, o.number)) for r in recorder.restores) if b is not None), None)
            named = next((r for r in reversed(recorder.named) if r.runs(o, h)), None)
            if o is h.initializer:
                cause, words = "initialiser", "its initialiser ran"
            elif named is not None:
                more = named.data(h)
                cause, words = more.pop("cause"), more.pop("words")
            elif built is not None:
                restore = recorder.reading or built[0]
                cause, words = "restore", f"the value {short_key(built[1])!r} of restore {restore}"
                more = {"restore": restore, "key": built[1]}
            objects.value(h, cells.cell(h), cause, session, words, operation=o.number, graph=graph, **more)


def unwrapped(executor: Any) -> Any:
    """The executor without the wrappers of recordings that are over; they may have ended in any order."""
    if not isinstance(executor, RecordedExecutor):
        return executor
    executor.inner = unwrapped(executor.inner)
    return executor.inner if executor.recorder.over else executor


class RecordedStorage:
    """A storage that notes what is written."""

    def __init__(self, recorder: Recorder, inner: Any):
        self._recorder = recorder
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def write(self, prefix: str, tensors: Mapping[str, Any]) -> None:
        """Writes, then notes the save."""
        self._recorder.objects.look_again()
        listed = [[key, getattr(getattr(v, "dtype", None), "name", str(getattr(v, "dtype", ""))), list(getattr(v, "shape", ()))]
                  for key, v in dict(tensors).items()]  # fmt: skip
        self._inner.write(prefix, tensors)
        if self._recorder.here:
            label = self._recorder.label(prefix)
            self._recorder.note("save", f"saved {label}: {len(listed)} values", prefix=label, values=listed)


class RecordedDisk(Disk):
    """A disk that notes which files get their final names, and which are deleted."""

    def __init__(self, recorder: Recorder, inner: Disk):
        self._recorder = recorder
        self._inner = inner

    def replace(self, old: str, new: str) -> None:
        """Renames, then notes the file."""
        self._inner.replace(old, new)
        if self._recorder.here:
            size = self._size(new)
            label = self._recorder.label(new)
            self._recorder.note("file", f"file {label} is there, {size} bytes", path=label, what="written", size=size)

    def remove(self, path: str) -> None:
        """Deletes, then notes that the file is gone."""
        self._inner.remove(path)
        if self._recorder.here and TEMPORARY not in name_of(path):
            label = self._recorder.label(path)
            self._recorder.note("file", f"file {label} is deleted", path=label, what="removed", size=None)

    def _size(self, path: str) -> int | None:
        try:
            return int(self._inner.stat(path).st_size)
        except OSError:
            return None
