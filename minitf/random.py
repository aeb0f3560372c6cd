"""``tf.random``: random numbers of a stream, of a seed, and of a ``Generator``."""

from minitf.core.lazy import names_from

_WHERE = {
    "minitf.ops.random": "categorical normal set_seed shuffle truncated_normal uniform",
    "minitf.ops.stateless": "stateless_categorical stateless_normal stateless_truncated_normal stateless_uniform",
    "minitf.objects.generator": "Generator get_global_generator set_global_generator",
}

__getattr__, __dir__, __all__ = names_from(__name__, _WHERE)
