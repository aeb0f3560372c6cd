"""The verbs that write a checkpoint: convert, merge, rename, salvage; and diff, which knows renamed objects again."""

import json
import os

import numpy as np
import pytest

import minitf as tf
from minitf.cli.contents import object_graph
from minitf.saved import OBJECT_GRAPH_KEY, SavedGraph, SavedNode
from minitf.storage.bundle import TensorBundle
from minitf.storage.detect import identify, open_checkpoint
from minitf.storage.formats import FORMATS, format_named
from minitf.storage.state_file import CheckpointState, write_state
from minitf.storage.v1 import TensorSlices
from minitf.storage.values import Partitioned, Typed

from ..storage.tampering import edit
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


@pytest.mark.parametrize("name", FORMATS)
def test_merge_with_force_leaves_nothing_of_what_stood_there(minitf, checkpoint, tmp_path, name):
    more = write(tmp_path / "more", None, {"another": np.arange(4)})
    format_named(name).write(str(tmp_path / "all"), {"old": np.zeros(1)})
    assert minitf("merge", checkpoint, more, "-o", tmp_path / "all", "--force")[0] == 0
    assert {path.name.partition(".data")[0] for path in tmp_path.glob("all*")} == {"all", "all.index"}
    assert everything(str(tmp_path / "all")) == everything(checkpoint) | everything(more)
    assert not (tmp_path / "all").exists()


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


@pytest.mark.parametrize("name", [None, *FORMATS])
def test_merge_puts_pieces_of_one_tensor_together(minitf, tmp_path, name):
    def part(file, start, size):
        value = Partitioned((4,), [(((start, size),), np.arange(start, start + size))])
        TensorBundle(durable=False).write(str(tmp_path / file), {"w": value, file: np.zeros(1)})
        return tmp_path / file

    to = ["--to", name] if name else []
    assert minitf("merge", part("p", 0, 3), part("q", 3, 1), "-o", tmp_path / "all", *to)[0] == 0
    assert open_checkpoint(str(tmp_path / "all")).read("w").tolist() == [0, 1, 2, 3]
    code, _, err = minitf("merge", tmp_path / "p", part("r", 2, 2), "-o", tmp_path / "no", *to)
    assert (code, "the pieces 0,3 and 2,2 of 'w' overlap" in err) == (1, True)
    assert not list(tmp_path.glob("no*"))


# -- rename --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ['{"a": "b"', '["a"]', '{"a": 3}', '{"mapping": ["a"]}', "3"])
def test_rename_with_a_file_that_is_no_map(minitf, tmp_path, text):
    a = write(tmp_path / "a", None, {"a": np.zeros(1)})
    (tmp_path / "map.json").write_text(text)
    code, out, err = minitf("rename", a, tmp_path / "b", "--map", tmp_path / "map.json")
    assert (code, out) == (1, "")
    assert f"'{tmp_path}/map.json' is no JSON object of old and new names" in err
    assert "object has no attribute" not in err


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
        ("net/a/b=x", "no object"),
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


def damage(path, at, change=3):  # two bits: of an index, one would be mended
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


@pytest.mark.parametrize("name", ["tf-v1", "npz", "safetensors"])
def test_salvage_of_a_file_that_was_cut_off(minitf, tmp_path, name):
    """What stands before the cut is a checkpoint."""
    values = {f"v{n:02}": np.full(40_000, n, np.float32) for n in range(20)}
    FORMATS[name](durable=False).write(str(tmp_path / "a"), values)
    file = tmp_path / f"a{ENDINGS[name]}"
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    code, out, err = minitf("salvage", tmp_path / "a", tmp_path / "b", "--json")
    found = everything(str(tmp_path / "b"))
    assert code == 1, err
    assert 6 <= len(found) <= 10
    assert list(found) == sorted(values)[: len(found)]
    told = json.loads(out)
    assert (told["values"], told["lost"][0]["key"]) == (len(found), None if name != "safetensors" else "v09")


# -- where a result may go -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("path", ["", "new/"])
def test_files_get_a_name(minitf, checkpoint, tmp_path, monkeypatch, name, path):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    code, _, err = minitf("convert", checkpoint, path, "--to", name)
    assert (code, sorted(tmp_path.rglob("*"))) == (1, before)
    assert f"{path!r} names no files. OUTPUT is a prefix, such as {path + 'model'!r}." in err


