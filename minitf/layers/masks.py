"""Masks: which steps of a sequence count.

A mask is a boolean tensor (batch, steps). It goes with a tensor from layer to layer: a layer that ``supports_masking`` finds
the masks of its inputs (``call`` gets them as ``mask``, if it takes that) and gives its outputs those that its
``compute_mask`` says. ``tensor._keras_mask`` shows a tensor's mask. Losses, and the metrics of ``fit``, leave out what is
masked.
"""

from __future__ import annotations

import weakref
from typing import Any

from minitf.core.structures import flatten, pack
from minitf.core.tensor import Tensor

# By the identity of a tensor: the tensor, held weakly, and its mask.
_kept: dict[int, tuple[weakref.ref[Tensor], Any]] = {}


def mask_of(tensor: Any) -> Any:
    """The mask that goes with a tensor, or None."""
    known = _kept.get(id(tensor))
    return None if known is None else known[1]


def give_mask(tensor: Tensor, mask: Any) -> None:
    """Lets a mask go with a tensor, in the place of another; None for none."""
    key = id(tensor)
    if mask is None:
        _kept.pop(key, None)
    else:
        _kept[key] = weakref.ref(tensor, lambda _: _kept.pop(key, None)), mask


def with_mask_of(tensor: Any, result: Any) -> Any:
    """``result``, which is the same steps as ``tensor``, with its mask."""
    if _kept and result is not tensor:
        give_mask(result, mask_of(tensor))
    return result


def masks_of(structure: Any) -> Any:
    """The masks of tensors in their structure (a list for a list), or None if none of them has one."""
    if not _kept:
        return None
    if isinstance(structure, Tensor):
        return mask_of(structure)
    found = [mask_of(t) for t in flatten(structure)]
    return None if all(m is None for m in found) else pack(structure, found)


def pass_on(layer: Any, inputs: Any, outputs: Any, mask: Any) -> None:
    """Gives a layer's outputs the masks that its ``compute_mask`` says, unless the layers inside have done it."""
    tensors = flatten(outputs)
    if all(mask_of(t) is not None for t in tensors):
        return
    computed = layer.compute_mask(inputs, mask)
    if computed is None:
        return
    for tensor, one in zip(tensors, flatten(computed), strict=False):
        give_mask(tensor, one)


setattr(Tensor, "_keras_mask", property(mask_of, give_mask))  # noqa: B010 - the class knows nothing of it
