"""Mistakes that users make with checkpoints, planted; each with a near-miss twin, which looks much like it and is not it.

A mistake is a function of a ``Place`` and whether it is to be planted; it gives the explanation. The decorator says what the
cause is, at which path, in which modes it can be made, and in which public thread somebody made it.
"""

from dataclasses import dataclass

import numpy as np

import minitf as tf
from minitf.explain.why import Why
from tests.checkpoint.conftest import Node

Saver = tf.train.CheckpointableSaver
MISTAKES = {}
THREADS = "https://github.com/"


@dataclass
class Mistake:
    make: object
    cause: Why
    path: str
    thread: str
    modes: tuple


def mistake(cause, path, thread="", modes=("eager", "graph")):
    def enter(make):
        MISTAKES[make.__name__] = Mistake(make, cause, path, thread and THREADS + thread, modes)
        return make

    return enter


class Place:
    """Where the mistake is made: a mode, and a directory for checkpoints, which are written in eager mode."""

    def __init__(self, world, directory):
        self.world = world
        self.directory = str(directory)

    def saved(self, make, kind=Saver):
        """The path of a checkpoint of what ``make`` gives."""
        with tf.using(tf.Eager()):
            made = make()
            saver = kind(made) if kind is Saver else kind(**vars(made)) if kind is tf.train.Checkpoint else kind
            return saver.save(f"{self.directory}/ckpt")

    def explained(self, root, path, kind=Saver):
        """Restores, runs, and explains."""
        status = kind(root).restore(path).expect_partial()
        self.world.run(status)
        return status.explain()


def dense(units=2, inputs=3, value=0.0, name="dense", dtype=tf.float32):
    """A layer's variables, without a layer."""
    return Node(
        kernel=tf.Variable([[value] * units] * inputs, name=f"{name}/kernel", dtype=dtype),
        bias=tf.Variable([value] * units, name=f"{name}/bias", dtype=dtype),
    )


def norm(units=2):
    return Node(gamma=tf.Variable([1.0] * units), beta=tf.Variable([0.0] * units), mean=tf.Variable([0.0] * units))


def net(**more):
    return Node(model=Node(hidden=dense(5), head=dense(2, 5), **more))


# -- names -----------------------------------------------------------------------------------------------------------------


@mistake(Why.RENAMED, "(root).model.hidden", "tensorflow/tensorflow/issues/11964")
def a_renamed_layer(place, planted):
    """The twin: the layer is gone, and a layer of another kind is new."""
    path = place.saved(net)
    new = {"encoder": dense(5)} if planted else {"encoder": norm(5)}
    return place.explained(Node(model=Node(head=dense(2, 5), **new)), path)


@mistake(Why.RENAMED, "(root).model.hidden.kernel")
def renamed_in_every_layer(place, planted):
    """The twin: every layer has a new variable of another shape instead."""
    path = place.saved(net)

    def layer(units, inputs):
        shape = [inputs, units] if planted else [inputs, units, 2]
        return Node(weight=tf.Variable(tf.zeros(shape)), bias=tf.Variable(tf.zeros([units])))

    return place.explained(Node(model=Node(hidden=layer(5, 3), head=layer(2, 5))), path)


@mistake(Why.COUNTER, "(root).model.dense", "tensorflow/tensorflow/issues/11097")
def a_counter_that_shifts_names(place, planted):
    """The twin: one more layer, with the next number."""
    path = place.saved(lambda: Node(model=Node(dense=dense(5), dense_1=dense(2, 5))))
    live = [dense(5), dense(2, 5)] if planted else [dense(5), dense(2, 5), dense()]
    numbers = ["dense_2", "dense_3"] if planted else ["dense", "dense_1", "dense_2"]
    return place.explained(Node(model=Node(**dict(zip(numbers, live, strict=True)))), path)


