"""``Checkpoint``: the saver with keywords and a counter.

    checkpoint = tf.train.Checkpoint(model=model, optimizer=optimizer)
    path = checkpoint.save("run/ckpt")                                  # run/ckpt-1, then run/ckpt-2, ...
    status = checkpoint.restore(tf.train.latest_checkpoint("run"))
"""

from __future__ import annotations

import threading
import weakref
from collections import ChainMap
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from minitf.checkpoint.matching import TENSORFLOW_2
from minitf.checkpoint.name_based import NameBasedSaverStatus
from minitf.checkpoint.options import CheckpointOptions, options_of
from minitf.checkpoint.saver import ObjectSaver, directory_of, home_to_save, root_of, top_of
from minitf.checkpoint.status import CheckpointLoadStatus, InitializationOnlyStatus
from minitf.core import dtypes, runtime
from minitf.core.forks import whole_in_children
from minitf.core.locks import left_open
from minitf.core.op import convert
from minitf.core.tensor import EagerTensor, Tensor
from minitf.errors import DataLossError, NotFoundError
from minitf.explain.why.explanation import Explanation
from minitf.objects.adding import add_variable
from minitf.objects.edges import arrived
from minitf.objects.trackable import AutoTrackable, NoDependency, Tracked
from minitf.ops.saving import write_checkpoint
from minitf.saved import Lazy
from minitf.storage.anywhere import ANYWHERE, standing
from minitf.storage.file_urls import is_local
from minitf.storage.files import is_directory
from minitf.storage.paths import path_of, split_path, with_ending

Status = CheckpointLoadStatus | InitializationOnlyStatus | NameBasedSaverStatus


_counting = whole_in_children(left_open(threading.RLock()), 0)


def _nothing() -> None:
    """What follows a checkpoint that no state file names."""


