"""The op that restore ops of a graph read with.

Its source is a fed open checkpoint (a ``Reader``), so that one op serves every file. The value is checked before anything is
assigned: neither dtype nor shape is ever converted.
"""

from typing import TYPE_CHECKING, Any, TypeAlias

from minitf.core import dtypes
from minitf.core.op import Kind, op
from minitf.core.spec import Spec, compatible, shape_text
from minitf.errors import DTypeError, FailedPreconditionError, InvalidArgumentError

if TYPE_CHECKING:
    Checkpoint: TypeAlias = Any
else:
    Checkpoint = Kind("an open checkpoint", (dtypes.variant,))


@op(stateful=True)
def checkpoint_source():
    """Stands for the checkpoint that is restored; fed by ``run_restore_ops``."""
    raise FailedPreconditionError(
        None, None,
        "A restore op was run without its checkpoint. Run it through status.run_restore_ops() or initialize_or_restore().",
    )  # fmt: skip


@checkpoint_source.infer
def _() -> Spec:
    return Spec(dtypes.variant, ())


@op(stateful=True)
def read_tensor(source: Checkpoint, *, key, dtype, shape):
    """The value saved under ``key``.

    Raises InvalidArgumentError unless it has this dtype and shape, NotFoundError without it.
    """
    reader = source[()]
    stored = reader.spec(key).dtype.np  # before the value is read, which may be large
    if stored != dtype.np and hasattr(reader, "renewed"):
        stored = reader.renewed().spec(key).dtype.np
    if stored != dtype.np:
        raise DTypeError(
            None, None,
            f"restore: the saved value {key!r} is {stored}, but the variable is {dtype.name}. Nothing was assigned; make "
            f"the variable with the saved dtype. ({reader.source})",
        )  # fmt: skip
    value = reader.read(key)
    if not compatible(shape, value.shape):
        raise InvalidArgumentError(
            None, None,
            f"restore: the saved value {key!r} has shape {value.shape}, but the variable has shape {shape_text(shape)}. "
            f"Nothing was assigned. ({reader.source})",
        )  # fmt: skip
    return value[()] if value.ndim == 0 and value.dtype.kind != "O" else value


@read_tensor.infer
def _(source: Spec, *, key: str, dtype: Any, shape: Any) -> Spec:
    return Spec(dtype, shape)
