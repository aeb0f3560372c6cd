"""Looking on at a restore by names: it keeps no journal, so what it gave is seen at the counters of the variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minitf.core.state import Cell, Handle

if TYPE_CHECKING:
    from minitf.explain.recorder.recording import Recorder
    from minitf.runtimes.operation import Operation


class RecordedNamedRestore:
    """One restore by names, which it wraps. The checkpoint is shown as a root with one child a name."""

    def __init__(self, recorder: Recorder, inner: Any, number: int):
        self._recorder = recorder
        self._inner = inner
        self._matched: set[str] = set()
        self.number = number
        self._mode = ("graph", "eager")[inner.home.eager]
        source = inner.source
        self._nodes = {key: node for node, key in enumerate(source.keys(), 1)}
        nodes: list[dict[str, Any]] = [{"children": list(map(list, self._nodes.items())), "values": [], "slots": []}]
        for key in self._nodes:
            spec = source.spec(key)
            shape = None if spec.shape is None else [n if n is None else int(n) for n in spec.shape]
            nodes.append({"children": [], "values": [["", key, spec.dtype.name, shape]], "slots": []})
        label = recorder.label(source.source)
        recorder.note(
            "restore", f"restore {number} begins, by names: {label}, {len(self._nodes)} values", self._mode, restore=number,
            source=label, nodes=nodes,
        )  # fmt: skip

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def run(self, objects: list[Any], session: Any) -> None:
        """Restores, and notes what that gave."""
        self._inner.run(objects, session)
        if self._recorder.here:
            self.look()

    def look(self) -> None:
        """Notes the values that it has given since (eager mode)."""
        for handle in list(self._inner.given):
            self._recorder.objects.number(handle)
        self._recorder.objects.look_again()

    def gave(self, handle: Handle, cell: Cell) -> bool:
        """True if the value that an eager variable has now is from this restore."""
        return bool(self._inner.writes_when_given(handle, None) == cell.writes)

    def runs(self, operation: Operation, handle: Handle) -> bool:
        """True if this operation is the one that restores the variable."""
        built = self._inner.cache.get((handle, handle.name))
        return built is not None and built.op is operation

    def data(self, handle: Handle) -> dict[str, Any]:
        """What the event of the value says besides; the first time the match is noted."""
        if handle.name not in self._matched:
            self._matched.add(handle.name)
            number = self._recorder.objects.number(handle)
            self._recorder.note(
                "match", f"restore {self.number}: {self._recorder.objects.path(number)} is matched by its name", self._mode,
                restore=self.number, object=number, node=self._nodes[handle.name], parent=0, name=handle.name,
            )  # fmt: skip
        words = f"the value {handle.name!r} of restore {self.number}"
        return {"cause": "restore", "words": words, "restore": self.number, "key": handle.name}
