"""Mistakes planted in ``minitf/storage``, one at a time, and the tests that notice: the mutation score.

    scripts/mutation                              # those not yet tried or still unexplained; of tests those not yet tried
    scripts/mutation --only bundle/block.py       # those of one file (or several, with commas between)
    scripts/mutation --only bundle/block.py:131   # those of one line
    scripts/mutation --sample 400 --seed 1        # so many of all mutants, drawn at random
    scripts/mutation --record                     # no run: writes mutation_score.tsv from what is known

The tests are collected and imported once. A first run notes which test comes to which line, and how long it takes. Then each
mutant gets a process of its own, forked off: the code objects of the changed file are put in the place of the old ones
(``planting.py``), and only those tests are run that come to the changed line, until one fails: first those that noticed other
mutants of the function, then the quickest and narrowest. The first time that a test notices something it is run without a
mistake as well: one that fails then, too, has noticed nothing and is left out. A test that takes three times its usual time of
the processor and a second more, or no time at all for ten seconds, has noticed as well. Tests that start processes of their own
would not see a mutant and are left out. Hypothesis draws the same examples each time, so a run can be repeated.

Survivors that are right to survive stand in ``mutation_survivors.tsv``: file, line of code, change, reason. A cell between
slashes is a regular expression.
"""

from __future__ import annotations

import argparse
import datetime as dt
import gc
import hashlib
import importlib
import inspect
import json
import math
import os
import random
import re
import resource
import select
import shutil
import signal
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from planting import PACKAGE, ROOT, Mutant, Running, mutants_of, paths, source_of, units_of

KEPT = ROOT / ".fuzz" / "mutation"
EXPLAINED = Path(__file__).with_name("mutation_survivors.tsv")
SCORE = Path(__file__).with_name("mutation_score.tsv")
LEFT_OUT = ("test_kills", "test_guided_runs", "test_loading_opens", "test_the_hook_sees", "test_two_processes", "grows_beyond",
            "does_not_end_before", "said_at_the_end", "packages_read", "test_no_case_breaks",
            "test_interrupts", "however_the_process_ends", "a_process_that_is_killed", "little_is_needed_beside")  # fmt: skip
FILES = paths()


# Which test comes to which line -------------------------------------------------------------------------------------


class Ways:
    """Which tests come to which lines, in how many seconds. Kept in a file; only tests that are new or changed run again."""

    PATH = KEPT / "ways.json"

    def __init__(self, items: dict[str, Any]):
        self.items = items
        self._known: dict[str, Any] = json.loads(self.PATH.read_text()) if self.PATH.exists() else {}
        self.text = {nodeid: inspect.getsource(item.function) for nodeid, item in items.items()}
        sources = {nodeid: _digest(text) for nodeid, text in self.text.items()}
        new = [n for n in items if n not in self._known or self._known[n]["source"] != sources[n]]
        for start in range(0, len(new), 200):
            some = new[start : start + 200]
            self._watch([some[0::2], some[1::2]], sources)
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
                word = re.compile(rf"\b{name}\b")
                found |= dict.fromkeys(nodeid for nodeid, text in self.text.items() if word.search(text))
                for path in FILES:
                    lines = source_of(path).splitlines()
                    for other in set(units_of(path).values()) if word.search(source_of(path)) else ():
                        if word.search("\n".join(lines[other.first - 1 : other.last])):
                            found |= dict.fromkeys(self._by_unit.get((path, other.name), []))
                            more = [] if other.runs else other.name.rpartition(".")[2].split()
                            words += [one for one in more if one not in words]
        return list(found) or sorted({n for (path, _), tests in self._by_unit.items() if path == mutant.path for n in tests})

    def _watch(self, halves: list[list[str]], sources: dict[str, str]) -> None:
        """Runs tests, each half in a process of its own, and notes what they come to."""
        KEPT.mkdir(parents=True, exist_ok=True)
        parts = [KEPT / f"part{number}.json" for number in range(len(halves))]
        for pid in [self._watching(half, sources, part) for half, part in zip(halves, parts, strict=True)]:
            os.waitpid(pid, 0)
        for part in parts:
            self._known |= json.loads(part.read_text())
            part.unlink()
        self.PATH.write_text(json.dumps(self._known))
        print(f"{len(self._known)} of {len(self.items)} tests looked at", flush=True)

    def _watching(self, nodeids: list[str], sources: dict[str, str], part: Path) -> int:
        """The process that writes ``part``."""
        pid = os.fork()
        if pid == 0:
            import coverage

            before = set(sys.modules)
            watch = coverage.Coverage(data_file=None, source=[str(PACKAGE)], messages=False)
            watch.start()
            out: dict[str, Any] = {}
            if nodeids:
                factory = self.items[nodeids[0]].config._tmp_path_factory
                factory._basetemp = factory.mktemp(part.stem)  # the other half makes folders, too
            for nodeid in nodeids:
                watch.switch_context(nodeid)
                start = time.process_time()
                reports = runtestprotocol(self.items[nodeid], log=False, nextitem=None)
                passed = all(report.passed for report in reports)
                seconds, modules = round(time.process_time() - start, 4), [m for m in sys.modules if m not in before]
                out[nodeid] = {"source": sources[nodeid], "seconds": seconds, "passed": passed, "lines": {}, "modules": modules}
                before |= set(sys.modules)
            watch.stop()
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


