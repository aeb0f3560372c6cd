"""Is a checkpoint whole? The question that ``latest_checkpoint`` asks of each candidate."""

from __future__ import annotations

from minitf.errors import OpError
from minitf.storage.bundle import BundleReader, TensorBundle
from minitf.storage.bundle.check import missing_data
from minitf.storage.files import Disk
from minitf.storage.formats import format_at
from minitf.storage.v1 import SlicesReader


def problem_with(prefix: str, disk: Disk) -> str | None:
    """Why the checkpoint under a prefix cannot be used; None if its index holds and all data that it needs is there.

    The values' own checksums are not looked at: that would read everything, and a read does it anyway.
    """
    try:
        reader = (format_at(prefix, disk) or TensorBundle(disk=disk)).open(prefix)
        if isinstance(reader, BundleReader):
            return missing_data(reader)
        missing = reader.missing_file() if isinstance(reader, SlicesReader) else None
        return missing and f"{prefix!r} lacks the file {missing!r}"
    except OpError as error:
        return str(error)
