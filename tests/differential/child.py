"""What runs under TensorFlow's interpreter: reads jobs as JSON lines and answers observations as JSON lines.

A job is a list of requests ``{"program", "directory", "other"}``; the answer is a list of ``{"plain", "required", "paths"}``,
where ``required`` is null for programs for which it cannot differ.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from typing import Any

from differential.deviations import may_differ
from differential.interpreter import Interpreter
from differential.programs import Program


def answer(request: dict[str, Any], adapters: dict[bool, Any]) -> dict[str, Any]:
    """One program, in both readings if they may differ."""
    program = Program.from_json(request["program"])
    other = {int(i): path for i, path in (request["other"] or {}).items()}
    plain = Interpreter(adapters[False], os.path.join(request["directory"], "tensorflow"), other)
    found: dict[str, Any] = {"plain": plain.run(program), "required": None, "paths": plain.paths}
    if may_differ(program, found["plain"]):
        required = Interpreter(adapters[True], os.path.join(request["directory"], "required"), other)
        found |= {"required": required.run(program), "paths": required.paths}
    return found


def main() -> None:
    """Answers until the input ends."""
    answers, sys.stdout = sys.stdout, sys.stderr
    import tensorflow as tf

    from differential.tensorflow_adapter import TensorFlow

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.get_logger().setLevel("FATAL")
    adapters = {required: TensorFlow(required) for required in (False, True)}
    gc.collect()
    gc.freeze()  # TensorFlow's hundred thousands of objects need not be looked at again
    print(json.dumps({"version": tf.__version__}), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps([answer(request, adapters) for request in json.loads(line)]), file=answers, flush=True)


if __name__ == "__main__":
    main()
