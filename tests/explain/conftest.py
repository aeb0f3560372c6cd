"""The fixtures of the checkpoint tests: one test, two runtimes."""

from tests.checkpoint.conftest import eager, graph, save, world  # noqa: F401
