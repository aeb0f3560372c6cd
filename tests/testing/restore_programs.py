"""Programs that build, save, restore and change trees, and how one is run. TensorFlow's interpreter imports this module too.

A program is a list of steps ``[action, *arguments]``. Objects are numbers: first nodes, then variables, then objects that keep
slots, then Python state. A *side* has a method for each action.
"""

import gc
import itertools

NODES, VARIABLES, OPTIMIZERS, STATES = range(3), range(3, 6), range(6, 8), range(8, 9)
OBJECTS = range(9)
ASSERTIONS = ("assert_consumed", "assert_existing_objects_matched", "assert_nontrivial_match")


class Side:
    """What all sides do alike. ``make(i, value)`` makes object ``i``; ``kept`` keeps replaced objects alive."""

    def __init__(self):
        self.objects = [self.make(i, 0.0) for i in OBJECTS]
        self.files, self.statuses, self.kept = [], [], []

    def replace(self, i, value):
        """Another object takes the place of ``i``."""
        self.kept.append(self.objects[i])
        self.objects[i] = self.make(i, value)

    def fresh(self, value):
        """A new program: all objects are new."""
        self.kept += self.objects
        self.objects = [self.make(i, value) for i in OBJECTS]

    def forget(self):
        """Lets the objects go that the program has no more, those in cycles too: assertions tell whether they are there."""
        if self.kept:
            self.kept.clear()
            gc.collect()


def run(side, program, refusals):
    """Runs a program; gives after each step whether it was refused, and all that can be seen. ``refusals`` are errors."""
    numbers = itertools.count(1)
    slots = any(step[0] == "slot" for step in program)
    for action, *arguments in program:
        if action in ("assign", "replace", "fresh", "slot"):
            arguments.append(float(next(numbers)))
        if action == "restore" and arguments[1] >= len(side.files):
            continue
        if action in ("run", "initialize_or_restore") and arguments[0] >= len(side.statuses):
            continue
        if not slots:  # a slot may outlive its variable; in the model it keeps it alive
            side.forget()
        outcome = "done"
        try:
            getattr(side, action)(*arguments)
        except AssertionError:
            outcome = "AssertionError"
        except refusals:
            assert action != "attach", "attaching must not fail"
            outcome = "refused"
        yield [action, *arguments], outcome, seen(side)


def seen(side):
    """All that can be seen: values, slots, and what the statuses say."""
    out = {f"object {i}": side.value(i) for i in OBJECTS}
    out |= {f"slot of {o} for {v}": side.slot_value(o, v) for o in OPTIMIZERS for v in VARIABLES}
    for i, status in enumerate(side.statuses):
        for name in ASSERTIONS:
            try:
                getattr(status, name)()
                out[f"status {i} {name}"] = True
            except AssertionError:
                out[f"status {i} {name}"] = False
    return out
