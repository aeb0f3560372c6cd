"""Keys as text and as bytes."""

from __future__ import annotations

from minitf.errors import InvalidArgumentError


def text_of(key: bytes) -> str:
    """A key as str; bytes that are not UTF-8 come back unchanged through ``bytes_of``."""
    return key.decode("utf-8", "surrogateescape")


def bytes_of(key: str) -> bytes:
    """A key as it stands in the file. Raises InvalidArgumentError for a str that has no bytes."""
    try:
        return key.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise InvalidArgumentError(f"{key!r} is no key: {error}.") from None
