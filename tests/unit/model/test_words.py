"""Texts as words, and what begins with a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotator.model.words import LONGEST_WORD, past_prefix, prefix_words, words

TEXTS = st.text(max_size=40)
# What the stores can hold, which is what filters compare with.
STORED = st.text(st.characters(codec="utf-8"), max_size=8)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", set()),
        (" -/_+=.@! ", set()),
        ("Payments DB of the shop", {"payments", "db", "of", "the", "shop"}),
        ("app/prod_db-01.eu@home", {"app", "prod", "db", "01", "eu", "home"}),
        ("one one ONE", {"one"}),
        ("Straße STRASSE", {"strasse"}),
        ("caf\u00e9 cafe\u0301", {"caf\u00e9"}),
        ("пароль、データベース", {"пароль", "データベース"}),
        ("हिन्दी", {"हिन्दी"}),
        ("x" * 600, {"x" * LONGEST_WORD}),
    ],
)
def test_words_are_runs_of_letters_and_digits(text: str, expected: set[str]) -> None:
    """Case and composition make no difference, marks belong to their letter, all else separates."""
    assert words(text) == expected


@given(TEXTS)
def test_words_are_words_already(text: str) -> None:
    """Splitting the words again gives the same words."""
    assert words(" ".join(words(text))) == words(text)


@given(st.text(st.characters(max_codepoint=127), max_size=40))
def test_ascii_is_no_special_case(text: str) -> None:
    """A text has the same ASCII words whether something else stands beside them or not."""
    assert words(f"{text} é") == words(text) | {"é"}


@given(TEXTS, TEXTS)
def test_a_text_has_the_words_of_its_parts(one: str, other: str) -> None:
    """What stands apart is split apart."""
    assert words(f"{one} {other}") == words(one) | words(other)


@given(st.lists(st.sampled_from(["a", "ab", "abc", "b", "ba", "c"])), TEXTS)
def test_implied_words_of_a_value_are_left_out(value: list[str], text: str) -> None:
    """What is left asks for the same, and none of it begins with another one."""
    asked, left = words(" ".join(value)), prefix_words(" ".join(value))
    held = words(text) | {"abc", "b"}

    def fits(prefixes: frozenset[str]) -> bool:
        return all(any(word.startswith(prefix) for word in held) for prefix in prefixes)

    assert fits(left) == fits(asked)
    assert left <= asked
    assert not any(a != b and a.startswith(b) for a in left for b in left)


@given(STORED, STORED)
def test_a_prefix_is_a_range(prefix: str, text: str) -> None:
    """A text begins with a prefix where it stands between the prefix and what is past it, compared as UTF-8."""
    end = past_prefix(prefix)
    inside = prefix.encode() <= text.encode() and (end is None or text.encode() < end.encode())

    assert inside == text.startswith(prefix)
    assert prefix == "" or end is None or not end.startswith(prefix)


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("", None),
        ("a", "b"),
        ("a\U0010ffff", "b"),
        ("\U0010ffff", None),
        ("\ud7ff", "\ue000"),
        ("app/", "app0"),
    ],
)
def test_what_is_past_a_prefix(prefix: str, expected: str | None) -> None:
    """The last character that has a next one takes it; a surrogate is none."""
    assert past_prefix(prefix) == expected
