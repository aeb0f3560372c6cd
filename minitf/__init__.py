"""minitf: a small tensor framework with two runtimes and TensorFlow's object-based checkpoints.

``import minitf as tf``: names, arguments and errors are TensorFlow's as far as minitf reaches. Importing loads nothing of
weight, not even NumPy: each name below loads its module when it is first used. (pytest and Hypothesis import the package in
every environment in which it is installed, for the entry points of the test kit.)
"""

from __future__ import annotations

from typing import Any

from minitf.core.lazy import names_from

_WHERE = {
    # tensors and ops
    "minitf.core.dtypes": """
        DType as_dtype float16 float32 float64 bfloat16 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool complex64
        complex128 string variant resource half double qint8 quint8 qint16 quint16 qint32 int4 uint4 int2 uint2 float8_e5m2
        float8_e4m3fn float8_e4m3fnuz float8_e4m3b11fnuz float8_e5m2fnuz float4_e2m1fn""",
    "minitf.core.spec": "TensorShape",
    "minitf.core.tensor": "Tensor",
    "minitf.core.op": "op",
    "minitf.ops.shapes": "shape size rank reshape expand_dims squeeze broadcast_to",
    "minitf.ops.creating": """
        identity stop_gradient ensure_shape cast constant convert_to_tensor zeros ones eye zeros_like ones_like fill""",
    "minitf.ops.elementwise": "negative abs sign square sqrt exp sigmoid tanh floor round",
    "minitf.ops.trigonometry": "sinh cosh asinh acosh atanh sin cos tan asin acos atan atan2",
    "minitf.ops.comparisons": """
        equal not_equal less less_equal greater greater_equal logical_and logical_or logical_not where is_tensor""",
    "minitf.ops.complex": "complex",
    "minitf.ops.arithmetic": """
        add subtract multiply truediv divide realdiv truncatediv truncatemod pow squared_difference add_n""",
    "minitf.ops.extremes": "maximum minimum clip_by_value saturate_cast",
    "minitf.ops.shaping": "transpose reverse roll",
    "minitf.ops.running": "cumsum",
    "minitf.ops.reductions": """
        reduce_sum reduce_mean reduce_prod reduce_max reduce_min reduce_all reduce_any reduce_logsumexp argmax argmin""",
    "minitf.ops.ranges": "range linspace",
    "minitf.ops.joining": "concat split stack unstack",
    "minitf.ops.parting": "dynamic_partition dynamic_stitch",
    "minitf.ops.gathering": """
        gather gather_nd scatter_nd tensor_scatter_nd_update tensor_scatter_nd_add tensor_scatter_nd_sub
        tensor_scatter_nd_max tensor_scatter_nd_min""",
    "minitf.ops.masking": "boolean_mask one_hot",
    "minitf.ops.indexing": "newaxis strided_slice slice",
    "minitf.ops.products": "matmul",
    "minitf.ops.bits": "bitcast",
    "minitf.ops.blocks": "batch_to_space space_to_batch space_to_batch_nd",
    "minitf.ops.clock": "timestamp",
    "minitf.ops.histograms": "histogram_fixed_width histogram_fixed_width_bins",
    "minitf.ops.places": "broadcast_dynamic_shape broadcast_static_shape reverse_sequence shape_n unravel_index",
    "minitf.ops.asserting": "assert_equal assert_greater assert_less assert_rank",
    "minitf.ops.control": "cond case switch_case identity_n tuple_=tuple Assert",
    "minitf.ops.loops": "while_loop map_fn scan foldl foldr",
    "minitf.ops.printing": "print",
    "minitf.ops.tensor_array": "TensorArray",
    "minitf.ops.strings": "as_string",
    "minitf.ops.custom": "custom_gradient grad_pass_through",
    "minitf.ops.python_functions": "numpy_function py_function",
    "minitf.ops.repeating": "tile repeat",
    "minitf.ops.padding": "pad",
    "minitf.ops.sorting": "argsort searchsorted sort unique unique_with_counts",
    "minitf.ops.einsum": "einsum tensordot",
    "minitf.ops.norms": "clip_by_global_norm clip_by_norm norm",
    "minitf.ops.formulas": "meshgrid scalar_mul sequence_mask",
    # the two runtimes
    "minitf.core.runtime": "using",
    "minitf.runtimes.eager": "Eager",
    "minitf.runtimes.operation": "Operation",
    "minitf.runtimes.graph": "Graph get_default_session",
    "minitf.runtimes.graph_home": "GraphKeys",
    "minitf.runtimes.session": "Session InteractiveSession reset_default_graph",
    "minitf.runtimes.building": """
        placeholder placeholder_with_default executing_eagerly get_default_graph disable_eager_execution
        enable_eager_execution name_scope control_dependencies device init_scope no_op group get_collection
        add_to_collection global_variables trainable_variables local_variables variables_initializer
        global_variables_initializer local_variables_initializer is_variable_initialized
        parallel_stack report_uninitialized_variables""",
    "minitf.autodiff": "AggregationMethod GradientTape gradients hessians UnconnectedGradients",
    # objects and checkpoints
    "minitf.objects.variable": "Variable",
    "minitf.objects.distribution": "VariableAggregation VariableSynchronization",
    "minitf.ops.indexed_slices": "IndexedSlices",
    "minitf.objects.function": "function",
    "minitf.objects.tensor_spec": "TensorSpec",
    "minitf.objects.partitioners": """
        create_partitioned_variables fixed_size_partitioner min_max_variable_partitioner variable_axis_size_partitioner""",
    "minitf.objects.variable_scope": """
        AUTO_REUSE VariableScope get_local_variable get_variable get_variable_scope variable_scope""",
    "minitf.objects.module": "Module",
    "minitf.objects.templates": "make_template capture_dependencies",
    "minitf.objects.creators": "variable_creator_scope",
    "minitf.checkpoint.saver": "CheckpointableSaver",
    "minitf.checkpoint.matching": "Renamed",
    # around the tensors
    "minitf.environment.logging": "get_logger",
    "minitf.environment.test_cases": "*=test",
    "minitf.environment.version": "*=version",
    "minitf.layers.losses": "*=losses",
    "minitf.layers.metrics": "*=metrics",
    "minitf.runtimes.asking": "get_current_name_scope get_static_value inside_function is_symbolic_tensor",
    # looking on
    "minitf.explain.recorder.recording": "record",
    "minitf.explain.side_by_side": "side_by_side",
    "minitf.layers.initializers": """
        *=initializers Constant=constant_initializer Ones=ones_initializer RandomNormal=random_normal_initializer
        RandomUniform=random_uniform_initializer Zeros=zeros_initializer""",
}
_ROOMS = """
    bitwise compat config data debugging dtypes errors explore io keras layers linalg math nest nn optimizers random strings
    testing train"""

_get, __dir__, __all__ = names_from(__name__, _WHERE, submodules=_ROOMS)
__all__ += ["__version__"]


def __getattr__(name: str) -> Any:
    if name == "__version__":  # asked for seldom, and looking it up takes longer than all the rest
        from importlib.metadata import version

        return version("minitf")
    return _get(name)
