"""Tasks whose steps a scheduler interleaves: generator functions, cut at their ``yield``s."""

from __future__ import annotations

import dis
import linecache
from collections.abc import Generator
from contextvars import copy_context
from inspect import CO_GENERATOR, isgeneratorfunction
from types import CodeType, GeneratorType
from typing import Any

from minitf.explore.steps import ANYTHING, Access

_NOTHING_BEFORE: frozenset[Any] = frozenset()
_PROLOGUE = frozenset({"RESUME", "RETURN_GENERATOR", "POP_TOP", "COPY_FREE_VARS", "MAKE_CELL", "NOP", "CACHE"})
_begins: dict[CodeType, bool] = {}


class Task:
    """One task, as a step that is ready: the next piece of it, up to the next ``yield``.

    ``path`` and ``rounds`` name what is chosen inside the task, the same whatever the others do.
    """

    __slots__ = ("_context", "_generator", "_go", "_work", "access", "key", "path", "raised", "result", "rounds",
                 "steps")  # fmt: skip
    after = _NOTHING_BEFORE

    def __init__(self, key: int, work: Any, event: str):
        self.key = key
        self.path = f"{event}, task {key + 1}"
        self.rounds = self.steps = 0
        self.access = ANYTHING
        self.raised = False
        self.result: Any = None
        self._work = work
        self._context = copy_context()
        self._generator: Generator[Any, None, Any] | None = None
        if type(work) is not GeneratorType:
            code = getattr(work, "__code__", None)
            if not (isgeneratorfunction(work) if code is None else code.co_flags & CO_GENERATOR):
                self._go: Any = self._call
                return
            work = self._context.run(work)
        self._adopt(work)
        if announces(work.gi_code):
            self.advance()
            self.steps = 0

    def _adopt(self, generator: Generator[Any, None, Any]) -> None:
        self._generator = generator
        self._go = generator.send

    def _call(self, _: None) -> Any:
        """The only step of a plain function, or the first of one that gives a generator."""
        result = self._work()
        if not isinstance(result, GeneratorType):
            raise StopIteration(result)
        self._adopt(result)
        if announces(result.gi_code):
            result.send(None)
        return result.send(None)

    def close(self) -> None:
        """Ends the task where it is."""
        if self._generator is not None:
            self._context.run(self._generator.close)

    def advance(self) -> bool:
        """Takes the step; False if the task has ended, with its return value in ``result``."""
        self.steps += 1
        try:
            announced = self._context.run(self._go, None)
        except StopIteration as stop:
            self.result = stop.value
            return False
        except BaseException:
            self.raised = True
            raise
        if announced is None:
            self.access = ANYTHING
        elif type(announced) is Access:
            self.access = announced
        else:
            self.raised = True
            raise TypeError(
                f"Task {self.name!r} yielded {announced!r}. A yield stands alone, or tells what the step behind it touches: "
                f"`yield reads('x') | writes('y')` (from minitf.explore import reads, writes)."
            )
        return True

    @property
    def name(self) -> str:
        """What the task is called."""
        work = self._work
        return str(getattr(work, "__name__", None) or getattr(getattr(work, "func", None), "__name__", "task"))

    @property
    def label(self) -> str:
        """The task's name and number, and the number of the step."""
        return f"{self.name}[{self.key + 1}].{self.steps + 1}"

    @property
    def line(self) -> tuple[str, tuple[str, int]] | None:
        """The line of the program at which the step begins: its text, its file and its number; None if it is not known."""
        frame = getattr(self._generator, "gi_frame", None)
        if frame is None:
            return None
        inside = self.steps or announces(frame.f_code)
        first, file = (frame.f_lineno if inside else frame.f_code.co_firstlineno) + 1, frame.f_code.co_filename
        lines = ((linecache.getline(file, n).strip(), (file, n)) for n in range(first, first + 8))
        return next((line for line in lines if line[0] and not line[0].startswith(("#", '"""'))), None)


def announces(code: CodeType) -> bool:
    """True if the first statement is a ``yield``: there is nothing before it, so it tells what the first step touches."""
    found = _begins.get(code)
    if found is None:
        found = _begins[code] = _yields_first(code)
    return found


def _yields_first(code: CodeType) -> bool:
    before: list[Any] = []
    for instruction in dis.get_instructions(code):
        at = instruction.positions
        if instruction.opname == "YIELD_VALUE":
            return _inside(before, at)
        if at is not None and at.lineno is not None and instruction.opname not in _PROLOGUE:
            before.append(at)
    return False


def _inside(these: list[Any], whole: Any) -> bool:
    """True if all of these pieces of source lie inside a whole; False if that is not known."""
    if whole is None or None in whole or any(None in at for at in these):
        return False
    start, end = (whole.lineno, whole.col_offset), (whole.end_lineno, whole.end_col_offset)
    return all(start <= (at.lineno, at.col_offset) and (at.end_lineno, at.end_col_offset) <= end for at in these)
