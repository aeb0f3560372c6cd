"""Programs that several tests take stand beside them. Bodies here fail on purpose, so no failure is kept."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    monkeypatch.delenv("MINITF_EXPLORE_DATABASE", raising=False)
