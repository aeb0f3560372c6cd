"""A checkpoint that is not there yet: restore operations are made by what it will have."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from minitf.core.spec import Spec
from minitf.errors import NotFoundError


class Expected:
    """A ``Reader`` without values: it knows keys, and what their values will be."""

    source = "(no checkpoint yet)"

    def __init__(self, keys: Iterable[str], spec: Callable[[str], Spec]):
        self._keys = keys
        self._spec = spec

    def keys(self) -> list[str]:
        """The keys."""
        return list(self._keys)

    def __contains__(self, key: object) -> bool:
        return key in set(self._keys)

    def spec(self, key: str) -> Spec:
        """What the live value wants."""
        return self._spec(key)

    def read(self, key: str) -> Any:
        """Raises NotFoundError."""
        raise NotFoundError(f"{key!r}: there is no checkpoint yet.")

    def read_many(self, keys: Iterable[str]) -> list[Any]:
        """Nothing for no keys. Raises NotFoundError."""
        return [self.read(key) for key in keys]
