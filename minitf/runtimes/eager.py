"""The eager runtime: an op's kernel runs when the op is called.

It is also the home of eager variables: their cell hangs on the handle, their value is there from birth, and a restore assigns
at once.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, NoReturn
from weakref import WeakKeyDictionary

import numpy as np

from minitf.core import dtypes, names, runtime
from minitf.core.calls import explain, wrap
from minitf.core.literals import to_array
from minitf.core.op import Op, convert
from minitf.core.registry import REGISTRY
from minitf.core.spec import Spec, spec_of, variable_shape
from minitf.core.state import Batch, Cell, EagerStore, Handle, in_order
from minitf.core.streams import Streams
from minitf.core.tensor import EagerTensor, SymbolicTensor, Tensor
from minitf.ops.state import read_variable
from minitf.ops.together import Updates
from minitf.runtimes.plan import Plan
from minitf.runtimes.restoring import assign_now, assign_one
from minitf.runtimes.walks import Walk, Walks

if TYPE_CHECKING:
    from minitf.runtimes.tracing import Traced

_store = EagerStore()
_NOTHING = nullcontext()

# 1 / 0 is inf, and TensorFlow says nothing about it. Only what NumPy says of our own lines is silenced: the program's arrays
# keep their warnings, and ``tf.debugging.check_numerics`` finds where an inf or NaN comes from.
warnings.filterwarnings("ignore", r".* encountered in ", RuntimeWarning, r"minitf\.")


class Eager:
    """Runs kernels at once. ``kernels`` replaces kernels by op name: ``with using(Eager(kernels={"matmul": mine})):``."""

    eager = True
    home: Eager  # variables made under any eager runtime live in the one eager store

    def __init__(self, kernels: Mapping[str, Callable[..., Any]] | None = None):
        self.kernels = dict(kernels or {})
        self.plain = not self.kernels  # operators of tensors need not ask
        self.streams = Streams(self, shared=True)
        self.walks = Walks(_store)
        self.functions: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()  # traces of tf.functions called in it

    def apply(self, op: Op, inputs: tuple[Any, ...], attrs: dict[str, Any], name: str | None = None) -> Any:
        """Converts the inputs, runs the kernel, wraps the results."""
        if op is read_variable and self.plain:
            tensor = EagerTensor()
            tensor._v = value_of(inputs[0], op).read()
            tensor._node = None
            return tensor
        inputs = op.bind(inputs, self)
        values = [t._v if type(t) is EagerTensor else value_of(t, op) for t in inputs]
        if len(attrs) != len(op.attrs):
            attrs = op.complete(attrs)
        if op.infer_first:
            op.specs_of(inputs, attrs)
        kernel = op.kernel if self.plain else self.kernels.get(op.name, op.kernel)
        try:
            out = kernel(*values, **attrs)
        except (ValueError, TypeError, IndexError) as error:
            explain(op, inputs, attrs, error)
        if type(out) is np.ndarray:
            tensor = EagerTensor()
            tensor._v = out
            tensor._node = None
            return tensor
        return wrap(out)

    def update(self, updates: Updates, numbers: Sequence[Any], gradients: Sequence[Any]) -> list[Any]:
        """Updates small variables together. Gives nothing: the updates are done."""
        if not self.plain:
            return updates.one_by_one(self, numbers, gradients)
        values = [n._v if type(n) is EagerTensor else value_of(n, updates.rule) for n in numbers]
        arrays = [g._v if type(g) is EagerTensor else value_of(g, updates.rule) for g in gradients]
        for together, places in updates.parts(_store):
            some = arrays if len(places) == len(arrays) else [arrays[i] for i in places]
            if together is None or not together.step(values, some):
                for i in places:
                    updates.alone(self, i, numbers, gradients[i])
        return []

    def walk(self, walk: Walk) -> list[Any]:
        """Gradients along a tape's notes: by a plan if they are those of many walks before."""
        return self.walks.walk(walk) if self.plain else walk.walk()

    def constant(self, value: Any, name: str | None = None) -> EagerTensor:
        """A tensor around an array that minitf owns."""
        tensor = EagerTensor()
        tensor._v = value
        tensor._node = None
        return tensor

    def call(self, traced: Traced, values: Sequence[Any]) -> list[Any]:
        """Runs a traced function as one plan against the eager store."""
        if traced.plan is None:
            traced.plan = Plan(traced.fetches, traced.feeds, _store, self.kernels, inside=True)
        results = traced.plan([value_of(v, None) for v in values])
        return [wrap(r) for r in results[: len(traced.outputs)]]

    # -- home ----------------------------------------------------------------------------------------------------------

    def create_variable(
        self, initial_value: Any, dtype: Any, shape: Any, name: str | None, trainable: bool, waiting: Any = None
    ) -> Handle:
        """A handle with its cell and first value: the stored one if ``waiting`` has it, else the caller's.

        With a stored value the caller's is not computed and its shape is ignored (S68-S70); the dtype must agree (S71).
        """
        spec = None
        if waiting is not None:
            value = waiting()
            value = value[()] if value.ndim == 0 and value.dtype.kind != "O" else value
            if dtype is not None and dtypes.of_numpy(value.dtype) is not dtypes.as_dtype(dtype):
                raise ValueError(
                    f"Variable {name!r} is to be {dtypes.as_dtype(dtype).name}, but the value waiting for it "
                    f"({waiting.where}) is {value.dtype}. Make the variable with that dtype."
                )
            shape = None
        elif type(initial_value) is np.ndarray and dtype is None:  # the commonest
            spec = _copied.get((initial_value.dtype, initial_value.shape)) or _spec_of_copy(initial_value)
            value = to_array(initial_value) if spec is None else initial_value.copy()  # which is in C order
        else:
            value = own_array(initial_value() if callable(initial_value) else initial_value, dtype)
        if spec is None:
            value = in_order(value)
            spec = spec_of(value.dtype, value.shape)
        if shape is not None:
            spec = Spec(spec.dtype, variable_shape(name, shape, value.shape))
        handle = Handle(names.scope().path + (name or "Variable"), spec, EAGER, trainable)
        handle.cell = Cell(handle, value, True)
        return handle

    def keep_promise(self, handle: Handle) -> None:
        """Nothing: eager variables have no operations."""

    def apply_batches(self, batches: Sequence[Batch]) -> None:
        """Reads and checks everything, then assigns everything."""
        assign_now(self, batches)

    apply_one = staticmethod(assign_one)

    def run_restore_ops(self, ops: Any, cache: Any, reader: Any, session: Any, what: str) -> None:
        """Nothing: what was matched has been assigned."""

    def store_to_save(self, session: Any, what: str) -> EagerStore:
        """The eager store, whatever the session."""
        return _store

    def store_at_hand(self, session: Any) -> EagerStore:
        """The eager store, whatever the session."""
        return _store

    def other_session_at_hand(self) -> bool:
        """False: values are not in sessions."""
        return False

    def run_tensors(self, tensors: list[Any], session: Any, what: str) -> list[Any]:
        """The values that the tensors have."""
        return [value_of(convert(t), None) for t in tensors]

    def at_once(self, make: Callable[[], Any]) -> Any:
        """Does it now."""
        return make()

    def initialise(self, find: Callable[[], list[Handle]], session: Any = None) -> None:
        """Nothing: eager variables are born with a value."""

    def refuse(self, handle: Handle, what: str) -> NoReturn:
        """Raises RuntimeError: an eager variable is used in a graph."""
        raise RuntimeError(
            f"{what}: variable {handle.name!r} is eager and cannot be used in the graph being built. Create the variable "
            f"inside `with graph.as_default():`."
        )

    def graph_of(self, what: str, error: type[Exception]) -> NoReturn:
        """Raises ``error``: eager variables belong to no graph."""
        raise error(f"{what}: the variable is eager, so it belongs to no graph and has its value now: use numpy().")

    def initialized_value(self, handle: Handle) -> Any:
        """The value."""
        return REGISTRY["read_variable"](handle)

    def start_with(self, handle: Handle, make: Callable[[], Any]) -> None:
        """Assigns the value now."""
        REGISTRY["assign"](handle, make())

    def assigned(self, variable: Any, result: Any, read_value: bool) -> Any:
        """What ``assign`` gives: the variable, which has its new value already."""
        return variable if read_value else None

    def load(self, handle: Handle, value: Any, session: Any) -> None:
        """Sets the value now."""
        REGISTRY["assign"](handle, convert(value, handle.spec.dtype))

    def value_to_copy(self, handle: Handle) -> Any:
        """The value, as an array of its own."""
        value = _store.cell(handle).read()
        return value.copy() if isinstance(value, np.ndarray) else value

    def trace(self, *arguments: Any) -> Any:
        """Traces a Python function inside this home: see ``tracing.trace``."""
        return runtime.load("minitf.runtimes.tracing").trace(self, *arguments)  # a trace is a graph: later than graphs

    def outermost(self) -> Eager:
        """Itself: eager code is inside nothing."""
        return self

    def graph_being_built(self) -> None:
        """None: there is none."""

    def require_graph(self, what: str) -> Any:
        """Raises RuntimeError: there is no graph here."""
        raise RuntimeError(
            f"{what} needs a graph and is not compatible with eager execution. Use it inside `with tf.Graph().as_default():`."
        )

    def name_scope(self, name: str | None) -> names.name_scope:
        """Prefixes the names of variables. Nothing is made unique."""
        return names.name_scope(name)

    def updating(self, name: str) -> None:
        """Nothing: updates are done, and have no names."""

    def control_dependencies(self, control_inputs: Any) -> AbstractContextManager[None]:
        """Nothing: eager code runs in the order in which it is written."""
        return _NOTHING

    def group(self, inputs: Sequence[Any], name: str) -> None:
        """Nothing: what was called is done."""

    def get_collection(self, key: Any, scope: str | None = None) -> list[Any]:
        """Empty: collections belong to graphs."""
        return []

    def register(self, variable: Any, trainable: bool, collections: Any) -> None:
        """Nothing: eager variables are on no lists."""

    def equal(self, a: Any, b: Any) -> Any:
        """Elementwise; False for what cannot be compared."""
        return a is b if b is None else REGISTRY["equal"](a, b)

    def not_equal(self, a: Any, b: Any) -> Any:
        """Elementwise; True for what cannot be compared."""
        return a is not b if b is None else REGISTRY["not_equal"](a, b)

    def hash_of(self, a: Any) -> int:
        """Raises TypeError: == is elementwise, so a hash would lie."""
        raise TypeError(
            f"An eager variable ({a.name!r}) is unhashable, because == compares its values. Use variable.ref() as the key."
        )


