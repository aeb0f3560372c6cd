"""A hundred savers are killed, away from the threads of the test runner; ``scripts/kill`` kills more."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
KILLS = Path(__file__).parent / "kills.py"


@pytest.mark.timeout(600)
def test_a_killed_saver_leaves_the_old_checkpoint_or_the_new_one():
    seed = random.randrange(10**6)
    done = subprocess.run([sys.executable, KILLS, "--kills", "100", "--seed", str(seed)], capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "0 lost in 1" in done.stdout


BROKEN = """
import sys
import kills
from minitf.storage.bundle import bundle

bundle.free_count = lambda disk, prefix, least, present: least  # the new data file takes the old one's name
kills.SCENARIOS["save over another"] = kills.overwriting(bundle.TensorBundle(), old=True)
print(len(kills.run(40, 1, "save over another")[2]))
"""


def test_a_saver_that_overwrites_data_in_place_is_noticed():
    done = subprocess.run([sys.executable, "-c", BROKEN], check=True, capture_output=True, text=True, cwd=KILLS.parent)
    assert int(done.stdout) > 0
