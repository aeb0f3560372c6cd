"""Hooks on the making of variables.

    def frozen(next_creator, **kwargs):
        return next_creator(**{**kwargs, "trainable": False})

    with tf.variable_creator_scope(frozen):
        v = tf.Variable(1.0)  # not trainable

A hook gets the arguments of ``tf.Variable`` by name and the next creator to call: that of the scope around, at last the class
itself. Hooks count for the graph (or for eager mode) in which their scope was entered.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

from minitf.core import runtime
from minitf.core.forks import whole_in_children
from minitf.core.locks import left_open

_hooks: ContextVar[tuple[tuple[Any, Callable[..., Any]], ...]] = ContextVar("minitf_variable_creators", default=())


_entered = 0  # how many scopes are open in the whole process
_entering = whole_in_children(left_open(threading.Lock()))


@contextmanager
def variable_creator_scope(variable_creator: Callable[..., Any]) -> Iterator[None]:
    """Inside, ``variable_creator(next_creator, **kwargs)`` makes the variables. The innermost scope's hook is called first."""
    token = _hooks.set((*_hooks.get(), (runtime.current().home, variable_creator)))
    _count(1)
    try:
        yield
    finally:
        _count(-1)
        _hooks.reset(token)


def _count(step: int) -> None:
    """Lets the class of Variable ask for hooks while a scope is open, and only then: a call less for each variable."""
    global _entered
    with _entering:
        _entered += step
        if _entered:
            VariableKind.__call__ = _through_hooks  # type: ignore[assignment, method-assign]
        else:
            del VariableKind.__call__


def hooked(home: Any) -> bool:
    """Whether a hook is on the making of variables of ``home``.

    Restores leave the making of slots to the program then (S145).
    """
    return any(where is home for where, _ in _hooks.get())


class VariableKind(type):
    """The class of the class ``Variable``. While a scope is open, it asks the hooks before an instance is made."""


def _through_hooks(cls: Any, *args: Any, **kwargs: Any) -> Any:
    """Makes an instance, through the hooks if there are any here. Subclasses of Variable are made without."""
    if not _hooks.get() or isinstance(cls.__base__, VariableKind):
        return type.__call__(cls, *args, **kwargs)
    home = runtime.current().home

    def make(**arguments: Any) -> Any:
        arguments.pop("trackable_parent", None)  # what capture_dependencies tells the scope around
        return type.__call__(cls, **arguments)

    create: Callable[..., Any] = make
    for where, hook in _hooks.get():
        if where is home:
            create = partial(hook, create)
    bound = inspect.signature(cls.__init__).bind(None, *args, **kwargs)
    bound.apply_defaults()
    arguments = dict(bound.arguments)
    del arguments["self"]
    return create(**arguments)
