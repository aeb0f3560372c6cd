"""The page that tells how to ask shows what is really printed."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "why-was-this-not-restored.md"


@pytest.mark.filterwarnings("ignore")
def test_the_page_shows_what_is_printed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```(python|text)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert [kind for kind, _ in blocks] == ["python", "text"] * (len(blocks) // 2)
    space, numbers = {}, {}

    def renumbered(match):
        return f"restore {numbers.setdefault(match[1], len(numbers) + 1)}"

    for (_, code), (_, shown) in zip(blocks[::2], blocks[1::2], strict=True):
        exec(compile(code, PAGE.name, "exec"), space)
        printed = re.sub(r"restore (\d+)", renumbered, capsys.readouterr().out)
        assert printed == shown


def test_the_readme_shows_the_same():
    first = re.findall(r"```text\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0]
    assert first in (PAGE.parents[2] / "README.md").read_text(encoding="utf-8")
