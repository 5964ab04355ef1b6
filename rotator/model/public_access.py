"""Whether a resource policy lets anyone in. Pure.

What counts follows the meaning of "public" that Secrets Manager shares with Amazon S3:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html. Where a condition isn't
known to keep others out, it counts as keeping nobody out.
"""

from collections.abc import Mapping
from ipaddress import ip_network

from rotator.model.policy_document import Effect, PolicyDocument, Principals, Statement

_FIXED_VALUES = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceowner",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:userid",
    }
)
_EQUALITIES = frozenset(
    {"StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike"}
)
_SMALLEST_PREFIX = {4: 8, 6: 32}
"""The widest networks that still say something about who may."""


def lets_anyone_in(policy: PolicyDocument) -> bool:
    """Whether a statement allows something to principals that nobody named."""
    return any(_is_public(statement) for statement in policy.statements)


def _is_public(statement: Statement) -> bool:
    return (
        statement.effect is Effect.ALLOW
        and _means_anyone(statement.principals)
        and not any(_narrows(operator, keys) for operator, keys in statement.conditions.items())
    )


def _means_anyone(principals: Principals | None) -> bool:
    return principals is not None and (
        principals.negated or any("*" in names for names in principals.names.values())
    )


def _narrows(operator: str, keys: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether one of an operator's conditions, all of which have to hold, is met by principals of fixed places only."""
    if operator in _EQUALITIES:
        return any(
            key.lower() in _FIXED_VALUES and not any(_has_wildcard(value) for value in values)
            for key, values in keys.items()
        )
    if operator == "IpAddress":
        return any(
            key.lower() == "aws:sourceip" and all(_is_narrow(value) for value in values)
            for key, values in keys.items()
        )
    return False


def _has_wildcard(value: str) -> bool:
    return "*" in value or "?" in value


def _is_narrow(network: str) -> bool:
    try:
        parsed = ip_network(network, strict=False)
    except ValueError:
        return False
    return parsed.prefixlen >= _SMALLEST_PREFIX[parsed.version]
