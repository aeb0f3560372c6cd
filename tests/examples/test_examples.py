"""The examples train in both modes, and go on from their checkpoints as if they had never been stopped."""

import shutil

import numpy as np
import pytest
from characters import Characters
from digits_cnn import DigitsByConvolution
from digits_mlp import Digits
from training import MODES

import minitf as tf

TASKS = {"mlp": Digits, "cnn": DigitsByConvolution, "characters": Characters}
for_each_task = pytest.mark.parametrize("name", TASKS)
for_each_mode = pytest.mark.parametrize("mode", MODES)


def values(folder):
    """All values in the latest checkpoint, but for how often it was saved."""
    reader = tf.train.load_checkpoint(tf.train.latest_checkpoint(folder))
    keys = [key for key in reader.get_variable_to_shape_map() if key.endswith("VALUE") and "save_counter" not in key]
    return {key: reader.get_tensor(key) for key in keys}


def same(first, second):
    assert first.keys() == second.keys()
    for key, value in first.items():
        assert np.array_equal(value, second[key]), key


@for_each_task
@for_each_mode
def test_a_run_that_was_stopped_goes_on_bit_by_bit(name, mode, tmp_path):
    train, task = MODES[mode], TASKS[name]()
    whole = train(task, str(tmp_path / "whole"), 6, 3)
    train(task, str(tmp_path / "stopped"), 3, 100)
    again = train(task, str(tmp_path / "stopped"), 6, 100)
    assert again == whole
    same(values(tmp_path / "whole"), values(tmp_path / "stopped"))


@for_each_task
def test_a_run_goes_on_in_the_other_mode(name, tmp_path):
    task = TASKS[name]()
    for first, second in (("eager", "graph"), ("graph", "eager")):
        folder = str(tmp_path / first)
        MODES[first](task, folder, 3, 100)
        kept = shutil.copytree(folder, tmp_path / f"{first} kept")
        went_on = MODES[second](task, folder, 6, 100)
        assert abs(went_on - MODES[first](task, str(kept), 6, 100)) < 0.02
        assert values(folder)["step/.ATTRIBUTES/VARIABLE_VALUE"] == 6


@for_each_mode
@pytest.mark.parametrize(("name", "steps", "least"), [("mlp", 150, 0.9), ("cnn", 60, 0.7), ("characters", 30, 0.2)])
def test_it_learns(name, mode, steps, least, tmp_path):
    assert MODES[mode](TASKS[name](), str(tmp_path), steps, 1000) > least
