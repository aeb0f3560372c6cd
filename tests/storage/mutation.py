"""Mistakes planted in ``minitf/storage``, one at a time, and the tests that notice: the mutation score.

    scripts/mutation --sample 400 --seed 1        # so many of all mutants, drawn at random; 0: all of them
    scripts/mutation --only bundle/block.py       # those of one file
    scripts/mutation --only bundle/block.py:131   # those of one line

The tests are collected and imported once. A first run notes which test comes to which line. Then each mutant gets a process of
its own, forked off: the code objects of the changed file are put in the place of the old ones, and only those tests are run
that come to the changed line, the quickest first, until one fails. Tests that start processes of their own would not see a
mutant and are left out.

What is planted: comparisons and arithmetic exchanged, conditions made constant, numbers, bytes and texts changed, ``and`` and
``or`` exchanged, statements, ``raise`` and return values left out, ``break`` and ``continue`` exchanged. What is not: texts of
messages, docstrings, annotations, ``__repr__``, assertions (``strict=`` too), and what stands under ``if TYPE_CHECKING``.
Survivors that are right to survive stand in ``mutation_survivors.tsv``: file, line of code, change, reason.
"""

from __future__ import annotations

import argparse
import ast
import copy
import gc
import importlib
import json
import math
import os
import random
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, NamedTuple

import pytest
from _pytest.runner import runtestprotocol

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "minitf" / "storage"
CACHE = ROOT / ".fuzz" / "mutation.json"
EXPLAINED = Path(__file__).with_name("mutation_survivors.tsv")
LEFT_OUT = ("test_kills", "test_guided_runs", "test_loading_opens", "test_the_hook_sees", "test_two_processes", "grows_beyond",
            "does_not_end_before", "said_at_the_end", "packages_read", "test_no_case_breaks")  # fmt: skip


class Mutant(NamedTuple):
    """A change of one node of a file's syntax tree: ``number`` counts them."""

    path: str
    line: int
    number: int
    what: str
    inside: str  # the function it stands in; "" for the module itself

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


# -- mutants ---------------------------------------------------------------------------------------------------------------

_COMPARISONS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot,
    ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_ARITHMETIC = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitAnd,
}  # fmt: skip


def changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """What can be made of a node."""
    if isinstance(node, ast.Compare):
        for number, operator in enumerate(node.ops):
            other = copy.deepcopy(node)
            other.ops[number] = _COMPARISONS[type(operator)]()
            yield f"{type(operator).__name__} -> {type(other.ops[number]).__name__}", other
    elif isinstance(node, (ast.BinOp, ast.AugAssign)) and type(node.op) in _ARITHMETIC:
        other = copy.deepcopy(node)
        other.op = _ARITHMETIC[type(node.op)]()
        yield f"{type(node.op).__name__} -> {type(other.op).__name__}", other
    elif isinstance(node, ast.BoolOp):
        other = copy.deepcopy(node)
        other.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield f"{type(node.op).__name__} -> {type(other.op).__name__}", other
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "not dropped", node.operand
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield f"{node.value} -> {not node.value}", ast.Constant(not node.value)
        elif isinstance(node.value, int):
            yield f"{node.value} -> {node.value + 1}", ast.Constant(node.value + 1)
        elif isinstance(node.value, bytes):
            yield f"{node.value!r} changed", ast.Constant(node.value + b"?")
        elif isinstance(node.value, str):
            yield f"{node.value!r} changed", ast.Constant(node.value + "?")
    elif isinstance(node, (ast.If, ast.While)):
        for value in (True, False):
            if isinstance(node, ast.While) and value:
                continue
            other = copy.copy(node)
            other.test = ast.Constant(value)
            yield f"condition -> {value}", other
    elif isinstance(node, ast.IfExp):
        yield "condition -> True", node.body
        yield "condition -> False", node.orelse
    elif isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
        yield "return -> None", ast.Return(ast.Constant(None))
    elif isinstance(node, (ast.Expr, ast.AugAssign, ast.Raise, ast.Delete)) or (
        isinstance(node, ast.Assign) and not isinstance(node.targets[0], ast.Name)
    ):
        yield f"{type(node).__name__} left out", ast.Pass()
    elif isinstance(node, ast.Break):
        yield "break -> continue", ast.Continue()
    elif isinstance(node, ast.Continue):
        yield "continue -> break", ast.Break()


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


