"""Ops on iterators of 1.x. Their handle's cell holds the function that gives the arrays of the next element."""

from minitf.core.dtypes import bool as boolean
from minitf.core.op import Place, op
from minitf.core.spec import Spec
from minitf.errors import FailedPreconditionError


@op(name="iterator_get_next", stateful=True)
def get_next(handle: Place, *, start, specs):
    """The tensors of the next element of an iterator: what the function gives that is the cell's value."""
    with handle.lock:
        if handle.value is None:
            if start is None:
                raise FailedPreconditionError(
                    "GetNext() failed because the iterator has not been initialized in this session: run iterator.initializer."
                )
            handle.value = start()
        return handle.value()


@get_next.infer
def _(handle, *, start, specs):
    return specs


@op(name="make_iterator", stateful=True)
def make_iterator(handle: Place, *, start):
    """Places an iterator before the first element."""
    with handle.lock:
        handle.value = start()
    return True


@make_iterator.infer
def _(handle, *, start):
    return Spec(boolean, ())
