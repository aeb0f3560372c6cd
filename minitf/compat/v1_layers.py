"""``tf.compat.v1.layers``: functions and layers whose weights live in variable scopes. Nothing is defined here."""

from __future__ import annotations

from minitf.core.lazy import names_from

__getattr__, __dir__, __all__ = names_from(
    __name__,
    {
        "minitf.layers.scoped": """
            AveragePooling1D AveragePooling2D BatchNormalization Conv1D Conv2D Conv2DTranspose Conv3D Dense Dropout Flatten
            MaxPooling1D MaxPooling2D SeparableConv1D SeparableConv2D average_pooling1d average_pooling2d batch_normalization
            conv1d conv2d conv2d_transpose conv3d dense dropout flatten max_pooling1d max_pooling2d separable_conv1d
            separable_conv2d""",
    },
)
