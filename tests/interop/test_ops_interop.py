"""The same expression under TensorFlow and under minitf: the same dtype, shape, values and classes of errors.

All expressions of this file go to one TensorFlow process as a batch; each is then one test. In an expression ``tf`` is
TensorFlow or minitf, and the other names are tensors.
"""

import pickle
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

import minitf as tf
from minitf.core import dtypes

pytestmark = pytest.mark.interop

# -- inputs ------------------------------------------------------------------------------------------------------------

FLOATS = ["float32", "float64", "float16", "bfloat16"]
INTS = ["int32", "int64", "int16", "int8", "uint8", "uint16", "uint32", "uint64"]
ALL = [*FLOATS, *INTS, "complex64", "complex128", "bool", "string"]


def array(dtype, shape=(3, 4), low=-3.0, high=3.0, seed=0):
    rng = np.random.default_rng(seed)
    kind = tf.as_dtype(dtype)
    if kind.kind == "S":
        out = np.empty(shape, object)
        out.reshape(-1)[:] = [b"ab"[: rng.integers(3)] for _ in range(out.size)]
        return out
    if kind.kind == "b":
        return rng.random(shape) < 0.5
    if kind.kind in "iu":
        return rng.integers(1 if low > 0 else 0 if kind.kind == "u" else -5, 6, shape).astype(kind.np)
    values = rng.uniform(low, high, shape)
    if kind.kind == "c":
        values = values + 1j * rng.uniform(low, high, shape)
    return values.astype(kind.np)


@dataclass
class Case:
    """``exact``: to the bit. ``ulps``: units in the last place of each element. ``summed``: an error bound of sums:

    n eps sum|terms|.
    """

    text: str
    inputs: dict = field(default_factory=dict)
    ulps: int = 2
    summed: int = 0

    def __str__(self):
        return self.text + "".join(f" {k}:{np.asarray(v).dtype}{list(np.shape(v))}" for k, v in self.inputs.items())


def sections(text):
    found, current = {}, None
    for line in text.splitlines():
        if line.startswith("["):
            current = found.setdefault(line[1:-1], [])
        elif line and not line.startswith("#"):
            current.append(line)
    return found


EXPRESSIONS = sections((Path(__file__).parent / "ops_expressions.txt").read_text())
CASES = []


def case(text, ulps=2, summed=0, **inputs):
    CASES.append(Case(text, inputs, ulps, summed))


# -- elementwise, over all dtypes --------------------------------------------------------------------------------------

UNARY = """
abs:-3 acos:-0.9:0.9 acosh:1.1:9 asin:-0.9:0.9 asinh atan atanh:-0.9:0.9 ceil conj cos:-3 cosh:-3 digamma:2:6 erf:-3 erfc:-3
erfinv:0.1:0.9 exp:-9:9 expm1:-3 floor imag is_finite is_inf is_nan lgamma:2.5:9 log:0.1:99 log1p:-0.5:9 log_sigmoid:-9:9
logical_not ndtri:0.05:0.4 negative real reciprocal:0.2 rint round rsqrt:0.1:9 sigmoid:-9:9 sign sin:-3 sinh:-3 softplus:-9:9
softsign sqrt:0.1:9 square tan:-1.2:1.2 tanh
"""
# TensorFlow's approximations of these are further than 2 units in the last place from the exact value, by so many (20000
# points,
# float32 and float64). That minitf's are not is shown in tests/ops/test_accuracy.py.
LOOSE = {
    "acos": 4, "asin": 4, "atan": 3, "erf": 6, "erfc": 8, "exp": 3, "expm1": 3, "log1p": 4, "log_sigmoid": 8, "sigmoid": 6,
    "softplus": 8, "tan": 3, "tanh": 6, "lgamma": 8, "digamma": 8, "erfinv": 4, "ndtri": 4, "pow": 3, "elu": 4, "selu": 4,
    "silu": 6, "softmax": 8, "log_softmax": 8,
}  # fmt: skip
for entry in UNARY.split():
    name, *bounds = entry.split(":")
    low, high = (float(bounds[0]) if bounds else -3.0), (float(bounds[1]) if len(bounds) > 1 else 3.0)
    for kind in ALL:
        case(f"tf.math.{name}(x)", LOOSE.get(name, 2), x=array(kind, low=low, high=high))
    case(f"tf.math.{name}(x)", LOOSE.get(name, 2), x=array("float32", (0, 2), low, high))
    case(f"tf.math.{name}(x)", LOOSE.get(name, 2), x=array("float32", (), low, high))

