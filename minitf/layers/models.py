"""``tf.keras.models``. Each name loads its module when it is first used."""

from minitf.core.lazy import names_from

__getattr__, __dir__, __all__ = names_from(
    __name__,
    {
        "minitf.layers.model": "Model",
        "minitf.layers.sequential": "Sequential",
    },
    first="minitf.runtimes.eager",
)
