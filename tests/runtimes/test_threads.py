"""Threads: runs on one session, tapes and default graphs of their own, saves at the same time, all under load."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import minitf as tf

THREADS = 8


@pytest.fixture(autouse=True)
def switching_often():
    """The interpreter changes threads after a few microseconds, so that what can go wrong does."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(2e-6)
    yield
    sys.setswitchinterval(before)


def at_once(work, count=THREADS):
    """``work(number)`` in so many threads that start together; what they give. An error of one is raised here."""
    start = threading.Barrier(count)

    def begin(number):
        start.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(begin, range(count)))


def test_threads_that_ask_first_get_the_same_outputs():
    with tf.Graph().as_default():
        operations = [tf.Variable(0.0).initializer for _ in range(5000)]
    asked = at_once(lambda number: [o.outputs[0] for o in operations])
    for mine in asked:
        assert all(a is b for a, b in zip(mine, asked[0], strict=True))


# -- one session -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"plan": False}], ids=["plan", "operation by operation"])
def test_runs_on_one_session_lose_no_update(options):
    with tf.Graph().as_default():
        total = tf.Variable(np.zeros(200), name="total")
        rows = tf.Variable(np.zeros((4, 3)), name="rows")
        fed = tf.placeholder(tf.float64, [200])
        add, scatter = total.assign_add(fed), tf.compat.v1.scatter_add(rows, [1, 1], np.ones((2, 3)))
        doubled = fed * 2.0 + 1.0
        session = tf.Session(**options)
        session.run(tf.global_variables_initializer())

        def work(number):
            for i in range(30):
                seen, given = session.run([add, doubled], {fed: np.full(200, 1.0)})
                assert (seen == seen[0]).all()
                assert (given == 3.0).all()
                session.run(scatter)
                mine = session.run(doubled, {fed: np.full(200, number * 1000.0 + i)})
                assert (mine == number * 2000.0 + 2 * i + 1).all()

        at_once(work)
        assert (session.run(total) == 30 * THREADS).all()
        assert (session.run(rows)[1] == 2 * 30 * THREADS).all()


def test_a_session_makes_one_value_for_a_variable_whoever_comes_first():
    with tf.Graph().as_default():
        count = tf.Variable(0, name="count")
        start, add = count.assign(0), count.assign_add(1)

        def once():
            with tf.Session() as session:
                at_once(lambda _: session.run(start), 4)
                at_once(lambda _: session.run(add), 4)
                assert session.run(count) == 4

        for _ in range(30):
            once()


def test_optimizers_of_several_threads_take_all_their_steps():
    with tf.Graph().as_default(), tf.Session() as session:
        weight = tf.Variable(np.zeros(50), name="weight")
        step = tf.train.get_or_create_global_step()
        train = tf.train.GradientDescentOptimizer(1.0).apply_gradients([(tf.ones([50], tf.float64), weight)], global_step=step)
        session.run(tf.global_variables_initializer())
        at_once(lambda _: [session.run(train) for _ in range(50)])
        assert session.run(step) == 50 * THREADS
        assert (session.run(weight) == -50.0 * THREADS).all()


def test_no_random_number_is_drawn_twice():
    with tf.Graph().as_default(), tf.Session() as session:
        draw = tf.random.uniform([], seed=3, dtype=tf.float64)
        found = at_once(lambda _: [session.run(draw) for _ in range(30)])
        numbers = [n for some in found for n in some]
        assert len(set(numbers)) == 30 * THREADS
        again = tf.Session()
        assert sorted(again.run(draw) for _ in range(30 * THREADS)) == sorted(numbers)


def test_the_first_run_of_many_threads_compiles_what_they_share():
    for _ in range(20):
        with tf.Graph().as_default():
            x = tf.placeholder(tf.float32, [None])
            y = tf.reduce_sum(tf.exp(x) * 2.0 + x)
            session = tf.Session()
            expected = [np.float32(np.sum(np.exp(np.float32(n)) * np.float32(2) + np.float32(n))) for n in range(4)]
            given = at_once(lambda number, s=session, y=y, x=x: s.run(y, {x: [float(number)]}), 4)
            assert np.allclose(given, expected, rtol=1e-6)


# -- what a thread has for itself --------------------------------------------------------------------------------------


def test_each_thread_has_its_default_graph_and_session():
    def work(number):
        for _ in range(20):
            assert tf.executing_eagerly()
            with tf.Graph().as_default() as graph, tf.Session() as session:
                assert tf.get_default_graph() is graph
                assert tf.get_default_session() is session
                with tf.name_scope("inside"):
                    value = tf.constant(number, name="value") + 1
                assert value.op.name == "inside/add"
                assert value.graph is graph
                assert session.run(value) == number + 1
            assert tf.get_default_session() is None
            assert int(tf.constant(number) + 1) == number + 1
        return len(graph.get_operations())

    assert len(set(at_once(work))) == 1


def test_several_threads_are_inside_one_session():
    with tf.Graph().as_default():
        value = tf.constant(3) + 4
    session = tf.Session(graph=value.graph)
    inside = threading.Barrier(4)

    def work(number):
        with session:
            inside.wait()
            assert tf.get_default_session() is session
            assert session.run(value) == 7
            inside.wait()
        assert tf.get_default_session() is None

    at_once(work, 4)


