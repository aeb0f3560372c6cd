"""Both modes for tests of objects: ``mode`` runs a test in eager mode and again in a graph with a session."""

from contextlib import ExitStack

import numpy as np
import pytest

import minitf as tf


class Mode:
    """What a test has to say differently in the two modes."""

    def __init__(self, session=None):
        self.session = session
        self.eager = session is None

    def value(self, x):
        """The value of a variable or tensor."""
        return np.asarray(x.numpy() if self.eager else self.session.run(x)).tolist()

    def set(self, variable, value):
        """Assigns a value now."""
        done = variable.assign(value)
        if not self.eager:
            self.session.run(done)

    def initialise(self, *objects):
        """Runs the initialisers of all variables that can be reached from the objects (graph)."""
        if not self.eager:
            self.session.run(
                [v.initializer for root in objects for v in tf.train.list_objects(root) if hasattr(v, "initializer")]
            )


@pytest.fixture(params=["eager", "graph"])
def mode(request):
    with ExitStack() as stack:
        if request.param == "eager":
            yield Mode()
        else:
            stack.enter_context(tf.Graph().as_default())
            yield Mode(stack.enter_context(tf.Session()))


class Node(tf.train.AutoTrackable):
    """A trackable object without values."""

    def __init__(self, **attributes):
        for name, value in attributes.items():
            setattr(self, name, value)


@pytest.fixture
def node():
    return Node
