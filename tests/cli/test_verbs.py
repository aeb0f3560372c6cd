"""What the verbs answer, for people and as JSON, on one small checkpoint written for the purpose."""

import errno
import io
import json
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from minitf.saved import SavedGraph, SavedNode
from minitf.storage.state_file import CheckpointState, write_state

from .conftest import KERNEL, SLOT, VALUE, contents, variable, write

# -- ls ------------------------------------------------------------------------------------------------------------------


def test_ls_draws_the_tree_with_slots_under_their_variable(minitf, checkpoint):
    code, out, err = minitf("ls", checkpoint)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        checkpoint,
        "├── net",
        "│   ├── kernel  float32 (2, 3)  24 B",
        "│   │   └── slot m of opt  float32 (2, 3)  24 B",
        "│   └── state",
        "│       └── (py_state)  string ()",
        "├── opt",
        "└── best  = net",
        "of no object:",
        "    stray  int64 (2,)  16 B",
        "4 values, 64 B without 1 of no fixed size",
    ]


def test_ls_keys(minitf, checkpoint):
    code, out, _ = minitf("ls", "--keys", checkpoint)
    assert code == 0
    assert [line.split() for line in out.splitlines()[:-1]] == [
        [KERNEL, "float32", "(2,", "3)", "24", "B"],
        [SLOT, "float32", "(2,", "3)", "24", "B"],
        ["net/state/.ATTRIBUTES/py_state", "string", "()"],
        ["stray", "int64", "(2,)", "16", "B"],
    ]


def test_ls_json_has_keys_and_objects(minitf, checkpoint):
    code, out, _ = minitf("ls", checkpoint, "--json")
    facts = json.loads(out)
    assert code == 0
    assert {value["key"]: (value["dtype"], value["shape"], value["bytes"]) for value in facts["values"]} == {
        KERNEL: ("float32", [2, 3], 24),
        SLOT: ("float32", [2, 3], 24),
        "net/state/.ATTRIBUTES/py_state": ("string", [], None),
        "stray": ("int64", [2], 16),
    }
    assert facts["objects"][0]["children"] == {"net": 1, "opt": 3, "best": 1}
    assert facts["objects"][3]["slots"] == [{"variable": 2, "name": "m", "object": 4}]
    assert facts["objects"][4]["path"] == ["net", "kernel", ".OPTIMIZER_SLOT", "opt", "m"]


def test_ls_of_a_name_based_checkpoint_lists_keys(minitf, tmp_path):
    path = write(tmp_path / "named", None, {"dense/kernel": np.zeros((2, 2), np.float32)})
    assert minitf("ls", path)[1].splitlines() == ["dense/kernel  float32  (2, 2)  16 B", "1 value, 16 B"]
    code, _, err = minitf("ls", "--tree", path)
    assert code == 1
    assert "name-based" in err


def test_ls_does_not_hang_on_a_cycle(minitf, tmp_path):
    graph, values = contents()
    graph.nodes[1].children += [("me", 1), ("up", 0)]
    out = minitf("ls", write(tmp_path / "cyclic", graph, values))[1]
    assert "│   ├── me  = net" in out
    assert "│   └── up  = the root" in out


def test_ls_shows_what_the_file_lacks_and_odd_names_in_quotes(minitf, tmp_path):
    graph, values = contents()
    graph.nodes[0].children.append(("new\nline", 3))
    del values[KERNEL]
    out = minitf("ls", write(tmp_path / "lacks", graph, values))[1]
    assert f"kernel  not in the file: {KERNEL}" in out
    assert r"'new\nline'  = opt" in out


def test_ls_of_a_chain_of_5000_objects(minitf, tmp_path):
    nodes = [SavedNode(children=[("next", i + 1)]) for i in range(5000)] + [SavedNode()]
    code, out, _ = minitf("ls", write(tmp_path / "deep", SavedGraph(nodes), {"x": np.zeros(1)}))
    assert code == 0
    assert out.count("next") == 5000


def test_ls_says_what_a_value_is_wherever_a_path_leads_to_it(minitf, tmp_path):
    graph, values = contents()
    graph.nodes[0].children.append(("weights", 2))
    out = minitf("ls", write(tmp_path / "twice", graph, values))[1]
    assert "│   ├── kernel  float32 (2, 3)  = weights" in out
    assert "└── weights  float32 (2, 3)  24 B" in out


