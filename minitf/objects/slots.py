"""Slot variables: what an optimizer keeps for other variables.

A slot is stored in a checkpoint by the triple (optimizer, variable, slot name), never as an edge. ``SlotOwner`` keeps
slots by the handle of their variable, tells waiting restores about new ones, and makes the slots that a checkpoint asks for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from minitf.core.runtime import using
from minitf.core.spec import shape_text
from minitf.core.state import Handle
from minitf.objects.creators import hooked
from minitf.objects.edges import arrived, changed, preloaded, tracking
from minitf.objects.partitioned import goes_with
from minitf.objects.trackable import AutoTrackable
from minitf.objects.variable import Variable


class SlotOwner(AutoTrackable):
    """Inherit it to keep slot variables. ``_slot_prefix`` is the operation name under which they are made.

    ``_slot_kinds``: the names of all slots that the class can make; None if it does not say.
    """

    __slots__ = ("_slots",)
    _slots: dict[str, dict[Handle, Any]]

    _slot_prefix = ""
    _slot_kinds: frozenset[str] | None = None

    @property
    def _slot_table(self) -> dict[str, dict[Handle, Any]]:
        """Slots by slot name and handle of their variable."""
        try:
            return self._slots
        except AttributeError:
            object.__setattr__(self, "_slots", {})
            return self._slots

    # -- asking --------------------------------------------------------------------------------------------------------

    def get_slot_names(self) -> list[str]:
        """The names of the slots that exist, sorted."""
        return sorted(self._slot_table)

    def get_slot(self, var: Any, name: str) -> Any | None:
        """The slot that this object keeps for ``var`` under ``name``, or None."""
        return self._slot_table.get(name, {}).get(var.handle)

    def _slot_items(self, name: str) -> Iterator[tuple[Handle, Any]]:
        """The slots of one name, by the handles of their variables, in order of creation."""
        return iter(list(self._slot_table.get(name, {}).items()))

    # -- making --------------------------------------------------------------------------------------------------------

    def add_slot(self, var: Any, name: str, initial_value: Any, dtype: Any = None, shape: Any = None) -> Any:
        """The slot ``name`` for ``var``, made if it does not exist yet.

        ``initial_value`` is a value or a function that gives one. A value that waits in a checkpoint takes its place
        (eager mode), or gets a restore op (graph).
        """
        slot = existing_slot(self, var, name)
        if slot is not None:
            return slot
        waiting = preloaded(self, (var.handle, name))
        slot = self._make_slot(var, name, initial_value, dtype, shape, waiting)
        if waiting is not None and waiting.used:
            tracking(slot).update_uid = waiting.uid
        self._keep_slot(var, name, slot)
        return slot

    def _make_slot(self, var: Any, name: str, initial_value: Any, dtype: Any, shape: Any, waiting: Any) -> Any:
        """Makes the variable of a new slot: override it for another kind or name. Slots are never trainable."""
        with using(var.handle.home):
            slot = Variable(
                initial_value, trainable=False, name=self._slot_name(var, name), dtype=dtype, shape=shape, waiting=waiting
            )
        goes_with(var, slot)
        return slot

    def _slot_name(self, var: Any, name: str) -> str:
        return f"{var.handle.name}/{self._slot_prefix or type(self).__name__}"

    def _keep_slot(self, var: Any, name: str, slot: Any) -> None:
        """Stores a new slot and tells restores that wait for it. If one of them fails, the slot is not stored."""
        table = self._slot_table.setdefault(name, {})
        changed()  # before and behind: a save that Ctrl-C lets come, or another thread's, must not use an older list
        table[var.handle] = slot
        changed()
        try:
            arrived(self, (var.handle, name), slot)
        except BaseException:
            del table[var.handle]
            if not table:
                del self._slot_table[name]
            changed()
            raise

    def _make_restored_slot(self, var: Any, name: str, waiting: Any) -> Any | None:
        """A new slot, not kept yet, with the value that a checkpoint has for it.

        None in a graph, where only the program makes slots (S139), and while a hook on the making of variables is active
        (S145). Raises ValueError if the value does not fit ``var`` (S146). Override it for slots of other shapes.
        """
        if hooked(var.handle.home):
            return None
        slot = var.handle.home.at_once(lambda: self._make_slot(var, name, None, None, None, waiting))
        if slot is not None and tuple(slot.spec.shape) != tuple(var.spec.shape):
            raise ValueError(
                f"restore: the saved slot {name!r} of variable {var.name!r} has shape {shape_text(slot.spec.shape)}, "
                f"but the variable has shape {shape_text(var.spec.shape)}. Nothing was assigned. ({waiting.where})"
            )
        return slot

    # -- copies --------------------------------------------------------------------------------------------------------

    def __getstate__(self) -> Any:
        state = super().__getstate__()
        if isinstance(state, tuple) and "_slots" in state[1]:
            kept = [(n, h.variable and h.variable(), slot) for n, table in self._slots.items() for h, slot in table.items()]
            state = (state[0], {**state[1], "_slots": [k for k in kept if k[1] is not None]})
        return state

    def __setstate__(self, state: Any) -> None:
        super().__setstate__(state)
        kept = getattr(self, "_slots", None)
        if isinstance(kept, list):
            object.__setattr__(self, "_slots", {})
            for name, var, slot in kept:
                self._slots.setdefault(name, {})[var.handle] = slot


def existing_slot(owner: Any, var: Any, name: str) -> Any | None:
    """The slot that ``owner`` keeps for ``var``, or None, also where its ``get_slot`` raises KeyError for a missing one."""
    try:
        return owner.get_slot(var, name)
    except KeyError:
        return None
