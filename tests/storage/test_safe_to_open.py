"""Files are data: opening them opens, imports and runs nothing else, and nothing in them can lead out of their directory."""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from golden_files import ROOT
from tampering import fields, put_records, records

from minitf import errors
from minitf.storage.bundle import TensorBundle
from minitf.storage.detect import open_checkpoint
from minitf.storage.formats import FORMATS, format_named
from minitf.storage.state_file import CheckpointState, is_inside, latest_checkpoint, read_state, write_state

# Under an audit hook Python says all that it does. "compile" is allowed for the header of an array in an npz archive, which
# NumPy parses with ast.literal_eval: that compiles to a syntax tree, and nothing of it is run ("exec" would say so).
READ = """
import json, os, sys
import minitf as tf
from minitf.saved import OBJECT_GRAPH_KEY
from minitf.storage.detect import open_checkpoint
from minitf.storage.messages import decode_graph
from minitf.storage.state_file import latest_checkpoint, read_state

HARMLESS = {"os.listdir", "os.scandir", "os.fwalk", "object.__getattr__", "sys._getframe", "sys._getframemodulename",
            "mmap.__new__", "compile", "code.__new__", "array.__new__", "builtins.id", "time.sleep",
            "_thread.start_new_thread", "_thread.start_joinable_thread"}

ACTS = ("import", "open", "os.", "socket", "subprocess", "shutil", "pickle", "urllib", "http", "tempfile", "glob", "webbrowser")

def load(path):
    if os.path.isdir(path):
        latest_checkpoint(path), read_state(path)
    reader = open_checkpoint(path)
    for key in reader.keys():
        reader.spec(key), reader.slices(key), reader.read(key)
        if hasattr(reader, "read_lazily"):
            reader.read_lazily(key)
        if key == OBJECT_GRAPH_KEY:
            decode_graph(reader.read(key))
            status = tf.train.Checkpoint(model=tf.Module()).restore(latest_checkpoint(path) if os.path.isdir(path) else path)
            status.explain() if hasattr(status, "explain") else str(status)
    reader.read_many(reader.keys())
    reader.contents()

def hook(event, arguments):
    if event == "open":
        path, _, flags = arguments
        inside = isinstance(path, int) or os.path.realpath(os.fsdecode(path)).startswith(FOLDER)
        writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        code = str(path).startswith((sys.prefix, sys.base_prefix, os.path.dirname(tf.__file__)))
        if (inside or (COLD and code)) and not writes:
            return
    elif event in HARMLESS:
        return
    elif event == "import" and COLD and arguments[0].split(".")[0] in KNOWN:
        return
    elif COLD and not event.startswith(ACTS):
        return  # what modules do when they are imported
    seen.append([event, str(arguments)[:200]])

FOLDER, COLD, KNOWN, seen = os.path.realpath(sys.argv[1]), sys.argv[2] == "cold", set(sys.argv[3].split(",")), []
paths = sys.argv[4:]
if not COLD:
    for path in paths:
        load(path)  # imports what reading needs
sys.addaudithook(hook)
for path in paths:
    load(path)
found, seen = seen, []
print(json.dumps(found))
"""

NEEDED = [*sys.stdlib_module_names, "minitf", "numpy", "google", "crc32c", "ml_dtypes", "cramjam", "networkx"]


@pytest.fixture(scope="module")
def loot(tmp_path_factory):
    """Checkpoints of all formats, TensorFlow's own among them, whose names and values look like code and like paths."""
    folder = tmp_path_factory.mktemp("loot")
    names = ["__import__('os').system('touch pwned')", "../../../etc/passwd", "/etc/passwd", "{0.__class__}", "%s%n", "a.npy"]
    values = {name: np.array([b"import os", pickle.dumps(os.getcwd)], object) for name in names}
    paths = []
    for name in FORMATS:
        paths.append(str(folder / f"x-{name}"))
        format_named(name, durable=False).write(paths[-1], values | {"a": np.ones(3)})
    for case, prefix in (("keras_adam", "keras-1"), ("partitioned_v2", "part"), ("partitioned_v1", "part1")):
        shutil.copytree(ROOT / case, folder / case)
        paths.append(str(folder / case / prefix))
    lines = [
        'model_checkpoint_path: "keras-1"',
        *(f'all_model_checkpoint_paths: "{name}"' for name in ("/etc/passwd", "../x-npz")),
    ]
    (folder / "keras_adam" / "checkpoint").write_text("\n".join(lines))
    return folder, [*paths, str(folder / "keras_adam")]


@pytest.mark.parametrize("first", ["cold", "warm"])
def test_loading_opens_imports_and_runs_nothing_else(loot, first):
    """In a process that has loaded before there is nothing but reads of the files; in a new one the imports of the readers."""
    folder, paths = loot
    command = [sys.executable, "-c", READ, str(folder), first, ",".join(NEEDED), *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder)
    assert json.loads(done.stdout.splitlines()[-1]) == []
    assert not list(folder.rglob("pwned"))


def test_the_hook_sees_what_it_is_there_for(loot):
    folder, paths = loot
    spy = READ.replace("reader.contents()", "reader.contents(); open('/dev/null'); eval('1'); import this_is_not_there")
    done = subprocess.run(
        [sys.executable, "-c", spy.replace("import this", "seen.append(['import', '']) #"), str(folder), "warm", "", paths[0]],
        capture_output=True, text=True, check=True, cwd=folder,
    )  # fmt: skip
    assert {event for event, _ in json.loads(done.stdout.splitlines()[-1])} >= {"open", "exec"}


