"""What a tensor of a graph cannot be asked."""

import pytest

import minitf as tf


@pytest.mark.parametrize("ask", [bool, lambda x: list(x), lambda x: next(iter(x))], ids=["truth", "list", "iterator"])
def test_only_a_value_has_truth_and_elements(ask):
    with tf.Graph().as_default(), pytest.raises(tf.errors.OperatorNotAllowedInGraphError, match="it has no value yet"):
        ask(tf.constant([1, 2]))
