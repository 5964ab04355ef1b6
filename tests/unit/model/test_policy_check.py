"""Which policies can't mean what they say, and are refused when they are put."""

import json
from pathlib import Path
from typing import Any

import pytest

from rotator.errors import MalformedPolicyDocument
from rotator.manager import judgement
from rotator.model import condition_keys
from rotator.model.condition_keys import Standing, standing
from rotator.model.policy_check import checked_identity_policy, checked_policy


def identity(*conditions: Any, action: str = "secretsmanager:*") -> str:
    said = [
        {"Effect": "Allow", "Action": action, "Resource": "*", "Condition": each}
        for each in conditions
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": said})


FINE: list[dict[str, Any]] = [
    {"NumericLessThan": {"secretsmanager:RecoveryWindowInDays": [7, "1e1", "-2.5"]}},
    {"DateLessThan": {"aws:CurrentTime": ["2030-01-31", "2030-01-31T12:00:00Z", 1767225600]}},
    {"Bool": {"aws:SecureTransport": [True, "FALSE"]}},
    {"Null": {"aws:ResourceTag/team": "true"}},
    {"IpAddress": {"aws:SourceIp": ["192.0.2.0/24", "2001:db8::/32", "192.0.2.7"]}},
    {"ForAllValues:StringLike": {"secretsmanager:AddReplicaRegions": ["us-*"]}},
    {"StringEquals": {"AWS:username": "${aws:PrincipalTag/x, 'y'}"}},
    {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}},
    {"BoolIfExists": {"aws:MultiFactorAuthPresent": True}},
    {"Null": {"secretsmanager:Type": True}},
]

REFUSED: list[tuple[dict[str, Any], str]] = [
    (
        {"NumericEquals": {"aws:EpochTime": [1, "one"]}},
        "NumericEquals: aws:EpochTime: value 2 is no number",
    ),
    ({"NumericEquals": {"aws:EpochTime": "NaN"}}, "value 1 is no number"),
    ({"NumericEquals": {"aws:EpochTime": "${aws:username}"}}, "value 1 is no number"),
    ({"DateLessThanIfExists": {"aws:CurrentTime": "next week"}}, "value 1 is no time"),
    ({"ForAnyValue:Bool": {"aws:SecureTransport": "yes"}}, "value 1 is neither true nor false"),
    ({"Null": {"aws:SourceIp": 1}}, "value 1 is neither true nor false"),
    ({"IpAddress": {"aws:SourceIp": "192.0.2.300"}}, "IpAddress: aws:SourceIp: value 1 is no IP"),
    ({"NotIpAddress": {"aws:SourceIp": "192.0.2.0/33"}}, "NotIpAddress: aws:SourceIp: value 1"),
    ({"BinaryEquals": {"aws:userid": "?"}}, "value 1 is not base64"),
    (
        {"StringEquals": {"aws:PrincipalOrgID": "o-1"}},
        "StringEquals: aws:PrincipalOrgID is a key that no",
    ),
    (
        {"StringNotEquals": {"aws:PrincipalTag/team": "a"}},
        "say what that shall mean with StringNotEqualsIfExists",
    ),
    ({"StringEquals": {"s3:prefix": "a"}}, "is a key that no request here has"),
    ({"StringEquals": {"aws:SourceIpp": "a"}}, "aws:SourceIpp is no key that there is"),
    ({"Null": {"secretsmanager:AddReplicaRegion": True}}, "is no key that there is"),
    ({"StringEquals": {"aws:ResourceTag/": "a"}}, "is no key that there is"),
    ({"StringEquals": {"team\x1b[2J": "a"}}, "StringEquals: a key is no key that there is"),
]


@pytest.mark.parametrize("condition", FINE)
def test_a_condition_that_can_hold_is_taken(condition: dict[str, Any]) -> None:
    """Values of the operator's kind, keys that requests have; others where it says what their lack means."""
    checked_identity_policy(identity(condition))


@pytest.mark.parametrize(("condition", "why"), REFUSED)
def test_a_condition_that_can_not_hold_is_refused(condition: dict[str, Any], why: str) -> None:
    """The refusal names statement, operator, key and value by their places, and quotes no value."""
    with pytest.raises(MalformedPolicyDocument) as refused:
        checked_identity_policy(identity({}, condition))
    assert str(refused.value).startswith(
        "This policy contains a condition that can't be used. Statement 2: "
    )
    assert why in str(refused.value)
    said = json.loads(identity(condition))
    said["Statement"][0]["Principal"] = "*"
    with pytest.raises(MalformedPolicyDocument, match="This resource policy"):
        checked_policy(json.dumps(said))


def test_what_is_said_of_other_services_is_theirs() -> None:
    """An identity policy may come from AWS as it is, with statements on other services and their keys."""
    condition = {"StringEquals": {"ec2:Region": "a", "aws:PrincipalOrgID": "o-1"}}
    checked_identity_policy(identity(condition, action="ec2:*"))
    with pytest.raises(MalformedPolicyDocument):
        checked_identity_policy(identity(condition, action="*"))


def test_keys_have_no_case() -> None:
    """However a key is written, it is the same one."""
    assert standing("AWS:SOURCEIP") is standing("aws:SourceIp") is Standing.GIVEN
    assert standing("Secretsmanager:TYPE") is Standing.NEVER_GIVEN
    assert standing("team") is Standing.UNKNOWN


def test_every_key_is_told_of() -> None:
    """What a request is looked at for is on the list, and the page for people has each key, given or not."""
    assert {standing(key) for key in judgement._KEYS} == {Standing.GIVEN}
    page = (Path(__file__).parents[3] / "docs" / "access.md").read_text(encoding="utf-8").lower()
    for key in (*condition_keys._GIVEN, *condition_keys._NEVER_GIVEN):
        assert f"`{key}`" in page or f"`{key.partition(':')[2]}`" in page, key
