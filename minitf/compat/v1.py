"""``import minitf.compat.v1 as tf``: for programs that build graphs and run sessions. Nothing is defined here.

All of ``minitf`` is here too: names of TensorFlow 1.x that have no twin in 2.x stand in both.
"""

from __future__ import annotations

from minitf.core.lazy import names_from

__getattr__, __dir__, __all__ = names_from(
    __name__,
    {
        "minitf.compat.v1_train": "*=train",
        "minitf.compat.v1_nn": "*=nn",
        "minitf.compat.v1_layers": "*=layers",
        "minitf.compat.v1_losses": "*=losses",
        "minitf.compat.v1_initializers": "*=initializers",
        "minitf.layers.initializers_v1": """
            Constant=constant_initializer GlorotNormal=glorot_normal_initializer GlorotUniform=glorot_uniform_initializer
            Ones=ones_initializer Orthogonal=orthogonal_initializer RandomNormal=random_normal_initializer
            RandomUniform=random_uniform_initializer TruncatedNormal=truncated_normal_initializer
            UniformUnitScaling=uniform_unit_scaling_initializer VarianceScaling=variance_scaling_initializer
            Zeros=zeros_initializer""",
        "minitf.objects.variable_scope": "EagerVariableStore no_regularizer variable_op_scope",
        "minitf.runtimes.building": "disable_v2_behavior enable_v2_behavior",
        # ops that had their names at the top
        "minitf.ops.arithmetic": "div_no_nan floordiv floormod floormod=mod squared_difference",
        "minitf.ops.comparisons": "logical_xor",
        "minitf.ops.complex": "angle imag real",
        "minitf.ops.decompositions": """
            cholesky cholesky_solve qr svd""",
        "minitf.ops.equations": """
            det=matrix_determinant inv=matrix_inverse solve=matrix_solve triangular_solve=matrix_triangular_solve""",
        "minitf.ops.diagonals": "band_part=matrix_band_part diag=matrix_diag diag_part=matrix_diag_part",
        "minitf.ops.elementwise": """
            ceil conj expm1 is_finite is_inf is_nan log log1p reciprocal rint rsqrt""",
        "minitf.ops.formulas": "accumulate_n invert_permutation trace",
        "minitf.ops.norms": "global_norm",
        "minitf.ops.random": """
            normal=random_normal set_seed=set_random_seed shuffle=random_shuffle truncated_normal uniform=random_uniform""",
        "minitf.ops.running": "cumprod",
        "minitf.ops.segments": """
            segment_max segment_mean segment_min segment_prod segment_sum unsorted_segment_max unsorted_segment_mean
            unsorted_segment_min unsorted_segment_prod unsorted_segment_sqrt_n unsorted_segment_sum""",
        "minitf.ops.special": "digamma erf erfc lbeta lgamma polygamma zeta",
        # ops with other signatures
        "minitf.ops.v1": """
            argmax argmin assign assign_add assign_sub batch_scatter_update boolean_mask count_nonzero count_up_to div
            expand_dims gather gather_nd multinomial norm ones_like pad reduce_all reduce_any reduce_logsumexp reduce_max
            reduce_mean reduce_min reduce_prod reduce_sum scatter_add scatter_div scatter_max scatter_min scatter_mul
            scatter_nd_add scatter_nd_sub scatter_nd_update scatter_sub scatter_update shape size squeeze transpose where
            while_loop zeros_like""",
        "minitf.ops.strings": "as_string reduce_join regex_replace substr",
    },
    besides="minitf",
)