for name in "relu relu6 elu selu leaky_relu crelu silu softmax log_softmax".split():
    for kind in ALL:
        case(f"tf.nn.{name}(x)", LOOSE.get(name, 2), x=array(kind))
for kind in ("float32", "float16", "bfloat16", "int32"):
    case("tf.nn.gelu(x)", summed=1, x=array(kind))  # 1 + erf(x) cancels for negative x
for name in "acos asin sqrt log log1p acosh atanh exp tanh sigmoid".split():
    case(f"tf.math.{name}(x)", x=np.array([-np.inf, -2.0, -1.0, -0.0, 0.0, 1.0, 2.0, np.inf, np.nan], np.float32))

BINARY = """
add subtract multiply divide:0.2 truediv:0.2 floordiv:0.2 floormod:0.2 pow:0.2 maximum minimum equal not_equal less less_equal
greater greater_equal logical_and logical_or logical_xor squared_difference atan2 xlogy:0.1 xlog1py:0.1 xdivy:0.1 divide_no_nan
multiply_no_nan nextafter
"""
for entry in BINARY.split():
    name, *bounds = entry.split(":")
    low = float(bounds[0]) if bounds else -3.0
    for kind in ALL:
        case(f"tf.math.{name}(x, y)", LOOSE.get(name, 2), x=array(kind, low=low), y=array(kind, (4,), low=low, seed=1))
    case(f"tf.math.{name}(x, y)", x=array("float32"), y=array("float64"))
    case(f"tf.math.{name}(x, y)", x=array("float32"), y=array("int32"))
    case(f"tf.math.{name}(x, y)", x=array("float32", (2, 3)), y=array("float32", (2, 4)))
    case(f"tf.math.{name}(x, 2.5)", LOOSE.get(name, 2), x=array("float64", low=low))
    case(f"tf.math.{name}(x, 2)", LOOSE.get(name, 2), x=array("int64", low=low))
    case(f"tf.math.{name}(x, 2.5)", x=array("int32"))
for text in EXPRESSIONS["operators"]:
    for kind in ("float32", "int32", "bool", "string", "float16", "uint8"):
        case(text, 8, x=array(kind, (3, 3), 0.5), y=array(kind, (3, 3), 0.5, seed=1))
for kind in INTS:
    case("tf.math.floordiv(x, y)", x=array(kind), y=np.zeros(4, kind))
case("tf.math.pow(x, y)", x=array("int32"), y=array("int32", (4,)))
for a in (5.0, -5.0, np.inf, np.nan):
    for b in (3.0, -3.0, np.inf, 0.0):
        case("tf.math.floormod(x, y)", x=np.float32(a), y=np.float32(b))
        case("tf.math.floordiv(x, y)", x=np.float32(a), y=np.float32(b))

# -- casting and making ------------------------------------------------------------------------------------------------

for kind in ALL:
    for to in ALL:
        # what becomes of a negative float as an unsigned number is nobody's promise
        case(f"tf.cast(x, tf.{to})", 0, x=array(kind, low=0.0 if to.startswith("u") else -3.0))
    case(f"tf.zeros([2], tf.{kind})", 0)
    case(f"tf.ones([2], tf.{kind})", 0)
    case(f"tf.eye(2, 3, dtype=tf.{kind})", 0)
    case("tf.zeros_like(x)", 0, x=array(kind))
    case("tf.ones_like(x)", 0, x=array(kind))
    case("tf.fill([2, 2], x)", 0, x=array(kind, ()))
    case("tf.identity(x)", 0, x=array(kind))
    if kind not in INTS[2:]:  # minitf counts in small integers too
        case(f"tf.range(tf.constant(5, tf.{kind}))", 0)
case("tf.cast(x, tf.int32)", 0, x=np.array([1.9, -1.9, np.nan, 1e20, -1e20, np.inf], np.float32))
case("tf.cast(x, tf.uint8)", 0, x=np.array([300.0, 1.5, 255.9], np.float32))
case("tf.saturate_cast(x, tf.uint8)", 0, x=np.array([300.0, 1.5, -5.0], np.float32))
case("tf.saturate_cast(x, tf.int8)", 0, x=np.array([300, 1, -500], np.int32))
for text in EXPRESSIONS["making"]:
    case(text, 1)