def test_a_tape_notes_only_its_own_thread():
    weight = tf.Variable(2.0)

    def work(number):
        for i in range(30):
            x = tf.constant(float(number + i))
            with tf.GradientTape(persistent=True) as tape:
                tape.watch(x)
                y = x * x * weight
                with tf.GradientTape() as inner:
                    inner.watch(x)
                    z = x * x * x
                slope = inner.gradient(z, x)
            assert float(tape.gradient(y, x)) == 4.0 * (number + i)
            assert float(tape.gradient(slope, x)) == 6.0 * (number + i)
            assert float(tape.gradient(y, weight)) == float(number + i) ** 2

    at_once(work)


def test_eager_updates_are_not_lost():
    count, total = tf.Variable(0), tf.Variable(np.zeros(100))

    def work(number):
        for _ in range(100):
            count.assign_add(1)
            total.assign_sub(np.ones(100))

    at_once(work)
    assert int(count) == 100 * THREADS
    assert (total.numpy() == -100.0 * THREADS).all()


def test_a_function_called_first_by_many_threads_is_traced_once_and_makes_its_variable_once():
    class Scaled(tf.Module):
        factor = None
        made = 0

        @tf.function
        def __call__(self, x):
            if self.factor is None:
                self.factor = tf.Variable(3.0)
                self.made += 1
            return x * self.factor

    def once():
        scaled = Scaled()
        assert at_once(lambda number: float(scaled(tf.constant(float(number)))), 4) == [0.0, 3.0, 6.0, 9.0]
        assert scaled.made == 1

    for _ in range(20):
        once()


# -- saving ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("built", [False, True], ids=["eager", "graph"])
def test_saves_at_the_same_time_while_training_goes_on(built, tmp_path):
    with tf.Graph().as_default() if built else tf.init_scope(), tf.Session() if built else tf.init_scope() as session:
        values = {f"v{i}": tf.Variable(np.zeros(64)) for i in range(4)}
        net = tf.Module()
        for name, variable in values.items():
            setattr(net, name, variable)
        add = [v.assign_add(np.ones(64)) for v in values.values()] if built else None
        checkpoint = tf.train.Checkpoint(net=net)
        if built:
            session.run(tf.global_variables_initializer())
        prefix, done = str(tmp_path / "ckpt"), threading.Event()

        def train():
            while not done.is_set():
                if built:
                    session.run(add)
                else:
                    for v in values.values():
                        v.assign_add(np.ones(64))

        def save(number):
            with session.graph.as_default() if built else tf.init_scope():
                return [checkpoint.save(prefix, session=session) if built else checkpoint.save(prefix) for _ in range(8)]

        trainer = threading.Thread(target=train)
        trainer.start()
        try:
            paths = [path for some in at_once(save, 4) for path in some]
        finally:
            done.set()
            trainer.join()
        assert sorted(int(p.rpartition("-")[2]) for p in paths) == list(range(1, 33))
        assert tf.train.latest_checkpoint(str(tmp_path)) in paths
        for path in paths:  # every file is whole, and no value is torn
            reader = tf.train.load_checkpoint(path)
            for name in values:
                saved = reader.get_tensor(f"net/{name}/.ATTRIBUTES/VARIABLE_VALUE")
                assert (saved == saved[0]).all()


# -- restoring ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("built", [False, True], ids=["eager", "graph"])
def test_a_restore_that_reuses_large_arrays_shows_no_thread_half_a_value(built, tmp_path):
    """Runs and reads of other threads give the old values or the new; a tensor that was read before keeps what it had."""
    size, count = 3 << 20, 3  # 36 MiB: enough for a restore to use the memory that is there
    with tf.Graph().as_default() if built else tf.init_scope(), tf.Session() if built else tf.init_scope() as session:
        net = tf.Module()
        net.parts = [tf.Variable(np.zeros(size, np.float32)) for _ in range(count)]
        checkpoint = tf.train.Checkpoint(net=net)
        options = {"session": session} if built else {}
        values = [p.read_value() for p in net.parts] if built else []
        ends = [tf.stack([tf.reduce_min(v), tf.reduce_max(v)]) for v in values]
        if built:
            session.run(tf.global_variables_initializer())
        paths = []
        for number in (1.0, 2.0):
            for part in net.parts:
                part.load(np.full(size, number, np.float32), session)
            paths.append(checkpoint.write(str(tmp_path / f"c{number}"), **options))
        done, seen = threading.Event(), set()

        def look(number):
            kept = []
            while not done.is_set():
                if built:
                    found = session.run(ends[number % count])
                    assert found[0] == found[1]
                    seen.add(float(found[0]))
                    continue
                value = net.parts[number % count].read_value()
                kept.append((value, float(value[0])))
                for tensor, first in kept[-4:]:
                    array = tensor._v
                    assert array[0] == array[-1] == first
                    assert array.min() == array.max()
                seen.add(kept[-1][1])
                del kept[:-4]

        def restore():
            try:
                for turn in range(400):
                    if turn >= 12 and seen == {1.0, 2.0}:
                        break
                    status = checkpoint.read(paths[turn % 2])
                    status.assert_consumed()
                    if built:
                        status.run_restore_ops(session)
            finally:
                done.set()

        with ThreadPoolExecutor(3) as pool:
            looking = [pool.submit(look, number) for number in range(2)]
            if built:
                with session.graph.as_default():
                    restore()
            else:
                restore()
            for one in looking:
                one.result()
        assert seen == {1.0, 2.0}
