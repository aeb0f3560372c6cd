"""Optimizers that are not the one that was saved: their state has other names."""

from __future__ import annotations

from collections.abc import Iterable

from minitf.explain.why.causes import Place, Why
from minitf.explain.why.rows import State
from minitf.explain.why.stopped import Stops

KERAS = {"_variables", "_iterations"}  # the edges by which an optimizer of Keras is known


def is_optimizer(stops: Stops, node: int) -> bool:
    """True if a node of the checkpoint is an optimizer: it has slots, or the edges of Keras's."""
    return bool(stops.facts.graph.nodes[node].slots) or stops.facts.graph.children(node).keys() >= KERAS


def of_other_making(stops: Stops) -> None:
    """An optimizer that keeps slots where one of Keras was saved, or the other way round."""
    facts, findings = stops.facts, stops.findings
    for node, saved in enumerate(facts.graph.nodes):
        bound = facts.bound[node]
        if bound is None or bound < 0 or not is_optimizer(stops, node):
            continue
        live, keras = facts.live[bound], not saved.slots
        if live.keeps_slots != keras:
            continue
        if not keras and not facts.children(bound).keys() >= KERAS:
            continue  # some other object: what is wrong with it is told elsewhere
        rows = [row for slot in dict.fromkeys(slot.slot for slot in saved.slots) for row in findings.rows_of_node[slot]]
        for below in stops.saved.below(node):
            rows += stops.take(below)
        place = Place(stops.saved.path(node), facts.path(bound), live.kind)
        kinds = ("a list of variables", "/", "slots") if keras else ("slots", "/", "a list of variables")
        findings.note(Why.OTHER_OPTIMIZER, [place], rows, kinds)


def with_other_slots(stops: Stops) -> None:
    """The object keeps other slots than those that the checkpoint has for it."""
    facts, findings = stops.facts, stops.findings
    made = findings.states.decisions.slots_made
    for node, saved in enumerate(facts.graph.nodes):
        bound = facts.bound[node]
        if not saved.slots or bound is None or bound < 0 or not facts.live[bound].keeps_slots:
            continue
        live = facts.live[bound]
        stored = {slot.slot_name for slot in saved.slots}
        own = {name for _, name, at in facts.slots.get(bound, ()) if findings.node_of.get(at) not in made}
        makes = live.slots if live.slots is not None else frozenset(own)
        strange = stored - makes if makes or live.slots is not None else set()
        if not strange and own <= stored:
            continue
        without = dict.fromkeys(slot.slot for slot in saved.slots if slot.slot_name in strange)
        rows = [row for slot in without for row in findings.rows_of_node[slot]]
        rows += stops.take(node)
        names = (*sorted(stored), "/", *sorted(makes | own))
        findings.note(Why.OTHER_OPTIMIZER, [Place(stops.saved.path(node), facts.path(bound), live.kind)], rows, names)


def with_other_state(stops: Stops) -> None:
    """The same for optimizers of Keras, which keep all state in one list: the variables' names tell what each is."""
    facts, findings = stops.facts, stops.findings
    for node in range(len(facts.graph.nodes)):
        bound, edges = facts.bound[node], facts.graph.children(node)
        if not edges.keys() >= KERAS or bound is None or bound < 0 or not facts.live[bound].built:
            continue
        stored = [facts.graph.nodes[n] for n in _variables(stops, edges["_variables"])]
        saved = {_state(value.full_name) for one in stored for value in one.values} - {""}
        numbers = facts.children(facts.children(bound).get("_variables", bound)).values()
        live = {_state(value.variable) for number in numbers for value in facts.live[number].values} - {""}
        if not saved or not live or saved == live or _fits(stops, edges["_variables"]):
            continue
        rows = []
        for top in (node, edges["_variables"]):
            for child in _variables(stops, top):
                rows += [row for row in findings.rows_of_node[child] if findings.rows[row].state is not State.RESTORED]
            rows += stops.take(top)
        place = Place(stops.saved.path(node), facts.path(bound), facts.live[bound].kind)
        findings.note(Why.OTHER_OPTIMIZER, [place], rows, (*sorted(saved), "/", *sorted(live)))


def _state(name: str) -> str:
    """What a variable of an optimizer keeps, by its name ``Adam/m/dense/kernel``: m."""
    parts = name.split("/")
    return parts[1] if len(parts) > 2 else ""


def _variables(stops: Stops, node: int) -> Iterable[int]:
    """What the edges of a list lead to, each once."""
    return dict.fromkeys(stops.facts.graph.children(node).values())


def _fits(stops: Stops, node: int) -> bool:
    """Everything in the list was restored, and nothing is left over on either side."""
    findings = stops.findings
    nodes = _variables(stops, node)
    states = {findings.rows[row].state for child in nodes for row in findings.rows_of_node[child]}
    return states <= {State.RESTORED} and node not in stops.meetings
