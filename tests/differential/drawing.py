"""Draws programs.

A program builds a tree, saves it once or more, changes it or builds it anew in another order and with small differences, and
restores at any point of that. Few names and many similar trees make that most things match and some do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from hypothesis import strategies as st

from differential.programs import ASSERTIONS, Program, Step, needs

T = TypeVar("T")

NAMES = ("a", "b", "c", "d")
ODD_NAMES = ("x/y", "p.q", ".S", "", "0")
KEYS = ("a", "b", "0")
USUAL = {"optimizer": "o", "state": "s"}  # the usual name of some kinds of objects, so that like meets like


class Draw:
    """Draws one program: what exists so far is kept in ``kinds``. ``spare``: one that the model of the rules can run."""

    def __init__(self, draw: st.DrawFn, spare: bool = False):
        self._draw = draw
        self.spare = spare
        self.steps: list[Step] = []
        self.kinds: dict[int, str] = {}
        self.files = 0
        self.statuses = 0
        self.next = 0
        self.saver = 0
        self.graph = False
        self.restored: set[int] = set()  # savers that restored in this world
        self.loose = self.chance(0 if spare else 2)  # whether values that do not fit are drawn
        self.usual: tuple[str, str] | None = None  # the dtype and shape of most variables
        self.alike = self.chance(100 if spare else 95)  # whether all variables are float32 scalars, so that values fit

    # -- decisions ------------------------------------------------------------------------------------------------------

    def integer(self, low: int, high: int) -> int:
        return self._draw(st.integers(low, high))

    def one(self, items: Sequence[T]) -> T:
        return items[self.integer(0, len(items) - 1)]

    def chance(self, percent: int) -> bool:
        return self.integer(0, 99) >= 100 - percent

    def weighted(self, table: dict[str, int]) -> str:
        at = self.integer(0, sum(table.values()) - 1)
        for item, weight in table.items():
            at -= weight
            if at < 0:
                return item
        raise AssertionError(table)

    def of(self, *kinds: str) -> int | None:
        """The number of an existing object of these kinds."""
        there = [n for n, kind in self.kinds.items() if kind in kinds]
        return self.one(there) if there else None

    def number(self) -> int:
        self.next += 1
        return self.next - 1

    # -- a program ------------------------------------------------------------------------------------------------------

    def program(self) -> Program:
        mode = self.one(("eager", "graph"))
        self.graph = mode == "graph"
        self.root()
        for _ in range(self.integer(1, 9)):
            self.grow()
        built = list(self.steps)
        if mode == "graph":
            self.steps.append(["initialise_all"])
        for _ in range(self.integer(0, 2)):
            self.change()
        self.save()
        for _ in range(self.integer(0, 4)):
            self.change()
        if self.chance(35 if mode == "eager" else 20):
            self.save()
        if self.chance(65):
            second = self.one(("eager", "graph"))
            self.again(built, second)
        else:
            self.restore()
        if self.chance(30):
            self.ask()
        for _ in range(self.integer(0, 16 if self.chance(20) else 6)):
            self.change()
        self.ask()
        return Program(mode, self.steps, self.one(("tensorflow", "minitf")))

    def root(self) -> None:
        n = self.number()
        if self.chance(75):
            self.make(n, "checkpoint", [])
            self.saver = n
        else:
            self.make(n, "plain")
            self.saver = self.number()
            self.steps.append(["saver", self.saver, n])

    def make(self, n: int, kind: str, *arguments: Any) -> int:
        self.kinds[n] = kind
        self.steps.append([kind, n, *arguments])
        return n

    def value(self, base: int, dtype: str, shape: str) -> Any:
        def one(x: int) -> Any:
            return {"bool": x % 2 == 0, "string": f"s{x}"}.get(dtype, x if dtype.startswith("int") else float(x))

        match shape:
            case "two":
                return [one(base), one(base + 1)]
            case "one":
                return [one(base)]
            case "square":
                return [[one(base)] * 2] * 2
            case "none":
                return []
        return one(base)

    def new(self) -> int:
        """A new object of any kind."""
        n = self.number()
        few = int(self.kinds.get(self.saver) != "checkpoint" and self.chance(75))  # few objects without values: S80, S199
        kind = self.weighted(SPARE if self.spare else {
            "variable": 58, "plain": 22, "list": 6, "dict": 5, "tuple": 2, "state": 3 - 2 * self.alike, "optimizer": 7,
            "base": 2, "checkpoint": 1,
        })  # fmt: skip
        match kind:
            case "variable":
                if self.alike:
                    return self.make(n, kind, "float32", float(n + 1), self.chance(75))
                if self.usual is None or self.chance(10):
                    dtype = self.weighted({"float32": 70, "int64": 6, "float64": 6, "int32": 6, "bool": 4, "string": 8})
                    self.usual = dtype, self.weighted({"scalar": 60, "two": 25, "one": 7, "square": 5, "none": 3})
                dtype, shape = self.usual
                return self.make(n, kind, dtype, self.value(n + 1, dtype, shape), self.chance(75))
            case "list" | "tuple":
                return self.make(n, kind, [self.content(within=True) for _ in range(self.integer(few, 2))])
            case "dict":
                return self.make(n, kind, [[key, self.content(within=True)] for key in KEYS[: self.integer(few, 2)]])
            case "plain" if few:
                self.make(n, kind)
                self.steps.append(["set", n, self.one(NAMES), self.make(self.number(), "variable", "float32", float(n), True)])
                return n
            case "state":
                return self.make(n, kind, f"t{n}")
            case "optimizer":
                return self.make(n, kind, self.weighted({"Momentum": 5, "GradientDescent": 1, "Adam": 0 if self.spare else 4}))
            case "checkpoint":
                child = self.of("plain", "variable")
                return self.make(n, kind, [] if child is None else [[self.one(NAMES), child]])
        return self.make(n, kind)

    def content(self, within: bool = False) -> Any:
        """Something to be put somewhere: mostly a new object. ``within`` a list or dict it is no list or dict that exists."""
        what = self.weighted({"new": 70, "old": 24, "loose": 2, "plain": 4})
        if what == "plain":
            return ["plain", self.one((None, 5))]
        n = None if what == "new" else self.of(*(FLAT if within else KINDS))
        n = self.new() if n is None else n
        return ["loose", n] if what == "loose" else n

    def name(self) -> str:
        return self.one(ODD_NAMES) if self.chance(3) else self.one(NAMES)

    def place(self, p: int) -> str:
        """A name at an object, mostly one that was not used there yet."""
        used = {step[2] for step in self.steps if step[0] == "set" and step[1] == p}
        free = [name for name in NAMES if name not in used]
        return self.one(free) if free and self.chance(75) else self.name()

    def grow(self) -> None:
        """Something new is made and put somewhere."""
        track = 0 if self.spare else 5
        what = self.weighted({"set": 70, "append": 8, "key": 6, "track": track, "add_variable": 7, "train": 8})
        if what == "append" and (p := self.of("list")) is not None:
            self.steps.append(["append", p, self.content(within=True)])
        elif what == "key" and (p := self.of("dict")) is not None:
            key: Any = 1 if self.chance(3) else self.one(KEYS)
            self.steps.append(["key", p, key, self.content(within=True)])
        elif what == "track" and (p := self.of("base", "plain")) is not None:
            self.steps.append(["track", p, self.name(), self.new(), self.chance(30)])
        elif what == "add_variable":
            p = self.of("plain", "checkpoint", "base") or 0
            name = self.place(p)
            n = self.number()
            shape = self.one((None, [])) if self.alike else self.one((None, [], [2]))
            self.kinds[n] = "variable"
            self.steps.append(["add_variable", n, p, name, "float32", shape, float(n + 1)])
        elif what == "train" and self.train():
            pass
        else:
            p = self.of("plain", "checkpoint") or 0
            content = self.content()
            kind = self.kinds[content] if isinstance(content, int) else None
            name = self.place(p)
            if kind in USUAL and self.chance(75):
                name = USUAL[kind]
            self.steps.append(["set", p, name, content])

    def train(self) -> bool:
        floating = [step[1] for step in self.steps if step[0] == "variable" and step[2] == "float32" and step[1] in self.kinds]
        o = self.of("optimizer")
        if o is None or not floating:
            return False
        v = self.one(floating)
        if self.chance(60):
            self.steps.append(["build", o, v])
            self.steps.append(["initialise_slots", o])
        self.steps.append(["train", o, v])
        return True

    def change(self) -> None:
        """Anything may happen."""
        what = self.weighted({
            "grow": 40, "delete": 6, "set_none": 3, "assign": 8, "train": 8, "save": 4, "restore": 12, "ask": 14, "run": 6,
            "initialise": 2, "list": 4, "dict": 3, "drop": 4, "set_state": 2, "counter": 1, "remove": 1, "saver": 1,
            "latest": 1, "look": 2, "misfit": 1,
        })  # fmt: skip
        match what:
            case "delete":
                self.steps.append(["delete", self.of("plain", "checkpoint") or 0, self.one(NAMES)])
            case "set_none":
                self.steps.append(["set", self.of("plain", "checkpoint") or 0, self.one(NAMES), ["plain", None]])
            case "assign" if (v := self.of("variable")) is not None:
                made = next(step for step in self.steps if step[0] in ("variable", "add_variable") and step[1] == v)
                if made[0] == "variable":
                    self.steps.append(["assign", v, self.shifted(made[3], 50 + len(self.steps))])
            case "train":
                self.train()
            case "save":
                self.save()
            case "restore":
                self.restore()
            case "ask" if self.statuses:
                self.steps.append([self.one(ASSERTIONS), self.integer(0, self.statuses - 1)])
            case "run" if self.statuses:
                what = self.one(("run", "initialize", "run", "partial"))
                self.steps.append([what, self.integer(0, self.statuses - 1)])
            case "initialise":
                self.steps.append(["initialise_all"])
            case "list" if (p := self.of("list")) is not None:
                what = self.one(("pop", "insert", "item", "behind"))
                self.steps.append({
                    "pop": ["pop", p], "insert": ["insert", p, 0, self.of(*FLAT) or 0],
                    "item": ["item", p, self.one((0, -1)), self.content(within=True)], "behind": ["behind", p, ["plain", 5]],
                }[what])  # fmt: skip
            case "dict" if (p := self.of("dict")) is not None:
                what = self.one(("delete_key", "pop_key", "behind"))
                self.steps.append([what, p, ["plain", 5] if what == "behind" else self.one(KEYS)])
            case "drop" if len(self.kinds) > 1:
                n = self.one([n for n in self.kinds if n > 0])
                self.kinds.pop(n)
                self.steps.append(["drop", n])
            case "set_state" if (n := self.of("state")) is not None:
                self.steps.append(["set_state", n, f"u{len(self.steps)}"])
            case "counter":
                self.steps.append(["counter", self.saver])
            case "remove" if self.files and self.loose:
                self.steps.append(["remove", self.integer(0, self.files - 1)])
            case "saver":
                root, k = self.of("plain", "checkpoint") or 0, self.number()
                self.steps.append(["saver", k, root])
                if self.chance(50):
                    self.saver = k
            case "latest" if self.files and not self.spare and (self.kinds.get(self.saver) == "checkpoint" or self.chance(10)):
                self.steps.append(["latest", self.integer(0, self.files - 1)])
            case "look":
                self.steps.append(["look"])
            case "misfit" if self.loose:
                self.steps.append(["variable", n := self.number(), "float32", self.one(([1.0], [[3.0]], 2.0)), True])
                self.steps.append(["set", self.of("plain", "checkpoint") or 0, self.one(NAMES), n])
            case _:
                self.grow()

    def shifted(self, value: Any, by: int) -> Any:
        if isinstance(value, list):
            return [self.shifted(x, by) for x in value]
        if isinstance(value, bool):
            return not value
        return f"{value}+{by}" if isinstance(value, str) else value + by

    # -- saving and restoring -------------------------------------------------------------------------------------------

    def save(self) -> None:
        i = self.files
        self.files += 1
        if self.chance(15):
            self.steps.append(["write", self.saver, i])
            if self.kinds.get(self.saver) == "checkpoint":
                return
            self.steps.pop()
        number = self.one((1, 3)) if self.chance(20) else 0 if self.loose and self.chance(20) else None
        self.steps.append(["save", self.saver, i, number])

    def restore(self) -> None:
        if not self.files or (self.graph and self.saver in self.restored and self.chance(60)):
            return  # in a graph, restoring with one saver again meets S179 too often
        self.restored.add(self.saver)
        s = self.statuses
        self.statuses += 1
        i = None if self.chance(5) else self.integer(0, self.files - 1)
        how = "read" if self.chance(15) and i is not None and self.kinds.get(self.saver) == "checkpoint" else "restore"
        self.steps.append([how, self.saver, i, s, self.chance(50) and not self.loose])

    def ask(self) -> None:
        for s in range(self.statuses):
            for kind in ASSERTIONS:
                if self.chance(60):
                    self.steps.append([kind, s])
            if self.chance(50):
                self.steps.append([self.one(("run", "run", "initialize")), s])

    def again(self, built: list[Step], mode: str) -> None:
        """The tree is built once more, in another order and with some differences; the restore falls anywhere in between."""
        self.steps.append(["fresh", mode])
        self.graph, self.restored = mode == "graph", set()
        makers = {step[1]: step for step in built if step[0] in self._makers}
        rest = [step for step in built if step[0] not in self._makers or step[0] == "add_variable"]
        if self.chance(50):
            for _ in range(self.integer(1, 4)):
                if len(rest) > 1:
                    rest.insert(self.integer(0, len(rest) - 1), rest.pop(self.integer(0, len(rest) - 1)))
        self.kinds = {n: kind for n, kind in self.kinds.items() if n in makers}
        strays = 0 if self.chance(45) else 7  # how often a step is left out, or another one comes between
        made: set[int] = set()
        at = self.integer(0, len(rest))
        for n in (0, self.saver):
            self.remake(n, makers, made)
        for place, step in enumerate(rest):
            if place == at:
                self.restore()
            if self.chance(strays):
                continue
            if self.chance(strays):
                self.change()
            for n in needs(step):
                self.remake(n, makers, made)
            if step[0] == "set" and strays and self.chance(3):
                step = [*step[:2], self.one(NAMES), *step[3:]]
            self.steps.append(step)
            if step[0] == "add_variable":
                made.add(step[1])
        if at == len(rest):
            self.restore()

    _makers = frozenset("plain base list tuple dict variable state optimizer checkpoint add_variable saver".split())

    def remake(self, n: int, makers: dict[int, Step], made: set[int]) -> None:
        """Makes an object again, after those that it needs."""
        if n in made or n not in makers:
            return
        made.add(n)
        step = makers[n]
        for other in needs(step):
            self.remake(other, makers, made)
        if step[0] == "variable":
            value = self.shifted(step[3], 1000)
            if self.loose and self.chance(25):
                value = [value]
            step = [*step[:3], value, self.chance(75)]
            if self.loose and self.chance(15) and step[2] == "float32":
                step[2] = "float64"
        if step[0] == "state":
            step = ["state", n, f"w{n}"]
        if step[0] != "add_variable":
            self.steps.append(step)


KINDS = tuple("plain base list tuple dict variable state optimizer checkpoint".split())


SPARE = {"variable": 60, "plain": 28, "state": 2, "optimizer": 9, "checkpoint": 1}
FLAT = tuple("plain base variable state optimizer checkpoint".split())
