"""Random programs on tracked lists and dicts, run by TensorFlow and by minitf: contents, edges and refusals are the same."""

import json
import random

import pytest

import minitf as tf

# What both sides run. A program is a list of [operation, arguments]; elements are written as ints or "v" (a trackable object),
# "l" (a list), "n" (a no-dependency list), "t" (a tuple with a trackable object), "p" (a plain tuple).
PROGRAM = """
def element(word):
    makers = {"v": Thing, "l": list, "n": lambda: NoDependency([1]), "t": lambda: (Thing(), 1), "p": lambda: (1, 2)}
    return makers[word]() if isinstance(word, str) else word

def shown(value):
    if isinstance(value, dict):
        return {str(k): shown(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [shown(v) for v in value]
    return "thing" if isinstance(value, Thing) else value

def edges(obj):
    try:
        items = children(obj).items()
        return [[name, shown(child if isinstance(child, (Thing, dict)) else list(child))] for name, child in items]
    except ValueError:
        return "refused"

def step(net, original, operation, arguments):
    x = net.x
    if operation == "outside":
        original.append(7) if isinstance(original, list) else original.update(out=7)
    elif operation == "outside set":
        original[0 if isinstance(original, list) else "a"] = element(arguments[0])
    elif operation == "outside swap":
        original.update({"b": original.pop("a")})
    elif operation in ("append", "insert"):
        getattr(x, operation)(*arguments[:-1], element(arguments[-1]))
    elif operation == "extend":
        x.extend([element(e) for e in arguments])
    elif operation == "iadd":
        net.x += [element(e) for e in arguments]
    elif operation == "imul":
        net.x *= arguments[0]
    elif operation == "set":
        x[arguments[0]] = element(arguments[1])
    elif operation == "update":
        x.update({arguments[0]: element(arguments[1])})
    elif operation == "del":
        del x[arguments[0]]
    else:
        getattr(x, operation)(*arguments)

def run(kind, program):
    net, original = Auto(), {"list": list, "dict": dict}[kind]()
    net.x = original
    seen = []
    for operation, arguments in program:
        try:
            if operation != "list":
                step(net, original, operation, arguments)
            # What a dict does not track is asked for now; if a later change undid it, only minitf would refuse.
            asked = operation == "list" or (kind == "dict" and operation not in ("set", "update", "del"))
            seen.append([shown(net.x), edges(net.x) if asked else None])
        except (IndexError, KeyError) as e:
            return [*seen, type(e).__name__]  # TensorFlow notes some changes before they fail
    return [*seen, edges(net.x)]
"""

TENSORFLOW = """
import json, sys
from tensorflow.python.trackable.autotrackable import AutoTrackable as Auto
from tensorflow.python.trackable.base import Trackable
from tensorflow.python.trackable.data_structures import NoDependency
class Thing(Trackable): pass
children = lambda obj: dict(obj._trackable_children())
"""


def list_program(choose):
    program = []
    # TensorFlow reverses by assigning, and so begins to track what was under no dependency; minitf does not.
    either = [["reverse", []], 1] if choose.random() < 0.5 else [["clear", []], "n"]
    for _ in range(choose.randint(1, 8)):
        word = lambda: choose.choice([1, 2, "v", "v", "l", either[1], "t", "p"])
        program.append(
            choose.choice(
                [
                    either[0],
                    ["list", []],
                    ["append", [word()]],
                    ["append", [word()]],
                    ["extend", [word(), word()]],
                    ["iadd", [word()]],
                    ["imul", [choose.choice([0, 1, 2])]],
                    ["set", [choose.choice([0, 1, -1]), word()]],
                    ["del", [choose.choice([0, 1, -1])]],
                    ["pop", [choose.choice([0, -1])]],
                    ["insert", [choose.choice([0, 1, -1]), choose.choice([1, "v"])]],
                    ["clear", []],
                    ["outside", []],
                    ["outside set", [choose.choice([choose.randint(100, 10**6), "v"])]],
                ]
            )
        )
    return program


def dict_program(choose):
    program = []
    for _ in range(choose.randint(1, 8)):
        key = lambda: choose.choice(["a", "b", "", 1])
        word = lambda: choose.choice([1, 2, "v", "v", "l", "n", "t", "p"])
        program.append(
            choose.choice(
                [
                    ["list", []],
                    ["set", [key(), word()]],
                    ["set", [key(), word()]],
                    ["set", [key(), word()]],
                    ["update", [choose.choice(["a", "c"]), word()]],
                    ["del", [key()]],
                    ["pop", [key(), None]],
                    ["setdefault", [key(), 5]],
                    ["clear", []],
                    ["outside", []],
                    ["outside set", [choose.choice([choose.randint(100, 10**6), "v"])]],
                    ["outside swap", []],
                ]
            )
        )
    return program


@pytest.mark.interop
@pytest.mark.behaviour("S41", "S45", "S49", mode="eager")
def test_random_programs_on_containers(oracle, tmp_path):
    choose = random.Random(random.randrange(10**9))
    programs = [["list", list_program(choose)] for _ in range(400)] + [["dict", dict_program(choose)] for _ in range(400)]
    script = tmp_path / "programs.json"
    script.write_text(json.dumps(programs))
    theirs = oracle(
        TENSORFLOW + PROGRAM + "\nprint(json.dumps([run(kind, p) for kind, p in json.load(open(sys.argv[1]))]))", script
    )

    class Thing(tf.train.Trackable):
        pass

    space = {
        "Thing": Thing,
        "Auto": tf.train.AutoTrackable,
        "NoDependency": tf.train.NoDependency,
        "children": tf.train.children,
    }
    exec(PROGRAM, space)
    for (kind, program), expected in zip(programs, theirs, strict=True):
        assert json.loads(json.dumps(space["run"](kind, program))) == expected, (kind, program)
