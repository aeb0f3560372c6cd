"""Where minitf differs from TensorFlow on purpose, as a list: when, by which number of the restore semantics, and what instead.

Most of them are the requirement's reading, and for these TensorFlow itself says what follows: ``tensorflow_adapter`` runs the
program a second time with the places in question set the other way (``READINGS``). The rest are rules about one step
(``RULES``): they see what TensorFlow showed and give what minitf must show there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from differential.programs import Program

Observation = dict[str, Any]
Declared = dict[str, tuple[str, tuple[int, ...]]]  # dtype and shape by number
UNREADABLE = (
    "InvalidArgumentError",
    "NotFoundError",
)  # what running raises for a value that does not fit
ANYTHING: Observation = {"anything": True}

READINGS = {
    "S33": "a saver keeps its root",
    "S80": "nodes without values wait as well (CheckpointableSaver)",
    "S104": "a save in a graph keeps no object alive",
    "S113": "in a graph too, the keys of a save follow from the tree as it is then, not from former saves",
    "S168": "a text that meets a variable is an unused attribute, so assert_consumed fails before anything is run (graph)",
    "S179": "a restored variable is the one that stands under the name now",
    "S199": "assert_consumed asks for every object of the checkpoint (CheckpointableSaver)",
    "S247": "checkpoint number 0 is written as -0 (CheckpointableSaver)",
    "S264": "CheckpointableSaver.save updates the state file",
}


def may_differ(program: Program, plain: list[Observation]) -> bool:
    """Whether the two readings of TensorFlow could give something different; ``plain`` is what the first one gave."""
    roots: dict[int, int] = {}
    used: list[tuple[str, int]] = []  # savers that have saved or restored in this graph
    files: dict[int, list[Any]] = {}
    by_saver: set[int] = set()  # statuses of savers
    with_texts: set[int] = set()  # statuses of files with Python state
    numbered = False  # a saver, and not a Checkpoint, has saved; files outlive a new start
    graph = program.mode == "graph"
    for step, seen in zip(program.steps, plain, strict=False):
        match step:
            case ["fresh", mode]:
                roots, used, by_saver, graph = {}, [], set(), mode == "graph"
            case ["saver", k, root]:
                roots[k] = root
            case [kind, n, *_] if n in roots.values() and kind in ("drop", "plain", "checkpoint"):
                return True  # S33: the number means nothing, or another object, from here on
            case ["save", k, _, 0] if k in roots:
                return True  # S247
            case ["drop", _] if any(kind == "save" for kind, _ in used):
                return True  # S104
            case ["save" | "write", k, *_] if graph:
                if ("save", k) in used:
                    return True  # S113
                used.append(("save", k))
            case ["latest", _] if numbered:
                return True  # S264
            case ["restore" | "read", k, i, s, _]:
                if graph and ("restore", k) in used:
                    return True  # S179
                used.append(("restore", k))
                if any(name == "py_state" for node in files.get(i, []) for name, _ in node["attributes"]):
                    with_texts.add(s)
                if k in roots and i in files:
                    by_saver.add(s)
                    if not all(node["valued"] for node in files[i][1:]):
                        return True  # S80
            case ["consumed", s] if seen.get("result") and (s in by_saver or (graph and s in with_texts)):
                return True  # S199, S168
        numbered |= step[0] == "save" and step[1] in roots
        if step[0] in ("save", "write") and "result" in seen:
            files[step[2]] = seen["result"]["file"]["nodes"]
    return False


def reading(step: list[Any], plain: Observation, required: Observation) -> str:
    """The number of the behaviour that makes the two readings of TensorFlow differ first at this step."""
    if plain.get("error", [""])[0] == "AssertionError" and step[0] in ("save", "restore"):
        return "S33"
    if step[0] == "consumed" and "result" in plain:
        return str(required.get("odd", "S199"))
    if step[0] in ("existing", "nontrivial") and "result" in plain:
        return "S104"
    if step[0] in ("save", "write"):
        return "S247" if step[-1] == 0 else "S113"
    if step[0] == "latest":
        return "S264"
    if step[0] in ("run", "initialize"):
        return "S179"
    return "S80"


@dataclass(frozen=True)
class Rule:
    """``expected(step, tensorflow, declared)`` gives what minitf must show at a step, or None where the rule says nothing.

    That is an exception with no value changed, or ``{}``: no exception, or ``ANYTHING``. ``declared`` are the dtypes and shapes
    that variables were made with. After a hit the two worlds differ, so the program is compared no further.
    """

    number: str
    says: str
    expected: Callable[[list[Any], Observation, Declared], Observation | None]


def _other_kind(step: list[Any], tensorflow: Observation, declared: Declared) -> Observation | None:
    if tensorflow.get("odd") == "S167":
        return {} if len(set(declared.values())) < 2 else ANYTHING  # other values of the batch may not fit either
    return None


def _read_too_early(step: list[Any], tensorflow: Observation, declared: Declared) -> Observation | None:
    return {} if tensorflow.get("odd") == "S185" else None


def _no_optimizer(step: list[Any], tensorflow: Observation, declared: Declared) -> Observation | None:
    return {} if tensorflow.get("odd") == "S137" else None


def _failed_attachment(step: list[Any], tensorflow: Observation, declared: Declared) -> Observation | None:
    if tensorflow.get("odd") == "S301" and step[0] not in ("restore", "read"):
        return _misfit(tensorflow, declared)
    return None


def _nothing_assigned(step: list[Any], tensorflow: Observation, declared: Declared) -> Observation | None:
    failed = step[0] in ("run", "initialize") and tensorflow.get("error", [""])[0] in UNREADABLE
    return _misfit(tensorflow, declared) if tensorflow.get("odd") == "S301" or failed else None


def _misfit(tensorflow: Observation, declared: Declared) -> Observation:
    """The same exception; where several values do not fit, one as to dtype, another as to shape, either one may be named."""
    named, dtypes = tensorflow["error"][0], {dtype for dtype, _ in declared.values()}
    several = len(dtypes) > 1 and named in ("ValueError", "InvalidArgumentError")
    return {"error": ["ValueError|InvalidArgumentError" if several else named]}


def _shape_noticed(step: list[Any], tensorflow: Observation, declared: Declared) -> Observation | None:
    if tensorflow.get("odd") == "S299":
        return {"error": ["InvalidArgumentError"]}
    if step[0] in ("run", "initialize") and "error" not in tensorflow:
        for n, value in tensorflow.get("values", {}).items():
            if value and n in declared and shape(value[1]) != declared[n][1]:
                return {"error": ["InvalidArgumentError"]}
    return None


def shape(value: Any) -> tuple[int, ...]:
    """The shape of nested lists."""
    if not isinstance(value, list):
        return ()
    return (len(value), *shape(value[0])) if value else (0,)


RULES = [
    Rule("S167", "a text that meets a variable, or a value a Python state, is an unused attribute (S168)", _other_kind),
    Rule("S137", "no error where what stands for an optimizer or its variable cannot have slots", _no_optimizer),
    Rule("S185", "in a graph files are missed when the restore is run, not at an attachment", _read_too_early),
    Rule("S77", "a value that does not fit at an attachment leaves no edge, and the request waits on", _failed_attachment),
    Rule("S301", "a batch is all or nothing: when one value does not fit, nothing is assigned", _nothing_assigned),
    Rule("S299", "a graph notices, when the restore is run, that a shape does not fit", _shape_noticed),
]
