"""``minitf demo`` does what it says, on real data and with a second interpreter."""

import json
import os
import subprocess
import sys

import pytest

import minitf as tf


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    directory = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "minitf", "demo", "--json", "--out", str(directory)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), str(directory)


def test_it_learns_the_digits(demo):
    facts, _ = demo
    assert facts["eager"]["accuracy"] >= 0.97
    assert facts["problems"] == []


def test_the_resumed_run_is_bit_identical(demo):
    facts, directory = demo
    resumed = facts["resumed"]
    assert resumed["pid"] != os.getpid()
    assert resumed["attributes_at_restore"] == 0
    assert "0 values restored" in resumed["waiting"]
    assert resumed["different"] == []
    whole, stopped = os.path.join(directory, "digits-2400"), os.path.join(directory, "resumed-2400")
    names = [name for name, _ in tf.train.list_variables(whole)]
    assert any(".OPTIMIZER_SLOT" in name for name in names)
    for name in names:
        a, b = tf.train.load_variable(whole, name), tf.train.load_variable(stopped, name)
        assert a == b if isinstance(a, bytes) else a.tobytes() == b.tobytes(), name


def test_the_graph_goes_on_where_eager_mode_stopped(demo):
    graph = demo[0]["graph"]
    assert graph["restore_ops_added"] > 0
    assert graph["values_changed_by_restore"] == 0
    assert graph["values_changed_by_run_restore_ops"] > 10
    assert graph["largest_difference_to_eager"] == 0
    assert graph["steps"] == 2500
    assert graph["eager_weights_equal"]


def test_the_files_are_kept(demo):
    _, directory = demo
    assert tf.train.latest_checkpoint(directory) == os.path.join(directory, "digits-2500")
    assert not [name for name in os.listdir(directory) if "temp" in name]
