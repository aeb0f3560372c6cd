"""The plain-Python model of the rules, as programs see it: the third party, which knows no files, dtypes and containers.

It runs the programs of ``drawing.Draw(choice, spare=True)``. What stands here and not in the model is what surrounds the rules:
attributes, the counter of a Checkpoint, the step of an optimizer.
"""

from __future__ import annotations

import os
from typing import Any

from differential.adapter import Adapter, Value
from minitf.testing.model import InitializationOnlyStatus, Model, Node, Optimizer, SavedNode, Saver, Variable


class FailedPreconditionError(Exception):
    """A variable has no value yet."""


class NotFoundError(Exception):
    """There is no such checkpoint."""


class Object(Node):
    """A node with attributes."""

    def __init__(self, model: Model):
        super().__init__(model)
        self.attributes: dict[str, Any] = {}


class Text(Variable):
    """Python state."""

    def __init__(self, model: Model, text: str):
        super().__init__(model, text, "state")

    @property
    def text(self) -> str:
        return self.value

    @text.setter
    def text(self, text: str) -> None:
        self.value = text


class Numbered(Object):
    """A Checkpoint."""

    write = read = restore = "through the adapter"


class Trainer(Optimizer):
    """Momentum or gradient descent, at rate 0.5."""

    def __init__(self, model: Model, kind: str):
        super().__init__(model)
        self.momentum = kind == "Momentum"

    def minimize(self, variable: Variable) -> tuple[Variable, Variable | None]:
        return variable, self.slot(variable, "momentum", 0.0) if self.momentum else None

    def get_slot_names(self) -> list[str]:
        return sorted({name for _, name in self.slots})

    def get_slot(self, variable: Node, name: str) -> Variable | None:
        return self.slots.get((variable, name))

    def variables(self) -> list[Variable]:
        return list(self.slots.values())


class InModel(Adapter):
    """The model."""

    name = "model"

    def begin(self, graph: bool) -> None:
        self.graph = graph
        self._model = Model(graph)

    def __init__(self) -> None:
        self._files: dict[str, list[SavedNode]] = {}

    def end(self) -> None:
        del self._model

    def plain(self) -> Any:
        return Object(self._model)

    def variable(self, dtype: str, value: Any, number: int) -> Any:
        return Variable(self._model, value)

    def state(self, text: str) -> Any:
        return Text(self._model, text)

    def optimizer(self, kind: str) -> Any:
        return Trainer(self._model, kind)

    def checkpoint(self, contents: dict[str, Any]) -> Any:
        made = Numbered(self._model)
        for name in sorted(contents):
            self.set(made, name, contents[name])
        return made

    def saver(self, root: Any) -> Any:
        return Saver(self._model, root)

    def add_variable(self, parent: Any, name: str, dtype: str, shape: Any, value: Any) -> tuple[Any, int]:
        if name in parent.edges:
            raise ValueError(name)
        if shape is None:
            return parent.add_variable(name, value), 0
        calls = []
        initial = lambda: calls.append(1) or value
        return parent.add_variable(name, initial() if self.graph else initial), len(calls)

    def no_dependency(self, value: Any) -> Any:
        return (value,)

    def children(self, obj: Any) -> list[tuple[str, Any]]:
        return list(obj.edges.items())

    def set(self, parent: Any, name: str, value: Any) -> Any:
        if parent.attributes.get(name, self) is value:
            return value  # S14
        parent.attributes[name] = value[0] if isinstance(value, tuple) else value
        if isinstance(value, Node):
            parent.attach(name, value)
        return value

    def delete(self, parent: Any, name: str) -> None:
        parent.edges.pop(name, None)
        if name not in parent.attributes:
            raise AttributeError(name)
        del parent.attributes[name]

    def is_variable(self, obj: Any) -> bool:
        return isinstance(obj, Variable) and not isinstance(obj, Text)

    def values(self, variables: list[Any]) -> list[Value | None]:
        return [None if v.value is None else ["int64" if isinstance(v.value, int) else "float32", v.value] for v in variables]

    def assign(self, variable: Any, value: Any) -> None:
        variable.value = value

    def initialise(self, variables: list[Any] | None) -> None:
        if self.graph:
            for variable in self._model.variables if variables is None else variables:
                variable.initialise()

    def build(self, optimizer: Any, variable: Any) -> Any:
        return optimizer.minimize(variable)

    def train(self, optimizer: Any, variable: Any, built: Any) -> None:
        variable, slot = built or optimizer.minimize(variable)
        if variable.value is None or (slot is not None and slot.value is None):
            raise FailedPreconditionError
        step = 2.0
        if slot is not None:
            step = slot.value = 0.5 * slot.value + 2.0
        variable.value -= 0.5 * step

    # -- checkpoints ----------------------------------------------------------------------------------------------------

    def save(self, saver: Any, prefix: str, number: int | None) -> str:
        if isinstance(saver, Saver):
            return self._write(saver, prefix if number is None else f"{prefix}-{number}")
        new = "save_counter" not in saver.edges
        counter = self.counter(saver)
        if new:
            self.initialise([counter])
        if counter.value is None:
            raise FailedPreconditionError
        counter.value += 1
        return self._write(self._lenient(saver), f"{prefix}-{counter.value}")

    def write(self, checkpoint: Any, prefix: str) -> str:
        return self._write(self._lenient(checkpoint), prefix)

    def _write(self, saver: Saver, path: str) -> str:
        try:
            self._files[path] = saver.save()
        except ValueError:
            raise FailedPreconditionError from None
        return path

    def _lenient(self, checkpoint: Any) -> Saver:
        return Saver(self._model, checkpoint, strict=False)

    def restore(self, saver: Any, path: str | None) -> Any:
        if isinstance(saver, Saver):
            return saver.restore(self._file(path))
        status = self._lenient(saver).restore(self._file(path))
        self.counter(saver)
        return status

    def read(self, checkpoint: Any, path: str) -> Any:
        return self._lenient(checkpoint).restore(self._file(path))

    def _file(self, path: str | None) -> list[SavedNode] | None:
        if path is not None and path not in self._files:
            raise NotFoundError(os.path.basename(path))
        return None if path is None else self._files[path]

    def status_name(self, status: Any) -> str:
        return "InitializationOnlyStatus" if isinstance(status, InitializationOnlyStatus) else "CheckpointLoadStatus"

    def partial(self, status: Any) -> bool:
        return True  # it only silences warnings

    def counter(self, checkpoint: Any) -> Any:
        return checkpoint.edges.get("save_counter") or checkpoint.add_variable("save_counter", 0)

    def contents(self, path: str) -> dict[str, Any]:
        return {}
