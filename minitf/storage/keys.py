"""Keys as text and as bytes."""

from __future__ import annotations

from collections.abc import Sequence

from minitf.errors import InvalidArgumentError


def text_of(key: bytes) -> str:
    """A key as str; bytes that are not UTF-8 come back unchanged through ``bytes_of``."""
    return key.decode("utf-8", "surrogateescape")


def all_texts_of(keys: Sequence[bytes]) -> list[str]:
    """``text_of`` of many keys."""
    try:
        return list(map(bytes.decode, keys))
    except UnicodeDecodeError:
        return list(map(text_of, keys))


def all_bytes_of(keys: Sequence[str]) -> list[bytes]:
    """``bytes_of`` of many keys."""
    try:
        return list(map(str.encode, keys))
    except UnicodeEncodeError:
        return list(map(bytes_of, keys))


def bytes_of(key: str) -> bytes:
    """A key as it stands in the file. Raises InvalidArgumentError for a str that has no bytes."""
    try:
        return key.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise InvalidArgumentError(f"{key!r} is no key: {error}.") from None


def is_text(key: str) -> bool:
    """True if a key is Unicode text, which V2 alone does not demand."""
    try:
        key.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
