"""TensorFlow, as programs see it. It runs under TensorFlow's interpreter and imports nothing of minitf.

``required`` is what TensorFlow would do if it kept to the requirement's reading where minitf does (see ``deviations``): a few
places of TensorFlow's own machinery are set otherwise, and the rest of it goes on to say what follows from them.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import trackable_object_graph_pb2
from tensorflow.python.checkpoint import checkpoint as machinery
from tensorflow.python.checkpoint import checkpoint_management, graph_view
from tensorflow.python.checkpoint import restore as restoring
from tensorflow.python.trackable import autotrackable, base, data_structures, python_state

from differential.adapter import Adapter, Value, as_value

v1 = tf.compat.v1
OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"


AS_IT_STANDS = v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)  # tiny graphs, run once or twice
AS_IT_STANDS.graph_options.rewrite_options.disable_meta_optimizer = True
AS_IT_STANDS.graph_options.optimizer_options.opt_level = v1.OptimizerOptions.L0


class State(python_state.PythonState):
    """A text that is saved."""

    def __init__(self, text: str):
        self.text = text

    def serialize(self) -> str:
        return self.text

    def deserialize(self, string_value: bytes) -> None:
        self.text = string_value.decode()


class PlainSaver:
    """What became of CheckpointableSaver."""

    def __init__(self, root: Any):
        self._saver = machinery.TrackableSaver(graph_view.ObjectGraphView(root))

    def save(self, prefix: str, number: int | None = None) -> str:
        path = self._saver.save(prefix, checkpoint_number=number)
        return as_text(path)

    def restore(self, path: str | None) -> Any:
        return self._saver.restore(path)


class RequiredSaver(PlainSaver):
    """The same by the requirement's reading."""

    def __init__(self, root: Any):
        super().__init__(root)
        self._root = root  # S33

    def save(self, prefix: str, number: int | None = None) -> str:
        path = super().save(prefix if number is None else f"{prefix}-{number}")  # S247: 0 gives "-0"
        checkpoint_management.update_checkpoint_state_internal(  # S264
            os.path.dirname(prefix), path, all_model_checkpoint_paths=[path], save_relative_paths=True
        )
        return path

    def restore(self, path: str | None) -> Any:
        _Coordinator.all_wait = True
        try:
            status = super().restore(path)
        finally:
            _Coordinator.all_wait = False
        if isinstance(status, machinery.CheckpointLoadStatus):
            status.assert_consumed = lambda: strictly_consumed(status)
        return status


def strictly_consumed(status: Any) -> Any:
    """``assert_consumed``, which also asks for the nodes without values (S199)."""
    machinery.CheckpointLoadStatus.assert_consumed(status)
    restored = status._checkpoint
    if any(n not in restored.object_by_proto_id for n in range(len(restored.object_graph_proto.nodes))):
        raise AssertionError("a node without values is not matched")
    return status


class _Coordinator(machinery._CheckpointRestoreCoordinator):
    """A restore. ``all_wait``: nodes without values wait too (S80); ``own_ops``: no op is taken from an earlier restore."""

    all_wait = False
    own_ops = False

    def __init__(self, object_graph_proto: Any, *arguments: Any, restore_op_cache: Any, **named: Any):
        if self.all_wait:
            for node in object_graph_proto.nodes:
                node.has_checkpoint_values.value = True
        if self.own_ops:  # S179, S180
            restore_op_cache = {}
        super().__init__(object_graph_proto, *arguments, restore_op_cache=restore_op_cache, **named)


class _Saver(machinery.TrackableSaver):
    """What saves, for a Checkpoint too. ``own_ops``: nothing of a save is kept, no keys (S113) and no objects (S104)."""

    def save(self, *arguments: Any, **named: Any) -> Any:
        try:
            return super().save(*arguments, **named)
        finally:
            if _Coordinator.own_ops and self._saveables_cache is not None:
                for cache in (self._saveables_cache, self._cache):
                    for key in list(cache):
                        del cache[key]
                self._last_save_object_graph = self._cached_save_operation = None


machinery._CheckpointRestoreCoordinator = _Coordinator
machinery.TrackableSaver = _Saver


def as_text(path: Any) -> str:
    """A path that save gave (S248)."""
    if hasattr(path, "numpy"):
        path = path.numpy()
    return path.decode() if isinstance(path, bytes) else path


