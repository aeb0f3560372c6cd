"""The log: levels, where messages go, and messages that come only sometimes."""

import logging

import pytest

import minitf as tf
import minitf.compat.v1 as v1


@pytest.fixture(autouse=True)
def _as_it_was():
    logger = logging.getLogger("minitf")
    level, handlers = logger.level, list(logger.handlers)
    yield
    logger.setLevel(level)
    logger.handlers[:] = handlers


def test_the_logger_is_that_of_minitf():
    assert tf.get_logger() is logging.getLogger("minitf")
    assert tf.get_logger() is tf.get_logger()
    assert len(tf.get_logger().handlers) <= 1


def test_the_verbosity_is_the_level_from_which_on_messages_come(caplog):
    v1.logging.set_verbosity(v1.logging.INFO)
    assert v1.logging.get_verbosity() == v1.logging.INFO == 20
    v1.logging.debug("no")
    v1.logging.info("step %d", 3)
    v1.logging.set_verbosity(v1.logging.ERROR)
    v1.logging.warn("no")
    v1.logging.error("wrong")
    v1.logging.fatal("worse")
    v1.logging.TaskLevelStatusMessage("status")
    v1.logging.flush()
    assert [(r.levelname, r.getMessage()) for r in caplog.records] == [
        ("INFO", "step 3"), ("ERROR", "wrong"), ("CRITICAL", "worse"), ("ERROR", "status"),
    ]  # fmt: skip


def test_messages_of_a_line_that_come_only_sometimes(caplog):
    v1.logging.set_verbosity(v1.logging.INFO)
    for i in range(7):
        v1.logging.log_first_n(v1.logging.INFO, "first %d", 2, i)
        v1.logging.log_every_n(v1.logging.INFO, "every %d", 3, i)
        v1.logging.log_if(v1.logging.INFO, "if %d", i == 5, i)
        v1.logging.vlog(v1.logging.DEBUG, "no")
    said = [r.getMessage() for r in caplog.records]
    assert said == ["first 0", "every 0", "first 1", "every 3", "if 5", "every 6"]


def test_without_handlers_of_the_program_messages_go_to_stderr(capsys, monkeypatch):
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    v1.logging.warning("mind %s", "this")
    assert capsys.readouterr().err == "WARNING:minitf:mind this\n"