def test_ls_names_the_saver_of_an_object_that_has_its_own(minitf, tmp_path):
    graph, values = contents()
    graph.nodes[5].registered_saver = "Package.part", "net/state"
    out = minitf("ls", write(tmp_path / "saver", graph, values))[1].splitlines()
    assert "├── (py_state)  string ()" in out[5]
    assert "(saved by Package.part as net/state)" in out[6]


def test_many_objects_whose_values_are_missing(minitf, tmp_path):
    """Each is looked for among all keys that begin alike, not among all keys."""
    count = 20000
    nodes = [SavedNode(children=[(f"v{n}", n + 1) for n in range(count)]), *(variable(f"v{n}") for n in range(count))]
    values = {f"v{n}{VALUE}": np.float32(n) for n in range(0, count, 2)}
    path = write(tmp_path / "half", SavedGraph(nodes), values)
    assert minitf("ls", path)[1].count("not in the file") == count // 2
    assert len(json.loads(minitf("verify", path, "--json")[1])["problems"]) == count // 2
    code, out, _ = minitf("salvage", path, tmp_path / "rest", "--json")
    assert (code, len(json.loads(out)["lost"])) == (1, count // 2)


@pytest.mark.parametrize("form", ["prefix", ".index", ".data-00000-of-00001", "directory", "state file"])
def test_every_form_of_path(minitf, checkpoint, form):
    directory = os.path.dirname(checkpoint)
    if form in ("directory", "state file"):
        write(os.path.join(directory, "ckpt-2"), None, {"other": np.zeros(1)})
        write_state(directory, CheckpointState(checkpoint, [checkpoint]))
    path = {"prefix": checkpoint, "directory": directory, "state file": f"{directory}/checkpoint"}
    assert minitf("ls", path.get(form, checkpoint + form), "--json")[:2] == minitf("ls", checkpoint, "--json")[:2]


def test_a_directory_of_several_without_a_state_file_names_them(minitf, checkpoint, tmp_path):
    other = write(tmp_path / "ckpt-2", None, {"other": np.zeros(1)})
    code, _, err = minitf("ls", tmp_path)
    assert code == 1
    assert checkpoint in err
    assert other in err


# -- show and get --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [KERNEL, "net/kernel"])
def test_show_tells_a_value_and_its_range(minitf, checkpoint, key):
    code, out, _ = minitf("show", checkpoint, key)
    assert code == 0
    rows = dict(line.split(maxsplit=1) for line in out.splitlines()[:8])
    assert rows == {
        "key": KERNEL, "dtype": "float32", "shape": "(2, 3)", "size": "24 B", "least": "0", "greatest": "5", "mean": "2.5",
        "spread": "".join("█" if i in (0, 6, 12, 19, 25, 31) else " " for i in range(32)),
    }  # fmt: skip
    assert out.splitlines()[8:] == ["[[0. 1. 2.]", " [3. 4. 5.]]"]


def test_show_counts_what_is_not_finite(minitf, checkpoint):
    assert "not finite  6 of 6" in minitf("show", checkpoint, SLOT)[1]


def test_show_json_has_plain_values(minitf, checkpoint):
    assert json.loads(minitf("show", checkpoint, "stray", "--json")[1])["value"] == [1, 2]
    assert json.loads(minitf("show", checkpoint, SLOT, "--json")[1])["value"] == [["nan"] * 3] * 2
    assert json.loads(minitf("show", checkpoint, "net/state/.ATTRIBUTES/py_state", "--json")[1])["value"] == {"base64": "/wA="}


def test_show_of_a_key_that_is_not_there_names_similar_ones(minitf, checkpoint):
    code, out, err = minitf("show", checkpoint, "net/kernal")
    assert (code, out) == (1, "")
    assert "Similar: net/kernel" in err


def test_get_writes_what_numpy_reads(minitf, checkpoint, tmp_path):
    target = tmp_path / "kernel"
    code, out, _ = minitf("get", checkpoint, "net/kernel", "-o", target)
    assert code == 0
    assert str(target) in out
    loaded = np.load(target)
    assert loaded.dtype == np.float32
    np.testing.assert_array_equal(loaded, contents()[1][KERNEL])


def test_get_writes_the_bytes_of_a_string(minitf, checkpoint, tmp_path):
    assert minitf("get", checkpoint, "net/state/.ATTRIBUTES/py_state", "-o", tmp_path / "state")[0] == 0
    assert (tmp_path / "state").read_bytes() == b"\xff\x00"


def test_get_widens_bfloat16_and_says_so(minitf, tmp_path):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    path = write(
        tmp_path / "half", None, {"x": np.array([1.5, -2.0], ml_dtypes.bfloat16), "i": np.array([-3, 7], ml_dtypes.int4)}
    )
    facts = json.loads(minitf("get", path, "x", "-o", tmp_path / "x.npy", "--json")[1])
    assert (facts["dtype"], facts["stored_as"]) == ("bfloat16", "float32")
    assert np.load(tmp_path / "x.npy").tolist() == [1.5, -2.0]
    assert "widened to int8" in minitf("get", path, "i", "-o", tmp_path / "i.npy")[1]
    assert np.load(tmp_path / "i.npy").tolist() == [-3, 7]


def test_get_refuses_an_array_of_strings_and_writes_nothing(minitf, tmp_path):
    path = write(tmp_path / "texts", None, {"x": np.array([b"a", b"b\0"], object)})
    code, _, err = minitf("get", path, "x", "-o", tmp_path / "x.npy")
    assert code == 1
    assert "pickle" in err
    assert not (tmp_path / "x.npy").exists()


def test_get_into_a_directory_that_is_not_there(minitf, checkpoint, tmp_path):
    code, _, err = minitf("get", checkpoint, "stray", "-o", tmp_path / "no" / "x.npy")
    assert code == 1
    assert err.count("\n") == 1


def test_get_leaves_an_older_file_alone_if_the_disk_is_full(minitf, checkpoint, tmp_path, monkeypatch):
    def full(self, handle, data, offset):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    target = tmp_path / "kernel.npy"
    assert minitf("get", checkpoint, "net/kernel", "-o", target)[0] == 0
    before = target.read_bytes()
    monkeypatch.setattr("minitf.storage.files.Disk.write", full)
    for path in (target, tmp_path / "new.npy"):
        code, _, err = minitf("get", checkpoint, "stray", "-o", path)
        assert (code, err) == (1, f"minitf get: write: {path}: No space left on device.\n")
    assert target.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir() if "npy" in path.name) == ["kernel.npy"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_get_writes_to_what_is_behind_a_link_and_to_a_pipe(minitf, checkpoint, tmp_path):
    (tmp_path / "link.npy").symlink_to("there.npy")
    assert minitf("get", checkpoint, "net/kernel", "-o", tmp_path / "link.npy")[0] == 0
    assert (tmp_path / "link.npy").is_symlink()
    assert np.load(tmp_path / "there.npy").shape == (2, 3)
    os.mkfifo(tmp_path / "pipe")
    reading = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_bytes()))
    read = []
    reading.start()
    assert minitf("get", checkpoint, "net/kernel", "-o", tmp_path / "pipe")[0] == 0
    reading.join(60)
    assert read == [(tmp_path / "there.npy").read_bytes()]


