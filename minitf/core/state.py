"""Where values that change live: handles name places, stores hold the values.

A *handle* names a variable; a *cell* holds its value; a *store* maps handles to cells. Eager mode has one store (its cells hang
on the handles themselves), each session has its own. Each write to a cell raises ``writes`` by one, so that one can tell
later whether a value is still the one that a restore gave.

An array that a cell gives out may be held by others: a cell is never written into, its array is replaced. (A restore of large
values first makes sure that nobody else holds it, and then uses its memory.)
"""

from __future__ import annotations

from _thread import LockType, allocate_lock
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from minitf.core.forks import whole_in_children
from minitf.core.locks import left_open
from minitf.core.spec import Shape, Spec, compatible, merge_shapes, shape_text
from minitf.errors import DTypeError, FailedPreconditionError, ShapeError

if TYPE_CHECKING:
    from minitf.core.runtime import Home
    from minitf.saved import Reader


class Cell:
    """The value of one variable in one store. ``value`` is None until it is initialised.

    An array is in C order, so that what is computed from it does not depend on where it came from.

    ``name`` and ``spec`` are the variable's. ``handle`` is its handle, but None if the cell hangs on the handle itself: the two
    would hold each other, and the value would live until Python's cycle collector comes by.

    ``writes`` counts the writes; ``initialised`` is the count right after the variable's initialiser was last run in a session,
    0 if it never was (or if the variable was born with its value: eager mode).
    """

    __slots__ = ("_lock", "handle", "initialised", "name", "spec", "value", "writes")

    def __init__(self, handle: Handle, value: Any = None, hangs_on_it: bool = False):
        self.handle = None if hangs_on_it else handle
        if handle is not None:
            self.name = handle.name
            self.spec = handle.spec
        self.value = value
        self.writes = 0
        self.initialised = 0
        self._lock: LockType | None = None

    @property
    def lock(self) -> LockType:
        """Held by ops that read and then write, so that threads lose no update. Made when it is first asked for."""
        lock = self._lock
        if lock is None:
            with _making_lock:
                lock = self._lock = self._lock or left_open(allocate_lock())
        return lock

    def read(self) -> Any:
        """The array. Raises FailedPreconditionError if there is none yet."""
        value = self.value
        if value is None:
            raise FailedPreconditionError(
                None, None,
                f"Variable {self.name!r} has no value in this session, it is uninitialized. Run its initializer "
                f"(session.run(tf.compat.v1.global_variables_initializer())), or restore it and run the status's restore ops.",
            )  # fmt: skip
        return value

    @property
    def empty(self) -> bool:
        """True if there is no value yet."""
        return self.value is None

    def write(self, value: Any) -> None:
        """Takes over an array that minitf owns."""
        self.value = value if type(value) is not np.ndarray or value.flags.c_contiguous else in_order(value)
        self.writes += 1

    def check(self, value: Any, what: str) -> None:
        """Raises DTypeError or ShapeError unless the array may be stored here."""
        dtype = self.spec.dtype
        if value.dtype is not dtype.np and value.dtype != dtype.np:
            raise DTypeError(f"{what}: the value is {value.dtype}, but the variable is {dtype.name}. Cast it first.")
        if self.spec.shape != value.shape and not compatible(self.spec.shape, value.shape):
            raise ShapeError(
                f"{what}: the value has shape {value.shape}, but the variable has shape {shape_text(self.spec.shape)}. "
                f"A variable's shape is fixed when it is made (sizes given as None stay open)."
            )


_making_lock = whole_in_children(left_open(allocate_lock()))


def locks_of(cells: Sequence[Cell]) -> list[LockType]:
    """The locks of all these cells, in the order in which to take them, so that two who take several never wait for each other.

    Cells whose lock nobody has asked for get one in common.
    """
    common = left_open(allocate_lock())
    with _making_lock:
        for cell in cells:
            if cell._lock is None:
                cell._lock = common
    return sorted({cell.lock for cell in cells}, key=id)


def in_order(value: Any) -> Any:
    """The value as a cell may hold it."""
    return value if type(value) is not np.ndarray or value.flags.c_contiguous else np.ascontiguousarray(value)


def _of_graphs(name: str, what: str) -> Any:
    """An attribute of handles that is None unless the variable is a graph's. What was promised is made when it is asked for."""
    slot = f"_{name}"

    def get(handle: Handle) -> Any:
        if handle.promised is not None:
            handle.home.keep_promise(handle)
        return getattr(handle, slot, None)  # None also for those who ask while it is being made

    def put(handle: Handle, value: Any) -> None:
        setattr(handle, slot, value)

    return property(get, put, None, f"{what} (a graph's variable; else None).")


