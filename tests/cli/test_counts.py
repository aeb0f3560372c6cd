"""``explore`` with numbers that are no counts."""

import pytest


@pytest.mark.parametrize("option", ["--max-executions", "--max-failures", "--depth", "--workers"])
@pytest.mark.parametrize("number", ["0", "-1", "x", "1.5"])
def test_counts_begin_with_one(minitf, tmp_path, option, number):
    (tmp_path / "body.py").write_text("def body(world):\n    raise AssertionError('it was run')\n")
    code, out, err = minitf("explore", f"{tmp_path / 'body.py'}:body", f"{option}={number}")
    assert (code, out) == (2, "")
    assert f"'{number}' is no number from 1 on" in err