@mistake(Why.COUNTER, "(root).model.dense")
def a_counter_that_shifts_names_by_one(place, planted):
    """Some names match, but not the right layers. The twin: the first layer was dropped."""
    path = place.saved(lambda: Node(model=Node(dense=dense(), dense_1=dense(), dense_2=dense())))
    live = {"dense_1": dense(), "dense_2": dense(), **({"dense_3": dense()} if planted else {})}
    return place.explained(Node(model=Node(**live)), path)


@mistake(Why.MOVED, "(root).encoder")
def an_object_that_has_moved(place, planted):
    """The twin: at the new place is an object of another shape."""
    path = place.saved(lambda: Node(encoder=dense(7), model=Node(head=dense(2, 7))))
    return place.explained(Node(model=Node(head=dense(2, 7), encoder=dense(7 if planted else 6))), path)


@mistake(Why.OTHER_ROOT, "(root).model", "tensorflow/tensorflow/issues/39843")
def saved_with_keywords_and_restored_without(place, planted):
    """The twin: the keyword has another name."""
    path = place.saved(net, tf.train.Checkpoint)
    root = net().model if planted else Node(network=net().model)
    return place.explained(root, path)


@mistake(Why.OTHER_ROOT, "(root)")
def saved_without_keywords_and_restored_with(place, planted):
    """The twin: one edge of the root is where it was."""
    path = place.saved(lambda: net().model)
    root = Node(model=net().model) if planted else Node(model=net().model, head=dense(2, 5))
    return place.explained(root, path)


@mistake(Why.OTHER_CHECKPOINT, "(root)", "tensorflow/tensorflow/issues/33957")
def the_checkpoint_of_another_program(place, planted):
    """The twin: the programs have an edge in common."""
    path = place.saved(lambda: Node(generator=dense(9), critic=norm(4)))
    return place.explained(Node(text=Node(v=tf.Variable([1.0] * 11))) if planted else Node(critic=norm(4), text=dense()), path)


# -- what stands where ---------------------------------------------------------------------------------------------------------


@mistake(Why.REPLACED, "(root).model.head", "tensorflow/tensorflow/issues/17257")
def an_object_replaced_after_the_restore(place, planted):
    """The twin: the object stays and gets other values."""
    root, path = net(), place.saved(net)
    place.world.init()
    status = Saver(root).restore(path)
    place.world.run(status)
    if planted:
        root.model.head = dense(2, 5)
    else:
        place.world.assign(root.model.head.bias, [1.0, 1.0])
    return status.explain()


@mistake(Why.GONE, "(root).model.head")
def an_object_taken_out_after_the_restore(place, planted):
    """The twin: it is put in again."""
    root = net()
    status = Saver(root).restore(place.saved(net))
    place.world.run(status)
    head = root.model.head
    del root.model.head
    if not planted:
        root.model.head = head
    return status.explain()


@mistake(Why.UNTRACKED, "(root).model.hidden", "tensorflow/tensorflow/issues/19250")
def an_attribute_without_an_edge(place, planted):
    """The twin: another attribute has no edge, which the checkpoint does not want."""
    path = place.saved(net)
    hidden = tf.train.NoDependency(dense(5)) if planted else dense(5)
    return place.explained(Node(model=Node(hidden=hidden, head=dense(2, 5), cache=tf.train.NoDependency(dense()))), path)


@mistake(Why.PLAIN_VALUE, "(root).step")
def a_number_where_a_variable_was(place, planted):
    """The twin: the attribute is there, and still empty."""
    path = place.saved(lambda: Node(step=tf.Variable(7), model=dense()))
    return place.explained(Node(step=0 if planted else None, model=dense()), path)


class Timed:
    """A wrapper that is no trackable object."""

    def __init__(self, inner):
        self.inner = inner


class TimedModule(tf.Module):
    """A wrapper that is one."""

    def __init__(self, inner):
        self.inner = inner


