"""``train.MonitoredTrainingSession``: a monitored session that saves checkpoints and goes on from the newest of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minitf.sessions.creators import ChiefSessionCreator, WorkerSessionCreator
from minitf.sessions.hooks.saving import CheckpointSaverHook
from minitf.sessions.hooks.telling import StepCounterHook
from minitf.sessions.monitored import MonitoredSession
from minitf.sessions.scaffold import Scaffold
from minitf.sessions.session_run_hook import SessionRunHook
from minitf.sessions.unsupported import refuse


class _Default:
    """Says that an argument was left out, where None means something else."""

    def __repr__(self) -> str:
        return "USE_DEFAULT"


USE_DEFAULT: Any = _Default()
_SECONDS = 600


def MonitoredTrainingSession(
    master: str = "", is_chief: bool = True, checkpoint_dir: Any = None, scaffold: Scaffold | None = None,
    hooks: Iterable[SessionRunHook] | None = None, chief_only_hooks: Iterable[SessionRunHook] | None = None,
    save_checkpoint_secs: Any = USE_DEFAULT, save_summaries_steps: Any = USE_DEFAULT, save_summaries_secs: Any = USE_DEFAULT,
    config: Any = None, stop_grace_period_secs: float = 120, log_step_count_steps: int | None = 100,
    max_wait_secs: float | None = 7200, save_checkpoint_steps: Any = USE_DEFAULT, summary_dir: Any = None,
    save_graph_def: bool = False,
) -> MonitoredSession:  # fmt: skip
    """A ``MonitoredSession`` that is restored from ``checkpoint_dir``, or else initialised, and saves there.

    * ``is_chief``: False: waits up to ``max_wait_secs`` for a session that is ready, saves nothing and leaves out
      ``chief_only_hooks``.
    * ``checkpoint_dir``: where checkpoints are; None: nothing is restored or saved.
    * ``scaffold``: what makes the session ready.
    * ``hooks``, ``chief_only_hooks``: the latter are called first, then those for steps and checkpoints, then ``hooks``.
    * ``save_checkpoint_secs``, ``save_checkpoint_steps``: how often to save, one of the two, every 600 seconds by default; None
      or 0: never. Saves also happen when a session was made, and at the end.
    * ``log_step_count_steps``: every so many steps their number in a second is logged, if there is a directory; None or 0:
      never.
    * ``config``: the sessions' ``ConfigProto``.
    * ``stop_grace_period_secs``: how long threads have to end when it is closed.

    minitf writes no summaries and no graphs, and has no servers: ``save_summaries_*``, ``summary_dir``, ``save_graph_def`` and
    ``master`` raise NotImplementedError if they ask for something. Raises ValueError if both seconds and steps are given,
    RuntimeError without a global step if one is needed, and what making a session raises.
    """
    asked = {"save_summaries_steps": save_summaries_steps, "save_summaries_secs": save_summaries_secs}
    refuse(
        "MonitoredTrainingSession", master=master, summary_dir=summary_dir, save_graph_def=save_graph_def,
        **{name: value for name, value in asked.items() if value is not USE_DEFAULT},
    )  # fmt: skip
    scaffold = scaffold or Scaffold()
    if not is_chief:
        worker = WorkerSessionCreator(scaffold, config=config, max_wait_secs=max_wait_secs)
        return MonitoredSession(worker, hooks, stop_grace_period_secs)
    seconds, steps = _how_often(save_checkpoint_secs, save_checkpoint_steps)
    everyone = list(chief_only_hooks or ())
    if checkpoint_dir:
        if log_step_count_steps and log_step_count_steps > 0:
            everyone.append(StepCounterHook(every_n_steps=log_step_count_steps))
        if (seconds and seconds > 0) or (steps and steps > 0):
            everyone.append(CheckpointSaverHook(checkpoint_dir, save_secs=seconds, save_steps=steps, scaffold=scaffold))
    everyone += hooks or ()
    creator = ChiefSessionCreator(scaffold, config=config, checkpoint_dir=checkpoint_dir)
    return MonitoredSession(creator, everyone, stop_grace_period_secs)


def _how_often(seconds: Any, steps: Any) -> tuple[Any, Any]:
    if seconds is USE_DEFAULT:
        return (_SECONDS, None) if steps is USE_DEFAULT else (None, steps)
    return seconds, None if steps is USE_DEFAULT else steps
