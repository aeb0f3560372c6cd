"""The views of an explanation: text, JSON, graph, HTML, treescope; and the ends of the assertions' messages."""

import html.parser
import json
import re

import networkx as nx
import pytest

import minitf as tf
from minitf.explain.why import State, Why
from minitf.explain.why.explanation import LINES
from tests.checkpoint.conftest import Node

Saver = tf.train.CheckpointableSaver


@pytest.fixture
def told(world, save):
    """A renamed edge, an absent object, a shared object, and some that are restored."""
    def make():
        shared = Node(v=tf.Variable([1.0]))
        return Node(a=shared, b=shared, old=Node(k=tf.Variable([[1.0]]), l=tf.Variable([1.0])), gone=Node(z=tf.Variable(1)))

    path = save(make)
    shared = Node(v=tf.Variable([0.0]))
    root = Node(a=shared, b=shared, **{"<new> & 'quoted'": Node(k=tf.Variable([[0.0]]), l=tf.Variable([0.0]))})
    status = Saver(root).restore(path).expect_partial()
    world.run(status)
    return status.explain()


def test_the_text_is_short_however_much_is_wrong(world, save):
    path = save(**{f"unlike_{chr(97 + i) * 5}": {f"w{i}": [0.0] * (i + 2)} for i in range(20)}, same=1.0)
    root = Node(same=tf.Variable(0.0), **{f"new{i}": tf.Variable([0] * (i + 9)) for i in range(20)})
    lines = str(Saver(root).restore(path).expect_partial().explain()).splitlines()
    assert len(lines) <= LINES == 12


def test_json_has_everything(told):
    data = json.loads(told.to_json())
    assert data["counts"] == {str(state): count for state, count in told.counts.items()}
    assert [row["saved"] for row in data["rows"]] == [row.saved for row in told.rows]
    assert {cause["kind"] for cause in data["causes"]} == {"RENAMED", "ABSENT"}
    assert data["text"] == str(told)
    assert all(cause["text"] and cause["advice"] and cause["places"] for cause in data["causes"])


def test_the_graph_has_both_sides_and_what_belongs_together(told):
    graph = told.to_networkx()
    assert isinstance(graph, nx.DiGraph)
    node = {(data["side"], data["path"]): name for name, data in graph.nodes(data=True)}
    kinds = nx.get_edge_attributes(graph, "kind")
    shared = node["saved", "(root).a"]
    assert graph.in_degree(shared) == 1  # a and b: one edge, since a DiGraph has one between two nodes
    assert kinds[shared, node["live", "(root).a"]] == "matched"
    assert kinds[node["saved", "(root).old"], node["live", "(root).<new> & 'quoted'"]] == "cause"
    assert graph.nodes[node["saved", "(root).gone.z"]]["state"] == State.WAITING
    assert graph.nodes[node["saved", "(root).gone.z"]]["cause"] == "ABSENT"


class Page(html.parser.HTMLParser):
    """What is on a page, and whether it is well nested."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.text, self.attributes = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [value for _, value in attributes if value]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text.append(data)


def test_the_page_is_whole_static_and_escaped(told, tmp_path):
    text = told.to_html(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == text
    page = Page(text)
    assert page.open == []
    assert "script" not in page.tags
    assert not re.search(r"https?:|\bon\w+=|url\(|@import", text)
    words = "".join(page.text)
    assert "(root).<new> & 'quoted'.k" in words  # escaped in the source, whole on the page
    assert told.causes[0].advice in words
    for row in told.rows:
        assert str(row.state) in words
        assert row.saved is None or row.saved in words
    assert page.tags.count("details") == 2 + 1  # the causes, and what was restored


def test_the_fragment_styles_nothing_but_itself(told):
    fragment = told._repr_html_()
    page = Page(fragment)
    assert page.tags[0] == "div"
    assert not {"html", "body", "head", "script", "link"} & set(page.tags)
    style = re.search(r"<style>(.*?)</style>", fragment, re.DOTALL).group(1)
    rules = re.sub(r"@media[^{]*\{(.*?\})\}", r"\1", style, flags=re.DOTALL)
    selectors = [part for rule in re.findall(r"([^{}]+)\{[^}]*\}", rules) for part in rule.split(",")]
    assert len(selectors) > 10
    assert all(".minitf-why" in selector for selector in selectors)


def test_long_groups_are_cut_in_a_notebook(eager, save):
    told = Saver(Node()).restore(save(**{f"v{i}": 1.0 for i in range(200)})).expect_partial().explain()
    assert "and 150 more" in told._repr_html_()
    assert told.to_html().count("<tr>") == 201


@pytest.mark.filterwarnings("ignore:The chararray class is deprecated:DeprecationWarning")  # treescope uses it
def test_treescope_shows_it(told):
    treescope = pytest.importorskip("treescope")
    text = treescope.render_to_text(told)
    assert "Explanation(" in text
    assert told.causes[0].text in text
    assert "<" in treescope.render_to_html(told)


# -- assertions ------------------------------------------------------------------------------------------------------------


def failing(question, status):
    with pytest.raises(AssertionError) as caught:
        getattr(status, question)()
    return str(caught.value)


def test_assertions_end_with_the_same_text_and_one_line_of_what_to_do(world, save):
    root = Node(same=tf.Variable(0.0), encoder=Node(w=tf.Variable([[0.0]]), b=tf.Variable([0.0])))
    path = save(lambda: Node(same=tf.Variable(1.0), hidden=Node(w=tf.Variable([[1.0]]), b=tf.Variable([1.0]))))
    status = Saver(root).restore(path).expect_partial()
    world.run(status)
    explanation = status.explain()
    assert explanation.causes[0].kind is Why.RENAMED
    for question in ("assert_consumed", "assert_existing_objects_matched"):
        message = failing(question, status)
        start, end = message.split("\n\n")
        assert start.startswith("Found 2 Python objects that were not bound")
        *grouped, todo = end.splitlines()
        assert grouped == [line.text for line in explanation.lines if not line.text.startswith("->")]
        assert todo == f"-> {explanation.causes[0].advice}"


def test_so_do_those_of_the_other_kinds_of_status(world, tmp_path):
    with tf.using(tf.Eager()):
        path = tf.train.Saver({"a": tf.Variable(1.0)}).save(None, str(tmp_path / "n"))
    named = Saver(Node(x=tf.Variable(0.0, name="b"))).restore(path)
    assert failing("assert_consumed", named).splitlines()[-1].startswith("-> ")
    none = Saver(Node()).restore(None)
    assert failing("assert_consumed", none).splitlines()[-1] == f"-> {none.explain().causes[0].advice}"
    assert failing("assert_nontrivial_match", Saver(Node()).restore(Saver(Node()).save(str(tmp_path / "e")))).count("\n\n") == 1


def test_an_error_at_an_attachment_is_told(eager, tmp_path, save):
    path = save(a=[1.0] * 1000)
    status = Saver(root := Node()).restore(path).expect_partial()
    with open(f"{path}.data-00000-of-00001", "r+b") as file:
        file.write(b"\xff" * 8)
    with pytest.raises(tf.errors.DataLossError):
        root.a = tf.Variable([0.0] * 1000)
    [cause] = status.explain().causes
    assert (cause.kind, cause.path) == (Why.FAILED, "(root).a")
    assert "DataLossError" in cause.text
