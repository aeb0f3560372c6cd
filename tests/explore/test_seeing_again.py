"""A failure again, from pytest's option and from the command."""

import json
import subprocess
import sys
import textwrap

import pytest

from minitf import explore
from minitf.cli import main

TEST = """
    from minitf import explore

    def body(world):
        box = [0]
        def add():
            seen = box[0]
            yield
            box[0] = seen + 1
        world.tasks(add, add)
        assert box[0] == 2, "an update was lost"

    def other(world):
        world.tasks(lambda: None)

    def test_adding():
        explore.check(other).assert_no_failures()
        report = explore.check(body)
        print("executions:", report.executions)
        report.assert_no_failures()
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "test_adding.py").write_text(textwrap.dedent(TEST))
    return tmp_path


def run_pytest(folder, *options):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-rA", "test_adding.py", *options]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder).stdout


def test_pytest_replays_a_token_and_last_failures(folder):
    out = run_pytest(folder)
    assert "executions: 6" in out
    assert "An order was found in which the body fails" in out
    [token] = {word for word in out.split() if word.startswith("mt1-")}
    again = run_pytest(folder, f"--minitf-replay={token}")
    assert "executions: 1" in again
    assert "AssertionError: an update was lost" in again
    assert "Nothing was explored, because MINITF_REPLAY asks for one order only" in again  # of the other body
    assert "last failures: 1 execution" in run_pytest(folder)  # from pytest's cache
    assert "executions: 6" in run_pytest(folder, "-p", "no:cacheprovider")


def test_the_command_explores_and_replays(folder, capsys):
    body = f"{folder / 'test_adding.py'}:body"
    assert main(["explore", body, "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["executions"], report["complete"]) == (6, True)
    [failure] = report["failures"]
    assert main(["replay", body, failure["token"]]) == 1
    assert "AssertionError: an update was lost" in capsys.readouterr().out
    assert main(["replay", body, report["outcomes"][0]["token"]]) == 0
    assert capsys.readouterr().out == "no failure; the final state is ()\n"
    assert main(["explore", body, "--strategy", "bounded", "--deviations", "0"]) == 0
    assert "no failure with at most 0 deviations" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words, said",
    [
        (["explore", "nothing"], "names no function"),
        (["explore", "no/such/file.py:body"], "no file"),
        (["explore", "no_such_module:body"], "cannot be imported"),
        (["explore", "json:no_such"], "no function 'no_such' in json"),
        (["replay", "FILE:other", "mt1-damaged"], "damaged"),
        (["replay", "FILE:other", "mt1-aaaaaappri"], "belongs to another program"),
    ],
)
def test_the_command_says_what_is_wrong(folder, capsys, words, said):
    assert main([word.replace("FILE", str(folder / "test_adding.py")) for word in words]) == 1
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_a_body_that_stands_in_no_file_is_replayed_where_it_was_defined(monkeypatch):
    monkeypatch.delenv("PYTEST_CURRENT_TEST", raising=False)
    names = {}
    exec("outside = []\ndef body(world):\n    outside.append(world)\n    raise ValueError('always')", names)
    [failure] = explore.check(names["body"]).failures
    assert "runpy" not in failure.script
    with pytest.raises(ValueError, match="always"):
        exec(failure.script, names)
