"""``measure(STORAGE, VALUE, VERBS)``: how much memory each verb of the command needs at most beyond what there was.

By verb in MiB, its exit code and what it said, of a checkpoint of 48 MiB that is made first, by another process. Each verb runs
in a process of its own, which has loaded what it needs.
"""

import contextlib
import io
import tempfile
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path

import ml_dtypes
import numpy as np

from minitf.cli import VERBS, main
from minitf.storage.bundle import TensorBundle
from minitf.storage.npz import Npz
from minitf.storage.safetensors import Safetensors
from minitf.storage.v1 import TensorSlices
from minitf.storage.values import Partitioned
from tests.kernel import MIB, in_a_child, strings, use_of

SIZE = 48 * MIB


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
    "many strings": lambda: strings(675_000, 100),
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
        "merge": ["merge", a, f"{directory}/small", "-o", out],
        "salvage": ["salvage", a, out],
        "explain": ["explain", a, "--program", f"{directory}/program.py:make"],
    }.get(verb, [verb, a, *more])


def quiet(arguments):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as said:
        code = main(arguments)
    return code, said.getvalue()


def looked_at(arguments):
    told = []
    use = use_of(lambda: told.extend(quiet(arguments)))
    return [round(use.most - use.before, 1), *told]


def prepare():
    """Loads what the verbs need, by doing them all with a small checkpoint."""
    with tempfile.TemporaryDirectory() as directory, contextlib.redirect_stdout(io.StringIO()):
        small = str(Path(directory, "small"))
        TensorBundle().write(small, {"x": np.zeros(3, np.float32)})
        for verb in VERBS:
            import_module(f"minitf.cli.{verb}")
        for to in STORAGES:
            main(["convert", small, f"{small}-{to}", "--to", to])
            main(["diff", small, f"{small}-{to}"])
            main(["show", f"{small}-{to}", "x"])
            main(["verify", f"{small}-{to}"])


def measure(storage, value, verbs):
    with tempfile.TemporaryDirectory() as directory:  # which goes at once: it is large
        Path(directory, "program.py").write_text(
            "import minitf as tf\n\ndef make():\n    return tf.train.Checkpoint(v=tf.Variable(0.0))\n"
        )
        TensorBundle().write(str(Path(directory, "small")), {"x": np.zeros(3, np.float32)})
        in_a_child(lambda: made(directory, storage, value))
        out = {}
        for verb in verbs:
            out[verb] = in_a_child(partial(looked_at, words(verb, directory, value)))
            for left in Path(directory).glob("out*"):
                left.unlink()
    return out
