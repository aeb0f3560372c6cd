"""``tf.test``: test cases of Python's unittest that compare tensors."""

from __future__ import annotations

import contextlib
import re
import shutil
import sys
import tempfile
import unittest
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from minitf.core.structures import flatten, pack
from minitf.core.tensor import SymbolicTensor
from minitf.environment.asked_devices import (
    gpu_device_name,
    is_built_with_cuda,
    is_built_with_gpu_support,
    is_built_with_rocm,
    is_gpu_available,
)
from minitf.errors import OpError
from minitf.runtimes.graph import Graph, get_default_session
from minitf.runtimes.session import Session, reset_default_graph

__all__ = [
    "TestCase", "get_temp_dir", "gpu_device_name", "is_built_with_cuda", "is_built_with_gpu_support", "is_built_with_rocm",
    "is_gpu_available", "main",
]  # fmt: skip

_kept: list[str] = []


def get_temp_dir() -> str:
    """A directory for the files of this process's tests. It stays, as a test may want to be looked at afterwards."""
    if not _kept:
        _kept.append(tempfile.mkdtemp(prefix="minitf-test-"))
    return _kept[0]


def main(argv: list[str] | None = None) -> None:
    """Runs the tests of the program's main module, and leaves the program."""
    unittest.main(module="__main__", argv=sys.argv if argv is None else argv)


