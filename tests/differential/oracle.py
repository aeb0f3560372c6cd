"""TensorFlow as a long-lived child process that runs programs."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any


class Oracle:
    """Starts when it is first asked, and anew after some thousand programs: TensorFlow never forgets a graph wholly."""

    def __init__(self, python: str, programs_a_process: int = 3000):
        self._python = python
        self._limit = programs_a_process
        self._asked = 0
        self._process: subprocess.Popen[str] | None = None

    def run(self, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Answers requests (see ``child``). Raises RuntimeError if TensorFlow's process dies."""
        if self._asked >= self._limit:
            self.close()
        process = self._process or self._start()
        self._asked += len(requests)
        assert process.stdin is not None
        process.stdin.write(json.dumps(requests) + "\n")
        process.stdin.flush()
        return self._read(process)  # type: ignore[no-any-return]

    def _start(self) -> subprocess.Popen[str]:
        environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "TF_ENABLE_ONEDNN_OPTS": "0"}
        environment["PYTHONPATH"] = str(Path(__file__).resolve().parent.parent)
        self._complaints = tempfile.TemporaryFile("w+")  # much that is of no interest, and once perhaps why it died
        self._process = subprocess.Popen(
            [self._python, "-m", "differential.child"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._complaints, text=True, env=environment,
        )  # fmt: skip
        self._asked = 0
        self._read(self._process)
        return self._process

    def _read(self, process: subprocess.Popen[str]) -> Any:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            self._complaints.seek(0)
            raise RuntimeError(f"TensorFlow's process ended with {process.wait()}:\n{self._complaints.read()[-3000:]}")
        return json.loads(line)

    def close(self) -> None:
        """Ends the process."""
        if self._process is not None:
            self._process.communicate()
            self._complaints.close()
            self._process = None