class TensorFlow(Adapter):
    """TensorFlow in this process."""

    name = "tensorflow"

    def __init__(self, required: bool = False):
        self.required = required

    def begin(self, graph: bool) -> None:
        _Coordinator.own_ops = self.required
        self.graph = graph
        self._open = ExitStack()
        self._reads: dict[int, Any] = {}
        if graph:
            self._open.enter_context(tf.Graph().as_default())
            self._session = self._open.enter_context(v1.Session(config=AS_IT_STANDS))
            tf.no_op()  # an empty graph cannot be run

    def end(self) -> None:
        self._open.close()
        self._reads = {}
        self._session = None

    def plain(self) -> Any:
        return autotrackable.AutoTrackable()

    def base(self) -> Any:
        return base.Trackable()

    def variable(self, dtype: str, value: Any, number: int) -> Any:
        return tf.Variable(value, dtype=dtype, name=f"v{number}")

    def state(self, text: str) -> Any:
        return State(text)

    def optimizer(self, kind: str) -> Any:
        if kind == "Adam":
            return v1.train.AdamOptimizer(0.5)
        if kind == "Momentum":
            return v1.train.MomentumOptimizer(0.5, 0.5)
        return v1.train.GradientDescentOptimizer(0.5)

    def checkpoint(self, contents: dict[str, Any]) -> Any:
        return tf.train.Checkpoint(**contents)

    def saver(self, root: Any) -> Any:
        return RequiredSaver(root) if self.required else PlainSaver(root)

    def add_variable(self, parent: Any, name: str, dtype: str, shape: Any, value: Any) -> tuple[Any, int]:
        calls = []

        def initializer(shape: Any, dtype: Any = None) -> Any:
            calls.append(1)
            return tf.constant(np.full(shape, value, dtype.as_numpy_dtype), dtype)

        made = machinery.add_variable(
            parent, name, shape=shape, dtype=tf.as_dtype(dtype), initializer=value if shape is None else initializer
        )
        return made, len(calls)

    def no_dependency(self, value: Any) -> Any:
        return data_structures.NoDependency(value)

    def track(self, parent: Any, name: str, child: Any, overwrite: bool) -> None:
        parent._track_trackable(child, name, overwrite=overwrite)

    def children(self, obj: Any) -> list[tuple[str, Any]]:
        return list(obj._trackable_children().items())

    def is_variable(self, obj: Any) -> bool:
        return isinstance(obj, tf.Variable)

    def values(self, variables: list[Any]) -> list[Value | None]:
        if not self.graph or not variables:
            return [as_value(v.numpy()) for v in variables]
        for v in variables:
            if id(v) not in self._reads:
                self._reads[id(v)] = (v.is_initialized(), v.read_value(), v)  # kept: its id must not be used again
        ready = self._session.run([self._reads[id(v)][0] for v in variables])
        values = self._session.run([self._reads[id(v)][1] for v, is_ready in zip(variables, ready, strict=True) if is_ready])
        found = iter(values)
        return [as_value(next(found)) if is_ready else None for is_ready in ready]

    def assign(self, variable: Any, value: Any) -> None:
        done = variable.assign(value)
        if self.graph:
            self._session.run(done.op)

    def initialise(self, variables: list[Any] | None) -> None:
        if self.graph:
            self._session.run(v1.global_variables_initializer() if variables is None else [v.initializer for v in variables])

    def build(self, optimizer: Any, variable: Any) -> Any:
        return optimizer.minimize(variable * 2, var_list=[variable])

    def train(self, optimizer: Any, variable: Any, built: Any) -> None:
        if self.graph:
            self._session.run(built)
        else:
            optimizer.minimize(lambda: variable * 2, var_list=[variable])

    def save(self, saver: Any, prefix: str, number: int | None) -> str:
        return saver.save(prefix, number) if isinstance(saver, PlainSaver) else saver.save(prefix)

    def family(self, error: BaseException) -> list[str]:
        told = str(error) if self.graph else ""
        if isinstance(error, tf.errors.NotFoundError) and ("find resource" in told or "3VarE does not exist" in told):
            return ["FailedPreconditionError", "OpError"]  # an uninitialised variable: each kernel says it in its way
        if isinstance(error, tf.errors.InternalError) and "ResourceApply" in told:
            return ["FailedPreconditionError", "OpError"]
        return super().family(error)

    def odd(self, error: BaseException) -> str | None:
        if isinstance(error, tf.errors.NotFoundError) and "not found in checkpoint" in str(error):
            return "S167"  # the text of a Python state met a variable
        if isinstance(error, AssertionError) and str(error).endswith("(S168)"):
            return "S168"
        step = error.__traceback__
        while step is not None and step.tb_frame.f_code.co_filename != restoring.__file__:
            step = step.tb_next
        if step is None:
            return None
        if isinstance(error, AttributeError) and "'decode'" in str(error):
            return "S167"  # the value of a variable met a Python state
        if isinstance(error, AttributeError):
            return "S137"
        if self.graph:
            return "S185" if isinstance(error, tf.errors.NotFoundError) else None
        return "S301"

    def consumed(self, status: Any) -> bool:
        if self.required and self.graph and isinstance(status, machinery.CheckpointLoadStatus):
            restored = status._checkpoint
            for n, node in enumerate(restored.object_graph_proto.nodes):
                if any(a.name == "py_state" for a in node.attributes) and self.is_variable(restored.object_by_proto_id.get(n)):
                    raise AssertionError("a text is unused (S168)")
        return super().consumed(status)

    def latest(self, directory: str) -> str | None:
        return tf.train.latest_checkpoint(directory)

    def contents(self, path: str) -> dict[str, Any]:
        reader = tf.train.load_checkpoint(path)
        values = {key: as_value(reader.get_tensor(key)) for key in reader.get_variable_to_shape_map() if key != OBJECT_GRAPH}
        graph = trackable_object_graph_pb2.TrackableObjectGraph.FromString(reader.get_tensor(OBJECT_GRAPH))
        nodes = []
        for node in graph.nodes:
            nodes.append(
                {
                    "children": [[child.local_name, child.node_id] for child in node.children],
                    "attributes": [[a.name, a.checkpoint_key] for a in node.attributes],
                    "slots": [[s.slot_name, s.original_variable_node_id, s.slot_variable_node_id] for s in node.slot_variables],
                    "valued": node.has_checkpoint_values.value,
                }
            )
        return {"values": values, "nodes": nodes}

    def unseen_misfit(self, seen: list[Any]) -> bool:
        known = set(map(id, seen))
        unseen = [v for v in tf.compat.v1.global_variables() if id(v) not in known]
        found = zip(unseen, self.values(unseen), strict=True)
        return any(value is not None and np.shape(value[1]) != tuple(v.shape) for v, value in found)