class TestCase(unittest.TestCase):
    """A test case with assertions about tensors, arrays, variables, and lists, tuples and dicts of them.

    Tensors of a graph are evaluated in the default session. Each test begins with an empty default graph.
    """

    def setUp(self) -> None:
        """Empties the process's default graph."""
        super().setUp()
        with contextlib.suppress(AssertionError):  # inside another graph
            reset_default_graph()

    def get_temp_dir(self) -> str:
        """A directory for the files of this test, which is deleted after it."""
        found = getattr(self, "_directory", None)
        if found is None:
            found = self._directory = tempfile.mkdtemp(prefix="minitf-test-")
            self.addCleanup(shutil.rmtree, found, ignore_errors=True)
        return str(found)

    @contextlib.contextmanager
    def session(self, graph: Graph | None = None, config: Any = None, use_gpu: bool = True,
                force_gpu: bool = False) -> Iterator[Session]:  # fmt: skip
        """``with self.session() as session:`` enters a session of the default graph."""
        with Session(graph=graph, config=config) as session:
            yield session

    def evaluate(self, tensors: Any) -> Any:
        """The values of tensors and variables in any structure: now, or in the default session."""
        session = get_default_session()
        leaves = flatten(tensors)
        if session is not None and any(isinstance(leaf, SymbolicTensor) or hasattr(leaf, "graph") for leaf in leaves):
            return session.run(tensors)
        return pack(tensors, [leaf.numpy() if hasattr(leaf, "numpy") else leaf for leaf in leaves])

    def _array(self, value: Any) -> Any:
        found = self.evaluate(value) if hasattr(value, "spec") or hasattr(value, "numpy") else value
        if isinstance(found, (list, tuple)) and any(hasattr(f, "spec") for f in flatten(found)):
            found = self.evaluate(found)
        return np.asarray(found)

    # -- equal and close ---------------------------------------------------------------------------------------------------

    def assertAllEqual(self, a: Any, b: Any, msg: str | None = None) -> None:
        """Fails unless shapes and all elements are equal; NaN equals NaN."""
        x, y = self._array(a), self._array(b)
        self._same_shape(x, y, msg)
        same = x == y
        if x.dtype.kind in "fc" and y.dtype.kind in "fc":
            same = same | (np.isnan(x) & np.isnan(y))
        if not np.all(same):
            self.fail(self._formatMessage(msg, f"not equal {_first(x, y, ~np.asarray(same))}"))

    def assertNotAllEqual(self, a: Any, b: Any, msg: str | None = None) -> None:
        """Fails if shapes and all elements are equal."""
        try:
            self.assertAllEqual(a, b)
        except AssertionError:
            return
        self.fail(self._formatMessage(msg, "the values are equal in all elements"))

    def assertAllClose(self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, msg: str | None = None) -> None:
        """Fails unless ``|a - b| <= atol + rtol * |b|`` for all elements of all leaves, and the structures are alike."""
        if isinstance(a, Mapping) or isinstance(b, Mapping):
            if not isinstance(a, Mapping) or not isinstance(b, Mapping):
                raise ValueError(f"assertAllClose: a dict can be compared with a dict only: {a!r}, {b!r}")
            self.assertEqual(set(a), set(b), msg)
            for key in a:
                self.assertAllClose(a[key], b[key], rtol, atol, f"{msg or ''} at {key!r}".strip())
            return
        if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)) and not _is_array(a) and not _is_array(b):
            self.assertEqual(len(a), len(b), msg)
            for i, (one, other) in enumerate(zip(a, b, strict=True)):
                self.assertAllClose(one, other, rtol, atol, f"{msg or ''} at {i}".strip())
            return
        x, y = self._array(a), self._array(b)
        self._same_shape(x, y, msg)
        x, y = (v.astype(np.float64) if v.dtype.kind not in "fciub" else v for v in (x, y))
        near = np.isclose(x, y, rtol=rtol, atol=atol, equal_nan=True)
        if not near.all():
            self.fail(self._formatMessage(msg, f"not near (rtol {rtol}, atol {atol}) {_first(x, y, ~near)}"))

    def assertNotAllClose(self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, msg: str | None = None) -> None:
        """Fails if ``assertAllClose`` would pass."""
        try:
            self.assertAllClose(a, b, rtol, atol)
        except AssertionError:
            return
        self.fail(self._formatMessage(msg, "the values are close in all elements"))

    def assertAllCloseAccordingToType(
        self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, float_rtol: float = 1e-6, float_atol: float = 1e-6,
        half_rtol: float = 1e-3, half_atol: float = 1e-3, bfloat16_rtol: float = 1e-2, bfloat16_atol: float = 1e-2,
        msg: str | None = None,
    ) -> None:  # fmt: skip
        """``assertAllClose`` with the tolerances of the narrower of both dtypes."""
        kinds = {self._array(v).dtype.name for v in (a, b)}
        for names, r, t in (
            ({"float32", "complex64"}, float_rtol, float_atol),
            ({"float16"}, half_rtol, half_atol),
            ({"bfloat16"}, bfloat16_rtol, bfloat16_atol),
        ):
            if kinds & names:
                rtol, atol = max(rtol, r), max(atol, t)
        self.assertAllClose(a, b, rtol, atol, msg)

    def _same_shape(self, x: Any, y: Any, msg: str | None) -> None:
        if x.shape != y.shape:
            self.fail(self._formatMessage(msg, f"the shapes differ: {x.shape} and {y.shape}"))

    # -- one side ----------------------------------------------------------------------------------------------------------

    def _all(self, holds: Any, a: Any, what: str) -> None:
        x = self._array(a)
        if not np.all(holds(x)):
            self.fail(f"not all elements are {what}: {x}")

    def assertAllGreater(self, a: Any, comparison_target: Any) -> None:
        """Fails unless all elements are greater."""
        self._all(lambda x: x > comparison_target, a, f"> {comparison_target}")

    def assertAllGreaterEqual(self, a: Any, comparison_target: Any) -> None:
        """Fails unless all elements are greater or equal."""
        self._all(lambda x: x >= comparison_target, a, f">= {comparison_target}")

    def assertAllLess(self, a: Any, comparison_target: Any) -> None:
        """Fails unless all elements are less."""
        self._all(lambda x: x < comparison_target, a, f"< {comparison_target}")

    def assertAllLessEqual(self, a: Any, comparison_target: Any) -> None:
        """Fails unless all elements are less or equal."""
        self._all(lambda x: x <= comparison_target, a, f"<= {comparison_target}")

    def assertAllInSet(self, target: Any, expected_set: Any) -> None:
        """Fails unless all elements are in a set."""
        self._all(lambda x: [item in expected_set for item in x.reshape(-1).tolist()], target, f"in {expected_set}")

    def assertNear(self, f1: float, f2: float, err: float, msg: str | None = None) -> None:
        """Fails unless two numbers are at most ``err`` apart."""
        if not (f1 == f2 or abs(f1 - f2) <= err):
            self.fail(self._formatMessage(msg, f"{f1} and {f2} are more than {err} apart"))

    def assertArrayNear(self, farray1: Any, farray2: Any, err: float, msg: str | None = None) -> None:
        """Fails unless the elements of two lists of one length are at most ``err`` apart."""
        self.assertEqual(len(farray1), len(farray2), msg)
        for one, other in zip(farray1, farray2, strict=True):
            self.assertNear(float(one), float(other), err, msg)

    def assertShapeEqual(self, input_a: Any, input_b: Any, msg: str | None = None) -> None:
        """Fails unless two arrays or tensors have one shape."""
        self.assertEqual(tuple(input_a.shape), tuple(input_b.shape), msg)

    def assertDTypeEqual(self, target: Any, expected_dtype: Any) -> None:
        """Fails unless an array or tensor has the dtype."""
        from minitf.core.dtypes import as_dtype

        found = target.dtype if hasattr(target, "dtype") else self._array(target).dtype
        self.assertIs(as_dtype(found), as_dtype(expected_dtype))

    @contextlib.contextmanager
    def assertRaisesOpError(self, expected_err_re_or_predicate: Any) -> Iterator[None]:
        """``with self.assertRaisesOpError("expression"):`` fails unless an OpError is raised whose message matches."""
        with self.assertRaisesWithPredicateMatch(OpError, expected_err_re_or_predicate):
            yield

    @contextlib.contextmanager
    def assertRaisesWithPredicateMatch(self, exception_type: Any, expected_err_re_or_predicate: Any) -> Iterator[None]:
        """Fails unless an error of the type is raised that a function accepts, or whose message matches an expression."""
        accept = expected_err_re_or_predicate
        try:
            yield
        except Exception as error:
            said = str(error)
            if isinstance(error, exception_type) and (accept(error) if callable(accept) else re.search(accept, said)):
                return
            raise self.failureException(f"another error than expected: {error!r}") from error
        self.fail("no error was raised")


def _is_array(value: Any) -> bool:
    try:
        return bool(np.asarray(value).dtype.kind in "fciub")
    except ValueError:  # rows of several lengths
        return False
    except NotImplementedError:  # a tensor of a graph
        return False


def _first(x: Any, y: Any, wrong: Any) -> str:
    places = np.argwhere(wrong)
    at = tuple(int(i) for i in places[0])
    return f"in {len(places)} of {x.size} elements, first at {list(at)}: {x[at]} and {y[at]}"