@mistake(Why.WRAPPED, "(root).model.hidden", "tensorflow/tensorflow/issues/19208")
def a_layer_behind_a_wrapper(place, planted):
    """The twin: the wrapper is a module, so that its edges are one level deeper."""
    path = place.saved(net)
    return place.explained(Node(model=Node(hidden=(Timed if planted else TimedModule)(dense(5)), head=dense(2, 5))), path)


@mistake(Why.UNTRACKED, "(root).model.hidden")
def an_attribute_without_an_edge_under_another_name(place, planted):
    """The twin: what it holds is of another kind."""
    path = place.saved(net)
    held = tf.train.NoDependency([dense(5) if planted else norm(5)])
    return place.explained(Node(model=Node(blocks=held, head=dense(2, 5))), path)


@mistake(Why.LIST_FOR_DICT, "(root).heads", "keras-team/keras/issues/18398")
def a_list_where_a_dict_was(place, planted):
    """The twin: a dict with other keys."""
    path = place.saved(lambda: Node(heads={"left": dense(2), "right": dense(3)}))
    return place.explained(Node(heads=[dense(2), dense(3)] if planted else {"a": dense(2), "b": dense(3)}), path)


@mistake(Why.DICT_FOR_LIST, "(root).heads")
def a_dict_where_a_list_was(place, planted):
    """The twin: a shorter list."""
    path = place.saved(lambda: Node(heads=[dense(2), dense(3)]))
    return place.explained(Node(heads={"left": dense(2), "right": dense(3)} if planted else [dense(2)]), path)


@mistake(Why.REORDERED, "(root).layers", "tensorflow/tensorflow/issues/6683")
def a_list_rebuilt_in_another_order(place, planted):
    """All values fit, and are wrong. The twin: the same order, with other variable names."""

    def layers(names):
        return Node(layers=[dense(name=name) for name in names])

    path = place.saved(lambda: layers(["embed", "mix", "out"]))
    return place.explained(layers(["mix", "embed", "out"] if planted else ["embed_1", "mix_1", "out_1"]), path)


@mistake(Why.REORDERED, "(root).layers", modes=["eager"])
def a_list_rebuilt_in_another_order_that_does_not_fit(place, planted):
    """A dry run, since restoring raises an error. The twin: one layer has other units."""
    path = place.saved(lambda: Node(layers=[dense(4, 3), dense(2, 4)]))
    return Saver(Node(layers=[dense(2, 4), dense(4, 3)] if planted else [dense(5, 3), dense(2, 5)])).explain(path)


@mistake(Why.SPLIT, "(root).b", "tensorflow/tensorflow/issues/34298")
def a_shared_object_that_has_become_two(place, planted):
    """The twin: it had been two before."""

    def shared():
        one = dense()
        return Node(a=one, b=one)

    path = place.saved(shared if planted else lambda: Node(a=dense(), b=dense()))
    return place.explained(Node(a=dense(), b=dense()), path)


@mistake(Why.MERGED, "(root).b.kernel")
def two_objects_that_have_become_one(place, planted):
    """The twin: it had been one before."""

    def shared():
        one = dense()
        return Node(a=one, b=one)

    path = place.saved(shared if not planted else lambda: Node(a=dense(), b=dense()))
    return place.explained(shared(), path)


@mistake(Why.SHAPE, "(root).model.head.kernel", "rishizek/tensorflow-deeplab-v3/issues/29")
def another_number_of_classes(place, planted):
    """The twin: another dtype."""
    path = place.saved(net)
    head = dense(21, 5) if planted else dense(2, 5, dtype=tf.float64)
    return Saver(Node(model=Node(hidden=dense(5), head=head))).explain(path)


@mistake(Why.SHAPE, "(root).v", modes=["eager"])
def another_shape_that_comes_later(place, planted):
    """The error was caught and forgotten. The twin: the variable never came."""
    root = Node()
    status = Saver(root).restore(place.saved(lambda: Node(v=tf.Variable([1.0, 2.0])))).expect_partial()
    if planted:
        try:
            root.v = tf.Variable([1.0, 2.0, 3.0])
        except ValueError:
            pass
    return status.explain()