# -- diff ----------------------------------------------------------------------------------------------------------------


def test_diff_of_equal_checkpoints_is_0(minitf, checkpoint, tmp_path):
    code, out, _ = minitf("diff", checkpoint, write(tmp_path / "b", *contents()))
    assert (code, out) == (0, "0 differences, 4 values equal\n")


def test_diff_finds_each_kind_of_difference(minitf, checkpoint, tmp_path):
    graph, values = contents()
    values[KERNEL][1, 2] += 0.5
    values[SLOT] = values[SLOT][:1]
    values["stray"] = values["stray"].astype(np.int32)
    del values["net/state/.ATTRIBUTES/py_state"]
    values["more"] = np.zeros(1)
    graph.nodes[0].children[2] = ("best", 3)
    code, out, _ = minitf("diff", checkpoint, write(tmp_path / "b", graph, values), "--json")
    assert code == 1
    assert [(one["key"], one["what"], one["detail"]) for one in json.loads(out)["differences"]] == [
        ("more", "only in B", "float64 (1,)"),
        (KERNEL, "value", "1 of 6 elements, by at most 0.5"),
        (SLOT, "shape", "(2, 3) and (1, 3)"),
        ("net/state/.ATTRIBUTES/py_state", "only in A", "string ()"),
        ("stray", "dtype", "int64 and int32"),
        ("the root -> best", "edge", "leads to net and to opt"),
    ]


