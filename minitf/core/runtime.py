"""Which runtime is current.

A *runtime* runs applications of ops: the eager runtime computes now, a graph appends an operation for later, a tape is a
runtime around another one that also takes notes. The current runtime lives in a context variable, so every thread and every
task has its own; a new thread starts with the default runtime.

``active`` has an entry for each context in the process that is not the default. While it is empty, nobody has to look further:
that is the one global that the fast path of eager operators reads. (A list, because to append and to pop needs no lock.)
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

from minitf.core.around import around

if TYPE_CHECKING:
    from minitf.core import names
    from minitf.core.op import Op
    from minitf.core.state import Batch, Handle
    from minitf.core.streams import Streams
    from minitf.core.tensor import Tensor

active: list[None] = []
_current: ContextVar[Runtime | None] = ContextVar("minitf_runtime", default=None)
_default: Runtime | None = None
_defaults: list[Callable[[], Runtime]] = []


class Runtime(Protocol):
    """Runs applications of ops. ``home`` is where variables created under it live."""

    @property
    def home(self) -> Home:
        """Where variables created under it live."""

    def apply(self, op: Op, inputs: tuple[Any, ...], attrs: dict[str, Any], name: str | None = None) -> Any:
        """Runs (or appends) one application; gives a Tensor, a tuple of Tensors, or what the op documents."""

    def call(self, traced: Any, values: Any) -> list[Any]:
        """Runs a traced function on tensors; gives its output tensors."""

    def update(self, updates: Any, numbers: Sequence[Any], gradients: Sequence[Any]) -> list[Any]:
        """Does (or appends) what an optimizer does to several variables (``minitf.ops.together.Updates``)."""

    def walk(self, walk: Any) -> list[Any]:
        """Gradients along a tape's notes (``minitf.autodiff``): ``walk.walk()``, which applies the ops of the rules here."""

    def constant(self, value: Any, name: str | None = None) -> Tensor:
        """A tensor holding an array (or NumPy scalar) that minitf owns already."""

    def register(self, variable: Any, trainable: bool, collections: Any) -> None:
        """A variable has been made: enters it into the lists of the home."""


class Home(Protocol):
    """Where variables live. What restoring does differently in the two modes are methods here.

    ``eager`` says what the mode is called in messages and journals; nothing branches on it outside the home.
    """

    eager: bool
    streams: Streams  # of its random ops
    functions: Any  # traces of tf.functions called in it

    def create_variable(self, initial_value: Any, dtype: Any, shape: Any, name: str | None, trainable: bool,
                        waiting: Waiting | None) -> Handle:  # fmt: skip
        """Makes a variable's place and (eager) its first value or (graph) its initialiser.

        ``shape`` may leave sizes open that the initial value has, ``...`` leaves open the rank.
        ``waiting`` gives the stored value for restore-on-create; a graph does not ask it.
        """

    def keep_promise(self, handle: Handle) -> None:
        """Makes the operations of a variable that are made when somebody asks (graph)."""

    def apply_batches(self, batches: Sequence[Batch]) -> None:
        """Assigns what one ``restore()`` or one attachment matched: now, all or nothing (eager), or by restore ops (graph)."""

    def apply_one(self, handle: Handle, key: str, reader: Any, cache: Any) -> Any:
        """``apply_batches`` of a single variable. Gives the restore op, None where the value is assigned now."""

    def run_restore_ops(self, ops: Any, cache: Any, reader: Any, session: Any, what: str) -> Any:
        """Runs restore ops that ``apply_batches`` built, all or nothing. Gives the store that they wrote to; None if none."""

    def store_to_save(self, session: Any, what: str) -> Any:
        """Where the values are that a save writes. Raises RuntimeError if that is a session and there is none."""

    def store_at_hand(self, session: Any) -> Any | None:
        """Where the values are that an explanation speaks of; None if that is a session and there is none of this graph.

        Raises ValueError for a session of another graph.
        """

    def other_session_at_hand(self) -> bool:
        """True if the default session runs another graph."""

    def run_tensors(self, tensors: list[Any], session: Any, what: str) -> list[Any]:
        """The values of tensors (in a session)."""

    def at_once(self, make: Callable[[], Any]) -> Any | None:
        """Does at once what a restore would do without being asked again, such as making a slot, and gives its result (eager).

        Does nothing and gives None where stored values come later, in a session (graph).
        """

    def initialise(self, find: Callable[[], list[Handle]], session: Any = None) -> None:
        """Runs the initialisers of the variables that ``find`` finds (graph). Does nothing, and does not ask, where variables
        are born with a value (eager).
        """

    def refuse(self, handle: Handle, what: str) -> Any:
        """Raises the error for a variable of this home that is used in another."""

    def graph_of(self, what: str, error: type[Exception]) -> Any:
        """The graph of its variables. Raises ``error`` where they have none."""

    def initialized_value(self, handle: Handle) -> Any:
        """The value of a variable, or its initial value if it has none yet."""

    def start_with(self, handle: Handle, make: Callable[[], Any]) -> None:
        """Makes the tensor that ``make`` gives the first value of a variable, in place of the one it has."""

    def assigned(self, variable: Any, result: Any, read_value: bool) -> Any:
        """What ``variable.assign`` gives."""

    def load(self, handle: Handle, value: Any, session: Any) -> None:
        """Sets a variable's value (in a session)."""

    def value_to_copy(self, handle: Handle) -> Any:
        """The value for a copy of a variable. Raises TypeError where a variable has no value of its own."""

    def trace(self, *arguments: Any) -> Any:
        """Traces a Python function inside this home."""

    def outermost(self) -> Any:
        """The home that ``init_scope`` leads to: itself, or the one around a function being traced."""

    def graph_being_built(self) -> Any:
        """The graph, or None where there is none."""

    def require_graph(self, what: str) -> Any:
        """The graph. Raises RuntimeError where there is none."""

    def name_scope(self, name: str | None) -> names.name_scope:
        """A scope of names."""

    def updating(self, name: str) -> AbstractContextManager[Any] | None:
        """What is around the updates of an optimizer: a scope of names where updates are operations that have names.

        None where there is nothing to enter.
        """

    def control_dependencies(self, control_inputs: Any) -> AbstractContextManager[None]:
        """What is made inside comes after these."""

    def group(self, inputs: Sequence[Any], name: str) -> Any:
        """An operation that is done when all inputs (None, operations, lists of them) are; None where they are done already."""

    def get_collection(self, key: Any, scope: str | None = None) -> list[Any]:
        """A collection of the graph; empty where there are none."""

    def register(self, variable: Any, trainable: bool, collections: Any) -> None:
        """Enters a new variable into the home's lists (a graph's collections)."""

    def equal(self, a: Any, b: Any) -> Any:
        """What ``a == b`` means for a variable: elementwise (eager) or identity (graph)."""

    def not_equal(self, a: Any, b: Any) -> Any:
        """What ``a != b`` means for a variable."""

    def hash_of(self, a: Any) -> int:
        """The hash of a variable. Raises TypeError where ``==`` is elementwise."""


