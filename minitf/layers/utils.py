"""``tf.keras.utils``. Each name loads its module when it is first used."""

from minitf.core.lazy import names_from

__getattr__, __dir__, __all__ = names_from(
    __name__,
    {
        "minitf.layers.batches": "pack_x_y_sample_weight unpack_x_y_sample_weight",
        "minitf.layers.data_tools": "normalize pad_sequences set_random_seed to_categorical",
    },
    first="minitf.runtimes.eager",
)