def test_a_result_may_be_named_by_its_index_file(minitf, checkpoint, tmp_path):
    assert minitf("convert", checkpoint, tmp_path / "a.index", "--to", "tf-v2")[0] == 0
    assert sorted(path.name for path in tmp_path.glob("a*")) == ["a.data-00000-of-00001", "a.index"]
    code, _, err = minitf("convert", checkpoint, tmp_path / "a.index", "--to", "tf-v2")
    assert (code, "--force replaces it" in err) == (1, True)


@pytest.mark.parametrize("name", ["npz", "safetensors"])
def test_a_file_beside_the_checkpoint_it_is_made_of(minitf, checkpoint, name):
    code, _, err = minitf("convert", checkpoint, checkpoint, "--to", name)
    assert (code, err.endswith(f" --force replaces it. '{checkpoint}.{name}' as OUTPUT leaves it.\n")) == (1, True)
    assert minitf("convert", checkpoint, f"{checkpoint}.{name}", "--to", name)[0] == 0
    assert identify(checkpoint).format == "tf-v2"
    assert everything(f"{checkpoint}.{name}") == everything(checkpoint)


@pytest.mark.parametrize("first", FORMATS)
@pytest.mark.parametrize("second", FORMATS)
def test_force_leaves_nothing_of_what_stood_there(minitf, checkpoint, tmp_path, first, second):
    assert minitf("convert", checkpoint, tmp_path / "m", "--to", first)[0] == 0
    assert minitf("convert", tmp_path / "m", tmp_path / "m", "--to", second)[0] == 1
    assert minitf("convert", tmp_path / "m", tmp_path / "m", "--to", second, "--force")[0] == 0
    assert {path.name.removeprefix("m").partition(".data")[0] for path in tmp_path.glob("m*")} <= {ENDINGS[second], ""}
    assert (tmp_path / "m").exists() == (second == "tf-v1")
    assert identify(str(tmp_path / "m")).format == second
    assert everything(str(tmp_path / "m")) == everything(checkpoint)


def test_v1_replaces_v2_with_force(minitf, checkpoint, tmp_path):
    values = {"x": np.arange(3.0)}
    words = ["convert", write(tmp_path / "a", None, values), checkpoint, "--to", "tf-v1"]
    code, _, err = minitf(*words)
    assert (code, "--force replaces it" in err) == (1, True)
    assert identify(checkpoint).format == "tf-v2"
    assert minitf(*words, "--force")[0] == 0
    assert identify(checkpoint).format == "tf-v1"
    assert sorted(path.name for path in tmp_path.glob("ckpt-1*")) == ["ckpt-1"]
    assert everything(checkpoint) == everything(str(tmp_path / "a"))


@pytest.mark.parametrize("name", FORMATS)
def test_a_result_is_not_called_as_a_data_file(minitf, checkpoint, tmp_path, name):
    data = f"{checkpoint}.data-00000-of-00001"
    code, _, err = minitf("convert", checkpoint, data, "--to", name, "--force")
    assert (code, err.endswith(f"is the name of a data file. OUTPUT is a prefix, such as {checkpoint!r}.\n")) == (1, True)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_v1_does_not_take_the_place_of_what_is_no_checkpoint(minitf, checkpoint, tmp_path, force):
    """Its file has the prefix for a name, without an ending, so anything may stand there: a text, a directory, a device."""
    (tmp_path / "thesis").write_text("chapter one")
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "pipe")
    write_state(str(tmp_path), CheckpointState(checkpoint, [checkpoint]))

    def known(name):  # all but when it was looked at
        found = (tmp_path / name).lstat()
        return found.st_mode, found.st_ino, found.st_size, found.st_mtime_ns

    for name in ("thesis", "directory", "pipe", "checkpoint"):
        before = known(name)
        code, _, err = minitf("convert", checkpoint, tmp_path / name, "--to", "tf-v1", *force)
        assert code == 1
        assert f"{str(tmp_path / name)!r} is there, and is no checkpoint. It is left as it is." in err
        assert known(name) == before


