"""Sessions: fetches, feeds, variables' values, the compiled plan and the plain executor."""

import collections
import threading

import numpy as np
import pytest

import minitf as tf
from minitf.runtimes.feeding import fed_value, taking


@pytest.fixture
def graph():
    with tf.Graph().as_default() as g:
        yield g


@pytest.fixture(params=[True, False], ids=["plan", "executor"])
def session(graph, request):
    return tf.Session(plan=request.param)


def test_fetches_keep_their_structure(session):
    a, b = tf.constant(1), tf.constant(2)
    v = tf.Variable(3.0, name="v")
    session.run(tf.global_variables_initializer())
    Pair = collections.namedtuple("Pair", "x y")
    got = session.run({"l": [a, (b, a)], "p": Pair(a, b), "v": v, "op": v.initializer, "name": "v/Read:0", "e": [], "d": {}})
    assert got == {"l": [1, (2, 1)], "p": Pair(1, 2), "v": 3.0, "op": None, "name": 3.0, "e": [], "d": {}}
    assert isinstance(got["p"], Pair)
    assert session.run(a) == 1


@pytest.mark.parametrize("fetch, error", [(None, TypeError), (1, TypeError), ("nothing:0", ValueError), ([1.5], TypeError)])
def test_what_cannot_be_fetched(session, fetch, error):
    with pytest.raises(error, match="fetch"):
        session.run(fetch)


def test_any_tensor_can_be_fed(session):
    x = tf.placeholder(tf.float32, [None], name="x")
    y = x * 2.0
    z = y + 1.0
    assert session.run(z, {x: [1, 2]}).tolist() == [3, 5]
    assert session.run(z, {y: [1.0]}).tolist() == [2]
    assert session.run([x, z], {y: [1.0], x: [7.0]})[0].tolist() == [7]
    assert session.run(y, {y: [5.0]}).tolist() == [5]
    assert session.run("add:0", {"x:0": [1.0]}).tolist() == [3]
    with pytest.raises(tf.errors.InvalidArgumentError, match="not fed") as caught:
        session.run(z)
    assert caught.value.op is x.op
    with pytest.raises(ValueError, match="shape"):
        session.run(z, {x: 1.0})
    with pytest.raises(TypeError):
        session.run(z, {x: ["a"]})
    with pytest.raises(TypeError):
        session.run(z, {1: 2})
    d = tf.placeholder_with_default(5.0, [])
    assert session.run(d) == 5
    assert session.run(d, {d: 6}) == 6


def test_only_what_is_needed_runs(session):
    tf.placeholder(tf.float32)
    assert session.run(tf.constant(1)) == 1


def test_two_sessions_do_not_see_each_other(graph):
    v = tf.Variable(1.0)
    one, two = tf.Session(), tf.Session()
    one.run(v.initializer)
    one.run(v.assign(5.0))
    with pytest.raises(tf.errors.FailedPreconditionError, match="Variable"):
        two.run(v)
    two.run(v.initializer)
    assert (one.run(v), two.run(v)) == (5, 1)


def test_an_uninitialised_read_names_the_variable(session):
    tf.Variable(1.0, name="weights")
    with pytest.raises(tf.errors.FailedPreconditionError, match="'weights'"):
        session.run("weights/Read:0")


def test_assigning(session):
    v = tf.Variable([1.0, 2.0])
    session.run(tf.global_variables_initializer())
    assert session.run(v.assign_add([1.0, 1.0])).tolist() == [2, 3]
    assert session.run(v.assign_sub([1.0, 1.0])).tolist() == [1, 2]
    session.run(v.assign([5.0, 6.0], read_value=False))
    assert session.run(v).tolist() == [5, 6]
    v.load([7.0, 8.0], session)
    assert v.eval(session).tolist() == [7, 8]
    with pytest.raises(ValueError):
        v.assign([1.0])
    with pytest.raises(ValueError):
        v.assign(tf.constant([1, 2], tf.int32))


