"""TensorFlow as a long-lived child process that computes calls."""

import os
import pickle
import struct
import subprocess
import tempfile
from pathlib import Path


class TensorFlow:
    """Starts when it is first asked."""

    def __init__(self, python):
        self._python = python
        self._process = None
        self._answered = False

    def __call__(self, calls, order=0):
        """What each call gives: ``("value", arrays)`` or ``("error", names of classes, message)``.

        With ``order`` 1 or 2, the gradients of the call up to that order (see ``differentiating``). It is ``("died",)`` for a
        call that ends TensorFlow's process.
        """
        answers = []
        while len(answers) < len(calls):
            answers += self._until_it_dies(calls[len(answers) :], order)
        return answers

    def _until_it_dies(self, calls, order):
        process = self._process or self._start()
        data = pickle.dumps([(c.text, c.inputs, c.attrs, c.dtypes, c.seed, order) for c in calls])
        process.stdin.write(struct.pack("<q", len(data)) + data)
        process.stdin.flush()
        answers = []
        for _ in calls:
            header = process.stdout.read(8)
            if not header:
                if not answers and not self._answered:
                    self._complaints.seek(0)
                    raise RuntimeError(f"TensorFlow's process does not start:\n{self._complaints.read()[-3000:]}")
                self.close()
                return [*answers, ("died",)]
            answers.append(pickle.loads(process.stdout.read(struct.unpack("<q", header)[0])))
        self._answered = True
        return answers

    def _start(self):
        environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "TF_USE_LEGACY_KERAS": "1"}
        environment.pop("PYTHONPATH", None)
        self._complaints = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            [self._python, str(Path(__file__).parent / "child.py")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._complaints, env=environment,
        )  # fmt: skip
        return self._process

    def close(self):
        """Ends the process."""
        if self._process is not None:
            self._process.stdin.close()
            self._process.wait()
            self._process.stdout.close()
            self._complaints.close()
            self._process = None
