"""One thread changes a tree while another one saves or restores it: the other sees each object before or after a change.

TensorFlow's saver lets a KeyError out, or says, for good, that the list or dict was modified outside of its wrapper.
"""

import sys
import threading

import pytest

import minitf as tf
from tests.checkpoint.conftest import Node

ROUNDS, CHANGES = 12, 150


@pytest.fixture(autouse=True)
def many_switches():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


class Beside:
    """Runs a function in another thread; its error comes out at the end."""

    def __init__(self, act):
        self._act, self._error = act, None
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        try:
            self._act()
        except BaseException as error:
            self._error = error

    def __enter__(self):
        self._thread.start()
        return self._thread.is_alive

    def __exit__(self, *_):
        self._thread.join(60)
        assert not self._thread.is_alive(), "a deadlock"
        if self._error is not None:
            raise self._error


def appended(owner, i, variable):
    owner.held.append(variable)


def set_key(owner, i, variable):
    owner.held[f"k{i}"] = variable


def set_attribute(owner, i, variable):
    setattr(owner.held, f"k{i}", variable)


def nested(owner, i, variable):
    owner.held.append([variable])


WAYS = {
    "list": (list, appended, "{}"),
    "dict": (dict, set_key, "k{}"),
    "attributes": (Node, set_attribute, "k{}"),
    "List": (tf.train.List, appended, "{}"),
    "Mapping": (tf.train.Mapping, set_key, "k{}"),
    "lists in a list": (list, nested, "{}/0"),
}


def tree(way):
    owner = Node()
    owner.held = WAYS[way][0]()
    return owner


def grow(owner, way, variables):
    for i, variable in enumerate(variables):
        WAYS[way][1](owner, i, variable)


def numbers_saved(path, way):
    """Which of the variables a checkpoint has; each must have its own value."""
    names = {f"held/{WAYS[way][2].format(i)}/.ATTRIBUTES/VARIABLE_VALUE": i for i in range(CHANGES)}
    reader = tf.train.load_checkpoint(path)
    found = {names[key]: reader.get_tensor(key) for key in reader.get_variable_to_shape_map() if key.startswith("held")}
    assert all(number == value for number, value in found.items())
    return sorted(found)


@pytest.mark.parametrize("way", WAYS)
def test_a_save_has_a_state_that_there_was(way, tmp_path):
    for _ in range(ROUNDS):
        owner, variables = tree(way), [tf.Variable(float(i)) for i in range(CHANGES)]
        checkpoint, found = tf.train.Checkpoint(held=owner.held), []
        with Beside(lambda owner=owner, variables=variables: grow(owner, way, variables)) as running:
            while running():
                found.append(numbers_saved(checkpoint.write(tmp_path / "c"), way))
        found.append(numbers_saved(checkpoint.write(tmp_path / "c"), way))
        for numbers in found:
            assert numbers == list(range(len(numbers)))
        assert found == sorted(found, key=len)
        assert len(found[-1]) == CHANGES


@pytest.mark.parametrize("way", WAYS)
def test_a_restore_reaches_everything_that_comes_meanwhile(way, tmp_path):
    whole = tree(way)
    grow(whole, way, [tf.Variable(float(i)) for i in range(CHANGES)])
    path = tf.train.Checkpoint(held=whole.held).write(tmp_path / "c")
    for count in range(ROUNDS):
        owner, variables = tree(way), [tf.Variable(-1.0) for i in range(CHANGES)]
        checkpoint = tf.train.Checkpoint(held=owner.held)
        if count % 2:  # one waits already
            early = checkpoint.read(path)
        with Beside(lambda owner=owner, variables=variables: grow(owner, way, variables)):
            status = checkpoint.read(path)
        status.assert_consumed()
        assert [float(v.numpy()) for v in variables] == list(range(CHANGES))
    del early


@pytest.mark.parametrize("way", WAYS)
def test_restores_one_after_the_other_beside_a_thread_that_changes(way, tmp_path):
    """Whatever the order, the newest restore decides."""
    paths = []
    for start in (100.0, 200.0):
        whole = tree(way)
        grow(whole, way, [tf.Variable(start + i) for i in range(CHANGES)])
        paths.append(tf.train.Checkpoint(held=whole.held).write(tmp_path / str(start)))
    for _ in range(ROUNDS):
        owner, variables = tree(way), [tf.Variable(-1.0) for i in range(CHANGES)]
        checkpoint = tf.train.Checkpoint(held=owner.held)
        with Beside(lambda owner=owner, variables=variables: grow(owner, way, variables)):
            statuses = [checkpoint.read(path) for path in (*paths, *paths)]
        statuses[-1].assert_existing_objects_matched()
        assert [float(v.numpy()) for v in variables] == [200.0 + i for i in range(CHANGES)]


@pytest.mark.parametrize("way", ["list", "List", "lists in a list"])
def test_two_threads_append(way, tmp_path):
    """Each element gets a place and an edge of its own."""
    for _ in range(ROUNDS):
        owner = tree(way)
        mine, others = ([tf.Variable(float(i)) for i in range(CHANGES)] for _ in range(2))
        with Beside(lambda owner=owner, others=others: grow(owner, way, others)):
            grow(owner, way, mine)
        held = [owner.held[i] for i in range(len(owner.held))]
        assert len(held) == 2 * CHANGES
        assert tf.train.children(owner.held) == {str(i): element for i, element in enumerate(held)}


@pytest.mark.parametrize("way", ["dict", "attributes"])
def test_two_threads_set_the_same_names(way):
    for _ in range(ROUNDS):
        owner = tree(way)
        mine, others = ([tf.Variable(float(i)) for i in range(CHANGES)] for _ in range(2))
        with Beside(lambda owner=owner, others=others: grow(owner, way, others)):
            grow(owner, way, mine)
        assert tf.train.children(owner.held) == (dict(owner.held) if way == "dict" else vars(owner.held))


def test_a_list_that_another_thread_spoils_is_refused_or_saved_as_it_was(tmp_path):
    """What a list with trackable elements must not do: it is said, as in one thread."""
    for _ in range(ROUNDS):
        owner = tree("list")
        grow(owner, "list", [tf.Variable(float(i)) for i in range(CHANGES)])
        checkpoint = tf.train.Checkpoint(held=owner.held)
        with Beside(lambda owner=owner: [owner.held.pop() for _ in range(CHANGES)]) as running:
            while running():
                try:
                    path = checkpoint.write(tmp_path / "c")
                except ValueError as error:
                    assert "replaced, deleted or moved (by pop)" in str(error)  # noqa: PT017
                else:
                    assert numbers_saved(path, "list") == list(range(CHANGES))
        with pytest.raises(ValueError, match="by pop"):
            checkpoint.write(tmp_path / "c")


def test_slots_that_a_training_thread_makes(tmp_path):
    """A save has a slot that an optimizer has made meanwhile, or has it not."""
    for _ in range(3):
        variables = [tf.Variable([float(i)]) for i in range(20)]
        optimizer = tf.compat.v1.train.MomentumOptimizer(0.1, 0.9)
        checkpoint = tf.train.Checkpoint(v=variables, optimizer=optimizer)

        def train(optimizer=optimizer, variables=variables):
            for v in variables:
                optimizer.apply_gradients([(tf.constant([1.0]), v)])

        with Beside(train) as running:
            while running():
                checkpoint.write(tmp_path / "c")
        keys = {key for key, _ in tf.train.list_variables(checkpoint.write(tmp_path / "c"))}
        assert sum("OPTIMIZER_SLOT" in key for key in keys) == 20
