"""Where failures are kept, so that the next exploration of the same body begins with them."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

ENVIRONMENT = "MINITF_EXPLORE_DATABASE"


class FailureDatabase:
    """Tokens of failures by the name of the body, one small JSON file each, in a directory that is made when it is needed."""

    def __init__(self, directory: str | os.PathLike[str]):
        self.directory = Path(directory)

    def _file(self, name: str) -> Path:
        return self.directory / f"{sha256(name.encode()).hexdigest()[:16]}.json"

    def load(self, name: str) -> list[str]:
        """The tokens of a body's last failures; none if the file is missing or damaged."""
        try:
            found = json.loads(self._file(name).read_text(encoding="utf-8"))
            return [token for token in found["tokens"] if isinstance(token, str)] if found["body"] == name else []
        except (OSError, ValueError, KeyError, TypeError):
            return []

    def save(self, name: str, tokens: Sequence[str]) -> None:
        """Replaces a body's tokens; without any its file goes away."""
        file = self._file(name)
        if not tokens:
            file.unlink(missing_ok=True)
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        new = file.with_suffix(f".{os.getpid()}.new")
        new.write_text(json.dumps({"body": name, "tokens": list(tokens)}, indent=1), encoding="utf-8")
        os.replace(new, file)


def database_of(given: Any) -> FailureDatabase | None:
    """The database that a caller means: one, a directory, False for none, None for the one that the environment names."""
    if given is None:
        given = os.environ.get(ENVIRONMENT)
    if not given:
        return None
    return given if isinstance(given, FailureDatabase) else FailureDatabase(given)
