"""Looking into checkpoints without objects."""

import os
import pathlib

import ml_dtypes
import numpy as np
import pytest

import minitf.compat.v1 as tf

VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"


class Thing(tf.train.AutoTrackable):
    pass


@pytest.fixture
def path(tmp_path):
    thing = Thing()
    thing.a = tf.Variable(1.5)
    thing.b = tf.Variable([1, 2])
    thing.s = tf.Variable("x")
    thing.t = tf.Variable(["x", "yy"])
    thing.z = tf.Variable(np.zeros((0, 3), np.int8))
    thing.h = tf.Variable(ml_dtypes.bfloat16(1.5))
    return tf.train.CheckpointableSaver(thing).save(str(tmp_path / "ckpt"), checkpoint_number=1)


def test_values_come_as_arrays_and_scalars_as_numpy_scalars(path):
    reader = tf.train.load_checkpoint(path)
    found = {name: reader.get_tensor(name + VALUE) for name in "abstzh"}
    assert (type(found["a"]), found["a"]) == (np.float32, 1.5)
    assert (found["b"].dtype, found["b"].tolist()) == (np.int32, [1, 2])
    assert (type(found["s"]), found["s"]) == (bytes, b"x")
    assert (found["t"].dtype, found["t"].tolist()) == (object, [b"x", b"yy"])
    assert (found["z"].dtype, found["z"].shape) == (np.int8, (0, 3))
    assert (type(found["h"]), found["h"]) == (ml_dtypes.bfloat16, 1.5)
    assert type(reader.get_tensor("_CHECKPOINTABLE_OBJECT_GRAPH")) is bytes


def test_the_reader_lists_shapes_and_dtypes(path):
    reader = tf.train.NewCheckpointReader(path)
    shapes, dtypes = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
    assert {k.removesuffix(VALUE): v for k, v in shapes.items()} == {
        "a": [], "b": [2], "h": [], "s": [], "t": [2], "z": [0, 3], "_CHECKPOINTABLE_OBJECT_GRAPH": [],
    }  # fmt: skip
    assert (dtypes["a" + VALUE], dtypes["t" + VALUE], dtypes["h" + VALUE]) == (tf.float32, tf.string, tf.bfloat16)
    assert reader.has_tensor("a" + VALUE)
    assert reader.has_tensor(b"a" + VALUE.encode())
    assert not reader.has_tensor("a")
    assert b"b/.ATTRIBUTES/VARIABLE_VALUE (DT_INT32) [2]\n" in reader.debug_string()
    for wrong in (3, None):
        with pytest.raises(TypeError):
            reader.has_tensor(wrong)
        with pytest.raises(TypeError):
            reader.get_tensor(wrong)


def test_list_variables_is_sorted_and_load_variable_drops_the_output_number(path):
    listed = tf.train.list_variables(path)
    assert listed == sorted(listed)
    assert ("b" + VALUE, [2]) in listed
    assert tf.train.load_variable(path, "a" + VALUE + ":0") == 1.5


def test_a_directory_means_its_newest_checkpoint(path, tmp_path):
    assert tf.train.load_variable(tmp_path, "a" + VALUE) == 1.5
    assert tf.train.list_variables(str(tmp_path)) == tf.train.list_variables(path)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ValueError, match="no checkpoint"):
        tf.train.load_checkpoint(empty)
    with pytest.raises(tf.errors.DataLossError):
        tf.train.NewCheckpointReader(empty)


def test_paths_may_be_str_bytes_or_path_objects(path):
    for same in (path, path.encode(), pathlib.Path(path)):
        assert tf.train.load_checkpoint(same).has_tensor("a" + VALUE)
    for wrong in (None, 3.5):
        with pytest.raises(TypeError):
            tf.train.load_checkpoint(wrong)


def test_what_is_not_there(path, tmp_path):
    for missing in (str(tmp_path / "nope"), str(tmp_path / "no" / "pe"), ""):
        with pytest.raises(tf.errors.NotFoundError):
            tf.train.load_checkpoint(missing)
    with pytest.raises(tf.errors.NotFoundError, match="quux"):
        tf.train.load_variable(path, "quux")


def test_a_file_of_the_checkpoint_is_not_its_path(path):
    with pytest.raises(tf.errors.NotFoundError, match="give the prefix"):
        tf.train.load_checkpoint(path + ".index")


def test_damage_is_an_error_of_its_own(path):
    data = pathlib.Path(path + ".data-00000-of-00001")
    content = bytearray(data.read_bytes())
    reader = tf.train.load_checkpoint(path)
    content[0] ^= 1
    data.write_bytes(content)
    with pytest.raises(tf.errors.OpError):
        reader.get_tensor("a" + VALUE)  # the first in the file
    pathlib.Path(path + ".index").write_bytes(b"junk")
    with pytest.raises(tf.errors.OpError):
        tf.train.load_checkpoint(path)


def test_no_file_stays_open(path):
    reader = tf.train.load_checkpoint(path)
    reader.get_tensor("a" + VALUE)
    open_files = {
        os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}")
    }
    assert not {name for name in open_files if name.startswith(path)}


# -- object graphs ------------------------------------------------------------------------------------------------------------


@pytest.mark.behaviour("S121", "S120")
def test_the_object_graph_is_read_on_its_own(tmp_path):
    root = Thing()
    root.inner = Thing()
    root.inner.v = tf.Variable(1.0, name="named")
    root.again = root.inner
    path = tf.train.CheckpointableSaver(root).save(str(tmp_path / "m"))
    graph = tf.train.object_metadata(path)
    assert [(e.local_name, e.node_id) for e in graph.nodes[0].children] == [("inner", 1), ("again", 1)]
    [attribute] = graph.nodes[2].attributes
    assert (attribute.name, attribute.full_name) == ("VARIABLE_VALUE", "named")
    assert attribute.checkpoint_key == "inner/v" + VALUE


@pytest.mark.behaviour("S125")
def test_a_name_based_checkpoint_has_no_object_graph(tmp_path):
    path = tf.train.Saver([tf.Variable(1.0, name="v")]).save(None, str(tmp_path / "m"))
    with pytest.raises(ValueError, match="not object-based"):
        tf.train.object_metadata(path)
    with pytest.raises(tf.errors.NotFoundError):
        tf.train.object_metadata(str(tmp_path / "none"))


@pytest.mark.parametrize("name", ["tf-v2", "tf-v1", "npz", "safetensors"])
def test_a_region_of_a_value(tmp_path, name):
    from minitf.storage.formats import format_named

    whole = np.arange(12, dtype=np.float32).reshape(4, 3)
    format_named(name, durable=False).write(str(tmp_path / "m"), {"w": whole, "s": np.float32(2)})
    reader = tf.train.load_checkpoint(str(tmp_path / "m"))
    np.testing.assert_array_equal(reader.get_slice("w", [1, 0], [2, -1]), whole[1:3])
    np.testing.assert_array_equal(reader.get_slice(b"w", [3, 1], [1, 1], verify=False), [[10.0]])
    assert reader.get_slice("s", [], []) == 2
    for begin, size in (([4, 0], [1, 1]), ([0], [1]), ([0, 0], [5, 1])):
        with pytest.raises(tf.errors.InvalidArgumentError):
            reader.get_slice("w", begin, size)
    with pytest.raises(tf.errors.NotFoundError):
        reader.get_slice("nothing", [], [])
