"""What programs of 1.x give to sessions, and the switches that they turn."""

import pytest

import minitf as tf
import minitf.compat.v1 as v1
from minitf.runtimes import session_options


@pytest.mark.parametrize("given", [{"allow_growth": True}, v1.GPUOptions(), "local", 1])
def test_a_session_takes_a_config_and_nothing_else(given):
    with pytest.raises(TypeError, match=r"must be a tf\.compat\.v1\.ConfigProto, not"):
        v1.Session(graph=tf.Graph(), config=given)


def test_settings_of_a_run_are_checked_and_metadata_stay_empty():
    with tf.Graph().as_default(), v1.Session(config=v1.ConfigProto()) as session:
        x, metadata = tf.constant(2.0), v1.RunMetadata()
        assert session.run(x, options=v1.RunOptions(trace_level=v1.RunOptions.FULL_TRACE), run_metadata=metadata) == 2.0
        assert metadata == v1.RunMetadata()
        with pytest.raises(TypeError, match=r"must be a tf\.compat\.v1\.RunOptions"):
            session.run(x, options={"timeout_in_ms": 3})
        with pytest.raises(TypeError, match=r"must be a tf\.compat\.v1\.RunMetadata"):
            session.run(x, run_metadata=v1.RunOptions())
        session.run(x)
        with pytest.raises(TypeError, match=r"must be a tf\.compat\.v1\.RunOptions"):
            session.run(x, options=1)


def test_fields_are_refused_that_do_not_exist_and_values_of_another_type():
    config = v1.ConfigProto()
    with pytest.raises(AttributeError, match="nonsense"):
        config.gpu_options.nonsense = 1
    with pytest.raises(TypeError):
        config.gpu_options.allow_growth = "yes"
    with pytest.raises(ValueError, match="nonsense"):
        v1.GPUOptions(nonsense=1)
    assert not hasattr(session_options, "Experimental")


def test_all_messages_survive_their_bytes():
    config = v1.ConfigProto(device_count={"CPU": 1}, device_filters=["/job:ps"])
    config.graph_options.rewrite_options.constant_folding = config.graph_options.rewrite_options.OFF
    config.gpu_options.experimental.virtual_devices.add(memory_limit_mb=[1.0, 2.0])
    config.cluster_def.job.add(name="a", tasks={0: "here"})
    assert v1.ConfigProto.FromString(config.SerializeToString()) == config


@pytest.mark.parametrize("what", ["resource_variables", "control_flow_v2", "v2_tensorshape"])
def test_what_cannot_be_disabled_says_so(what):
    getattr(v1, f"enable_{what}")()
    with pytest.raises(tf.errors.UnimplementedError, match="nothing else, so this cannot be disabled"):
        getattr(v1, f"disable_{what}")()
