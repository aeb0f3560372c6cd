"""TensorFlow's files with one thing changed, every way of it: a typed error, or exactly what was there before.

    scripts/flip                       # every bit of every golden file, and the rest below; takes the better part of an hour
    scripts/flip --share 0.01 --seed 3 # a hundredth of it, drawn at random
    scripts/flip --only strings        # one golden checkpoint

Of each index, data file and V1 file: every bit flipped, each byte set to 00 and to FF, every length that it can be cut to, its
512-byte sectors swapped; and data files put in the place of another checkpoint's.

The files are in memory, behind the code that reads files. After a change only that is read again which looks at the changed
bytes: the values that stand there, of a data file; the block, of an index or a V1 file. If that gives no error, everything is
read; and in one case of a hundred (of a thousand, of a file of more than 512 KiB) everything is read anyway, to see that it
gives an error then, too.
"""

from __future__ import annotations

import argparse
import itertools
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import fuzz_log
from golden_files import ROOT, cases

from minitf.errors import OpError
from minitf.storage.bundle import TensorBundle
from minitf.storage.bundle.block import TRAILER
from minitf.storage.bundle.coding import slice_key
from minitf.storage.bundle.table import Table
from minitf.storage.v1 import TensorSlices
from minitf.testing.disk import RecordingDisk

SECTOR = 512
LARGE = 4096  # a table of fewer bytes is looked at in a copy
Damage = tuple[str, int, int, bytes]  # kind, start and stop of the bytes that are replaced, what by

ALL = [*cases("v2"), *cases("v1")]


def files_of(case: str, prefix: str) -> list[Path]:
    """The files of a golden checkpoint that have checksums."""
    pattern = re.escape(prefix).replace(r"\?", ".") + (r"(-\d+-of-\d+)?" if "v1" in case else r"\.(index|data-.*)")
    return sorted(path for path in (ROOT / case).iterdir() if re.fullmatch(pattern, path.name))


class Checkpoint:
    """A golden checkpoint in memory."""

    def __init__(self, case: str, prefix: str):
        self.name = f"{case}/{prefix}"
        self.prefix = f"d/{prefix}"
        self.disk = RecordingDisk({f"d/{path.name}": path.read_bytes() for path in files_of(case, prefix)})
        self.storage: Any = (TensorSlices if "v1" in case else TensorBundle)(disk=self.disk)
        self.paths = sorted(self.disk.entries)
        reader = self.storage.open(self.prefix)
        self.before = {key: (reader.spec(key), _plain(reader.read(key))) for key in reader.keys()}
        self.places = {path: list(self._places(reader, path)) for path in self.paths}
        self.tables: dict[str, Table] = {}  # of undamaged files; while one is there, its file cannot change its length

    def content(self, path: str) -> bytearray:
        """The bytes of a file, to be changed in place."""
        return self.disk.inodes[self.disk.entries[path]]

    def touch(self, path: str) -> None:
        """Gives a file a new time, as a file system does when it is written."""
        self.disk.times[self.disk.entries[path]] += 1 << 40

    def _places(self, reader: Any, path: str) -> Iterator[tuple[int, int, Any]]:
        """Which bytes of a file are looked at for one thing only: start, stop, and a block's number or a key."""
        if ".data-" not in path:
            for number, (offset, size) in enumerate(table_of(self.content(path)).handles):
                yield offset, offset + size + TRAILER, number
            return
        for key in self.before:
            listed = reader.entry(key)
            pieces = [reader.index.entry(slice_key(key.encode(), e)) for e in listed.slices] or [listed]
            for entry in pieces:
                if entry.size and reader.data_path(b"", entry.shard) == path:
                    yield entry.offset, entry.offset + entry.size, key

    def outcome(self, path: str, start: int, stop: int) -> str:
        """What reading gives after some bytes of a file were changed: "error", "same" or "CHANGED"."""
        touched = [thing for first, last, thing in self.places[path] if first < stop and start < last]
        try:
            if ".data-" in path:
                reader = self.storage.open(self.prefix)
                for key in dict.fromkeys(touched):
                    if _plain(reader.read(key)) != self.before[key][1]:
                        return "CHANGED"
            else:
                table = self._table(path, start, stop)
                for number in touched:
                    table.block(number)
        except OpError:
            return "error"
        return self.whole()

    def _table(self, path: str, start: int, stop: int) -> Table:
        """A file whose bytes from start to stop are damaged; what stands outside of them is not read again."""
        content, (*_, (_, end, _)) = self.content(path), self.places[path]
        if stop > end or len(content) < LARGE or path not in self.tables:
            table = table_of(content)
            if stop > end or len(content) < LARGE:
                return table
            self.tables[path] = table
        return self.tables[path]

    def whole(self) -> str:
        """The same, everything read."""
        try:
            reader = self.storage.open(self.prefix)
            if reader.keys() != list(self.before):
                return "CHANGED"
            for key, (spec, value) in self.before.items():
                if reader.spec(key) != spec or _plain(reader.read(key)) != value:
                    return "CHANGED"
        except OpError:
            return "error"
        return "same"


def table_of(content: bytearray) -> Table:
    """A table in memory."""
    view = memoryview(bytes(content) if len(content) < LARGE else content).toreadonly()
    return Table(lambda offset, size: view[offset : offset + size], len(view), "")


def _plain(value: Any) -> Any:
    return value.tolist() if value.dtype == object else value.tobytes()


