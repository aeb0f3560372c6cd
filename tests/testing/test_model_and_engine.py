"""Random programs run by the reference model and by the engine: after every step both must tell the same."""

import itertools
import tempfile
from contextlib import ExitStack

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, note, settings

import minitf as tf
from minitf.objects.slots import SlotOwner
from minitf.testing import model

NODES, VARIABLES, OPTIMIZERS, STATES = range(3), range(3, 6), range(6, 8), range(8, 9)
OBJECTS = range(9)
names = st.sampled_from(["a", "b", "c"])
roots = st.sampled_from([0, 0, 0, 1])
parents = st.sampled_from([0, 0, *NODES, *OPTIMIZERS])
statuses = st.integers(0, 4)
assertions = ("assert_consumed", "assert_existing_objects_matched", "assert_nontrivial_match")

attach = st.tuples(st.just("attach"), parents, names, st.sampled_from(OBJECTS))
save = st.tuples(st.just("save"), roots)
restore = st.tuples(st.just("restore"), roots, st.integers(0, 2), st.booleans())
step = st.one_of(
    attach,
    attach,
    attach,
    st.tuples(st.just("slot"), st.sampled_from(OPTIMIZERS), st.sampled_from(VARIABLES)),
    save,
    restore,
    st.tuples(st.just("detach"), parents, names),
    st.tuples(st.just("assign"), st.sampled_from(VARIABLES)),
    st.tuples(st.just("replace"), st.sampled_from(OBJECTS)),
    st.tuples(st.just("none"), roots),
    st.tuples(st.just("run"), statuses),
    st.tuples(st.just("initialize_or_restore"), statuses),
)


@st.composite
def programs(draw):
    """A tree that is built and saved; then, perhaps in a fresh program, trees that are built, restored and changed."""
    build = draw(st.lists(attach, min_size=3, max_size=7))
    if draw(st.booleans()):  # something to keep slots for
        optimizer, variable = draw(st.sampled_from(OPTIMIZERS)), draw(st.sampled_from(VARIABLES))
        build += [("attach", 0, "a", optimizer), ("attach", 0, "b", variable), ("slot", optimizer, variable)]
    program = [*build, ("none", 0), ("initialize_or_restore", 0), ("save", 0)]
    again = st.one_of(st.sampled_from([s for s in build if s[0] == "attach"]), step)
    for _ in range(draw(st.integers(1, 3))):
        if draw(st.booleans()):
            program.append(("fresh",))
        program += draw(st.lists(again, max_size=4)) + [draw(restore)] + draw(st.lists(again, max_size=8))
    return program


class Text(tf.train.PythonState):
    """Python state of the engine's side."""

    def __init__(self, text):
        self.text = text

    def serialize(self):
        return self.text

    def deserialize(self, string_value):
        self.text = string_value.decode()


class OfModel:
    """The program on the model."""

    def __init__(self, graph):
        self.m = model.Model(graph=graph)
        self.objects = [self.make(i, 0.0) for i in OBJECTS]
        self.files, self.statuses, self.kept = [], [], []

    def make(self, i, value):
        if i in NODES:
            return model.Node(self.m)
        if i in OPTIMIZERS:
            return model.Optimizer(self.m)
        return model.Variable(self.m, f"text {value}" if i in STATES else value, "state" if i in STATES else "variable")

    def attach(self, parent, name, child):
        self.objects[parent].attach(name, self.objects[child])

    def detach(self, parent, name):
        self.objects[parent].edges.pop(name, None)

    def assign(self, variable, value):
        self.objects[variable].value = value

    def replace(self, i, value):
        self.kept.append(self.objects[i])
        self.objects[i] = self.make(i, value)

    def fresh(self, value):
        self.kept += self.objects
        self.objects = [self.make(i, value) for i in OBJECTS]

    def slot(self, optimizer, variable, value):
        self.objects[optimizer].slot(self.objects[variable], "m", value)

    def save(self, root):
        self.files.append(model.Saver(self.m, self.objects[root]).save())

    def restore(self, root, file, strict):
        self.statuses.append(model.Saver(self.m, self.objects[root], strict).restore(self.files[file]))

    def none(self, root):
        self.statuses.append(model.Saver(self.m, self.objects[root]).restore(None))

    def value(self, i):
        return self.objects[i].value

    def slot_value(self, optimizer, variable):
        slot = self.objects[optimizer].slots.get((self.objects[variable], "m"))
        return "none" if slot is None else slot.value

    def run(self, status):
        self.statuses[status].run_restore_ops()

    def initialize_or_restore(self, status):
        self.statuses[status].initialize_or_restore()