class Checkpoint(AutoTrackable):
    """Groups trackable objects, saves and restores them, and numbers its checkpoints.

    * ``root``: the object to be node 0 of the checkpoint (or a weak reference to it); without one, the ``Checkpoint`` itself
      is. Keywords then hang on it in the file only.
    * keywords: trackable objects, or lists, dicts and tuples of them; each becomes an attribute, in alphabetical order.

    Raises ValueError for a root or keyword that is not trackable, or for a keyword that the root has with another object.
    """

    def __init__(self, root: Any = None, **kwargs: Any):
        self._counter: Any = NoDependency(None)
        self._increment: Any = NoDependency(None)
        self._attached: Any = NoDependency(None)
        self._counted: Any = NoDependency({})  # the counter once more, for statuses: they see it when it is made, and hold it
        self._engine: Any = NoDependency(None)
        self._background: Any = NoDependency(None)
        self._hang(root, kwargs)

    def _hang(self, root: Any, keywords: Mapping[str, Any]) -> None:
        """Sets the attributes, and makes the edges that the root has in the file."""
        target = root_of(root)
        if root is not None:
            _check(target, "root", "")
            self._root = root  # an edge in TensorFlow's files too, where a Checkpoint with a root hangs in another one
            keywords = {**keywords, "root": root}
            self._attached = NoDependency({})
            self._counter = NoDependency(target._children().get("save_counter"))
        for name, given in sorted(keywords.items()):
            setattr(self, name, given)
            value = root_of(getattr(self, name))
            _check(value, name)
            if root is not None:
                present = target._children().get(name)
                if present is None:
                    self._attached[name] = weakref.ref(value._stand_in())
                elif present is not value._stand_in():
                    raise ValueError(
                        f"Checkpoint(root, {name}=...): the root has another object under the name {name!r} already. Leave the "
                        "keyword out, or choose another name for it."
                    )

    def __getstate__(self) -> Any:
        state = super().__getstate__()
        attributes, slots = state if isinstance(state, tuple) else (state, {})
        return {**attributes, "_engine": None, "_increment": None, "_background": None}, slots

    def __setstate__(self, state: Any) -> None:
        super().__setstate__(state)
        if self._attached is not None:
            names = list(self._attached)
            object.__setattr__(self, "_attached", {n: weakref.ref(root_of(getattr(self, n))._stand_in()) for n in names})

    # -- parts -----------------------------------------------------------------------------------------------------------

    @property
    def _saver(self) -> ObjectSaver:
        """The engine. It holds the checkpoint only weakly, so that there is no cycle."""
        if self._engine is None:
            me = weakref.ref(self)
            root = vars(self)["root"] if self._attached is not None else me
            self._engine = NoDependency(ObjectSaver(lambda: top_of(root), lambda: _extra(me()), TENSORFLOW_2, None, None))
        return self._engine  # type: ignore[no-any-return]

    @property
    def save_counter(self) -> Any:
        """The number of saves so far: an int64 variable, made at the first use, saved and restored with the rest."""
        if self._counter is None:
            with _counting:  # threads that save for the first time make one counter
                self._make_counter()
        return self._counter

    def _make_counter(self) -> None:
        if self._counter is None:
            self._counter = NoDependency(add_variable(self, "save_counter", initializer=0, dtype=dtypes.int64, trainable=False))
            if self._attached is not None:
                self._counted["save_counter"] = self._counter
                arrived(top_of(vars(self)["root"]), "save_counter", self._counter)

    # -- saving ----------------------------------------------------------------------------------------------------------

    def save(self, file_prefix: Any, options: Any = None, *, session: Any = None) -> str:
        """Counts, and writes a checkpoint ``file_prefix-N``; gives its path and records it in the directory's state file.

        ``options`` are ``train.CheckpointOptions``. In a graph ``session`` or the default session has the values. Raises
        RuntimeError in a graph without a session, FailedPreconditionError for a variable without a value, ValueError for a list
        or dict that cannot be saved any more; the number is used up all the same (S260). Raises TypeError for wrong options,
        and what went wrong in a save in the background before.
        """
        from minitf.checkpoint.state_functions import write_checkpoint_state
        from minitf.storage.state_file import check_name

        chosen, prefix = options_of(options, "Checkpoint.save"), path_of(file_prefix)
        check_name(split_path(prefix)[1])
        path = with_ending(prefix, f"-{self._count(session)}")
        named = standing(path) if chosen.enable_async else path
        record = partial(write_checkpoint_state, directory_of(named), named, durable=chosen.durable)
        self._write(path, session, "Checkpoint.save", chosen, record)
        return path

    def write(self, file_prefix: Any, options: Any = None, *, session: Any = None) -> Any:
        """Writes a checkpoint under exactly this prefix, and gives it. No number, no state file. Raises as ``save``.

        Inside a ``tf.function`` it writes each time the function is called, and gives a string tensor. The prefix may be a
        string tensor, in eager mode too; then its directory must exist (NotFoundError). That is not asked of what stands behind
        a URL at the other end: most stores have no directories.
        """
        chosen = options_of(options, "Checkpoint.write")
        home = runtime.current().home
        if home.outermost() is home:
            if isinstance(file_prefix, EagerTensor):
                path = path_of(file_prefix.numpy())
                self._write_when_called(home, chosen, True, path)
            else:
                path = path_of(file_prefix)
                self._write(path, session, "Checkpoint.write", chosen)
            return path
        given = isinstance(file_prefix, Tensor)
        prefix = file_prefix if given else convert(path_of(file_prefix))
        return write_checkpoint(prefix, write=partial(self._write_when_called, home.outermost(), chosen, given))

    def _write_when_called(self, home: Any, options: CheckpointOptions, must_exist: bool, path: str) -> None:
        directory = directory_of(path)
        if must_exist and is_local(directory) and not is_directory(ANYWHERE, directory):
            raise NotFoundError(
                f"Checkpoint.write({path!r}): the directory does not exist, and it is not made for a prefix that is a tensor."
            )
        with runtime.using(home):
            self._write(path, None, "Checkpoint.write", options)

    def _write(
        self, path: str, session: Any, what: str, options: CheckpointOptions, then: Callable[[], Any] = _nothing
    ) -> None:
        """Writes, and when the checkpoint is whole calls the options' callbacks, then ``then``."""

        def finish() -> None:
            options.call_back(path)
            then()

        if not options.enable_async:
            self.sync()
            self._saver.write(path, session, what, partial(options.storage, self._saver.bundle, None))
            finish()
            return
        background = self._in_background()
        self._saver.write(standing(path), session, what, partial(options.storage, self._saver.bundle, background))
        background.after(finish)

    def _in_background(self) -> Any:
        """Where saves in the background go."""
        if self._background is None:
            from minitf.storage.background import BackgroundStorage
            from minitf.storage.bundle import TensorBundle

            self._background = NoDependency(BackgroundStorage(TensorBundle()))
        return self._background

    def sync(self) -> None:
        """Returns when the last save in the background is complete. Raises what went wrong in it."""
        if self._background is not None:
            self._background.wait()

    def _count(self, session: Any) -> int:
        home = home_to_save("Checkpoint.save")
        home.store_to_save(session, "Checkpoint.save")
        with _counting:  # threads that save at the same time make one counter, and count one after the other
            new = self._counter is None
            counter = self.save_counter
            if new:  # in a graph, only a counter made right here is initialised here (S261)
                home.initialise(lambda: [counter.handle], session)
            added = home.at_once(lambda: counter.assign_add(1))
            if added is None:
                if self._increment is None:
                    self._increment = NoDependency(counter.assign_add(1))
                added = self._increment
            return int(home.run_tensors([added], session, "Checkpoint.save")[0])

    # -- restoring -------------------------------------------------------------------------------------------------------

    def read(self, save_path: Any, options: Any = None, *, lazy: Lazy = False) -> Status:
        """Restores a checkpoint that ``write`` made: as ``restore``, but makes no counter."""
        return self._read(save_path, options_of(options, "Checkpoint.read"), lazy)

    def _read(self, save_path: Any, options: CheckpointOptions, lazy: Lazy) -> Status:
        self.sync()
        return self._saver.restore(save_path, lazy, options.graph_to_restore)

    def explain(self, save_path: Any, *, session: Any = None) -> Explanation:
        """What ``restore(save_path)`` would do, and why: a dry run. As ``CheckpointableSaver.explain``."""
        return self._saver.explain(save_path, session, () if self._counter is not None else ("save_counter",))

    def restore(self, save_path: Any, options: Any = None, *, lazy: Lazy = False) -> Status:
        """Restores a checkpoint that ``save`` made: what exists now, and what will be attached later, when it is.

        In eager mode values are assigned at once; in a graph restore operations are added, which the status runs. With None the
        status can only initialise variables. ``options`` are ``train.CheckpointOptions``; ``lazy`` as for
        ``CheckpointableSaver.restore``. Waits for a save in the background. A SavedModel's directory stands for its values.

        Raises NotFoundError for a missing checkpoint, DataLossError for a damaged one, InvalidArgumentError for a value of
        another dtype and ValueError for one of another shape than its variable's; then nothing was assigned.
        """
        chosen = options_of(options, "Checkpoint.restore")
        try:
            status = self._read_any(save_path, chosen, lazy)
        except NotFoundError as error:
            raise NotFoundError(
                f"Checkpoint.restore({save_path!r}): {error.message} Is the number missing (the -1 of 'path/to/ckpt-1')?"
            ) from None
        counter = self.save_counter  # made after the matching, so its value comes as that of any late object
        if isinstance(status, NameBasedSaverStatus):
            status.add_to_optionally_restored(counter)
        return status


    def _read_any(self, save_path: Any, options: CheckpointOptions, lazy: Lazy) -> Status:
        try:
            return self._read(save_path, options, lazy)
        except (DataLossError, NotFoundError):
            from minitf.storage.detect import prefix_in_saved_model

            prefix = prefix_in_saved_model(path_of(save_path))
            if prefix is None:
                raise
        return self._read(prefix, options, lazy)


