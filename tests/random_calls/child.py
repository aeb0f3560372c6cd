"""What runs under TensorFlow's interpreter: takes pickled batches of calls and answers what each gives, one by one."""

import os
import pickle
import struct
import sys

import differentiating  # a neighbour: this file is run as a script


def plain(value):
    """A result as arrays in nested lists."""
    import numpy as np

    if value is None:
        return None
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    array = np.asarray(value.numpy() if hasattr(value, "numpy") else value)
    if array.dtype.kind in "SU":
        array = array.astype(object)
    return array


def evaluate(tf, text, inputs, attrs, dtypes, seed, order):
    """``("value", arrays)`` or ``("error", names of its classes, message)``; gradients if ``order`` is not 0."""
    try:
        if order:
            return "value", plain(differentiating.gradients(tf, text, inputs, attrs, dtypes, seed, order))
        return "value", plain(eval(text, differentiating.named(tf, inputs, attrs, dtypes)))
    except Exception as e:
        return "error", [c.__name__ for c in type(e).__mro__], str(e)[:300]


def main():
    """Answers until the input ends."""
    source, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.get_logger().setLevel("FATAL")
    while header := source.read(8):
        batch = pickle.loads(source.read(struct.unpack("<q", header)[0]))
        for call in batch:
            data = pickle.dumps(evaluate(tf, *call))
            answers.write(struct.pack("<q", len(data)) + data)
            answers.flush()


if __name__ == "__main__":
    main()
