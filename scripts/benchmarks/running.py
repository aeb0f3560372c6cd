"""The rows about what an op, a graph and a run cost. The yardstick is the same work by NumPy."""

from __future__ import annotations

import functools
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

import traced_numpy
from table import EVERYBODY, row
from timing import Candidate, repeated

ALL = ("tensorflow", "torch")
CHAIN = 1000


def tensor(framework: Any, array: Any) -> Any:
    return framework.from_numpy(array) if framework.__name__ == "torch" else framework.constant(array)


# -- single ops ----------------------------------------------------------------------------------------------------------


def adding(framework: Any, a: Any, b: Any) -> dict[str, Candidate]:
    x, y, add = tensor(framework, a), tensor(framework, b), np.add
    a, b = a.copy(), b.copy()  # each has memory of its own, as tensors do: two halves of one block are faster to read
    np.testing.assert_array_equal((x + y).numpy(), a + b)
    return {"numpy": repeated(lambda: add(a, b)), "eager": repeated(lambda: x + y), "recorded": recorded(framework, a, b)}


def recorded(framework: Any, a: Any, b: Any) -> Candidate:
    """The sum under a tape, a new one for each 100 sums."""
    y = tensor(framework, b)
    if framework.__name__ == "torch":
        x = tensor(framework, a).requires_grad_()
        return repeated(lambda: x + y)
    v = framework.Variable(a)

    def run(times: int) -> float:
        start = perf_counter()
        for begin in range(0, times, 100):
            with framework.GradientTape():
                x = v.read_value()
                for _ in range(min(100, times - begin)):
                    x + y
        return perf_counter() - start

    return run


def normal(*shape: int) -> Any:
    return np.random.default_rng(0).standard_normal(shape, dtype=np.float32)


@row("add a scalar", EVERYBODY)
def add_scalar(framework: Any) -> dict[str, Candidate]:
    if framework.__name__ in traced_numpy.NAMES:
        return traced_numpy.adding(framework, np.array(1.5, np.float32), np.array(2.5, np.float32))
    return adding(framework, np.array(1.5, np.float32), np.array(2.5, np.float32))


@row("add 32x32", EVERYBODY)
def add_small(framework: Any) -> dict[str, Candidate]:
    if framework.__name__ in traced_numpy.NAMES:
        return traced_numpy.adding(framework, *normal(2, 32, 32))
    return adding(framework, *normal(2, 32, 32))


@row("add 1024x1024", ALL)
def add_large(framework: Any) -> dict[str, Candidate]:
    return {name: c for name, c in adding(framework, *normal(2, 1024, 1024)).items() if name != "recorded"}


def multiplying(framework: Any, n: int) -> dict[str, Candidate]:
    a, b = normal(2, n, n)
    x, y, matmul = tensor(framework, a), tensor(framework, b), np.matmul
    a, b = a.copy(), b.copy()  # as in adding
    product = framework.matmul
    np.testing.assert_allclose(product(x, y).numpy(), a @ b, rtol=1e-2, atol=1e-2)
    return {"numpy": repeated(lambda: matmul(a, b)), "eager": repeated(lambda: product(x, y))}


@row("matmul 32x32", ALL)
def matmul_small(framework: Any) -> dict[str, Candidate]:
    return multiplying(framework, 32)


@row("matmul 256x256", ALL)
def matmul_large(framework: Any) -> dict[str, Candidate]:
    return multiplying(framework, 256)


@row("make a variable", ALL)
def variables(framework: Any) -> dict[str, Candidate]:
    value = np.arange(8, dtype=np.float32)
    if framework.__name__ == "torch":
        return {"eager": repeated(lambda: framework.nn.Parameter(framework.tensor(value)))}

    make = framework.Variable
    if framework.__name__ == "tensorflow":
        make = functools.partial(framework.compat.v1.Variable, use_resource=True)

    def in_a_graph(times: int) -> float:
        with framework.Graph().as_default():
            start = perf_counter()
            for _ in range(times):
                make(value)
            return perf_counter() - start

    return {"numpy": repeated(value.copy), "eager": repeated(lambda: framework.Variable(value)), "graph": in_a_graph}


# -- chains and graphs -----------------------------------------------------------------------------------------------------


def session_of(framework: Any, build: Callable[[], Any]) -> tuple[Any, Any]:
    with framework.Graph().as_default() as graph:
        built = build()
    return framework.compat.v1.Session(graph=graph), built


def fed(framework: Any, shape: tuple[int, ...]) -> Any:
    return framework.compat.v1.placeholder(framework.float32, shape)


@row(f"{CHAIN:,} scalar adds", EVERYBODY)
def chain(framework: Any) -> dict[str, Candidate]:
    if framework.__name__ in traced_numpy.NAMES:
        return traced_numpy.chain(framework, CHAIN)
    one = np.array(1.0, np.float32)
    first = tensor(framework, one)

    def by_numpy() -> Any:
        x = one
        for _ in range(CHAIN):
            x = np.add(x, one)
        return x

    def eager() -> Any:
        x = first
        for _ in range(CHAIN):
            x = x + first
        return x

    assert float(eager()) == float(by_numpy()) == CHAIN + 1
    if framework.__name__ == "torch":
        return {"eager": repeated(eager)}

    def build() -> Any:
        x = start = fed(framework, ())
        for _ in range(CHAIN):
            x = x + start
        return start, x

    session, (start, end) = session_of(framework, build)
    value = np.float32(1)
    assert session.run(end, {start: value}) == CHAIN + 1
    return {"numpy": repeated(by_numpy), "eager": repeated(eager), "graph": repeated(lambda: session.run(end, {start: value}))}


