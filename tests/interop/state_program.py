"""One program about the checkpoints of a directory, for TensorFlow's interpreter and for minitf's.

``run(tf, theirs, place)`` gives {label: what came out}: the value, with the place as DIR, or the type of the error.
"""

import contextlib
import os
import pathlib
import shutil


class Clock:
    """Moves when it is asked to sleep, and then does the next of ``hooks``."""

    def __init__(self):
        self.now, self.slept, self.hooks = 10000.0, 0.0, []

    def time(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds
        self.slept += seconds
        if self.hooks:
            self.hooks.pop(0)()


class Told:
    """What came out, by label."""

    def __init__(self, place):
        self.place, self.out = place, {}

    def plain(self, value):
        if isinstance(value, str):
            return value.replace(self.place, "DIR")
        if isinstance(value, (list, tuple)):
            return [self.plain(item) for item in value]
        if hasattr(value, "model_checkpoint_path"):
            paths = [value.model_checkpoint_path, list(value.all_model_checkpoint_paths)]
            return self.plain([*paths, list(value.all_model_checkpoint_timestamps), value.last_preserved_timestamp])
        return value if isinstance(value, (int, float, type(None))) else type(value).__name__

    def __call__(self, label, act):
        assert label not in self.out, label
        try:
            self.out[label] = self.plain(act())
        except Exception as error:
            self.out[label] = f"! {type(error).__name__}"


def text_of(directory, name="checkpoint"):
    path = pathlib.Path(directory) / name
    return path.read_text() if path.exists() else None


def listed(directory):
    return sorted(os.listdir(directory)) if os.path.isdir(directory) else None


def some(count, paths):
    found = []
    for path in paths:
        found.append(path)
        if len(found) == count:
            break
    return found


@contextlib.contextmanager
def inside(directory):
    before = os.getcwd()
    os.chdir(directory)
    try:
        yield
    finally:
        os.chdir(before)


CONTENTS = (
    "", 'model_checkpoint_path: ""', 'model_checkpoint_path: "c-1"', "garbage", 'model_checkpoint_path: "nothing"',
    'model_checkpoint_path: "c-2"\nunknown: 3', 'all_model_checkpoint_paths: "c-1"',
    'model_checkpoint_path: "c-1"\nall_model_checkpoint_paths: "c-1"\nall_model_checkpoint_paths: "x"\n',
    'model_checkpoint_path: "DIR/s/c-1"', 'model_checkpoint_path: "../s/c-2"',
    'model_checkpoint_path: "c-1"\nmodel_checkpoint_path: "c-2"', 'model_checkpoint_path: "c-1" last_preserved_timestamp: 5.5',
    'model_checkpoint_path: "c-1" all_model_checkpoint_timestamps: 5.0', "\xff", 'model_checkpoint_path: "c-*"',
    'model_checkpoint_path: "."', 'model_checkpoint_path: "c-1.index"', "model_checkpoint_path: 'c-1' # x",
    "model_checkpoint_path { }",
)  # fmt: skip


def finding(tf, tell, place):
    """Which is the latest, and what the state file says."""
    group = tf.train.Checkpoint(v=tf.Variable(1.0))
    os.makedirs(f"{place}/empty")
    where = f"{place}/s"
    newest = [group.save(f"{where}/c") for _ in range(2)][1]
    asked = {
        "None": None, "''": "", "3": 3, "missing": f"{place}/missing", "empty": f"{place}/empty", "a list": [where],
        "a path": pathlib.Path(where), "it": where, "with a slash": f"{where}/", "a prefix": newest, "dots": f"{where}/../s",
        "bytes": where.encode(),
    }  # fmt: skip
    for label, given in asked.items():
        tell(f"latest of {label}", lambda given=given: tf.train.latest_checkpoint(given))
        tell(f"state of {label}", lambda given=given: tf.train.get_checkpoint_state(given))
    for name in ("checkpoint", "other", "", None, "c-1.index", b"checkpoint", 3, "../s/checkpoint"):
        tell(f"latest by {name!r}", lambda name=name: tf.train.latest_checkpoint(where, name))
        tell(f"state by {name!r}", lambda name=name: tf.train.get_checkpoint_state(where, latest_filename=name))
    with inside(where):
        for given in ("", ".", "./", "../s"):
            tell(f"latest inside of {given!r}", lambda given=given: tf.train.latest_checkpoint(given))
            tell(f"state inside of {given!r}", lambda given=given: tf.train.get_checkpoint_state(given))
    for content in CONTENTS:
        pathlib.Path(where, "checkpoint").write_bytes(content.replace("DIR", place).encode("latin1"))
        tell(f"latest where {content!r}", lambda: tf.train.latest_checkpoint(where))
        tell(f"state where {content!r}", lambda: tf.train.get_checkpoint_state(where))


def updating(tf, tell, place):
    """Writing the state file."""
    u = f"{place}/u"
    os.makedirs(u)
    times = "all_model_checkpoint_timestamps"
    asked = {
        "absolute": ((u, f"{u}/a"), {}), "relative to it": ((u, "a"), {}), "both relative": (("u", "u/a"), {}),
        "from elsewhere": (("u", "a"), {}), "dot": (("u", "./u/a"), {}), "itself": ((u, f"{u}/checkpoint"), {}),
        "itself, relative": (("u", "u/checkpoint"), {}), "itself by dots": ((u, f"{u}/../u/checkpoint"), {}),
        "a list": ((u, f"{u}/b", [f"{u}/a", f"{u}/b"]), {}), "a list without": ((u, f"{u}/b", [f"{u}/a"]), {}),
        "a list that begins with it": ((u, f"{u}/b", [f"{u}/b", f"{u}/a"]), {}), "no list": ((u, f"{u}/b", []), {}),
        "twice": ((u, f"{u}/b", [f"{u}/b", f"{u}/b"]), {}), "a tuple": ((u, f"{u}/b", (f"{u}/a",)), {}),
        "times": ((u, f"{u}/b", [f"{u}/a", f"{u}/b"]), {times: [1.0, 2.5]}),
        "too few times": ((u, f"{u}/b", [f"{u}/a", f"{u}/b"]), {times: [1.0]}),
        "no times": ((u, f"{u}/b", [f"{u}/a", f"{u}/b"]), {times: []}),
        "a time for each but the newest": ((u, f"{u}/b", [f"{u}/a"]), {times: [1.0]}),
        "an integer time": ((u, f"{u}/b"), {times: [1]}), "a text as time": ((u, f"{u}/b"), {times: ["x"]}),
        "preserved": ((u, f"{u}/b"), {"last_preserved_timestamp": 77.5}), "empty": ((u, ""), {}),
        "another file": ((u, f"{u}/b"), {"latest_filename": "other"}), "None": ((u, None), {}), "3": ((u, 3), {}),
        "no directory": ((f"{place}/none", "x"), {}), "directory None": ((None, "a"), {}),
        "bytes": ((u, b"a"), {}), "a path": ((u, pathlib.Path(u) / "a"), {}), "in a path": ((pathlib.Path(u), f"{u}/a"), {}),
        "letters": ((u, f"{u}/\u00e4\u4e2d"), {}), "signs": ((u, f'{u}/a"b\\c\n'), {}), "mixed": ((u, f"{u}/b", ["a"]), {}),
        "mixed, relative": (("u", "u/b", [f"{u}/a", "u/b"]), {}), "slash": (("u/", "u/b"), {}),
        "[None]": ((u, "b", [None]), {}),
    }  # fmt: skip

    def copied(given):
        return [list(item) if isinstance(item, list) else item for item in given]

    def update(given, more):
        tf.compat.v1.train.update_checkpoint_state(*copied(given), **more)
        return [text_of(u), text_of(u, "other"), tf.train.get_checkpoint_state(u)]

    with inside(place):
        for label, (given, more) in asked.items():
            for name in os.listdir(u):
                os.remove(os.path.join(u, name))
            tell(f"update: {label}", lambda given=given, more=more: update(given, more))
            more = {key: value for key, value in more.items() if key != "latest_filename"}
            tell(
                f"generate: {label}",
                lambda given=given, more=more: tf.compat.v1.train.generate_checkpoint_state_proto(*copied(given), **more),
            )
    tell("nothing was made", lambda: os.path.exists(f"{place}/none"))


def files(tf, tell, place):
    """Which exist, when they were written, and deleting them."""
    train = tf.compat.v1.train
    group = tf.train.Checkpoint(v=tf.Variable(1.0))
    x = f"{place}/x"
    prefix = group.write(f"{x}/q")
    os.makedirs(f"{x}/sub")
    for name in ("v1", "sh-00000-of-00002", "sh-00001-of-00002", "only.data-00000-of-00001", "i.index", ".hidden.index"):
        pathlib.Path(x, name).write_bytes(b"x")
    os.makedirs(f"{x}/d.index")
    for name, there in {"dangling": "none", "link": "sub", "e.index": "none"}.items():
        os.symlink(f"{x}/{there}", f"{x}/{name}")
    asked = {
        "it": prefix, "v1": f"{x}/v1", "a pattern": f"{x}/sh-?????-of-00002", "a star": f"{x}/sh*", "nothing": f"{x}/none",
        "a directory": f"{x}/sub", "data alone": f"{x}/only", "an index": f"{x}/i", "an index file": f"{x}/i.index",
        "None": None, "3": 3, "''": "", "a list": [prefix], "no directory": f"{place}/no/no", "bytes": prefix.encode(),
        "a question mark": f"{x}/v?", "a set": f"{x}/v[0-9]", "what is in no set": f"{x}/v[^1]", "a star above": f"{place}/*/q",
        "a star in the index": f"{x}/?", "a sign that is meant": f"{x}/v\\?", "signs that name it": f"{x}/s\\ub",
        "a directory, and a slash": f"{x}/sub/", "a file, and a slash": f"{x}/v1/", "half a set": f"{x}/v[",
        "a dangling link": f"{x}/dangling", "a link to a directory": f"{x}/link", "dots": f"{x}/sub/..", "hidden": f"{x}/*den",
        "an index that is a directory": f"{x}/d", "the index of a dangling link": f"{x}/e", "nothing fits": f"{x}/none*",
    }  # fmt: skip
    for label, given in asked.items():
        tell(f"exists: {label}", lambda given=given: train.checkpoint_exists(given))
        tell(f"times of [{label}]", lambda given=given: len(train.get_checkpoint_mtimes([given])))
    tell("times of several", lambda: len(train.get_checkpoint_mtimes([prefix, f"{x}/none", prefix])))
    tell("times of None", lambda: train.get_checkpoint_mtimes(None))
    os.utime(f"{prefix}.index", (1000.0, 1000.0))
    tell("times", lambda: train.get_checkpoint_mtimes([prefix]))

    names = ("v1", "sh-00000-of-00002", "sh-00001-of-00002", "sh.meta", "m.index", "m.data-00000-of-00001", "m.meta", "m.foo",
             "only.data-00000-of-00001", "i.index", "none.meta", "q.data-00003-of-00009", "q.meta", "q-1.meta", "sub.meta",
             "q2.index")  # fmt: skip
    v1 = {"checkpoint_format_version": 1}
    asked = {
        "it": ("q", {}), "v1 as v2": ("v1", {}), "v1": ("v1", v1), "a pattern": ("sh-?????-of-00002", v1), "none": ("none", {}),
        "none of v1": ("none", v1), "with a meta graph": ("m", {}), "another ending": ("m", {"meta_graph_suffix": "foo"}),
        "data alone": ("only", {}), "an index": ("i", {}), "a directory": ("sub", {}),
        "of version 7": ("v1", {"checkpoint_format_version": 7}),
    }  # fmt: skip
    y = f"{place}/y"

    def remove(name, more):
        return [train.remove_checkpoint(f"{y}/{name}", **more), listed(y)]

    for label, (name, more) in asked.items():
        shutil.rmtree(y, ignore_errors=True)
        group.write(f"{y}/q")
        os.makedirs(f"{y}/sub")
        for other in names:
            pathlib.Path(y, other).write_bytes(b"x")
        tell(f"remove {label}", lambda name=name, more=more: remove(name, more))
        tell(f"remove {label}: what is left", lambda: listed(y))


def making(tf, tell, place, clock, options):
    """Managers with odd arguments, and numbers."""
    group = tf.train.Checkpoint(v=tf.Variable(1.0))
    w = f"{place}/w"
    step = tf.Variable(1)
    asked = {
        "no limit": ((group, w), {}), "0": ((group, w, 0), {}), "-1": ((group, w, -1), {}), "None": ((group, w, None), {}),
        "1.5": ((group, w, 1.5), {}), "a text": ((group, w, "2"), {}), "True": ((group, w, True), {}),
        "directory None": ((group, None, 1), {}), "directory 4": ((group, 4, 1), {}),
        "a path": ((group, pathlib.Path(w), 1), {}),
        "no checkpoint": ((None, w, 1), {}), "a variable": ((group.v, w, 1), {}),
        "no counter": ((group, w, 1), {"checkpoint_interval": 2}),
        "a counter": ((group, w, 1), {"step_counter": step}), "0 hours": ((group, w, 1), {"keep_checkpoint_every_n_hours": 0}),
        "-1 hours": ((group, w, 1), {"keep_checkpoint_every_n_hours": -1}), "no name": ((group, w, 1), {"checkpoint_name": ""}),
        "a slash": ((group, w, 1), {"checkpoint_name": "a/b"}), "name None": ((group, w, 1), {"checkpoint_name": None}),
        "name 5": ((group, w, 1), {"checkpoint_name": 5}), "init_fn 3": ((group, w, 1), {"init_fn": 3}),
        "interval 0": ((group, w, 1), {"checkpoint_interval": 0, "step_counter": step}),
        "interval -3": ((group, w, 1), {"checkpoint_interval": -3, "step_counter": step}), "odd": ((group, w, 1), {"foo": 3}),
    }  # fmt: skip

    def make(made, given, more):
        manager = tf.train.CheckpointManager(*given, **more, **options)
        made.append(manager)
        return [os.fspath(manager.directory), manager.checkpoints, manager.latest_checkpoint, manager.checkpoint_interval]

    def save_twice(manager):
        first = manager.save()
        clock.now += 10
        return [first, manager.save(), listed(w)]

    for label, (given, more) in asked.items():
        shutil.rmtree(w, ignore_errors=True)
        made = []
        tell(f"manager of {label}", lambda made=made, given=given, more=more: make(made, given, more))
        if made:
            tell(f"manager of {label} saves", lambda made=made: save_twice(made[0]))

    counted = tf.train.Checkpoint(v=tf.Variable(1.0))
    manager = tf.train.CheckpointManager(counted, f"{place}/numbers", 3, **options)
    numbers = {
        "None": None, "5": 5, "-3": -3, "0": 0, "a variable": tf.Variable(5, dtype=tf.int64), "a tensor": tf.constant(9),
        "True": True, "a large one": 10**20,
    }  # fmt: skip
    for label, number in numbers.items():
        clock.now += 10
        tell(f"save number {label}", lambda number=number: manager.save(checkpoint_number=number))
    tell("numbers", lambda: [manager.checkpoints, int(counted.save_counter.numpy()), listed(manager.directory)])
    tell("state of numbers", lambda: text_of(manager.directory))
    tell("sync", manager.sync)


def keeping(tf, tell, place, clock, options):
    """What managers restore, keep and delete."""
    calls = []
    group = tf.train.Checkpoint(v=tf.Variable(1.0))
    make = lambda name, keep, **more: tf.train.CheckpointManager(group, f"{place}/{name}", keep, **more, **options)
    manager = make("restore", 2, init_fn=lambda: calls.append(1))
    tell("restore nothing", lambda: [manager.restore_or_initialize(), calls])
    tell("restore nothing, without init_fn", lambda: make("restore", 2).restore_or_initialize())
    tell("an init_fn that raises", lambda: make("restore", 2, init_fn=lambda: 1 / 0).restore_or_initialize())
    manager.save()
    group.v.assign(5.0)
    tell("restore", lambda: [manager.restore_or_initialize(), float(group.v.numpy()), calls])
    group.v.assign(5.0)
    tell("restore by another", lambda: [make("restore", 2).restore_or_initialize(), float(group.v.numpy())])

    def look(manager):
        return [manager.checkpoints, listed(manager.directory), text_of(manager.directory)]

    step = tf.Variable(0)
    for label, more in {"plain": {}, "0": {"last_checkpoint_step": 0}, "4": {"last_checkpoint_step": 4}}.items():
        step.assign(0)
        manager = make(f"steps {label}", None, step_counter=step, checkpoint_interval=3, checkpoint_name="k", **more)
        saved = []
        for _ in range(9):
            saved.append(manager.save() is not None)
            step.assign_add(1)
            clock.now += 1
        saved += [manager.save(check_interval=False) is not None for _ in range(2)]
        step.assign(1)
        saved += [manager.save() is not None, manager.save(check_interval=False) is not None]
        tell(f"steps {label}", lambda saved=saved: saved)

    for label, (hours, ticks) in {
        "a": (1.0, [1500] * 9), "b": (0.5, [1800] * 6), "c": (0.5, [1799] * 6), "e": (2, [7200] * 5),
        "d": (1.0, [100, -5000, 100, 4000, 100, 8000, 100, 100]),
    }.items():  # fmt: skip
        clock.now = 50000.0
        manager = make(f"hours {label}", 2, keep_checkpoint_every_n_hours=hours)
        for tick in ticks:
            manager.save()
            clock.now += tick
        tell(f"hours {label}", lambda manager=manager: look(manager))
        clock.now += 50
        manager = make(f"hours {label}", 1, keep_checkpoint_every_n_hours=hours)
        tell(f"hours {label} again", lambda manager=manager: [manager.save(), *look(manager)])
        clock.now = 20000.0
        manager = make(f"hours {label}", 1, keep_checkpoint_every_n_hours=hours)
        tell(f"hours {label}, clock set back", lambda manager=manager: [manager.save(), *look(manager)])
        clock.now += 5
        tell(f"hours {label}, later", lambda manager=manager: [manager.save(), *look(manager)])


def moving(tf, tell, place, clock, options):
    """Relative directories, directories that were moved, checkpoints that others made or deleted."""
    group = tf.train.Checkpoint(v=tf.Variable(1.0))
    make = lambda directory, keep=2: tf.train.CheckpointManager(group, directory, keep, **options)

    def look(manager):
        clock.now += 10
        return [manager.checkpoints, manager.latest_checkpoint, manager.save(), manager.checkpoints, listed(manager.directory)]

    with inside(place):
        for name in ("rel", "./rel2", "rel3/", "rel4/sub/deep"):
            manager = make(name)
            tell(f"relative {name}", lambda manager=manager: [look(manager), look(manager), look(manager)])
            tell(f"relative {name}: latest", lambda name=name: [tf.train.latest_checkpoint(name), text_of(name)])
            tell(f"relative {name} again", lambda name=name: look(make(name)))
            tell(f"relative {name} as absolute", lambda name=name: look(make(os.path.abspath(name))))
    manager = make(f"{place}/mv")
    for _ in range(2):
        clock.now += 1
        manager.save()
    for path in pathlib.Path(place, "mv").glob("ckpt-1*"):
        path.unlink()
    tell("one was deleted", lambda: look(manager))
    shutil.move(f"{place}/mv", f"{place}/moved")
    tell("moved", lambda: [look(make(f"{place}/moved")), text_of(f"{place}/moved")])
    other = tf.train.Checkpoint(v=tf.Variable(1.0))
    for _ in range(2):
        other.save(f"{place}/plain/c")
    manager = make(f"{place}/plain", 1)
    tell("plain saves", lambda: look(manager))
    other.save(f"{place}/plain/c")
    tell("a plain save between", lambda: [tf.train.latest_checkpoint(f"{place}/plain"), look(manager)])
    tell("both in the state", lambda: text_of(f"{place}/plain"))


def waiting(tf, tell, place, clock, options):
    """The iterator over checkpoints."""
    where = f"{place}/wait"
    os.makedirs(where)
    group = tf.train.Checkpoint(v=tf.Variable(1.0))
    save = lambda: group.save(f"{where}/c")

    def wait(directory=where, **more):
        clock.slept = 0
        found = some(3, tf.train.checkpoints_iterator(directory, **more, **options))
        return [found, clock.slept]

    for seconds in (5, 0, 0.5, 1):
        tell(f"nothing for {seconds} s", lambda seconds=seconds: wait(timeout=seconds))
    seen = []
    tell("asked", lambda: [wait(timeout=2, timeout_fn=lambda: seen.append(1) or len(seen) > 2), seen])
    clock.hooks = [lambda: None, save, lambda: None, lambda: (save(), save()), lambda: None]
    tell("they come", lambda: wait(timeout=4))
    clock.hooks = [save]
    tell("not too often", lambda: wait(min_interval_secs=10, timeout=3))
    tell("an interval below zero", lambda: wait(min_interval_secs=-10, timeout=3))
    tell("asked at once", lambda: [wait(timeout=3, timeout_fn=lambda: seen.append(1) or True), seen])
    tell("nowhere", lambda: wait(f"{place}/nowhere", timeout=3))
    tell("of None", lambda: wait(None, timeout=3))
    tell("of a path", lambda: wait(pathlib.Path(where), timeout=3))
    tell("a text as timeout", lambda: wait(timeout="x"))


def prefixes(tf, tell, place):
    """Where a checkpoint may be saved."""
    pathlib.Path(place, "file").write_text("x")
    os.makedirs(f"{place}/dir/c-1")
    asked = {
        "a path": pathlib.Path(place, "fp", "c"), "None": None, "3": 3, "''": "", "slash": f"{place}/fs/",
        "under a file": f"{place}/file/c",
        "a directory's name": f"{place}/dir/c", "long": f"{place}/l/{'x' * 232}", "too long": f"{place}/l/{'x' * 250}",
        "letters": f"{place}/un/\u00e4", "two lines": f"{place}/nl/a\nb", "spaces": f"{place}/sp/ a b",
        "dots": f"{place}/do/../do/c",
        "two slashes": f"{place}//ds//c",
    }  # fmt: skip

    def save(prefix):
        path = tf.train.Checkpoint(v=tf.Variable(1.0)).save(prefix)
        directory = os.path.dirname(path)
        return [type(path).__name__, path, tf.train.latest_checkpoint(directory), len(listed(directory))]

    def restore(prefix):
        tf.train.Checkpoint(v=tf.Variable(1.0)).restore(f"{prefix}-1")

    for label, prefix in asked.items():
        tell(f"save to {label}", lambda prefix=prefix: save(prefix))
        if prefix not in (None, 3):  # to TensorFlow they are names
            tell(f"restore from {label}", lambda prefix=prefix: restore(prefix))


def run(tf, clock, place, options):
    """All of it."""
    tell = Told(place)
    os.makedirs(f"{place}/here")
    with inside(f"{place}/here"):  # some prefixes have no directory
        for part in (finding, updating, files, prefixes):
            part(tf, tell, place)
        for part in (making, keeping, moving, waiting):
            part(tf, tell, place, clock, options)
    return tell.out
