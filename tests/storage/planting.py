"""The mistakes that can be planted in ``minitf/storage``, and how one of them gets into the running program.

Comparisons and arithmetic are exchanged, conditions made constant, numbers, bytes and texts changed, ``and`` and ``or``
exchanged, statements, ``raise`` and return values left out, ``break`` and ``continue`` exchanged. What is left alone: texts of
messages, docstrings, annotations, ``__repr__``, assertions (``strict=`` too), and what stands under ``if TYPE_CHECKING``.
"""

from __future__ import annotations

import ast
import copy
import functools
import gc
import hashlib
import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "minitf" / "storage"


class Mutant(NamedTuple):
    """A change of one node of a file's syntax tree: ``number`` counts them."""

    path: str
    line: int
    number: int
    what: str
    inside: str  # the function it stands in; "" for the module itself
    key: str = ""  # a digest of the unit it stands in, its place there and the change: what became of it is kept under this

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


class Unit(NamedTuple):
    """A function, method, or statement of a module or class: what is looked at as one when a file has changed."""

    name: str  # "function", "Class.method"; of other statements the names that they bind
    first: int
    last: int
    digest: str
    runs: bool  # a function: it runs when it is called


@functools.cache
def paths() -> list[str]:
    """The files below ``minitf/storage``."""
    return sorted(str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py"))


@functools.cache
def source_of(path: str) -> str:
    """The text of a file below ``minitf/storage``."""
    return (PACKAGE / path).read_text()


@functools.cache
def units_of(path: str) -> dict[int, Unit]:
    """The unit of each line of a file."""
    lines = source_of(path).splitlines()
    out = {}
    for prefix, node in _statements(ast.parse(source_of(path)).body):
        runs = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
        last = node.end_lineno or first
        name = prefix + (node.name if runs else " ".join(_bound(node)))
        digest = hashlib.sha1("\n".join([name, *lines[first - 1 : last]]).encode()).hexdigest()[:12]
        unit = Unit(name, first, last, digest, runs)
        out.update({line: unit for line in range(first, last + 1) if line not in out})
    return out


def _statements(body: list[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from _statements(node.body, f"{prefix}{node.name}.")
        yield prefix, node


def _bound(node: ast.AST) -> list[str]:
    """The names that a statement binds."""
    if isinstance(node, ast.ClassDef):
        return [node.name]
    return sorted({n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)})


# What is planted ----------------------------------------------------------------------------------------------------

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
        elif getattr(node, "letters", False):
            yield f"{node.value!r} cut", ast.Constant(node.value[:-1])
        elif isinstance(node.value, str) and node.value not in ("utf-8", "latin-1"):  # codecs are found by more names than one
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
    elif isinstance(node, ast.Return) and node.value is not None and not _is_no(node.value):
        yield "return -> None", ast.Return(ast.Constant(None))
    elif isinstance(node, ast.Raise) and getattr(node.exc, "id", "") == "NotImplementedError":
        return  # of a method that is there to be overridden
    elif isinstance(node, (ast.Expr, ast.AugAssign, ast.Raise, ast.Delete)) or (
        isinstance(node, ast.Assign) and not isinstance(node.targets[0], ast.Name)
    ):
        yield f"{type(node).__name__} left out", ast.Pass()
    elif isinstance(node, ast.Break):
        yield "break -> continue", ast.Continue()
    elif isinstance(node, ast.Continue):
        yield "continue -> break", ast.Break()


def _is_no(node: ast.AST) -> bool:
    """None, or False, of which another mutant is True."""
    return isinstance(node, ast.Constant) and (node.value is None or node.value is False)


class Changer(ast.NodeTransformer):
    """Lists all mutants of a tree, and makes the one with the number ``wanted``."""

    def __init__(self, path: str, wanted: int = -1):
        self.path = path
        self.wanted = wanted
        self.found: list[Mutant] = []
        self._inside: list[str] = []

    def visit(self, node: ast.AST) -> Any:
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.In, ast.NotIn)):
            node.comparators[0].letters = isinstance(getattr(node.comparators[0], "value", None), str)  # one of these letters
        if hasattr(node, "lineno"):
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


@functools.cache
def mutants_of(path: str) -> list[Mutant]:
    """All mutants of a file."""
    changer = Changer(path)
    changer.visit(ast.parse(source_of(path)))
    lines, units = source_of(path).splitlines(), units_of(path)
    out, before = [], dict[str, int]()
    for m in changer.found:
        if m.what.startswith("Expr left out") and lines[m.line - 1].lstrip().startswith(('"""', "...")):
            continue  # a docstring
        unit = units[m.line]
        place = before[unit.digest] = before.get(unit.digest, 0) + 1
        digest = hashlib.sha1(f"{path} {unit.digest} {place} {m.line - unit.first} {m.what}".encode()).hexdigest()[:16]
        out.append(m._replace(key=digest))
    return out


# How it is planted --------------------------------------------------------------------------------------------------


