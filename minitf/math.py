"""``tf.math``: arithmetic, functions, comparisons, reductions."""

from minitf.core.lazy import names_from

_WHERE = {
    "minitf.ops.elementwise": """
        abs ceil conj exp expm1 floor is_finite is_inf is_nan log log1p negative reciprocal rint round rsqrt sigmoid
        sign sqrt square tanh""",
    "minitf.ops.trigonometry": "acos acosh asin asinh atan atan2 atanh cos cosh sin sinh tan",
    "minitf.ops.complex": "angle imag real",
    "minitf.ops.comparisons": """
        equal greater greater_equal less less_equal logical_and logical_not logical_or logical_xor not_equal""",
    "minitf.ops.arithmetic": """
        add add_n div_no_nan=divide_no_nan divide floordiv floormod floormod=mod multiply multiply_no_nan nextafter
        pow squared_difference subtract truediv xdivy xlog1py xlogy""",
    "minitf.ops.extremes": "maximum minimum",
    "minitf.ops.reductions": """
        argmax argmin count_nonzero reduce_all reduce_any reduce_euclidean_norm reduce_logsumexp reduce_max reduce_mean
        reduce_min reduce_prod reduce_std reduce_sum reduce_variance""",
    "minitf.ops.running": "cumprod cumsum",
    "minitf.ops.special": "digamma erf erfc erfcinv erfinv lbeta lgamma ndtri polygamma zeta",
    "minitf.ops.formulas": """
        accumulate_n confusion_matrix invert_permutation is_non_decreasing is_strictly_increasing polyval
        reciprocal_no_nan scalar_mul zero_fraction""",
    "minitf.ops.sorting": "bincount in_top_k top_k",
    "minitf.ops.norms": "l2_normalize",
    "minitf.ops.activations": "log_sigmoid log_softmax softmax softplus softsign",
    "minitf.ops.segments": """
        segment_max segment_mean segment_min segment_prod segment_sum unsorted_segment_max unsorted_segment_mean
        unsorted_segment_min unsorted_segment_prod unsorted_segment_sqrt_n unsorted_segment_sum""",
}

__getattr__, __dir__, __all__ = names_from(__name__, _WHERE)
