"""The player's file: whole, small, without a network; its data is what the timeline says."""

import base64
import html
import json
import re
import zlib
from pathlib import Path

import pytest

import minitf as tf
from minitf.explain.book import book
from minitf.timeline import Source, Timeline


def data_of(text):
    [inside] = re.findall(r'<script id="minitf-book" type="application/json">(.*?)</script>', text, re.S)
    return json.loads(inside if inside.startswith("{") else zlib.decompress(base64.b64decode(inside)))


def written(timeline, tmp_path):
    return Path(timeline.save_html(tmp_path / "player.html")).read_text(encoding="utf-8")


@pytest.fixture
def restored(tmp_path):
    path = tf.train.Checkpoint(v=tf.Variable(3.0)).write(str(tmp_path / "ckpt"))
    with tf.record("a restore") as timeline:
        root = tf.train.Checkpoint()
        status = root.read(path)
        root.v = tf.Variable(0.0)
    status.assert_consumed()
    return timeline


def test_the_file_needs_nothing_else(restored, tmp_path):
    text = written(restored, tmp_path)
    assert len(text) < 400_000
    assert "default-src 'none'" in text
    own = re.sub(r'(type="application/json">).*?(</script>)', "", text, flags=re.S)  # without the program's source
    assert set(re.findall(r"https?://[^\s\"'<>)]+", own)) <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<(link|img|iframe)\b|\bimport\(|\bfetch\(|XMLHttpRequest|@import|url\(", re.sub(r"url\(#", "", own))
    assert "<title>a restore</title>" in text
    assert text == written(Timeline.from_json(restored.to_json()), tmp_path)


def test_the_data_has_a_state_for_everything_at_every_step(restored, tmp_path):
    [lane] = data_of(written(restored, tmp_path))["lanes"]
    assert [s[1] for s in lane["steps"]] == [e.text for e in restored]
    [saved] = lane["saved"]
    names = [(name, [state for _, state in track]) for name, _, _, _, _, _, _, track in saved["rows"]]
    assert names == [("(root)", [0, 1, 3]), ("v", [0, 1, 2, 3, 5])]
    [value] = lane["values"]
    assert [(text, cause) for _, text, _, cause in value["track"]] == [("0.", "initial value"), ("3.", "restore")]
    assert value["track"][1][2] == "from v of ckpt by restore 1, because edge v matched"
    matched = next(i for i, e in enumerate(restored, 1) if e.kind == "match" and e.data["name"] == "v")
    assert lane["matches"][1][3] == matched


def test_a_failed_restores_matches_go_again(tmp_path):
    path = tf.train.Checkpoint(v=tf.Variable(3.0)).write(str(tmp_path / "ckpt"))
    with tf.record() as timeline:
        root = tf.train.Checkpoint(v=tf.Variable([1.0, 2.0]))
        with pytest.raises(ValueError):
            root.read(path)
    [lane] = book([timeline], "")["lanes"]
    failed = 1 + [e.kind for e in timeline].index("failed")
    assert [gone for *_, gone in lane["matches"]] == [failed, failed]
    assert [row[7][-1] for row in lane["saved"][0]["rows"]] == [[failed, 1], [failed, 1]]


def test_large_timelines_are_packed(tmp_path):
    timeline = Timeline("large")
    for i in range(3000):
        timeline.add("note", f"note number {i} of a long story", actor="teller")
    text = written(timeline, tmp_path)
    assert len(text) < 150_000
    assert len(data_of(text)["lanes"][0]["steps"]) == 3000


@pytest.mark.parametrize("title", ["</script><script>alert(1)</script>", "<!-- a", '"quoted" & more'])
def test_no_text_breaks_out(title, tmp_path):
    timeline = Timeline(title, sources=[Source("</title>.py", title)])
    timeline.add("note", title, actor=title, place=(0, 1), anything=title)
    text = written(timeline, tmp_path)
    assert text.count("</script>") == 2
    assert data_of(text)["lanes"][0]["steps"][0][1] == title
    assert f"<h1>{html.escape(title)}</h1>" in text


def test_in_a_notebook_it_stands_in_a_frame_of_its_own(restored):
    text = restored._repr_html_()
    frame = r'<iframe title="minitf player: a restore" sandbox="allow-scripts" [^>]*srcdoc="[^"]*"></iframe>'
    assert re.fullmatch(frame, text, re.S)
    assert "<style" not in text


def test_a_timeline_of_something_else_is_shown_by_its_words(tmp_path):
    timeline = Timeline("two writers")
    timeline.add("write", "the first writer renames the index", actor="first")
    timeline.add("crash", "the machine stops", actor="second", after=3)
    [lane] = data_of(written(timeline, tmp_path))["lanes"]
    assert [s[:4] for s in lane["steps"]] == [
        ["write", "the first writer renames the index", "", "first"], ["crash", "the machine stops", "", "second"]
    ]  # fmt: skip
    assert (lane["live"], lane["saved"], lane["graphs"]) == ([], [], [])
