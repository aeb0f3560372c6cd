"""Savers killed with SIGKILL, at every call to the file system and at any moment: the old checkpoint is there or the new one.

    scripts/kill --kills 2000 --seed 1   # kills so many processes, prints what was found; exit code 1 if a checkpoint was lost
    scripts/kill --every                 # at every call to the file system of every scenario, before it and half way through

Each scenario prepares a directory, lets a child process of its own change it, and kills that child: before call number n to the
file system, in the middle of a write, or after a time drawn at random. Then the directory is read, and saved to again: what the
killed process left must be old or new, and the next save must work and clean up.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import fuzz_log

import minitf as tf
from minitf.storage.background import BackgroundStorage
from minitf.storage.bundle import TensorBundle
from minitf.storage.bundle.merge import merge
from minitf.storage.detect import open_checkpoint
from minitf.storage.files import TEMPORARY, Disk
from minitf.storage.formats import FORMATS
from minitf.storage.state_file import latest_checkpoint, read_state

CALLS = [name for name in vars(Disk) if not name.startswith("_")]
MEMORY = (
    "/dev/shm"  # a killed process loses nothing that the system has, so no real disk is needed, and none has to be waited for
)
Values = dict[str, Any]


def values(seed: int, size: int = 20_000) -> Values:
    """A checkpoint whose every element tells which one it is."""
    return {"a": np.full(size, seed), "s": np.array([b"%d" % seed] * 3, object), "b": np.float32(seed)}


def seed_of(prefix: str) -> int | None:
    """Which of the checkpoints that ``values`` gives stands under a prefix, read and verified; None: none does."""
    try:
        reader = open_checkpoint(prefix)
    except tf.errors.NotFoundError:
        return None
    a, s, b = reader.read_many(["a", "s", "b"])
    found = {int(b), *np.unique(a).tolist(), *(int(text) for text in s.tolist())}
    assert len(found) == 1, f"a mixture of {found}"
    return found.pop()


class Scenario(NamedTuple):
    """``prepare`` makes the old state of a directory, ``act`` is killed, ``check`` looks at what it left and goes on."""

    prepare: Callable[[str], Any]
    act: Callable[[str], Any]
    check: Callable[[str], Any]


def overwriting(storage: Any, *, old: bool, shards: int = 0, size: int = 20_000) -> Scenario:
    """A save under a prefix, over another one or over nothing; ``size`` numbers are its largest value."""

    def save(directory: str, seed: int) -> None:
        if shards:
            parts = [{f"{key}": value} for key, value in values(seed).items()]
            storage.write_shards(f"{directory}/p-1", [*parts, {"more": np.ones(5)}][: shards + 2])
        else:
            storage.write(f"{directory}/p-1", values(seed, size))
        getattr(storage, "wait", lambda: None)()

    def check(directory: str) -> None:
        assert seed_of(f"{directory}/p-1") in ((1, 2) if old else (None, 2))
        save(directory, 3)
        assert seed_of(f"{directory}/p-1") == 3
        names = os.listdir(directory)
        assert not [name for name in names if TEMPORARY in name], names
        assert len({name.rpartition("-of-")[2] for name in names if "-of-" in name}) <= 1, names

    return Scenario(lambda directory: save(directory, 1) if old else None, lambda directory: save(directory, 2), check)


def merging(delete: bool) -> Scenario:
    def prepare(directory: str) -> None:
        for number, (key, value) in enumerate(values(2).items()):
            TensorBundle(durable=False).write(f"{directory}/in/{number}", {key: value})
        TensorBundle(durable=False).write(f"{directory}/p-1", values(1))

    def act(directory: str) -> None:
        merge([f"{directory}/in/{number}" for number in range(3)], f"{directory}/p-1", delete_inputs=delete)

    def check(directory: str) -> None:
        found = seed_of(f"{directory}/p-1")
        assert found in (1, 2)
        inputs = [number for number in range(3) if TensorBundle().exists(f"{directory}/in/{number}")]
        assert inputs == [0, 1, 2] or (delete and found == 2), "an input is lost before its values are elsewhere"
        for number in inputs:
            TensorBundle().open(f"{directory}/in/{number}").read_many(list(values(2))[number : number + 1])
        if len(inputs) == 3:
            act(directory)
            assert seed_of(f"{directory}/p-1") == 2
        TensorBundle().write(f"{directory}/p-1", values(3))
        assert not [name for name in os.listdir(directory) if TEMPORARY in name]

    return Scenario(prepare, act, check)


class Model(tf.Module):
    """Something to be managed: every number in it is the step at which it was saved."""

    def __init__(self) -> None:
        super().__init__()
        self.a = tf.Variable(np.zeros(5000))
        self.b = tf.Variable(0)

    def step(self, number: int) -> None:
        self.a.assign(np.full(5000, float(number)))
        self.b.assign(number)


def rotating() -> Scenario:
    """A manager's save with its state file and the deletion of the oldest checkpoint."""

    def manager(directory: str) -> Any:
        model = Model()
        saver = tf.train.Checkpoint(model=model)
        return model, saver, tf.train.CheckpointManager(saver, directory, max_to_keep=2)

    def prepare(directory: str) -> None:
        model, _, keeper = manager(directory)
        for number in (1, 2):
            model.step(number)
            keeper.save()

    def act(directory: str) -> None:
        model, saver, keeper = manager(directory)
        saver.restore(keeper.latest_checkpoint)
        model.step(3)
        keeper.save()

    def check(directory: str) -> None:
        model, saver, keeper = manager(directory)
        assert keeper.latest_checkpoint == latest_checkpoint(directory)
        saver.restore(keeper.latest_checkpoint).assert_consumed()
        number = int(model.b.numpy())
        assert number in (2, 3)
        assert (model.a.numpy() == number).all()
        assert keeper.latest_checkpoint.endswith(f"-{number}")
        model.step(4)
        keeper.save()
        state = read_state(directory)
        assert state is not None
        for path in state.all_model_checkpoint_paths:
            reader = TensorBundle().open(path)
            reader.read_many(reader.keys())
        assert not [name for name in os.listdir(directory) if TEMPORARY in name]

    return Scenario(prepare, act, check)


