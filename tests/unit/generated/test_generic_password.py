"""The rotator `generic-password`."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotator.sdk import Candidate, Misconfigured, NotSupported, Overlap, SecretValue
from rotators.generated import GenericPassword
from tests.support.rotations import attempt, preflight, rotate, rotation_of


def current(string: str) -> dict[Candidate, SecretValue]:
    return {Candidate.CURRENT: SecretValue(string=string)}


def test_a_bare_value_becomes_another_one() -> None:
    """Without settings the whole value is a new random password, and nothing outside is said to change."""
    values = current("first")
    assert (
        preflight(GenericPassword, rotation_of(values, kind=GenericPassword)).overlap
        is Overlap.NONE
    )
    made = rotate(GenericPassword, values)[Candidate.CURRENT].string
    again = rotate(GenericPassword, values)[Candidate.CURRENT].string
    assert made is not None
    assert len(made) == 32
    assert len({made, again, "first"}) == 3


@given(
    others=st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.text()),
    field=st.text(min_size=1),
)
def test_a_field_is_changed_and_nothing_else(others: dict[str, Any], field: str) -> None:
    """Whatever else the JSON holds stays as it was, word for word."""
    before = others | {field: "first"}
    values = current(json.dumps(before))
    after = rotate(GenericPassword, values, settings={"field": field})[Candidate.CURRENT].fields()
    assert after[field] != "first"
    assert after | {field: "first"} == before


def test_the_field_password_is_the_usual_one() -> None:
    """Where nothing is set, the field `password` of a JSON object is changed, so that the API alone will do."""
    values = current('{"username": "app", "password": "first"}')
    after = rotate(GenericPassword, values)[Candidate.CURRENT].fields()
    assert after["username"] == "app"
    assert len(str(after["password"])) == 32


def test_the_password_is_made_as_the_settings_ask() -> None:
    """Length, excluded characters and punctuation are settings, as text from the command line too."""
    settings = {"length": "40", "exclude_characters": "abc", "punctuation": "false"}
    made = rotate(GenericPassword, current("first"), settings=settings)[Candidate.CURRENT].string
    assert made is not None
    assert len(made) == 40
    assert made.isalnum()
    assert not set(made) & set("abc")


@pytest.mark.parametrize(
    ("value", "settings", "message"),
    [
        (SecretValue(string='{"pass": "x", "url": "y"}'), {}, "the fields pass, url"),
        (SecretValue(string="bare"), {"field": "password"}, "not a JSON object"),
        (SecretValue(binary=b"{}"), {"field": "password"}, "not a JSON object"),
        (SecretValue(string="bare"), {"length": "4"}, "out of range"),
        (SecretValue(string="bare"), {"length": "many"}, "length"),
        (SecretValue(string="bare"), {"lenght": "40"}, "lenght"),
    ],
)
def test_what_can_not_be_meant_is_refused(
    value: SecretValue, settings: dict[str, Any], message: str
) -> None:
    """A value of another form than the settings speak of is never overwritten; wrong settings are named."""
    values = {Candidate.CURRENT: value}
    with pytest.raises(Misconfigured, match=message):
        preflight(GenericPassword, rotation_of(values, kind=GenericPassword, settings=settings))


def test_a_pending_value_without_a_password_fails() -> None:
    """An AWSPENDING is refused by testSecret that somebody put there without a password, or with the old one."""
    for pending in ('{"other": 1}', '{"password": "first"}'):
        values = {
            Candidate.CURRENT: SecretValue(string='{"password": "first"}'),
            Candidate.PENDING: SecretValue(string=pending),
        }
        with attempt(GenericPassword) as rotator, pytest.raises(Misconfigured):
            rotator.test_secret(
                rotation_of(values, kind=GenericPassword, settings={"field": "password"})
            )


def test_nobody_can_tell_which_value_lives() -> None:
    """There is no target to ask, and the rotator says so rather than accepting everything."""
    with attempt(GenericPassword) as rotator, pytest.raises(NotSupported):
        rotator.probe(rotation_of(current("first"), kind=GenericPassword), Candidate.CURRENT)
