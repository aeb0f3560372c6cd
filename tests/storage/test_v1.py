"""V1 checkpoints: read as TensorFlow reads them, written as TensorFlow writes them."""

from __future__ import annotations

import numpy as np
import pytest
from golden_files import ROOT, cases, check_value, expected
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from minitf import errors
from minitf.core.dtypes import as_dtype
from minitf.storage.bundle import TensorBundle
from minitf.storage.bundle.coding import slice_key
from minitf.storage.bundle.table import Table, table_chunks
from minitf.storage.v1 import TensorSlices, reader
from minitf.storage.v1.numbers import pack_varints, unpack_varints
from minitf.storage.v1.records import TensorMeta, encode_meta, encode_values
from minitf.storage.values import Partitioned, Typed
from minitf.storage.varint import varint

from .values_to_save import flow

V1 = list(cases("v1"))


@pytest.mark.parametrize(("case", "prefix"), V1)
def test_values_are_those_of_the_manifest(case, prefix):
    reader = TensorSlices().open(ROOT / case / prefix)
    wanted = expected(case, prefix)
    assert reader.keys() == sorted(wanted)
    for key, value in zip(reader.keys(), reader.read_many(reader.keys()), strict=True):
        spec = reader.spec(key)
        assert (spec.dtype.name, list(spec.shape)) == (wanted[key]["dtype"], wanted[key]["shape"])
        check_value(value, wanted[key], f"{case} {key}")
        check_value(reader.read(key), wanted[key], f"{case} {key} alone")
        assert value.dtype == spec.dtype.np


@pytest.mark.parametrize(("case", "prefix"), V1)
def test_rewriting_gives_the_same_bytes(case, prefix, tmp_path):
    stem = prefix.removesuffix("-?????-of-00002")
    assert TensorSlices().write_shards(tmp_path / stem, TensorSlices().open(ROOT / case / prefix).contents()) == str(
        tmp_path / prefix
    )
    written = sorted(path.name for path in tmp_path.iterdir())
    assert len(written) == (2 if "sharded" in case else 1)
    for name in written:
        assert (tmp_path / name).read_bytes() == (ROOT / case / name).read_bytes(), name


@given(st.lists(st.one_of(st.integers(0, 300), st.integers(0, 2**64 - 1))))
def test_packed_varints(numbers):
    packed = pack_varints(np.array(numbers, np.uint64))
    assert packed == b"".join(map(varint, numbers))
    assert unpack_varints(packed, "here").tolist() == numbers


@given(
    st.sampled_from(["f4", "f8", "i1", "u1", "i2", "u2", "i4", "i8", "?", "c8", "c16", "f2"]).flatmap(
        lambda dtype: npst.arrays(dtype, npst.array_shapes(min_dims=0, min_side=0, max_side=5))
    )
)
def test_every_value_comes_back(tmp_path_factory, array):
    path = tmp_path_factory.mktemp("v1") / "p"
    TensorSlices(durable=False).write(path, {"a": array, "b": np.array([b"x", "é", b""], object)})
    reader = TensorSlices().open(path)
    found = reader.read("a")
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    assert found.tobytes() == array.tobytes()
    assert reader.read("b").tolist() == [b"x", "é".encode(), b""]


def test_partitioned_tensors_whole_and_regions(tmp_path):
    whole = np.arange(24).reshape(4, 6)
    cut = Partitioned(
        (4, 6), [(((0, 3), None), whole[:3]), (((3, 1), (0, 4)), whole[3:, :4]), (((3, 1), (4, 2)), whole[3:, 4:])]
    )
    TensorSlices().write(tmp_path / "p", {"w": cut})
    reader = TensorSlices().open(tmp_path / "p")
    np.testing.assert_array_equal(reader.read("w"), whole)
    np.testing.assert_array_equal(reader.read_slice("w", [2, 3], [-1, 2]), whole[2:, 3:5])
    assert reader.slices("w") == [((0, 3), None), ((3, 1), (0, 4)), ((3, 1), (4, 2))]


def test_dtypes_that_the_format_lacks_are_refused(tmp_path):
    with pytest.raises(errors.UnimplementedError, match="uint64"):
        TensorSlices().write(tmp_path / "p", {"w": np.ones(3, np.uint64)})
    assert list(tmp_path.iterdir()) == []


