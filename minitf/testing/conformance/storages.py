"""What every storage must do: ``StorageSuite``, and a state machine that compares it with a dict."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule, run_state_machine_as_test

from minitf.checkpoint.saver import CheckpointableSaver
from minitf.core.dtypes import DType, as_dtype
from minitf.errors import InvalidArgumentError, NotFoundError
from minitf.saved import Reader, Storage
from minitf.testing import strategies as mst
from minitf.testing.checkpoints import build
from minitf.testing.modes import quietly, scope
from minitf.testing.ops import same_bits

FEW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
KEYS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8)


class StorageSuite:
    """Inherit it and say how your storage is made.

    ``dtypes``: names of the dtypes that it can hold, by default all; ``suffix``: what a path must end with, if anything.
    """

    dtypes: Sequence[str] | None = None
    suffix = ""

    def make_storage(self) -> Storage:
        """A new storage."""
        raise NotImplementedError

    def finish(self, storage: Storage) -> None:
        """Waits until everything is written, for a storage that writes in the background."""

    @contextmanager
    def place(self) -> Iterator[tuple[Storage, str]]:
        """A storage, and the beginning of paths that nobody else uses."""
        with tempfile.TemporaryDirectory() as directory:
            yield self.make_storage(), f"{directory}/"

    def path(self, beginning: str, name: str) -> str:
        """A path for a checkpoint."""
        return f"{beginning}{name}{self.suffix}"

    def tensors(self) -> st.SearchStrategy[dict[str, Any]]:
        """Values that the storage can hold, by key."""
        values = mst.arrays(specs=mst.specs(dtypes=mst.dtypes(among=self.dtypes)))
        return st.dictionaries(KEYS.filter(lambda key: not key.startswith("__")), values, max_size=5)

    @FEW
    @given(data=st.data())
    def test_what_is_written_comes_back(self, data: Any) -> None:
        """Keys in order of their bytes, dtypes, shapes and every bit."""
        tensors = data.draw(self.tensors())
        with self.place() as (storage, beginning):
            path = self.path(beginning, "x")
            storage.write(path, tensors)
            self.finish(storage)
            assert storage.exists(path)
            reader = storage.open(path)
            assert isinstance(reader, Reader)
            assert list(reader.keys()) == sorted(tensors, key=str.encode)
            assert all(key in reader for key in tensors)
            for (key, value), found in zip(tensors.items(), reader.read_many(list(tensors)), strict=True):
                spec = reader.spec(key)
                assert spec.dtype.np == np.asarray(value).dtype, key
                assert spec.shape == np.shape(value), key
                assert same_bits(found, value), key
                assert same_bits(reader.read(key), value), key

    def test_every_dtype_keeps_its_bits(self) -> None:
        """A few values of each dtype that the storage can hold: bits drawn once, so that no dtype is left to chance."""
        tensors = {dtype.name: _some_values(dtype) for dtype in map(as_dtype, self.dtypes or mst.DTYPES)}
        with self.place() as (storage, beginning):
            path = self.path(beginning, "x")
            storage.write(path, tensors)
            self.finish(storage)
            reader = storage.open(path)
            for name, value in tensors.items():
                assert reader.spec(name).dtype.name == name
                assert same_bits(reader.read(name), value), name

    def test_missing_things_are_not_found(self) -> None:
        """NotFoundError for a checkpoint and for a key; removing what is not there is no error."""
        with self.place() as (storage, beginning):
            path = self.path(beginning, "x")
            assert not storage.exists(path)
            storage.remove(path)
            with pytest.raises(NotFoundError):
                storage.open(path)
            storage.write(path, {"a": np.float32(1)})
            self.finish(storage)
            reader = storage.open(path)
            assert "b" not in reader
            for ask in (reader.spec, reader.read, lambda key: reader.read_many(["a", key])):
                with pytest.raises(NotFoundError, match="b"):
                    ask("b")
            storage.remove(path)
            assert not storage.exists(path)

    def test_arrays_belong_to_their_owners(self) -> None:
        """Writing into what was given, or into what was read, changes nothing that is stored."""
        with self.place() as (storage, beginning):
            path, given_array = self.path(beginning, "x"), np.array([1.0, 2.0], np.float32)
            storage.write(path, {"a": given_array})
            self.finish(storage)
            given_array[0] = 9.0
            found = storage.open(path).read("a")
            assert found.tolist() == [1.0, 2.0]
            found[0] = 9.0
            assert storage.open(path).read("a").tolist() == [1.0, 2.0]

    def test_a_refused_write_loses_nothing(self) -> None:
        """InvalidArgumentError, and the checkpoint that was there is still there."""
        with self.place() as (storage, beginning):
            path = self.path(beginning, "x")
            storage.write(path, {"a": np.float32(1)})
            self.finish(storage)

            def write() -> None:
                storage.write(path, {"a": np.float32(2), "b": np.array([object()], dtype=object)})
                self.finish(storage)

            with pytest.raises(InvalidArgumentError, match="b"):
                write()
            assert storage.open(path).read("a") == 1

    @FEW
    @given(graph=mst.object_graphs())
    def test_a_saver_saves_into_it_and_restores_from_it(self, graph: Any) -> None:
        """Objects come back, in both modes."""
        for mode in ("eager", "graph"):
            with self.place() as (storage, beginning), quietly():
                path = self.path(beginning, "x")
                for number, made in enumerate((graph, graph.with_values())):
                    with scope(mode) as session:
                        objects = build(made)
                        saver = CheckpointableSaver(objects[0], storage=storage)
                        saver.restore(None).initialize_or_restore()
                        if not number:
                            assert saver.save(path) == path
                            self.finish(storage)
                            continue
                        saver.restore(path).assert_consumed().run_restore_ops()
                        for n in graph.reachable():
                            if graph.kinds[n] == "variable":
                                assert (objects[n].numpy() if session is None else session.run(objects[n])) == graph.values[n]

    def test_against_a_dict(self) -> None:
        """Any sequence of writes, reads and removals does what a dict of dicts does."""
        suite = self

        class Machine(StorageMachine):
            def __init__(self) -> None:
                super().__init__(suite)

        run_state_machine_as_test(Machine, settings=settings(FEW, max_examples=15, stateful_step_count=15))


def _some_values(dtype: DType) -> Any:
    """Sixteen values of a dtype, of bits that are the same each time."""
    drawn = np.random.default_rng(0).bytes(16 * max(1, dtype.np.itemsize))
    if dtype.kind == "S":
        return np.array([drawn[i : i + 3] for i in range(16)], dtype=object)
    if dtype.kind == "b":
        return np.frombuffer(drawn, np.uint8) % 2 == 1
    return np.frombuffer(drawn, dtype.np)


class StorageMachine(RuleBasedStateMachine):
    """A storage beside a dict of dicts."""

    names: Bundle[str] = Bundle("names")

    def __init__(self, suite: StorageSuite):
        super().__init__()
        self._suite = suite
        self._place = suite.place()
        self.storage, self._beginning = self._place.__enter__()
        self.expected: dict[str, dict[str, Any]] = {}

    def teardown(self) -> None:
        """Deletes everything."""
        self._suite.finish(self.storage)
        self._place.__exit__(None, None, None)

    @rule(target=names, name=st.sampled_from(["a", "b", "dir/a"]))
    def name(self, name: str) -> str:
        """A path."""
        return self._suite.path(self._beginning, name)

    @rule(path=names, data=st.data())
    def write(self, path: str, data: Any) -> None:
        """Writes, or writes again."""
        tensors = data.draw(self._suite.tensors())
        self.storage.write(path, tensors)
        self.expected[path] = dict(tensors)

    @rule(path=names)
    def remove(self, path: str) -> None:
        """Removes, perhaps what is not there."""
        self._suite.finish(self.storage)
        self.storage.remove(path)
        self.expected.pop(path, None)
        assert not self.storage.exists(path)

    @rule(path=names)
    def look(self, path: str) -> None:
        """Looks whether all is there."""
        self._suite.finish(self.storage)
        assert self.storage.exists(path) == (path in self.expected)
        if path in self.expected:
            reader = self.storage.open(path)
            assert set(reader.keys()) == self.expected[path].keys()
            assert all(same_bits(reader.read(key), value) for key, value in self.expected[path].items())
