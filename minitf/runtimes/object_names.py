"""Automatic names of layers and optimizers: ``dense``, ``dense_1``, ... counted anew in each graph.

In eager mode the process's default graph counts, so ``reset_default_graph()`` makes names start again in both modes.
"""

from __future__ import annotations

import re
from weakref import WeakKeyDictionary

from minitf.runtimes.building import init_scope
from minitf.runtimes.graph import Graph
from minitf.runtimes.session import current_graph

_counts: WeakKeyDictionary[Graph, dict[str, int]] = WeakKeyDictionary()


def snake_case(name: str) -> str:
    """``LSTMCell`` as ``lstm_cell``: Keras 2's rule, so ``ReLU`` is ``re_lu``. A leading underscore becomes ``private_...``."""
    spaced = re.sub("(.)([A-Z][a-z0-9]+)", r"\1_\2", name)
    lowered = re.sub("([a-z])([A-Z])", r"\1_\2", spaced).lower()
    return f"private{lowered}" if lowered.startswith("_") else lowered


def unique_object_name(base: str) -> str:
    """``base``, ``base_1``, ``base_2``, ... in the current graph."""
    with init_scope():
        counts = _counts.setdefault(current_graph(), {})
    count = counts[base] = counts.get(base, -1) + 1
    return f"{base}_{count}" if count else base
