"""Plans: the plan, the plain executor and eager mode give the same values, bit for bit; what the text of a plan looks like."""

import warnings
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minitf as tf
from minitf.runtimes import plan as plan_room
from minitf.runtimes.plan import chains, silence, writing

F, D, INT = np.float32, np.float64, np.int32
FLOATS = [0.0, -0.0, 1.0, -1.5, 0.1, 3e38, -3e38, 1e-45, np.inf, -np.inf, np.nan, 7.25]
INTS = [0, 1, -1, 7, 2**31 - 1, -(2**31), 123456789]
SHAPES = [(), (1,), (3,), (2, 3), (3, 2), (3, 1), (2, 2), (0,), (2, 0)]

BINARY = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b, "max": tf.maximum, "min": tf.minimum,
    "div": lambda a, b: tf.realdiv(a, b), "matmul": tf.matmul, "less": lambda a, b: tf.cast(a < b, a.dtype),
    "where": lambda a, b: tf.where(a > b, a, b), "concat": lambda a, b: tf.concat([a, b], 0),
    "matmul turned": lambda a, b: tf.matmul(a, b, transpose_a=True), "squared difference": tf.math.squared_difference,
}  # fmt: skip
UNARY = {
    "neg": lambda a: -a, "exp": tf.exp, "log": tf.math.log, "sqrt": tf.sqrt, "tanh": tf.tanh, "abs": tf.abs, "floor": tf.floor,
    "square": tf.square, "relu": tf.nn.relu, "transpose": tf.transpose, "flat": lambda a: tf.reshape(a, [-1]),
    "sum": tf.reduce_sum, "sum 0": lambda a: tf.reduce_sum(a, 0), "mean": tf.reduce_mean, "largest": tf.reduce_max,
    "identity": tf.identity, "ones": tf.ones_like, "reverse": lambda a: a[::-1], "row": lambda a: a[0],
    "half": lambda a: a * 0.5, "one more": lambda a: 1 + a, "float": lambda a: tf.cast(a, tf.float32),
    "double": lambda a: tf.cast(a, tf.float64), "size": lambda a: tf.cast(tf.size(a), a.dtype), "softmax": tf.nn.softmax,
    "wide": lambda a: tf.expand_dims(a, -1), "running sum": tf.cumsum, "sign": tf.sign, "sin": tf.sin,
}  # fmt: skip
numbers = st.integers(0, 1000)
step = st.one_of(
    st.tuples(st.sampled_from(sorted(BINARY)), numbers, numbers),
    st.tuples(st.sampled_from(sorted(UNARY)), numbers),
    st.tuples(st.sampled_from(["read", "constant"]), numbers),
    st.tuples(st.sampled_from(["assign", "assign_add"]), numbers, numbers),
)


@st.composite
def arrays(draw, shapes=tuple(SHAPES)):
    shape, dtype = draw(st.sampled_from(shapes)), draw(st.sampled_from([F, F, F, D, INT]))
    size = int(np.prod(shape))
    values = draw(st.lists(st.sampled_from(INTS if dtype is INT else FLOATS), min_size=size, max_size=size))
    with np.errstate(over="ignore"):
        return np.array(values, dtype=dtype).reshape(shape)


