"""Mistakes planted in ``minitf/storage``, one at a time, and the tests that notice: the mutation score.

    scripts/mutation                              # those not yet tried or still unexplained; of tests those not yet tried
    scripts/mutation --only bundle/block.py       # those of one file (or several, with commas between)
    scripts/mutation --only bundle/block.py:131   # those of one line
    scripts/mutation --sample 400 --seed 1        # so many of all mutants, drawn at random
    scripts/mutation --branches 100               # no mutant unless --sample or --only asks for some: which lines no test runs
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
import json
import os
import random
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
from looking import FILES, KEPT, Ways, branches, covering, digest_of
from planting import ROOT, Mutant, Running, mutants_of
from scoring import FOUND, Explained, found_out, record, report

LEFT_OUT = ("test_kills", "test_guided_runs", "test_loading_opens", "test_the_hook_sees", "test_two_processes", "grows_beyond",
            "does_not_end_before", "said_at_the_end", "packages_read", "test_no_case_breaks",
            "test_interrupts", "however_the_process_ends", "a_process_that_is_killed", "little_is_needed_beside")  # fmt: skip


class Mutation:
    """A pytest plugin that runs mutants instead of tests."""

    def __init__(self, options: argparse.Namespace):
        self.options = options
        self.code = 1
        self.imports = covering(KEPT / "coverage-imports")
        self.imports.start()
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
        self.imports.stop()
        self.imports.save()
        ways = Ways(items, again=self.options.branches > 0)
        if self.options.branches:
            print(*(f"failed: {nodeid}" for nodeid in ways.failed), sep="\n")
            self.code = int(branches() < self.options.branches or ways.failed != [])
            if self.code or not (self.options.sample or self.options.only):
                return True
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
        if FOUND.exists() and FOUND.stat().st_size != self._read:
            self._read = FOUND.stat().st_size
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
        done = {n for n in tests if ways.source[n] + digest_of(n)[:4] in tried}
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
            known["tried"] = " ".join(sorted(ways.source[n] + digest_of(n)[:4] for n in {*taken, *done}))
            print(f"{mutant}  {outcome}  ({len(tests)} tests, {known['seconds']} s)", flush=True)
        elif self.options.loud:
            print(f"{mutant}  {outcome}  ({known['seconds']} s)", flush=True)
        self.found[mutant.key] = known
        with FOUND.open("a") as file:
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


def main() -> int:
    parser = argparse.ArgumentParser(description="Plants mistakes in minitf/storage and counts those that the tests notice.")
    parser.add_argument("--sample", type=int, default=0, help="so many mutants, drawn at random")
    parser.add_argument("--seed", type=int, default=0, help="seed of the draw")
    parser.add_argument(
        "--branches",
        type=float,
        default=0.0,
        help="run all tests anew; exit code 1 if fewer of a hundred lines and branches are run",
    )
    parser.add_argument("--only", help="files below minitf/storage, or file:line, with commas between")
    parser.add_argument("--again", action="store_true", help="forget what is known of the chosen ones")
    parser.add_argument("--which", choices=("all", "untried", "survivors"), default="all", help="of those left open before")
    parser.add_argument("--record", action="store_true", help="write mutation_score.tsv from what is known; run nothing")
    parser.add_argument(
        "--least",
        type=float,
        default=0.0,
        help="exit code 1 if a smaller share is killed (of a sample: surely, of those without an explanation)",
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
