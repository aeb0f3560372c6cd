"""``minitf explain``: a program's objects and a checkpoint, from the command line."""

import json
import subprocess
import sys

import pytest

import minitf as tf
from minitf.cli import main

PROGRAM = """
import minitf as tf

class Net(tf.Module):
    def __init__(self, layer="hidden"):
        super().__init__()
        setattr(self, layer, tf.train.List([tf.Variable([[0.0, 0.0]]), tf.Variable([0.0])]))

def right():
    return tf.train.Checkpoint(net=Net())

def renamed():
    return tf.train.Checkpoint(net=Net("encoder"))

def saver():
    return tf.train.CheckpointableSaver(renamed())

class Nets:
    plain = Net
"""


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A checkpoint; the current directory has the program."""
    (tmp_path / "a_program.py").write_text(PROGRAM)
    monkeypatch.chdir(tmp_path)
    yield tf.train.Checkpoint(net=saved()).save("ckpt")
    sys.modules.pop("a_program", None)


def saved():
    net = tf.Module()
    net.hidden = tf.train.List([tf.Variable([[1.0, 1.0]]), tf.Variable([1.0])])
    return net


@pytest.mark.parametrize("mode", [[], ["--graph"]], ids=["eager", "graph"])
def test_all_is_well(path, capsys, mode):
    assert main(["explain", path, "--program", "a_program:right", *mode]) == 0
    assert "3 of 3 values would be restored" in capsys.readouterr().out


def test_a_renamed_layer(path, capsys, tmp_path):
    page = tmp_path / "page.html"
    assert main(["explain", path, "--program", "a_program:renamed", "--rows", "--html", str(page)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "renamed: (root).net.hidden of the checkpoint looks like (root).net.encoder" in lines[1]
    assert "+ (root).save_counter: restored" in lines
    assert "- (root).net.hidden.0: waiting for an edge  renamed" in lines
    assert page.read_text().startswith("<!doctype html>")


def test_json(path, capsys):
    assert main(["explain", path, "--program", "a_program:renamed", "--json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert data["dry"]
    assert [cause["kind"] for cause in data["causes"]] == ["RENAMED"]


@pytest.mark.parametrize("factory", ["saver", "Nets.plain"])
def test_what_a_factory_may_give(path, capsys, factory):
    assert main(["explain", path, "--program", f"a_program:{factory}"]) == 1
    assert "dry run" in capsys.readouterr().out


@pytest.mark.parametrize(
    "program, code, words",
    [
        ("a_program", 2, "is not FILE.py:FACTORY or MODULE:FACTORY"),
        ("no_program.py:make", 1, "no file 'no_program.py'"),
        ("a_program.py:nothing", 1, "has no 'nothing'"),
        ("a_program:tf", 1, "'tf' of 'a_program' is no function, but a module"),
        ("a_program:str", 1, "has no 'str'"),
        ("os:getcwd", 1, "which is no root: "),
        ("no_program:make", 1, "no module 'no_program'"),
        ("a_program:nothing", 1, "has no 'nothing'"),
    ],
)
def test_programs_that_are_not_there(path, capsys, program, code, words):
    assert main(["explain", path, "--program", program]) == code
    assert words in capsys.readouterr().err


def test_a_program_in_a_file_imports_its_neighbours(path, tmp_path, capsys):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a_neighbour.py").write_text(PROGRAM)
    (tmp_path / "sub" / "train.py").write_text("from a_neighbour import right\ndef make():\n    return right()\n")
    before = list(sys.path)
    for program in ("a_program.py:right", "sub/train.py:make", f"{tmp_path}/sub/train.py:make"):
        assert main(["explain", path, "--program", program]) == 0
        assert "3 of 3 values would be restored" in capsys.readouterr().out
    assert sys.path == before
    sys.modules.pop("a_neighbour")


def test_a_missing_checkpoint(path, capsys):
    assert main(["explain", "nothing", "--program", "a_program:right"]) == 1
    assert "nothing" in capsys.readouterr().err


def test_the_program_is_found_in_the_current_directory(path, tmp_path):
    command = [sys.executable, "-m", "minitf", "explain", path, "--program", "a_program:right"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