class Changer(ast.NodeTransformer):
    """Lists all mutants of a tree, and makes the one with the number ``wanted``."""

    def __init__(self, path: str, wanted: int = -1):
        self.path = path
        self.wanted = wanted
        self.found: list[Mutant] = []
        self._inside: list[str] = []
        self._fixed = 0  # depth of what is left alone

    def visit(self, node: ast.AST) -> Any:
        if not self._fixed and hasattr(node, "lineno"):
            for what, other in changes(node):
                if len(self.found) == self.wanted:
                    self.wanted = -2
                    return ast.fix_missing_locations(ast.copy_location(other, node))
                self.found.append(Mutant(self.path, node.lineno, len(self.found), what, ".".join(self._inside)))
        if isinstance(node, ast.Raise):  # left out as a whole; its message may be any
            return node
        return super().visit(node)

    def _function(self, node: Any) -> Any:
        if node.name == "__repr__":
            return node
        self._inside.append(node.name)
        node.args.defaults = [self.visit(default) for default in node.args.defaults]
        node.args.kw_defaults = [default and self.visit(default) for default in node.args.kw_defaults]
        node.body = self._body(node.body)
        self._inside.pop()
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = _function

    def _body(self, body: list[Any]) -> list[Any]:
        start = 1 if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant) else 0  # docstring
        return body[:start] + [self.visit(statement) for statement in body[start:]]

    def visit_ClassDef(self, node: Any) -> Any:
        self._inside.append(node.name)
        node.body = self._body(node.body)
        self._inside.pop()
        return node

    def visit_Module(self, node: Any) -> Any:
        node.body = self._body(node.body)
        return node

    def visit_If(self, node: Any) -> Any:
        return node if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING" else self.generic_visit(node)

    def visit_AnnAssign(self, node: Any) -> Any:
        node.value = node.value and self.visit(node.value)
        return node

    def visit_Expr(self, node: Any) -> Any:  # a bare string is a docstring of what stands before it
        return node if isinstance(node.value, ast.Constant) else self.generic_visit(node)

    def visit_Call(self, node: Any) -> Any:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in ("typed", "warning", "error") or name.endswith("Error"):  # what is said may be any
            node.args = [argument if _is_text(argument) else self.visit(argument) for argument in node.args]
            return node
        return self.generic_visit(node)

    def visit_keyword(self, node: Any) -> Any:
        return node if node.arg == "strict" else self.generic_visit(node)  # zip's assertion

    def _leave(self, node: Any) -> Any:
        return node

    visit_Assert = visit_JoinedStr = visit_Import = visit_ImportFrom = visit_arguments = _leave


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def mutants_of(path: Path) -> list[Mutant]:
    """All mutants of a file."""
    changer = Changer(str(path.relative_to(PACKAGE)))
    changer.visit(ast.parse(path.read_text()))
    return [m for m in changer.found if not m.what.startswith("Expr left out") or not _docstring(path, m.line)]


def _docstring(path: Path, line: int) -> bool:
    return path.read_text().splitlines()[line - 1].lstrip().startswith(('"""', "..."))


def plant(mutant: Mutant) -> bool:
    """Changes the running program; False if the change cannot be seen in it."""
    path = PACKAGE / mutant.path
    source = path.read_text()
    tree = Changer(mutant.path, mutant.number).visit(ast.parse(source))
    name = mutant.path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
    module = importlib.import_module(f"minitf.storage.{name}")
    new, old = compile(tree, str(path), "exec"), compile(source, str(path), "exec")
    changed = {(c.co_qualname, c.co_firstlineno): c for c in _codes(new)}
    before = {(c.co_qualname, c.co_firstlineno): c for c in _codes(old)}
    changed = {place: code for place, code in changed.items() if place not in before or code != before[place]}
    top = bool(changed.pop(("<module>", 1), None)) or any(_is_class_body(before.get(place)) for place in changed)
    planted = 0
    for function in [f for f in gc.get_objects() if isinstance(f, FunctionType) and f.__code__.co_filename == str(path)]:
        code = changed.get((function.__code__.co_qualname, function.__code__.co_firstlineno))
        if code is not None and code.co_freevars == function.__code__.co_freevars:
            function.__code__ = code
            planted += 1
    if top:
        planted += _plant_values(module, new, old)
    return planted > 0


def _is_class_body(code: CodeType | None) -> bool:
    return code is not None and "__module__" in code.co_names and not code.co_varnames and code.co_name != "<module>"


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _codes(inner)


