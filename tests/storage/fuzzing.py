"""A fuzzer that knows the structure of checkpoint files: what it damages is made good again up to the place it is after.

    scripts/fuzz files --cases 2000 --seed 1          # prints totals; the exit code is 1 if a case breaks a law
    scripts/fuzz files --only v1-records --seed 7:33  # one case again

Kinds of damage: bytes of any file (flipped, cut off, put in, swapped); fields of the messages in an index or a V1 table (edge
values, dropped, doubled, other wire types), with all checksums right again; entries of blocks and handles, the same; lines of a
state file. The laws:

* whoever opens and reads gets values or a typed error, nothing else, within seconds and without much memory;
* where no checksum was made good again, a value that is read is the one that was saved.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import resource
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np

from minitf.core import dtypes
from minitf.errors import OpError
from minitf.saved import OBJECT_GRAPH_KEY, SavedGraph, SavedNode, SavedValue
from minitf.storage.bundle import TensorBundle
from minitf.storage.bundle.table import FOOTER, Table, table_chunks
from minitf.storage.detect import open_checkpoint
from minitf.storage.messages import decode_graph, encode_graph
from minitf.storage.state_file import CheckpointState, latest_checkpoint, read_state, write_state
from minitf.storage.v1 import TensorSlices
from minitf.storage.values import Partitioned, Typed
from minitf.storage.varint import read_varint, varint

sys.path.insert(0, str(Path(__file__).parent))
import fuzz_log
from tampering import entry, file_of, restarts

from minitf.testing.disk import RecordingDisk, State

EDGES = [0, 1, 2, 7, 127, 128, 255, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**40, 2**63 - 1, 2**63, 2**64 - 1]
SECONDS = 5.0
MEMORY = 512 << 20  # more than was used before the case


def original() -> tuple[State, dict[str, object]]:
    """Files of both formats with something of everything, and a state file; and the values that are read from them."""
    graph = SavedGraph([SavedNode(children=[("w", 1)]), SavedNode(values=[SavedValue("VARIABLE_VALUE", "w", "w")])])
    values: dict[str, object] = {
        "w": np.arange(12, dtype=np.float32).reshape(3, 4),
        "flag": np.array([True, False]),
        "text": np.array([b"one", b"", b"three"], object),
        "half": np.zeros((2, 0, 3), np.float16),
        "count": np.int64(7),
        "small": np.arange(4).astype(dtypes.int4.np),
        "part": Partitioned((4, 2), [(((0, 1), None), np.ones((1, 2))), (((1, 3), None), np.zeros((3, 2)))]),
        "q": Typed("qint8", np.arange(3, dtype=np.int8)),
    }
    old = {key: value for key, value in values.items() if key != "small"}
    values["variant"] = Typed("variant", np.array([b"v", b"ww"], object))
    values[OBJECT_GRAPH_KEY] = np.array(encode_graph(graph), object)
    disk = RecordingDisk({"d/other": b""})
    TensorBundle(durable=False, disk=disk).write("d/v2", values)
    TensorSlices(durable=False, disk=disk).write("d/v1", old)
    write_state("d", CheckpointState("d/v2", ["d/v1", "d/v2"], [1.0, 2.0]), durable=False, disk=disk)
    return disk.state(), {name: read_all(name, disk) for name in ("d/v1", "d/v2")}


def read_all(prefix: str, disk: RecordingDisk) -> dict[str, object]:
    """Everything, each way of reading used; strings and numbers as something to compare."""
    reader = open_checkpoint(prefix, disk)
    out = {}
    for key in reader.keys():
        spec = reader.spec(key)
        value = reader.read(key)
        out[key] = str(spec), value.tolist() if value.dtype == object else value.tobytes()
        if value.ndim:
            reader.read_slice(key, [0] * value.ndim, [-1] * value.ndim, verify=False)
        if key == OBJECT_GRAPH_KEY:
            decode_graph(value)
    reader.contents()
    return out


# -- damage --------------------------------------------------------------------------------------------------------------


def scribble(draw: random.Random, data: bytes) -> bytes:
    """Bytes flipped, cut off, put in, taken out or swapped."""
    out = bytearray(data)
    for _ in range(draw.choice([1, 1, 1, 2, 5])):
        at = draw.randrange(len(out) + 1)
        kind = draw.randrange(6)
        if kind == 0 and at < len(out):
            out[at] ^= 1 << draw.randrange(8)
        elif kind == 1 and at < len(out):
            out[at] = draw.randrange(256)
        elif kind == 2:
            del out[at:]
        elif kind == 3:
            out[at:at] = draw.randbytes(draw.choice([1, 4, 40]))
        elif kind == 4:
            del out[at : at + draw.choice([1, 4, 40])]
        else:
            other = draw.randrange(len(out) + 1)
            out[at : at + 8], out[other : other + 8] = out[other : other + 8], out[at : at + 8]
    return bytes(out)


def message(draw: random.Random, data: bytes, depth: int = 0) -> bytes:
    """A protobuf message with a field changed; bytes that are no message are scribbled on."""
    fields = parse(data)
    if not fields or draw.random() < 0.1 or depth > 6:
        return scribble(draw, data)
    number = draw.randrange(len(fields))
    tag, wire, value = fields[number]
    kind = draw.randrange(8)
    if kind == 0:
        del fields[number]
    elif kind == 1:
        fields.insert(draw.randrange(len(fields) + 1), fields[number])
    elif kind == 2:
        fields[number] = draw.choice([tag, draw.randrange(1, 20)]), draw.choice([0, 2, 5]), b"\0\0\0\0"
    elif wire == 0:
        fields[number] = tag, 0, varint(draw.choice(EDGES))
    elif wire == 2:
        fields[number] = tag, 2, message(draw, value, depth + 1)
    else:
        fields[number] = tag, wire, draw.randbytes(len(value))
    return b"".join(varint(tag << 3 | wire) + (varint(len(value)) if wire == 2 else b"") + value for tag, wire, value in fields)


def parse(data: bytes) -> list[tuple[int, int, bytes]]:
    """Fields of a message as (number, wire type, bytes); none if it is no message."""
    out, at = [], 0
    try:
        while at < len(data):
            tag, at = read_varint(data, at, len(data))
            wire, start = tag & 7, at
            if wire == 0:
                _, at = read_varint(data, at, len(data))
            elif wire == 2:
                size, start = read_varint(data, at, len(data))
                at = start + size
            else:
                at += {1: 8, 5: 4}[wire]
            if at > len(data):
                return []
            out.append((tag >> 3, wire, data[start:at]))
    except (OpError, KeyError):
        return []
    return out


def records(draw: random.Random, data: bytes) -> bytes:
    """A table with a record changed, dropped, doubled or renamed; all checksums are right."""
    table = Table(lambda offset, size: memoryview(data)[offset : offset + size], len(data), "")
    found = table.records()
    for _ in range(draw.choice([1, 1, 2])):
        key = draw.choice(list(found))
        kind = draw.randrange(6)
        if kind == 0:
            del found[key]
        elif kind == 1:
            found[scribble(draw, key)] = found.pop(key)
        elif kind == 2:
            found[key] = found[draw.choice(list(found))]
        else:
            found[key] = message(draw, found[key])
        if not found:
            break
    keys = sorted(found)
    return b"".join(table_chunks(keys, [found[key] for key in keys]))


def blocks(draw: random.Random, data: bytes) -> bytes:
    """A table of one block whose entries, restarts, handles or type are odd; its checksums are right."""
    table = Table(lambda offset, size: memoryview(data)[offset : offset + size], len(data), "")
    keys, values = table.block(0)
    body, previous, places = b"", b"", []
    odd = draw.randrange(len(keys))
    for number, (key, value) in enumerate(zip(keys, values, strict=True)):
        places.append(len(body))
        piece = entry(0, key, value)
        if number == odd:
            piece = draw.choice(
                [
                    entry(draw.choice(EDGES), key, value),
                    entry(min(len(previous), 2), key, value),
                    varint(0) + varint(draw.choice(EDGES)) + varint(draw.choice(EDGES)) + key + value,
                    scribble(draw, piece),
                    b"",
                    piece * 2,
                ]
            )
        body += piece
        previous = key
    tail = draw.choice(
        [restarts(*places), restarts(0), restarts(), restarts(draw.choice(EDGES) % 2**32), scribble(draw, restarts(*places))]
    )
    handles = index = None
    if draw.random() < 0.3:
        handles = b"".join(varint(draw.choice([*EDGES, len(data)])) for _ in range(4))[: FOOTER - 8]
    elif draw.random() < 0.3:
        index = entry(0, draw.choice([b"", b"\xff", b"a"]), varint(draw.choice(EDGES)) + varint(draw.choice(EDGES))) + restarts(
            0
        )
    return file_of(body + tail, draw.choice([0, 0, 0, 0, 1, 2, 255]), index, handles)


def state_text(draw: random.Random, data: bytes) -> bytes:
    """A state file with lines changed."""
    lines = data.splitlines(keepends=True)
    for _ in range(draw.choice([1, 2, 4])):
        at = draw.randrange(len(lines) + 1)
        name = draw.choice([b"model_checkpoint_path", b"all_model_checkpoint_paths", b"last_preserved_timestamp", b"x"])
        value = draw.choice(
            [
                b'"v2"',
                b'"../v2"',
                b'"/"',
                b'""',
                b"1e999",
                b"nan",
                b"-1",
                b'"\\000"',
                b'"\xff"',
                b"{",
                b"[1]",
                b'"' + b"a/" * 3000 + b'"',
            ]
        )
        if draw.random() < 0.5:
            lines.insert(at, name + b": " + value + b"\n")
        elif at < len(lines):
            lines[at] = draw.choice([b"", scribble(draw, lines[at]), name + b": " + value + b"\n"])
    return b"".join(lines)


KINDS = {  # file, damage, whether checksums are made good again, prefix that is read
    "v2-index-bytes": ("d/v2.index", scribble, False, "d/v2"),
    "v2-index-records": ("d/v2.index", records, True, "d/v2"),
    "v2-index-blocks": ("d/v2.index", blocks, True, "d/v2"),
    "v2-data-bytes": ("d/v2.data-00000-of-00001", scribble, False, "d/v2"),
    "v1-bytes": ("d/v1", scribble, False, "d/v1"),
    "v1-records": ("d/v1", records, True, "d/v1"),
    "v1-blocks": ("d/v1", blocks, True, "d/v1"),
    "state": ("d/checkpoint", state_text, True, None),
    "state-bytes": ("d/checkpoint", scribble, True, None),
}


def one_case(kind: str, case: str, clean: State, values: dict[str, object]) -> tuple[str, str | None]:
    """Outcome of a case: its name, and what law it breaks, if any."""
    path, damage, resealed, prefix = KINDS[kind]
    disk = RecordingDisk(clean | {path: damage(random.Random(f"{kind}:{case}"), clean[path])})
    start = time.monotonic()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    broken = None
    try:
        if prefix is None:
            read_state("d", allow_outside=False, disk=disk)
            latest_checkpoint("d", disk=disk)
            outcome = "read"
        else:
            found = read_all(prefix, disk)
            outcome = "the same" if found == values[prefix] else "other values"
            if outcome == "other values" and not resealed:
                broken = "a value that was not saved came without any checksum being made good"
    except OpError as error:
        outcome = type(error).__name__
    except ValueError as error:
        outcome = "ValueError"
        broken = None if prefix is None else f"ValueError: {error}"
    except Exception as error:
        outcome = type(error).__name__
        broken = f"{type(error).__name__}: {error}"
    took = time.monotonic() - start
    more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    if broken is None and took > SECONDS:
        broken = f"took {took:.1f} s"
    if broken is None and more > MEMORY:
        broken = f"took {more >> 20} MiB"
    if broken is None and disk.handles:
        broken = f"{len(disk.handles)} files left open"
    return outcome, broken


def run(cases: int, seed: int, only: str | None = None, one: str | None = None) -> tuple[dict[str, Counter[str]], list[str]]:
    """Runs so many cases of each kind: outcomes by kind, and the cases that break a law."""
    totals: dict[str, Counter[str]] = {}
    bad: list[str] = []
    level = logging.getLogger("minitf").level
    logging.getLogger("minitf").setLevel(logging.CRITICAL)
    try:
        clean, values = original()
        for kind in KINDS if only is None else [only]:
            totals[kind] = Counter()
            for case in [one] if one is not None else (f"{seed}:{number}" for number in range(cases)):
                outcome, broken = one_case(kind, case, clean, values)
                totals[kind][outcome] += 1
                if broken is not None:
                    bad.append(f"--only {kind} --seed {case}  {broken}")
    finally:
        logging.getLogger("minitf").setLevel(level)
    return totals, bad


def main() -> int:
    parser = argparse.ArgumentParser(description="Damages checkpoint files with knowledge of their structure.")
    parser.add_argument("--cases", type=int, default=200, help="cases of each kind")
    parser.add_argument("--seed", default="0", help="seed of all cases, or seed:number of one")
    parser.add_argument("--only", choices=list(KINDS), help="one kind of damage")
    parser.add_argument(
        "--log", type=Path, nargs="?", const=fuzz_log.LOG, help="add the figures to the log of all runs, or to another"
    )
    parser.add_argument("--json", action="store_true", help="print totals as JSON")
    args = parser.parse_args()
    start = time.monotonic()
    one = args.seed if ":" in args.seed else None
    seed = int(args.seed.partition(":")[0])
    totals: dict[str, Counter[str]] = {}
    bad: list[str] = []
    for kind in KINDS if args.only is None else [args.only]:
        began = time.monotonic()
        counts, more = run(args.cases, seed, kind, one)
        totals |= counts
        bad += more
        if args.log is not None:
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
            took = time.monotonic() - began
            fuzz_log.add(fuzz_log.Run("files", kind, args.seed, counts[kind].total(), took, memory, len(more)), args.log)
    if args.json:
        print(json.dumps({"totals": totals, "broken": bad}, indent=2))
    else:
        for kind, counts in totals.items():
            print(f"{kind:18} {sum(counts.values()):7}  " + ", ".join(f"{n} {what}" for what, n in counts.most_common()))
        print(f"{len(bad)} broken laws in {sum(sum(c.values()) for c in totals.values())} cases, seed {args.seed}, "
              f"{time.monotonic() - start:.0f} s")  # fmt: skip
        print("\n".join(bad))
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
