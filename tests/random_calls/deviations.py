"""Calls with a mistake, or without a defined result, that minitf answers in another way than TensorFlow, and why."""

import numpy as np

from minitf.core.dtypes import of_numpy

# Inputs that are scalars.
SCALARS = {"fill": {"value"}, "range": {"start", "limit", "delta"}, "linspace": {"num"}}


def expected_difference(call, theirs, ours):
    """Why the answers may differ, or None."""
    name = call.op.name if call.op else ""
    refused = ours[0] == "error" and {"ShapeError", "DTypeError", "InvalidArgumentError"} & set(ours[1])
    if refused and theirs[0] == "value":
        if any(np.shape(call.inputs[i]) == (1,) for i in SCALARS.get(name, ())):
            return "TensorFlow's kernels take a vector of one element for a scalar; its shape rules do not"
        if name in ("reverse", "gather_nd") and any(np.size(v) == 0 for v in call.inputs.values()):
            return "TensorFlow does not look at the axes and coordinates of an empty tensor"
        if name == "cholesky":
            return "TensorFlow gives zeros for a complex matrix that is not positive definite"
        if name == "matmul" and len({np.asarray(v).dtype for v in call.inputs.values()}) == 2:
            return "TensorFlow has mixed products of bfloat16, for accelerators"
    if refused and theirs[0] == "error" and theirs[1][0] in ("InternalError", "AssertionError"):
        return "TensorFlow stumbles over the mistake instead of refusing it"
    if name == "cast" and call.dtypes["dtype"].startswith("u") and (np.real(call.inputs["x"].astype(complex)) < 0).any():
        return "what becomes of a negative float as an unsigned number is nobody's promise"
    if name == "conv" and theirs[0] == ours[0] == "value" and np.size(ours[1]) == 0:
        return "where no window fits, TensorFlow's grouped convolution leaves a shape that is none"
    if name == "searchsorted" and (np.diff(call.inputs["sorted_sequence"].astype(float)) < 0).any():
        return "what is not sorted has no place for a value"
    return None


def expected_gradient_difference(call, part, theirs):
    """Why a gradient may differ, or None: ``part`` counts the first derivatives by the inputs, then the second ones."""
    name = call.op.name if call.op else call.formula.name
    second = part >= len(floats(call))
    if name == "one_hot":
        return "TensorFlow has no gradient by the values on and off"
    if name == "softmax_cross_entropy" and second:
        return "TensorFlow leaves the labels out of second derivatives"
    if name == "unsorted_segment_prod" and second and np.isnan(theirs).any():
        return "TensorFlow divides by what is 0"
    if name == "tf.nn.moments" and second:
        return "TensorFlow holds the mean constant in the variance: right for the first derivative only"
    return None


def floats(call):
    """The inputs that can have a gradient, in order."""
    flat = [v for value in call.inputs.values() for v in (value if isinstance(value, list) else [value])]
    return [v for v in flat if v is not None and of_numpy(np.asarray(v).dtype).kind in "fc"]
