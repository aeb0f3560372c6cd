"""``tf.compat.v1.train``: ``tf.train`` with the ``Checkpoint`` of TensorFlow 1.x. Nothing is defined here."""

from __future__ import annotations

from minitf.core.lazy import names_from

__getattr__, __dir__, __all__ = names_from(
    __name__,
    {
        "minitf.checkpoint.checkpoint": "CheckpointV1=Checkpoint",
        "minitf.checkpoint.first_values": "init_from_checkpoint warm_start",
        "minitf.optimizers.global_step": "assert_global_step",
        "minitf.optimizers.linear_cosine": "linear_cosine_decay noisy_linear_cosine_decay",
        # sessions that become ready, and stay so
        "minitf.sessions.coordinator": "Coordinator LooperThread",
        "minitf.sessions.creators": "ChiefSessionCreator SessionCreator WorkerSessionCreator",
        "minitf.sessions.hooks.feeding": "FeedFnHook FinalOpsHook",
        "minitf.sessions.hooks.saving": "CheckpointSaverHook CheckpointSaverListener",
        "minitf.sessions.hooks.stopping": "GlobalStepWaiterHook NanLossDuringTrainingError NanTensorHook StopAtStepHook",
        "minitf.sessions.hooks.telling": "LoggingTensorHook StepCounterHook",
        "minitf.sessions.hooks.timers": "SecondOrStepTimer",
        "minitf.sessions.monitored": "MonitoredSession SingularMonitoredSession",
        "minitf.sessions.scaffold": "Scaffold",
        "minitf.sessions.session_manager": "SessionManager",
        "minitf.sessions.session_run_hook": "SessionRunArgs SessionRunContext SessionRunHook SessionRunValues",
        "minitf.sessions.supervisor": "Supervisor basic_train_loop",
        "minitf.sessions.training": "MonitoredTrainingSession",
    },
    besides="minitf.train",
)
