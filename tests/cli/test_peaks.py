"""What the kernel says of the memory that the command needs: no value is in memory as a whole, whatever the formats are."""

import pytest

from tests.kernel import measuring, needs_peaks

MOST = 24  # MiB, of checkpoints of 48
TO = ["tf-v2", "tf-v1", "safetensors", "npz"]
VERBS = ["verify", "ls", "show", "get", "diff", *(f"convert {name}" for name in TO), "rename", "merge", "salvage", "explain"]
REFUSED = {  # what cannot be done is said
    ("get", "many strings"): ".npy files keep such arrays only as pickles",
    ("convert tf-v1", "bfloat16"): "which a V1 checkpoint cannot hold",
}

pytestmark = needs_peaks


@pytest.fixture(scope="module")
def measure():
    with measuring("tests.cli.peaks") as measure:
        yield measure


@pytest.mark.parametrize(
    ("storage", "value"),
    [
        ("tf-v2", "float32"), ("tf-v2", "bfloat16"), ("tf-v2", "many strings"), ("tf-v2", "one huge string"),
        ("tf-v2", "pieces along 1"), ("tf-v2", "many values"), ("tf-v1", "float32"), ("tf-v1", "one huge string"),
        ("tf-v1", "pieces along 1"), ("safetensors", "bfloat16"), ("safetensors", "many strings"), ("npz", "float32"),
        ("npz", "one huge string"),
    ],
)  # fmt: skip
def test_verbs_need_little_memory(measure, storage, value):
    for verb, (most, code, said) in measure(storage, value, VERBS).items():
        refused = REFUSED.get((verb, value))
        if refused is not None:
            assert refused in said
            assert code == 1
        else:
            assert code == (verb == "explain" or (verb == "diff" and value in ("float32", "bfloat16"))), (verb, said)
        assert most < MOST, verb
