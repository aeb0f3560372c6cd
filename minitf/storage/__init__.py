"""Bytes: how a set of named tensors becomes files, and files tensors again.

Each format is a ``Storage`` (see ``minitf.saved``): ``bundle`` is TensorFlow's V2 format. Nothing in here knows variables,
objects or sessions; the object graph is one string tensor among the others.
"""