def test_control_dependencies_order_one_run(session):
    v = tf.Variable(1.0)
    with tf.control_dependencies([v.initializer]), tf.control_dependencies([v.assign(2.0)]):
        r = v.read_value()
    assert session.run(r) == 2


def test_a_fed_placeholder_is_waited_for_by_nobody(session):
    """As in TensorFlow, where an operation may have a control dependency on a placeholder."""
    p, v = tf.compat.v1.placeholder(tf.float32, (2,)), tf.Variable(1.0)
    with tf.control_dependencies([p]):
        added = v.assign_add(1.0)
    session.run(v.initializer)
    assert session.run(added, {p: [1.0, 2.0]}) == 2
    with pytest.raises(tf.errors.InvalidArgumentError, match="not fed"):
        session.run(added)
    assert session.run(v) == 2


def test_values_that_leave_a_session_are_the_callers(session):
    v = tf.Variable([1.0, 2.0])
    c = tf.constant([1.0, 2.0])
    x = tf.placeholder(tf.float32, [2])
    session.run(tf.global_variables_initializer())
    fed = np.ones(2, np.float32)
    for out in session.run([v, c, tf.identity(c), tf.reshape(v, [2, 1]), x, tf.identity(x), c + c], {x: fed}):
        out[...] = 99
    assert session.run(v).tolist() == [1, 2]
    assert session.run(c).tolist() == [1, 2]
    assert fed.tolist() == [1, 1]
    a, b = session.run([c + c, c + c])
    assert not np.shares_memory(a, b)


VALUES = [
    np.float32(1.5), np.float64(1.5), 1.5, 2, True, np.array(1.5, np.float32), np.zeros(3, np.float32), np.zeros(3, ">f4"),
    np.zeros(6, np.float32)[::2], np.zeros(3), np.zeros(2, np.float32), [1.0, 2.0, 3.0], [[1.0]], "text", None, b"bytes",
    np.ones((2, 3), np.float32), np.ones((3, 2), np.float32).T, np.zeros(3, np.int32), np.array("text", object),
    tf.constant(2.0),
]  # fmt: skip


@pytest.mark.parametrize("copied", [False, True])
@pytest.mark.parametrize("dtype", [tf.float32, tf.int32, tf.string, tf.bfloat16], ids=lambda d: d.name)
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (None,), None], ids=str)
def test_what_a_run_takes_is_what_a_tensor_may_be_fed(shape, dtype, copied):
    def outcome(take):
        try:
            return take()
        except (TypeError, ValueError) as e:
            return repr(e)

    with tf.Graph().as_default():
        tensor = tf.placeholder(dtype, shape)
    taken = taking([tensor, tensor], [copied, copied])
    for value in VALUES:
        expected, got = outcome(lambda: fed_value(tensor, value, copied)), outcome(lambda: taken(value, value)[1])  # noqa: B023
        assert type(got) is type(expected)
        if isinstance(expected, (np.ndarray, np.generic)):
            assert (got.dtype, got.shape, got.tolist()) == (expected.dtype, expected.shape, expected.tolist())
            assert (got is value) is (expected is value)
        else:
            assert got == expected


def test_a_fed_array_may_change_afterwards(session):
    v = tf.Variable([0.0])
    x = tf.placeholder(tf.float32, [1])
    set_v = v.assign(x)
    fed = np.array([3.0], np.float32)
    session.run(set_v, {x: fed})
    fed[0] = 9
    assert session.run(v).tolist() == [3]


def test_a_failing_kernel_names_its_operation(session):
    x = tf.placeholder(tf.float32, None, name="x")
    y = tf.placeholder(tf.float32, None, name="y")
    z = tf.add(x, y, name="sum")
    with pytest.raises(tf.errors.InvalidArgumentError, match="'sum'") as caught:
        session.run(z, {x: [1, 2], y: [1, 2, 3]})
    assert caught.value.op is z.op


