"""scripts/env, which all other scripts start with: what it makes, when it makes it again, and what it says when it cannot.

A stand-in for ``python3`` writes down what it is asked to do, so nothing is fetched.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOOLS = ["sh", "dirname", "cat", "cksum", "rm", "mkdir", "cp", "flock"]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the scripts are for POSIX shells")

PYTHON = f"""#!/bin/sh
case "$1 $2" in
"-m venv") mkdir -p "$4/bin" && cp "$0" "$4/bin/python" && echo venv >>"$CALLS" ;;
"-m pip") echo "pip $6 $7 $8" >>"$CALLS"; exit "${{PIP_FAILS:-0}}" ;;
"-c "*) exec "{sys.executable}" "$@" ;;
esac
"""


class Clone:
    """A checkout with a space in its path, and a PATH with nothing on it but what the script needs."""

    def __init__(self, directory):
        self.root = directory / "a b"
        (self.root / "scripts").mkdir(parents=True)
        shutil.copy(ROOT / "scripts" / "env", self.root / "scripts")
        shutil.copy(ROOT / "pyproject.toml", self.root)
        self.bin = directory / "bin"
        self.bin.mkdir()
        for tool in TOOLS:
            if found := shutil.which(tool):
                (self.bin / tool).symlink_to(found)
        self.calls = directory / "calls"
        self.add_python("python3")

    def add_python(self, name, text=PYTHON):
        path = self.bin / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    def env(self, *words, **environment):
        """Runs scripts/env from another directory: (exit code, stdout, stderr, what python was asked)."""
        self.calls.write_text("")
        environment = {"PATH": str(self.bin), "CALLS": str(self.calls)} | environment
        done = subprocess.run(
            [str(self.root / "scripts" / "env"), *words], capture_output=True, text=True, env=environment, cwd="/", timeout=60
        )
        return done.returncode, done.stdout, done.stderr, self.calls.read_text().splitlines()

    @property
    def python(self):
        return f"{os.path.realpath(self.root)}/.venv/bin/python\n"


@pytest.fixture
def clone(tmp_path):
    return Clone(tmp_path)


def test_the_first_start_makes_the_environment_and_the_second_does_nothing(clone):
    code, out, err, calls = clone.env()
    assert (code, out) == (0, clone.python)
    assert "once" in err
    assert calls == ["venv", f"pip --editable {os.path.realpath(clone.root)} "]
    assert clone.env() == (0, clone.python, "", [])


def test_extras_are_installed_when_they_are_asked_for_and_include_the_core(clone):
    clone.env()
    assert clone.env("dev")[3] == [f"pip --editable {os.path.realpath(clone.root)}[dev] "]
    assert clone.env("dev")[3] == []
    assert clone.env()[3] == []


def test_a_changed_pyproject_installs_again(clone):
    clone.env("dev")
    with open(clone.root / "pyproject.toml", "a") as file:
        file.write("# another line\n")
    assert clone.env("dev")[3] == [f"pip --editable {os.path.realpath(clone.root)}[dev] "]
    assert clone.env("dev")[3] == []


def test_a_checkout_that_was_moved_installs_again(clone):
    clone.env()
    clone.root = clone.root.rename(clone.root.with_name("elsewhere"))
    code, out, _, calls = clone.env()
    assert (code, out) == (0, clone.python)
    assert len(calls) == 1


def test_a_failed_install_is_not_taken_for_a_good_one(clone):
    code, out, _, _ = clone.env(PIP_FAILS="1")
    assert code != 0
    assert out == ""
    assert clone.env()[3] == [f"pip --editable {os.path.realpath(clone.root)} "]


def test_no_python_at_all(clone):
    (clone.bin / "python3").unlink()
    code, out, err, _ = clone.env()
    assert (code, out) == (1, "")
    assert "Python 3.11 or newer" in err
    assert "PYTHON=" in err


def test_an_old_python_is_passed_over_for_a_newer_one(clone):
    clone.add_python("python3", "#!/bin/sh\nexit 1\n")
    assert clone.env()[0] == 1
    clone.add_python("python3.12")
    assert clone.env()[:2] == (0, clone.python)


def test_PYTHON_names_the_interpreter(clone):
    (clone.bin / "python3").rename(clone.bin / "mine")
    assert clone.env(PYTHON=str(clone.bin / "mine"))[:2] == (0, clone.python)


@pytest.mark.parametrize("script", sorted(p.name for p in (ROOT / "scripts").iterdir() if p.is_file() and not p.suffix))
def test_each_script_runs_and_says_in_one_line_what_it_does(script):
    path = ROOT / "scripts" / script
    lines = path.read_text().splitlines()
    assert os.access(path, os.X_OK)
    assert lines[0] == "#!/bin/sh"
    assert lines[1].startswith("# ")
    assert subprocess.run(["sh", "-n", str(path)]).returncode == 0
