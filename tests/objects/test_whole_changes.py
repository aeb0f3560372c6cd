"""Changes of trackable objects are whole or undone for a later save, wherever Ctrl-C comes, also if it comes twice."""

import gc
import itertools
from collections import OrderedDict

import pytest

import minitf as tf
from tests.storage.interrupts import Interrupt

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


class Node(tf.train.AutoTrackable):
    """A user's object."""


A, B, C = (Node() for _ in range(3))


def state(container):
    """What a container has, what it would save, or why it cannot be saved."""
    if isinstance(container, list):
        held = list(container)
    elif isinstance(container, tf.train.List):
        held = [container[i] for i in range(len(container))]
    else:
        held = list(container.items()) if hasattr(container, "items") else sorted(vars(container).items())
    try:
        return held, tf.train.children(container)
    except ValueError as error:
        return held, str(error)


def listed(*elements):
    def make():
        owner = Node()
        owner.held = list(elements)
        return owner.held

    return make


def mapped(*items, kind=dict):
    def make():
        owner = Node()
        owner.held = kind(items)
        return owner.held

    return make


def grown(kind, *args):
    return lambda: kind(*args)


def node(**attributes):
    def make():
        made = Node()
        for name, value in attributes.items():
            setattr(made, name, value)
        return made

    return make


CHANGES = {
    "append": (listed(A), lambda c: c.append(B)),
    "append a plain value": (listed(A), lambda c: c.append(3)),
    "append without an edge": (listed(A), lambda c: c.append(tf.train.NoDependency(B))),
    "insert": (listed(A), lambda c: c.insert(0, B)),
    "insert a plain value": (listed(1, 2), lambda c: c.insert(1, 3)),
    "replace": (listed(A, 1), lambda c: c.__setitem__(0, B)),
    "replace a plain value": (listed(A, 1), lambda c: c.__setitem__(1, B)),
    "replace a slice": (listed(1, 2), lambda c: c.__setitem__(slice(1, 2), [A, B])),
    "pop": (listed(1, A), lambda c: c.pop()),
    "pop a plain value": (listed(1, 2), lambda c: c.pop(0)),
    "delete": (listed(1, 2), lambda c: c.__delitem__(0)),
    "delete a slice": (listed(1, 2, 3), lambda c: c.__delitem__(slice(0, 2))),
    "remove": (listed(1, 2, 3), lambda c: c.remove(2)),
    "clear": (listed(1, 2), lambda c: c.clear()),
    "sort": (listed(3, 1, 2), lambda c: c.sort()),
    "reverse": (listed(A, B, 1), lambda c: c.reverse()),
    "List.append": (grown(tf.train.List, [A]), lambda c: c.append(B)),
    "set a key": (mapped(("a", A)), lambda c: c.__setitem__("b", B)),
    "replace a key": (mapped(("a", A)), lambda c: c.__setitem__("a", B)),
    "replace by a plain value": (mapped(("a", A)), lambda c: c.__setitem__("a", 3)),
    "set a number": (mapped(("a", A)), lambda c: c.__setitem__(7, B)),
    "delete a key": (mapped(("a", A), ("b", 2)), lambda c: c.__delitem__("b")),
    "pop a key": (mapped(("a", A), ("b", 2)), lambda c: c.pop("b")),
    "pop an item": (mapped(("a", A), ("b", 2)), lambda c: c.popitem()),
    "clear a dict": (mapped(("a", A), ("b", 2)), lambda c: c.clear()),
    "set a default": (mapped(("a", A)), lambda c: c.setdefault("b", B)),
    "set a key in order": (mapped(("a", A), kind=OrderedDict), lambda c: c.__setitem__("b", B)),
    "delete a key in order": (mapped(("a", A), ("b", 2), kind=OrderedDict), lambda c: c.__delitem__("a")),
    "Mapping": (grown(tf.train.Mapping, {"a": A}), lambda c: c.__setitem__("b", B)),
    "set an attribute": (node(a=A), lambda c: setattr(c, "b", B)),
    "replace an attribute": (node(a=A), lambda c: setattr(c, "a", B)),
    "delete an attribute": (node(a=A, b=B), lambda c: delattr(c, "a")),
}  # fmt: skip


@pytest.mark.parametrize("again", [None, 1, 2, 3])
@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_whole_or_undone(name, again):
    make, change = CHANGES[name]
    undone, whole = make(), make()
    change(whole)
    possible = [state(undone), state(whole)]
    for at in itertools.count(1):
        subject = make()
        interrupt = Interrupt(at, again)
        interrupt.call(lambda subject=subject: change(subject))
        found = state(subject)
        assert found in (possible if interrupt.raised else possible[1:]), interrupt.where
        if found == possible[0]:
            change(subject)
            assert state(subject) == possible[1], interrupt.where
        if interrupt.where is None:
            break


@pytest.mark.parametrize("again", [None, 1, 3])
@pytest.mark.parametrize("name", ["append", "set a key", "List.append", "Mapping"])
def test_a_change_that_a_restore_has_waited_for(name, again, tmp_path):
    """If it is undone, nothing of it is saved; a value that the child has got by then, it keeps."""
    make, change = CHANGES[name]
    whole = Node()
    whole.held = tf.train.Checkpoint(c=make()).c
    change(whole.held)
    path = tf.train.CheckpointableSaver(whole).save(tmp_path / "c")
    for at in itertools.count(1, 3):
        owner = Node()
        owner.held = make()
        status = tf.train.CheckpointableSaver(owner).restore(path)
        before = state(owner.held)
        interrupt = Interrupt(at, again)
        interrupt.call(lambda owner=owner: change(owner.held))
        assert state(owner.held) in (before, state(whole.held)), interrupt.where
        interrupt.raised = None
        assert gc.isenabled(), interrupt.where
        del status
        if interrupt.where is None:
            break


@pytest.mark.parametrize("again", [None, 2])
def test_a_save_after_an_interrupted_change_has_what_there_is(again, tmp_path):
    """The saver keeps the list of what it has saved last, until something changes."""
    for change in (lambda c: setattr(c, "b", tf.Variable(2.0)), lambda c: delattr(c, "a"), lambda c: setattr(c, "a", c.d)):
        for at in itertools.count(1):
            owner = Node()
            owner.a, owner.d = tf.Variable(1.0), tf.Variable(3.0)
            saver = tf.train.CheckpointableSaver(owner)
            saver.save(tmp_path / "c")
            interrupt = Interrupt(at, again)
            interrupt.call(lambda owner=owner, change=change: change(owner))
            path = saver.save(tmp_path / "c")
            keys = {key for key, _ in tf.train.list_variables(path)} - {"_CHECKPOINTABLE_OBJECT_GRAPH"}
            there = {f"{name}/.ATTRIBUTES/VARIABLE_VALUE" for name in vars(owner)}
            if owner.__dict__.get("a") is owner.d:
                there.discard("d/.ATTRIBUTES/VARIABLE_VALUE")
            assert keys == there, interrupt.where
            if interrupt.where is None:
                break
