"""Reading into memory that is there, of the storages of one file."""

import io
import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from crc32c import crc32c

from minitf.core.dtypes import named
from minitf.errors import AbortedError, DataLossError, NotFoundError
from minitf.storage.carried import checksum, encode_notes
from minitf.storage.npz import Npz
from minitf.storage.safetensors import Safetensors
from minitf.storage.values import Typed

from .open_files import Open
from .values_to_save import EXTENSION, NATIVE, extension_array

STORAGES = [Safetensors, Npz]
BIG = np.arange(1_000_000, dtype=np.float32).reshape(1000, 1000)
VALUES = {
    **{f"native {name}": (np.arange(-3, 9) % 7).reshape(3, 4).astype(name) for name in NATIVE},
    **{f"extension {name}": extension_array(name, (2, 5)) for name in EXTENSION},
    "scalar": np.float32(3),
    "strings": np.array([[b"a", b""], [b"\xff\x00", b"long" * 99]], object),
    "quantised": Typed("qint8", np.arange(-3, 9).astype(np.int8)),
    "none": np.zeros((0, 3)),
    "big": BIG,
}


@pytest.fixture
def prefix(tmp_path):
    return str(tmp_path / "ckpt")


def equal(a, b):
    return (
        a.dtype == b.dtype
        and a.shape == b.shape
        and (a.tolist() == b.tolist() if a.dtype == object else a.tobytes() == b.tobytes())
    )


def place_of(path, array):
    return Path(path).read_bytes().index(array.tobytes())


@pytest.mark.parametrize("kind", STORAGES)
def test_the_values_are_those_of_read(prefix, kind):
    """Verified first: until ``fill`` is called the memory that is taken is as it was."""
    kind(durable=False).write(prefix, VALUES)
    reader = kind().open(prefix)
    keys = [*reader.keys(), "big"]  # one of them twice, for two variables
    spare = [np.zeros_like(reader.read(key)) for key in keys]
    spare[keys.index("native i4")] = None
    spare[keys.index("scalar")] = np.zeros(7)  # does not fit, and is left alone
    with reader.reading_over(keys, spare) as (found, fill):
        taken = [value is other for value, other in zip(found, spare, strict=True)]
        left = {"native i4", "scalar", "strings", "none", *(key for key in keys if reader.spec(key).dtype.kind in "SV")}
        assert {key for key, one in zip(keys, taken, strict=True) if not one} == left
        assert not spare[-1].any()
        fill()
    for key, value in zip(keys, found, strict=True):
        assert equal(value, reader.read(key)), key
    assert not spare[keys.index("scalar")].any()


