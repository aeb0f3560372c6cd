"""``tf.bitwise``: the bits of integers."""

from minitf.core.lazy import names_from

_WHERE = {
    "minitf.ops.comparisons": "bitwise_and bitwise_or bitwise_xor invert",
}

__getattr__, __dir__, __all__ = names_from(__name__, _WHERE)
