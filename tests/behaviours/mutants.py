"""Planted mistakes: each changes one place of the engine, and a test that names the behaviour it breaks must fail.

    scripts/mutants                 tries all; fails if one survives or cannot be planted
    scripts/mutants S74 S199        only those of these behaviours

A mutant is (behaviour, file, text as it stands, text in its place). The text must stand there exactly once, so that a
change of the engine which moves it is noticed. Only tests that carry the behaviour's marker are run, against a copy of the package.
"""
# ruff: noqa: E501

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from table import Collector

ROOT = Path(__file__).parent.parent.parent
CHECKPOINT, OBJECTS = "minitf/checkpoint/", "minitf/objects/"
TRACKABLE, EDGES = OBJECTS + "trackable.py", OBJECTS + "edges.py"
MATCH = CHECKPOINT + "match.py"
STATUS = CHECKPOINT + "status.py"
CAPTURE = CHECKPOINT + "capture.py"
LISTS, DICTS = OBJECTS + "containers/lists.py", OBJECTS + "containers/dicts.py"

MUTANTS = [
    # A: tracking
    ("S6", EDGES, "        edges[name] = child\n        _set(", "        edges.pop(name, None)\n        edges[name] = child\n        _set("),
    ("S7", TRACKABLE, "        if kind in _PLAIN:\n", "        if kind in _PLAIN:\n            detach(self, name)\n"),
    ("S9", TRACKABLE, "detach(self, name, (_delete, self, name))", "_delete(self, name)"),
    ("S13", TRACKABLE, "            value = value.value\n        elif state.automatic:", "            value = value.value\n        if state.automatic:"),
    ("S14", TRACKABLE, "if replaced is value:", "if False:"),
    ("S16", TRACKABLE, "before, state.automatic = state.automatic, False", "before, state.automatic = state.automatic, True"),
    ("S18", TRACKABLE, "if current is not None and not overwrite:", "if False:"),
    ("S25", CHECKPOINT + "checkpoint.py", "in sorted(keywords.items()):", "in keywords.items():"),
    ("S33", CHECKPOINT + "saver.py", "lambda: top_of(root), _no_edges", "lambda root=weakref.ref(root): top_of(root), _no_edges"),
    # B: containers
    ("S36", LISTS, "admit(self, str(index), element)", "admit(self, str(len(tracking(self).edges)), element)"),
    ("S57", LISTS, "take(self, str(len(self._storage)), value,", "take(self, str(len(self._storage) + 1), value,"),
    ("S44", LISTS, "        if self._moved is not None:\n            refuse(", "        if False:\n            refuse("),
    ("S45", LISTS, "        if self._foreign:\n            refuse(", "        if False:\n            refuse("),
    ("S48", DICTS, "key if isinstance(value, Tracked) and self._odd_key is _NONE else self._odd_key", "self._odd_key"),
    ("S51", DICTS, "        if self._foreign:\n            refuse(", "        if False:\n            refuse("),
    # C: variables that come later
    ("S63", MATCH, "elif waitable[child]:", "elif False:"),
    ("S68", EDGES, "return requests[0].preload(requests) if requests else None", "return None"),
    ("S72", CHECKPOINT + "requests.py", "not all(_is_variable(r) for r in alive)", "not _is_variable(alive[0])"),
    ("S74", EDGES, "if watchers.pop(name, None) is waiting and", "if watchers.get(name) is waiting and"),
    ("S77", EDGES, "state.watch(name, _listed(waiting, name))\n                raise", "pass\n                raise"),
    ("S79", CHECKPOINT + "restoration.py", "key is not None or n in known or holds_values(nodes[n])", "True"),
    ("S80", CHECKPOINT + "restoration.py", "        if rules.every_node:\n", "        if False:\n"),
    ("S87", MATCH, "        state.update_uid = r.uid\n", "        state.update_uid = max(before, 0)\n"),
    # D: matching
    ("S99", CHECKPOINT + "matching.py", "return graph.nodes[node].children", "return graph.nodes[node].children[::-1]"),
    ("S96", MATCH, "for node, obj, current in self._conflicts:", "for node, obj, current in ():"),
    ("S99", MATCH, "        if before >= r.uid:", "        if before > r.uid:"),
    ("S103", MATCH, "        self.restoration.unused.append((node, name))\n", ""),
    ("S104", MATCH, "r.bound[node] = r.objects[number]", "r.bound[node] = lambda: obj"),
    # E: keys
    ("S111", "minitf/saved.py", 'local_name.replace(".", "..").replace("/", ".S")', 'local_name.replace("/", ".S").replace(".", "..")'),
    ("S115", CAPTURE, "{escape(stored)}", "{stored}"),
    ("S116", CAPTURE, "{paths[variable]}{OPTIMIZER_SLOT}{of}", "{of}{OPTIMIZER_SLOT}{paths[variable]}"),
    ("S119", CHECKPOINT + "walking.py", "here.sort(key=lambda pair: pair[0])", "here.sort(key=lambda pair: -pair[0])"),
    ("S123", CAPTURE, "    _spread(graph)\n", ""),
    # F: slots
    ("S131", CHECKPOINT + "walking.py", "                if of < self.tree:\n", "                if of <= self.tree:\n"),
    ("S134", MATCH, "                if node in r.slots:\n", "                if nodes[node].values and node in r.slots:\n"),
    ("S139", MATCH, "self.waits.append((owner, (handle, name), self._attempt.wish(r, slot_node, owner_node)))", "pass"),
    # G: several restores
    ("S151", EDGES, "waiting.sort(key=lambda r: -r.uid)", "waiting.sort(key=lambda r: r.uid)"),
    ("S153", MATCH, "        if before >= r.uid:", "        if before == r.uid:"),
    # H: Python state
    ("S162", "minitf/runtimes/restoring.py", "        for (put, _), value in python:\n            put(value.item())\n", ""),
    # I: graphs
    ("S176", "minitf/runtimes/restoring.py", "            cache[place] = built  # last", "            pass  # last"),
    ("S179", "minitf/runtimes/restoring.py", "built = cache.get(place)", "built = next((v for k, v in cache.items() if type(k) is tuple and k[1] == place[1]), None)"),
    ("S187", CAPTURE, "if edges.version != self._version or self._root() is not root:", "if self._root() is not root:"),
    # J: status
    ("S192", STATUS, "            if kind.variable or (kind.valued and own_values(obj)):", "            if kind.valued and not kind.variable and own_values(obj):"),
    ("S196", STATUS, "*((-1, obj) for obj in self._remembered(walk, matched))]", "]"),
    ("S199", STATUS, "if r.rules.every_node or r.graph.values(n)]", "if r.graph.values(n)]"),
    ("S204", STATUS, "for node in range(len(r.bound))) > 1:", "for node in range(len(r.bound))) > 0:"),
    ("S205", CHECKPOINT + "restoration.py", "self._leftovers.silent = True", "self._leftovers.silent = False"),
    ("S208", STATUS, "        self.run_restore_ops(session)  # only now", "        # only now"),
    ("S212", STATUS, " and _uid(o) < r.uid]", "]"),
    ("S216", STATUS, " if _uid(o) < self._uid]", "]"),
    # K: names
    ("S225", CHECKPOINT + "matching.py", "REQUIREMENT = Rules(every_node=True, names_at_once=False)", "REQUIREMENT = Rules(every_node=True, names_at_once=True)"),
    ("S226", CHECKPOINT + "matching.py", "TENSORFLOW_2 = Rules(every_node=False, names_at_once=True)", "TENSORFLOW_2 = Rules(every_node=False, names_at_once=False)"),
    # L: saving
    ("S247", CHECKPOINT + "saver.py", "if checkpoint_number is not None:", "if checkpoint_number:"),
    ("S261", CHECKPOINT + "checkpoint.py", "        if new:  # in a graph", "        if True:  # in a graph"),
    ("S264", CHECKPOINT + "saver.py", "            self._engine.after_writing(state)\n", ""),
    # N: the manager
    ("S283", CHECKPOINT + "manager.py", "        self._sweep(durable, here)\n", ""),
    ("S284", CHECKPOINT + "manager.py", "        self._managed.pop(path, None)  # a number", "        # a number"),
    # O: bad input
    ("S298", "minitf/runtimes/restoring.py", "if not compatible(handle.spec.shape, value.shape):", "if False:"),
    ("S300", "minitf/runtimes/restoring.py", "if value.dtype != handle.spec.dtype.np:", "if False:"),
    ("S299", "minitf/ops/restoring.py", "if not compatible(shape, value.shape):", "if False:"),
    ("S77", MATCH, "            r.bound[node] = None\n", "            pass\n"),
    ("S77", MATCH, "            state.update_uid = before\n", "            pass\n"),
]  # fmt: skip