def test_a_text_is_not_in_the_way_of_files_with_endings(minitf, checkpoint, tmp_path):
    (tmp_path / "notes").write_text("chapter one")
    for name in ("tf-v2", "npz", "safetensors"):
        assert minitf("convert", checkpoint, tmp_path / "notes", "--to", name, "--force")[0] == 0
    assert (tmp_path / "notes").read_text() == "chapter one"


def test_v1_replaces_v1_with_force(minitf, checkpoint, tmp_path):
    words = ["convert", checkpoint, tmp_path / "a", "--to", "tf-v1"]
    assert minitf(*words)[0] == 0
    code, _, err = minitf(*words)
    assert (code, "a checkpoint (tf-v1) stands under" in err) == (1, True)
    assert minitf(*words, "--force")[0] == 0


# -- names of objects ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("old", ["opt/a/b.c", "opt/a.Sb..c", "best/up/opt/a/b.c"])
def test_rename_finds_an_object_by_any_of_its_paths(minitf, tmp_path, old):
    graph, values = contents()
    graph.nodes[3].children.append(("a/b.c", 6))
    graph.nodes[1].children.append(("up", 0))
    graph.nodes.append(variable("opt/a.Sb..c"))
    values[f"opt/a.Sb..c{VALUE}"] = np.float32(7)
    path = write(tmp_path / "a", graph, values)
    code, out, _ = minitf("rename", path, tmp_path / "b", "--map", f"{old}=opt/plain", "--write")
    assert code == 0
    assert out.splitlines()[0] == f"{old}  ->  opt/plain  object"
    assert open_checkpoint(str(tmp_path / "b")).read(f"opt/plain{VALUE}") == 7


def test_rename_says_which_objects_move_also_where_no_key_changes(minitf, checkpoint, tmp_path):
    code, out, _ = minitf("rename", checkpoint, tmp_path / "b", "--map", "best=greatest")
    assert code == 0
    assert out.splitlines() == [
        "best  ->  greatest  object", "1 object moved, 0 names of 4 changed; nothing is written without --write",
    ]  # fmt: skip
    facts = json.loads(minitf("rename", checkpoint, tmp_path / "b", "--map", "best=greatest", "--json")[1])
    assert facts["objects"] == {"best": "greatest"}


@pytest.mark.parametrize("word, said", [("w=", "a key cannot be empty"), ("w", "--map 'w' is neither OLD=NEW nor a file")])
def test_rename_of_keys_refuses_what_is_no_name(minitf, tmp_path, word, said):
    path = write(tmp_path / "a", None, {"w": np.zeros(2)})
    code, _, err = minitf("rename", path, tmp_path / "b", "--map", word)
    assert (code, said in err) == (1, True), err


# -- damage --------------------------------------------------------------------------------------------------------------


def damage_value(path, content):
    """Changes a bit of the value with this content."""
    data = f"{path}.data-00000-of-00001"
    with open(data, "rb") as file:
        stored = bytearray(file.read())
    stored[stored.index(content)] ^= 1
    with open(data, "wb") as file:
        file.write(stored)


def test_diff_goes_on_where_a_value_cannot_be_read(minitf, checkpoint, tmp_path):
    graph, values = contents()
    values["stray"] += 1
    other = write(tmp_path / "b", graph, values)
    damage_value(other, values[KERNEL].tobytes())
    code, out, _ = minitf("diff", checkpoint, other, "--json")
    facts = json.loads(out)
    assert (code, facts["equal"]) == (1, 2)
    assert [(one["key"], one["what"]) for one in facts["differences"]] == [(KERNEL, "unreadable"), ("stray", "value")]
    assert "checksum does not match" in facts["differences"][0]["detail"]


def test_ls_falls_back_to_keys_if_the_objects_cannot_be_read(minitf, checkpoint):
    damage_value(checkpoint, b"VARIABLE_VALUE")
    code, out, err = minitf("ls", checkpoint)
    assert code == 1
    assert [line.split()[0] for line in out.splitlines()] == [KERNEL, SLOT, PY_STATE, "stray", "4"]
    assert err.startswith("minitf ls: these are keys only, because the objects cannot be read: ")
    assert err.count("\n") == 1
    code, out, err = minitf("ls", checkpoint, "--json")
    assert (code, len(json.loads(out)["values"]), "objects" in json.loads(out)) == (1, 4, False)
    assert minitf("ls", checkpoint, "--tree")[:2] == (1, "")


