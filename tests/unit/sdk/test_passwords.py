"""Passwords: long enough, of every class that is left, and with nothing that was excluded."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotator.sdk import Misconfigured, PasswordPolicy
from rotator.sdk.passwords import PUNCTUATION

CLASSES = (string.ascii_lowercase, string.ascii_uppercase, string.digits, PUNCTUATION)
EXCLUSIONS = st.text(st.sampled_from("".join(CLASSES) + "'\"\\/@ äß"), max_size=30)


@given(length=st.integers(16, 128), exclude=EXCLUSIONS, punctuation=st.booleans())
def test_a_password_keeps_its_policy(length: int, exclude: str, punctuation: bool) -> None:
    """It has the length, no excluded character, and one of each class of which anything is left."""
    password = PasswordPolicy(length=length, exclude=exclude, punctuation=punctuation).generate()

    assert len(password) == length
    assert not set(password) & set(exclude)
    for members in CLASSES if punctuation else CLASSES[:3]:
        left = set(members) - set(exclude)
        assert not left or left & set(password)
    assert set(password) <= set("".join(CLASSES if punctuation else CLASSES[:3]))


@given(
    length=st.integers(16, 128), exclude=EXCLUSIONS, punctuation=st.booleans(), times=st.integers(1)
)
def test_a_stricter_password_is_longer_and_more_varied(
    length: int, exclude: str, punctuation: bool, times: int
) -> None:
    """However often one was refused: longer up to the longest, more of each class, and nothing that is excluded."""
    policy = PasswordPolicy(length=length, exclude=exclude, punctuation=punctuation)
    password = policy.stricter(times).generate()

    assert len(password) == min(128, length + 32 * times)
    assert not set(password) & set(exclude)
    classes = [
        set(members) - set(exclude) for members in CLASSES if punctuation or members != PUNCTUATION
    ]
    for members in filter(None, classes):
        assert sum(character in members for character in password) >= min(
            8 * times, len(password) // 4
        )
    assert set(password) <= set().union(*classes)


def test_no_refusal_changes_nothing() -> None:
    """Without a refusal the policy is that of the settings; a count that the store can't hold is none."""
    assert PasswordPolicy().stricter(0) == PasswordPolicy().stricter(-3) == PasswordPolicy()


def test_no_character_that_shells_and_urls_choke_on() -> None:
    """By default there is no quote, slash, backslash, backquote or @ in a password."""
    passwords = "".join(PasswordPolicy(length=128).generate() for _ in range(50))

    assert not set(passwords) & set("'\"`/\\@ ")


def test_no_two_passwords_are_alike() -> None:
    """Each call makes another password."""
    assert len({PasswordPolicy().generate() for _ in range(100)}) == 100


@pytest.mark.parametrize("length", [-1, 0, 15, 129])
def test_a_length_that_is_unsafe_is_refused(length: int) -> None:
    """Fewer than 16 characters, or more than 128, are refused."""
    with pytest.raises(Misconfigured, match=f"length {length} is out of range"):
        PasswordPolicy(length=length).generate()


def test_exclusions_that_leave_too_little_are_refused() -> None:
    """Fewer than 16 characters to choose from are refused."""
    policy = PasswordPolicy(exclude=string.ascii_letters, punctuation=False)

    with pytest.raises(Misconfigured, match="fewer than 16"):
        policy.generate()
