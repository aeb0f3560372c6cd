"""The names that ordinary programs around checkpoints use do under minitf what they do under TensorFlow.

``names_of_programs.txt`` has small programs, between empty lines, in sections ``[eager]`` and ``[graph]``. In a program ``tf``
is TensorFlow or minitf, ``v1`` is ``tf.compat.v1``, and in a graph ``session`` is one of it. Its result is ``out``, or the
value of the tensors ``run`` in the session after all variables have their first values, or the class of the error.
``tried(lines)`` gives the value or the class of the error of each line.
"""

import json
from pathlib import Path

import pytest

import minitf
import minitf.compat.v1

pytestmark = pytest.mark.interop

RUNNING = '''
import numpy as np

def plain(value):
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if hasattr(value, "numpy") and not isinstance(value, np.generic):
        value = value.numpy()
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return value if value is None or isinstance(value, (int, float, str)) else str(value)

def failed(error):
    return {"error": [kind.__name__ for kind in type(error).__mro__]}

def answer(tf, v1, mode, text):
    def tried(line):
        try:
            return eval(line, space)
        except Exception as error:
            return failed(error)

    space = {"tf": tf, "v1": v1, "np": np, "tried": lambda text: [tried(line) for line in text.strip().splitlines()]}
    try:
        if mode == "eager":
            exec(text, space)
        else:
            with tf.Graph().as_default(), v1.Session() as session:
                space["session"] = session
                exec(text, space)
                if "run" in space:
                    session.run(v1.global_variables_initializer())
                    space["out"] = session.run(space["run"])
        return plain(space.get("out"))
    except Exception as error:
        return failed(error)
'''
THEIRS = (
    RUNNING
    + """
import json, sys
import tensorflow as tf
import tensorflow.compat.v1 as v1
print(json.dumps([answer(tf, v1, mode, text) for mode, text in json.load(open(sys.argv[1]))]))
"""
)


def programs():
    found, mode = [], ""
    for block in (Path(__file__).parent / "names_of_programs.txt").read_text(encoding="utf-8").split("\n\n"):
        text = block.strip("\n")
        if text.startswith("["):
            mode = text.strip("[]")
        elif text and not text.startswith("#"):
            found.append((mode, text))
    return found


PROGRAMS = programs()


@pytest.fixture(scope="module")
def tensorflow_says(oracle, tmp_path_factory):
    path = tmp_path_factory.mktemp("interop") / "programs"
    path.write_text(json.dumps(PROGRAMS))
    return oracle(THEIRS, path)


def same(ours, theirs):
    if isinstance(theirs, dict) and "error" in theirs:
        return isinstance(ours, dict) and theirs["error"][0] in ours.get("error", ())
    if isinstance(theirs, list):
        return isinstance(ours, list) and len(ours) == len(theirs) and all(map(same, ours, theirs))
    if isinstance(theirs, float):
        return ours == theirs or ours == pytest.approx(theirs, rel=1e-5, nan_ok=True)
    return ours == theirs


@pytest.mark.parametrize("number", range(len(PROGRAMS)), ids=lambda n: PROGRAMS[n][1].splitlines()[-1][:60])
def test_the_same_program(number, tensorflow_says):
    space = {}
    exec(RUNNING, space)
    mode, text = PROGRAMS[number]
    theirs = tensorflow_says[number]
    ours = json.loads(json.dumps(space["answer"](minitf, minitf.compat.v1, mode, text)))
    assert same(ours, theirs), f"{ours}, but TensorFlow {theirs}"
