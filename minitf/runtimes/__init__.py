"""How a tensor program runs: at once (eager), or later (a graph, run by sessions)."""
