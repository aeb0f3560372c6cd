"""Calls around checkpoints, each in TensorFlow and in minitf: what they give or raise, and what is on the disk then.

The calls are in ``checkpoint_calls``, by subject: common ones, odd arguments, wrong modes, what is left after a failure. Where
minitf differs on purpose the row says why, and the test demands that it does.
"""

import json
import pathlib

import numpy as np
import pytest

import minitf as tf
import minitf.compat.v1 as v1

pytestmark = pytest.mark.interop
HERE = pathlib.Path(__file__).parent / "checkpoint_calls"
RUNNER = (HERE / "runner.py").read_text(encoding="utf-8")


def same(ours, theirs):
    """Equal, or errors of which whoever catches TensorFlow's catches ours, too."""
    if isinstance(ours, list) and isinstance(theirs, list):
        if ours[:1] == theirs[:1] == ["raises"]:
            return theirs[1][0] in ours[1]
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    return ours == theirs


@pytest.mark.parametrize("subject", sorted(path.stem for path in HERE.glob("*.txt")))
def test_calls_around_checkpoints(oracle, subject):
    path = HERE / f"{subject}.txt"
    theirs = oracle(RUNNER, path)
    space = {"__name__": "runner"}
    exec(RUNNER, space)
    ours = json.loads(json.dumps(space["run_rows"](tf, v1, np, path.read_text(encoding="utf-8"))))
    assert ours.keys() == theirs.keys()
    wrong = []
    for name, calls in ours.items():
        assert [call for _, call, _ in calls] == [call for _, call, _ in theirs[name]], f"{name}: other statements raise"
        for (kind, call, our), (_, _, their) in zip(calls, theirs[name], strict=True):
            if same(our, their) != (kind == "="):
                what = "differs" if kind == "=" else "no longer differs"
                wrong.append(f"{name}: {call}: {what}\n    minitf     {our}\n    TensorFlow {their}")
    assert not wrong, "\n".join(wrong)