def test_verify_tells_of_a_damaged_object_graph_once(minitf, checkpoint):
    damage_value(checkpoint, b"VARIABLE_VALUE")
    code, out, _ = minitf("verify", checkpoint, "--json")
    assert (code, [found["key"] for found in json.loads(out)["problems"]]) == (1, [OBJECT_GRAPH_KEY])


@pytest.mark.parametrize("name", ["npz", "safetensors", "tf-v1"])
def test_verify_and_diff_name_each_damaged_value_of_other_formats(minitf, tmp_path, name):
    values = {f"v{n:04d}": np.full(3, n, np.float64) for n in range(2500)}
    format_named(name).write(str(tmp_path / "a"), values)
    [path] = tmp_path.glob("a*")
    if name != "tf-v1":  # there one block holds many values
        content = bytearray(path.read_bytes())
        for n in (7, 1300):
            content[content.index(values[f"v{n:04d}"].tobytes())] ^= 1
        path.write_bytes(content)
    wrong = [] if name == "tf-v1" else ["v0007", "v1300"]
    assert [found["key"] for found in json.loads(minitf("verify", path, "--json")[1])["problems"]] == wrong
    whole = write(tmp_path / "b", None, values)
    assert [found["key"] for found in json.loads(minitf("diff", path, whole, "--json")[1])["differences"]] == wrong


def test_verify_misses_a_file_of_a_sharded_v1_checkpoint(minitf, tmp_path):
    pattern = TensorSlices().write_shards(str(tmp_path / "m"), [{"a": np.ones(1)}, {"b": np.ones(1)}])
    assert minitf("verify", pattern)[0] == 0
    (tmp_path / "m-00001-of-00002").unlink()
    code, out, _ = minitf("verify", pattern)
    assert code == 1
    assert f"lacks the file '{tmp_path}/m-00001-of-00002'" in out


def test_salvage_of_a_directory_takes_the_newest_though_an_older_one_is_whole(minitf, tmp_path):
    older = write(tmp_path / "m-1", None, {"a": np.zeros(1)})
    newest = write(tmp_path / "m-2", *contents())
    write_state(str(tmp_path), CheckpointState(newest, [older, newest]))
    damage_value(newest, np.arange(6, dtype=np.float32).tobytes())
    with open(f"{newest}.data-00000-of-00001", "r+b") as file:  # so that latest_checkpoint does not take it
        file.truncate(os.path.getsize(file.name) - 1)
    code, out, _ = minitf("salvage", tmp_path, tmp_path / "saved", "--json")
    facts = json.loads(out)
    assert (code, facts["checkpoint"]) == (1, newest)
    assert KERNEL in [one["key"] for one in facts["lost"]]


