"""Saves, and restores into arrays that are there, need little memory beside them, in every format and every odd corner of it.

Each is done by a process of its own, which asks the system for its peak.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

MOST = 64 << 20  # bytes beside the value

pytestmark = pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="the peak cannot be set back")

CHILD = r"""
import json, sys
from pathlib import Path
import numpy as np
from compressing import compress
from minitf.storage.npz import Npz
from minitf.storage.safetensors import Safetensors
from minitf.storage.v1 import TensorSlices
from minitf.storage.values import Partitioned

prefix, case, storage, way = sys.argv[1:]
kind = {"npz": Npz, "safetensors": Safetensors, "tf-v1": TensorSlices}[storage]

def status(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(name))

def extra(call):
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    call()
    return status("VmHWM") - max(before, status("VmRSS"))

def strings(items):
    out = np.empty(len(items), object)
    out[:] = items
    return out

MIB = 1 << 20
if case == "many strings":
    value = strings([b"%0127d" % n for n in range(MIB)])
    spare = strings([b"%0127d" % (n + 7) for n in range(MIB)])
elif case == "a long string":
    value, spare = (strings([b"a", sign * (128 * MIB), b""]) for sign in (b"x", b"y"))
elif case == "text":
    value = np.array(["%015d" % n for n in range(2 * MIB)], "S60" if way == "bytes" else "U15")
    spare = strings([b"%015d" % (n + 7) for n in range(2 * MIB)])
else:
    dtype = np.int32 if case == "integers in pieces" else np.float32
    value = (np.arange(32 * MIB) % 1000).astype(dtype).reshape(4096, 8192)
    spare = np.zeros_like(value)

made = []
def write():
    if case == "another program's":
        given = value.astype(">f4") if "swapped" in way else value
        np.savez(prefix + ".npz", a=np.asfortranarray(given) if "columns" in way else given)
    elif case == "text":
        np.savez(prefix + ".npz", a=value)
    elif case.endswith("in pieces"):
        if way == "rows":
            pieces = [(((n, 512), None), value[n : n + 512]) for n in range(0, 4096, 512)]
        else:
            pieces = [((None, (n, 1024)), np.ascontiguousarray(value[:, n : n + 1024])) for n in range(0, 8192, 1024)]
        made.append(Partitioned(value.shape, pieces))
    elif case == "snappy":
        kind(durable=False).write(prefix, {"a": value})
        compress(Path(prefix), limit=1 << 18)
    else:
        made.append(value)

write()
out = {}
if made:
    out["save"] = extra(lambda: kind(durable=False).write(prefix, {"a": made[0]}))
made.clear()
if case == "text":
    value = strings(value.tolist() if way == "bytes" else np.char.encode(value).tolist())
reader = kind().open(prefix)
regions, arrays = [None], [spare]
if case == "regions":
    regions = [((0, n), (4096, 1024)) for n in range(0, 8192, 1024)]
    arrays = [np.zeros((4096, 1024), np.float32) for _ in regions]
def restore():
    with reader.reading_regions_over(["a"] * len(arrays), regions, arrays) as (found, fill):
        assert all(a is b for a, b in zip(found, arrays, strict=True))
        fill()
out["restore"] = extra(restore)
assert np.array_equal(np.concatenate(arrays, 1) if case == "regions" else spare, value)
print(json.dumps(out))
"""

CASES = [
    *(("another program's", "npz", way) for way in ("rows", "swapped", "columns", "columns, swapped")),
    *(("text", "npz", way) for way in ("bytes", "text")),
    *((case, kind, "") for case in ("many strings", "a long string") for kind in ("npz", "safetensors", "tf-v1")),
    *(("numbers in pieces", kind, way) for way in ("rows", "columns") for kind in ("npz", "safetensors", "tf-v1")),
    ("integers in pieces", "tf-v1", "columns"),
    ("snappy", "tf-v1", ""),
    *(("regions", kind, "") for kind in ("npz", "safetensors", "tf-v1")),
]


@pytest.mark.parametrize(("case", "kind", "way"), CASES)
def test_little_is_needed_beside_the_value(tmp_path, case, kind, way):
    if case == "snappy":
        pytest.importorskip("cramjam")
    child = [sys.executable, "-c", CHILD, str(tmp_path / "p"), case, kind, way]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, [Path(__file__).parents[2], Path(__file__).parent]))}
    done = subprocess.run(child, env=environment, capture_output=True, text=True, check=False)
    shutil.rmtree(tmp_path)  # much, and pytest would keep it
    assert not done.returncode, done.stderr
    found = json.loads(done.stdout)
    assert max(found.values()) < MOST, found
