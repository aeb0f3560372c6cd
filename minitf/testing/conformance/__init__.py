"""Suites that a part of your own must pass: inherit one, say how the part is made, and pytest runs its tests.

    from minitf.testing.conformance import StorageSuite

    class TestMyStorage(StorageSuite):
        def make_storage(self):
            return MyStorage()

``StorageSuite`` (file formats), ``MatcherSuite`` (policies of matching), ``SchedulerSuite``, ``KernelSuite`` (kernel
libraries) and ``RuntimeSuite``. They need pytest and Hypothesis.
"""

from __future__ import annotations

from minitf.core.lazy import names_from

__getattr__, __dir__, __all__ = names_from(
    __name__,
    {
        "minitf.testing.conformance.kernels": "KernelSuite",
        "minitf.testing.conformance.matchers": "MatcherSuite",
        "minitf.testing.conformance.runtimes": "RuntimeSuite",
        "minitf.testing.conformance.schedulers": "SchedulerSuite",
        "minitf.testing.conformance.storages": "StorageSuite",
    },
)
