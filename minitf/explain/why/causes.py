"""Why values were not restored. A cause is found by comparing data, grouped, and counted; its words are in words.py.

``find_causes`` asks the finders in their order; the first that knows a stop explains all rows that hang on it. A *stop* is an
edge at which the walk of the saved and the live tree ended: one that only the checkpoint has, or only the program.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Why(StrEnum):
    """The kinds of causes."""

    NO_CHECKPOINT = "no checkpoint was given"
    NAME_BASED = "the file is name-based"
    OTHER_HOME = "a variable of another graph or mode"
    OTHER_GRAPH = "the session runs another graph"
    OTHER_SESSION = "run in another session"
    NEVER_RUN = "the status was never run"
    CAME_AFTER = "came after the status was run"
    INITIALISED_AFTER = "the initialiser was run after the restore"
    SUPERSEDED = "a later restore"
    OTHER_ROOT = "another root"
    OTHER_CHECKPOINT = "nothing in common"
    RENAMED = "renamed"
    OTHER_NAME = "another variable name"
    COUNTER = "names shifted by a counter"
    MOVED = "moved"
    REORDERED = "list in another order"
    REPLACED = "replaced object"
    GONE = "the object is gone"
    UNTRACKED = "untracked attribute"
    PLAIN_VALUE = "plain Python value"
    WRAPPED = "behind a wrapper"
    LIST_FOR_DICT = "a list where a dict was"
    DICT_FOR_LIST = "a dict where a list was"
    NO_OPTIMIZER = "slots without their optimizer"
    OTHER_OPTIMIZER = "another optimizer"
    NOT_MADE_YET = "not made yet"
    SHAPE = "another shape"
    DTYPE = "another dtype"
    SPLIT = "one object in the checkpoint, two in the program"
    MERGED = "two objects in the checkpoint, one in the program"
    OTHER_KIND = "another kind of object"
    STRAY = "a key of no object"
    NO_COUNTER = "no save counter"
    FAILED = "an error"
    ABSENT = "nothing like it in the program"
    ADDED = "nothing like it in the checkpoint"


class Place(NamedTuple):
    """One place of a cause: the saved path, the live path; either may be missing. ``detail``: what was found there."""

    saved: str | None
    live: str | None
    detail: str = ""


class Cause(NamedTuple):
    """Why some values were not restored.

    * ``path``: the first place, as a path from ``(root)``; ``other``: its counterpart, such as the new name of an edge.
    * ``places``: all of them; ``rows``: how many rows it explains; ``values``: those of the checkpoint, or of the program if
      these are more (a renamed edge has its values on both sides).
    * ``names``: the names that it speaks of, such as (old, new).
    * ``text``: what was found; ``advice``: what to do. One line each.
    """

    kind: Why
    path: str
    other: str = ""
    places: tuple[Place, ...] = ()
    rows: int = 0
    values: int = 0
    names: tuple[str, ...] = ()
    text: str = ""
    advice: str = ""
