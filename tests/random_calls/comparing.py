"""Whether minitf answers a call as TensorFlow does, within the bound that the op states."""

import numpy as np

import minitf as tf
from minitf.core import dtypes
from random_calls.conditions import condition_number
from random_calls.deviations import expected_difference, expected_gradient_difference, floats
from random_calls.differentiating import gradients, named

# Where TensorFlow's CPU has no kernel, or none for the dtype, minitf may compute.
NOT_THERE = {"NotFoundError", "UnimplementedError", "NotImplementedError"}
NO_KERNEL = "Could not find device"
# So it speaks of gradients that it does not have.
NO_GRADIENT = ("gradient registry has no entry", "do not yet support dilation rates larger than 1")


def answer(call, order=0):
    """What minitf gives: ``("value", arrays)`` or ``("error", names of its classes, message)``; gradients up to ``order``."""
    try:
        with np.errstate(all="ignore"):
            if order:
                return "value", plain(gradients(tf, call.text, call.inputs, call.attrs, call.dtypes, call.seed, order))
            return "value", plain(eval(call.text, named(tf, call.inputs, call.attrs, call.dtypes)))
    except Exception as e:
        return "error", [c.__name__ for c in type(e).__mro__], str(e)[:300]


def plain(value):
    """A result as arrays in nested lists."""
    if value is None:
        return None
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    out = value.numpy() if hasattr(value, "numpy") else value
    return np.array(out, dtype=object) if isinstance(out, (bytes, str)) else np.asarray(out)


def missing(theirs):
    """True if TensorFlow has no such kernel, or dies of the call."""
    if theirs[0] == "died":
        return True
    return theirs[0] == "error" and (bool(NOT_THERE & set(theirs[1])) or any(t in theirs[2] for t in (NO_KERNEL, *NO_GRADIENT)))


def difference(call, theirs, ours):
    """What differs, as text, or None."""
    if expected_difference(call, theirs, ours):
        return None
    if theirs[0] == "error" and ours[0] == "error":
        if theirs[1][0] in ours[1] or theirs[1][0].strip("_") in ours[1]:
            return None
        return f"TensorFlow raises {theirs[1][0]}: {theirs[2]}\n minitf {ours[1][0]}: {ours[2]}"
    if theirs[0] == "error":
        return f"TensorFlow raises {theirs[1][0]}: {theirs[2]}\n minitf gives {_text(ours[1])}"
    if ours[0] == "error":
        return f"TensorFlow gives {_text(theirs[1])}\n minitf raises {ours[1][0]}: {ours[2]}"
    return _values(call, theirs[1], ours[1])


def _values(call, expected, got):
    expected, got = _leaves(expected), _leaves(got)
    if len(expected) != len(got):
        return f"TensorFlow gives {len(expected)} results, minitf {len(got)}"
    for e, g in zip(expected, got, strict=True):
        found = _unlike(e, g)
        if found:
            return found
    sums = slack(call, expected)
    for e, g, s in zip(expected, got, sums, strict=True):
        found = _one(call, e, g, s)
        if found:
            return found
    return None


def _leaves(value):
    if isinstance(value, list):
        return [leaf for v in value for leaf in _leaves(v)]
    return [value]


def slack(call, expected):
    """For each result what the order of summing may change: ``sums * n * sum|terms|`` without eps, 0 without sums."""
    op = call.op
    if call.formula is not None:
        return _slack_of_formula(call, len(expected))
    if op.terms_rule is None:
        return [0.0] * len(expected)
    arrays = [v for value in call.inputs.values() for v in (value if isinstance(value, list) else [value])]
    attrs = op.complete(call.attrs | {k: tf.as_dtype(v) for k, v in call.dtypes.items()})
    with np.errstate(all="ignore"):
        said = op.terms_rule(*[_wide(v) for v in arrays], **attrs)
        if not isinstance(said, tuple):
            moduli = [None if v is None else v if v.dtype.kind in "iub" else np.abs(v) for v in map(_wide, arrays)]
            said = said, op.kernel(*moduli, **attrs)
    count, terms = said
    terms = terms if isinstance(terms, tuple) else (terms,) * len(expected)
    return [op.bound.sums * count * np.asarray(t, np.float64) for t in terms]


def _slack_of_formula(call, results):
    if call.formula.terms is None:
        return [0.0] * results
    with np.errstate(all="ignore"):
        count, terms = call.formula.terms(*map(_wide, call.inputs.values()), **call.attrs)
    terms = terms if isinstance(terms, tuple) else (terms,) * results
    return [call.formula.bound.sums * count * np.asarray(t, np.float64) for t in terms]


