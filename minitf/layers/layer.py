"""Layer: a function of tensors with weights of its own.

A layer makes its weights when it is first called (``build``), through ``add_weight``, which tracks them. So a checkpoint that
waits for the layer gives them their first values (eager mode) or restore ops (graph). Sublayers, variables, and lists, tuples
and dicts of them are found in the layer's attributes. Names of weights and edges are those of Keras 2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any, Self

from minitf.core import dtypes, names, runtime
from minitf.core.op import convert
from minitf.core.structures import flatten, pack
from minitf.core.tensor import Tensor
from minitf.layers import initializers, regularizers
from minitf.layers.abstract import shapes_of, specs_for, specs_of_call
from minitf.layers.call_arguments import constructor_arguments, mask_argument, training_argument
from minitf.layers.contents import each_once, leaves
from minitf.layers.input_spec import check_inputs
from minitf.layers.layer_facts import LayerFacts
from minitf.layers.layer_weights import LayerWeights
from minitf.layers.masks import masks_of, pass_on, with_mask_of
from minitf.objects.adding import add_variable_with_getter
from minitf.objects.distribution import VariableSynchronization
from minitf.objects.edges import tracking
from minitf.ops.creating import cast
from minitf.ops.shapes import shape as shape_of
from minitf.runtimes.building import init_scope
from minitf.runtimes.object_names import snake_case, unique_object_name

_training: ContextVar[Any] = ContextVar("minitf_training", default=None)
_depth: ContextVar[int] = ContextVar("minitf_layer_depth", default=0)


class Layer(LayerFacts, LayerWeights):
    """Base class of layers: define ``build(input_shape)`` to make weights and ``call(inputs)`` to use them.

    * ``trainable``: False freezes the weights of the layer and of all layers in it.
    * ``name``: by default the class name in snake case, numbered in each graph.
    * ``dtype``: of the weights, float32 by default; floating inputs are cast to it.
    * ``input_shape``: without the batch axis; lets a ``Sequential`` that begins with the layer build it at once.
    * ``activity_regularizer``: a penalty on the outputs; its mean over the examples of a batch joins ``losses``.

    ``call`` may take ``training``: what the caller gives, or what the layer around was called with, or False. A layer that sets
    ``supports_masking`` hands on the mask of its inputs as ``compute_mask`` says, and gets it if ``call`` takes ``mask``.
    """

    __slots__ = ("_added_losses", "_arguments", "_in_a_model", "_regularized_weights")

    input_spec: Any = None
    activity_regularizer: Any = None
    supports_masking = False
    _given_name: str | None = None
    _weight_dtype: dtypes.DType = dtypes.float32
    _trainable = True
    _is_metric = False
    _input_shape: tuple[int | None, ...] | None = None
    built = False
    _losses_added = False  # whether any layer of the process ever added a loss: most programs need not look for them
    _arguments: dict[str, Any]
    _in_a_model: tuple[Any, Any]  # the specs of inputs and outputs, as the Sequential knows them whose part the layer is

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Notes the arguments of the constructor, for ``get_config``."""
        layer = super().__new__(cls)
        object.__setattr__(layer, "_arguments", constructor_arguments(cls, args, kwargs))
        return layer

    def __init__(self, trainable: bool = True, name: str | None = None, dtype: Any = None, *, input_shape: Any = None,
                 batch_input_shape: Any = None, input_dim: int | None = None,
                 activity_regularizer: Any = None):  # fmt: skip
        self._given_name = self._automatic_name() if name is None else str(name)
        self._trainable = trainable
        if dtype is not None:
            self._weight_dtype = dtypes.as_dtype(dtype)
        if activity_regularizer is not None:
            self.activity_regularizer = regularizers.get(activity_regularizer)
        if batch_input_shape is not None:
            self._input_shape = tuple(batch_input_shape)
        elif input_shape is not None or input_dim is not None:
            self._input_shape = (None, *((input_dim,) if input_shape is None else input_shape))

    # -- what it is ----------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The layer's name."""
        if self._given_name is None:  # a subclass whose constructor does not call this class's
            self._given_name = self._automatic_name()
        return self._given_name

    def _automatic_name(self) -> str:
        return unique_object_name(snake_case(type(self).__name__))

    @property
    def name_scope(self) -> AbstractContextManager[str]:
        """A scope for names: the layer's name."""
        return runtime.current().home.name_scope(self.name)

    @property
    def dtype(self) -> str:
        """The name of the dtype of its weights."""
        return self._weight_dtype.name

    @property
    def trainable(self) -> bool:
        """Whether its weights are trained. Setting it sets all layers in it."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for layer in self._flatten_layers():
            layer._trainable = bool(value)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor by name, with the layer's name."""
        return {**self._arguments, "name": self.name}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """A new layer from ``get_config()``, without weights yet."""
        return cls(**config)

    # -- defining ------------------------------------------------------------------------------------------------------

    def build(self, input_shape: Any) -> None:
        """Makes the weights. Call ``add_weight`` in it.

        A TensorShape (or a list of them) tells the inputs' shape; whoever calls it may give a tuple instead.
        """
        self.built = True

    def call(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Computes the outputs."""
        return inputs

    def add_weight(self, name: str | None = None, shape: Any = None, dtype: Any = None, initializer: Any = None,
                   regularizer: Any = None, trainable: bool | None = None, constraint: Any = None,
                   synchronization: Any = None, aggregation: Any = None) -> Any:  # fmt: skip
        """A new variable of the layer, tracked under ``name`` (also if no attribute gets it).

        Without ``initializer``, floats are Glorot-uniform and other dtypes zero. A value that waits in a checkpoint takes the
        place of the initial value (eager mode). ``regularizer``: a function of the weight whose value joins ``losses``.
        ``constraint``: a function that gives the allowed value of the weight after each step of training.
        ``synchronization``, ``aggregation``: as of ``tf.Variable``. Raises ValueError for a weight that is to be trained and is
        put together ``ON_READ``.
        """
        self._check_trained(name, trainable, synchronization)
        wanted = self._weight_dtype if dtype is None else dtypes.as_dtype(dtype)
        start = initializers.get(initializer)
        if start is None:
            start = initializers.GlorotUniform() if wanted.is_floating else initializers.Zeros()
        weight = add_variable_with_getter(
            self,
            name or "Variable",
            () if shape is None else shape,
            wanted,
            start,
            overwrite=True,
            trainable=trainable,
            constraint=constraint,
            synchronization=synchronization,
            aggregation=aggregation,
        )
        if regularizer is not None:
            self._regularized.append((weight, regularizer))
        return weight

    add_variable = add_weight

    def _check_trained(self, name: str | None, trainable: bool | None, synchronization: Any) -> None:
        if trainable and synchronization is VariableSynchronization.ON_READ:
            raise ValueError(
                f"Layer {self.name!r}, add_weight({name!r}): a weight that is put together on reading "
                "(VariableSynchronization.ON_READ) cannot be trained. Leave one of the two out."
            )

    # -- calling -------------------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """``call`` with the inputs as tensors; builds the layer if this is the first time.

        Raises ValueError for inputs that do not go with ``input_spec``.
        """
        if not args:
            raise ValueError(f"Layer {self.name!r} was called without inputs: give them as the first argument.")
        inputs = self._as_inputs(args[0])
        check_inputs(self.input_spec, inputs, self.name)
        training = self._training_for(args, kwargs)
        mask = self._mask_for(args, kwargs) if self.supports_masking else None
        depth = _depth.get()
        if depth == 0:
            self._forget_losses()
        tokens = (_depth.set(depth + 1), _training.set(training))
        outside = names.scope()
        try:
            with self.name_scope:
                if not self.built:
                    self._build_for(inputs, outside)
                outputs = self.call(inputs, *args[1:], **kwargs)
                if self.activity_regularizer is not None:
                    self._penalise(outputs)
                if self.supports_masking and (mask is not None or type(self).compute_mask is not Layer.compute_mask):
                    pass_on(self, inputs, outputs, mask)
                return outputs
        finally:
            _depth.reset(tokens[0])
            _training.reset(tokens[1])

    def _as_inputs(self, given: Any) -> Any:
        if not isinstance(given, Tensor):
            if any(isinstance(part, Layer) for part in flatten(given)):
                raise NotImplementedError(
                    f"Layer {self.name!r} was called with a layer, not with tensors: functional models, built by calling "
                    f"layers on keras.Input, are not in minitf. Use Sequential, or a subclass of Model that calls its layers "
                    f"in `call`."
                )
            if not isinstance(given, (list, tuple, dict)):
                given = convert(given)
        return _map(given, self._as_input)

    def _as_input(self, value: Any) -> Any:
        if isinstance(value, Tensor) or hasattr(value, "dtype") or hasattr(value, "_as_tensor"):
            tensor = convert(value)
            return with_mask_of(tensor, cast(tensor, self._weight_dtype)) if tensor.dtype.is_floating else tensor
        return convert(value) if isinstance(value, (int, float)) else value

    def _training_for(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What this call trains with; put among ``kwargs`` if ``call`` takes it."""
        place, default = training_argument(self)
        given = kwargs.get("training")
        if place is None:
            kwargs.pop("training", None)  # only the layers inside take it
            return _training.get() if given is None else given
        if len(args) > place:
            return _training.get() if args[place] is None else args[place]
        if given is None:
            given = _training.get()
        if given is None:
            given = default
        kwargs["training"] = given
        return given

    def _mask_for(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The mask of this call: the one given, or that of the inputs, which is put among ``kwargs`` if ``call`` takes it."""
        place = mask_argument(self)
        given = args[place] if place is not None and len(args) > place else kwargs.get("mask")
        if given is None:
            given = masks_of(args[0])
            if given is not None and place is not None:
                kwargs["mask"] = given
        return given

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the outputs (a list for several), from that of the inputs: by default the same."""
        return mask

    def _build_for(self, inputs: Any, outside: names.Scope) -> None:
        """Builds the layer for these inputs. ``outside`` is the scope in which it was called."""
        with init_scope():
            self.build(shapes_of(inputs))
        self.built = True
        self._set_initial_weights()

    def _set_initial_weights(self) -> None:
        """Hook for layers that were made with their weights' values."""

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the outputs for inputs of a shape (or list of shapes). Builds the layer if it was not built."""
        return shapes_of(self._output_specs(specs_for(input_shape, self._weight_dtype)))

    def _output_specs(self, specs: Any) -> Any:
        return specs_of_call(self, specs)

    # -- the layers in it ----------------------------------------------------------------------------------------------

    def _sublayers(self) -> list[Layer]:
        """The layers among the attributes, in the order in which they were set."""
        return each_once([v for edge in list(tracking(self).edges.values()) for v in leaves(edge, Layer)])

    def _flatten_layers(self) -> Iterator[Layer]:
        """The layer and all layers in it, each once."""
        found: dict[int, Layer] = {id(self): self}
        queue = [self]
        for layer in queue:
            yield layer
            for part in layer._sublayers():
                if id(part) not in found:
                    found[id(part)] = part
                    queue.append(part)

    # -- losses --------------------------------------------------------------------------------------------------------

    @property
    def losses(self) -> list[Any]:
        """What ``add_loss`` was given since the outermost layer was last called, and the regularisation of all weights, as
        tensors.
        """
        out = []
        for layer in self._flatten_layers():
            out += [loss() if callable(loss) else loss for loss in layer._losses]
            out += [regularizer(weight) for weight, regularizer in layer._regularized]
        return out

    def add_loss(self, losses: Any) -> None:
        """Adds scalars to the loss: tensors (call it in ``call``), or functions without arguments, which stay for good."""
        Layer._losses_added = True
        for loss in flatten(losses):
            self._losses.append(loss)

    def _penalise(self, outputs: Any) -> None:
        for output in flatten(outputs):
            self.add_loss(self.activity_regularizer(output) / cast(shape_of(output)[0], output.dtype))

    @property
    def _losses(self) -> list[Any]:
        return self._private("_added_losses")

    @property
    def _regularized(self) -> list[tuple[Any, Callable[[Any], Any]]]:
        return self._private("_regularized_weights")

    def _private(self, slot: str) -> list[Any]:
        """A list of the layer's that is no attribute of the user's, made at first use."""
        if not hasattr(self, slot):
            object.__setattr__(self, slot, [])
        return getattr(self, slot)  # type: ignore[no-any-return]

    def _forget_losses(self) -> None:
        if not Layer._losses_added:
            return
        for layer in self._flatten_layers():
            if layer._losses:
                layer._losses[:] = [loss for loss in layer._losses if callable(loss)]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}{'' if self.built else ' (not built)'}>"


def _map(structure: Any, function: Callable[[Any], Any]) -> Any:
    if isinstance(structure, Tensor):
        return function(structure)
    return pack(structure, [function(leaf) for leaf in flatten(structure)])