class Program:
    """Steps that were possible in eager mode, and which of their results are looked at."""

    def __init__(self, steps, fed, starts, constants, looked_at):
        self.fed, self.starts, self.constants = fed, starts, constants
        self.steps = []
        self.variables = [tf.Variable(a) for a in starts]
        self.tensors = [tf.constant(a) for a in fed]
        for s in steps:
            try:
                self.tensors.append(self.one(s, self.tensors, self.variables))
            except (ValueError, TypeError, tf.errors.InvalidArgumentError, IndexError):
                continue
            self.steps.append(s)
        count = len(self.tensors)
        self.looked_at = sorted({i % count for i in looked_at} | {count - 1})

    def one(self, s, tensors, variables):
        what, *args = s
        if what in BINARY:
            return BINARY[what](tensors[args[0] % len(tensors)], tensors[args[1] % len(tensors)])
        if what in UNARY:
            return UNARY[what](tensors[args[0] % len(tensors)])
        if what == "constant":
            return tf.constant(self.constants[args[0] % len(self.constants)])
        variable = variables[args[0] % len(variables)]
        if what == "read":
            return variable.read_value()
        changed = getattr(variable, what)(tensors[args[1] % len(tensors)])
        return changed.read_value() if isinstance(changed, tf.Variable) else changed

    def eager(self, runs):
        variables = [tf.Variable(a) for a in self.starts]
        out = []
        for _ in range(runs):
            tensors = [tf.constant(a) for a in self.fed]
            for s in self.steps:
                tensors.append(self.one(s, tensors, variables))
            out.append([tensors[i].numpy() for i in self.looked_at] + [v.numpy() for v in variables])
        return out

    def graph(self, runs, **options):
        with tf.Graph().as_default() as graph:
            feeds = [tf.placeholder(a.dtype, a.shape) for a in self.fed]
            variables = [tf.Variable(a) for a in self.starts]
            tensors, effects = list(feeds), []
            for s in self.steps:
                tensors.append(self.one(s, tensors, variables))
                if s[0] in ("assign", "assign_add"):
                    effects.append(tensors[-1].op)
            initialise = tf.global_variables_initializer()
        session = tf.Session(graph=graph, **options)
        session.run(initialise)
        out = []
        for _ in range(runs):
            values = session.run([*[tensors[i] for i in self.looked_at], *effects], dict(zip(feeds, self.fed, strict=True)))
            out.append(values[: len(self.looked_at)] + session.run(variables))
        return out


def same_bits(a, b):
    """Equal in dtype, shape and every bit; any NaN is as good as another."""
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    nan = np.isnan(a) & np.isnan(b) if a.dtype.kind == "f" else np.zeros(a.shape, bool)
    bits = f"u{a.dtype.itemsize}"
    return bool(np.all(nan | (np.ascontiguousarray(a).view(bits) == np.ascontiguousarray(b).view(bits))))


def assert_same(program, **options):
    expected = program.eager(runs=2)
    for got in (program.graph(runs=2, **options), program.graph(runs=2, plan=False)):
        for run, (mine, theirs) in enumerate(zip(got, expected, strict=True)):
            for i, (a, b) in enumerate(zip(mine, theirs, strict=True)):
                assert same_bits(a, b), f"run {run}, result {i}: {a!r} is not {b!r}"


@pytest.fixture(autouse=True)
def _quiet():
    with np.errstate(all="ignore"):
        yield


programs = st.tuples(
    st.lists(step, min_size=1, max_size=25), st.lists(arrays(), min_size=1, max_size=3),
    st.lists(arrays(), min_size=1, max_size=2), st.lists(arrays(), min_size=1, max_size=3),
    st.lists(numbers, max_size=3),
)  # fmt: skip


@given(program=programs)
def test_plan_plain_executor_and_eager_mode_agree_bit_for_bit(program):
    assert_same(Program(*program))


@given(program=programs, longest=st.integers(1, 6))
def test_a_plan_in_pieces_computes_the_same(program, longest):
    before, writing.LONGEST = writing.LONGEST, longest
    try:
        assert_same(Program(*program))
    finally:
        writing.LONGEST = before


long = arrays(shapes=((), (24,), (24,), (6, 4), (4, 6)))
elementwise = st.one_of(
    st.tuples(st.sampled_from(["add", "sub", "mul", "max", "min", "div"]), numbers, numbers),
    st.tuples(st.sampled_from("neg,exp,log,sqrt,tanh,floor,sign,sin,half,one more,transpose".split(",")), numbers),
)
chained = st.tuples(
    st.lists(elementwise, min_size=3, max_size=25),
    st.lists(long, min_size=2, max_size=3), st.lists(long, min_size=1, max_size=1),
    st.lists(long, min_size=1, max_size=2), st.lists(numbers, max_size=2),
)  # fmt: skip


@given(program=chained, block=st.integers(1, 30), threads=st.integers(1, 2))
def test_chains_compute_the_same_block_by_block(program, block, threads):
    before = chains.BLOCK, chains.LEAST, chains.LEAST_FOR_THREADS, chains.threads
    chains.BLOCK, chains.LEAST, chains.LEAST_FOR_THREADS, chains.threads = block, 10, 20, threads
    try:
        assert_same(Program(*program))
    finally:
        chains.BLOCK, chains.LEAST, chains.LEAST_FOR_THREADS, chains.threads = before


