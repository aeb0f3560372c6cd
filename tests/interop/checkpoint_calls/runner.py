"""Runs the rows of a text with TensorFlow or with minitf, and tells what came of each call as plain data.

It is read as text and run under either library's interpreter, so it imports neither. A row looks like this:

    ## name eager                          or graph: with a graph and a session ``s``
    c = tf.train.Checkpoint()              lines between calls are run
    = c.save("run/x")                      a call in which both must agree
    ~ c.restore(None, lazy=True)  # why    one in which they differ on purpose
    ~ files  # why                         the files that the row leaves differ on purpose

``D`` is the row's directory, in which it runs; ``M`` is a module class, ``init()`` initialises a graph's variables.
"""

import hashlib
import json
import os
import pathlib
import re
import shutil
import sys
import tempfile

TIME = re.compile(r"\d{9,}\.\d+(e\+\d+)?|\d\.\d+e\+0?9")


def rows_of(text):
    """(name, mode, steps), each step with its kind (``=``, ``~`` or nothing) and its code."""
    for part in re.split(r"^## ", text, flags=re.M)[1:]:
        head, body = part.split("\n", 1)
        name, mode = head.split()
        steps = []
        for line in body.split("\n"):
            kind = line[0] if line[:2] in ("= ", "~ ") else ""
            if not kind and steps and not steps[-1][0]:
                steps[-1][1] += "\n" + line
            else:
                steps.append([kind, line[2:] if kind else line])
        yield name, mode, steps


class Row:
    def __init__(self, tf, v1, np, directory):
        self.tf, self.v1, self.np, self.directory = tf, v1, np, directory

    def text(self, value):
        return value.replace(self.directory, "DIR")

    def told(self, x):
        """A value as plain data."""
        tf, np = self.tf, self.np
        if isinstance(x, np.generic) and not isinstance(x, (bytes, str)):
            return [x.dtype.name, repr(x.tolist())]
        if isinstance(x, np.ndarray):
            return ["array", x.dtype.name, list(x.shape), repr(x.tolist())]
        if isinstance(x, (str, bytes)):
            return [type(x).__name__, self.text(x if isinstance(x, str) else x.decode("latin1"))]
        if x is None or isinstance(x, (bool, int, float)):
            return [type(x).__name__, repr(x)]
        if isinstance(x, (tf.DType, tf.TensorShape)):
            return [type(x).__name__, x.name if isinstance(x, tf.DType) else str(x)]
        if isinstance(x, (tf.Tensor, tf.Variable, self.v1.Variable)):
            kind = "tensor" if isinstance(x, tf.Tensor) else "variable"
            value = self.told(x.numpy()) if tf.executing_eagerly() and hasattr(x, "numpy") else "symbolic"
            return [kind, x.dtype.name.replace("_ref", ""), str(x.shape), value]
        if isinstance(x, dict):
            return ["dict", *([self.told(k), self.told(v)] for k, v in x.items())]
        if isinstance(x, (list, tuple)):
            return ["list" if isinstance(x, list) else "tuple", *map(self.told, x)]
        return ["class", x.__name__] if isinstance(x, type) else ["object", type(x).__name__.lstrip("_")]

    def files(self):
        """What is in the row's directory: sizes and sums of bytes, state files as text, no times and no meta graphs."""
        out = {}
        for path in sorted(pathlib.Path(self.directory).rglob("*")):
            name = path.relative_to(self.directory).as_posix()
            if path.is_symlink() or path.is_dir():
                out[name] = "link" if path.is_symlink() else "directory"
            elif path.suffix != ".meta" and path.name != "graph.pbtxt" and "events.out" not in name:
                data = path.read_bytes()
                if data.startswith(b"model_checkpoint_path"):
                    out[name] = TIME.sub("TIME", self.text(data.decode()))
                else:
                    out[name] = f"{len(data)} bytes {hashlib.sha256(data).hexdigest()[:12]}"
        return out

    def run(self, steps, space):
        out = []
        for kind, code in steps:
            if (kind, code.split()[:1]) == ("~", ["files"]):
                continue
            try:
                if kind:
                    out.append([kind, code, self.told(eval(code, space))])
                else:
                    exec(code, space)
            except Exception as error:
                classes = [c.__name__ for c in type(error).__mro__ if c not in (object, BaseException, Exception)]
                out.append([kind or "=", code, ["raises", classes or ["Exception"], self.text(str(error))[:200]]])
        differ = any((kind, code.split()[:1]) == ("~", ["files"]) for kind, code in steps)
        return [*out, ["~" if differ else "=", "files", self.files()]]


def run_rows(tf, v1, np, text):
    """What came of each row: {name: [[kind, code, what came of it]]}."""
    results, here = {}, os.getcwd()
    for name, mode, steps in rows_of(text):
        directory = os.path.realpath(tempfile.mkdtemp())
        os.chdir(directory)
        v1.reset_default_graph()
        space = {"tf": tf, "v1": v1, "np": np, "os": os, "shutil": shutil, "Path": pathlib.Path, "D": directory, "s": None}
        space["M"] = type("Module", (tf.Module,), {})
        row = Row(tf, v1, np, directory)
        try:
            if mode == "graph":
                with tf.Graph().as_default(), v1.Session() as session:
                    space["s"] = session
                    space["init"] = lambda session=session: session.run(v1.global_variables_initializer())
                    results[name] = row.run(steps, space)
            else:
                results[name] = row.run(steps, space)
        finally:
            os.chdir(here)
            shutil.rmtree(directory, ignore_errors=True)
    return results


if __name__ == "__main__":
    import numpy as np
    import tensorflow as tf

    with open(sys.argv[1], encoding="utf-8") as rows:
        print(json.dumps(run_rows(tf, tf.compat.v1, np, rows.read())))
