"""The errors that minitf raises: TensorFlow's classes, with texts of our own.

Tree (the number is the status code that TensorFlow gives the class)::

    OpError
      CancelledError 1        UnknownError 2           InvalidArgumentError 3
      DeadlineExceededError 4 NotFoundError 5          AlreadyExistsError 6
      PermissionDeniedError 7 ResourceExhaustedError 8 FailedPreconditionError 9
      AbortedError 10         OutOfRangeError 11       UnimplementedError 12
      InternalError 13        UnavailableError 14      DataLossError 15
      UnauthenticatedError 16
    ShapeError(InvalidArgumentError, ValueError)
    DTypeError(InvalidArgumentError, TypeError, ValueError)
    OperatorNotAllowedInGraphError(TypeError)

``ShapeError`` and ``DTypeError`` belong to minitf: TensorFlow raises one class when it runs an op and another when
it builds the op into a graph; the shape rule that finds the mistake is the same, so one error is both.
"""

from __future__ import annotations

from typing import Any

OK = 0
CANCELLED, UNKNOWN, INVALID_ARGUMENT, DEADLINE_EXCEEDED, NOT_FOUND, ALREADY_EXISTS = 1, 2, 3, 4, 5, 6
PERMISSION_DENIED, RESOURCE_EXHAUSTED, FAILED_PRECONDITION, ABORTED, OUT_OF_RANGE = 7, 8, 9, 10, 11
UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS, UNAUTHENTICATED = 12, 13, 14, 15, 16


class OpError(Exception):
    """An operation failed.

    Arguments are in TensorFlow's order: ``node_def`` (always None in minitf), ``op`` (the graph operation that failed,
    or None), ``message``. ``raise NotFoundError(None, None, "text")`` and the shorter ``NotFoundError("text")`` mean
    the same.
    """

    code = UNKNOWN

    def __init__(self, node_def: Any = None, op: Any = None, message: str | None = None, error_code: int | None = None):
        if message is None and isinstance(node_def, str):
            node_def, message = None, node_def
        self.node_def = node_def
        self.op = op
        self.message = message or ""
        self.error_code = self.code if error_code is None else error_code
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (None, None, self.message)


class CancelledError(OpError):
    """The operation was cancelled."""

    code = CANCELLED


class UnknownError(OpError):
    """The cause is not known."""

    code = UNKNOWN


class InvalidArgumentError(OpError):
    """An argument is not acceptable."""

    code = INVALID_ARGUMENT


class DeadlineExceededError(OpError):
    """The operation took too long."""

    code = DEADLINE_EXCEEDED


class NotFoundError(OpError):
    """A file, a key or a variable was not found."""

    code = NOT_FOUND


class AlreadyExistsError(OpError):
    """What should be made exists already."""

    code = ALREADY_EXISTS


class PermissionDeniedError(OpError):
    """The operating system refused access."""

    code = PERMISSION_DENIED


class ResourceExhaustedError(OpError):
    """Disk, memory or file handles ran out."""

    code = RESOURCE_EXHAUSTED


class FailedPreconditionError(OpError):
    """The system is not in the state that the operation needs, for example a variable has no value yet."""

    code = FAILED_PRECONDITION


class AbortedError(OpError):
    """The operation was given up, usually because of another one running at the same time."""

    code = ABORTED


class OutOfRangeError(OpError):
    """The operation went past the end of the valid range, for example of a file."""

    code = OUT_OF_RANGE


class UnimplementedError(OpError):
    """The operation is not supported."""

    code = UNIMPLEMENTED


class InternalError(OpError):
    """Something that must always hold does not."""

    code = INTERNAL


class UnavailableError(OpError):
    """The system cannot be reached at the moment."""

    code = UNAVAILABLE


class DataLossError(OpError):
    """Data was lost or damaged: a checksum, a size or a structure does not fit."""

    code = DATA_LOSS


class UnauthenticatedError(OpError):
    """The caller is not known."""

    code = UNAUTHENTICATED


class OperatorNotAllowedInGraphError(TypeError):
    """Python asked a tensor of a graph for what only a value has, such as its truth (``if``) or its elements (``for``)."""


class ShapeError(InvalidArgumentError, ValueError):
    """Shapes that do not go together (TensorFlow: InvalidArgumentError eager, ValueError while building a graph)."""


class DTypeError(InvalidArgumentError, TypeError, ValueError):
    """Dtypes that do not go together.

    TensorFlow raises InvalidArgumentError when it runs the op, TypeError when it builds it into a graph, and ValueError when it
    converts one argument to the dtype of another first.
    """
