"""A plan takes one of the legal orders: what it gives for a racy program is among the outcomes of all orders."""

from hypothesis import given, settings
from hypothesis import strategies as st

import minitf as tf
from minitf import explore

STARTS = [1.0, 10.0]
action = st.one_of(
    st.tuples(st.sampled_from(["read", "double"]), st.integers(0, 1)),
    st.tuples(st.sampled_from(["assign", "assign_add"]), st.integers(0, 1), st.integers(0, 9)),
)
programs = st.tuples(
    st.lists(action, min_size=2, max_size=5),
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=2),  # control dependencies
)


def built(program):
    """The variables, and the tensors that are fetched; nothing orders what works on one variable, except dependencies."""
    actions, after = program
    variables = [tf.Variable(start, name=f"v{i}") for i, start in enumerate(STARTS)]
    made = [tf.constant(2.0)]
    for number, (what, which, *more) in enumerate(actions):
        v = variables[which]
        first = [made[a % len(made)] for a, b in after if b == number]
        with tf.control_dependencies(first):
            if what == "read":
                made.append(v.read_value())
            elif what == "double":
                made.append(v.read_value() * made[-1])
            else:
                made.append(getattr(v, what)(made[more[0] % len(made)]))
    return variables, made[1:]


def outcome(session, variables, fetches):
    session.run([v.initializer for v in variables])
    values = session.run(fetches)
    return [float(x) for x in [*values, *session.run(variables)]]


@settings(max_examples=25)
@given(programs)
def test_a_racy_program_has_an_outcome_that_some_order_has(program):
    def body(world):
        with world.graph().as_default():
            variables, fetches = built(program)
            return outcome(world.session(), variables, fetches)

    report = explore.check(body, database=False)
    with tf.Graph().as_default(), tf.Session() as session:
        planned = outcome(session, *built(program))
    with tf.Graph().as_default(), tf.Session(plan=False) as session:
        assert planned == outcome(session, *built(program))
    assert tuple(planned) in report.outcomes


def test_a_race_has_several_outcomes_and_the_plan_takes_the_written_order():
    program = ([("assign", 0, 0), ("read", 0)], [])

    def body(world):
        with world.graph().as_default():
            return outcome(world.session(), *built(program))

    assert len(explore.check(body, database=False).outcomes) == 2
    with tf.Graph().as_default(), tf.Session() as session:
        assert outcome(session, *built(program)) == [2, 2, 2, 10]
