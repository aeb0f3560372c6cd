"""Python state in checkpoints: objects that say themselves how they become a string and back.

    class Counter(tf.train.PythonState):
        def __init__(self): self.n = 0
        def serialize(self): return str(self.n)
        def deserialize(self, string_value): self.n = int(string_value)

The string is stored under the attribute name ``py_state``. It is restored at once, also in a graph: no session and no restore
op is involved (S161, S162). ``NumpyState`` does this for NumPy arrays that are assigned to its attributes.
"""

from __future__ import annotations

import abc
import io
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import numpy as np

from minitf.objects.edges import Tracking, attach, tracking
from minitf.objects.trackable import Trackable
from minitf.objects.values import PythonValue
from minitf.saved import PY_STATE


class PythonState(Trackable, abc.ABC):
    """A mixin for objects whose state is Python data.

    Its attributes are not tracked; mix it with ``AutoTrackable`` for that.
    """

    @abc.abstractmethod
    def serialize(self) -> Any:
        """The state as ``bytes`` or ``str``. It is called once at every save."""

    @abc.abstractmethod
    def deserialize(self, string_value: bytes) -> None:
        """Takes the state from ``bytes``.

        It is called when a checkpoint is restored, or when the object appears where one waits.
        """

    def _saved_values(self) -> Mapping[str, Any]:
        return {**super()._saved_values(), PY_STATE: PythonValue(self._string, self.deserialize)}

    def _string(self) -> Any:
        return _checked_string(self.serialize)


class PythonStringStateSaveable(PythonValue):
    """A string that Python code gives and takes, for classes that list their own values.

    ``state_callback()`` gives ``bytes`` or ``str`` at every save; ``restore_callback(bytes)``, if there is one, takes it back.
    ``name`` is for messages. (TensorFlow 1.x, in ``_gather_saveables_for_checkpoint``.)
    """

    name: str

    def __new__(cls, name: str, state_callback: Callable[[], Any],
                restore_callback: Callable[[bytes], Any] | None = None) -> Any:  # fmt: skip
        """Makes the value. It is a pair of functions, as savers take it."""
        self = super().__new__(cls, lambda: _checked_string(state_callback), restore_callback or _ignore)
        self.name = name
        return self

    def python_restore(self, restored: Any) -> None:
        """Hands a restored string (or a list with one string) to the restoring callback."""
        self.put(restored[0] if isinstance(restored, (list, tuple)) else restored)


def _checked_string(state_callback: Callable[[], Any]) -> Any:
    state = state_callback()
    if isinstance(state, (bytes, str)):
        return state
    name = getattr(state_callback, "__qualname__", repr(state_callback))
    text = f"save: {name}() must give the state as bytes or str, but it gave {state!r}."
    raise ValueError(text + " Does it lack a return statement?") if state is None else TypeError(text)


def _ignore(restored: bytes) -> None:
    """Takes nothing back."""


class _ArrayState(PythonState):
    """One array of a ``NumpyState``."""

    __slots__ = ("array",)

    def __init__(self, array: Any = None):
        self.array = np.zeros(0) if array is None else array

    def serialize(self) -> bytes:
        out = io.BytesIO()
        np.save(out, self.array, allow_pickle=False)
        return out.getvalue()

    def deserialize(self, string_value: bytes) -> None:
        self.array = np.load(io.BytesIO(string_value), allow_pickle=False)

    def __repr__(self) -> str:
        return f"<array state {self.array!r}>"


class _MadeOnDemand(dict[str, Any]):
    """The edges of a ``NumpyState`` as a restore sees them:

    asked for a name that does not exist yet, it makes the array's place.
    """

    __slots__ = ("_owner",)

    def __init__(self, owner: NumpyState):
        super().__init__(tracking(owner).edges)
        self._owner = owner

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str)

    def __missing__(self, name: str) -> Any:
        state = self[name] = _ArrayState()
        attach(self._owner, name, state)
        return state

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if isinstance(name, str) else default


class NumpyState(Trackable):
    """An object whose attributes are NumPy arrays, saved and restored with it.

        arrays = tf.train.NumpyState()
        arrays.mean = np.zeros(3)
        checkpoint = tf.train.Checkpoint(arrays=arrays)

    A restore makes the attributes that the checkpoint has and the object has not. Reading an attribute gives the array itself,
    so it can be written into. Raises NotImplementedError for values that are not arrays.
    """

    __slots__ = ()

    def _children(self) -> Mapping[str, Any]:
        return _MadeOnDemand(self)

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name in tracking(self).edges:
            return tracking(self).edges[name].array
        raise AttributeError(f"NumpyState has no array {name!r}.")

    def __setattr__(self, name: str, value: Any) -> None:
        if not isinstance(value, (np.ndarray, np.generic)):
            raise NotImplementedError(
                f"NumpyState.{name} = {value!r}: only NumPy arrays can be assigned to a NumpyState. Keep other objects in a "
                f"tf.train.Checkpoint or a tf.Module beside it."
            )
        if name.startswith("_"):
            raise NotImplementedError(f"NumpyState.{name}: names of arrays must not begin with an underscore.")
        known = tracking(self).edges.get(name)
        if known is None:
            attach(self, name, _ArrayState(value))
        else:
            known.array = value

    def __delattr__(self, name: str) -> NoReturn:
        raise NotImplementedError(f"del NumpyState.{name}: arrays can be replaced, but not deleted.")

    def __dir__(self) -> list[str]:
        return sorted([*super().__dir__(), *tracking(self).edges])

    def __setstate__(self, state: tuple[None, dict[str, Tracking]]) -> None:
        object.__setattr__(self, "_tracking", state[1]["_tracking"])

    def __repr__(self) -> str:
        return f"NumpyState({', '.join(f'{name}={state.array!r}' for name, state in tracking(self).edges.items())})"
