"""``tf.io``: files."""

from minitf.core.lazy import names_from

_WHERE = {
    "minitf.environment.gfile": "*=gfile",
}

__getattr__, __dir__, __all__ = names_from(__name__, _WHERE)
