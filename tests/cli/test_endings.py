"""Names that end alike are paired as a comparison of all with all would pair them."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from minitf.cli.endings import pairs_by_ending

NAMES = st.lists(st.sampled_from("ab"), min_size=1, max_size=4).map("/".join)
KINDS = st.sampled_from("xy")


def common(a, b):
    """How many parts two names have in common at their end."""
    count = 0
    for x, y in zip(reversed(a.split("/")), reversed(b.split("/")), strict=False):
        if x != y:
            break
        count += 1
    return count


def all_with_all(first, second):
    """From the closest down: pairs in which neither has another that is as close, and free.

    Who has several stays alone, and so do they: nothing that is less close is right for any of them.
    """
    scores = {
        (thing, name): closest
        for thing, (names, kind) in first.items()
        for name, other in second.items()
        if kind == other and (closest := max(common(own, name) for own in names))
    }
    out, alone = set(), (set(), set())
    for level in sorted(set(scores.values()), reverse=True):
        taken = tuple({pair[side] for pair in out} for side in (0, 1))
        pairs = [pair for pair, score in scores.items() if score == level]
        free = [p for p in pairs if all(p[side] not in taken[side] | alone[side] for side in (0, 1))]
        things, names = Counter(thing for thing, _ in free), Counter(name for _, name in free)
        out |= {(thing, name) for thing, name in free if things[thing] == names[name] == 1}
        taken = tuple({pair[side] for pair in out} for side in (0, 1))
        for pair in pairs:
            if pair[0] not in taken[0] and pair[1] not in taken[1]:
                alone[0].add(pair[0])
                alone[1].add(pair[1])
    return out


@given(
    st.dictionaries(NAMES, st.tuples(st.lists(NAMES, min_size=1, max_size=2), KINDS), max_size=8),
    st.dictionaries(NAMES, KINDS, max_size=8),
)
def test_pairs_are_those_of_comparing_all_with_all(first, second):
    found = pairs_by_ending(first, second)
    assert len(found) == len(set(found))
    assert set(found) == all_with_all(first, second)


def test_the_closest_come_first_and_free_others():
    first = {name: ([name], "x") for name in ("net/dense/w", "net/w")}
    assert pairs_by_ending(first, dict.fromkeys(["a/dense/w", "b/w"], "x")) == [("net/dense/w", "a/dense/w"), ("net/w", "b/w")]
    assert pairs_by_ending(first, {"a/dense/w": "x"}) == [("net/dense/w", "a/dense/w")]
    assert pairs_by_ending(first, {"b/w": "x"}) == []


def test_thousands_of_names_that_all_end_alike():
    """Comparing all with all would take hours."""
    names = [f"net/layer{n}/{kind}" for n in range(2000) for kind in ("kernel", "bias")]
    pairs = pairs_by_ending({name: ([name], "x") for name in names}, {f"other/{name[4:]}": "x" for name in names})
    assert set(pairs) == {(name, f"other/{name[4:]}") for name in names}