def test_diff_does_not_mind_how_objects_are_numbered(minitf, checkpoint, tmp_path):
    graph, values = contents()
    graph.nodes[3], graph.nodes[5] = graph.nodes[5], graph.nodes[3]
    graph.nodes[0].children[1] = ("opt", 5)
    graph.nodes[1].children[1] = ("state", 3)
    assert minitf("diff", checkpoint, write(tmp_path / "b", graph, values))[0] == 0


@pytest.mark.parametrize("option, code", [(["--atol", "0.1"], 0), (["--rtol", "0.1"], 0), (["--atol", "0.01"], 1), ([], 1)])
def test_diff_with_a_tolerance(minitf, tmp_path, option, code):
    a = write(tmp_path / "a", None, {"x": np.array([1.0, np.nan])})
    b = write(tmp_path / "b", None, {"x": np.array([1.05, np.nan])})
    assert minitf("diff", a, b, *option)[0] == code


@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
@pytest.mark.parametrize(("rtol", "atol"), [(1e-5, 0.0), (0.1, 0.0), (0.0, 0.1), (0.0, 1e300), (1e30, 0.0), (3.0, 0.5)])
def test_diff_means_by_a_tolerance_what_numpy_means(minitf, tmp_path, dtype, rtol, atol):
    values = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, 1.05, -1.0, 1e200, 1.01e200], dtype)
    x, y = (array.ravel() for array in np.meshgrid(values, values))
    a, b = (write(tmp_path / name, None, {"x": value}) for name, value in (("a", x), ("b", y)))
    apart = np.count_nonzero(~np.isclose(x, y, rtol, atol, equal_nan=True))
    code, out, _ = minitf("diff", a, b, f"--rtol={rtol}", f"--atol={atol}")
    assert (code, f"  {apart} of {x.size} elements" in out) == (1, True)


def test_diff_sees_a_zero_change_its_sign(minitf, tmp_path):
    a, b = (write(tmp_path / name, None, {"x": np.array([x, 1.0])}) for name, x in (("a", 0.0), ("b", -0.0)))
    assert "1 of 2 elements, by at most 0" in minitf("diff", a, b)[1]


def test_diff_with_a_tolerance_that_is_no_number(minitf, checkpoint):
    code, _, err = minitf("diff", checkpoint, checkpoint, "--atol", "much")
    assert (code, "argument --atol: 'much' is no number" in err) == (2, True)


# -- verify --------------------------------------------------------------------------------------------------------------


def test_verify_of_a_good_checkpoint(minitf, checkpoint):
    code, out, _ = minitf("verify", checkpoint)
    assert code == 0
    assert out.startswith("all is well: 5 of 5 values read")


def test_verify_names_the_value_that_a_changed_byte_belongs_to(minitf, checkpoint):
    data = checkpoint + ".data-00000-of-00001"
    with open(data, "rb") as file:
        content = bytearray(file.read())
    at = content.index(np.arange(6, dtype=np.float32).tobytes())
    content[at] ^= 1
    with open(data, "wb") as file:
        file.write(content)
    code, out, _ = minitf("verify", checkpoint, "--json")
    assert code == 1
    assert [found["key"] for found in json.loads(out)["problems"]] == [KERNEL]
    code, out, _ = minitf("verify", checkpoint)
    assert code == 1
    assert KERNEL in out
    assert "1 problem: 4 of 5 values read" in out


def test_verify_does_not_call_damaged_what_there_is_no_tensor_for(minitf, tmp_path):
    np.savez(tmp_path / "p.npz", a=np.ones(2), b=np.array([None], object))
    code, out, _ = minitf("verify", str(tmp_path / "p.npz"))
    assert code == 1
    assert out.startswith(f"unreadable  {tmp_path}/p.npz: key 'b': it is a pickled object")
    assert "1 problem: 1 of 2 values read" in out
    assert "damaged" not in out


