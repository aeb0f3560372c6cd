"""``tf.strings``: joining, cutting, searching and converting strings."""

from minitf.core.lazy import names_from

_WHERE = {
    "minitf.ops.strings": "as_string join length lower reduce_join regex_full_match regex_replace strip substr to_number upper",
}

__getattr__, __dir__, __all__ = names_from(__name__, _WHERE)
