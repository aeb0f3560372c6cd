"""Values that an object saves and restores by its own rule, as TensorFlow 1.x has it: ``SaveableObject`` with ``SaveSpec``.

    class Mirrored(tf.train.SaveableObject):
        def __init__(self, primary, mirror, name):
            self.primary, self.mirror = primary, mirror
            super().__init__(primary, [tf.train.SaveSpec(primary.read_value(), "", name)], name)

        def restore(self, restored_tensors, restored_shapes):
            [tensor] = restored_tensors
            return tf.group(self.primary.assign(tensor), self.mirror.assign(tensor))

A trackable class gives them from ``_gather_saveables_for_checkpoint()``, by attribute name, or functions of ``name`` that make
them. The name-based ``train.Saver`` takes them in its list.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from minitf.core import dtypes
from minitf.core.dtypes import DType


class SaveSpec:
    """One tensor to be saved.

    * ``tensor``: the tensor, or a function that gives it at every save (then ``dtype`` is needed).
    * ``slice_spec``: always "": values are saved whole.
    * ``name``: its name in a name-based checkpoint.
    """

    def __init__(self, tensor: Any, slice_spec: str, name: str, dtype: Any = None, device: Any = None):
        if slice_spec:
            raise NotImplementedError(
                f"SaveSpec({name!r}): values are saved whole; slice_spec must be empty, not {slice_spec!r}."
            )
        if callable(tensor) and dtype is None:
            raise AssertionError(f"SaveSpec({name!r}): the dtype must be given if the tensor is a function.")
        self._tensor = tensor
        self.slice_spec = slice_spec
        self.name = name
        self.dtype: DType = tensor.dtype if dtype is None else dtypes.as_dtype(dtype)
        self.device = device or ""

    @property
    def tensor(self) -> Any:
        """The tensor."""
        return self._tensor() if callable(self._tensor) else self._tensor


class SaveableObject:
    """Several tensors that are saved together, and restored by ``restore``.

    ``op`` is what they belong to, ``specs`` the tensors, ``name`` what their names in an object-based checkpoint begin with.
    """

    def __init__(self, op: Any, specs: Sequence[SaveSpec] | Callable[[], Sequence[SaveSpec]], name: str):
        self.op = op
        self.specs = specs() if callable(specs) else specs
        self.name = name

    @property
    def device(self) -> Any:
        """Where the tensors are; devices have no effect."""
        return self.specs[0].device

    def restore(self, restored_tensors: Sequence[Any], restored_shapes: Any) -> Any:
        """Assigns the restored tensors, in the order of ``specs``; in a graph it gives the operation that does.

        To be overridden. ``restored_shapes`` is always None.
        """
        raise ValueError(
            f"{type(self).__name__} must say how it is restored: override restore(restored_tensors, restored_shapes)."
        )
