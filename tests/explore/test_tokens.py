import pytest
from hypothesis import given
from hypothesis import strategies as st

from minitf.explore import TokenError
from minitf.explore.tokens import decode, encode


def trimmed(choices):
    while choices and not choices[-1]:
        choices = choices[:-1]
    return list(choices)


@given(st.lists(st.one_of(st.just(0), st.integers(0, 300))), st.integers(0, 0xFFFF))
def test_a_token_holds_the_choices_and_the_programs_hash(choices, program):
    assert decode(encode(choices, program)) == (trimmed(choices), program)


@pytest.mark.parametrize(
    "choices, program, token",
    [
        ([], 0, "mt1-aaabf7y"),
        ([1], 0, "mt1-aaaaaappri"),
        ([0, 0, 2, 0, 300, 0], 0xBEEF, "mt1-x3xqeaqbvqbcdqi"),
        ([0] * 1000 + [1], 1, "mt1-aaa6qbybw4yq"),
    ],
)
def test_tokens_never_change(choices, program, token):
    """What was printed on one machine, under one Python, is read on every other."""
    assert encode(choices, program) == token
    assert decode(token.upper().replace("MT1-", "mt1-")) == (trimmed(choices), program)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=12), st.data())
def test_a_token_with_a_wrong_letter_is_refused_or_is_another_schedule_with_a_valid_checksum(choices, data):
    token = encode(choices, 7)
    place = data.draw(st.integers(4, len(token) - 1))
    letter = data.draw(st.sampled_from([c for c in "abcdefghijklmnopqrstuvwxyz234567" if c != token[place]]))
    changed = token[:place] + letter + token[place + 1 :]
    try:
        found = decode(changed)
    except TokenError:
        return
    assert encode(*found) != token or found == (trimmed(choices), 7)  # bits behind the last byte do not count


@pytest.mark.parametrize("bad", ["", "mt2-aaabf7y", "aaabf7y", "mt1-", "mt1-a", "mt1-aaabf7z0", "mt1-!!!!", "mt1-" + "a" * 40])
def test_what_is_no_token_is_told(bad):
    with pytest.raises(TokenError, match=r"mt1-|damaged"):
        decode(bad)
