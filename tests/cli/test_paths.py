"""How a checkpoint and a value in it may be named, and what is said of what is neither."""

import pytest

from minitf.cli import main


@pytest.mark.parametrize("name", ["net/kernel", "net.kernel", "(root).net.kernel", "net/kernel/.ATTRIBUTES/VARIABLE_VALUE"])
def test_a_value_by_its_key_or_by_its_path(checkpoint, capsys, name):
    assert main(["show", checkpoint, name]) == 0
    assert "net/kernel/.ATTRIBUTES/VARIABLE_VALUE" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["net.bias", "(root).net", "(root)"])
def test_a_path_that_leads_to_no_value(checkpoint, capsys, name):
    assert main(["show", checkpoint, name]) == 1
    assert "has no key" in capsys.readouterr().err


@pytest.mark.parametrize("text", ['{"files": {"model_checkpoint_path": 1}}', '["model_checkpoint_path: 3"]'])
def test_json_is_not_taken_for_a_state_file(tmp_path, capsys, text):
    path = tmp_path / "manifest.json"
    path.write_text(text)
    assert main(["ls", str(path)]) == 1
    assert "seems to be a JSON text" in capsys.readouterr().err


def test_an_unknown_option_is_answered_by_its_verb(checkpoint, capsys):
    assert main(["ls", checkpoint, "--flat"]) == 2
    assert capsys.readouterr().err.startswith("usage: minitf ls")
