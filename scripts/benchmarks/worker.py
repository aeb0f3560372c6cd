"""Measures one framework, on request. usage: worker.py minitf|tensorflow|torch|jax|autograd SECONDS

Reads names of rows, one a line; the first time it makes the row, then each time it measures one round and answers with one line
of JSON: seconds a call of each candidate, or ``{"error": text}``.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from importlib import metadata
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import embedding  # noqa: F401  (they enter their rows)
import exploring  # noqa: F401
import files  # noqa: F401
import rows  # noqa: F401
import running  # noqa: F401
from table import ROWS
from timing import Stopwatch


def main(module: str, seconds: float) -> None:
    """Answers until there are no more questions. Only the row asked for last is kept."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)  # whatever else is printed goes to stderr
    os.dup2(2, 1)
    tf: Any = importlib.import_module(module)
    print(json.dumps({"version": getattr(tf, "__version__", None) or metadata.version(module)}), file=answers)
    current, making, watch = None, None, None
    for name in map(str.strip, sys.stdin):
        try:
            if name != current:
                if making is not None:
                    making.close()
                current, making, watch = name, None, None
                made = ROWS[name].make(tf)
                if not isinstance(made, dict):
                    making = made
                    made = next(making)
                watch = Stopwatch(made, seconds)
            assert watch is not None, "the row could not be made"
            answer: dict[str, Any] = watch.round()
        except Exception as error:
            current, answer = None, {"error": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}
        print(json.dumps(answer), file=answers)
    if making is not None:
        making.close()


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
