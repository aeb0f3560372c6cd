"""The verbs that write a checkpoint: convert, merge, rename, salvage; and diff, which knows renamed objects again."""

import json

import numpy as np
import pytest

import minitf as tf
from minitf.cli.contents import object_graph
from minitf.saved import OBJECT_GRAPH_KEY, SavedGraph, SavedNode
from minitf.storage.bundle import TensorBundle
from minitf.storage.detect import identify, open_checkpoint
from minitf.storage.formats import FORMATS
from minitf.storage.values import Partitioned, Typed

from .conftest import KERNEL, SLOT, VALUE, contents, variable, write

PY_STATE = "net/state/.ATTRIBUTES/py_state"
ENDINGS = {"tf-v2": ".index", "tf-v1": "", "safetensors": ".safetensors", "npz": ".npz"}


def everything(path):
    """All that a checkpoint says: key, dtype, shape, content."""
    reader = open_checkpoint(path)
    out = {}
    for key in reader.keys():
        value = reader.read(key)
        out[key] = str(reader.spec(key)), value.tolist() if value.dtype == object else value.tobytes()
    return out


# -- convert -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", FORMATS)
@pytest.mark.parametrize("second", FORMATS)
def test_convert_in_all_directions_and_back_is_exact(minitf, checkpoint, tmp_path, first, second):
    there, on, back = (str(tmp_path / name) for name in ("there", "on", "back"))
    assert minitf("convert", checkpoint, there, "--to", first)[0] == 0
    assert minitf("convert", there, on, "--to", second)[0] == 0
    assert minitf("convert", on, back, "--to", "tf-v2")[0] == 0
    assert identify(there).format == first
    assert identify(on).format == second
    assert everything(there) == everything(on) == everything(back) == everything(checkpoint)
    assert object_graph(open_checkpoint(on)) == object_graph(open_checkpoint(checkpoint))


def test_convert_keeps_the_bytes_of_a_bundle_in_the_order_of_its_data_file(minitf, tmp_path):
    TensorBundle().write(str(tmp_path / "a"), {"z": np.arange(3.0), "a": np.array(b"text", object)})
    minitf("convert", tmp_path / "a", tmp_path / "b", "--to", "tf-v2")
    for ending in (".index", ".data-00000-of-00001"):
        assert (tmp_path / f"a{ending}").read_bytes() == (tmp_path / f"b{ending}").read_bytes()


@pytest.mark.parametrize("name", ["safetensors", "npz", "tf-v1"])
def test_pieces_of_a_partitioned_tensor_are_converted(minitf, tmp_path, name):
    value = np.arange(12, dtype=np.float32).reshape(4, 3)
    one = Partitioned((4, 3), [(((0, 1), None), value[:1])])
    rest = Partitioned((4, 3), [(((1, 3), None), value[1:])])
    TensorBundle().write_shards(str(tmp_path / "a"), [{"t": one}, {"t": rest}])
    assert minitf("convert", tmp_path / "a", tmp_path / "b", "--to", name)[0] == 0
    reader = open_checkpoint(str(tmp_path / "b"))
    np.testing.assert_array_equal(reader.read("t"), value)
    assert bool(reader.slices("t")) == (name == "tf-v1")  # the one format of the three that knows pieces


@pytest.mark.parametrize("dtype", ["float8_e5m2", "int4"])
def test_convert_says_what_v1_cannot_hold_and_writes_nothing(minitf, tmp_path, dtype):
    TensorBundle().write(str(tmp_path / "a"), {"x": np.zeros(2, tf.as_dtype(dtype).as_numpy_dtype)})
    code, _, err = minitf("convert", tmp_path / "a", tmp_path / "b", "--to", "tf-v1")
    assert code == 1
    assert "convert to tf-v1" in err
    assert dtype in err
    assert not (tmp_path / "b").exists()


def test_convert_keeps_quantised_kinds(minitf, tmp_path):
    TensorBundle().write(str(tmp_path / "a"), {"q": Typed("qint8", np.arange(3, dtype=np.int8))})
    for number, name in enumerate(("npz", "safetensors", "tf-v1", "tf-v2")):
        target = tmp_path / f"b{number}"
        assert minitf("convert", tmp_path / "a", target, "--to", name)[0] == 0
        assert open_checkpoint(str(target)).spec("q").dtype.name == "qint8"


