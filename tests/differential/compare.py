"""Runs programs on TensorFlow and on another adapter and tells the first difference of each."""

from __future__ import annotations

import gc
import math
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from differential.adapter import Adapter
from differential.deviations import ANYTHING, RULES, Declared, reading, shape
from differential.interpreter import Interpreter, Observation
from differential.oracle import Oracle
from differential.programs import Program, Step

MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # where there is one, files need not wait for a disk


@dataclass
class Verdict:
    """What comparing a program gave: the first difference, if there is one, and the deviations on the way."""

    program: Program
    difference: str | None = None
    step: int | None = None
    expected: Observation | None = None
    found: Observation | None = None
    deviations: list[str] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """Differences that say the same but for numbers, at the same kind of step, are of one kind."""
        step = [*self.program.steps, ["look"]][self.step or 0]
        return re.sub(r"\d+", "", f"{step[0]} {self.difference}")

    def __str__(self) -> str:
        where = "the last look" if self.step == len(self.program.steps) else f"step {self.step}"
        return f"{where}: {self.difference}\n  expected {self.expected}\n  found    {self.found}"


class Comparison:
    """Compares an adapter with TensorFlow. ``library`` makes the adapter."""

    def __init__(self, oracle: Oracle, library: Callable[[], Adapter]):
        self._oracle = oracle
        self._adapter = library()
        self.ran = 0

    def __call__(self, programs: list[Program]) -> list[Verdict]:
        """Each program on both sides, in the order that it says; the second side reads files of the first one."""
        self.ran += len(programs)
        collecting, frozen = gc.isenabled(), gc.get_freeze_count()
        try:
            return self._compare(programs)
        finally:
            gc.unfreeze()
            if frozen:  # as it was before
                gc.collect()
                gc.freeze()
            if collecting:
                gc.enable()

    def _compare(self, programs: list[Program]) -> list[Verdict]:
        with tempfile.TemporaryDirectory(
            ignore_cleanup_errors=True, dir=MEMORY if os.access(MEMORY, os.W_OK) else None
        ) as root:
            places = [os.path.join(root, str(n)) for n in range(len(programs))]
            ours: dict[int, Any] = {}
            for n, program in enumerate(programs):
                if program.first != "tensorflow":
                    ours[n] = self._own(program, places[n], None)
            requests = [
                {"program": program.to_json(), "directory": place, "other": ours[n][1] if n in ours else None}
                for n, (program, place) in enumerate(zip(programs, places, strict=True))
            ]
            answers = self._oracle.run(requests)
            verdicts = []
            for n, (program, answer) in enumerate(zip(programs, answers, strict=True)):
                if n not in ours:
                    ours[n] = self._own(program, places[n], {int(i): path for i, path in answer["paths"].items()})
                verdicts.append(compare(program, answer["plain"], answer["required"], ours[n][0]))
                shutil.rmtree(places[n], ignore_errors=True)
        return verdicts

    def _own(self, program: Program, place: str, other: dict[int, str] | None) -> tuple[list[Observation], dict[int, str]]:
        interpreter = Interpreter(self._adapter, os.path.join(place, self._adapter.name), other)
        return interpreter.run(program), interpreter.paths


def compare(
    program: Program, plain: list[Observation], required: list[Observation] | None, found: list[Observation]
) -> Verdict:
    """The first difference between what TensorFlow shows, with minitf's deviations, and what was found."""
    verdict = Verdict(program)
    declared = declarations(program)
    steps: list[Step] = [*program.steps, ["look"]]
    for at, step in enumerate(steps):
        expected = plain[at]
        if required is not None:
            if not verdict.deviations and differ(plain[at], required[at]):
                verdict.deviations.append(reading(step, plain[at], required[at]))
            expected = required[at]
        for rule in RULES:
            special = rule.expected(step, expected, declared)
            if special is not None:
                verdict.deviations.append(rule.number)
                parts = ("error", "values") if special else ("error",)
                shown = {part: found[at][part] for part in parts if part in found[at]}
                if special is not ANYTHING:
                    _note(verdict, at, special, shown)
                return verdict
        if _note(verdict, at, expected, found[at]):
            return verdict
    return verdict


def _note(verdict: Verdict, at: int, expected: Observation, found: Observation) -> bool:
    difference = differ(expected, found)
    if difference:
        verdict.difference, verdict.step, verdict.expected, verdict.found = difference, at, expected, found
    return difference is not None


def differ(expected: Observation, found: Observation) -> str | None:
    """Where two observations differ, in words, or None."""
    wanted = set(expected["error"][0].split("|") if "error" in expected else ())
    if ("error" in expected) != ("error" in found) or ("error" in expected and not wanted & set(found["error"])):
        return f"{expected.get('error', ['no error'])[0]} was expected, {found.get('error', ['no error'])[0]} was found"
    for part in sorted((expected.keys() | found.keys()) - {"error", "odd"}):
        where = _differ(expected.get(part), found.get(part), part)
        if where:
            return where
    return None


def _differ(expected: Any, found: Any, where: str) -> str | None:
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in sorted(expected.keys() | found.keys()):
            if key not in expected or key not in found:
                return f"{where}[{key!r}] is {'missing' if key not in found else 'there'}"
            inner = _differ(expected[key], found[key], f"{where}[{key!r}]")
            if inner:
                return inner
        return None
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found) > 2:
        for at, (one, other) in enumerate(zip(expected, found, strict=True)):
            inner = _differ(one, other, f"{where}[{at}]")
            if inner:
                return inner
        return None
    return None if same(expected, found) else f"{where}: {expected!r} was expected, {found!r} was found"


def same(expected: Any, found: Any) -> bool:
    """Equal, up to the last places of floating-point numbers (the two optimizers round in another order)."""
    if isinstance(expected, list) and isinstance(found, (list, tuple)):
        return len(expected) == len(found) and all(map(same, expected, found))
    if isinstance(expected, float) and isinstance(found, float):
        return math.isclose(expected, found, rel_tol=1e-5, abs_tol=1e-7) or (math.isnan(expected) and math.isnan(found))
    return type(expected) is type(found) and bool(expected == found)


def without_files(observations: list[Observation]) -> list[Observation]:
    """The same without what the files hold, which not every party knows."""
    return [
        o | {"result": o["result"] | {"file": {}}} if isinstance(o.get("result"), dict) and "file" in o["result"] else o
        for o in observations
    ]


def declarations(program: Program) -> Declared:
    """The dtypes and shapes that variables were made with, by number."""
    declared = {}
    for step in program.steps:
        if step[0] == "variable":
            declared[str(step[1])] = step[2], shape(step[3])
        elif step[0] == "add_variable":
            declared[str(step[1])] = step[4], shape(step[6]) if step[5] is None else tuple(step[5])
    return declared
