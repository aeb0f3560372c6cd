"""Which test shows which behaviour of the restore semantics, in which mode; and which what TensorFlow's own tests check.

    scripts/behaviours              prints the tables; fails if a behaviour that applies has no test in a mode that it names,
                                    or what a test of TensorFlow checks and minitf has (upstream.txt) has none
    scripts/behaviours --write      writes docs/reference/restore-semantics.md

The behaviours are the lines of the files a_*.txt to o_*.txt beside this one: number, modes ("any": no runtime takes part;
"none": does not apply), text, and after "||" how minitf deviates from TensorFlow and why. Tests name them by
``@pytest.mark.behaviour("S1")``. A test's mode is its parameter "eager" or "graph"; without one it is a graph's test if it
takes the fixture ``graph`` or its source makes a Graph, else an eager one; ``mode="..."`` in the marker overrides this.
"""

from __future__ import annotations

import inspect
import io
import sys
from collections import defaultdict
from contextlib import redirect_stdout
from pathlib import Path
from typing import NamedTuple

import pytest
import upstream

HERE = Path(__file__).parent
PAGE = HERE.parent.parent / "docs" / "reference" / "restore-semantics.md"
MODEL = "tests/testing/test_model.py"
MANY = 3  # a test that names more is listed: it may show none of them well


class Behaviour(NamedTuple):
    number: str
    modes: str
    text: str
    deviation: str
    section: str


def behaviours() -> list[Behaviour]:
    found = []
    for path in sorted(HERE.glob("?_*.txt")):
        section = ""
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("#"):
                section = line[1:].strip()
            elif line:
                number, modes, text = line.split(" | ", 2)
                text, _, deviation = text.partition(" || ")
                assert modes in ("both", "eager", "graph", "any", "none"), line
                found.append(Behaviour(number, modes, text, deviation, section))
    numbers = [b.number for b in found]
    assert numbers == [f"S{i}" for i in range(1, len(numbers) + 1)], "each behaviour once, in order"
    return found


class Collector:
    """A pytest plugin that keeps what the markers say: {number: {mode: {test}}}."""

    def __init__(self) -> None:
        self.shown: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        self.by_test: dict[str, set[str]] = defaultdict(set)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            if item.nodeid.startswith(MODEL):
                continue  # the reference model's own stories say nothing of the engine
            for marker in item.iter_markers("behaviour"):
                test = item.nodeid.split("[")[0]
                for number in marker.args:
                    for mode in modes_of(item, marker):
                        self.shown[number][mode].add(test)
                    self.by_test[test].add(number)


def modes_of(item: pytest.Item, marker: pytest.Mark) -> set[str]:
    if "mode" in marker.kwargs:
        return {"eager", "graph"} if marker.kwargs["mode"] == "both" else {marker.kwargs["mode"]}
    words = set(item.nodeid.partition("[")[2].rstrip("]").split("-"))
    if words & {"eager", "graph"}:
        return words & {"eager", "graph"}
    if set(item.fixturenames) & {"graph", "session"}:  # type: ignore[attr-defined]
        return {"graph"}
    source = inspect.getsource(item.function)  # type: ignore[attr-defined]
    return {"graph"} if "Graph()" in source or "Session(" in source else {"eager"}


def missing(behaviour: Behaviour, shown: dict[str, set[str]]) -> set[str]:
    if behaviour.modes == "any":
        return set() if any(shown.values()) else {"any"}
    wanted = {"both": {"eager", "graph"}, "none": set()}.get(behaviour.modes, {behaviour.modes})
    return {mode for mode in wanted if not shown.get(mode)}


def page(known: list[Behaviour], shown: dict[str, dict[str, set[str]]]) -> str:
    lines = [
        "# Restore semantics",
        "",
        "What minitf's object-based checkpoints do, one line a behaviour, and the tests that show it. TensorFlow 2.21 is the",
        "oracle; where it deviates from the documented behaviour of `CheckpointableSaver`, or does what is an accident,",
        "the line says what minitf does instead. Lines marked *not applicable* are differences between TensorFlow's releases",
        "that minitf settles by the behaviour they point to. This page is written by `scripts/behaviours --write`.",
    ]
    section = ""
    for b in known:
        if b.section != section:
            section = b.section
            lines += ["", f"## {section}", "", "| | mode | behaviour | shown by |", "| --- | --- | --- | --- |"]
        tests = sorted({short(t) for tests in shown[b.number].values() for t in tests})
        by = "; ".join(tests[:4]) + (f"; and {len(tests) - 4} more" if len(tests) > 4 else "")
        text = b.text + (f" **Deviation:** {b.deviation}" if b.deviation else "")
        lines.append(f"| {b.number} | {'not applicable' if b.modes == 'none' else b.modes} | {text} | {by} |")
    return "\n".join(lines) + "\n"


def short(test: str) -> str:
    path, _, name = test.partition("::")
    return f"`{Path(path).stem}: {name.removeprefix('test_')}`"


def main(arguments: list[str]) -> int:
    collector, others = Collector(), upstream.UpstreamCollector()
    options = ["--collect-only", "-p", "no:randomly", "-q", "-q", "-q"]
    with redirect_stdout(io.StringIO()) as said:
        code = pytest.main([*options, str(HERE.parent)], plugins=[collector, others])
    if code:
        print(f"{said.getvalue()}\ncollecting the tests failed with exit code {code}")
        return int(code)
    known = behaviours()
    unknown = sorted(set(collector.shown) - {b.number for b in known})
    gaps = {b.number: missing(b, collector.shown[b.number]) for b in known}
    gaps = {number: modes for number, modes in gaps.items() if modes}
    if "--write" in arguments:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(page(known, collector.shown), encoding="utf-8")
    else:
        for b in known:
            for mode in ("eager", "graph"):
                for test in sorted(collector.shown[b.number][mode]):
                    print(f"{b.number:<5} {mode:<6} {test}")
    crowded = sorted((test, sorted(numbers)) for test, numbers in collector.by_test.items() if len(numbers) > MANY)
    for test, numbers in crowded:
        print(f"more than {MANY} behaviours: {test}: {' '.join(numbers)}")
    applying = [b for b in known if b.modes != "none"]
    print(
        f"{len(known)} behaviours, {len(applying)} apply, {len(applying) - len(gaps)} are shown in each mode that they name, "
        f"by {len(collector.by_test)} tests, {len(crowded)} of which name more than {MANY}"
    )
    for number, modes in gaps.items():
        print(f"no test: {number} {' '.join(sorted(modes))}")
    for number in unknown:
        print(f"unknown behaviour: {number} in {', '.join(sorted(t for m in collector.shown[number].values() for t in m))}")
    complete = upstream.report(others.shown, every="--write" not in arguments)
    stale = PAGE.exists() and PAGE.read_text(encoding="utf-8") != page(known, collector.shown)
    if stale:
        print(f"{PAGE.name} is not up to date: run scripts/behaviours --write")
    return 1 if gaps or unknown or stale or not complete else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