@mistake(Why.DTYPE, "(root).model.head.kernel", "keras-team/keras/issues/16129")
def half_precision(place, planted):
    """The twin: another shape."""
    path = place.saved(net)
    head = dense(2, 5, dtype=tf.float16) if planted else dense(3, 5)
    return Saver(Node(model=Node(hidden=dense(5), head=head))).explain(path)


@mistake(Why.ADDED, "(root).model.attention")
def a_layer_added_since(place, planted):
    """The twin: it is the old layer under a new name."""
    path = place.saved(net)
    live = Node(hidden=dense(5), head=dense(2, 5), attention=norm(6)) if planted else Node(hidden=dense(5), top=dense(2, 5))
    return place.explained(Node(model=live), path)


@mistake(Why.ABSENT, "(root).model.head", "eaplatanios/tensorflow_scala/issues/56")
def a_layer_that_the_program_has_no_more(place, planted):
    """The twin: it has another name."""
    path = place.saved(net)
    return place.explained(Node(model=Node(hidden=dense(5), **({} if planted else {"top": dense(2, 5)}))), path)


@mistake(Why.OTHER_KIND, "(root).a")
def a_module_where_a_variable_was(place, planted):
    """The twin: a variable."""
    path = place.saved(lambda: Node(a=tf.Variable([1.0]), b=tf.Variable([2.0])))
    return place.explained(Node(a=Node() if planted else tf.Variable([0.0]), b=tf.Variable([0.0])), path)


# -- optimizers ---------------------------------------------------------------------------------------------------------------


def training(optimizer, used=True, name="optimizer"):
    """A variable and an optimizer that has made a step."""
    root = Node(v=tf.Variable([1.0, 2.0], name="v"))
    setattr(root, name, optimizer)
    if used:
        optimizer.apply_gradients([(tf.constant([1.0, 1.0]), root.v)])
    return root


def adam():
    return tf.train.AdamOptimizer(0.1)


@mistake(Why.NO_OPTIMIZER, "(root).optimizer", "tensorflow/tensorflow/issues/33150")
def slots_without_their_optimizer(place, planted):
    """A program that only evaluates. The twin: the optimizer has another name."""
    path = place.saved(lambda: training(adam()))
    return place.explained(Node(v=tf.Variable([0.0, 0.0])) if planted else training(adam(), name="training"), path)


@mistake(Why.NO_OPTIMIZER, "(root).optimizer")
def state_without_its_optimizer_of_keras(place, planted):
    """The twin: it is there, and has made no step."""
    path = place.saved(lambda: training(tf.keras.optimizers.Adam()))
    more = {} if planted else {"optimizer": tf.keras.optimizers.Adam()}
    return place.explained(Node(v=tf.Variable([0.0, 0.0]), **more), path)


@mistake(Why.OTHER_OPTIMIZER, "(root).optimizer", "AlexanderKroll/KM_prediction/issues/6")
def an_optimizer_of_the_old_kind(place, planted):
    """A checkpoint of TensorFlow 1.x in a program of Keras. The twin: both are of Keras."""
    path = place.saved(lambda: training(adam() if planted else tf.keras.optimizers.Adam()))
    return place.explained(training(tf.keras.optimizers.Adam()), path)


@mistake(Why.OTHER_OPTIMIZER, "(root).optimizer")
def an_optimizer_of_the_new_kind(place, planted):
    """A checkpoint of Keras in a program of TensorFlow 1.x. The twin: both are of 1.x."""
    path = place.saved(lambda: training(tf.keras.optimizers.Adam() if planted else adam()))
    return place.explained(training(adam()), path)


