"""Several things done at the same time, by threads that are through with all of them when the call returns."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeVar

from minitf.core.locks import left_open

Job = TypeVar("Job")
Result = TypeVar("Result")


def run(jobs: Sequence[Job], one: Callable[[Job], Result], threads: int) -> list[Result]:
    """What ``one`` gives of each job, in the order of the jobs; this thread works, too.

    After an error, or Ctrl-C, none is begun, and those under way come to their end before it is raised. Where no thread can be
    started (there are too many, or the interpreter is about to end) fewer do the same. A pool of ``concurrent.futures`` takes
    no more jobs when the main thread has ended, while a save in the background goes on.
    """
    out: dict[int, Result] = {}
    waiting = deque(enumerate(jobs))
    errors: list[BaseException] = []

    def work(busy: threading.Lock) -> None:
        with busy:
            while not errors:
                try:
                    number, job = waiting.popleft()
                except IndexError:
                    return
                try:
                    out[number] = one(job)
                except BaseException as error:
                    errors.append(error)

    locks = [left_open(threading.Lock()) for _ in range(max(1, min(threads, len(jobs))))]
    helpers = [(threading.Thread(target=work, args=(busy,)), busy) for busy in locks[1:]]
    try:
        for helper, _ in helpers:
            try:
                helper.start()
            except RuntimeError:
                break
        work(locks[0])
    except BaseException as error:  # an interrupt; the helpers still use memory and files of the caller
        errors.append(error)
    while helpers:
        try:
            helper, busy = helpers[-1]
            with busy:  # an interrupted start leaves a thread that cannot be joined; late, it finds nothing to do
                pass
            with contextlib.suppress(RuntimeError):
                helper.join()
            helpers.pop()
        except BaseException as error:
            errors.append(error)
    if errors:
        raise errors[0]
    return [out[number] for number in range(len(jobs))]
