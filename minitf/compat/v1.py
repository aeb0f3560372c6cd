"""``import minitf.compat.v1 as tf``: for programs that build graphs and run sessions. Nothing is defined here.

All of ``minitf`` is here too: names of TensorFlow 1.x that have no twin in 2.x stand in both.
"""

from __future__ import annotations

from minitf.core.lazy import names_from

__getattr__, __dir__, __all__ = names_from(
    __name__,
    {
        "minitf.compat.v1_data": "*=data",
        "minitf.compat.v1_debugging": "*=debugging",
        "minitf.compat.v1_app": "*=app",
        "minitf.compat.v1_gfile": "*=gfile",
        "minitf.environment.flags": "*=flags",
        "minitf.environment.logging": "*=logging",
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
        "minitf.runtimes.building_v1": """
            add_to_collections all_variables assert_variables_initialized colocate_with container control_flow_v2_enabled
            disable_control_flow_v2 disable_resource_variables disable_v2_tensorshape enable_control_flow_v2
            enable_resource_variables enable_v2_tensorshape executing_eagerly_outside_functions get_collection_ref
            initialize_all_variables initialize_local_variables initialize_variables model_variables
            moving_average_variables op_scope resource_variables_enabled tables_initializer
            tables_initializer=initialize_all_tables""",
        "minitf.runtimes.session_options": """
            ConfigProto GPUOptions GraphOptions OptimizerOptions RunMetadata RunOptions""",
        "minitf.core.dimension": "Dimension dimension_at_index dimension_value",
        # ops that had their names at the top
        "minitf.ops.arithmetic": "div_no_nan floordiv floordiv=floor_div floormod floormod=mod squared_difference",
        "minitf.ops.comparisons": "logical_xor where=where_v2",
        "minitf.ops.complex": "angle imag real",
        "minitf.ops.decompositions": """
            cholesky cholesky_solve eigh=self_adjoint_eig eigvalsh=self_adjoint_eigvals qr svd""",
        "minitf.ops.equations": """
            det=matrix_determinant inv=matrix_inverse solve=matrix_solve triangular_solve=matrix_triangular_solve""",
        "minitf.ops.diagonals": """
            band_part=matrix_band_part diag=matrix_diag diag_part=matrix_diag_part set_diag=matrix_set_diag""",
        "minitf.ops.tensor_diagonals": "tensor_diag=diag tensor_diag_part=diag_part",
        "minitf.ops.elementwise": """
            ceil conj expm1 is_finite is_inf is_nan log log1p reciprocal rint rsqrt""",
        "minitf.ops.formulas": """
            accumulate_n cross invert_permutation is_non_decreasing is_strictly_increasing trace""",
        "minitf.ops.gathering": """
            tensor_scatter_nd_add=tensor_scatter_add tensor_scatter_nd_sub=tensor_scatter_sub
            tensor_scatter_nd_update=tensor_scatter_update""",
        "minitf.ops.python_functions": "numpy_function=py_func",
        "minitf.ops.ranges": "linspace=lin_space",
        "minitf.ops.shaping": "matrix_transpose reverse=reverse_v2",
        "minitf.ops.norms": "clip_by_average_norm global_norm",
        "minitf.ops.random": """
            get_seed normal=random_normal set_seed=set_random_seed shuffle=random_shuffle truncated_normal
            uniform=random_uniform""",
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
        "minitf.ops.v1_names": """
            arg_max arg_min batch_gather batch_to_space bincount confusion_matrix depth_to_space log_sigmoid random_crop
            reverse_sequence space_to_batch space_to_depth to_bfloat16
            to_complex128 to_complex64 to_double to_float to_int32 to_int64
            string_to_number verify_tensor_all_finite""",
        "minitf.ops.v1_print": "Print",
        "minitf.ops.blocks": "batch_to_space_nd",
        "minitf.ops.differences": "setdiff1d",
        "minitf.environment.version": "VERSION VERSION=__version__",
        "minitf.autodiff": "gradients_v1=gradients hessians_v1=hessians",
        "minitf.errors": "OpError",
        "minitf.ops.indexed_slices": "convert_to_tensor_or_indexed_slices",
        # assertions
        "minitf.ops.v1_asserting": """
            assert_equal assert_greater assert_greater_equal assert_integer assert_less assert_less_equal assert_near
            assert_negative assert_non_negative assert_non_positive assert_none_equal assert_positive assert_rank
            assert_rank_at_least assert_rank_in assert_scalar assert_type""",
        "minitf.ops.asserting": """
            assert_proper_iterable assert_same_float_dtype check_numerics is_numeric_tensor""",
        "minitf.ops.strings": """
            as_string join=string_join reduce_join regex_replace strip=string_strip substr""",
    },
    besides="minitf",
    without="get_current_name_scope inside_function metrics",
)
