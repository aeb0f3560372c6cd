"""The plan of the house, where import-linter cannot see it: who asks which runtime is current, and who imports the whole house.

The import order itself is a contract in pyproject.toml that scripts/check enforces.
"""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import minitf

PACKAGE = Path(minitf.__file__).parent
MODULES = {
    ".".join(("minitf", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}

# Ops run in whichever runtime is current, and Op.__call__ is where that is asked. These are the other places, with what
# they want to know; none of them does one thing in eager mode and another in a graph.
MAY_ASK = {
    "minitf.core.op.convert": "a constant is made by the runtime that will use it",
    "minitf.autodiff.GradientTape.__enter__": "a tape is a runtime around the one that is current",
    "minitf.explain.recorder.recording.Recorder._current": "a recorder is a runtime around the one that is current",
    "minitf.runtimes.session.Session.__init__": "checks that its argument is a graph",
    "minitf.testing.modes.process_state": "a test compares what it was before and after",
}


def asks(tree):
    """(qualified function, line, what) for each place that asks which runtime is current, or what kind a graph is."""
    runtime_names, current_names = set(), {"executing_eagerly"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "minitf.core":
            runtime_names |= {name.asname or name.name for name in node.names if name.name == "runtime"}
        if isinstance(node, ast.ImportFrom) and node.module == "minitf.core.runtime":
            current_names |= {name.asname or name.name for name in node.names if name.name == "current"}

    # `runtime.current().home.method(...)` tells whoever is current to do its part; that decides nothing.
    told = {node.value for node in ast.walk(tree) if isinstance(node, ast.Attribute)}

    def asked_by(node):
        if isinstance(node, ast.Call):
            function, arguments = node.func, node.args
            if isinstance(function, ast.Name) and function.id in current_names and node not in told:
                return f"{function.id}()"
            if isinstance(function, ast.Attribute):
                of = function.value
                if function.attr == "executing_eagerly":
                    return "executing_eagerly()"
                if function.attr == "current" and isinstance(of, ast.Name) and of.id in runtime_names and node not in told:
                    return "runtime.current()"
            if isinstance(function, ast.Name) and function.id == "isinstance" and len(arguments) == 2:
                classes = {getattr(n, "id", getattr(n, "attr", None)) for n in ast.walk(arguments[1])}
                if classes & {"Graph", "FuncGraph", "EagerRuntime", "Eager"}:
                    return f"isinstance(..., {ast.unparse(arguments[1])})"
        if isinstance(node, (ast.If, ast.IfExp, ast.While)):
            if any(isinstance(n, ast.Attribute) and n.attr == "eager" for n in ast.walk(node.test)):
                return "if ... .eager"
        return None

    def visit(node, where):
        for child in ast.iter_child_nodes(node):
            named = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
            if what := asked_by(child):
                yield ".".join(where), child.lineno, what
            yield from visit(child, (*where, child.name) if named else where)

    return list(visit(tree, ()))


def test_only_the_dispatch_asks_which_runtime_is_current():
    found = {}
    for module, path in MODULES.items():
        for function, line, what in asks(ast.parse(path.read_text(encoding="utf-8"))):
            found.setdefault(f"{module}.{function}", []).append(f"{path.relative_to(PACKAGE.parent)}:{line} {what}")
    new = {where: places for where, places in found.items() if where not in MAY_ASK}
    listing = "\n".join(f"  {where}: {', '.join(places)}" for where, places in new.items())
    assert not new, f"the mode is asked outside the dispatch; make what differs a method of the runtime or its home:\n{listing}"
    assert MAY_ASK.keys() <= found.keys(), f"nobody asks there any more: {MAY_ASK.keys() - found.keys()}"


@pytest.mark.parametrize(
    "code, expected",
    [
        ("from minitf.core import runtime\ndef f():\n    return runtime.current()", [("f", 3, "runtime.current()")]),
        ("from minitf.core import runtime as r\nclass A:\n  def f(self): r.current()", [("A.f", 3, "runtime.current()")]),
        ("from minitf.core.runtime import current as now\ndef f(): now()", [("f", 2, "now()")]),
        ("def f(x): return tf.executing_eagerly()", [("f", 1, "executing_eagerly()")]),
        ("def f(x):\n  if isinstance(x, (int, g.Graph)): pass", [("f", 2, "isinstance(..., (int, g.Graph))")]),
        ("def f(x): return 1 if x.home.eager else 2", [("f", 1, "if ... .eager")]),
        ("def f(x): return x.current(), isinstance(x, int), x.eager", []),
        ("from minitf.core import runtime\ndef f(): return runtime.current().home.name_scope('a')", []),
    ],
)
def test_the_search_finds_each_way_of_asking(code, expected):
    assert asks(ast.parse(code)) == expected


def test_rooms_import_rooms_and_not_the_whole_house():
    """``import minitf`` inside a room would load the front door, which imports the room."""
    front = {"minitf", "minitf.__main__"}
    submodules = {name.split(".")[1] for name in MODULES if "." in name}
    found = []
    for module, path in MODULES.items():
        if module in front:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            whole = isinstance(node, ast.Import) and any(name.name == "minitf" for name in node.names)
            if isinstance(node, ast.ImportFrom) and node.module == "minitf" and not node.level:
                whole = any(name.name not in submodules for name in node.names)
            if whole:
                found.append(f"{path.relative_to(PACKAGE.parent)}:{node.lineno} {ast.unparse(node)}")
    assert not found, "import the room that has the name:\n" + "\n".join(found)


HEAVY = {"networkx", "google.protobuf", "crc32c", "ml_dtypes", "rich", "hypothesis", "argparse", "tempfile", "asyncio"}


@pytest.mark.parametrize(
    "code, heavy", [("import minitf", HEAVY | {"numpy"}), ("import numpy, minitf as tf; tf.constant(1.0) + 1.0", HEAVY)]
)
def test_importing_loads_little_and_the_first_op_numpy(code, heavy):
    before = "import sys; before = set(sys.modules);" if "numpy" in heavy else "import numpy, sys; before = set(sys.modules);"
    code = f"{before} {code}; print(*({heavy!r} & (sys.modules.keys() - before)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
