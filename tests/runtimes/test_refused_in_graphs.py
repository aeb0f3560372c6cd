"""What a tensor of a graph cannot be asked, and a session without a graph to run."""

import pytest

import minitf as tf


@pytest.mark.parametrize("ask", [bool, lambda x: list(x), lambda x: next(iter(x))], ids=["truth", "list", "iterator"])
def test_only_a_value_has_truth_and_elements(ask):
    with tf.Graph().as_default(), pytest.raises(tf.errors.OperatorNotAllowedInGraphError, match="it has no value yet"):
        ask(tf.constant([1, 2]))


def test_a_session_of_an_empty_graph():
    with tf.Session(graph=tf.Graph()) as session, pytest.raises(RuntimeError, match="is empty: add operations"):
        session.run([])
