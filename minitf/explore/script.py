"""A program of at most 15 lines that shows a failure again."""

from __future__ import annotations

import inspect
import os
import textwrap
import tokenize
from typing import Any

MOST_LINES = 15
REPLAY = "MINITF_REPLAY"  # the environment variable that turns every ``check`` into a replay


def name_of(body: Any) -> str:
    """What a body is called: module and qualified name."""
    return f"{getattr(body, '__module__', '?')}.{getattr(body, '__qualname__', type(body).__name__)}"


def script_for(body: Any, token: str, error: BaseException) -> str:
    """The script. A body inside a function is reached by running its whole test, or file, with the token."""
    said = f"# {type(error).__name__}: {(str(error).splitlines() or [''])[0]}"[:120]
    file = _file_of(body)
    name = getattr(body, "__qualname__", "")
    source = _own_source(body)
    if file is not None and name.isidentifier():
        lines = ["import runpy", "", "from minitf import explore", "", f"body = runpy.run_path({file!r})[{name!r}]"]
    elif source is not None and len(source) <= MOST_LINES - 6:
        lines = ["import minitf as tf", "from minitf import explore", "", *source, ""]
        return "\n".join([said, *lines, f"explore.replay({name.rpartition('.')[2]}, {token!r})"])
    else:
        return "\n".join([said, *_from_outside(file, name, token)])
    return "\n".join([said, *lines, f"explore.replay(body, {token!r})"])


def _from_outside(file: str | None, name: str, token: str) -> list[str]:
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
    if test:
        return ["import pytest", "", f"pytest.main(['--minitf-replay={token}', {test!r}])"]
    if file is None:  # typed in, or sent to the interpreter's input: nobody else can run it
        return ["# The body stands in no file, so this runs where it was defined.", "from minitf import explore", "",
                f"explore.replay({name.rpartition('.')[2]}, {token!r})"]  # fmt: skip
    run = f"runpy.run_path({file!r}, run_name='__main__')"
    return ["import os", "import runpy", "", f"os.environ[{REPLAY!r}] = {token!r}", run]


def _file_of(body: Any) -> str | None:
    try:
        found = inspect.getsourcefile(inspect.unwrap(body))
    except TypeError:
        return None
    return None if found is None or found.startswith("<") else os.path.relpath(found)


def _own_source(body: Any) -> list[str] | None:
    """The lines of a function that needs no variable of the functions around it, and no module but ``tf``."""
    code = getattr(body, "__code__", None)
    if code is None or code.co_freevars or body.__name__ == "<lambda>":
        return None
    known = {"tf", "explore"}
    if any(name in body.__globals__ and name not in known for name in _global_names(code)):
        return None
    try:
        return textwrap.dedent(inspect.getsource(body)).rstrip().splitlines()
    except (OSError, TypeError, SyntaxError, tokenize.TokenError):  # the file is another one, or no program
        return None


def _global_names(code: Any) -> set[str]:
    names = set(code.co_names)
    for constant in code.co_consts:
        if hasattr(constant, "co_names"):
            names |= _global_names(constant)
    return names
