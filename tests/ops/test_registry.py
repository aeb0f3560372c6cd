"""Every op in the registry, on every road: a new op is tested here by being there."""

import re
from pathlib import Path

import numpy as np
import pytest

import minitf.ops
from minitf.core.op import REGISTRY
from minitf.testing.ops import check_op, check_op_gradients, draw_call, drawable

minitf.ops.load_all()
DRAWABLE = sorted(name for name, op in REGISTRY.items() if drawable(op))


@pytest.mark.parametrize("name", DRAWABLE)
def test_kernel_shape_rule_and_both_runtimes_agree(name):
    for seed in range(12):
        check_op(REGISTRY[name], seed)


# Inputs that are parameters: TensorFlow gives no gradient for them either.
PARAMETERS = {"polygamma": [0], "zeta": [0]}


@pytest.mark.parametrize("name", [n for n in DRAWABLE if REGISTRY[n].differentiable and n != "cholesky"])
def test_gradients_are_the_derivatives(name):
    for seed in range(4):
        check_op_gradients(REGISTRY[name], seed, constant=PARAMETERS.get(name, ()))


def test_every_module_of_ops_is_in_the_list():
    texts = {path.stem: path.read_text() for path in Path(minitf.ops.__file__).parent.glob("*.py")}
    with_ops = {name for name, text in texts.items() if re.search(r"^@op\b", text, re.MULTILINE)}
    assert with_ops <= {*minitf.ops._FRONT, *minitf.ops._LATER}


# What keeps state or draws numbers is tested by name in test_state.py and test_random.py; sources and control have no inputs to
# draw.
BY_HAND = {
    "const", "placeholder", "placeholder_with_default", "no_op", "variable", "cond", "while_loop", "with_gradient",
    "pure_numpy_function", *(name for name in REGISTRY if name.startswith("list_")),  # test_tensor_array.py
}  # fmt: skip


def test_every_op_is_drawn_or_tested_by_hand():
    ours = {name: op for name, op in REGISTRY.items() if op.kernel.__module__.startswith("minitf.ops.")}
    assert {name for name, op in ours.items() if not drawable(op) and not op.stateful} <= BY_HAND


@pytest.mark.parametrize("name", [n for n in DRAWABLE if REGISTRY[n].fresh])
def test_fresh_results_share_memory_with_no_input(name):
    op = REGISTRY[name]
    for seed in range(12):
        inputs, attrs = draw_call(op, seed)
        with np.errstate(all="ignore"):
            made = op.kernel(*inputs, **op.complete(attrs))
        for result in made if isinstance(made, tuple) else (made,):
            assert not any(np.shares_memory(result, i) for i in inputs if i is not None)


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_an_op_says_what_it_does(name):
    assert REGISTRY[name].__name__
    assert REGISTRY[name].__doc__
