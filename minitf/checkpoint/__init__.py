"""Where saved values go: capturing an object graph, matching a saved one, restoring, and what is known about a restore."""
