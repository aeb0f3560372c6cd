"""Averages of variables that follow them slowly: often better for evaluation than the last values of a training."""

from __future__ import annotations

from typing import Any

from minitf.core import dtypes, names, runtime
from minitf.core.op import convert
from minitf.core.tensor import EagerTensor, TensorRef
from minitf.objects.partitioned import goes_with
from minitf.objects.variable import Variable
from minitf.ops.creating import cast, zeros
from minitf.ops.extremes import minimum
from minitf.optimizers.slot_names import slot_name
from minitf.runtimes.building import (
    get_collection,
    global_variables,
    group,
    init_scope,
    trainable_variables,
)
from minitf.runtimes.graph_home import GraphKeys

_AVERAGED = frozenset({dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64})


class ExponentialMovingAverage:
    """Keeps ``average = decay * average + (1 - decay) * value`` for variables, and for tensors of a graph.

    * ``num_updates``: a count of steps; the decay is then at most ``(1 + num_updates) / (10 + num_updates)``, so that averages
      move fast at first.
    * ``zero_debias``: corrects averages of tensors for having started from zero. Averages of variables start from the
      variable's initial value and need no correction.
    """

    def __init__(self, decay: Any, num_updates: Any = None, zero_debias: bool = False, name: str = "ExponentialMovingAverage"):
        self._decay = decay
        self._num_updates = num_updates
        self._zero_debias = zero_debias
        self._name = name
        self._averages: dict[TensorRef, Any] = {}
        self._debias: dict[TensorRef, tuple[Any, Any]] = {}

    @property
    def name(self) -> str:
        """The name under which averages are made."""
        return self._name

    def apply(self, var_list: Any = None) -> Any:
        """Makes averages where there are none, and moves all of the list: at once (eager), or by the operation it gives.

        By default the list is the trainable variables of the graph. Raises TypeError for things that are no floats, and for
        tensors in eager mode, which have no identity.
        """
        given = trainable_variables() if var_list is None else list(var_list)
        for value in given:
            self._check(value)
            if value.ref() not in self._averages:
                self._averages[value.ref()] = self._make(value)
        with runtime.current().home.name_scope(self._name) as scope:
            rate = convert(1.0 - self._decay_now(), name="decay")
            moves = [self._move(value, cast(rate, value.dtype)) for value in given]
            return group(*moves, name=scope)

    def _check(self, value: Any) -> None:
        if isinstance(value, EagerTensor):
            raise TypeError(
                "ExponentialMovingAverage keeps averages of variables; an eager tensor is a value and cannot change. Average "
                "a variable."
            )
        if getattr(value, "dtype", None) not in _AVERAGED:
            raise TypeError(f"The variables must be half, float, or double, because they are averaged: {value!r}.")

    def _make(self, value: Any) -> Any:
        is_variable = isinstance(value, Variable)
        with init_scope(), names.entered(names.Scope()):
            name = slot_name(value.handle.name if is_variable else value.op.name, self._name)
            start = value.initialized_value if is_variable else lambda: zeros(value.shape, value.dtype)
            average = Variable(start, trainable=False, name=name)
            if self._zero_debias and not is_variable:
                biased = Variable(zeros(value.shape, value.dtype), trainable=False, name=f"{name}/biased")
                steps = Variable(zeros((), value.dtype), trainable=False, name=f"{name}/local_step")
                self._debias[value.ref()] = biased, steps
            if is_variable:
                goes_with(value, average)
                value.handle.home.register(value, False, [GraphKeys.MOVING_AVERAGE_VARIABLES])
        return average

    def _decay_now(self) -> Any:
        if self._num_updates is None:
            return self._decay
        count = cast(self._num_updates, dtypes.float32)
        return minimum(self._decay, (1.0 + count) / (10.0 + count))

    def _move(self, value: Any, rate: Any) -> Any:
        average = self._averages[value.ref()]
        if value.ref() not in self._debias:
            return average.assign_sub((average - value) * rate, read_value=False)
        biased, steps = self._debias[value.ref()]
        moved, counted = biased.assign_sub((biased - value) * rate), steps.assign_add(1.0)
        return average.assign(moved / (1.0 - (1.0 - rate) ** counted), read_value=False)

    def average(self, var: Any) -> Any | None:
        """The variable that holds the average of a variable or tensor, or None if ``apply`` has not seen it."""
        return None if isinstance(var, EagerTensor) else self._averages.get(var.ref())

    def average_name(self, var: Any) -> str:
        """The name of the variable that holds the average, also before it is made."""
        made = self.average(var)
        if made is not None:
            return made.handle.name  # type: ignore[no-any-return]
        own = var.handle.name if isinstance(var, Variable) else var.op.name
        graph = runtime.current().home.graph_being_built()
        name = f"{own}/{self._name}"
        return name if graph is None else graph.unique_name(name, mark_as_used=False)

    def variables_to_restore(self, moving_avg_variables: Any = None) -> dict[str, Any]:
        """Names to variables, for ``train.Saver``: averages are loaded into the variables themselves, the rest into itself."""
        averaged = [*trainable_variables(), *get_collection(GraphKeys.MOVING_AVERAGE_VARIABLES)]
        averaged = averaged if moving_avg_variables is None else list(moving_avg_variables)
        by_name = {self.average_name(v): v for v in averaged}
        known = {v.ref() for v in averaged}
        for v in global_variables():
            if v.ref() not in known:
                by_name.setdefault(v.handle.name, v)
        return by_name
