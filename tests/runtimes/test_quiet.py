"""Infinities and NaN come without warnings, as in TensorFlow; those of the program's own arrays stay."""

import subprocess
import sys

PROGRAM = """
import numpy as np
import minitf as tf

x, zero = tf.constant([0.0, -1.0, 1e30]), tf.constant(0.0)
for make in (
    lambda: 1.0 / x, lambda: 1.0 / zero, lambda: tf.math.log(x), lambda: tf.sqrt(x), lambda: tf.exp(x), lambda: x * x,
    lambda: tf.constant(3e38) + tf.constant(3e38), lambda: tf.constant(2**31 - 1) + 1, lambda: x ** 9.0,
    lambda: tf.reduce_mean(tf.zeros([0])), lambda: tf.nn.softmax(x * 1e30), lambda: tf.matmul([[1e30]], [[1e30]]),
    lambda: tf.cast(x, tf.float16), lambda: tf.constant(5.0) % 0.0, lambda: tf.cumsum([3e38, 3e38]),
):
    make()
v, optimizer = tf.Variable([1e20, 0.0]), tf.keras.optimizers.Adam(0.1)
for _ in range(4):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(v * v) / tf.reduce_sum(v[1:])
    optimizer.apply_gradients([(tape.gradient(loss, v), v)])
    v.assign_add([3e38, 1e38])
f = tf.function(lambda x: x / 0.0 + x * 1e38 * 1e38)
f(tf.constant([1.0])), f(tf.constant([2.0]))
with tf.Graph().as_default():
    y = tf.placeholder(tf.float32) / 0.0
    for plan in (True, False):
        with tf.Session(plan=plan) as session:
            session.run(y, {y.op.inputs[0]: 1.0})
print("now")
np.float32(1) / np.float32(0)
"""


def test_only_the_programs_own_arithmetic_warns():
    done = subprocess.run([sys.executable, "-W", "always", "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout == "now\n"
    assert "divide by zero encountered in scalar divide" in done.stderr
    assert done.stderr.count("Warning") == 1