class Waiting(Protocol):
    """A value that waits for its variable."""

    def __call__(self) -> Any:
        """The stored array, freshly read."""

    @property
    def where(self) -> str:
        """Key and file, for messages."""


def current() -> Runtime:
    """The runtime that runs ops here and now."""
    if not active:
        return _default or _load_default()
    here = _current.get()
    return default() if here is None else here


def load(module: str) -> Any:
    """A module that stands above the caller, by its name: for what it provides at run time and nobody imports."""
    return importlib.import_module(module)


def _load_default() -> Runtime:
    load("minitf.runtimes.eager")
    assert _default is not None, "the eager runtime sets itself as the default"
    return _default


def set_default(runtime: Runtime) -> None:
    """Names the runtime of threads that chose none (minitf sets the eager one)."""
    global _default
    _default = runtime


def default() -> Runtime:
    """The runtime of threads and tasks that chose none."""
    return _defaults[-1]() if _defaults else _default or _load_default()


def default_apart() -> Runtime:
    """The default, asked for as if nothing had been entered: for a runtime that stands around the default and is current."""
    token = _current.set(None)
    try:
        return default()
    finally:
        _current.reset(token)


def push_default(give: Callable[[], Runtime]) -> None:
    """Replaces the default for the whole process (``disable_eager_execution``); ``give`` is asked each time."""
    active.append(None)
    _defaults.append(give)


def pop_default() -> None:
    """Takes back the last ``push_default``; without one it does nothing."""
    try:
        _defaults.pop()
    except IndexError:
        return
    active.pop()


def has_pushed_default() -> bool:
    """True while ``push_default`` is in force."""
    return bool(_defaults)


def enter(runtime: Runtime) -> Any:
    """Makes ``runtime`` (or what a recorder puts around it) current until ``leave`` gets the returned token."""
    put = around("runtime", runtime)
    active.append(None)
    return _current.set(put)


def leave(token: Any) -> None:
    """Undoes ``enter``."""
    _current.reset(token)
    active.pop()


@contextmanager
def using(runtime: Runtime) -> Iterator[Runtime]:
    """``with using(runtime):`` makes it current in this thread and task."""
    token = enter(runtime)
    try:
        yield runtime
    finally:
        leave(token)
