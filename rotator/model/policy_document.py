"""Policies as documents: what is a policy, and what it says. Pure; nobody is judged by it here.

Grammar: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html. A policy on a resource names
principals, one of a principal's own doesn't. The texts of refusals are those of the Secrets Manager user guide, with
what is wrong behind.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NoReturn

from rotator.errors import MalformedPolicyDocument

_VERSIONS = ("2012-10-17", "2008-10-17")
_PAIRED = ("Principal", "Action", "Resource")  # each stands alone or, negated, with a Not before it
_ELEMENTS = ("Sid", "Effect", "Condition", *_PAIRED, *(f"Not{element}" for element in _PAIRED))
_PRINCIPAL_KINDS = ("AWS", "Federated", "Service", "CanonicalUser")
_AWS_PRINCIPAL = re.compile(
    r"\*|[0-9]{12}|arn:[a-z-]+:(iam|sts)::[0-9]{12}:[^*?\s]+|[A-Z0-9]{16,128}"
)
_SERVICE_PRINCIPAL = re.compile(r"[a-z0-9.-]+\.amazonaws\.com(\.cn)?")
_ACTION = re.compile(r"\*|[A-Za-z0-9-]+:[A-Za-z0-9*?]+")
_RESOURCE = re.compile(r"\*|arn:(?>\$\{[^}]*\}|\S)++")  # spaces within variables alone
_OPERATOR = re.compile(
    r"Null|((ForAllValues|ForAnyValue):)?("
    r"String(Not)?Equals(IgnoreCase)?|String(Not)?Like|(Not)?IpAddress|Arn(Not)?(Equals|Like)|Bool|BinaryEquals"
    r"|(Numeric|Date)((Not)?Equals|(Less|Greater)Than(Equals)?))(IfExists)?"
)


class Effect(StrEnum):
    """What a statement does to the requests that it covers."""

    ALLOW = "Allow"
    DENY = "Deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Actions or resources: those named, or all but those named."""

    names: tuple[str, ...]
    negated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Principals:
    """Who is meant: kind (AWS, Service and so on) → names; `"*"` alone is `{"AWS": ("*",)}`."""

    names: Mapping[str, tuple[str, ...]]
    negated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement.

    Attributes:
        principals: None in a policy of a principal's own.
        conditions: operator → key → values, all as text.
    """

    sid: str | None
    effect: Effect
    principals: Principals | None
    actions: Names
    resources: Names
    conditions: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDocument:
    """A policy."""

    version: str
    statements: tuple[Statement, ...]


def parse_policy(text: str) -> PolicyDocument:
    """The policy on a resource that a JSON text is.

    Raises:
        MalformedPolicyDocument: it is none; the message says where and why.
    """
    return _parsed(text, on_resource=True)


def parse_identity_policy(text: str) -> PolicyDocument:
    """The policy of a principal or group that a JSON text is; it names no principals.

    Raises:
        MalformedPolicyDocument: it is none; the message says where and why.
    """
    try:
        return _parsed(text, on_resource=False)
    except MalformedPolicyDocument as error:
        raise MalformedPolicyDocument(
            str(error).replace("This resource policy", "This policy", 1)
        ) from None


def _parsed(text: str, *, on_resource: bool) -> PolicyDocument:
    try:
        parsed = json.loads(text, object_pairs_hook=_without_twins, parse_constant=_no_number)
    except (ValueError, RecursionError):
        _refuse("It is no JSON.")
    top = _object(parsed, "The policy", ("Version", "Id", "Statement"))
    version = top.get("Version", _VERSIONS[-1])
    if version not in _VERSIONS:
        _refuse(f"Version must be one of {', '.join(_VERSIONS)}.")
    _optional_text(top, "Id", "The policy")
    statements = tuple(
        _statement(given, f"Statement {number}", on_resource=on_resource)
        for number, given in enumerate(_listed(top.get("Statement"), "Statement"), 1)
    )
    sids = [statement.sid for statement in statements if statement.sid is not None]
    if len(sids) != len(set(sids)):
        _refuse("A Sid may be given to one statement only.")
    return PolicyDocument(version=version, statements=statements)


def _statement(given: Any, where: str, *, on_resource: bool) -> Statement:
    members = _object(given, where, _ELEMENTS)
    if members.get("Effect") not in list(Effect):
        _refuse(f"{where}: Effect must be Allow or Deny.")
    actions, no_actions = _one_of(members, "Action", where)
    resources, no_resources = _one_of(members, "Resource", where)
    return Statement(
        sid=_optional_text(members, "Sid", where),
        effect=Effect(members["Effect"]),
        principals=_whom(members, where, on_resource=on_resource),
        actions=Names(names=_texts(actions, f"{where}: Action", _ACTION), negated=no_actions),
        resources=Names(
            names=_texts(resources, f"{where}: Resource", _RESOURCE), negated=no_resources
        ),
        conditions=_conditions(members.get("Condition", {}), f"{where}: Condition"),
    )


def _whom(members: Mapping[str, Any], where: str, *, on_resource: bool) -> Principals | None:
    if not on_resource:
        if members.keys() & {"Principal", "NotPrincipal"}:
            _refuse(f"{where}: a policy of a principal or group names no principals.")
        return None
    principals, no_principals = _one_of(members, "Principal", where)
    return Principals(names=_principals(principals, where), negated=no_principals)


def _one_of(members: Mapping[str, Any], element: str, where: str) -> tuple[Any, bool]:
    """An element or its opposite, and whether it is the opposite."""
    found = [name for name in (element, f"Not{element}") if name in members]
    if len(found) != 1:
        _refuse(f"{where} must have either {element} or Not{element}.")
    return members[found[0]], found[0] != element


def _principals(given: Any, where: str) -> Mapping[str, tuple[str, ...]]:
    if given == "*":
        return {"AWS": ("*",)}
    kinds = _object(given, f"{where}: Principal", _PRINCIPAL_KINDS)
    if not kinds:
        _refuse(f"{where}: Principal names nobody.")
    names = {kind: _texts(value, f"{where}: Principal") for kind, value in kinds.items()}
    if not all(_AWS_PRINCIPAL.fullmatch(name) for name in names.get("AWS", ())):
        _refuse(
            f"{where}: an AWS principal is an account, the ARN of a user or role, or *.",
            problem="an unsupported principal",
        )
    if not all(_SERVICE_PRINCIPAL.fullmatch(name) for name in names.get("Service", ())):
        _refuse(
            f"{where}: a service is named like lambda.amazonaws.com.",
            problem="an invalid service principal",
        )
    return names


def _conditions(given: Any, where: str) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    operators = _object(given, where)
    for operator in operators:
        if _OPERATOR.fullmatch(operator) is None:
            _refuse(f"{where} has an operator that there is not.")
    return {
        operator: {
            key: tuple(_as_text(value, where) for value in _listed(values, where))
            for key, values in _object(keys, where).items()
        }
        for operator, keys in operators.items()
    }


def _as_text(value: Any, where: str) -> str:
    if isinstance(value, str):
        return value
    if not isinstance(value, bool | int | float):
        _refuse(f"{where} compares with texts, numbers, true and false only.")
    return json.dumps(value)


def _texts(given: Any, where: str, pattern: re.Pattern[str] | None = None) -> tuple[str, ...]:
    texts = _listed(given, where)
    for text in texts:
        if not isinstance(text, str) or not text:
            _refuse(f"{where} must be a text or a list of texts.")
        if pattern is not None and pattern.fullmatch(text) is None:
            _refuse(f"{where} has a text that is no name of one.")
    return tuple(texts)


def _listed(given: Any, where: str) -> list[Any]:
    """A list as it is, anything else as a list of one."""
    listed = given if isinstance(given, list) else [given]
    if given is None or not listed:
        _refuse(f"{where} must not be empty.")
    return listed


def _object(given: Any, where: str, allowed: Iterable[str] | None = None) -> Mapping[str, Any]:
    if not isinstance(given, dict):
        _refuse(f"{where} must be a JSON object.")
    if allowed is not None and not given.keys() <= set(allowed):
        _refuse(
            f"{where} has an element that there is not; there are {', '.join(sorted(allowed))}."
        )
    return given


def _optional_text(members: Mapping[str, Any], name: str, where: str) -> str | None:
    value = members.get(name)
    if name in members and not isinstance(value, str):
        _refuse(f"{where}: {name} must be a text.")
    return value


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("the same name twice")
    return members


def _no_number(_: str) -> NoReturn:
    raise ValueError("JSON knows no such number")


def _refuse(why: str, *, problem: str = "a syntax error") -> NoReturn:
    raise MalformedPolicyDocument(f"This resource policy contains {problem}. {why}")
