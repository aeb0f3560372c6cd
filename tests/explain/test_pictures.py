"""Static pictures: SVG, DOT and Mermaid from networkx graphs."""

import re
import xml.etree.ElementTree as ET

import networkx as nx
import pytest

import minitf as tf
from minitf.explain.networks import object_graph
from minitf.explain.pictures import dot, mermaid, svg

SVG = "{http://www.w3.org/2000/svg}"


def operations():
    with tf.Graph().as_default() as graph:
        v = tf.Variable([1.0, 2.0], name="v")
        tf.reduce_sum(v * 2.0, name="loss/sum")
    return graph.to_networkx()


@pytest.fixture
def timeline(tmp_path):
    saved = tf.train.Checkpoint(a=tf.Variable(1.0), gone=tf.Variable(2.0))
    path = saved.write(str(tmp_path / "ckpt"))
    with tf.record() as timeline, tf.Graph().as_default(), tf.Session():
        root = tf.train.Checkpoint(a=tf.Variable(0.0))
        root.read(path).expect_partial().run_restore_ops()
    return timeline


def texts(picture):
    return [e.text for e in ET.fromstring(picture).iter(f"{SVG}text")]


def test_a_graphs_operations_as_svg():
    graph = operations()
    picture = svg(graph, "operations & more")
    assert ET.fromstring(picture).find(f"{SVG}title").text == "operations & more"
    shown = texts(picture)
    assert {"Assign", "Read", "multiply"} <= set(shown)
    paths = [e for e in ET.fromstring(picture).iter(f"{SVG}path") if "stroke" in e.attrib]
    assert len(paths) == graph.number_of_edges()
    assert svg(operations(), "operations & more") == picture
    assert not re.search(r"(href|src|url\((?!#)|@import)", picture)


def test_a_graphs_operations_as_dot_and_mermaid():
    graph = operations()
    text = dot(graph, 'a "graph"')
    assert text.startswith('digraph {\n  label="a \\"graph\\"";')
    assert len(re.findall(r"^  n\d+ \[label", text, re.M)) == len(graph)
    assert len(re.findall(r"^  n\d+ -> n\d+", text, re.M)) == graph.number_of_edges()
    text = mermaid(graph)
    assert text.startswith("flowchart TD\n")
    assert len(re.findall(r"^  n\d+\[", text, re.M)) == len(graph)
    assert len(re.findall(r"^  n\d+ (?:-->|-\.->)", text, re.M)) == graph.number_of_edges()


def test_the_match_of_a_restore(timeline):
    match = timeline.to_networkx("match")
    pairs = [(match.nodes[a]["label"], match.nodes[b]["label"]) for a, b, k in match.edges(data="kind") if k == "match"]
    assert pairs == [("(root)", "(root)"), ("a", "a")]
    states = {data["label"]: data["state"] for _, data in match.nodes(data=True) if data["side"] == "saved"}
    assert states == {"(root)": "matched", "a": "restored", "gone": "waiting"}
    assert "gone  float32 ()" in texts(svg(match))
    assert 'subgraph saved["checkpoint"]' in mermaid(match)
    assert "subgraph cluster_live" in dot(match)


def test_a_picture_of_any_step(timeline):
    built = next(step for step, e in enumerate(timeline, 1) if e.kind == "restore op")
    early, late = timeline.to_networkx("operations", built), timeline.to_networkx("operations")
    assert {data["state"] for _, data in early.nodes(data=True)} == {""}
    assert {name for name, data in late.nodes(data=True) if data["state"] == "ran"} == {"restore/Variable"}
    assert set(timeline.to_networkx("checkpoint", 0)) == set()
    assert len(timeline.to_networkx("objects")) == 2
    with pytest.raises(ValueError, match="'operations', 'objects'"):
        timeline.to_networkx("everything")


def test_live_objects_shared_and_in_cycles():
    root = tf.Module()
    root.a = tf.Module()
    root.b = root.a
    root.a.up = root
    root.v = tf.Variable([1.0])
    graph = object_graph(root)
    assert [data["label"] for _, data in graph.nodes(data=True)] == ["(root)", "a", "v"]
    assert {(a, b): name for a, b, name in graph.edges(data="label")} == {(0, 1): "a, b", (1, 0): "up", (0, 2): "v"}
    assert len(texts(svg(graph))) == 6
    assert "n1 --> " not in mermaid(graph)
    assert '|"up"|' in mermaid(graph)


def test_labels_cannot_break_out():
    graph = nx.DiGraph()
    graph.add_node(0, label='<script>"x"&\n\\', detail="]")
    assert texts(svg(graph))[0] == '<script>"x"&\n\\'
    assert '[label="<script>\\"x\\"&\\n\\\\\\n]"' in dot(graph)
    assert "n0[\"#lt;script#gt;#quot;x#quot;#amp; \\<br>]\"]" in mermaid(graph)


def test_an_empty_graph_is_an_empty_picture():
    empty = nx.DiGraph()
    assert texts(svg(empty)) == []
    assert dot(empty).endswith("}\n")
    assert mermaid(empty) == "flowchart TD\n"
    assert mermaid(empty, 'a "match": 1') == '---\ntitle: "a \\"match\\": 1"\n---\nflowchart TD\n'
