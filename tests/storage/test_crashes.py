"""Whenever the power fails, the old checkpoint is there, whole, or the new one.

Each scenario is run on a disk in memory that logs what is done to it; from the log every disk state is built that a crash
may leave, and in each of them the checkpoint is opened, read and verified, found by ``latest_checkpoint``, and saved over.

A run takes about 4,000 states; MINITF_CRASH_STATES=20000 (or any number) asks for more, and
``python tests/storage/test_crashes.py 20000`` counts them.
"""

from __future__ import annotations

import functools
import logging
import os
import random
import sys

import numpy as np
import pytest

from minitf.errors import NotFoundError
from minitf.storage.bundle import TensorBundle
from minitf.storage.bundle.merge import merge
from minitf.storage.files import TEMPORARY
from minitf.storage.formats import FORMATS
from minitf.storage.state_file import CheckpointState, latest_checkpoint, read_state, write_state
from minitf.testing.crashes import crash_states
from minitf.testing.disk import KilledError, RecordingDisk

WANTED = int(sys.argv[1] if __name__ == "__main__" else os.environ.get("MINITF_CRASH_STATES", "4000"))


def tensors(seed, size=60):
    rng = np.random.default_rng(seed)
    return {"a": rng.normal(size=size), "s": np.array([b"x" * seed, b"seed"], object), "b": np.float32(seed)}


def content(prefix, disk, kind=TensorBundle):
    """Everything under a prefix, verified; None if there is nothing."""
    try:
        reader = kind(disk=disk).open(prefix)
    except NotFoundError:
        return None
    return {key: reader.read(key).tolist() for key in reader.keys()}


def plain(found):
    return {key: np.asarray(value).tolist() for key, value in found.items()}


def newest(disk, directory="d"):
    """What ``latest_checkpoint`` finds, read."""
    latest = latest_checkpoint(directory, disk=disk)
    return None if latest is None else (os.path.basename(latest), content(latest, disk))


def save(disk, prefix, values, kind=TensorBundle):
    kind(True, disk=disk).write(prefix, values)


def save_and_note(disk, number, values, keep):
    """What a checkpoint manager does: save, state file, delete the oldest, state file."""
    prefix = f"d/m-{number}"
    save(disk, prefix, values)
    state = read_state("d", disk=disk) or CheckpointState()
    paths = [*state.all_model_checkpoint_paths, prefix]
    write_state("d", CheckpointState(prefix, paths, [float(n) for n in range(len(paths))]), disk=disk)
    for path in paths[:-keep]:
        TensorBundle(disk=disk).remove(path)
    paths = paths[-keep:]
    write_state("d", CheckpointState(prefix, paths, [float(n) for n in range(len(paths))]), disk=disk)