class CheckpointV1(Checkpoint):
    """``tf.compat.v1.train.Checkpoint``: keywords only (``root`` is one like others), and the session as second argument."""

    def __init__(self, **kwargs: Any):
        super().__init__()
        self._hang(None, kwargs)

    def save(self, file_prefix: Any, session: Any = None) -> str:
        """``Checkpoint.save`` with the values of ``session``."""
        return super().save(file_prefix, session=session)

    def write(self, file_prefix: Any, session: Any = None) -> Any:
        """``Checkpoint.write`` with the values of ``session``."""
        return super().write(file_prefix, session=session)


def _check(value: Any, name: str, others: str = ", or a list, dict or tuple of such") -> None:
    if not isinstance(value, Tracked):
        raise ValueError(
            f"Checkpoint({name}=...): a trackable object was expected (a variable, module or optimizer{others}), but {value!r} "
            f"is a {type(value).__name__}."
        )


def _extra(checkpoint: Checkpoint | None) -> Mapping[str, Any] | None:
    """The edges that a root which is not the checkpoint itself has in the file."""
    if checkpoint is None or checkpoint._attached is None:
        return None
    now = {name: ref() for name, ref in checkpoint._attached.items()}
    return ChainMap(checkpoint._counted, {name: value for name, value in now.items() if value is not None})
