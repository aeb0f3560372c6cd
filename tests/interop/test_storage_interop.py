"""TensorFlow itself reads what the storages write, and writes the same bytes."""

from pathlib import Path

import numpy as np
import pytest
from crc32c import crc32c

import minitf as tf
from minitf.checkpoint.reading import load_checkpoint
from minitf.storage.bundle import TensorBundle
from minitf.storage.bundle.merge import merge
from minitf.storage.messages import decode_graph, encode_graph
from minitf.storage.state_file import CheckpointState, latest_checkpoint, read_state, write_state
from minitf.storage.v1 import TensorSlices
from minitf.storage.values import Partitioned, Typed

pytestmark = pytest.mark.interop

READ = """
import json, sys, zlib, numpy as np, tensorflow as tf
out = {}
for prefix in sys.argv[1:]:
    reader = tf.train.load_checkpoint(prefix)
    dtypes = reader.get_variable_to_dtype_map()
    for key, shape in sorted(reader.get_variable_to_shape_map().items()):
        if dtypes[key] == tf.variant:
            out[prefix + ":" + key] = ["variant", shape, 0]
            continue
        value = tf.raw_ops.RestoreV2(prefix=prefix, tensor_names=[key], shape_and_slices=[""], dtypes=[dtypes[key]])[0].numpy()
        if dtypes[key] == tf.string:
            raw = repr(value if isinstance(value, bytes) else value.tolist()).encode()
        else:
            raw = value.tobytes()
        out[prefix + ":" + key] = [dtypes[key].name, list(np.shape(value)), zlib.crc32(raw)]
print(json.dumps(out))
"""


def described(prefix, tensors):
    import zlib

    from minitf.core.dtypes import as_dtype, of_numpy

    out = {}
    for key, value in tensors.items():
        name = as_dtype(value.dtype).name if isinstance(value, Typed) else None
        array = value.array if isinstance(value, Typed) else value
        if array.dtype == object:
            out[f"{prefix}:{key}"] = ["string", list(array.shape), zlib.crc32(repr(array.tolist()).encode())]
        else:
            out[f"{prefix}:{key}"] = [name or of_numpy(array.dtype).name, list(array.shape), zlib.crc32(array.tobytes())]
    return out


def strings(*items):
    out = np.empty(len(items), object)
    out[:] = items
    return out


def every_dtype():
    import ml_dtypes

    rng = np.random.default_rng(3)
    tensors = {}
    for code in "? i1 u1 i2 u2 i4 u4 i8 u8 f2 f4 f8 c8 c16".split():
        tensors[f"n/{code}"] = (rng.normal(size=(3, 4)) * 20).astype(np.float64).astype(code)
        tensors[f"scalar/{code}"] = np.array(3).astype(code)
        tensors[f"empty/{code}"] = np.zeros((0, 2), code)
    for name in ("bfloat16", "float8_e5m2", "float8_e4m3fn", "int4", "uint4"):
        tensors[f"x/{name}"] = rng.integers(0, 7, (5,)).astype(getattr(ml_dtypes, name))
    tensors["strings"] = strings(b"", b"ab\0", "é".encode(), b"x" * 300)
    tensors["one string"] = np.array(b"alone", object)
    tensors["no strings"] = strings()
    tensors["odd name/.. \u65e5"] = np.ones(2, np.float32)
    tensors["q"] = Typed("qint8", np.array([-3, 3], np.int8))
    tensors["big"] = rng.normal(size=(300, 700))
    return tensors


def test_tensorflow_reads_what_was_written_and_overwritten(tmp_path, oracle):
    tensors = every_dtype()
    wanted = {}
    storage = TensorBundle()
    for times in (1, 2, 3):  # the second has an empty data file, the third one data file again
        prefix = str(tmp_path / f"again{times}" / "p-1")
        for n in range(times):
            storage.write(prefix, tensors if n == times - 1 else {"old": np.zeros(n + 1)})
        wanted |= described(prefix, tensors)
    found = oracle(READ, *sorted({key.split(":")[0] for key in wanted}))
    assert found == wanted


