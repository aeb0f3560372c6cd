"""Which optimizer a name or an object stands for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minitf.core import dtypes, names
from minitf.objects.trackable import AutoTrackable
from minitf.objects.variable import Variable
from minitf.optimizers.keras.adam import Adam, Adamax, AdamW, Nadam
from minitf.optimizers.keras.adaptive import Adadelta, Adagrad, Ftrl, RMSprop
from minitf.optimizers.keras.descent import SGD, Lion
from minitf.optimizers.optimizer import Optimizer as OptimizerV1


class TFOptimizer(AutoTrackable):
    """An optimizer of TensorFlow 1.x in a Keras model: it counts steps in ``iterations`` (the edge "global_step")."""

    def __init__(self, optimizer: Any):
        self.optimizer = optimizer
        with names.entered(names.Scope()):
            self.global_step = Variable(0, trainable=False, name="TFOptimizer/iterations", dtype=dtypes.int64)

    @property
    def iterations(self) -> Any:
        """The variable that counts steps."""
        return self.global_step

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Any]], name: str | None = None) -> Any:
        """One step of the optimizer."""
        return self.optimizer.apply_gradients(grads_and_vars, self.global_step, name)


_BY_NAME: dict[str, Any] = {
    kind.__name__.lower(): kind
    for kind in (SGD, RMSprop, Adagrad, Adadelta, Adam, AdamW, Adamax, Nadam, Ftrl, Lion)
}  # fmt: skip


def get(identifier: Any) -> Any:
    """The optimizer that ``identifier`` stands for: a name such as "adam", or an optimizer. One of 1.x becomes a TFOptimizer.

    Raises ValueError for other things.
    """
    if isinstance(identifier, str) and identifier.lower() in _BY_NAME:
        return _BY_NAME[identifier.lower()]()
    if isinstance(identifier, OptimizerV1):
        return TFOptimizer(identifier)
    if hasattr(identifier, "apply_gradients") and not isinstance(identifier, type):
        return identifier
    raise ValueError(f"An optimizer is one of {sorted(_BY_NAME)} or an optimizer object, not {identifier!r}.")