def test_a_checkpoint_that_stands_there_is_only_replaced_with_force(minitf, checkpoint, tmp_path):
    target = write(tmp_path / "b", None, {"old": np.zeros(1)})
    code, _, err = minitf("convert", checkpoint, target, "--to", "tf-v2")
    assert (code, "--force" in err) == (1, True)
    assert everything(target).keys() == {"old"}
    assert minitf("convert", checkpoint, target, "--to", "tf-v2", "--force")[0] == 0
    assert everything(target) == everything(checkpoint)
    assert minitf("convert", checkpoint, target, "--to", "npz", "--force")[0] == 0
    assert identify(target).format == "npz"


def test_convert_json_and_a_format_that_is_none(minitf, checkpoint, tmp_path):
    facts = json.loads(minitf("convert", checkpoint, tmp_path / "b", "--to", "npz", "--json")[1])
    assert (facts["to"], facts["values"], facts["objects"]) == ("npz", 5, 6)
    assert minitf("convert", checkpoint, tmp_path / "c", "--to", "hdf5")[0] == 2


# -- merge ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [None, *FORMATS])
def test_merge(minitf, checkpoint, tmp_path, name):
    more = write(tmp_path / "more", None, {"another": np.arange(4)})
    to = ["--to", name] if name else []
    assert minitf("merge", checkpoint, more, "-o", tmp_path / "all", *to)[0] == 0
    assert everything(str(tmp_path / "all")) == everything(checkpoint) | everything(more)


def test_merge_of_several_formats(minitf, checkpoint, tmp_path):
    minitf("convert", write(tmp_path / "more", None, {"another": np.arange(4)}), tmp_path / "more2", "--to", "npz")
    facts = json.loads(minitf("merge", checkpoint, tmp_path / "more2", "-o", tmp_path / "all", "--json")[1])
    assert facts["values"] == 6
    assert identify(str(tmp_path / "all")).format == "tf-v2"


def test_merge_refuses_a_value_that_comes_twice_and_a_second_root(minitf, checkpoint, tmp_path):
    stray = write(tmp_path / "stray", None, {"stray": np.zeros(1)})
    for to in ([], ["--to", "npz"]):
        code, _, err = minitf("merge", checkpoint, stray, "-o", tmp_path / "all", *to)
        assert (code, "'stray'" in err) == (1, True)
    second = write(tmp_path / "second", SavedGraph([SavedNode()]), {"x": np.zeros(1)})
    code, _, err = minitf("merge", checkpoint, second, "-o", tmp_path / "all")
    assert (code, "one root" in err) == (1, True)
    assert not list(tmp_path.glob("all*"))


# -- rename --------------------------------------------------------------------------------------------------------------


def test_rename_is_a_dry_run_without_write(minitf, tmp_path):
    a = write(tmp_path / "a", None, {"w": np.arange(3.0), "b": np.zeros(1)})
    code, out, _ = minitf("rename", a, tmp_path / "b", "--map", "w=weights")
    assert code == 0
    assert out.splitlines() == ["w  ->  weights", "1 name of 2 changed; nothing is written without --write"]
    assert not list(tmp_path.glob("b*"))
    assert minitf("rename", a, tmp_path / "b", "--map", "w=weights", "--write")[0] == 0
    assert open_checkpoint(str(tmp_path / "b")).keys() == ["b", "weights"]


def test_rename_refuses_unknown_and_colliding_names(minitf, tmp_path):
    a = write(tmp_path / "a", None, {"w": np.arange(3.0), "b": np.zeros(1)})
    assert "no key 'v'" in minitf("rename", a, tmp_path / "b", "--map", "v=w")[2]
    assert "both" not in (err := minitf("rename", a, tmp_path / "b", "--map", "w=b")[2])
    assert "would all be named 'b'" in err


def test_two_names_change_places(minitf, tmp_path):
    a = write(tmp_path / "a", None, {"w": np.array(1.0), "b": np.array(2.0)})
    (tmp_path / "map.json").write_text('{"w": "b", "b": "w"}')
    assert minitf("rename", a, tmp_path / "b", "--map", tmp_path / "map.json", "--write")[0] == 0
    assert open_checkpoint(str(tmp_path / "b")).read("b") == 1.0


def test_rename_of_an_object_takes_everything_below_it_along(minitf, checkpoint, tmp_path):
    assert minitf("rename", checkpoint, tmp_path / "b", "--map", "net=model", "--write")[0] == 0
    found = everything(str(tmp_path / "b"))
    assert found.keys() == {key.replace("net/", "best/") for key in everything(checkpoint)}
    graph = object_graph(open_checkpoint(str(tmp_path / "b")))
    assert graph.children(0) == {"opt": 3, "best": 1, "model": 1}
    assert minitf("verify", tmp_path / "b")[0] == 0