@pytest.mark.parametrize("name", ["bool", "int4"])
def test_carried_bytes_that_are_no_values_are_made_valid(prefix, name):
    raw = bytes([0, 1, 2, 255, 16, 7])
    note = {"dtype": name, "shape": [6]}
    notes = encode_notes({"a": note}, {"a": checksum(crc32c(raw), "U8", (6, 1), note)})
    entry = {"dtype": "U8", "shape": [6, 1], "data_offsets": [0, 6]}
    header = json.dumps({"__metadata__": {"written_by": "minitf", "minitf": notes}, "a": entry}).encode()
    Path(f"{prefix}.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + raw)
    reader = Safetensors().open(prefix)
    spare = np.zeros(6, named(name).np)
    with reader.reading_over(["a"], [spare]) as ([value], fill):
        assert value is spare
        fill()
    assert spare.view(np.uint8).tolist() == ([0, 1, 1, 1, 1, 1] if name == "bool" else [0, 1, 2, 15, 0, 7])
    assert equal(spare, reader.read("a"))


@pytest.mark.parametrize("kind", STORAGES)
@pytest.mark.parametrize("key", ["a", "b"])
def test_damage_changes_nothing(prefix, kind, key):
    values = {"a": BIG, "b": BIG + 1}
    kind(durable=False).write(prefix, values)
    path = Path(kind().path(prefix))
    content = bytearray(path.read_bytes())
    content[place_of(path, values[key]) + BIG.nbytes - 9] ^= 1
    path.write_bytes(content)
    spare = [np.zeros_like(BIG), np.zeros_like(BIG)]
    with pytest.raises(DataLossError, match=f"key {key!r}"), kind().open(prefix).reading_over(["a", "b"], spare):
        pytest.fail("it was not verified")
    assert not any(array.any() for array in spare)


@pytest.mark.parametrize("kind", STORAGES)
def test_a_file_that_changes_between_verifying_and_filling(prefix, kind):
    kind(durable=False).write(prefix, {"a": BIG})
    reader = kind().open(prefix)
    at = place_of(reader.source, BIG)
    with reader.reading_over(["a"], [np.zeros_like(BIG)]) as (_, fill):
        with open(reader.source, "r+b") as file:
            file.seek(at)
            file.write(b"\xff" * 8)
        with pytest.raises(DataLossError, match="key 'a'"):
            fill()


@pytest.mark.parametrize("kind", STORAGES)
def test_a_file_that_is_replaced(prefix, kind):
    """Before, that is said; in between, what was verified is what is read."""
    kind(durable=False).write(prefix, {"a": BIG})
    reader = kind().open(prefix)
    spare = np.zeros_like(BIG)
    with reader.reading_over(["a"], [spare]) as (_, fill):
        kind(durable=False).write(prefix, {"a": BIG + 1})
        fill()
        assert equal(spare, BIG)
    with pytest.raises(AbortedError, match="open it again"), reader.reading_over(["a"], [spare]):
        pytest.fail("it is another one")
    assert equal(spare, BIG)


@pytest.mark.parametrize("kind", STORAGES)
def test_the_file_is_open_while_memory_is_filled_and_no_longer(prefix, kind):
    disk = Open()
    kind(durable=False).write(prefix, {"a": BIG, "b": BIG + 1})
    reader = kind(disk=disk).open(prefix)
    assert disk.paths == {}
    with reader.reading_over(["a", "b"], [np.zeros_like(BIG), None]) as (values, fill):
        assert list(disk.paths.values()) == [os.path.basename(reader.source)]
        assert equal(reader.read("b"), values[1])  # nobody has to wait
        fill()
        assert equal(values[0], BIG)
    assert disk.paths == {}
    with pytest.raises(NotFoundError), reader.reading_over(["none", "a"], [None, np.zeros_like(BIG)]):
        pytest.fail("it is not there")
    assert disk.paths == {}


def test_a_file_without_checksums(prefix):
    """Of another program: nothing can be verified, but that the bytes are there."""
    header = b'{"a":{"dtype":"F32","shape":[1000,1000],"data_offsets":[0,4000000]}}'
    path = Path(f"{prefix}.safetensors")
    path.write_bytes(len(header).to_bytes(8, "little") + header + BIG.tobytes())
    reader, spare = Safetensors().open(prefix), np.zeros_like(BIG)
    with reader.reading_over(["a"], [spare]) as ([value], fill):
        assert value is spare
        fill()
    assert equal(spare, BIG)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_archives_of_numpy(prefix, save):
    save(f"{prefix}.npz", rows=BIG, columns=np.asfortranarray(BIG), other=BIG.astype(">f4"), zeros=np.zeros_like(BIG))
    reader = Npz().open(prefix)
    keys = ["rows", "columns", "other", "zeros"]
    spare = [np.ones_like(BIG) for _ in keys]
    with reader.reading_over(keys, spare) as (found, fill):
        assert [value is other for value, other in zip(found, spare, strict=True)] == [True, False, False, True]
        fill()
    for value, wanted in zip(found, [BIG, BIG, BIG, np.zeros_like(BIG)], strict=True):
        assert equal(value, wanted)
    for key, value in zip(keys, found, strict=True):
        read = reader.read(key)
        assert equal(read, value)
        assert read.flags.c_contiguous


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_member_that_ends_before_its_array(prefix, method):
    """The directory says how long it is, with a checksum of what there is."""
    file = io.BytesIO()
    np.save(file, BIG[:1])
    content = file.getvalue()
    with zipfile.ZipFile(f"{prefix}.npz", "w", method) as archive:
        archive.writestr("a.npy", content[:-100])
    raw = bytearray(Path(f"{prefix}.npz").read_bytes())
    at = raw.rindex(b"PK\1\2") + 24
    raw[at : at + 4] = len(content).to_bytes(4, "little")
    Path(f"{prefix}.npz").write_bytes(raw)
    with pytest.raises(DataLossError, match="key 'a': 3900 of 4000 bytes are there"):
        Npz().open(prefix).read("a")