def test_verify_of_a_damaged_index(minitf, checkpoint):
    index = checkpoint + ".index"
    with open(index, "rb") as file:
        content = bytearray(file.read())
    content[10] ^= 0x40
    with open(index, "wb") as file:
        file.write(content)
    code, out, _ = minitf("verify", checkpoint, "--json")
    assert code == 1
    assert len(json.loads(out)["problems"]) == 1


def test_verify_finds_an_object_without_its_value(minitf, tmp_path):
    graph, values = contents()
    del values[SLOT]
    code, out, _ = minitf("verify", write(tmp_path / "lacks", graph, values))
    assert code == 1
    assert "net/kernel/.OPTIMIZER_SLOT/opt/m has its value under" in out


def damaged_newest(tmp_path):
    """A directory of two checkpoints, of which the newer one has a damaged index."""
    paths = [write(tmp_path / f"m-{number}", *contents()) for number in (1, 2)]
    write_state(str(tmp_path), CheckpointState(paths[1], paths))
    with open(paths[1] + ".index", "r+b") as file:
        file.seek(10)
        byte = file.read(1)[0]
        file.seek(10)
        file.write(bytes([byte ^ 0x40]))
    return paths


@pytest.mark.parametrize("form", ["", "checkpoint"])
def test_verify_of_a_directory_looks_at_the_newest_though_an_older_one_is_whole(minitf, tmp_path, form):
    older, newest = damaged_newest(tmp_path)
    code, out, _ = minitf("verify", tmp_path / form)
    assert (code, newest in out, "damaged" in out) == (1, True, True)
    facts = json.loads(minitf("verify", tmp_path / form, "--json")[1])
    assert (facts["checkpoint"], len(facts["problems"])) == (newest, 1)
    assert minitf("ls", tmp_path)[1].startswith(older)  # whoever wants values gets the one that has them


def test_verify_says_what_it_has_read(minitf, tmp_path):
    path = write(tmp_path / "m-1", *contents())
    write_state(str(tmp_path), CheckpointState(path, [path]))
    assert minitf("verify", tmp_path)[1].endswith(f" ({path})\n")
    assert json.loads(minitf("verify", tmp_path, "--json")[1])["checkpoint"] == path
    os.unlink(path + ".index")
    code, _, err = minitf("verify", tmp_path)
    assert (code, f"names '{path}', which is not there" in err) == (1, True)


# -- numbers -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype, x, y, apart", [
    ("int64", 2**53, 2**53 + 1, "1"), ("int64", -(2**63), 2**63 - 1, str(2**64 - 1)), ("uint64", 2**64 - 1, 0, str(2**64 - 1)),
    ("int8", -128, 127, "255"), ("uint8", 0, 255, "255"), ("bool", False, True, "1"), ("float32", 1.0, 1.5, "0.5"),
    ("float64", 1.0, np.inf, "inf"), ("float64", 1.0, np.nan, "nan"), ("complex64", 3 + 4j, 0, "5"),
])  # fmt: skip
def test_diff_says_how_far_values_are_apart(minitf, tmp_path, dtype, x, y, apart):
    a, b = (write(tmp_path / name, None, {"v": np.array([value, 1], dtype)}) for name, value in (("a", x), ("b", y)))
    for one, other in ((a, b), (b, a)):
        assert f"1 of 2 elements, by at most {apart}\n" in minitf("diff", one, other)[1]


@pytest.mark.parametrize("option, told", [
    (["--atol", "0.1"], "1 of 3 elements, by at most 3"), (["--rtol", "0.5"], "1 of 3 elements, by at most 3"),
    (["--atol", "5"], None),
    (["--atol", "inf"], None), ([], "2 of 3 elements, by at most 3"),
])  # fmt: skip
def test_diff_counts_what_is_beyond_the_tolerance(minitf, tmp_path, option, told):
    a, b = (write(tmp_path / n, None, {"v": np.array([1.0, x, np.inf])}) for n, x in (("a", 2.0), ("b", 5.0)))
    b = write(tmp_path / "b", None, {"v": np.array([1.05, 5.0, np.inf])})
    code, out, err = minitf("diff", a, b, *option)
    assert (code, err) == (int(told is not None), "")
    assert told is None or told in out


