"""Runs with hooks: what they ask for is fetched and fed besides, and they may ask that no run follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from minitf.runtimes import session_options
from minitf.runtimes.session import Session
from minitf.sessions.session_run_hook import SessionRunArgs, SessionRunContext, SessionRunHook, SessionRunValues


class HookedSession:
    """A session, and the hooks that are called around its runs."""

    def __init__(self, session: Session, hooks: Sequence[SessionRunHook]):
        self.session = session
        self._hooks = hooks
        self._stop = False
        self._options, self._metadata = session_options.RunOptions, session_options.RunMetadata

    def should_stop(self) -> bool:
        """True once a hook has requested a stop."""
        return self._stop

    def run(self, fetches: Any, feed_dict: Mapping[Any, Any] | None = None, options: Any = None,
            run_metadata: Any = None) -> Any:  # fmt: skip
        """``Session.run`` between the hooks' ``before_run`` and ``after_run``.

        Raises RuntimeError after a stop was requested, and for a tensor that is fed twice.
        """
        if self._stop:
            raise RuntimeError("Run called even after should_stop requested. Ask should_stop() before each run.")
        if options is not None or run_metadata is not None:
            session_options.check_run(options, run_metadata)
        options = self._options() if options is None else options
        run_metadata = self._metadata() if run_metadata is None else run_metadata
        context = SessionRunContext(SessionRunArgs(fetches, feed_dict), self.session)
        wanted, feeds = self._before(context, feed_dict, options)
        results, found = self._run(fetches, list(wanted.values()), feeds)
        answers = dict(zip(wanted, found, strict=True))
        for number, hook in enumerate(self._hooks):
            hook.after_run(context, SessionRunValues(answers.get(number), options, run_metadata))
        self._stop = self._stop or context.stop_requested
        return results

    def _run(self, fetches: Any, wanted: list[Any], feeds: Any) -> tuple[Any, list[Any]]:
        """The values of the fetches and of what hooks want. A list is not put into another: flat ones are found faster."""
        if not wanted:
            return self.session.run(fetches, feeds), []
        own = fetches if type(fetches) is list else [fetches]
        found = self.session.run([*own, *wanted], feeds)
        return found[: len(own)] if own is fetches else found[0], found[len(own) :]

    def _before(self, context: SessionRunContext, feed_dict: Any, options: Any) -> tuple[dict[int, Any], Any]:
        """What the hooks want fetched, by their number, and all that is fed; ``options`` take up what they want besides."""
        wanted: dict[int, Any] = {}
        feeds: dict[Any, Any] = {}
        for number, hook in enumerate(self._hooks):
            request = hook.before_run(context)
            if request is None:
                continue
            if request.fetches is not None:
                wanted[number] = request.fetches
            if request.feed_dict:
                _add(feeds, request.feed_dict, f"Same tensor is fed by two hooks, the second of them {hook!r}")
            if request.options is not None:
                session_options.check_run(request.options, None)
                _take_up(options, request.options)
        if not feeds:
            return wanted, feed_dict
        _add(feeds, feed_dict or {}, "Same tensor is fed by a SessionRunHook and user")
        return wanted, feeds

    def close(self) -> None:
        """Closes the session."""
        self.session.close()


def _add(feeds: dict[Any, Any], more: Mapping[Any, Any], what: str) -> None:
    twice = [tensor for tensor in more if tensor in feeds]
    if twice:
        raise RuntimeError(f"{what}: {', '.join(map(str, twice))}.")
    feeds.update(more)


def _take_up(options: Any, more: Any) -> None:
    """Gives the options of a run what a hook wants besides: the larger number, the truth."""
    for field, value in more.ListFields():
        if field.type == field.TYPE_MESSAGE:
            getattr(options, field.name).MergeFrom(value)
        else:
            setattr(options, field.name, max(getattr(options, field.name), value))
