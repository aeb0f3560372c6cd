"""Object graphs to look at."""

import pytest

import minitf as tf

VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"


def tree():
    root = tf.train.AutoTrackable()
    root.first = tf.Variable([1.0, 2.0], name="one")
    root.inner = tf.train.AutoTrackable()
    root.inner.first = root.first
    root.inner.second = tf.Variable(2, name='tw"o')
    root.inner.up = root
    return root


@pytest.mark.behaviour("S126")
def test_objects_are_listed_breadth_first_each_once():
    root = tree()
    listed = tf.train.list_objects(root)
    expected = [root, root.first, root.inner, root.inner.second]
    assert [id(obj) for obj in listed] == [id(obj) for obj in expected]
    with pytest.raises(TypeError):
        tf.train.list_objects(3)


@pytest.mark.behaviour("S126")
def test_slot_variables_are_listed_last():
    root = tree()
    root.optimizer = tf.train.MomentumOptimizer(0.1, 0.9)
    root.optimizer.minimize(lambda: root.first * root.first, var_list=[root.first])
    slot = root.optimizer.get_slot(root.first, "momentum")
    assert tf.train.list_objects(root)[-1] is slot


def test_gather_initializers(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        root = tf.train.AutoTrackable()
        root.v, root.w = tf.Variable(1.0), tf.Variable(2.0)
        tf.Variable(3.0)
        initializers = tf.train.gather_initializers(root)
        assert initializers == [root.v.initializer, root.w.initializer]
        session.run(initializers)
        assert session.run([root.v, root.w]) == [1.0, 2.0]
    assert tf.train.gather_initializers(tree()) == []


@pytest.mark.behaviour("S109", "S113", "S119", "S120", "S121")
def test_serialize_object_graph_says_what_a_save_would_store():
    named, graph, feeds = tf.train.serialize_object_graph(tree())
    assert [(v.name, v.full_name) for v in named] == [("first" + VALUE, "one"), ("inner/second" + VALUE, 'tw"o')]
    edges = [[(e.local_name, e.node_id) for e in node.children] for node in graph.nodes]
    assert edges == [[("first", 1), ("inner", 2)], [], [("first", 1), ("second", 3), ("up", 0)], []]
    assert feeds is None


def test_a_checkpoint_as_a_picture(tmp_path):
    path = tf.train.CheckpointableSaver(tree()).save(str(tmp_path / "m"))
    assert tf.train.dot_graph_from_checkpoint(path).splitlines() == [
        "digraph {",
        "  node [fontname=Helvetica];",
        '  n0 [label="(root)", shape=ellipse, style=bold];',
        '  n1 [label="one\\nfloat32 [2]", shape=box];',
        '  n2 [label="object 2", shape=ellipse];',
        '  n3 [label="tw\\"o\\nint32 []", shape=box];',
        '  n0 -> n1 [label="first"];',
        '  n0 -> n2 [label="inner"];',
        '  n2 -> n1 [label="first"];',
        '  n2 -> n3 [label="second"];',
        '  n2 -> n0 [label="up"];',
        "}",
    ]


def test_slots_are_drawn_between_optimizer_and_variable(tmp_path):
    root = tf.train.AutoTrackable()
    root.v = tf.Variable(1.0, name="v")
    root.optimizer = tf.train.MomentumOptimizer(0.1, 0.9)
    root.optimizer.minimize(lambda: root.v * root.v, var_list=[root.v])
    picture = tf.train.dot_graph_from_checkpoint(tf.train.CheckpointableSaver(root).save(str(tmp_path / "m")))
    assert '  n2 -> n3 [label="momentum", style=dashed];' in picture
    assert "  n3 -> n1 [style=dotted, arrowhead=none];" in picture


@pytest.mark.behaviour("S125")
def test_there_is_no_picture_of_a_name_based_checkpoint(tmp_path):
    path = tf.train.Saver([tf.Variable(1.0, name="v")]).save(None, str(tmp_path / "m"))
    with pytest.raises(ValueError, match="not object-based"):
        tf.train.dot_graph_from_checkpoint(path)
