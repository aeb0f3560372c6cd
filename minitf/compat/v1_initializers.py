"""``tf.compat.v1.initializers``: with the defaults of TensorFlow 1.x. Nothing is defined here."""

from __future__ import annotations

from minitf.core.lazy import names_from

__getattr__, __dir__, __all__ = names_from(
    __name__,
    {
        "minitf.layers.initializers_v1": """
            Constant=constant GlorotNormal=glorot_normal GlorotUniform=glorot_uniform Identity=identity Ones=ones
            Orthogonal=orthogonal RandomNormal=random_normal RandomUniform=random_uniform TruncatedNormal=truncated_normal
            UniformUnitScaling=uniform_unit_scaling VarianceScaling=variance_scaling Zeros=zeros""",
        "minitf.layers.initializers": "he_normal he_uniform lecun_normal lecun_uniform",
        "minitf.runtimes.building": """
            global_variables_initializer=global_variables local_variables_initializer=local_variables
            variables_initializer=variables""",
    },
)
