"""Who owns state: trackable objects, variables, containers, slots, Python state."""
