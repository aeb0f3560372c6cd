"""Writes a program as Python source, which runs with minitf and, but for the names of some modules, with TensorFlow."""

from __future__ import annotations

from typing import Any

from differential.programs import Program, Step


def render(program: Program) -> str:
    """The program as a script."""
    lines = ["import minitf as tf", ""]
    if program.mode == "graph":
        lines += [*_graph()]
    for step in program.steps:
        lines += _graph() if step == ["fresh", "graph"] else [_line(step, program)]
    return "\n".join(lines)


def _graph() -> list[str]:
    return ["tf.Graph().as_default().__enter__()  # a new start", "session = tf.InteractiveSession()"]


def _content(content: Any) -> str:
    if isinstance(content, int):
        return f"o{content}"
    return repr(content[1]) if content[0] == "plain" else f"tf.train.NoDependency(o{content[1]})"


def _attribute(p: int, name: str, value: str) -> str:
    return f"o{p}.{name} = {value}" if name.isidentifier() else f"setattr(o{p}, {name!r}, {value})"


def _line(step: Step, program: Program) -> str:
    kind, *a = step
    match kind:
        case "plain" | "base":
            return f"o{a[0]} = tf.train.{'AutoTrackable' if kind == 'plain' else 'Trackable'}()"
        case "list":
            return f"o{a[0]} = [{', '.join(map(_content, a[1]))}]"
        case "tuple":
            return f"o{a[0]} = ({''.join(_content(c) + ', ' for c in a[1])})"
        case "dict":
            return f"o{a[0]} = {{{', '.join(f'{key!r}: {_content(c)}' for key, c in a[1])}}}"
        case "variable":
            ready = f"; session.run(o{a[0]}.initializer)" if "graph" in program.modes() and a[3] else ""
            return f"o{a[0]} = tf.Variable({a[2]!r}, dtype=tf.{a[1]}, name='v{a[0]}'){ready}"
        case "state":
            return f"o{a[0]} = State({a[1]!r})  # a tf.train.PythonState with a text"
        case "optimizer":
            return f"o{a[0]} = tf.train.{a[1]}Optimizer(0.5{', 0.5' if a[1] == 'Momentum' else ''})"
        case "checkpoint":
            return f"o{a[0]} = tf.train.Checkpoint({', '.join(f'{name}={_content(c)}' for name, c in a[1])})"
        case "add_variable":
            made = f"{a[5]!r}" if a[4] is None else f"lambda shape, dtype: tf.fill(shape, tf.cast({a[5]!r}, dtype))"
            return f"o{a[0]} = tf.train.add_variable(o{a[1]}, {a[2]!r}, shape={a[4]!r}, dtype=tf.{a[3]}, initializer={made})"
        case "set":
            return _attribute(a[0], a[1], _content(a[2]))
        case "delete":
            return f"del o{a[0]}.{a[1]}"
        case "track":
            return f"tf.train.track(o{a[0]}, o{a[2]}, {a[1]!r}, overwrite={a[3]})"
        case "append":
            return f"o{a[0]}.append({_content(a[1])})"
        case "insert":
            return f"o{a[0]}.insert({a[1]}, {_content(a[2])})"
        case "item" | "key":
            return f"o{a[0]}[{a[1]!r}] = {_content(a[2])}"
        case "pop":
            return f"o{a[0]}.pop()"
        case "behind":
            return f"# the list or dict behind o{a[0]}, not o{a[0]} itself, gets {_content(a[1])}"
        case "delete_key":
            return f"del o{a[0]}[{a[1]!r}]"
        case "pop_key":
            return f"o{a[0]}.pop({a[1]!r})"
        case "assign":
            return f"o{a[0]}.assign({a[1]!r})  # in a graph: run it"
        case "set_state":
            return f"o{a[0]}.text = {a[1]!r}"
        case "build":
            return f"# in a graph: train_{a[0]}_{a[1]} = o{a[0]}.minimize(o{a[1]} * 2, var_list=[o{a[1]}])"
        case "train":
            return f"o{a[0]}.minimize(lambda: o{a[1]} * 2, var_list=[o{a[1]}])  # in a graph: run it"
        case "initialise":
            return f"session.run(o{a[0]}.initializer)"
        case "initialise_all":
            return "session.run(tf.global_variables_initializer())"
        case "initialise_slots":
            return f"session.run([v.initializer for v in o{a[0]}.variables()])"
        case "saver":
            return f"o{a[0]} = tf.train.CheckpointableSaver(o{a[1]})"
        case "save":
            number = f", {a[2]}" if a[2] is not None else ""
            return f"path{a[1]} = o{a[0]}.save('/tmp/files/{a[1]}/ck'{number})"
        case "write":
            return f"path{a[1]} = o{a[0]}.write('/tmp/files/{a[1]}/ck')"
        case "restore" | "read":
            path = "None" if a[1] is None else f"path{a[1]}"
            return f"status{a[2]} = o{a[0]}.{kind}({path})" + ("  # the file that the other library wrote" if a[3] else "")
        case "existing" | "consumed" | "nontrivial":
            name = {"existing": "existing_objects_matched", "consumed": "consumed", "nontrivial": "nontrivial_match"}[kind]
            return f"status{a[0]}.assert_{name}()"
        case "partial":
            return f"status{a[0]}.expect_partial()"
        case "run" | "initialize":
            return f"status{a[0]}.{'run_restore_ops' if kind == 'run' else 'initialize_or_restore'}()"
        case "drop":
            return f"del o{a[0]}; gc.collect()"
        case "counter":
            return f"o{a[0]}.save_counter"
        case "remove":
            return f"# the files of path{a[0]} are removed"
        case "latest":
            return f"tf.train.latest_checkpoint('/tmp/files/{a[0]}')"
        case "fresh":
            return "# ---- a new start, eager: nothing is left but the files"
    return f"# {step}"
