"""The command as a whole: finding the verb, exit codes, errors in one line, colours, and what it loads."""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import version

import pytest

from minitf.cli import VERBS


def process(*words, **environment):
    """Runs the command in a process of its own; colours are not asked for, whatever the tests' own environment says."""
    plain = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "NO_COLOR")}
    return subprocess.run(
        [sys.executable, "-m", "minitf", *words], capture_output=True, text=True, env=plain | environment, timeout=60
    )


def test_version_is_the_one_of_the_metadata(minitf):
    assert minitf("--version") == (0, f"minitf {version('minitf')}\n", "")


def test_help_names_every_verb(minitf):
    code, out, _ = minitf("--help")
    assert code == 0
    assert all(verb in out and summary.split()[0] in out for verb, summary in VERBS.items())


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_explains_itself(minitf, verb):
    code, out, _ = minitf(verb, "--help")
    assert code == 0
    assert "--json" in out


@pytest.mark.parametrize("words", [[], ["frobnicate"], ["ls"], ["ls", "x", "--no-such-option"], ["show", "only-a-checkpoint"]])
def test_a_command_line_without_sense_is_2_and_says_why(minitf, words):
    code, out, err = minitf(*words)
    assert (code, out) == (2, "")
    assert "usage: minitf" in err


@pytest.mark.parametrize("words", [["ls"], ["show", "KEY"], ["get", "KEY", "-o", "x.npy"], ["verify"], ["diff", "B"]])
def test_a_checkpoint_that_is_not_there_is_1_and_one_line(minitf, tmp_path, words):
    code, out, err = minitf(words[0], tmp_path / "nothing", *words[1:])
    assert (code, out) == (1, "")
    assert err.startswith(f"minitf {words[0]}: ")
    assert err.count("\n") == 1
    assert str(tmp_path / "nothing") in err


def test_only_the_chosen_verb_is_imported(checkpoint):
    code = (
        "import sys; from minitf.cli import main; main(sys.argv[1:]);"
        "print(*sorted(m for m in sys.modules if m.startswith('minitf.cli.')), 'networkx' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, "ls", checkpoint], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "minitf.cli.contents minitf.cli.ls minitf.cli.output False"


def test_module_and_command_are_one(checkpoint, minitf):
    done = process("ls", checkpoint, "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout) == json.loads(minitf("ls", checkpoint, "--json")[1])


def test_json_may_stand_before_the_verb(checkpoint, minitf):
    assert minitf("--json", "ls", checkpoint) == minitf("ls", checkpoint, "--json")
    assert minitf("--json")[0] == minitf("--json", "frobnicate")[0] == 2


def test_no_colour_in_a_pipe_nor_with_no_color(checkpoint):
    assert "\x1b" not in process("ls", checkpoint).stdout
    assert re.search(r"\x1b\[3\d", process("ls", checkpoint, FORCE_COLOR="1", TERM="xterm-256color").stdout)
    quiet = process("ls", checkpoint, FORCE_COLOR="1", TERM="xterm-256color", NO_COLOR="1").stdout
    assert not re.search(r"\x1b\[(3|4|9|10)\d", quiet)  # bold and italic are no colours


@pytest.mark.skipif(sys.platform == "win32", reason="a closed pipe is no BrokenPipeError there")
def test_a_reader_that_leaves_is_no_error(checkpoint):
    done = subprocess.Popen([sys.executable, "-m", "minitf", "ls", checkpoint], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    done.stdout.close()
    with done.stderr:
        assert b"Traceback" not in done.stderr.read()
    done.wait(60)


def with_closed_streams(which, *words):
    shell = ["sh", "-c", f'"$0" -m minitf "$@" {which}', sys.executable, *map(str, words)]
    return subprocess.run(shell, capture_output=True, timeout=60)


@pytest.mark.skipif(sys.platform == "win32", reason="no sh")
@pytest.mark.parametrize("words", [["ls"], ["ls", "--json"], ["get", "net/kernel", "-o", "-"]])
@pytest.mark.parametrize("which", [">&-", "<&- >&- 2>&-"])
def test_streams_that_the_caller_has_closed(checkpoint, words, which):
    done = with_closed_streams(which, words[0], checkpoint, *words[1:])
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.skipif(sys.platform == "win32", reason="no sh")
def test_an_error_goes_nowhere_if_stderr_is_closed(tmp_path):
    for words, code in ((["ls", tmp_path / "nothing"], 1), (["ls", "--frobnicate", "x"], 2)):
        done = with_closed_streams("2>&-", *words)
        assert (done.returncode, done.stdout) == (code, b"")


@pytest.mark.skipif(sys.platform == "win32", reason="no sh")
def test_what_a_verb_writes_does_not_take_the_place_of_a_closed_stream(checkpoint, tmp_path):
    assert with_closed_streams(">&- 2>&-", "convert", checkpoint, tmp_path / "b", "--to", "npz").returncode == 0
    assert process("verify", str(tmp_path / "b.npz")).returncode == 0


def test_ctrl_c_while_a_verb_is_loaded(minitf, monkeypatch):
    def interrupted(name):
        raise KeyboardInterrupt

    monkeypatch.setattr("minitf.cli.import_module", interrupted)
    assert minitf("ls", "x") == (130, "", "minitf ls: interrupted\n")