@mistake(Why.OTHER_OPTIMIZER, "(root).optimizer")
def another_optimizer_of_keras(place, planted):
    """The twin: a variable more is trained."""
    path = place.saved(lambda: training(tf.keras.optimizers.Adam()))
    if planted:
        return place.explained(training(tf.keras.optimizers.Adagrad()), path)
    root = Node(v=tf.Variable([1.0, 2.0], name="v"), w=tf.Variable([1.0, 2.0], name="w"), optimizer=tf.keras.optimizers.Adam())
    root.optimizer.apply_gradients([(tf.constant([1.0, 1.0]), root.v), (tf.constant([1.0, 1.0]), root.w)])
    return Saver(root).explain(path)


@mistake(Why.OTHER_OPTIMIZER, "(root).optimizer", "eaplatanios/tensorflow_scala/issues/56")
def another_optimizer(place, planted):
    """The twin: the same optimizer with another rate."""
    path = place.saved(lambda: training(adam()))
    return place.explained(training(tf.train.MomentumOptimizer(0.1, 0.9) if planted else tf.train.AdamOptimizer(0.5)), path)


@mistake(Why.OTHER_OPTIMIZER, "(root).optimizer")
def an_optimizer_without_slots(place, planted):
    """The twin: the right optimizer, which has made no step yet."""
    path = place.saved(lambda: training(adam()))
    return place.explained(training(tf.train.GradientDescentOptimizer(0.1) if planted else adam(), used=False), path)


@mistake(Why.NO_COUNTER, "(root).save_counter", "tensorflow/models/issues/7412")
def no_save_counter_in_the_file(place, planted):
    """``Checkpoint.restore`` makes a counter, and the assertions want it. The twin: ``read`` makes none."""
    path = place.saved(net)
    checkpoint = tf.train.Checkpoint(model=net().model)
    status = (checkpoint.restore if planted else checkpoint.read)(path)
    place.world.run(status)
    return status.explain()


# -- when and where ------------------------------------------------------------------------------------------------------------


@mistake(Why.NOT_MADE_YET, "(root).model", "tensorflow/tensorflow/issues/27937")
def a_restore_before_the_layer_is_built(place, planted):
    """The twin: the layer is built, and has no bias."""

    def layer(**options):
        return tf.keras.layers.Dense(2, **options)

    def built(made):
        made(tf.zeros([1, 3]))
        return Node(model=made)

    path = place.saved(lambda: built(layer()))
    return place.explained(Node(model=layer()) if planted else built(layer(use_bias=False)), path)


@mistake(Why.SUPERSEDED, "(root).model.hidden.kernel")
def a_later_restore(place, planted):
    """The twin: a later restore into other objects."""
    path, root = place.saved(net), net()
    first = Saver(root).restore(path)
    second = Saver(root if planted else net()).restore(path)
    for status in (first, second):
        place.world.run(status)
    return first.explain()


@mistake(Why.NO_CHECKPOINT, "(root)", "google/flax/issues/1631")
def no_checkpoint_at_all(place, planted):
    """The directory was another one. The twin: it is the right one."""
    place.saved(net)
    path = tf.train.latest_checkpoint(f"{place.directory}/nowhere" if planted else place.directory)
    return Saver(net()).restore(path).explain()


@mistake(Why.NEVER_RUN, "(root).model.hidden.kernel", "tensorflow/tensorflow/issues/22452", modes=["graph"])
def restore_ops_that_nobody_runs(place, planted):
    """The twin: they were run."""
    status = Saver(net()).restore(place.saved(net))
    place.world.init()
    if not planted:
        status.run_restore_ops()
    return status.explain()


@mistake(Why.OTHER_SESSION, "(root).model.hidden.kernel", modes=["graph"])
def a_status_run_in_another_session(place, planted):
    """The twin: and then in this one."""
    status = Saver(net()).restore(place.saved(net))
    with tf.Session() as session:
        status.run_restore_ops(session)
    if not planted:
        status.run_restore_ops()
    return status.explain()


