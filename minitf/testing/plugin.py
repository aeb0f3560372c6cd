"""What pytest gets when minitf is installed: options and fixtures of the test kit.

It is loaded in every environment that has minitf, so it imports nothing of minitf until an option or a fixture is used.

* ``minitf_mode``: the test runs twice, in eager mode and in a graph with its session; gives "eager" or "graph".
* ``minitf_clean``: the test fails if it leaves minitf's process-wide state other than it was.
* ``--minitf-replay=TOKEN``: every ``explore.check`` runs that one order.
* Failures that ``explore.check`` finds are kept in pytest's cache, and replayed first the next time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

# asserts that fail say what they compared; pytest sees to that by itself only if the package is installed as a wheel
pytest.register_assert_rewrite("minitf.testing.conformance")

_REPLAY, _DATABASE = "MINITF_REPLAY", "MINITF_EXPLORE_DATABASE"
_before = pytest.StashKey[dict[str, str | None]]()


def pytest_addoption(parser: Any) -> None:
    """The options of the test kit."""
    group = parser.getgroup("minitf")
    group.addoption("--minitf-replay", metavar="TOKEN", help="let each explore.check run this order, and no other")


def pytest_configure(config: Any) -> None:
    """Tells ``explore.check``, through the environment, what the options say and where failures are kept."""
    config.stash[_before] = {name: os.environ.get(name) for name in (_REPLAY, _DATABASE)}
    token, cache = config.getoption("minitf_replay"), getattr(config, "cache", None)
    if token:
        os.environ[_REPLAY] = token
    elif cache is not None:
        os.environ.setdefault(_DATABASE, str(cache.mkdir("minitf-failures")))


def pytest_unconfigure(config: Any) -> None:
    """Leaves the environment as it was."""
    for name, value in config.stash.get(_before, {}).items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


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
