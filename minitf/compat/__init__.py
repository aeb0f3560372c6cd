"""``tf.compat``: the names of TensorFlow 1.x (``v1``) and 2.x (``v2``, which is ``minitf`` itself). Nothing is defined here."""

from __future__ import annotations

from minitf.core.lazy import names_from

__getattr__, __dir__, __all__ = names_from(
    __name__,
    {
        "minitf": "*=v2",
        "minitf.core.texts": """
            as_bytes as_str as_str_any as_text bytes_or_text_types complex_types forward_compatible integral_types path_to_str
            real_types""",
        "minitf.core.dimension": "dimension_at_index dimension_value",
    },
    submodules="v1",
)
