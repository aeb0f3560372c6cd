"""Which test shows what TensorFlow's own tests check: the lines of upstream.txt, named by ``pytest.mark.upstream("...")``.

``scripts/behaviours`` counts them with the behaviours; it fails if a line that applies has no test, or a marker names an
unknown line or one that does not apply.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import pytest

ROWS = Path(__file__).with_suffix(".txt")


class Row(NamedTuple):
    name: str
    why_not: str  # empty: minitf has what it needs
    checks: str


def rows() -> list[Row]:
    found = []
    for line in ROWS.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, met, checks = line.split(" | ", 2)
            assert met == "yes" or met.startswith("no: "), line
            found.append(Row(name, met.removeprefix("no: ") if met != "yes" else "", checks))
    names = [row.name for row in found]
    assert len(names) == len(set(names)), "each line once"
    return found


class UpstreamCollector:
    """A pytest plugin that keeps what the markers say: {line: {test}}."""

    def __init__(self) -> None:
        self.shown: dict[str, set[str]] = defaultdict(set)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            for marker in item.iter_markers("upstream"):
                for name in marker.args:
                    self.shown[name].add(item.nodeid.split("[")[0])


def report(shown: dict[str, set[str]], every: bool) -> bool:
    """Prints the count, and each line with its tests if ``every``; gives whether nothing is wrong."""
    known = rows()
    applying = [row for row in known if not row.why_not]
    missing = [row.name for row in applying if not shown.get(row.name)]
    unknown = sorted(set(shown) - {row.name for row in known})
    needless = [row.name for row in known if row.why_not and shown.get(row.name)]
    if every:
        for row in known:
            for test in sorted(shown.get(row.name, ())):
                print(f"{row.name}  {test}")
        for row in known:
            if row.why_not:
                print(f"does not apply: {row.name}: {row.why_not}")
    tests = {test for row in applying for test in shown.get(row.name, ())}
    print(
        f"{len(known)} upstream tests, {len(applying)} apply, {len(applying) - len(missing)} are shown by {len(tests)} tests; "
        f"{len(known) - len(applying)} do not apply"
    )
    for name in missing:
        print(f"no test: {name}")
    for name in unknown:
        print(f"unknown upstream test: {name} in {', '.join(sorted(shown[name]))}")
    for name in needless:
        print(f"does not apply, but has a test: {name} in {', '.join(sorted(shown[name]))}")
    return not (missing or unknown or needless)