@settings(max_examples=20)
@given(st.data())
def test_a_chain_of_the_real_size_computes_the_same(data):
    n = data.draw(st.sampled_from([chains.LEAST, chains.LEAST + 1, 500_000, 700_001]))
    values = np.random.default_rng(data.draw(numbers)).standard_normal(n).astype(data.draw(st.sampled_from([F, D])))
    values[:: n // 7] = data.draw(st.sampled_from(FLOATS))
    steps = [("exp", 0), ("half", 1), ("add", 1, 2), ("sqrt", 3), ("mul", 4, 0), ("max", 5, 2), ("tanh", 6), ("sub", 7, 3)]
    assert_same(Program(steps, [values], [np.zeros(1, F)], [values], []))


def test_a_second_thread_that_does_not_begin_holds_nobody_up_and_keeps_nothing(monkeypatch):
    late = []
    monkeypatch.setattr(chains, "threads", 2)
    monkeypatch.setattr(chains, "start_new_thread", lambda work, arguments: late.append(work))
    values = np.linspace(-3, 3, 700_001).astype(F)
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, values.shape)
        result = session.run(tf.exp(x * 0.5) + x, {x: values})
    assert same_bits(result, np.exp(values * F(0.5)) + values)
    kept = weakref.ref(result)
    before = result.copy()
    late[0]()  # it finds nothing to do
    assert same_bits(result, before)
    del result
    assert kept() is None


def test_an_error_in_the_second_thread_is_raised(monkeypatch):
    def in_turn(work, arguments):
        work(*arguments)

    monkeypatch.setattr(chains, "start_new_thread", in_turn)

    def failing():
        raise MemoryError("of the other thread")

    with pytest.raises(MemoryError, match="of the other thread"):
        chains._in_two_threads(lambda: None, failing)


def texts(build, feeds=()):
    with tf.Graph().as_default():
        placeholders = [tf.placeholder(tf.float32, shape) for shape in feeds]
        fetches = build(*placeholders)
        fetches = list(fetches) if isinstance(fetches, (list, tuple)) else [fetches]
        return plan_room.Plan(fetches, placeholders, tf.Session().store, {}).text


def test_the_text_of_a_plan():
    assert texts(lambda x: tf.exp(x * 2.0 + 1.0), [(3,)]) == (
        "def plan(fed, kept):\n"
        "    f0 = fed[0]\n"
        "    v0 = f0 * n3\n"
        "    v0 += n4\n"  # in place: the product dies here
        "    u5(v0, v0)\n"
        "    return (out(v0), )\n"
    )


@pytest.mark.parametrize(
    ("constant", "one"),
    [
        (np.float32(2), True), (np.full((1, 1), 2.0), True), (np.full((3, 1), np.nan), True), (np.full(2, -0.0), True),
        (np.array([0.0, -0.0]), False), (np.full((3, 2), 2.0), False), (np.full((1, 3, 1), 2.0), False),
        (np.arange(2.0), False),
    ],
)  # fmt: skip
def test_a_constant_of_equal_elements_is_one_number(constant, one):
    x = np.array([[1.0, -0.0], [np.inf, np.nan], [-3.0, 1e-45]], np.float32)
    with tf.Graph().as_default() as graph:
        fed, number = tf.placeholder(tf.float32, (3, 2)), tf.constant(constant, tf.float32)
        results = [number * fed, fed - number, number / tf.transpose(tf.transpose(fed)), number + number]
    plan = plan_room.Plan(results, [fed], tf.Session(graph=graph).store, {})
    shapes = [v.shape for n, v in plan._last.__globals__.items() if n[0] == "n" and n[1:].isdigit() and v.dtype == np.float32]
    assert (() in shapes) is one
    both = [tf.Session(graph=graph, plan=compiled).run(results, {fed: x}) for compiled in (True, False)]
    for a, b in zip(*both, strict=True):
        assert same_bits(a, b)
        assert a.strides == b.strides


