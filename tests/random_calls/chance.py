"""Random ops: the numbers are others, but shape, dtype, range, and that a seed gives the same again are TensorFlow's."""

from random_calls.formulas import Formula

# The same call twice with one seed: what it gives, whether it is the same, whether it is within the limits.
TWICE = (
    "(lambda draw: (lambda r: [tf.zeros_like(r), tf.reduce_all(tf.equal(r, draw())), tf.reduce_all({inside})])(draw()))"
    "(lambda: (tf.random.set_seed(seed), {call})[1])"
)
FLOATS = ("float32", "float64", "float16", "bfloat16")
INTS = ("int32", "int64")
CHANCE = []


def chance(call, inside, *dtypes):
    """Adds a call; ``inside`` says of ``r`` what must hold everywhere."""
    text = TWICE.format(call=call, inside=inside)

    def draw(draw):
        low = draw.integer(-3, 3)
        attrs = {
            "shape": list(draw.shape()),
            "dtype": draw.choice(dtypes or FLOATS),
            "low": low,
            "high": low + draw.integer(0 if not draw.integer(0, 9) else 1, 4),
            "seed": draw.integer(0, 99),
            "count": draw.integer(0, 4),
        }
        x = draw(shape=(draw.integer(0, 3), draw.integer(1, 4)))
        return (x,), attrs

    CHANCE.append(Formula(call, text, draw))


chance("tf.random.uniform(shape, dtype=dtype)", "(r >= 0) & (r < 1)")
chance("tf.random.uniform(shape, low, high, dtype)", "(r >= low) & (r <= high)")
chance("tf.random.uniform(shape, low, high, dtype)", "(r >= low) & (r < high)", *INTS)
chance("tf.random.uniform(shape, dtype=dtype)", "r == r", *INTS)  # integers need a limit
chance("tf.random.normal(shape, 1.0, 2.0, dtype)", "r == r")
chance("tf.random.truncated_normal(shape, 1.0, 0.5, dtype)", "(r >= 0) & (r <= 2)")
chance("tf.random.normal(shape, dtype=dtype, seed=5)", "r == r")
chance("tf.random.shuffle(x)", "tf.sort(r, 0) == tf.sort(x, 0)")
chance("tf.random.categorical(x, count)", "(r >= 0) & (r < 4)")
chance("tf.random.categorical(x, count, dtype)", "(r >= 0) & (r < 4)", *INTS)
chance("tf.random.stateless_uniform(shape, [seed, low], dtype=dtype)", "(r >= 0) & (r < 1)")
chance("tf.random.stateless_uniform(shape, [seed, low], low, high, dtype)", "(r >= low) & (r < high)", *INTS)
chance("tf.random.stateless_normal(shape, [seed, low], dtype=dtype)", "r == r")
chance("tf.random.stateless_truncated_normal(shape, [seed, low], dtype=dtype)", "(r >= -2) & (r <= 2)")
chance("tf.random.stateless_categorical(x, count, [seed, low])", "(r >= 0) & (r < 4)")
chance("tf.random.stateless_uniform(shape, [seed], dtype=dtype)", "r == r")  # a seed is two numbers
chance("tf.random.Generator.from_seed(seed).uniform(shape, low, high, dtype)", "(r >= low) & (r < high)", *INTS)
chance("tf.random.Generator.from_seed(seed).normal(shape, dtype=dtype)", "r == r")
chance("tf.random.Generator.from_seed(seed).truncated_normal(shape, dtype=dtype)", "(r >= -2) & (r <= 2)")
chance("tf.nn.dropout(x, 0.5)", "(r == 0) | (tf.abs(r - 2 * x) < 1e-5)")