def explore(start, run, check, share):
    """Runs ``run`` on a disk with the state ``start`` and ``check(disk, last)`` on every state that a crash may leave.

    ``share`` is how many of all wanted states this scenario should give; the more, the less a write takes at a time.
    """
    disk = RecordingDisk(start, most=max(4, min(24, 400_000 // WANTED)))
    run(disk)
    log, final = disk.log, disk.state()
    assert not disk.handles
    assert not [path for path in final if TEMPORARY in path]
    seen = set()
    at_once = max(8, int(4 * WANTED * share / len(log)))
    for done, state in crash_states(start, log, at_once, random.Random(7)):
        key = hash((done == len(log), frozenset(state.items())))
        if key not in seen:
            seen.add(key)
            check(RecordingDisk(state), done == len(log))
    check(RecordingDisk(final), True)
    return len(seen)


def old_or_new(prefix, old, new, kind=TensorBundle):
    wanted = [None if old is None else plain(old), plain(new)]

    def check(disk, last):
        found = content(prefix, disk, kind)
        assert found == wanted[1] if last else found in wanted
        save(disk, prefix, tensors(9), kind)  # the next save works on what the crash left, and cleans up
        assert content(prefix, disk, kind) == plain(tensors(9))
        assert not [path for path in disk.state() if TEMPORARY in path]

    return check


def after(*saves, kind=TensorBundle):
    disk = RecordingDisk({"d/other": b"not ours"})
    for prefix, values in saves:
        save(disk, prefix, values, kind)
    return disk.state()


def over_nothing_and_over_others(before):
    """Over one data file two are written, over two one: never a name that the old index uses."""
    start = after(*[("d/p-1", tensors(n + 1)) for n in range(before)])
    old = tensors(before) if before else None
    run = lambda disk: save(disk, "d/p-1", tensors(7, size=90))
    return explore(start, run, old_or_new("d/p-1", old, tensors(7, size=90)), 0.06)


def several_data_files(before, shards):
    """A save of more data files than one, over as many or others."""

    def several(count, seed):
        return [{f"{name}{n}": value for name, value in tensors(seed + n, 20).items()} for n in range(count)]

    def union(parts):
        return {key: value for part in parts for key, value in part.items()}

    disk = RecordingDisk({"d/other": b""})
    if before:
        TensorBundle(disk=disk).write_shards("d/p-1", several(before, 1))
    check = old_or_new("d/p-1", union(several(before, 1)) if before else None, union(several(shards, 5)))
    run = lambda disk: TensorBundle(disk=disk).write_shards("d/p-1", several(shards, 5))
    return explore(disk.state(), run, check, 0.1)


def other_format(name, before):
    kind = FORMATS[name]
    start = after(*[("d/p-1", tensors(n + 1)) for n in range(before)], kind=kind)
    check = old_or_new("d/p-1", tensors(1) if before else None, tensors(7), kind)
    return explore(start, lambda disk: save(disk, "d/p-1", tensors(7), kind), check, 0.02)


def removed_and_saved_again():
    """What comes after a power cut is the old set, none, or the new one: not the old index beside new data."""
    disk = RecordingDisk({"d/other": b""})
    save(disk, "d/p-1", tensors(1))

    def run(disk):
        TensorBundle(disk=disk).remove("d/p-1")
        save(disk, "d/p-1", tensors(2))

    def check(disk, last):
        found = content("d/p-1", disk)
        assert found == plain(tensors(2)) if last else found in (None, plain(tensors(1)), plain(tensors(2)))

    return explore(disk.state(), run, check, 0.04)


def a_managers_rotation():
    disk = RecordingDisk({"d/other": b""})
    for number in (1, 2):
        save_and_note(disk, number, tensors(number), keep=2)
    start = disk.state()

    def check(disk, last):
        found = newest(disk)
        assert found in ([("m-3", plain(tensors(3)))] if last else [("m-2", plain(tensors(2))), ("m-3", plain(tensors(3)))])
        save_and_note(disk, 4, tensors(4), keep=2)
        assert newest(disk) == ("m-4", plain(tensors(4)))

    return explore(start, lambda disk: save_and_note(disk, 3, tensors(3), keep=2), check, 0.06)


def a_first_save_with_its_state_file():
    def check(disk, last):
        found = newest(disk)
        assert found == ("m-1", plain(tensors(1))) if last else found in (None, ("m-1", plain(tensors(1))))

    return explore({"d/other": b""}, lambda disk: save_and_note(disk, 1, tensors(1), keep=1), check, 0.04)


def a_merge(delete):
    start = after(("d/in0", {"a": np.arange(5.0)}), ("d/in1", {"b": np.arange(6.0)}), ("d/out", {"old": np.ones(2)}))
    merged = {"a": list(range(5)), "b": list(range(6))}

    def check(disk, last):
        found = content("d/out", disk)
        assert found == merged if last else found in ({"old": [1, 1]}, merged)
        if found != merged or not delete:
            assert content("d/in0", disk) == {"a": list(range(5))}
            assert content("d/in1", disk) == {"b": list(range(6))}

    run = lambda disk: merge(["d/in0", "d/in1"], "d/out", delete_inputs=delete, disk=disk)
    return explore(start, run, check, 0.04)


ALL = (
    {f"a save over {n} others": functools.partial(over_nothing_and_over_others, n) for n in range(4)}
    | {
        f"{n} data files over {m}": functools.partial(several_data_files, m, n)
        for m, n in [(0, 3), (1, 3), (3, 3), (4, 2), (2, 4)]
    }
    | {f"{name} over {n}": functools.partial(other_format, name, n) for name in FORMATS if name != "tf-v2" for n in (0, 1)}
    | {f"merge, delete={delete}": functools.partial(a_merge, delete) for delete in (False, True)}
    | {"removed and saved again": removed_and_saved_again}
    | {"a manager's rotation": a_managers_rotation, "a first save": a_first_save_with_its_state_file}
)


@pytest.mark.parametrize("name", ALL)
def test_every_state_is_the_old_checkpoint_or_the_new_one(name):
    assert ALL[name]() >= min(50, WANTED / 100)


def test_without_sync_a_killed_process_still_leaves_old_or_new():
    """``durable=False``: a crash of the program alone loses nothing, because the calls reach the system in their order."""
    start = after(("d/p-1", tensors(1)))
    check = old_or_new("d/p-1", tensors(1), tensors(2))
    for calls in range(1000):
        disk = RecordingDisk(start, most=200, calls=calls)
        try:
            TensorBundle(durable=False, disk=disk).write("d/p-1", tensors(2))
        except KilledError:
            check(RecordingDisk(disk.state()), False)
        else:
            break
    assert calls > 10
    assert not [call for call in disk.log if call[0].startswith("sync")]


def test_the_model_finds_a_writer_that_does_not_sync():
    """The check is only worth something if it can fail: the same save without fsync, and one that writes in place."""
    start = after(("d/p-1", tensors(1)))

    def careless(disk):
        TensorBundle(durable=False, disk=disk).write("d/p-1", tensors(2))

    with pytest.raises((AssertionError, Exception)) as caught:
        explore(start, careless, old_or_new("d/p-1", tensors(1), tensors(2)), 0.1)
    assert caught.type.__name__ in ("AssertionError", "DataLossError", "NotFoundError")


def test_a_newest_checkpoint_that_is_not_whole_is_passed_over(caplog):
    """latest_checkpoint falls back to the one before, with a warning that says why."""
    disk = RecordingDisk({"d/other": b""})
    for number in (1, 2):
        save_and_note(disk, number, tensors(number), keep=2)
    good = disk.state()
    data, index = "d/m-2.data-00000-of-00001", "d/m-2.index"
    damages = {
        "no index": {index: None},
        "no data": {data: None},
        "data cut off": {data: good[data][:-1]},
        "index cut off": {index: good[index][:-1]},
        "index changed": {index: good[index][:20] + b"\xff" + good[index][21:]},
        "index empty": {index: b""},
    }
    for name, changes in damages.items():
        state = {path: changes.get(path, found) for path, found in good.items() if changes.get(path, found) is not None}
        caplog.clear()
        with caplog.at_level(logging.WARNING, "minitf"):
            assert newest(RecordingDisk(state)) == ("m-1", plain(tensors(1))), name
        assert any("m-2" in record.getMessage() for record in caplog.records), name
        gone = {path: found for path, found in state.items() if not path.startswith("d/m-1")}
        caplog.clear()
        with caplog.at_level(logging.ERROR, "minitf"):
            assert newest(RecordingDisk(gone)) is None
        assert "no checkpoint that is whole" in caplog.text


if __name__ == "__main__":
    print(f"{sum(count() for count in ALL.values())} distinct disk states, each the old checkpoint or the new one")