def test_tensorflow_reads_shards_pieces_merges_and_the_other_byte_order(tmp_path, oracle):
    whole = np.arange(24, dtype=np.float32).reshape(4, 6)
    first, second = ((0, 3), None), ((3, 1), None)
    shards = [
        {"a": np.ones(3), "w": Partitioned((4, 6), [(first, whole[:3])])},
        {"w": Partitioned((4, 6), [(second, whole[3:])]), "z": strings(b"q")},
    ]
    plain = {"a": np.ones(3), "w": whole, "z": strings(b"q")}
    TensorBundle().write_shards(tmp_path / "two", shards)
    for n, shard in enumerate(shards):
        TensorBundle().write(tmp_path / f"in{n}" / "p", shard)
    merge([tmp_path / "in0" / "p", tmp_path / "in1" / "p"], tmp_path / "merged")
    assert (tmp_path / "merged.index").read_bytes() == (tmp_path / "two.index").read_bytes()
    big = plain | {"h": np.array([1.5], np.float16), "c": np.array([1 + 2j])}
    TensorBundle(big_endian=True).write(tmp_path / "big", big)
    TensorSlices().write(tmp_path / "old", plain | {"h": np.array([1.5], np.float16)})
    TensorSlices().write_shards(tmp_path / "parts", shards)
    wanted = described(tmp_path / "two", plain) | described(tmp_path / "merged", plain) | described(tmp_path / "big", big)
    wanted |= described(tmp_path / "old", plain | {"h": np.array([1.5], np.float16)})
    wanted |= described(tmp_path / "parts-?????-of-00002", plain)
    assert oracle(READ, *sorted({key.rsplit(":", 1)[0] for key in wanted})) == wanted


WRITE = """
import json, sys, numpy as np, tensorflow as tf
rng = np.random.default_rng(int(sys.argv[2]))
names, values = [], []
dtypes = [tf.float32, tf.float64, tf.int32, tf.int64, tf.uint8, tf.bool, tf.complex64, tf.float16, tf.bfloat16, tf.string]
for n in range(int(sys.argv[3])):
    name = "/".join(str(rng.integers(0, 12)) * int(rng.integers(1, 9)) for _ in range(int(rng.integers(1, 4)))) + f"~{n}"
    shape = rng.integers(0, 6, int(rng.integers(0, 4))).tolist()
    dtype = dtypes[int(rng.integers(0, len(dtypes)))]
    if dtype == tf.string:
        flat = [bytes(rng.integers(0, 256, int(rng.integers(0, 200)), np.uint8)) for _ in range(int(np.prod(shape)))]
        values.append(tf.reshape(tf.constant(flat, tf.string), shape))
    else:
        values.append(tf.cast(tf.constant(rng.normal(size=shape) * 50), dtype))
    names.append(name)
tf.raw_ops.SaveV2(prefix=sys.argv[1], tensor_names=names, shape_and_slices=[""] * len(names), tensors=values)
print(json.dumps(names))
"""


@pytest.mark.parametrize(("seed", "count"), [(1, 5), (2, 60), (3, 4000)])
def test_the_same_content_is_the_same_bytes(tmp_path, oracle, seed, count):
    names = oracle(WRITE, tmp_path / "theirs", seed, count)
    reader = TensorBundle().open(tmp_path / "theirs")
    TensorBundle().write(tmp_path / "ours", dict(zip(names, reader.read_many(names), strict=True)))
    for end in (".index", ".data-00000-of-00001"):
        assert (tmp_path / f"ours{end}").read_bytes() == (tmp_path / f"theirs{end}").read_bytes()


GRAPH = """
import json, sys, tensorflow as tf
class Node(tf.Module): pass
root = tf.train.Checkpoint(a=tf.Variable([1.0]), b=[tf.Variable(2), {"x/y.z": tf.Variable(3.0)}])
root.loop = root
path = root.save(sys.argv[1])
manager = tf.train.CheckpointManager(root, sys.argv[2], max_to_keep=2)
for _ in range(3): manager.save()
print(json.dumps([path, tf.train.latest_checkpoint(sys.argv[2]), list(manager.checkpoints)]))
"""