class Handle:
    """Names a variable: its name, what it may hold, its home, whether it is trained.

    A handle is an ordinary positional input of ops; when the op runs, its kernel gets the cell.

    Until the home of a graph's variable makes the operations that belong to it, there is what it needs for that: ``promised``,
    which is the array of the first value, and where they belong (``number``, ``places``).
    """

    __slots__ = (
        "__weakref__", "_initial_value", "_initializer", "_operation", "_read", "cell", "home", "name", "number", "places",
        "promised", "spec", "trainable", "variable",
    )  # fmt: skip
    number: int
    places: tuple[int, int]

    def __init__(self, name: str, spec: Spec, home: Home, trainable: bool = True):
        self.name = name
        self.spec = spec
        self.home = home
        self.trainable = trainable
        self.cell: Cell | None = None  # the cell in the eager store; None for handles that live in sessions
        self.variable: Callable[[], Any] | None = None  # a weak reference to the Variable
        self.promised: Any = None

    operation = _of_graphs("operation", "The operation that stands for the variable")
    initial_value = _of_graphs("initial_value", "The tensor of its first value")
    initializer = _of_graphs("initializer", "The operation that gives it its first value")
    read = _of_graphs("read", "An operation that reads it, for fetching")

    def keep(self) -> None:
        """Lets the home make the operations that were promised, if they are not there yet."""
        self.home.keep_promise(self)

    def narrow(self, shape: Shape) -> None:
        """Tells sizes that were left open. Raises ShapeError if they contradict what is known."""
        self.spec = Spec(self.spec.dtype, merge_shapes(self.spec.shape, shape))
        if self.cell is not None:
            self.cell.spec = self.spec

    @property
    def dtype(self) -> Any:
        """The variable's dtype."""
        return self.spec.dtype

    def __repr__(self) -> str:
        return f"<handle {self.name!r} {self.spec}>"


class Store(Protocol):
    """Holds the cells of variables."""

    def cell(self, handle: Handle) -> Cell:
        """The cell of a variable; a new empty one if it has none yet."""

    def find(self, handle: Handle) -> Cell | None:
        """The cell of a variable if it has one; makes none."""

    def values(self, handles: Sequence[Handle]) -> list[Any]:
        """The values of many variables."""


class EagerStore:
    """The one store of eager mode: the cell hangs on the handle."""

    def cell(self, handle: Handle) -> Cell:
        """The handle's cell. Raises RuntimeError for a graph's variable."""
        cell = handle.cell
        if cell is None:
            raise RuntimeError(
                f"Variable {handle.name!r} belongs to a graph, so it has values only in sessions. Read it with "
                f"session.run(variable)."
            )
        return cell

    def find(self, handle: Handle) -> Cell | None:
        """The handle's cell; None for a graph's variable."""
        return handle.cell

    def values(self, handles: Sequence[Handle]) -> list[Any]:
        """The values of many variables. Raises RuntimeError for a graph's variable."""
        return [(handle.cell or self.cell(handle)).value for handle in handles]


class SessionStore:
    """The values of one session."""

    __slots__ = ("__weakref__", "_cells")

    def __init__(self) -> None:
        self._cells: dict[Handle, Cell] = {}

    def cell(self, handle: Handle) -> Cell:
        """The cell of a variable in this session; a new empty one at the first request."""
        cell = self._cells.get(handle)
        if cell is None:
            cell = self._cells.setdefault(handle, Cell(handle))  # one, whichever thread comes first
        return cell

    def find(self, handle: Handle) -> Cell | None:
        """The cell of a variable if it has one; makes none."""
        return self._cells.get(handle)

    def values(self, handles: Sequence[Handle]) -> list[Any]:
        """The values of many variables. Raises FailedPreconditionError for one without."""
        return [self.cell(handle).read() for handle in handles]

    def __iter__(self) -> Iterator[Handle]:
        return iter(list(self._cells))


class Group(NamedTuple):
    """Stored tensors that one object restores together: ``restore(tensors by name)``; ``keys`` by name."""

    owner: Any
    restore: Callable[[dict[str, Any]], Any]
    keys: dict[str, str]
    path: str = ""


class Batch:
    """What one ``restore()`` or one attachment matched in one checkpoint: assignments that happen together.

    * ``reader``: the open checkpoint.
    * ``handles``, ``keys``: variables, and the key of each one's value (there may be ten thousand: no object is made for each).
    * ``groups``; ``python``: (function that takes bytes, key) each.
    * ``path_of``: tells the path from the root, or what else to call it, for the key of a variable in a message.
    * ``cache``: the saver's restore ops by (handle, key), so that later restores add none; by graph, the fed source they read.
    * ``built``: what a graph made or found for the variables, in the order of their keys, and for the groups.
    """

    __slots__ = ("built", "cache", "groups", "handles", "keys", "path_of", "python", "reader")

    def __init__(self, reader: Reader, cache: dict[Any, Any]):
        self.reader = reader
        self.cache = cache
        self.handles: list[Handle] = []
        self.keys: list[str] = []
        self.groups: list[Group] = []
        self.python: list[tuple[Callable[[Any], Any], str]] = []
        self.path_of: Callable[[str], str] = str
        self.built: list[Any] = []

    def add(self, handle: Handle, key: str) -> None:
        """Adds a variable."""
        self.handles.append(handle)
        self.keys.append(key)
