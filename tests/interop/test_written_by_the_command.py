"""TensorFlow reads what the command writes: converted, merged, renamed, with objects made of names, salvaged."""

import numpy as np
import pytest

from minitf.cli import main
from minitf.storage.bundle import TensorBundle
from minitf.storage.v1 import TensorSlices

pytestmark = pytest.mark.interop

READ = """
    import json, sys
    import tensorflow as tf
    out = []
    for path in sys.argv[1:]:
        reader = tf.train.load_checkpoint(path)
        keys = reader.get_variable_to_shape_map()
        out.append({key: reader.get_tensor(key).tolist() for key in keys if not key.startswith("_CHECK")})
    print(json.dumps(out))
"""
RESTORE = """
    import json, sys
    import tensorflow as tf
    net = tf.Module()
    net.w, net.b = tf.Variable([0.0, 0.0]), tf.Variable(0.0)
    status = tf.train.Checkpoint(net=net).read(sys.argv[1])
    status.assert_existing_objects_matched() if sys.argv[2] == "all" else None
    print(json.dumps([net.w.numpy().tolist(), float(net.b.numpy())]))
"""
VALUES = {"net/w": np.array([1, 2], np.float32), "net/b": np.float32(3)}
PLAIN = {"net/w": [1.0, 2.0], "net/b": 3.0}


@pytest.fixture
def named(tmp_path):
    TensorBundle().write(str(tmp_path / "named"), VALUES)
    return str(tmp_path / "named")


def test_converted_merged_and_renamed(named, tmp_path, oracle):
    for format_name in ("npz", "safetensors", "tf-v1"):
        assert main(["convert", named, str(tmp_path / format_name), "--to", format_name]) == 0
        assert main(["convert", str(tmp_path / format_name), str(tmp_path / f"of-{format_name}"), "--to", "tf-v2"]) == 0
    TensorSlices().write(str(tmp_path / "more"), {"more": np.array([9], np.int32)})
    assert main(["merge", named, str(tmp_path / "more"), "-o", str(tmp_path / "merged")]) == 0
    assert main(["rename", named, str(tmp_path / "renamed"), "--map", "net/w=weights", "--write"]) == 0
    names = ["tf-v1", "of-npz", "of-safetensors", "of-tf-v1", "merged", "renamed"]
    found = oracle(READ, *(tmp_path / name for name in names))
    assert found[:4] == [PLAIN] * 4
    assert found[4] == PLAIN | {"more": [9]}
    assert found[5] == {"weights": [1.0, 2.0], "net/b": 3.0}


def test_objects_made_of_names(named, tmp_path, oracle):
    assert main(["rename", named, str(tmp_path / "objects"), "--to-objects", "--write"]) == 0
    assert oracle(RESTORE, tmp_path / "objects", "all") == [[1.0, 2.0], 3.0]


def test_salvaged(named, tmp_path, oracle):
    assert main(["rename", named, str(tmp_path / "objects"), "--to-objects", "--write"]) == 0
    data = tmp_path / "objects.data-00000-of-00001"
    content = bytearray(data.read_bytes())
    content[content.index(np.float32(3).tobytes())] ^= 1
    data.write_bytes(content)
    assert main(["salvage", str(tmp_path / "objects"), str(tmp_path / "rest")]) == 1
    assert oracle(RESTORE, tmp_path / "rest", "some") == [[1.0, 2.0], 0.0]


KERAS = """
    import json, os, sys
    import numpy as np
    import keras
    import tensorflow as tf
    def trained():
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="first"), keras.layers.Dense(2, name="second")])
        model.compile("adam", "mse")
        model.fit(np.ones((8, 4), "float32"), np.ones((8, 2), "float32"), verbose=0)
        return model
    model = trained()
    if sys.argv[1] == "save":
        tf.train.Checkpoint(model=model, optimizer=model.optimizer).write(sys.argv[2])
        np.save(sys.argv[3], model.layers[1].kernel.numpy())
        print("null")
    else:
        tf.train.Checkpoint(net=model, rule=model.optimizer).read(sys.argv[2]).assert_consumed()
        equal = np.array_equal(model.layers[1].kernel.numpy(), np.load(sys.argv[3]))
        print(json.dumps([equal, int(model.optimizer.iterations)]))
"""


def test_a_model_of_keras_by_its_own_paths_and_under_other_names(tmp_path, oracle):
    """Keras stores the weights of a model beside its optimizer under the optimizer's names."""
    prefix, expected = str(tmp_path / "keras"), tmp_path / "expected.npy"
    oracle(KERAS, "save", prefix, expected)
    model = "model/_functional/_operations"
    assert main(["get", prefix, f"{model}/2/_kernel", "-o", str(tmp_path / "found.npy")]) == 0
    np.testing.assert_array_equal(np.load(tmp_path / "found.npy"), np.load(expected))
    words = ["rename", prefix, str(tmp_path / "renamed"), "--map", "model=net", "--map", "optimizer=rule", "--write"]
    assert main(words) == 0
    assert oracle(KERAS, "restore", tmp_path / "renamed", expected) == [True, 1]
