"""One step of a training loop: a function of a batch, run now, or built into a graph once and run by the default session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minitf.core import dtypes, runtime
from minitf.core.op import convert
from minitf.core.structures import flatten, pack
from minitf.ops import sources
from minitf.runtimes.tracing import trace


class Step:
    """Calls ``function(batch)`` with a batch of arrays (a nested structure; None stays None); gives arrays in its structure.

    In a graph the function is called once for each kind of batch (dtypes, and shapes but for the first axis), with
    placeholders; variables that it makes are initialised, and so are those that have no value in the session yet. The default
    session runs it: also what changes variables and is not in the result, in the order of the function, as in a
    ``tf.function``. Raises RuntimeError if there is no session.
    """

    def __init__(self, function: Callable[..., Any]):
        self._function = function
        self._built: dict[Any, tuple[list[Any], list[Any], Any]] = {}

    def __call__(self, batch: Any) -> Any:
        """Runs the step."""
        arrays = flatten(batch)
        graph = runtime.current().home.graph_being_built()
        if graph is None:
            result = self._function(pack(batch, [None if a is None else convert(a) for a in arrays]))
            return pack(result, [_value(t) for t in flatten(result)])
        session = graph.session_for(None, "training or evaluating a model")
        arrays = [None if a is None else np.asarray(a) for a in arrays]
        form = str(pack(batch, list(range(len(arrays)))))
        kind = (graph, form, tuple(None if a is None else (a.dtype.str, a.shape[1:]) for a in arrays))
        if kind not in self._built:
            self._built[kind] = self._build(graph, batch, arrays)
            _initialise(graph, session)
        places, fetches, result = self._built[kind]
        feed = {p: a for p, a in zip(places, arrays, strict=True) if p is not None}
        return pack(result, session.run(fetches, feed)[0])

    def _build(self, graph: Any, batch: Any, arrays: list[Any]) -> tuple[list[Any], list[Any], Any]:
        places = [
            None if a is None else sources.placeholder(dtype=dtypes.of_numpy(a.dtype), shape=(None, *a.shape[1:]), name="batch")
            for a in arrays
        ]
        there = [p for p in places if p is not None]

        def arguments(inputs: Any) -> Any:
            left = iter(inputs)
            return (pack(batch, [None if p is None else next(left) for p in places]),), {}

        traced, structure = trace(graph, self._function, [p.spec for p in there], ["batch"] * len(there), arguments, True)
        before = len(graph.get_operations())
        outputs = traced.replay(graph, [*there, *traced.captured])
        effects = [o for o in graph.get_operations()[before:] if o.kernel_op.stateful]
        result = structure(outputs)
        return places, [flatten(result), effects], result


def _value(tensor: Any) -> Any:
    return convert(tensor).numpy()  # type: ignore[attr-defined]


def _initialise(graph: Any, session: Any) -> None:
    """Initialises the graph's variables that have no value in the session."""
    empty = [v for v in graph.get_collection("variables") if session.store.cell(v.handle).empty]
    graph.initialise(lambda: [v.handle for v in empty], session)