def test_default_session_and_closing(graph):
    x = tf.constant(3)
    with pytest.raises(ValueError, match="no default session"):
        x.eval()
    with tf.Session() as s:
        assert tf.get_default_session() is s
        assert x.eval() == 3
        assert tf.no_op().run() is None
    assert tf.get_default_session() is None
    with pytest.raises(RuntimeError, match="closed"):
        s.run(x)
    s = tf.Session()
    with s.as_default():
        assert x.eval() == 3
    assert s.run(x) == 3
    with tf.Graph().as_default():
        y = tf.constant(1)
        with s.as_default(), pytest.raises(ValueError, match="another graph"):
            y.eval()
        with pytest.raises(ValueError):
            s.run(y)


def test_interactive_session():
    s = tf.InteractiveSession(graph=tf.Graph())
    try:
        assert not tf.executing_eagerly()
        assert tf.constant(4).eval() == 4
    finally:
        s.close()
    assert tf.executing_eagerly()
    assert tf.get_default_session() is None


def test_make_callable(graph):
    x = tf.placeholder(tf.float32, [])
    call = tf.Session().make_callable(x * 2.0, [x])
    assert call(3) == 6
    with pytest.raises(TypeError):
        call()


def test_a_thread_starts_eager_and_without_a_session(graph):
    seen = []
    with tf.Session():
        thread = threading.Thread(target=lambda: seen.append((tf.executing_eagerly(), tf.get_default_session())))
        thread.start()
        thread.join()
    assert seen == [(True, None)]


def test_kernels_can_be_replaced(graph):
    y = tf.multiply(tf.constant(3.0), tf.constant(4.0))
    assert tf.Session(kernels={"multiply": lambda x, y: x - y}).run(y) == -1
    assert tf.Session().run(y) == 12


def test_strings_go_through(session):
    x = tf.placeholder(tf.string, None)
    assert session.run(tf.identity(x), {x: "a"}) == b"a"
    assert session.run(x, {x: ["a", b"b"]}).tolist() == [b"a", b"b"]


class Last:
    """A scheduler that always takes the newest ready operation."""

    def start(self):
        return True

    def choose(self, ready, event):
        return len(ready) - 1

    def end(self, error=None):
        pass


def test_a_scheduler_chooses_among_ready_operations(graph):
    v = tf.Variable(0.0)
    first, second = v.assign(1.0), v.assign(2.0)
    for scheduler, expected in ((None, 2), (Last(), 1)):
        s = tf.Session(scheduler=scheduler)
        s.run(v.initializer)
        s.run([first, second])
        assert tf.Session is type(s)
        assert s.run(v) == expected


def test_which_variables_have_values(session):
    v, w = tf.Variable(1.0, name="v"), tf.Variable(2.0, name="w")
    missing = tf.report_uninitialized_variables()
    assert session.run(missing).tolist() == [b"v", b"w"]
    session.run(v.initializer)
    assert session.run([missing, tf.is_variable_initialized(v), tf.is_variable_initialized(w)])[0].tolist() == [b"w"]
    assert session.run(tf.is_variable_initialized(v))
    assert not session.run(tf.is_variable_initialized(w))


def test_what_may_not_be_fed_or_fetched():
    with tf.Graph().as_default() as graph, tf.Session() as session:
        x = tf.constant(1.0, name="x")
        y = tf.identity(x, name="y")
        graph.prevent_feeding(x)
        with pytest.raises(ValueError, match="'x:0' may not be fed"):
            session.run(y, {x: 2.0})
        graph.prevent_fetching(y.op)
        for fetch in (y, y.op, [y]):
            with pytest.raises(ValueError, match="may not be fetched"):
                session.run(fetch)
        assert session.run(x) == 1.0


def test_a_closed_session_has_no_devices():
    session = tf.Session(graph=tf.Graph())
    assert [device.device_type for device in session.list_devices()] == ["CPU"]
    session.close()
    with pytest.raises(RuntimeError, match="closed"):
        session.list_devices()
    tf.Session.reset("")
    with pytest.raises(TypeError, match="ConfigProto"):
        tf.Session.reset("", config=1)
