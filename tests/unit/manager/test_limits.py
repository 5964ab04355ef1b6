"""The limits that botocore's model of the service states."""

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotator.errors import ValidationError
from rotator.manager import limits

TOO_LONG = "Member must have length less than or equal to"


def problem(operation: str, **parameters: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        limits.check(operation, **parameters)
    return str(refused.value)


@pytest.mark.parametrize(
    ("operation", "parameter", "largest"),
    [
        ("CreateSecret", "Description", 2048),
        ("PutResourcePolicy", "ResourcePolicy", 20_480),
        ("CreateSecret", "SecretString", 65_536),
        ("GetRandomPassword", "ExcludeCharacters", 4096),
    ],
)
def test_a_text_has_a_longest_length(operation: str, parameter: str, largest: int) -> None:
    """The longest is taken, and one more is refused with the real service's text."""
    limits.check(operation, **{parameter: "x" * largest})

    assert problem(operation, **{parameter: "x" * (largest + 1)}) == (
        f"1 validation error detected: Value at '{parameter[0].lower()}{parameter[1:]}' failed to satisfy "
        f"constraint: {TOO_LONG} {largest}"
    )


def test_texts_are_measured_in_characters_and_values_in_bytes() -> None:
    """Two bytes in UTF-8 are one character of a description and two bytes of a value."""
    limits.check("CreateSecret", Description="é" * 2048, SecretString="é" * 32_768)

    assert "'secretString'" in problem("CreateSecret", SecretString="é" * 32_769)


def test_every_problem_is_told() -> None:
    """Each parameter out of its limits is named, in lists and structures too, and no value is quoted."""
    told = problem(
        "TagResource",
        Tags=[{"Key": "k", "Value": "v"}, {"Key": "", "Value": "hidden" * 50}],
    )

    assert told == (
        "2 validation errors detected: "
        "Value at 'tags.2.member.key' failed to satisfy constraint: Member must have length greater than or equal to 1"
        "; Value at 'tags.2.member.value' failed to satisfy constraint: "
        f"{TOO_LONG} 256"
    )


@pytest.mark.parametrize(
    ("operation", "parameters", "told"),
    [
        ("ListSecrets", {"MaxResults": 101}, "Member must have value less than or equal to 100"),
        ("ListSecrets", {"MaxResults": 0}, "Member must have value greater than or equal to 1"),
        ("ListSecrets", {"SortOrder": "up"}, "Member must satisfy enum value set: [asc, desc]"),
        (
            "ListSecrets",
            {"Filters": [{"Key": "name", "Values": ["a;b"]}]},
            "'filters.1.member.values.1.member' failed to satisfy constraint: Member must satisfy regular expression",
        ),
        ("PutSecretValue", {"VersionStages": []}, "'versionStages'"),
        ("PutSecretValue", {"VersionStages": ["a"] * 21}, f"{TOO_LONG} 20"),
    ],
)
def test_other_limits(operation: str, parameters: dict[str, Any], told: str) -> None:
    """Numbers, enumerations, patterns and lists have limits of their own."""
    assert told in problem(operation, **parameters)


def test_a_pattern_covers_the_whole_text() -> None:
    """A newline at the end is no match, though `$` of Python would allow it."""
    limits.check("PutResourcePolicy", PolicyName="a-b_c")

    assert "pattern" in problem("PutResourcePolicy", PolicyName="abc\n")


@pytest.mark.parametrize("pattern", limits.patterns().values(), ids=limits.patterns())
def test_every_pattern_of_the_model_can_be_read(pattern: str) -> None:
    """The model's patterns are Java's; none of them is beyond Python."""
    assert limits.compiled(pattern) is not None


def test_a_pattern_beyond_python_refuses_nothing() -> None:
    """A later model must not lock users out."""
    assert limits.compiled(r"[\p{L}]+") is None


@given(st.text(max_size=64))
def test_text_that_no_store_keeps_is_refused(text: str) -> None:
    """NUL and lone surrogates are refused wherever text is stored, without a word of it; a value may have NUL."""
    told = problem("CreateSecret", Description=f"{text}\0")
    assert "'description'" in told
    assert "\0" not in told
    assert "'secretString'" in problem("CreateSecret", SecretString=f"{text}\ud800")
    limits.check("CreateSecret", SecretString=f"{text}\0")


def test_the_model_is_read_when_a_limit_is_asked_for() -> None:
    """Neither the model nor botocore costs start-up time of a command that needs no limit."""
    script = (
        "import sys, rotator.manager.manager as m, rotator.manager.limits as limits\n"
        "limits.check('GetSecretValue', VersionId=None)\n"
        "print(limits._model.cache_info().currsize)\n"
        "limits.check('GetSecretValue', VersionStage='AWSCURRENT')\n"
        "print('botocore' in sys.modules)\n"
    )

    answer = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=60
    )

    assert answer.stdout.split() == ["0", "False"]
