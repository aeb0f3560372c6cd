"""What the README shows is what happens."""

import re
from pathlib import Path

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def test_the_scripts_run(tmp_path, capsys, monkeypatch):
    script, exploring = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len([line for line in script.splitlines() if line.strip()]) <= 18
    names = {}
    exec(compile(script.replace("run/ckpt", str(tmp_path / "ckpt")), "README.md", "exec"), names)
    printed = capsys.readouterr().out
    assert "[1. 2.]" in printed or "[0.99" in printed
    assert (tmp_path / "ckpt-1.index").exists()
    monkeypatch.delenv("MINITF_EXPLORE_DATABASE", raising=False)  # its failure is on purpose
    exec(compile(exploring, "README.md", "exec"), names)
    printed = capsys.readouterr().out
    assert "6 executions, 6 classes (all there are)" in printed
    assert "AssertionError: an update was lost" in printed


def test_the_demos_output_is_the_real_one():
    """Its lines are those that the report prints; the figures are checked where the demonstration is tested."""
    for line in ("1 eager", "2 resumed", "3 graph", "4 files", "slot m of optimizer", "bit-identical", "test accuracy"):
        assert line in README
    assert "DEMO OUTPUT" not in README


def test_the_commands_exist():
    root = Path(__file__).parent.parent
    for script in re.findall(r"scripts/(\w+)", README):
        assert (root / "scripts" / script).exists(), script
    from minitf.cli import VERBS

    for verb in re.findall(r"^    minitf (\w+)", README, re.MULTILINE):
        assert verb in VERBS
