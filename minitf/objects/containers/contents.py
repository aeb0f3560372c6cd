"""What all containers share: how an element comes in, whether it has changed, and the layers and variables inside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn

from minitf.core.at_once import at_once
from minitf.objects.edges import attach, attach_and
from minitf.objects.trackable import NoDependency, Tracked, wrap
from minitf.objects.variable import Variable


def admit(container: Any, name: str, value: Any) -> Any:
    """What ``container`` stores for ``value``: lists, dicts and tuples wrapped, ``NoDependency`` unwrapped.

    A trackable value gets an edge called ``name``, and a restore that waits there happens now. If it fails, its error comes out
    and there is no edge; so the container changes its own storage afterwards.
    """
    if isinstance(value, NoDependency):
        return value.value
    value = wrap(value)
    if isinstance(value, Tracked):
        attach(container, name, value)
    return value


def take(container: Any, name: str, value: Any, put: Callable[[Any], tuple[tuple[Any, ...], ...]]) -> None:
    """``admit``, and the steps that ``put`` gives for what is to be stored, as ``at_once`` takes them: all or nothing."""
    if isinstance(value, NoDependency):
        at_once(*put(value.value))
        return
    value = wrap(value)
    if isinstance(value, Tracked):
        attach_and(container, name, value, *put(value))
    else:
        at_once(*put(value))


def same(a: Any, b: Any) -> bool:
    """Whether a container that held ``a`` and now holds ``b`` is unchanged: identity, for plain values also equality."""
    if a is b:
        return True
    if isinstance(a, Tracked) or isinstance(b, Tracked):
        return False
    try:
        return bool(a == b)
    except Exception:  # arrays, or an __eq__ of the user's own
        return False


def refuse(container: Any, why: str) -> NoReturn:
    """Raises ValueError for a container that cannot be saved any more, with what can be done at the end of ``why``."""
    text = repr(container)
    raise ValueError(
        f"Cannot save or restore {text if len(text) < 400 else text[:400] + '...'}: {why} to the attribute, or wrap it in "
        "NoDependency(...) if it need not be saved."
    )


class Container(Tracked):
    """Layers and variables of what a container holds, under the names that Keras uses.

    ``trainable = False`` on a container makes everything inside count as not trainable; it changes no variable.
    """

    __slots__ = ()

    trainable: bool

    def _contents(self) -> Iterable[Any]:
        """The elements, in the order in which their variables are listed."""
        raise NotImplementedError

    def _nested(self, attribute: str) -> list[Any]:
        """The variables that elements report about themselves."""
        return [v for e in self._contents() if isinstance(e, Tracked) for v in getattr(e, attribute, ())]

    def _own(self, trainable: bool) -> list[Any]:
        """The variables among the elements."""
        return [e for e in self._contents() if isinstance(e, Variable) and e.trainable is trainable]

    @property
    def layers(self) -> list[Any]:
        """The layers inside, each once; containers inside are replaced by their layers."""
        return list({id(layer): layer for layer in _layers(self)}.values())

    @property
    def trainable_variables(self) -> list[Any]:
        """Trainable variables: those of the elements (layers, modules, containers), then elements that are variables."""
        return self._nested("trainable_variables") + self._own(True) if self.trainable else []

    @property
    def non_trainable_variables(self) -> list[Any]:
        """The variables that are not trainable, in the same order."""
        fixed = self._nested("non_trainable_variables") + self._own(False)
        return fixed if self.trainable else self._nested("trainable_variables") + self._own(True) + fixed

    @property
    def variables(self) -> list[Any]:
        """All variables: first the trainable ones."""
        return self.trainable_variables + self.non_trainable_variables

    @property
    def trainable_weights(self) -> list[Any]:
        """The same as ``trainable_variables``."""
        return self.trainable_variables

    @property
    def non_trainable_weights(self) -> list[Any]:
        """The same as ``non_trainable_variables``."""
        return self.non_trainable_variables

    @property
    def weights(self) -> list[Any]:
        """The same as ``variables``."""
        return self.variables

    @property
    def losses(self) -> list[Any]:
        """The losses that the layers inside report."""
        return [loss for layer in self.layers for loss in getattr(layer, "losses", ())]

    @property
    def updates(self) -> list[Any]:
        """The update operations that the layers inside report."""
        return [update for layer in self.layers for update in getattr(layer, "updates", ())]


def _layers(container: Container) -> Iterator[Any]:
    for element in container._contents():
        if isinstance(element, Container):
            yield from element.layers
        elif hasattr(type(element), "trainable_weights") and hasattr(type(element), "non_trainable_weights"):
            yield element
