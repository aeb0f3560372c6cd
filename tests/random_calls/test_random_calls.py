"""Random calls of every op give the same under TensorFlow and under minitf: values, dtypes, shapes, classes of errors."""

import pytest

from minitf.core.op import REGISTRY
from minitf.testing.ops import drawable
from random_calls.calls import right, wrong
from random_calls.chance import CHANCE
from random_calls.comparing import answer, difference, missing
from random_calls.forms import RANDOM, WITHIN, forms
from random_calls.formulas import FORMULAS

pytestmark = [pytest.mark.interop, pytest.mark.timeout(900)]

FORMS = forms()
RIGHT, WRONG = 130, 50  # calls an op
FORMULA = 60  # calls a formula
SHOWN = 5


def compare(calls, tensorflow, record_property):
    """Fails with the first few differences; reports how many calls were compared."""
    differences, left_out = [], 0
    for call, theirs in zip(calls, tensorflow(calls), strict=True):
        if missing(theirs):
            left_out += 1
        elif found := difference(call, theirs, answer(call)):
            differences.append(f"{call}\n    {found}")
    record_property("compared", len(calls) - left_out)
    record_property("left out", left_out)
    assert not differences, f"{len(differences)} of {len(calls)} calls differ:\n" + "\n".join(differences[:SHOWN])


@pytest.mark.parametrize("name", sorted(FORMS))
def test_right_calls(name, tensorflow, record_property):
    compare([right(REGISTRY[name], FORMS[name], seed) for seed in range(RIGHT)], tensorflow, record_property)


@pytest.mark.parametrize("name", sorted(FORMS))
def test_calls_with_a_mistake(name, tensorflow, record_property):
    compare([wrong(REGISTRY[name], FORMS[name], seed) for seed in range(WRONG)], tensorflow, record_property)


@pytest.mark.parametrize("formula", [*FORMULAS, *CHANCE], ids=lambda f: f.name)
def test_formulas(formula, tensorflow, record_property):
    compare([formula.call(seed) for seed in range(FORMULA)], tensorflow, record_property)


def test_there_are_enough_calls_even_without_those_for_which_tensorflow_has_no_kernel():
    assert len(FORMS) * (RIGHT + WRONG) + (len(FORMULAS) + len(CHANCE)) * FORMULA > 30_000 * 1.1


def test_every_op_has_a_form():
    ours = {name for name, op in REGISTRY.items() if op.kernel.__module__.startswith("minitf.ops.") and drawable(op)}
    assert ours == set(FORMS) | WITHIN | RANDOM


def test_a_wider_bound_says_why():
    assert [name for name, op in REGISTRY.items() if op.bound.wider and not op.bound.reason] == []
