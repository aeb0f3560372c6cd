"""The frame of all optimizers of TensorFlow 1.x: gradients, slots, updates.

One optimizer works in eager mode and in any number of graphs. What it keeps for a variable is a *slot*; what it keeps for
itself, such as Adam's powers of beta, is a *non-slot variable*: an ordinary named edge. Both live where the trained variable
lives, and both are made when they are first needed, so a checkpoint that is waiting for them gives them their first value
(eager) or a restore op (graph).

A rule is a subclass with up to five methods: ``_create_slots``, ``_hypers``, ``_prepare``, ``_rule``, ``_finish``. Instead of
``_rule``, which names an op, it may define ``_apply_dense``, which updates one variable by any ops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from minitf.autodiff import GradientTape, gradients
from minitf.core import names, runtime
from minitf.core.literals import to_array
from minitf.core.op import convert
from minitf.core.state import Handle
from minitf.core.structures import flatten
from minitf.core.tensor import EagerTensor
from minitf.objects import edges
from minitf.objects.edges import arrived, changed, preloaded, tracking
from minitf.objects.slots import SlotOwner
from minitf.objects.variable import Variable
from minitf.ops.creating import cast, fill, zeros_like
from minitf.ops.state import assign
from minitf.ops.together import Updates
from minitf.optimizers.again import Again, Kept
from minitf.optimizers.constraining import constrain, with_constraint
from minitf.optimizers.slot_names import slot_name
from minitf.optimizers.updating import Rule, check_dtypes, laid_out, only_variables
from minitf.runtimes.building import control_dependencies, init_scope
from minitf.runtimes.graph_home import GraphKeys
from minitf.runtimes.operation import Operation


class Optimizer(SlotOwner):
    """Base class of optimizers. ``use_locking`` is accepted and has no effect: an update is one op."""

    GATE_NONE, GATE_OP, GATE_GRAPH = 0, 1, 2

    def __init__(self, use_locking: bool, name: str):
        if not name:
            raise ValueError("An optimizer needs a name: its slot variables are called after it.")
        self._name = name
        self._non_slots: list[tuple[str, Any]] = []
        self._slots_of: Any = None  # what the last apply_gradients had slots for, and when
        self._updates: list[tuple[Updates, slice]] = []  # what it did
        self._constrained: list[Any] = []  # those of its variables that have a constraint
        self._hyper: dict[str, Any] = {}
        # Own variables that are numbers of the rule, by name, each with the number that it is multiplied by after a step.
        self._powers: dict[str, tuple[Any, str]] = {}
        self._again: Again | None = None  # takes the next step if it is like the last
        self._cast: dict[tuple[str, Any], Any] = {}
        self._arrays: dict[str, tuple[float, Any]] = {}  # those that are Python numbers, as arrays

    def __setattr__(self, name: str, value: Any) -> None:
        """Makes no edge: a learning rate that is a variable is not the optimizer's state."""
        object.__setattr__(self, name, value)

    def get_name(self) -> str:
        """The name given to the constructor."""
        return self._name

    # -- use -----------------------------------------------------------------------------------------------------------

    def minimize(self, loss: Any, global_step: Any = None, var_list: Any = None, gate_gradients: int = GATE_OP,
                 aggregation_method: Any = None, colocate_gradients_with_ops: bool = False, name: str | None = None,
                 grad_loss: Any = None) -> Any:  # fmt: skip
        """Makes ``loss`` smaller by one step: ``compute_gradients``, then ``apply_gradients``.

        ``loss`` is a function without arguments that computes it (both modes) or a tensor (graph). In eager mode the step is
        done when the call returns (None); in a graph the result is the operation that does it. Raises ValueError if no
        variable has a gradient.
        """
        pairs = self.compute_gradients(
            loss, var_list, gate_gradients, aggregation_method, colocate_gradients_with_ops, grad_loss
        )
        if all(g is None for g, _ in pairs):
            raise ValueError(
                f"minimize: no variable has a gradient: the loss does not depend on any of {[v.name for _, v in pairs]}. "
                f"Compute it from the variables themselves, with differentiable ops."
            )
        return self.apply_gradients(pairs, global_step, name)

    def compute_gradients(self, loss: Any, var_list: Any = None, gate_gradients: int = GATE_OP,
                          aggregation_method: Any = None, colocate_gradients_with_ops: bool = False,
                          grad_loss: Any = None) -> list[tuple[Any, Any]]:  # fmt: skip
        """(gradient, variable) pairs; the gradient is None where the loss does not depend on the variable.

        ``var_list``: by default the trainable variables that the function reads, or those of the graph. ``grad_loss``: the
        gradient to start from instead of ones. The three arguments between are accepted; updates wait for all gradients anyway.

        Raises RuntimeError for a tensor in eager mode, TypeError for things that are no variables, ValueError if there are
        none.
        """
        if gate_gradients not in (self.GATE_NONE, self.GATE_OP, self.GATE_GRAPH):
            raise ValueError(
                f"gate_gradients must be GATE_NONE, GATE_OP or GATE_GRAPH of the optimizer, not {gate_gradients!r}."
            )
        given = None if var_list is None else only_variables(flatten(var_list))
        if callable(loss):
            return self._differentiate(loss, given, grad_loss)
        home = runtime.current().home.require_graph(
            "minimizing a tensor (in eager mode pass a function that computes the loss)"
        )
        if given is None:
            given = home.get_collection(GraphKeys.TRAINABLE_VARIABLES)
        if not given:
            raise ValueError("No variables to optimize: the graph has no trainable variables. Make some, or pass var_list.")
        check_dtypes([loss, *given])
        start = None if grad_loss is None else convert(grad_loss, loss.dtype)
        return list(zip(gradients(loss, given, grad_ys=start), given, strict=True))

    @staticmethod
    def _differentiate(loss: Callable[[], Any], given: list[Any] | None, grad_loss: Any) -> list[tuple[Any, Any]]:
        with GradientTape() as tape:
            if given is not None:
                tape.watch(given)
            value = convert(loss())
        over = list(tape.watched_variables()) if given is None else given
        start = None if grad_loss is None else convert(grad_loss, value.dtype)
        return list(zip(tape.gradient(value, over, start), over, strict=True))

    def apply_gradients(
        self, grads_and_vars: Iterable[tuple[Any, Any]], global_step: Any = None, name: str | None = None
    ) -> Any:
        """Updates the variables; then adds 1 to ``global_step``. The first call makes the slots.

        No variable changes before all gradients are there. Gives None (eager) or the operation that does it all (graph). Pairs
        without a gradient are left out. Raises ValueError if nothing remains, TypeError for things that are no variables.
        """
        pairs = list(grads_and_vars)
        if self._again is not None and global_step is None and self._again.step(pairs, self._hypers().values()):
            return None
        if not pairs:
            raise ValueError("No variables provided: grads_and_vars is empty.")
        grads, trained, handles = [], [], []
        for g, v in pairs:
            if not isinstance(v, Variable):
                only_variables([v])
            if g is not None:
                grads.append(g if type(g) is EagerTensor else convert(g))
                trained.append(v)
                handles.append(v._handle)
        if not grads:
            raise ValueError(f"No gradients provided for any variable: {[v.name for _, v in pairs]}.")
        if (edges.version, handles) != self._slots_of:  # something is new since the last call
            self._get_ready(trained)
            self._slots_of = edges.version, handles
        home = runtime.current().home
        name = name or self._name
        scope = home.updating(name) if self._updates else home.name_scope(name)
        if scope is None:
            done = self._step(grads, trained, global_step, name)
            self._again = self._same_again(handles)
        else:
            with scope as within:
                done = self._step(grads, trained, global_step, within, home.control_dependencies(grads))
        self._cast.clear()
        if isinstance(done, Operation):
            done.graph.add_to_collection("train_op", done)
        return done

    def _step(self, grads: Sequence[Any], trained: Sequence[Any], global_step: Any, name: str, after: Any = None) -> Any:
        """One step of all variables; gives what is done last. ``after``: what the updates are made inside of, if anything."""
        self._prepare()
        if after is None:
            updates = self._update(grads, trained)
        else:
            with after:
                updates = self._update(grads, trained)
        if self._constrained:
            updates += constrain(self._constrained, updates)
        if global_step is None:
            return self._finish(updates, name)
        with control_dependencies([self._finish(updates, "update")]):
            return global_step.assign_add(1, name=name, read_value=False)

    def _same_again(self, handles: list[Handle]) -> Again | None:
        """What takes the next step if it is like this one; None for steps of several parts and rules with more to do."""
        rule, kind, hypers = self._rule(), type(self), self._hypers()
        plain = kind._prepare is Optimizer._prepare and kind._finish is Optimizer._finish
        if rule is None or not plain or self._constrained or len(self._updates) != 1:
            return None
        updates, _ = self._updates[0]
        if updates.together is None or any(type(value) is not float for value in hypers.values()):
            return None
        numbers = [None if n in self._powers else self._number(n, updates.dtype)._v for n in rule.numbers]
        powers = [
            (rule.numbers.index(n), power.handle.cell, self._number(factor, updates.dtype)._v)
            for n, (power, factor) in self._powers.items()
        ]
        if any(power.dtype is not updates.dtype for power, _ in self._powers.values()):
            return None
        return Again(handles, hypers.values(), Kept(numbers, powers), updates.together)

    def _get_ready(self, trained: list[Any]) -> None:
        """Makes the slots of variables, and lists their updates."""
        if type(self)._create_slots is not Optimizer._create_slots:
            with init_scope():
                self._create_slots(trained)
        self._constrained = with_constraint(trained)
        rule = self._rule()
        if rule is None or type(self)._apply_dense is not Optimizer._apply_dense:
            self._updates = []
            return
        self._updates = laid_out(rule, trained, self._slot_handle, self._updates)

    def _update(self, grads: Sequence[Any], trained: Sequence[Any]) -> list[Any]:
        """Updates the variables with their gradients; gives the operations."""
        rule = self._rule()
        if not self._updates or rule is None:
            return [self._apply_dense(g, v) for g, v in zip(grads, trained, strict=True)]
        out: list[Any] = []
        hyper = self._hyper
        for updates, run in self._updates:
            dtype = updates.dtype
            array_dtype = dtype.np
            numbers = []
            for n in rule.numbers:
                number = hyper[n]
                fits = type(number) is EagerTensor and number._v.dtype is array_dtype
                numbers.append(number if fits else self._number(n, dtype))
            out += runtime.current().update(updates, numbers, grads[run])
        return out

    def variables(self) -> list[Any]:
        """The state of the optimizer in the current graph (or eager mode): slots and other variables, sorted by name."""
        home = runtime.current().home.outermost()
        found = [v for _, v in self._non_slots if v.handle.home is home]
        for name in self.get_slot_names():
            found += [slot for handle, slot in self._slot_items(name) if handle.home is home]
        return sorted(found, key=lambda v: v.name)

    # -- what a rule says ----------------------------------------------------------------------------------------------

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        """Makes the slots (and other variables) that the rule needs for these variables, unless they exist."""

    def _hypers(self) -> Mapping[str, Any]:
        """The rule's numbers by name: values, tensors, or functions that give one (asked anew at each ``apply_gradients``)."""
        return {}

    def _prepare(self) -> None:
        """Turns the rule's numbers into tensors, before the updates."""
        self._cast.clear()
        self._hyper = hyper = {}
        constant, arrays = runtime.current().constant, self._arrays
        for name, value in self._hypers().items():
            if type(value) is float:
                known = arrays.get(name)
                if known is None or known[0] is not value:
                    known = arrays[name] = value, to_array(value)
                hyper[name] = constant(known[1], name)
            else:
                hyper[name] = convert(value() if callable(value) else value, name=name)
        for name, (power, _) in self._powers.items():
            hyper[name] = power.read_value()

    def _number(self, name: str, dtype: Any) -> Any:
        """One of the rule's numbers as a tensor of ``dtype``. A Python number is float32 first, as in TensorFlow."""
        found = self._cast.get((name, dtype))
        if found is None:
            hyper = self._hyper[name]
            found = self._cast[name, dtype] = hyper if hyper.dtype is dtype else cast(hyper, dtype)
        return found

    def _rule(self) -> Rule | None:
        """The op that updates a variable, with what it gets; None for a subclass that defines ``_apply_dense``."""
        return None

    def _apply_dense(self, grad: Any, var: Any) -> Any:
        """Updates one variable; gives the operation."""
        rule = self._rule()
        if rule is None:
            raise NotImplementedError(f"{type(self).__name__} must define _apply_dense(grad, var).")
        row = [var.handle, *[self._slot_handle(var, s) for s in rule.slots]]
        numbers = [self._number(name, var.dtype) for name in rule.numbers]
        return next(iter(runtime.current().update(Updates(rule.op, [row], rule.attrs), numbers, [grad])), None)

    def _finish(self, update_ops: Sequence[Any], name_scope: str) -> Any:
        """What comes after all updates; gives one operation for everything."""
        home = runtime.current().home
        if not self._powers:
            return home.group(update_ops, name_scope)
        with home.control_dependencies(update_ops):
            powers = [
                assign(power.handle, power.read_value() * self._hyper[factor]) for power, factor in self._powers.values()
            ]
        return home.group([*update_ops, *powers], name_scope)

    # -- slots ---------------------------------------------------------------------------------------------------------

    def _zeros_slot(self, var: Any, slot_name: str, op_name: str | None = None) -> Any:
        """The slot, made with zeros in the shape of the variable."""
        return self._filled_slot(var, slot_name, 0.0)

    def _filled_slot(self, var: Any, slot_name: str, value: float) -> Any:
        """The slot, made with ``value`` everywhere, in the shape of the variable (as it is then, if sizes are open)."""
        start = var.dtype.np.type(value)
        if var.spec.complete:
            return self.add_slot(var, slot_name, lambda: fill(var.shape, start))
        return self.add_slot(var, slot_name, lambda: zeros_like(var.initialized_value()) + start)

    def _slot_handle(self, var: Any, slot_name: str) -> Handle:
        """The handle of a slot that exists."""
        slot = self.get_slot(var, slot_name)
        assert slot is not None, f"the slot {slot_name!r} of {var.name!r} is made by _create_slots"
        return slot.handle  # type: ignore[no-any-return]

    def _slot_name(self, var: Any, name: str) -> str:
        return slot_name(var.handle.name, self._slot_base(name))

    def _slot_base(self, slot_name: str) -> str:
        """What the variables of a slot are called after the trained variable: by default the optimizer's name."""
        return self._name

    def _make_slot(self, var: Any, name: str, initial_value: Any, dtype: Any, shape: Any, waiting: Any) -> Any:
        with names.entered(names.Scope()):  # a slot is called after its variable, whatever name scope the training code is in
            return super()._make_slot(var, name, initial_value, dtype, shape, waiting)

    # -- variables that belong to no other -----------------------------------------------------------------------------

    def _create_non_slot_variable(self, initial_value: Any, name: str, colocate_with: Any) -> Any:
        """The optimizer's own variable ``name`` beside ``colocate_with`` (in its graph), made if it does not exist yet."""
        home = colocate_with.handle.home
        found = self._get_non_slot_variable(name, home)
        if found is not None:
            return found
        waiting = preloaded(self, name)
        with runtime.using(home):
            variable = Variable(initial_value, trainable=False, name=name, waiting=waiting)
        if waiting is not None and waiting.used:
            tracking(variable).update_uid = waiting.uid
        self._non_slots.append((name, variable))
        changed()
        try:
            arrived(self, name, variable)
        except BaseException:
            self._non_slots.pop()
            changed()
            raise
        return variable

    def _get_non_slot_variable(self, name: str, home: Any) -> Any | None:
        """The optimizer's own variable ``name`` of a home, or None."""
        for n, v in self._non_slots:
            if n == name and v.handle.home is home:
                return v
        return None

    def __getstate__(self) -> Any:
        state = super().__getstate__()
        looks_again: dict[str, Any] = {"_slots_of": None, "_updates": [], "_again": None}
        return ({**state[0], **looks_again}, *state[1:]) if isinstance(state, tuple) else state

    def _children(self) -> Mapping[str, Any]:
        """The edges, with the non-slot variables of the current graph (or eager mode) only (S147)."""
        home = runtime.current().home.outermost()
        own = {n: v for n, v in sorted(self._non_slots, key=lambda pair: pair[0]) if v.handle.home is home}
        return {**own, **super()._children()}