@mistake(Why.CAME_AFTER, "(root).model.late", modes=["graph"])
def an_object_that_comes_after_the_run(place, planted):
    """The twin: the status is run again."""
    root = net()
    status = Saver(root).restore(place.saved(lambda: net(late=tf.Variable([1.0]))))
    status.run_restore_ops()
    root.model.late = tf.Variable([0.0])
    if not planted:
        status.run_restore_ops()
    return status.explain()


@mistake(Why.INITIALISED_AFTER, "(root).model.hidden.kernel", "deepchem/deepchem/issues/1613", modes=["graph"])
def an_initialiser_run_after_the_restore(place, planted):
    """The twin: it was run before, and the program trains after."""
    root = net()
    status = Saver(root).restore(place.saved(net))
    if not planted:
        place.world.init()
    status.run_restore_ops()
    if planted:
        place.world.init()
    else:
        place.world.session.run(root.model.head.bias.assign_add([1.0, 1.0]))
        root.model.hidden.bias.load([1.0] * 5, place.world.session)
    return status.explain()


@mistake(Why.OTHER_GRAPH, "(root).model.hidden.kernel", modes=["graph"])
def a_session_of_another_graph(place, planted):
    """The twin: the session's graph is the restore's."""
    status = Saver(net()).restore(place.saved(net))
    status.run_restore_ops()
    if not planted:
        return status.explain()
    with tf.Graph().as_default(), tf.Session():
        return status.explain()


@mistake(Why.OTHER_HOME, "(root).model.hidden.kernel", "ahmedrashed-ml/CARCA/issues/10", modes=["graph"])
def a_restore_in_another_graph_than_the_model(place, planted):
    """A dry run, since restoring raises an error. The twin: the same graph."""
    root, path = net(), place.saved(net)
    if not planted:
        return Saver(root).explain(path)
    with tf.Graph().as_default():
        return Saver(root).explain(path)


@mistake(Why.OTHER_HOME, "(root).model.hidden.kernel", modes=["graph"])
def an_eager_restore_of_a_graph_s_model(place, planted):
    """The twin: an eager model."""
    root, path = net(), place.saved(net)
    with tf.using(tf.Eager()):
        return Saver(root if planted else net()).explain(path)


def names(prefix):
    return Node(a=tf.Variable([1.0, 2.0], name=f"{prefix}/kernel"), b=tf.Variable(3.0, name=f"{prefix}/bias"))


@mistake(Why.NAME_BASED, "(root)", "tensorflow/models/issues/7412")
def a_name_based_file(place, planted):
    """The twin: the variables have the names of the file."""
    with tf.using(tf.Eager()):
        made = names("bert")
        path = tf.train.Saver([made.a, made.b]).save(None, f"{place.directory}/named")
    root = names("encoder" if planted else "bert")
    status = tf.train.Checkpoint(model=root).read(path)
    if planted and place.world.name == "graph":
        return status.explain()  # running it would raise NotFoundError
    place.world.run(status)
    return status.explain()


@mistake(Why.OTHER_NAME, "bert/bias", modes=["eager"])
def a_name_based_file_with_similar_names(place, planted):
    """The twin: nothing like it."""
    made = names("bert")
    path = tf.train.Saver([made.a, made.b]).save(None, f"{place.directory}/named")
    root = names("bert_1") if planted else Node(c=tf.Variable([1, 2, 3], name="positions"))
    return tf.train.Checkpoint(model=root).read(path).explain()


@mistake(Why.STRAY, "loose/change")
def a_key_of_no_object(place, planted):
    """The twin: the file was written again without it."""

    def written():
        from minitf.storage.bundle import TensorBundle

        path = place.saved(net)
        storage = TensorBundle()
        reader = storage.open(path)
        tensors = {key: reader.read(key) for key in reader.keys()}
        storage.write(path, tensors | ({"loose/change": np.ones(3)} if planted else {}))
        return path

    return place.explained(net(), written())
