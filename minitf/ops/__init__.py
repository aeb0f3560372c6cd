"""What a tensor program can compute: one block an op.

The modules in ``_FRONT`` are imported with the package: operators, indexing, variables and gradient rules need them. The others
are imported when something of theirs is first used; ``load_all()`` imports everything, so that ``core.op.REGISTRY`` is
complete.

Imports between the modules follow the gradient rules, which call ops: a module imports from those before it in the list.
"""

import importlib

_FRONT = (
    "sources", "restoring", "static", "shapes", "creating", "comparisons", "elementwise", "complex", "arithmetic", "extremes",
    "shaping", "running", "reductions", "ranges", "joining", "gathering", "masking", "indexing", "products", "state",
    "together",
)  # fmt: skip
_LATER = (
    "trigonometry", "repeating", "padding", "bands", "diagonals", "activations", "losses", "training", "training_keras",
    "random", "stateless", "special", "sorting", "norms", "normalisation", "segments", "einsum", "equations",
    "decompositions", "conv", "pooling", "formulas", "strings", "control", "parting", "indexed_slices", "partial_updates",
    "tensor_lists", "loops", "tensor_array", "printing", "asserting", "python_functions", "custom", "saving", "iterating",
    "tensor_diagonals", "bits", "places", "blocks", "histograms", "clock", "binomial", "differences", "v1", "v1_print",
    "v1_names", "v1_asserting",
)  # fmt: skip

for _module in _FRONT:
    importlib.import_module(f"minitf.ops.{_module}")


def load_all() -> None:
    """Imports every module of ops."""
    for module in _LATER:
        importlib.import_module(f"minitf.ops.{module}")