STATE = """
import json, sys, tensorflow as tf
state = tf.train.get_checkpoint_state(sys.argv[1])
print(json.dumps([tf.train.latest_checkpoint(sys.argv[1]), list(state.all_model_checkpoint_paths),
                  list(state.all_model_checkpoint_timestamps), state.last_preserved_timestamp]))
"""


def test_object_graphs_and_state_files(tmp_path, oracle):
    path, latest, listed = oracle(GRAPH, tmp_path / "one" / "m", tmp_path / "many")
    stored = TensorBundle().open(path).read("_CHECKPOINTABLE_OBJECT_GRAPH").item()
    assert encode_graph(decode_graph(stored)) == stored
    assert latest_checkpoint(tmp_path / "many") == latest
    state = read_state(tmp_path / "many")
    assert state.all_model_checkpoint_paths == listed
    text = (tmp_path / "many" / "checkpoint").read_bytes()
    write_state(tmp_path / "many", state)
    assert (tmp_path / "many" / "checkpoint").read_bytes() == text
    odd = tmp_path / "odd \u65e5"
    prefix = str(odd / 'q"uote\n-1')
    TensorBundle().write(prefix, {"a": np.ones(1)})
    write_state(odd, CheckpointState(prefix, [prefix, prefix], [1.5, 1e22], 1e-07))
    assert oracle(STATE, odd) == [prefix, [prefix, prefix], [1.5, 1e22], 1e-07]


SNAPPY = """
import json, sys, tensorflow as tf
print(json.dumps(tf.train.load_checkpoint(sys.argv[1]).get_tensor("k7").tolist()))
"""


def test_compressed_index_blocks(tmp_path, oracle):
    """TensorFlow never writes them for checkpoints, but both sides read them."""
    cramjam = pytest.importorskip("cramjam")
    from minitf.storage.bundle.block import fill_block, shared_lengths
    from minitf.storage.bundle.coding import mask
    from minitf.storage.bundle.table import FOOTER, Table
    from minitf.storage.varint import varint

    TensorBundle().write(tmp_path / "p", {f"k{n}": np.arange(n) for n in range(30)})
    data = (tmp_path / "p.index").read_bytes()
    keys, values = Table(lambda offset, size: memoryview(data)[offset : offset + size], len(data), "index").block(0)
    raw = b"".join(fill_block(keys, values, shared_lengths(keys))[0])

    def stored(payload, kind):
        return payload + bytes([kind]) + mask(crc32c(payload + bytes([kind]))).to_bytes(4, "little")

    packed = bytes(cramjam.snappy.compress_raw(raw))
    blocks = stored(packed, 1)
    empty = stored(bytes(4) + b"\x01\0\0\0", 0)
    index = stored(b"".join(fill_block([b"l"], [varint(0) + varint(len(packed))], [0], interval=1)[0]), 0)
    handles = varint(len(blocks)) + varint(8) + varint(len(blocks) + len(empty)) + varint(len(index) - 5)
    (tmp_path / "p.index").write_bytes(blocks + empty + index + handles.ljust(FOOTER - 8, b"\0") + data[-8:])
    assert TensorBundle().open(tmp_path / "p").read("k7").tolist() == list(range(7))
    assert oracle(SNAPPY, tmp_path / "p") == list(range(7))


STATES = """
import json, sys, tensorflow as tf
out = []
for prefix in sys.argv[1:]:
    try:
        reader = tf.train.load_checkpoint(prefix)
        out.append({key: reader.get_tensor(key).tolist() for key in reader.get_variable_to_shape_map()})
    except Exception as error:
        out.append(type(error).__name__)
print(json.dumps(out))
"""


