"""Programs with monitored sessions that run under minitf and under TensorFlow alike: each gives what happened, as JSON.

``tf`` is ``tensorflow.compat.v1`` or ``minitf.compat.v1``; nothing here imports either.
"""

import traceback

from . import hooks, readiness, sessions, supervisors, threads

PROGRAMS = [*readiness.PROGRAMS, *sessions.PROGRAMS, *hooks.PROGRAMS, *threads.PROGRAMS, *supervisors.PROGRAMS]
NAMES = [program.__name__ for program in PROGRAMS]


def program(tf, np):
    """What every program gives, by its name; of a program that fails its traceback."""
    found = {}
    for each in PROGRAMS:
        try:
            found[each.__name__] = each(tf, np)
        except Exception:
            found[each.__name__] = traceback.format_exc()
    return found
