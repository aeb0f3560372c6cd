"""minitf: a small tensor framework with two runtimes and TensorFlow's object-based checkpoints.

``import minitf as tf``: names, arguments and errors are TensorFlow's as far as minitf reaches. Importing loads NumPy and
nothing else of weight; each name below loads its module when it is first used.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy  # noqa: F401, ICN001  (the one dependency of every program; loading it here keeps the first op quick)

_WHERE = {
    "minitf.core.dtypes": """
        DType as_dtype float16 float32 float64 bfloat16 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool complex64
        complex128 string variant resource half double qint8 quint8 qint16 quint16 qint32 int4 uint4 int2 uint2 float8_e5m2
        float8_e4m3fn float8_e4m3fnuz float8_e4m3b11fnuz float8_e5m2fnuz float4_e2m1fn""",
    "minitf.core.spec": "TensorShape",
    "minitf.core.tensor": "Tensor",
    "minitf.core.op": "op",
    "minitf.core.runtime": "using",
    "minitf.runtimes.operation": "Operation",
    "minitf.runtimes.eager": "Eager",
    "minitf.runtimes.graph": "Graph get_default_session",
    "minitf.runtimes.graph_home": "GraphKeys",
    "minitf.runtimes.session": "Session InteractiveSession reset_default_graph",
    "minitf.runtimes.building": """
        placeholder placeholder_with_default executing_eagerly get_default_graph
        disable_eager_execution enable_eager_execution name_scope control_dependencies device init_scope no_op group
        get_collection add_to_collection global_variables trainable_variables local_variables variables_initializer
        global_variables_initializer local_variables_initializer""",
    "minitf.ops.creating": """
        constant convert_to_tensor cast identity stop_gradient ensure_shape zeros ones fill eye zeros_like ones_like to_float
        to_double to_int32 to_int64""",
    "minitf.ops.shapes": "shape size rank reshape expand_dims squeeze broadcast_to",
    "minitf.ops.elementwise": """
        abs acos acosh asin asinh atan atanh ceil conj cos cosh exp expm1 floor is_finite is_inf is_nan log log1p negative rint
        round rsqrt sigmoid sign sin sinh sqrt square tan tanh""",
    "minitf.ops.complex": "complex real imag angle",
    "minitf.ops.comparisons": """
        equal not_equal less less_equal greater greater_equal logical_and logical_or logical_not where is_tensor""",
    "minitf.ops.arithmetic": """
        add add_n atan2 clip_by_value divide floordiv floormod maximum minimum multiply pow realdiv saturate_cast
        squared_difference subtract truediv truncatediv truncatemod""",
    "minitf.ops.shaping": "transpose reverse roll",
    "minitf.ops.running": "cumsum cumprod",
    "minitf.ops.reductions": """
        reduce_sum reduce_mean reduce_prod reduce_max reduce_min reduce_all reduce_any reduce_logsumexp argmax argmin
        count_nonzero""",
    "minitf.ops.ranges": "range linspace",
    "minitf.ops.joining": "concat stack unstack split",
    "minitf.ops.gathering": """
        boolean_mask gather gather_nd one_hot scatter_nd tensor_scatter_nd_add tensor_scatter_nd_max tensor_scatter_nd_min
        tensor_scatter_nd_sub tensor_scatter_nd_update""",
    "minitf.ops.indexing": "newaxis slice strided_slice",
    "minitf.ops.products": "matmul",
    "minitf.ops.repeating": "repeat tile",
    "minitf.ops.padding": "pad",
    "minitf.ops.random": "get_seed random_normal random_shuffle random_uniform set_random_seed truncated_normal",
    "minitf.autodiff": "GradientTape gradients UnconnectedGradients",
    "minitf.objects.variable": "Variable",
    "minitf.objects.variable_scope": """
        AUTO_REUSE VariableScope get_local_variable get_variable get_variable_scope variable_scope""",
}
_MODULES = "compat data errors explore io keras layers linalg math nn optimizers random strings testing train".split()
_NAMES = {name: module for module, names in _WHERE.items() for name in names.split()}

__all__ = sorted([*_NAMES, *_MODULES, "__version__"])


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        importlib.import_module("minitf.runtimes.eager")  # sets the default runtime
        value = getattr(importlib.import_module(_NAMES[name]), name)
    elif name in _MODULES:
        value = importlib.import_module(f"minitf.{name}")
    elif name == "__version__":
        from importlib.metadata import version

        value = version("minitf")
    else:
        raise AttributeError(f"module 'minitf' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
