"""The page about keeping the place in the data says what is so."""

import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "keep-the-place-in-the-data.md").read_text(encoding="utf-8")


def test_its_program_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names = {}
    exec(compile(program, "keep-the-place-in-the-data.md", "exec"), names)
    assert names["halves"][1] == 30
    assert names["halves"][0].shape == (1, 1)
