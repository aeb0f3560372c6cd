"""The table that ``model.summary()`` prints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def summary_lines(model: Any, width: int) -> Iterator[str]:
    """The lines of the table. Raises ValueError if the model has not been built."""
    if not model.built:
        raise ValueError(
            f"Model {model.name!r} has not yet been built. Build the model first by calling `build()` or by calling the model "
            "on a batch of data."
        )
    shapes = _output_shapes(model)
    rows = [
        (
            f"{layer.name} ({type(layer).__name__})",
            shapes.get(id(layer), "?"),
            str(_count(layer.weights) if _built(layer) else 0),
        )
        for layer in model.layers
    ]
    first = max(int(width * 0.45), *(len(row[0]) + 3 for row in rows), 0)
    ends = first, max(int(width * 0.85), first + max((len(row[1]) + 2 for row in rows), default=0))
    width = max(width, ends[1] + 10)
    yield f'Model: "{model.name}"'
    yield "_" * width
    yield _row(("Layer (type)", "Output Shape", "Param #"), ends)
    yield "=" * width
    for row in rows:
        yield _row(row, ends)
    yield "=" * width
    for label, weights in (
        ("Total", model.weights),
        ("Trainable", model.trainable_weights),
        ("Non-trainable", model.non_trainable_weights),
    ):
        yield f"{label} params: {_count(weights)} ({_size(sum((v.shape.num_elements() or 0) * v.dtype.size for v in weights))})"
    yield "_" * width


def _output_shapes(model: Any) -> dict[int, str]:
    """For a chain of layers that was built: the shape that each layer gives."""
    from minitf.layers.abstract import shapes_of, specs_of_call

    specs = getattr(model, "_seen", None)
    out: dict[int, str] = {}
    if specs is not None:
        for layer in model.layers:
            specs = specs_of_call(layer, specs)
            out[id(layer)] = str(shapes_of(specs))
    return out


def _built(layer: Any) -> bool:
    try:
        return layer.weights is not None
    except ValueError:
        return False


def _count(weights: list[Any]) -> int:
    return sum(v.shape.num_elements() or 0 for v in weights)


def _size(count: int) -> str:
    size = float(count)
    for unit in ("Byte", "KB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            return f"{size:.2f} {unit}"
        size /= 1024
    raise AssertionError("a last unit takes everything")


def _row(cells: tuple[str, str, str], ends: tuple[int, int]) -> str:
    return f" {cells[0].ljust(ends[0] - 1)}{cells[1].ljust(ends[1] - ends[0])}{cells[2]}".rstrip()
