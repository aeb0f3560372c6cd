"""``tf.keras``: models, layers, and what goes with them. Nothing is defined here; each name loads its module when it is first
used.
"""

from minitf.core.lazy import names_from

__getattr__, __dir__, __all__ = names_from(
    __name__,
    {
        "minitf.layers.model": "Model",
        "minitf.layers.sequential": "Input Sequential",
        "minitf.layers": "*=layers",
        "minitf.layers.activations": "*=activations",
        "minitf.layers.callbacks": "*=callbacks",
        "minitf.layers.constraints": "*=constraints",
        "minitf.layers.initializers": "*=initializers",
        "minitf.layers.losses": "*=losses",
        "minitf.layers.metrics": "*=metrics",
        "minitf.layers.models": "*=models",
        "minitf.layers.regularizers": "*=regularizers",
        "minitf.layers.utils": "*=utils",
        "minitf.optimizers.keras": "*=optimizers",
    },
    first="minitf.runtimes.eager",
)