@pytest.mark.parametrize("words", [["--atol", "-1"], ["--rtol", "nan"], ["--rtol", "much"]])
def test_diff_refuses_what_is_no_tolerance(minitf, checkpoint, words):
    assert minitf("diff", checkpoint, checkpoint, *words)[0] == 2


# -- get into a pipe -----------------------------------------------------------------------------------------------------


def test_get_writes_to_stdout(checkpoint, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "minitf", "get", checkpoint, "net/kernel", "-o", "-"], capture_output=True, check=True
    )
    assert done.stderr == b""
    np.testing.assert_array_equal(np.load(io.BytesIO(done.stdout)), contents()[1][KERNEL])
    done = subprocess.run(
        [sys.executable, "-m", "minitf", "get", checkpoint, "net/state/.ATTRIBUTES/py_state", "-o", "-"],
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"\xff\x00"


def test_get_to_stdout_leaves_no_room_for_json(minitf, checkpoint):
    assert minitf("get", checkpoint, "net/kernel", "-o", "-", "--json")[0] == 2


def test_get_says_which_file_cannot_be_written(minitf, checkpoint, tmp_path):
    assert minitf("get", checkpoint, "net/kernel", "-o", tmp_path)[2] == f"minitf get: {tmp_path}: Is a directory\n"


# -- a part of a value ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["", ":", "1", "-1", "0,1", "1:", ":1", "-1:", "0:2,1:3", ":,-1", " 1 : 2 , 0 ", "1:1", "1:0", "0:99", "1,-3:-1"]
)
def test_slices_are_those_of_numpy(minitf, checkpoint, tmp_path, text):
    kernel = contents()[1][KERNEL]
    wanted = kernel[eval(f"np.s_[{text}]")] if text else kernel
    code, out, _ = minitf("show", checkpoint, "net/kernel", f"--slice={text}", "--json")
    facts = json.loads(out)
    assert (code, facts["value"], facts["shape"], facts["bytes"]) == (0, wanted.tolist(), list(wanted.shape), wanted.nbytes)
    assert minitf("get", checkpoint, "net/kernel", f"--slice={text}", "--unverified", "-o", tmp_path / "x.npy")[0] == 0
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), wanted)


@pytest.mark.parametrize("text, said", [
    ("0,0,0", "has 3 dimensions"), ("2", "there is no index 2 in dimension 0"), ("0,-4", "there is no index -4 in dimension 1"),
    ("a", "'a' is neither an index nor a range"), ("0:2:1", "'0:2:1' is neither"), ("0,", "'' is neither"),
])  # fmt: skip
def test_slices_that_are_none(minitf, checkpoint, text, said):
    code, _, err = minitf("show", checkpoint, "net/kernel", "--slice", text)
    assert (code, said in err) == (1, True), err


def test_show_says_which_part_it_shows(minitf, checkpoint):
    assert "slice     1" in minitf("show", checkpoint, "net/kernel", "--slice", "1")[1]
    assert minitf("show", checkpoint, "net/kernel", "--unverified")[0] == 2


def test_a_part_that_is_not_verified_comes_from_a_damaged_value(minitf, checkpoint):
    data = checkpoint + ".data-00000-of-00001"
    with open(data, "rb") as file:
        content = bytearray(file.read())
    content[content.index(np.arange(6, dtype=np.float32).tobytes())] ^= 1  # of the first row
    with open(data, "wb") as file:
        file.write(content)
    assert "checksum does not match" in minitf("show", checkpoint, "net/kernel", "--slice", "1")[2]
    assert minitf("show", checkpoint, "net/kernel", "--slice", "1", "--unverified")[1].splitlines()[-1] == "[3. 4. 5.]"


def test_show_gives_all_digits_of_integers(minitf, tmp_path):
    values = {"steps": np.array([1234567, 1234569]), "far": np.uint64([2**64 - 1, 2**64 - 3]), "small": np.int8([-3, 4])}
    path = write(tmp_path / "ints", None, values)
    for key, value in values.items():
        told = dict(line.split(None, 1) for line in minitf("show", path, key)[1].splitlines()[:6])
        assert (told["least"], told["greatest"]) == (str(value.min()), str(value.max()))