def own_array(value: Any, dtype: Any = None) -> Any:
    """``value`` as an array that nobody else can write to: copied unless minitf made it."""
    if type(value) is not np.ndarray and (isinstance(value, Tensor) or hasattr(value, "_as_tensor")):
        tensor = convert(value, dtype)
        return value_of(tensor, None)
    return to_array(value, None if dtype is None else dtypes.as_dtype(dtype))


def value_of(tensor: Any, op: Op | None) -> Any:
    """What a kernel gets for an input."""
    if type(tensor) is EagerTensor:
        return tensor._v
    if isinstance(tensor, Handle):
        return _store.cell(tensor)
    if isinstance(tensor, SymbolicTensor):
        raise TypeError(
            f"{op.name if op else 'variable'}: the input {tensor.name!r} belongs to a graph, so it has no value here. Build "
            "the operation inside `with graph.as_default():`, or get the value with session.run first."
        )
    return tensor


_copied: dict[Any, Spec] = {}


def _spec_of_copy(array: Any) -> Spec | None:
    """The spec of an array of which a variable may hold a plain copy. Mostly it is one of a few, which are kept."""
    known = _copied.get((array.dtype, array.shape))
    if known is None and array.ndim and array.dtype in dtypes.PLAIN:
        known = spec_of(array.dtype, array.shape)
        if len(_copied) < 1000:
            _copied[known.dtype.np, known.shape] = known
    return known


EAGER = Eager()
Eager.home = EAGER
runtime.set_default(EAGER)