def _digest(text: str) -> str:
    return hashlib.sha1(text.encode()).hexdigest()[:12]


# One mutant after the other -----------------------------------------------------------------------------------------


class Mutation:
    """A pytest plugin that runs mutants instead of tests."""

    PATH = KEPT / "found.jsonl"

    def __init__(self, options: argparse.Namespace):
        self.options = options
        self.code = 1
        self.found: dict[str, Any] = found_out()
        self.explained = Explained()
        self._killers: dict[str, Counter[str]] = defaultdict(Counter)  # by file
        self._last: dict[tuple[str, str], list[str]] = defaultdict(list)  # by function
        self._sound: dict[str, bool] = {}  # of tests: whether they pass where nothing is planted
        self._folder = self._read = 0

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items[:] = [item for item in items if not any(name in item.nodeid for name in LEFT_OUT)]

    def pytest_runtestloop(self, session: Any) -> bool:
        items = {item.nodeid: item for item in session.items}
        self.temporary = session.config._tmp_path_factory.getbasetemp()
        ways = Ways(items)
        ways.import_all()
        running = Running()
        chosen = self._chosen()
        for mutant in chosen:
            self._learn(mutant, self.found.get(mutant.key, {}).get("outcome", ""))
        gc.collect()
        gc.freeze()
        start = told = time.monotonic()
        for number, mutant in enumerate(chosen, 1):
            if number > 1 and chosen[number - 2].path != mutant.path and not self.options.sample:
                report([m for m in chosen if m.path == chosen[number - 2].path], self.found)
            self._hear_of_others()
            if not self._wanted(mutant):
                continue
            self._run(mutant, ways, running, items)
            if time.monotonic() - told > 60:
                told = time.monotonic()
                print(f"... {number} of {len(chosen)}, {told - start:.0f} s", flush=True)
            if self.options.seconds and time.monotonic() - start > self.options.seconds:
                print(f"stopped after {number} of {len(chosen)}: no more time")
                break
        self.code = report(chosen, self.found, self.options.least, bool(self.options.sample))
        return True

    def _chosen(self) -> list[Mutant]:
        only = self.options.only.split(",") if self.options.only else FILES
        chosen = [(path, line) for path, _, line in (place.partition(":") for place in only)]
        found = [m for path, line in chosen for m in mutants_of(path) if line in ("", str(m.line))]
        print(f"{len(found)} mutants, seed {self.options.seed}", flush=True)
        if self.options.sample:
            found = random.Random(self.options.seed).sample(found, min(self.options.sample, len(found)))
        return found

    def _wanted(self, mutant: Mutant) -> bool:
        known = self.found.get(mutant.key)
        if self.options.again:
            return True
        if known is None:
            return self.options.which != "survivors"
        return self.options.which != "untried" and known["outcome"] == "survived" and mutant not in self.explained

    def _hear_of_others(self) -> None:
        """What another run at the same time has found out need not be tried."""
        if self.PATH.exists() and self.PATH.stat().st_size != self._read:
            self._read = self.PATH.stat().st_size
            self.found = found_out()

    def _learn(self, mutant: Mutant, outcome: str) -> None:
        _, _, test = outcome.partition(" by ")
        if "::" in test:
            self._killers[mutant.path][test] += 1
            last = self._last[mutant.path, mutant.inside]
            if test in last:
                last.remove(test)
            last.insert(0, test)

    def _run(self, mutant: Mutant, ways: Ways, running: Running, items: dict[str, Any]) -> None:
        tests = [n for n in ways.to(mutant) if n in ways.seconds]
        tried = [] if self.options.again else self.found.get(mutant.key, {}).get("tried", "").split()
        done = {n for n in tests if ways.source[n] + _digest(n)[:4] in tried}
        killers, last = self._killers[mutant.path], self._last[mutant.path, mutant.inside]
        cost = {n: (ways.seconds[n] + 0.02) * (ways.narrow[n] + 5) for n in tests}  # tests of a subject before those of all
        rate = {n: cost[n] / (1 + min(killers[n], 4)) for n in tests}
        order = [n for n in last[:6] if n in rate]
        order += sorted((n for n in tests if n not in order), key=rate.__getitem__)
        order = [n for n in order if n not in done]
        if not order and done:
            return
        total, taken = 0.0, []
        for nodeid in order:
            if total + ways.seconds[nodeid] <= self.options.most or not taken:
                total += ways.seconds[nodeid]
                taken.append(nodeid)
        began = time.monotonic()
        outcome = self._try(mutant, [(items[n], ways.seconds[n]) for n in taken], running)
        test = outcome.partition(" by ")[2]
        if test in items and not self._passes(items[test], ways, running):
            self._run(mutant, ways, running, items)  # without it
            return
        if not tests and outcome == "survived":
            outcome = "survived: no test comes there"
        self._learn(mutant, outcome)
        known: dict[str, Any] = {"key": mutant.key, "outcome": outcome.partition(":")[0] if "survived" in outcome else outcome}
        known["seconds"] = round(time.monotonic() - began, 2)
        known["date"] = dt.date.today().isoformat()
        if outcome.startswith("survived"):
            known["tried"] = " ".join(sorted(ways.source[n] + _digest(n)[:4] for n in {*taken, *done}))
            print(f"{mutant}  {outcome}  ({len(tests)} tests, {known['seconds']} s)", flush=True)
        elif self.options.loud:
            print(f"{mutant}  {outcome}  ({known['seconds']} s)", flush=True)
        self.found[mutant.key] = known
        with self.PATH.open("a") as file:
            file.write(json.dumps(known) + "\n")
            self._read = file.tell()

    def _passes(self, item: Any, ways: Ways, running: Running) -> bool:
        """Whether a test passes where nothing is planted, as it did when it was looked at; if not it is not run any more."""
        nodeid = item.nodeid
        if nodeid not in self._sound:
            self._sound[nodeid] = self._try(None, [(item, ways.seconds[nodeid])], running) == "survived"
            if not self._sound[nodeid]:
                print(f"{nodeid} fails where nothing is planted", flush=True)
                del ways.seconds[nodeid]
        return self._sound[nodeid]

    def _try(self, mutant: Mutant | None, tests: list[tuple[Any, float]], running: Running) -> str:
        self._folder += 1
        folder = self.temporary / f"mutant-{self._folder}"
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.setsid()
            os.close(reading)
            try:
                os.write(writing, _in_child(mutant, tests, running, folder).encode())
            finally:
                os._exit(0)
        os.close(writing)
        said = _listen(reading, pid)
        os.close(reading)
        try:
            os.killpg(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        os.waitpid(pid, 0)
        shutil.rmtree(folder, ignore_errors=True)
        return said or "killed by time or memory"


def _listen(pipe: int, pid: int) -> str:
    """What a child says; "" if it dies, or waits without doing anything."""
    was, idle, said = -1, 0, b""
    while idle < 10:
        if select.select([pipe], [], [], 1.0)[0]:
            data = os.read(pipe, 1 << 16)
            if not data:
                return said.decode()
            said += data
            continue
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        now = int(fields[11]) + int(fields[12])
        idle = idle + 1 if now == was and fields[0] == "S" else 0
        was = now
    return ""


def _in_child(mutant: Mutant | None, tests: list[tuple[Any, float]], running: Running, folder: Path) -> str:
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    signal.setitimer(signal.ITIMER_PROF, 20)
    try:
        if mutant is not None and not running.plant(mutant):
            return "not planted"
    except Exception as error:
        return f"killed by {type(error).__name__} on import"
    folder.mkdir()
    os.chdir(folder)  # what a mistake writes to a wrong place goes with it
    if tests:
        tests[0][0].config._tmp_path_factory._basetemp = folder
    for item, seconds in tests:
        signal.setitimer(signal.ITIMER_PROF, 3 * seconds + 1)
        if any(report.failed for report in runtestprotocol(item, log=False, nextitem=None)):
            return f"killed by {item.nodeid}"
    return "survived"


# What came out ------------------------------------------------------------------------------------------------------


def found_out() -> dict[str, Any]:
    """What became of the mutants that were tried so far, by their keys."""
    if not Mutation.PATH.exists():
        return {}
    return {known["key"]: known for known in map(json.loads, Mutation.PATH.read_text().splitlines())}


class Explained:
    """The survivors that are right to survive."""

    def __init__(self) -> None:
        rows = [line.split("\t") for line in EXPLAINED.read_text().splitlines()]
        self._rows = [[_pattern(cell) for cell in row[:3]] for row in rows]
        self.used = [False] * len(rows)

    def __contains__(self, mutant: Mutant) -> bool:
        cells = (mutant.path, source_of(mutant.path).splitlines()[mutant.line - 1].strip(), mutant.what)
        matching = [n for n, row in enumerate(self._rows) if all(p.fullmatch(c) for p, c in zip(row, cells, strict=True))]
        for number in matching:
            self.used[number] = True
        return bool(matching)


def _pattern(cell: str) -> re.Pattern[str]:
    return re.compile(cell[1:-1] if len(cell) > 2 and cell[0] == cell[-1] == "/" else re.escape(cell))


def report(chosen: list[Mutant], found: dict[str, Any], least: float = 0.0, drawn: bool = False) -> int:
    """Prints the score and the survivors without an explanation; 1 if the score is below ``least``.

    Of mutants that were ``drawn``: if the score of all is, with the confidence of the interval that is printed.
    """
    explained = Explained()
    table, open_ones = tally(chosen, found, explained)
    for path, row in table.items():
        if row["killed"] + row["survived"]:
            print(f"{path:24} {_said(row)}")
    row = sum(table.values(), Counter())
    print(f"{'in all':24} {_said(row)}")
    low, high = wilson(row["killed"], max(1, row["killed"] + row["survived"]))
    if drawn:
        print(f"95 % interval of the share of killed ones: {low:.1%} to {high:.1%}")
    for mutant in open_ones:
        print(f"{mutant.path}\t{source_of(mutant.path).splitlines()[mutant.line - 1].strip()}\t{mutant.what}\t:{mutant.line}")
    return int((high if drawn else row["killed"] / max(1, row["killed"] + row["survived"])) < least)


def tally(chosen: list[Mutant], found: dict[str, Any], explained: Explained) -> tuple[dict[str, Counter[str]], list[Mutant]]:
    """Counts by file, and the survivors that nobody has explained."""
    table: dict[str, Counter[str]] = {path: Counter() for path in FILES}
    open_ones = []
    for mutant in chosen:
        row = table[mutant.path]
        outcome = found.get(mutant.key, {}).get("outcome", "not tried").partition(" by ")[0]
        row["mutants"] += 1
        row[outcome] += 1
        if outcome == "survived":
            if mutant in explained:
                row["explained"] += 1
            else:
                open_ones.append(mutant)
    return table, open_ones


def _said(row: Counter[str]) -> str:
    tried = max(1, row["killed"] + row["survived"])
    return (
        f"{row['mutants']} mutants: {row['killed']} killed, {row['survived']} survived ({row['explained']} explained), "
        f"{row['not planted']} could not be planted, {row['not tried']} not tried; {row['killed'] / tried:.1%} killed, "
        f"{row['killed'] / max(1, tried - row['explained']):.1%} of those not explained"
    )


def record() -> int:
    """Writes what is known into ``mutation_score.tsv``, a line a file."""
    chosen = [m for path in FILES for m in mutants_of(path)]
    found = found_out()
    table, _ = tally(chosen, found, Explained())
    heads = ("mutants", "killed", "survived", "explained", "not planted", "not tried")
    lines = ["\t".join(("file", *heads, "killed of tried", "last run"))]
    for path, row in [*table.items(), ("in all", sum(table.values(), Counter()))]:
        dates = [known["date"] for m in chosen if path in (m.path, "in all") and (known := found.get(m.key))]
        share = f"{row['killed'] / max(1, row['killed'] + row['survived']):.1%}"
        if row["mutants"]:
            lines.append("\t".join((path, *(str(row[head]) for head in heads), share, max(dates, default=""))))
    SCORE.write_text("\n".join(lines) + "\n")
    print(lines[-1])
    return 0


def wilson(good: int, total: int) -> tuple[float, float]:
    """The 95 % confidence interval of a share (Wilson's)."""
    z, p = 1.96, good / total
    middle, half = p + z * z / (2 * total), z * math.sqrt(p * (1 - p) / total + z * z / (4 * total * total))
    return (middle - half) / (1 + z * z / total), (middle + half) / (1 + z * z / total)


def main() -> int:
    parser = argparse.ArgumentParser(description="Plants mistakes in minitf/storage and counts those that the tests notice.")
    parser.add_argument("--sample", type=int, default=0, help="so many mutants, drawn at random")
    parser.add_argument("--seed", type=int, default=0, help="seed of the draw")
    parser.add_argument("--only", help="files below minitf/storage, or file:line, with commas between")
    parser.add_argument("--again", action="store_true", help="forget what is known of the chosen ones")
    parser.add_argument("--which", choices=("all", "untried", "survivors"), default="all", help="of those left open before")
    parser.add_argument("--record", action="store_true", help="write mutation_score.tsv from what is known; run nothing")
    parser.add_argument(
        "--least", type=float, default=0.0, help="exit code 1 if a smaller share is killed (of a sample: surely)"
    )
    parser.add_argument("--most", type=float, default=8.0, help="seconds of tests for one mutant")
    parser.add_argument("--seconds", type=float, default=0, help="stop after so long")
    parser.add_argument("--loud", action="store_true", help="say what became of each mutant")
    options = parser.parse_args()
    if options.record:
        return record()
    from hypothesis import HealthCheck, Phase, settings

    settings.register_profile(
        "mutation", database=None, deadline=None, max_examples=25, derandomize=True, report_multiple_bugs=False,
        phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    os.environ |= {
        "HYPOTHESIS_PROFILE": "mutation",
        "MINITF_CRASH_STATES": "400",
    }  # many quick runs rather than a few long ones
    plugin = Mutation(options)
    plugins = ("randomly", "cacheprovider", "xdist", "timeout", "faulthandler")
    arguments = ["-q", *(word for name in plugins for word in ("-p", f"no:{name}")), "-m", "not interop"]
    arguments += ["--tb=native", "-o", "addopts=--import-mode=importlib", str(ROOT / "tests" / "storage")]
    pytest.main(arguments, plugins=[plugin])
    return plugin.code


if __name__ == "__main__":
    sys.exit(main())