def test_quantised_kinds_keep_their_dtype(tmp_path):
    TensorSlices().write(tmp_path / "p", {"q": Typed("qint8", np.array([-1, 5], np.int8))})
    reader = TensorSlices().open(tmp_path / "p")
    assert reader.spec("q").dtype.name == "qint8"
    assert reader.read("q").tolist() == [-1, 5]


def test_a_v2_checkpoint_is_not_hidden_behind_a_v1_one(tmp_path):
    TensorBundle().write(tmp_path / "p", {"a": np.ones(2)})
    with pytest.raises(errors.AlreadyExistsError, match="V2"):
        TensorSlices().write(tmp_path / "p", {"a": np.ones(2)})


def test_missing_and_wrong_paths(tmp_path):
    with pytest.raises(errors.NotFoundError, match="matching files"):
        TensorSlices().open(tmp_path / "nothing")
    with pytest.raises(errors.DataLossError, match="directory"):
        TensorSlices().open(tmp_path)
    (tmp_path / "junk").write_bytes(b"x" * 100)
    with pytest.raises(errors.DataLossError, match="magic"):
        TensorSlices().open(tmp_path / "junk")


def by_turns(path, count):
    """Pieces in two blocks, listed by turns."""
    order = [n for pair in zip(range(count // 2), range(count // 2, count), strict=True) for n in pair]
    metas = [TensorMeta("a", (count,), as_dtype("float32"), tuple(((n, 1),) for n in order))]
    records = {b"": encode_meta(metas)}
    for n in range(count):
        key = slice_key(b"a", ((n, 1),))
        records[key] = encode_values("a", ((n, 1),), flow(np.full(1, n, np.float32)))
    keys = sorted(records)
    size = sum(map(len, records.values())) // 2
    path.write_bytes(b"".join(table_chunks(keys, [records[key] for key in keys], block_size=size)))
    return TensorSlices().open(path)


@pytest.mark.parametrize("keep", [1 << 20, 0])
def test_pieces_in_several_blocks_by_turns(tmp_path, monkeypatch, keep):
    monkeypatch.setattr(reader, "KEEP", keep)
    found = by_turns(tmp_path / "v1", 60)
    looked = []
    block = Table.block
    monkeypatch.setattr(Table, "block", lambda table, number: looked.append(number) or block(table, number))
    np.testing.assert_array_equal(found.read("a"), np.arange(60, dtype=np.float32))
    assert len(looked) <= 4 if keep else len(looked) > 20


def test_of_the_blocks_that_are_kept_the_oldest_goes_first(tmp_path, monkeypatch):
    found = by_turns(tmp_path / "v1", 60)
    [file] = found._files
    sizes = [size for _, size in file._table.handles]
    assert len(sizes) == 3
    looked = []
    block = Table.block
    monkeypatch.setattr(Table, "block", lambda table, number: looked.append(number) or block(table, number))
    monkeypatch.setattr(reader, "KEEP", sum(sizes) - 1)
    first, second, third = (file._table.bounds[number] for number in (0, 1, 2))
    with file.opened():
        for key in (second, third, second, first, second, third):
            file.record(key)
        assert looked == [1, 2, 0, 2]
    with file.opened():
        file.record(second)
        assert looked == [1, 2, 0, 2]
    monkeypatch.setattr(reader, "KEEP", 1)
    with file.opened():
        file.record(second)
        assert len(file._kept) == 1
    assert not file._kept


def test_a_tensor_that_is_listed_piece_by_piece(tmp_path):
    f4 = as_dtype("float32")
    metas = [TensorMeta("a", (3,), f4, (((n, 1),),)) for n in (2, 0, 1)]
    metas.insert(1, TensorMeta("b", (), f4, ((),)))
    records = {b"": encode_meta(metas), slice_key(b"b", ()): encode_values("b", (), flow(np.array(7, np.float32)))}
    for n in range(3):
        records[slice_key(b"a", ((n, 1),))] = encode_values("a", ((n, 1),), flow(np.full(1, n, np.float32)))
    keys = sorted(records)
    (tmp_path / "v1").write_bytes(b"".join(table_chunks(keys, [records[key] for key in keys])))
    found = TensorSlices().open(tmp_path / "v1")
    assert found.slices("a") == [((2, 1),), ((0, 1),), ((1, 1),)]
    assert found.read("a").tolist() == [0, 1, 2]
    assert found.read("b") == 7
