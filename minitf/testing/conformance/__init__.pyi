# The names of the module beside it, for tools that read types. Written by tests/test_faces.py.

from minitf.testing.conformance.kernels import KernelSuite as KernelSuite
from minitf.testing.conformance.matchers import MatcherSuite as MatcherSuite
from minitf.testing.conformance.runtimes import RuntimeSuite as RuntimeSuite
from minitf.testing.conformance.schedulers import SchedulerSuite as SchedulerSuite
from minitf.testing.conformance.storages import StorageSuite as StorageSuite
