"""RestoreMachine in both modes; machines that users make of it; a planted mistake is found and printed as code."""

import gc
import logging
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule, run_state_machine_as_test

import minitf as tf
from minitf.core.spec import Spec
from minitf.testing import RestoreMachine, model
from minitf.testing import strategies as mst

few = settings(max_examples=15, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))

TestEager = RestoreMachine.in_mode("eager").TestCase
TestEager.settings = few
TestGraph = RestoreMachine.in_mode("graph").TestCase
TestGraph.settings = few


class OfArrays(RestoreMachine):
    """Variables of another kind."""

    values = mst.arrays(specs=st.just(Spec(tf.bfloat16, (2,))))


TestArrays = OfArrays.TestCase
TestArrays.settings = few


class Layer(tf.Module):
    """A user's class with a variable of its own."""

    def __init__(self):
        super().__init__()
        self.a = tf.Variable(0.0)


class WithLayers(RestoreMachine):
    """Rules and invariants of a user's own."""

    made = 0
    looked = 0

    @rule(target=RestoreMachine.nodes)
    def make_layer(self):
        type(self).made += 1
        layer = Layer()
        twin = model.Node(self.twins.model, a=model.Variable(self.twins.model, 0.0))
        number = self.adopt(layer, twin)
        self.twins.put(self.next_number(), layer.a, twin.edges["a"])
        assert self.real(number) is layer
        return number

    @invariant()
    def layers_keep_their_kernel(self):
        type(self).looked += 1


@pytest.mark.parametrize("mode", ["eager", "graph"])
def test_users_add_rules_and_invariants(mode):
    machine = WithLayers.in_mode(mode)
    run_state_machine_as_test(machine, settings=few)
    assert machine.made
    assert machine.looked


def test_a_bad_mode_is_named():
    with pytest.raises(ValueError, match="RestoreMachine.in_mode.*'lazy'"):
        RestoreMachine.in_mode("lazy")


def test_a_planted_mistake_is_found_and_the_printed_code_fails(monkeypatch):
    """The model shall believe that nothing is assigned."""
    monkeypatch.setattr(model.Restoration, "take_value", lambda self, node, number, obj: None)
    many = settings(few, max_examples=300, stateful_step_count=20, derandomize=True, database=None)  # how short it gets is luck
    many = settings(many, print_blob=False, phases=[Phase.generate, Phase.shrink])  # explaining follows every line that runs
    with pytest.raises(Exception, match="This program shows it") as caught:
        run_state_machine_as_test(RestoreMachine, settings=many)
    code = str(caught.value).partition("This program shows it:")[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert ".restore(path" in code
    assert len(code.splitlines()) <= 30, code


def test_nothing_survives_a_test():
    from minitf.testing.modes import process_state

    before = process_state()
    run_state_machine_as_test(RestoreMachine.in_mode("graph"), settings=settings(few, max_examples=3))
    assert process_state() == before
    assert gc.isenabled()
    assert logging.getLogger("minitf").level == logging.NOTSET
