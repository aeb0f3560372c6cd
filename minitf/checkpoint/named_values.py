"""What a name-based saver saves: values by name, and how stored ones come back to them.

A value is a variable, or a ``SaveableObject``: something with ``specs`` (a name and a tensor each) and its own ``restore``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from minitf.checkpoint.expected import Expected
from minitf.checkpoint.loaded import Loaded
from minitf.checkpoint.opening import open_checkpoint
from minitf.core.spec import Spec
from minitf.core.state import Batch, Group, Handle
from minitf.objects.partitioned import PartitionedVariable, SaveSliceInfo
from minitf.objects.variable import is_variable
from minitf.saved import Reader
from minitf.storage.values import Partitioned


class Saved(NamedTuple):
    """One stored value: a variable's (``handle``), or tensor ``number`` of a saveable object.

    ``key`` is its name in the file. The pieces of a partitioned variable have one key, and each its ``place`` there.
    """

    key: str
    handle: Handle | None
    saveable: Any = None
    number: int = 0
    place: SaveSliceInfo | None = None

    @property
    def spec(self) -> Spec:
        """Its dtype and shape, as far as known."""
        if self.handle is not None:
            return self.handle.spec
        part = self.saveable.specs[self.number]
        return Spec(part.dtype, None)

    @property
    def group(self) -> str:
        """What it is sorted by among others: pieces stay in their variables' order, tensors in that of their saveable."""
        return self.key if self.saveable is None else str(getattr(self.saveable, "name", self.key))

    @property
    def tensor(self) -> Any:
        """The tensor to be saved; a function that gives it is called at every save."""
        given = self.saveable.specs[self.number].tensor
        return given() if callable(given) else given


class NamedValues:
    """Values by name, in the order of names.

    ``distinct``: no variable may be given twice, even under one name. ``reshape``: a stored value may have another shape.
    """

    def __init__(self, home: Any, given: Any, distinct: bool, reshape: bool):
        self._home = home
        self._reshape = reshape
        self._distinct = distinct
        self._values: dict[str, Saved] = {}
        self._names: dict[Handle, str] = {}  # of variables: under which name each stands
        self._saveables: list[tuple[Any, dict[str, str]]] = []  # saveable, {name of a part: key}
        self._ops: dict[Any, Any] = {}  # a graph's restore operations, by variable and key
        for name, value in _named(given):
            self._add(name, value)

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def spec(self, name: str) -> Spec:
        """Dtype and shape that a stored value must have."""
        return self._values[name].spec

    def key(self, name: str) -> str:
        """The name of a value in the file."""
        return self._values[name].key

    def place(self, name: str) -> SaveSliceInfo | None:
        """Where in the stored value a piece of it stands; None: it is the whole."""
        return self._values[name].place

    def _add(self, name: str | None, value: Any) -> None:
        if isinstance(value, (PartitionedVariable, list, tuple)) or (name is None and getattr(value, "_save_slice", None)):
            for piece, place in _pieces(value):
                key = place.full_name if name is None else name
                self._add_variable(f"{key} {place.spec}", Saved(key, piece.handle, place=place))
        elif is_variable(value):
            key = value.handle.name if name is None else name
            self._add_variable(key, Saved(key, value.handle))
        elif hasattr(value, "specs"):
            self._add_saveable(value)
        elif hasattr(value, "_gather_saveables_for_checkpoint"):
            for given in value._gather_saveables_for_checkpoint().values():
                self._add(name, given() if callable(given) and not is_variable(given) else given)
        else:
            raise TypeError(
                f"Saver: {value!r} is not a variable. It saves variables and SaveableObjects; for objects that have variables "
                f"use tf.train.Checkpoint."
            )

    def _add_variable(self, name: str, saved: Saved) -> None:
        handle: Handle = saved.handle  # type: ignore[assignment]
        known = self._names.setdefault(handle, name)
        if known != name:
            raise ValueError(f"Saver: variable {handle.name!r} would be saved and restored with two names: {known}, {name}.")
        known_here = self._values.get(name)
        if known_here is not None and (self._distinct or known_here.handle is not handle):
            raise ValueError(f"Saver: at least two variables have the same name: {name}. Give a dict with a name for each.")
        self._values[name] = saved

    def _add_saveable(self, saveable: Any) -> None:
        keys = {}
        for number, part in enumerate(saveable.specs):
            if part.name in self._values:
                raise ValueError(f"Saver: at least two values have the same name: {part.name}.")
            self._values[part.name] = Saved(part.name, None, saveable, number)
            keys[part.name] = part.name
        self._saveables.append((saveable, keys))

    # -- saving ----------------------------------------------------------------------------------------------------------

    def read(self, session: Any) -> dict[str, Any]:
        """The arrays to be saved, by name. Raises FailedPreconditionError for a variable without a value."""
        store = self._home.store_to_save(session, "Saver.save")
        tensors = {name: saved.tensor for name, saved in self._values.items() if saved.handle is None}
        computed = dict(zip(tensors, self._home.run_tensors(list(tensors.values()), session, "Saver.save"), strict=True))
        out: dict[str, Any] = {}
        for name, saved in sorted(self._values.items(), key=lambda item: item[1].group):
            value = computed[name] if saved.handle is None else store.cell(saved.handle).read()
            if saved.place is None:
                out[saved.key] = value
            else:
                whole = out.setdefault(saved.key, Partitioned(tuple(saved.place.full_shape), []))
                whole.pieces.append((saved.place.extents, value))
        return out

    # -- restoring -------------------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Adds the restore operations to a graph."""
        self._apply(Expected(self, self.spec))

    def restore(self, save_path: Any, session: Any) -> None:
        """Gives all values what a checkpoint has, all or nothing. Raises NotFoundError, DTypeError, ShapeError."""
        loaded = Loaded(open_checkpoint(save_path), self, self._reshape)
        self._home.run_restore_ops(self._apply(loaded), self._ops, loaded, session, "Saver.restore")

    def _apply(self, reader: Reader) -> list[Any]:
        batch = Batch(reader, self._ops)
        for name, saved in self._values.items():
            if saved.handle is not None:
                batch.add(saved.handle, name)
        batch.groups = [Group(saveable, _restoring(saveable), keys) for saveable, keys in self._saveables]
        self._home.apply_batches([batch])
        return batch.built

    def __repr__(self) -> str:
        return ", ".join(self._values)


