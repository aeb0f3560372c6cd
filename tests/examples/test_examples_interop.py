"""The examples, unchanged apart from the import, reach the same under TensorFlow, and go on with each other's checkpoints."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from characters import Characters
from digits_cnn import DigitsByConvolution
from digits_mlp import Digits
from training import MODES

import minitf

pytestmark = [pytest.mark.interop, pytest.mark.timeout(2400)]

FOLDER = Path(__file__).resolve().parent.parent.parent / "docs" / "examples"
TASKS = {"mlp": Digits, "cnn": DigitsByConvolution, "characters": Characters}
STEPS = {"mlp": 600, "cnn": 400, "characters": 80}
APART = {"mlp": 0.03, "cnn": 0.04, "characters": 0.06}  # other first weights, and 364 images: one is 0.003
LEAST = {"mlp": 0.94, "cnn": 0.92, "characters": 0.3}
SCRIPT = """
import json, sys
module, name, folder, *runs = sys.argv[1:]
sys.path.insert(0, folder)
import importlib, training
task = getattr(importlib.import_module(module), name)()
print(json.dumps([training.MODES[mode](task, where, int(steps), 10**6) for mode, where, steps in map(json.loads, runs)]))
"""


@pytest.fixture(scope="module")
def under_tensorflow(tmp_path_factory):
    """Runs a task under TensorFlow's interpreter: what the given runs (mode, folder, steps) reach."""
    copies = tmp_path_factory.mktemp("examples")
    for file in FOLDER.iterdir():
        if file.suffix in (".py", ".txt"):
            text = file.read_text(encoding="utf-8").replace("import minitf as tf\n", "import tensorflow as tf\n")
            (copies / file.name).write_text(text, encoding="utf-8")

    def run(task, *runs):
        environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "TF_USE_LEGACY_KERAS": "1"}
        environment["PYTHONPATH"] = str(Path(minitf.__file__).parent.parent)  # for the digits
        command = [os.environ["MINITF_ORACLE_PYTHON"], "-c", SCRIPT, task.__module__, task.__name__, str(copies)]
        command += [json.dumps(r) for r in runs]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=7000, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout.splitlines()[-1])

    return run


@pytest.mark.skipif("MINITF_WHOLE_TRAINING" not in os.environ, reason="takes minutes: MINITF_WHOLE_TRAINING=1 asks for it")
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("mode", MODES)
def test_the_whole_training_of_the_characters(mode, tmp_path, under_tensorflow):
    """300 steps from the same first weights, on the same batches: README.md says what both reached."""
    start = tmp_path / "start"
    MODES["eager"](Characters(), str(start), 1, 10**6)
    folders = [shutil.copytree(start, tmp_path / side) for side in ("minitf", "tensorflow")]
    ours = MODES[mode](Characters(), str(folders[0]), Characters.steps, 10**6)
    [theirs] = under_tensorflow(Characters, (mode, str(folders[1]), Characters.steps))
    print(f"characters, {mode}: minitf {ours:.4f}, TensorFlow {theirs:.4f}")
    assert min(ours, theirs) >= 0.5
    assert abs(ours - theirs) <= 0.02


@pytest.mark.slow
@pytest.mark.parametrize("name", TASKS)
def test_the_same_accuracy_in_both(name, tmp_path, under_tensorflow):
    task, steps = TASKS[name], STEPS[name]
    ours = {mode: MODES[mode](task(), str(tmp_path / mode), steps, 10**6) for mode in MODES}
    kept = {mode: shutil.copytree(tmp_path / mode, tmp_path / f"{mode} kept") for mode in MODES}
    fresh = [(mode, str(tmp_path / f"tensorflow {mode}"), steps) for mode in MODES]
    restored = [(mode, str(kept[mode]), steps) for mode in MODES]
    reached = under_tensorflow(task, *fresh, *restored)
    theirs, of_ours = dict(zip(MODES, reached[:2], strict=True)), dict(zip(MODES, reached[2:], strict=True))
    print(f"{name} after {steps} steps: minitf {ours}, TensorFlow {theirs}")
    for mode in MODES:
        assert min(ours[mode], theirs[mode]) >= LEAST[name]
        assert abs(ours[mode] - theirs[mode]) <= APART[name]
        assert of_ours[mode] == pytest.approx(ours[mode], abs=0.003), "TensorFlow restored other weights"
        back = MODES[mode](task(), str(tmp_path / f"tensorflow {mode}"), steps, 10**6)
        assert back == pytest.approx(theirs[mode], abs=0.003), "minitf restored other weights"
