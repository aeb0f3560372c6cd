"""minitf and the model of the rules, written apart from each other, agree about random programs. No TensorFlow is needed."""

import random
from itertools import islice

import pytest
from hypothesis import given, note

from differential.compare import compare, without_files
from differential.interpreter import Interpreter
from differential.minitf_adapter import Minitf
from differential.model_adapter import InModel
from differential.rendering import render
from differential.strategies import drawn, programs


def verdict(program, place):
    real = Interpreter(Minitf(), str(place / "minitf")).run(program)
    told = Interpreter(InModel(), str(place / "model")).run(program)
    return compare(program, without_files(told), None, without_files(real))


@given(program=programs(spare=True))
def test_drawn_programs_show_the_same(tmp_path_factory, program):
    note(render(program))
    note(program.to_json())
    found = verdict(program, tmp_path_factory.mktemp("run"))
    assert found.difference is None, str(found)


@pytest.mark.parametrize("seed", ["fixed", str(random.SystemRandom().randrange(10**9))], ids=["fixed", "rotating"])
def test_seeded_programs_show_the_same(tmp_path, seed):
    for n, program in enumerate(islice(drawn(seed, spare=True), 300)):
        found = verdict(program, tmp_path / str(n))
        assert found.difference is None, f"seed {seed}, program {n}: {found}\n{render(program)}"
