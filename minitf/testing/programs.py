"""Restore programs as plain data: what ``Twins`` does, what strategies draw, what a failing law prints as code.

A step is a tuple ``(kind, ...arguments)``. Things have small numbers: ``n``, ``p``, ``c``, ``v``, ``o`` are objects, ``k``
savers, ``i`` checkpoints, ``s`` statuses.

    node n | variable n value | state n text | optimizer n     makes an object (state: Python data; optimizer: it keeps slots)
    add_variable p name n value                                makes a variable through its parent (restore-on-create)
    drop n                                                     forgets an object; it lives on if another one holds it
    attach p name c | detach p name                            an edge
    assign v value | set_state n text | initialise v           values (initialise: in a graph)
    slot o v name value                                        the slot that o keeps for v, made if it does not exist
    saver k n strict | save k i                                strict: as CheckpointableSaver, otherwise as Checkpoint.write
    restore k i s                                              i None: there is nothing to restore
    run s | initialize_or_restore s | ask s assertion | drop_status s

A step that names something that does not exist does nothing, so any part of a program is a program.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Sequence
from textwrap import indent
from typing import Any, TypeVar

import numpy as np

from minitf.core import dtypes
from minitf.core.literals import to_array

Step = tuple[Any, ...]
FRESH = ("fresh",)  # for ``script``: a new program begins
_S = TypeVar("_S")


def smallest(steps: Sequence[_S], fails: Callable[[list[_S]], bool]) -> list[_S]:
    """A part of a failing program, in which no step can be left out (the program itself must fail)."""
    kept = list(steps)
    size = max(1, len(kept) // 2)
    while True:
        before = len(kept)
        at = len(kept)
        while at > 0:  # from the end: late steps are needed less often
            at = max(0, at - size)
            part = kept[:at] + kept[at + size :]
            if len(part) < len(kept) and fails(part):
                kept = part
        if size > 1:
            size //= 2
        elif len(kept) == before:
            return kept


def script(steps: Sequence[Any], mode: str, expectation: str = "", refused: Container[int] = ()) -> str:
    """The program as Python code that runs by itself.

    ``steps`` may have code (str) among them, and ``FRESH``, where a new graph with a new session begins. ``expectation``: code
    that fails as the program did, put at its end. ``refused``: places of steps that raise and shall.
    """
    parts: list[list[str]] = [[]]
    for n, step in enumerate(steps):
        if step == FRESH:
            parts.append([])
        else:
            code = step if isinstance(step, str) else line(step)
            parts[-1].append(f"try: {code}\nexcept Exception: pass" if n in refused else code)
    parts[-1] += expectation.splitlines()
    blocks = ["\n".join(part) for part in parts if part]
    if mode == "graph":
        blocks = ["with tf.Graph().as_default(), tf.Session() as session:\n" + indent(block, "    ") for block in blocks]
    body = "\n".join(blocks)
    before = ["storage = MemoryStorage()"] if "storage" in body else []
    needed = "\n".join([*before, body])
    imports = [f"import {name}" for name in ("tempfile",) if f"{name}." in body]
    imports += ["import numpy as np"] * ("np." in body) + ["", "import minitf as tf"]
    imports += [f"from {module} import {name}" for name, module in _NEEDED.items() if re.search(rf"\b{name}\b", needed)]
    return "\n".join([*imports, "", *before, body, ""]).lstrip()


_NEEDED = {
    "file_bytes": "minitf.testing.checkpoints",
    "Lenient": "minitf.testing.parts",
    "MemoryStorage": "minitf.storage.memory",
    "SlotOwner": "minitf.objects.slots",
    "Text": "minitf.testing.parts",
    "read_graph": "minitf.checkpoint.saver",
    "same_bits": "minitf.testing.ops",
}


def line(step: Step) -> str:
    """One step as a line of code."""
    match step:
        case ("node", n):
            return f"x{n} = tf.train.AutoTrackable()"
        case ("variable", n, value):
            return f"x{n} = tf.Variable({literal(value)}, name='v{n}')"
        case ("state", n, text):
            return f"x{n} = Text({text!r})"
        case ("optimizer", n):
            return f"x{n} = SlotOwner()"
        case ("add_variable", p, name, n, value):
            dtype = "" if isinstance(value, float) else f", dtype=tf.{dtype_of(value).name}"
            return f"x{n} = tf.train.add_variable(x{p}, {name!r}, initializer={literal(value)}{dtype})"
        case ("drop", n):
            return f"x{n} = None"
        case ("attach", p, name, c):
            return f"x{p}.{name} = x{c}" if name.isidentifier() else f"setattr(x{p}, {name!r}, x{c})"
        case ("detach", p, name):
            return f"x{p}.{name} = None; del x{p}.{name}"
        case ("assign", v, value):
            return f"x{v}.load({literal(value)})"
        case ("set_state", n, text):
            return f"x{n}.text = {text!r}"
        case ("initialise", v):
            return f"session.run(x{v}.initializer)"
        case ("slot", o, v, name, value):
            return f"x{o}.add_slot(x{v}, {name!r}, {literal(value)})"
        case ("saver", k, n, strict):
            return f"saver{k} = " + (
                f"tf.train.CheckpointableSaver(x{n}, storage=storage)" if strict else f"Lenient(x{n}, storage)"
            )
        case ("save", k, i):
            return f"path{i} = saver{k}.save('{i}')"
        case ("restore", k, i, s):
            return f"status{s} = saver{k}.restore({None if i is None else f'path{i}'})"
        case ("run", s):
            return f"status{s}.run_restore_ops()"
        case ("initialize_or_restore", s):
            return f"status{s}.initialize_or_restore()"
        case ("ask", s, assertion):
            return f"status{s}.{assertion}()"
        case ("drop_status", s):
            return f"status{s} = None"
    raise ValueError(f"There is no step {step!r}.")


def dtype_of(value: Any) -> dtypes.DType:
    """The dtype that a variable with this value has."""
    return dtypes.of_numpy(to_array(value).dtype)


def literal(value: Any) -> str:
    """A value as code: plain numbers and texts as they are, arrays with their dtype and shape."""
    if not isinstance(value, (np.ndarray, np.generic)):
        return repr(value)
    dtype = dtypes.of_numpy(value.dtype)
    plain = value.astype(np.float64) if value.dtype.kind == "V" else value  # bfloat16 and the like print as something else
    listed = re.sub(r"\b(nan|inf)\b", r"np.\1", repr(np.asarray(plain).tolist()))
    return f"np.array({listed}, tf.{dtype.name}.as_numpy_dtype).reshape({value.shape})"
