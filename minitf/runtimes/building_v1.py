"""What programs of TensorFlow 1.x call while they build: older names, collections, scopes without effect, switches.

A switch that turns on what minitf always does, does nothing; one that would turn it off raises UnimplementedError.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from minitf.core import runtime
from minitf.errors import UnimplementedError
from minitf.ops.joining import stack
from minitf.ops.shapes import rank
from minitf.runtimes import building
from minitf.runtimes.graph_home import GraphKeys
from minitf.runtimes.session import current_graph

# -- collections and initialisers ------------------------------------------------------------------------------------------


def all_variables() -> list[Any]:
    """``global_variables()``"""
    return building.global_variables()


def model_variables(scope: str | None = None) -> list[Any]:
    """The variables in the collection MODEL_VARIABLES of the current graph."""
    return building.get_collection(GraphKeys.MODEL_VARIABLES, scope)


def moving_average_variables(scope: str | None = None) -> list[Any]:
    """The variables of the current graph that have moving averages."""
    return building.get_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, scope)


def add_to_collections(names: Any, value: Any) -> None:
    """Adds to several collections of the current graph (one name: to one)."""
    current_graph().add_to_collections(names, value)


def get_collection_ref(key: Any) -> list[Any]:
    """The collection of the current graph itself: what is appended is in it. Eager mode has none: a new list."""
    graph = runtime.current().home.graph_being_built()
    return [] if graph is None else graph.get_collection_ref(key)


def initialize_all_variables() -> Any:
    """``global_variables_initializer()``"""
    return building.global_variables_initializer()


def initialize_local_variables() -> Any:
    """``local_variables_initializer()``"""
    return building.local_variables_initializer()


def initialize_variables(var_list: Any, name: str = "init") -> Any:
    """``variables_initializer(var_list)``"""
    return building.variables_initializer(var_list, name)


def tables_initializer(name: str = "init_all_tables") -> Any:
    """An operation that initialises all lookup tables. There are none, so it does nothing; None in eager mode."""
    return building.group(name=name)


def assert_variables_initialized(var_list: Any = None) -> Any:
    """A tensor that raises FailedPreconditionError when it is computed, if one of the variables has no value.

    Without ``var_list`` all variables of the graph; None if there are none.
    """
    variables = building.global_variables() + building.local_variables() if var_list is None else list(var_list)
    ranks = [rank(v) for v in variables]
    return (ranks[0] if len(ranks) == 1 else stack(ranks)) if ranks else None


# -- scopes ----------------------------------------------------------------------------------------------------------------


@contextmanager
def container(container_name: str) -> Iterator[str]:
    """``with container("name"):`` is accepted for TensorFlow's sake: values live in sessions, not in containers."""
    yield container_name


@contextmanager
def colocate_with(op: Any, ignore_existing: bool = False) -> Iterator[None]:
    """``with colocate_with(op):`` is accepted for TensorFlow's sake: there is one device."""
    yield


@contextmanager
def op_scope(values: Any, name: str | None, default_name: str | None = None) -> Iterator[str]:
    """``name_scope`` with another order of arguments. Raises ValueError if no name is given."""
    found = default_name if name is None else name
    if found is None and runtime.current().home.graph_being_built() is not None:
        raise ValueError("op_scope needs a name or a default_name.")
    with building.name_scope(found) as scope:
        yield scope


# -- switches --------------------------------------------------------------------------------------------------------------


def _refuse(what: str, instead: str) -> NoReturn:
    raise UnimplementedError(f"minitf has {what} and nothing else, so this cannot be disabled. {instead}")


def enable_resource_variables() -> None:
    """Does nothing: all variables are of this kind."""


def resource_variables_enabled() -> bool:
    """True: all variables are of this kind."""
    return True


def disable_resource_variables() -> None:
    """Raises UnimplementedError: there is no other kind."""
    _refuse("resource variables", "Programs seldom depend on the other kind: delete the call.")


def enable_control_flow_v2() -> None:
    """Does nothing: branches and bodies of loops are functions."""


def control_flow_v2_enabled() -> bool:
    """True: branches and bodies of loops are functions."""
    return True


def disable_control_flow_v2() -> None:
    """Raises UnimplementedError: there is no other kind."""
    _refuse("control flow of functions (v2)", "Programs seldom depend on the other kind: delete the call.")


def enable_v2_tensorshape() -> None:
    """Does nothing: an element of a TensorShape is an int or None."""


def disable_v2_tensorshape() -> None:
    """Raises UnimplementedError: an element of a TensorShape is an int or None, not a Dimension."""
    _refuse("shapes of ints", "Write tf.compat.dimension_value(shape[0]) for shape[0].value, which runs everywhere.")


def executing_eagerly_outside_functions() -> bool:
    """True if ops run at once here, or where the ``tf.function`` that is being traced was called."""
    return bool(runtime.current().home.outermost().eager)