class Running:
    """The files of ``minitf/storage`` as they run in this process: what does not depend on the mutant, made once."""

    def __init__(self) -> None:
        self._before: dict[str, CodeType] = {}
        self._functions: dict[str, list[FunctionType]] = {}
        for path in paths():
            importlib.import_module(_module(path))
            self._before[path] = compile(source_of(path), str(PACKAGE / path), "exec")
            self._functions[str(PACKAGE / path)] = []
        gc.unfreeze()  # what is frozen is not among the objects
        for thing in gc.get_objects():
            if isinstance(thing, FunctionType) and thing.__code__.co_filename in self._functions:
                self._functions[thing.__code__.co_filename].append(thing)

    def plant(self, mutant: Mutant) -> bool:
        """Changes the running program; False if the change cannot be seen in it."""
        file = str(PACKAGE / mutant.path)
        old = self._before[mutant.path]
        tree = Changer(mutant.path, mutant.number).visit(ast.parse(source_of(mutant.path)))
        new = compile(tree, file, "exec")
        before = {_place(code): code for code in _codes(old)}
        changed = {_place(code): code for code in _codes(new)}
        changed = {place: code for place, code in changed.items() if code != before.get(place)}
        functions = [place for place in changed if place != ("<module>", 1) and not _is_class_body(before.get(place))]
        unit = units_of(mutant.path)[mutant.line]
        planted = 0
        for function in self._functions[file]:
            code = changed.get(_place(function.__code__))
            if code is not None and code.co_freevars == function.__code__.co_freevars:
                function.__code__ = code
                planted += 1
        for name in paths():  # what was remembered before
            for value in vars(importlib.import_module(_module(name))).values():
                if hasattr(value, "cache_clear"):
                    value.cache_clear()
        if not (unit.runs and functions):  # a value, or the default of an argument
            planted += _plant_values(mutant.path, new, old, unit.name.rpartition(".")[2].split(" "))
        return planted > 0


def _module(path: str) -> str:
    return f"minitf.storage.{path.removesuffix('.py').replace('/', '.')}".removesuffix(".__init__")


def _place(code: CodeType) -> tuple[str, int]:
    return code.co_qualname, code.co_firstlineno


def _is_class_body(code: CodeType | None) -> bool:
    return code is not None and "__module__" in code.co_names and not code.co_varnames and code.co_name != "<module>"


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _codes(inner)


def _plant_values(path: str, new: CodeType, old: CodeType, bound: list[str]) -> int:
    """Takes over the names and defaults that come out different if a module is run aside, and then those who name them.

    ``bound``: the names that the changed statement binds; what they hold need not show the difference.
    """
    module = importlib.import_module(_module(path))
    word = re.compile(rf"\b({'|'.join(bound)})\b")
    others = [name for name in paths() if name != path and word.search(source_of(name))] if bound != [""] else []
    codes = {name: compile(source_of(name), str(PACKAGE / name), "exec") for name in others}
    modules = {name: importlib.import_module(_module(name)) for name in others}
    before = {name: _aside(modules[name], codes[name]) for name in others}
    planted = _take_over(module, _aside(module, old), _aside(module, new), bound)
    for name in others if planted else ():
        planted += _take_over(modules[name], before[name], _aside(modules[name], codes[name]), bound)
    return planted


def _aside(module: Any, code: CodeType) -> dict[str, Any]:
    space = {"__name__": module.__name__, "__file__": module.__file__, "__package__": module.__package__}
    exec(code, space)
    return space


def _take_over(module: Any, before: dict[str, Any], after: dict[str, Any], bound: list[str]) -> int:
    planted = 0
    for name, value in after.items():
        was, now = before.get(name), module.__dict__.get(name)
        if isinstance(value, FunctionType) and isinstance(now, FunctionType):
            planted += _plant_defaults(now, was, value)
        elif isinstance(value, type) and isinstance(now, type) and value.__module__ == module.__name__:
            planted += _plant_class(now, was, value)
        elif name in before and not name.startswith("__") and not isinstance(value, type):
            if (repr(value) != repr(was)) if " at 0x" not in repr(value) else name in bound:
                for other in list(sys.modules.values()):
                    if getattr(other, "__dict__", {}).get(name) is now:
                        setattr(other, name, value)
                        planted += 1
    return planted


def _plant_defaults(now: FunctionType, was: Any, value: FunctionType) -> int:
    if repr((value.__defaults__, value.__kwdefaults__)) == repr((was.__defaults__, was.__kwdefaults__)):
        return 0
    now.__defaults__, now.__kwdefaults__ = value.__defaults__, value.__kwdefaults__
    return 1


def _plant_class(now: type, was: Any, value: type) -> int:
    planted = 0
    for name, member in vars(value).items():
        before, there = vars(was).get(name), vars(now).get(name)
        if isinstance(member, FunctionType) and isinstance(there, FunctionType) and isinstance(before, FunctionType):
            planted += _plant_defaults(there, before, member)
        elif isinstance(member, (str, int, bytes, tuple)) and member != before and not name.startswith("__"):
            setattr(now, name, member)
            planted += 1
    return planted
