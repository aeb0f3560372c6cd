"""``CheckpointOptions``: how one save or one restore of a ``Checkpoint`` is done.

    options = tf.train.CheckpointOptions(enable_async=True)
    checkpoint.save("run/ckpt", options)        # returns at once; checkpoint.sync() waits
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from minitf.checkpoint.sharding.callback import ShardingCallback
from minitf.saved import SavedGraph, SavedNode, Writer

if TYPE_CHECKING:
    from minitf.storage.bundle import TensorBundle


class CheckpointOptions:
    """Options of ``Checkpoint.save``, ``write``, ``restore`` and ``read``, and of ``CheckpointManager.save``.

    * ``experimental_io_device``: accepted and without effect: there is one device.
    * ``enable_async`` (``experimental_enable_async_checkpoint``, its older name): a save copies the values, returns, and
      writes in a thread. What goes wrong is raised by the next save, restore or ``sync()``.
    * ``experimental_write_callbacks``: functions that are called, in this order, when a checkpoint is whole, before the state
      file names it; with its path, if they take one positional argument. In a save in the background, in its thread.
    * ``experimental_skip_slot_variables``: a restore that leaves slot variables alone, and does not miss them.
    * ``experimental_sharding_callback``: a ``train.experimental.ShardingCallback`` that says over which data files a save is
      spread, such as ``MaxShardSizePolicy(max_shard_size)``. By default everything is in one.
    * ``durable``: False writes without fsync, as TensorFlow does: faster, and a power cut may take the checkpoint along, which
      a crash of the program alone never does. TensorFlow has no such option.

    Raises TypeError for a write callback that cannot be called, ValueError for one that takes more than one argument, and for
    an ``experimental_sharding_callback`` of another class.
    """

    __slots__ = (
        "durable", "enable_async", "experimental_enable_async_checkpoint", "experimental_io_device",
        "experimental_sharding_callback", "experimental_skip_slot_variables", "experimental_write_callbacks",
    )  # fmt: skip

    def __init__(self, experimental_io_device: Any = None, experimental_enable_async_checkpoint: bool = False,
                 experimental_write_callbacks: Iterable[Callable[..., Any]] | None = None, enable_async: bool = False,
                 experimental_skip_slot_variables: bool = False, experimental_sharding_callback: Any = None, *,
                 durable: bool = True):  # fmt: skip
        sharding = experimental_sharding_callback
        if not (sharding is None or isinstance(sharding, ShardingCallback)):
            raise ValueError(
                f"CheckpointOptions(experimental_sharding_callback): {sharding!r} is no train.experimental.ShardingCallback. "
                "Give an object of a class derived from that, such as MaxShardSizePolicy(max_shard_size)."
            )
        self.experimental_io_device = experimental_io_device
        self.enable_async = bool(enable_async or experimental_enable_async_checkpoint)
        self.experimental_enable_async_checkpoint = self.enable_async
        callbacks = experimental_write_callbacks
        self.experimental_write_callbacks = None if callbacks is None else [_checked(callback) for callback in callbacks]
        self.experimental_skip_slot_variables = bool(experimental_skip_slot_variables)
        self.experimental_sharding_callback = sharding
        self.durable = bool(durable)

    def storage(
        self, bundle_of: Callable[[bool], TensorBundle], background: Any, trackables: Callable[[], Mapping[str, Any]]
    ) -> Writer:
        """Where a save writes: now, or in the background.

        ``bundle_of(durable)``: the V2 format. ``trackables()``: the objects that have the values, by key.
        """
        bundle = bundle_of(self.durable)
        chosen: Writer = bundle
        if self.experimental_sharding_callback is not None:
            from minitf.checkpoint.sharding.storage import ShardedBundle

            chosen = ShardedBundle(bundle, self.experimental_sharding_callback, trackables())
        if background is None:
            return chosen
        if chosen is bundle and self.durable:
            return background  # type: ignore[no-any-return]
        from minitf.checkpoint.sharding.storage import InBackground

        return InBackground(background, chosen)

    def call_back(self, path: str) -> None:
        """Calls the callbacks for a checkpoint that is whole."""
        for callback in self.experimental_write_callbacks or ():
            callback(*[path][: _positional(callback)])

    def graph_to_restore(self, graph: SavedGraph) -> SavedGraph:
        """What a restore shall see of a checkpoint's object graph."""
        return without_values_of_slots(graph) if self.experimental_skip_slot_variables else graph

    def __repr__(self) -> str:
        values = {name: getattr(self, name) for name in self.__slots__}
        chosen = [f"{name}={value!r}" for name, value in values.items() if bool(value) != (name == "durable")]
        return f"CheckpointOptions({', '.join(chosen)})"


DEFAULT = CheckpointOptions()


def options_of(given: Any, what: str) -> CheckpointOptions:
    """The options that were given to a call, or the defaults. Raises TypeError for anything else than options."""
    if given is None:
        return DEFAULT
    if not isinstance(given, CheckpointOptions):
        raise TypeError(f"{what}(options): train.CheckpointOptions or None was expected, not {given!r}.")
    return given


def without_values_of_slots(graph: SavedGraph) -> SavedGraph:
    """An object graph in which slot variables have nothing to give: they are paired, and that is all."""
    slots = {slot.slot: graph.values(slot.slot) for _, node in graph.others() for slot in node.slots}
    nodes = [SavedNode(has_values=False) if number in slots else node for number, node in enumerate(graph.nodes)]
    return SavedGraph(nodes, left_alone=slots)


def _checked(callback: Any) -> Callable[..., Any]:
    if not callable(callback):
        raise TypeError(f"CheckpointOptions(experimental_write_callbacks): {callback!r} cannot be called.")
    try:
        inspect.signature(callback)
    except ValueError:
        raise ValueError(
            f"CheckpointOptions(experimental_write_callbacks): Python does not tell how many arguments {callback!r} takes. "
            "Give a function around it, such as lambda path: callback(path)."
        ) from None
    if _required(callback) > 1:
        raise ValueError(
            f"CheckpointOptions(experimental_write_callbacks): {callback!r} asks for {_required(callback)} arguments, but "
            "there is one to give, the path of the checkpoint."
        )
    return callback  # type: ignore[no-any-return]


_BY_PLACE = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)


def _parameters(callback: Callable[..., Any]) -> list[inspect.Parameter]:
    return [one for one in inspect.signature(callback).parameters.values() if one.kind in _BY_PLACE]


def _positional(callback: Callable[..., Any]) -> int:
    return min(1, len(_parameters(callback)))


def _required(callback: Callable[..., Any]) -> int:
    return sum(one.default is one.empty and one.kind is not one.VAR_POSITIONAL for one in _parameters(callback))
