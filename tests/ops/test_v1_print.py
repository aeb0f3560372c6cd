"""``Print`` of 1.x. The texts are those that TensorFlow 2.21 wrote for the same tensors."""

import numpy as np
import pytest

import minitf as tf
import minitf.compat.v1 as v1


def program(most, *data):
    with tf.Graph().as_default(), v1.Session() as session:
        session.run(v1.Print(1.0, list(data), "hey ", summarize=most))


@pytest.mark.parametrize(
    "most, data, text",
    [
        (None, [2.0], "[2]"),
        (None, [np.arange(10), b"a", [[b"a", b"b"], [b"c", b"d"]], True, 1.5], "[0 1 2...][a][[a b][c...]...][1][1.5]"),
        (None, [np.float32([1, 2.5, 1e10, 1 / 3]), np.zeros([3, 3])], "[1 2.5 1e+10...][[0 0 0]...]"),
        (-1, [np.arange(10)], "[0 1 2 3 4 5 6 7 8 9]"),
        (4, [np.arange(10)], "[0 1 2 3...]"),
        (20, [np.zeros([2, 3, 4])], "[[[0 0 0 0][0 0 0 0][0 0 0 0]][[0 0 0 0][0 0 0 0]]...]"),
        (20, [np.zeros([0]), 1j, np.array([1 / 3]), [True, False]], "[][?][0.33333333333333331][1 0]"),
    ],
)
def test_tensors_as_text(most, data, text, capsys):
    program(most, *data)
    assert capsys.readouterr().err == f"hey {text}\n"


def test_only_in_the_first_runs_of_each_session(capsys):
    graph = tf.Graph()
    with graph.as_default():
        x = v1.Print(tf.constant(3.0), [tf.constant(1)], first_n=2)
    for _ in range(2):
        with v1.Session(graph=graph) as session:
            assert [session.run(x) for _ in range(3)] == [3.0] * 3
    assert capsys.readouterr().err == "[1]\n" * 4


def test_gradients_pass_and_eager_mode_prints_at_once(capsys):
    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = v1.Print(x * x, [x], "x=", first_n=1)
    assert tape.gradient(y, x).numpy() == 6.0
    assert capsys.readouterr().err == "x=[3]\n"