def _wide(v):
    """An array in float64 or complex128; integers as they are."""
    if v is None:
        return None
    kind = dtypes.of_numpy(np.asarray(v).dtype).kind
    return np.asarray(v).astype({"f": np.float64, "c": np.complex128}.get(kind, np.asarray(v).dtype))[()]


def _unlike(expected, got):
    if expected is None or got is None:
        return None if expected is got else f"TensorFlow gives {_text(expected)}, minitf {_text(got)}"
    a, b = dtypes.of_numpy(expected.dtype), dtypes.of_numpy(got.dtype)
    if a is not b:
        return f"TensorFlow gives {a.name}, minitf {b.name}"
    if expected.shape != got.shape:
        return f"TensorFlow gives shape {expected.shape}, minitf {got.shape}"
    return None


def _one(call, expected, got, sums):
    if expected is None:
        return None
    a = dtypes.of_numpy(expected.dtype)
    if a.kind in "iubS":
        same = np.asarray(expected == got)
    else:
        same = _near(a, expected, got, (call.formula or call.op).bound, sums)
    if same.all():
        return None
    at = np.unravel_index(np.argmin(same), same.shape) if same.ndim else ()
    return f"at {list(map(int, at))} TensorFlow gives {expected[at]!r}, minitf {got[at]!r}"


def gradient_difference(call, theirs, ours):
    """What differs between the gradients of a call, as text, or None."""
    if theirs[0] == "error":
        return None  # that its value is an error too is compared as a call
    if ours[0] == "error":
        return f"TensorFlow gives {_text(theirs[1])}\n minitf raises {ours[1][0]}: {ours[2]}"
    inputs, condition = len(floats(call)), condition_number(call)
    expected, got = (parts + [None] * (2 * inputs - len(parts)) for parts in (theirs[1], ours[1]))
    for part, (e, g) in enumerate(zip(expected, got, strict=True)):
        found = _one_gradient(e, g, part >= inputs, _gradient_bound(call) * condition ** (1 + (part >= inputs)))
        if found and not expected_gradient_difference(call, part, e):
            return f"{'second' if part >= inputs else 'first'} derivative by input {part % inputs}: {found}"
    return None


def _gradient_bound(call):
    return (call.formula or call.op).bound.gradient


def _one_gradient(expected, got, second, bound):
    if second and (expected is None or got is None):  # a second derivative that is 0 everywhere may be left out
        return None if all(v is None or not np.any(v) for v in (expected, got)) else _unlike(expected, got)
    found = _unlike(expected, got)
    if found or expected is None:
        return found
    dtype = dtypes.of_numpy(expected.dtype)
    wide = np.complex128 if dtype.kind == "c" else np.float64
    e, g = expected.astype(wide), got.astype(wide)
    largest = np.max(np.abs(e[np.isfinite(e)]), initial=1.0)
    with np.errstate(all="ignore"):
        same = _equal(e, g) | (np.abs(e - g) <= bound * _eps(dtype) * largest)
    return None if same.all() else f"TensorFlow gives {_text(expected)}, minitf {_text(got)}"


def _eps(dtype):
    return float(np.finfo(dtype.real_dtype.np).eps) if dtype is not dtypes.bfloat16 else 2.0**-7


def _near(dtype, expected, got, bound, sums):
    wide = np.complex128 if dtype.kind == "c" else np.float64
    e, g = expected.astype(wide), got.astype(wide)
    eps = _eps(dtype)
    tiny = float(np.finfo(dtype.real_dtype.np).tiny) if dtype is not dtypes.bfloat16 else 2.0**-126
    with np.errstate(all="ignore"):
        size = np.abs(e)
        size = np.maximum(size, tiny)
        unit = eps * size if dtype.kind == "c" else eps * np.exp2(np.floor(np.log2(size)))  # one in the last place
        allowed = bound.ulps * unit + eps * (sums + bound.zero) + tiny  # TensorFlow flushes what is smaller than tiny to 0
        same = _equal(e, g) | (np.abs(e - g) <= allowed)
    return np.asarray(same)


def _equal(e, g):
    if e.dtype.kind == "c":
        return (e == g) | (~np.isfinite(e) & ~np.isfinite(g))
    return (e == g) | (np.isnan(e) & np.isnan(g))


def _text(value):
    text = repr(value).replace("\n", "")
    return text if len(text) < 200 else text[:197] + "..."
