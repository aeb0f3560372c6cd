"""What every runtime must do: ``RuntimeSuite``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minitf.autodiff import GradientTape
from minitf.core.runtime import Runtime, using
from minitf.errors import OpError
from minitf.objects.variable import Variable
from minitf.ops.creating import constant
from minitf.ops.reductions import reduce_sum
from minitf.testing import strategies as mst
from minitf.testing.modes import process_state
from minitf.testing.op_programs import run
from minitf.testing.ops import same_bits


class RuntimeSuite:
    """Inherit it and say how your runtime is made. It is compared with the eager runtime.

    ``ops``: names of the ops that it can run, by default all.
    Override ``value`` and ``start`` if tensors have no ``numpy()`` in it, or variables must be initialised.
    """

    ops: Sequence[str] | None = None

    def make_runtime(self) -> Runtime:
        """A new runtime."""
        raise NotImplementedError

    @contextmanager
    def entered(self) -> Iterator[Any]:
        """A new runtime, as the current one."""
        with using(self.make_runtime()) as runtime:
            yield runtime

    def value(self, runtime: Any, tensor: Any) -> Any:
        """What a tensor or variable of the runtime holds, as an array."""
        return tensor.numpy()

    def start(self, runtime: Any) -> None:
        """Gives variables that were just made their first values."""

    def do(self, runtime: Any, result: Any) -> None:
        """Makes an assignment happen, of which ``result`` is what ``assign`` gave."""

    def test_it_is_current_inside_and_not_after(self) -> None:
        """``using`` enters and leaves it."""
        before = process_state()
        with self.entered():
            pass
        assert process_state() == before

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def test_programs_give_the_bits_of_eager_mode(self, data: Any) -> None:
        """Any program of ops, to the last bit."""
        program = data.draw(mst.op_programs(ops=self.ops))
        expected = [y.numpy() for y in run(program)]
        with self.entered() as runtime:
            found = [self.value(runtime, y) for y in run(program)]
        assert list(map(same_bits, expected, found)) == [True] * len(expected), program.code()

    def test_specs_are_known_before_values(self) -> None:
        """Dtype and shape of a result."""
        with self.entered():
            y = constant([[1.0, 2.0]]) + constant([[3.0], [4.0]])
            assert y.dtype.name == "float32"
            assert y.shape.as_list() == [2, 2]

    def test_shapes_that_do_not_fit_are_refused(self) -> None:
        """At the call, with the op's name."""
        with self.entered(), pytest.raises(OpError, match="add"):
            constant([1.0, 2.0]) + constant([1.0, 2.0, 3.0])

    def test_variables_keep_their_values(self) -> None:
        """Made, read, assigned and added to."""
        with self.entered() as runtime:
            v: Any = Variable([1.0, 2.0])
            self.start(runtime)
            assert self.value(runtime, v).tolist() == [1.0, 2.0]
            self.do(runtime, v.assign([3.0, 4.0]))
            self.do(runtime, v.assign_add([1.0, 1.0]))
            assert self.value(runtime, v).tolist() == [4.0, 5.0]
            assert self.value(runtime, v * 2.0).tolist() == [8.0, 10.0]

    def test_tapes_differentiate(self) -> None:
        """Gradients are those of eager mode."""
        with self.entered() as runtime:
            v: Any = Variable([1.0, 2.0])
            self.start(runtime)
            with GradientTape() as tape:
                y = reduce_sum(v * v * 3.0)
            found = self.value(runtime, tape.gradient(y, v))
        assert np.array_equal(found, [6.0, 12.0])
