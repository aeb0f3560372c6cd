"""Open files that an interrupt does not leave open."""

from __future__ import annotations

import contextlib
import os
from typing import Self


class Descriptor(int):
    """The number of an open file or directory, which is closed when nobody has the number any more.

    So an interrupt that comes just behind the opening, or just before the closing, leaves nothing open.
    """

    closed = False

    @classmethod
    def opened(cls, path: str, flags: int, mode: int = 0o777) -> Self:
        """``os.open``. No interrupt comes between what ``map`` calls, as it may between two lines."""
        [handle] = map(cls, map(os.open, [path], [flags], [mode]))
        return handle

    def close(self) -> None:
        """Closes, and not again."""
        self.closed = True
        os.close(self)

    def __del__(self) -> None:
        if not self.closed:
            with contextlib.suppress(OSError):
                self.close()
