"""A program: plain data that goes through JSON, with objects named by small numbers.

``[kind, ...arguments]`` is a step. ``n``, ``p``, ``c``, ``v``, ``o`` are numbers of objects, ``k`` of a saver (or of a
Checkpoint, which saves itself), ``i`` of a checkpoint file, ``s`` of a status. A *content* is the number of an object,
``["loose", n]`` for an object in the no-dependency marker, or ``["plain", x]`` for an untrackable value.

    plain n | base n                                                        an object (base: it has explicit edges only)
    list n contents | tuple n contents | dict n [[key, content]...]
    variable n dtype value initialised | state n text | optimizer n kind | checkpoint n [[name, c]...]
    add_variable n p name dtype shape value      a variable made through p (shape null: the value itself is the initialiser)
    set p name content | delete p name | track p name c overwrite
    append p content | insert p index content | item p index content | pop p | behind p content        of lists
    key p key content | delete_key p key | pop_key p key                                              of dicts
    assign v value | set_state n text | build o v | train o v | initialise v | initialise_all | initialise_slots o
    saver k root | save k i number | write k i | restore k i s cross | read k i s cross | remove i | latest i
    existing s | consumed s | nontrivial s | partial s | run s | initialize s
    drop n | counter k | look | fresh mode

A step that names something that does not exist does nothing, on every side, so any part of a program is a program: that is
what makes shrinking easy. ``fresh`` is a new start: no object is left, only files; ``mode`` is "eager" or "graph". ``restore``
with ``cross`` reads the file that the other library wrote; ``i`` null restores nothing (``restore(None)``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

Step = list[Any]

ASSERTIONS = ("existing", "consumed", "nontrivial")


@dataclass
class Program:
    """Steps, the mode in which they begin, and which library runs first (the other one can read its files)."""

    mode: str
    steps: list[Step] = field(default_factory=list)
    first: str = "tensorflow"

    def to_json(self) -> str:
        return json.dumps({"mode": self.mode, "first": self.first, "steps": self.steps}, separators=(",", ":"))

    @staticmethod
    def from_json(text: str) -> Program:
        data = json.loads(text)
        return Program(data["mode"], data["steps"], data["first"])

    def with_steps(self, steps: list[Step]) -> Program:
        """The same program with other steps."""
        return Program(self.mode, steps, self.first)

    def modes(self) -> set[str]:
        """The modes in which some step may run."""
        return {self.mode} | {step[1] for step in self.steps if step[0] == "fresh"}


def objects_in(content: Any) -> list[int]:
    """The numbers of the objects in a content."""
    if isinstance(content, int):
        return [content]
    return [content[1]] if content[0] == "loose" else []


def needs(step: Step) -> list[int]:
    """The numbers of the objects that must have been made before the step makes sense."""
    kind, *arguments = step
    match kind:
        case "list" | "tuple":
            return [n for content in arguments[1] for n in objects_in(content)]
        case "dict" | "checkpoint":
            return [n for _, content in arguments[1] for n in objects_in(content)]
        case "add_variable":
            return [arguments[1]]
        case "set" | "insert" | "item" | "key":
            return [arguments[0], *objects_in(arguments[2])]
        case "append" | "behind":
            return [arguments[0], *objects_in(arguments[1])]
        case "track":
            return [arguments[0], arguments[2]]
        case "build" | "train":
            return arguments[:2]
        case "saver":
            return [arguments[1]]
        case "fresh" | "remove" | "latest" | "look" | "initialise_all" | "plain" | "base" | "variable" | "state" | "optimizer":
            return []
        case _ if kind in ASSERTIONS or kind in ("partial", "run", "initialize"):
            return []
    return arguments[:1]
