"""What the demonstration found, told to people; and the check that all of it is as it should be."""

from __future__ import annotations

import os
from typing import Any

from minitf.cli.contents import object_graph
from minitf.cli.ls import tree
from minitf.cli.output import Output
from minitf.saved import OBJECT_GRAPH_KEY
from minitf.storage.detect import open_checkpoint

ACCURACY = 0.97
MARGIN = 12


def wrong(facts: dict[str, Any]) -> list[str]:
    """What is not as it should be; empty if the demonstration succeeded."""
    eager, resumed, graph = facts["eager"], facts["resumed"], facts["graph"]
    checks = {
        f"test accuracy is below {ACCURACY:.0%}": eager["accuracy"] >= ACCURACY,
        "the resumed run differs from the uninterrupted one": resumed["identical"] == resumed["values"] > 0,
        "no optimizer slots were compared": resumed["identical_slots"] > 0,
        "the fresh interpreter had objects before restoring": resumed["attributes_at_restore"] == 0,
        "restore() in the graph changed values": graph["values_changed_by_restore"] == 0,
        "restore() in the graph added no operations": graph["restore_ops_added"] > 0,
        "run_restore_ops() changed nothing": graph["values_changed_by_run_restore_ops"] > 0,
        "a second restore made the graph grow": graph["operations_added_by_a_second_restore"] == 0,
        "the graph predicts something else than eager mode": graph["largest_difference_to_eager"] == 0,
        "eager mode did not restore what the graph saved": graph["eager_weights_equal"],
    }
    return [what for what, fine in checks.items() if not fine]


def facts_for_people(facts: dict[str, Any], output: Output) -> None:
    """Prints the four steps."""
    if output.as_json:
        return
    eager, resumed, graph = facts["eager"], facts["resumed"], facts["graph"]
    newest = os.path.basename(graph["path"])
    _part(output, "1 eager", [
        f"{eager['steps']} training steps with Adam, saved as {', '.join(eager['checkpoints'])}",
        f"test accuracy {eager['accuracy']:.1%}",
    ])  # fmt: skip
    _part(output, "2 resumed", [
        f"a fresh interpreter restored {resumed['from']} before any variable existed:",
        *_indented(resumed["waiting"]),
        "after the objects were made, and before the first step:",
        *_indented(resumed["after_the_objects_were_made"]),
        f"in the end: {resumed['at_the_end']}",
        f"at step {resumed['steps']}, {resumed['identical']} of {resumed['values']} values (with {resumed['identical_slots']} "
        f"optimizer slots) are bit-identical",
        "to those of the run that was never interrupted",
    ])  # fmt: skip
    _part(output, "3 graph", [
        f"restore() added {graph['restore_ops_added']} operations and changed no value; run_restore_ops() changed "
        f"{graph['values_changed_by_run_restore_ops']}",
        f"a second restore() added {graph['operations_added_by_a_second_restore']} operations",
        f"largest difference between the predictions of graph and eager mode: {graph['largest_difference_to_eager']:g}",
        f"trained on in the graph to step {graph['steps']}, saved as {newest}, restored in eager mode: "
        f"test accuracy {graph['eager_accuracy']:.1%}",
    ])  # fmt: skip
    _part(output, "4 files", [f"{newest} holds"])
    _contents(graph["path"], output)
    where = facts["directory"] if facts["kept"] else "were in a temporary folder, which is deleted; --out DIR keeps them"
    _part(output, "", [f"files: {where}", f"{facts['seconds']:.1f} s"])
    _part(output, "WRONG", facts["problems"])


def _part(output: Output, head: str, lines: list[str]) -> None:
    heads = [head] + [""] * len(lines)
    output.lines([[(f"{h:<{MARGIN}}", "bold"), line] for h, line in zip(heads, lines, strict=False)])


def _indented(text: str) -> list[str]:
    return [f"  {line}" for line in text.splitlines()]


def _contents(path: str, output: Output) -> None:
    reader = open_checkpoint(path)
    graph = object_graph(reader)
    assert graph is not None, "the saver has written an object graph"
    specs = {key: reader.spec(key) for key in reader.keys() if key != OBJECT_GRAPH_KEY}
    output.lines([(" " * MARGIN, *line) for line in tree(graph, graph.paths(), specs, reader.source)])