def test_tensorflow_reads_every_disk_state_that_a_crash_leaves(tmp_path, oracle, monkeypatch):
    """Each state of a save over another one is, for TensorFlow as well, the old checkpoint or the new one."""
    import random

    from minitf.testing.crashes import crash_states
    from minitf.testing.disk import RecordingDisk

    old, new = {"a": np.arange(4.0)}, {"a": np.arange(5.0), "b": np.ones(2)}
    disk = RecordingDisk({"d/other": b""})
    TensorBundle(disk=disk).write("d/p", old)
    start = disk.state()
    disk = RecordingDisk(start, most=40)
    TensorBundle(disk=disk).write("d/p", new)
    prefixes = []
    seen = set()
    for _, state in crash_states(start, disk.log, 12, random.Random(1)):
        if (key := frozenset(state.items())) in seen:
            continue
        seen.add(key)
        folder = tmp_path / str(len(seen))
        folder.mkdir()
        for path, content in state.items():
            (folder / path.removeprefix("d/")).write_bytes(content)
        prefixes.append(str(folder / "p"))
    assert len(prefixes) > 30
    wanted = [{key: value.tolist() for key, value in tensors.items()} for tensors in (old, new)]
    found = oracle(STATES, *prefixes)
    assert all(state in wanted for state in found)
    assert wanted[0] in found
    assert wanted[1] in found


def test_tensorflow_reads_data_files_written_side_by_side(oracle, tmp_path):
    prefix = str(tmp_path / "ckpt")
    tensors = {f"v{i}": np.full(3 << 20, i, np.float32) for i in range(4)} | {"small": np.arange(5)}
    TensorBundle(durable=False, shards=2).write(prefix, tensors)
    assert oracle(READ, prefix) == described(prefix, tensors)


@pytest.mark.parametrize("name", ["dtypes_raw/dtypes", "scalars_and_empty/sc-1", "eager_nested/model-1"])
def test_the_text_about_all_keys(oracle, name):
    prefix = Path(__file__).parent.parent / "golden" / name
    script = (
        "import json, sys, tensorflow as tf; print(json.dumps(tf.train.load_checkpoint(sys.argv[1]).debug_string().decode()))"
    )
    assert load_checkpoint(prefix).debug_string().decode() == oracle(script, prefix)


def test_the_directory_of_a_saved_model_is_restored(oracle, tmp_path):
    wanted = oracle(
        """
        import json, sys
        import tensorflow as tf

        class Net(tf.Module):
            def __init__(self):
                self.w = tf.Variable([1.5, 2.5])
                self.layers = [tf.Variable(3.5)]

        net = Net()
        tf.saved_model.save(net, sys.argv[1])
        fresh = tf.train.Checkpoint(w=tf.Variable([0.0, 0.0]), layers=[tf.Variable(0.0)])
        fresh.restore(sys.argv[1]).expect_partial()
        refused = []
        for path in (sys.argv[1] + "/variables", sys.argv[1] + "/assets"):
            try:
                fresh.restore(path)
            except (tf.errors.DataLossError, tf.errors.NotFoundError) as error:
                refused.append(type(error).__name__)
        try:
            fresh.read(sys.argv[1])
        except tf.errors.DataLossError as error:
            refused.append(type(error).__name__)
        print(json.dumps([fresh.w.numpy().tolist(), float(fresh.layers[0]), refused]))
        """,
        tmp_path / "export",
    )
    fresh = tf.train.Checkpoint(w=tf.Variable([0.0, 0.0]), layers=[tf.Variable(0.0)])
    path = str(tmp_path / "export")
    fresh.restore(path).expect_partial()
    refused = []
    for call in (lambda: fresh.restore(path + "/variables"), lambda: fresh.restore(path + "/assets"), lambda: fresh.read(path)):
        with pytest.raises((tf.errors.DataLossError, tf.errors.NotFoundError)) as told:
            call()
        refused.append(told.type.__name__)
    assert [fresh.w.numpy().tolist(), float(fresh.layers[0]), refused] == wanted
