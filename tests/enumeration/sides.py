"""The three sides: each does a step, and shows what can be seen. New values count up, alike on each side."""

from __future__ import annotations

import itertools
from contextlib import ExitStack
from typing import Any

import minitf as tf
from enumeration.steps import LETTERS, OBJECTS, Step
from minitf.saved import OBJECT_GRAPH_KEY
from minitf.storage.memory import MemoryStorage
from minitf.storage.messages import decode_graph
from minitf.testing import model

ASSERTIONS = ("assert_consumed", "assert_existing_objects_matched", "assert_nontrivial_match")
REFUSED = (ValueError, tf.errors.OpError)


class Side:
    """What all sides have in common: objects by number, the last status by root, checkpoints by letter."""

    def __init__(self) -> None:
        self.objects: list[Any] = [None] * len(OBJECTS)
        self.statuses: dict[int, Any] = {}
        self.files: dict[str, Any] = {}
        self.savers: dict[int, Any] = {}
        self.saves = 0
        self.outcome = "done"
        self._numbers = itertools.count(1)
        self.objects[0] = self.make("node", 0.0)

    def do(self, step: Step) -> None:
        """Takes a step; ``outcome`` is "done", or what kind of refusal it met."""
        action, *arguments = step
        number = float(next(self._numbers))
        self.outcome = "done"
        try:
            getattr(self, action)(*arguments, *([number] if action in ("create", "assign") else []))
        except AssertionError:
            self.outcome = "AssertionError"
        except REFUSED:
            self.outcome = "refused"

    def run_all(self, program: tuple[Step, ...]) -> None:
        """Takes all steps."""
        for step in program:
            self.do(step)

    def create(self, i: int, kind: str, value: float) -> None:
        self.objects[i] = self.make(kind, value)

    def attach(self, p: int, c: int) -> None:
        self.point(p, LETTERS[c], c)

    def reattach(self, p: int, i: int, c: int) -> None:
        self.point(p, LETTERS[i], c)

    def delete(self, i: int) -> None:
        gone = self.objects[i]
        self.cut(gone, gone)
        for other in self.objects:
            if other is not None:
                self.cut(other, gone)
        self.statuses.pop(i, None)
        self.savers.pop(i, None)
        self.objects[i] = None

    def save(self, r: int) -> None:
        self.saves += 1
        which = "A" if self.saves == 1 else "B"
        self.files[which] = self.write(r, which)

    def restore(self, which: str, r: int) -> None:
        if which in self.files:
            self.statuses[r] = self.read(r, self.files[which])

    def run(self, r: int) -> None:
        if r in self.statuses:
            self.statuses[r].run_restore_ops()

    def initialize(self, r: int) -> None:
        status = self.statuses[r] if r in self.statuses else self.read(r, None)
        status.initialize_or_restore()

    def seen(self) -> Any:
        """All that can be seen: how the step went, the values, what the statuses say."""
        said = []
        for r in sorted(self.statuses):
            for name in ASSERTIONS:
                try:
                    getattr(self.statuses[r], name)()
                    said.append((r, name, True))
                except AssertionError:
                    said.append((r, name, False))
        return self.outcome, [None if o is None else self.value(o) for o in self.objects], said

    # -- what differs --------------------------------------------------------------------------------------------------

    def make(self, kind: str, value: float) -> Any: ...
    def point(self, p: int, name: str, c: int) -> None: ...
    def cut(self, parent: Any, child: Any) -> None: ...
    def assign(self, i: int, value: float) -> None: ...
    def write(self, r: int, which: str) -> Any: ...
    def read(self, r: int, file: Any) -> Any: ...
    def value(self, obj: Any) -> Any: ...
    def content(self, which: str) -> Any: ...
    def close(self) -> None: ...


class OfModel(Side):
    """The reference model. It is also what says which steps are possible."""

    def __init__(self, graph: bool):
        self.m = model.Model(graph=graph)
        super().__init__()

    def make(self, kind, value):
        return model.Node(self.m) if kind == "node" else model.Variable(self.m, value)

    def point(self, p, name, c):
        self.objects[p].attach(name, self.objects[c])

    def cut(self, parent, child):
        for name in [name for name, c in parent.edges.items() if c is child or parent is child]:
            del parent.edges[name]

    def assign(self, i, value):
        self.objects[i].value = value

    def write(self, r, which):
        return model.Saver(self.m, self.objects[r]).save()

    def read(self, r, file):
        return model.Saver(self.m, self.objects[r]).restore(file)

    def value(self, obj):
        return obj.value

    def content(self, which):
        return [(n.kind, n.value, list(n.children)) for n in self.files.get(which, [])]

    def kind(self, i):
        return None if self.objects[i] is None else self.objects[i].kind

    def edges(self, i):
        return [(name, self.objects.index(c)) for name, c in self.objects[i].edges.items()]

    def saved(self, which):
        return which in self.files

    def restored(self, i):
        return i in self.statuses


class OfEngine(Side):
    """minitf, in the runtime that is current."""

    session: Any = None

    def __init__(self) -> None:
        self.storage = MemoryStorage()
        super().__init__()

    def make(self, kind, value):
        return tf.train.AutoTrackable() if kind == "node" else tf.Variable(value)

    def point(self, p, name, c):
        setattr(self.objects[p], name, self.objects[c])

    def cut(self, parent, child):
        for name, c in list(tf.train.children(parent).items()):
            if c is child or parent is child:
                delattr(parent, name)

    def saver(self, r):
        if r not in self.savers:
            self.savers[r] = tf.train.CheckpointableSaver(self.objects[r], storage=self.storage)
        return self.savers[r]

    def write(self, r, which):
        return self.saver(r).save(which)

    def read(self, r, file):
        status = self.saver(r).restore(file)
        if file is not None:
            status.expect_partial()  # no warning when it ends
        return status

    def content(self, which):
        if which not in self.files:
            return []
        reader = self.storage.open(which)
        nodes = decode_graph(reader.read_many([OBJECT_GRAPH_KEY])[0], source=which).nodes
        out = []
        for node in nodes:
            values = [float(reader.read(v.key)) for v in node.values]
            kind, value = ("variable", values[0]) if values else ("node", None)
            out.append((kind, value, list(node.children)))
        return out


class Eager(OfEngine):
    """Eager mode."""

    def assign(self, i, value):
        self.objects[i].assign(value)

    def value(self, obj):
        return float(obj.numpy()) if isinstance(obj, tf.Variable) else None


class InGraph(OfEngine):
    """A graph with a session."""

    def __init__(self) -> None:
        self._entered = ExitStack()
        self.graph = tf.Graph()
        self._entered.enter_context(self.graph.as_default())
        self.session = self._entered.enter_context(tf.Session())
        super().__init__()

    def close(self):
        self._entered.close()

    def assign(self, i, value):
        self.objects[i].load(value, self.session)

    def value(self, obj):
        if not isinstance(obj, tf.Variable):
            return None
        found = self.session.store.cell(obj.handle).value
        return None if found is None else float(found)
