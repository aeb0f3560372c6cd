"""What is measured: the table of rows, and the goals.

A row is a function that takes the framework, minitf or a peer, under TensorFlow's names where it has them. It gives its
candidates; minitf's first one is the yardstick. Before anything is timed, a row makes sure that what it times is right.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Row(NamedTuple):
    """``make(framework)`` gives the candidates by name, or yields them and then tidies up. ``slow``: left out by --quick."""

    make: Callable[[Any], Any]
    peers: tuple[str, ...]
    slow: bool


EVERYBODY = ("tensorflow", "torch", "jax", "autograd")
ROWS: dict[str, Row] = {}
GOALS = {  # (row, candidate): at most this many times the yardstick
    ("import", "import"): 1.15,
    ("add a scalar", "eager"): 1.8,
    ("add 32x32", "eager"): 1.5,
    ("add 1024x1024", "eager"): 1.02,
    ("matmul 32x32", "eager"): 1.25,
    ("matmul 256x256", "eager"): 1.02,
    ("1,000 scalar adds", "graph"): 0.1,
    ("ten elementwise ops on 1,000,000", "graph"): 0.3,
    ("ten elementwise ops on 1,000,000", "graph, one thread"): 0.38,
    ("count the writes", "eager"): 1.05,
    ("eager, once recorded", "not recorded"): 1.03,  # beside the same step that was never recorded
    ("graph, once recorded", "not recorded"): 1.03,
    ("explore 8 steps", "exhaustive"): 80.0,  # 20,000 executions a second
    ("explore 8 steps", "random"): 30.0,
    ("step of six small variables, Adam", "legacy"): 1.4,  # beside the optimizer of TensorFlow 1.x
    ("step of six small variables, Adam", "Keras"): 1.4,
    ("train, SGD", "eager"): 1.4,
    ("train, Adam", "eager"): 1.5,
    ("train, SGD", "graph"): 1.2,
    ("train, Adam", "graph"): 1.3,
    ("save 512 MiB", "one file"): 0.95,
    ("save 64 x 8 MiB", "one file"): 0.95,
    ("save 64 x 8 MiB", "two files"): 0.75,
    ("save 512 MiB, durable", "one file"): 1.1,
    ("restore 512 MiB", "existing"): 0.5,
    ("restore 512 MiB", "late, lazy"): 0.38,
    ("restore 512 MiB", "late, lazy, verified on use"): 0.008,
    ("restore 64 x 8 MiB", "existing"): 0.5,
    ("restore 64 x 8 MiB", "late, lazy"): 0.38,
    ("restore 64 x 8 MiB", "late, lazy, verified on use"): 0.008,
    ("verify 64 x 8 MiB", "verify"): 1.0,
    ("save 10,000 variables", "first save"): 1.2,
    ("save 10,000 variables", "save again"): 0.16,
    ("restore 10,000 variables", "existing"): 1.4,
    ("restore 10,000 variables", "late, with creating"): 2.8,
    ("restore 10,000 variables", "graph: create"): 1.9,
    ("restore 10,000 variables", "graph: create, restore, run"): 4.7,
}
PEER_GOALS = {  # (row, candidate, peer): at most this many times what the peer takes
    ("add a scalar", "eager", "torch"): 0.5,
    ("add a scalar", "recorded", "torch"): 0.45,
    ("add 32x32", "recorded", "torch"): 0.45,
    ("1,000 scalar adds", "eager", "torch"): 0.25,
    ("1,000 scalar adds", "eager", "tensorflow"): 1 / 70,
    ("1,000 scalar adds", "graph", "tensorflow"): 1 / 10,
    ("run a constant", "graph", "tensorflow"): 1 / 200,
    ("run a fed identity", "graph", "tensorflow"): 1 / 100,
    ("run a fed identity", "graph", "jax"): 1 / 7,
    ("run 1,000 maxima and their sum", "graph", "tensorflow"): 1 / 7,
    ("make a variable", "eager", "tensorflow"): 1 / 50,
    ("make a variable", "graph", "tensorflow"): 1 / 200,
    ("a new graph of 1,000 ops", "build", "tensorflow"): 1 / 70,
    ("a new graph of 1,000 ops", "gradients", "tensorflow"): 1 / 125,
    ("a new graph of 1,000 ops", "first run", "tensorflow"): 1 / 15,
    ("save 512 MiB", "one file", "tensorflow"): 0.45,
    ("save 64 x 8 MiB", "one file", "tensorflow"): 0.45,
    ("restore 512 MiB", "existing", "tensorflow"): 0.25,
    ("restore 64 x 8 MiB", "existing", "tensorflow"): 0.25,
    ("save 10,000 variables", "first save", "tensorflow"): 1 / 45,
    ("save 10,000 variables", "save again", "tensorflow"): 1 / 350,
    ("restore 10,000 variables", "create", "tensorflow"): 1 / 50,
    ("restore 10,000 variables", "existing", "tensorflow"): 1 / 50,
    ("train, SGD", "eager", "tensorflow"): 1 / 45,
    ("train, SGD", "eager", "torch"): 1.0,
    ("train, SGD", "graph", "tensorflow"): 1 / 6,
    ("train, SGD", "graph", "jax"): 0.35,
    ("train, Adam", "eager", "tensorflow"): 1 / 45,
    ("train, Adam", "eager", "torch"): 1.0,
    ("train, Adam", "graph", "tensorflow"): 1 / 6,
    ("train, Adam", "graph", "jax"): 0.45,
}


def row(name: str, peers: tuple[str, ...] = ("tensorflow",), slow: bool = False) -> Callable[..., Any]:
    """Enters a row."""

    def enter(make: Callable[[Any], Any]) -> Callable[[Any], Any]:
        ROWS[name] = Row(make, peers, slow)
        return make

    return enter
