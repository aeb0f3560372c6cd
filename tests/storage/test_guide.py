"""The page about how checkpoints are stored shows what is really printed, and names storages that are there."""

import importlib
import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "store-checkpoints.md"
TEXT = PAGE.read_text(encoding="utf-8")


def test_the_page_shows_what_is_printed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```(python|text)\n(.*?)```", TEXT, re.DOTALL)
    assert [kind for kind, _ in blocks] == ["python", "text"] * 4
    space = {}
    for (_, code), (_, shown) in zip(blocks[::2], blocks[1::2], strict=True):
        exec(compile(code, PAGE.name, "exec"), space)
        assert capsys.readouterr().out == shown


def test_the_storages_of_the_page_are_there():
    names = re.findall(r"`(minitf\.storage\.[a-z1.]+)\.([A-Z]\w+)", TEXT)
    assert {name for _, name in names} == {
        "TensorBundle", "TensorSlices", "Safetensors", "Npz", "MemoryStorage", "BackgroundStorage",
    }  # fmt: skip
    for module, name in names:
        assert hasattr(importlib.import_module(module), name)
