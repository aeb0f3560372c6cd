"""Object graphs that no program has: a small file may say that objects nest without end, or are slots of themselves."""

import numpy as np
import pytest

import minitf as tf
from minitf.cli.contents import LETTERS
from minitf.saved import SavedGraph, SavedNode, SavedSlot

from .conftest import variable, write

PROGRAM = "import minitf as tf\ndef make():\n    root = tf.Module()\n    root.v = tf.Variable(1.0)\n    return root\n"


def deep(tmp_path, length, leaves=1, name="a"):
    """A chain of objects with variables at its end."""
    nodes = [SavedNode([(name, number + 1)]) for number in range(length)]
    nodes += [SavedNode([(f"w{n}", length + 1 + n) for n in range(leaves)]), *(variable(f"w{n}") for n in range(leaves))]
    return write(tmp_path / "deep", SavedGraph(nodes), {"w0/.ATTRIBUTES/VARIABLE_VALUE": np.ones(2)})


@pytest.mark.parametrize("case", [{"length": 20_000}, {"length": 1, "leaves": 2_000, "name": "x" * (LETTERS // 100)}])
def test_a_graph_whose_paths_would_fill_the_memory(minitf, tmp_path, case):
    path = deep(tmp_path, **case)
    code, out, err = minitf("ls", path)
    assert code == 1
    assert out.startswith("w0/.ATTRIBUTES/VARIABLE_VALUE  float64  (2,)")
    assert "it is so deep that" in err
    assert minitf("ls", path, "--json")[0] == 1
    assert minitf("ls", path, "--keys")[0] == 0
    assert minitf("ls", path, "--tree")[2].startswith("minitf ls: object graph: it is so deep that")
    assert minitf("diff", path, path)[2].startswith("minitf diff: object graph: it is so deep that")
    assert minitf("rename", path, tmp_path / "x", "--map", "a=b")[2].startswith("minitf rename: object graph: it is so deep")
    (tmp_path / "program.py").write_text(PROGRAM)
    assert "it is so deep that" in minitf("explain", path, "--program", f"{tmp_path / 'program.py'}:make")[2]
    assert minitf("show", path, "w0/.ATTRIBUTES/VARIABLE_VALUE")[0] == 0
    assert "has no key 'missing'" in minitf("show", path, "missing")[2]
    code, out, err = minitf("verify", path)
    missing = case.get("leaves", 1) - 1
    assert (code, err) == (int(missing > 0), "")
    assert out.count("has its value under") == missing
    objects = 1 + case["length"] + case.get("leaves", 1)
    done = f"{tmp_path / 'out'}: npz, 2 values, {objects} objects\n"
    assert minitf("convert", path, tmp_path / "out", "--to", "npz") == (0, done, "")


def test_a_graph_that_is_only_deep(minitf, tmp_path):
    path = deep(tmp_path, 500)
    code, out, err = minitf("ls", path)
    assert (code, err) == (0, "")
    assert len(out.splitlines()) == 503
    assert minitf("show", path, "/".join([*["a"] * 500, "w0"]))[0] == 0
    assert minitf("diff", path, path)[0] == 0
    assert minitf("rename", path, tmp_path / "x", "--map", "a=b", "--write")[0] == 0
    assert minitf("show", tmp_path / "x", "/".join(["b", *["a"] * 499, "w0"]))[0] == 0


def test_slots_of_themselves(minitf, tmp_path, caplog):
    node = variable("v")
    node.slots = [SavedSlot(1, "m", 1), SavedSlot(2, "m", 2)]
    lost = variable("w")
    path = write(tmp_path / "p", SavedGraph([SavedNode(), node, lost]), {"v/.ATTRIBUTES/VARIABLE_VALUE": np.ones(1)})
    for verb in (("ls", path), ("diff", path, path), ("convert", path, tmp_path / "out", "--to", "npz")):
        code, _, err = minitf(*verb)
        assert (code, err) == (0, "")
    (tmp_path / "program.py").write_text(PROGRAM)
    code, out, err = minitf("explain", path, "--program", f"{tmp_path / 'program.py'}:make", "--rows")
    assert (code, err) == (1, "")
    assert "slot m of (root)" in out
    with tf.record() as timeline:
        status = tf.train.CheckpointableSaver(tf.Module()).restore(path)
        with pytest.raises(AssertionError, match="node 1, which no path reaches's state 'm' for node 1"):
            status.assert_consumed()
        print(status)
    str(timeline)
    del status
    assert "value was never claimed: node 1, which no path reaches's state 'm' for node 1" in caplog.text


def test_not_enough_memory(minitf, tmp_path, monkeypatch):
    path = deep(tmp_path, 1)

    def full(*_):
        raise MemoryError

    monkeypatch.setattr("minitf.storage.files.read_fully", full)
    assert minitf("ls", f"{path}.index") == (1, "", "minitf ls: there is not enough memory\n")


def test_values_that_share_bytes(minitf, tmp_path):
    from tests.storage.tampering import edit

    path = write(tmp_path / "p", None, {"a": np.ones(3), "b": np.zeros(3)})
    edit(tmp_path / "p.index", lambda found: found.update({b"b": found[b"a"]}))
    code, out, _ = minitf("verify", path)
    assert code == 1
    assert "the values of 'a' and 'b' share bytes of data file 0" in out
    for verb in (("convert", path, tmp_path / "x", "--to", "npz"), ("salvage", path, tmp_path / "x")):
        code, _, err = minitf(*verb)
        assert code == 1
        assert "share bytes" in err
    assert minitf("show", path, "b")[0] == 0
