"""What the kernel says of the memory that saves and restores need: at most 64 MiB more, whatever the values are."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from .peaks import SCENARIOS

MOST = 64  # MiB, of values of 160

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/clear_refs"), reason="there is no peak to be reset")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_saves_and_restores_need_little_memory(scenario):
    program = Path(__file__).with_name("peaks.py")
    with tempfile.TemporaryDirectory() as directory:  # which goes at once: it is large
        out = subprocess.run([sys.executable, program, scenario, directory], capture_output=True, text=True, check=True)
    saved, restored = json.loads(out.stdout)
    assert saved < MOST
    assert restored < MOST
