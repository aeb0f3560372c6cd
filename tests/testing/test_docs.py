"""The tests in the how-to run as they stand; the reference lists what there is; the log of random steps can be done again."""

import inspect
import json
import re
import subprocess
import sys
from pathlib import Path
from zlib import crc32

import pytest

from minitf.testing import conformance, laws, strategies, walks

ROOT = Path(__file__).parent.parent.parent
HOW_TO = ROOT / "docs" / "how-to" / "test-restore-orderings.md"
REFERENCE = (ROOT / "docs" / "reference" / "test-kit.md").read_text(encoding="utf-8")
LOG = [json.loads(line) for line in (Path(__file__).parent / "random_steps.jsonl").read_text().splitlines()]


def test_the_how_to_runs(tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", HOW_TO.read_text(encoding="utf-8"), re.DOTALL)
    few = 'from hypothesis import settings\nsettings.register_profile("few", max_examples=3, deadline=None)\n'
    file = tmp_path / "test_how_to.py"
    file.write_text(few + 'settings.load_profile("few")\n' + "\n".join(blocks), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=280)
    assert done.returncode == 0, done.stdout[-3000:]
    assert re.search(r"\b14 passed", done.stdout), done.stdout[-300:]


def test_the_reference_lists_every_strategy_and_argument():
    public = {name: f for name, f in vars(strategies).items() if inspect.isfunction(f) and f.__module__ == strategies.__name__}
    public = {name: f for name, f in public.items() if not name.startswith("_")}
    assert len(public) == 10
    table = [line for line in REFERENCE.splitlines() if line.startswith("| `")]
    rows = {name: line for line in table for name in re.findall(r"`(\w+)`", line.split("|")[1])}
    for name, function in public.items():
        for argument in inspect.signature(function).parameters:
            assert f"`{argument}`" in rows[name] or argument in ("graph",), f"{name}({argument})"


def test_the_reference_lists_every_law_and_suite():
    named = set(re.findall(r"`(\w+)[(`]", REFERENCE))
    assert {name for name, law in vars(laws).items() if isinstance(law, laws.Law)} <= named
    assert set(conformance.__all__) <= named


# -- the log -------------------------------------------------------------------------------------------------------------


def test_the_log_says_how_many_steps():
    assert len({(line["seed"], line["mode"]) for line in LOG}) == len(LOG), "no block is counted twice"
    assert not any(line["differ"] for line in LOG)
    total = sum(line["steps"] for line in LOG)
    assert f"{total // 10**6} million steps" in " ".join(REFERENCE.split())


def test_seeds_of_the_log_draw_the_same_walks():
    for line in LOG:
        assert crc32(repr(walks.draw(f"{line['seed']}/0")).encode()) == line["first"], line["seed"]


@pytest.mark.parametrize("mode", ["eager", "graph"])
def test_walks_of_the_log_agree_again(mode):
    line = [line for line in LOG if line["mode"] == mode][-1]
    steps, differing = walks.block(line["seed"], mode, walks=150)
    assert steps == pytest.approx(line["steps"] * 150 / line["walks"], rel=0.1)
    assert not differing, walks.tell(differing[0])


def test_the_command_writes_its_log(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(walks, "BLOCK", 20)
    log = tmp_path / "log"
    assert walks.main(["-n", "1", "--seed", "s", "--first", "3", "--log", str(log)]) == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(line["seed"], line["mode"], line["differ"]) for line in lines] == [("s/3", "eager", 0), ("s/3", "graph", 0)]
    assert f"{sum(line['steps'] for line in lines)} steps, 0 walks differ" in capsys.readouterr().out


def test_the_command_tells_what_differs(monkeypatch, capsys):
    from minitf.testing import model

    monkeypatch.setattr(walks, "BLOCK", 20)
    monkeypatch.setattr(model.Restoration, "match_slots", lambda self, number, obj: iter(()))
    assert walks.main(["-n", "1", "--seed", "slots", "--mode", "eager", "--most", "1"]) == 1
    printed = capsys.readouterr().out
    code = printed.partition("This program shows it:")[2].rpartition("seed ")[0]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert "add_slot" in code