def test_pickled_objects_are_not_loaded(tmp_path):
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "pwned"),)

    content = io.BytesIO()
    np.save(content, np.array([Bomb()], object), allow_pickle=True)
    with zipfile.ZipFile(tmp_path / "p.npz", "w") as archive:
        archive.writestr("a.npy", content.getvalue())
    reader = open_checkpoint(str(tmp_path / "p.npz"))
    for ask in (reader.read, reader.spec, lambda key: reader.read_many([key])):
        with pytest.raises(errors.UnimplementedError):
            ask("a")
    assert not (tmp_path / "pwned").exists()


# Paths --------------------------------------------------------------------------------------------------------------------


class NoDisk:
    """A disk that notes what is looked for."""

    def __init__(self, text):
        from minitf.testing.disk import RecordingDisk

        self.asked = []
        self.inner = RecordingDisk({"checkpoint": text, "d/checkpoint": text})

    def __getattr__(self, name):
        def call(*arguments):
            self.asked += [path for path in arguments if isinstance(path, str)]
            return getattr(self.inner, name)(*arguments)

        return call


OUTSIDE = ["/etc/m-1", "../m-1", "a/../../m-1", "..", "/", "//etc/m-1", "s3://bucket/m-1", "memory://m-1", "file:///etc/m-1",
           "simplecache::file:///etc/m-1"]  # fmt: skip


@pytest.mark.parametrize("directory", ["", ".", "d"])
@pytest.mark.parametrize("stored", OUTSIDE)
def test_a_state_file_cannot_lead_out_of_its_directory(directory, stored):
    disk = NoDisk(f'model_checkpoint_path: "{stored}"\nall_model_checkpoint_paths: "{stored}"\n'.encode())
    disk.inner.entries["./checkpoint"] = disk.inner.entries["checkpoint"]
    assert latest_checkpoint(directory, disk=disk) is None
    read_state(directory, disk=disk)
    base = os.path.abspath(directory or ".")
    for path in disk.asked:
        assert "://" not in path or directory, path
        assert os.path.abspath(path).startswith(base), path


def test_urls_are_inside_of_urls_only():
    assert is_inside("s3://bucket/run", "s3://bucket/run/m-1")
    assert not is_inside("s3://bucket/run", "s3://bucket/other/m-1")
    assert not is_inside("s3://bucket/run", "s3://bucket/run/../other")
    assert not is_inside("", "s3://bucket/run/m-1")
    assert not is_inside("s3://bucket/run", "/etc/m-1")
    assert is_inside("", "m-1")


def test_absolute_paths_if_they_are_allowed(tmp_path):
    TensorBundle(durable=False).write(tmp_path / "elsewhere" / "m-1", {"a": np.ones(1)})
    (tmp_path / "d").mkdir()
    path = str(tmp_path / "elsewhere" / "m-1")
    write_state(tmp_path / "d", CheckpointState(path, [path]), relative=False, durable=False)
    assert latest_checkpoint(tmp_path / "d") is None
    assert latest_checkpoint(tmp_path / "d", allow_outside=True) == path


# Nesting ------------------------------------------------------------------------------------------------------------------


def nested(number, depth):
    out = b""
    for _ in range(depth):
        out = fields((number, out))
        if len(out) > 200_000:
            break
    return out


@pytest.mark.parametrize("depth", [99, 101, 5000])
def test_messages_within_messages(tmp_path, depth):
    """Unknown fields may be nested as deep as they like; groups, which a parser has to follow, only so deep."""
    groups = b"\x83\x01" * depth + b"\x84\x01" * depth  # field 16, begin and end
    TensorBundle(durable=False).write(tmp_path / "p", {"a": np.ones(1)})
    whole = records(tmp_path / "p.index")
    for key in (b"", b"a"):
        put_records(tmp_path / "p.index", whole | {key: whole[key] + groups})
        try:
            found = TensorBundle().open(tmp_path / "p").read("a")
        except errors.DataLossError:
            assert depth > 50
        else:
            assert found.tolist() == [1]
        put_records(tmp_path / "p.index", whole | {key: whole[key] + nested(16, depth)})
        assert TensorBundle().open(tmp_path / "p").read("a").tolist() == [1]


@pytest.mark.parametrize("opening", ["a {", "model_checkpoint_path { ", "[a] {", "a <", "a: [[["])
def test_a_state_file_of_braces(tmp_path, opening, caplog):
    (tmp_path / "checkpoint").write_text(opening * 50_000)
    assert read_state(tmp_path) is None
    assert "not a valid state file" in caplog.text


@pytest.mark.parametrize(
    "text", ["(" * 4900, "-" * 9000 + "1", "[" * 4900 + "]" * 4900, "{1:" * 3000, "1+" * 4900 + "1", "not " * 2400]
)
def test_headers_of_arrays(tmp_path, text):
    with zipfile.ZipFile(tmp_path / "p.npz", "w") as archive:
        archive.writestr("a.npy", b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode())
    with pytest.raises(errors.DataLossError):
        open_checkpoint(str(tmp_path / "p.npz")).read("a")


@pytest.mark.parametrize("opening", ["[", '{"a":', '{"__metadata__":', '{"a":{"shape":['])
def test_json_within_json(tmp_path, opening):
    text = (opening * 200_000).encode()
    (tmp_path / "p.safetensors").write_bytes(len(text).to_bytes(8, "little") + text)
    with pytest.raises(errors.DataLossError):
        open_checkpoint(str(tmp_path / "p.safetensors"))
