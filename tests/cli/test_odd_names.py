"""Names in a file are anybody's: what a terminal gets of them, and in which columns. And terminals that know ASCII only."""

import json

import numpy as np
import pytest

from minitf.cli.output import shown, width

from .conftest import write
from .test_frame import process

ODD = ["new\nline", "tab\tb", "\x1b[31mred\x1b[0m", "back\rwards", "right\u202eleft", "zero\0"]


@pytest.mark.parametrize("text, seen", [
    ("plain", "plain"), ("über 日本 😀", "über 日本 😀"), ("a\nb", r"a\nb"),
    ("\x1b[1m", r"\x1b[1m"), ("\u202e", r"\u202e"), ("\udcff\udc80", r"\xff\x80"),
    ("\ud800", r"\ud800"), ("\\n", "\\n"),
])  # fmt: skip
def test_what_is_seen_of_a_name(text, seen):
    assert shown(text) == seen


@pytest.mark.parametrize("text, columns", [("", 0), ("ab", 2), ("日本", 4), ("e\u0301", 1), ("ü", 1)])
def test_columns_of_a_text(text, columns):
    assert width(text) == columns


@pytest.mark.parametrize(
    "words", [["ls"], ["ls", "--keys"], ["verify"], ["diff", "other"], ["show", "KEY"], ["rename", "out", "--to-objects"]]
)
def test_no_name_reaches_the_terminal_as_a_command(minitf, tmp_path, words):
    path = write(tmp_path / "odd", None, {name: np.zeros(2) for name in ODD})
    other = write(tmp_path / "other", None, {name: np.ones(2) for name in ODD})
    words = [{"KEY": ODD[2], "other": other, "out": str(tmp_path / "out")}.get(word, word) for word in words]
    code, out, err = minitf(words[0], path, *words[1:])
    assert code in (0, 1)
    assert all(line.isprintable() for line in (out + err).split("\n"))


def test_an_error_about_a_name_is_one_printable_line(minitf, tmp_path):
    path = write(tmp_path / "odd", None, {"\x1b[31mred": np.zeros(2)})
    _, _, err = minitf("show", path, "\x1b[31mredd")
    assert err.endswith("Similar: \\x1b[31mred.\n")


def test_columns_stand_below_each_other_whatever_the_script(minitf, tmp_path):
    path = write(tmp_path / "odd", None, dict.fromkeys(["日本", "e\u0301", "plain", "new\nline"], np.zeros(2)))
    rows = minitf("ls", path)[1].splitlines()[:-1]
    assert len({width(row[: row.index("float64")]) for row in rows}) == 1
    assert not any(row.endswith(" ") for row in rows)


def test_one_long_name_does_not_push_the_columns_of_the_others_away(minitf, tmp_path):
    path = write(tmp_path / "odd", None, dict.fromkeys(["a", "bb", "c" * 1000], np.zeros(2)))
    short, _, long, _ = minitf("ls", path)[1].splitlines()
    assert short == "a   float64  (2,)  16 B"
    assert long == "c" * 1000 + "  float64  (2,)  16 B"


def test_a_key_that_is_no_text_shows_its_bytes(minitf, tmp_path):
    path = write(tmp_path / "odd", None, {"\udcff\udcfe": np.zeros(2)})
    assert minitf("ls", path)[1].startswith(r"\xff\xfe  float64")
    assert json.loads(minitf("ls", path, "--json")[1])["values"][0]["key"] == "\udcff\udcfe"


def test_drawings_on_a_terminal_that_knows_ascii_only(checkpoint):
    tree = process("ls", checkpoint, PYTHONIOENCODING="ascii").stdout.splitlines()
    assert tree[1:4] == ["|-- net", "|   |-- kernel  float32 (2, 3)  24 B", "|   |   `-- slot m of opt  float32 (2, 3)  24 B"]
    bars = process("show", checkpoint, "net/kernel", PYTHONIOENCODING="ascii").stdout.splitlines()[7]
    assert bars == "spread    #     #     #      #     #     #"
