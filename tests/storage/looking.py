"""Which test comes to which line of ``minitf/storage``, and which lines and branches none comes to.

Each is run once, under coverage, in a process that was forked off when all were collected. What is known is kept.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import inspect
import json
import os
import re
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from _pytest.runner import runtestprotocol
from planting import PACKAGE, ROOT, Mutant, Unit, paths, source_of, units_of

KEPT = ROOT / ".fuzz" / "mutation"
FILES = paths()
_WORD = re.compile(r"\w+")


class Ways:
    """Which tests come to which lines, in how many seconds. Kept in a file; only tests that are new or changed run again."""

    PATH = KEPT / "ways.json"

    def __init__(self, items: dict[str, Any], again: bool = False):
        """``again``: whatever is known is found out anew; then ``coverage`` tells of all tests."""
        self.items = items
        self._known: dict[str, Any] = json.loads(self.PATH.read_text()) if self.PATH.exists() and not again else {}
        KEPT.mkdir(parents=True, exist_ok=True)
        for path in KEPT.glob("coverage-part*"):
            path.unlink()
        text = {nodeid: inspect.getsource(item.function) for nodeid, item in items.items()}
        sources = {nodeid: digest_of(source) for nodeid, source in text.items()}
        self._tests_naming: dict[str, list[str]] = defaultdict(list)
        for nodeid, source in text.items():
            for word in set(_WORD.findall(source)):
                self._tests_naming[word].append(nodeid)
        new = [n for n in items if n not in self._known or self._known[n]["source"] != sources[n]]
        self._watch(new, sources)
        self._known = {nodeid: self._known[nodeid] for nodeid in items if nodeid in self._known}
        self.seconds = {nodeid: known["seconds"] for nodeid, known in self._known.items() if known["passed"]}
        self.narrow = {nodeid: sum(map(len, known["lines"].values())) for nodeid, known in self._known.items()}  # functions
        self.source = {nodeid: known["source"] for nodeid, known in self._known.items()}
        self._by_line: dict[tuple[str, int], list[str]] = defaultdict(list)
        self._by_unit: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._moved: dict[str, list[str]] = defaultdict(
            list
        )  # tests of functions that have changed: parts may be elsewhere now
        for nodeid in self.seconds:
            for path, units in self._known[nodeid]["lines"].items():
                if path in FILES:
                    now = {unit.name: unit for unit in units_of(path).values()}
                    for name, (digest, places) in units.items():
                        self._by_unit[path, name].append(nodeid)
                        if name in now:
                            first, last = now[name].first, now[name].last
                            if now[name].digest != digest:
                                self._moved[path].append(nodeid)
                            for line in [first + at for at in places] if now[name].digest == digest else range(first, last + 1):
                                self._by_line[path, line].append(nodeid)

    @property
    def failed(self) -> list[str]:
        """The tests that failed when they were looked at."""
        return [nodeid for nodeid, known in self._known.items() if known["failed"]]

    def import_all(self) -> None:
        """Imports what the tests will import, so that not each process does so again."""
        for name in sorted({name for known in self._known.values() for name in known["modules"]}):
            try:
                importlib.import_module(name)
            except Exception:  # a part of a package that cannot be imported by itself
                continue

    def to(self, mutant: Mutant) -> list[str]:
        """The tests that may notice a mutant: those of its line; of a value, those that name it and those of who names it."""
        unit = units_of(mutant.path)[mutant.line]
        found: dict[str, None] = {}
        if unit.runs:
            found |= dict.fromkeys(
                self._by_line.get((mutant.path, mutant.line)) or self._by_unit.get((mutant.path, unit.name), [])
            )
            found |= dict.fromkeys(self._moved.get(mutant.path, []))
        else:
            words = unit.name.rpartition(".")[2].split()
            for name in words:  # grows: a value that names a changed value has changed as well
                found |= dict.fromkeys(self._tests_naming.get(name, []))
                for path, other in _units_naming().get(name, []):
                    found |= dict.fromkeys(self._by_unit.get((path, other.name), []))
                    more = [] if other.runs else other.name.rpartition(".")[2].split()
                    words += [one for one in more if one not in words]
        return list(found) or sorted({n for (path, _), tests in self._by_unit.items() if path == mutant.path for n in tests})

    def _watch(self, nodeids: list[str], sources: dict[str, str]) -> None:
        """Runs tests, a hundred in a process and two processes at a time, and notes what they come to."""
        parts = {KEPT / f"part{start}.json": nodeids[start : start + 100] for start in range(0, len(nodeids), 100)}
        left, running = list(parts), {}
        while left or running:
            while left and len(running) < 2:
                part = left.pop(0)
                running[self._watching(parts[part], sources, part)] = part
            part = running.pop(os.wait()[0])
            self._known |= json.loads(part.read_text())
            part.unlink()
            self.PATH.write_text(json.dumps(self._known))
            print(f"{len(self._known)} of {len(self.items)} tests looked at", flush=True)

    def _watching(self, nodeids: list[str], sources: dict[str, str], part: Path) -> int:
        """The process that writes ``part``."""
        pid = os.fork()
        if pid == 0:
            before = set(sys.modules)
            watch = covering(KEPT / f"coverage-{part.stem}")
            watch.start()
            out: dict[str, Any] = {}
            if nodeids:
                factory = self.items[nodeids[0]].config._tmp_path_factory
                factory._basetemp = factory.mktemp(part.stem)  # the other process makes folders, too
            for nodeid in nodeids:
                watch.switch_context(nodeid)
                start = time.process_time()
                reports = runtestprotocol(self.items[nodeid], log=False, nextitem=None)
                failed = [str(report.longrepr) for report in reports if report.failed]
                for text in failed:
                    print(text, flush=True)
                seconds, modules = round(time.process_time() - start, 4), [m for m in sys.modules if m not in before]
                out[nodeid] = {
                    "failed": bool(failed),
                    "source": sources[nodeid],
                    "seconds": seconds,
                    "passed": all(report.passed for report in reports),
                    "lines": {},
                    "modules": modules,
                }
                before |= set(sys.modules)
            watch.stop()
            watch.save()
            data = watch.get_data()
            for file in data.measured_files():
                path = str(Path(file).relative_to(PACKAGE))
                units = units_of(path)
                for line, tests in data.contexts_by_lineno(file).items():
                    unit = units.get(line)
                    for test in tests if unit is not None and unit.runs else ():
                        if test in out:
                            places = out[test]["lines"].setdefault(path, {}).setdefault(unit.name, (unit.digest, []))[1]
                            places.append(line - unit.first)
            part.write_text(json.dumps(out))
            os._exit(0)
        return pid


@functools.cache
def _units_naming() -> dict[str, list[tuple[str, Unit]]]:
    """By word: the units that it stands in, each with its file."""
    out = defaultdict(list)
    for path in FILES:
        lines = source_of(path).splitlines()
        for unit in dict.fromkeys(units_of(path).values()):
            for word in set(_WORD.findall("\n".join(lines[unit.first - 1 : unit.last]))):
                out[word].append((path, unit))
    return out


def covering(path: Path) -> Any:
    """A ``coverage.Coverage`` of the storages, with branches, that writes to ``path``."""
    import coverage

    return coverage.Coverage(data_file=path, branch=True, source=[str(PACKAGE)], messages=False)


def branches() -> float:
    """Prints which lines and branches no test comes to; returns how many of a hundred are reached."""
    whole = covering(KEPT / "coverage")
    whole.combine([str(path) for path in KEPT.glob("coverage-*")])
    return float(whole.report(show_missing=True, skip_covered=True, precision=2))


def digest_of(text: str) -> str:
    return hashlib.sha1(text.encode()).hexdigest()[:12]