def _plant_values(module: Any, new: CodeType, old: CodeType) -> int:
    """Runs both versions of the module aside, and takes over the names and defaults that came out different."""
    spaces = []
    for code in (old, new):
        space = {"__name__": module.__name__, "__file__": module.__file__, "__package__": module.__package__}
        exec(code, space)
        spaces.append(space)
    planted = 0
    for name, value in spaces[1].items():
        was, now = spaces[0].get(name), module.__dict__.get(name)
        if isinstance(value, FunctionType) and isinstance(now, FunctionType):
            if repr((value.__defaults__, value.__kwdefaults__)) != repr((was.__defaults__, was.__kwdefaults__)):
                now.__defaults__, now.__kwdefaults__ = value.__defaults__, value.__kwdefaults__
                planted += 1
        elif isinstance(value, type) and isinstance(now, type) and value.__module__ == module.__name__:
            planted += _plant_class(now, was, value)
        elif name in spaces[0] and not name.startswith("__") and _is_data(value, module) and repr(value) != repr(was):
            for other in list(sys.modules.values()):
                if getattr(other, "__dict__", {}).get(name) is now:
                    setattr(other, name, value)
                    planted += 1
    return planted


def _is_data(value: Any, module: Any) -> bool:
    return not isinstance(value, type) and type(value).__module__ != module.__name__


def _plant_class(now: type, was: Any, value: type) -> int:
    planted = 0
    for name, member in vars(value).items():
        before, there = vars(was).get(name), vars(now).get(name)
        if isinstance(member, FunctionType) and isinstance(there, FunctionType) and isinstance(before, FunctionType):
            if repr((member.__defaults__, member.__kwdefaults__)) != repr((before.__defaults__, before.__kwdefaults__)):
                there.__defaults__, there.__kwdefaults__ = member.__defaults__, member.__kwdefaults__
                planted += 1
        elif isinstance(member, (str, int, bytes, tuple)) and member != before and not name.startswith("__"):
            setattr(now, name, member)
            planted += 1
    return planted


# -- tests -----------------------------------------------------------------------------------------------------------------


