"""``Module``: what it finds in its attributes, and its scope for names. TensorFlow prints the same for the same programs."""

from collections import namedtuple

import pytest

import minitf as tf


@pytest.fixture
def v(mode):
    return lambda value=0.0, **more: tf.Variable(value, **more)


class HTTPLayer2B(tf.Module):
    def __init__(self, name=None):
        super().__init__(name)
        with self.name_scope:
            self.v = tf.Variable(1.0, name="v")

    @tf.Module.with_name_scope
    def late(self):
        """A variable made in a method."""
        return tf.Variable(1.0, name="late")


def test_names(mode):
    layer = HTTPLayer2B()
    assert layer.name == "http_layer2_b"
    assert layer.v.name == "http_layer2_b/v:0"
    assert layer.name_scope.name == "http_layer2_b/"
    assert layer.late().name == "http_layer2_b/late:0"
    assert HTTPLayer2B("other").v.name == "other/v:0"
    with layer.name_scope as path:
        assert path == "http_layer2_b/"
        inner = HTTPLayer2B("inner")
    assert inner.name == "inner"
    assert inner.v.name == "http_layer2_b/inner/v:0"
    with layer.name_scope, layer.name_scope:
        assert tf.Variable(0.0, name="w").name == "http_layer2_b/w:0"


def test_scopes_are_unique_in_a_graph():
    with tf.Graph().as_default():
        first, second = HTTPLayer2B(), HTTPLayer2B()
        assert first.name == second.name
        assert second.v.name == "http_layer2_b_1/v:0"
        with first.name_scope:
            assert tf.constant(1.0).name == "http_layer2_b/Const:0"
        with first.name_scope:
            assert tf.constant(1.0).name == "http_layer2_b/Const_1:0"


@pytest.mark.parametrize("name", ["a b", "", "1st", "a/b", 3])
def test_a_name_must_be_an_identifier(name):
    with pytest.raises(ValueError, match="not a valid module name"):
        tf.Module(name)


def test_variables_and_submodules(v):
    net = tf.Module()
    own = [v() for _ in range(7)]
    net.z = own[0]
    net.b = [own[1], {"k": own[2], "a": own[3]}]
    net.again = own[0]
    net.sub = tf.Module()
    net.sub.v = own[4]
    net.sub.back = net
    net.c = tf.Module()
    net.c.shared = net.sub
    net.c.w = own[5]
    net.t = (v(trainable=False), 5, "text")

    def which(variables):
        return [next((i for i, o in enumerate(own) if o is x), "t") for x in variables]

    assert which(net.variables) == [0, 1, 3, 2, "t", 5, 4]
    assert which(net.trainable_variables) == [0, 1, 3, 2, 5, 4]
    assert which(net.non_trainable_variables) == ["t"]
    assert net.submodules == (net.c, net.sub)
    assert net.c.submodules == (net.sub, net)


def test_paths_lead_everywhere_but_not_around_in_circles(v):
    net = tf.Module()
    net.a = tf.Module()
    net.a.v = v()
    net.a.back = net
    net.t = namedtuple("Pair", "q p")(v(), v())
    found = [path for path, _ in net._flatten(predicate=lambda leaf: isinstance(leaf, tf.Variable), with_path=True)]
    assert found == [("t", "q"), ("t", "p"), ("a", "v"), ("a", "back", "t", "q"), ("a", "back", "t", "p")]
    direct = net._flatten(recursive=False, predicate=lambda leaf: isinstance(leaf, tf.Variable), with_path=True)
    assert [path for path, _ in direct] == [("t", "q"), ("t", "p")]
    backwards = net._flatten(attribute_traversal_key=lambda name: -ord(name[0]), with_path=True)
    assert next(backwards)[0][0] == "t"


def test_dict_keys_of_several_kinds_cannot_be_listed(v):
    net = tf.Module()
    net.d = {1: 2, "a": v()}
    with pytest.raises(ValueError, match=r"Module\.d: cannot list"):
        net.variables


def test_a_subclass_need_not_call_the_constructor(v):
    class Quick(tf.Module):
        def __init__(self):
            self.v = v()

    quick = Quick()
    assert quick.variables == (quick.v,)
    assert list(tf.train.children(quick)) == ["v"]
    with pytest.raises(AttributeError):
        quick.name
