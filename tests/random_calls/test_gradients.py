"""Gradients of every op, first and second, are those of TensorFlow's tapes, for random inputs and weights of the outputs.

The calls are drawn from the registry, as for values. Ops whose inputs may be any floats get whole numbers in every fourth call,
so that there are ties, and zeros, where a gradient is a choice.
"""

import numpy as np
import pytest

import minitf as tf
from minitf.core import dtypes
from minitf.core.op import REGISTRY
from minitf.testing.ops import draw_call
from random_calls.calls import Call, written
from random_calls.comparing import answer, gradient_difference, missing
from random_calls.differentiating import leaves, named, watchable
from random_calls.forms import WITHIN, forms
from random_calls.formulas import FORMULAS

pytestmark = [pytest.mark.interop, pytest.mark.timeout(900)]

FORMS = forms()
WANTED = (dtypes.float64, dtypes.float32, dtypes.complex128, dtypes.complex64, dtypes.int32, dtypes.bool)
CALLS, OF_FORMULAS = 24, 12
SHOWN = 5


def drawn(name, seed) -> Call:
    op = REGISTRY[name]
    inputs, attrs = draw_call(op, seed, WANTED)
    if seed % 4 == 3 and op.domain is None:
        inputs = [i if i is None or np.asarray(i).dtype.kind not in "fc" else np.round(i).astype(i.dtype) for i in inputs]
    return written(op, FORMS[name], inputs, op.complete(attrs), seed)


def compare(calls, tensorflow, record_property):
    """Fails with the first few differences; reports how many calls were compared."""
    differences, left_out = [], 0
    for call, theirs in zip(calls, tensorflow(calls, order=2), strict=True):
        if missing(theirs):
            left_out += 1
        elif found := gradient_difference(call, theirs, answer(call, order=2)):
            differences.append(f"{call}\n    {found}")
    record_property("gradients", len(calls) - left_out)
    assert not differences, f"{len(differences)} of {len(calls)} gradients differ:\n" + "\n".join(differences[:SHOWN])


@pytest.mark.parametrize("name", sorted(FORMS))
def test_gradients_of_an_op(name, tensorflow, record_property):
    compare([drawn(name, seed) for seed in range(CALLS)], tensorflow, record_property)


@pytest.mark.parametrize("formula", FORMULAS, ids=lambda f: f.name)
def test_gradients_of_a_formula(formula, tensorflow, record_property):
    compare([formula.call(seed) for seed in range(OF_FORMULAS)], tensorflow, record_property)


def test_what_is_part_of_gradients_only_is_reached_by_them():
    """The ops that no public function calls alone: each is among the operations of the gradients that are compared above."""
    reached = set()
    calls = [drawn(name, seed) for name in sorted(FORMS) if REGISTRY[name].differentiable for seed in range(2)]
    for call in [*calls, *(f.call(0) for f in FORMULAS)]:
        if answer(call)[0] == "error":
            continue
        with tf.Graph().as_default() as graph:
            names = named(tf, call.inputs, call.attrs, call.dtypes)
            given = [t for name in call.inputs for t in leaves(names[name]) if watchable(t)]
            outputs = [t for t in leaves(eval(call.text, names)) if watchable(t)]
            first = [g for g in tf.gradients(outputs, given) if g is not None] if outputs else []
            if first:
                tf.gradients(first, given)
            reached |= {o.kernel_op.name for o in graph.get_operations()}
    assert reached >= WITHIN
