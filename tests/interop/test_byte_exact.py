"""Random content, written by TensorFlow and by minitf: the same bytes in every file.

A process with TensorFlow gets the tensors as plain bytes, so that it has them from nobody's checkpoint, and saves them with its
own ops: SaveV2, and MergeV2Checkpoints for several data files. MINITF_BYTE_EXACT=5000 draws so many checkpoints; otherwise the
Hypothesis profile says how many (200 in .ci/run).
"""

import base64
import itertools
import json
import os
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minitf.storage.bundle import TensorBundle
from minitf.storage.values import Partitioned, Typed
from tests.storage.values_to_save import NATIVE, dtype_name, extension_arrays, keys, native_arrays, quantised, string_arrays

pytestmark = pytest.mark.interop
EXAMPLES = int(os.environ.get("MINITF_BYTE_EXACT", "0")) or settings.default.max_examples

SERVER = """
import base64, json, os, sys, ml_dtypes, numpy as np, tensorflow as tf

def tensor(dtype, shape, data):
    if dtype == "string":
        return tf.reshape(tf.constant([base64.b64decode(text) for text in data], tf.string), shape)
    raw = base64.b64decode(data)
    found = tf.as_dtype(dtype)
    if found.is_quantized:
        plain = np.dtype({"qint8": "i1", "quint8": "u1", "qint16": "i2", "quint16": "u2", "qint32": "i4"}[dtype])
        return tf.bitcast(tf.constant(np.frombuffer(raw, plain).reshape(shape)), found)
    return tf.constant(np.frombuffer(raw, np.dtype(getattr(ml_dtypes, dtype, dtype))).reshape(shape), found)

def save(prefix, items):
    names = [base64.b64decode(name) for name, *_ in items]
    tensors = [tensor(*item[1:4]) for item in items]
    tf.raw_ops.SaveV2(prefix=prefix, tensor_names=names, shape_and_slices=[item[4] for item in items], tensors=tensors)

print("ready", flush=True)
for line in sys.stdin:
    prefix, shards = json.loads(line)
    try:
        if len(shards) == 1:
            save(prefix, shards[0])
        else:
            parts = [f"{prefix}_part{n}" for n in range(len(shards))]
            for part, items in zip(parts, shards):
                save(part, items)
            tf.raw_ops.MergeV2Checkpoints(checkpoint_prefixes=parts, destination_prefix=prefix)
        print(json.dumps("ok"), flush=True)
    except Exception as error:
        print(json.dumps(repr(error)), flush=True)
"""


@pytest.fixture(scope="module")
def tensorflow():
    """``tensorflow(prefix, shards)`` has TensorFlow save them."""
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    environment.pop("PYTHONPATH", None)
    command = [os.environ["MINITF_ORACLE_PYTHON"], "-c", SERVER]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, env=environment) as process:
        assert process.stdout.readline() == "ready\n"

        def save(prefix, shards):
            process.stdin.write(json.dumps([prefix, shards]) + "\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline()) == "ok"

        yield save
        process.stdin.close()


def text(data):
    return base64.b64encode(data).decode()


def as_sent(name, value):
    """The items of SaveV2 for one value: name, dtype, shape, bytes, which slice it is."""
    if isinstance(value, Partitioned):
        for extents, piece in value.pieces:
            [sent] = as_sent(name, piece)
            parts = ":".join("-" if e is None else f"{e[0]},{e[1]}" for e in extents)
            yield [*sent[:4], " ".join(map(str, value.shape)) + " " + parts]
        return
    array = value.array if isinstance(value, Typed) else value
    strings = array.dtype == object
    data = [text(item) for item in array.reshape(-1).tolist()] if strings else text(array.tobytes())
    yield [text(name.encode()), dtype_name(value), list(array.shape), data, ""]


@st.composite
def partitioned(draw):
    """A tensor in pieces along one of its dimensions."""
    array = draw(native_arrays().filter(lambda array: array.ndim and max(array.shape) > 1 and array.size))
    along = max(range(array.ndim), key=lambda n: array.shape[n])
    size = array.shape[along]
    cuts = [0, *sorted(draw(st.sets(st.integers(1, size - 1), min_size=1))), size]
    pieces = []
    for start, stop in itertools.pairwise(cuts):
        extents = tuple((start, stop - start) if n == along else None for n in range(array.ndim))
        pieces.append((extents, np.ascontiguousarray(np.take(array, range(start, stop), along))))
    return Partitioned(array.shape, draw(st.permutations(pieces)))


values = st.one_of(native_arrays(), extension_arrays(), string_arrays(), quantised(), partitioned())
contents = st.dictionaries(keys, values, min_size=1, max_size=12)


def many(names, seed):
    """Small arrays under many names."""
    rng = np.random.default_rng(seed)
    return {name: rng.integers(0, 99, rng.integers(0, 3, 2)).astype(rng.choice(NATIVE)) for name in names}


names = st.sets(st.text("ab/", min_size=1, max_size=60), min_size=20, max_size=40).map(sorted)
contents = st.one_of(contents, contents, contents, st.builds(many, names, st.integers(0, 1 << 32)))


@pytest.mark.timeout(3 * EXAMPLES)
@settings(max_examples=EXAMPLES)
@given(content=contents, data=st.data())
def test_the_same_content_is_the_same_bytes(tensorflow, tmp_path_factory, content, data):
    items = data.draw(st.permutations(list(content.items()))) if len(content) < 13 else list(content.items())
    count = data.draw(st.integers(1, min(4, len(items))), "data files")
    cuts = [0, *sorted(data.draw(st.sets(st.integers(1, max(1, len(items) - 1)), min_size=count - 1, max_size=count - 1)))]
    shards = [dict(items[start:stop]) for start, stop in zip(cuts, [*cuts[1:], len(items)], strict=True)]
    folder = tmp_path_factory.mktemp("exact", numbered=True)
    theirs, ours = folder / "theirs", folder / "ours"
    theirs.mkdir(), ours.mkdir()
    tensorflow(str(theirs / "p"), [[sent for item in shard.items() for sent in as_sent(*item)] for shard in shards])
    storage = TensorBundle(durable=False)
    for _ in range(2):  # the second save uses what the first has prepared
        for path in ours.iterdir():
            path.unlink()
        storage.write_shards(str(ours / "p"), shards)
        found = {path.name: path.read_bytes() for path in ours.iterdir()}
        assert found == {path.name: path.read_bytes() for path in theirs.iterdir()}
    for path in (*theirs.iterdir(), *ours.iterdir()):
        path.unlink()
    theirs.rmdir(), ours.rmdir(), folder.rmdir()
