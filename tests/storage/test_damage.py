"""TensorFlow's files with one thing changed: a typed error, or exactly what was there before. Never a silent change."""

from __future__ import annotations

import os
import random

import pytest
from golden_files import ROOT, cases

from minitf.errors import OpError
from minitf.storage.bundle import TensorBundle
from minitf.storage.v1 import TensorSlices

# Bytes in which every bit is flipped, spread over the golden files. The whole of them (all bits of 256 KB): 300000.
BYTES = int(os.environ.get("MINITF_FLIPPED_BYTES", "400"))
SMALL = [c for c in [*cases("v2"), *cases("v1")] if c[0] not in ("many_keys", "keras_adam", "tf1_saver_v1_blocks")]


def storage_of(case):
    return TensorSlices() if "v1" in case else TensorBundle()


def picture(case, prefix):
    """All of a checkpoint, in a form to compare; None if it is refused."""
    try:
        reader = storage_of(case).open(prefix)
        return [(key, reader.spec(key), _bytes(reader.read(key))) for key in reader.keys()]
    except OpError:
        return None


def _bytes(value):
    return value.tolist() if value.dtype == object else value.tobytes()


def files_of(case, prefix):
    stem = prefix.split("-?")[0]
    return [path for path in sorted((ROOT / case).iterdir()) if path.name.startswith(stem) and path.name != "checkpoint"]


@pytest.fixture
def copied(tmp_path, request):
    case, prefix = request.param
    for path in files_of(case, prefix):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return case, str(tmp_path / prefix), tmp_path


def check(case, prefix, path, changed, before):
    path.write_bytes(changed)
    found = picture(case, prefix)
    assert found is None or found == before, f"{path.name} was changed, and nobody noticed"


@pytest.mark.parametrize("copied", SMALL, indirect=True, ids=str)
def test_bits_flipped_bytes_set_and_files_cut(copied):
    case, prefix, folder = copied
    before = picture(case, prefix)
    assert before is not None
    rng = random.Random(case)
    for path in sorted(folder.iterdir()):
        content = path.read_bytes()
        places = rng.sample(range(len(content)), min(len(content), max(3, BYTES // len(SMALL) // 2)))
        for at in places:
            for bit in range(8):
                check(case, prefix, path, content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :], before)
            for byte in (b"\0", b"\xff"):
                check(case, prefix, path, content[:at] + byte + content[at + 1 :], before)
            check(case, prefix, path, content[:at], before)
        for first in range(0, max(0, len(content) - 1024), 1024):
            swapped = (
                content[:first] + content[first + 512 : first + 1024] + content[first : first + 512] + content[first + 1024 :]
            )
            check(case, prefix, path, swapped, before)
        path.write_bytes(content)
    assert picture(case, prefix) == before


def test_data_files_exchanged_between_checkpoints(tmp_path):
    """m-3 with the data of m-4: same sizes, other values."""
    for name in ("m-3.index", "m-3.data-00000-of-00001"):
        source = "m-4.data-00000-of-00001" if "data" in name else name
        (tmp_path / name).write_bytes((ROOT / "manager" / source).read_bytes())
    assert picture("manager", str(tmp_path / "m-3")) is None
