"""TensorFlow's side of the programs in ``restore_programs``, for TensorFlow's interpreter."""

import gc
import json
import logging
import tempfile

import tensorflow as tf
from restore_programs import VARIABLES, Side, run
from tensorflow.python.checkpoint.checkpoint import TrackableSaver
from tensorflow.python.checkpoint.graph_view import ObjectGraphView
from tensorflow.python.trackable.autotrackable import AutoTrackable

logging.disable(logging.CRITICAL)


class OfTensorFlow(Side):
    """Nodes and variables; slots and Python state are left out."""

    def __init__(self, session, directory):
        self.session, self.directory = session, directory
        super().__init__()

    def make(self, i, value):
        return tf.Variable(value) if i in VARIABLES else AutoTrackable()

    def attach(self, parent, name, child):
        setattr(self.objects[parent], name, self.objects[child])

    def detach(self, parent, name):
        if name in self.objects[parent]._trackable_children():
            delattr(self.objects[parent], name)

    def assign(self, variable, value):
        done = self.objects[variable].assign(value)
        if self.session:
            self.session.run(done)

    def saver(self, root):
        return TrackableSaver(ObjectGraphView(self.objects[root]))  # one for each call: operations are not shared (S179, S180)

    def save(self, root):
        path = f"{self.directory}/at{len(self.files)}"
        self.saver(root).save(path, session=self.session)
        self.files.append(path)

    def restore(self, root, file, strict):
        self.statuses.append(self.saver(root).restore(self.files[file]))

    def none(self, root):
        self.statuses.append(self.saver(root).restore(None))

    def value(self, i):
        if i not in VARIABLES:
            return None
        try:
            return float(self.session.run(self.objects[i]) if self.session else self.objects[i])
        except tf.errors.FailedPreconditionError:
            return None

    def slot_value(self, optimizer, variable):
        return "none"

    def run(self, status):
        self.statuses[status].run_restore_ops(session=self.session)

    def initialize_or_restore(self, status):
        self.statuses[status].initialize_or_restore(session=self.session)


def told(program, session):
    with tempfile.TemporaryDirectory() as directory:
        return list(run(OfTensorFlow(session, directory), program, (ValueError, tf.errors.OpError)))


def main(file, mode):
    """Runs the programs of a JSON file; prints one JSON line."""
    everything = []
    gc.freeze()  # what TensorFlow has made by now need not be looked at in each collection
    with open(file, encoding="utf-8") as opened:
        for program in json.load(opened):
            if mode == "eager":
                everything.append(told(program, None))
            else:
                with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph) as session:
                    everything.append(told(program, session))
    print(json.dumps(everything))
