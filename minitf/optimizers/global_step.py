"""The global step: the variable that counts training steps, one in each graph (and one for eager programs)."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from minitf.core import dtypes, names
from minitf.objects.variable import Variable, is_variable
from minitf.ops.creating import identity
from minitf.runtimes.graph_home import GraphKeys
from minitf.runtimes.session import current_graph

_NAME = "global_step"
_READ = "global_step_read_op_cache"  # TensorFlow's name of the collection


def get_global_step(graph: Any = None) -> Any | None:
    """The global step of ``graph`` (by default the current one), or None.

    A variable named "global_step" counts as it. Raises TypeError if that is no integer scalar. In eager mode the process's
    default graph remembers the step, until ``reset_default_graph()``.
    """
    place = current_graph() if graph is None else graph
    found = place.get_collection(GraphKeys.GLOBAL_STEP)
    if not found:
        found = [v for v in place.get_collection(GraphKeys.GLOBAL_VARIABLES) if v.name == f"{_NAME}:0"]
    if len(found) != 1:
        return None
    assert_global_step(found[0])
    return found[0]


def create_global_step(graph: Any = None) -> Any:
    """A new int64 variable "global_step", 0 at first and not trained. Raises ValueError if there is one."""
    if get_global_step(graph) is not None:
        raise ValueError('"global_step" already exists. Use get_or_create_global_step().')
    with nullcontext() if graph is None else graph.as_default(), names.entered(names.Scope()):
        step = Variable(0, trainable=False, name=_NAME, dtype=dtypes.int64)
    (current_graph() if graph is None else graph).add_to_collection(GraphKeys.GLOBAL_STEP, step)
    return step


def get_or_create_global_step(graph: Any = None) -> Any:
    """The global step, made if it does not exist."""
    found = get_global_step(graph)
    return create_global_step(graph) if found is None else found


def global_step_read(graph: Any = None) -> Any | None:
    """A tensor of a graph with the global step, for those who fetch it in every run; None if the graph has no global step.

    There is one in each graph; it gives the initial value while the step has none.
    """
    place = current_graph() if graph is None else graph
    known = place.get_collection(_READ)
    if known:
        return known[0]
    step = get_global_step(place)
    if step is None:
        return None
    with place.as_default(), names.entered(names.Scope(f"{step.op.name}/")):
        read = step.initialized_value() if is_variable(step) else identity(step)
    place.add_to_collection(_READ, read)
    return read


def global_step(sess: Any, global_step_tensor: Any) -> int:
    """The number of steps so far, read in a session (eager: pass None for it)."""
    if sess is None:
        return int(global_step_tensor)
    return int(sess.run(global_step_tensor))


def assert_global_step(global_step_tensor: Any) -> None:
    """Raises TypeError unless it is a scalar variable or tensor of integers."""
    if not getattr(global_step_tensor, "dtype", dtypes.float32).is_integer:
        raise TypeError(f'Existing "global_step" does not have integer type: {global_step_tensor!r}.')
    if global_step_tensor.shape.rank not in (0, None):
        raise TypeError(f'Existing "global_step" is not scalar: it has shape {global_step_tensor.shape}.')
