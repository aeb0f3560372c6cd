"""``tf.data.experimental``: names of older programs. Nothing is defined here."""

from __future__ import annotations

from minitf.core.lazy import names_from

__getattr__, __dir__, __all__ = names_from(
    __name__,
    {
        "minitf.pipelines.described": "AUTOTUNE INFINITE=INFINITE_CARDINALITY UNKNOWN=UNKNOWN_CARDINALITY",
        "minitf.pipelines.options": "AutotuneOptions DistributeOptions OptimizationOptions ThreadingOptions",
        "minitf.pipelines.transformations": """
            assert_cardinality cardinality enumerate_dataset get_single_element map_and_batch scan shuffle_and_repeat take_while
            unbatch unique""",
    },
)
