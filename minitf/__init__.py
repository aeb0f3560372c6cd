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
    "minitf.ops.creating": "constant convert_to_tensor",
    "minitf.autodiff": "GradientTape gradients UnconnectedGradients",
    "minitf.objects.variable": "Variable",
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
