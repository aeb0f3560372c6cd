"""What TensorFlow wrote is read as TensorFlow reads it, and written again it is the same bytes."""

from __future__ import annotations

import re

import numpy as np
import pytest
from golden_files import ROOT, cases, check_value, expected, manifest

from minitf.saved import OBJECT_GRAPH_KEY
from minitf.storage.bundle import TensorBundle
from minitf.storage.bundle.merge import merge
from minitf.storage.messages import decode_graph, encode_graph

V2 = list(cases("v2"))


@pytest.mark.parametrize(("case", "prefix"), V2)
def test_values_are_those_of_the_manifest(case, prefix):
    reader = TensorBundle().open(ROOT / case / prefix)
    wanted = expected(case, prefix)
    assert reader.keys() == sorted(wanted, key=lambda key: key.encode())
    values = reader.read_many(reader.keys())
    for key, value in zip(reader.keys(), values, strict=True):
        spec = reader.spec(key)
        assert key in reader
        assert (spec.dtype.name, list(spec.shape)) == (wanted[key]["dtype"], wanted[key]["shape"])
        check_value(value, wanted[key], f"{case} {key}")
        assert value.dtype == spec.dtype.np
        if "dtypes" in case:
            check_value(reader.read(key), wanted[key], f"{case} {key} alone")


def test_no_golden_file_is_forgotten():
    assert (len(V2), len(list(cases("v1")))) == (29, 4)


@pytest.mark.parametrize(("case", "prefix"), V2)
def test_rewriting_gives_the_same_bytes(case, prefix, tmp_path):
    original = ROOT / case / prefix
    TensorBundle().write_shards(tmp_path / prefix, TensorBundle().open(original).contents())
    names = sorted(
        path.name for path in original.parent.iterdir() if re.match(re.escape(prefix) + r"\.(index|data)", path.name)
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    for name in names:
        assert (tmp_path / name).read_bytes() == (original.parent / name).read_bytes(), name


@pytest.mark.parametrize(("case", "prefix"), [c for c in V2 if OBJECT_GRAPH_KEY in expected(*c)])
def test_object_graph_is_read_and_written_byte_for_byte(case, prefix):
    reader = TensorBundle().open(ROOT / case / prefix)
    stored = reader.read(OBJECT_GRAPH_KEY).item()
    graph = decode_graph(stored, case)
    assert encode_graph(graph) == stored
    checkpoints = manifest(case)["checkpoints"]
    wanted = checkpoints.get(prefix, checkpoints.get(f"./{prefix}")).get("object_graph")
    if wanted is None:
        return
    assert len(graph.nodes) == len(wanted["nodes"])
    for node, described in zip(graph.nodes, wanted["nodes"], strict=True):
        assert [list(edge) for edge in node.children] == described["children"]
        assert [[slot.variable, slot.slot_name, slot.slot] for slot in node.slots] == [
            list(slot.values()) if isinstance(slot, dict) else slot for slot in described["slot_variables"]
        ]
        assert [v.key for v in node.values] == [v["checkpoint_key"] for v in described["attributes"]]
        assert node.has_values is described["has_checkpoint_values"]


def test_merging_gives_what_tensorflow_merged(tmp_path):
    """``merged_two`` was made by TensorFlow from two bundles; made again from their parts it has the same bytes."""
    original = ROOT / "merged_two" / "merged"
    shards = TensorBundle().open(original).contents()
    parts = []
    for number, shard in enumerate(shards):
        parts.append(str(tmp_path / f"part{number}" / "p"))
        TensorBundle().write_shards(parts[-1], [shard])
    merge(parts, tmp_path / "merged")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        path.name for path in original.parent.iterdir() if path.name.startswith("merged")
    )
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (original.parent / path.name).read_bytes(), path.name


@pytest.mark.parametrize(("case", "prefix"), [c for c in V2 if manifest(c[0]).get("slices")] + [("two_shards", "two-1")])
def test_regions_of_partitioned_tensors(case, prefix):
    reader = TensorBundle().open(ROOT / case / prefix)
    rng = np.random.default_rng(1)
    tried = 0
    for key in reader.keys():
        shape = reader.spec(key).shape
        whole = reader.read(key)
        for _ in range(20 if reader.slices(key) else 1):
            begin = [int(rng.integers(0, n + 1)) for n in shape]
            size = [int(rng.integers(-1 if n > b else 0, n - b + 1)) for n, b in zip(shape, begin, strict=True)]
            region = tuple(slice(b, n if s == -1 else b + s) for b, s, n in zip(begin, size, shape, strict=True))
            for verify in (True, False):
                found = reader.read_slice(key, begin, size, verify=verify)
                assert found.dtype == whole.dtype
                np.testing.assert_array_equal(found, whole[region])
                tried += 1
    assert tried > 20
