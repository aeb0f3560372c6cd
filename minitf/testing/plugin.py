"""What pytest gets when minitf is installed: options and fixtures of the test kit.

It is loaded in every environment that has minitf, so it imports nothing of minitf until an option or a fixture is used.

* ``minitf_mode``: the test runs twice, in eager mode and in a graph with its session; gives "eager" or "graph".
* ``minitf_clean``: the test fails if it leaves minitf's process-wide state other than it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(params=["eager", "graph"])
def minitf_mode(request: Any) -> Iterator[str]:
    """Runs the test in eager mode, and in a graph of its own with its session as the default one; gives the mode's name."""
    from minitf.testing.modes import scope

    with scope(request.param):
        yield request.param


@pytest.fixture
def minitf_clean() -> Iterator[None]:
    """Fails the test if the current runtime, the default session or graph, or the garbage collector are not as before."""
    from minitf.testing.modes import process_state

    before = process_state()
    yield
    after = process_state()
    left = [f"{what}: {before[what]} before, {now} after" for what, now in after.items() if now != before[what]]
    if left:
        pytest.fail("The test leaves state behind: " + "; ".join(left), pytrace=False)
