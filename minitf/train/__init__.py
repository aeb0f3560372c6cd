"""``tf.train``: checkpoints, optimizers, and what goes with them, under TensorFlow's names.

Nothing is defined here; each name loads its module when it is first used.
"""

from __future__ import annotations

from minitf.core.lazy import names_from

__getattr__, __dir__, __all__ = names_from(
    __name__,
    {
        # saving and restoring objects
        "minitf.checkpoint.saver": "CheckpointableSaver",
        "minitf.checkpoint.checkpoint": "Checkpoint",
        "minitf.checkpoint.status": "CheckpointLoadStatus InitializationOnlyStatus",
        "minitf.checkpoint.name_based": "NameBasedSaverStatus",
        "minitf.checkpoint.manager": "CheckpointManager",
        "minitf.checkpoint.options": "CheckpointOptions",
        "minitf.checkpoint.frozen": "frozen_saver streaming_restore",
        # saving and restoring by name
        "minitf.checkpoint.name_saver": "Saver SaverDef",
        # files and directories
        "minitf.checkpoint.state_functions": """
            checkpoint_exists checkpoints_iterator generate_checkpoint_state_proto get_checkpoint_mtimes get_checkpoint_state
            latest_checkpoint remove_checkpoint update_checkpoint_state""",
        "minitf.storage.state_file": "CheckpointState",
        "minitf.checkpoint.reading": """
            CheckpointReader NewCheckpointReader list_variables load_checkpoint load_variable object_metadata""",
        "minitf.checkpoint.views": "CheckpointView TrackableView",
        "minitf.checkpoint.dot": "dot_graph_from_checkpoint gather_initializers list_objects serialize_object_graph",
        # trackable classes of one's own
        "minitf.objects.trackable": """
            AutoTrackable NoDependency Trackable children no_automatic_dependency_tracking track""",
        "minitf.objects.adding": "add_variable add_variable_with_getter",
        "minitf.objects.containers": "List Mapping UniqueNameTracker",
        "minitf.objects.python_state": "NumpyState PythonState PythonStringStateSaveable",
        "minitf.objects.saveable": "SaveSpec SaveableObject",
        # optimizers
        "minitf.optimizers": """
            AdadeltaOptimizer AdagradOptimizer AdamOptimizer ExponentialMovingAverage FtrlOptimizer GradientDescentOptimizer
            MomentumOptimizer Optimizer ProximalAdagradOptimizer ProximalGradientDescentOptimizer RMSPropOptimizer""",
        "minitf.optimizers.schedules": """
            cosine_decay cosine_decay_restarts exponential_decay inverse_time_decay natural_exp_decay piecewise_constant
            polynomial_decay piecewise_constant=piecewise_constant_decay""",
        "minitf.optimizers.global_step": "create_global_step get_global_step get_or_create_global_step global_step",
    },
    submodules="experimental",
)
