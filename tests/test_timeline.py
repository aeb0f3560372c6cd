"""Timelines are plain data: what goes into JSON comes out of it."""

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minitf import errors
from minitf.timeline import Event, Source, Timeline, describe

texts = st.text(max_size=8)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
events = st.builds(
    Event, st.text(min_size=1, max_size=8), texts, st.sampled_from(["", "eager", "graph"]), texts,
    st.none() | st.tuples(st.integers(0, 3), st.integers(1, 99)), st.dictionaries(texts, plain, max_size=3),
)  # fmt: skip
timelines = st.builds(Timeline, texts, st.lists(events, max_size=4), st.lists(st.builds(Source, texts, texts), max_size=2))


@given(timelines, st.none() | st.integers(0, 4))
def test_a_timeline_goes_through_json(timeline, indent):
    again = Timeline.from_json(timeline.to_json(indent))
    assert again == timeline
    assert again.events == timeline.events
    assert (again.title, again.sources) == (timeline.title, timeline.sources)


def test_events_are_added_and_told_one_a_line():
    timeline = Timeline("a race", sources=[Source("program.py", "x = 1\n")])
    timeline.add("note", "the writer renames the index", actor="writer", place=(0, 1), step=3)
    timeline.add("op", "add", runtime="eager", op="add")
    assert [e.kind for e in timeline] == ["note", "op"]
    assert timeline.of("op") == [timeline[1]]
    assert timeline[0].data == {"step": 3}
    assert str(timeline).splitlines() == [
        "a race", "1  program.py:1            [writer] the writer renames the index", "2                   eager  add",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"format": "minitf timeline 0"}', '{"format": "minitf timeline 1"}'])
def test_other_text_is_refused(text):
    with pytest.raises(errors.InvalidArgumentError, match="timeline"):
        Timeline.from_json(text)


def test_data_that_json_cannot_hold_is_refused():
    timeline = Timeline()
    timeline.add("note", value=float("nan"))
    with pytest.raises(ValueError):
        timeline.to_json()


@pytest.mark.parametrize(
    "value, expected",
    [
        (np.float32(1.5), {"dtype": "float32", "shape": [], "text": "1.5"}),
        (np.array([1, 2]), {"dtype": "int64", "shape": [2], "text": "[1, 2]"}),
        (np.zeros((0, 2), np.float32), {"dtype": "float32", "shape": [0, 2], "text": "empty"}),
        (np.arange(10.0), {"dtype": "float64", "shape": [10], "text": "0 … 9, mean 4.5"}),
        (np.ones(9, ml_dtypes.bfloat16), {"dtype": "bfloat16", "shape": [9], "text": "1 … 1, mean 1"}),
        (np.array([True] * 9), {"dtype": "bool", "shape": [9], "text": "9 of 9 true"}),
        (np.array([b"a", b"b"], object), {"dtype": "object", "shape": [2], "text": "b'a', b'b'"}),
    ],
)
def test_values_in_words(value, expected):
    assert describe(value) == expected


def test_a_value_with_nans_and_infinities_is_described():
    assert describe(np.array([np.nan, np.inf]))["text"] == "[nan, inf]"
    Timeline("", [Event("value", data={"value": describe(np.full(20, np.nan))})]).to_json()
