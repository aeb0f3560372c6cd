"""The rows about checkpoint files, in the page cache unless a row says durable.

The yardstick of large values is a raw write or read of the same bytes; that of many small ones is safetensors with a flat dict,
which knows no objects. Peers: TensorFlow, and torch with a dict of tensors or a module.
"""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from table import row
from timing import Candidate, repeated

MIB = 1 << 20
SIZE = 512 * MIB
ALL = ("tensorflow", "torch")


@contextmanager
def folder() -> Iterator[str]:
    path = tempfile.mkdtemp(prefix="bench-")
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def saver(framework: Any, root: Any, **how: Any) -> tuple[Callable[[str], Any], Callable[[str], Any]]:
    """Functions that save and restore ``root``. Nobody uses fsync, unless ``how`` says otherwise."""
    if framework.__name__ == "tensorflow":
        checkpoint = framework.train.Checkpoint(root=root)
        return checkpoint.write, checkpoint.read
    from minitf.storage.bundle import TensorBundle

    mine = framework.train.CheckpointableSaver(root, storage=TensorBundle(**{"durable": False, **how}))
    return mine.save, mine.restore


def forget() -> None:
    """Makes the next restore parse its index, as in a new process."""
    from minitf.storage.bundle import index

    index._parsed.clear()


# -- large values --------------------------------------------------------------------------------------------------------


