"""Each known bug is found, minimal and explained; its mended twin is free of failures in every order."""

import importlib
import pkgutil

import demos
import pytest

from minitf import explore

NAMES = [module.name for module in pkgutil.iter_modules(demos.__path__)]


def test_there_are_enough():
    assert len(NAMES) >= 15


@pytest.mark.parametrize("name", NAMES)
def test_a_known_bug_is_found_minimal_and_mended(name):
    demo = importlib.import_module(f"demos.{name}")
    report = explore.check(demo.broken)
    assert report.complete
    found = [f for f in report.failures if f"{type(f.error).__name__}: {f.error}".startswith(demo.ERROR)]
    assert found, report
    failure = min(found, key=lambda f: f.deviations)
    assert failure.deviations == demo.DEVIATIONS, report
    if failure.deviations:
        fewer = explore.check(demo.broken, strategy="bounded", deviations=failure.deviations - 1)
        assert fewer.bound == failure.deviations - 1
        assert not fewer.failed
    with pytest.raises(type(failure.error)):
        explore.replay(demo.broken, failure.token)
    assert len(failure.script.splitlines()) <= 15
    taken = [event.text for event in failure.timeline.of("step", "choice")]
    assert taken == [str(moment) for moment in failure.moments]  # recorded, the program does the same
    assert failure.timeline[-1].kind == "error"
    assert len(demo.__doc__.strip().splitlines()) >= 2
    mended = explore.check(demo.mended)
    assert not mended.failed, mended
    assert mended.complete
