"""Whether policies let a request through. Pure.

The rules: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html. An explicit deny
wins over everything; what nothing allows is denied; within an account a policy on either side is enough, across
accounts it takes one on both.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rotator.access.conditions import Context, hold, like, like_arn
from rotator.model.policy_document import Effect, Names, PolicyDocument, Principals, Statement
from rotator.store.principal_rows import Attached

_WITH_VARIABLES = "2012-10-17"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks."""

    arn: str
    account: str
    user_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked for.

    Attributes:
        action: `secretsmanager:GetSecretValue`.
        resource: an ARN, or `*` for what is about no one resource.
        account: whose the resource is.
    """

    asker: Asker
    action: str
    resource: str
    account: str
    context: Context


class Reason(StrEnum):
    """Why a request is let through, or not."""

    ALLOWED_BY_IDENTITY = "allowed by an identity-based policy"
    ALLOWED_BY_RESOURCE = "allowed by a resource-based policy"
    ALLOWED_BY_BOTH = "allowed by an identity-based and a resource-based policy"
    DENIED_BY_IDENTITY = "explicit deny in an identity-based policy"
    DENIED_BY_RESOURCE = "explicit deny in a resource-based policy"
    NOT_ALLOWED_BY_IDENTITY = "no identity-based policy allows it"
    NOT_ALLOWED_BY_RESOURCE = "no resource-based policy allows it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The answer.

    Attributes:
        statement: the one that decided, `OWNER policy NAME, statement SID-OR-NUMBER`; None where none did.
    """

    allowed: bool
    reason: Reason
    statement: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OnResource:
    """The policy that a resource has.

    Attributes:
        document: None where it is no policy, which denies everything.
    """

    document: PolicyDocument | None


class _Grant(StrEnum):
    """To whom a statement of a resource's policy speaks."""

    ASKER = "asker"  # by name, or to everyone
    ACCOUNT = "account"  # to the account, which lets its own policies decide
    NOBODY = "nobody"


def decide(
    question: Question, *, identity: Sequence[Attached], resource: OnResource | None = None
) -> Decision:
    """Whether the question is answered with yes, and by which statement.

    Args:
        identity: the policies that the asker has.
        resource: the policy that the resource has, None where it has none.
    """
    denied = _denied_by_identity(question, identity) or _denied_by_resource(question, resource)
    if denied is not None:
        return denied
    by_identity = _allowed_by_identity(question, identity)
    by_resource, to = _allowed_by_resource(question, resource)
    if question.asker.account == question.account:
        return _within(by_identity, by_resource if to is _Grant.ASKER else None)
    if by_identity is None:
        return Decision(allowed=False, reason=Reason.NOT_ALLOWED_BY_IDENTITY)
    if by_resource is None:
        return Decision(allowed=False, reason=Reason.NOT_ALLOWED_BY_RESOURCE)
    both = f"{by_identity}; {by_resource}"
    return Decision(allowed=True, reason=Reason.ALLOWED_BY_BOTH, statement=both)


def asks_the_request(policies: Iterable[Attached]) -> bool:
    """Whether what policies say of an action on a resource may be something else for the next request.

    It may where a statement has conditions or variables.
    """
    return any(
        statement.conditions or any("${" in name for name in statement.resources.names)
        for policy in policies
        if policy.document is not None
        for statement in policy.document.statements
    )


def _within(by_identity: str | None, by_resource: str | None) -> Decision:
    if by_identity is not None:
        return Decision(allowed=True, reason=Reason.ALLOWED_BY_IDENTITY, statement=by_identity)
    if by_resource is not None:
        return Decision(allowed=True, reason=Reason.ALLOWED_BY_RESOURCE, statement=by_resource)
    return Decision(allowed=False, reason=Reason.NOT_ALLOWED_BY_IDENTITY)


def _denied_by_identity(question: Question, identity: Iterable[Attached]) -> Decision | None:
    for policy in identity:
        if policy.document is None:
            named = f"{_named(policy)}, which is no policy"
            return Decision(allowed=False, reason=Reason.DENIED_BY_IDENTITY, statement=named)
        for number, statement in enumerate(policy.document.statements, 1):
            if statement.effect is Effect.DENY and _covers(question, policy.document, statement):
                return Decision(
                    allowed=False,
                    reason=Reason.DENIED_BY_IDENTITY,
                    statement=_place(_named(policy), statement, number),
                )
    return None


def _denied_by_resource(question: Question, resource: OnResource | None) -> Decision | None:
    if resource is None:
        return None
    if resource.document is None:
        return Decision(
            allowed=False,
            reason=Reason.DENIED_BY_RESOURCE,
            statement="resource policy, which is no policy",
        )
    for number, statement in enumerate(resource.document.statements, 1):
        if (
            statement.effect is Effect.DENY
            and _speaks_to(question.asker, statement.principals) is not _Grant.NOBODY
            and _covers(question, resource.document, statement)
        ):
            return Decision(
                allowed=False,
                reason=Reason.DENIED_BY_RESOURCE,
                statement=_place("resource policy", statement, number),
            )
    return None


def _allowed_by_identity(question: Question, identity: Iterable[Attached]) -> str | None:
    """The first statement that allows it."""
    for policy in identity:
        if policy.document is None:
            continue
        for number, statement in enumerate(policy.document.statements, 1):
            if statement.effect is Effect.ALLOW and _covers(question, policy.document, statement):
                return _place(_named(policy), statement, number)
    return None


def _allowed_by_resource(
    question: Question, resource: OnResource | None
) -> tuple[str | None, _Grant]:
    """A statement that allows it, one to the asker before one to its account."""
    found: tuple[str | None, _Grant] = (None, _Grant.NOBODY)
    document = None if resource is None else resource.document
    for number, statement in enumerate(() if document is None else document.statements, 1):
        to = _speaks_to(question.asker, statement.principals)
        if (
            document is not None
            and statement.effect is Effect.ALLOW
            and to is not _Grant.NOBODY
            and _covers(question, document, statement)
        ):
            found = (_place("resource policy", statement, number), to)
            if to is _Grant.ASKER:
                break
    return found


def _covers(question: Question, document: PolicyDocument, statement: Statement) -> bool:
    """Whether a statement is about this action, resource and request."""
    variables = question.context if document.version == _WITH_VARIABLES else None
    return (
        _is_named(question.action, statement.actions)
        and _is_meant(question.resource, statement.resources, variables)
        and hold(statement.conditions, question.context, variables=variables is not None)
    )


def _is_named(action: str, names: Names) -> bool:
    for name in names.names:
        if like(name, action, None, ignore_case=True):
            return not names.negated
    return names.negated


def _is_meant(resource: str, names: Names, variables: Context | None) -> bool:
    for name in names.names:
        if name == "*" or like_arn(name, resource, variables):
            return not names.negated
    return names.negated


def _speaks_to(asker: Asker, principals: Principals | None) -> _Grant:
    if principals is None:
        return _Grant.NOBODY
    names = principals.names.get("AWS", ())
    by_name = any(name in {"*", asker.arn, asker.user_id} for name in names)
    by_account = any(
        name in {asker.account, f"arn:aws:iam::{asker.account}:root"} for name in names
    )
    if principals.negated:
        return _Grant.NOBODY if by_name or by_account else _Grant.ASKER
    if by_name:
        return _Grant.ASKER
    return _Grant.ACCOUNT if by_account else _Grant.NOBODY


def _named(policy: Attached) -> str:
    return f"{policy.owner} policy {policy.name}"


def _place(policy: str, statement: Statement, number: int) -> str:
    return f"{policy}, statement {statement.sid or number}"
