"""Every order: runs a body in many orders of its steps, of a session's operations, of crashes, and tells what comes of it.

    def body(world):
        box = [0]

        def add():
            seen = box[0]
            yield
            box[0] = seen + 1

        world.tasks(add, add)
        return box[0]

    print(explore.check(body).outcomes)       # {2: 'mt1-...', 1: 'mt1-...'}
"""

from minitf.core.lazy import names_from

_WHERE = {
    "minitf.explore.checking": "check replay",
    "minitf.explore.report": "Failure FailureFound Report",
    "minitf.explore.recording": "Moment",
    "minitf.explore.steps": "ANYTHING Access NOTHING reads writes",
    "minitf.explore.errors": "ExplorationError NondeterminismError OutcomeError TokenError",
    "minitf.explore.database": "FailureDatabase",
    "minitf.explore.exhaustive": "Exhaustive",
    "minitf.explore.orders": "Bounded Pct Random Replay",
    "minitf.core.schedule": "ProgramOrder Scheduler",
}

__getattr__, __dir__, __all__ = names_from(__name__, _WHERE)
