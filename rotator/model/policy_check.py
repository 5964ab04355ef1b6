"""What a policy has to keep to when it is put, beyond its grammar. Pure.

A condition that can't hold lets nobody in whom it should, and one that always holds lets in everybody: whoever writes
such a one is told at once. A policy that was taken before goes on to mean what it meant.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rotator.errors import MalformedPolicyDocument
from rotator.model.condition_keys import Standing, standing
from rotator.model.policy_document import (
    PolicyDocument,
    Statement,
    parse_identity_policy,
    parse_policy,
)
from rotator.model.policy_values import binary, moment, network, number, truth

_OURS = "secretsmanager:"
_SHOWN = re.compile(r"[A-Za-z0-9:/_+=.@ -]{1,200}")
_SETS = re.compile(r"For(All|Any)Values?:")
_KINDS: Sequence[tuple[str, Callable[[str], Any], str]] = (
    ("Numeric", number, "no number"),
    ("Date", moment, "no time, such as 2030-01-31T12:00:00Z"),
    ("Bool", truth, "neither true nor false"),
    ("Null", truth, "neither true nor false"),
    ("IpAddress", network, "no IP address and no block of them, such as 192.0.2.0/24"),
    ("NotIpAddress", network, "no IP address and no block of them, such as 192.0.2.0/24"),
    ("Binary", binary, "not base64"),
)


def checked_policy(text: str) -> PolicyDocument:
    """The policy on a resource that a JSON text is, in which every condition can mean something.

    Raises:
        MalformedPolicyDocument: it is none, or a condition can't; the message says where and why.
    """
    return _checked(parse_policy(text), "This resource policy")


def checked_identity_policy(text: str) -> PolicyDocument:
    """The same of a principal or group.

    Raises:
        MalformedPolicyDocument: as `checked_policy` does.
    """
    return _checked(parse_identity_policy(text), "This policy")


def _checked(policy: PolicyDocument, named: str) -> PolicyDocument:
    for count, statement in enumerate(policy.statements, 1):
        for where, why in _faults(statement):
            raise MalformedPolicyDocument(
                f"{named} contains a condition that can't be used. Statement {count}: Condition: {where} {why}"
            )
    return policy


def _faults(statement: Statement) -> Iterator[tuple[str, str]]:
    """Where a condition can mean nothing, and why."""
    ours = _is_about_secrets(statement)
    for operator, keys in statement.conditions.items():
        yield from _unreadable(operator, keys)
        for key in keys if ours else ():
            why = _unusable(operator, key)
            if why is not None:
                yield f"{operator}: {_shown(key)}", why


def _is_about_secrets(statement: Statement) -> bool:
    """Whether a statement is about this service. Identity policies may speak of others, with keys of their own."""
    names = statement.actions.names
    return statement.actions.negated or any(
        name == "*" or name.lower().startswith(_OURS) for name in names
    )


def _unreadable(operator: str, keys: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    name = _SETS.sub("", operator)
    for kind, read, why in _KINDS:
        if name.startswith(kind):
            for key, values in keys.items():
                for count, value in enumerate(values, 1):
                    if read(value) is None:
                        yield f"{operator}: {_shown(key)}: value {count}", f"is {why}."


def _unusable(operator: str, key: str) -> str | None:
    match standing(key):
        case Standing.GIVEN:
            return None
        case Standing.UNKNOWN:
            return "is no key that there is, so the condition would say the same of every request."
        case Standing.NEVER_GIVEN:
            if operator == "Null" or operator.endswith("IfExists"):
                return None  # whoever wrote that has thought of requests without the key
            return (
                "is a key that no request here has, so the condition would say the same of every request. Take it out, "
                f"or say what that shall mean with {operator}IfExists."
            )


def _shown(key: str) -> str:
    return key if _SHOWN.fullmatch(key) else "a key"
