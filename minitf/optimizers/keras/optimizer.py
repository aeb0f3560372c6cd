"""The frame of the optimizers of Keras 2 (``tf.keras.optimizers``): state, clipping, decay, learning rate.

Other than those of TensorFlow 1.x, they keep all state in lists of variables (``_variables`` and one list a kind), count
their steps in ``iterations``, and hold the learning rate in a variable. An optimizer belongs to the mode or graph in which it
was made.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any, Self

from minitf.core import dtypes, names, runtime
from minitf.core.op import convert
from minitf.core.structures import flatten
from minitf.objects.trackable import AutoTrackable, NoDependency
from minitf.objects.variable import Variable
from minitf.ops.creating import cast, fill, zeros
from minitf.ops.extremes import clip_by_value
from minitf.ops.norms import clip_by_global_norm, clip_by_norm
from minitf.ops.together import Together
from minitf.optimizers import schedules
from minitf.optimizers.again import ShortRoad, as_written
from minitf.optimizers.constraining import constrain, with_constraint
from minitf.optimizers.differentiating import gradients_and_variables
from minitf.optimizers.schedules import LearningRateSchedule
from minitf.optimizers.updating import Rule, laid_out
from minitf.runtimes.building import control_dependencies, group, init_scope
from minitf.runtimes.eager import EAGER

_STEPPING = ("_clipped", "_begin_step", "update_step", "_rule", "_state_of", "_numbers", "_index", "_var_key")


class Optimizer(AutoTrackable):
    """Base class: define ``build(var_list)``, which makes state, and ``update_step(gradient, variable)``.

    * ``weight_decay``: before each step variables shrink by this share times the learning rate.
    * ``clipnorm``, ``clipvalue``, ``global_clipnorm``: limits for the norm of each gradient, for its elements, for the norm
      of all together.
    * ``jit_compile`` is accepted and has no effect.

    A constructor hands ``learning_rate`` (a number, or a ``LearningRateSchedule``) on, or sets
    ``self._learning_rate = self._build_learning_rate(learning_rate)``.
    """

    _learning_rate: Any = None

    def __init__(self, name: str | None = None, weight_decay: float | None = None, clipnorm: float | None = None,
                 clipvalue: float | None = None, global_clipnorm: float | None = None, jit_compile: bool = True,
                 learning_rate: Any = None):  # fmt: skip
        if clipnorm is not None and global_clipnorm is not None:
            raise ValueError("At most one of clipnorm and global_clipnorm can be set.")
        self.name = name or type(self).__name__
        self.weight_decay, self.clipnorm, self.clipvalue, self.global_clipnorm = (
            weight_decay,
            clipnorm,
            clipvalue,
            global_clipnorm,
        )
        self._built = False
        self._road: Any = ShortRoad()
        self._undecayed: Any = NoDependency([])
        self._variables: list[Any] = []
        with names.entered(names.Scope()):
            self._iterations = Variable(0, trainable=False, name="iteration", dtype=dtypes.int64)
        self._variables.append(self._iterations)
        if learning_rate is not None:
            self._learning_rate = self._build_learning_rate(learning_rate)

    @property
    def iterations(self) -> Any:
        """The variable that counts steps."""
        return self._iterations

    @property
    def built(self) -> bool:
        """Whether the state has been made."""
        return bool(self._built)

    @property
    def learning_rate(self) -> Any:
        """The learning rate's variable (with a schedule, that of the last step)."""
        return self._current_learning_rate if isinstance(self._learning_rate, LearningRateSchedule) else self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if isinstance(self._learning_rate, LearningRateSchedule):
            raise TypeError("This optimizer's learning rate follows a schedule, so it cannot be set.")
        self._learning_rate.assign(value)

    lr = learning_rate

    @property
    def variables(self) -> list[Any]:
        """All state that belongs to the training so far: the step count first. May be called, too."""
        return _Variables(self._variables)

    # -- state ---------------------------------------------------------------------------------------------------------

    def _build_learning_rate(self, learning_rate: Any) -> Any:
        """What holds a learning rate: a variable, or the schedule, whose rate goes to a variable at each step."""
        with names.entered(names.Scope()):
            if not isinstance(learning_rate, LearningRateSchedule):
                return Variable(learning_rate, trainable=False, name="learning_rate", dtype=dtypes.float32)
            first = learning_rate(self._iterations.initialized_value())
            self._current_learning_rate = Variable(
                first, trainable=False, name="current_learning_rate", dtype=dtypes.float32
            )
            return learning_rate

    def build(self, var_list: list[Any]) -> None:
        """Makes the state for these variables, once.

        A subclass calls this first, and then makes its own state unless ``self._built`` is true: the first step builds too.
        """
        if not self._built:
            self._index_dict = {self._var_key(v): i for i, v in enumerate(var_list)}

    def add_variable_from_reference(
        self, model_variable: Any, variable_name: str, shape: Any = None, initial_value: Any = None
    ) -> Any:
        """New state in the shape of a variable (or in ``shape``): zeros, or ``initial_value`` (a number fills the shape)."""
        sizes, dtype = model_variable.shape if shape is None else shape, model_variable.dtype
        if initial_value is None:
            start = zeros(sizes, dtype)
        else:
            start = fill(sizes, dtype.np.type(initial_value)) if isinstance(initial_value, (int, float)) else initial_value
        return self._add(start, f"{variable_name}/{model_variable.handle.name}", dtype)

    def add_variable(self, shape: Any, dtype: Any = None, initializer: Any = "zeros", name: str | None = None) -> Any:
        """New state of any shape. ``initializer``: "zeros", "ones", or a function of shape and dtype."""
        wanted = dtypes.float32 if dtype is None else dtypes.as_dtype(dtype)
        if isinstance(initializer, str):
            if initializer not in ("zeros", "ones"):
                raise ValueError(f"add_variable: the initializer is 'zeros', 'ones' or a function, not {initializer!r}.")
            start = fill(shape, wanted.np.type(initializer == "ones"))
        else:
            start = initializer(shape, dtype=wanted)
        return self._add(start, name or "Variable", wanted)

    def _add(self, start: Any, name: str, dtype: Any) -> Any:
        state = Variable(start, trainable=False, name=name, dtype=dtype)
        self._variables.append(state)
        return state

    def _states(self, var_list: list[Any], name: str, initial_value: float | None = None) -> list[Any]:
        return [self.add_variable_from_reference(v, name, initial_value=initial_value) for v in var_list]

    def _interleaved(self, var_list: list[Any], *variable_names: str) -> list[list[Any]]:
        """Zeros under several names, a list for each. All of one variable are made together: a checkpoint keeps that order."""
        made = [[self.add_variable_from_reference(v, name) for name in variable_names] for v in var_list]
        return [[states[i] for states in made] for i in range(len(variable_names))]

    def _var_key(self, variable: Any) -> Any:
        """What stands for a variable in ``_index_dict``."""
        return variable.ref()

    def _index(self, variable: Any) -> int:
        """The place of a variable's state in the lists."""
        return int(self._index_dict[self._var_key(variable)])

    # -- steps ---------------------------------------------------------------------------------------------------------

    def minimize(self, loss: Any, var_list: Any, tape: Any = None) -> Any:
        """One step for ``loss``: a function without arguments, or a tensor with the ``tape`` that recorded it."""
        return self.apply_gradients(self.compute_gradients(loss, var_list, tape))

    def compute_gradients(self, loss: Any, var_list: Any, tape: Any = None) -> list[tuple[Any, Any]]:
        """(gradient, variable) pairs of ``loss``, as for ``minimize``."""
        return gradients_and_variables(loss, var_list, tape)

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Any]], name: str | None = None) -> Any:
        """One step: at once (eager), or by the operation that it gives. The first call makes the state.

        Pairs without a gradient are left out. Raises ValueError if nothing remains, KeyError for a variable that the first
        call did not have.
        """
        given = list(grads_and_vars)
        if self._road.step(given, vars(self).values()):
            return None
        pairs = [(convert(g), v) for g, v in given if g is not None]
        if not pairs:
            raise ValueError("No gradients provided for any variable.")
        gradients, variables = [g for g, _ in pairs], [v for _, v in pairs]
        if not self._built:
            with init_scope(), names.entered(names.Scope(f"{self.name}/")):
                self.build(variables)
            self._built = True
        unknown = [v.name for v in variables if self._var_key(v) not in self._index_dict]
        if unknown:
            raise KeyError(
                f"This optimizer was built for other variables and does not know {unknown}. Build it with all, or make another."
            )
        gradients = self._clipped(gradients)
        with runtime.current().home.name_scope(name or self.name) as scope, control_dependencies(gradients):
            with control_dependencies(self._begin_step()):
                decays = [] if self.weight_decay is None else [self._decay(v) for v in variables if self._decays(v)]
                with control_dependencies([d for d in decays if d is not None]):
                    steps = [self.update_step(g, v) for g, v in zip(gradients, variables, strict=True)]
            steps = [s for s in flatten(steps) if s is not None]
            with control_dependencies(steps):
                counted = self._iterations.assign_add(1, read_value=False)
                kept = constrain(with_constraint(variables), [])
            done = group(*steps, counted, *kept, name=scope)
        if done is None:
            self._look_for_a_short_road(variables)
        return done

    def _look_for_a_short_road(self, variables: list[Any]) -> None:
        rule = self._rule()
        if rule is None or not as_written(type(self), *_STEPPING):
            return
        dtype = variables[0].dtype

        def together() -> Together | None:
            limits = self.weight_decay, self.clipnorm, self.clipvalue, self.global_clipnorm
            scheduled = isinstance(self._learning_rate, LearningRateSchedule)  # which may do anything
            if scheduled or any(limit is not None for limit in limits) or with_constraint(variables):
                return None
            [(updates, _), *others] = laid_out(rule, variables, lambda v, name: self._state_of(v, name).handle, [])
            updates.parts(EAGER.store_at_hand(None))
            return None if others else updates.together

        handles = [v.handle for v in variables]
        self._road.look(handles, vars(self).values(), together, lambda: self._numbers(dtype), self._iterations.handle)

    def _rule(self) -> Rule | None:
        """``update_step`` as the formula of an op, for many small variables at once; None if there is none.

        Who gives one also defines ``_state_of(variable, name)`` and ``_numbers(dtype)``, for the names in it.
        """
        return None

    def _state_of(self, variable: Any, name: str) -> Any:
        raise NotImplementedError

    def _numbers(self, dtype: Any) -> list[Any]:
        raise NotImplementedError

    def _clipped(self, gradients: list[Any]) -> list[Any]:
        if self.clipnorm is not None and self.clipnorm > 0:
            return [clip_by_norm(g, self.clipnorm) for g in gradients]
        if self.global_clipnorm is not None and self.global_clipnorm > 0:
            return clip_by_global_norm(gradients, self.global_clipnorm)[0]
        if self.clipvalue is not None and self.clipvalue > 0:
            return [clip_by_value(g, -self.clipvalue, self.clipvalue) for g in gradients]
        return gradients

    def _begin_step(self) -> list[Any]:
        """What is done once a step, before any variable moves; gives the operations. A schedule tells its rate here."""
        rate = self._learning_rate
        if not isinstance(rate, LearningRateSchedule):
            return []
        set_rate = self._current_learning_rate.assign(cast(rate(self._iterations), dtypes.float32), read_value=False)
        return [] if set_rate is None else [set_rate]

    def update_step(self, gradient: Any, variable: Any) -> Any:
        """Updates one variable and its state; gives the operations (graph)."""
        raise NotImplementedError(f"{type(self).__name__} must define update_step(gradient, variable).")

    def _rate(self, variable: Any) -> Any:
        """The rate of this step in a variable's dtype."""
        return cast(self.learning_rate, variable.dtype)

    # -- weight decay --------------------------------------------------------------------------------------------------

    def exclude_from_weight_decay(self, var_list: Iterable[Any] | None = None, var_names: Iterable[str] | None = None) -> None:
        """Leaves variables, and those whose name has one of ``var_names`` (regular expressions) in it, out of the decay.

        Raises ValueError if the state has been made already.
        """
        if self._built:
            raise ValueError("exclude_from_weight_decay must be called before the optimizer is built: before the first step.")
        self._undecayed = NoDependency([*(self._var_key(v) for v in var_list or ()), *(var_names or ())])

    def _decays(self, variable: Any) -> bool:
        from re import search

        key = self._var_key(variable)
        return not any(search(one, variable.name) if isinstance(one, str) else one == key for one in self._undecayed)

    def _decay(self, variable: Any) -> Any:
        share = self._rate(variable) * float(self.weight_decay or 0.0)
        return variable.assign_sub(variable * share, read_value=False)

    # -- settings ------------------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor by name, with the learning rate as it is now (a schedule as a dict)."""
        own = [p.name for p in inspect.signature(type(self).__init__).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
        of_all = ["name", "weight_decay", "clipnorm", "global_clipnorm", "clipvalue"]
        config = {name: getattr(self, name) for name in [*of_all, *own[1:]] if hasattr(self, name)}
        rate = self._learning_rate
        if isinstance(rate, LearningRateSchedule):
            return {**config, "learning_rate": schedules.serialize(rate)}
        store = rate.handle.home.store_to_save(None, "get_config")
        return {**config, "learning_rate": float(store.cell(rate.handle).read())}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Self:
        """A new optimizer from ``get_config()``. ``custom_objects``: schedules of one's own by their class's name."""
        rate = config.get("learning_rate")
        if isinstance(rate, dict):
            return cls(**{**config, "learning_rate": schedules.deserialize(rate, custom_objects)})
        return cls(**config)


class _Variables(list[Any]):
    """A list that gives itself when it is called: ``optimizer.variables()`` is the same as ``optimizer.variables``."""

    def __call__(self) -> _Variables:
        return self
