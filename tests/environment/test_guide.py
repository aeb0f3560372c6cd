"""The script in docs/how-to/run-a-1x-script.md prints what the page shows, under minitf and under TensorFlow."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "run-a-1x-script.md").read_text(encoding="utf-8")
SCRIPT = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1]
SHOWN = re.search(r"```text\n(.*?)```", PAGE, re.DOTALL)[1]


def run(python, script, directory, *words):
    (directory / "script.py").write_text(script, encoding="utf-8")
    settings = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    return subprocess.run([python, "script.py", *words], cwd=directory, capture_output=True, text=True, env=settings)


def test_the_page_shows_what_the_script_prints(tmp_path):
    done = run(sys.executable, SCRIPT, tmp_path)
    assert (done.returncode, done.stdout) == (0, SHOWN), done.stderr
    assert "INFO:minitf:step 0: loss 2.5000\n" in done.stderr
    wrong = run(sys.executable, SCRIPT, tmp_path, "--steps=0")
    assert wrong.returncode == 1
    assert "flag --steps=0: it must be an integer from 1 to inf" in wrong.stderr


@pytest.mark.interop
def test_it_prints_the_same_under_tensorflow(oracle, tmp_path):
    script = SCRIPT.replace("import minitf.compat.v1 as tf", "import tensorflow.compat.v1 as tf")
    done = run(os.environ["MINITF_ORACLE_PYTHON"], script, tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout == SHOWN.replace(".index']", ".index', 'model.ckpt-3.meta']")  # the graph, as a protocol buffer
    assert "step 0: loss 2.5000" in done.stderr