def large(parts: int) -> list[Any]:
    """512 MiB of floats in equal parts."""
    return [np.full(SIZE // 4 // parts, i + 1, np.float32) for i in range(parts)]


@functools.cache
def kind(tf: Any, name: str) -> Any:
    """A class of modules."""
    return type(name, (tf.Module,), {})


def tree(tf: Any, values: list[Any]) -> Any:
    root = kind(tf, "Root")()
    root.parts = [tf.Variable(value) for value in values]
    return root


def write_raw(path: str, values: list[Any], durable: bool = False) -> None:
    """Under a new name and renamed, as a checkpoint is."""
    with open(path + ".new", "wb", buffering=0) as file:
        for value in values:
            file.write(memoryview(value).cast("B"))
        if durable:
            os.fsync(file.fileno())
    os.replace(path + ".new", path)
    if durable:
        handle = os.open(os.path.dirname(path), os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)


def read_raw(path: str, into: Any = None) -> Any:
    into = np.empty(os.path.getsize(path), np.uint8) if into is None else into
    with open(path, "rb", buffering=0) as file:
        got = 0
        while got < into.nbytes:
            got += file.readinto(memoryview(into)[got:])
    return into


def saving(framework: Any, parts: int) -> Iterator[dict[str, Candidate]]:
    values = large(parts)
    with folder() as place:
        path = os.path.join(place, "x")
        if framework.__name__ == "torch":
            tensors = {f"p{i}": framework.from_numpy(value) for i, value in enumerate(values)}
            yield {"one file": repeated(lambda: framework.save(tensors, path))}
            return
        root = tree(framework, values)
        save = saver(framework, root)[0]
        if framework.__name__ == "tensorflow":
            yield {"one file": repeated(lambda: save(path))}
            return
        import safetensors.numpy

        save_two = saver(framework, root, shards=2)[0]
        flat = {f"p{i}": value for i, value in enumerate(values)}
        save(path)
        candidates = {
            "raw write": lambda: write_raw(path + ".raw", values),
            "one file": lambda: save(path),
            "two files": lambda: save_two(path + "2"),
            "safetensors": lambda: safetensors.numpy.save_file(flat, path + ".safetensors"),
        }
        if parts == 1:
            del candidates["two files"]  # whole values are spread over files
            candidates["numpy.save"] = lambda: np.save(path + ".npy", values[0])
        yield {name: repeated(call) for name, call in candidates.items()}


@row("save 512 MiB", ALL)
def save_one(framework: Any) -> Iterator[dict[str, Candidate]]:
    yield from saving(framework, 1)


@row("save 64 x 8 MiB", ALL)
def save_64(framework: Any) -> Iterator[dict[str, Candidate]]:
    yield from saving(framework, 64)


@row("save 512 MiB, durable", ())
def save_durably(tf: Any) -> Iterator[dict[str, Candidate]]:
    values = large(1)
    with folder() as place:
        save = saver(tf, tree(tf, values), durable=True)[0]
        yield {
            "raw write, fsync": repeated(lambda: write_raw(os.path.join(place, "raw"), values, durable=True)),
            "one file": repeated(lambda: save(os.path.join(place, "x"))),
        }


def restoring(framework: Any, parts: int) -> Iterator[dict[str, Candidate]]:
    values = large(parts)
    with folder() as place:
        path = os.path.join(place, "x")
        if framework.__name__ == "torch":
            framework.save({f"p{i}": framework.from_numpy(value) for i, value in enumerate(values)}, path)
            yield {
                "late": repeated(lambda: framework.load(path)),
                "late, lazy, not verified": repeated(lambda: framework.load(path, mmap=True)),
            }
            return
        tf = framework
        root = tree(tf, values)
        save, restore = saver(tf, root)
        save(path)

        def late(**how: Any) -> Any:
            new = kind(tf, "Root")()
            status = saver(tf, new, **how)[1](path)
            new.parts = [tf.Variable(zero, shape=[None]) for _ in values]  # their first values are small
            status.assert_existing_objects_matched()
            return new

        zero = np.zeros(1, np.float32)
        if tf.__name__ == "tensorflow":
            yield {"existing": repeated(lambda: restore(path)), "late": repeated(late)}
            return
        import safetensors.numpy

        np.testing.assert_array_equal(late(lazy=True).parts[-1].numpy(), values[-1])
        root.parts[0].assign(np.zeros_like(values[0]))
        restore(path)
        np.testing.assert_array_equal(root.parts[0].numpy(), values[0])
        write_raw(path + ".raw", values)
        safetensors.numpy.save_file({f"p{i}": value for i, value in enumerate(values)}, path + ".safetensors")
        yield {
            "raw read": repeated(lambda: read_raw(path + ".raw")),
            "existing": repeated(lambda: restore(path)),
            "late": repeated(late),
            "late, lazy": repeated(lambda: late(lazy=True)),
            "late, lazy, verified on use": repeated(lambda: late(lazy="first use")),
            "late, lazy, not verified": repeated(lambda: late(lazy="unverified")),
            "safetensors": repeated(lambda: safetensors.numpy.load_file(path + ".safetensors")),
        }


@row("restore 512 MiB", ALL)
def restore_one(framework: Any) -> Iterator[dict[str, Candidate]]:
    yield from restoring(framework, 1)


@row("restore 64 x 8 MiB", ALL)
def restore_64(framework: Any) -> Iterator[dict[str, Candidate]]:
    yield from restoring(framework, 64)


def verified(reader: Any) -> int:
    """How many bytes are as they should be."""
    found = list(reader.verify(reader.keys()))
    assert not any(error for _, _, error in found)
    return sum(size for _, size, _ in found)


@row("verify 64 x 8 MiB", ())
def verify(tf: Any) -> Iterator[dict[str, Candidate]]:
    from minitf.storage.detect import open_checkpoint

    with folder() as place:
        path, values = os.path.join(place, "x"), large(64)
        saver(tf, tree(tf, values))[0](path)
        write_raw(path + ".raw", values)
        into = np.empty(SIZE, np.uint8)
        yield {
            "raw read into memory": repeated(lambda: read_raw(path + ".raw", into)),
            "verify": repeated(lambda: verified(open_checkpoint(path))),
        }


@row("one of 64 x 8 MiB", ALL)
def one_value(framework: Any) -> Iterator[dict[str, Candidate]]:
    key = "parts/40/.ATTRIBUTES/VARIABLE_VALUE"
    with folder() as place:
        path, values = os.path.join(place, "x"), large(64)
        if framework.__name__ == "torch":
            framework.save({f"p{i}": framework.from_numpy(value) for i, value in enumerate(values)}, path)
            yield {"one value": repeated(lambda: framework.load(path, mmap=True)["p40"].clone())}
            return
        save = saver(framework, tree(framework, values))[0]
        save(path)
        read = framework.train.load_variable
        np.testing.assert_array_equal(read(path, key), values[40])
        if framework.__name__ == "tensorflow":
            yield {"one value": repeated(lambda: read(path, key))}
            return
        import safetensors
        import safetensors.numpy

        write_raw(path + ".raw", values[40:41])
        safetensors.numpy.save_file({f"p{i}": value for i, value in enumerate(values)}, path + ".safetensors")

        def one() -> Any:
            forget()
            return read(path, key)

        def other() -> Any:
            with safetensors.safe_open(path + ".safetensors", "np") as file:
                return file.get_tensor("p40")

        raw = repeated(lambda: read_raw(path + ".raw"))
        yield {"raw read": raw, "one value": repeated(one), "safetensors": repeated(other)}


@row("limits, 512 MiB", ())
def limits(tf: Any) -> Iterator[dict[str, Candidate]]:
    from crc32c import crc32c

    from minitf.storage.bundle.spans import checksums

    [value] = large(1)
    view, into = memoryview(value).cast("B"), np.empty_like(value)
    np.copyto(into, value)
    with folder() as place:
        path = os.path.join(place, "raw")
        write_raw(path, [value])
        yield {
            "memory copy": repeated(lambda: np.copyto(into, value)),
            "reading pass (max)": repeated(value.max),
            "checksum": repeated(lambda: crc32c(view)),
            "checksum, two threads": repeated(lambda: checksums([view])),
            "read": repeated(lambda: read_raw(path)),
            "write": repeated(lambda: write_raw(path, [value])),
            "write, fsync": repeated(lambda: write_raw(path, [value], durable=True)),
        }


# -- many variables of 8 floats, ten to a layer --------------------------------------------------------------------------


def small(count: int) -> list[Any]:
    return [np.arange(8, dtype=np.float32) + np.float32(i) for i in range(count)]


def layers(tf: Any, root: Any, values: list[Any], make: Callable[[int, Any], Any] | None = None) -> Any:
    layer, variable = kind(tf, "Layer"), tf.Variable
    root.layers = []
    for i, value in enumerate(values):
        if i % 10 == 0:
            last = layer()
            root.layers.append(last)
        setattr(last, f"w{i % 10}", variable(value) if make is None else make(i, value))
    return root


def new_root(tf: Any) -> Any:
    return kind(tf, "Root")()


def flat(values: list[Any]) -> dict[str, Any]:
    return {f"layers/{i // 10}/w{i % 10}": value for i, value in enumerate(values)}


def torch_module(torch: Any, values: list[Any]) -> Any:
    root = torch.nn.Module()
    root.layers = torch.nn.ModuleList()
    for i, value in enumerate(values):
        if i % 10 == 0:
            last = torch.nn.Module()
            root.layers.append(last)
        setattr(last, f"w{i % 10}", torch.nn.Parameter(torch.from_numpy(value)))
    return root


def torch_restore(torch: Any, module: Any, path: str) -> None:
    """``load_state_dict``; of many parameters what it comes down to, because it looks through all names for each child."""
    state = torch.load(path)
    if len(state) <= 10_000:
        module.load_state_dict(state)
        return
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.copy_(state[name])


def saving_many(framework: Any, count: int) -> Iterator[dict[str, Candidate]]:
    values = small(count)
    with folder() as place:
        path = os.path.join(place, "x")
        if framework.__name__ == "torch":
            module = torch_module(framework, values)
            yield {"save again": repeated(lambda: framework.save(module.state_dict(), path))}
            return
        tf = framework
        root = layers(tf, new_root(tf), values)
        again = saver(tf, root)[0]
        again(path)
        mine = {"first save": repeated(lambda: saver(tf, root)[0](path)), "save again": repeated(lambda: again(path))}
        if tf.__name__ == "tensorflow":
            yield mine
            return
        import safetensors.numpy

        names = flat(values)
        yield {"safetensors": repeated(lambda: safetensors.numpy.save_file(names, path + ".safetensors")), **mine}


def restoring_many(framework: Any, count: int, long: bool) -> Iterator[dict[str, Candidate]]:
    """``long``: also what takes TensorFlow minutes at 10,000."""
    values, zeros = small(count), [np.zeros(8, np.float32)] * count
    with folder() as place:
        path = os.path.join(place, "x")
        if framework.__name__ == "torch":
            module = torch_module(framework, values)
            framework.save(module.state_dict(), path)
            yield {"existing": repeated(lambda: torch_restore(framework, module, path))}
            return
        tf = framework
        root = layers(tf, new_root(tf), values)
        saver(tf, root)[0](path)
        theirs = tf.__name__ == "tensorflow"

        def existing() -> None:
            if not theirs:
                forget()
            saver(tf, root)[1](path).assert_consumed()

        def late() -> Any:
            if not theirs:
                forget()
            new = new_root(tf)
            status = saver(tf, new)[1](path)
            layers(tf, new, zeros)
            status.assert_consumed()
            return new

        def in_graph(restore: bool) -> None:
            with tf.Graph().as_default(), tf.compat.v1.Session() as session:
                get = tf.compat.v1.get_variable
                make = (lambda i, value: get(f"v{i}", initializer=value, use_resource=True)) if theirs else None
                new = layers(tf, new_root(tf), zeros, make)
                if restore:
                    if not theirs:
                        forget()
                    saver(tf, new)[1](path).run_restore_ops(session)

        candidates = {
            "create": lambda: layers(tf, new_root(tf), zeros),
            "existing": existing,
            "late, with creating": late,
            "graph: create": lambda: in_graph(False),
            "graph: create, restore, run": lambda: in_graph(True),
        }
        if theirs:
            for name in () if long else ("late, with creating", "graph: create", "graph: create, restore, run"):
                del candidates[name]
            yield {name: repeated(call) for name, call in candidates.items()}
            return
        import safetensors.numpy

        np.testing.assert_array_equal(late().layers[-1].w9.numpy(), values[-1])
        safetensors.numpy.save_file(flat(values), path + ".safetensors")
        load = repeated(lambda: safetensors.numpy.load_file(path + ".safetensors"))
        yield {"safetensors": load, **{name: repeated(call) for name, call in candidates.items()}}


@row("save 1,000 variables", ALL)
def save_thousand(framework: Any) -> Iterator[dict[str, Candidate]]:
    yield from saving_many(framework, 1_000)


@row("save 10,000 variables", ALL)
def save_ten_thousand(framework: Any) -> Iterator[dict[str, Candidate]]:
    yield from saving_many(framework, 10_000)


@row("save 100,000 variables", ("torch",), slow=True)
def save_hundred_thousand(framework: Any) -> Iterator[dict[str, Candidate]]:
    yield from saving_many(framework, 100_000)


@row("restore 1,000 variables", ALL)
def restore_thousand(framework: Any) -> Iterator[dict[str, Candidate]]:
    yield from restoring_many(framework, 1_000, True)


@row("restore 10,000 variables", ALL)
def restore_ten_thousand(framework: Any) -> Iterator[dict[str, Candidate]]:
    yield from restoring_many(framework, 10_000, False)


@row("restore 100,000 variables", ("torch",), slow=True)
def restore_hundred_thousand(framework: Any) -> Iterator[dict[str, Candidate]]:
    yield from restoring_many(framework, 100_000, False)


@row("list 10,000 variables")
def listing(tf: Any) -> Iterator[dict[str, Candidate]]:
    values = small(10_000)
    with folder() as place:
        path = os.path.join(place, "x")
        saver(tf, layers(tf, new_root(tf), values))[0](path)
        if tf.__name__ == "tensorflow":
            yield {"list": repeated(lambda: tf.train.list_variables(path))}
            return
        import safetensors
        import safetensors.numpy

        safetensors.numpy.save_file(flat(values), path + ".safetensors")

        def theirs() -> Any:
            with safetensors.safe_open(path + ".safetensors", "np") as file:
                return [(key, file.get_slice(key).get_shape()) for key in file.keys()]

        def ours() -> Any:
            forget()
            return tf.train.list_variables(path)

        yield {"safetensors": repeated(theirs), "list": repeated(ours)}
