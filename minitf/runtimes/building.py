"""Functions for writing programs: placeholders, scopes, groups, initialisers, in whichever runtime is current.

None of them asks for the mode: what differs is a method of the runtime or its home.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from minitf.core import dtypes, names, runtime
from minitf.core.op import convert
from minitf.core.spec import as_shape
from minitf.ops import sources
from minitf.ops.joining import stack
from minitf.ops.state import is_initialized, uninitialized_names
from minitf.runtimes.graph import Graph
from minitf.runtimes.graph_home import GraphKeys
from minitf.runtimes.session import current_graph, process_graph


def placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> Any:
    """A tensor of the graph that must be fed at each run. Raises RuntimeError in eager mode."""
    runtime.current().home.require_graph("tf.placeholder")
    return sources.placeholder(dtype=dtypes.as_dtype(dtype), shape=as_shape(shape), name=name or "Placeholder")


def placeholder_with_default(input: Any, shape: Any, name: str | None = None) -> Any:
    """A tensor that is ``input`` unless it is fed."""
    return sources.placeholder_with_default(input, shape=as_shape(shape), name=name or "PlaceholderWithDefault")


def executing_eagerly() -> bool:
    """True if ops run at once here."""
    return runtime.current().home.eager


def get_default_graph() -> Graph:
    """The graph that is being built, or the process's default graph."""
    return current_graph()


def disable_eager_execution() -> None:
    """Makes the process's default graph the default runtime, for 1.x programs. Call it first of all."""
    if not runtime.has_pushed_default():
        runtime.push_default(process_graph)


def enable_eager_execution(config: Any = None, device_policy: Any = None, execution_mode: Any = None) -> None:
    """Makes eager execution the default again (it is, from the start)."""
    runtime.pop_default()


def disable_v2_behavior() -> None:
    """The 1.x defaults: graphs first."""
    disable_eager_execution()


def enable_v2_behavior() -> None:
    """The 2.x defaults: eager first."""
    enable_eager_execution()


# -- scopes --------------------------------------------------------------------------------------------------------------


def name_scope(name: str | None, default_name: str | None = None, values: Any = None) -> AbstractContextManager[str]:
    """``with name_scope("layer"):`` prefixes the names of operations and variables made inside."""
    return runtime.current().home.name_scope(name if name is not None else default_name)


def control_dependencies(control_inputs: Any) -> AbstractContextManager[None]:
    """What is made inside runs after these operations (graph). Eager code runs in order anyway."""
    return runtime.current().home.control_dependencies(control_inputs)


def device(name: Any) -> AbstractContextManager[None]:
    """Accepted for TensorFlow's sake; minitf computes on the CPU."""
    return nullcontext()


@contextmanager
def init_scope() -> Iterator[None]:
    """Leaves control dependencies, tapes and the tracing of functions: for making things that outlive them."""
    home = runtime.current().home.outermost()
    with runtime.using(home), names.entered(names.Scope(names.scope().path)):
        yield


# -- groups --------------------------------------------------------------------------------------------------------------


def no_op(name: str | None = None) -> Any:
    """An operation that does nothing (graph); None in eager mode."""
    return sources.no_op(name=name or "NoOp") or None


def group(*inputs: Any, name: str | None = None) -> Any:
    """An operation that is done when all inputs are (graph); None in eager mode."""
    return runtime.current().home.group(inputs, name or "group_deps")


# -- collections and initialisers ------------------------------------------------------------------------------------------


def get_collection(key: Any, scope: str | None = None) -> list[Any]:
    """A collection of the current graph; empty in eager mode."""
    return runtime.current().home.get_collection(key, scope)


def add_to_collection(name: Any, value: Any) -> None:
    """Adds to a collection of the current graph."""
    current_graph().add_to_collection(name, value)


def global_variables(scope: str | None = None) -> list[Any]:
    """The variables of the current graph; empty in eager mode, where objects own their variables."""
    return get_collection(GraphKeys.GLOBAL_VARIABLES, scope)


def trainable_variables(scope: str | None = None) -> list[Any]:
    """The trainable variables of the current graph."""
    return get_collection(GraphKeys.TRAINABLE_VARIABLES, scope)


def local_variables(scope: str | None = None) -> list[Any]:
    """The local variables of the current graph."""
    return get_collection(GraphKeys.LOCAL_VARIABLES, scope)


def variables_initializer(var_list: Any, name: str = "init") -> Any:
    """An operation that runs the initialisers of these variables (graph); None in eager mode."""
    return group(*[v.initializer for v in var_list], name=name)


def global_variables_initializer() -> Any:
    """An operation that initialises all variables of the graph made so far."""
    return variables_initializer(global_variables())


def local_variables_initializer() -> Any:
    """An operation that initialises all local variables."""
    return variables_initializer(local_variables())


def is_variable_initialized(variable: Any) -> Any:
    """A bool tensor: whether the variable has a value."""
    return is_initialized(variable.handle)


def report_uninitialized_variables(var_list: Any = None, name: str = "report_uninitialized_variables") -> Any:
    """A string vector with the names of the variables that have no value yet, by default of all of the graph."""
    variables = global_variables() + local_variables() if var_list is None else list(var_list)
    handles = [v.handle for v in variables]
    return uninitialized_names(*handles, names=[h.name for h in handles], name=name)


def parallel_stack(values: Any, name: str = "parallel_stack") -> Any:
    """``tf.stack(values)`` along a new first axis, in a graph, of tensors whose shapes are known.

    Raises RuntimeError in eager mode, ValueError for a shape that is not known.
    """
    runtime.current().home.require_graph("tf.parallel_stack")
    tensors = [convert(v) for v in values]
    for t in tensors:
        t.shape.assert_is_fully_defined()
    return stack(tensors, name=name)
