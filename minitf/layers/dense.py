"""Layers of matrix products: Dense, and EinsumDense for several axes at once."""

from __future__ import annotations

from typing import Any

from minitf.core.spec import as_shape
from minitf.layers import activations
from minitf.layers.abstract import given_shapes
from minitf.layers.input_spec import InputSpec
from minitf.layers.layer import Layer
from minitf.layers.weight_settings import make, settle
from minitf.ops.products import matmul


class Dense(Layer):
    """``activation(inputs @ kernel + bias)``: every output depends on every input of the last axis.

    Weights: ``kernel`` (inputs, units), ``bias`` (units). Inputs need two axes or more.
    """

    supports_masking = True

    def __init__(self, units: int, activation: Any = None, use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
                 bias_initializer: Any = "zeros", kernel_regularizer: Any = None, bias_regularizer: Any = None,
                 activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None,
                 **kwargs: Any):  # fmt: skip
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.units = int(units)
        if self.units <= 0:
            raise ValueError(f"Dense: units must be positive, not {units}.")
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        settle(self, "kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        settle(self, "bias", bias_initializer, bias_regularizer, bias_constraint)
        self.input_spec = InputSpec(min_ndim=2)

    def build(self, input_shape: Any) -> None:
        """Makes kernel and bias. Raises ValueError if the size of the last axis is not known."""
        size = last_size(given_shapes(input_shape), self)
        self.input_spec = InputSpec(min_ndim=2, axes={-1: size})
        self.kernel = make(self, "kernel", (size, self.units))
        self.bias = make(self, "bias", (self.units,)) if self.use_bias else None
        self.built = True

    def call(self, inputs: Any) -> Any:
        """The product, in rows along the last axis."""
        outputs = matmul(inputs, self.kernel)
        if self.bias is not None:
            outputs = outputs + self.bias
        return self.activation(outputs)


class EinsumDense(Layer):
    """``activation(einsum(equation, inputs, kernel) + bias)``, for kernels with several axes of inputs or outputs.

    ``output_shape`` is the shape of the outputs without the batch axis (None: the size is the inputs'); ``bias_axes`` the
    letters of the output axes that have biases of their own. Example: ``EinsumDense("abc,cde->abde", (None, 2, 3),
    bias_axes="de")``.
    """

    def __init__(self, equation: str, output_shape: Any, activation: Any = None, bias_axes: str | None = None,
                 kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros", kernel_regularizer: Any = None,
                 bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None,
                 bias_constraint: Any = None, **kwargs: Any):  # fmt: skip
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.equation = equation
        self.partial_output_shape = list(as_shape(output_shape) or ())
        self.activation = activations.get(activation)
        self.bias_axes = bias_axes
        settle(self, "kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        settle(self, "bias", bias_initializer, bias_regularizer, bias_constraint)

    def build(self, input_shape: Any) -> None:
        """Makes kernel and bias in the shapes that the equation says. Raises ValueError if a size is not known or does not
        fit.
        """
        input_shape = given_shapes(input_shape)
        terms, result = self.equation.replace(" ", "").split("->")
        given, kernel = terms.split(",")
        if len(input_shape) != len(given):
            raise ValueError(f"EinsumDense: {self.equation!r} takes inputs with {len(given)} axes, not of shape {input_shape}.")
        sizes = dict(zip(given, input_shape, strict=True))
        wanted = [None, *self.partial_output_shape]
        if len(wanted) != len(result):
            raise ValueError(f"EinsumDense: output_shape must have {len(result) - 1} sizes for the outputs {result!r}.")
        for letter, size in zip(result, wanted, strict=True):
            if size is not None and sizes.setdefault(letter, size) not in (size, None):
                raise ValueError(
                    f"EinsumDense: axis {letter!r} has size {sizes[letter]} in the inputs, but output_shape says {size}."
                )
        self.full_output_shape = [sizes.get(letter) for letter in result]
        self.kernel = make(self, "kernel", self._shape(kernel, sizes))
        self.bias = None
        if self.bias_axes is not None:
            first = min(result.index(letter) for letter in self.bias_axes)
            shape = [sizes.get(letter) if letter in self.bias_axes else 1 for letter in result[first:]]
            self.bias = make(self, "bias", shape)
        self.built = True

    def _shape(self, letters: str, sizes: dict[str, Any]) -> list[Any]:
        open_axes = [letter for letter in letters if sizes.get(letter) is None]
        if open_axes:
            raise ValueError(
                f"EinsumDense: the size of axis {open_axes[0]!r} of {self.equation!r} must be known to make the kernel."
            )
        return [sizes[letter] for letter in letters]

    def call(self, inputs: Any) -> Any:
        """The sum that the equation says."""
        from minitf.ops.einsum import einsum

        outputs = einsum(self.equation, inputs, self.kernel)
        if self.bias is not None:
            outputs = outputs + self.bias
        return self.activation(outputs)


def last_size(input_shape: Any, layer: Layer) -> int:
    """The size of the inputs' last axis. Raises ValueError if it is not known."""
    if input_shape.rank is None or input_shape[-1] is None:
        raise ValueError(
            f"The last axis of the inputs of {type(layer).__name__} {layer.name!r} must have a known size, because its weights "
            f"have it; the shape is {input_shape}."
        )
    return int(input_shape[-1])