def test_a_plan_that_only_hands_on_need_not_silence_numpy():
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, (3,))
        v = tf.Variable([1.0, 2.0, 3.0])
        store = tf.Session().store
        for fetch, quiet in ((tf.identity(x), True), (v.read_value(), True), (v.initializer, True), (x + v, False)):
            assert plan_room.Plan([fetch], [x], store, {}).quiet is quiet, fetch


def test_what_is_computed_beforehand_is_silent_too():
    with warnings.catch_warnings(), tf.Graph().as_default(), tf.Session() as session:
        warnings.simplefilter("error")
        with np.errstate(all="warn"):
            assert session.run(tf.constant([3e38]) * 10.0).tolist() == [np.inf]
            assert session.run(tf.exp(tf.constant(1e3))) == np.inf


@pytest.mark.parametrize("found", [True, False], ids=["context variable", "errstate"])
def test_a_run_is_silent_and_leaves_the_error_state_as_it_was(monkeypatch, found):
    if not found:
        monkeypatch.setattr(silence, "_silence", None)
    assert silence._silence is not None or not found
    with tf.Graph().as_default(), tf.Session() as session, np.errstate(all="raise", under="warn"):
        x = tf.placeholder(tf.float32, (2,))
        before = np.geterr()
        assert session.run(x / 0.0, {x: [1.0, 0.0]})[0] == np.inf
        assert np.geterr() == before
        assert session.run(tf.constant(3e38) * tf.Variable(10.0, name="v").initialized_value()) == np.inf
        with pytest.raises(tf.errors.InvalidArgumentError):
            session.run(tf.matmul(tf.reshape(x, [1, -1]), tf.placeholder_with_default(np.ones((3, 3), F), None)), {x: [1, 2]})
        assert np.geterr() == before
        with pytest.raises(FloatingPointError):
            np.float32(3e38) * np.float32(10)


def test_what_is_constant_is_computed_once():
    text = texts(lambda x: x + tf.reduce_sum(tf.exp(tf.constant([1.0, 2.0]))) + tf.reduce_sum(tf.ones_like(x)), [(3,)])
    assert text.splitlines()[2:] == ["    v0 = f0 + n3", "    v0 += n4", "    return (out(v0), )"], text


def test_a_long_chain_needs_one_local():
    def chain(x):
        for _ in range(100):
            x = tf.cumsum(x)
        return x

    text = texts(chain, [(3,)])
    assert "v1" not in text
    assert text.count("v0 = ") == 100


def test_an_array_that_somebody_else_sees_is_not_written_into():
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, (3,))
        product = x * 2.0
        view = tf.reshape(product, [3])
        total = product + 1.0
        again = view + total
        values = session.run([again, total], {x: [1.0, 2.0, 3.0]})
        assert [v.tolist() for v in values] == [[5, 9, 13], [3, 5, 7]]


def test_an_error_names_the_operation_in_every_piece(monkeypatch):
    monkeypatch.setattr(writing, "LONGEST", 3)
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, None)
        y = x
        for _ in range(10):
            y = tf.cumsum(y)
        bad = tf.matmul(y, y, name="bad")
        with pytest.raises(tf.errors.InvalidArgumentError) as caught:
            session.run(tf.cumsum(bad), {x: np.ones((2, 3), F)})
        assert caught.value.op is bad.op


def test_the_same_list_with_other_things_in_it_is_another_run():
    with tf.Graph().as_default(), tf.Session() as session:
        fetches = [tf.constant(1.0), tf.constant(2.0)]
        assert session.run(fetches) == [1, 2]
        fetches[0] = tf.constant(3.0)
        assert session.run(fetches) == [3, 2]
        fetches.append([fetches[0]])
        assert session.run(fetches) == [3, 2, [3]]
        fetches[2][0] = fetches[1]
        assert session.run(fetches) == [3, 2, [2]]


def test_a_fed_array_is_copied_if_it_may_live_on():
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, (3,))
        v = tf.Variable([0.0, 0.0, 0.0])
        session.run(v.initializer)
        array = np.ones(3, F)
        session.run(v.assign(tf.reshape(x, [3])), {x: array})
        same = session.run(x, {x: array})
        array[...] = 5
        assert session.run(v).tolist() == same.tolist() == [1, 1, 1]
