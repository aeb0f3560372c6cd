"""Who owns state: trackable objects, variables, containers, slots, Python state."""

from minitf.objects import containers  # noqa: F401  (registers the wrappers)