def test_rename_of_an_object_moves_it_to_another_parent(minitf, checkpoint, tmp_path):
    assert minitf("rename", checkpoint, tmp_path / "b", "--map", "net/state=opt/memory", "--write")[0] == 0
    assert "opt/memory/.ATTRIBUTES/py_state" in everything(str(tmp_path / "b"))
    assert minitf("verify", tmp_path / "b")[0] == 0


@pytest.mark.parametrize(
    "words, said",
    [
        ("nothing=x", "no object"),
        ("net/a/b=x", "leads nowhere"),
        ("net=opt", "taken"),
        ("net=a/b", "no object 'a'"),
        ("net=", "empty"),
    ],
)
def test_rename_of_objects_refuses(minitf, checkpoint, tmp_path, words, said):
    code, _, err = minitf("rename", checkpoint, tmp_path / "b", "--map", words)
    assert (code, said in err) == (1, True), err


def test_an_object_cannot_be_moved_below_itself(minitf, checkpoint, tmp_path):
    code, _, err = minitf(
        "rename", checkpoint, tmp_path / "b", "--map", "net/kernel=net/state/kernel", "--map", "net/state=net/kernel/state"
    )
    assert code == 1, err


def test_rename_finds_the_objects_that_names_stand_for(minitf, checkpoint, tmp_path):
    named = write(
        tmp_path / "named", None, {"net_kernel": np.ones((2, 3), np.float32), "moment/m": np.full((2, 3), 2, np.float32)}
    )
    words = ["rename", named, tmp_path / "b", "--like", checkpoint]
    code, out, _ = minitf(*words, "--json")
    facts = json.loads(out)
    assert facts["mapping"] == {"net_kernel": "net/kernel", "moment/m": "net/kernel/.OPTIMIZER_SLOT/opt/m"}
    assert (code, facts["without_object"], facts["without_value"]) == (0, [], [])
    (tmp_path / "proposal.json").write_text(out)
    assert minitf("rename", named, tmp_path / "b", "--like", checkpoint, "--map", tmp_path / "proposal.json", "--write")[0] == 0
    found = open_checkpoint(str(tmp_path / "b"))
    assert found.read(KERNEL)[0, 0] == 1
    assert found.read(SLOT)[0, 0] == 2
    assert [v.key for n in object_graph(found).nodes for v in n.values] == [KERNEL, SLOT]


def test_a_name_that_fits_nowhere_or_in_two_places_is_left_and_told(minitf, tmp_path):
    a, b = SavedNode(children=[("w", 3)]), SavedNode(children=[("w", 4)])
    graph = SavedGraph([SavedNode(children=[("a", 1), ("b", 2)]), a, b, variable("a/w"), variable("b/w")])
    like = write(tmp_path / "like", graph, {f"a/w{VALUE}": np.zeros(2), f"b/w{VALUE}": np.zeros(2)})
    named = write(tmp_path / "named", None, {"x/w": np.ones(2), "step": np.array(1)})
    code, out, _ = minitf("rename", named, tmp_path / "b", "--like", like, "--json")
    facts = json.loads(out)
    assert (code, facts["mapping"]) == (1, {})
    assert (facts["without_object"], facts["without_value"]) == (["step", "x/w"], ["a/w", "b/w"])
    facts = json.loads(minitf("rename", named, tmp_path / "b", "--like", like, "--map", "x/w=b/w", "--json")[1])
    assert (facts["mapping"], facts["without_value"]) == ({"x/w": "b/w"}, ["a/w"])


class Node(tf.Module):
    pass


def test_names_become_a_tree_of_objects_that_a_program_restores(minitf, tmp_path):
    named = write(tmp_path / "named", None, {"net/w": np.arange(2.0), "net/w/Adam": np.ones(2), "a.b/c": np.zeros(1)})
    assert minitf("rename", named, tmp_path / "b", "--to-objects", "--map", "net/w/Adam=net/slots/w", "--write")[0] == 0
    root, net, slots = Node(), Node(), Node()
    root.net, net.slots = net, slots
    net.w, slots.w = tf.Variable([5.0, 5.0], dtype=tf.float64), tf.Variable([5.0, 5.0], dtype=tf.float64)
    tf.train.Checkpoint(root=root).read(str(tmp_path / "b")).assert_existing_objects_matched()
    assert net.w.numpy().tolist() == [0, 1]
    assert slots.w.numpy().tolist() == [1, 1]
    assert minitf("verify", tmp_path / "b")[0] == 0
    assert (
        "no path of objects"
        in minitf("rename", write(tmp_path / "c", None, {"a//b": np.zeros(1)}), tmp_path / "d", "--to-objects")[2]
    )


