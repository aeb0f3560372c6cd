"""The names of variables that follow another variable, such as ``w/Adam``, ``w/Adam_1``."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from minitf.objects.variable_scope import get_variable_scope
from minitf.objects.variable_table import home_here
from minitf.runtimes.building import get_default_graph
from minitf.runtimes.graph import Graph

# How many variables were called so: in a graph, or in a scope of eager code, which counts anew with the default graph.
_made: WeakKeyDictionary[Graph, WeakKeyDictionary[object, dict[str, int]]] = WeakKeyDictionary()


def slot_name(owner: str, last: str) -> str:
    """The name of one more variable that follows the variable called ``owner``: ``owner/last``, in the current scope.

    The second of a name ends with ``_1``, though the first may follow another variable: eager ones can have the same name. In
    eager mode a scope that is opened anew counts anew, and so does everything after ``reset_default_graph()``.
    """
    graph, scope = get_default_graph(), get_variable_scope()
    base = f"{scope.name}/{owner}/{last}" if scope.name else f"{owner}/{last}"
    where = scope if home_here().graph_being_built() is None else graph
    made = _made.setdefault(graph, WeakKeyDictionary()).setdefault(where, {})
    count = made[base] = made.get(base, -1) + 1
    return f"{base}_{count}" if count else base