# -- reductions --------------------------------------------------------------------------------------------------------

for name in "sum mean prod max min any all logsumexp euclidean_norm variance std".split():
    for kind in ALL:
        case(f"tf.math.reduce_{name}(x, 1)", 16, 4, x=array(kind, (3, 7)))
    for rest in ("", ", 0", ", -1, keepdims=True", ", [0, 1]", ", []", ", 5", ", [0, 0]", ", axis=[-1, 0], keepdims=True"):
        case(f"tf.math.reduce_{name}(x{rest})", 16, 4, x=array("bool" if name in ("any", "all") else "float32", (4, 5, 2)))
    case(f"tf.math.reduce_{name}(x)", 16, 4, x=array("bool" if name in ("any", "all") else "float32", (0, 3)))
    case(f"tf.math.reduce_{name}(x, 0)", 16, 4, x=array("bool" if name in ("any", "all") else "float32", (0, 3)))
    case(f"tf.math.reduce_{name}(x)", 16, 4, x=array("bool" if name in ("any", "all") else "float64", ()))
case("tf.reduce_mean(x)", 0, x=np.array([-1, -2], np.int32))
case("tf.reduce_sum(x)", 0, x=np.array([200, 100], np.uint8))
for name in ("argmax", "argmin"):
    for kind in ALL:
        case(f"tf.{name}(x, 1)", 0, x=array(kind))
    for text in ("(x)", "(x, 0)", "(x, -1)", "(x, 0, output_type=tf.int32)", "(x, 4)"):
        case(f"tf.{name}{text}", 0, x=array("float32", (3, 4, 2)))
    case(f"tf.{name}(x)", 0, x=np.array([1, 3, 3, 1], np.int32))
    case(f"tf.{name}(x)", 0, x=np.zeros((0,), np.float32))
for name in ("cumsum", "cumprod"):
    for kind in ALL:
        case(f"tf.math.{name}(x, 1)", 16, 4, x=array(kind))
    for rest in ("", ", 1", ", -1, exclusive=True", ", 0, reverse=True", ", 1, exclusive=True, reverse=True", ", 3"):
        case(f"tf.math.{name}(x{rest})", 16, 4, x=array("float32"))
case("tf.math.count_nonzero(x, 1)", 0, x=array("int32"))

# -- shapes and elements -----------------------------------------------------------------------------------------------

X = array("float32", (2, 3, 4))
for kind in ALL:
    y = array(kind, (2, 3, 4))
    for text in EXPRESSIONS["any dtype"]:
        case(text, 0, x=y)
for text in EXPRESSIONS["elements"]:
    case(text, 16, x=X)

# -- products, convolutions, losses ------------------------------------------------------------------------------------

for kind in ALL:
    case("tf.matmul(x, y)", summed=4, x=array(kind, (2, 5, 6)), y=array(kind, (6, 3)))
    case("tf.nn.bias_add(x, y)", x=array(kind, (2, 3)), y=array(kind, (3,)))
    case("tf.nn.softmax_cross_entropy_with_logits(x, y)", 16, x=array(kind, (2, 3), 0.1, 0.5), y=array(kind, (2, 3)))
    case("tf.nn.sigmoid_cross_entropy_with_logits(x, y)", 16, x=array(kind, (2, 3), 0.1, 0.9), y=array(kind, (2, 3)))
    case("tf.nn.l2_loss(x)", summed=4, x=array(kind))
    case(
        "tf.linalg.inv(x)",
        summed=64,
        x=array(kind, (3, 3))
        if kind in ("bool", "string")
        else (array(kind, (3, 3)) + np.eye(3) * 7).astype(tf.as_dtype(kind).np),
    )
M = array("float32", (4, 4)) + np.eye(4, dtype=np.float32) * 5
S = (M @ M.T).astype(np.float32)
for text in EXPRESSIONS["matrices"]:
    case(text, 256, 64, x=M)
for text in EXPRESSIONS["positive definite"]:
    case(text, 256, 256, x=S)
