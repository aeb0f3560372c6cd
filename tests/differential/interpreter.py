"""Runs a program on an adapter and notes what can be seen.

Each step gives one observation: ``result``, or ``error`` (the family of the exception, most special class first); besides
``values``, the variables whose value is another than before, by their numbers (in a graph they are read only where they may
have changed, so running a restore also has those that were so ``before``). A last observation lists the edges of all
objects and the values of all that can be reached. ``{}`` is a step that had nothing to work on.

The garbage collector runs at the same places on each side and nowhere else: what restores remember, they remember weakly.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Mapping
from typing import Any

from differential.adapter import Adapter
from differential.programs import Program, Step

Observation = dict[str, Any]

_RELEASING = frozenset("set delete key delete_key pop pop_key item track drop fresh behind remove saver".split())
_OF_A_STATUS = frozenset("existing consumed nontrivial partial run initialize".split())
_READING = frozenset("run initialize train initialise initialise_all initialise_slots assign".split())


class _Missing(Exception):
    """A step names something that does not exist."""


class Interpreter:
    """One run of one program."""

    def __init__(self, adapter: Adapter, directory: str, other: Mapping[int, str] | None = None):
        self.on = adapter
        self.directory = directory
        self.other = other or {}  # the other side's files, by number
        self.paths: dict[int, str] = {}
        self._forget()

    def _forget(self) -> None:
        self.objects: dict[int, Any] = {}
        self.savers: dict[int, Any] = {}
        self.statuses: dict[int, Any] = {}
        self.stored: dict[int, list[Any] | dict[Any, Any]] = {}  # what stands behind a wrapper
        self.built: dict[tuple[int, int], Any] = {}
        self.kept: list[Any] = []
        self.seen: dict[str, Any] = {}

    def run(self, program: Program) -> list[Observation]:
        """All observations."""
        gc.collect()
        gc.freeze()  # what is there already need not be looked at again and again
        collecting = gc.isenabled()
        gc.disable()
        self.on.begin(program.mode == "graph")
        try:
            observations = [self._observe(step) for step in program.steps]
            observations.append(self._look())
            return observations
        finally:
            self._end()
            if collecting:
                gc.enable()

    def _observe(self, step: Step) -> Observation:
        observation: Observation = {}
        failed = False
        if self.on.graph and step[0] in ("run", "initialize"):
            observation["before"] = self._changes()
        try:
            result = self._do(*step)
            if result is not None:
                observation["result"] = result
        except _Missing:
            return {}
        except Exception as error:
            observation["error"] = self.on.family(error)
            if reason := self.on.odd(error):
                observation["odd"] = reason
            failed = True
        else:
            if "before" in observation and self.on.unseen_misfit([o for o in self.objects.values() if self.on.is_variable(o)]):
                observation["odd"] = "S299"
        if failed or step[0] in _RELEASING:
            gc.collect()
        if failed or not self.on.graph or step[0] in _READING:
            changes = self._changes()
            if changes:
                observation["values"] = changes
        return observation

    # -- looking up -----------------------------------------------------------------------------------------------------

    def _get(self, n: int) -> Any:
        try:
            return self.objects[n]
        except KeyError:
            raise _Missing from None

    def _saver(self, k: int) -> Any:
        return self.savers[k] if k in self.savers else self._get(k)

    def _status(self, s: int) -> Any:
        try:
            return self.statuses[s]
        except KeyError:
            raise _Missing from None

    def _content(self, content: Any) -> Any:
        if isinstance(content, int):
            return self._get(content)
        kind, value = content
        return value if kind == "plain" else self.on.no_dependency(self._get(value))

    def _placed(self, content: Any, stands: Any) -> None:
        """A list or dict is replaced by its wrapper when it is put somewhere; from then on its number means the wrapper."""
        if isinstance(content, int) and isinstance(stands, (list, dict, tuple)):
            self.objects[content] = stands

    # -- steps ----------------------------------------------------------------------------------------------------------

    def _do(self, kind: str, *arguments: Any) -> Any:
        if kind in _OF_A_STATUS:
            return getattr(self.on, kind)(self._status(*arguments))
        return getattr(self, f"_do_{kind}")(*arguments)

    def _do_fresh(self, mode: str) -> None:
        self._end()
        self.on.begin(mode == "graph")

    def _end(self) -> None:
        self._forget()
        self.on.end()
        gc.collect()

    def _do_plain(self, n: int) -> None:
        self.objects[n] = self.on.plain()

    def _do_base(self, n: int) -> None:
        self.objects[n] = self.on.base()

    def _do_list(self, n: int, contents: list[Any]) -> None:
        self.objects[n] = self.stored[n] = [self._content(c) for c in contents]

    def _do_tuple(self, n: int, contents: list[Any]) -> None:
        self.objects[n] = tuple(self._content(c) for c in contents)

    def _do_dict(self, n: int, contents: list[Any]) -> None:
        self.objects[n] = self.stored[n] = {key: self._content(c) for key, c in contents}

    def _do_variable(self, n: int, dtype: str, value: Any, initialised: bool) -> None:
        variable = self.objects[n] = self.on.variable(dtype, value, n)
        if initialised:
            self.on.initialise([variable])

    def _do_state(self, n: int, text: str) -> None:
        self.objects[n] = self.on.state(text)

    def _do_optimizer(self, n: int, kind: str) -> None:
        self.objects[n] = self.on.optimizer(kind)

    def _do_checkpoint(self, n: int, contents: list[Any]) -> None:
        given = {name: self._content(content) for name, content in contents}
        self.kept.append(given)  # TensorFlow's Checkpoint keeps its keyword arguments for ever, so their end is not to be seen
        self.objects[n] = self.on.checkpoint(given)

    def _do_add_variable(self, n: int, p: int, name: str, dtype: str, shape: Any, value: Any) -> int:
        self.objects[n], calls = self.on.add_variable(self._attributed(p), name, dtype, shape, value)
        return calls

    def _attributed(self, p: int) -> Any:
        """An object that has attributes of its own to speak of."""
        parent = self._get(p)
        if isinstance(parent, (list, dict, tuple)) or self.on.is_variable(parent):
            raise _Missing
        return parent

    def _listed(self, p: int) -> Any:
        parent = self._get(p)
        if not isinstance(parent, list):
            raise _Missing
        return parent

    def _keyed(self, p: int) -> Any:
        parent = self._get(p)
        if not isinstance(parent, dict):
            raise _Missing
        return parent

    def _do_set(self, p: int, name: str, content: Any) -> None:
        self._placed(content, self.on.set(self._attributed(p), name, self._content(content)))

    def _do_delete(self, p: int, name: str) -> None:
        self.on.delete(self._attributed(p), name)

    def _do_track(self, p: int, name: str, c: int, overwrite: bool) -> None:
        self.on.track(self._attributed(p), name, self._get(c), overwrite)

    def _do_append(self, p: int, content: Any) -> None:
        self._placed(content, self.on.append(self._listed(p), self._content(content)))

    def _do_insert(self, p: int, index: int, content: Any) -> None:
        self.on.insert(self._listed(p), index, self._content(content))

    def _do_item(self, p: int, index: int, content: Any) -> None:
        self._placed(content, self.on.set_item(self._listed(p), index, self._content(content)))

    def _do_pop(self, p: int) -> None:
        self.on.pop(self._listed(p))

    def _do_behind(self, p: int, content: Any) -> None:
        stored, value = self.stored.get(p), self._content(content)
        if stored is None:
            raise _Missing
        if isinstance(stored, list):
            stored.append(value)
        else:
            stored["behind"] = value

    def _do_key(self, p: int, key: Any, content: Any) -> None:
        self._placed(content, self.on.set_item(self._keyed(p), key, self._content(content)))

    def _do_delete_key(self, p: int, key: Any) -> None:
        self.on.delete_item(self._keyed(p), key)

    def _do_pop_key(self, p: int, key: Any) -> None:
        self.on.pop(self._keyed(p), key)

    def _do_drop(self, n: int) -> None:
        self._get(n)
        del self.objects[n]
        self.stored.pop(n, None)
        self.seen.pop(str(n), None)
        for pair in [pair for pair in self.built if n in pair]:
            del self.built[pair]

    # -- values ---------------------------------------------------------------------------------------------------------

    def _variable(self, v: int) -> Any:
        variable = self._get(v)
        if not self.on.is_variable(variable):
            raise _Missing
        return variable

    def _do_assign(self, v: int, value: Any) -> None:
        self.on.assign(self._variable(v), value)

    def _do_set_state(self, n: int, text: str) -> None:
        state = self._get(n)
        if not hasattr(state, "text"):
            raise _Missing
        state.text = text

    def _optimizer(self, o: int) -> Any:
        optimizer = self._get(o)
        if not hasattr(optimizer, "minimize"):
            raise _Missing
        return optimizer

    def _do_build(self, o: int, v: int) -> None:
        optimizer, variable = self._optimizer(o), self._variable(v)
        if self.on.graph and (o, v) not in self.built:
            self.built[o, v] = self.on.build(optimizer, variable)

    def _do_train(self, o: int, v: int) -> None:
        self._do_build(o, v)
        self.on.train(self._optimizer(o), self._variable(v), self.built.get((o, v)))

    def _do_initialise(self, v: int) -> None:
        self.on.initialise([self._variable(v)])

    def _do_initialise_slots(self, o: int) -> None:
        if not self.on.graph:
            raise _Missing
        self.on.initialise(self.on.optimizer_variables(self._optimizer(o)))

    def _do_initialise_all(self) -> None:
        self.on.initialise(None)

    # -- checkpoints ----------------------------------------------------------------------------------------------------

    def _do_saver(self, k: int, root: int) -> None:
        self.savers[k] = self.on.saver(self._get(root))

    def _do_save(self, k: int, i: int, number: int | None) -> Any:
        return self._written(i, self.on.save(self._saver(k), self._prefix(i), number if k in self.savers else None))

    def _do_write(self, k: int, i: int) -> Any:
        checkpoint = self._get(k)
        if not hasattr(checkpoint, "write"):
            raise _Missing
        return self._written(i, self.on.write(checkpoint, self._prefix(i)))

    def _prefix(self, i: int) -> str:
        self.paths.setdefault(i, os.path.join(self.directory, str(i), "ck"))
        return os.path.join(self.directory, str(i), "ck")

    def _written(self, i: int, path: str) -> Any:
        self.paths[i] = path
        return {"path": os.path.relpath(path, self.directory), "file": self.on.contents(path)}

    def _path(self, i: int | None, cross: bool) -> str | None:
        if i is None:
            return None
        if i not in self.paths:
            raise _Missing
        return self.other.get(i, self.paths[i]) if cross else self.paths[i]

    def _do_restore(self, k: int, i: int | None, s: int, cross: bool) -> Any:
        saver, path = self._saver(k), self._path(i, cross)
        if not hasattr(saver, "restore"):
            raise _Missing
        self.statuses[s] = status = self.on.restore(saver, path)
        return self.on.status_name(status)

    def _do_read(self, k: int, i: int, s: int, cross: bool) -> Any:
        checkpoint, path = self._get(k), self._path(i, cross)
        if not hasattr(checkpoint, "read") or path is None:
            raise _Missing
        self.statuses[s] = status = self.on.read(checkpoint, path)
        return self.on.status_name(status)

    def _do_counter(self, k: int) -> Any:
        checkpoint = self._get(k)
        if k in self.savers or not hasattr(checkpoint, "write"):
            raise _Missing
        return self.on.values([self.on.counter(checkpoint)])

    def _do_remove(self, i: int) -> None:
        path = self.paths.get(i)
        if path is None or not os.path.isdir(os.path.dirname(path)):
            raise _Missing
        for name in os.listdir(os.path.dirname(path)):
            os.remove(os.path.join(os.path.dirname(path), name))

    def _do_latest(self, i: int) -> Any:
        found = self.on.latest(os.path.join(self.directory, str(i)))
        return [found and os.path.relpath(found, self.directory)]

    # -- looking --------------------------------------------------------------------------------------------------------

    def _changes(self) -> dict[str, Any]:
        numbers = [n for n, obj in self.objects.items() if self.on.is_variable(obj)]
        present: dict[str, Any] = dict(zip(map(str, numbers), self.on.values([self.objects[n] for n in numbers]), strict=True))
        present |= {str(n): ["text", obj.text] for n, obj in self.objects.items() if hasattr(obj, "text")}
        changes = {n: value for n, value in present.items() if n not in self.seen or self.seen[n] != value}
        self.seen |= changes
        return changes

    def _do_look(self) -> Observation:
        return self._look()

    def _look(self) -> Observation:
        """The edges of every object that can be reached, and every value."""
        labels = {self.on.identity(obj): str(n) for n, obj in self.objects.items()}
        queue = [(str(n), obj) for n, obj in self.objects.items()]
        edges: dict[str, Any] = {}
        texts: dict[str, Any] = {}
        variables: dict[str, Any] = {}
        optimizers: list[tuple[str, Any]] = []
        for label, obj in queue:  # grows while it is walked
            if type(obj) in (list, dict, tuple):
                continue  # not tracked by anything yet
            if self.on.is_variable(obj):
                variables[label] = obj
                continue
            if hasattr(obj, "text"):
                texts[label] = ["text", obj.text]
            try:
                children = self.on.children(obj)
            except Exception as error:
                edges[label] = self.on.family(error)
                continue
            edges[label] = found = []
            for name, child in children:
                key = self.on.identity(child)
                if key not in labels:
                    labels[key] = f"{label}/{name}"
                    queue.append((labels[key], child))
                found.append([name, labels[key]])
            if hasattr(obj, "get_slot_names"):
                optimizers.append((label, obj))
        for n, variable in list(variables.items()):
            for label, optimizer in optimizers:
                for slot in self.on.slots(optimizer):
                    made = self.on.slot(optimizer, variable, slot)
                    if made is not None:
                        variables[f"{label}.{slot}.{n}"] = made
        values = dict(zip(variables, self.on.values(list(variables.values())), strict=True))
        return {"edges": edges, "values": values | texts}
