"""One test, two runtimes: building, saving and restoring objects in eager mode, and in a graph with its session."""

from contextlib import contextmanager

import pytest

import minitf as tf


class Node(tf.train.AutoTrackable):
    """A user's object: what is assigned to its attributes belongs to it."""

    def __init__(self, **attributes):
        for name, value in attributes.items():
            setattr(self, name, value)


def plain(value):
    """An array as Python values."""
    return value.tolist() if hasattr(value, "tolist") else value


class EagerWorld:
    name = "eager"

    @contextmanager
    def scope(self):
        yield self

    def value(self, variable):
        return plain(variable.numpy())

    def run(self, status):
        """Makes a restore take effect."""
        status.run_restore_ops()

    def init(self, *variables):
        """Makes first values stand."""

    def assign(self, variable, value):
        variable.assign(value)


class GraphWorld:
    name = "graph"

    def __init__(self):
        self.graph = tf.Graph()
        self.session = tf.Session(graph=self.graph)

    @contextmanager
    def scope(self):
        with self.graph.as_default(), self.session.as_default():
            yield self

    def value(self, variable):
        return plain(self.session.run(variable))

    def run(self, status):
        status.run_restore_ops()

    def init(self, *variables):
        self.session.run([v.initializer for v in variables or tf.global_variables()])

    def assign(self, variable, value):
        variable.load(value, self.session)


WORLDS = {kind.name: kind for kind in (EagerWorld, GraphWorld)}


@pytest.fixture(params=list(WORLDS))
def world(request):
    """The test runs once in each mode, inside it."""
    with WORLDS[request.param]().scope() as here:
        yield here


@pytest.fixture
def eager():
    """An eager test that uses the same words."""
    with EagerWorld().scope() as here:
        yield here


@pytest.fixture
def graph():
    """The test runs inside a graph with its session."""
    with GraphWorld().scope() as here:
        yield here


@pytest.fixture
def save(tmp_path):
    """Writes a checkpoint in eager mode, whatever the mode around: ``save(a=1.0, b=[...])``, or ``save(maker of a root)``."""
    numbers = iter(range(1000))

    def save(make=None, **attributes):
        with tf.using(tf.Eager()):
            root = build(attributes) if make is None else make()
            return tf.train.CheckpointableSaver(root).save(str(tmp_path / "saved"), next(numbers))

    return save


def build(attributes):
    """A Node whose numbers and lists of numbers are variables, and whose dicts are Nodes."""
    made = {}
    for name, value in attributes.items():
        if isinstance(value, dict):
            made[name] = build(value)
        elif isinstance(value, (int, float)) or (isinstance(value, list) and isinstance(value[0], (int, float))):
            made[name] = tf.Variable(value)
        else:
            made[name] = value
    return Node(**made)
