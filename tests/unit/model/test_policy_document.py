"""What is a resource policy, and which of them let anyone in."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotator.errors import MalformedPolicyDocument
from rotator.model.policy_document import Effect, parse_policy
from rotator.model.public_access import lets_anyone_in

STATEMENT: dict[str, Any] = {
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::123456789012:role/app"},
    "Action": "secretsmanager:GetSecretValue",
    "Resource": "*",
}
ROLE = "arn:aws:iam::123456789012:role/app"


def policy(*statements: Any, **top: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements), **top})


def changed(**members: Any) -> dict[str, Any]:
    """The statement with other members; None takes one away."""
    return {k: v for k, v in {**STATEMENT, **members}.items() if v is not None}


def test_a_policy_says_who_may_do_what() -> None:
    """One value is a list of one, `*` alone is everyone, and values of conditions are texts."""
    parsed = parse_policy(
        json.dumps(
            {
                "Id": "p",
                "Statement": {
                    "Sid": "s",
                    "Effect": "Deny",
                    "NotPrincipal": "*",
                    "NotAction": ["secretsmanager:Get*", "*"],
                    "NotResource": ["arn:aws:secretsmanager:*:*:secret:a*"],
                    "Condition": {
                        "ForAnyValue:StringLikeIfExists": {"aws:TagKeys": ["a", "b"]},
                        "Bool": {"aws:SecureTransport": False},
                        "NumericLessThan": {"aws:MultiFactorAuthAge": 3600},
                    },
                },
            }
        )
    )

    assert parsed.version == "2008-10-17"
    [statement] = parsed.statements
    assert (statement.sid, statement.effect) == ("s", Effect.DENY)
    assert statement.principals is not None
    assert (statement.principals.names, statement.principals.negated) == ({"AWS": ("*",)}, True)
    assert (statement.actions.names, statement.actions.negated) == (
        ("secretsmanager:Get*", "*"),
        True,
    )
    assert statement.resources.names == ("arn:aws:secretsmanager:*:*:secret:a*",)
    assert statement.conditions == {
        "ForAnyValue:StringLikeIfExists": {"aws:TagKeys": ("a", "b")},
        "Bool": {"aws:SecureTransport": ("false",)},
        "NumericLessThan": {"aws:MultiFactorAuthAge": ("3600",)},
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '"x"',
        "{",
        "{}",
        "[" * 100_000,
        '{"Statement": []}',
        '{"Statement": NaN}',
        policy(STATEMENT, Version="2012-10-18"),
        policy(STATEMENT, Version=None),
        policy(STATEMENT, Extra="x"),
        policy(STATEMENT, Id=1),
        policy("x"),
        policy(changed(Effect="AllowSomething")),
        policy(changed(Effect=["Allow"])),
        policy(changed(Effect=None)),
        policy(changed(Principal=None)),
        policy(changed(NotPrincipal="*")),
        policy(changed(Principal={})),
        policy(changed(Principal={"Nobody": "x"})),
        policy(changed(Principal={"AWS": []})),
        policy(changed(Principal="x")),
        policy(changed(Action=None)),
        policy(changed(Action="GetSecretValue")),
        policy(changed(Action=[])),
        policy(changed(Action=[1])),
        policy(changed(Resource=None)),
        policy(changed(Resource="db")),
        policy(changed(Sid=1)),
        policy(changed(Sid="a"), changed(Sid="a")),
        policy(changed(Condition=[])),
        policy(changed(Condition={"Equals": {"a": "b"}})),
        policy(changed(Condition={"Bool": {"a": []}})),
        policy(changed(Condition={"Bool": {"a": [None]}})),
        policy(changed(Condition={"Bool": {"a": {}}})),
        policy(STATEMENT).replace('"Effect"', '"Effect": "Deny", "Effect"'),
    ],
)
def test_what_is_no_policy_is_refused(text: str) -> None:
    """The text of the refusal is the real service's, with the place and the reason behind."""
    with pytest.raises(MalformedPolicyDocument) as refused:
        parse_policy(text)

    assert str(refused.value).startswith("This resource policy contains a syntax error. ")


@pytest.mark.parametrize(
    ("principal", "problem"),
    [
        ({"AWS": "alice"}, "an unsupported principal"),
        ({"AWS": "arn:aws:iam::123456789012:role/*"}, "an unsupported principal"),
        ({"AWS": [ROLE, "1234"]}, "an unsupported principal"),
        ({"Service": "lambda"}, "an invalid service principal"),
    ],
)
def test_a_principal_has_to_be_one(principal: object, problem: str) -> None:
    """A principal that can't be is told as such."""
    with pytest.raises(MalformedPolicyDocument, match=problem):
        parse_policy(policy(changed(Principal=principal)))


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["Version", "Statement", *STATEMENT, "Condition", "AWS", "Bool"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=20,
    )
)
def test_no_json_breaks_the_parser(document: object) -> None:
    """Whatever JSON comes, it is a policy or refused as none."""
    with contextlib.suppress(MalformedPolicyDocument):
        parse_policy(json.dumps(document))


def anyone(**members: Any) -> str:
    return policy(changed(Principal="*", **members))


@pytest.mark.parametrize(
    "text",
    [
        anyone(),
        policy(changed(Principal={"AWS": [ROLE, "*"]})),
        policy(changed(Principal={"Federated": "*"})),
        policy(changed(Principal=None, NotPrincipal={"AWS": ROLE})),
        policy(changed(Effect="Deny"), changed(Principal="*")),
        anyone(Condition={"Bool": {"aws:SecureTransport": True}}),
        anyone(Condition={"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/app"}}),
        anyone(Condition={"StringEquals": {"aws:PrincipalOrgID": ["o-1", "*"]}}),
        anyone(Condition={"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}),
        anyone(Condition={"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}),
        anyone(Condition={"ForAllValues:StringEquals": {"aws:PrincipalOrgPaths": "o-1/"}}),
        anyone(Condition={"IpAddress": {"aws:SourceIp": "0.0.0.0/1"}}),
        anyone(Condition={"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "::/0"]}}),
        anyone(Condition={"IpAddress": {"aws:SourceIp": "everywhere"}}),
    ],
)
def test_a_policy_that_lets_anyone_in(text: str) -> None:
    """An allowance for principals that nobody named, without a condition of fixed values."""
    assert lets_anyone_in(parse_policy(text))


@pytest.mark.parametrize(
    "text",
    [
        policy(STATEMENT),
        anyone(Effect="Deny"),
        policy(changed(Principal={"Service": "lambda.amazonaws.com"})),
        anyone(Condition={"StringEquals": {"AWS:PrincipalOrgID": ["o-1", "o-2"]}}),
        anyone(Condition={"ArnLike": {"aws:SourceArn": "arn:aws:sns:eu-1:123456789012:t"}}),
        anyone(Condition={"IpAddress": {"aws:SourceIp": ["10.1.2.3", "2001:db8::/32"]}}),
        anyone(
            Condition={
                "Bool": {"aws:SecureTransport": True},
                "StringEquals": {"aws:PrincipalAccount": "123456789012"},
            }
        ),
    ],
)
def test_a_policy_that_does_not(text: str) -> None:
    """Named principals, refusals, and conditions that only fixed places meet."""
    assert not lets_anyone_in(parse_policy(text))
