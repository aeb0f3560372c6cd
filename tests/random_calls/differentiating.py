"""Gradients of a call, by the same words under TensorFlow and under minitf: it runs in both processes and imports neither."""

import numpy as np


def named(tf, inputs, attrs, dtypes):
    """The names of a call's text: tensors, attributes, dtypes."""
    names = {"tf": tf, **attrs, **{k: tf.as_dtype(v) for k, v in dtypes.items()}}
    for name, value in inputs.items():
        names[name] = (
            [tf.constant(v) for v in value] if isinstance(value, list) else None if value is None else tf.constant(value)
        )
    return names


def leaves(value):
    """The parts of nested lists and tuples that are not None."""
    if isinstance(value, (list, tuple)):
        return [leaf for v in value for leaf in leaves(v)]
    return [] if value is None else [value]


def watchable(tensor):
    """True for tensors that can have a gradient."""
    return tensor.dtype.is_floating or tensor.dtype.is_complex


def weights(tf, tensors, seed):
    """A factor for each element of each tensor, between 0.5 and 1.5, the same in both processes."""
    rng = np.random.default_rng(seed)
    return [tf.cast(tf.constant(rng.uniform(0.5, 1.5, tuple(t.shape))), t.dtype) for t in tensors]


def gradients(tf, text, inputs, attrs, dtypes, seed, order):
    """Gradients of the weighted outputs by each float input; with ``order`` 2, then those of the first gradients' weighted sum.

    None where the input has no part in the outputs.
    """
    names = named(tf, inputs, attrs, dtypes)
    given = [t for name in inputs for t in leaves(names[name]) if watchable(t)]
    with tf.GradientTape() as outer:
        outer.watch(given)
        with tf.GradientTape() as tape:
            tape.watch(given)
            outputs = [t for t in leaves(eval(text, names)) if watchable(t)]
        if not outputs or not given:
            return [None] * len(given)
        first = tape.gradient(outputs, given, weights(tf, outputs, seed))
        first = [None if g is None else tf.convert_to_tensor(g) for g in first]
        known = [g for g in first if g is not None]
        sums = [tf.reduce_sum(g * w) for g, w in zip(known, weights(tf, known, seed + 1), strict=True)]
    if order == 1 or not known:
        return first
    second = outer.gradient(sums, given)
    return first + [None if g is None else tf.convert_to_tensor(g) for g in second]
