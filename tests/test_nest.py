"""``tf.nest``. Beside TensorFlow: tests/interop/test_texts_interop.py."""

from collections import OrderedDict, defaultdict, namedtuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

import minitf as tf

Pair = namedtuple("Pair", "a b")
NESTED = st.recursive(
    st.none() | st.integers() | st.text(max_size=2),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.sampled_from("abc"), inner)
        | st.builds(Pair, inner, inner)
        | st.dictionaries(st.sampled_from("abc"), inner).map(OrderedDict)
    ),
)


@given(NESTED)
def test_packing_undoes_flattening(structure):
    leaves = tf.nest.flatten(structure)
    again = tf.nest.pack_sequence_as(structure, leaves)
    assert again == structure
    assert type(again) is type(structure)
    tf.nest.assert_same_structure(structure, again)
    assert tf.nest.map_structure(lambda x: x, structure) == structure
    assert not any(map(tf.nest.is_nested, leaves))
    with pytest.raises(ValueError, match=f"{len(leaves)} leaves"):
        tf.nest.pack_sequence_as(structure, [*leaves, 1])


@given(NESTED, NESTED)
def test_structures_are_the_same_or_told_apart(one, other):
    def shape(structure):
        if isinstance(structure, dict):
            return "dict", *[(key, shape(structure[key])) for key in sorted(structure)]
        return (type(structure), *map(shape, structure)) if tf.nest.is_nested(structure) else 0

    try:
        tf.nest.assert_same_structure(one, other)
    except (ValueError, TypeError):
        assert shape(one) != shape(other)
    else:
        assert shape(one) == shape(other)


def test_several_structures_at_once():
    assert tf.nest.map_structure(lambda x, y: x + y, {"a": [1, (2,)]}, {"a": [3, (4,)]}) == {"a": [4, (6,)]}
    with pytest.raises(TypeError, match=r"at a\[1\]: tuple and list"):
        tf.nest.map_structure(lambda x, y: x + y, {"a": [1, (2,)]}, {"a": [3, [4]]})
    assert tf.nest.map_structure(lambda x, y: x + y, {"a": [1, (2,)]}, {"a": [3, [4]]}, check_types=False) == {"a": [4, (6,)]}
    counts = tf.nest.map_structure(lambda x: x + 1, defaultdict(int, b=1))
    assert counts["new"] == 0
    assert counts["b"] == 2


@pytest.mark.parametrize(
    ("one", "other", "kind", "text"),
    [
        ([1, [2]], [1, 2], ValueError, r"at \[1\]: the first is nested, the other has 2"),
        (1, [1], ValueError, "at the top: the second is nested, the other has 1"),
        ([1], [1, 2], ValueError, "1 and 2 parts"),
        ({"a": 1}, {"b": 1}, ValueError, "only one of them has 'a', 'b'"),
        ([1], (1,), TypeError, "list and tuple"),
        ({"x": {1: 2, "a": 3}}, 1, TypeError, "not supported"),
    ],
)
def test_what_differs_is_told(one, other, kind, text):
    with pytest.raises(kind, match=text):
        tf.nest.assert_same_structure(one, other)


def test_bad_arguments():
    with pytest.raises(TypeError, match="must be callable"):
        tf.nest.map_structure(3, [1])
    with pytest.raises(ValueError, match="at least one"):
        tf.nest.map_structure(print)
    with pytest.raises(TypeError, match="list or a tuple of leaves"):
        tf.nest.pack_sequence_as([1], {"a": 1})


def test_containers_of_objects():
    root = tf.Module()
    root.parts = [tf.Variable(1.0), {"b": tf.Variable(2.0)}]
    assert tf.nest.map_structure(lambda v: float(v), root.parts) == [1.0, {"b": 2.0}]
    tf.nest.assert_same_structure(root.parts, [1, {"b": 2}])