def tests_of_behaviours() -> dict[str, set[str]]:
    collector = Collector()
    with redirect_stdout(StringIO()):
        pytest.main(["--collect-only", "-p", "no:randomly", "-q", "-q", "-q", str(ROOT / "tests")], plugins=[collector])
    return {number: {t for tests in modes.values() for t in tests} for number, modes in collector.shown.items()}


def attempt(mutant: tuple[str, str, str, str], tests: set[str]) -> str:
    """"caught", or what is wrong."""
    _, file, old, new = mutant
    if not tests:
        return "no test carries its marker"
    text = (ROOT / file).read_text(encoding="utf-8")
    if text.count(old) != 1:
        return f"its text stands {text.count(old)} times in {file}"
    with tempfile.TemporaryDirectory() as place:
        shutil.copytree(ROOT / "minitf", Path(place) / "minitf", ignore=shutil.ignore_patterns("__pycache__"))
        (Path(place) / file).write_text(text.replace(old, new), encoding="utf-8")
        environment = {**os.environ, "PYTHONPATH": place, "PYTHONDONTWRITEBYTECODE": "1"}
        options = ["-q", "-x", "-p", "no:randomly", "-p", "no:cacheprovider", "--timeout", "120"]
        command = [sys.executable, "-P", "-m", "pytest", *options, *sorted(tests)]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode == 0:
        return f"SURVIVED {len(tests)} tests"
    return "caught" if done.returncode == 1 else f"pytest ended with {done.returncode}: {done.stdout[-300:]}"


def main(wanted: list[str]) -> int:
    started = time.monotonic()
    mutants = [m for m in MUTANTS if not wanted or m[0] in wanted]
    tests = tests_of_behaviours()
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        results = list(pool.map(lambda m: attempt(m, tests.get(m[0], set())), mutants))
    for (behaviour, file, old, _), result in zip(mutants, results, strict=True):
        print(f"{behaviour:<5} {file:<40} {result}" + ("" if result == "caught" else f"\n      {old.strip()[:100]}"))
    caught = results.count("caught")
    print(f"{caught} of {len(mutants)} planted mistakes are caught ({time.monotonic() - started:.0f} s)")
    return 0 if caught == len(mutants) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