IMAGES, F = array("float32", (2, 7, 6, 4)), array("float32", (3, 2, 4, 6), seed=1)
for rest in (
    "1, 'SAME'",
    "2, 'SAME'",
    "[1, 2, 3, 1], 'VALID'",
    "1, 'VALID', dilations=2",
    "1, [[0, 0], [1, 2], [0, 1], [0, 0]]",
    "0, 'SAME'",
    "1, 'HALF'",
):
    case(f"tf.nn.conv2d(x, f, {rest})", summed=4, x=IMAGES, f=F)
    case(f"tf.nn.conv1d(x, f, {rest.split(', dilations')[0]})", summed=4, x=IMAGES[:, :, 0], f=F[0])
case("tf.nn.conv2d(x, f, 1, 'SAME')", summed=4, x=IMAGES, f=F[:, :, :3])
case("tf.nn.conv2d(x, f, 1, 'SAME')", summed=4, x=IMAGES, f=F[:, :, :2])
case("tf.nn.conv2d_transpose(x, f, [2, 14, 12, 5], 2, 'SAME')", summed=4, x=IMAGES, f=array("float32", (3, 3, 5, 4)))
case("tf.nn.conv2d_transpose(x, f, [2, 14, 12, 5], 3, 'SAME')", summed=4, x=IMAGES, f=array("float32", (3, 3, 5, 4)))
case("tf.nn.depthwise_conv2d(x, f, [1, 2, 2, 1], 'SAME')", summed=4, x=IMAGES, f=array("float32", (3, 3, 4, 2)))
case(
    "tf.nn.separable_conv2d(x, f, g, [1, 1, 1, 1], 'VALID')",
    summed=16,
    x=IMAGES,
    f=array("float32", (3, 3, 4, 2)),
    g=array("float32", (1, 1, 8, 3)),
)
for name in ("max_pool2d", "avg_pool2d"):
    for rest in ("2, 2, 'SAME'", "3, 1, 'VALID'", "[2, 3], [1, 2], 'SAME'", "2, 2, 'HALF'"):
        case(f"tf.nn.{name}(x, {rest})", 4, x=IMAGES)
case("tf.nn.max_pool2d(x, 2, 2, 'VALID')", 0, x=array("int32", (2, 4, 4, 1)))
case("tf.nn.space_to_depth(x, 2)", 0, x=IMAGES[:, :6])
case("tf.nn.depth_to_space(x, 2)", 0, x=IMAGES)
L = array("float32", (3, 4), -20, 20)
for text in EXPRESSIONS["losses"]:
    case(text, 32, 16, x=L)

# -- strings -----------------------------------------------------------------------------------------------------------

T = np.array([b"Abc ", b"", "größe".encode()], object)
for text in EXPRESSIONS["strings"]:
    case(text, 0, x=T)

# -- running both ------------------------------------------------------------------------------------------------------

TENSORFLOW = """
    import pickle, sys
    import numpy as np
    import tensorflow as tf

    def load(saved):
        kind, shape, data = saved
        if kind == "object":
            out = np.empty(shape, object)
            out.reshape(-1)[:] = data
            return out
        return np.frombuffer(data, tf.as_dtype(kind).as_numpy_dtype).reshape(shape).copy()

    def save(value):
        if isinstance(value, (list, tuple)):
            return [save(v) for v in value]
        array = np.asarray(value.numpy() if hasattr(value, "numpy") else value)
        if array.dtype.kind in "OSU":
            array = array.astype(object)
            return "object", array.shape, [bytes(v) for v in array.reshape(-1)]
        return array.dtype.name, array.shape, array.tobytes()

    with open(sys.argv[1], "rb") as f:
        cases = pickle.load(f)
    results = []
    for text, inputs in cases:
        try:
            results.append(("value", save(eval(text, {"tf": tf, **{k: tf.constant(load(v)) for k, v in inputs.items()}}))))
        except Exception as e:
            results.append(("error", [c.__name__ for c in type(e).__mro__], str(e)[:300]))
    with open(sys.argv[1], "wb") as f:
        pickle.dump(results, f)
    print("0")
"""


def dump(value):
    array = np.asarray(value)
    if array.dtype.kind == "O":
        return "object", array.shape, list(array.reshape(-1))
    return array.dtype.name, array.shape, array.tobytes()


def loaded(saved):
    if isinstance(saved, list):
        return [loaded(s) for s in saved]
    kind, shape, data = saved
    if kind == "object":
        out = np.empty(shape, object)
        out.reshape(-1)[:] = data
        return out
    return np.frombuffer(data, tf.as_dtype(kind).np).reshape(shape)