class Mutation:
    """A pytest plugin that runs mutants instead of tests."""

    def __init__(self, options: argparse.Namespace):
        self.options = options
        self.code = 1

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items[:] = [item for item in items if not any(name in item.nodeid for name in LEFT_OUT)]

    def pytest_runtestloop(self, session: Any) -> bool:
        items = {item.nodeid: item for item in session.items}
        lines = self._lines(items)
        chosen = self._chosen()
        outcomes: Counter[str] = Counter()
        survivors: list[Mutant] = []
        start = time.monotonic()
        for number, mutant in enumerate(chosen, 1):
            tests = self._tests_for(mutant, lines)
            outcome = self._try(mutant, [items[test] for test in tests if test in items])
            outcomes[outcome.partition(" by ")[0]] += 1
            if outcome == "survived":
                survivors.append(mutant)
            if self.options.loud or outcome == "survived":
                print(f"{mutant}  {outcome}", flush=True)
            if number % 50 == 0:
                print(f"... {number} of {len(chosen)}, {dict(outcomes)}, {time.monotonic() - start:.0f} s", flush=True)
            if self.options.seconds and time.monotonic() - start > self.options.seconds:
                break
        self._report(outcomes, survivors, len(chosen))
        return True

    def _chosen(self) -> list[Mutant]:
        found = [mutant for path in sorted(PACKAGE.rglob("*.py")) for mutant in mutants_of(path)]
        if self.options.only:
            file, _, line = self.options.only.partition(":")
            found = [mutant for mutant in found if mutant.path == file and (not line or mutant.line == int(line))]
        print(f"{len(found)} mutants", flush=True)
        if self.options.sample and self.options.sample < len(found):
            found = random.Random(self.options.seed).sample(found, self.options.sample)
        return found

    def _lines(self, items: dict[str, Any]) -> dict[str, dict[str, list[list[Any]]]]:
        """By file and line: the tests that come there with their seconds, quickest first. Kept from run to run."""
        if CACHE.exists() and not self.options.again:
            return json.loads(CACHE.read_text())
        CACHE.parent.mkdir(exist_ok=True)
        if os.fork() == 0:
            import coverage

            watch = coverage.Coverage(data_file=None, source=[str(PACKAGE)], messages=False)
            watch.start()
            took = {}
            for nodeid, item in items.items():
                watch.switch_context(nodeid)
                start = time.monotonic()
                runtestprotocol(item, log=False, nextitem=None)
                took[nodeid] = time.monotonic() - start
            watch.stop()
            data = watch.get_data()
            out: dict[str, dict[int, list[Any]]] = {}
            for path in data.measured_files():
                for line, tests in data.contexts_by_lineno(path).items():
                    found = sorted((took[test], test) for test in tests if test)
                    out.setdefault(str(Path(path).relative_to(PACKAGE)), {})[line] = found
            CACHE.write_text(json.dumps(out))
            os._exit(0)
        os.wait()
        return self._lines_again()

    def _lines_again(self) -> Any:
        return json.loads(CACHE.read_text())

    def _tests_for(self, mutant: Mutant, lines: Any) -> list[str]:
        """The tests of the line; of a line that is only come to when the module is imported, those of the whole file."""
        by_line = lines.get(mutant.path, {})
        found = by_line.get(str(mutant.line), [])
        if not found or not mutant.inside:
            found = sorted({(seconds, test) for tests in by_line.values() for seconds, test in tests})
        out, total = [], 0.0
        for seconds, test in found:
            total += seconds
            if total > self.options.most and out:
                break
            out.append(test)
        return out

    def _try(self, mutant: Mutant, items: list[Any]) -> str:
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            try:
                os.write(writing, self._in_child(mutant, items).encode())
            finally:
                os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            said = pipe.read().decode()
        os.waitpid(pid, 0)
        return said or "killed by time or memory"

    def _in_child(self, mutant: Mutant, items: list[Any]) -> str:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(180)
        resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        try:
            if not plant(mutant):
                return "not planted"
        except Exception as error:
            return f"killed by {type(error).__name__} on import"
        for item in items:
            if any(report.failed for report in runtestprotocol(item, log=False, nextitem=None)):
                return f"killed by {item.nodeid}"
        return "survived"

    def _report(self, outcomes: Counter[str], survivors: list[Mutant], chosen: int) -> None:
        listed = EXPLAINED.read_text().splitlines() if EXPLAINED.exists() else []
        explained = {tuple(line.split("\t")[:3]) for line in listed}
        killed, survived = outcomes["killed"], outcomes["survived"]
        total = max(1, killed + survived)
        share = killed / total
        low, high = wilson(killed, total)
        print(f"{killed} of {total} mutants killed ({share:.1%}, 95 % interval {low:.1%} to {high:.1%}), {survived} survived, "
              f"{outcomes['not planted']} could not be planted, {chosen} chosen")  # fmt: skip
        for mutant in survivors:
            code = (PACKAGE / mutant.path).read_text().splitlines()[mutant.line - 1].strip()
            known = (mutant.path, code, mutant.what) in explained
            print(f"{mutant.path}\t{code}\t{mutant.what}\t{'explained' if known else ''}")
        self.code = int(share < self.options.least)


def wilson(good: int, total: int) -> tuple[float, float]:
    """The 95 % confidence interval of a share (Wilson's)."""
    z, p = 1.96, good / total
    middle, half = p + z * z / (2 * total), z * math.sqrt(p * (1 - p) / total + z * z / (4 * total * total))
    return (middle - half) / (1 + z * z / total), (middle + half) / (1 + z * z / total)


def main() -> int:
    parser = argparse.ArgumentParser(description="Plants mistakes in minitf/storage and counts those that the tests notice.")
    parser.add_argument("--sample", type=int, default=0, help="so many mutants, drawn at random; 0: all")
    parser.add_argument("--seed", type=int, default=0, help="seed of the draw")
    parser.add_argument("--only", help="a file below minitf/storage, or file:line")
    parser.add_argument("--again", action="store_true", help="find out anew which test comes to which line")
    parser.add_argument("--least", type=float, default=0.0, help="exit code 1 if a smaller share is killed")
    parser.add_argument("--most", type=float, default=30.0, help="seconds of tests for one mutant")
    parser.add_argument("--seconds", type=float, default=0, help="stop after so long")
    parser.add_argument("--loud", action="store_true", help="say what became of each mutant")
    options = parser.parse_args()
    from hypothesis import Phase, settings

    settings.register_profile("mutation", database=None, deadline=None, max_examples=25, phases=[Phase.generate])
    os.environ |= {
        "HYPOTHESIS_PROFILE": "mutation",
        "MINITF_CRASH_STATES": "400",
    }  # many quick runs rather than a few long ones
    plugin = Mutation(options)
    arguments = ["-q", "-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:timeout", "-m", "not interop"]
    pytest.main([*arguments, "-o", "addopts=--import-mode=importlib", str(ROOT / "tests" / "storage")], plugins=[plugin])
    return plugin.code


if __name__ == "__main__":
    sys.exit(main())
