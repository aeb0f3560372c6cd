"""minitf, as programs see it."""

from __future__ import annotations

import gc
import logging
from contextlib import ExitStack
from typing import Any

import numpy as np

import minitf as tf
from differential.adapter import Adapter, Value, as_value


class State(tf.train.PythonState):
    """A text that is saved."""

    def __init__(self, text: str):
        self.text = text

    def serialize(self) -> str:
        return self.text

    def deserialize(self, string_value: bytes) -> None:
        self.text = string_value.decode()


class Minitf(Adapter):
    """minitf in this process."""

    name = "minitf"

    def begin(self, graph: bool) -> None:
        self.graph = graph
        self._open = ExitStack()
        log = logging.getLogger("minitf")
        self._open.callback(log.setLevel, log.level)
        self._open.callback(gc.collect)  # what restores say at their end is not said either
        log.setLevel(logging.CRITICAL)
        if graph:
            self._open.enter_context(tf.Graph().as_default())
            self._session = self._open.enter_context(tf.Session())

    def end(self) -> None:
        self._session = None
        self._open.close()

    def plain(self) -> Any:
        return tf.train.AutoTrackable()

    def base(self) -> Any:
        return tf.train.Trackable()

    def variable(self, dtype: str, value: Any, number: int) -> Any:
        return tf.Variable(value, dtype=dtype, name=f"v{number}")

    def state(self, text: str) -> Any:
        return State(text)

    def optimizer(self, kind: str) -> Any:
        match kind:
            case "Adam":
                return tf.train.AdamOptimizer(0.5)
            case "Momentum":
                return tf.train.MomentumOptimizer(0.5, 0.5)
        return tf.train.GradientDescentOptimizer(0.5)

    def checkpoint(self, contents: dict[str, Any]) -> Any:
        return tf.train.Checkpoint(**contents)

    def saver(self, root: Any) -> Any:
        return tf.train.CheckpointableSaver(root)

    def add_variable(self, parent: Any, name: str, dtype: str, shape: Any, value: Any) -> tuple[Any, int]:
        calls = []

        def initializer(shape: Any, dtype: Any = None, **_: Any) -> Any:
            calls.append(1)
            return tf.constant(np.full(shape, value, dtype.as_numpy_dtype), dtype)

        made = tf.train.add_variable(
            parent, name, shape=shape, dtype=tf.as_dtype(dtype), initializer=value if shape is None else initializer
        )
        return made, len(calls)

    def no_dependency(self, value: Any) -> Any:
        return tf.train.NoDependency(value)

    def track(self, parent: Any, name: str, child: Any, overwrite: bool) -> None:
        tf.train.track(parent, child, name, overwrite=overwrite)

    def children(self, obj: Any) -> list[tuple[str, Any]]:
        return list(tf.train.children(obj).items())

    def identity(self, obj: Any) -> int:
        return id(obj._stand_in()) if hasattr(obj, "_stand_in") else id(obj)

    def is_variable(self, obj: Any) -> bool:
        return isinstance(obj, tf.Variable)

    def values(self, variables: list[Any]) -> list[Value | None]:
        found: list[Value | None] = []
        for variable in variables:
            try:
                found.append(as_value(self._session.run(variable) if self.graph else variable.numpy()))
            except tf.errors.FailedPreconditionError:
                found.append(None)
        return found

    def assign(self, variable: Any, value: Any) -> None:
        done = variable.assign(value)
        if self.graph:
            self._session.run(done)

    def initialise(self, variables: list[Any] | None) -> None:
        if self.graph:
            self._session.run(tf.global_variables_initializer() if variables is None else [v.initializer for v in variables])

    def build(self, optimizer: Any, variable: Any) -> Any:
        return optimizer.minimize(variable * 2, var_list=[variable])

    def train(self, optimizer: Any, variable: Any, built: Any) -> None:
        if self.graph:
            self._session.run(built)
        else:
            optimizer.minimize(lambda: variable * 2, var_list=[variable])

    def save(self, saver: Any, prefix: str, number: int | None) -> str:
        path = saver.save(prefix) if number is None else saver.save(prefix, number)
        assert isinstance(path, str), f"save gave {path!r} (S248)"
        return path

    def latest(self, directory: str) -> str | None:
        return tf.train.latest_checkpoint(directory)

    def contents(self, path: str) -> dict[str, Any]:
        reader = tf.train.load_checkpoint(path)
        values = {}
        for key in reader.get_variable_to_shape_map():
            if key != "_CHECKPOINTABLE_OBJECT_GRAPH":
                values[key] = as_value(reader.get_tensor(key))
        nodes = []
        for node in tf.train.object_metadata(path).nodes:
            nodes.append(
                {
                    "children": [[child.local_name, child.node_id] for child in node.children],
                    "attributes": [[a.name, a.checkpoint_key] for a in node.attributes],
                    "slots": [[s.slot_name, s.original_variable_node_id, s.slot_variable_node_id] for s in node.slot_variables],
                    "valued": node.has_checkpoint_values.value,
                }
            )
        return {"values": values, "nodes": nodes}
