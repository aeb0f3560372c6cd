"""minitf's own parts pass the suites that parts of other people must pass; parts with a fault do not."""

from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import Phase, settings

import minitf as tf
from minitf.checkpoint.matching import ByName, Renamed
from minitf.core.schedule import ProgramOrder
from minitf.explore.orders import Bounded, Pct, Random, Replay
from minitf.ops.arithmetic import multiply
from minitf.storage.background import BackgroundStorage
from minitf.storage.bundle import TensorBundle
from minitf.storage.formats import format_named
from minitf.storage.memory import MemoryStorage
from minitf.testing.conformance import KernelSuite, MatcherSuite, RuntimeSuite, SchedulerSuite, StorageSuite, storages

# -- storages ------------------------------------------------------------------------------------------------------------


class TestMemoryStorage(StorageSuite):
    def make_storage(self):
        return MemoryStorage()


class TestTensorBundle(StorageSuite):
    def make_storage(self):
        return TensorBundle(durable=False)


class TestSafetensors(StorageSuite):
    def make_storage(self):
        return format_named("safetensors", durable=False)


class TestNpz(StorageSuite):
    def make_storage(self):
        return format_named("npz", durable=False)


class TestBackground(StorageSuite):
    def make_storage(self):
        return BackgroundStorage(TensorBundle(durable=False))

    def finish(self, storage):
        storage.wait()


# -- matchers ------------------------------------------------------------------------------------------------------------


class TestByName(MatcherSuite):
    def make_matcher(self):
        return ByName()


class TestRenamed(MatcherSuite):
    def make_matcher(self):
        return Renamed({"a": "x", "b.c": "y"})


# -- schedulers ----------------------------------------------------------------------------------------------------------


class TestProgramOrder(SchedulerSuite):
    executions = 3

    def make_scheduler(self):
        return ProgramOrder()


class TestReplay(SchedulerSuite):
    executions = 3

    def make_scheduler(self):
        return Replay([1, 0, 1, 1])


class TestBounded(SchedulerSuite):
    executions = 20

    def make_scheduler(self):
        return Bounded(3)


class TestRandom(SchedulerSuite):
    def make_scheduler(self):
        return Random("seed", 10)


class TestPct(SchedulerSuite):
    def make_scheduler(self):
        return Pct("seed", 10)


# -- kernels -------------------------------------------------------------------------------------------------------------


class TestOwnKernels(KernelSuite):
    def make_kernels(self):
        return {
            "multiply": lambda x, y: np.multiply(x, y),
            "negative": lambda x: np.negative(x),
        }


# -- runtimes ------------------------------------------------------------------------------------------------------------


class TestEager(RuntimeSuite):
    def make_runtime(self):
        return tf.Eager()


class TestGraph(RuntimeSuite):
    def make_runtime(self):
        return tf.Graph()

    @contextmanager
    def entered(self):
        with tf.Graph().as_default(), tf.Session() as session:
            yield session

    def value(self, runtime, tensor):
        return runtime.run(tensor)

    def start(self, runtime):
        runtime.run(tf.compat.v1.global_variables_initializer())

    def do(self, runtime, result):
        runtime.run(result)


# -- faults --------------------------------------------------------------------------------------------------------------


class Aliasing(MemoryStorage):
    """Gives out what it keeps."""

    def open(self, prefix):
        reader = super().open(prefix)
        reader.read = lambda key: reader._item(key)[1]
        return reader


class Forgetful(MemoryStorage):
    """Removes nothing."""

    def remove(self, prefix):
        pass


class Lossy(MemoryStorage):
    """Loses the last bits of float64."""

    def write(self, prefix, tensors):
        lost = {k: v.astype(np.float32).astype(v.dtype) if v.dtype == np.float64 else v for k, v in tensors.items()}
        super().write(prefix, lost)


@pytest.mark.parametrize(
    "kind, test",
    [
        (Aliasing, "test_arrays_belong_to_their_owners"),
        (Forgetful, "test_missing_things_are_not_found"),
        (Forgetful, "test_against_a_dict"),
        (Lossy, "test_every_dtype_keeps_its_bits"),
    ],
)
def test_a_storage_with_a_fault_fails(kind, test, monkeypatch):
    # the first failure will do: nobody reads the shortest
    first = settings(storages.FEW, phases=[Phase.generate], database=None)
    monkeypatch.setattr(storages, "FEW", first)

    class Suite(StorageSuite):
        def make_storage(self):
            return kind()

    with pytest.raises(Exception, match="."):
        getattr(Suite(), test)()


def test_a_matcher_that_invents_children_fails():
    class Inventing(MatcherSuite):
        def make_matcher(self):
            class Matcher:
                def names(self, graph, node, live):
                    return [("a", len(graph.nodes))]

            return Matcher()

    with pytest.raises(AssertionError):
        Inventing().test_it_gives_saved_children_and_changes_nothing()


def test_a_scheduler_that_points_beside_the_list_fails():
    class Suite(SchedulerSuite):
        def make_scheduler(self):
            scheduler = ProgramOrder()
            scheduler.choose = lambda ready, event: len(ready)
            return scheduler

    with pytest.raises(AssertionError):
        Suite().test_choices_are_among_what_is_ready()


@pytest.mark.parametrize(
    "kernels",
    [
        {"multiply": lambda x, y: np.asarray(x * y)},
        {"multiply": lambda x, y: (x * y).astype(np.float64)},
        {"multiply": lambda x, y: x + y},
    ],
    ids=["rank 0 is an array", "another dtype", "another value"],
)
def test_kernels_with_a_fault_fail(kernels):
    class Suite(KernelSuite):
        def make_kernels(self):
            return kernels

    with pytest.raises(AssertionError, match="multiply"):
        Suite().test_results_are_those_of_minitf()


def test_a_kernel_of_no_op_fails():
    class Suite(KernelSuite):
        def make_kernels(self):
            return {"multiplication": multiply.kernel}

    with pytest.raises(AssertionError):
        Suite().test_every_name_is_an_op()


def test_a_runtime_with_a_fault_fails():
    class Wrong(RuntimeSuite):
        ops = ["multiply", "negative"]

        def make_runtime(self):
            return tf.Eager(kernels={"multiply": lambda x, y: x + y})

    with pytest.raises(AssertionError, match="multiply"):
        Wrong().test_programs_give_the_bits_of_eager_mode()
