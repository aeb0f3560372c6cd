"""What is raised where minitf and the reference model differ."""

from __future__ import annotations

from minitf.testing.programs import Step, script


class Divergence(AssertionError):
    """minitf did something else than the reference model.

    ``steps``: what was done, the differing step last. ``script``: the same as Python code that runs and fails.
    """

    def __init__(self, message: str, mode: str, steps: list[Step], refused: set[int], expectation: str, instead: bool):
        super().__init__(message)
        self.message = message
        self.mode = mode
        self.steps = steps
        self._refused, self._expectation, self._instead = refused, expectation, instead

    @property
    def script(self) -> str:
        """The steps as code; at its end stands what the model expected."""
        steps = self.steps[:-1] if self._instead else self.steps
        return script(steps, self.mode, self._expectation, self._refused)

    def __str__(self) -> str:
        return f"{self.message}\n\nThis program shows it:\n\n{self.script}"
