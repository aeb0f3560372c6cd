"""The player in a browser: what is on the page at each step. Needs Chromium (Debian's package ``chromium``).

``MINITF_SCREENSHOTS=DIR`` keeps the screenshots in DIR, to be looked at.
"""

import html
import json
import os
import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

import minitf as tf
from minitf.timeline import Timeline

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--virtual-time-budget=20000",
]  # fmt: skip
pytestmark = [
    pytest.mark.skipif(BROWSER is None, reason="no browser: install Debian's package chromium, or put Chrome on PATH"),
    pytest.mark.timeout(300),
]

# Does what it is told on the finished page, and writes down after each act what is to be seen.
DRIVER = """
<script>
(async () => {
  const page = document.querySelector(".minitf-player");
  while (!page.dataset.ready) await new Promise((done) => setTimeout(done, 20));
  const all = (selector) => [...page.querySelectorAll(selector)].filter((e) => e.getClientRects().length);
  const text = (e) => (e ? e.textContent : null);
  const place = (e) => { const box = e.closest(".box"), a = e.getBoundingClientRect(), b = box.getBoundingClientRect();
    return [a.x - b.x + box.scrollLeft, a.y - b.y + box.scrollTop].map(Math.round); };
  const path = (e) => e.querySelector(".name").textContent;
  const look = () => ({
    hash: location.hash, slider: page.querySelector("input").value, count: text(page.querySelector(".count")),
    now: text(page.querySelector(".now")), line: text(page.querySelector("pre .here")),
    listed: text(page.querySelector("[aria-current=step]")),
    live: all(".live .row").map((e) => [path(e), Number(e.dataset.s)]),
    saved: all(".saved .row").map((e) => [path(e), Number(e.dataset.s)]),
    labels: all(".row").map((e) => e.getAttribute("aria-label")),
    links: all(".link").map((e) => e.dataset.match),
    again: all(".again").map((e) => e.className.baseVal), focus: all(".row.focus .name").map(text),
    actors: all(".actors tbody tr").map((e) => [...e.cells].map(text)),
    current: [...(page.querySelector(".actors [aria-current=step]") || { cells: [] }).cells].map(text),
    values: all(".values tbody tr").map((e) => [...e.cells].map(text)), files: all("tr").map(text),
    ops: Object.fromEntries(all(".node").map((e) => [e.dataset.op || text(e.querySelector("title")), Number(e.dataset.s)])),
    places: all(".row, .node").map(place), wide: document.documentElement.scrollWidth - innerWidth,
  });
  const report = [look()];
  for (const act of ACTS) {
    const target = act.at ? page.querySelector(act.at) : document.body;
    if (act.key) target.dispatchEvent(new KeyboardEvent("keydown", { ...act, bubbles: true, cancelable: true }));
    if (act.click) page.querySelector(act.click).dispatchEvent(new MouseEvent("click", { bubbles: true }));
    if (act.slide !== undefined) {
      page.querySelector("input").value = act.slide;
      page.querySelector("input").dispatchEvent(new Event("input", { bubbles: true }));
    }
    if (act.hash) { location.hash = act.hash; await new Promise((done) => setTimeout(done, 50)); }
    if (act.wait) await new Promise((done) => setTimeout(done, act.wait));
    report.push(look());
  }
  const out = document.createElement("pre");
  out.id = "report";
  out.textContent = JSON.stringify(report);
  document.body.append(out);
})();
</script>
"""


def run(tmp_path, *arguments):
    command = [BROWSER, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=200, check=True).stdout


def drive(page, acts, tmp_path, size=(1400, 1000), fragment=""):
    """What is on the page at first, and after each act."""
    text = Path(page).read_text(encoding="utf-8").replace("</body>", DRIVER.replace("ACTS", json.dumps(acts)) + "</body>")
    driven = tmp_path / "driven.html"
    driven.write_text(text, encoding="utf-8")
    dom = run(tmp_path, f"--window-size={size[0]},{size[1]}", "--dump-dom", f"file://{driven}{fragment}")
    found = re.search(r'<pre id="report">(.*?)</pre>', dom, re.S)
    assert found, dom[-2000:]
    return json.loads(html.unescape(found[1]))


class Net(tf.Module):
    def __init__(self):
        super().__init__()
        self.kernel = tf.Variable([1.0, 2.0], name="kernel")
        self.bias = tf.Variable(0.5, name="bias")
        self.itself = self
        self.again = self.kernel


@pytest.fixture(scope="module")
def restore(tmp_path_factory):
    """A restore that waits, in eager mode, and one that is run in a graph, in one recording."""
    folder = tmp_path_factory.mktemp("restore")
    net = Net()
    net.kernel.assign([7.0, 8.0])
    with tf.record("a restore") as timeline:
        path = tf.train.Checkpoint(net=net).save(folder / "ckpt")
        root = tf.train.Checkpoint()
        status = root.restore(path)
        root.net = Net()
        with tf.Graph().as_default(), tf.Session():
            graph = tf.train.Checkpoint(net=Net())
            graph.restore(path).initialize_or_restore()
    status.assert_consumed()
    return timeline, timeline.save_html(folder / "player.html")