def test_to_objects_and_like_want_names(minitf, checkpoint, tmp_path):
    assert "already" in minitf("rename", checkpoint, tmp_path / "b", "--to-objects")[2]
    named = write(tmp_path / "named", None, {"w": np.zeros(1)})
    assert "name-based" in minitf("rename", named, tmp_path / "b", "--like", named)[2]
    assert minitf("rename", named, tmp_path / "b", "--like", checkpoint, "--to-objects")[0] == 2
    (tmp_path / "map.json").write_text("[1]")
    assert "no JSON object" in minitf("rename", named, tmp_path / "b", "--map", tmp_path / "map.json")[2]


# -- diff ----------------------------------------------------------------------------------------------------------------


def differences(minitf, a, b):
    return [(d["key"], d["what"], d["detail"]) for d in json.loads(minitf("diff", a, b, "--json")[1])["differences"]]


def test_diff_knows_a_renamed_object_again_and_compares_its_values(minitf, checkpoint, tmp_path):
    graph, values = contents()
    graph.nodes[1].children[0] = ("weights", 2)
    for number, old in ((2, KERNEL), (4, SLOT)):
        new = old.replace("kernel", "weights")
        graph.nodes[number].values[0].key = new
        values[new] = values.pop(old)
    new_kernel = KERNEL.replace("kernel", "weights")
    same = write(tmp_path / "same", graph, values)
    assert differences(minitf, checkpoint, same) == [("net/kernel", "renamed", "is net/weights")]
    values[new_kernel] = values[new_kernel] + 1
    trained = write(tmp_path / "trained", graph, values)
    assert differences(minitf, checkpoint, trained) == [
        (new_kernel, "value", "6 of 6 elements, by at most 1"),
        ("net/kernel", "renamed", "is net/weights"),
    ]


def test_diff_tells_objects_that_look_alike_by_their_values(minitf, tmp_path):
    def checkpoint(name, first, second):
        graph = SavedGraph([SavedNode(children=[(first, 1), (second, 2)]), variable(first), variable(second)])
        return write(tmp_path / name, graph, {first + VALUE: np.array([1.0]), second + VALUE: np.array([2.0])})

    found = differences(minitf, checkpoint("a", "x", "y"), checkpoint("b", "p", "q"))
    assert found == [("x", "renamed", "is p"), ("y", "renamed", "is q")]


def test_diff_knows_a_renamed_key_by_its_content(minitf, tmp_path):
    a = write(
        tmp_path / "a", None, {"w": np.arange(3.0), "s": np.array([b"x", b"yz"], object), "u": np.zeros(1), "v": np.zeros(1)}
    )
    b = write(tmp_path / "b", None, {"k": np.arange(3.0), "t": np.array([b"x", b"yz"], object), "z": np.zeros(1)})
    assert differences(minitf, a, b) == [
        ("s", "renamed", "is t"),
        ("u", "only in A", "float64 (1,)"),
        ("v", "only in A", "float64 (1,)"),
        ("w", "renamed", "is k"),
        ("z", "only in B", "float64 (1,)"),
    ]


# -- salvage -------------------------------------------------------------------------------------------------------------


def damage(path, at, change=1):
    content = bytearray(path.read_bytes())
    content[at] ^= change
    path.write_bytes(content)


def test_salvage_of_a_sound_checkpoint_keeps_everything(minitf, checkpoint, tmp_path):
    assert minitf("salvage", checkpoint, tmp_path / "b")[0] == 0
    assert everything(str(tmp_path / "b")) == everything(checkpoint)


def test_salvage_drops_a_damaged_value_and_names_it(minitf, checkpoint, tmp_path):
    data = tmp_path / "ckpt-1.data-00000-of-00001"
    damage(data, data.read_bytes().index(np.arange(6, dtype=np.float32).tobytes()))
    code, out, _ = minitf("salvage", checkpoint, tmp_path / "b", "--json")
    assert code == 1
    assert [one["key"] for one in json.loads(out)["lost"]] == [KERNEL]
    before, after = everything(checkpoint.replace("ckpt-1", "b")), open_checkpoint(str(tmp_path / "b"))
    assert before.keys() == {SLOT, PY_STATE, "stray", OBJECT_GRAPH_KEY}
    assert object_graph(after).nodes[2].values == []
    assert minitf("verify", tmp_path / "b")[0] == 0