def damages(content: bytes, draw: random.Random, share: float) -> Iterator[Damage]:
    """All changes of a file's bytes, or a share of them drawn at random; the cuts at last, each of what the one before left."""
    size = len(content)
    some = range(size) if share >= 1 else sorted(draw.sample(range(size), min(size, max(2, round(size * share)))))
    for at in some:
        for bit in range(8):
            yield "bit", at, at + 1, bytes((content[at] ^ 1 << bit,))
        for byte in (b"\0", b"\xff"):
            if content[at : at + 1] != byte:
                yield "byte", at, at + 1, byte
    sectors = range(0, size, SECTOR)
    pairs = list(itertools.combinations(sectors, 2))
    most = 20_000 if share >= 1 else max(1, round(min(len(pairs), 20_000) * share))
    for first, second in pairs if len(pairs) <= most else draw.sample(pairs, most):
        one, other = content[first : first + SECTOR], content[second : second + SECTOR]
        changed = other + content[first + SECTOR : second] + one
        if changed != content[first : second + SECTOR]:
            yield "sectors", first, min(second + SECTOR, size), changed
    for at in reversed(some):
        yield "cut", at, size, b""


def damage_all(checkpoint: Checkpoint, draw: random.Random, share: float) -> tuple[Counter[tuple[str, str]], list[str]]:
    """Makes all changes of all files: outcomes, and the silent changes."""
    counts: Counter[tuple[str, str]] = Counter()
    bad: list[str] = []
    for path in checkpoint.paths:
        content = checkpoint.content(path)
        original = bytes(content)
        is_data = ".data-" in path
        often = 100 if len(original) <= 1 << 19 else 1000
        for number, (kind, start, stop, new) in enumerate(damages(original, draw, share)):
            if kind == "cut":
                checkpoint.tables.clear()
            content[start:stop] = new
            if not is_data:
                checkpoint.touch(path)
            found = checkpoint.outcome(path, start, stop)
            if found == "error" and number % often == 0:
                found = checkpoint.whole()
                if found == "same":
                    found = "CHANGED"  # one way of reading notices it and the other does not
            counts[kind, found] += 1
            if found == "CHANGED":
                bad.append(f"{checkpoint.name}: {path}: {kind} {start}:{stop} -> {new[:8].hex()}")
            if kind != "cut":
                content[start : start + len(new)] = original[start:stop]
        checkpoint.tables.clear()
        content[:] = original
        if not is_data:
            checkpoint.touch(path)
    assert checkpoint.whole() == "same", "the files are as they were"
    return counts, bad


def exchange(checkpoints: list[Checkpoint]) -> tuple[Counter[tuple[str, str]], list[str]]:
    """Puts each data file in the place of each other one."""
    counts: Counter[tuple[str, str]] = Counter()
    bad: list[str] = []
    files = [(c, path, bytes(c.content(path))) for c in checkpoints for path in c.paths if ".data-" in path]
    for (one, path, original), (_, _, other) in itertools.permutations(files, 2):
        if original != other:
            one.content(path)[:] = other
            found = one.whole()
            counts["shard", found] += 1
            if found == "CHANGED":
                bad.append(f"{one.name}: {path}: another checkpoint's data")
            one.content(path)[:] = original
    return counts, bad


def run(share: float, seed: int, only: str | None = None, log: Path | None = None, loud: bool = False) -> list[str]:
    """All of it, or a share; returns the silent changes."""
    chosen = [Checkpoint(*found) for found in ALL if only is None or only == found[0]]
    chosen.sort(key=lambda checkpoint: sum(map(len, checkpoint.disk.inodes.values())))
    totals: Counter[tuple[str, str]] = Counter()
    bad: list[str] = []
    size = 0
    start = time.monotonic()
    for checkpoint in [*chosen, None]:
        began = time.monotonic()
        if checkpoint is None:
            counts, more = exchange(chosen)
        else:
            counts, more = damage_all(checkpoint, random.Random(f"{seed}:{checkpoint.name}"), share)
            size += sum(map(len, checkpoint.disk.inodes.values()))
        totals += counts
        bad += more
        name = "exchanged shards" if checkpoint is None else checkpoint.name
        text = ", ".join(f"{n} {kind} {what}" for (kind, what), n in sorted(counts.items()))
        if loud:
            print(f"{name:34} {text}, {time.monotonic() - began:.0f} s", flush=True)
        if log is not None:
            done = sum(counts.values())
            fuzz_log.add(fuzz_log.Run("flips", name, str(seed), done, time.monotonic() - began, 0, len(more)), log)
    if loud:
        for (kind, what), number in sorted(totals.items()):
            print(f"{kind:8} {what:8} {number:10,}")
        print(
            f"{len(bad)} silent changes in {sum(totals.values()):,} cases of {size:,} bytes, {time.monotonic() - start:.0f} s"
        )
        print("\n".join(bad[:50]))
    return bad


def main() -> int:
    parser = argparse.ArgumentParser(description="Changes TensorFlow's files in every way, one at a time.")
    parser.add_argument("--share", type=float, default=1.0, help="which part of the bytes, 0 to 1")
    parser.add_argument("--seed", type=int, default=0, help="seed of what is drawn")
    parser.add_argument("--only", help="one golden folder")
    parser.add_argument("--log", type=Path, nargs="?", const=fuzz_log.LOG, help="add the figures to the log of all runs")
    args = parser.parse_args()
    return int(bool(run(args.share, args.seed, args.only, args.log, loud=True)))


if __name__ == "__main__":
    sys.exit(main())
