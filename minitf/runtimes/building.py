"""Functions for writing programs: constants, placeholders, scopes, groups, initialisers, in whichever runtime is current.

None of them asks for the mode: what differs is a method of the runtime or its home.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np

from minitf.core import dtypes, names, runtime
from minitf.core.literals import to_array
from minitf.core.op import convert
from minitf.core.spec import as_shape, shape_text, total_size
from minitf.core.tensor import Tensor
from minitf.ops import sources
from minitf.runtimes.graph import Graph, GraphKeys
from minitf.runtimes.session import current_graph


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Tensor:
    """A tensor holding ``value`` (copied): numbers, strings, nested sequences, arrays.

    Without ``dtype`` a Python float is float32 and an int int32; an array keeps its dtype. ``shape`` reshapes the value; a
    single element fills it. Raises TypeError for a value that does not go with the dtype or size, ValueError for ragged rows.
    """
    if isinstance(value, Tensor):
        if dtype is None and shape is None:
            return convert(value)
        if not hasattr(value, "numpy") or not runtime.current().home.eager:
            raise TypeError("tf.constant takes values; this is a tensor of a graph. Use tf.identity, tf.reshape or tf.cast.")
        value = value.numpy()
    array = to_array(value, None if dtype is None else dtypes.as_dtype(dtype))
    if shape is not None:
        sizes = as_shape(shape)
        if sizes is None or None in sizes:
            raise ValueError(f"tf.constant: the shape must be fully known, not {shape_text(sizes)}.")
        if array.size == total_size(sizes):  # type: ignore[arg-type]
            array = np.reshape(array, sizes)
        elif array.size == 1:
            array = np.full(sizes, array, dtype=array.dtype)
        else:
            raise TypeError(f"tf.constant: {array.size} elements do not fill the shape {shape_text(sizes)}.")
        array = array[()] if array.ndim == 0 and array.dtype.kind != "O" else array
    return runtime.current().constant(array, name or "Const")


def convert_to_tensor(value: Any, dtype: Any = None, dtype_hint: Any = None, name: str | None = None,
                      preferred_dtype: Any = None) -> Tensor:  # fmt: skip
    """``value`` as a tensor; tensors are given back as they are.

    Raises ValueError for a tensor of another dtype than asked for. ``dtype_hint`` is used if the value allows it.
    """
    hint = dtype_hint if dtype_hint is not None else preferred_dtype
    if dtype is None and hint is not None and not isinstance(value, Tensor):
        try:
            return convert(value, hint, name)
        except (TypeError, ValueError):
            pass
    return convert(value, dtype, name)


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
        runtime.push_default(current_graph)


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
    flat = [i for part in inputs for i in (part if isinstance(part, (list, tuple)) else [part]) if i is not None]
    with control_dependencies(flat):
        return no_op(name or "group_deps")


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
