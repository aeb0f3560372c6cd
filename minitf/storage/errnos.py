"""Which error class stands for which number of the system: as TensorFlow's file functions have it."""

from __future__ import annotations

import errno

from minitf import errors

_NAMES: dict[type[errors.OpError], str] = {
    errors.NotFoundError: "ENODEV ENOENT ENXIO ESRCH",
    errors.AlreadyExistsError: "EADDRNOTAVAIL EALREADY EEXIST",
    errors.PermissionDeniedError: "EACCES EPERM EROFS",
    errors.FailedPreconditionError: """
        EADDRINUSE EBADF EBUSY ECHILD EISCONN EISDIR ENOTBLK ENOTCONN ENOTDIR ENOTEMPTY EPIPE ESHUTDOWN ETXTBSY""",
    errors.ResourceExhaustedError: "EDQUOT EMFILE EMLINK ENFILE ENOBUFS ENODATA ENOMEM ENOSPC ENOSR EUSERS",
    errors.InvalidArgumentError: """
        E2BIG EDESTADDRREQ EDOM EFAULT EILSEQ EINVAL ENAMETOOLONG ENOPROTOOPT ENOSTR ENOTSOCK ENOTTY EPROTOTYPE ESPIPE""",
    errors.OutOfRangeError: "EFBIG EOVERFLOW ERANGE",
    errors.UnimplementedError: "EAFNOSUPPORT ENOSYS ENOTSUP EOPNOTSUPP EPFNOSUPPORT EPROTONOSUPPORT ESOCKTNOSUPPORT EXDEV",
    errors.UnavailableError: """
        EAGAIN ECONNABORTED ECONNREFUSED ECONNRESET EHOSTDOWN EHOSTUNREACH EINTR ENETDOWN ENETRESET ENETUNREACH ENOLCK ENOLINK
        ENONET""",
    errors.DeadlineExceededError: "ETIME ETIMEDOUT",
    errors.AbortedError: "EDEADLK ESTALE",
    errors.CancelledError: "ECANCELED",
}
_CLASSES = {getattr(errno, name): kind for kind, names in _NAMES.items() for name in names.split() if hasattr(errno, name)}


def class_of(number: int | None) -> type[errors.OpError]:
    """The class for an errno; UnknownError for numbers that tell nothing more, such as EIO and ELOOP."""
    return _CLASSES.get(number or 0, errors.UnknownError)
