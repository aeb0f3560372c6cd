"""The steps of the demonstration. Each gives the facts that it found, as plain data for ``--json`` and for people.

``Progress`` is told how far the training is; the verb draws it as a bar.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from minitf.checkpoint.saver import CheckpointableSaver
from minitf.checkpoint.status import CheckpointLoadStatus
from minitf.cli.demo.program import Training
from minitf.explain.summary import summary
from minitf.objects.variable import Variable
from minitf.runtimes.building import global_variables, variables_initializer
from minitf.runtimes.graph import Graph
from minitf.runtimes.session import Session
from minitf.saved import OBJECT_GRAPH_KEY
from minitf.storage.bundle import TensorBundle

STEPS = 2400
HALF = STEPS // 2
EVERY = 600
MORE = 100
NAME = "digits"

Progress = Callable[[str], None]


def train_eagerly(directory: str, advance: Progress) -> dict[str, Any]:
    """Trains from the beginning to the end in eager mode and saves as it goes."""
    training = Training()
    saver = CheckpointableSaver(training)
    saved = []
    for _ in range(STEPS):
        training.train_step()
        advance("training in eager mode")
        if int(training.step) % EVERY == 0:
            saved.append(saver.save(os.path.join(directory, NAME), checkpoint_number=training.step))
    return {
        "steps": int(training.step),
        "checkpoints": [os.path.basename(path) for path in saved],
        "accuracy": float(training.accuracy("test")),
        "last": saved[-1],
    }


def resume_in_a_fresh_interpreter(directory: str, advance: Progress) -> dict[str, Any]:
    """Stops half way: another Python process restores the middle checkpoint and trains on."""
    start = os.path.join(directory, f"{NAME}-{HALF}")
    command = [sys.executable, "-m", "minitf.cli.demo.second_half", start, os.path.join(directory, "resumed"), str(STEPS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        facts: dict[str, Any] = {}
        for line in process.stdout:
            event = json.loads(line)
            if event == "step":
                advance("training on in a fresh interpreter")
            else:
                facts = event
    if process.returncode:
        raise RuntimeError(f"The second interpreter failed with exit code {process.returncode}; its error stands above.")
    facts.update(compare(os.path.join(directory, f"{NAME}-{STEPS}"), facts["path"]))
    return facts


def train_on(start: str, target: str, until: int) -> None:
    """What the fresh interpreter does; it prints one JSON line a step and its facts at the end."""
    training = Training()
    status = CheckpointableSaver(training).restore(start)
    assert isinstance(status, CheckpointLoadStatus), "the checkpoint is object-based"
    waiting = summary(status.journal)
    variables_before = len(training.__dict__)
    training.begin()
    begun = summary(status.journal)
    while int(training.step) < until:
        training.train_step()
        print(json.dumps("step"), flush=True)
        if int(training.step) == HALF + 1:
            status.assert_consumed()
    facts = {
        "from": os.path.basename(start),
        "attributes_at_restore": variables_before,
        "waiting": waiting,
        "after_the_objects_were_made": begun,
        "at_the_end": summary(status.journal),
        "steps": int(training.step),
        "path": CheckpointableSaver(training).save(target, checkpoint_number=training.step),
        "pid": os.getpid(),
    }
    print(json.dumps(facts), flush=True)


def compare(one: str, other: str) -> dict[str, Any]:
    """Counts the values of two checkpoints that are the same bit for bit."""
    a, b = TensorBundle().open(one), TensorBundle().open(other)
    keys = [key for key in a.keys() if key != OBJECT_GRAPH_KEY]
    same = [key for key in keys if key in b and a.read(key).tobytes() == b.read(key).tobytes()]
    slots = [key for key in same if ".OPTIMIZER_SLOT" in key]
    different = sorted(set(keys) - set(same))
    return {"values": len(keys), "identical": len(same), "identical_slots": len(slots), "different": different}


def use_in_a_graph(directory: str, checkpoint: str, advance: Progress) -> dict[str, Any]:
    """The same program in a graph: restore ops, equal predictions, more training, and back to eager mode."""
    eager = Training()
    CheckpointableSaver(eager).restore(checkpoint)
    eager.begin()
    expected = eager.predict("test").numpy()
    with Graph().as_default() as graph, Session() as session:
        training = Training()
        step = training.train_step()
        scores, accuracy = training.predict("test"), training.accuracy("test")
        saver = CheckpointableSaver(training)
        session.run(variables_initializer(global_variables()))
        before, operations = _values(session), len(graph.get_operations())
        status = saver.restore(checkpoint)
        added = len(graph.get_operations()) - operations
        unchanged = _same(before, _values(session))
        status.assert_consumed()
        status.run_restore_ops()
        changed = sum(not np.array_equal(x, y) for x, y in zip(before, _values(session), strict=True))
        status.initialize_or_restore()
        predictions = session.run(scores)
        operations = len(graph.get_operations())
        saver.restore(checkpoint).run_restore_ops()
        grown = len(graph.get_operations()) - operations
        for _ in range(MORE):
            session.run(step)
            advance("training on in a graph")
        path = saver.save(os.path.join(directory, NAME), checkpoint_number=training.step)
        in_graph = session.run([accuracy, *training.network.hidden.variables])
    back = Training()
    status = CheckpointableSaver(back).restore(path)
    back.begin()
    restored = back.accuracy("test")  # makes the layers' variables, which takes their values from the checkpoint
    return {
        "restore_ops_added": added,
        "values_changed_by_restore": 0 if unchanged else 1,
        "values_changed_by_run_restore_ops": changed,
        "operations_added_by_a_second_restore": grown,
        "largest_difference_to_eager": float(np.max(np.abs(predictions - expected))),
        "steps": int(back.step),
        "path": path,
        "accuracy": float(in_graph[0]),
        "eager_accuracy": float(restored),
        "eager_weights_equal": _same(in_graph[1:], [v.numpy() for v in back.network.hidden.variables]),
    }


def _values(session: Session) -> list[Any]:
    variables: list[Variable] = global_variables()
    return list(session.run(variables))


def _same(one: list[Any], other: list[Any]) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(one, other, strict=True))
