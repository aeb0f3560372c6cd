"""Small objects that test programs are made of."""

from __future__ import annotations

from typing import Any

from minitf.checkpoint.matching import TENSORFLOW_2
from minitf.checkpoint.saver import ObjectSaver
from minitf.objects.python_state import PythonState
from minitf.saved import Storage


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
    """Saves and restores by the rules of ``Checkpoint.write`` and ``read``, in a storage of one's own."""

    def __init__(self, root: Any, storage: Storage):
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
