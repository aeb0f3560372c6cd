"""``UniqueNameTracker``:

dependencies under names that are made unique, for objects that come by chance twice under one name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from minitf.objects.containers.contents import Container
from minitf.objects.edges import attach, tracking
from minitf.objects.trackable import Trackable, Tracked

_T = TypeVar("_T")


class UniqueNameTracker(Trackable, Container):
    """Tracks objects under the name that is asked for, or that name with a number if it is taken.

        moments = tf.train.UniqueNameTracker()
        moments.track(a, "moment")  # the edge "moment"
        moments.track(b, "moment")  # the edge "moment_1"

    Names depend on the order of the calls, so a restore needs the same order. (TensorFlow 1.x: ``contrib.checkpoint``.)
    """

    __slots__ = ("_counts", "trainable")

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}  # the number to try next, by wanted name
        self.trainable = True

    def _contents(self) -> Iterable[Any]:
        return tracking(self).edges.values()

    def track(self, trackable: _T, base_name: str) -> _T:
        """Adds a dependency called ``base_name``, ``base_name_1``, ... on ``trackable``, and gives it back.

        Raises ValueError if it is not trackable.
        """
        if not isinstance(trackable, Tracked):
            raise ValueError(
                f"UniqueNameTracker.track({trackable!r}, {base_name!r}): expected a trackable object (a variable, layer, "
                f"container, ...)."
            )
        taken = tracking(self).edges
        number = self._counts.get(base_name, 0)
        while (name := f"{base_name}_{number}" if number else base_name) in taken:
            number += 1
        self._counts[base_name] = number + 1
        attach(self, name, trackable)
        return trackable
