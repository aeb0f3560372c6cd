"""Templates: functions that make their variables at the first call and share them afterwards (TensorFlow 1.x).

    def dense(x):
        return x @ tf.get_variable("w", [3, 4])

    layer = tf.make_template("layer", dense)
    layer(a); layer(b)  # one variable: layer/w

A template is trackable: it has an edge to each variable that its function makes, named by the variable's name without the
template's scope, and to each template called inside instead of that template's variables. ``capture_dependencies`` does this
for any object.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from minitf.core import runtime
from minitf.objects.adding import StoredInitializer, add_variable_with_getter
from minitf.objects.creators import variable_creator_scope
from minitf.objects.trackable import Trackable, track
from minitf.objects.variable_scope import variable_scope
from minitf.objects.variable_table import EagerVariableStore


@contextmanager
def capture_dependencies(template: Any) -> Iterator[None]:
    """Inside, ``template`` gets an edge to each variable whose name begins with ``template.variable_scope.name`` (S130).

    The edge is named by the rest of the name. If another ``capture_dependencies`` inside this one has taken the variable, the
    edge goes to that one's object instead, named by its scope. Stored values that wait for an edge become the variable's first
    value (eager mode).
    """
    prefix = template.variable_scope.name

    def creator(next_creator: Any, name: Any, initial_value: Any, trackable_parent: Any = None, **kwargs: Any) -> Any:
        make = functools.partial(next_creator, name=name, trackable_parent=(template, prefix))
        if name is None or not name.startswith(prefix):
            return make(initial_value=initial_value, **kwargs)
        if trackable_parent is not None:
            inner, inner_prefix = trackable_parent
            track(template, inner, inner_prefix[len(prefix) + 1 :], overwrite=True)
            return make(initial_value=initial_value, **kwargs)

        def getter(name: str, initializer: Any, **others: Any) -> Any:
            if isinstance(initializer, StoredInitializer):
                others["waiting"], initializer = initializer.waiting, initializer.otherwise
            return make(initial_value=initializer, **others)

        own = name[len(prefix) + 1 :]
        return add_variable_with_getter(template, own, initializer=initial_value, getter=getter, overwrite=True, **kwargs)

    with variable_creator_scope(creator):
        yield


def make_template(name_: str, func_: Callable[..., Any], create_scope_now_: bool = False, unique_name_: str | None = None,
                  custom_getter_: Callable[..., Any] | None = None, **kwargs: Any) -> Template:  # fmt: skip
    """A function like ``func_`` whose ``get_variable`` calls share variables from the second call on.

    * ``name_``: the name of its scope, made unique.
    * ``create_scope_now_``: enter the scope now, so that its name depends on this place and not on that of the first call.
    * ``unique_name_``: the name of the scope as it is (graph only).
    * ``custom_getter_``: a getter for the variables; see ``get_variable``.
    * ``kwargs``: arguments of ``func_`` that are always the same.

    Raises ValueError without a name, and for ``unique_name_`` in eager mode. A later call that makes a trainable variable
    raises ValueError: it was made with ``tf.Variable`` where ``tf.get_variable`` was meant.
    """
    function = functools.partial(func_, **kwargs) if kwargs else func_
    caller = sys._getframe(1)
    return Template(
        name_, function, create_scope_now_, unique_name_, custom_getter_, (caller.f_code.co_filename, caller.f_lineno)
    )


class Template(Trackable):
    """What ``make_template`` gives: call it like the function."""

    def __init__(self, name: str, func: Callable[..., Any], create_scope_now: bool = False, unique_name: str | None = None,
                 custom_getter: Callable[..., Any] | None = None, made_at: tuple[str, int] | None = None):  # fmt: skip
        if name is None:
            raise ValueError("make_template: a template needs a name.")
        self._name = name
        self._func = func
        self._unique_name = unique_name
        self._custom_getter = custom_getter
        self._made_at = made_at
        self._called = False  # to its end
        self._scope: Any = None
        self._kept: _Kept = _KEPT[runtime.current().home.eager](unique_name)
        if create_scope_now:
            with self._new_scope(auxiliary_name_scope=False) as self._scope:
                pass

    def _new_scope(self, **options: Any) -> variable_scope:
        return variable_scope(self._unique_name, self._name, custom_getter=self._custom_getter, **options)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the function in the template's scope."""
        scope = self._new_scope() if self._scope is None else variable_scope(self._scope, reuse=self._called)
        try:
            with scope as entered, self._kept.in_force():
                self._scope = self._scope or entered
                return self._call(args, kwargs)
        except Exception as e:
            if self._made_at is not None:
                e.add_note(f"In the template {self._name!r}, which was made in {self._made_at[0]}, line {self._made_at[1]}.")
            raise

    def _call(self, args: Any, kwargs: Any) -> Any:
        if not self._called:
            with capture_dependencies(self):
                result = self._func(*args, **kwargs)
            self._called = True
            return result
        before = {id(v) for v in self._kept.all_trainable()}
        result = self._func(*args, **kwargs)
        new = [v.name for v in self._kept.all_trainable() if id(v) not in before]
        if new:
            raise ValueError(
                f"Template {self._name!r}: a trainable variable was made by a call after the first one: {', '.join(new)}. Was "
                "tf.Variable used where tf.get_variable was meant?"
            )
        return result

    @property
    def name(self) -> str:
        """The name that was given."""
        return self._name

    @property
    def func(self) -> Callable[..., Any]:
        """The function."""
        return self._func

    @property
    def variable_scope(self) -> Any:
        """The scope of its variables; None before it is entered for the first time."""
        return self._scope

    var_scope = variable_scope

    @property
    def variable_scope_name(self) -> str | None:
        """The name of the scope with ``/`` at its end; None before it is entered for the first time."""
        if self._scope is None:
            return None
        name: str = self._scope.name
        return name if not name or name.endswith("/") else name + "/"

    def _listed(self, key: str) -> list[Any]:
        return self._kept.listed(key, self.variable_scope_name) if self._called else []

    @property
    def global_variables(self) -> list[Any]:
        """Its variables that are not local."""
        return self._listed("variables")

    @property
    def local_variables(self) -> list[Any]:
        """Its local variables (graph)."""
        return self._listed("local_variables")

    @property
    def variables(self) -> list[Any]:
        """All its variables; none before the first call is over."""
        return self.global_variables + self.local_variables

    @property
    def trainable_variables(self) -> list[Any]:
        """Those that are trained."""
        return self._listed("trainable_variables")

    @property
    def non_trainable_variables(self) -> list[Any]:
        """Those that are not trained."""
        trainable = {id(v) for v in self.trainable_variables}
        return [v for v in self.global_variables if id(v) not in trainable]

    weights = variables
    trainable_weights = trainable_variables
    non_trainable_weights = non_trainable_variables

    def __repr__(self) -> str:
        return f"<template {self._name!r}>"