class OfEngine:
    """The same program on minitf."""

    def __init__(self, session, directory):
        self.session, self.directory = session, directory
        self.objects = [self.make(i, 0.0) for i in OBJECTS]
        self.files, self.statuses, self.kept = [], [], []

    def make(self, i, value):
        if i in NODES:
            return tf.train.AutoTrackable()
        if i in OPTIMIZERS:
            return SlotOwner()
        return Text(f"text {value}") if i in STATES else tf.Variable(value)

    def attach(self, parent, name, child):
        setattr(self.objects[parent], name, self.objects[child])

    def detach(self, parent, name):
        if name in tf.train.children(self.objects[parent]):
            delattr(self.objects[parent], name)

    def assign(self, variable, value):
        done = self.objects[variable].assign(value)
        if self.session:
            self.session.run(done)

    def replace(self, i, value):
        self.kept.append(self.objects[i])
        self.objects[i] = self.make(i, value)

    def fresh(self, value):
        self.kept += self.objects
        self.objects = [self.make(i, value) for i in OBJECTS]

    def slot(self, optimizer, variable, value):
        self.objects[optimizer].add_slot(self.objects[variable], "m", value)

    def save(self, root):
        path = f"{self.directory}/at{len(self.files)}"
        self.files.append(tf.train.CheckpointableSaver(self.objects[root]).save(path, session=self.session))

    def restore(self, root, file, strict):
        if strict:
            status = tf.train.CheckpointableSaver(self.objects[root]).restore(self.files[file])
        else:
            status = tf.train.Checkpoint(root=self.objects[root]).read(self.files[file])
        self.statuses.append(status)

    def none(self, root):
        self.statuses.append(tf.train.CheckpointableSaver(self.objects[root]).restore(None))

    def read(self, variable):
        if not self.session:
            return float(variable)
        try:
            return float(self.session.run(variable))
        except tf.errors.FailedPreconditionError:
            return None

    def value(self, i):
        if i in STATES:
            return self.objects[i].text
        return self.read(self.objects[i]) if i in VARIABLES else None

    def slot_value(self, optimizer, variable):
        slot = self.objects[optimizer].get_slot(self.objects[variable], "m")
        return "none" if slot is None else self.read(slot)

    def run(self, status):
        self.statuses[status].run_restore_ops(session=self.session)

    def initialize_or_restore(self, status):
        self.statuses[status].initialize_or_restore(session=self.session)


def outcome(side, action, *arguments):
    """Done, or that it was refused. Which error it is differs: the model knows no files."""
    try:
        getattr(side, action)(*arguments)
    except (AssertionError, ValueError, tf.errors.OpError) as e:
        if action == "attach":
            raise
        return f"refused ({'AssertionError' if isinstance(e, AssertionError) else 'other'})"
    return "done"


def tells(side):
    """All that can be seen."""
    seen = {f"object {i}": side.value(i) for i in OBJECTS}
    seen |= {f"slot of {o} for {v}": side.slot_value(o, v) for o in OPTIMIZERS for v in VARIABLES}
    for i, status in enumerate(side.statuses):
        for name in assertions:
            try:
                getattr(status, name)()
                seen[f"status {i} {name}"] = True
            except AssertionError:
                seen[f"status {i} {name}"] = False
    return seen


@pytest.mark.parametrize("graph", [False, True], ids=["eager", "graph"])
@given(steps=programs())
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_the_engine_does_what_the_model_says(graph, steps):
    numbers = itertools.count(1)
    slots = any(action == "slot" for action, *_ in steps)
    with ExitStack() as stack:
        session = None
        if graph:
            stack.enter_context(tf.Graph().as_default())
            session = stack.enter_context(tf.Session())
        directory = stack.enter_context(tempfile.TemporaryDirectory())
        sides = OfModel(graph), OfEngine(session, directory)
        for action, *arguments in steps:
            if action in ("assign", "replace", "fresh", "slot"):
                arguments.append(float(next(numbers)))
            if action == "restore" and arguments[1] >= len(sides[0].files):
                continue
            if action in ("run", "initialize_or_restore") and arguments[0] >= len(sides[0].statuses):
                continue
            note(f"{action} {arguments}")
            if not slots:  # a slot may outlive its variable, but only in the engine
                for side in sides:
                    side.kept.clear()
            assert outcome(sides[0], action, *arguments) == outcome(sides[1], action, *arguments)
            assert tells(sides[1]) == tells(sides[0])
