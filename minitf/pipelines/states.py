"""States of cursors as bytes: nested lists and dicts of numbers as JSON, and behind it the bytes of the tensors that they hold.

b"minitf iterator 1" | length of the JSON (8 bytes, little-endian) | JSON | bytes of tensors
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from minitf.core import dtypes
from minitf.core.spec import total_size
from minitf.core.tensor import Tensor
from minitf.errors import DataLossError, FailedPreconditionError
from minitf.pipelines.elements import array_of, is_dataset, tensor_of

MAGIC = b"minitf iterator 1"
_HEAD = len(MAGIC) + 8


def encoded(state: Any) -> bytes:
    """The bytes of a state. Raises FailedPreconditionError for a dataset in it that is not made of elements."""
    pieces: list[bytes] = []

    def plain(value: Any) -> Any:
        if isinstance(value, Tensor):
            array = np.asarray(array_of(value, "save"))
            if array.dtype.kind == "O":
                items = [bytes(item) for item in array.ravel().tolist()]
                pieces.extend(items)
                return {"text": [len(item) for item in items], "shape": list(array.shape)}
            pieces.append(array.tobytes())
            return {"dtype": value.dtype.name, "shape": list(array.shape)}
        if is_dataset(value):
            if value._elements is None:
                raise FailedPreconditionError(
                    f"The place in a dataset cannot be saved while it goes through {value!r}, an element of another one."
                )
            return {"elements": [[plain(leaf) for leaf in leaves] for leaves in value._elements]}
        if isinstance(value, dict):
            return {"dict": {key: plain(part) for key, part in value.items()}}
        if isinstance(value, (list, tuple)):
            return [plain(part) for part in value]
        return value

    text = json.dumps(plain(state), separators=(",", ":")).encode()
    return b"".join([MAGIC, len(text).to_bytes(8, "little"), text, *pieces])


def decoded(data: bytes, dataset_of: Callable[[list[Any]], Any]) -> Any:
    """The state in these bytes; ``dataset_of`` makes a dataset of elements. Raises DataLossError for bytes that are none."""
    if data[: len(MAGIC)] != MAGIC:
        raise DataLossError(
            "Failed to restore the iterator: its state was not written by minitf. The state of one of TensorFlow's iterators "
            "cannot be continued here: leave the iterator out of the checkpoint's objects."
        )
    at = _HEAD + int.from_bytes(data[len(MAGIC) : _HEAD], "little")

    def taken(size: int) -> bytes:
        nonlocal at
        if size < 0 or at + size > len(data):
            raise DataLossError("Failed to restore the iterator: its state is cut off.")
        at += size
        return data[at - size : at]

    def real(value: Any) -> Any:
        if isinstance(value, list):
            return [real(part) for part in value]
        if not isinstance(value, dict):
            return value
        if "dict" in value:
            return {key: real(part) for key, part in value["dict"].items()}
        if "elements" in value:
            return dataset_of([[real(leaf) for leaf in leaves] for leaves in value["elements"]])
        shape = value["shape"]
        if "text" in value:
            out = np.empty(len(value["text"]), object)
            out[:] = [taken(length) for length in value["text"]]
            return tensor_of(out.reshape(shape))
        dtype = dtypes.as_dtype(value["dtype"])
        return tensor_of(np.frombuffer(taken(total_size(shape) * dtype.np.itemsize), dtype.np).reshape(shape).copy())

    try:
        state = real(json.loads(data[_HEAD:at]))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DataLossError(f"Failed to restore the iterator: its state is damaged ({error}).") from None
    if at != len(data):
        raise DataLossError("Failed to restore the iterator: there are bytes behind its state.")
    return state
