"""A small checkpoint with everything that the verbs show: objects, a shared one, slots, strings, a key of no object."""

import numpy as np
import pytest

from minitf.cli import main
from minitf.saved import OBJECT_GRAPH_KEY, SavedGraph, SavedNode, SavedSlot, SavedValue
from minitf.storage.bundle import TensorBundle
from minitf.storage.messages import encode_graph

VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
KERNEL, SLOT = f"net/kernel{VALUE}", f"net/kernel/.OPTIMIZER_SLOT/opt/m{VALUE}"


def variable(path):
    return SavedNode(values=[SavedValue("VARIABLE_VALUE", path.replace("/", "_"), path + VALUE)])


def contents():
    """Graph and values, new each time: tests change them."""
    graph = SavedGraph(
        [
            SavedNode(children=[("net", 1), ("opt", 3), ("best", 1)]),
            SavedNode(children=[("kernel", 2), ("state", 5)]),
            variable("net/kernel"),
            SavedNode(slots=[SavedSlot(2, "m", 4)]),
            variable("net/kernel/.OPTIMIZER_SLOT/opt/m"),
            SavedNode(values=[SavedValue("py_state", "", "net/state/.ATTRIBUTES/py_state")]),
        ]
    )
    values = {
        KERNEL: np.arange(6, dtype=np.float32).reshape(2, 3),
        SLOT: np.full((2, 3), np.nan, np.float32),
        "net/state/.ATTRIBUTES/py_state": np.array(b"\xff\x00", object),
        "stray": np.array([1, 2], np.int64),
    }
    return graph, values


def write(prefix, graph, values):
    tensors = dict(values)
    if graph is not None:
        tensors[OBJECT_GRAPH_KEY] = np.array(encode_graph(graph), object)
    TensorBundle(durable=False).write(str(prefix), tensors)
    return str(prefix)


@pytest.fixture
def checkpoint(tmp_path):
    return write(tmp_path / "ckpt-1", *contents())


@pytest.fixture
def minitf(capsys, monkeypatch):
    """``minitf("ls", path)`` runs the command in this process: (exit code, stdout, stderr)."""
    monkeypatch.delenv("FORCE_COLOR", raising=False)

    def run(*words):
        code = main([str(word) for word in words])
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run
