"""The command looks into every file that TensorFlow wrote for the tests: the listing is the manifest's, nothing is damaged."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from minitf.saved import OBJECT_GRAPH_KEY

GOLDEN = Path(__file__).parent.parent / "golden"
CHECKPOINTS = {
    f"{manifest.parent.name}/{Path(name).name}": (manifest.parent / name, listed["keys"])
    for manifest in sorted(GOLDEN.glob("*/manifest.json"))
    for name, listed in json.loads(manifest.read_text(encoding="utf-8"))["checkpoints"].items()
}
every_checkpoint = pytest.mark.parametrize("path, keys", CHECKPOINTS.values(), ids=CHECKPOINTS)


@every_checkpoint
def test_ls_lists_what_the_manifest_lists(minitf, path, keys):
    code, out, err = minitf("ls", path, "--json")
    assert (code, err) == (0, "")
    listed = {one["key"]: (one["dtype"], one["shape"]) for one in json.loads(out)["values"]}
    expected = {key: (fact["dtype"].replace("half", "float16"), fact["shape"]) for key, fact in keys.items()}
    expected.pop(OBJECT_GRAPH_KEY, None)
    assert listed == expected


@every_checkpoint
def test_the_listing_for_people_misses_nothing(minitf, path, keys):
    code, out, err = minitf("ls", path)
    assert (code, err) == (0, "")
    assert "not in the file" not in out
    assert out.splitlines()[-1].split()[0] == str(len(keys.keys() - {OBJECT_GRAPH_KEY}))


@every_checkpoint
def test_verify_finds_no_damage(minitf, path, keys):
    code, out, _ = minitf("verify", path, "--json")
    assert (code, json.loads(out)["problems"]) == (0, [])
    assert json.loads(out)["values"] == len(keys)


@pytest.mark.parametrize("path, keys", [CHECKPOINTS["eager_nested/model-1"]])
def test_get_gives_the_bytes_of_the_manifest(minitf, path, keys, tmp_path):
    for key in keys.keys() - {OBJECT_GRAPH_KEY}:
        assert minitf("get", path, key, "-o", tmp_path / "value.npy")[0] == 0
        assert hashlib.sha256(np.load(tmp_path / "value.npy").tobytes()).hexdigest() == keys[key]["sha256"]