class _Kept:
    """Where a graph keeps a template's variables: in its collections."""

    def __init__(self, unique_name: str | None):
        self._home = runtime.current().home

    def in_force(self) -> AbstractContextManager[None]:
        """What has to be entered for a call."""
        return nullcontext()

    def all_trainable(self) -> list[Any]:
        """All trainable variables that a call could have made."""
        return self._home.get_collection("trainable_variables")

    def listed(self, key: str, scope: str | None) -> list[Any]:
        """The variables in a scope."""
        return self._home.get_collection(key, scope)


class _KeptEagerly(_Kept):
    """Where eager mode keeps them: in a store of the template, or that of the template around its first call."""

    def __init__(self, unique_name: str | None):
        super().__init__(unique_name)
        if unique_name is not None:
            raise ValueError(
                "make_template: unique_name_ cannot be used in eager mode, where names need not be unique. Use name_."
            )
        self._store: EagerVariableStore | None = None

    def in_force(self) -> AbstractContextManager[None]:
        if self._store is None:
            self._store = EagerVariableStore.current() or EagerVariableStore()
        return self._store.as_default()

    def all_trainable(self) -> list[Any]:
        return self._store.trainable_variables() if self._store is not None else []

    def listed(self, key: str, scope: str | None) -> list[Any]:
        if self._store is None or key == "local_variables":
            return []
        kept = self._store.trainable_variables() if key == "trainable_variables" else self._store.variables()
        return [v for v in kept if v.name.startswith(scope or "")]


_KEPT = {False: _Kept, True: _KeptEagerly}  # by a home's ``eager``
