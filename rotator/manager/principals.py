"""Principals, groups and their policies: who there is besides those who hold the store."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rotator.access import credentials as made
from rotator.errors import (
    InvalidParameter,
    LimitExceeded,
    ResourceExists,
    ResourceNotFound,
    ValidationError,
)
from rotator.manager.identifying import Identifying, Named, account_of, find_principal
from rotator.manager.refusals import audited
from rotator.model.caller import Caller
from rotator.model.policy_check import checked_identity_policy
from rotator.store import identities
from rotator.store.principal_rows import Identities, Kind, Principal
from rotator.store.store import Tx

ADMINISTRATOR = "administrator"
"""The name of the policy that an administrator has."""

EVERYTHING = (
    '{"Version": "2012-10-17", "Statement": [{"Sid": "Everything", "Effect": "Allow", '
    '"Action": "secretsmanager:*", "Resource": "*"}]}'
)
"""What it says."""

# IAM's limits: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]{1,64}")
_LONGEST_POLICY = 10_240
_MOST_POLICIES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class PrincipalDescription:
    """A principal or group.

    Attributes:
        kind: `user` or `group`.
        groups: those that a user is in.
        policies: name → document, its own alone.
        access_keys: how many it has.
    """

    name: str
    kind: str
    account: str
    arn: str
    unique_id: str
    disabled: bool
    created_at: datetime
    groups: tuple[str, ...]
    policies: Mapping[str, str]
    access_keys: int


class Principals(Identifying):
    """How principals and groups come and go, and what they may."""

    @audited("CreatePrincipal")
    def create_principal(
        self,
        *,
        caller: Caller,
        request_id: str,
        principal: str,
        account: str | None = None,
        group: bool = False,
        policies: Mapping[str, str] | None = None,
    ) -> PrincipalDescription:
        """A new principal, or a group, which may nothing but what the policies say.

        Args:
            account: that it is in; None for the caller's.
            policies: name → document.

        Raises:
            MalformedPolicyDocument: one of the policies is none.
            ResourceExists: there is one of this name.
            ValidationError: a name or the account can't be one.
        """
        named = Named(account_of(account, caller), principal, _kind(group=group))
        given = {_checked(name): _document(text) for name, text in (policies or {}).items()}

        def change(tx: Tx, known: Identities) -> Mapping[str, Any]:
            if known.find(account=named.account, name=principal, kind=named.kind) is not None:
                raise ResourceExists(
                    f"There is a {named.kind} {principal} in account {named.account} already."
                )
            identities.add(
                tx,
                account=named.account,
                kind=named.kind,
                name=_checked(principal),
                unique_id=made.new_group_id() if group else made.new_user_id(),
                policies=given,
            )
            return {"kind": named.kind, "policies": sorted(given)}

        after = self._change_identities(
            "CreatePrincipal", caller, request_id, change, principal=principal
        )
        return _described(after, find_principal(after, named))

    @audited("DeletePrincipal")
    def delete_principal(
        self,
        *,
        caller: Caller,
        request_id: str,
        principal: str,
        account: str | None = None,
        group: bool = False,
    ) -> None:
        """Removes a principal with its keys and policies, or a group, which its members lose.

        Raises:
            ResourceNotFound: there is none of this name.
        """
        named = Named(account_of(account, caller), principal, _kind(group=group))

        def change(tx: Tx, known: Identities) -> Mapping[str, Any]:
            found = find_principal(known, named)
            for member in known.members(found) if group else ():
                left = [name for name in member.groups if name != found.name]
                identities.write(tx, member, groups=left)
            identities.remove(tx, found)
            return {"kind": named.kind, "arn": found.arn}

        self._change_identities("DeletePrincipal", caller, request_id, change, principal=principal)

    @audited("ListPrincipals")
    def list_principals(self, *, caller: Caller, request_id: str) -> Sequence[PrincipalDescription]:
        """All principals and groups of all accounts, by account, kind and name.

        Raises:
            RowAltered: they are not as they were written.
        """
        known = self._known("ListPrincipals", caller, request_id)
        found = sorted(
            known.principals.values(), key=lambda each: (each.account, each.kind, each.name)
        )
        return [_described(known, each) for each in found]

    @audited("SetPrincipalStatus")
    def set_principal_status(
        self,
        *,
        caller: Caller,
        request_id: str,
        principal: str,
        disabled: bool,
        account: str | None = None,
    ) -> PrincipalDescription:
        """Lets a principal in, or keeps it out, with all of its keys and temporary credentials.

        Raises:
            ResourceNotFound: there is none of this name.
        """
        return self._alter(
            "SetPrincipalStatus",
            caller,
            request_id,
            Named(account_of(account, caller), principal, Kind.USER),
            lambda _known, _found: {"disabled": disabled},
            disabled=disabled,
        )

    @audited("SetGroupMembership")
    def set_group_membership(
        self,
        *,
        caller: Caller,
        request_id: str,
        principal: str,
        group: str,
        member: bool,
        account: str | None = None,
    ) -> PrincipalDescription:
        """Puts a principal into a group, or takes it out.

        Raises:
            ResourceNotFound: there is no principal or group of this name.
        """
        where = account_of(account, caller)

        def altered(known: Identities, user: Principal) -> Mapping[str, Any]:
            name = find_principal(known, Named(where, group, Kind.GROUP)).name
            left = {each for each in user.groups if each != name} | ({name} if member else set())
            return {"groups": sorted(left)}

        return self._alter(
            "SetGroupMembership",
            caller,
            request_id,
            Named(where, principal, Kind.USER),
            altered,
            group=group,
            member=member,
        )

    @audited("PutPrincipalPolicy")
    def put_principal_policy(
        self,
        *,
        caller: Caller,
        request_id: str,
        principal: str,
        policy_name: str,
        document: str,
        account: str | None = None,
        group: bool = False,
    ) -> PrincipalDescription:
        """Gives a principal or group a policy, in place of the one of this name.

        Raises:
            LimitExceeded: it has 20 already.
            MalformedPolicyDocument: the text is no policy, or has a condition that can't mean anything here.
            ResourceNotFound: there is no principal or group of this name.
            ValidationError: the name can't be one.
        """
        text, name = _document(document), _checked(policy_name)
        kind = _kind(group=group)

        def altered(_known: Identities, found: Principal) -> Mapping[str, Any]:
            policies = {**found.policies, name: text}
            if len(policies) > _MOST_POLICIES:
                raise LimitExceeded(f"A {kind} has at most {_MOST_POLICIES} policies.")
            return {"policies": policies}

        return self._alter(
            "PutPrincipalPolicy",
            caller,
            request_id,
            Named(account_of(account, caller), principal, kind),
            altered,
            kind=kind,
            policy=name,
        )

    @audited("DeletePrincipalPolicy")
    def delete_principal_policy(
        self,
        *,
        caller: Caller,
        request_id: str,
        principal: str,
        policy_name: str,
        account: str | None = None,
        group: bool = False,
    ) -> PrincipalDescription:
        """Takes a policy off a principal or group.

        Raises:
            ResourceNotFound: there is no principal or group of this name, or it has no such policy.
        """
        kind = _kind(group=group)

        def altered(_known: Identities, found: Principal) -> Mapping[str, Any]:
            if policy_name not in found.policies:
                raise ResourceNotFound(f"{principal} has no policy {policy_name}.")
            left = {name: text for name, text in found.policies.items() if name != policy_name}
            return {"policies": left}

        return self._alter(
            "DeletePrincipalPolicy",
            caller,
            request_id,
            Named(account_of(account, caller), principal, kind),
            altered,
            kind=kind,
            policy=policy_name,
        )

    def _alter(
        self,
        event: str,
        caller: Caller,
        request_id: str,
        named: Named,
        altered: Callable[[Identities, Principal], Mapping[str, Any]],
        **told: object,
    ) -> PrincipalDescription:
        """Writes those columns of one principal or group; its record has what is told beside it."""

        def change(tx: Tx, known: Identities) -> Mapping[str, Any]:
            found = find_principal(known, named)
            identities.write(tx, found, **altered(known, found))
            return told

        after = self._change_identities(event, caller, request_id, change, principal=named.name)
        return _described(after, find_principal(after, named))


def _kind(*, group: bool) -> Kind:
    return Kind.GROUP if group else Kind.USER


def _checked(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise ValidationError(
            "The names of principals, groups and policies have 1 to 64 letters, digits and characters of _+=,.@-"
        )
    return name


def _document(text: str) -> str:
    if len(text) > _LONGEST_POLICY:
        raise InvalidParameter(f"A policy has at most {_LONGEST_POLICY:,} characters.")
    checked_identity_policy(text)
    return text


def _described(known: Identities, found: Principal) -> PrincipalDescription:
    return PrincipalDescription(
        name=found.name,
        kind=found.kind,
        account=found.account,
        arn=found.arn,
        unique_id=found.unique_id,
        disabled=found.disabled,
        created_at=found.created_at,
        groups=found.groups,
        policies=found.policies,
        access_keys=len(known.keys_of(found)),
    )
