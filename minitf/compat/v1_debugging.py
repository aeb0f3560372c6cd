"""``tf.compat.v1.debugging``: ``tf.debugging`` with the signatures of TensorFlow 1.x. Nothing is defined here."""

from __future__ import annotations

from minitf.core.lazy import names_from

__getattr__, __dir__, __all__ = names_from(
    __name__,
    {
        "minitf.ops.v1_asserting": """
            assert_equal assert_greater assert_greater_equal assert_integer assert_less assert_less_equal assert_near
            assert_negative assert_non_negative assert_non_positive assert_none_equal assert_positive assert_rank
            assert_rank_at_least assert_rank_in assert_scalar assert_type""",
        "minitf.ops.v1_names": "verify_tensor_all_finite=assert_all_finite",
        "minitf.ops.elementwise": "is_finite is_inf is_nan",
        "minitf.ops.formulas": "is_non_decreasing is_strictly_increasing",
    },
    besides="minitf.debugging",
)
