"""``tf.compat``: the names of TensorFlow 1.x (``v1``) and 2.x (``v2``, which is ``minitf`` itself). Nothing is defined here."""

from __future__ import annotations

from minitf.core.lazy import names_from

__getattr__, __dir__, __all__ = names_from(__name__, {"minitf": "*=v2"}, submodules="v1")