def step_of(timeline, **data):
    """The step (from 1) of the first event with this kind and these data."""
    kind = data.pop("kind")
    return next(i for i, e in enumerate(timeline, 1) if e.kind == kind and data.items() <= e.data.items())


def test_stepping_through_a_restore(restore, tmp_path):
    timeline, page = restore
    waits = step_of(timeline, kind="waiting", restore=1, name="net")
    matched = step_of(timeline, kind="match", restore=1, name="kernel")
    assigned = step_of(timeline, kind="restored", restore=1, key="net/kernel/.ATTRIBUTES/VARIABLE_VALUE")
    built = step_of(timeline, kind="restore op", name="restore/kernel")
    arrived = next(i for i, e in enumerate(timeline, 1) if e.kind == "value" and e.data["session"] and e.data["restore"] == 2)
    steps = [waits, matched, assigned + 1, built, arrived, len(timeline)]
    start, *seen = drive(page, [{"slide": step} for step in steps], tmp_path)

    assert start["count"] == f"0 / {len(timeline)}"
    assert {state for _, state in start["live"]} == {0}
    assert start["line"] is None
    assert start["links"] == start["again"] == []
    for step, shown in zip(steps, seen, strict=True):
        assert timeline[step - 1].text in shown["now"]
        assert shown["hash"] == f"#step={step}"
        assert shown["listed"] == timeline[step - 1].text
        source = timeline.sources[timeline[step - 1].place[0]]
        assert shown["line"] == source.text.splitlines()[timeline[step - 1].place[1] - source.first]
        assert shown["places"] == start["places"]  # nothing moves

    first, second, third, fourth, fifth, end = seen
    size = len(start["saved"]) // 2  # the rows of restore 1, then those of restore 2
    kernel = next(i for i, (name, _) in enumerate(start["saved"]) if name == "kernel")
    net = next(i for i, (name, _) in enumerate(start["saved"]) if name == "net")
    states = [[shown["saved"][i][1] for i in (net, kernel)] for shown in seen[:3]]
    assert states == [[2, 1], [3, 3], [3, 5]]  # waits, not reached; matched; restored
    assert len(first["links"]) == 1
    assert len(second["links"]) == 4  # the root, its save counter, the net, its kernel
    assert "kernel" in second["focus"]
    assert [shown["saved"][kernel + size][1] for shown in (fourth, end)] == [4, 5]  # its operation is built; restored
    assert fourth["ops"]["restore/kernel"] == 1
    assert fifth["ops"]["restore/bias"] == 3 or fifth["ops"]["restore/kernel"] == 3
    values = {tuple(row[:1]): row[1:] for row in third["values"]}
    assert values["(root).net.kernelfloat32 (2,)",][0] == "[7., 8.]"
    assert any("because edge kernel matched" in row[2] and "before: its initial value" in row[2] for row in third["values"])
    assert any("ckpt-1.index" in row for row in end["files"])
    assert any("itself ↻ (root).net" in name for name, _ in end["live"])
    assert any("again ↗ (root).net.kernel" in name for name, _ in end["live"])
    assert sorted(end["again"]) == 5 * ["again"] + 5 * ["again cycle"]  # in the three live trees and the two saved ones
    assert any(label and label.endswith(": restored") for label in end["labels"])  # states are told in words too


def test_forward_and_backward_by_key_button_slider_and_address(restore, tmp_path):
    timeline, page = restore
    last = len(timeline)
    acts = [
        {"key": "ArrowRight"}, {"key": "ArrowRight"}, {"key": "ArrowLeft"}, {"click": "[data-do=forward]"},
        {"click": "[data-do=back]"}, {"key": "End"}, {"key": "ArrowRight"}, {"key": "Home"}, {"click": "[data-do=last]"},
        {"click": "[data-do=first]"}, {"slide": 7}, {"hash": "#step=12"}, {"key": "ArrowRight", "at": "input"},
        {"click": "ol.steps li:nth-child(3)"},
    ]  # fmt: skip
    seen = [int(shown["slider"]) for shown in drive(page, acts, tmp_path)]
    assert seen == [0, 1, 2, 1, 2, 1, last, last, 0, last, 0, 7, 12, 13, 3]
    [shown] = drive(page, [], tmp_path, fragment="#step=9")
    assert (shown["slider"], shown["now"].count(timeline[8].text)) == ("9", 1)