@pytest.fixture(scope="session")
def tensorflow_says(oracle, tmp_path_factory):
    path = tmp_path_factory.mktemp("interop") / "cases"
    path.write_bytes(pickle.dumps([(c.text, {k: dump(v) for k, v in c.inputs.items()}) for c in CASES]))
    oracle(TENSORFLOW, path)
    return pickle.loads(path.read_bytes())


def evaluated(text, inputs):
    def plain(value):
        if isinstance(value, (list, tuple)):
            return [plain(v) for v in value]
        out = value.numpy() if hasattr(value, "numpy") else value
        return np.array(out, dtype=object) if isinstance(out, bytes) else np.asarray(out)

    with np.errstate(all="ignore"):
        return plain(eval(text, {"tf": tf, **{k: tf.constant(v) for k, v in inputs.items()}}))


# Where TensorFlow's CPU has no kernel, or none for the dtype, minitf may compute.
NOT_THERE = ("NotFoundError", "UnimplementedError", "NotImplementedError")
# Errors that mean the same: which of them TensorFlow raises depends on which layer of it notices first.
REFUSED = (tf.errors.InvalidArgumentError, ValueError, TypeError, IndexError)


@pytest.mark.parametrize("number", range(len(CASES)), ids=[str(c) for c in CASES])
def test_as_in_tensorflow(number, tensorflow_says):
    given, said = CASES[number], tensorflow_says[number]
    if said[0] == "error":
        if any(c in NOT_THERE for c in said[1]) or "Could not find device" in said[2]:
            pytest.skip("TensorFlow has no such kernel")
        with pytest.raises(REFUSED):
            print("TensorFlow:", said, "minitf:", evaluated(given.text, given.inputs))
        return
    compare(given, loaded(said[1]), evaluated(given.text, given.inputs))


def compare(given, expected, got):
    if isinstance(expected, list):
        assert len(expected) == len(got)
        for e, g in zip(expected, got, strict=True):
            compare(given, e, g)
        return
    assert dtypes.of_numpy(got.dtype) is dtypes.of_numpy(expected.dtype)
    assert got.shape == expected.shape
    if (expected.dtype.kind in "iubO" and given.summed == 0) or expected.dtype.kind in "bO":
        assert np.array_equal(got, expected), f"got {got}, TensorFlow has {expected}"
        return
    if expected.dtype.kind == "c":
        parts = [(got.real, expected.real), (got.imag, expected.imag)]
        size = np.abs(expected)
    else:
        parts, size = [(got, expected)], np.abs(expected.astype(np.float64))
    for g, e in parts:
        close(given, g, e, size)


def close(given, got, expected, size):
    wide_g, wide_e = got.astype(np.float64), expected.astype(np.float64)
    eps = 1.0 if expected.dtype.kind in "iu" else float(dtypes.of_numpy(expected.dtype)._limit("eps"))
    with np.errstate(all="ignore"):
        allowed = given.ulps * eps * np.maximum(size, float(np.finfo(np.float32).tiny))
        if given.summed:
            allowed = allowed + given.summed * eps * terms(given) + 0 * size
        same = (wide_g == wide_e) | (np.isnan(wide_g) & np.isnan(wide_e)) | (np.abs(wide_g - wide_e) <= allowed)
    worst = np.unravel_index(np.argmin(same), same.shape) if same.size else ()
    assert same.all(), (
        f"at {worst}: got {got[worst]!r}, TensorFlow has {expected[worst]!r}; allowed "
        f"{np.broadcast_to(allowed, same.shape)[worst]}"
    )


def terms(given):
    """n sum|terms|: what the sum of absolute values would be, times the number of terms."""
    sizes = {k: np.abs(v.astype(np.complex128 if v.dtype.kind == "c" else np.float64)) for k, v in given.inputs.items()}
    try:
        result = evaluated(given.text, sizes)
    except REFUSED:
        result = np.float64(sum(v.sum() for v in sizes.values()))
    n = max(v.shape[-1] if v.ndim else 1 for v in sizes.values())
    largest = max(float(np.max(np.abs(r))) if r.size else 0.0 for r in (result if isinstance(result, list) else [result]))
    return n * max(largest, max((float(v.max()) if v.size else 0.0) for v in sizes.values()))
