"""Named edges: what makes them, what removes them, what they lead to."""

import numpy as np
import pytest

import minitf as tf

track, children = tf.train.track, tf.train.children
MODES = {"eager": lambda: tf.using(tf.Eager()), "graph": lambda: tf.Graph().as_default()}


@pytest.fixture(params=list(MODES), autouse=True)
def mode(request):
    """Every test runs in both modes."""
    with MODES[request.param]():
        yield request.param


class Auto(tf.train.AutoTrackable):
    pass


class Plain(tf.train.Trackable):
    pass


@pytest.mark.behaviour("S1", "S5")
def test_assigning_a_trackable_object_makes_an_edge_of_the_attribute_s_name():
    root = Auto()
    root.b, root.a, root.v = Auto(), Plain(), tf.Variable(1.0)
    assert children(root) == {"b": root.b, "a": root.a, "v": root.v}
    assert list(children(root)) == ["b", "a", "v"]


@pytest.mark.behaviour("S2")
@pytest.mark.parametrize(
    "make",
    [lambda: 1, lambda: "x", lambda: None, lambda: np.zeros(2), lambda: tf.constant(1.0), lambda: {1}, lambda: frozenset({1})],
)
def test_other_values_are_stored_as_they_are_and_make_no_edge(make):
    root, value = Auto(), make()
    root.x = value
    assert root.x is value
    assert children(root) == {}


@pytest.mark.behaviour("S3")
def test_the_plain_base_class_makes_edges_on_request_only():
    root = Plain()
    root.a = Auto()
    assert children(root) == {}
    track(root, root.a, "b")
    variable = tf.train.add_variable(root, "v", shape=[2])
    assert children(root) == {"b": root.a, "v": variable}
    assert not hasattr(root, "v")


@pytest.mark.behaviour("S4")
@pytest.mark.upstream("util_test.InterfaceTests.testInitNotCalled")
def test_a_subclass_need_not_call_its_base_constructor():
    class Own(Auto):
        def __init__(self):
            self.child = Auto()

    class OwnPlain(tf.train.Trackable):
        def __init__(self):
            pass

    own, plain = Own(), OwnPlain()
    assert list(children(own)) == ["child"]
    assert children(plain) == {}
    tf.train.add_variable(plain, "v", shape=[])
    assert list(children(plain)) == ["v"]


@pytest.mark.behaviour("S6", "S5")
@pytest.mark.upstream("tracking_test.InterfaceTests.testMultipleAssignment")
def test_assigning_another_object_redirects_the_edge_in_its_place():
    root = Auto()
    root.a, root.b = Auto(), Auto()
    second = root.a = Auto()
    assert list(children(root).items()) == [("a", second), ("b", root.b)]


@pytest.mark.behaviour("S7", "S8")
@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("value", [3, None])
def test_assigning_a_plain_value_leaves_the_edge_to_the_former_object(value, wrapped):
    root = Auto()
    first = root.a = Auto()
    root.a = tf.train.NoDependency(value) if wrapped else value
    assert root.a is value
    assert children(root) == {"a": first}


@pytest.mark.behaviour("S8")
def test_a_no_dependency_object_leaves_the_edge_to_the_former_object():
    root = Auto()
    first, second = Auto(), Auto()
    root.a = first
    root.a = tf.train.NoDependency(second)
    assert root.a is second
    assert children(root) == {"a": first}


@pytest.mark.behaviour("S9")
@pytest.mark.upstream("tracking_test.InterfaceTests.testRemoveDependency")
def test_deleting_an_attribute_removes_its_edge_and_adding_it_again_puts_it_last():
    root = Auto()
    root.a, root.b = Auto(), Auto()
    del root.a
    assert list(children(root)) == ["b"]
    root.a = Auto()
    assert list(children(root)) == ["b", "a"]
    with pytest.raises(AttributeError):
        del root.missing


@pytest.mark.behaviour("S11", "S12")
def test_one_object_may_have_many_edges_and_one_to_itself():
    root = Auto()
    root.me = root
    root.a = root.b = Auto()
    assert children(root) == {"me": root, "b": root.a, "a": root.a}
    assert tf.train.list_objects(root) == [root, root.a]


@pytest.mark.behaviour("S13")
def test_a_no_dependency_value_is_unwrapped_and_what_it_holds_is_not_wrapped():
    root, inside = Auto(), [tf.Variable(1.0)]
    root.a = tf.train.NoDependency(inside)
    assert root.a is inside
    assert type(root.a) is list
    assert children(root) == {}


@pytest.mark.behaviour("S14")
@pytest.mark.upstream("tracking_test.InterfaceTests.testMultipleAssignment")
def test_assigning_the_identical_object_does_nothing_and_another_name_tracks_it():
    root = Auto()
    root.a = tf.train.NoDependency(Auto())
    root.a = root.a
    assert children(root) == {}
    root.b = root.a
    assert children(root) == {"b": root.a}


@pytest.mark.behaviour("S16")
def test_a_method_may_be_marked_to_make_neither_edges_nor_wrappers():
    class Quiet(Auto):
        @tf.train.no_automatic_dependency_tracking
        def fill(self):
            """Fills."""
            self.a, self.b = Auto(), [Auto()]
            raise KeyError

    root = Quiet()
    with pytest.raises(KeyError):
        root.fill()
    assert type(root.b) is list
    assert children(root) == {}
    root.c = Auto()
    assert list(children(root)) == ["c"]
    assert root.fill.__doc__ == "Fills."


