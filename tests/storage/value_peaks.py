"""``measure(CASE, FORMAT, WAY)``: how much memory a save, and a restore into arrays that are there, need at most beside them.

In MiB, of a value of 48 MiB. The files are those of the format, or of another program that writes it its own way.
"""

import tempfile
from pathlib import Path

import numpy as np

from minitf.storage.npz import Npz
from minitf.storage.safetensors import Safetensors
from minitf.storage.v1 import TensorSlices
from minitf.storage.values import Partitioned
from tests.kernel import extra_of
from tests.storage.compressing import compress

STORAGES = {"npz": Npz, "safetensors": Safetensors, "tf-v1": TensorSlices}
ROWS, COLUMNS = 1536, 8192
SIZE = ROWS * COLUMNS * 4


def strings(items):
    out = np.empty(len(items), object)
    out[:] = items
    return out


def numbered(form, size, more=0):
    """Texts with numbers, of ``size`` bytes each, that have 48 MiB together."""
    return [form % (n + more) for n in range(SIZE // size)]


def values(case, way):
    """The value, and what is there before it is restored."""
    if case == "many strings":
        return strings(numbered(b"%0127d", 128)), strings(numbered(b"%0127d", 128, 7))
    if case == "a long string":
        return tuple(strings([b"a", sign * SIZE, b""]) for sign in (b"x", b"y"))
    if case == "text":
        return np.array(numbered("%015d", 60), "S60" if way == "bytes" else "U15"), strings(numbered(b"%015d", 60, 7))
    dtype = np.int32 if case == "integers in pieces" else np.float32
    value = (np.arange(ROWS * COLUMNS) % 1000).astype(dtype).reshape(ROWS, COLUMNS)
    return value, np.zeros_like(value)


def in_pieces(value, way):
    if way == "rows":
        step = ROWS // 8
        pieces = [(((n, step), None), value[n : n + step]) for n in range(0, ROWS, step)]
    else:
        pieces = [((None, (n, 1024)), np.ascontiguousarray(value[:, n : n + 1024])) for n in range(0, COLUMNS, 1024)]
    return Partitioned(value.shape, pieces)


def saved(prefix, case, kind, way, value):
    """Writes the value; the MiB that this needed if it was minitf that wrote."""
    if case == "another program's":
        given = value.astype(">f4") if "swapped" in way else value
        np.savez(prefix + ".npz", a=np.asfortranarray(given) if "columns" in way else given)
        return {}
    if case == "text":
        np.savez(prefix + ".npz", a=value)
        return {}
    if case == "snappy":
        kind(durable=False).write(prefix, {"a": value})
        compress(Path(prefix), limit=1 << 18)
        return {}
    given = in_pieces(value, way) if case.endswith("in pieces") else value
    return {"save": extra_of(lambda: kind(durable=False).write(prefix, {"a": given}))}


def measure(case, storage, way):
    kind = STORAGES[storage]
    value, spare = values(case, way)
    with tempfile.TemporaryDirectory() as directory:  # which goes at once: it is large
        prefix = str(Path(directory) / "p")
        out = saved(prefix, case, kind, way, value)
        if case == "text":
            value = strings(value.tolist() if way == "bytes" else np.char.encode(value).tolist())
        reader = kind().open(prefix)
        regions, arrays = [None], [spare]
        if case == "regions":
            regions = [((0, n), (ROWS, 1024)) for n in range(0, COLUMNS, 1024)]
            arrays = [np.zeros((ROWS, 1024), np.float32) for _ in regions]

        def restore():
            with reader.reading_regions_over(["a"] * len(arrays), regions, arrays) as (found, fill):
                assert all(a is b for a, b in zip(found, arrays, strict=True))
                fill()

        out["restore"] = extra_of(restore)
        assert np.array_equal(np.concatenate(arrays, 1) if case == "regions" else spare, value)
    return out