SCENARIOS: dict[str, Scenario] = {
    "first save": overwriting(TensorBundle(), old=False),
    "save over another": overwriting(TensorBundle(), old=True),
    "large value over another": overwriting(TensorBundle(), old=True, size=400_000),
    "without fsync": overwriting(TensorBundle(durable=False), old=True),
    "several data files": overwriting(TensorBundle(), old=True, shards=2),
    "background": overwriting(BackgroundStorage(TensorBundle()), old=True),
    **{f"{name} over another": overwriting(FORMATS[name](), old=True) for name in FORMATS if name != "tf-v2"},
    "manager's rotation": rotating(),
    "merge": merging(False),
    "merge, inputs deleted": merging(True),
}


def child_of(act: Callable[[str], Any], directory: str, before: Callable[[], Any]) -> int:
    """Starts a child process that does ``before()`` and then ``act(directory)``."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            before()
            act(directory)
            code = 0
        finally:
            os._exit(code)
    return pid


def ends_at(step: int, half: bool) -> Callable[[], None]:
    """What a child does first, to be killed at its call number ``step`` to the file system: before it, or half way through."""

    def patch() -> None:
        numbers = itertools.count(1)
        for name in CALLS:
            setattr(Disk, name, _killing(getattr(Disk, name), name, numbers))

    def _killing(inner: Any, name: str, numbers: Any) -> Any:
        def call(self: Any, *arguments: Any) -> Any:
            if next(numbers) == step:
                if half and name == "write":
                    handle, data, offset = arguments
                    inner(self, handle, memoryview(data)[: len(data) // 2], offset)
                elif half:
                    inner(self, *arguments)
                os.kill(os.getpid(), signal.SIGKILL)
                time.sleep(60)
            return inner(self, *arguments)

        return call

    return patch


def was_killed(pid: int) -> bool:
    """Waits for a child: True if it was killed, False if it came to its end."""
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0, "the child failed by itself"
    return False


def by_step(name: str, place: str, step: int, half: bool) -> bool:
    """Kills one child at a call; False if it has not so many."""
    return _one(name, place, lambda directory: was_killed(child_of(SCENARIOS[name].act, directory, ends_at(step, half))))


def calls_of(name: str, place: str) -> int:
    """How many calls to the file system a scenario makes."""
    directory = tempfile.mkdtemp(dir=place)
    SCENARIOS[name].prepare(directory)
    ready = os.pipe()

    def act(directory: str) -> None:
        calls: list[str] = []
        for call in CALLS:
            setattr(Disk, call, _noting(getattr(Disk, call), calls))
        SCENARIOS[name].act(directory)
        os.write(ready[1], b"%d" % len(calls))

    assert not was_killed(child_of(act, directory, lambda: None))
    count = int(os.read(ready[0], 100))
    os.close(ready[0]), os.close(ready[1])
    shutil.rmtree(directory)
    return count


def _noting(inner: Any, calls: list[str]) -> Any:
    def call(*arguments: Any) -> Any:
        calls.append("")
        return inner(*arguments)

    return call


def by_time(name: str, place: str, draw: random.Random, longest: float) -> bool:
    """Kills one child after a while; False if it was ready before."""

    def kill(directory: str) -> bool:
        ready, started = os.pipe()
        pid = child_of(SCENARIOS[name].act, directory, lambda: os.write(started, b"x"))
        os.read(ready, 1)
        os.close(ready), os.close(started)
        time.sleep(draw.uniform(0, longest))
        os.kill(pid, signal.SIGKILL)
        return was_killed(pid)

    return _one(name, place, kill)


def _one(name: str, place: str, kill: Callable[[str], bool]) -> bool:
    directory = tempfile.mkdtemp(dir=place)
    try:
        SCENARIOS[name].prepare(directory)
        killed = kill(directory)
        SCENARIOS[name].check(directory)
        return killed
    except Exception as error:
        error.add_note(f"in scenario {name!r}, {os.listdir(directory)}")
        raise
    finally:
        shutil.rmtree(directory)


def run(kills: int, seed: int, only: str | None = None, every: bool = False) -> tuple[Counter[str], Counter[str], list[str]]:
    """Kills so many: half of them at calls (every call, if there are enough), half at any moment. ``every``: at every call.

    Returns kills at calls and at moments by scenario, and what went wrong.
    """
    logging.getLogger("minitf").setLevel(logging.CRITICAL)
    draw = random.Random(seed)
    names = [only] if only else list(SCENARIOS)
    at_calls: Counter[str] = Counter()
    at_moments: Counter[str] = Counter()
    bad: list[str] = []
    with tempfile.TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as place:
        longest = {}
        steps: list[tuple[str, int, bool]] = []
        for name in names:
            began = time.monotonic()
            count = calls_of(name, place)
            longest[name] = time.monotonic() - began
            steps += [(name, n, half) for n in range(1, count + 1) for half in (False, True)]
        draw.shuffle(steps)
        for name, number, half in steps:
            if at_calls.total() >= kills / 2 and not every:
                break
            try:
                at_calls[name] += by_step(name, place, number, half)
            except Exception as error:
                bad.append(f"{name}, call {number}{' half done' * half}: {error!r} {error.__notes__}")
        rest = 0 if every else kills - at_calls.total()
        while at_moments.total() < rest and len(bad) < 20:
            name = draw.choice(names)
            try:
                at_moments[name] += by_time(name, place, draw, longest[name])
            except Exception as error:
                bad.append(f"{name}, at some moment: {error!r} {error.__notes__}")
    return at_calls, at_moments, bad


def main() -> int:
    parser = argparse.ArgumentParser(description="Kills savers and looks at what they leave.")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--every", action="store_true", help="at every call, before it and half way through, and no others")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=list(SCENARIOS))
    parser.add_argument("--log", type=Path, nargs="?", const=fuzz_log.LOG, help="add the figures to the log of all runs")
    args = parser.parse_args()
    start = time.monotonic()
    at_calls, at_moments, bad = run(args.kills, args.seed, args.only, args.every)
    took = time.monotonic() - start
    for name in SCENARIOS:
        print(f"{name:28} {at_calls[name]:5} killed at a call, {at_moments[name]:5} at some moment")
        if args.log is not None:
            count = at_calls[name] + at_moments[name]
            share = took * count / (at_calls.total() + at_moments.total())
            lost = sum(line.startswith(name + ",") for line in bad)
            what = name + ", every call" * args.every
            fuzz_log.add(fuzz_log.Run("kills", what, str(args.seed), count, share, 0, lost), args.log)
    print(f"{len(bad)} lost in {at_calls.total() + at_moments.total()} kills, {took:.0f} s")
    print("\n".join(bad))
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
