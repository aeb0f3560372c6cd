"""``peaks.py KIND DIRECTORY VERB...`` prints how much memory each verb of the command needs at most beyond what there was.

A JSON object, in MiB by verb, of a checkpoint of 64 MiB that is made first, by another process. What the kernel saw: NumPy's
memory, Python's and that of strings. Each verb runs in a process of its own, which has loaded what it needs.
"""

import contextlib
import io
import json
import os
import sys
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

import ml_dtypes
import numpy as np

from minitf.cli import VERBS, main
from minitf.storage.bundle import TensorBundle
from minitf.storage.npz import Npz
from minitf.storage.safetensors import Safetensors
from minitf.storage.v1 import TensorSlices
from minitf.storage.values import Partitioned

MIB = 1 << 20
SIZE = 64 * MIB


def resident(field):
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    raise LookupError(field)


def strings(count, length):
    out = np.empty(count, object)
    for number in range(count):
        out[number] = bytes((65 + number % 50,)) * length
    return out


def floats(dtype=np.float32):
    return np.arange(SIZE // np.dtype(dtype).itemsize, dtype=np.int32).astype(dtype).reshape(-1, 1024)


def pieces(axis):
    whole = floats()
    half = whole.shape[axis] // 2
    first = [None, None]
    second = [None, None]
    first[axis], second[axis] = (0, half), (half, whole.shape[axis] - half)
    parts = np.split(whole, [half], axis)
    return Partitioned(whole.shape, list(zip((tuple(first), tuple(second)), map(np.ascontiguousarray, parts), strict=True)))


Make = Callable[[], object]
VALUES: dict[str, Make] = {
    "float32": floats,
    "bfloat16": lambda: floats(ml_dtypes.bfloat16),
    "many strings": lambda: strings(900_000, 100),
    "one huge string": lambda: strings(1, SIZE).reshape(()),
    "pieces along 1": lambda: pieces(1),
    "many values": lambda: {f"v{number:03}": np.full(SIZE // 512, number // 2, np.uint8) for number in range(512)},
}
STORAGES = {kind.name: kind for kind in (TensorBundle, TensorSlices, Safetensors, Npz)}


def made(directory, storage, value):
    for name in ("a", "b"):
        prefix = str(Path(directory) / name)
        found = VALUES[value]()
        tensors = found if isinstance(found, dict) else {"v": found}
        if name == "b" and isinstance(found, np.ndarray) and found.dtype != object:
            found[-1, -1] = 0
        STORAGES[storage](durable=False).write(prefix, tensors)


def words(verb, directory, value):
    a, b, out = (str(Path(directory) / name) for name in ("a", "b", "out"))
    key = "v000" if value == "many values" else "v"
    verb, *more = verb.split()
    return {
        "show": ["show", a, key],
        "get": ["get", a, key, "-o", f"{out}.npy"],
        "diff": ["diff", a, b, *more],
        "convert": ["convert", a, out, "--to", *more],
        "rename": ["rename", a, out, "--map", f"{key}=w", "--write"],
        "merge": ["merge", a, *more, "-o", out],
        "salvage": ["salvage", a, out],
        "explain": ["explain", a, "--program", f"{directory}/program.py:make"],
    }.get(verb, [verb, a, *more])


def measured(call):
    """MiB that were in use at most while ``call`` ran in a child process, beyond what there was before; and what it gave."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        before = resident("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")
        try:
            told = call()
            out = [round(resident("VmHWM") - before, 1), told]
        except BaseException:
            out = [traceback.format_exc(), 3]
        with open(writing, "w") as pipe:
            json.dump(out, pipe)
        os._exit(0)
    os.close(writing)
    with open(reading) as pipe:
        found = json.load(pipe)
    os.waitpid(child, 0)
    return found


def quiet(arguments):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as said:
        code = main(arguments)
    return [code, said.getvalue()]


def run(storage, value, directory, verbs):
    Path(directory, "program.py").write_text(
        "import minitf as tf\n\ndef make():\n    return tf.train.Checkpoint(v=tf.Variable(0.0))\n"
    )
    measured(lambda: made(directory, storage, value))
    with contextlib.redirect_stdout(io.StringIO()):
        small = str(Path(directory, "small"))
        TensorBundle().write(small, {"x": np.zeros(3, np.float32)})
        for verb in VERBS:
            __import__(f"minitf.cli.{verb}")
        for to in STORAGES:
            main(["convert", small, f"{small}-{to}", "--to", to])
            main(["diff", small, f"{small}-{to}"])
            main(["show", f"{small}-{to}", "x"])
            main(["verify", f"{small}-{to}"])
    out = {}
    for verb in verbs:
        most, told = measured(partial(quiet, words(verb, directory, value)))
        out[verb] = [most, *(told if isinstance(told, list) else [told])]
        for left in Path(directory).glob("out*"):
            left.unlink()
    return out


if __name__ == "__main__":
    print(json.dumps(run(*sys.argv[1:4], sys.argv[4:])))
