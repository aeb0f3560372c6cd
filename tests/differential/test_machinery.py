"""The machinery of the differential tests: programs are data, runs repeat, differences are found and made small."""

import ast
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from differential.compare import Verdict, compare, differ
from differential.interpreter import Interpreter
from differential.minitf_adapter import Minitf
from differential.programs import Program
from differential.rendering import render
from differential.shrink import shrink
from differential.strategies import drawn, programs


@given(programs())
def test_a_program_is_data_and_reads_as_python(program):
    assert Program.from_json(program.to_json()) == program
    ast.parse(render(program))


@given(programs(), st.data())
def test_a_part_of_a_program_is_a_program_and_runs_repeat(tmp_path_factory, program, data):
    kept = data.draw(st.lists(st.booleans(), min_size=len(program.steps), max_size=len(program.steps)))
    part = program.with_steps([step for step, keep in zip(program.steps, kept, strict=True) if keep])
    first, second = (Interpreter(Minitf(), str(tmp_path_factory.mktemp("run"))).run(part) for _ in range(2))
    assert len(first) == len(part.steps) + 1
    assert [differ(one, other) for one, other in zip(first, second, strict=True)] == [None] * len(first)


def test_a_seed_always_draws_the_same_programs_and_each_of_them_once():
    first, again, other = (list(islice(drawn(of), 60)) for of in ("one", "one", "two"))
    assert first == again != other
    assert len({program.to_json() for program in first}) == 60


def test_small_rounding_is_no_difference_and_anything_else_is():
    seen = {"values": {"1": ["float32", 0.1], "2": ["int64", 3]}}
    assert differ(seen, {"values": {"1": ["float32", 0.1 + 1e-9], "2": ["int64", 3]}}) is None
    assert "float32" in differ(seen, {"values": {"1": ["float64", 0.1], "2": ["int64", 3]}})
    assert "0.1" in differ(seen, {"values": {"1": ["float32", 0.1001], "2": ["int64", 3]}})
    assert "missing" in differ(seen, {"values": {"1": ["float32", 0.1]}})
    assert differ({"error": ["ValueError"]}, {"error": ["InvalidArgumentError", "ValueError"]}) is None
    assert "no error" in differ({"error": ["ValueError"]}, {})


def test_a_deviation_is_demanded_and_ends_the_comparison():
    program = Program("graph", [["variable", 0, "float32", 1.0, True], ["run", 0], ["look"]])
    stretched = [{}, {"values": {"0": ["float32", [5.0, 6.0]]}}, {}, {"values": {}}]
    noticed = [{}, {"error": ["InvalidArgumentError", "OpError"]}, {"other": 1}, {"values": {}}]
    verdict = compare(program, stretched, None, noticed)
    assert (verdict.difference, verdict.deviations) == (None, ["S299"])
    unnoticed = compare(program, stretched, None, stretched)
    assert "InvalidArgumentError was expected" in unnoticed.difference


def test_shrinking_keeps_the_kind_of_difference():
    def runs(several):
        verdicts = []
        for program in several:
            kinds = [step[0] for step in program.steps]
            culprit = "read" in kinds and "drop" in kinds and kinds.index("read") < kinds.index("drop")
            verdicts.append(Verdict(program, "wrong" if culprit else "else" if "look" in kinds else None, len(kinds)))
        return verdicts

    steps = [[kind] for kind in "plain look read base plain look drop fresh".split()]
    assert [s[0] for s in shrink(runs([Program("eager", steps)])[0], runs).program.steps] == ["read", "drop"]


def test_a_side_that_forgets_something_is_found(tmp_path):
    class Lenient(Minitf):
        def consumed(self, status):
            return True

    def differs(program, place):
        honest = Interpreter(Minitf(), str(place / "honest")).run(program)
        lenient = Interpreter(Lenient(), str(place / "lenient")).run(program)
        return compare(program, honest, None, lenient).difference is not None

    assert sum(differs(program, tmp_path / str(n)) for n, program in enumerate(islice(drawn("forgets"), 60))) >= 3
