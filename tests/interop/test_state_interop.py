"""One program about the checkpoints of a directory, run by TensorFlow and by minitf: state files, managers, names, waiting."""

import importlib.util
import json
from pathlib import Path

import pytest

import minitf as tf

pytestmark = pytest.mark.interop
PROGRAM = Path(__file__).with_name("state_program.py")

# Where minitf means to differ, and why.
DIFFERENT = {
    "paths of any kind, and tuples, are taken": [
        "latest of bytes", "state of bytes", "latest by b'checkpoint'", "state by b'checkpoint'", "update: a path",
        "generate: a path", "update: a tuple", "generate: a tuple", "exists: bytes", "times of [bytes]",
    ],
    "a file that is no text is damaged: None, and a warning": [
        "latest by 'c-1.index'", "state by 'c-1.index'", "latest where 'ÿ'", "state where 'ÿ'",
    ],
    "time stamps that pair with no paths are left out": [
        "state where 'model_checkpoint_path: \"c-1\" all_model_checkpoint_timestamps: 5.0'"
    ],
    "the latest is one that can be opened": [
        f"latest where 'model_checkpoint_path: \"{name}\"'" for name in ("c-*", ".", "c-1.index")
    ],
    "the state file's own path is refused, however it is written": ["update: itself, relative", "update: itself by dots"],
}  # fmt: skip

THEIRS = """
import importlib.util, json, logging, sys
from unittest import mock
import tensorflow as tf
from tensorflow.python.checkpoint import checkpoint_management
from tensorflow.python.training import checkpoint_utils

logging.disable(logging.CRITICAL)
spec = importlib.util.spec_from_file_location("program", sys.argv[1])
program = importlib.util.module_from_spec(spec)
spec.loader.exec_module(program)
clock = program.Clock()
with mock.patch.object(checkpoint_management, "time", clock), mock.patch.object(checkpoint_utils, "time", clock):
    print(json.dumps(program.run(tf, clock, sys.argv[2], {})))
"""


def test_directories_of_checkpoints_are_managed_alike(oracle, tmp_path):
    spec = importlib.util.spec_from_file_location("state_program", PROGRAM)
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    clock = program.Clock()
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    ours = json.loads(json.dumps(program.run(tf, clock, str(tmp_path / "here"), {"clock": clock})))
    theirs = oracle(THEIRS, PROGRAM, tmp_path / "there")
    assert list(ours) == list(theirs)
    different = {label: (theirs[label], ours[label]) for label in ours if ours[label] != theirs[label]}
    meant = [label for labels in DIFFERENT.values() for label in labels]
    assert {label: results for label, results in different.items() if label not in meant} == {}
    assert set(meant) == set(different)
    assert len(ours) > 300