def test_line_by_line_and_playing(restore, tmp_path):
    timeline, page = restore
    places = [e.place for e in timeline]
    next_line = next(i for i, place in enumerate(places, 1) if place != places[0])
    play = "[data-do=play]"
    acts = [{"key": "n"}, {"key": "n"}, {"key": "p"}, {"click": play, "wait": 1600}, {"click": play, "wait": 2000}]
    seen = [int(shown["slider"]) for shown in drive(page, acts, tmp_path)]
    assert seen[:4] == [0, 1, next_line, 1]
    assert seen[4] == seen[5] == 3


def test_scopes_fold(restore, tmp_path):
    timeline, page = restore
    acts = [{"slide": len(timeline)}, {"click": ".live .row:nth-child(1) button"}, {"click": ".scope > text"},
            {"click": ".live .row.refers"}]  # fmt: skip
    _, full, folded, scope, pointed = drive(page, acts, tmp_path)
    assert 0 < len(folded["live"]) < len(full["live"])
    assert len(folded["links"]) == len(full["links"])  # matches of folded objects go to the row that stands for them
    assert len(scope["ops"]) < len(folded["ops"])
    assert len(pointed["live"]) == len(full["live"])  # a further edge leads to its object, which is unfolded
    assert "net" in pointed["focus"]


def test_side_by_side(restore, tmp_path):
    def program():
        v = tf.Variable(1.0, name="v")
        return v + 1.0

    both = tf.side_by_side(program)
    page = both.save_html(tmp_path / "both.html")
    start, end = drive(page, [{"key": "End"}], tmp_path)
    assert start["now"].startswith("eager: nothing has happened yet")
    assert end["count"] == "{0} / {0}".format(len(both.positions()))
    rows = [row[:2] for row in end["values"] if row[0].startswith("vfloat32")]
    assert rows == [["vfloat32 ()", "1."], ["vfloat32 () · session 1", "1."]]
    assert any("built at step" in " ".join(row) for row in end["values"])


def test_several_actors_have_a_column_each(tmp_path):
    timeline = Timeline("a race")
    for actor, words in [("a", "a reads"), ("b", "b reads"), ("a", "a writes"), ("", "an update is lost")]:
        timeline.add("step", words, actor=actor)
    page = timeline.save_html(tmp_path / "race.html")
    _, shown, last = drive(page, [{"slide": 3}, {"key": "End"}], tmp_path)
    assert shown["actors"] == [["1", "a reads", ""], ["2", "", "b reads"], ["3", "a writes", ""], ["4", "an update is lost"]]
    assert (shown["current"], last["current"]) == (["3", "a writes", ""], ["4", "an update is lost"])


def large(count=60):
    """About 300 objects and 300 operations."""
    root = tf.train.Checkpoint()
    with tf.record("300 nodes") as timeline, tf.Graph().as_default(), tf.Session() as session:
        root.layers = [tf.Module() for _ in range(count)]
        total = tf.constant(0.0)
        for i, layer in enumerate(root.layers):
            with tf.name_scope(f"layer_{i}"):
                layer.a, layer.b, layer.c = (tf.Variable(float(i), name=name) for name in "abc")
                total = total + layer.a * layer.b
        session.run(tf.compat.v1.global_variables_initializer())
        session.run(total)
    return timeline


def test_beyond_300_nodes_scopes_are_folded_and_any_of_them_opens(tmp_path):
    timeline = large()
    page = timeline.save_html(tmp_path / "large.html")
    assert os.path.getsize(page) < 400_000
    assert len(timeline.of("operation")) > 600
    start, opened = drive(page, [{"click": ".node.folded"}], tmp_path)
    assert len(start["ops"]) <= 300
    assert len(start["live"]) <= 300
    assert len(opened["ops"]) > len(start["ops"])


def png_size(path):
    data = Path(path).read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", data[16:24])


DARK = "--blink-settings=preferredColorScheme=0"
SHOTS = {
    "light": (1400, 1200), "dark": (1400, 1200), "phone": (500, 1600), "projector": (1920, 1200), "large": (1400, 1600),
}  # fmt: skip


@pytest.mark.parametrize("name", SHOTS)
def test_nothing_sticks_out_at_any_size(name, restore, tmp_path):
    (timeline, page), size = restore, SHOTS[name]
    step = step_of(timeline, kind="match", restore=1, name="bias")
    if name == "large":
        timeline = large()
        page, step = timeline.save_html(tmp_path / "large.html"), len(timeline)
    folder = Path(os.environ.get("MINITF_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    window = f"--window-size={size[0]},{size[1]}"
    run(tmp_path, window, *[DARK][: name == "dark"], f"--screenshot={folder / name}.png", f"file://{page}#step={step}")
    assert png_size(folder / f"{name}.png") == size
    [shown] = drive(page, [], tmp_path, size, f"#step={step}")
    assert shown["wide"] <= 0