def test_salvage_of_a_truncated_data_file(minitf, checkpoint, tmp_path):
    data = tmp_path / "ckpt-1.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:30])
    code, out, _ = minitf("salvage", checkpoint, tmp_path / "b", "--to", "npz")
    assert (code, "losses" in out) == (1, True)
    assert everything(str(tmp_path / "b")).keys() == {KERNEL}


def large(tmp_path, count=12000, **more):
    """A checkpoint whose index has several blocks."""
    values = {f"{'k' * 60}{n:06}": np.array([n], np.int32) for n in range(count)} | more
    return write(tmp_path / "large", None, values), values


def read_numbers(path, values):
    """How many values there are, each checked against what was written."""
    reader = open_checkpoint(path)
    keys = reader.keys()
    assert all(np.array_equal(value, values[key]) for key, value in zip(keys, reader.read_many(keys), strict=True))
    return len(keys)


@pytest.mark.parametrize("where", ["first", "second", "footer", "index block"])
def test_salvage_of_a_damaged_index_takes_the_blocks_that_hold(minitf, tmp_path, where):
    path, values = large(tmp_path, text=np.array(b"something", object))
    index = tmp_path / "large.index"
    size = len(index.read_bytes())
    assert size > 300_000
    damage(index, {"first": 100, "second": size - 2000, "footer": size - 3, "index block": size - 60}[where])
    code, out, _ = minitf("salvage", path, tmp_path / "b", "--json")
    assert code == 1, out
    count = read_numbers(str(tmp_path / "b"), values)
    if where in ("footer", "index block"):
        assert count == len(values)
    else:
        assert 100 < count < len(values)


def test_salvage_without_header_keeps_numbers_only_if_strings_tell_their_byte_order(minitf, tmp_path):
    path, _ = large(tmp_path)
    damage(tmp_path / "large.index", 100)
    code, _, err = minitf("salvage", path, tmp_path / "b")
    assert (code, "nothing" in err) == (1, True)


def test_salvage_of_a_big_endian_set_without_header_gives_the_right_numbers(minitf, tmp_path):
    values = {f"{'k' * 60}{n:06}": np.array([n], np.int32) for n in range(12000)} | {"text": np.array(b"abc", object)}
    TensorBundle(durable=False, big_endian=True).write(str(tmp_path / "large"), values)
    damage(tmp_path / "large.index", 100)
    assert minitf("salvage", tmp_path / "large", tmp_path / "b")[0] == 1
    assert read_numbers(str(tmp_path / "b"), values) > 100


def test_salvage_of_nothing_writes_nothing(minitf, checkpoint, tmp_path):
    (tmp_path / "ckpt-1.data-00000-of-00001").unlink()
    code, _, err = minitf("salvage", checkpoint, tmp_path / "b")
    assert (code, "nothing of" in err) == (1, True)
    (tmp_path / "ckpt-1.index").write_bytes(b"\xff" * 200)
    assert minitf("salvage", checkpoint, tmp_path / "b")[0] == 1
    assert not list(tmp_path.glob("b*"))


@pytest.mark.parametrize("name", ["tf-v1", "npz", "safetensors"])
def test_salvage_of_other_formats(minitf, tmp_path, name):
    path, values = large(tmp_path, 12000 if name == "tf-v1" else 50, array=np.arange(30.0))
    minitf("convert", path, tmp_path / "other", "--to", name)
    file = tmp_path / f"other{ENDINGS[name]}"
    content = file.read_bytes()
    damage(file, content.index(np.arange(30.0).tobytes()[20:60]) if name != "tf-v1" else len(content) // 2)
    code, out, err = minitf("salvage", tmp_path / "other", tmp_path / "b", "--json")
    assert code == 1, err
    lost = json.loads(out)["lost"]
    assert read_numbers(str(tmp_path / "b"), values) == len(values) - len(lost)
    if name != "tf-v1":
        assert [one["key"] for one in lost] == ["array"]
    file.write_bytes(content[:40])
    assert minitf("salvage", tmp_path / "other", tmp_path / "c")[0] == 1
    assert not list(tmp_path.glob("c*"))
