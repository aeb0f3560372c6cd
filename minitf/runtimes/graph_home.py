"""A graph as the home of its variables: names, initialisers and restore ops in the graph, values in sessions.

``GraphHome`` is the part of ``Graph`` that the ``Home`` protocol asks for; the rest of a graph is in graph.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from minitf.core import dtypes, names, runtime
from minitf.core.literals import to_array
from minitf.core.op import convert
from minitf.core.spec import Spec, spec_of, variable_shape
from minitf.core.state import Batch, Handle
from minitf.ops.sources import no_op, variable
from minitf.ops.state import assign, initialized_value, read_variable
from minitf.runtimes.naming import Names, with_number
from minitf.runtimes.operation import Operation
from minitf.runtimes.promised import INITIAL_VALUE, Promise, RestoreOp, make_operations
from minitf.runtimes.restoring import build_ops, run_ops, variable_ops


class GraphKeys:
    """Names of the usual collections."""

    GLOBAL_VARIABLES = "variables"
    LOCAL_VARIABLES = "local_variables"
    TRAINABLE_VARIABLES = "trainable_variables"
    GLOBAL_STEP = "global_step"
    MODEL_VARIABLES = "model_variables"
    MOVING_AVERAGE_VARIABLES = "moving_average_variables"
    UPDATE_OPS = "update_ops"
    LOSSES = "losses"
    REGULARIZATION_LOSSES = "regularization_losses"
    SAVEABLE_OBJECTS = "saveable_objects"
    SAVERS = "savers"
    INIT_OP = "init_op"
    LOCAL_INIT_OP = "local_init_op"
    READY_OP = "ready_op"
    READY_FOR_LOCAL_INIT_OP = "ready_for_local_init_op"
    SUMMARY_OP = "summary_op"
    TABLE_INITIALIZERS = "table_initializer"
    QUEUE_RUNNERS = "queue_runners"


_USUAL = (GraphKeys.GLOBAL_VARIABLES,)


class GraphHome:
    """Variables of a graph."""

    eager = False

    if TYPE_CHECKING:  # what a Graph has besides
        streams: Any
        functions: Any
        apply: Callable[..., Any]
        as_default: Callable[[], AbstractContextManager[Any]]
        control_dependencies: Callable[[Any], AbstractContextManager[None]]
        name_scope: Callable[[str | None], names.name_scope]
        updating: Callable[[str], AbstractContextManager[str]]
        session_for: Callable[..., Any]
        store_at_hand: Callable[[Any], Any]
        other_session_at_hand: Callable[[], bool]
        get_collection: Callable[..., list[Any]]
        add_to_collection: Callable[[Any, Any], None]
        check_mine: Callable[..., None]
        append_as: Callable[..., Operation]
        constant: Callable[..., Any]
        _named: Callable[[str], tuple[str, int]]
        append: Callable[..., Operation]
        promise: Callable[[Promise, int], None]
        _names: Names

    def create_variable(
        self, initial_value: Any, dtype: Any, shape: Any, name: str | None, trainable: bool, waiting: Any = None
    ) -> Handle:
        """A variable with its initialiser. A waiting value is not used: restore ops bring it, the initialiser stays (S83)."""
        wanted = None if dtype is None else dtypes.as_dtype(dtype)
        full = with_number(*self._named(name or "Variable"))
        if type(initial_value) is np.ndarray and shape is None and not names.scope().control:
            array = to_array(initial_value, wanted)
            handle = Handle(full, spec_of(array.dtype, array.shape), self, trainable)
            handle.promised, handle.places = array, self._names.take_below(full, "/Assign", "/Read")
            self.promise(handle, 4)
            return handle
        if callable(initial_value):
            scope = names.Scope(f"{full}/{INITIAL_VALUE}/")
            with self.as_default(), names.entered(scope):  # outside of all control dependencies
                value = convert(initial_value(), wanted, runtime=self)
        else:
            value = convert(initial_value, wanted, f"{full}/{INITIAL_VALUE}/", runtime=self)
        self.check_mine(value, variable)
        spec = value.spec
        if shape is not None:
            spec = Spec(spec.dtype, variable_shape(name, shape, spec.shape))
        handle = Handle(full, spec, self, trainable)
        handle.operation = self.append(variable, full, (), {"handle": handle}, ())
        handle.initializer = self.append_as(f"{full}/Assign", assign, (handle, value), assign.wants, spec)
        handle.read = self.append_as(f"{full}/Read", read_variable, (handle,), read_variable.wants, spec)
        handle.initial_value = value
        return handle

    def keep_promise(self, handle: Handle) -> None:
        """Makes the operations of a variable."""
        make_operations(handle)

    def refuse(self, handle: Handle, what: str) -> NoReturn:
        """Raises ValueError: the variable is used in another graph than its own."""
        raise ValueError(
            f"{what}: variable {handle.name!r} belongs to another graph than the one being built. Create the variable inside "
            f"`with graph.as_default():` of the graph that uses it."
        )

    def graph_of(self, what: str, error: type[Exception]) -> Any:
        """Itself."""
        return self

    def initialized_value(self, handle: Handle) -> Any:
        """An operation that gives the value, or the initial value if there is none yet."""
        return initialized_value(handle, handle.initial_value)

    def start_with(self, handle: Handle, make: Callable[[], Any]) -> None:
        """Adds another initialiser. Operations that were made of the one before stay as they are."""
        assert handle.initializer is not None  # by now: if it was only promised, it has been made
        with self.as_default(), names.entered(names.Scope()):
            value = make()
        handle.initializer = self.append_as(f"{handle.name}/Assign", assign, (handle, value), assign.wants, handle.spec)
        handle.initial_value = value

    def assigned(self, variable: Any, result: Any, read_value: bool) -> Any:
        """What ``assign`` gives: the new value as a tensor, or the operation."""
        return result if read_value else result.op

    def load(self, handle: Handle, value: Any, session: Any) -> None:
        """Sets a value in a session, by feeding the initialiser."""
        self.session_for(session, f"Variable.load of {handle.name!r}", ValueError).run(
            handle.initializer, {handle.initial_value: value}
        )

    def value_to_copy(self, handle: Handle) -> NoReturn:
        """Raises TypeError: the values are in sessions."""
        raise TypeError(
            f"Cannot copy or pickle variable {handle.name!r}: it belongs to a graph and has values only in sessions. Save them "
            f"with a checkpoint instead."
        )

    def trace(self, *arguments: Any) -> Any:
        """Traces a Python function inside this home: see ``tracing.trace``."""
        return runtime.load("minitf.runtimes.tracing").trace(self, *arguments)  # a trace is a graph: later than graphs

    def outermost(self) -> Any:
        """Itself."""
        return self

    def graph_being_built(self) -> Any:
        """Itself."""
        return self

    def require_graph(self, what: str) -> Any:
        """Itself."""
        return self

    def group(self, inputs: Sequence[Any], name: str) -> Any:
        """A no_op that depends on all inputs."""
        flat = [i for part in inputs for i in (part if isinstance(part, (list, tuple)) else [part]) if i is not None]
        with self.control_dependencies(flat):
            return no_op(name=name)

    def register(self, variable: Any, trainable: bool, collections: Any) -> None:
        """Adds the variable to its collections, which also keep it alive."""
        keys = _USUAL if collections is None else tuple(dict.fromkeys(collections))
        if trainable and GraphKeys.TRAINABLE_VARIABLES not in keys:
            keys += (GraphKeys.TRAINABLE_VARIABLES,)
        for key in keys:
            self.add_to_collection(key, variable)

    def equal(self, a: Any, b: Any) -> Any:
        """Identity."""
        return a is b

    def not_equal(self, a: Any, b: Any) -> Any:
        """Not the same object."""
        return a is not b

    def hash_of(self, a: Any) -> int:
        """By identity."""
        return id(a)

    def apply_batches(self, batches: Sequence[Batch]) -> None:
        """Finds or adds one restore op for each variable; runs nothing."""
        build_ops(self, batches)  # type: ignore[arg-type]

    def apply_one(self, handle: Handle, key: str, reader: Any, cache: dict[Any, Any]) -> RestoreOp:
        """Finds or adds the restore op of one variable."""
        return variable_ops(self, ((handle, key),), cache)[0]  # type: ignore[arg-type]

    def run_restore_ops(self, ops: Sequence[RestoreOp], cache: dict[Any, Any], reader: Any, session: Any, what: str) -> Any:
        """Runs restore ops in a session: reads everything, then assigns everything. Gives the session's store."""
        return run_ops(self, ops, cache, reader, session, what)  # type: ignore[arg-type]

    def store_to_save(self, session: Any, what: str) -> Any:
        """The session's store. Raises RuntimeError without a session and a default session."""
        return self.session_for(session, what).store

    def run_tensors(self, tensors: list[Any], session: Any, what: str) -> list[Any]:
        """The values that the tensors have in the session."""
        return list(self.session_for(session, what).run(tensors)) if tensors else []

    def at_once(self, make: Callable[[], Any]) -> None:
        """Does nothing: stored values come by restore ops; initialisers stay, slots are left to the program (S83, S139)."""

    def initialise(self, find: Callable[[], list[Handle]], session: Any = None) -> None:
        """Runs the initialisers in one session call."""
        session = self.session_for(session, "initialise")
        handles = find()
        if handles:
            session.run([h.initializer for h in handles])