def _restoring(saveable: Any) -> Any:
    return lambda tensors: saveable.restore([tensors[part.name] for part in saveable.specs], restored_shapes=None)


def _named(given: Any) -> list[tuple[str | None, Any]]:
    """(name or None, value) in the order of names. Raises TypeError, ValueError."""
    if isinstance(given, Mapping):
        for name in given:
            if not isinstance(name, str):
                raise TypeError(f"Saver: var_list must be a dict of names and variables, but {name!r} is not a string.")
        return [(name, given[name]) for name in sorted(given)]
    if not isinstance(given, (list, tuple, set, frozenset)):
        raise TypeError(f"Saver: var_list must be a list or a dict of variables, not {given!r}.")
    return sorted(((None, value) for value in _flat(given)), key=lambda pair: str(getattr(pair[1], "name", "")))


def _pieces(value: Any) -> list[tuple[Any, SaveSliceInfo]]:
    """The pieces of a partitioned variable with their places, also given one by one. Raises ValueError for other variables."""
    out: list[tuple[Any, SaveSliceInfo]] = []
    for piece in [value] if is_variable(value) else value:
        place = getattr(piece, "_save_slice", None)
        if place is None:
            raise ValueError(f"Saver: variables under one name must all be slices of one, but this is whole: {piece!r}.")
        if out and (place.full_name, place.full_shape) != (out[0][1].full_name, out[0][1].full_shape):
            raise ValueError(f"Saver: slices of {out[0][1].full_name!r} and {place.full_name!r} are given one name.")
        out.append((piece, place))
    return out


def _flat(given: Iterable[Any]) -> Iterator[Any]:
    for value in given:
        if isinstance(value, (list, tuple, set, frozenset)):
            yield from _flat(value)
        else:
            yield value
