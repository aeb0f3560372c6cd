"""Checkpoints that TensorFlow wrote: each of their values has its row, and none is of no object."""

from pathlib import Path

import pytest

import minitf as tf
from minitf.explain.why import Why
from minitf.saved import OBJECT_GRAPH_KEY
from minitf.storage.detect import open_checkpoint
from tests.checkpoint.conftest import Node

GOLDEN = Path(__file__).parents[1] / "golden"
PREFIXES = sorted(str(path.relative_to(GOLDEN))[: -len(".index")] for path in GOLDEN.rglob("*.index"))


@pytest.mark.parametrize("prefix", PREFIXES)
def test_every_value_has_its_row(prefix):
    path = str(GOLDEN / prefix)
    told = tf.train.CheckpointableSaver(Node(other=tf.Variable([1.0, 2.0, 3.0]))).explain(path)
    assert not {Why.STRAY, Why.FAILED} & {cause.kind for cause in told.causes}
    keys = set(open_checkpoint(path).keys()) - {OBJECT_GRAPH_KEY}
    named = {row.key for row in told.rows if row.key is not None}
    assert named == keys or all(any(key.startswith(name) for name in named) for key in keys)  # one name for several: tables
    assert len(str(told).splitlines()) <= 12
