"""How the tests run: Hypothesis profiles, and TensorFlow in a process of its own as the oracle of the interop tests."""

import gc
import importlib
import json
import os
import select
import signal
import subprocess
import textwrap
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import minitf as tf

# dev: quick enough to run all the time; ci: what .ci/run takes. Both draw new examples each time and have no deadline,
# because machines are shared. HYPOTHESIS_PROFILE chooses.
settings.register_profile("dev", deadline=None, derandomize=False, max_examples=50)
settings.register_profile(
    "ci", deadline=None, derandomize=False, max_examples=200, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))

ORACLE = os.environ.get("MINITF_ORACLE_PYTHON")

# No test cuts the power: what a save brings to the disk, and in which order, is seen on disks that note it. So nothing waits
# for a real disk, thousands of times; processes that tests start do wait, except those that measure memory (kernel.py).
os.fsync = os.fstat


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Slow tests come first, so that no process is left with one at the end when the other has nothing to do.

    Without TensorFlow the interop tests say that they were left out, and how to have them.
    """
    items.sort(key=lambda item: "slow" not in item.keywords)
    if not ORACLE:
        left_out = pytest.mark.skip(reason="needs TensorFlow: MINITF_ORACLE_PYTHON=$(scripts/oracle) scripts/test -m interop")
        for item in items:
            if "interop" in item.keywords:
                item.add_marker(left_out)


def pytest_collection_finish():
    """Half a million objects are there before the first test. No collection need look at them again: many tests ask for one."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def nothing_from_before():
    """A test begins without a seed of the program, and names that are numbered start again, whatever was before."""
    tf.random.set_seed(None)
    tf.reset_default_graph()


@pytest.fixture
def caplog(caplog):
    """pytest's, after what earlier tests left in cycles is gone: a restore that ends unused warns when it is collected."""
    gc.collect()
    caplog.clear()
    return caplog


@pytest.fixture(scope="session")
def oracle(tmp_path_factory):
    """``oracle(script, *arguments)`` runs a script under TensorFlow's interpreter and returns what it printed last, as JSON.

    The arguments are its ``sys.argv[1:]``. A script that fails fails the test, with the end of its error output. TensorFlow is
    imported once, and each script gets a process forked off then (``tensorflow_forks.py``).
    """
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "TF_USE_LEGACY_KERAS": "1"}
    environment.pop("PYTHONPATH", None)
    place = tmp_path_factory.mktemp("tensorflow")
    process = None

    def run(script, *arguments):
        nonlocal process
        if process is None:
            process = subprocess.Popen(
                [ORACLE, Path(__file__).with_name("tensorflow_forks.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                env=environment, start_new_session=True,
            )  # fmt: skip
        request = {"script": textwrap.dedent(script), "arguments": list(map(str, arguments)), "folder": os.getcwd()}
        request |= {name: str(place / name) for name in ("out", "err")}
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
        if not select.select([process.stdout], [], [], 240)[0] or not (said := process.stdout.readline()):
            end(process)
            process = None
            raise AssertionError("TensorFlow's side did not answer within 240 s, or ended")
        out, err = ((place / name).read_text(errors="replace") for name in ("out", "err"))
        assert int(said) == 0, f"TensorFlow's side failed ({int(said)}):\n{err[-3000:]}"
        return json.loads(out.splitlines()[-1])

    yield run
    if process is not None:
        end(process)


def end(process):
    """Ends a process and whatever it has forked off."""
    os.killpg(process.pid, signal.SIGKILL)
    process.stdin.close()
    process.stdout.close()
    process.wait()


@pytest.fixture(scope="session")
def both(oracle):
    """``both(program)`` runs a text that defines ``program(tf, np)`` under minitf and TensorFlow: (ours, theirs) as JSON.

    ``face``: the module below each that is ``tf`` there.
    """

    def run(program, face=""):
        import numpy as np

        asked = f"import json\nimport numpy as np\nimport tensorflow{face} as tf\nprint(json.dumps(program(tf, np)))\n"
        theirs = oracle(f"{program}\n{asked}")
        space = {}
        exec(program, space)
        return json.loads(json.dumps(space["program"](importlib.import_module(f"minitf{face}"), np))), theirs

    return run


# One test, two runtimes: what a test does, said so that it holds in eager mode and in a graph.
#
# ``with mode.scope():`` enters eager mode, or the test's graph with its session; inside, ``mode.value(x)`` is the value of a
# tensor or
# variable (variables are initialised when first needed), and ``mode.repeat(step, n)`` takes n steps of a training program.


class EagerMode:
    name = "eager"

    @contextmanager
    def scope(self):
        yield

    def value(self, x):
        return tf.convert_to_tensor(x).numpy()

    def repeat(self, step, count):
        for _ in range(count):
            step()


class GraphMode:
    name = "graph"

    def __init__(self):
        self.graph = tf.Graph()
        self.session, self.started = tf.Session(graph=self.graph), set()

    @contextmanager
    def scope(self):
        with self.graph.as_default(), self.session.as_default():
            yield

    def start(self):
        new = [v for v in tf.global_variables() if v.handle not in self.started]
        self.session.run([v.initializer for v in new])
        self.started.update(v.handle for v in new)

    def value(self, x):
        self.start()
        return self.session.run(x)

    def repeat(self, step, count):
        operation = step()
        self.start()
        for _ in range(count):
            self.session.run(operation)


MODES = (EagerMode, GraphMode)


@pytest.fixture(params=MODES, ids=lambda kind: kind.name)
def mode(request):
    """The test runs once in each mode."""
    return request.param()


@pytest.fixture
def modes():
    """Both modes at once, to compare them."""
    return [kind() for kind in MODES]
