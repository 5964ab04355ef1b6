"""Names, tokens and ARNs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotator.errors import ValidationError
from rotator.model.names import (
    SecretRef,
    check_name,
    parse_secret_id,
    secret_arn,
    split_suffix,
)

NAMES = st.from_regex(r"[A-Za-z0-9/_+=.@!-]{1,512}", fullmatch=True)
SUFFIXES = st.from_regex(r"[A-Za-z0-9]{6}", fullmatch=True)


@given(name=NAMES)
def test_a_name_of_the_allowed_characters_is_taken(name: str) -> None:
    """Every name of 1 to 512 allowed characters is itself."""
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", "a b", "a\n", "naïve", "a" * 513, "a:b", "a?"])
def test_another_name_is_refused(name: str) -> None:
    """Any other name is refused with the real service's text."""
    with pytest.raises(ValidationError) as refused:
        check_name(name)

    assert str(refused.value) == (
        "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!"
    )


@given(name=NAMES, suffix=SUFFIXES)
def test_an_arn_names_its_secret(name: str, suffix: str) -> None:
    """An ARN gives back name, suffix, account and region."""
    arn = secret_arn(region="eu-1", account="123456789012", name=name, suffix=suffix)

    ref = parse_secret_id(arn)

    assert (ref.region, ref.account) == ("eu-1", "123456789012")
    assert split_suffix(ref.name) == (name, suffix)


def test_a_bare_name_names_no_place() -> None:
    """A bare name has neither ARN nor account nor region."""
    assert parse_secret_id("prod/db") == SecretRef("prod/db")


@pytest.mark.parametrize(
    "secret_id",
    [
        "arn:",
        "arn:aws:s3:::bucket",
        "arn:aws:secretsmanager:x",
        "arn:aws:secretsmanager:eu-1:123456789012:secret:a\0b",
        "arn:aws:secretsmanager:eu-1:١٢:secret:a",
    ],
)
def test_what_begins_like_an_arn_is_never_malformed(secret_id: str) -> None:
    """As on the real service, a strange ARN is one that names nothing, not a bad name."""
    assert parse_secret_id(secret_id) == SecretRef("", secret_id)


@pytest.mark.parametrize("name", ["app", "app-12345", "app-1234567", "app-12_456", "-abcdef"])
def test_a_name_without_six_characters_at_its_end_has_no_suffix(name: str) -> None:
    """Only a hyphen and exactly six letters or digits after a name count as a suffix."""
    assert split_suffix(name) is None
