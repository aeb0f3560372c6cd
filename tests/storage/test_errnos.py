"""The class of error for each number of the system. Measured: TensorFlow 2.21, when ``fopen`` fails with the number."""

import errno

import pytest

from minitf import errors
from minitf.storage.errnos import class_of

MEASURED = """
NotFoundError ENODEV ENOENT ENXIO ESRCH
AlreadyExistsError EADDRNOTAVAIL EALREADY EEXIST
PermissionDeniedError EACCES EPERM EROFS
FailedPreconditionError EADDRINUSE EBADF EBUSY ECHILD EISCONN EISDIR ENOTBLK ENOTCONN ENOTDIR ENOTEMPTY EPIPE ESHUTDOWN ETXTBSY
ResourceExhaustedError EDQUOT EMFILE EMLINK ENFILE ENOBUFS ENODATA ENOMEM ENOSPC ENOSR EUSERS
InvalidArgumentError E2BIG EDESTADDRREQ EDOM EFAULT EILSEQ EINVAL ENAMETOOLONG ENOPROTOOPT ENOSTR ENOTSOCK ENOTTY EPROTOTYPE
InvalidArgumentError ESPIPE
OutOfRangeError EFBIG EOVERFLOW ERANGE
UnimplementedError EAFNOSUPPORT ENOSYS ENOTSUP EOPNOTSUPP EPFNOSUPPORT EPROTONOSUPPORT ESOCKTNOSUPPORT EXDEV
UnavailableError EAGAIN ECONNABORTED ECONNREFUSED ECONNRESET EHOSTDOWN EHOSTUNREACH EINTR ENETDOWN ENETRESET ENETUNREACH ENOLCK
UnavailableError ENOLINK ENONET
DeadlineExceededError ETIME ETIMEDOUT
AbortedError EDEADLK ESTALE
CancelledError ECANCELED
UnknownError EIO ELOOP EPROTO
"""
CASES = [(name, line.split()[0]) for line in MEASURED.strip().splitlines() for name in line.split()[1:]]


@pytest.mark.parametrize("name, kind", [(name, kind) for name, kind in CASES if hasattr(errno, name)])
def test_the_class_of_a_number(name, kind):
    assert class_of(getattr(errno, name)) is getattr(errors, kind)


def test_no_number_says_nothing():
    assert class_of(None) is class_of(0) is class_of(99_999) is errors.UnknownError
