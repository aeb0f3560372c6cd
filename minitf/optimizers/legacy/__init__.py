"""``tf.keras.optimizers.legacy``: the optimizers of Keras up to 2.10. Each name loads its module when it is first used."""

from minitf.core.lazy import names_from

__getattr__, __dir__, __all__ = names_from(
    __name__,
    {
        "minitf.optimizers.legacy.adam": "Adam Adamax Nadam",
        "minitf.optimizers.legacy.adaptive": "Adadelta Adagrad Ftrl RMSprop",
        "minitf.optimizers.legacy.descent": "SGD",
        "minitf.optimizers.legacy.optimizer": "Optimizer",
    },
    first="minitf.runtimes.eager",
)
