"""What every kernel library must do: ``KernelSuite``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from minitf.core.registry import REGISTRY
from minitf.core.runtime import using
from minitf.core.tensor import tensor_of
from minitf.runtimes.eager import Eager
from minitf.runtimes.graph import Graph
from minitf.runtimes.session import Session
from minitf.testing.op_programs import load_ops, outputs
from minitf.testing.ops import draw_call, drawable, same_bits


class KernelSuite:
    """Inherit it and say what your kernels are. They are compared with minitf's on drawn calls.

    ``seeds``: how many calls of each op; ``rtol`` and ``atol``: how far results may differ.
    """

    seeds = range(20)
    rtol = 1e-5
    atol = 1e-6

    def make_kernels(self) -> Mapping[str, Callable[..., Any]]:
        """Kernels by the names of ops."""
        raise NotImplementedError

    def test_every_name_is_an_op(self) -> None:
        """A kernel for an op that does not exist would never run."""
        load_ops()
        assert self.make_kernels()
        assert set(self.make_kernels()) <= set(REGISTRY)

    def test_results_are_those_of_minitf(self) -> None:
        """Dtype and shape, values within the tolerance, rank 0 as NumPy scalars; inputs are left alone."""
        for name, kernel, inputs, attrs, call in self._calls():
            kept = [None if i is None else np.array(i, copy=True) for i in inputs]
            found, expected = outputs(kernel(*inputs, **attrs)), outputs(REGISTRY[name].kernel(*inputs, **attrs))
            assert len(found) == len(expected), f"{call} gives {len(found)} outputs, not {len(expected)}"
            for mine, its in zip(found, expected, strict=True):
                assert isinstance(mine, np.ndarray if np.ndim(its) else np.generic), f"{call} gives a {type(mine).__name__}"
                assert mine.dtype == its.dtype, f"{call} gives {mine.dtype}, not {its.dtype}"
                assert mine.shape == its.shape, f"{call} gives shape {mine.shape}, not {its.shape}"
                near = mine.dtype.kind not in "fc" or np.allclose(mine, its, self.rtol, self.atol, equal_nan=True)
                assert near if mine.dtype.kind in "fc" else same_bits(mine, its), f"{call} gives {mine!r}, not {its!r}"
            for before, after in zip(kept, inputs, strict=True):
                assert before is None or same_bits(before, after), f"{call} wrote into its input"

    def test_both_runtimes_use_them(self) -> None:
        """``Eager(kernels=...)``, ``Session(kernels=...)`` and a session that runs op by op give the same bits."""
        used: list[str] = []

        def counted(name: str, kernel: Callable[..., Any]) -> Callable[..., Any]:
            def call(*inputs: Any, **attrs: Any) -> Any:
                used.append(name)
                return kernel(*inputs, **attrs)

            return call

        kernels = {name: counted(name, kernel) for name, kernel in self.make_kernels().items()}
        for name, _, inputs, attrs, call in self._calls():
            op = REGISTRY[name]
            before = used.count(name)
            with using(Eager(kernels=kernels)), np.errstate(all="ignore"):
                results = [[y.numpy() for y in outputs(op(*[None if i is None else tensor_of(i) for i in inputs], **attrs))]]
            for plan in (True, False):
                with Graph().as_default() as graph:
                    built = outputs(op(*[None if i is None else graph.constant(i) for i in inputs], **attrs))
                    with Session(graph=graph, kernels=kernels, plan=plan) as session:
                        results.append(session.run(built))
            assert used.count(name) >= before + 3, f"{call}: a runtime did not use the kernel"
            for other in results[1:]:
                assert list(map(same_bits, results[0], other)) == [True] * len(other), f"{call}: {results[0]} and {other}"

    def _calls(self) -> Any:
        load_ops()
        for name, kernel in self.make_kernels().items():
            if drawable(REGISTRY[name]):
                for seed in self.seeds:
                    inputs, attrs = draw_call(REGISTRY[name], seed)
                    yield name, kernel, inputs, REGISTRY[name].complete(attrs), f"{name}, drawn with seed {seed},"