@pytest.mark.parametrize("others", [False, True])
def test_salvage_of_a_safetensors_file_that_was_cut_off(minitf, checkpoint, tmp_path, others):
    path = str(tmp_path / "m.safetensors")
    if others:  # without notes and checksums
        header = {
            key: {"dtype": "U8", "shape": [4], "data_offsets": [start, start + 4]} for key, start in (("a", 0), ("b", 4))
        }
        text = json.dumps(header).encode()
        (tmp_path / "m.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + b"aaaabbbb")
    else:
        assert minitf("convert", checkpoint, path, "--to", "safetensors")[0] == 0
    before = everything(path)
    [(last, _)] = list(before.items())[-1:] if others else [(OBJECT_GRAPH_KEY, None)]
    os.truncate(path, os.path.getsize(path) - 1)
    assert minitf("verify", path)[0] == 1
    code, out, _ = minitf("salvage", path, tmp_path / "rest", "--json")
    facts = json.loads(out)
    assert (code, [one["key"] for one in facts["lost"]]) == (1, [last])
    assert "it was cut off" in facts["lost"][0]["problem"]
    assert everything(str(tmp_path / "rest")) == {key: value for key, value in before.items() if key != last}
    os.truncate(path, 60)  # in the list of values
    assert minitf("salvage", path, tmp_path / "none")[0] == 1
    assert not list(tmp_path.glob("none*"))


def test_salvage_of_an_index_of_which_no_block_holds(minitf, checkpoint, tmp_path):
    with open(f"{checkpoint}.index", "r+b") as file:
        file.seek(20)
        file.write(b"\xff" * 8)
    code, _, err = minitf("salvage", checkpoint, tmp_path / "out")
    assert code == 1
    assert "no block of the index holds, and nothing else says what the data files have" in err


@pytest.mark.parametrize("how", ["damaged", "cut", "missing"])
def test_salvage_takes_the_whole_files_of_a_sharded_v1_checkpoint(minitf, tmp_path, how):
    halves = [Partitioned((4,), [(((2 * n, 2),), np.full(2, n, np.float32))]) for n in (0, 1)]
    TensorSlices().write_shards(str(tmp_path / "m"), [{"a": np.ones(2), "p": halves[0]}, {"b": np.ones(3), "p": halves[1]}])
    path = tmp_path / "m-00001-of-00002"
    content = bytearray(path.read_bytes())
    content[20] ^= 1
    if how == "missing":
        path.unlink()
    else:
        path.write_bytes(content if how == "damaged" else content[:30])
    code, out, _ = minitf("salvage", tmp_path / "m", tmp_path / "rest", "--json")
    assert (code, open_checkpoint(str(tmp_path / "rest")).keys()) == (1, ["a"])
    lost = json.loads(out)["lost"]
    assert [one["key"] for one in lost] == [None, "p"]  # a piece of it is lost, so all of it
    assert str(path) in lost[0]["problem"]


def test_salvage_of_a_v1_checkpoint_of_which_no_file_is_whole(minitf, tmp_path):
    pattern = TensorSlices().write_shards(str(tmp_path / "m"), [{"a": np.ones(2)}, {"b": np.ones(3)}])
    for path in tmp_path.glob("m*"):
        content = bytearray(path.read_bytes())
        content[20] ^= 1
        path.write_bytes(content)
    code, _, err = minitf("salvage", pattern, tmp_path / "rest")
    assert (code, "block checksum mismatch" in err) == (1, True)
    assert not (tmp_path / "rest").exists()


@pytest.mark.parametrize("form", [[], ["--keys"], ["--json"]])
def test_ls_lists_the_other_values_if_one_makes_no_sense(minitf, tmp_path, form):
    graph, values = contents()
    prefix = write(tmp_path / "a", graph, values)
    edit(tmp_path / "a.index", lambda found: found.update({KERNEL.encode(): b"\x08\x63"}))
    code, out, err = minitf("ls", prefix, *form)
    assert (code, "dtype number 99" in err, err.count("\n")) == (1, True, 1)
    if form == ["--json"]:
        assert [one["key"] for one in json.loads(out)["values"]] == [SLOT, PY_STATE, "stray"]
        assert list(json.loads(out)["unreadable"]) == [KERNEL]
    else:
        assert f"unreadable  {KERNEL}" in out.splitlines()
        assert out.splitlines()[-1] == "3 values, 40 B without 1 of no fixed size"
        assert ("kernel  unreadable" in out) == (not form)


def test_salvage_mends_an_index_in_which_one_bit_is_wrong(minitf, checkpoint, tmp_path):
    before = everything(checkpoint)
    with open(f"{checkpoint}.index", "r+b") as file:
        content = bytearray(file.read())
        content[content.index(b"stray")] ^= 1
        file.seek(0)
        file.write(content)
    code, out, _ = minitf("salvage", checkpoint, tmp_path / "rest")
    assert code == 0
    assert out.startswith("mended  ")
    assert out.endswith(": 5 values, nothing lost\n")
    assert everything(str(tmp_path / "rest")) == before
    code, out, _ = minitf("salvage", checkpoint, tmp_path / "more", "--json")
    assert (code, len(json.loads(out)["mended"]), json.loads(out)["lost"]) == (0, 1, [])
