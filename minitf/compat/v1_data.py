"""``tf.compat.v1.data``: ``tf.data``, and the iterators of 1.x. Nothing is defined here."""

from __future__ import annotations

from minitf.core.lazy import names_from

__getattr__, __dir__, __all__ = names_from(
    __name__,
    {
        "minitf.pipelines.in_graphs": """
            get_output_shapes get_output_types make_initializable_iterator make_one_shot_iterator""",
    },
    besides="minitf.data",
)
