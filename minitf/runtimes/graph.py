"""A graph: operations that wait for a session.

A graph is a runtime: while it is current, calling an op appends an operation and gives symbolic tensors. It is also the home of
its variables: they have a name, an initialiser and restore ops in the graph, and their values live in sessions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NoReturn
from weakref import WeakKeyDictionary

from minitf.core import names, runtime
from minitf.core.around import told, untold
from minitf.core.op import Op
from minitf.core.spec import Spec, spec_of
from minitf.core.state import Handle
from minitf.core.streams import Streams
from minitf.core.tensor import EagerTensor, SymbolicTensor, Tensor
from minitf.ops import sources
from minitf.runtimes.fitting import by_identity, fitting
from minitf.runtimes.gradients import Repeated, WayBack
from minitf.runtimes.graph_contents import GraphContents
from minitf.runtimes.graph_home import GraphHome
from minitf.runtimes.naming import Names, with_number
from minitf.runtimes.operation import Operation
from minitf.runtimes.promised import Promise

if TYPE_CHECKING:
    from minitf.ops.together import Updates
    from minitf.runtimes.session import Session

_NAME = re.compile(r"^[A-Za-z0-9.>][A-Za-z0-9_.\\/>-]*$")
_MOST_KNOWN = 1000  # names of which is kept that they are valid
_session: ContextVar[Session | None] = ContextVar("minitf_session", default=None)


class Graph(GraphContents, GraphHome):
    """Operations and tensors to be run by sessions."""

    def __init__(self) -> None:
        super().__init__()
        self._names = Names()
        self._finalized = False
        self.streams = Streams(self, shared=False)
        self.functions: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()  # traces of tf.functions called in it

    # -- runtime -------------------------------------------------------------------------------------------------------

    @property
    def home(self) -> Graph:
        """Variables made while the graph is current belong to it."""
        return self

    def apply(self, op: Op, inputs: tuple[Any, ...], attrs: dict[str, Any], name: str | None = None) -> Any:
        """Appends an operation; gives its output tensor, a tuple of them, or the operation itself if it has none.

        Raises RuntimeError for an eager tensor or variable among the inputs, ValueError for one of another graph.
        """
        key = None if attrs else by_identity(inputs, self)
        known = None if key is None else op.inferred.get(key)
        if known is None:
            inputs, attrs, result = fitting(self, op, inputs, attrs, key)
        else:
            attrs, result, _ = known
        path, control = names.scope()
        if name is None:
            text, place = self._names.usual(path, op.name)
        else:
            text, place = self._name_for(name)
        operation = self.append(op, text, inputs, attrs, result, control, place)
        return _output(operation, result) if type(result) is Spec else operation.outputs or operation

    def constant(self, value: Any, name: str | None = None) -> SymbolicTensor:
        """A constant operation around an array that minitf owns."""
        spec = spec_of(value.dtype, value.shape)
        scope = names.scope()
        if name is None:
            text, place = self._names.usual(scope.path, "const")
        else:
            text, place = self._name_for(name)
        operation = self.append(sources.const, text, (), {"value": value}, spec, scope.control, place)
        return _output(operation, spec)

    def call(self, traced: Any, values: Sequence[Any]) -> list[Any]:
        """A traced function's operations become operations of this graph."""
        return traced.replay(self, values)  # type: ignore[no-any-return]

    def update(self, updates: Updates, numbers: Sequence[Any], gradients: Sequence[Any]) -> list[Any]:
        """Appends one operation for each variable; a plan does them together."""
        return updates.one_by_one(self, numbers, gradients)

    def walk(self, walk: Any) -> list[Any]:
        """Appends the operations of gradient rules."""
        return walk.walk()  # type: ignore[no-any-return]

    def way_back(self, targets: Sequence[SymbolicTensor], sources: Sequence[Any], stopped: set[int]) -> WayBack:
        """The way of gradients from targets to sources. ``stopped``: the ids of tensors that count as constants."""
        return WayBack(self, targets, sources, stopped)

    def append(self, op: Op, name: str, arguments: tuple[Any, ...], attrs: dict[str, Any], result: Any,
               control: tuple[Operation, ...] = (), place: int = 0, at: int | None = None) -> Operation:  # fmt: skip
        """Appends an operation whose inputs are checked, whose name is unique and whose ``result`` specs are known.

        With a ``place``, ``name`` is that of its series. ``at`` is the number of an operation that was promised. Raises
        RuntimeError if the graph is finalized.
        """
        operations = self._operations
        if self._finalized and at is None:
            self._refuse(with_number(name, place))
        operation = Operation()
        operation.graph = self
        operation.kernel_op = op
        operation._text = name
        operation._place = place
        operation.arguments = arguments
        operation.attrs = attrs
        operation.control_inputs = control
        operation.number = number = len(operations) if at is None else at
        operation.results = result
        operation._made = None
        if number == len(operations):
            operations.append(operation)
        else:
            operations[number] = operation
        return operation

    def append_again(self, repeated: Sequence[Repeated], values: list[Any]) -> None:
        """Appends operations that are like some before, on tensors among ``values``, to which their outputs are added."""
        operations, following = self._operations, self._names.following
        for op, text, series, taking, attrs, result, control in repeated:
            operation = Operation()
            operation.graph = self
            operation.kernel_op = op
            operation._text = text
            operation._place = place = following[series]
            following[series] = place + 1
            operation.arguments = taking(values)
            operation.attrs = attrs
            operation.control_inputs = control
            operation.number = len(operations)
            operation.results = result
            if type(result) is Spec:  # as _output does, without a call
                output = operation._made = SymbolicTensor()
                output.op = operation
                output.index = 0
                output._spec = result
                values.append(output)
            else:
                operation._made = None
                values += operation.outputs
            operations.append(operation)

    def promise(self, promise: Promise, count: int) -> None:
        """Appends so many operations that will be made when somebody asks. If somebody listens, they are made now.

        Raises RuntimeError if the graph is finalized.
        """
        operations = self._operations
        if self._finalized:
            self._refuse(promise.name)
        promise.number = len(operations)
        if type(operations) is list:
            operations += (promise,) * count
            self._promises.append(promise)
        else:
            promise.keep()

    def _refuse(self, name: str) -> NoReturn:
        raise RuntimeError(f"Cannot add the operation {name!r}: the graph is finalized and cannot be changed.")

    def append_as(self, name: str, op: Op, arguments: tuple[Any, ...], attrs: dict[str, Any], result: Any) -> Operation:
        """Appends an operation without control dependencies, as ``name`` or what makes that unique."""
        return self.append(op, name, arguments, attrs, result, (), self._names.take(name))

    def check_mine(self, value: Any, op: Op) -> None:
        """Raises for an input of ``op`` that does not belong to this graph."""
        if isinstance(value, SymbolicTensor):
            if value.op.graph is not self:
                raise ValueError(
                    f"{op.name}: tensor {value.name!r} belongs to another graph than the one being built. Tensors of two "
                    f"graphs cannot be mixed; build both in one `with graph.as_default():`."
                )
        elif isinstance(value, EagerTensor):
            raise RuntimeError(
                f"{op.name}: an eager tensor (shape {value._v.shape}, {value.dtype.name}) was used while a graph is built. "
                f"Its value would be frozen into the graph: if that is wanted, pass tensor.numpy(); otherwise make it inside "
                f"the graph."
            )
        elif isinstance(value, Handle) and value.home is not self:
            value.home.refuse(value, op.name)

    def tell(self, listener: Callable[[list[Operation]], None]) -> None:
        """From here on ``listener`` hears of each new operation."""
        self._operations = told(self._all(), listener)

    def untell(self, listener: Callable[[list[Operation]], None]) -> None:
        """From here on it does not."""
        self._operations = untold(self._operations, listener)

    @property
    def seed(self) -> int | None:
        """The seed from which random ops without a seed of their own get theirs."""
        seed: int | None = self.streams.seed
        return seed

    # -- names ---------------------------------------------------------------------------------------------------------

    def unique_name(self, name: str, mark_as_used: bool = True) -> str:
        """``name`` within the current scope, with ``_1``, ``_2``, ... if it is taken. Names differing in case only clash too.

        Raises ValueError for a name with characters that operations cannot have.
        """
        return with_number(*self._named(name, mark_as_used))

    def series_of(self, operation: Operation) -> str | None:
        """The series of an operation's name, if the next names in it are those with the next numbers."""
        return self._names.without_gaps(operation._text)

    def _named(self, name: str, mark: bool = True) -> tuple[str, int]:
        full = names.scope().path + name
        if not _is_valid(full):
            raise ValueError(f"{full!r} is not a valid operation name: begin with a letter, digit or '.', then also _ - / > .")
        return full, self._names.take(full, mark)

    def _name_for(self, name: str) -> tuple[str, int]:
        """Text and place of an operation that was named; a name that ends with "/" is taken as it is."""
        return (name[:-1], 0) if name.endswith("/") else self._named(name)

    def _unique(self, full: str, mark: bool = True) -> str:
        return with_number(full, self._names.take(full, mark))

    def name_scope(self, name: str | None) -> names.name_scope:
        """``with graph.name_scope("layer"):`` prefixes names; entering the same name again gives ``layer_1``."""
        return names.name_scope(name, self._unique)

    def get_name_scope(self) -> str:
        """The path of the scopes that are entered here, without a slash at the end."""
        return names.scope().path.rstrip("/")

    def container(self, container_name: str) -> AbstractContextManager[str]:
        """Accepted for TensorFlow's sake: values live in sessions, not in containers."""
        return nullcontext(container_name)

    def device(self, device_name_or_function: Any) -> AbstractContextManager[None]:
        """Accepted for TensorFlow's sake: there is one device."""
        return nullcontext()

    def colocate_with(self, op: Any, ignore_existing: bool = False) -> AbstractContextManager[None]:
        """Accepted for TensorFlow's sake: there is one device."""
        return nullcontext()

    @property
    def building_function(self) -> bool:
        """True for the graph of a ``tf.function``."""
        return self.outermost() is not self

    def updating(self, name: str) -> AbstractContextManager[str]:
        """The scope of the names of the updates."""
        return self.name_scope(name)

    @contextmanager
    def control_dependencies(self, control_inputs: Any) -> Iterator[None]:
        """What is made inside runs after these operations and tensors; None forgets the outer ones."""
        here = names.scope()
        control: tuple[Operation, ...] = ()
        if control_inputs is not None:
            added = [self._operation_of(c) for c in control_inputs]
            control = tuple(dict.fromkeys([*here.control, *added]))
        with names.entered(names.Scope(here.path, control)):
            yield

    def _operation_of(self, value: Any) -> Operation:
        if hasattr(value, "_as_tensor") and not isinstance(value, (Tensor, Operation)):
            value = value._as_tensor()
        if isinstance(value, SymbolicTensor):
            value = value.op
        if not isinstance(value, Operation):
            raise TypeError(f"A control dependency must be an operation, tensor or variable of the graph, not {value!r}.")
        if value.graph is not self:
            raise ValueError(f"The control dependency {value.name!r} belongs to another graph.")
        return value

    # -- life ----------------------------------------------------------------------------------------------------------

    def finalize(self) -> None:
        """Makes the graph read-only: adding an operation raises RuntimeError."""
        self._finalized = True

    def _unsafe_unfinalize(self) -> None:
        """Lets operations be added again (TensorFlow's name): what a monitored session does to the graph when it is closed."""
        self._finalized = False

    @property
    def finalized(self) -> bool:
        """True once the graph is read-only."""
        return self._finalized

    @contextmanager
    def as_default(self) -> Iterator[Graph]:
        """``with graph.as_default():`` makes it the current runtime. It keeps the scope if it is current already."""
        inside = names.scope() if runtime.current().home is self else names.Scope()
        with runtime.using(self), names.entered(inside):
            yield self

    def session_for(self, session: Any, what: str, error: type[Exception] = RuntimeError) -> Session:
        """``session``, or the default session of this graph.

        Raises ``error`` if there is none, ValueError if it runs another graph.
        """
        found = session if session is not None else _session.get()
        if found is None:
            raise error(
                f"{what}: values of a graph live in a session, but no session was given and there is no default session. Pass "
                f"session=..., or work inside `with tf.compat.v1.Session():`."
            )
        if found.graph is not self:
            raise ValueError(f"{what}: the session runs another graph than the one this belongs to.")
        return found

    def store_at_hand(self, session: Any) -> Any | None:
        """The store of ``session``, or of the default session if that runs this graph."""
        default = _session.get()
        if session is None and (default is None or default.graph is not self):
            return None
        return self.session_for(session, "explain").store

    def other_session_at_hand(self) -> bool:
        """True if there is a default session, and it runs another graph."""
        default = _session.get()
        return default is not None and default.graph is not self

    def __reduce__(self) -> NoReturn:
        raise TypeError("A graph cannot be copied or pickled. Build it again, and restore its variables from a checkpoint.")

    def __repr__(self) -> str:
        return f"<tf.Graph with {len(self._operations)} operations>"


@lru_cache(_MOST_KNOWN)
def _is_valid(name: str) -> bool:
    return _NAME.match(name) is not None


def _output(operation: Operation, spec: Spec) -> SymbolicTensor:
    """The output of an operation that was just made, of which nobody else knows."""
    output = operation._made = SymbolicTensor()
    output.op = operation
    output.index = 0
    output._spec = spec
    return output


def get_default_session() -> Session | None:
    """The innermost session entered with ``with session:`` or ``session.as_default()``, or None."""
    return _session.get()
