"""How a checkpoint and a value in it may be named, and what is said of what is neither."""

import json

import numpy as np
import pytest

from minitf.cli import main
from minitf.saved import SavedGraph, SavedNode, SavedValue

from .conftest import VALUE, variable, write


@pytest.mark.parametrize("name", ["net/kernel", "net.kernel", "(root).net.kernel", "net/kernel/.ATTRIBUTES/VARIABLE_VALUE"])
def test_a_value_by_its_key_or_by_its_path(checkpoint, capsys, name):
    assert main(["show", checkpoint, name]) == 0
    assert "net/kernel/.ATTRIBUTES/VARIABLE_VALUE" in capsys.readouterr().out


@pytest.mark.parametrize("name, said", [
    ("net.bias", "has no key"), ("(root).net.kernel.more", "has no key"),
    ("(root).net", "is an object without a value of its own"),
    ("(root)", "is an object without a value of its own"),
])  # fmt: skip
def test_a_path_that_leads_to_no_value(checkpoint, capsys, name, said):
    assert main(["show", checkpoint, name]) == 1
    assert said in capsys.readouterr().err


@pytest.fixture
def many_paths(tmp_path):
    """Objects that are reached in several ways, under names that keys write in another way, and one with two values."""
    graph = SavedGraph(
        [
            SavedNode(children=[("net", 1), ("best", 1), ("a/b.c", 2), ("table", 3), ("", 4)]),
            SavedNode(children=[("w", 2), ("up", 0), ("only", 5)]),
            variable("a.Sb..c"),
            SavedNode(values=[SavedValue("table", "", "table/.ATTRIBUTES/table")]),
            variable(""),
            SavedNode(values=[SavedValue("py_state", "", "net/only/.ATTRIBUTES/py_state")]),
        ]
    )
    values = {
        f"a.Sb..c{VALUE}": np.float32(7), "table/.ATTRIBUTES/table-keys": np.zeros(2),
        "table/.ATTRIBUTES/table-values": np.zeros(2),
        VALUE: np.float32(9), "net/only/.ATTRIBUTES/py_state": np.array(b"x", object),
    }  # fmt: skip
    return write(tmp_path / "many", graph, values)


@pytest.mark.parametrize("name, key", [
    ("net/w", f"a.Sb..c{VALUE}"), ("best/w", f"a.Sb..c{VALUE}"), ("best/up/net/w", f"a.Sb..c{VALUE}"),
    ("a/b.c", f"a.Sb..c{VALUE}"),
    ("net/up/a/b.c", f"a.Sb..c{VALUE}"), ("net/up/a.Sb..c", f"a.Sb..c{VALUE}"), ("(root).best.up.best.w", f"a.Sb..c{VALUE}"),
    ("best.w", f"a.Sb..c{VALUE}"), ("best/only", "net/only/.ATTRIBUTES/py_state"), ("", VALUE), ("net/up/", VALUE),
])  # fmt: skip
def test_any_path_to_an_object_names_its_value(minitf, many_paths, name, key):
    code, out, err = minitf("show", many_paths, name, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["key"] == key


def test_an_object_with_several_values_has_them_named(minitf, many_paths):
    code, _, err = minitf("show", many_paths, "table")
    assert code == 1
    assert "2 values; choose one of their keys: table/.ATTRIBUTES/table-keys, table/.ATTRIBUTES/table-values" in err


def test_a_path_with_a_loop_in_it_ends(minitf, many_paths):
    assert minitf("show", many_paths, "net/up/" * 1000 + "nowhere")[0] == 1


def test_a_similar_path_is_proposed(minitf, many_paths):
    assert "Similar: net/only" in minitf("show", many_paths, "net/onyl")[2]


def test_a_variable_by_its_name_of_old(minitf, tmp_path):
    path = write(tmp_path / "named", None, {"dense/kernel": np.zeros(2)})
    assert minitf("show", path, "dense/kernel:0")[0] == 0


@pytest.mark.parametrize("text", ['{"files": {"model_checkpoint_path": 1}}', '["model_checkpoint_path: 3"]'])
def test_json_is_not_taken_for_a_state_file(tmp_path, capsys, text):
    path = tmp_path / "manifest.json"
    path.write_text(text)
    assert main(["ls", str(path)]) == 1
    assert "seems to be a JSON text" in capsys.readouterr().err


def test_an_unknown_option_is_answered_by_its_verb(checkpoint, capsys):
    assert main(["ls", checkpoint, "--flat"]) == 2
    assert capsys.readouterr().err.startswith("usage: minitf ls")
