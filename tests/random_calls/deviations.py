"""Calls with a mistake, or without a defined result, that minitf answers in another way than TensorFlow, and why."""

import numpy as np

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
