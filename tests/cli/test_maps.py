"""``rename --map`` with what people and other programs may say."""

import json

import numpy as np
import pytest

from minitf.saved import SavedGraph, SavedNode
from minitf.storage.detect import open_checkpoint

from .conftest import VALUE, variable, write

LONG = "layer_" * 60  # longer than the name of a file may be


@pytest.fixture
def shared(tmp_path):
    """``a`` and ``b`` are one object, with ``w``."""
    nodes = [SavedNode([("a", 1), ("b", 1)]), SavedNode([("w", 2)]), variable("a/w")]
    return write(tmp_path / "shared", SavedGraph(nodes), {f"a/w{VALUE}": np.ones(2)})


def test_names_longer_than_those_of_files(minitf, tmp_path):
    path = write(tmp_path / "named", None, {LONG: np.ones(2)})
    assert minitf("rename", path, tmp_path / "x", "--map", f"{LONG}=short", "--write")[0] == 0
    assert open_checkpoint(str(tmp_path / "x")).keys() == ["short"]
    assert minitf("rename", tmp_path / "x", tmp_path / "y", "--map", f"short={LONG}", "--write")[0] == 0
    assert open_checkpoint(str(tmp_path / "y")).keys() == [LONG]
    assert "is neither OLD=NEW nor a file" in minitf("rename", path, tmp_path / "x", "--map", LONG)[2]
    assert "is neither OLD=NEW nor a file" in minitf("rename", path, tmp_path / "x", "--map", "")[2]


def test_two_paths_to_one_edge(minitf, tmp_path, shared):
    for one, other in (("a/w", "b/w"), ("a", "(root).a")):
        code, out, err = minitf("rename", shared, tmp_path / "x", "--map", f"{one}=p", "--map", f"{other}=q", "--write")
        said = f"minitf rename: '{one}' and '{other}' end with one edge, which gets one new name.\n"
        assert (code, out, err) == (1, "", said)
    assert not (tmp_path / "x.index").exists()
    assert minitf("rename", shared, tmp_path / "x", "--map", "a=p", "--map", "b=q", "--write")[0] == 0
    assert open_checkpoint(str(tmp_path / "x")).keys()[1] == f"p/w{VALUE}"


def test_new_paths_with_dots(minitf, tmp_path, shared):
    assert minitf("rename", shared, tmp_path / "x", "--map", "(root).a.w=(root).v", "--write")[0] == 0
    assert open_checkpoint(str(tmp_path / "x")).keys()[1] == f"v{VALUE}"
    assert minitf("rename", tmp_path / "x", tmp_path / "y", "--map", "v=(root).b.w", "--write")[0] == 0
    assert open_checkpoint(str(tmp_path / "y")).keys()[1] == f"a/w{VALUE}"


@pytest.mark.parametrize("new, why", [("_CHECKPOINTABLE_OBJECT_GRAPH", "the key of the object graph"), ("", "cannot be empty")])
def test_names_that_no_value_may_have(minitf, tmp_path, new, why):
    path = write(tmp_path / "named", None, {"w": np.ones(2)})
    code, out, err = minitf("rename", path, tmp_path / "x", "--map", f"w={new}", "--write")
    assert (code, out) == (1, "")
    assert why in err
    assert not (tmp_path / "x.index").exists()


def test_a_file_of_brackets(minitf, tmp_path, shared):
    (tmp_path / "map.json").write_text("[" * 100_000)
    code, out, err = minitf("rename", shared, tmp_path / "x", "--map", tmp_path / "map.json")
    assert (code, out) == (1, "")
    assert "is no JSON object of old and new names" in err


def test_a_value_that_does_not_fit_the_object_is_said_to(minitf, tmp_path, shared):
    path = write(tmp_path / "named", None, {"w": np.ones(3), "v": np.ones(2)})
    code, out, _ = minitf("rename", path, tmp_path / "x", "--like", shared, "--map", "w=a/w")
    assert code == 1  # no object for v
    assert "as said, but of another dtype or shape" in out
    code, out, _ = minitf("rename", path, tmp_path / "x", "--like", shared, "--map", "v=a/w", "--json")
    assert json.loads(out)["mapping"] == {"v": "a/w"}
