"""Saves, and restores into arrays that are there, need little memory beside them, in every format and each odd corner of it."""

from __future__ import annotations

import pytest

from tests.kernel import measuring, needs_peaks

MOST = 20  # MiB beside the value of 48

pytestmark = needs_peaks

CASES = [
    *(("another program's", "npz", way) for way in ("rows", "swapped", "columns", "columns, swapped")),
    *(("text", "npz", way) for way in ("bytes", "text")),
    *((case, kind, "") for case in ("many strings", "a long string") for kind in ("npz", "safetensors", "tf-v1")),
    *(("numbers in pieces", kind, way) for way in ("rows", "columns") for kind in ("npz", "safetensors", "tf-v1")),
    ("integers in pieces", "tf-v1", "columns"),
    ("snappy", "tf-v1", ""),
    *(("regions", kind, "") for kind in ("npz", "safetensors", "tf-v1")),
]


@pytest.fixture(scope="module")
def measure():
    with measuring("tests.storage.value_peaks") as measure:
        yield measure


@pytest.mark.parametrize(("case", "kind", "way"), CASES)
def test_little_is_needed_beside_the_value(measure, case, kind, way):
    if case == "snappy":
        pytest.importorskip("cramjam")
    found = measure(case, kind, way)
    assert max(found.values()) < MOST, found
