"""How much memory something needs at most, as the kernel sees it: NumPy's memory, Python's, and that of strings.

``with measuring("tests.cli.peaks") as measure`` starts a process that has loaded this module, and called its ``prepare`` if it
has one. Each ``measure(*arguments)`` calls the module's ``measure`` in a child of that process, so in memory that nothing else
has used.
"""

import ctypes
import json
import os
import subprocess
import sys
import traceback
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

HERE = Path(__file__).parents[1]
MIB = 1 << 20
M_MMAP_THRESHOLD = -3

needs_peaks = pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="there is no peak to be reset")


class Use(NamedTuple):
    """MiB in use before something was done, at most meanwhile, and after it."""

    before: float
    most: float
    after: float


def resident(field: str) -> float:
    """A figure of this process, in MiB: VmRSS or VmHWM."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    raise LookupError(field)


def traced(call: Callable[[], object]) -> int:
    """The most bytes that Python and NumPy took meanwhile, as they count them themselves."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def use_of(call: Callable[[], object]) -> Use:
    """Does it and looks."""
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    call()
    most = resident("VmHWM")
    give_back()
    return Use(before, most, resident("VmRSS"))


def extra_of(call: Callable[[], object]) -> float:
    """The MiB that a call needs beyond what there was before or is after, whatever is more, in a process that did other things.

    Nothing that was freed may be left: it would hide as much that is taken anew.
    """
    give_back()
    use = use_of(call)
    return round(use.most - max(use.before, use.after), 1)


def give_back() -> None:
    """Memory that was freed goes back to the system, now and (large pieces) from now on."""
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):
        library.mallopt(M_MMAP_THRESHOLD, 128 << 10)  # which the library would raise
        library.malloc_trim(0)


def in_a_child(call: Callable[[], Any]) -> Any:
    """What a call gives (JSON) that is done by a child of this process. Raises RuntimeError with its traceback."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            out = [True, call()]
        except BaseException:
            out = [False, traceback.format_exc()]
        with open(writing, "w") as pipe:
            json.dump(out, pipe)
        os._exit(0)
    os.close(writing)
    with open(reading) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    if not text:
        raise RuntimeError("the child was killed")
    done, out = json.loads(text)
    if not done:
        raise RuntimeError(out)
    return out


@contextmanager
def measuring(module: str) -> Iterator[Callable[..., Any]]:
    """A process that has loaded a module, and a function that lets children of it call the module's ``measure``."""
    command = [sys.executable, "-m", __name__, module]
    with subprocess.Popen(command, cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def measure(*arguments: Any) -> Any:
            print(json.dumps(arguments), file=process.stdin, flush=True)
            done, out = json.loads(process.stdout.readline())
            assert done, out
            return out

        yield measure
        process.stdin.close()


def strings(count: int, length: int, first: int = 65) -> np.ndarray:
    """So many strings of one length, each an object of its own."""
    letters = (first + np.arange(count) % 50).astype(np.uint8)
    out = np.empty(count, object)
    for at in range(0, count, step := max(1, 4 * MIB // length)):
        out[at : at + step] = np.repeat(letters[at : at + step], length).view(f"S{length}").tolist()
    return out


def answer(module: str) -> None:
    """Reads arguments, a line each, until there are no more, and answers each with a line."""
    answers, sys.stdout = sys.stdout, sys.stderr
    os.fsync = os.fstat  # type: ignore[assignment]  # nobody cuts the power
    loaded = import_module(module)
    getattr(loaded, "prepare", lambda: None)()
    for line in sys.stdin:
        try:
            out = [True, in_a_child(partial(loaded.measure, *json.loads(line)))]
        except RuntimeError as error:
            out = [False, str(error)]
        print(json.dumps(out), file=answers, flush=True)


if __name__ == "__main__":
    answer(sys.argv[1])