@pytest.mark.behaviour("S17", "S18", "S20")
@pytest.mark.upstream("base_test.InterfaceTests.testOverwrite", "tracking_test.InterfaceTests.testMultipleAssignment")
def test_explicit_edges_clash_unless_overwriting_is_asked_for():
    root, first, second = Auto(), Auto(), Auto()
    assert track(root, first, "a") is first
    track(root, first, "a")
    track(root, second, "b")
    with pytest.raises(ValueError, match="already declared as a dependency"):
        track(root, second, "a")
    assert not hasattr(root, "a")
    track(root, second, "a", overwrite=True)
    assert list(children(root).items()) == [("a", second), ("b", second)]
    root.a = first
    assert children(root)["a"] is first


@pytest.mark.behaviour("S19")
@pytest.mark.parametrize("value", [1, "x", None, [1]])
def test_only_trackable_objects_can_be_tracked(value):
    with pytest.raises(TypeError, match="not trackable"):
        track(Auto(), value, "a")
    with pytest.raises(TypeError, match="not trackable"):
        track(value, Auto(), "a")
    with pytest.raises(TypeError, match="not trackable"):
        children(value)


@pytest.mark.behaviour("S21")
def test_an_added_variable_has_an_edge_and_no_attribute():
    root = Auto()
    variable = tf.train.add_variable(root, "v", shape=[2], initializer=lambda shape, dtype: tf.ones(shape, dtype))
    assert not hasattr(root, "v")
    root.v = variable
    assert children(root) == {"v": variable}
    root.alias = variable
    assert children(root) == {"v": variable, "alias": variable}


@pytest.mark.behaviour("S21")
@pytest.mark.upstream("util_test.InterfaceTests.testShapeDtype")
def test_an_added_variable_s_initialiser_may_be_a_value_a_function_or_a_class(mode):
    class Ones:
        def __call__(self, shape, dtype):
            return tf.ones(shape, dtype)

    root = Auto()
    made = [
        tf.train.add_variable(root, "a", initializer=[1, 2], dtype=tf.int64),
        tf.train.add_variable(root, "b", shape=[2], initializer=Ones),
        tf.train.add_variable(root, "c", shape=(3, 4), dtype=tf.float64),
        tf.train.add_variable(root, "d", shape=[2], dtype=tf.int32, trainable=False),
    ]
    assert [(v.dtype, tuple(v.shape)) for v in made] == [
        (tf.int64, (2,)), (tf.float32, (2,)), (tf.float64, (3, 4)), (tf.int32, (2,)),
    ]  # fmt: skip
    assert [v.trainable for v in made] == [True, True, True, False]
    if mode == "eager":
        assert np.abs(made[2].numpy()).max() <= (6 / 7) ** 0.5
        assert made[3].numpy().tolist() == [0, 0]


@pytest.mark.behaviour("S22")
@pytest.mark.upstream("base_test.InterfaceTests.testAddVariableOverwrite")
def test_adding_a_second_variable_of_a_name_is_refused_before_it_is_made():
    root = Auto()
    first = tf.train.add_variable(root, "v", shape=[])
    with pytest.raises(ValueError, match="already declared as a dependency"):
        tf.train.add_variable(root, "v", shape=[], initializer=lambda *a, **k: 1 / 0)
    assert children(root) == {"v": first}
    second = tf.train.add_variable_with_getter(root, "v", shape=[], overwrite=True)
    assert children(root) == {"v": second}


@pytest.mark.behaviour("S23")
def test_a_shape_and_a_constant_are_refused_and_leave_no_edge():
    root = Auto()
    with pytest.raises(ValueError, match="do not specify shape"):
        tf.train.add_variable(root, "v", shape=[2], initializer=[1.0, 2.0])
    assert children(root) == {}


@pytest.mark.behaviour("S24")
def test_edges_have_the_local_name_whatever_the_variable_s_own_name_becomes(mode):
    one, two = Auto(), Auto()
    with tf.name_scope("scope"):
        names = [tf.train.add_variable(root, "v", shape=[]).name for root in (one, two)]
    assert names == {"eager": ["scope/v:0", "scope/v:0"], "graph": ["scope/v:0", "scope/v_1:0"]}[mode]
    assert list(children(one)) == list(children(two)) == ["v"]


def test_a_getter_of_ones_own_makes_the_variable():
    asked = {}

    def getter(name, shape, dtype, initializer, **more):
        asked.update(more, name=name)
        return tf.Variable(initializer(shape, dtype))

    root = Auto()
    variable = tf.train.add_variable_with_getter(
        root, "v", [3], tf.float32, lambda shape, dtype: tf.ones(shape, dtype), getter=getter, extra=7
    )
    assert asked == {"extra": 7, "name": "v"}
    assert children(root) == {"v": variable}


def test_a_property_with_a_setter_works_and_one_without_leaves_no_edge():
    class Guarded(Auto):
        @property
        def fixed(self):
            return 1

        @property
        def open(self):
            return self._open

        @open.setter
        def open(self, value):
            self._open = value

    root = Guarded()
    with pytest.raises(AttributeError):
        root.fixed = Auto()
    assert children(root) == {}
    root.open = Auto()
    assert list(children(root)) == ["open", "_open"]


def test_tracking_leaves_the_visible_attributes_alone():
    root = Auto()
    root.a, root.b = Auto(), 2
    assert list(vars(root)) == ["a", "b"]


def test_a_class_with_slots_can_track():
    class Slotted(tf.train.AutoTrackable):
        __slots__ = ("a", "b")

    root = Slotted()
    root.a = Auto()
    root.b = 1
    assert children(root) == {"a": root.a}
    del root.a
    assert children(root) == {}
