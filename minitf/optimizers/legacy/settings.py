"""The settings of an optimizer that become variables: hyperparameters, as Keras up to 2.10 calls them.

A setting is a number until the optimizer is first used; then each number becomes a float32 variable under an edge of its name,
so checkpoints have it. What cannot be a variable stays what it is: a schedule, a function, a tensor; and a variable of the
caller's is used, and saved, itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from minitf.core import runtime
from minitf.core.tensor import Tensor
from minitf.objects.adding import add_variable_with_getter
from minitf.objects.slots import SlotOwner
from minitf.objects.trackable import Tracked, track
from minitf.objects.variable import Variable
from minitf.ops.creating import cast, fill, zeros_like
from minitf.optimizers import schedules
from minitf.optimizers.schedules import LearningRateSchedule
from minitf.runtimes.building import init_scope


class Settings(SlotOwner):
    """Settings as attributes: ``optimizer.learning_rate``, for short ``lr``, may be read and set.

    Reading one makes the variables; setting one that is a variable assigns to it. Nothing else that is set makes an edge.
    """

    def __init__(self) -> None:
        self._hyper: dict[str, Any] = {}
        self._hypers_created = False

    def __getattr__(self, name: str) -> Any:
        setting = "learning_rate" if name == "lr" else name
        if setting in self.__dict__.get("_hyper", ()):
            return self._get_hyper(setting)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        setting = "learning_rate" if name == "lr" else name
        if setting in self.__dict__.get("_hyper", ()):
            self._set_hyper(setting, value)
        else:
            object.__setattr__(self, setting, value)

    def __dir__(self) -> list[str]:
        hypers = self.__dict__.get("_hyper", {})
        return sorted({*super().__dir__(), *hypers, *(["lr"] if "learning_rate" in hypers else [])})

    def _set_hyper(self, name: str, value: Any) -> None:
        """Makes ``value`` a setting, or the new value of one. A setting that is a variable is assigned, but for a schedule."""
        if not (isinstance(value, (Tensor, Variable)) or callable(value) or is_number(value)):
            raise TypeError(
                f"{type(self).__name__}: {name} must be a number, a tensor, a variable, a schedule or a function that gives a "
                f"number or tensor, not {value!r}."
            )
        before = self._hyper.get(name)
        if isinstance(before, Variable) and not isinstance(value, LearningRateSchedule):
            before.load(value if isinstance(value, Tensor) else np.asarray(value, before.dtype.np))
            return
        if isinstance(value, Tracked):
            track(self, value, name, overwrite=True)
        self._hyper[name] = value

    def _get_hyper(self, name: str, dtype: Any = None) -> Any:
        """A setting, in ``dtype`` as a tensor. A function is called; a schedule is given as it is."""
        if not self._hypers_created:
            self._create_hypers()
        value = self._hyper[name]
        if isinstance(value, LearningRateSchedule):
            return value
        if callable(value):
            value = value()
        return value if dtype is None else cast(value, dtype)

    def _create_hypers(self) -> None:
        """Makes variables of the settings that are numbers, once, in the order of their names."""
        if self._hypers_created:
            return
        with init_scope():
            for name, value in sorted(self._hyper.items()):
                if not (isinstance(value, (Tensor, Variable)) or callable(value)):
                    self._hyper[name] = self.add_weight(name, shape=[], trainable=False, initializer=value)
        self._hypers_created = True

    def add_weight(self, name: str, shape: Any, dtype: Any = None, initializer: Any = "zeros", trainable: bool | None = None,
                   synchronization: Any = None, aggregation: Any = None) -> Any:  # fmt: skip
        """A new variable under the edge ``name``, float32 by default. A value that waits for it in a checkpoint is its first.

        ``initializer``: "zeros", "ones", a function of shape and dtype, or a value (then ``shape`` is [] or None). The last two
        arguments are accepted and have no effect.
        """
        make = as_initializer(initializer)
        sizes = None if not callable(make) and not shape else shape
        return add_variable_with_getter(
            self, name, sizes, dtype or "float32", make, overwrite=True, trainable=trainable is not False
        )

    # -- as plain data -------------------------------------------------------------------------------------------------

    def _serialize_hyperparameter(self, hyperparameter_name: str) -> Any:
        """A setting as plain data: a number, or a dict for a schedule. A function is called, a variable read."""
        value = self._hyper[hyperparameter_name]
        if isinstance(value, LearningRateSchedule):
            return schedules.serialize(value)
        if callable(value):
            value = value()
        if isinstance(value, Variable):
            return value_of(value, "get_config").item()
        if isinstance(value, Tensor):
            value = np.asarray(runtime.current().home.run_tensors([value], None, "get_config")[0])
        return value.item() if isinstance(value, (np.ndarray, np.generic)) else value

    def _with_settings(self, config: dict[str, Any], *names: str) -> dict[str, Any]:
        """``config`` with the learning rate, ``decay`` and more settings and attributes."""
        hyper = {n: self._serialize_hyperparameter(n) for n in ("learning_rate", *names) if n in self._hyper}
        own = {n: getattr(self, n) for n in names if n not in self._hyper}
        return {**config, **hyper, "decay": self._initial_decay, **own}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Self:
        """A new optimizer from ``get_config()``. ``custom_objects``: schedules of one's own by their class's name."""
        settings = dict(config)
        if "lr" in settings:
            settings["learning_rate"] = settings.pop("lr")
        if isinstance(settings.get("learning_rate"), dict):
            settings["learning_rate"] = schedules.deserialize(settings["learning_rate"], custom_objects)
        return cls(**settings)


def is_number(value: Any) -> bool:
    """Whether it is one number of Python or NumPy."""
    return np.ndim(value) == 0 and np.asarray(value).dtype.kind in "biuf"


def as_initializer(initializer: Any) -> Any:
    """A function of shape and dtype for "zeros", "ones", a function or a class of such; any other value as it is."""
    if isinstance(initializer, str):
        if initializer not in ("zeros", "ones"):
            raise ValueError(f"The initializer of an optimizer's state is 'zeros', 'ones' or a function, not {initializer!r}.")
        return lambda shape, dtype: fill(shape, dtype.np.type(initializer == "ones"))
    return initializer() if isinstance(initializer, type) else initializer


def first_value(var: Any, initializer: Any, shape: Any) -> Any:
    """What a slot of ``var`` begins with: what ``initializer`` gives for ``shape``, or for the shape of the variable.

    A variable of open shape has a slot of its present shape, filled with what the initializer gives for a scalar.
    """
    make = as_initializer(initializer)
    if not callable(make):
        return make
    if shape is None and not var.spec.complete:
        return lambda: zeros_like(var.initialized_value()) + make([], dtype=var.dtype)
    return lambda: make(var.shape if shape is None else shape, dtype=var.dtype)


def value_of(variable: Any, purpose: str) -> np.ndarray[Any, Any]:
    """The value of a variable now (eager), or in the default session."""
    store = variable.handle.home.store_to_save(None, purpose)
    return np.asarray(store.cell(variable.handle).read())

