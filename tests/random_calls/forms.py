"""How a call of each op is written, for the inputs and attributes that the op's own block draws.

In a form, the names are the block's inputs and attributes, ``tf`` is TensorFlow or minitf. An op that is public as it is needs
no form: it is called by its name. ``WITHIN`` are ops that no public function calls alone: they are parts of gradients, which
``tests/ops`` checks against central differences.
"""

import importlib
from pathlib import Path

import minitf.ops
from minitf.core.op import REGISTRY, Op

minitf.ops.load_all()

WITHIN = set(
    """
    avg_pool_grad conv_filters conv_input gather_grad gather_nd_grad leaky_relu_grad max_pool_grad max_pool_pick pad_grad
    relu_grad segment_count sparse_softmax_cross_entropy_grad strided_slice_grad sum_to
    """.split()
)
# Random ops give other numbers than TensorFlow's; test_random.py compares what can be compared.
RANDOM = {"stateless_categorical", "stateless_floats", "stateless_integers", "stateless_shuffle"}
FACES = "minitf minitf.math minitf.nn minitf.linalg minitf.random minitf.strings minitf.bitwise".split()


def public_names():
    """The public name of each op that is public as it is."""
    found = {}
    for face in map(importlib.import_module, FACES):
        for name in face.__all__:
            value = getattr(face, name)
            if isinstance(value, Op):
                found.setdefault(value.name, f"tf{face.__name__.removeprefix('minitf')}.{name}")
    return found


def forms():
    """``{op name: form}``, for every op of the package that can be drawn and is called alone."""
    out = {name: f"{public}({', '.join(REGISTRY[name].inputs)})" for name, public in public_names().items()}
    for line in (Path(__file__).parent / "forms.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, _, form = line.partition(": ")
            out[name] = form
    return out
