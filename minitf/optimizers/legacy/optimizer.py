"""The frame of Keras' optimizers up to 2.10 (``tf.keras.optimizers.legacy``): steps, slots, and the optimizer's own variables.

What such an optimizer keeps for a variable is a *slot*, as with the optimizers of TensorFlow 1.x. What it keeps for itself
hangs on named edges: the count of steps ("iter") and its settings. All of it is made when it is first needed, so what waits for
it in a checkpoint is its first value (eager) or gets a restore op (graph). An optimizer belongs to the mode or graph in which
it is first used.

A rule is a subclass with ``_create_slots``, ``_prepare_local``, which computes the numbers of a step, and ``_rule``, which says
what op gets them. Instead of ``_rule`` it may define ``_resource_apply_dense``, which updates one variable by any ops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from minitf.autodiff import gradients
from minitf.core import dtypes, runtime
from minitf.core.op import convert
from minitf.core.state import Handle
from minitf.core.structures import flatten
from minitf.core.tensor import EagerTensor
from minitf.objects import edges
from minitf.objects.variable import Variable
from minitf.ops.creating import cast
from minitf.ops.together import Together, Updates
from minitf.optimizers.again import ShortRoad, as_written
from minitf.optimizers.constraining import constrain, with_constraint
from minitf.optimizers.differentiating import gradients_and_variables
from minitf.optimizers.legacy.limits import limit, limited
from minitf.optimizers.legacy.settings import Settings, first_value, is_number, value_of
from minitf.optimizers.schedules import LearningRateSchedule
from minitf.optimizers.updating import Rule, check_dtypes, laid_out, only_variables
from minitf.runtimes.building import control_dependencies, init_scope, no_op
from minitf.runtimes.object_names import snake_case, unique_object_name

_Pairs = Sequence[tuple[Any, Any]]
_State = dict[tuple[str, Any], dict[str, Any]]  # numbers of a step by name, for each device ("") and dtype

_STEPPING = (
    "_aggregate_gradients", "_transform_gradients", "_prepare", "_prepare_local", "_decayed_lr", "_get_hyper", "_lay_out",
    "_update", "_rule", "_slot_handle", "_resource_apply_dense",
)  # fmt: skip
_ALLOWED = ("clipnorm", "clipvalue", "decay", "global_clipnorm", "lr")


class Optimizer(Settings):
    """Base class. ``name`` is the scope of what the optimizer makes; None numbers the class's name: "adam", "adam_1".

    * ``gradient_aggregator``, ``gradient_transformers``: functions of a list of (gradient, variable) pairs that give another;
      they are applied before the step, in this order.
    * ``clipvalue``, ``clipnorm``, ``global_clipnorm``: limits for the elements of gradients, for the norm of each, for the norm
      of all together. ``decay``: the learning rate is divided by ``1 + decay * iterations``. ``lr``: see ``learning_rate``.

    Raises TypeError for other arguments, ValueError for negative ones, and for two limits of norms.
    """

    clipnorm = limit("clipnorm", "The largest norm that a gradient may have, or None.")
    clipvalue = limit("clipvalue", "The largest magnitude that an element of a gradient may have, or None.")
    global_clipnorm = limit("global_clipnorm", "The largest norm that all gradients together may have, or None.")

    def __init__(self, name: str | None, gradient_aggregator: Callable[[Any], Any] | None = None,
                 gradient_transformers: Sequence[Callable[[Any], Any]] | None = None, **kwargs: Any):  # fmt: skip
        super().__init__()
        for key, value in kwargs.items():
            if key not in _ALLOWED:
                raise TypeError(
                    f"{type(self).__name__}: unexpected keyword argument {key!r}. Allowed are, besides its own, {_ALLOWED}."
                )
            if value is not None and key != "lr" and not is_number(value):
                raise TypeError(f"{type(self).__name__}: {key} must be a number or None, not {value!r}.")
            if value is not None and is_number(value) and value < 0:
                raise ValueError(f"{type(self).__name__}: expected {key} >= 0, not {value}.")
        if kwargs.get("clipnorm") is not None and kwargs.get("global_clipnorm") is not None:
            raise ValueError(f"{type(self).__name__}: clipnorm and global_clipnorm cannot both be set. Choose one.")
        self._name = name or unique_object_name(snake_case(type(self).__name__))
        self._weights: list[Any] = []
        self._iterations: Any = None
        self._initial_decay = kwargs.get("decay", 0.0)
        self._limits: dict[str, float | None] = {}
        self._built = False  # whether a step has made its own variables: explanations of restores ask
        self.gradient_aggregator = gradient_aggregator
        self.gradient_transformers = list(gradient_transformers or ())
        self.clipnorm, self.clipvalue = kwargs.get("clipnorm"), kwargs.get("clipvalue")
        self.global_clipnorm = kwargs.get("global_clipnorm")
        self._ready_for: Any = None  # the variables of the last step, and the version of edges and slots then
        self._updates_of: Any = None  # the rule and variables of the last step
        self._updates: list[tuple[Updates, slice]] = []  # what it did
        self._road = ShortRoad()
        self._constrained: list[Any] = []  # those of its variables that have a constraint

    def _set_hypers(self, learning_rate: Any, kwargs: dict[str, Any], **others: Any) -> None:
        """The settings of a rule: the learning rate, unless ``kwargs`` has it as ``lr``; ``decay``; and others."""
        for name, value in {"learning_rate": kwargs.get("lr", learning_rate), "decay": self._initial_decay, **others}.items():
            self._set_hyper(name, value)

    # -- steps ---------------------------------------------------------------------------------------------------------

    def minimize(self, loss: Any, var_list: Any, grad_loss: Any = None, name: str | None = None, tape: Any = None) -> Any:
        """One step for ``loss``: a function without arguments, or a tensor with the ``tape`` that recorded it.

        ``var_list``: variables, or a function that gives them once the loss has been computed. ``grad_loss``: the gradient to
        start from. Gives what ``apply_gradients`` gives. Raises ValueError for a tensor without a tape, for variables of dtypes
        that cannot be trained, and if no variable has a gradient.
        """
        return self.apply_gradients(self._compute_gradients(loss, var_list, grad_loss, tape), name)

    def _compute_gradients(self, loss: Any, var_list: Any, grad_loss: Any = None, tape: Any = None) -> list[tuple[Any, Any]]:
        pairs = gradients_and_variables(loss, var_list, tape, grad_loss)
        only_variables([v for _, v in pairs])
        check_dtypes([v for g, v in pairs if g is not None])
        return pairs

    def get_gradients(self, loss: Any, params: Any) -> list[Any]:
        """The gradients of a loss in a graph. Raises ValueError if one does not exist, RuntimeError in eager mode."""
        home = runtime.current().home.require_graph("get_gradients (in eager mode use tf.GradientTape, or minimize)")
        variables = flatten(params)
        with home.name_scope(f"{self._name}/gradients"):
            found = gradients(loss, variables)
        for gradient, variable in zip(found, variables, strict=True):
            if gradient is None:
                raise ValueError(
                    f"get_gradients: the loss does not depend on variable {variable.name!r}, or not by differentiable ops."
                )
        return list(found)

    def get_updates(self, loss: Any, params: Any) -> list[Any]:
        """The operation of one step for a loss in a graph, in a list."""
        variables = flatten(params)
        check_dtypes(variables)
        return [self.apply_gradients(list(zip(self.get_gradients(loss, variables), variables, strict=True)))]

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Any]], name: str | None = None,
                        experimental_aggregate_gradients: bool = True) -> Any:  # fmt: skip
        """One step: at once (eager; gives the variable that counts steps), or by the operation that it gives.

        Pairs without a gradient are left out. The first step with a variable makes its slots. Nothing but that is done for an
        empty list. ``experimental_aggregate_gradients``: whether to call the ``gradient_aggregator``. Raises ValueError if no
        variable has a gradient, TypeError for things that are no variables, RuntimeError for variables of another graph or mode
        than the optimizer's state.
        """
        given = list(grads_and_vars)
        if self._road.step(given, self._settings()):
            return self._iterations
        pairs: _Pairs = [(g if type(g) is EagerTensor else convert(g), v) for g, v in given if g is not None]
        if given and not pairs:
            raise ValueError(f"No gradients provided for any variable: {[v.name for _, v in given]}.")
        home = runtime.current().home
        with home.name_scope(self._name):
            self._get_ready(only_variables([v for _, v in pairs]))
            if not pairs:
                return no_op()
            numbers = self._prepare([v for _, v in pairs])
            if experimental_aggregate_gradients:
                pairs = self._aggregate_gradients(pairs)
            pairs = self._transform_gradients(pairs)
            gradients, variables = [g for g, _ in pairs], [v for _, v in pairs]
            self._lay_out(variables)
            with home.updating(name or self._name) or nullcontext():
                with control_dependencies(gradients):
                    updates = self._update(gradients, variables, numbers)
                if self._constrained:
                    updates += constrain(self._constrained, updates)
                with control_dependencies([u for u in updates if u is not None]):
                    counted = self.iterations.assign_add(1, read_value=False)
        if counted is not None:
            return counted
        self._look_for_a_short_road(variables)
        return self.iterations

    def _settings(self) -> list[Any]:
        """The objects on which a step depends, besides the values of variables."""
        return [*vars(self).values(), *self._hyper.values(), *self._limits.values(), *self.gradient_transformers]

    def _look_for_a_short_road(self, variables: list[Any]) -> None:
        rule = self._rule()
        if rule is None or not as_written(type(self), *_STEPPING):
            return
        dtype = variables[0].dtype

        def together() -> Together | None:
            plain = not (self.gradient_transformers or self.gradient_aggregator or self._constrained or len(self._updates) != 1)
            limited = any(limit is not None for limit in self._limits.values())
            known = all(isinstance(value, Variable) for value in self._hyper.values())  # no schedule, which may do anything
            return self._updates[0][0].together if plain and not limited and known else None

        def numbers() -> list[Any]:
            of_dtype = self._prepare(variables)["", dtype]
            return [of_dtype[n] for n in rule.numbers]

        self._road.look([v.handle for v in variables], self._settings(), together, numbers, self.iterations.handle)

    def _aggregate_gradients(self, grads_and_vars: _Pairs) -> _Pairs:
        """What ``gradient_aggregator`` makes of the pairs."""
        return grads_and_vars if self.gradient_aggregator is None else list(self.gradient_aggregator(grads_and_vars))

    def _transform_gradients(self, grads_and_vars: _Pairs) -> _Pairs:
        """What limits and ``gradient_transformers`` make of the pairs."""
        variables = [v for _, v in grads_and_vars]
        pairs: _Pairs = list(zip(limited([g for g, _ in grads_and_vars], self._limits), variables, strict=True))
        for transform in self.gradient_transformers:
            pairs = list(transform(pairs))
        return pairs

    def _get_ready(self, variables: list[Any]) -> None:
        """Makes what is missing for a step of these variables."""
        handles = [v.handle for v in variables]
        if (edges.version, handles) == self._ready_for:
            return
        for variable in variables:
            if self._iterations is not None and variable.handle.home is not self._iterations.handle.home:
                raise RuntimeError(
                    f"apply_gradients: variable {variable.name!r} was made in another graph or mode than the state of "
                    f"optimizer {self._name!r}. An optimizer belongs to one of them: make another for this variable."
                )
        with init_scope():
            self._create_all_weights(variables)
        self._ready_for = edges.version, handles
        self._updates_of = None

    def _create_all_weights(self, var_list: list[Any]) -> None:
        self.iterations  # noqa: B018  (reading makes it)
        self._create_hypers()
        self._create_slots(var_list)
        self._built = True

    def _lay_out(self, variables: list[Any]) -> None:
        """Lists the updates of a step, unless they are those of the last."""
        rule = self._rule()
        now = rule, [v.handle for v in variables]
        if self._updates_of == now:
            return
        own = type(self)._resource_apply_dense is not Optimizer._resource_apply_dense
        self._updates = [] if rule is None or own else laid_out(rule, variables, self._slot_handle, self._updates)
        self._constrained = with_constraint(variables)
        self._updates_of = now

    def _update(self, gradients: list[Any], variables: list[Any], numbers: _State) -> list[Any]:
        """Updates the variables with their gradients; gives the operations."""
        rule = self._rule()
        if not self._updates or rule is None:
            return [self._resource_apply_dense(g, v, numbers) for g, v in zip(gradients, variables, strict=True)]
        out: list[Any] = []
        for updates, run in self._updates:
            of_dtype = numbers["", updates.dtype]
            out += runtime.current().update(updates, [of_dtype[n] for n in rule.numbers], gradients[run])
        return out

    # -- what a rule says ----------------------------------------------------------------------------------------------

    def _create_slots(self, var_list: list[Any]) -> None:
        """Makes the slots that the rule needs for these variables, unless they exist."""

    def _rule(self) -> Rule | None:
        """The op that updates a variable, with what it gets; None for a subclass that defines ``_resource_apply_dense``."""
        return None

    def _prepare(self, var_list: list[Any]) -> _State:
        """The numbers of a step, for each dtype of the variables."""
        state: _State = {}
        for dtype in dict.fromkeys(v.dtype for v in var_list):
            state["", dtype] = {}
            self._prepare_local("", dtype, state)
        return state

    def _prepare_local(self, var_device: str, var_dtype: Any, apply_state: _State) -> None:
        """Puts the numbers of a step for variables of one dtype into ``apply_state[var_device, var_dtype]``.

        They are tensors of that dtype; ``lr_t`` is the learning rate of the step.
        """
        if "learning_rate" in self._hyper:
            apply_state[var_device, var_dtype]["lr_t"] = self._decayed_lr(var_dtype)

    def _decayed_lr(self, var_dtype: Any) -> Any:
        """The learning rate of this step in a dtype."""
        rate = self._get_hyper("learning_rate", var_dtype)
        if isinstance(rate, LearningRateSchedule):
            rate = cast(rate(cast(self.iterations, var_dtype)), var_dtype)
        if self._initial_decay > 0.0:
            rate = rate / (1.0 + cast(self._initial_decay, var_dtype) * cast(self.iterations, var_dtype))
        return rate

    def _resource_apply_dense(self, grad: Any, var: Any, apply_state: _State | None = None) -> Any:
        """Updates one variable; gives the operation. ``apply_state``: what ``_prepare`` gave."""
        rule = self._rule()
        if rule is None:
            raise NotImplementedError(f"{type(self).__name__} must define _resource_apply_dense(grad, var, apply_state).")
        of_dtype = (apply_state or self._prepare([var]))["", var.dtype]
        row = [var.handle, *[self._slot_handle(var, s) for s in rule.slots]]
        numbers = [of_dtype[n] for n in rule.numbers]
        return next(iter(runtime.current().update(Updates(rule.op, [row], rule.attrs), numbers, [grad])), None)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor by name, with settings as they are now (a schedule as a dict)."""
        return {"name": self._name} | {name: value for name, value in self._limits.items() if value is not None}

    # -- state ---------------------------------------------------------------------------------------------------------

    @property
    def iterations(self) -> Any:
        """The variable that counts steps (int64); made when it is first read."""
        if self._iterations is None:
            with init_scope():
                self._iterations = self.add_weight("iter", shape=[], dtype=dtypes.int64, trainable=False)
            self._weights.append(self._iterations)
        return self._iterations

    @iterations.setter
    def iterations(self, variable: Any) -> None:
        if self._iterations is not None:
            raise RuntimeError(
                f"`iterations` cannot be set to {variable!r}: the optimizer counts its steps already. Set it before that."
            )
        self._iterations = variable
        self._weights.append(variable)

    def get_slot_names(self) -> list[str]:
        """The names of the slots that exist, in the order in which they were first made."""
        return list(self._slot_table)

    def get_slot(self, var: Any, slot_name: str) -> Any:
        """The slot of a variable. Raises KeyError if it does not exist."""
        slot = super().get_slot(var, slot_name)
        if slot is None:
            raise KeyError(
                f"{self._name} has no slot {slot_name!r} for variable {var.name!r}. Slots are made by the first step with the "
                f"variable, by add_slot, or by a restore."
            )
        return slot

    def add_slot(self, var: Any, slot_name: str, initializer: Any = "zeros", shape: Any = None) -> Any:  # type: ignore[override]
        """The slot ``slot_name`` of a variable, made if it does not exist yet, in the dtype of the variable.

        ``initializer``: "zeros", "ones", a function of shape and dtype (which are the variable's, or ``shape``), or a value.
        A value that waits in a checkpoint takes its place (eager mode), or gets a restore op (graph).
        """
        return super().add_slot(var, slot_name, first_value(var, initializer, shape), var.dtype)

    def _slot_name(self, var: Any, name: str) -> str:
        return f"{var.handle.name}/{name}"

    def _slot_handle(self, var: Any, slot_name: str) -> Handle:
        """The handle of a slot that exists."""
        return self.get_slot(var, slot_name).handle  # type: ignore[no-any-return]

    def _keep_slot(self, var: Any, name: str, slot: Any) -> None:
        super()._keep_slot(var, name, slot)
        self._weights.append(slot)

    @property
    def weights(self) -> list[Any]:
        """The state of the training so far, in order of creation: steps, slots. Settings are not among it."""
        return self._weights

    def variables(self) -> list[Any]:
        """The same as ``weights``."""
        return self._weights

    def get_weights(self) -> list[Any]:
        """The values of ``weights``."""
        return [value_of(v, "get_weights")[()] for v in self._weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Sets the values of ``weights``. Raises ValueError, and sets nothing, for another number or other shapes."""
        if len(weights) != len(self._weights):
            raise ValueError(
                f"set_weights: optimizer {self._name!r} has {len(self._weights)} weights, not {len(weights)}. "
                f"Slots are made by the first step. They are {[v.name for v in self._weights]}."
            )
        for variable, value in zip(self._weights, weights, strict=True):
            if variable.shape != np.shape(value):
                raise ValueError(
                    f"set_weights: {variable.name!r} has shape {variable.shape}, but the value has shape {np.shape(value)}."
                )
        for variable, value in zip(self._weights, weights, strict=True):
            variable.load(np.asarray(value, variable.dtype.np))

    def __getstate__(self) -> Any:
        state = super().__getstate__()
        looks_again: dict[str, Any] = {"_ready_for": None, "_updates": [], "_updates_of": None}
        return ({**state[0], **looks_again}, *state[1:]) if isinstance(state, tuple) else state
