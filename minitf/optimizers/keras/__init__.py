"""``tf.keras.optimizers``. Each name loads its module when it is first used."""

from minitf.core.lazy import names_from

__getattr__, __dir__, __all__ = names_from(
    __name__,
    {
        "minitf.optimizers.schedules": "*=schedules",
        "minitf.optimizers.keras.adam": "Adam AdamW Adamax Nadam",
        "minitf.optimizers.keras.adaptive": "Adadelta Adagrad Ftrl RMSprop",
        "minitf.optimizers.keras.chosen": "get",
        "minitf.optimizers.keras.descent": "Lion SGD",
        "minitf.optimizers.keras.optimizer": "Optimizer",
        "minitf.optimizers.legacy": "*=legacy",
    },
    first="minitf.runtimes.eager",
)