@row("run a constant")
def constant(framework: Any) -> dict[str, Candidate]:
    session, fetch = session_of(framework, lambda: framework.constant(1.5))
    one = np.array(1.0, np.float32)
    return {"numpy": repeated(lambda: np.add(one, one)), "graph": repeated(lambda: session.run(fetch))}


@row("run a fed identity", ("tensorflow", "jax"))
def identity(framework: Any) -> dict[str, Candidate]:
    if framework.__name__ in traced_numpy.NAMES:
        return traced_numpy.identity(framework)

    def build() -> Any:
        x = fed(framework, ())
        return x, framework.identity(x)

    session, (x, y) = session_of(framework, build)
    one, value = np.array(1.0, np.float32), np.float32(1.5)
    return {"numpy": repeated(lambda: np.add(one, one)), "graph": repeated(lambda: session.run(y, {x: value}))}


@row(f"run {CHAIN:,} maxima and their sum")
def wide(framework: Any) -> dict[str, Candidate]:
    def build() -> Any:
        x = fed(framework, ())
        return x, framework.add_n([framework.maximum(x, float(i)) for i in range(CHAIN)])

    session, (x, y) = session_of(framework, build)
    numbers, value = [np.array(i, np.float32) for i in range(CHAIN)], np.float32(3)

    def by_numpy() -> Any:
        total = np.float32(0)
        for n in numbers:
            total = np.add(total, np.maximum(value, n))
        return total

    assert session.run(y, {x: value}) == by_numpy()
    return {"numpy": repeated(by_numpy), "graph": repeated(lambda: session.run(y, {x: value}))}


def expression(exp: Any, sqrt: Any, maximum: Any, x: Any) -> Any:
    """Ten operations."""
    y = sqrt(exp(x * 0.5) + 1.0)
    z = maximum(y * x - 0.25, x * 0.1)
    return z * z + x


@row("ten elementwise ops on 1,000,000", ALL)
def elementwise(framework: Any) -> dict[str, Candidate]:
    array = normal(1_000_000)
    if framework.__name__ == "torch":
        t = tensor(framework, array)
        return {"eager": repeated(lambda: expression(framework.exp, framework.sqrt, framework.maximum, t))}
    ours = framework.exp, framework.sqrt, framework.maximum

    def build() -> Any:
        x = fed(framework, array.shape)
        return x, expression(*ours, x)

    t = tensor(framework, array)
    session, (x, y) = session_of(framework, build)
    expected = expression(np.exp, np.sqrt, np.maximum, array)
    np.testing.assert_allclose(session.run(y, {x: array}), expected, rtol=1e-5, atol=1e-5)
    out = {"numpy": repeated(lambda: expression(np.exp, np.sqrt, np.maximum, array))}
    out |= {"eager": repeated(lambda: expression(*ours, t)), "graph": repeated(lambda: session.run(y, {x: array}))}
    if framework.__name__ == "minitf":
        out["graph, one thread"] = with_one_thread(lambda: session.run(y, {x: array}))
    return out


def with_one_thread(call: Callable[[], Any]) -> Candidate:
    from minitf.runtimes.plan import chains

    inner = repeated(call)

    def run(times: int) -> float:
        before, chains.threads = chains.threads, 1
        try:
            return inner(times)
        finally:
            chains.threads = before

    return run


@row(f"a new graph of {CHAIN:,} ops")
def building(framework: Any) -> dict[str, Candidate]:
    return new_graph(framework, CHAIN)


@row(f"a new graph of {100 * CHAIN:,} ops", peers=(), slow=True)
def building_large(framework: Any) -> dict[str, Candidate]:
    """Where the cost of an op does not grow with the graph, the ratios are those of the small one."""
    return new_graph(framework, 100 * CHAIN)


def new_graph(framework: Any, count: int) -> dict[str, Candidate]:
    """Building it, differentiating it, and its first run; the yardstick is the same products by NumPy."""
    values = normal(32)

    def by_numpy() -> Any:
        y = values
        for _ in range(count):
            y = y * values
        return y

    def graph() -> tuple[Any, Any, Any]:
        g = framework.Graph()
        with g.as_default():
            x = y = fed(framework, (32,))
            for _ in range(count):
                y = y * x
        return g, x, y

    def timed(step: Callable[..., Any], *before: Callable[..., Any]) -> Candidate:
        def run(times: int) -> float:
            total = 0.0
            for _ in range(times):
                made: Any = ()
                for earlier in before:
                    made = earlier(*made)
                start = perf_counter()
                step(*made)
                total += perf_counter() - start
            return total

        return run

    def differentiate(g: Any, x: Any, y: Any) -> tuple[Any, Any, Any]:
        with g.as_default():
            return g, x, framework.compat.v1.gradients(y, [x])[0]

    def first_run(g: Any, x: Any, y: Any) -> None:
        with framework.compat.v1.Session(graph=g) as session:
            session.run(y, {x: values})

    return {
        "numpy": repeated(by_numpy), "build": timed(graph), "gradients": timed(differentiate, graph),
        "first run": timed(first_run, graph),
    }  # fmt: skip
