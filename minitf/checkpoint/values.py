"""The values that a save writes, as they are at that moment."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.core.runtime import Home
from minitf.core.state import Handle
from minitf.objects.values import GroupValue, PythonValue


class Values:
    """Reads values in one place: the eager store, or the store of a session. Adds no operation to a graph."""

    def __init__(self, home: Home, session: Any, what: str):
        self._home = home
        self._session = session
        self._what = what
        self._store = home.store_to_save(session, what)

    def of_handles(self, keys: list[str], handles: list[Handle]) -> dict[str, Any]:
        """The arrays by key, of variables that have one home. Raises FailedPreconditionError for a variable without a value."""
        if handles and handles[0].home is not self._home:
            self._foreign(handles[0])
        return dict(zip(keys, self._store.values(handles), strict=True))

    def of_entries(self, entries: list[tuple[str, Any]]) -> dict[str, Any]:
        """The arrays by key; Python state is asked for once, and tensors of a group are computed together."""
        out: dict[str, Any] = {}
        computed: dict[int, dict[str, Any]] = {}
        home = self._home
        for key, value in entries:
            if isinstance(value, Handle):
                if value.home is not home:
                    self._foreign(value)
                out[key] = self._store.cell(value).read()
            elif isinstance(value, PythonValue):
                out[key] = _string(value.get(), key)
            else:
                assert isinstance(value, GroupValue)
                group = computed.get(id(value.group))
                if group is None:
                    tensors = value.group.tensors()
                    arrays = home.run_tensors(list(tensors.values()), self._session, self._what)
                    group = computed[id(value.group)] = dict(zip(tensors, arrays, strict=True))
                out[key] = group[value.name]
        return out

    def _foreign(self, handle: Handle) -> None:
        if self._home.graph_being_built() is None:
            raise TypeError(
                f"{self._what}: variable {handle.name!r} belongs to a graph, but save was called in eager mode. Call it inside "
                "`with graph.as_default():`, with a session."
            )
        handle.home.refuse(handle, self._what)


def _string(value: Any, key: str) -> Any:
    if isinstance(value, str):
        value = value.encode("utf-8")
    if not isinstance(value, bytes):
        raise TypeError(f"save: the Python state for key {key!r} must be bytes or str, but serialize() gave {value!r}.")
    return np.array(value, dtype=object)
