"""Golden checkpoints (tests/golden): where they are, what their manifests say, and a comparison with it."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parent.parent / "golden"


def manifest(case: str) -> dict[str, Any]:
    return json.loads((ROOT / case / "manifest.json").read_text())


def cases(file_format: str) -> Iterator[tuple[str, str]]:
    """(case, prefix) of all checkpoints of a format."""
    for folder in sorted(path for path in ROOT.iterdir() if path.is_dir()):
        described = manifest(folder.name)
        if described["format"] == file_format:
            for prefix in described["checkpoints"]:
                yield folder.name, prefix.removeprefix("./")


def expected(case: str, prefix: str) -> dict[str, dict[str, Any]]:
    found = manifest(case)["checkpoints"]
    return found.get(prefix, found.get(f"./{prefix}"))["keys"]


def check_value(value: np.ndarray, wanted: dict[str, Any], where: str) -> None:
    """Asserts that a value is the one that a manifest describes."""
    assert list(value.shape) == wanted["shape"], where
    if wanted["dtype"] == "variant":
        assert all(type(item) is bytes for item in value.reshape(-1).tolist()), where
    elif wanted["dtype"] == "string":
        items = value.reshape(-1).tolist()
        digest = hashlib.sha256(b"".join(len(item).to_bytes(8, "little") + item for item in items)).hexdigest()
        assert digest == wanted["sha256_len64le_bytes"], where
        if "values_base64" in wanted:
            assert items == [base64.b64decode(text) for text in wanted["values_base64"]], where
    else:
        assert "sha256" in wanted or "values" in wanted, where
        if "sha256" in wanted:
            assert hashlib.sha256(value.tobytes()).hexdigest() == wanted["sha256"], where
        if "values" in wanted:
            found = [_plain(item) for item in value.reshape(-1)[:40]]
            assert found == wanted["values"], where


def _plain(item: Any) -> Any:
    """A number as manifests write it."""
    if isinstance(item, (complex, np.complexfloating)):
        return [_plain(item.real), _plain(item.imag)]
    if isinstance(item, np.bool_):
        return bool(item)
    if isinstance(item, np.integer) or type(item).__name__ in ("int4", "uint4", "int2", "uint2"):
        return int(item)
    number = float(item)
    if math.isnan(number):
        return "NaN"
    return number if math.isfinite(number) else ("Infinity" if number > 0 else "-Infinity")
