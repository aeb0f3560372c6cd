"""``Module``: an object that tracks its attributes, finds the variables and modules in them, and has a scope for names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import cache, wraps
from typing import Any, TypeVar

from minitf.core import runtime
from minitf.objects.trackable import AutoTrackable
from minitf.objects.variable import Variable

_F = TypeVar("_F", bound=Callable[..., Any])


class Module(AutoTrackable):
    """The base class of models and layers of your own: variables and modules in its attributes are tracked and can be listed.

    ``name`` must be a Python identifier; without one it is the class's name in snake case. Raises ValueError for another name.
    """

    def __init__(self, name: str | None = None):
        if name is None:
            name = _snake_case(type(self).__name__)
        elif not (isinstance(name, str) and _IDENTIFIER.match(name)):
            raise ValueError(
                f"{name!r} is not a valid module name: it must be a Python identifier, such as the name of a class."
            )
        self._name = name
        self._scope_path = runtime.current().home.name_scope(name).path()

    @property
    def name(self) -> str:
        """The name given to the constructor, or made from the class; without the scopes around it."""
        return self._name

    @property
    def name_scope(self) -> AbstractContextManager[str]:
        """A scope for names: ``with self.name_scope:`` puts the module's path before the names of what is made inside."""
        return _ModuleScope(self._scope_path)

    @property
    def variables(self) -> tuple[Any, ...]:
        """The variables of the module and of its submodules, each once.

        First those in its own attributes, by attribute name (inside lists and dicts in their order, dicts by key); then those
        of the submodules, breadth first.
        """
        return tuple(self._flatten(predicate=lambda leaf: isinstance(leaf, Variable)))

    @property
    def trainable_variables(self) -> tuple[Any, ...]:
        """Those of ``variables`` that are trained."""
        return tuple(v for v in self.variables if v.trainable)

    @property
    def non_trainable_variables(self) -> tuple[Any, ...]:
        """Those of ``variables`` that are not trained."""
        return tuple(v for v in self.variables if not v.trainable)

    @property
    def submodules(self) -> tuple[Any, ...]:
        """The modules in the attributes of this one, and in theirs, breadth first, each once."""
        return tuple(self._flatten(predicate=lambda leaf: isinstance(leaf, Module)))

    @classmethod
    def with_name_scope(cls, method: _F) -> _F:
        """Decorates a method so that it runs inside the module's ``name_scope``."""

        @wraps(method)
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            with self.name_scope:
                return method(self, *args, **kwargs)

        return wrapper  # type: ignore[return-value]

    def _flatten(self, recursive: bool = True, predicate: Callable[[Any], Any] | None = None,
                 attribute_traversal_key: Callable[[str], Any] | None = None,
                 with_path: bool = False) -> Iterator[Any]:  # fmt: skip
        """The leaves in the attributes of this module, and with ``recursive`` of its submodules.

        ``predicate`` chooses leaves, ``attribute_traversal_key`` orders attributes (by name if None). ``with_path`` gives
        (path, leaf) pairs, and then a leaf comes once for each path to it; otherwise each leaf comes once.
        """
        wanted = predicate or (lambda leaf: True)
        for path, leaf in _leaves(self, recursive, attribute_traversal_key, (), None if with_path else {id(self)}, []):
            if wanted(leaf):
                yield (path, leaf) if with_path else leaf


def _leaves(module: Module, recursive: bool, key: Any, prefix: tuple[Any, ...], seen: set[int] | None,
            around: list[int]) -> Iterator[tuple[tuple[Any, ...], Any]]:  # fmt: skip
    """Leaves of the attributes, then of submodules. ``seen``: leaves given already; ``around``: the modules that lead here."""
    inner = []
    follow = recursive and id(module) not in around
    attributes = vars(module)
    for attribute in sorted(attributes, key=key):
        try:
            found = list(flatten(attributes[attribute], (*prefix, attribute)))
        except TypeError as e:
            raise ValueError(
                f"{type(module).__name__}.{attribute}: cannot list what is in {attributes[attribute]!r}: {e}. Keys of a dict "
                "must be of one kind."
            ) from e
        for path, leaf in found:
            if seen is not None:
                if id(leaf) in seen:
                    continue
                seen.add(id(leaf))
            yield path, leaf
            if follow and isinstance(leaf, Module):
                inner.append((path, leaf))
    for path, submodule in inner:
        yield from _leaves(submodule, recursive, key, path, seen, [*around, id(module)])


def flatten(structure: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """The leaves of nested lists, tuples and dicts (by sorted key) with their paths. Anything else is a leaf."""
    if isinstance(structure, dict):
        for key in sorted(structure):
            yield from flatten(structure[key], (*path, key))
    elif isinstance(structure, (list, tuple)):
        fields = getattr(structure, "_fields", None) or range(len(structure))
        for key, part in zip(fields, structure, strict=True):
            yield from flatten(part, (*path, key))
    else:
        yield path, structure


class _ModuleScope:
    """A name scope that can be entered again and again; one path, in whatever runtime is current."""

    def __init__(self, path: str):
        self.name = path
        self._entered: list[AbstractContextManager[str]] = []

    def __enter__(self) -> str:
        scope = runtime.current().home.name_scope(self.name)
        path = scope.__enter__()
        self._entered.append(scope)
        return path

    def __exit__(self, *error: Any) -> None:
        self._entered.pop().__exit__(*error)


_IDENTIFIER = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")
_WORD_START = re.compile(r"(?<=[a-z0-9])[A-Z]|(?!^)[A-Z](?=[a-z])")


@cache
def _snake_case(name: str) -> str:
    return _WORD_START.sub(lambda m: "_" + m.group(), name).lower()
