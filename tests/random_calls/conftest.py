"""The modules here are a package of their own; the end of a run says how many calls were compared."""

import os
import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from random_calls.oracle import TensorFlow

compared = Counter()
COUNTED = "compared", "left out", "gradients"


@pytest.fixture(scope="session")
def tensorflow():
    """TensorFlow's process of this test process."""
    process = TensorFlow(os.environ["MINITF_ORACLE_PYTHON"])
    yield process
    process.close()


def pytest_runtest_logreport(report):
    """Adds up what the tests report, also those of other processes."""
    if report.when == "call":
        compared.update({name: value for name, value in report.user_properties if name in COUNTED})


def pytest_terminal_summary(terminalreporter):
    """Says how many calls were compared."""
    if compared:
        terminalreporter.write_line(
            f"random calls: {compared['compared']} compared with TensorFlow; of {compared['left out']} it has no kernel; "
            f"gradients of {compared['gradients']} compared"
        )
