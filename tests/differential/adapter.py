"""What a library must answer so that programs can be run on it.

Objects are whatever the library's objects are. Everything that Python does to objects by itself (attributes, lists, dicts)
is the same for libraries whose objects are Python objects, so it stands here; a model with other objects overrides it.
A value is given as ``[dtype name, nested lists]``, an uninitialised variable as None.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Value = list[Any]

FAMILIES = frozenset(
    """AssertionError ValueError TypeError AttributeError RuntimeError NotImplementedError KeyError IndexError LookupError
    NotFoundError InvalidArgumentError FailedPreconditionError DataLossError OutOfRangeError AlreadyExistsError
    UnimplementedError InternalError OpError""".split()
)


class Adapter:
    """One library."""

    name = ""
    graph = False  # whether the present world is in graph mode

    # -- worlds ---------------------------------------------------------------------------------------------------------

    def begin(self, graph: bool) -> None:
        """Starts a world: eager, or one graph with one session, both made the default ones."""
        raise NotImplementedError

    def end(self) -> None:
        """Ends it. Nothing of it may be kept."""
        raise NotImplementedError

    # -- making ---------------------------------------------------------------------------------------------------------

    def plain(self) -> Any:
        """An object that tracks its attributes."""
        raise NotImplementedError

    def base(self) -> Any:
        """An object that tracks what it is told to."""
        raise NotImplementedError

    def variable(self, dtype: str, value: Any, number: int) -> Any:
        """A variable; ``number`` is for its name."""
        raise NotImplementedError

    def state(self, text: str) -> Any:
        """A Python state object; its ``text`` is what is saved."""
        raise NotImplementedError

    def optimizer(self, kind: str) -> Any:
        """Adam, Momentum or GradientDescent."""
        raise NotImplementedError

    def checkpoint(self, contents: dict[str, Any]) -> Any:
        """A ``train.Checkpoint``."""
        raise NotImplementedError

    def saver(self, root: Any) -> Any:
        """What saves and restores the objects that hang on ``root``, by the requirement's reading."""
        raise NotImplementedError

    def add_variable(self, parent: Any, name: str, dtype: str, shape: Any, value: Any) -> tuple[Any, int]:
        """A variable made through an object; with it how often its initialiser was called."""
        raise NotImplementedError

    def no_dependency(self, value: Any) -> Any:
        """The value in the marker."""
        raise NotImplementedError

    # -- edges ----------------------------------------------------------------------------------------------------------

    def track(self, parent: Any, name: str, child: Any, overwrite: bool) -> None:
        """Declares an edge."""
        raise NotImplementedError

    def children(self, obj: Any) -> list[tuple[str, Any]]:
        """The edges of an object, in order."""
        raise NotImplementedError

    def identity(self, obj: Any) -> int:
        """A number that tells objects apart, the same for whatever stands for the same node."""
        return id(obj)

    def set(self, parent: Any, name: str, value: Any) -> Any:
        """Assigns an attribute; gives what stands there now."""
        setattr(parent, name, value)
        return getattr(parent, name)

    def delete(self, parent: Any, name: str) -> None:
        """Deletes an attribute."""
        delattr(parent, name)

    def append(self, parent: Any, value: Any) -> Any:
        """Appends to a list; gives what stands there now."""
        parent.append(value)
        return parent[-1]

    def insert(self, parent: Any, index: int, value: Any) -> None:
        """Inserts into a list."""
        parent.insert(index, value)

    def set_item(self, parent: Any, key: Any, value: Any) -> Any:
        """Assigns an element of a list or dict; gives what stands there now."""
        parent[key] = value
        return parent[key]

    def pop(self, parent: Any, *key: Any) -> None:
        """Pops from a list or dict."""
        parent.pop(*key)

    def delete_item(self, parent: Any, key: Any) -> None:
        """Deletes a key of a dict."""
        del parent[key]

    # -- values ---------------------------------------------------------------------------------------------------------

    def is_variable(self, obj: Any) -> bool:
        """Whether the object is a variable."""
        raise NotImplementedError

    def values(self, variables: list[Any]) -> list[Value | None]:
        """The values of variables, at once."""
        raise NotImplementedError

    def assign(self, variable: Any, value: Any) -> None:
        """Assigns (a graph: makes the op and runs it)."""
        raise NotImplementedError

    def initialise(self, variables: list[Any] | None) -> None:
        """Graph: runs the initialisers of some variables, or of all that the graph has."""
        raise NotImplementedError

    def build(self, optimizer: Any, variable: Any) -> Any:
        """Graph: the op of one training step for the loss ``2 * variable``."""
        raise NotImplementedError

    def train(self, optimizer: Any, variable: Any, built: Any) -> None:
        """One training step: eager, or ``built`` is run."""
        raise NotImplementedError

    def slots(self, optimizer: Any) -> list[str]:
        """The names of an optimizer's slots."""
        return list(optimizer.get_slot_names())

    def slot(self, optimizer: Any, variable: Any, name: str) -> Any | None:
        """One slot variable."""
        return optimizer.get_slot(variable, name)

    def optimizer_variables(self, optimizer: Any) -> list[Any]:
        """All that an optimizer keeps."""
        return list(optimizer.variables())

    # -- checkpoints ----------------------------------------------------------------------------------------------------

    def save(self, saver: Any, prefix: str, number: int | None) -> str:
        """Saves by a saver or a Checkpoint (which numbers by itself); gives the path."""
        raise NotImplementedError

    def write(self, checkpoint: Any, prefix: str) -> str:
        """``Checkpoint.write``."""
        return str(checkpoint.write(prefix))

    def restore(self, saver: Any, path: str | None) -> Any:
        """Restores; gives the status."""
        return saver.restore(path)

    def read(self, checkpoint: Any, path: str) -> Any:
        """``Checkpoint.read``."""
        return checkpoint.read(path)

    def status_name(self, status: Any) -> str:
        """The kind of status."""
        return type(status).__name__

    def existing(self, status: Any) -> bool:
        """``assert_existing_objects_matched``; whether it gave the status back."""
        return status.assert_existing_objects_matched() is status

    def consumed(self, status: Any) -> bool:
        """``assert_consumed``."""
        return status.assert_consumed() is status

    def nontrivial(self, status: Any) -> bool:
        """``assert_nontrivial_match``."""
        return status.assert_nontrivial_match() is status

    def partial(self, status: Any) -> bool:
        """``expect_partial``."""
        return status.expect_partial() is status

    def run(self, status: Any) -> None:
        """``run_restore_ops`` with the default session."""
        status.run_restore_ops()

    def initialize(self, status: Any) -> None:
        """``initialize_or_restore`` with the default session."""
        status.initialize_or_restore()

    def family(self, error: BaseException) -> list[str]:
        """The known classes that an exception belongs to, the most special one first."""
        return [cls.__name__ for cls in type(error).__mro__ if cls.__name__ in FAMILIES] or [type(error).__name__]

    def odd(self, error: BaseException) -> str | None:
        """TensorFlow only: the number of the deviation that an exception belongs to, if it does."""
        return None

    def unseen_misfit(self, seen: list[Any]) -> bool:
        """TensorFlow only: whether a variable that the program has let go of has a value of another shape than its own."""
        return False

    def counter(self, checkpoint: Any) -> Any:
        """The save counter, made if need be."""
        return checkpoint.save_counter

    def latest(self, directory: str) -> str | None:
        """``latest_checkpoint``."""
        raise NotImplementedError

    def contents(self, path: str) -> dict[str, Any]:
        """What a file holds: ``values`` by key, and ``nodes`` of the object graph, as children, attributes and slots."""
        raise NotImplementedError


def as_value(array: Any) -> Value:
    """An array as it stands in an observation."""
    array = np.asarray(array)
    if array.dtype.kind in "OSU":
        as_text = np.vectorize(lambda x: x if isinstance(x, str) else x.decode("latin-1"), otypes=[object])
        return ["string", (as_text(array) if array.size else array).tolist()]
    return [str(array.dtype), array.tolist()]
